//! From a request to what goes out on its connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::sync::watch;

use super::body::Outgoing;
use super::incoming::Incoming;
use super::orders::Orders;
use super::{cut, feed};
use crate::fault::{Ending, Plan};
use crate::gateway::Gateway;
use crate::protocol::{Api, Output, Refusal, Version};
use crate::transaction::{self, Call, Reply};

/// What becomes of a connection's request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Response(Response<Outgoing>),
    /// These bytes, and the end of the connection.
    Raw(Bytes),
    /// Nothing, ever.
    Silence,
}

/// Sees a request through: its faults, its transaction, its answer.
pub(crate) async fn answer(
    gateway: Arc<Gateway>,
    incoming: Incoming,
    orders: watch::Receiver<Orders>,
) -> Outcome {
    let api = incoming.parameters.get("api").unwrap_or_default().to_ascii_lowercase();
    let uid = incoming.parameters.get("uid").unwrap_or_default().to_owned();
    let hit = gateway.rules.meet(&api, &uid, &incoming.caller);
    let plan = hit.as_ref().map(crate::fault::Hit::plan).unwrap_or_default();
    pause(plan.before).await;
    if let Some(hit) = hit.as_ref().filter(|_| plan.held) {
        hit.lifted().await;
    }
    let version = incoming.parameters.version();
    let reply = if plan.is_executed() {
        Some(execute(&gateway, incoming, plan.during).await)
    } else {
        gateway.note(&incoming);
        None
    };
    pause(plan.after).await;
    if let Some(hit) = hit.filter(|_| plan.held_reply) {
        hit.lifted().await;
    }
    finish(plan, version, reply, orders)
}

async fn execute(gateway: &Arc<Gateway>, incoming: Incoming, takes: Duration) -> Reply {
    let version = incoming.parameters.version();
    let number = gateway.note(&incoming);
    let any_case = gateway.platform().choices.any_case;
    let reply = match Api::named(incoming.parameters.get("api"), any_case) {
        Ok(api) => {
            let Incoming { parameters, caller, body, .. } = incoming;
            let call = Call { api, parameters, version, caller, body, takes };
            transaction::execute(gateway, &call).await
        }
        Err(refusal) => Reply::refusal(version, &refusal),
    };
    gateway.journal().end(number, reply.rc);
    gateway.moved();
    reply
}

/// What the fault makes of the true reply.
fn finish(
    plan: Plan,
    version: Version,
    reply: Option<Reply>,
    orders: watch::Receiver<Orders>,
) -> Outcome {
    let reply = match (reply, &plan.ending) {
        (Some(reply), Ending::Answer) => {
            return Outcome::Response(response(
                StatusCode::OK,
                Outgoing::Reply(reply),
                plan.headers,
            ));
        }
        (reply, _) => reply,
    };
    let (body, entry) = reply.map_or_else(Default::default, Reply::into_parts);
    let (status, outgoing) = match plan.ending {
        Ending::Rc(rc, msg) => {
            let refusal = Refusal::new(rc, msg);
            (StatusCode::OK, Outgoing::Whole(Output::refusal(version, &refusal).into()))
        }
        Ending::Status(status, page) => (status, Outgoing::Whole(page)),
        Ending::Body(body) => (StatusCode::OK, Outgoing::Whole(body)),
        Ending::Edit(edit) => (StatusCode::OK, Outgoing::Whole(edit(body).into())),
        Ending::Truncate(bytes) => return Outcome::Raw(cut::truncated(&body, bytes)),
        Ending::CutChunks(bytes) => return Outcome::Raw(cut::chunks(&body, bytes)),
        Ending::Drip(bytes, pause) => {
            (StatusCode::OK, feed::drip(body, entry, bytes, pause, orders))
        }
        Ending::Endless(piece) => (StatusCode::OK, feed::endless(body, entry, piece, orders)),
        Ending::Raw(bytes) => return Outcome::Raw(bytes),
        Ending::Hang => return Outcome::Silence,
        Ending::Answer | Ending::Close => return Outcome::Raw(Bytes::new()),
    };
    Outcome::Response(response(status, outgoing, plan.headers))
}

/// An answer as the platform gives it, but for `headers`.
pub(crate) fn response(
    status: StatusCode,
    body: Outgoing,
    headers: HeaderMap,
) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content = if status == StatusCode::OK { "text/xml" } else { "text/html" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    response.headers_mut().extend(headers);
    response
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
