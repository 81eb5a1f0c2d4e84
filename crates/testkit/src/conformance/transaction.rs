use sessionpool_core::{Savepoint, Transactional, TxOptions};

use super::bench::Bench;
use super::{SessionOf, Transactions, cut};

/// [`Transactional`], rule 1: from before `begin` talks to the remote end until a
/// rollback is confirmed, the session is not `Clean`.
pub async fn open_transaction_is_never_clean<H: Transactions>(harness: &H) {
    let bench = Bench::new("open transaction is never clean", harness).await;
    bench.sweep("begin", async |polls| drop_begin(&bench, polls).await).await;

    let mut session = bench.open().await;
    bench.begin(&mut session).await;
    bench.is_not_clean(&session, "in a transaction");
    harness.write(&mut session, "pending").await;
    bench.is_not_clean(&session, "with a row pending");
    let mark = savepoint(&bench, &mut session).await;
    bench.is_not_clean(&session, "inside a savepoint");
    release_savepoint(&bench, &mut session, mark).await;
    bench.is_not_clean(&session, "after a savepoint was released");
    let mark = savepoint(&bench, &mut session).await;
    rollback_to(&bench, &mut session, mark).await;
    bench.is_not_clean(&session, "after a rollback to a savepoint");
    bench.rollback(&mut session).await;
    bench.end(session).await;
}

/// [`Session`](sessionpool_core::Session), rule 2, for a transaction its borrower
/// left open: it is rolled back before anyone else gets the session.
pub async fn release_ends_the_transaction<H: Transactions>(harness: &H) {
    let bench = Bench::new("release ends the transaction", harness).await;
    let mut session = bench.open().await;
    bench.begin_with(&mut session, "orphan").await;
    savepoint(&bench, &mut session).await;
    harness.write(&mut session, "inner orphan").await;
    bench.release(&mut session, "after a release that succeeded").await;
    bench.is_not_committed("orphan", "after a release").await;

    bench.commits_a_unit(&mut session, "next").await;
    bench.is_not_committed("orphan", "after the next borrower's commit").await;
    bench.is_not_committed("inner orphan", "after the next borrower's commit").await;
    bench.end(session).await;
}

/// [`Transactional`], rule 3: without a transaction `rollback` does nothing; with
/// one it undoes it.
pub async fn rollback_needs_no_transaction<H: Transactions>(harness: &H) {
    let bench = Bench::new("rollback needs no transaction", harness).await;
    let mut session = bench.open().await;
    bench.rollback(&mut session).await;
    bench.is_clean(&session, "after a rollback of nothing");
    bench.commits_a_unit(&mut session, "kept").await;
    bench.rollback(&mut session).await;
    bench.is_committed("kept", "after a rollback of nothing").await;

    bench.release(&mut session, "after a release that succeeded").await;
    bench.begin_with(&mut session, "undone").await;
    bench.rollback(&mut session).await;
    bench.rollback(&mut session).await;
    bench.is_not_committed("undone", "after its rollback").await;
    bench.release(&mut session, "after a release that succeeded").await;
    bench.commits_a_unit(&mut session, "next").await;
    bench.is_not_committed("undone", "after the next commit").await;
    bench.end(session).await;
}

/// [`Transactional`], rule 4: what an outer savepoint undoes includes what inner
/// ones kept, and an ended savepoint takes those inside it along.
pub async fn savepoints_nest<H: Transactions>(harness: &H) {
    let bench = Bench::new("savepoints nest", harness).await;
    let mut session = bench.open().await;
    bench.begin_with(&mut session, "before").await;
    let outer = savepoint(&bench, &mut session).await;
    harness.write(&mut session, "outer").await;
    let inner = savepoint(&bench, &mut session).await;
    harness.write(&mut session, "inner").await;
    release_savepoint(&bench, &mut session, inner).await;
    rollback_to(&bench, &mut session, outer).await;
    let kept = savepoint(&bench, &mut session).await;
    harness.write(&mut session, "after").await;
    release_savepoint(&bench, &mut session, kept).await;
    bench.commits(&mut session).await;
    for row in ["before", "after"] {
        bench.is_committed(row, "though no savepoint undid it").await;
    }
    for row in ["outer", "inner"] {
        bench.is_not_committed(row, "though an outer savepoint undid it").await;
    }
    bench.end(session).await;

    ended_with_its_outer(&bench, End::Release).await;
    ended_with_its_outer(&bench, End::RollBack).await;
}

/// [`Transactional`], rule 4: a savepoint's name is never used twice on a
/// session, in one transaction or the next.
pub async fn savepoint_names_are_never_used_twice<H: Transactions>(harness: &H) {
    let bench = Bench::new("savepoint names are never used twice", harness).await;
    let mut session = bench.open().await;
    let mut used: Vec<Savepoint> = Vec::new();
    for _ in 0..3 {
        bench.begin(&mut session).await;
        for end in [End::Release, End::RollBack] {
            let mark = savepoint(&bench, &mut session).await;
            bench.rule.holds(!used.contains(&mark), format_args!("{mark:?} was set again"));
            used.push(mark);
            end.of(&bench, &mut session, mark).await;
        }
        bench.rollback(&mut session).await;
        bench.release(&mut session, "after a release that succeeded").await;
    }
    bench.end(session).await;
}

