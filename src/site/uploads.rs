//! `/uploads/…`: serves uploaded files without a token, under names that cannot be guessed.
//!
//! Nothing served here can run in the page's origin: the type follows from the checked content, sniffing is off, the
//! sandbox is empty, and all files but images are attachments.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ByteRangeSpec, ContentRange, ContentRangeSpec, EntityTag, Header, IfRange};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use object_store::GetRange;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::{Error, FileKind, Result};
use crate::edge::{Context, is_known};
use crate::service::{FileDescription, UploadPath};

/// A file is deleted with its message, so caches must revalidate it.
const CACHE_CONTROL: &str = "private, no-cache";
/// What RFC 5987 has encoded in the value of a parameter.
const NOT_ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SANDBOX: &str = "default-src 'none'; sandbox";

pub(super) async fn download(
    request: HttpRequest,
    path: web::Path<String>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let path = UploadPath::parse(&path).ok_or(Error::NotFound)?;
    let uploads = &context.services.uploads;
    let description = uploads.describe(&path).await?;
    // A stored file never changes, so its name is its version.
    let etag = EntityTag::new_strong(path.to_string());
    let is_known = is_known(&request, &etag);
    let range = if may_send_part(&request, &etag) { one_range(&request) } else { None };
    let Some(file) = uploads.open_file(&path, range.clone()).await? else {
        let size = uploads.open_file(&path, None).await?.map(|file| file.size);
        let unsatisfied = ContentRange(ContentRangeSpec::Bytes { range: None, instance_length: size });
        return Ok(HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE).insert_header(unsatisfied).finish());
    };
    let mut response = HttpResponse::build(match (is_known, &range) {
        (true, _) => StatusCode::NOT_MODIFIED,
        (false, Some(_)) => StatusCode::PARTIAL_CONTENT,
        (false, None) => StatusCode::OK,
    });
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, SANDBOX))
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    if is_known {
        return Ok(response.finish());
    }
    response
        .insert_header((header::CONTENT_TYPE, media_type(path.kind(), &description)))
        .insert_header((header::CONTENT_DISPOSITION, disposition(path.kind(), description.name.as_deref())));
    if range.is_some() {
        let last = file.range.end.saturating_sub(1);
        response.insert_header(ContentRange(ContentRangeSpec::Bytes {
            range: Some((file.range.start, last)),
            instance_length: Some(file.size),
        }));
    }
    let length = file.range.end - file.range.start;
    let body = file.body.map(|chunk| chunk.map_err(std::io::Error::other));
    Ok(response.body(actix_web::body::SizedStream::new(length, body)))
}

/// The type, for texts with the charset that their content shows.
fn media_type(kind: FileKind, description: &FileDescription) -> String {
    let charset = description.charset.filter(|_| kind == FileKind::Txt);
    let parameter = charset.map(|charset| format!("; charset={}", charset.name())).unwrap_or_default();
    format!("{}{parameter}", kind.media_type())
}

/// Shows images and offers other files for saving, under the name with which they were uploaded. An image with the
/// extension of something else gets its own: what is saved must not be opened as a program.
fn disposition(kind: FileKind, name: Option<&str>) -> String {
    let disposition = if kind.is_image() { "inline" } else { "attachment" };
    let Some(name) = name else { return disposition.to_owned() };
    let extension = name.rsplit_once('.').and_then(|(_, extension)| FileKind::of_extension(extension));
    let own = if extension == Some(kind) { String::new() } else { format!(".{}", kind.extension()) };
    format!("{disposition}; filename*=UTF-8''{}{own}", utf8_percent_encode(name, NOT_ATTRIBUTE))
}

/// Whether a partial response is allowed: `If-Range` is absent or names this version.
fn may_send_part(request: &HttpRequest, etag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_RANGE) {
        return true;
    }
    matches!(IfRange::parse(request), Ok(IfRange::EntityTag(version)) if version.strong_eq(etag))
}

/// The range of a `Range` header. Several ranges, other units and malformed headers are ignored, as RFC 9110 allows:
/// the response is the whole file.
fn one_range(request: &HttpRequest) -> Option<GetRange> {
    let Ok(header::Range::Bytes(ranges)) = header::Range::parse(request) else { return None };
    let [range] = ranges.as_slice() else { return None };
    Some(match *range {
        // The last 0 bytes: a range beyond the end of any file.
        ByteRangeSpec::Last(0) => GetRange::Offset(u64::MAX),
        ByteRangeSpec::Last(bytes) => GetRange::Suffix(bytes),
        ByteRangeSpec::From(first) => GetRange::Offset(first),
        ByteRangeSpec::FromTo(first, last) => GetRange::Bounded(first..last.saturating_add(1)),
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn files_are_saved_under_their_name_with_the_extension_of_their_type() {
        let cases = [
            (FileKind::Txt, Some("报告 1.TXT"), "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A%201.TXT"),
            (FileKind::Jpeg, Some("a_b-c.jfif"), "inline; filename*=UTF-8''a_b-c.jfif"),
            (FileKind::Png, Some("evil.exe"), "inline; filename*=UTF-8''evil.exe.png"),
            (FileKind::Png, Some("blob"), "inline; filename*=UTF-8''blob.png"),
            (FileKind::Txt, Some("a\";.txt"), "attachment; filename*=UTF-8''a%22%3B.txt"),
            (FileKind::Pdf, None, "attachment"),
        ];
        for (kind, name, expected) in cases {
            assert_eq!(disposition(kind, name), expected);
        }
    }

    #[test]
    fn one_range_is_understood_and_others_are_ignored() {
        let range =
            |value: &str| one_range(&TestRequest::default().insert_header((header::RANGE, value)).to_http_request());
        assert_eq!(range("bytes=0-3"), Some(GetRange::Bounded(0..4)));
        assert_eq!(range("bytes=5-"), Some(GetRange::Offset(5)));
        assert_eq!(range("bytes=-5"), Some(GetRange::Suffix(5)));
        for odd in ["bytes=3-1", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes="] {
            assert_eq!(range(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_not_sent() {
        let may_send = |version: &str| {
            let request = TestRequest::default().insert_header((header::IF_RANGE, version)).to_http_request();
            may_send_part(&request, &EntityTag::new_strong("a".to_owned()))
        };
        assert!(may_send("\"a\""));
        for other in ["\"b\"", "W/\"a\"", "Sat, 29 Oct 1994 19:43:31 GMT", "nonsense"] {
            assert!(!may_send(other), "{other}");
        }
    }
}
