//! Where searches find users and public rooms by name.
//!
//! Two sorted sets by text for either: the whole names, and the parts that begin at a word or an ideograph. For a name with
//! marks the second also has the whole and the parts without them. A search reads
//! as many entries as it may return from each. Earlier versions know the whole names only, and leave the parts of a name
//! behind when they change it; results are therefore compared with the present names.
//!
//! The index is in other slots than the names, and changes of one name may overlap. So each writer reads the name
//! afterwards, and writes again if it differs: the last write is correct.

use redis::Pipeline;

use super::Store;
use super::redis::reply::{self, is_absent, next};
use crate::domain::{Limit, NameQuery, Result, RoomId, UserId, UserRef, folded, name_parts};

/// Names that are indexed in one round trip.
const PAGE: usize = 200;

/// What an index has of each name. The first form had no parts without marks.
const INDEX_FORM: u32 = 2;

/// The two keys of an index.
struct Index {
    wholes: String,
    parts: String,
}

/// An account or a room in an index.
struct Named {
    /// Its hash.
    key: String,
    number: u64,
    index: Index,
    /// The list of public rooms, for a room.
    public_rooms: Option<String>,
}

impl Store {
    fn user_index(&self) -> Index {
        Index { wholes: self.keys.user_names(), parts: self.keys.user_name_parts() }
    }

    fn room_index(&self) -> Index {
        Index { wholes: self.keys.room_names(), parts: self.keys.room_name_parts() }
    }

    /// Adds the commands by which a user is found by name, and claims the forms of the name that nobody holds. Each login
    /// repeats it.
    pub(super) fn index_user(&self, pipeline: &mut Pipeline, user: UserId, name: &str) {
        change_index(pipeline, &self.user_index(), "ZADD", &folded(name), user.0);
        self.claim_free_looks(pipeline, user, name);
    }

    /// Adds the commands by which a user is no longer found by a name.
    pub(super) fn unindex_user(&self, pipeline: &mut Pipeline, user: UserId, name: &str) {
        change_index(pipeline, &self.user_index(), "ZREM", &folded(name), user.0);
    }

    /// Makes a user found by the present name, and no longer by the former one.
    pub(super) async fn reindex_user(&self, user: UserId, former: &str, present: &str) -> Result<()> {
        let named = Named { key: self.keys.user(user), number: user.0, index: self.user_index(), public_rooms: None };
        self.reindex(&named, Some(former), Some(present)).await
    }

    /// Lists a public room, and makes it found by its present name and no longer by the former one, if there was one. Does
    /// neither to a room that was removed. The present name is read where the caller does not know it.
    pub(super) async fn list_public_room(
        &self,
        room: RoomId,
        former: Option<&str>,
        present: Option<&str>,
    ) -> Result<()> {
        let named = Named {
            key: self.keys.room(room).room,
            number: room.number().into(),
            index: self.room_index(),
            public_rooms: Some(self.keys.public_rooms()),
        };
        self.reindex(&named, former, present).await
    }

    async fn reindex(&self, named: &Named, former: Option<&str>, present: Option<&str>) -> Result<()> {
        let mut former: Vec<String> = former.into_iter().map(folded).collect();
        let mut present = present.map(str::to_owned);
        loop {
            let mut pipeline = Pipeline::new();
            named.write(&mut pipeline, &former, present.as_deref().map(folded).as_deref());
            let mut asking = Pipeline::with_capacity(1);
            asking.cmd("HMGET").arg(&named.key).arg(&["name", "kind", "hash"]);
            let reply = self.connection.run_in_order(pipeline, &asking).await?.pop().unwrap_or_default();
            let (name, kind, hash): (Option<String>, Option<String>, Option<String>) = reply::read(reply)?;
            let found = name.filter(|_| kind.as_deref() == Some("public") || hash.is_some());
            if found == present {
                return Ok(());
            }
            // Changed meanwhile, by a request that may fail before it writes the index.
            former.extend(std::mem::replace(&mut present, found).as_deref().map(folded));
        }
    }

    /// Adds the commands by which a public room is no longer found by name.
    pub(super) fn unindex_room(&self, pipeline: &mut Pipeline, room: RoomId, name: &str) {
        change_index(pipeline, &self.room_index(), "ZREM", &folded(name), room.number().into());
    }

    /// Finds users by name, first those whose name begins with the text.
    pub async fn find_users(&self, query: &NameQuery, limit: Limit) -> Result<Vec<UserRef>> {
        let found = self.find_by_name(&self.user_index(), query, limit).await?;
        let mut users = self.names(&found.into_iter().map(UserId).collect::<Vec<_>>()).await?;
        users.retain(|user| query.matches(&user.name));
        users.truncate(limit.get());
        Ok(users)
    }

    /// Finds public rooms by name, first those whose name begins with the text. There may be twice as many as the limit.
    pub async fn find_public_rooms(&self, query: &NameQuery, limit: Limit) -> Result<Vec<RoomId>> {
        let found = self.find_by_name(&self.room_index(), query, limit).await?;
        Ok(found.iter().filter_map(|number| RoomId::new(u32::try_from(*number).ok()?)).collect())
    }

