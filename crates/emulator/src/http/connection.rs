use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::answer::{self, Outcome};
use super::body::Outgoing;
use super::incoming::Incoming;
use super::orders::{self, Orders};
use crate::gateway::Gateway;

/// Where an answer that is none leaves its bytes for the end of the connection.
type Last = Arc<Mutex<Bytes>>;

/// Ends the connection without an answer of hyper's.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
struct Closed;

/// How long a peer that does not read is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// Serves one connection until it ends, or is ended by orders other than those
/// that it began under.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    mut orders: watch::Receiver<Orders>,
    at_first: Orders,
) {
    let last = Last::default();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(gateway.keep_alive);
    let service = {
        let (last, orders) = (Arc::clone(&last), orders.clone());
        service_fn(move |request| {
            Box::pin(reply(Arc::clone(&gateway), request, orders.clone(), Arc::clone(&last)))
        })
    };
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => true,
        _ = orders.wait_for(|now| now.ends(at_first)) => false,
    };
    if !ended {
        Pin::new(&mut connection).graceful_shutdown();
        tokio::select! {
            _ = poll_fn(|context| connection.poll_without_shutdown(context)) => {}
            () = given_up(orders, at_first) => return,
        }
    }
    let stream = connection.into_parts().io.into_inner();
    let last = std::mem::take(&mut *last.lock().unwrap_or_else(PoisonError::into_inner));
    // Whoever is gone, or does not read, gets no goodbye.
    let _ = tokio::time::timeout(GRACE, say_goodbye(stream, &last)).await;
}

async fn say_goodbye(mut stream: impl AsyncWrite + Unpin, last: &[u8]) -> io::Result<()> {
    stream.write_all(last).await?;
    stream.shutdown().await
}

/// Comes back when an answer that is still going out is to be cut off.
async fn given_up(mut orders: watch::Receiver<Orders>, at_first: Orders) {
    let stop = orders::stopped(orders.clone());
    let stopped = async {
        stop.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        () = stopped => {}
        Ok(_) = orders.wait_for(|now| now.aborts(at_first)) => {}
    }
}

async fn reply(
    gateway: Arc<Gateway>,
    request: Request<hyper::body::Incoming>,
    orders: watch::Receiver<Orders>,
    last: Last,
) -> Result<Response<Outgoing>, Closed> {
    let incoming = match Incoming::read(request).await {
        Ok(incoming) => incoming,
        Err(unreadable) => {
            return Ok(empty(unreadable.0));
        }
    };
    // In a task of its own: the platform executes what it has received, whether or
    // not anybody waits for the answer.
    let work = tokio::spawn({
        let orders = orders.clone();
        async move {
            tokio::select! {
                outcome = answer::answer(gateway, incoming, orders.clone()) => Some(outcome),
                () = orders::stopped(orders) => None,
            }
        }
    });
    match work.await {
        Ok(Some(Outcome::Response(response))) => Ok(response),
        Ok(Some(Outcome::Raw(bytes))) => {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
            Err(Closed)
        }
        Ok(Some(Outcome::Silence)) => {
            orders::stopped(orders).await;
            Err(Closed)
        }
        Ok(None) => Err(Closed),
        Err(_) => Ok(empty(StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

fn empty(status: StatusCode) -> Response<Outgoing> {
    answer::response(status, Outgoing::Whole(Bytes::new()), HeaderMap::new())
}
