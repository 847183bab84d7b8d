//! Which messages are on a page of history, whether they come from Redis or from the memory of a node.

use super::message::Message;
use super::page::HistoryQuery;

/// Selects the messages of a page from those of a room, which are passed in the order of the query's span.
#[derive(Clone, Debug)]
pub struct Selection {
    query: HistoryQuery,
    oldest_ms: u64,
    messages: Vec<Message>,
    total: usize,
    /// As [`Message::printed_bytes`] counts them.
    bytes: usize,
    is_cut: bool,
}

impl Selection {
    /// Selects nothing yet. Messages before `oldest_ms` are expired.
    pub fn new(query: HistoryQuery, oldest_ms: u64) -> Self {
        Self { query, oldest_ms, messages: Vec::new(), total: 0, bytes: 0, is_cut: false }
    }

    /// Counts the next message that was not deleted. Returns whether it belongs on the page; then pass it to [`Self::put`].
    pub fn takes(&mut self, at_ms: u64, is_from_server: bool) -> bool {
        if at_ms < self.oldest_ms || (is_from_server && !self.query.include_system) {
            return false;
        }
        self.total += 1;
        self.total > self.query.skip && !self.is_full()
    }

    /// Puts a message on the page, unless the page would be too large with it.
    pub fn put(&mut self, message: Message) {
        if let Some(max_bytes) = self.query.max_bytes {
            self.bytes += message.printed_bytes();
            if self.bytes > max_bytes && !self.messages.is_empty() {
                self.is_cut = true;
                return;
            }
        }
        self.messages.push(message);
    }

    fn is_full(&self) -> bool {
        self.is_cut || self.messages.len() >= self.query.limit.get()
    }

    /// Whether further messages change nothing.
    pub fn is_done(&self) -> bool {
        self.is_full() && !self.query.with_total
    }

    /// How many more messages are needed at least; without a bound where all are counted.
    pub fn missing(&self) -> usize {
        match self.query.with_total {
            true => usize::MAX,
            false => self.query.skip.saturating_add(self.query.limit.get()).saturating_sub(self.total),
        }
    }

    /// Number of messages that all pages have together, when [`HistoryQuery::with_total`] asks for it.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether [`HistoryQuery::max_bytes`] left out messages that the limit would allow.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The messages of the page.
    pub fn into_messages(self) -> Vec<Message> {
        self.messages
    }
}
