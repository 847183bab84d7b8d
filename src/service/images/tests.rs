//! What cleaning keeps and drops, over pictures as programs write them. Each of them says `GPSSECRET` wherever a format has
//! room for it.

use super::walk::{Part, parts};
use super::{clean, exif, kind_of};
use crate::domain::{Error, FileKind};

const SECRET: &[u8] = b"GPSSECRET";

macro_rules! picture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures/", $name)).as_slice()
    };
}

/// The pictures in `tests/pictures`, with the sizes at which they are shown. The first two are turned.
pub(super) const PICTURES: [(FileKind, &[u8], (u32, u32)); 7] = [
    (FileKind::Jpeg, picture!("photo.jpg"), (16, 24)),
    (FileKind::Png, picture!("animated.png"), (16, 24)),
    (FileKind::Png, picture!("still.png"), (24, 16)),
    (FileKind::WebP, picture!("still.webp"), (24, 16)),
    (FileKind::WebP, picture!("lossless.webp"), (24, 16)),
    (FileKind::WebP, picture!("animated.webp"), (24, 16)),
    (FileKind::Gif, picture!("animated.gif"), (4, 4)),
];

fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn cleaned(kind: FileKind, bytes: &[u8]) -> Vec<u8> {
    clean(kind, bytes).expect("a picture").bytes.to_vec()
}

fn is_refused(kind: FileKind, bytes: &[u8]) -> bool {
    matches!(clean(kind, bytes), Err(Error::UnsupportedType))
}

fn names(kind: FileKind, bytes: &[u8]) -> Vec<String> {
    parts(kind, bytes).iter().map(Part::name).collect()
}

#[test]
fn pictures_lose_their_secrets_and_keep_what_draws_them() {
    for (kind, bytes, pixels) in PICTURES {
        let picture = clean(kind, bytes).expect("a picture");
        assert_eq!(kind_of(bytes), Some(kind));
        assert_eq!(picture.pixels, pixels, "{kind:?}");
        assert!(has(bytes, SECRET) && !has(&picture.bytes, SECRET), "{kind:?}");
        assert_eq!(cleaned(kind, &picture.bytes), picture.bytes, "{kind:?} changes when it is cleaned again");
    }
}

#[test]
fn exactly_the_needed_parts_remain() {
    let expected = [
        "SOI e0 e1 e2 db db c0 c4 c4 c4 c4 da data EOI",
        "IHDR acTL eXIf gAMA fcTL IDAT fcTL fdAT IEND",
        "IHDR IDAT IDAT IEND",
        "VP8X ICCP ALPH VP8 ",
        "VP8L",
        "VP8X ANIM ANMF ANMF",
        "screen ff f9 frame f9 frame end",
    ];
    for ((kind, bytes, _), expected) in PICTURES.into_iter().zip(expected) {
        assert_eq!(names(kind, &cleaned(kind, bytes)).join(" ").trim(), expected.trim());
    }
}

/// A JPEG of 3 × 2 pixels with these segments before its frame.
fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let frame: [(u8, &[u8]); 2] = [(0xc0, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0]), (0xda, &[1, 1, 0, 0, 63, 0])];
    let mut jpeg = b"\xff\xd8".to_vec();
    for (marker, contents) in segments.iter().chain(&frame) {
        jpeg.extend([0xff, *marker]);
        jpeg.extend(u16::try_from(contents.len() + 2).expect("short").to_be_bytes());
        jpeg.extend(*contents);
    }
    [&jpeg[..], b"\x12\x34\xff\x00\x56\xff\xd0\x78\xff\xd9"].concat()
}

fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut png = super::png::SIGNATURE.to_vec();
    for (kind, contents) in chunks {
        let mut crc = flate2::Crc::new();
        crc.update(*kind);
        crc.update(contents);
        png.extend(u32::try_from(contents.len()).expect("short").to_be_bytes());
        png.extend(*kind);
        png.extend(*contents);
        png.extend(crc.sum().to_be_bytes());
    }
    png
}

