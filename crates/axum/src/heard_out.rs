use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use sessionpool_core::{Chain, TxError};
use tracing::error;

use crate::Background;

type Commit = Pin<Box<dyn Future<Output = Result<(), TxError>> + Send>>;

/// A commit that goes on in the background when it is dropped half way: what was sent is
/// heard out, whether or not the client still is there.
pub(crate) struct HeardOut {
    commit: Option<Commit>,
    background: Background,
}

impl HeardOut {
    pub(crate) fn new(
        background: &Background,
        commit: impl Future<Output = Result<(), TxError>> + Send + 'static,
    ) -> Self {
        Self { commit: Some(Box::pin(commit)), background: background.clone() }
    }
}

impl Future for HeardOut {
    type Output = Result<(), TxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let commit = self.commit.as_mut().expect("it is polled until it is ready");
        let answer = commit.as_mut().poll(cx);
        if answer.is_ready() {
            self.commit = None;
        }
        answer
    }
}

impl Drop for HeardOut {
    fn drop(&mut self) {
        let Some(commit) = self.commit.take() else { return };
        self.background.adopt(async move {
            if let Err(error) = commit.await {
                let error = Chain(&error);
                error!(%error, "a commit failed whose client had gone");
            }
        });
    }
}
