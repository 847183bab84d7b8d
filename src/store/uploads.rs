//! What Redis knows of uploaded files: how much each user uploads, the files' names, and when they were last used. The
//! files themselves are elsewhere. Files that Redis does not know, because it lost them, are still served.

use std::time::Duration;

use redis::Pipeline;
use serde::{Deserialize, Serialize};

use super::Store;
use super::redis::keys::UploadKeys;
use super::redis::reply::{self, next};
use super::redis::scripts::{self, Arg, Call};
use crate::domain::{Charset, EntryId, MessageId, Result, RoomId, Seq, UserId};

/// How often all files of the file store are listed.
const LISTED_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// What is stored about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDescription {
    /// The name under which it was uploaded.
    pub name: Option<String>,
    /// The charset of a text.
    pub charset: Option<Charset>,
    /// The message with which it was uploaded, and with which it is removed.
    pub message: Option<MessageId>,
    /// Who uploaded it, and its size in bytes; `None` for files of earlier versions.
    pub uploaded: Option<(UserId, u64)>,
}

/// The form in which a description is stored.
#[derive(Serialize, Deserialize)]
struct DescriptionRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    /// Room, seq and ms of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    m: Option<(u32, u64, u64)>,
    /// User and bytes, which `uploaded_bytes.lua` reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    u: Option<(u64, u64)>,
}

impl FileDescription {
    fn encode(&self) -> Result<String> {
        let message = self.message.map(|id| (id.room.number(), id.entry.seq.0, id.entry.at_ms));
        let charset = self.charset.map(|charset| charset.name().to_owned());
        let uploaded = self.uploaded.map(|(user, bytes)| (user.0, bytes));
        let record = DescriptionRecord { n: self.name.clone(), c: charset, m: message, u: uploaded };
        serde_json::to_string(&record).map_err(crate::domain::Error::internal)
    }

    /// A description of a newer version is read as far as it is understood.
    fn decode(text: &str) -> Self {
        let Ok(record) = serde_json::from_str::<DescriptionRecord>(text) else { return Self::default() };
        let message = record.m.and_then(|(room, seq, at_ms)| {
            Some(MessageId { room: RoomId::new(room)?, entry: EntryId { seq: Seq(seq), at_ms } })
        });
        let uploaded = record.u.map(|(user, bytes)| (UserId(user), bytes));
        Self { name: record.n, charset: record.c.as_deref().and_then(Charset::of_name), message, uploaded }
    }
}

/// Who has an avatar.
#[derive(Clone, Copy, Debug)]
pub enum PictureOwner {
    /// A user.
    User(UserId),
    /// A room.
    Room(RoomId),
}

impl Store {
    /// Records the avatar of a user or room, by its path; `None` for none or one that was not uploaded here.
    pub async fn keep_picture(&self, owner: PictureOwner, path: Option<&str>) -> Result<()> {
        let UploadKeys { used, pictures, .. } = self.keys.uploads();
        let owner = match owner {
            PictureOwner::User(user) => format!("u:{user}"),
            PictureOwner::Room(room) => format!("r:{}", room.number()),
        };
        let args = [Arg::Text(&owner), Arg::Text(path.unwrap_or_default()), Arg::Number(self.now_ms())];
        let call = Call { script: &scripts::KEEP_PICTURE, keys: &[&used, &pictures], args: &args };
        self.connection.run_script(&call, &[]).await.map(drop)
    }

    /// Counts bytes that a user is about to upload: at most `most` in `window`.
    ///
    /// # Errors
    /// `RateLimited`.
    pub async fn count_upload(&self, user: UserId, bytes: u64, most: u64, window: Duration) -> Result<()> {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        match self.run_count(user, &bytes.to_string(), most, window_ms).await? {
            0 => Ok(()),
            wait_ms => Err(reply::limited(wait_ms)),
        }
    }

    /// Takes back bytes that were counted and not stored.
    pub async fn uncount_upload(&self, user: UserId, bytes: u64) -> Result<()> {
        self.run_count(user, &format!("-{bytes}"), 0, 0).await.map(drop)
    }

