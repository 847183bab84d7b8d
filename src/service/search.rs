//! Searching the messages of a room, or of all rooms of a user. Folding case is slow, so a search gives way to the worker's
//! other requests after each small piece, a worker has one search under way at a time, and what a search reads is bounded.
//!
//! The messages of several rooms are read in the order of time: always from the room whose unread part ends last. What was
//! found behind that end is complete.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::messages::Messages;
use crate::domain::{
    Caller, CountsAs, Error, FoundMessages, HistoryPage, HistoryQuery, Kind, Limit, Message, MessageSearch, Result,
    RoomId, SearchPlace, Seq, Span, searchable,
};

/// Messages that are read at once.
const PIECE: Limit = Limit::of(50);
/// Bytes of text after which a search gives way: they take about a millisecond.
const BYTES_A_TURN: usize = 16 * 1024;
/// Bytes of text after which the search of a room ends: more than any room has.
const MAX_BYTES: usize = 24 * 1024 * 1024;
/// Bytes of text after which the search of all rooms ends its page.
const MAX_BYTES_OF_ALL: usize = 8 * 1024 * 1024;
/// Longest name of a file that is searched, in characters. Old messages may have longer ones.
const NAME_MAX_CHARS: usize = 255;

impl Messages {
    /// A page of the messages of a room, or of all rooms of the caller, that have what is looked for, newest first. Text is
    /// compared ignoring case and marks. Does not count as reading.
    ///
    /// # Errors
    /// `RoomNotFound`, `RateLimited`.
    pub async fn find(
        &self,
        room: Option<RoomId>,
        wanted: &MessageSearch,
        caller: &Caller,
        limit: Limit,
    ) -> Result<FoundMessages> {
        self.limits.check_search(caller.id)?;
        let _turn = self.searching.acquire().await.map_err(Error::internal)?;
        let (mut unread, is_partial) = match room {
            Some(room) => (BinaryHeap::from([Unread { end: wanted.before, room, last: None }]), false),
            None => self.unread_of(caller, wanted.before).await?,
        };
        let max_bytes = if room.is_some() { MAX_BYTES } else { MAX_BYTES_OF_ALL };
        let mut search = Search::new(wanted, limit, is_partial);
        while let Some(part) = unread.pop() {
            // The first pieces may only lead to the beginning of the page.
            let is_full = search.bytes >= max_bytes && part.end < wanted.before;
            if is_full || search.has_page(part.end) {
                return Ok(search.into_page(Some(part.end)));
            }
            match self.search_piece(part, caller, &mut search).await {
                Ok(rest) => unread.extend(rest),
                Err(Error::RoomNotFound) if room.is_none() => {} // left meanwhile
                Err(error) if room.is_none() && error.kind() == Kind::Unavailable => search.is_partial = true,
                Err(error) => return Err(error),
            }
        }
        Ok(search.into_page(None))
    }

    /// The rooms of a user with the places of their last messages, or the place where the search begins when that is before
    /// them; and whether rooms are left out because their shard is away.
    async fn unread_of(&self, caller: &Caller, before: SearchPlace) -> Result<(BinaryHeap<Unread>, bool)> {
        let rooms = self.store.conversations(caller.id).await?;
        let last = rooms.items.iter().filter_map(|room| room.last_message.as_ref());
        let part = |message: &Message| {
            let end = SearchPlace::behind(message.id).min(before);
            Unread { end, room: message.id.room, last: None }
        };
        Ok((last.map(part).collect(), rooms.is_partial))
    }

    /// Searches the last piece of an unread part. Returns what is left of the part.
    async fn search_piece(&self, part: Unread, caller: &Caller, search: &mut Search<'_>) -> Result<Option<Unread>> {
        let span = match part.last {
            Some(seq) => Span::Before(seq),
            None if part.end < search.wanted.before => Span::Latest,
            None => self.span_before(part.room, search.wanted.before, caller).await?,
        };
        let page = self.read_piece(part.room, span, PIECE, caller).await?;
        let is_last = page.messages.len() < PIECE.get();
        let oldest = page.messages.last().map(|message| message.id);
        search.add(page.messages).await;
        let rest = |id: crate::domain::MessageId| Unread { end: SearchPlace::of(id), last: Some(id.entry.seq), ..part };
        Ok(oldest.filter(|_| !is_last).map(rest))
    }

    /// The part of a room before a place, and at most a piece behind the place. Times never decrease within a room, so the
    /// place is found by halving.
    async fn span_before(&self, room: RoomId, before: SearchPlace, caller: &Caller) -> Result<Span> {
        if before == SearchPlace::END {
            return Ok(Span::Latest);
        }
        let newest = async |span| {
            let page = self.read_piece(room, span, Limit::of(1), caller).await?;
            Ok::<_, Error>(page.messages.first().map(|message| message.id))
        };
        let Some(id) = newest(Span::Latest).await?.filter(|id| SearchPlace::of(*id) >= before) else {
            return Ok(Span::Latest);
        };
        let (mut before_it, mut behind_it) = (0, id.entry.seq.0);
        while behind_it - before_it > PIECE.get() as u64 {
            let middle = before_it.midpoint(behind_it);
            match newest(Span::Before(Seq(middle + 1))).await? {
                Some(id) if SearchPlace::of(id) >= before => behind_it = id.entry.seq.0,
                _ => before_it = middle,
            }
        }
        Ok(Span::Before(Seq(behind_it)))
    }

