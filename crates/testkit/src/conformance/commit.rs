use sessionpool_core::{CommitOutcome, Condition, Session, Transactional};

use super::bench::Bench;
use super::{DoomsCommits, LosesAcks, SessionOf, Transactions, cut};

/// [`Transactional`], rule 2: `Committed` is durable, for all of the unit and not
/// before; a dropped commit is all or nothing, and nothing is left open.
pub async fn commit_names_its_outcome<H: Transactions>(harness: &H) {
    let bench = Bench::new("commit names its outcome", harness).await;
    let mut session = bench.open().await;
    bench.begin_with(&mut session, "kept").await;
    harness.write(&mut session, "kept too").await;
    bench.is_not_committed("kept", "before its commit").await;
    bench.commits(&mut session).await;
    bench.is_committed("kept", "after Committed").await;
    bench.is_committed("kept too", "after Committed").await;
    nothing_is_open(&bench, &mut session, "next").await;
    bench.end(session).await;
    bench.is_committed("kept", "after its session was closed").await;

    bench.sweep("commit", async |polls| drop_commit(&bench, polls).await).await;
}

/// [`Transactional`], rule 2: a unit with a write in it that was dropped half way
/// is not committed, whatever was done after it.
pub async fn abandoned_write_is_not_committed<H: Transactions>(harness: &H) {
    let bench = Bench::new("abandoned write is not committed", harness).await;
    for goes_on in [false, true] {
        bench.sweep("a write", async |polls| drop_write(&bench, polls, goes_on).await).await;
    }
}

/// [`Transactional`], rule 2: of a commit the remote end refused nothing is
/// visible, and no transaction is left open.
pub async fn refused_commit_is_rolled_back<H: DoomsCommits>(harness: &H) {
    let bench = Bench::new("refused commit is rolled back", harness).await;
    let mut session = bench.open().await;
    bench.begin_with(&mut session, "refused").await;
    harness.doom(&mut session).await;
    let outcome = bench.commit(&mut session).await;
    bench.rule.holds(
        matches!(outcome, CommitOutcome::RolledBack(_)),
        format_args!("commit answered {outcome:?}"),
    );
    bench.is_not_committed("refused", "after RolledBack").await;
    nothing_is_open(&bench, &mut session, "next").await;
    bench.is_not_committed("refused", "after the next commit").await;
    bench.end(session).await;
}

/// [`Transactional`], rule 2: where nobody can tell, nobody says so.
pub async fn lost_ack_is_unknown<H: LosesAcks>(harness: &H) {
    let bench = Bench::new("lost ack is unknown", harness).await;
    let mut session = bench.open().await;
    bench.begin_with(&mut session, "perhaps").await;
    harness.lose_ack(&mut session).await;
    let outcome = bench.commit(&mut session).await;
    bench.rule.holds(
        matches!(outcome, CommitOutcome::Unknown(_)),
        format_args!("commit answered {outcome:?}"),
    );
    nothing_is_open(&bench, &mut session, "next").await;
    bench.end(session).await;
}

/// A session with no transaction open is given back and begins another one;
/// unless it is broken.
async fn nothing_is_open<H: Transactions>(
    bench: &Bench<'_, H>,
    session: &mut SessionOf<H>,
    row: &str,
) {
    if matches!(session.condition(), Condition::Broken(_)) {
        return;
    }
    if session.condition() != Condition::Clean {
        bench.release(session, "after a release that succeeded").await;
    }
    bench.commits_a_unit(session, row).await;
}

/// True if the write came to its end with so many polls.
async fn drop_write<H: Transactions>(bench: &Bench<'_, H>, polls: usize, goes_on: bool) -> bool {
    let row = format!("abandoned {polls} {goes_on}");
    let mut session = bench.open().await;
    bench.begin(&mut session).await;
    let done = cut(bench.harness.write(&mut session, &row), polls).await.is_some();
    if goes_on {
        let _ = bench.try_ask(&mut session).await;
    }
    let outcome = bench.commit(&mut session).await;
    if !done && polls > 0 {
        let committed = matches!(outcome, CommitOutcome::Committed);
        bench.rule.holds(!committed, "commit answered Committed");
        if matches!(outcome, CommitOutcome::RolledBack(_)) {
            bench.is_not_committed(&row, "after RolledBack").await;
        }
    }
    bench.end(session).await;
    done
}

/// True if the commit came to its end with so many polls.
async fn drop_commit<H: Transactions>(bench: &Bench<'_, H>, polls: usize) -> bool {
    let rows = [format!("left half {polls}"), format!("right half {polls}")];
    let mut session = bench.open().await;
    bench.begin_with(&mut session, &rows[0]).await;
    bench.harness.write(&mut session, &rows[1]).await;
    let outcome = cut(Transactional::commit(&mut session), polls).await;
    if let Some(outcome) = &outcome {
        let committed = matches!(outcome, CommitOutcome::Committed);
        bench.rule.holds(committed, format_args!("commit answered {outcome:?}"));
    }
    bench.noticed(&session, "a commit", outcome.is_some() || polls == 0);
    if bench.recovers(&mut session).await {
        bench.commits_a_unit(&mut session, &format!("after {polls}")).await;
    }
    bench.end(session).await;
    all_or_nothing(bench, &rows).await;
    outcome.is_some()
}

/// Both halves of a unit are there or neither is. A commit may land between two
/// looks, so the first half is looked for again.
async fn all_or_nothing<H: Transactions>(bench: &Bench<'_, H>, rows: &[String; 2]) {
    let before = bench.harness.committed(&rows[0]).await;
    let right = bench.harness.committed(&rows[1]).await;
    let left = before || bench.harness.committed(&rows[0]).await;
    bench.rule.holds(left == right, "half a unit of work is visible after a commit was dropped");
}
