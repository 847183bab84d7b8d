//! JSON with a long list, printed in pieces while the client takes them: the worker serves others in between, and an answer
//! that nobody reads holds no text.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use actix_web::body::{BodySize, MessageBody};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use serde::Serialize;

use super::encoding::json;
use crate::domain::Listing;
use crate::edge::long_answers::LongAnswer;

/// Bytes from which a piece is complete.
pub(super) const PIECE_BYTES: usize = 32 * 1024;

/// What surrounds a list.
pub struct Frame {
    head: String,
    tail: String,
}

impl Frame {
    /// No more than the list itself.
    pub fn bare() -> Self {
        Self { head: "[".to_owned(), tail: "]".to_owned() }
    }

    /// The rest of a value whose list is empty. It must be the first list of the value.
    pub fn of<T: Serialize>(value: &T) -> Self {
        let text = json(value);
        let (head, tail) = text.split_once("[]").expect("the value has an empty list");
        Self { head: format!("{head}["), tail: format!("]{tail}") }
    }
}

/// Marks a list as incomplete because a server is unavailable.
const PARTIAL: &str = "X-Partial";

/// The head of a response with a list.
pub fn list_head<T>(list: &Listing<T>) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    if list.is_partial {
        response.insert_header((PARTIAL, "1"));
    }
    response
}

/// A response with a list of `items`, each printed by `print`. One that fits into a piece has a length; a longer one is sent
/// in chunks, and `held` until the client has it.
pub fn long_list<T: Unpin + 'static>(
    mut response: HttpResponseBuilder,
    frame: Frame,
    items: Vec<T>,
    held: LongAnswer,
    print: impl Fn(T, &mut Printer) + Unpin + 'static,
) -> HttpResponse {
    let mut list = LongList { items: Some(items.into_iter()), tail: frame.tail, print, gives_way: true };
    let mut printer = Printer(frame.head.into_bytes());
    list.print_piece(&mut printer, true);
    response.content_type("application/json");
    match list.items {
        None => response.body(printer.0),
        Some(_) => response.body(Begun { first: Some(printer.0.into()), rest: list, _held: held }),
    }
}

/// The text of a piece.
pub struct Printer(pub(super) Vec<u8>);

impl Printer {
    /// Prints an entry of the list.
    pub fn print<T: Serialize>(&mut self, entry: &T) {
        serde_json::to_writer(&mut self.0, entry).expect("wire types have string keys and no failing parts");
    }
}

/// The rest of a list.
struct LongList<T, P> {
    /// What is left to print; `None` once the tail is printed.
    items: Option<IntoIter<T>>,
    tail: String,
    print: P,
    /// Whether the next poll lets others run.
    gives_way: bool,
}

impl<T, P: Fn(T, &mut Printer)> LongList<T, P> {
    fn print_piece(&mut self, printer: &mut Printer, mut is_first: bool) {
        let Some(items) = &mut self.items else { return };
        while printer.0.len() < PIECE_BYTES {
            let Some(item) = items.next() else {
                printer.0.extend_from_slice(self.tail.as_bytes());
                self.items = None;
                return;
            };
            if !is_first {
                printer.0.push(b',');
            }
            is_first = false;
            (self.print)(item, printer);
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.items.is_none() {
            return Poll::Ready(None);
        }
        if std::mem::replace(&mut self.gives_way, false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.gives_way = true;
        let mut printer = Printer(Vec::with_capacity(2 * PIECE_BYTES));
        self.print_piece(&mut printer, false);
        Poll::Ready(Some(printer.0.into()))
    }
}

/// A list whose first piece is printed.
struct Begun<T, P> {
    first: Option<Bytes>,
    rest: LongList<T, P>,
    _held: LongAnswer,
}

impl<T: Unpin, P: Fn(T, &mut Printer) + Unpin> MessageBody for Begun<T, P> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.rest.poll_piece(cx).map(|piece| piece.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use futures_util::FutureExt;
    use serde_json::Value;

    use super::*;
    use crate::domain::UserId;
    use crate::edge::long_answers::LongAnswers;

    #[derive(Serialize)]
    struct Page {
        code: u16,
        data: Vec<String>,
        total: usize,
    }

    fn held() -> LongAnswer {
        LongAnswers::default().admit(UserId(1)).now_or_never().expect("at once").expect("the first one")
    }

    fn answer(items: Vec<String>) -> HttpResponse {
        let frame = Frame::of(&Page { code: 200, data: Vec::new(), total: items.len() });
        long_list(HttpResponse::Ok(), frame, items, held(), |item, printer| printer.print(&item))
    }

    /// The pieces of a body, and how many times it gave way.
    fn pieces(response: HttpResponse) -> (Vec<Bytes>, usize) {
        let mut body = pin!(response.into_body());
        let (mut pieces, mut pauses) = (Vec::new(), 0);
        loop {
            match body.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(piece)) => pieces.push(piece.expect("does not fail")),
                Poll::Ready(None) => return (pieces, pauses),
                Poll::Pending => pauses += 1,
            }
        }
    }

    #[test]
    fn a_list_is_the_same_in_pieces_as_in_one() {
        let sizes = [0, 1, 2, 500, 4000];
        for count in sizes {
            let items: Vec<String> = (0..count).map(|number| format!("\"{number}\" {}", "x".repeat(100))).collect();
            let whole = json(&Page { code: 200, data: items.clone(), total: count });
            let (pieces, pauses) = pieces(answer(items));
            assert_eq!(String::from_utf8(pieces.concat()).expect("text"), whole, "{count}");
            // Between two pieces others have their turn.
            assert_eq!(pauses, pieces.len().saturating_sub(1), "{count}");
            assert!(pieces.iter().all(|piece| piece.len() < PIECE_BYTES + 1000), "{count}");
        }
    }

    #[test]
    fn a_short_list_has_a_length() {
        assert!(matches!(answer(vec!["a".to_owned()]).body().size(), BodySize::Sized(_)));
        let print = |item: u8, printer: &mut Printer| printer.print(&item);
        let bare = long_list(HttpResponse::Ok(), Frame::bare(), vec![1, 2], held(), print);
        let (pieces, _) = pieces(bare);
        assert_eq!(serde_json::from_slice::<Value>(&pieces.concat()).expect("JSON"), serde_json::json!([1, 2]));
    }
}
