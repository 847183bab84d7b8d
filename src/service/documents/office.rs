//! Office files are zip archives. What is in one is read from its central directory, the only complete list of its
//! entries: entries may be in any order, and an embedded document may look like entries of its own.

use crate::domain::FileKind;

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
const LOCATOR64_BYTES: usize = 20;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
/// Longest comment at the end of an archive.
const MAX_COMMENT_BYTES: usize = 65_535;

/// The type of a whole Office file by its entries; `None` for other archives and for broken ones.
pub(super) fn kind_of(bytes: &[u8]) -> Option<FileKind> {
    let (mut has_types, mut has_text, mut has_table) = (false, false, false);
    let mut directory = directory(bytes)?;
    while !directory.is_empty() {
        let (name, rest) = entry(directory)?;
        has_types |= name.eq_ignore_ascii_case(b"[Content_Types].xml");
        has_text |= is_in(name, b"word");
        has_table |= is_in(name, b"xl");
        directory = rest;
    }
    match (has_types, has_text, has_table) {
        (true, true, false) => Some(FileKind::Docx),
        (true, false, true) => Some(FileKind::Xlsx),
        _ => None,
    }
}

/// The central directory, which ends where its end record begins.
fn directory(bytes: &[u8]) -> Option<&[u8]> {
    let first = bytes.len().saturating_sub(END_BYTES + MAX_COMMENT_BYTES);
    let is_end = |at: &usize| {
        let record = &bytes[*at..];
        record.starts_with(END) && short(record, 20).is_some_and(|comment| END_BYTES + comment == record.len())
    };
    let end = (first..=bytes.len().checked_sub(END_BYTES)?).rev().find(is_end)?;
    let size = long(&bytes[end..], 12)?;
    if size == u32::MAX {
        return directory64(bytes.get(..end)?);
    }
    let start = end.checked_sub(usize::try_from(size).ok()?)?;
    bytes.get(start..end)
}

/// The same in an archive with 64-bit sizes, which has a further end record, and a locator behind that.
fn directory64(bytes: &[u8]) -> Option<&[u8]> {
    let locator = bytes.get(bytes.len().checked_sub(LOCATOR64_BYTES)?..)?;
    let end = usize::try_from(longer(locator.strip_prefix(LOCATOR64)?, 4)?).ok()?;
    let record = bytes.get(end..)?.strip_prefix(END64)?;
    let start = end.checked_sub(usize::try_from(longer(record, 36)?).ok()?)?;
    bytes.get(start..end)
}

/// The name of the first entry, and the entries after it.
fn entry(directory: &[u8]) -> Option<(&[u8], &[u8])> {
    let record = directory.get(..ENTRY_BYTES).filter(|record| record.starts_with(ENTRY))?;
    let (name, extra, comment) = (short(record, 28)?, short(record, 30)?, short(record, 32)?);
    let rest = directory.get(ENTRY_BYTES + name + extra + comment..)?;
    Some((&directory[ENTRY_BYTES..ENTRY_BYTES + name], rest))
}

/// Whether an entry is in a folder at the top. Some programs write the separators of Windows.
fn is_in(name: &[u8], folder: &[u8]) -> bool {
    let name = name.strip_prefix(b"/").unwrap_or(name);
    name.strip_prefix(folder).is_some_and(|rest| matches!(rest, [b'/' | b'\\', _, ..]))
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn longer(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
