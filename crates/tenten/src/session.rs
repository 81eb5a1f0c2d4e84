use std::fmt;
use std::sync::Arc;

use sessionpool_core::{Condition, Fault, Session};

use crate::client::Client;
use crate::farewell::Farewell;
use crate::mark::Mark;
use crate::wire::{Ticket, login, table};
use crate::{Error, Result, TableInfo};

/// One logged-in conversation with the gateway.
///
/// It serves one request at a time, hence `&mut` everywhere. What is done with it is a
/// [`Query`](crate::Query).
///
/// # What a borrower may leave behind
///
/// Nothing another one can see: the next query replaces the last. What the platform has
/// computed stays in its workspace and makes the same query faster; [`clear`](Self::clear)
/// drops it.
///
/// # Cancel safety
///
/// The gateway does not hear of a dropped future: it works on. The session is
/// [`Condition::Busy`], and whatever is asked of it next waits until that is over, but for
/// at most one [`lifecycle_timeout`](crate::TentenBuilder::lifecycle_timeout): then the
/// session is lost.
pub struct TentenSession {
    pub(crate) client: Client,
    pub(crate) ticket: Ticket,
    mark: Mark,
    farewell: Farewell,
}

impl TentenSession {
    pub(crate) const fn new(client: Client, ticket: Ticket, farewell: Farewell) -> Self {
        Self { client, ticket, mark: Mark::Settled, farewell }
    }

    /// The user ID that is logged in: of a SAM pool, the member's, not the owner's.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.ticket.uid
    }

    /// Drops finished operations from the session's workspace at the platform. Answers
    /// the bytes that it uses now, if the gateway says.
    ///
    /// Queries not fetched to the end go on; what was dropped is computed again.
    ///
    /// # Errors
    ///
    /// The gateway did not do it.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    pub async fn clear(&mut self) -> Result<Option<u64>> {
        self.begin().await?;
        let answer = login::clear(&self.client, &self.ticket).await;
        self.finish(&answer);
        answer
    }

    /// What the gateway tells of a table without a query: its title, its columns, how much
    /// of it may be downloaded.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where there is no such table; the gateway refused, or did not
    /// answer.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed; the session waits for the answer before anything else.
    pub async fn table_info(&mut self, path: &str) -> Result<TableInfo> {
        self.begin().await?;
        let answer = table::info(&self.client, &self.ticket, path).await;
        self.finish(&answer);
        answer
    }

    /// Begins a request: from here on the session is busy, until
    /// [`finish`](Self::finish).
    pub(crate) async fn begin(&mut self) -> Result<()> {
        match self.mark {
            Mark::Settled => {}
            Mark::Unsettled => self.settle().await?,
            Mark::Lost => return Err(Error::Unusable("it was lost in an earlier request")),
        }
        self.mark = Mark::Unsettled;
        Ok(())
    }

    /// Notes that a request was begun while nothing else was under way.
    pub(crate) const fn begun(&mut self) {
        self.mark = Mark::Unsettled;
    }

    /// Notes that what was begun needed no request.
    pub(crate) const fn not_begun(&mut self) {
        self.mark = Mark::Settled;
    }

    /// Notes how a request ended.
    pub(crate) fn finish<T>(&mut self, answer: &Result<T>) {
        self.mark = Mark::after(answer);
        match answer {
            // Only that shows that the gateway takes the session for ours: it may refuse
            // before it looks.
            Ok(_) => self.farewell.alive(),
            Err(error) if error.session_lost() => self.farewell.lost_session(),
            Err(_) => {}
        }
    }

    /// Waits until the gateway has done what it was asked before.
    async fn settle(&mut self) -> Result<()> {
        self.mark = Mark::Unsettled;
        let answer = login::probe(&self.client, &self.ticket).await;
        self.finish(&answer);
        if answer.as_ref().is_err_and(Error::was_not_sent) {
            // What was begun before may run still.
            self.mark = Mark::Unsettled;
        }
        answer
    }

    pub(crate) async fn check(&mut self) -> Result<()> {
        if self.mark == Mark::Lost {
            return Err(Error::Unusable("it was lost in an earlier request"));
        }
        self.settle().await
    }
}

impl Session for TentenSession {
    type Error = Error;

    fn condition(&self) -> Condition {
        self.mark.condition()
    }

    fn classify(error: &Error) -> Fault {
        error.fault()
    }

    /// Waits until the gateway has done what a dropped request left it to do, for at most
    /// one [`lifecycle_timeout`](crate::TentenBuilder::lifecycle_timeout).
    async fn release(this: &mut Self) -> Result<()> {
        match this.mark {
            Mark::Settled => Ok(()),
            Mark::Unsettled => this.settle().await,
            Mark::Lost => Err(Error::Unusable("it was lost in an earlier request")),
        }
    }

    /// Ends the session as it was opened: a single user's `Possess` leaves the
    /// platform's session running, `Kill` and `NoKill` log out, and a SAM pool's gives
    /// its ID back.
    ///
    /// A gateway that is busy or cannot be reached is asked for two minutes to take an ID
    /// back. Then its error is told, and asking goes on for as long as the ID is certainly
    /// ours; what came of it stands in [`Tenten::sam_report`](crate::Tenten::sam_report).
    /// An ID that may not go back yet, since a
    /// [login for it was lost](crate::TentenBuilder::lifecycle_timeout), is given back later.
    ///
    /// # Cancel safety
    ///
    /// It is ended all the same: what is begun is done by a thread of this crate's.
    async fn close(this: Self) -> Result<()> {
        this.farewell.say().await
    }

    /// As `close`, told to nobody: a thread of this crate's does it.
    fn abort(this: Self) {
        drop(this);
    }
}

impl fmt::Debug for TentenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TentenSession")
            .field("user", &Arc::clone(&self.ticket.uid))
            .field("condition", &self.condition())
            .finish_non_exhaustive()
    }
}
