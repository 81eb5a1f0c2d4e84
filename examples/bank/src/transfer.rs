//! Moving money: all of it or nothing, and again when two transfers meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sessionpool::{AcquireOptions, Isolation, Pool, Retry, TxOptions};

use crate::ledger::Ledger;

/// How often a transfer is tried again that lost against another one.
const RETRIES: u32 = 20;

/// The class of work that transfers are: it leaves a session for whoever asks for a total.
pub(crate) const CLASS: &str = "transfer";

/// Moves `amount`, unless there is not so much. `runs` counts the attempts.
///
/// # Errors
///
/// Nothing has moved.
pub(crate) async fn transfer<S: Ledger>(
    bank: &Pool<S>,
    from: i64,
    to: i64,
    amount: i64,
    runs: &Arc<AtomicU64>,
) -> anyhow::Result<bool> {
    let options = TxOptions::new()
        .isolation(Isolation::Serializable)
        .acquire(AcquireOptions::new().class(CLASS));
    let retry = Retry::on_conflict(RETRIES).options(options);
    bank.transaction_with(retry, async |tx| {
        runs.fetch_add(1, Ordering::Relaxed);
        if tx.balance(from).await? < amount {
            return Ok(false);
        }
        tx.add(from, -amount).await?;
        tx.add(to, amount).await?;
        anyhow::Ok(true)
    })
    .await
}
