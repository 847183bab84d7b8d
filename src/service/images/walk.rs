//! A second reading of pictures, for tests: lists their parts and shares no code with what cleans them.

use crate::domain::FileKind;

/// A part of a picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Named(String),
    Frame(Vec<String>),
}

impl Part {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Frame(_) => "ANMF".to_owned(),
        }
    }

    /// Whether a cleaned picture may have this part.
    pub(super) fn is_needed(&self, kind: FileKind) -> bool {
        let allowed: &[&str] = match kind {
            FileKind::Jpeg => &[
                "SOI", "EOI", "data", "c0", "c1", "c2", "c3", "c9", "ca", "c4", "cc", "db", "dd", "da", "e0", "e1",
                "e2", "ee",
            ],
            FileKind::Png => &[
                "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cICP", "cHRM", "sRGB", "mDCV", "cLLI", "iCCP", "eXIf",
                "acTL", "fcTL", "fdAT",
            ],
            FileKind::WebP => &["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ICCP"],
            FileKind::Gif => &["screen", "frame", "f9", "ff", "end"],
            _ => &[],
        };
        match self {
            Self::Named(name) => allowed.contains(&name.as_str()),
            Self::Frame(inner) => inner.iter().all(|name| ["VP8 ", "VP8L", "ALPH"].contains(&name.as_str())),
        }
    }
}

/// The parts of a cleaned picture. Panics where its structure is broken.
pub(super) fn parts(kind: FileKind, bytes: &[u8]) -> Vec<Part> {
    let names = match kind {
        FileKind::Jpeg => jpeg(bytes),
        FileKind::Png => png(bytes),
        FileKind::Gif => gif(bytes),
        FileKind::WebP => return webp(bytes),
        other => panic!("{other:?} is no picture"),
    };
    names.into_iter().map(Part::Named).collect()
}

fn jpeg(bytes: &[u8]) -> Vec<String> {
    let (mut names, mut at) = (vec!["SOI".to_owned()], 2);
    loop {
        assert_eq!(bytes[at], 0xff, "a marker at {at}");
        let marker = bytes[at + 1];
        if marker == 0xd9 {
            assert_eq!(at + 2, bytes.len(), "nothing behind the end");
            names.push("EOI".to_owned());
            return names;
        }
        names.push(format!("{marker:02x}"));
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if marker == 0xda {
            names.push("data".to_owned());
            while bytes[at] != 0xff || matches!(bytes[at + 1], 0 | 0xd0..=0xd7 | 0xff) {
                at += 1;
            }
        }
    }
}

fn png(bytes: &[u8]) -> Vec<String> {
    let (mut names, mut at) = (Vec::new(), 8);
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four")) as usize;
        let checked = &bytes[at + 4..at + 8 + length];
        let mut crc = flate2::Crc::new();
        crc.update(checked);
        assert_eq!(bytes[at + 8 + length..at + 12 + length], crc.sum().to_be_bytes(), "a checksum");
        names.push(String::from_utf8_lossy(&checked[..4]).into_owned());
        at += 12 + length;
    }
    names
}

fn riff(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let (mut chunks, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four")) as usize;
        let end = (at + 8 + length).min(bytes.len());
        chunks.push((String::from_utf8_lossy(&bytes[at..at + 4]).into_owned(), &bytes[at + 8..end]));
        at += 8 + length + length % 2;
    }
    assert!(at >= bytes.len(), "nothing behind the last chunk, which may be cut");
    chunks
}

fn webp(bytes: &[u8]) -> Vec<Part> {
    let length = u32::from_le_bytes(bytes[4..8].try_into().expect("four")) as usize;
    assert!(length + 8 >= bytes.len(), "nothing behind the picture, which may be cut");
    let chunks = riff(&bytes[12..]);
    if chunks[0].0 == "VP8X" {
        let has = |name: &str| chunks.iter().any(|(kind, _)| kind == name);
        let flags = chunks[0].1[0];
        assert_eq!((flags & 0x20 != 0, flags & 0x02 != 0), (has("ICCP"), has("ANMF")), "what the flags announce");
        assert_eq!(flags & !0x32, 0, "no other flags");
    }
    let part = |(kind, contents): (String, &[u8])| match kind.as_str() {
        "ANMF" => Part::Frame(riff(&contents[16..]).into_iter().map(|(kind, _)| kind).collect()),
        _ => Part::Named(kind),
    };
    chunks.into_iter().map(part).collect()
}

fn gif(bytes: &[u8]) -> Vec<String> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let blocks = |mut at: usize| {
        while bytes[at] != 0 {
            at += 1 + usize::from(bytes[at]);
        }
        at + 1
    };
    let (mut names, mut at) = (vec!["screen".to_owned()], 13 + table(bytes[10]));
    loop {
        match bytes[at] {
            0x3b => {
                assert_eq!(at + 1, bytes.len(), "nothing behind the end");
                names.push("end".to_owned());
                return names;
            }
            0x2c => {
                names.push("frame".to_owned());
                at = blocks(at + 10 + table(bytes[at + 9]) + 1);
            }
            0x21 => {
                names.push(format!("{:02x}", bytes[at + 1]));
                at = blocks(at + 2);
            }
            other => panic!("{other:x} at {at}"),
        }
    }
}
