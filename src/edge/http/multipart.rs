//! Extractors for forms: multipart with or without a file, and urlencoded.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::Fuse;
use futures_util::{Stream, StreamExt};

use super::body::{MAX_BODY_BYTES, SharedBody, declared_length, drain, patient, read_body};
use super::disposition::Disposition;
use crate::domain::{Error, Result};

const MAX_FIELDS: usize = 32;

/// The text fields of a form. Of several fields with one name the last one counts.
#[derive(Debug, Default)]
pub struct FormFields(HashMap<String, Vec<u8>>);

impl FormFields {
    /// A field's text; `None` when it is absent.
    ///
    /// # Errors
    /// `Malformed` if the text is not UTF-8. Fields that are never read may contain any bytes.
    pub fn get(&self, name: &str) -> Result<Option<&str>> {
        let text = self.0.get(name).map(|value| std::str::from_utf8(value)).transpose();
        text.map_err(|_| Error::Malformed(format!("{name} is no UTF-8")))
    }

    fn insert(&mut self, name: String, value: Vec<u8>) -> Result<()> {
        if self.0.len() >= MAX_FIELDS {
            return Err(Error::Malformed("too many fields".to_owned()));
        }
        self.0.insert(name, value);
        Ok(())
    }
}

/// A form with text fields only, multipart or urlencoded.
#[derive(Debug)]
pub struct TextForm(pub FormFields);

impl FromRequest for TextForm {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.content_type().to_ascii_lowercase();
        let declared = declared_length(request);
        if content_type == "multipart/form-data" {
            let multipart = parts(request.headers(), patient(payload.take()));
            return Box::pin(async move { Ok(Self(read_fields(multipart).await?)) });
        }
        let payload = payload.take();
        Box::pin(async move {
            if content_type != "application/x-www-form-urlencoded" {
                return Err(Error::UnsupportedType);
            }
            let body = read_body(payload, declared).await?;
            let mut fields = FormFields::default();
            for (name, value) in form_pairs(&body)? {
                fields.insert(name, value.into_bytes())?;
            }
            Ok(Self(fields))
        })
    }
}

fn form_pairs(body: &[u8]) -> Result<Vec<(String, String)>> {
    let text = std::str::from_utf8(body).map_err(|error| Error::Malformed(error.to_string()))?;
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(text);
    pairs.map(actix_web::web::Query::into_inner).map_err(|error| Error::Malformed(error.to_string()))
}

const FORM: &str = "multipart/form-data";

/// The parts of a form. The parser is not told that they are of a form, because it would then refuse names that are not
/// UTF-8, and damage Windows paths.
fn parts(headers: &HeaderMap, body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Multipart {
    let content_type = headers.get(header::CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().trim_ascii_start();
    let parameters = text.split_at_checked(FORM.len()).filter(|(kind, _)| kind.eq_ignore_ascii_case(FORM));
    let renamed = parameters.and_then(|(_, rest)| HeaderValue::try_from(format!("multipart/mixed{rest}")).ok());
    let mut shown = HeaderMap::new();
    if let Some(content_type) = renamed.or_else(|| content_type.cloned()) {
        shown.insert(header::CONTENT_TYPE, content_type);
    }
    Multipart::new(&shown, body)
}

fn disposition(field: &Field) -> Result<Disposition> {
    let header = field.headers().get(header::CONTENT_DISPOSITION);
    header
        .and_then(|value| Disposition::parse(value.as_bytes()))
        .ok_or_else(|| Error::Malformed("a part of the form has no name".to_owned()))
}

async fn read_fields(mut multipart: Multipart) -> Result<FormFields> {
    let mut fields = FormFields::default();
    let mut total = 0;
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(malformed)?;
        let name = disposition(&field)?.name;
        let value = read_text(&mut field).await?;
        total += value.len();
        if total > MAX_BODY_BYTES {
            return Err(Error::TooLarge { max_bytes: MAX_BODY_BYTES as u64 });
        }
        fields.insert(name, value)?;
    }
    Ok(fields)
}

async fn read_text(field: &mut Field) -> Result<Vec<u8>> {
    let mut value = Vec::new();
    while let Some(chunk) = field.next().await {
        let chunk = chunk.map_err(malformed)?;
        if value.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Error::TooLarge { max_bytes: MAX_BODY_BYTES as u64 });
        }
        value.extend_from_slice(&chunk);
    }
    Ok(value)
}

fn malformed(error: MultipartError) -> Error {
    match error {
        MultipartError::ContentTypeIncompatible => Error::UnsupportedType,
        other => Error::Malformed(other.to_string()),
    }
}

/// A form with one file and text fields before or after it.
pub struct FileForm {
    multipart: Multipart,
    body: SharedBody,
    declared: Option<u64>,
}

impl FromRequest for FileForm {
    type Error = Error;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let declared = declared_length(request);
        let body = SharedBody::new(patient(payload.take()));
        let multipart = parts(request.headers(), body.clone());
        std::future::ready(Ok(Self { multipart, body, declared }))
    }
}

impl FileForm {
    /// Bytes of the form, if the client announced them.
    pub fn announced_bytes(&self) -> Option<u64> {
        self.declared
    }

    /// Drains the body after a refusal, so that a client that is still sending sees the response.
    pub async fn refuse(mut self, error: Error) -> Error {
        drain(&mut self.body).await;
        error
    }

    /// Passes the name and the bytes of the file field called `file` to `receive` while they arrive. Returns the result
    /// of `receive`, even if the rest of the form is refused, and the text fields.
    ///
    /// # Errors
    /// `Malformed`, also for a second file; `TooLarge`; `UnsupportedType` if the body is not multipart; the errors of
    /// `receive`.
    pub async fn read<T>(
        mut self,
        file: &str,
        max_bytes: u64,
        mut receive: impl AsyncFnMut(Option<String>, FileBytes) -> Result<T>,
    ) -> (Option<T>, Result<FormFields>) {
        // Leaves room for boundaries and text fields.
        let is_hopeless = self.declared.is_some_and(|length| length > max_bytes + MAX_BODY_BYTES as u64);
        let mut received = None;
        let mut fields = FormFields::default();
        let outcome = loop {
            if is_hopeless {
                break Err(Error::TooLarge { max_bytes });
            }
            let step = match self.multipart.next().await {
                Some(Ok(field)) => read_part(field, file, &mut fields, &mut received, &mut receive).await,
                Some(Err(error)) => Err(malformed(error)),
                None => break Ok(fields),
            };
            if let Err(error) = step {
                break Err(error);
            }
        };
        match outcome {
            Ok(fields) => (received, Ok(fields)),
            Err(error) => (received, Err(self.refuse(error).await)),
        }
    }
}

async fn read_part<T>(
    mut field: Field,
    file: &str,
    fields: &mut FormFields,
    received: &mut Option<T>,
    receive: &mut impl AsyncFnMut(Option<String>, FileBytes) -> Result<T>,
) -> Result<()> {
    let Disposition { name, file_name } = disposition(&field)?;
    if name != file {
        return fields.insert(name, read_text(&mut field).await?);
    }
    if received.is_some() {
        return Err(Error::Malformed("more than one file".to_owned()));
    }
    *received = Some(receive(file_name, FileBytes(field.fuse())).await?);
    Ok(())
}

/// The bytes of a file field while they arrive. Fused, because a field that is polled after its end panics.
pub struct FileBytes(Fuse<Field>);

impl Stream for FileBytes {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx).map(|chunk| chunk.map(|chunk| chunk.map_err(malformed)))
    }
}
