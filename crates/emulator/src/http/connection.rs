use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
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

/// Serves one connection until it ends, or is ended.
pub(crate) async fn serve(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    mut orders: watch::Receiver<Orders>,
) {
    let last = Last::default();
    let service = {
        let (last, orders) = (Arc::clone(&last), orders.clone());
        service_fn(move |request| {
            Box::pin(reply(Arc::clone(&gateway), request, orders.clone(), Arc::clone(&last)))
        })
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
    let at_first = *orders.borrow_and_update();
    let told = tokio::select! {
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => None,
        _ = orders.wait_for(|now| now.ends(at_first)) => Some(()),
    };
    if told.is_some() {
        Pin::new(&mut connection).graceful_shutdown();
        tokio::select! {
            _ = poll_fn(|context| connection.poll_without_shutdown(context)) => {}
            Ok(_) = orders.wait_for(|now| now.aborts(at_first)) => return,
        }
    }
    let mut stream = connection.into_parts().io.into_inner();
    let last = std::mem::take(&mut *last.lock().unwrap_or_else(PoisonError::into_inner));
    if stream.write_all(&last).await.is_ok() {
        let _ = stream.shutdown().await; // whoever is gone needs no goodbye
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
            return Ok(answer::response(unreadable.0, Outgoing::Whole(Bytes::new()), &[]));
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
        Err(_) => Ok(answer::response(500, Outgoing::Whole(Bytes::new()), &[])),
    }
}
