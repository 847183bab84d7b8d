//! Paths of uploads: a folder, a name that cannot be guessed, an extension.

use object_store::path::Path;
use uuid::Uuid;

use crate::domain::FileKind;

/// The folders of uploads, which differ in how long files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Files uploaded as a message (document 003), deleted together with it.
    Chat,
    /// Pictures uploaded by themselves (document 000).
    Images,
    /// Files uploaded by themselves (document 004).
    Files,
}

impl Folder {
    pub(super) const ALL: [Self; 3] = [Self::Chat, Self::Images, Self::Files];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Images => "images",
            Self::Files => "files",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|folder| folder.name() == name)
    }
}

/// The path of an upload, `<folder>/<uuid>.<ext>`. No other path is ever read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPath {
    folder: Folder,
    id: Uuid,
    kind: FileKind,
}

impl UploadPath {
    pub(super) fn new(folder: Folder, kind: FileKind) -> Self {
        Self { folder, id: Uuid::new_v4(), kind }
    }

    /// Parses the part of an address after `/uploads/`. Accepts only the canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (folder, file) = text.split_once('/')?;
        let (id, extension) = file.split_once('.')?;
        let path =
            Self { folder: Folder::of_name(folder)?, id: id.parse().ok()?, kind: FileKind::of_extension(extension)? };
        (path.to_string() == text).then_some(path)
    }

    /// The path in an address of an upload, whatever its host; `None` for other addresses.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        Self::of_address(&format!("/{path}")).filter(|_| is_web && !host.is_empty())
    }

    /// The path in an address without a host; `None` for other addresses.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        address.strip_prefix("/uploads/").and_then(Self::parse)
    }

    /// The folder.
    pub(super) fn folder(&self) -> Folder {
        self.folder
    }

    /// The type of the file.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The name in the file store.
    pub(super) fn object(&self) -> Path {
        Path::from(self.to_string())
    }
}

impl std::fmt::Display for UploadPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}.{}", self.folder.name(), self.id, self.kind.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        let path = UploadPath::new(Folder::Chat, FileKind::Png);
        assert_eq!(UploadPath::parse(&path.to_string()), Some(path.clone()));
        let upper = path.to_string().to_uppercase();
        for bad in ["", "chat/", "chat/../x.png", "etc/passwd", "chat/x.png", upper.as_str(), "chat//a.png"] {
            assert_eq!(UploadPath::parse(bad), None, "{bad}");
        }
    }
}
