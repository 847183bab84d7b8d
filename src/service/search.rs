//! Searching the messages of a room. Folding case is slow, so a search gives way to the worker's other requests after
//! each small piece, a worker has one search under way at a time, and what a search reads is bounded.

use super::messages::Messages;
use crate::domain::{Caller, Error, HistoryPage, HistoryQuery, Limit, Message, Result, RoomId, Span, folded};

/// Messages that are read at once.
const PIECE: Limit = Limit::of(50);
/// Bytes of text after which a search gives way: they take about a millisecond.
const BYTES_A_TURN: usize = 16 * 1024;
/// Bytes of text after which a search ends: more than any room has.
const MAX_BYTES: usize = 24 * 1024 * 1024;
/// Longest name of a file that is searched, in characters. Old messages may have longer ones.
const NAME_MAX_CHARS: usize = 255;

impl Messages {
    /// The messages of a room that contain a text, ignoring case, newest first. Does not count as reading.
    ///
    /// # Errors
    /// `RoomNotFound`, `RateLimited`.
    pub async fn find(&self, room: RoomId, text: &str, caller: &Caller, limit: Limit) -> Result<HistoryPage> {
        self.limits.check_search(caller.id)?;
        let _turn = self.searching.acquire().await.map_err(Error::internal)?;
        let mut search = Search { wanted: folded(text), limit, found: Vec::new(), bytes: 0 };
        let mut span = Span::Latest;
        loop {
            let query = HistoryQuery { include_system: false, ..HistoryQuery::new(room, span, PIECE) };
            let mut page = self.store.history(query, caller).await?;
            let oldest = page.messages.last().map(|message| message.id.entry.seq);
            let is_last = page.messages.len() < PIECE.get();
            search.add(std::mem::take(&mut page.messages)).await;
            match oldest {
                Some(seq) if !is_last && !search.is_done() => span = Span::Before(seq),
                _ => return Ok(HistoryPage { messages: search.found, ..page }),
            }
        }
    }
}

/// A search under way.
struct Search {
    wanted: String,
    limit: Limit,
    found: Vec<Message>,
    /// Bytes searched so far.
    bytes: usize,
}

impl Search {
    fn is_done(&self) -> bool {
        self.found.len() >= self.limit.get() || self.bytes >= MAX_BYTES
    }

    /// Searches a piece.
    async fn add(&mut self, messages: Vec<Message>) {
        let mut turn = 0;
        for message in messages {
            if self.is_done() {
                return;
            }
            let bytes = message.printed_bytes();
            self.bytes += bytes;
            turn += bytes;
            if has_text(&message, &self.wanted) {
                self.found.push(message);
            }
            if turn >= BYTES_A_TURN {
                turn = 0;
                tokio::task::yield_now().await;
            }
        }
    }
}

fn has_text(message: &Message, wanted: &str) -> bool {
    let name = message.attachment.as_ref().and_then(|file| file.name.as_deref()).unwrap_or_default();
    let end = name.char_indices().nth(NAME_MAX_CHARS).map_or(name.len(), |(end, _)| end);
    contains(&message.text, wanted) || contains(&name[..end], wanted)
}

fn contains(text: &str, wanted: &str) -> bool {
    quickly_folded(text).contains(wanted)
}

/// The same as [`folded`]. Ideographs have no case and never combine with their neighbours, so what is between them is folded by
/// itself, and folding ASCII is lowering it.
fn quickly_folded(text: &str) -> String {
    let is_ideograph = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_ideograph(c) != is_ideograph(first)).unwrap_or(rest.len());
        let (run, others) = rest.split_at(end);
        match run {
            _ if is_ideograph(first) => result.push_str(run),
            _ if run.is_ascii() => result.extend(run.bytes().map(|byte| char::from(byte.to_ascii_lowercase()))),
            _ => result.push_str(&folded(run)),
        }
        rest = others;
    }
    result
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn message(seq: u64, text: String) -> Message {
        Message { text, ..Message::sample(1, seq, 1) }
    }

    fn search(wanted: &str, limit: usize) -> Search {
        Search { wanted: folded(wanted), limit: Limit::of(limit), found: Vec::new(), bytes: 0 }
    }

    /// Polls a search to its end. Returns how many times it gave way.
    fn pauses(search: &mut Search, messages: Vec<Message>) -> usize {
        let mut adding = pin!(search.add(messages));
        let mut pauses = 0;
        while adding.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            pauses += 1;
        }
        pauses
    }

    #[test]
    fn a_long_search_gives_way_to_others() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _guard = runtime.enter();
        let long: Vec<Message> = (1..=50).map(|seq| message(seq, "好".repeat(5000))).collect();
        assert_eq!(pauses(&mut search("x", 100), long), 50, "once for each long message");
        let short: Vec<Message> = (1..=50).map(|seq| message(seq, "hello".to_owned())).collect();
        assert!(pauses(&mut search("x", 100), short) < 5);
    }

    #[test]
    fn a_search_ends_early_and_is_bounded() {
        let all = || (1..=50).map(|seq| message(seq, "hello".to_owned())).collect();
        let mut one = search("HELLO", 1);
        pauses(&mut one, all());
        assert_eq!((one.found.len(), one.bytes), (1, all()[0].printed_bytes()));
        let mut full = Search { bytes: MAX_BYTES, ..search("hello", 100) };
        pauses(&mut full, all());
        assert!(full.found.is_empty());
    }

    #[test]
    fn case_and_width_do_not_matter_and_only_the_start_of_a_name_is_searched() {
        for (text, wanted) in [("HeLLo", "hello"), ("Ｈello", "HELLO"), ("STRASSE", "straße"), ("Straße", "STRASSE")]
        {
            assert!(contains(text, &folded(wanted)), "{text}");
        }
        assert!(!contains("hello", "world"));
        for text in
            ["", "Ab", "中文", "ΑΣ中Σ文ΟΔΟΣ", "e\u{301}中\u{301}E", "ﬁ，ＡＢ中ß", "㍿株\u{f900}한국ㄱㅏ", "İI中i"]
        {
            assert_eq!(quickly_folded(text), folded(text), "{text}");
        }
        let named = |name: String| {
            let file = crate::domain::Attachment { url: "/x".to_owned(), name: Some(name), ..Default::default() };
            Message { attachment: Some(file), ..message(1, "a file".to_owned()) }
        };
        assert!(has_text(&named("Report.PDF".to_owned()), "report"));
        assert!(!has_text(&named(format!("{}report", "é".repeat(NAME_MAX_CHARS))), "report"));
    }
}
