//! Texts in Slack's format.

/// Returns a text of Slack's as people read it. Links, which are between `<` and `>`, become `label (address)`, or the address where
/// there is no label; `&lt;`, `&gt;` and `&amp;` become what they stand for. Everything else stays as it is.
pub(super) fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        readable.push_str(&without_entities(before));
        rest = match after.split_once('>').and_then(|(inside, after)| Some((link(inside)?, after))) {
            Some((link, after)) => {
                readable.push_str(&without_entities(&link));
                after
            }
            None => {
                readable.push('<');
                after
            }
        };
    }
    readable.push_str(&without_entities(rest));
    readable
}

/// The link between `<` and `>`; `None` if it is none.
fn link(inside: &str) -> Option<String> {
    let (address, label) = inside.split_once('|').unwrap_or((inside, ""));
    let shown = address.strip_prefix("mailto:").unwrap_or(address);
    if shown == address && !address.starts_with("https://") && !address.starts_with("http://") {
        return None;
    }
    Some(if label.is_empty() || label == shown { shown.to_owned() } else { format!("{label} ({shown})") })
}

fn without_entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_shown_with_their_label() {
        for (text, shown) in [
            ("see <https://ci.example/7?a=1&amp;b=2|build 7>.", "see build 7 (https://ci.example/7?a=1&b=2)."),
            ("<https://ci.example/7>", "https://ci.example/7"),
            (
                "<mailto:bob@chat.example|bob@chat.example>, <mailto:a@b.example|Al>",
                "bob@chat.example, Al (a@b.example)",
            ),
            ("<https://a.example|>", "https://a.example"),
            ("<!here> 1 < 2 <b> <https://a", "<!here> 1 < 2 <b> <https://a"),
            ("<javascript:alert(1)|x>", "<javascript:alert(1)|x>"),
            ("<", "<"),
        ] {
            assert_eq!(readable(text), shown);
        }
    }

    #[test]
    fn entities_are_replaced_once() {
        assert_eq!(readable("a &lt;b&gt; &amp;amp; &amp;lt; &quot;"), "a <b> &amp; &lt; &quot;");
        assert_eq!(readable("&lt;https://a.example|x&gt;"), "<https://a.example|x>");
    }
}