    async fn run_count(&self, user: UserId, bytes: &str, most: u64, window_ms: u64) -> Result<i64> {
        let call = Call {
            script: &scripts::COUNT_UPLOAD,
            keys: &[&self.keys.uploaded(user)],
            args: &[Arg::Text(bytes), Arg::Number(most), Arg::Number(window_ms)],
        };
        reply::read(self.connection.run_script(&call, &[]).await?.0)
    }

    /// Records a file that was stored. One with a message is removed together with it, others depend on their last
    /// use.
    pub async fn note_upload(&self, path: &str, description: &FileDescription) -> Result<()> {
        let UploadKeys { descriptions, used, sent, bytes: total, .. } = self.keys.uploads();
        let times = if description.message.is_some() { sent } else { used };
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("HSET").arg(descriptions).arg(path).arg(description.encode()?);
        pipeline.cmd("ZADD").arg(times).arg(self.now_ms()).arg(path);
        if let Some((user, bytes)) = description.uploaded {
            pipeline.cmd("ZADD").arg(total).arg("INCR").arg(bytes).arg(user.0);
        }
        self.connection.run(&pipeline).await.map(drop)
    }

    /// What is stored about a file; `None` if nothing is.
    pub async fn describe_upload(&self, path: &str) -> Result<Option<FileDescription>> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HGET").arg(self.keys.uploads().descriptions).arg(path);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let text: Option<String> = reply::read(next(&mut replies)?)?;
        Ok(text.map(|text| FileDescription::decode(&text)))
    }

    /// Records that a file is used now. Before the message that uses it is stored: from then on the file stays.
    pub async fn renew_upload(&self, path: &str) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZADD").arg(self.keys.uploads().used).arg("XX").arg("GT").arg(self.now_ms()).arg(path);
        self.connection.run(&pipeline).await.map(drop)
    }

    /// Removes the data of a file that is removed.
    pub async fn forget_upload(&self, path: &str) -> Result<()> {
        let UploadKeys { descriptions, used, sent, bytes, .. } = self.keys.uploads();
        let keys: [&str; 4] = [&used, &sent, &descriptions, &bytes];
        let call = Call { script: &scripts::FORGET_UPLOAD, keys: &keys, args: &[Arg::Text(path)] };
        self.connection.run_script(&call, &[]).await.map(drop)
    }

    /// Whether a message is neither deleted, nor trimmed, nor expired.
    pub async fn has_message(&self, id: MessageId) -> Result<bool> {
        Ok(self.have_messages(&[id]).await?.contains(&true))
    }

    async fn have_messages(&self, ids: &[MessageId]) -> Result<Vec<bool>> {
        let mut pipeline = Pipeline::with_capacity(2 * ids.len());
        for id in ids {
            let keys = self.keys.room(id.room);
            let entry = id.entry.to_string();
            pipeline.cmd("XRANGE").arg(keys.log).arg(&entry).arg(&entry);
            // The field that marks a deletion, as `amendments` describes.
            pipeline.cmd("HEXISTS").arg(keys.amendments).arg(id.entry.seq.0);
        }
        let mut replies = self.run_list(&pipeline).await?.into_iter();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let entries = reply::array(next(&mut replies)?)?;
            let is_deleted: bool = reply::read(next(&mut replies)?)?;
            found.push(!entries.is_empty() && !is_deleted && id.entry.at_ms >= self.oldest_ms());
        }
        Ok(found)
    }

    /// Whether it is this node's turn to clean up files, which happens `every` so often.
    pub async fn takes_upload_turn(&self, every: Duration) -> Result<bool> {
        // Shorter, so that a node that comes back in time finds it free.
        self.takes_turn(&self.keys.uploads_turn(), every * 5 / 6).await
    }

    /// Whether this node is the one to list all files now.
    pub async fn takes_listing_turn(&self) -> Result<bool> {
        self.takes_turn(&self.keys.uploads_listed(), LISTED_EVERY).await
    }

    async fn takes_turn(&self, key: &str, every: Duration) -> Result<bool> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("SET").arg(key).arg(&*self.node).arg("NX").arg("PX").arg(every.as_millis().to_string());
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        Ok(!reply::is_absent(&next(&mut replies)?))
    }

    /// Takes up to `most` files off the list that nothing has used for so long, for the caller to remove.
    pub async fn claim_unused_uploads(&self, unused_for: Duration, most: usize) -> Result<Vec<String>> {
        let UploadKeys { descriptions, used, pictures, bytes, .. } = self.keys.uploads();
        let call = Call {
            script: &scripts::CLAIM_UPLOADS,
            keys: &[&used, &descriptions, &pictures, &bytes],
            args: &[Arg::Number(self.before_ms(unused_for)), Arg::Number(most as u64)],
        };
        reply::read(self.connection.run_script(&call, &[]).await?.0)
    }

    fn before_ms(&self, duration: Duration) -> u64 {
        self.now_ms().saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    /// Of up to `most` files that were sent as a message and not looked at for so long, those whose message is gone. The
    /// second value is the number that was looked at.
    pub async fn find_orphaned_uploads(&self, since: Duration, most: usize) -> Result<(Vec<String>, usize)> {
        let UploadKeys { descriptions, sent, .. } = self.keys.uploads();
        let before = self.before_ms(since);
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGEBYSCORE").arg(&sent).arg("-inf").arg(before).arg("LIMIT").arg(0).arg(most);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let paths: Vec<String> = reply::read(next(&mut replies)?)?;
        if paths.is_empty() {
            return Ok((paths, 0));
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("HMGET").arg(&descriptions).arg(&paths);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let texts: Vec<Option<String>> = reply::read(next(&mut replies)?)?;
        let messages: Vec<Option<MessageId>> =
            texts.into_iter().map(|text| FileDescription::decode(&text.unwrap_or_default()).message).collect();
        let ids: Vec<MessageId> = messages.iter().copied().flatten().collect();
        let mut exist = self.have_messages(&ids).await?.into_iter();
        // A file without further data stays until it is older than any message.
        let is_kept: Vec<bool> = messages.iter().map(|id| id.is_none() || exist.next().unwrap_or(true)).collect();
        self.note_looked_at(&sent, paths.iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept).map(|(path, _)| path))
            .await?;
        let looked_at = paths.len();
        let orphaned = paths.into_iter().zip(is_kept).filter(|(_, is_kept)| !is_kept).map(|(path, _)| path);
        Ok((orphaned.collect(), looked_at))
    }

    async fn note_looked_at(&self, sent: &str, paths: impl Iterator<Item = &String>) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        let command = pipeline.cmd("ZADD").arg(sent).arg("XX");
        let mut is_empty = true;
        for path in paths {
            command.arg(self.now_ms()).arg(path);
            is_empty = false;
        }
        if is_empty { Ok(()) } else { self.connection.run(&pipeline).await.map(drop) }
    }

    /// Adds files to the list that are not on it, as used now: their use until now is unknown.
    pub async fn adopt_uploads(&self, paths: &[String]) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut pipeline = Pipeline::with_capacity(1);
        let command = pipeline.cmd("ZADD").arg(self.keys.uploads().used).arg("NX");
        for path in paths {
            command.arg(self.now_ms()).arg(path);
        }
        self.run_list(&pipeline).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_round_trip_and_unknown_ones_are_empty() {
        let entry = EntryId { seq: Seq(3), at_ms: 1_700_000_000_000 };
        let message = Some(MessageId { room: RoomId::GLOBAL, entry });
        let uploaded = Some((UserId(7), 2048));
        let description =
            FileDescription { name: Some("报告.txt".to_owned()), charset: Some(Charset::Utf16), message, uploaded };
        let text = description.encode().expect("encodes");
        assert_eq!(text, r#"{"n":"报告.txt","c":"utf-16","m":[1,3,1700000000000],"u":[7,2048]}"#);
        assert_eq!(FileDescription::decode(&text), description);
        assert_eq!(FileDescription::decode(r#"{"n":"a","z":1}"#).name.as_deref(), Some("a"));
        assert_eq!(FileDescription::decode("?"), FileDescription::default());
    }
}