fn header(width: u32, height: u32) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat()
}

fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, contents) in chunks {
        body.extend(*kind);
        body.extend(u32::try_from(contents.len()).expect("short").to_le_bytes());
        body.extend(*contents);
        body.extend(vec![0; contents.len() % 2]);
    }
    [b"RIFF", &u32::try_from(body.len()).expect("short").to_le_bytes()[..], &body].concat()
}

fn lossless(width: u32, height: u32) -> Vec<u8> {
    [&[0x2f][..], &((width - 1) | ((height - 1) << 14)).to_le_bytes(), b"pixels"].concat()
}

fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
    [&[flags, 0, 0, 0], &(width - 1).to_le_bytes()[..3], &(height - 1).to_le_bytes()[..3]].concat()
}

fn gif(width: u16, height: u16, frame: (u16, u16)) -> Vec<u8> {
    let sizes = |a: u16, b: u16| [a.to_le_bytes(), b.to_le_bytes()].concat();
    [b"GIF89a", &sizes(width, height)[..], b"\0\0\0,\0\0\0\0", &sizes(frame.0, frame.1), b"\0\x02\x02\x44\x01\0;"]
        .concat()
}

#[test]
fn segments_of_a_jpeg_that_do_not_draw_are_dropped() {
    let big = [b"Adobe\0\x64\0\0\0\0\x01", SECRET].concat();
    let dropped: [(u8, &[u8]); 19] = [
        (0xe0, b"JFXX\0\x10GPSSECRET"),
        (0xe0, b"II\x1a\0\0\0HEAPJPGMGPSSECRET"),
        (0xe0, b"JFIF\0GPSSECRE"),
        (0xe0, b"AVI1GPSSECRET"),
        (0xe1, b"Exif\0\0GPSSECRET"),
        (0xe1, b"http://ns.adobe.com/xap/1.0/\0GPSSECRET"),
        (0xe2, b"MPF\0GPSSECRET"),
        (0xe2, b"FPXR\0GPSSECRET"),
        (0xe3, b"GPSSECRET"),
        (0xe8, b"SPIFF\0GPSSECRET"),
        (0xeb, b"JP\0\0GPSSECRET"),
        (0xed, b"Photoshop 3.0\0GPSSECRET"),
        (0xee, b"AdobeGPSSE"),
        (0xee, b"GPSSECRETGPSSECRET"),
        (0xef, b"GPSSECRET"),
        (0xfe, b"GPSSECRET"),
        (0x02, b"GPSSECRET"),
        (0xf7, b"GPSSECRET"),
        (0xdc, b"GPSSECRET"),
    ];
    for (marker, contents) in dropped {
        let output = cleaned(FileKind::Jpeg, &jpeg(&[(marker, contents)]));
        assert_eq!(output, jpeg(&[]), "{marker:x} {}", String::from_utf8_lossy(contents));
    }
    let icc = b"ICC_PROFILE\0\x01\x01profile";
    assert_eq!(cleaned(FileKind::Jpeg, &jpeg(&[(0xe2, icc)])), jpeg(&[(0xe2, icc)]));
    assert_eq!(cleaned(FileKind::Jpeg, &jpeg(&[(0xee, &big)])), jpeg(&[(0xee, &big[..12])]));
    let (thumbnail, plain) = (b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01abc", b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    assert_eq!(cleaned(FileKind::Jpeg, &jpeg(&[(0xe0, thumbnail)])), jpeg(&[(0xe0, plain)]));
}

#[test]
fn tables_of_a_jpeg_hide_nothing() {
    for marker in [super::tables::QUANTISATION_TABLES, super::tables::HUFFMAN_TABLES, super::tables::RESTART_INTERVAL] {
        assert!(is_refused(FileKind::Jpeg, &jpeg(&[(marker, SECRET)])), "{marker:x}");
    }
    assert!(is_refused(FileKind::Jpeg, &jpeg(&[(0xc0, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0])])), "two frames");
    assert!(is_refused(FileKind::Jpeg, &jpeg(&[(0xda, &[1, 1, 0, 0, 63, 0])])), "a scan before the frame");
    assert!(is_refused(FileKind::Jpeg, &jpeg(&[(0xd8, b"")])), "two pictures");
}

