//! Documents as programs write them, and files that only look like them.

use super::{Rest, Text, check_start, check_whole};
use crate::domain::{Charset, FileKind, Result};

/// An archive with these entries, which are stored.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in entries {
        let lengths = [
            u32::try_from(contents.len()).expect("short").to_le_bytes(),
            u32::try_from(contents.len()).expect("short").to_le_bytes(),
        ]
        .concat();
        let offset = u32::try_from(archive.len()).expect("short");
        let named = [&u16::try_from(name.len()).expect("short").to_le_bytes()[..], &[0, 0]].concat();
        archive.extend(
            [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0", &lengths[..], &named, name.as_bytes(), contents].concat(),
        );
        directory.extend([b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0", &lengths[..], &named].concat());
        directory.extend([&[0; 10][..], &offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let (size, start) = (directory.len() as u32, archive.len() as u32);
    let count = (entries.len() as u16).to_le_bytes();
    archive.extend(&directory);
    archive.extend(
        [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]].concat(),
    );
    archive
}

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
const TEXT: (&str, &[u8]) = ("word/document.xml", b"<w:document/>");
const TABLE: (&str, &[u8]) = ("xl/workbook.xml", b"<workbook/>");

fn office(bytes: &[u8]) -> Option<FileKind> {
    [FileKind::Docx, FileKind::Xlsx].into_iter().find(|kind| {
        matches!(check_start(*kind, &bytes[..bytes.len().min(64 * 1024)]), Ok(Rest::Whole))
            && check_whole(*kind, bytes).is_ok()
    })
}

#[test]
fn office_files_have_any_order_and_size() {
    let large = vec![b'x'; 300_000];
    let inner_table = zip(&[TYPES, TABLE]);
    let inner_text = zip(&[TYPES, TEXT]);
    let many: Vec<(String, &[u8])> = (0..3000).map(|n| (format!("word/media/image{n}.png"), b"x".as_slice())).collect();
    let mut many: Vec<(&str, &[u8])> = many.iter().map(|(name, contents)| (name.as_str(), *contents)).collect();
    many.push(TYPES);
    let commented = [&zip(&[TYPES, TEXT])[..], b""].concat();
    let comment = b"a comment PK\x05\x06";
    let at = commented.len() - 2;
    let commented = [&commented[..at], &(comment.len() as u16).to_le_bytes(), comment].concat();
    let cases = [
        ("types first", FileKind::Docx, zip(&[TYPES, TEXT])),
        ("types last", FileKind::Docx, zip(&[TEXT, ("word/media/a.png", &large), TYPES])),
        ("a table with types last", FileKind::Xlsx, zip(&[("xl/media/a.png", &large), TABLE, TYPES])),
        ("an embedded table", FileKind::Docx, zip(&[TYPES, ("word/embeddings/a.xlsx", &inner_table), TEXT])),
        ("an embedded text", FileKind::Xlsx, zip(&[("xl/embeddings/a.docx", &inner_text), TABLE, TYPES])),
        ("many entries", FileKind::Docx, zip(&many)),
        ("a comment", FileKind::Docx, commented),
        ("separators of Windows", FileKind::Docx, zip(&[TYPES, ("word\\document.xml", b"x")])),
        ("another main part", FileKind::Docx, zip(&[TYPES, ("word/document2.xml", b"x")])),
    ];
    for (what, kind, bytes) in cases {
        assert_eq!(office(&bytes), Some(kind), "{what}");
    }
}

#[test]
fn other_archives_are_no_office_files() {
    let whole = zip(&[TYPES, TEXT]);
    let in_contents = zip(&[("a.txt", b"[Content_Types].xml word/document.xml")]);
    for (what, bytes) in [
        ("any archive", zip(&[("a.txt", b"x")])),
        ("names in the contents only", in_contents),
        ("an Office file inside", zip(&[("a.docx", &whole)])),
        ("no types", zip(&[TEXT])),
        ("types alone", zip(&[TYPES])),
        ("a presentation", zip(&[TYPES, ("ppt/presentation.xml", b"x")])),
        ("both", zip(&[TYPES, TEXT, TABLE])),
        ("an empty folder", zip(&[TYPES, ("word/", b"")])),
        ("a similar folder", zip(&[TYPES, ("words/a", b"")])),
        ("a program with an archive behind it", [b"MZ", &whole[..]].concat()),
        ("bytes behind the archive", [&whole[..], b"x"].concat()),
        ("nothing", Vec::new()),
        ("the start of an archive", b"PK\x03\x04".to_vec()),
    ] {
        assert_eq!(office(&bytes), None, "{what}");
    }
    for end in 0..whole.len() {
        assert_eq!(office(&whole[..end]), None, "cut at {end}");
    }
}

#[test]
fn damaged_archives_are_harmless() {
    let whole = zip(&[TEXT, TYPES]);
    for at in 0..whole.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            office(&damaged);
        }
    }
}

/// The charset of a text that arrives in pieces of `size`.
fn text(bytes: &[u8], size: usize) -> Result<Option<Charset>> {
    let mut text: Text = match check_start(FileKind::Txt, &bytes[..bytes.len().min(64)])? {
        Rest::Text(text) => text,
        Rest::Whole | Rest::Unchecked => panic!("a text is checked as a text"),
    };
    for chunk in bytes.chunks(size) {
        text.check(chunk)?;
    }
    text.finish()
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
}

#[test]
fn texts_show_their_charset_whatever_the_pieces() {
    let gbk = b"\xc4\xe3\xba\xc3\r\n";
    let cases: [(&str, Vec<u8>, Option<Charset>); 13] = [
        ("ASCII", b"BMW and MZ notes\r\n\t\x0c\x1b[0m".to_vec(), Some(Charset::Utf8)),
        ("nothing", Vec::new(), Some(Charset::Utf8)),
        ("UTF-8", "你好 👋".into(), Some(Charset::Utf8)),
        ("UTF-8 with a mark", "\u{feff}你好".into(), Some(Charset::Utf8)),
        ("GBK", gbk.to_vec(), None),
        ("half a character of UTF-8", "你好".as_bytes()[..5].to_vec(), None),
        ("UTF-16", utf16("你好 👋\r\n", u16::to_le_bytes), Some(Charset::Utf16)),
        ("UTF-16, big end first", utf16("hello", u16::to_be_bytes), Some(Charset::Utf16)),
        ("the end of DOS", b"C:\\>dir\r\n\x1a".to_vec(), Some(Charset::Utf8)),
        ("a block of CP/M", b"text\x1a\x1a\x1a".to_vec(), Some(Charset::Utf8)),
        ("the end of DOS in UTF-16", utf16("a\u{1a}", u16::to_le_bytes), Some(Charset::Utf16)),
        ("a piece of HTML", b"<p>Dear all,</p>".to_vec(), Some(Charset::Utf8)),
        ("a comment", b"<!-- todo --> <b>x</b> <html>".to_vec(), Some(Charset::Utf8)),
    ];
    for (what, bytes, charset) in cases {
        for size in [1, 2, 3, 1000] {
            assert_eq!(text(&bytes, size).ok(), Some(charset), "{what}");
        }
    }
    for start in ["<a href", "<div>", "<br>", "<table ", "<h1>", "<title>", "<style>", "<htmlx", "<heading>", "html"] {
        assert!(text(start.as_bytes(), 7).is_ok(), "{start}");
    }
}

#[test]
fn other_files_are_no_texts() {
    for (what, bytes) in [
        ("a program", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("NUL", b"a\0b".to_vec()),
        ("text behind the end of DOS", b"a\x1ab".to_vec()),
        ("HTML", b"<html><script>alert(1)</script></html>".to_vec()),
        ("HTML behind white space", b"\r\n  <!DOCTYPE html>".to_vec()),
        ("HTML behind a mark", "\u{feff}<HTML>".into()),
        ("a script", b"<script>alert(1)</script>".to_vec()),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("XML", b"<?xml version=\"1.0\"?>".to_vec()),
        ("PDF", b"%PDF-1.7\n".to_vec()),
        ("HTML in UTF-16", utf16("<html>", u16::to_le_bytes)),
        ("controls in UTF-16", utf16("a\u{1}", u16::to_be_bytes)),
        ("half a character of UTF-16", utf16("ab", u16::to_le_bytes)[..5].to_vec()),
        ("UTF-16 without a mark", utf16("ab", u16::to_le_bytes)[2..].to_vec()),
        ("UTF-32", b"\xff\xfe\0\0a\0\0\0".to_vec()),
    ] {
        for size in [1, 2, 3, 1000] {
            assert!(text(&bytes, size).is_err(), "{what}");
        }
    }
}

#[test]
fn the_beginning_of_other_documents_must_agree() {
    assert!(matches!(check_start(FileKind::Pdf, b"%PDF-1.7\n"), Ok(Rest::Unchecked)));
    assert!(check_start(FileKind::Pdf, b"MZ").is_err());
    assert!(check_start(FileKind::Doc, b"PK\x03\x04").is_err());
    assert!(check_start(FileKind::Docx, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").is_err());
    // Pictures are recognised by their content alone, and these are none.
    assert!(check_start(FileKind::Jpeg, b"anything").is_err());
}
