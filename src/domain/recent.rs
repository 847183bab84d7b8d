//! The newest messages of a room, as a node keeps them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::amendment::Amendment;
use super::ids::Seq;
use super::message::Message;
use super::page::{HistoryPage, HistoryQuery, Span, Watermark};
use super::selection::Selection;

/// The newest messages of a room in one of its states, which the watermark identifies: without deleted ones, and without a
/// gap from [`Self::from`] on.
#[derive(Clone, Debug)]
pub struct RecentMessages {
    watermark: Watermark,
    /// All messages from this seq on are here. 0 when there are no earlier ones.
    from: Seq,
    /// Oldest first.
    messages: VecDeque<Arc<Message>>,
    /// As [`Message::printed_bytes`] counts them.
    bytes: usize,
}

impl RecentMessages {
    /// Takes the messages of a page. `None` if it is not one of the newest messages, whoever sent them.
    pub fn of(query: &HistoryQuery, page: &HistoryPage) -> Option<Self> {
        if query.span != Span::Latest || query.skip > 0 || !query.include_system {
            return None;
        }
        let has_earlier = page.is_cut || page.messages.len() >= query.limit.get();
        let from = match page.messages.last() {
            Some(oldest) if has_earlier => oldest.id.entry.seq,
            _ => Seq(0),
        };
        // The watermark is older than the messages.
        let known = page.messages.iter().rev().filter(|message| message.id.entry.seq <= page.watermark.last.seq);
        let messages: VecDeque<_> = known.cloned().map(Arc::new).collect();
        let bytes = messages.iter().map(|message| message.printed_bytes()).sum();
        Some(Self { watermark: page.watermark, from, messages, bytes })
    }

    /// The state of the room that has these messages.
    pub fn watermark(&self) -> Watermark {
        self.watermark
    }

    /// Where the messages begin: all from this seq on are here. 0 when there are no earlier ones.
    pub fn from(&self) -> Seq {
        self.from
    }

    /// Whether these messages are enough to answer a query.
    pub fn cover(&self, query: &HistoryQuery) -> bool {
        if self.from == Seq(0) {
            return true;
        }
        let before = match query.span {
            Span::After(seq) => return !query.with_total && seq.0.saturating_add(1) >= self.from.0,
            Span::Before(seq) => seq,
            Span::Latest => Seq(u64::MAX),
        };
        let is_listed = |message: &&Arc<Message>| {
            message.id.entry.seq < before && (query.include_system || !message.is_from_server())
        };
        let listed = self.messages.iter().filter(is_listed).count();
        !query.with_total && listed >= query.skip.saturating_add(query.limit.get())
    }

    /// Selects the messages of a page that they [`cover`](Self::cover).
    pub fn select(&self, query: HistoryQuery, oldest_ms: u64) -> Selection {
        let mut selection = Selection::new(query, oldest_ms);
        let mut add = |message: &Arc<Message>| {
            if selection.takes(message.id.entry.at_ms, message.is_from_server()) {
                selection.put(Message::clone(message));
            }
        };
        let seq = |message: &&Arc<Message>| message.id.entry.seq;
        match query.span {
            Span::Latest => self.messages.iter().rev().for_each(&mut add),
            Span::Before(end) => self.messages.iter().rev().filter(|message| seq(message) < end).for_each(&mut add),
            Span::After(start) => self.messages.iter().filter(|message| seq(message) > start).for_each(&mut add),
        }
        selection
    }

    /// Adds the room's next message. Returns `false` when it is not the next.
    #[must_use]
    pub fn push(&mut self, message: &Message) -> bool {
        let (id, last) = (message.id.entry, self.watermark.last);
        let is_next = id.seq.0 == last.seq.0 + 1 && id.at_ms >= last.at_ms;
        if is_next {
            self.watermark.last = id;
            self.bytes += message.printed_bytes();
            self.messages.push_back(Arc::new(message.clone()));
        }
        is_next
    }

    /// Applies the room's next amendment, or an earlier one again. Returns `false` when others are missing before it,
    /// or the message itself.
    #[must_use]
    pub fn amend(&mut self, amendment: &Amendment) -> bool {
        let seq = amendment.id.seq;
        if amendment.revision > self.watermark.revision + 1 || seq > self.watermark.last.seq {
            return false;
        }
        self.watermark.revision = self.watermark.revision.max(amendment.revision);
        let Ok(index) = self.messages.binary_search_by_key(&seq, |message| message.id.entry.seq) else { return true };
        let message = Arc::make_mut(&mut self.messages[index]);
        self.bytes -= message.printed_bytes();
        if amendment.apply(message) {
            self.bytes += message.printed_bytes();
        } else {
            self.messages.remove(index);
        }
        true
    }

