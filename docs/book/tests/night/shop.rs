//! Work that is waited for.

use sessionpool::{AcquireError, Lease, Pool, Session};

/// Asks for a second session while it has the first.
pub(crate) async fn check_out<S: Session>(pool: Pool<S>) -> Result<(), AcquireError> {
    let order = pool.acquire().await?;
    let stock = stock(&pool).await?;
    drop((order, stock));
    Ok(())
}

async fn stock<S: Session>(pool: &Pool<S>) -> Result<Lease<S>, AcquireError> {
    pool.acquire().await
}
