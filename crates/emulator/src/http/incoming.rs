use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming as Stream};
use hyper::{Method, Request, StatusCode};

use crate::protocol::Parameters;

/// The most a request's body may hold: the documented limit of an upload, 5 MB.
const MAX_BODY: usize = 5 * 1024 * 1024;
const BODY_TIME: Duration = Duration::from_secs(60);

/// A request, read to its end.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// The path before `gw`.
    pub(crate) caller: String,
    pub(crate) parameters: Parameters,
    pub(crate) body: Bytes,
}

/// Why a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) StatusCode);

impl Incoming {
    pub(crate) async fn read(request: Request<Stream>) -> Result<Self, Unreadable> {
        let caller = caller(request.uri().path()).ok_or(Unreadable(StatusCode::NOT_FOUND))?;
        let method = request.method().clone();
        if method != Method::GET && method != Method::POST {
            return Err(Unreadable(StatusCode::METHOD_NOT_ALLOWED));
        }
        let parameters = Parameters::read(request.uri().query().unwrap_or_default());
        if request.body().size_hint().lower() > MAX_BODY as u64 {
            return Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE));
        }
        let body = Limited::new(request.into_body(), MAX_BODY).collect();
        let body = match tokio::time::timeout(BODY_TIME, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE));
            }
            Ok(Err(_)) => return Err(Unreadable(StatusCode::BAD_REQUEST)),
            Err(_) => return Err(Unreadable(StatusCode::REQUEST_TIMEOUT)),
        };
        Ok(Self { method, caller, parameters, body })
    }
}

/// Any path will do whose last part, empty ones aside, is `gw` or `gw.k`.
fn caller(path: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    let before = path.strip_suffix("gw").or_else(|| path.strip_suffix("gw.k"))?;
    before.ends_with('/').then(|| before.trim_matches('/').to_owned())
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("method", &self.method)
            .field("caller", &self.caller)
            .field("parameters", &self.parameters)
            .field("body", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_that_ends_in_gw_is_a_gateway() {
        let paths = [
            ("/cgi-bin/gw", Some("cgi-bin")),
            ("/cgi-bin/gw.k", Some("cgi-bin")),
            ("/gw", Some("")),
            ("/gw.k", Some("")),
            ("/prod-latest/gw", Some("prod-latest")),
            ("/cgi-bin/prod-stable/gw.k", Some("cgi-bin/prod-stable")),
            ("/cgi-bin/gw.k/", Some("cgi-bin")),
            ("/cgi-bin/gw.k//", Some("cgi-bin")),
            ("/", None),
            ("", None),
            ("/bgw", None),
            ("/gw/else", None),
            ("/gw.kk", None),
        ];
        for (path, expected) in paths {
            assert_eq!(caller(path).as_deref(), expected, "{path}");
        }
    }
}
