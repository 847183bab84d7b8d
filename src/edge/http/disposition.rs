//! `Content-Disposition` of a form's parts, as clients write it rather than as standards have it.

use super::file_name::{decode_extended, decode_plain};

/// What names a part of a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    /// The name of its field.
    pub(super) name: String,
    /// The name of its file; `None` for a field that is no file.
    pub(super) file_name: Option<String>,
}

impl Disposition {
    /// Parses a header. `None` unless it names a field of a form.
    pub(super) fn parse(header: &[u8]) -> Option<Self> {
        let mut rest = header.strip_prefix(b"form-data").or_else(|| {
            let (kind, rest) = header.split_at_checked(b"form-data".len())?;
            kind.eq_ignore_ascii_case(b"form-data").then_some(rest)
        })?;
        let (mut name, mut plain, mut extended) = (None, None, None);
        while let Some((key, value, after)) = parameter(rest) {
            match key.to_ascii_lowercase().as_slice() {
                b"name" => name = name.or(Some(String::from_utf8_lossy(&value).into_owned())),
                b"filename" => plain = plain.or(Some(value)),
                b"filename*" => extended = extended.or_else(|| decode_extended(&value)),
                _ => {}
            }
            rest = after;
        }
        Some(Self { name: name?, file_name: extended.or_else(|| plain.map(|bytes| decode_plain(&bytes))) })
    }
}

/// The first parameter of a list, and what follows it.
fn parameter(list: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let list = list.trim_ascii_start().strip_prefix(b";")?.trim_ascii_start();
    let equals = list.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (list[..equals].trim_ascii(), list[equals + 1..].trim_ascii_start());
    let (value, rest) = match value.strip_prefix(b"\"") {
        Some(quoted) => unquoted(quoted),
        None => {
            let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
            (value[..end].trim_ascii_end().to_vec(), &value[end..])
        }
    };
    Some((key, value, rest))
}

/// A text up to its closing quote, and what follows that. Only quotes and backslashes are escaped: other backslashes are
/// those of Windows paths. Half a character of GBK may look like one before the closing quote; then the last quote ends
/// the text.
fn unquoted(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match &text[at..] {
            [b'\\', escaped @ (b'"' | b'\\'), ..] => {
                value.push(*escaped);
                at += 2;
            }
            [b'"', rest @ ..] => return (value, rest),
            [byte, ..] => {
                value.push(*byte);
                at += 1;
            }
            [] => break,
        }
    }
    let end = text.iter().rposition(|byte| *byte == b'"').unwrap_or(text.len());
    (text[..end].to_vec(), text.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_name(parameters: &[u8]) -> Option<String> {
        Disposition::parse(&[b"form-data; name=\"file\"", parameters].concat()).and_then(|it| it.file_name)
    }

    #[test]
    fn file_names_are_read_as_clients_write_them() {
        let cases: [(&[u8], &str); 22] = [
            (b"; filename=\"a.png\"", "a.png"),
            (b"; filename=a.png", "a.png"),
            (b" ;filename = \"a b.png\" ; x=y", "a b.png"),
            (b"; FileName=\"a.png\"", "a.png"),
            ("; filename=\"图片.png\"".as_bytes(), "图片.png"),
            (b"; filename=\"a\\\"b.png\"", "a\"b.png"),
            (b"; filename=\"C:\\new\\table.png\"", "C:\\new\\table.png"),
            (b"; filename=\"C:\\\\new\\\\table.png\"", "C:\\new\\table.png"),
            (b"; filename=\"a;b=c.png\"", "a;b=c.png"),
            // Browsers.
            (b"; filename=\"a%22b.png\"", "a\"b.png"),
            // RFC 5987, before or after the plain name.
            (b"; filename=\"x.png\"; filename*=UTF-8''%E5%9B%BE.png", "图.png"),
            (b"; filename*=utf-8'zh'%E5%9B%BE.png; filename=\"x.png\"", "图.png"),
            (b"; filename*=\"UTF-8''%E5%9B%BE.png\"", "图.png"),
            (b"; filename*=ISO-8859-1''%e9t%e9.png", "été.png"),
            (b"; filename*=nonsense; filename=\"x.png\"", "x.png"),
            // .NET: RFC 2047, with quotes inside quotes or without.
            (b"; filename=\"=?utf-8?B?5Zu+54mHLnBuZw==?=\"", "图片.png"),
            (b"; filename==?utf-8?B?5Zu+54mHLnBuZw==?=", "图片.png"),
            (b"; filename=\"=?UTF-8?Q?=E5=9B=BE_1.png?=\"", "图 1.png"),
            // aiohttp, older requests.
            (b"; filename=\"%E5%9B%BE%E7%89%87.png\"", "图片.png"),
            (b"; filename=\"100%.png\"", "100%.png"),
            // GBK, also with half a character that looks like a backslash.
            (b"; filename=\"\xb1\xa8\xb8\xe6.png\"", "报告.png"),
            (b"; filename=\"\x81\x5c\"", "乗"),
        ];
        for (parameters, expected) in cases {
            let found = file_name(parameters);
            assert_eq!(found.as_deref(), Some(expected), "{}", String::from_utf8_lossy(parameters));
        }
    }

    #[test]
    fn a_field_without_a_file_name_is_no_file() {
        assert_eq!(file_name(b""), None);
        assert_eq!(file_name(b"; filename=\"\"").as_deref(), Some(""));
        assert_eq!(Disposition::parse(b"Form-Data; name=a").map(|it| it.name).as_deref(), Some("a"));
        for bad in [&b"attachment; name=\"a\""[..], b"form-data", b"form-data; filename=\"a\"", b"", b"form-datax"] {
            assert_eq!(Disposition::parse(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn broken_headers_are_harmless() {
        for end in 0..30 {
            let header = &b"form-data; name=\"f\"; filename*=UTF-8''%E5%9B%BE.png; filename=\"=?utf-8?B?5Zu+?=\""[..];
            Disposition::parse(&header[..header.len() - end]);
            Disposition::parse(&header[..end]);
        }
    }
}
