//! Where a search finds a name: at any of its words, and at any character of scripts that put no spaces between words.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

use super::text::folded;

/// Maximum number of characters of a part that indexes keep, which bounds what a long name costs.
const PART_MAX_CHARS: usize = 32;

/// The text of a search, folded like the names that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameQuery(String);

impl NameQuery {
    /// Reads the text of a search; may be empty.
    pub fn new(text: &str) -> Self {
        Self(folded(text).split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Whether the text is empty, which every name matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As much of the text as indexes keep of a name.
    pub fn start(&self) -> String {
        self.0.chars().take(PART_MAX_CHARS).collect()
    }

    /// Whether a name has a part that begins with the text.
    pub fn matches(&self, name: &str) -> bool {
        let name = folded(name);
        starts(&name).into_iter().any(|at| name[at..].starts_with(&self.0)) || name.starts_with(&self.0)
    }
}

/// The parts of a folded name, but for the whole, that begin where a search finds it.
pub fn name_parts(folded: &str) -> impl Iterator<Item = String> {
    starts(folded).into_iter().filter(|at| *at > 0).map(|at| folded[at..].chars().take(PART_MAX_CHARS).collect())
}

fn starts(name: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut is_in_word = false;
    for (at, c) in name.char_indices() {
        let continues =
            c.general_category_group() == GeneralCategoryGroup::Mark || matches!(c, '\u{200c}' | '\u{200d}');
        if continues {
            continue;
        }
        if c.is_alphanumeric() && (!is_in_word || has_no_spaces(c)) {
            starts.push(at);
        }
        is_in_word = c.is_alphanumeric();
    }
    starts
}

/// Whether a character is of a script that puts no spaces between words.
pub(super) fn has_no_spaces(c: char) -> bool {
    use Script::{Han, Hangul, Hiragana, Katakana, Khmer, Lao, Myanmar, Thai};
    matches!(c.script(), Han | Hangul | Hiragana | Katakana | Khmer | Lao | Myanmar | Thai)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> Vec<String> {
        name_parts(&folded(name)).collect()
    }

    #[test]
    fn names_are_found_at_words_and_at_ideographs() {
        assert_eq!(parts("John Smith"), ["smith"]);
        assert_eq!(parts("王小明"), ["小明", "明"]);
        assert_eq!(parts("Jean-Luc O'Neil"), ["luc o'neil", "o'neil", "neil"]);
        assert_eq!(parts("ශ්‍රී ලංකා"), ["ලංකා"]);
        assert!(parts("alice").is_empty());
        assert_eq!(parts(&"王".repeat(100))[0].chars().count(), PART_MAX_CHARS);
    }

    #[test]
    fn a_query_matches_whatever_its_case_and_width() {
        for (query, name) in
            [("SMITH", "John Smith"), ("ｓｍｉ", "John Smith"), ("john  s", "John Smith"), ("小明", "王小明")]
        {
            assert!(NameQuery::new(query).matches(name), "{query} {name}");
        }
        for (query, name) in [("mith", "John Smith"), ("明王", "王小明"), ("lice", "Alice")] {
            assert!(!NameQuery::new(query).matches(name), "{query} {name}");
        }
    }
}