    async fn find_by_name(&self, index: &Index, query: &NameQuery, limit: Limit) -> Result<Vec<u64>> {
        let mut pipeline = Pipeline::new();
        for (start, key) in query.starts().iter().flat_map(|start| [(start, &index.wholes), (start, &index.parts)]) {
            let end = [b"(", start.as_bytes(), &[0xff]].concat(); // does not occur in UTF-8
            pipeline.cmd("ZRANGE").arg(key).arg(format!("[{start}")).arg(end);
            pipeline.arg(&["BYLEX", "LIMIT", "0"]).arg(limit.get());
        }
        let mut found = Vec::new();
        for reply in self.connection.run(&pipeline).await? {
            for entry in reply::read::<Vec<String>>(reply)? {
                found.extend(number_of(&entry).filter(|number| !found.contains(number)));
            }
        }
        Ok(found)
    }

    /// Indexes the names that earlier versions stored, once per Redis and form of the index: their parts, also without marks,
    /// and the forms in which they meet their look-alikes. Nodes that start at the same time do the same.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn index_earlier_names(&self) -> Result<()> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("GET").arg(self.keys.names_indexed());
        let form: Option<u32> = reply::read(next(&mut self.connection.run(&pipeline).await?.into_iter())?)?;
        if form.is_some_and(|form| form >= INDEX_FORM) {
            return Ok(());
        }
        let mut last = None;
        while let Some(page) = self.page(&self.keys.user_names(), &mut last).await? {
            let users: Vec<UserId> = page.iter().filter_map(|entry| number_of(entry)).map(UserId).collect();
            let mut pipeline = Pipeline::new();
            for user in self.names(&users).await? {
                self.index_user(&mut pipeline, user.id, &user.name);
            }
            self.connection.run(&pipeline).await?;
        }
        let mut last = None;
        while let Some(page) = self.page(&self.keys.room_names(), &mut last).await? {
            let mut pipeline = Pipeline::new();
            for (name, number) in page.iter().filter_map(|entry| Some((entry.rsplit_once('\0')?.0, number_of(entry)?)))
            {
                change_index(&mut pipeline, &self.room_index(), "ZADD", name, number);
            }
            self.connection.run(&pipeline).await?;
        }
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("SET").arg(self.keys.names_indexed()).arg(INDEX_FORM);
        // If the mark is lost, names are indexed once more, so no start waits for replicas.
        self.connection.run(&pipeline).await.map(drop)
    }

    /// The entries of a sorted set behind the last one; `None` at its end.
    async fn page(&self, key: &str, last: &mut Option<String>) -> Result<Option<Vec<String>>> {
        let from = last.take().map_or("-".to_owned(), |last| format!("({last}"));
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZRANGE").arg(key).arg(from).arg("+").arg(&["BYLEX", "LIMIT", "0"]).arg(PAGE);
        let reply = next(&mut self.connection.run(&pipeline).await?.into_iter())?;
        let page: Vec<String> = if is_absent(&reply) { Vec::new() } else { reply::read(reply)? };
        *last = page.last().cloned();
        Ok(last.is_some().then_some(page))
    }
}

impl Named {
    /// Adds the commands that put the folded present name in the place of former ones, and list the room. What has no name
    /// any more is taken out.
    fn write(&self, pipeline: &mut Pipeline, former: &[String], present: Option<&str>) {
        let Self { number, index, public_rooms, .. } = self;
        let kept: Vec<String> = present.map(name_parts).unwrap_or_default();
        for name in former {
            let whole = Some(name.as_str()).filter(|name| Some(*name) != present);
            let wholes: Vec<String> = whole.map(|name| entry(name, *number)).into_iter().collect();
            let parts =
                name_parts(name).into_iter().filter(|part| !kept.contains(part)).map(|part| entry(&part, *number));
            add_change(pipeline, &index.wholes, "ZREM", &wholes);
            add_change(pipeline, &index.parts, "ZREM", &parts.collect::<Vec<_>>());
        }
        if let Some(present) = present {
            change_index(pipeline, index, "ZADD", present, *number);
        }
        match (public_rooms, present) {
            (Some(list), Some(_)) => {
                pipeline.cmd("ZADD").arg(list).arg(number).arg(number);
            }
            (Some(list), None) if !former.is_empty() => {
                pipeline.cmd("ZREM").arg(list).arg(number);
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// An entry of an index.
fn entry(text: &str, number: u64) -> String {
    format!("{text}\0{number}")
}

/// Adds the entries of a folded name to an index, or removes them.
fn change_index(pipeline: &mut Pipeline, index: &Index, verb: &str, name: &str, number: u64) {
    add_change(pipeline, &index.wholes, verb, &[entry(name, number)]);
    let parts: Vec<String> = name_parts(name).iter().map(|part| entry(part, number)).collect();
    add_change(pipeline, &index.parts, verb, &parts);
}

fn add_change(pipeline: &mut Pipeline, key: &str, verb: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    pipeline.cmd(verb).arg(key);
    for entry in entries {
        if verb == "ZADD" {
            pipeline.arg(0);
        }
        pipeline.arg(entry);
    }
}

fn number_of(entry: &str) -> Option<u64> {
    entry.rsplit_once('\0')?.1.parse().ok()
}