    async fn read_piece(&self, room: RoomId, span: Span, limit: Limit, caller: &Caller) -> Result<HistoryPage> {
        let query = HistoryQuery {
            include_system: false,
            counts_as: CountsAs::Nothing,
            ..HistoryQuery::new(room, span, limit)
        };
        self.store.history(query, caller).await
    }
}

/// A part of a room that is not read yet. The one that ends last is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Unread {
    /// All of it lies before this place.
    end: SearchPlace,
    room: RoomId,
    /// The last message read; `None` for none.
    last: Option<Seq>,
}

/// A search under way.
struct Search<'a> {
    wanted: &'a MessageSearch,
    /// What the text has to have, folded.
    parts: Vec<String>,
    limit: Limit,
    found: Vec<Message>,
    /// Bytes searched so far.
    bytes: usize,
    is_partial: bool,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a MessageSearch, limit: Limit, is_partial: bool) -> Self {
        Self { wanted, parts: parts_of(&wanted.text), limit, found: Vec::new(), bytes: 0, is_partial }
    }

    /// Whether a whole page was found behind a place.
    fn has_page(&self, end: SearchPlace) -> bool {
        self.found.iter().filter(|message| SearchPlace::of(message.id) >= end).count() >= self.limit.get()
    }

    /// Searches a piece.
    async fn add(&mut self, messages: Vec<Message>) {
        let mut turn = 0;
        for message in messages {
            let bytes = message.printed_bytes();
            self.bytes += bytes;
            turn += bytes;
            if self.is_wanted(&message) {
                self.found.push(message);
            }
            if turn >= BYTES_A_TURN {
                turn = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    fn is_wanted(&self, message: &Message) -> bool {
        let MessageSearch { sender, has, before, .. } = self.wanted;
        SearchPlace::of(message.id) < *before
            && sender.is_none_or(|sender| message.sender.id == sender)
            && has.is_none_or(|has| has.is_in(message))
            && (self.parts.is_empty() || has_text(message, &self.parts))
    }

    /// The page of what was found behind a place, up to which everything is read.
    fn into_page(self, end: Option<SearchPlace>) -> FoundMessages {
        let Self { mut found, limit, is_partial, .. } = self;
        found.retain(|message| end.is_none_or(|end| SearchPlace::of(message.id) >= end));
        found.sort_by_key(|message| Reverse(SearchPlace::of(message.id)));
        let is_cut = found.len() > limit.get();
        found.truncate(limit.get());
        let last = found.last().map(|message| SearchPlace::of(message.id));
        FoundMessages { messages: found, next: if is_cut { last } else { end }, is_partial }
    }
}

/// The words of a text, folded; what stands in quotation marks is one of them. None if there are only spaces.
fn parts_of(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, (quoted, behind))) =
        rest.split_once('"').and_then(|(before, behind)| Some((before, behind.split_once('"')?)))
    {
        parts.extend(before.split_whitespace().map(searchable));
        parts.push(searchable(quoted.trim()));
        rest = behind;
    }
    parts.extend(rest.split_whitespace().map(searchable));
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() && !text.trim().is_empty() {
        parts.push(searchable(text.trim()));
    }
    parts
}

/// Whether the text and the file's name have all parts between them.
fn has_text(message: &Message, parts: &[String]) -> bool {
    let name = message.attachment.as_ref().and_then(|file| file.name.as_deref()).unwrap_or_default();
    let end = name.char_indices().nth(NAME_MAX_CHARS).map_or(name.len(), |(end, _)| end);
    let is_address = message.attachment.as_ref().is_some_and(|file| file.url == message.text);
    let text = if is_address { String::new() } else { quickly_folded(&message.text) };
    let name = quickly_folded(&name[..end]);
    parts.iter().all(|part| text.contains(part) || name.contains(part))
}

