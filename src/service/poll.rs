//! Polling a room: what is new since a state that the client knows.

use super::messages::Messages;
use crate::domain::{Caller, HistoryQuery, Message, Result, Span, Watermark};

/// What a poll finds.
#[derive(Debug)]
pub enum Poll {
    /// The room is in a state that the client knows.
    Unchanged(Watermark),
    /// The messages that were asked for.
    Page {
        /// The messages in the order of the query's span.
        messages: Vec<Message>,
        /// The state of the room, never newer than the messages.
        watermark: Watermark,
    },
}

impl Messages {
    /// A page of history for a client that knows these states of the room. For a room that this node follows, "nothing
    /// new" takes no round trip.
    ///
    /// # Errors
    /// `RoomNotFound`.
    pub async fn poll(&self, query: HistoryQuery, caller: &Caller, known: &[Watermark]) -> Result<Poll> {
        let followed = self.watermarks.watermark(query.room);
        if let Some(watermark) = followed
            && let Some(poll) = without_news(&query, watermark, known)
        {
            return Ok(poll);
        }
        let is_forward = matches!(query.span, Span::After(_));
        let page = self.history(query, caller).await?;
        if followed.is_none() && (is_forward || !known.is_empty()) {
            self.watermarks.follow(query.room);
        }
        // A state covers the whole room; a page after a message is news for the client even if it knows the state.
        let has_news = is_forward && !page.messages.is_empty();
        if !has_news && known.contains(&page.watermark) {
            return Ok(Poll::Unchanged(page.watermark));
        }
        Ok(Poll::Page { messages: page.messages, watermark: page.watermark })
    }
}

/// The answer when the room's state alone shows that there is nothing new.
fn without_news(query: &HistoryQuery, watermark: Watermark, known: &[Watermark]) -> Option<Poll> {
    let after = match query.span {
        Span::After(seq) => Some(seq),
        _ => None,
    };
    if after.is_some_and(|seq| seq < watermark.last.seq) {
        return None;
    }
    if known.contains(&watermark) {
        return Some(Poll::Unchanged(watermark));
    }
    after.map(|_| Poll::Page { messages: Vec::new(), watermark })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EntryId, Limit, RoomId, Seq};

    fn at(seq: u64, revision: u64) -> Watermark {
        Watermark { last: EntryId { seq: Seq(seq), at_ms: 1 }, revision }
    }

    #[test]
    fn a_state_alone_answers_when_nothing_is_new() {
        let query = |span| HistoryQuery::new(RoomId::GLOBAL, span, Limit::of(50));
        let now = at(7, 2);
        let unchanged =
            |span, known: &[Watermark]| matches!(without_news(&query(span), now, known), Some(Poll::Unchanged(_)));
        assert!(unchanged(Span::Latest, &[at(6, 2), now]));
        assert!(unchanged(Span::After(Seq(7)), &[now]));
        assert!(!unchanged(Span::After(Seq(6)), &[now]), "message 7 is new to this client");
        assert!(without_news(&query(Span::Latest), now, &[at(7, 1)]).is_none(), "something was amended");
        let empty = without_news(&query(Span::After(Seq(7))), now, &[]);
        assert!(matches!(empty, Some(Poll::Page { messages, .. }) if messages.is_empty()));
    }
}
