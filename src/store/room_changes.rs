//! Reads and changes what a room's owner and admins may change.

use redis::{Pipeline, Value};
use serde::{Deserialize, Serialize};

use super::redis::reply::{self, array, is_absent, next, text};
use super::redis::scripts::{self, Arg, Call};
use super::stored::kind_of;
use super::{SendRate, Store};
use crate::domain::{
    Description, Error, Event, Result, RoomChange, RoomDetails, RoomId, RoomKind, RoomName, SlowMode, UserId,
};

/// The reply to the fields of [`Store::room_details`].
type Fields = (Option<String>, Option<String>, Option<String>, Option<String>, Option<u64>);

impl Store {
    /// Reads a room for a member: one round trip. Public rooms are open to everyone.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the caller is no member; `DirectRoom`.
    pub async fn room_details(&self, room: RoomId, caller: UserId) -> Result<RoomDetails> {
        let keys = self.keys.room(room);
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HMGET").arg(&keys.room).arg(&["kind", "name", "description", "avatar", "slow"]);
        pipeline.cmd("ZSCORE").arg(&keys.members).arg(caller.0);
        let mut replies = self.connection.run(&pipeline).await?.into_iter();
        let (kind, name, description, avatar, slow): Fields = reply::read(next(&mut replies)?)?;
        let is_member = !is_absent(&next(&mut replies)?);
        let kind = kind_of(&kind.ok_or(Error::RoomNotFound)?)?;
        match kind {
            RoomKind::Group | RoomKind::Direct if !is_member => return Err(Error::RoomNotFound),
            RoomKind::Direct => return Err(Error::DirectRoom),
            RoomKind::Public | RoomKind::Group => {}
        }
        Ok(RoomDetails {
            id: room,
            kind,
            name: name.unwrap_or_default(),
            description: description.unwrap_or_default(),
            avatar: avatar.unwrap_or_default(),
            slow_mode: SlowMode::of_secs(slow.unwrap_or(0))?,
        })
    }

    /// Changes a room and announces the change. The index of names is in another slot and is written next: repeating a
    /// change that ended in between finishes it. Searches skip former names that stayed in the index.
    ///
    /// # Errors
    /// `RoomNotFound`, also for closed rooms of which the actor is no member; `DirectRoom`, `Forbidden`, `RateLimited`.
    pub async fn change_room(
        &self,
        room: RoomId,
        actor: UserId,
        change: &RoomChange,
        rate: Option<SendRate>,
    ) -> Result<()> {
        let fields = stored_fields(change);
        if fields.is_empty() {
            return Ok(());
        }
        let keys = self.keys.room(room);
        let rate_key = self.keys.rate(room, actor);
        let (interval, burst_ms) = SendRate::as_arguments(rate);
        let announced = serde_json::to_string(&Announced::of(change)).map_err(Error::internal)?;
        let mut args = vec![Arg::Number(actor.0), Arg::Text(&interval), Arg::Number(burst_ms), Arg::Text(&announced)];
        args.extend(fields.iter().flat_map(|(field, value)| [Arg::Text(field), Arg::Text(value)]));
        let call = Call {
            script: &scripts::CHANGE_ROOM,
            keys: &[&keys.room, &keys.members, &keys.admins, &keys.live, &rate_key],
            args: &args,
        };
        let items = array(self.writer.run_script(&call, &[]).await?.0)?;
        let (kind, former) = read_changed(&items)?;
        self.cards.forget(room);
        match &change.name {
            Some(name) if kind == RoomKind::Public => {
                self.list_public_room(room, Some(former), Some(name.as_str())).await
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Kind and former name from the reply of the script.
fn read_changed(items: &[Value]) -> Result<(RoomKind, &str)> {
    let [status, rest @ ..] = items else { return Err(Error::internal("an empty reply")) };
    match (text(status)?, rest) {
        ("changed", [kind, former]) => Ok((kind_of(text(kind)?)?, text(former)?)),
        ("no_room", []) => Err(Error::RoomNotFound),
        ("direct", []) => Err(Error::DirectRoom),
        ("forbidden", []) => Err(Error::Forbidden),
        ("limited", [Value::Int(wait_ms)]) => Err(reply::limited(*wait_ms)),
        _ => Err(reply::unexpected(status)),
    }
}

fn stored_fields(change: &RoomChange) -> Vec<(&'static str, String)> {
    let RoomChange { name, description, avatar, slow_mode } = change;
    let fields = [
        ("name", name.as_ref().map(|name| name.as_str().to_owned())),
        ("description", description.as_ref().map(|text| text.as_str().to_owned())),
        ("avatar", avatar.clone()),
        ("slow", slow_mode.map(|mode| mode.secs().to_string())),
    ];
    fields.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}

/// A change as it travels on the channel of its room.
#[derive(Default, Serialize, Deserialize)]
struct Announced {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slow: Option<u64>,
}

impl Announced {
    fn of(change: &RoomChange) -> Self {
        let RoomChange { name, description, avatar, slow_mode } = change;
        Self {
            name: name.as_ref().map(|name| name.as_str().to_owned()),
            description: description.as_ref().map(|text| text.as_str().to_owned()),
            avatar: avatar.clone(),
            slow: slow_mode.map(|mode| mode.secs().into()),
        }
    }
}

/// Parses an announced change. `None` for one that this version does not understand.
pub(super) fn parse_change(by: &str, text: &str) -> Option<Event> {
    let Announced { name, description, avatar, slow } = serde_json::from_str(text).ok()?;
    let change = RoomChange {
        name: name.map(|name| RoomName::parse(&name)).transpose().ok()?,
        description: description.map(|text| Description::parse(&text)).transpose().ok()?,
        avatar,
        slow_mode: slow.map(SlowMode::of_secs).transpose().ok()?,
    };
    Some(Event::RoomChanged { by: UserId(by.parse().ok()?), change: Box::new(change) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_round_trip() {
        let name = RoomName::parse("新 name").expect("valid");
        let description = Description::parse("two\nlines").expect("valid");
        for change in [
            RoomChange::default(),
            RoomChange { name: Some(name), slow_mode: SlowMode::of_secs(30).ok(), ..RoomChange::default() },
            RoomChange { description: Some(description), avatar: Some(String::new()), ..RoomChange::default() },
        ] {
            let text = serde_json::to_string(&Announced::of(&change)).expect("JSON");
            let event = Event::RoomChanged { by: UserId(7), change: Box::new(change) };
            assert_eq!(parse_change("7", &text), Some(event), "{text}");
        }
        assert_eq!(parse_change("7", r#"{"slow":99999999}"#), None);
    }
}