/// [`Session`](sessionpool_core::Session), rule 3, for the verbs of a transaction.
pub async fn dropped_transaction_futures_are_survivable<H: Transactions>(harness: &H) {
    let bench = Bench::new("dropped transaction futures are survivable", harness).await;
    let options = TxOptions::new();
    let fresh = async |_: &mut SessionOf<H>| ();
    let begun = async |session: &mut SessionOf<H>| bench.begin_with(session, "pending").await;
    let marked = async |session: &mut SessionOf<H>| {
        bench.begin(session).await;
        savepoint(&bench, session).await
    };
    let unit = async |session: &mut SessionOf<H>| bench.commits_a_unit(session, "later").await;
    let begin =
        async |session: &mut SessionOf<H>, ()| Transactional::begin(session, &options).await;
    let write = async |session: &mut SessionOf<H>, ()| harness.write(session, "half").await;
    let commit = async |session: &mut SessionOf<H>, ()| Transactional::commit(session).await;
    let rollback = async |session: &mut SessionOf<H>, ()| Transactional::rollback(session).await;
    let set = async |session: &mut SessionOf<H>, ()| Transactional::savepoint(session).await;
    let release = async |session: &mut SessionOf<H>, mark: Savepoint| {
        Transactional::release_savepoint(session, mark).await
    };
    let roll_back = async |session: &mut SessionOf<H>, mark: Savepoint| {
        Transactional::rollback_to(session, mark).await
    };

    bench.survives_a_dropped("a begin", fresh, begin, unit).await;
    bench.survives_a_dropped("a write in a transaction", begun, write, unit).await;
    bench.survives_a_dropped("a commit", begun, commit, unit).await;
    bench.survives_a_dropped("a rollback", begun, rollback, unit).await;
    bench.survives_a_dropped("a savepoint", begun, set, unit).await;
    bench.survives_a_dropped("a release of a savepoint", marked, release, unit).await;
    bench.survives_a_dropped("a rollback to a savepoint", marked, roll_back, unit).await;
}

/// The two ways a savepoint ends while its transaction goes on.
#[derive(Clone, Copy, Debug)]
enum End {
    Release,
    RollBack,
}

impl End {
    async fn of<H: Transactions>(
        self,
        bench: &Bench<'_, H>,
        session: &mut SessionOf<H>,
        mark: Savepoint,
    ) {
        match self {
            Self::Release => release_savepoint(bench, session, mark).await,
            Self::RollBack => rollback_to(bench, session, mark).await,
        }
    }
}

/// True if `begin` came to its end with so many polls.
async fn drop_begin<H: Transactions>(bench: &Bench<'_, H>, polls: usize) -> bool {
    let mut session = bench.open().await;
    let begun = cut(Transactional::begin(&mut session, &TxOptions::new()), polls).await;
    if polls > 0 {
        bench.is_not_clean(&session, "once begin was polled");
    }
    let done = begun.map(|begun| bench.rule.ok(begun, "begin")).is_some();
    if bench.recovers(&mut session).await {
        bench.commits_a_unit(&mut session, "next").await;
    }
    bench.end(session).await;
    done
}

/// After `end` of a savepoint the one inside it is unknown.
async fn ended_with_its_outer<H: Transactions>(bench: &Bench<'_, H>, end: End) {
    let mut session = bench.open().await;
    bench.begin(&mut session).await;
    let outer = savepoint(bench, &mut session).await;
    let inner = savepoint(bench, &mut session).await;
    end.of(bench, &mut session, outer).await;
    let again = Transactional::rollback_to(&mut session, inner);
    let again = bench.rule.in_time("rollback to a savepoint", again).await;
    bench.rule.holds(again.is_err(), "a savepoint lived on after the one around it");
    bench.end(session).await;
}

async fn savepoint<H: Transactions>(bench: &Bench<'_, H>, session: &mut SessionOf<H>) -> Savepoint {
    let set = bench.rule.in_time("savepoint", Transactional::savepoint(session)).await;
    bench.rule.ok(set, "savepoint")
}

async fn release_savepoint<H: Transactions>(
    bench: &Bench<'_, H>,
    session: &mut SessionOf<H>,
    mark: Savepoint,
) {
    let done = Transactional::release_savepoint(session, mark);
    let done = bench.rule.in_time("release of a savepoint", done).await;
    bench.rule.ok(done, "release of a savepoint");
}

async fn rollback_to<H: Transactions>(
    bench: &Bench<'_, H>,
    session: &mut SessionOf<H>,
    mark: Savepoint,
) {
    let done = Transactional::rollback_to(session, mark);
    let done = bench.rule.in_time("rollback to a savepoint", done).await;
    bench.rule.ok(done, "rollback to a savepoint");
}
