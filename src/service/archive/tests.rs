use std::io::Cursor;

use super::*;
use crate::store::{StoredKey, StoredValue};

fn keys() -> Vec<StoredKey> {
    let pairs = vec![(b"a".to_vec(), b"1".to_vec()), (Vec::new(), vec![0, 255])];
    let key = |name: &str, expires_at_ms, value| StoredKey { name: name.to_owned(), expires_at_ms, value };
    vec![
        key("{r:7}", None, StoredValue::Dump(vec![0, 1, 255], 0)),
        key("{r:7}:log", Some(1_800_000_000_000), StoredValue::Dump(vec![9; 1000], 3)),
        key("{u:3}", None, StoredValue::Dump(vec![], 0)),
        key("{uploads}:about", Some(5), StoredValue::Fields(pairs.clone())),
        key("名字", None, StoredValue::Scores(pairs)),
    ]
}

fn description() -> Description {
    Description { version: "1.2.3".to_owned(), begun_at_ms: 5, has_uploads: true }
}

fn written() -> Vec<u8> {
    let mut writer = ArchiveWriter::begin(Vec::new(), &description()).expect("begun");
    for key in keys() {
        writer.key(&key).expect("written");
    }
    writer.begin_file("chat/a.png").expect("written");
    writer.piece(b"piece").expect("written");
    writer.end_file().expect("written");
    let (contents, bytes) = writer.finish().expect("written");
    assert_eq!(contents, Contents { accounts: 1, rooms: 1, messages: 3, keys: 5, files: 1 });
    bytes
}

fn failure(bytes: Vec<u8>) -> String {
    Archive::open(Cursor::new(bytes)).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn what_was_written_is_read() {
    let mut archive = Archive::open(Cursor::new(written())).expect("whole");
    assert_eq!(archive.description(), &description());
    for key in keys() {
        assert_eq!(archive.next_frame().expect("a frame"), Frame::Key(key));
    }
    let rest = [Frame::File("chat/a.png".to_owned()), Frame::Piece(b"piece".to_vec()), Frame::EndOfFile];
    for frame in rest {
        assert_eq!(archive.next_frame().expect("a frame"), frame);
    }
    let contents = Contents { accounts: 1, rooms: 1, messages: 3, keys: 5, files: 1 };
    assert_eq!(archive.next_frame().expect("a frame"), Frame::End(contents));
    assert!(matches!(archive.next_frame(), Err(BackupError::Damaged)), "nothing is left");
}

#[test]
fn no_truncated_file_is_read() {
    let whole = written();
    for length in 0..whole.len() {
        let expected = if length < MAGIC.len() { BackupError::Foreign } else { BackupError::Damaged };
        assert_eq!(failure(whole[..length].to_vec()), expected.to_string(), "{length} bytes");
    }
    assert_eq!(failure([whole, vec![0]].concat()), BackupError::Damaged.to_string(), "one byte more");
}

#[test]
fn no_altered_file_is_read() {
    let whole = written();
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        assert_ne!(failure(altered), "", "byte {at}");
    }
    let mut newer = whole;
    newer[MAGIC.len()] = 2;
    assert_eq!(failure(newer), BackupError::Format(2).to_string());
}