    /// Drops the oldest messages beyond `max_messages`, and those that are not among the last `max_entries` of the
    /// room, which retention may have dropped.
    pub fn trim(&mut self, max_messages: usize, max_entries: u64) {
        let last = self.watermark.last.seq.0;
        while let Some(oldest) = self.messages.front() {
            let seq = oldest.id.entry.seq.0;
            if self.messages.len() <= max_messages && seq + max_entries > last {
                return;
            }
            self.from = Seq(seq + 1);
            self.bytes -= oldest.printed_bytes();
            self.messages.pop_front();
        }
    }

    /// Bytes of all messages, as [`Message::printed_bytes`] counts them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AmendmentKind, EntryId, Limit, Receipts, RoomHead, RoomId, RoomKind, UserId};

    const EVERYTHING: u64 = 1000;

    fn message(seq: u64) -> Message {
        Message::sample(1, seq, 10 * seq)
    }

    fn query(span: Span, limit: usize) -> HistoryQuery {
        HistoryQuery::new(RoomId::GLOBAL, span, Limit::of(limit))
    }

    /// A page of these messages, newest first, of a room whose last message is `last`.
    fn page(last: u64, seqs: &[u64]) -> HistoryPage {
        HistoryPage {
            messages: seqs.iter().map(|seq| message(*seq)).collect(),
            is_cut: false,
            head: RoomHead { id: RoomId::GLOBAL, kind: RoomKind::Public, pair: None },
            watermark: Watermark { last: message(last).id.entry, revision: 4 },
            is_member: true,
            unread: None,
            total: 0,
            receipts: Receipts::default(),
        }
    }

    /// The messages 5 to 9 of a room that has earlier ones.
    fn recent() -> RecentMessages {
        RecentMessages::of(&query(Span::Latest, 5), &page(9, &[9, 8, 7, 6, 5])).expect("the newest messages")
    }

    fn selected(recent: &RecentMessages, query: HistoryQuery) -> Option<Vec<u64>> {
        let selection = recent.cover(&query).then(|| recent.select(query, 0))?;
        Some(selection.into_messages().iter().map(|message| message.id.entry.seq.0).collect())
    }

    fn deletion(seq: u64, revision: u64) -> Amendment {
        let id = EntryId { seq: Seq(seq), at_ms: 0 };
        Amendment { id, revision, by: UserId(1), at_ms: None, what: AmendmentKind::Deleted }
    }

    #[test]
    fn only_what_is_there_for_sure_answers_a_query() {
        let (some, all) = (recent(), RecentMessages::of(&query(Span::Latest, 6), &page(9, &[9, 8, 7, 6, 5])));
        let all = all.expect("the newest messages");
        for (span, limit, of_some, of_all) in [
            (Span::Latest, 3, Some(vec![9, 8, 7]), vec![9, 8, 7]),
            (Span::Latest, 5, Some(vec![9, 8, 7, 6, 5]), vec![9, 8, 7, 6, 5]),
            (Span::Latest, 6, None, vec![9, 8, 7, 6, 5]),
            (Span::Before(Seq(8)), 2, Some(vec![7, 6]), vec![7, 6]),
            (Span::Before(Seq(7)), 3, None, vec![6, 5]),
            (Span::Before(Seq(5)), 1, None, vec![]),
            (Span::Before(Seq(0)), 1, None, vec![]),
            (Span::Before(Seq(u64::MAX)), 1, Some(vec![9]), vec![9]),
            (Span::After(Seq(4)), 2, Some(vec![5, 6]), vec![5, 6]),
            (Span::After(Seq(7)), 9, Some(vec![8, 9]), vec![8, 9]),
            (Span::After(Seq(u64::MAX)), 9, Some(vec![]), vec![]),
            (Span::After(Seq(3)), 2, None, vec![5, 6]),
        ] {
            assert_eq!(selected(&some, query(span, limit)), of_some, "{span:?} {limit}");
            assert_eq!(selected(&all, query(span, limit)), Some(of_all), "all, {span:?} {limit}");
        }
    }

