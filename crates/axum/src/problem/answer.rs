//! A problem becomes a response, and a line in the log.

use std::error::Error;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sessionpool_core::Chain;
use tracing::{debug, error, warn};

use super::{Problem, ProblemKind};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The members of RFC 9457.
#[derive(Serialize)]
struct Body<'p> {
    r#type: &'static str,
    title: &'p str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'p str>,
}

impl Problem {
    fn body(&self) -> Vec<u8> {
        let body = Body {
            r#type: self.0.kind.urn(),
            title: &self.0.title,
            status: self.0.status.as_u16(),
            detail: self.0.detail.as_deref(),
        };
        serde_json::to_vec(&body).expect("text and numbers are JSON")
    }

    fn log(&self) {
        let status = self.0.status.as_u16();
        let kind = self.0.kind;
        let because = self.source().map(|cause| Chain(cause).to_string()).unwrap_or_default();
        match (kind, self.0.status) {
            (ProblemKind::Conflict, _) => warn!(status, ?kind, because, "{}", self.0.title),
            (_, StatusCode::SERVICE_UNAVAILABLE) => {
                debug!(status, ?kind, because, "{}", self.0.title);
            }
            (_, answer) if answer.is_server_error() => {
                error!(status, ?kind, because, "{}", self.0.title);
            }
            _ => debug!(status, ?kind, because, "{}", self.0.title),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let mut response = (self.0.status, self.body()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(after) = self.0.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        response
    }
}

/// Rounded up: whoever comes too early meets the same.
fn whole_seconds(after: Duration) -> u64 {
    let begun = u64::from(after.subsec_nanos() > 0);
    after.as_secs().saturating_add(begun).max(1)
}
