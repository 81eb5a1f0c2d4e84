use crate::{Error, Result};

/// Beyond so many bytes an answer is looked through where that keeps nobody waiting.
const BIG: usize = 256 << 10;

/// Does what takes as long as there are bytes: at once for a few, and for many off the
/// async workers.
pub(crate) async fn look_through<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    if bytes < BIG {
        return Ok(work());
    }
    let working = tokio::task::spawn_blocking(work);
    working.await.map_err(|error| Error::Start { what: "the parser", source: error.into() })
}