    #[test]
    fn pages_are_selected_as_from_redis() {
        let mut recent = recent();
        let notice =
            Message { sender: crate::domain::UserRef { id: UserId::SERVER, name: String::new() }, ..message(10) };
        assert!(recent.push(&notice));
        let users = HistoryQuery { include_system: false, ..query(Span::Latest, 2) };
        assert_eq!(selected(&recent, users), Some(vec![9, 8]));
        assert_eq!(selected(&recent, HistoryQuery { limit: Limit::of(6), ..users }), None);
        assert_eq!(selected(&recent, HistoryQuery { skip: 2, ..users }), Some(vec![7, 6]));
        assert_eq!(selected(&recent, HistoryQuery { skip: 4, ..users }), None);
        assert_eq!(selected(&recent, HistoryQuery { with_total: true, ..users }), None, "earlier ones count");
        let small = HistoryQuery { max_bytes: Some(1), ..users };
        assert_eq!(selected(&recent, small), Some(vec![9]));
        assert!(recent.select(small, 0).is_cut());
        let unexpired: Vec<_> = recent.select(query(Span::Latest, 6), 80).into_messages();
        assert_eq!(unexpired.iter().map(|message| message.id.entry.seq.0).collect::<Vec<_>>(), [10, 9, 8]);
    }

    #[test]
    fn only_pages_of_the_newest_messages_are_taken() {
        let latest = query(Span::Latest, 5);
        for other in [
            HistoryQuery { span: Span::Before(Seq(9)), ..latest },
            HistoryQuery { span: Span::After(Seq(1)), ..latest },
            HistoryQuery { skip: 1, ..latest },
            HistoryQuery { include_system: false, ..latest },
        ] {
            assert!(RecentMessages::of(&other, &page(9, &[9, 8])).is_none(), "{other:?}");
        }
        let cut = HistoryPage { is_cut: true, ..page(9, &[9, 8]) };
        let cut = RecentMessages::of(&latest, &cut).expect("the newest messages");
        assert_eq!(selected(&cut, query(Span::Latest, 3)), None, "others were left out");
        let mut newer = RecentMessages::of(&latest, &page(8, &[9, 8])).expect("the newest messages");
        assert_eq!(selected(&newer, latest), Some(vec![8]), "the ninth is not in this state");
        assert!(newer.push(&message(9)));
        assert_eq!(selected(&newer, latest), Some(vec![9, 8]));
    }

    #[test]
    fn messages_follow_without_a_gap() {
        for (next, at_ms) in [(9, 90), (11, 110), (10, 89)] {
            assert!(!recent().push(&Message::sample(1, next, at_ms)), "{next} at {at_ms}");
        }
        let mut recent = recent();
        assert!(recent.push(&message(10)));
        assert_eq!(recent.watermark(), Watermark { last: message(10).id.entry, revision: 4 });
        assert_eq!(selected(&recent, query(Span::Latest, 6)), Some(vec![10, 9, 8, 7, 6, 5]));
    }

    #[test]
    fn deleted_messages_are_gone_and_a_missed_amendment_is_noticed() {
        let mut recent = recent();
        let bytes = recent.bytes();
        assert!(!recent.amend(&deletion(8, 6)), "the fifth is missing");
        assert!(recent.amend(&deletion(8, 5)) && recent.amend(&deletion(8, 5)) && recent.amend(&deletion(2, 6)));
        assert_eq!(selected(&recent, query(Span::Latest, 4)), Some(vec![9, 7, 6, 5]));
        assert_eq!((recent.watermark().revision, recent.bytes()), (6, bytes - message(8).printed_bytes()));
    }

    #[test]
    fn an_edited_message_has_its_new_text_and_size() {
        let mut recent = recent();
        let shared = recent.messages[3].clone();
        let edit = |seq, revision| {
            let what = AmendmentKind::Edited("a longer text".into());
            Amendment { at_ms: Some(500), what, ..deletion(seq, revision) }
        };
        assert!(!recent.amend(&edit(10, 5)), "a message that is not there yet");
        assert!(recent.amend(&edit(8, 5)) && recent.amend(&edit(3, 6)));
        let messages = recent.select(query(Span::Latest, 2), 0).into_messages();
        assert_eq!((messages[1].text.as_str(), messages[1].edited_at_ms), ("a longer text", Some(500)));
        assert_eq!(shared.text, "", "what a reader holds stays as it is");
        assert_eq!(recent.bytes(), recent.messages.iter().map(|message| message.printed_bytes()).sum::<usize>());
    }

    #[test]
    fn the_oldest_messages_are_forgotten() {
        let mut recent = RecentMessages::of(&query(Span::Latest, 6), &page(9, &[9, 8, 7, 6, 5])).expect("taken");
        recent.trim(3, EVERYTHING);
        assert_eq!((recent.from(), recent.bytes()), (Seq(7), 3 * message(7).printed_bytes()));
        assert_eq!(selected(&recent, query(Span::Latest, 4)), None);
        recent.trim(3, 2);
        assert_eq!(recent.from(), Seq(8), "retention keeps two");
        assert_eq!(selected(&recent, query(Span::Latest, 2)), Some(vec![9, 8]));
    }
}
