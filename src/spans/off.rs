//! Builds without OpenTelemetry: no span is ever made.

use std::fmt::Display;

/// The spans of a node. There are none.
#[derive(Clone, Default)]
pub struct Spans(());

/// A span that is not made.
pub struct Span(());

/// Nothing is ever recorded.
pub enum Recording {}

impl Spans {
    /// Does nothing: the settings have refused an endpoint.
    ///
    /// # Errors
    /// None.
    pub fn start(_endpoint: &str, _sample_share: f64, _service: &str, _node: &str) -> Result<Self, String> {
        Ok(Self::default())
    }

    /// No span.
    #[inline]
    pub fn request<'a>(&self, _traceparent: impl FnOnce() -> Option<&'a str>) -> Span {
        Span(())
    }

    /// No span.
    #[inline]
    pub fn child(&self, _name: &'static str) -> Span {
        Span(())
    }

    /// Nothing may be recorded.
    #[inline]
    pub fn recording(&self) -> Option<Recording> {
        None
    }

    /// Does nothing.
    pub fn past(&self, _name: &'static str, _parent: &str, _ms: [u64; 2], _describe: impl FnOnce(&Span)) {}

    /// Does nothing.
    pub async fn stop(self) {}
}

impl Span {
    /// The future as it is.
    #[inline]
    pub fn around<F: Future>(&self, future: F) -> F {
        future
    }

    /// Does nothing.
    #[inline]
    pub fn if_sampled(&self, _describe: impl FnOnce(&Self)) {}

    /// Does nothing.
    pub fn rename(&self, _name: String) {}

    /// Does nothing.
    pub fn set(&self, _attribute: &'static str, _value: impl Display) {}

    /// Does nothing.
    #[inline]
    pub fn fail(&self) {}

    /// Empty.
    pub fn traceparent(&self) -> String {
        String::new()
    }
}