#[test]
fn broken_rules_that_browsers_forgive_are_forgiven() {
    let whole = jpeg(&[]);
    let end = whole.len() - 2;
    let filled = |at: usize| [&whole[..at], b"\xff\xff\xff", &whole[at..]].concat();
    let rubbish = |at: usize| [&whole[..at], b"rubbish", &whole[at..]].concat();
    for (what, bytes) in [
        ("fill bytes before a segment", filled(2)),
        ("fill bytes before the end", filled(end)),
        ("fill bytes before the scan", filled(2 + 2 + 11)),
        ("bytes between segments", rubbish(2 + 2 + 11)),
        ("no end", whole[..end].to_vec()),
        ("half an end", whole[..end + 1].to_vec()),
        ("bytes behind the end", [&whole[..], SECRET].concat()),
        ("a second picture behind the end", [&whole[..], &whole].concat()),
        ("a segment behind the scan", [&whole[..end], b"\xff\xe1\x00\x0bGPSSECRET", &whole[end..]].concat()),
    ] {
        assert_eq!(cleaned(FileKind::Jpeg, &bytes), whole, "{what}");
    }
    let half = cleaned(FileKind::Jpeg, &whole[..end - 3]);
    assert!(half.ends_with(b"\xff\xd9") && half.starts_with(&whole[..end - 4]), "cut in the scan");

    let whole = png(&[(b"IHDR", &header(3, 2)), (b"IDAT", b"\x78\x9cabcdef"), (b"IEND", b"")]);
    let end = whole.len() - 12;
    assert_eq!(cleaned(FileKind::Png, &whole[..end]), whole[..end]);
    let cut = png(&[(b"IHDR", &header(3, 2)), (b"IDAT", b"\x78\x9cabc")]);
    assert_eq!(cleaned(FileKind::Png, &whole[..end - 7]), cut);
    assert!(is_refused(FileKind::Png, &png(&[(b"IHDR", &header(3, 2)), (b"IDAT", b"nothing to draw")])));

    let whole = webp(&[(b"VP8L", &lossless(3, 2))]);
    for end in whole.len() - 6..whole.len() - 1 {
        assert_eq!(cleaned(FileKind::WebP, &whole[..end]), whole[..end], "cut at {end}");
    }

    let whole = gif(2, 1, (2, 1));
    let end = whole.len() - 1;
    for (what, bytes) in [
        ("no trailer", whole[..end].to_vec()),
        ("bytes behind the trailer", [&whole[..], SECRET].concat()),
        ("something else behind a frame", [&whole[..end], b"\0GPSSECRET;"].concat()),
        ("no end of the data", whole[..end - 1].to_vec()),
        ("a cut extension", [&whole[..end], b"!\xfe\x20GPS"].concat()),
        ("a cut frame", [&whole[..end], b",\0\0"].concat()),
    ] {
        assert_eq!(cleaned(FileKind::Gif, &bytes), whole, "{what}");
    }
    assert!(clean(FileKind::Gif, &whole[..end - 2]).is_ok(), "cut in the data");
    assert_eq!(clean(FileKind::Gif, &gif(0, 0, (2, 1))).expect("a picture").pixels, (2, 1));
    assert_eq!(clean(FileKind::Gif, &gif(1, 1, (3, 2))).expect("a picture").pixels, (3, 2));
}

