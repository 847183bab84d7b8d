//! Who uploads how much: the bytes of a user's files that are stored, and of the present day.
//!
//! A file counts from when it is recorded until its record is removed. Those of earlier versions do not count: their
//! user is unknown.

use redis::Pipeline;

use super::Store;
use super::redis::reply::{self, next};
use crate::domain::{Limit, Result, UploadTotal, UserId};

impl Store {
    /// Users by the bytes of their stored files, most first, from a position in the list: two round trips. The second value
    /// is the position of the next page.
    pub async fn upload_totals(&self, from: usize, limit: Limit) -> Result<(Vec<UploadTotal>, Option<usize>)> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(self.keys.uploads().bytes).arg(from).arg(from + limit.get());
        pipeline.arg(&["REV", "WITHSCORES"]);
        let mut entries: Vec<(u64, f64)> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        let position = (entries.len() > limit.get()).then_some(from + limit.get());
        entries.truncate(limit.get());
        let mut pipeline = Pipeline::with_capacity(2 * entries.len());
        for (user, _) in &entries {
            pipeline.cmd("HGET").arg(self.keys.user(UserId(*user))).arg("name");
            pipeline.cmd("GET").arg(self.keys.uploaded(UserId(*user)));
        }
        let mut replies = self.run_list(&pipeline).await?.into_iter();
        let mut totals = Vec::with_capacity(entries.len());
        for (user, bytes) in entries {
            let name: Option<String> = reply::read(next(&mut replies)?)?;
            let day_bytes: Option<u64> = reply::read(next(&mut replies)?)?;
            totals.push(UploadTotal { id: UserId(user), name, bytes: bytes as u64, day_bytes: day_bytes.unwrap_or(0) });
        }
        Ok((totals, position))
    }
}
