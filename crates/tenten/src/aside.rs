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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn a_long_answer_is_looked_through_on_another_thread() {
        let here = thread::current().id();
        let on = async |bytes| look_through(bytes, || thread::current().id()).await.expect("done");
        assert_eq!(on(BIG - 1).await, here);
        assert_ne!(on(BIG).await, here);
    }
}