#[test]
fn orientation_is_all_that_is_kept_of_exif() {
    for turned in 2..=8 {
        let tiff = [&exif::tiff_with(turned)[..], SECRET].concat();
        let clean_tiff = exif::tiff_with(turned);
        let (long, short) = ([b"Exif\0\0", &tiff[..]].concat(), [b"Exif\0\0", &clean_tiff[..]].concat());
        assert_eq!(cleaned(FileKind::Jpeg, &jpeg(&[(0xe1, &long)])), jpeg(&[(0xe1, &short)]));
        let with = |exif: &[u8]| png(&[(b"IHDR", &header(3, 2)), (b"eXIf", exif), (b"IDAT", b"x"), (b"IEND", b"")]);
        assert_eq!(cleaned(FileKind::Png, &with(&tiff)), with(&clean_tiff));
        // Browsers do not read this form in a PNG.
        assert!(!has(&cleaned(FileKind::Png, &with(&long)), b"eXIf"));
    }
    let many: Vec<(u8, &[u8])> = vec![(0xe1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"); 1000];
    super::reader::tests::take_work();
    cleaned(FileKind::Jpeg, &jpeg(&many));
    assert!(super::reader::tests::take_work() < 200_000, "directories that lie about their size cost nothing");
}

#[test]
fn the_size_is_the_one_at_which_a_picture_is_shown() {
    let png_with = |exif: &[u8]| png(&[(b"IHDR", &header(3, 2)), (b"eXIf", exif), (b"IDAT", b"x"), (b"IEND", b"")]);
    for (orientation, shown) in [
        (0, (3, 2)), // without a meaning
        (1, (3, 2)),
        (2, (3, 2)),
        (3, (3, 2)),
        (4, (3, 2)),
        (5, (2, 3)),
        (6, (2, 3)),
        (7, (2, 3)),
        (8, (2, 3)),
        (9, (3, 2)), // without a meaning
    ] {
        let tiff = exif::tiff_with(orientation);
        let little = little_endian(orientation);
        for tiff in [&tiff[..], &little] {
            let in_jpeg = jpeg(&[(0xe1, &[b"Exif\0\0", tiff].concat())]);
            for (kind, bytes) in [(FileKind::Jpeg, in_jpeg), (FileKind::Png, png_with(tiff))] {
                let picture = clean(kind, &bytes).expect("a picture");
                assert_eq!(picture.pixels, shown, "{kind:?} {orientation}");
                let again = clean(kind, &picture.bytes).expect("a picture");
                assert_eq!(again.pixels, shown, "{kind:?} {orientation}, cleaned again");
            }
        }
    }
}

/// A TIFF block with an orientation, as most cameras write it.
fn little_endian(orientation: u16) -> Vec<u8> {
    let entry = [&b"\x12\x01\x03\0\x01\0\0\0"[..], &orientation.to_le_bytes(), b"\0\0"].concat();
    [b"II*\0\x08\0\0\0\x01\0", &entry[..], b"\0\0\0\0"].concat()
}

#[test]
fn the_first_orientation_before_the_pixels_counts() {
    let exif = |turned| [b"Exif\0\0", &exif::tiff_with(turned)[..]].concat();
    let (plain, turned) = (exif(1), exif(6));
    let of = |segments: &[(u8, &[u8])]| clean(FileKind::Jpeg, &jpeg(segments)).expect("a picture").pixels;
    assert_eq!(of(&[(0xe1, b"http://ns.adobe.com/xap/1.0/\0"), (0xe1, &turned)]), (2, 3));
    assert_eq!(of(&[(0xe1, &turned), (0xe1, &exif(3))]), (2, 3));
    assert_eq!(of(&[(0xe1, &plain), (0xe1, b"Exif\0\0")]), (3, 2));
    let whole = jpeg(&[]);
    let end = whole.len() - 2;
    let length = u16::try_from(turned.len() + 2).expect("short").to_be_bytes();
    let late = [&whole[..end], b"\xff\xe1", &length, &turned, &whole[end..]].concat();
    let picture = clean(FileKind::Jpeg, &late).expect("a picture");
    assert_eq!((picture.bytes.to_vec(), picture.pixels), (whole, (3, 2)), "behind the scan nobody reads it");
    let tiff = exif::tiff_with(6);
    let plain = png(&[(b"IHDR", &header(3, 2)), (b"IDAT", b"x"), (b"IEND", b"")]);
    let late = png(&[(b"IHDR", &header(3, 2)), (b"IDAT", b"x"), (b"eXIf", &tiff), (b"IEND", b"")]);
    let picture = clean(FileKind::Png, &late).expect("a picture");
    assert_eq!((picture.bytes.to_vec(), picture.pixels), (plain, (3, 2)), "nor behind the data");
}

#[test]
fn chunks_of_a_png_that_do_not_draw_are_dropped() {
    let size = header(3, 2);
    let plain = png(&[(b"IHDR", &size), (b"IDAT", b"x"), (b"IEND", b"")]);
    let kinds = [
        b"caBX", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"sPLT", b"hIST", b"bKGD", b"sBIT", b"eXIf", b"prVt",
        b"dSIG", b"CgBI", b"ABCD", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"acTL", b"fcTL", b"fdAT", b"oFFs", b"vpAg",
    ];
    for kind in kinds {
        let before = png(&[(b"IHDR", &size), (kind, SECRET), (b"IDAT", b"x"), (b"IEND", b"")]);
        let after = png(&[(b"IHDR", &size), (b"IDAT", b"x"), (kind, SECRET), (b"IEND", b"")]);
        for bytes in [before, after] {
            assert_eq!(cleaned(FileKind::Png, &bytes), plain, "{}", String::from_utf8_lossy(kind));
        }
    }
    assert_eq!(cleaned(FileKind::Png, &png(&[(b"IHDR", &size), (b"IDAT", b"x"), (b"IEND", SECRET)])), plain);
    let gamma = png(&[(b"IHDR", &size), (b"gAMA", b"1234"), (b"IDAT", b"x"), (b"IEND", b"")]);
    assert_eq!(cleaned(FileKind::Png, &gamma), gamma);
    let mut broken = gamma.clone();
    broken[8 + 25 + 8 + 4] ^= 1; // the checksum of gAMA
    assert_eq!(cleaned(FileKind::Png, &broken), plain);
}

#[test]
fn chunks_of_a_webp_that_do_not_draw_are_dropped() {
    let pixels = lossless(3, 2);
    let plain = webp(&[(b"VP8L", &pixels)]);
    assert_eq!(cleaned(FileKind::WebP, &webp(&[(b"VP8L", &pixels), (b"EXIF", SECRET)])), plain);
    assert_eq!(cleaned(FileKind::WebP, &[&plain[..], SECRET].concat()), plain);
    let extended = webp(&[(b"VP8X", &canvas(0x10, 3, 2)), (b"VP8L", &pixels)]);
    for kind in [b"EXIF", b"XMP ", b"C2PA", b"zzzz", b"ANIM", b"ANMF", b"FRGM", b"VP8L", b"ALPH"] {
        let after = webp(&[(b"VP8X", &canvas(!2, 3, 2)), (b"VP8L", &pixels), (kind, SECRET)]);
        assert_eq!(cleaned(FileKind::WebP, &after), extended, "{}", String::from_utf8_lossy(kind));
    }
}

#[test]
fn pictures_that_would_fill_the_memory_are_refused() {
    let frame = |width: u16, height: u16| {
        let [h, l] = height.to_be_bytes();
        let [w, n] = width.to_be_bytes();
        jpeg(&[(0xc0, &[8, h, l, w, n, 1, 1, 0x11, 0])]).split_at(2 + 4 + 9).0.to_vec()
    };
    let jpeg = |width, height| [frame(width, height), b"\xff\xda\0\x08\x01\x01\0\0\x3f\0x\xff\xd9".to_vec()].concat();
    let png = |width, height| png(&[(b"IHDR", &header(width, height)), (b"IDAT", b"x"), (b"IEND", b"")]);
    let still = |width, height| webp(&[(b"VP8L", &lossless(width, height))]);
    let control =
        |width: u32, height: u32| [&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes(), &[0; 14]].concat();
    let animated_png = |width, height| {
        let (header, frame) = (header(5000, 5000), control(width, height));
        self::png(&[(b"IHDR", &header), (b"acTL", &[0; 8]), (b"fcTL", &frame), (b"IDAT", b"x"), (b"IEND", b"")])
    };
    assert!(clean(FileKind::Jpeg, &jpeg(10_000, 5000)).is_ok());
    assert!(clean(FileKind::Png, &png(10_000, 5000)).is_ok());
    assert!(clean(FileKind::WebP, &still(10_000, 5000)).is_ok());
    assert!(clean(FileKind::Gif, &gif(10_000, 5000, (1, 1))).is_ok());
    assert!(clean(FileKind::Png, &animated_png(5000, 5000)).is_ok());
    let max = u32::from(u16::MAX);
    for (what, kind, bytes) in [
        ("JPEG", FileKind::Jpeg, jpeg(10_001, 5000)),
        ("the largest JPEG", FileKind::Jpeg, jpeg(u16::MAX, u16::MAX)),
        ("JPEG without a height", FileKind::Jpeg, jpeg(3, 0)),
        ("PNG", FileKind::Png, png(30_000, 30_000)),
        ("the largest PNG", FileKind::Png, png(i32::MAX as u32, i32::MAX as u32)),
        ("a PNG of overflowing size", FileKind::Png, png(u32::MAX, u32::MAX)),
        ("PNG without a width", FileKind::Png, png(0, 3)),
        ("a frame beyond its PNG", FileKind::Png, animated_png(5001, 5000)),
        ("a huge frame of a PNG", FileKind::Png, animated_png(max, max)),
        ("WebP", FileKind::WebP, still(16_384, 16_384)),
        (
            "the canvas of a WebP",
            FileKind::WebP,
            webp(&[(b"VP8X", &canvas(0, 1 << 24, 1 << 24)), (b"VP8L", &lossless(3, 2))]),
        ),
        (
            "a WebP larger than its canvas",
            FileKind::WebP,
            webp(&[(b"VP8X", &canvas(0, 3, 2)), (b"VP8L", &lossless(300, 2))]),
        ),
        ("the screen of a GIF", FileKind::Gif, gif(u16::MAX, u16::MAX, (1, 1))),
        ("a frame of a GIF", FileKind::Gif, gif(2, 1, (u16::MAX, u16::MAX))),
        ("a GIF of nothing", FileKind::Gif, gif(0, 0, (0, 0))),
    ] {
        assert!(is_refused(kind, &bytes), "{what}");
    }
}

#[test]
fn files_without_a_picture_are_refused() {
    for (kind, bytes, _) in PICTURES {
        for end in 0..24 {
            assert!(is_refused(kind, &bytes[..end]), "{kind:?} cut at {end}");
        }
        for other in [FileKind::Jpeg, FileKind::Png, FileKind::Gif, FileKind::WebP, FileKind::Pdf] {
            assert!(other == kind || is_refused(other, bytes), "{kind:?} is no {other:?}");
        }
    }
    assert!(is_refused(FileKind::Jpeg, b"\xff\xd8\xff\xd9"));
    assert!(is_refused(FileKind::Gif, b"GIF89a\x02\0\x01\0\0\0\0;"));
    assert!(is_refused(FileKind::Png, &png(&[(b"IHDR", &header(3, 2)), (b"IEND", b"")])));
    assert!(is_refused(FileKind::WebP, &webp(&[(b"VP8X", &canvas(0, 3, 2)), (b"ICCP", b"x")])));
}
