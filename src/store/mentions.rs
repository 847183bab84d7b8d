//! Finds the users whom a text may name.

use redis::Pipeline;

use super::Store;
use super::redis::reply;
use crate::domain::{Result, TypedName, UserId};

impl Store {
    /// The users with these names, ignoring case: one round trip. `None` where there is none, and where the shard of the name
    /// is away. A name that a crashed node claimed without renaming its account counts as that of the account.
    pub async fn users_named(&self, names: &[&TypedName]) -> Result<Vec<Option<UserId>>> {
        let mut pipeline = Pipeline::with_capacity(names.len());
        for form in names.iter().flat_map(|name| name.forms()) {
            pipeline.cmd("GET").arg(self.keys.name(form));
        }
        let mut replies = self.connection.run_partly(&pipeline).await?.into_iter();
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            let mut user = None;
            for reply in replies.by_ref().take(name.forms().len()).flatten() {
                user = user.or(reply::read::<Option<u64>>(reply)?.map(UserId));
            }
            users.push(user);
        }
        Ok(users)
    }
}
