//! A body that keeps its request's unit.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::response::Parts;
use axum::response::Response;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use sessionpool_core::{Chain, Transactional, TxError};
use tokio::sync::mpsc::{self, Permit, Sender};
use tokio::time::{self, Instant};
use tracing::{error, info};

use crate::Ending;
use crate::ending::roll_back;
use crate::slot::{Left, Owner, Stray};

/// Whoever produced the body may let go of its unit a moment after its last frame.
const LETTING_GO: Duration = Duration::from_secs(1);

/// What the client's side of the body is told.
enum News {
    Frame(Frame<Bytes>),
    /// All is well, and that was all, but for the trailers: who has those has the end.
    End(Option<Frame<Bytes>>),
}

/// Why a body did not come to its end, or its unit not to its commit.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the client has gone")]
    ClientGone,
    #[error("it took longer than {0:?}")]
    TooLong(Duration),
    #[error("it failed")]
    Failed(#[source] axum::Error),
    #[error("{0} outlived the body")]
    Outlived(Stray),
    #[error(transparent)]
    Commit(#[from] TxError),
}

/// What the client's side sees of it.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
struct BrokeOff;

/// Sends the head and lets the body be made in the background, where the unit's end does
/// not depend on a client who reads.
pub(crate) fn carry<S: Transactional>(
    owner: Owner<S>,
    ending: Ending,
    mut head: Parts,
    body: Body,
) -> Response {
    // Whoever knows the length does not wait for the end, which is news.
    head.headers.remove(CONTENT_LENGTH);
    let (sender, mut receiver) = mpsc::channel(1);
    let (background, limit) = (owner.slot().background().clone(), owner.slot().config().body_limit);
    background.adopt(pump(owner, ending, body, sender, limit));
    let mut over = false;
    let frames = stream::poll_fn(move |cx| {
        if over {
            return Poll::Ready(None);
        }
        receiver.poll_recv(cx).map(|news| {
            over = !matches!(news, Some(News::Frame(_)));
            match news {
                Some(News::Frame(frame)) => Some(Ok(frame)),
                Some(News::End(trailers)) => trailers.map(Ok),
                None => Some(Err(BrokeOff)),
            }
        })
    });
    Response::from_parts(head, Body::new(StreamBody::new(frames)))
}

async fn pump<S: Transactional>(
    owner: Owner<S>,
    ending: Ending,
    body: Body,
    sender: Sender<News>,
    limit: Duration,
) {
    let deadline = Instant::now() + limit;
    let carried = tokio::select! {
        biased;
        carried = within(limit, deadline, forward(body, &sender)) => carried,
        () = sender.closed() => Err(Broken::ClientGone),
    };
    let ended = match carried {
        Ok((trailers, room)) => {
            finish(&owner, ending).await.map(|()| room.send(News::End(trailers)))
        }
        Err(broken) => {
            owner.roll_back().await;
            Err(broken)
        }
    };
    match ended {
        Ok(()) => {}
        Err(broken @ Broken::ClientGone) => {
            info!(error = %broken, "a body that kept its unit was cut off; rolled back");
        }
        Err(broken) => {
            let error = BoxError::from(broken);
            error!(error = %Chain(&*error), "a body that kept its unit broke off; not committed");
        }
    }
}

async fn within<T>(
    limit: Duration,
    deadline: Instant,
    work: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    time::timeout_at(deadline, work).await.unwrap_or(Err(Broken::TooLong(limit)))
}

/// Drops the body at its end, and with it what it had of the unit. Answers what is to be
/// sent after the commit, and room to do so: with it, the client has all that came before.
async fn forward(
    mut body: Body,
    sender: &Sender<News>,
) -> Result<(Option<Frame<Bytes>>, Permit<'_, News>), Broken> {
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Broken::Failed)?;
        match frame.is_trailers() {
            true => trailers = Some(frame),
            false => sender.send(News::Frame(frame)).await.map_err(|_| Broken::ClientGone)?,
        }
    }
    drop(body);
    let room = sender.reserve().await.map_err(|_| Broken::ClientGone)?;
    Ok((trailers, room))
}

async fn finish<S: Transactional>(owner: &Owner<S>, ending: Ending) -> Result<(), Broken> {
    // Late or not, what is found then decides.
    let _ = time::timeout(LETTING_GO, owner.slot().quiet()).await;
    match owner.slot().leave_body() {
        Left::Unit(mut unit) if ending == Ending::Commit => Ok(unit.commit().await?),
        Left::Unit(unit) => {
            roll_back(unit).await;
            Ok(())
        }
        Left::Stray(stray, unit) => {
            if let Some(unit) = unit {
                roll_back(unit).await;
            }
            Err(Broken::Outlived(stray))
        }
        Left::Nothing | Left::Kept => Ok(()),
    }
}
