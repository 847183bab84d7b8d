//! Files to upload: the minimum that is accepted for each type, padded to a size.

/// A file of the type `extension` with exactly `size` bytes, which must suffice for its header.
///
/// # Panics
/// There is no sample of this type and size.
#[must_use]
pub fn sample(extension: &str, size: usize) -> Vec<u8> {
    let (head, tail): (Vec<u8>, &[u8]) = match extension {
        "jpg" | "jpeg" => (jpeg_head(), b"\xff\xd9"),
        "png" => return png(size),
        "gif" => return gif(size),
        "webp" => (webp_head(size), b""),
        "pdf" => (b"%PDF-1.7\n".to_vec(), b"\n%%EOF"),
        "txt" => (Vec::new(), b""),
        "doc" | "xls" => (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), b""),
        "docx" => return office("word/document.xml", size),
        "xlsx" => return office("xl/workbook.xml", size),
        "exe" => (b"MZ\x90\0".to_vec(), b""),
        other => panic!("no sample of {other}"),
    };
    let padding = size.checked_sub(head.len() + tail.len()).expect("room for the header");
    [&head, vec![b' '; padding].as_slice(), tail].concat()
}

/// An Office file with this main part, which is stored and has spaces to the size.
fn office(part: &str, size: usize) -> Vec<u8> {
    let whole = zip(&[(part, b""), ("[Content_Types].xml", b"")]);
    let padding = vec![b' '; size.checked_sub(whole.len()).expect("room for the entries")];
    zip(&[(part, &padding), ("[Content_Types].xml", b"")])
}

/// An archive with these entries in their order, stored without compression.
#[must_use]
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in entries {
        let offset = archive.len() as u32;
        let length = (contents.len() as u32).to_le_bytes();
        let versions_to_crc = [&[20, 0][..], &[0; 8], &crc32(contents).to_le_bytes()].concat();
        let lengths = [&length[..], &length, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        archive.extend([b"PK\x03\x04", &versions_to_crc[..], &lengths, name.as_bytes(), contents].concat());
        directory.extend([b"PK\x01\x02\x14\0", &versions_to_crc[..], &lengths, &[0; 10]].concat());
        directory.extend([&offset.to_le_bytes()[..], name.as_bytes()].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (size, start) = ((directory.len() as u32).to_le_bytes(), (archive.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &start, &[0, 0]].concat();
    [archive, directory, end].concat()
}

/// JFIF, a frame of 3 × 2 pixels, the start of its scan.
fn jpeg_head() -> Vec<u8> {
    let mut head = b"\xff\xd8".to_vec();
    let segments: [(u8, &[u8]); 3] = [
        (0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        (0xc0, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0]),
        (0xda, &[1, 1, 0, 0, 63, 0]),
    ];
    for (marker, contents) in segments {
        head.extend([0xff, marker, 0, contents.len() as u8 + 2]);
        head.extend(contents);
    }
    head
}

/// 3 × 2 pixels without a palette, in data blocks of maximum length.
fn gif(size: usize) -> Vec<u8> {
    let mut gif = b"GIF89a\x03\0\x02\0\0\0\0".to_vec();
    gif.extend(b",\0\0\0\0\x03\0\x02\0\0\x02");
    let mut rest = size.checked_sub(gif.len() + 2).expect("room for the header");
    while rest > 0 {
        // A block begins with its length, and only the last block is empty: a single byte must not remain.
        let block = if rest == 257 { 254 } else { rest.min(256) - 1 };
        assert!(block > 0, "a size that blocks can fill");
        gif.push(block as u8);
        gif.extend(vec![b' '; block]);
        rest -= block + 1;
    }
    gif.extend(b"\0;");
    gif
}

fn png(size: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], contents: &[u8]| {
        let checked = [&kind[..], contents].concat();
        png.extend((contents.len() as u32).to_be_bytes());
        png.extend(&checked);
        png.extend(crc32(&checked).to_be_bytes());
    };
    // The signature and three empty chunks.
    let pixels = size.checked_sub(8 + 3 * 12 + 13).expect("room for the header");
    chunk(b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
    chunk(b"IDAT", &vec![0; pixels]);
    chunk(b"IEND", b"");
    png
}

/// The CRC-32 of PNG, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A lossless picture of 3 × 2 pixels. Chunks have even lengths, so `size` must be even.
fn webp_head(size: usize) -> Vec<u8> {
    assert!(size.is_multiple_of(2), "a WebP has an even size");
    let length = |bytes: usize| (bytes as u32).to_le_bytes();
    let dimensions: u32 = (3 - 1) | ((2 - 1) << 14);
    [b"RIFF", &length(size - 8)[..], b"WEBPVP8L", &length(size - 20), b"\x2f", &dimensions.to_le_bytes()].concat()
}
