//! Long lists, compressed for clients that accept it: they repeat their keys and shrink to a tenth.

use std::convert::Infallible;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::encoding::accepts;
use super::long_list::{Frame, PIECE_BYTES, Printer, long_list};
use crate::domain::{Error, Result};
use crate::edge::long_answers::LongAnswer;

/// Shorter responses fit into the first packets of a connection uncompressed.
const LEAST_COMPRESSED_BYTES: usize = 8 * 1024;
/// A list with more entries is printed and compressed on a thread for such work.
const MAX_SHORT: usize = 20;

/// A JSON list of `items`, each printed by `print`: compressed if it is long and the client accepts gzip, otherwise as a
/// [`long_list`]. `held` until the client has it.
pub async fn long_json<T: Send + Unpin + 'static>(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    items: Vec<T>,
    held: LongAnswer,
    print: impl Fn(T, &mut Printer) + Send + Unpin + 'static,
) -> Result<HttpResponse> {
    response.insert_header((header::VARY, "Accept-Encoding"));
    if !accepts(request, ContentEncoding::Gzip) {
        return Ok(long_list(response, Frame::bare(), items, held, print));
    }
    let is_short = items.len() <= MAX_SHORT;
    let pack = move || packed(items, print);
    let packed = if is_short { pack() } else { web::block(pack).await.map_err(Error::internal)? };
    let (is_compressed, bytes) = packed.map_err(Error::internal)?;
    if is_compressed {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response.content_type("application/json").body(Held { bytes: Some(bytes.into()), _held: held }))
}

/// The list as text, or compressed when it is long; never as a whole text then. The first value says which.
fn packed<T>(items: Vec<T>, print: impl Fn(T, &mut Printer)) -> io::Result<(bool, Vec<u8>)> {
    let mut printer = Printer(b"[".to_vec());
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut is_begun = false;
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            printer.0.push(b',');
        }
        print(item, &mut printer);
        if printer.0.len() >= PIECE_BYTES {
            encoder.write_all(&printer.0)?;
            printer.0.clear();
            is_begun = true;
        }
    }
    printer.0.push(b']');
    if !is_begun && printer.0.len() < LEAST_COMPRESSED_BYTES {
        return Ok((false, printer.0));
    }
    encoder.write_all(&printer.0)?;
    Ok((true, encoder.finish()?))
}

/// A body that is held until the client has it.
struct Held {
    bytes: Option<Bytes>,
    _held: LongAnswer,
}

impl MessageBody for Held {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, Infallible>>> {
        Poll::Ready(self.bytes.take().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_list_is_the_same_compressed() {
        for (count, is_long) in [(0, false), (1, false), (70, false), (100, true), (5000, true)] {
            let items: Vec<String> = (0..count).map(|number| format!("{number} {}", "x".repeat(100))).collect();
            let whole = serde_json::to_string(&items).expect("JSON");
            let (is_compressed, bytes) = packed(items, |item, printer| printer.print(&item)).expect("in memory");
            let mut text = String::new();
            match is_compressed {
                true => GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip"),
                false => bytes.as_slice().read_to_string(&mut text).expect("text"),
            };
            assert_eq!((text, is_compressed), (whole, is_long), "{count}");
        }
    }
}
