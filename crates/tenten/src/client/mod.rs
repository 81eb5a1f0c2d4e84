//! Requests to the gateway: one at a time, bounded in time and size, and nothing of
//! their URL in what they leave behind.

mod body;
mod call;
mod gateway;
mod limits;
mod log;
mod quote;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Response, Url, redirect};
use tokio::time::{Instant, timeout};

pub(crate) use call::{Call, Likely, Pace};
pub(crate) use gateway::Gateway;
pub(crate) use limits::Limits;
pub(crate) use log::Log;

use crate::aside::look_through;
use crate::error::{Phase, Refusal, TimedOut};
use crate::xml::{self, Document, Flaw, Room, XmlError, XmlLimits};
use crate::{Error, Result};

/// One gateway, and how to talk to it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    manner: Arc<Manner>,
}

/// What all calls to a gateway have in common.
#[derive(Debug)]
pub(crate) struct Manner {
    pub(crate) gateway: Gateway,
    pub(crate) limits: Limits,
    pub(crate) xml: XmlLimits,
    pub(crate) reuse_connections: bool,
    /// Trusted beside the system's.
    pub(crate) roots: Vec<Certificate>,
    pub(crate) log: Option<Log>,
}

/// Idle connections go before a server or a proxy closes them under a request.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
/// No gateway keeps us from asking for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);
/// How much of a strange answer an error shows.
const EXCERPT: usize = 200;

impl Client {
    /// A client of its own connections, for use on one runtime.
    pub(crate) fn new(manner: &Arc<Manner>) -> Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .tls_certs_merge(manner.roots.iter().cloned())
            .connect_timeout(manner.limits.connect)
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(if manner.reuse_connections { usize::MAX } else { 0 })
            .user_agent(concat!("sessionpool/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Start { what: "an HTTP client", source: error.into() })?;
        Ok(Self { http, manner: Arc::clone(manner) })
    }

    /// Sends a call and reads its answer to the end.
    ///
    /// # Cancel safety
    ///
    /// Dropped half way, the request may have taken effect.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Document> {
        let limit = self.manner.limits.total(call.pace);
        let started = Instant::now();
        let line = self.manner.log.as_ref().map(|log| log.begin(call));
        let answer = match timeout(limit, self.exchange(call)).await {
            Ok(answer) => answer,
            Err(_) => Err(late(call, Phase::Total, limit)),
        };
        let took = started.elapsed();
        let rc = answer.as_ref().map_or_else(Error::rc, |_| Some(0));
        tracing::debug!(api = call.api, rc, ms = took.as_millis(), "gateway transaction");
        if let Some(line) = line {
            line.end(&answer);
        }
        answer
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Document> {
        let mut response = self.send(call).await?;
        let status = response.status();
        if status.is_redirection() {
            return Err(redirected(call, &response));
        }
        let retry_after = retry_after(&response);
        if !status.is_success() {
            let begin = body::begin(&mut response, EXCERPT, &self.manner.limits).await;
            let excerpt = excerpt(call, &begin);
            return Err(Error::Http {
                api: call.api,
                status: status.as_u16(),
                excerpt,
                retry_after,
            });
        }
        if response.headers().contains_key(CONTENT_ENCODING) {
            let flaw = Flaw::Unexpected("an encoding that was not asked for");
            return Err(malformed(call, XmlError { at: 0, row: None, flaw }));
        }
        let body = body::read(&mut response, call, &self.manner).await?;
        if is_page(&body) {
            return Err(Error::NotGateway { api: call.api, excerpt: excerpt(call, &body) });
        }
        let document = self.parse(call, body).await?;
        judge(call, document)
    }

    async fn send(&self, call: &Call<'_>) -> Result<Response> {
        let Limits { first_byte, connect, .. } = self.manner.limits;
        let url: Url = self.manner.gateway.url(call).parse().map_err(|_| {
            Error::BadRequest(Refusal {
                api: call.api,
                rc: 0,
                message: "the gateway's address makes no URL".into(),
            })
        })?;
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .body(call.body.clone());
        match timeout(connect.saturating_add(first_byte), request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
                Err(late(call, Phase::Connecting, connect))
            }
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                Err(Error::Connect { api: call.api, source: error.without_url().into() })
            }
            Ok(Err(error)) => Err(broken(call, error, false)),
            Err(_) => Err(late(call, Phase::FirstByte, first_byte)),
        }
    }

    async fn parse(&self, call: &Call<'_>, body: Vec<u8>) -> Result<Document> {
        let room = Room::for_cells(call.likely.cells, body.len());
        let manner = Arc::clone(&self.manner);
        let parsed = look_through(body.len(), move || xml::read(body, &manner.xml, room)).await?;
        parsed.map_err(|source| malformed(call, source))
    }
}

/// The answer, if it is one and says yes.
fn judge(call: &Call<'_>, document: Document) -> Result<Document> {
    let root = &document.root;
    if root.name != "out" {
        let excerpt = format!("<{}>", call.quote(&root.name, EXCERPT));
        return Err(Error::NotGateway { api: call.api, excerpt });
    }
    let Some(rc) = root.text_of("rc").and_then(|rc| rc.parse::<i64>().ok()) else {
        return Err(Error::Missing { api: call.api, element: "rc" });
    };
    if rc == 0 {
        return Ok(document);
    }
    let message = call.redact(root.text_of("msg").unwrap_or_default());
    Err(Refusal { api: call.api, rc, message }.into_error())
}

/// True if a body is a page for people.
fn is_page(body: &[u8]) -> bool {
    let text = body.trim_ascii_start();
    ["<!doctype html", "<html"].iter().any(|begin| {
        text.get(..begin.len()).is_some_and(|text| text.eq_ignore_ascii_case(begin.as_bytes()))
    })
}

fn excerpt(call: &Call<'_>, body: &[u8]) -> String {
    let begin = &body[..body.len().min(EXCERPT * 4)];
    call.quote(&xml::decode(begin), EXCERPT)
}

fn redirected(call: &Call<'_>, response: &Response) -> Error {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let host =
        location.and_then(|location| Url::parse(location).ok()?.host_str().map(str::to_owned));
    Error::Redirect { api: call.api, host: host.unwrap_or_else(|| "an unnamed place".to_owned()) }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn malformed(call: &Call<'_>, mut source: XmlError) -> Error {
    if let Flaw::Malformed(said) = &mut source.flaw {
        *said = call.quote(said, EXCERPT);
    }
    Error::Malformed { api: call.api, source }
}

const fn late(call: &Call<'_>, phase: Phase, limit: Duration) -> Error {
    Error::TimedOut(TimedOut { api: call.api, phase, limit })
}

/// The one way an error of reqwest's leaves this crate.
fn broken(call: &Call<'_>, error: reqwest::Error, answered: bool) -> Error {
    Error::Transport { api: call.api, answered, source: error.without_url().into() }
}
