//! The transcripts of the specifications, from `tests/wire`. Chinwag's additions have transcripts there, too, which are
//! not for other servers.

/// The documents that have transcripts.
pub const DOCUMENTS: [&str; 5] = ["000", "001", "002", "003", "004"];

/// A transcript by its folder and name.
macro_rules! transcripts {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../tests/wire/", $folder, "/", $name, ".json")))),+]
    };
}

const DOCUMENT_000: &[(&str, &str)] = transcripts![
    "webchat":
    "01-register",
    "02-login",
    "03-upload-image",
    "04-rooms",
    "06-socket",
    "07-history",
    "08-handshake",
];
const DOCUMENT_001: &[(&str, &str)] = transcripts![
    "envelope":
    "01-register",
    "02-login",
    "03-profile",
    "04-message",
    "05-messages",
    "06-group",
    "07-socket",
];
const DOCUMENT_002: &[(&str, &str)] = transcripts![
    "messenger":
    "01-private",
    "02-room",
    "03-status",
    "04-frames",
];
const DOCUMENT_003: &[(&str, &str)] = transcripts![
    "chatroom":
    "01-send",
    "02-upload",
    "03-messages",
    "04-online-users",
    "05-stats",
    "06-rooms-create",
    "07-join",
    "08-leave",
    "09-rooms",
    "10-delete",
    "11-user-ip",
    "12-heartbeat",
    "error-400",
    "error-401",
    "error-403",
    "error-404",
    "error-413",
    "error-415",
];
const DOCUMENT_004: &[(&str, &str)] = transcripts![
    "imtypes":
    "01-private",
    "02-group",
    "03-upload",
    "04-errors",
];

/// The transcripts of a document in their order: names and texts. There are none of a document that does not exist.
#[must_use]
pub fn of_document(number: &str) -> &'static [(&'static str, &'static str)] {
    match number {
        "000" => DOCUMENT_000,
        "001" => DOCUMENT_001,
        "002" => DOCUMENT_002,
        "003" => DOCUMENT_003,
        "004" => DOCUMENT_004,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Transcript;

    #[test]
    fn each_is_about_its_document_and_asks_for_nothing_else() {
        for document in DOCUMENTS {
            let transcripts = of_document(document);
            assert!(!transcripts.is_empty(), "{document}");
            for (name, text) in transcripts {
                let transcript = Transcript::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(transcript.about().starts_with(&format!("document {document}")), "{name}");
                assert!(!text.contains("ext=1"), "{name} asks for what Chinwag adds");
            }
        }
    }
}