/// The same as [`searchable`]. Ideographs have no case and never combine with their neighbours, so what is between them is
/// folded by itself, and folding ASCII is lowering it.
fn quickly_folded(text: &str) -> String {
    let is_ideograph = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_ideograph(c) != is_ideograph(first)).unwrap_or(rest.len());
        let (run, others) = rest.split_at(end);
        match run {
            _ if is_ideograph(first) => result.push_str(run),
            _ if run.is_ascii() => result.extend(run.bytes().map(|byte| char::from(byte.to_ascii_lowercase()))),
            _ => result.push_str(&searchable(run)),
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

    fn wanted(text: &str) -> MessageSearch {
        MessageSearch { text: text.to_owned(), sender: None, has: None, before: SearchPlace::END }
    }

    fn search(wanted: &MessageSearch, limit: usize) -> Search<'_> {
        Search::new(wanted, Limit::of(limit), false)
    }

    /// Polls a search to its end. Returns how many times it gave way.
    fn pauses(search: &mut Search<'_>, messages: Vec<Message>) -> usize {
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
        assert_eq!(pauses(&mut search(&wanted("x"), 100), long), 50, "once for each long message");
        let short: Vec<Message> = (1..=50).map(|seq| message(seq, "hello".to_owned())).collect();
        assert!(pauses(&mut search(&wanted("x"), 100), short) < 5);
    }

    #[test]
    fn a_page_has_what_lies_behind_the_unread_parts_newest_first() {
        let all = || (1..=50).map(|seq| message(seq, "hello".to_owned())).rev().collect();
        let seqs = |page: &FoundMessages| page.messages.iter().map(|it| it.id.entry.seq.0).collect::<Vec<_>>();
        let end = SearchPlace::of(message(48, String::new()).id);
        let wanted = wanted("HELLO");
        let mut some = search(&wanted, 2);
        pauses(&mut some, all());
        assert!(some.has_page(end));
        let page = some.into_page(Some(end));
        assert_eq!(seqs(&page), [50, 49]);
        assert_eq!(page.next, Some(SearchPlace::of(message(49, String::new()).id)), "48 is on the next page");
        let mut few = search(&wanted, 4);
        pauses(&mut few, all());
        assert!(!few.has_page(end));
        let page = few.into_page(Some(end));
        assert_eq!((seqs(&page), page.next), (vec![50, 49, 48], Some(end)), "more may be found before the end");
        let later = MessageSearch { before: SearchPlace::of(message(3, String::new()).id), ..wanted };
        let mut last = search(&later, 4);
        pauses(&mut last, all());
        let page = last.into_page(None);
        assert_eq!((seqs(&page), page.next), (vec![2, 1], None));
    }

    #[test]
    fn sender_and_addresses_are_told_apart() {
        let from = MessageSearch { sender: Some(crate::domain::UserId(2)), ..wanted("") };
        assert!(!search(&from, 1).is_wanted(&message(1, "hello".to_owned())));
        let url = "/uploads/files/report.pdf".to_owned();
        let file = crate::domain::Attachment { url: url.clone(), ..Default::default() };
        let sent = Message { attachment: Some(file), ..message(1, url) };
        assert!(!search(&wanted("uploads"), 1).is_wanted(&sent), "the address of a file is not its text");
        assert!(search(&wanted(""), 1).is_wanted(&sent));
    }

    #[test]
    fn case_and_width_do_not_matter_and_only_the_start_of_a_name_is_searched() {
        for (text, wanted) in [
            ("HeLLo", "hello"),
            ("Ｈello", "HELLO"),
            ("STRASSE", "straße"),
            ("Straße", "STRASSE"),
            ("Le Café", "cafe"),
            ("Muller", "müller"),
        ] {
            assert!(has_text(&message(1, text.to_owned()), &parts_of(wanted)), "{text}");
        }
        assert!(!has_text(&message(1, "hello".to_owned()), &parts_of("world")));
        assert!(!has_text(&message(1, "が".to_owned()), &parts_of("か")));
        for text in
            ["", "Ab", "中文", "ΑΣ中Σ文ΟΔΟΣ", "e\u{301}中\u{301}E", "ﬁ，ＡＢ中ß", "㍿株\u{f900}한국ㄱㅏ", "İI中i"]
        {
            assert_eq!(quickly_folded(text), searchable(text), "{text}");
        }
        let named = |name: String| {
            let file = crate::domain::Attachment { url: "/x".to_owned(), name: Some(name), ..Default::default() };
            Message { attachment: Some(file), ..message(1, "a file".to_owned()) }
        };
        let report = parts_of("report");
        assert!(has_text(&named("Report.PDF".to_owned()), &report));
        assert!(!has_text(&named(format!("{}report", "é".repeat(NAME_MAX_CHARS))), &report));
        assert!(has_text(&named("Report.PDF".to_owned()), &parts_of("pdf file")), "one in the name, one in the text");
    }

    #[test]
    fn all_words_are_wanted_in_any_order_and_quoted_ones_together() {
        let fox = message(1, "The quick brown fox: **tea** time, 5\" wide".to_owned());
        let finds = |wanted: &str| has_text(&fox, &parts_of(wanted));
        for wanted in ["fox quick", " tea  time ", "\"Quick Brown\" tea", "qui\u{3000}fox", "5\" fox", "\"quick \""] {
            assert!(finds(wanted), "{wanted}");
        }
        for wanted in ["fox slow", "\"brown quick\"", "\"\"", "\"5\" fox\""] {
            assert!(!finds(wanted), "{wanted}");
        }
        assert!(parts_of("  ").is_empty());
    }
}
