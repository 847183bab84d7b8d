//! The body of an upload while it is received.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};

use crate::domain::{Error, Result};

/// Maximum number of bytes of pictures that are held in memory at once: a picture is received as a whole before it is
/// cleaned.
const MAX_HELD_BYTES: u64 = 512 * 1024 * 1024;

/// A body that is measured and hashed while it is read.
pub(super) struct Incoming<S> {
    body: S,
    size: u64,
    max_bytes: u64,
    digest: Sha256,
    held: Option<Held>,
}

/// The share of one upload in the memory for all uploads.
struct Held {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Held {
    fn add(&mut self, bytes: u64) -> Result<()> {
        self.bytes += bytes;
        if self.all.fetch_add(bytes, Ordering::AcqRel) + bytes > MAX_HELD_BYTES {
            return Err(Error::Unavailable("too many pictures are being uploaded".into()));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Incoming<S> {
    pub(super) fn new(body: S, max_bytes: u64) -> Self {
        Self { body, size: 0, max_bytes, digest: Sha256::new(), held: None }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(chunk) = self.body.next().await.transpose()? else { return Ok(None) };
        self.size += chunk.len() as u64;
        if self.size > self.max_bytes {
            return Err(Error::TooLarge { max_bytes: self.max_bytes });
        }
        if let Some(held) = &mut self.held {
            held.add(chunk.len() as u64)?;
        }
        self.digest.update(&chunk);
        Ok(Some(chunk))
    }

    pub(super) async fn read_up_to(&mut self, bytes: usize) -> Result<BytesMut> {
        let mut head = BytesMut::new();
        while head.len() < bytes
            && let Some(chunk) = self.next().await?
        {
            head.extend_from_slice(&chunk);
        }
        Ok(head)
    }

    pub(super) async fn read_rest(&mut self, mut head: BytesMut) -> Result<Bytes> {
        while let Some(chunk) = self.next().await? {
            head.extend_from_slice(&chunk);
        }
        Ok(head.freeze())
    }

    /// Counts the bytes read from now on against the memory that `all` uploads share.
    pub(super) fn hold(&mut self, all: &Arc<AtomicU64>) {
        self.held = Some(Held { all: Arc::clone(all), bytes: 0 });
    }

    /// The number of bytes read so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of the bytes read.
    pub(super) fn digest(self) -> [u8; 32] {
        self.digest.finalize().into()
    }
}
