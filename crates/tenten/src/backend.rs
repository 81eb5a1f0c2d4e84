use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sessionpool_core::{Backend, Bounds, Recall, Session};
use tokio::time::{Instant, sleep, timeout};

use crate::client::Client;
use crate::farewell::Farewell;
use crate::office::Office;
use crate::sam::{self, Account};
use crate::wire::login;
use crate::{Error, JournalReport, LoginType, Result, SamReport, TentenBuilder, TentenSession};

/// A gateway and who logs in there: a single user, or a SAM group whose IDs are taken
/// and given back.
///
/// It is a [`Backend`]: [`Pool::builder`](sessionpool_core::Pool::builder) takes it,
/// and [`connect`](Self::connect) opens a session without a pool. A clone is a handle
/// to the same.
///
/// ```no_run
/// # use sessionpool_core::Pool;
/// # use sessionpool_tenten::{LoginType, Query, Tenten};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let tenten = Tenten::builder("https://www2.1010data.com/cgi-bin/gw")
///     .sam_pool("sam_pool_01", "sam_pool")
///     .password("the owner's")
///     .login_type(LoginType::Possess)
///     .build()?;
/// let pool = Pool::builder(tenten.clone()).max_size(4).build()?;
///
/// let mut session = pool.acquire().await?;
/// let mut stations = Query::new("pub.demo.weather.stations", r#"<sel value="(elev&gt;10)"/>"#);
/// stations.run(&mut session).await?;
/// println!("{} sees {:?} stations", session.user(), stations.nrows());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tenten {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// Tells backends of one group apart.
    pub(crate) number: u64,
    pub(crate) office: Arc<Office>,
    /// For the callers' runtimes.
    pub(crate) client: Client,
    pub(crate) who: Who,
    pub(crate) kind: LoginType,
    pub(crate) manners: Manners,
}

/// Who logs in.
pub(crate) enum Who {
    User(Arc<str>),
    Group(Arc<Account>),
}

/// How a backend goes about it.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    pub(crate) retry_wait: Duration,
    pub(crate) busy_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) members: Option<usize>,
    pub(crate) give_back_on_return: bool,
    pub(crate) infinite_to_na: Option<bool>,
}

/// However rarely it is to be asked, a busy gateway is asked once a day.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a sibling's idle session may take to be given back before we tell our
/// waiters that there is none.
const SIBLINGS: Duration = Duration::from_secs(2);

impl Tenten {
    /// Starts setting up a backend for the gateway at that address.
    ///
    /// The address is taken as it is: `https://www2.1010data.com/cgi-bin/gw`,
    /// `…/prod-latest/gw.k`.
    pub fn builder(gateway: impl Into<String>) -> TentenBuilder {
        TentenBuilder::new(gateway.into())
    }

    /// Opens a session that belongs to no pool; of a SAM group, as soon as there is an
    /// ID, for at most [`busy_timeout`](TentenBuilder::busy_timeout).
    ///
    /// End it with [`Session::close`], which tells what the gateway said; a session
    /// that is dropped is ended, too.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] when the time is over, and it was asked once more at its end;
    /// anything else at once.
    ///
    /// # Cancel safety
    ///
    /// What was begun is undone: an ID goes back.
    pub async fn connect(&self) -> Result<TentenSession> {
        let deadline = Instant::now().checked_add(self.inner.manners.busy_timeout);
        loop {
            // From here on: what comes back while we ask is not missed.
            let freed = match &self.inner.who {
                Who::User(_) => None,
                Who::Group(account) => Some(account.freed()),
            };
            let error = match self.inner.open().await {
                Err(error @ Error::Busy { .. }) => error,
                answer => return answer,
            };
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(error);
            }
            let pause = self.inner.retry_wait().min(left.unwrap_or(Duration::MAX));
            match freed {
                None => sleep(pause).await,
                // In time or not, it is asked again.
                Some(freed) => drop(timeout(pause, freed).await),
            }
        }
    }

    /// Gives back what processes that died have certainly held, by their lease journals,
    /// and tells. The first session opened does the same; what was done once is told
    /// again.
    ///
    /// # Errors
    ///
    /// The journal's folder cannot be read or written. Without a journal nothing is
    /// found.
    ///
    /// # Cancel safety
    ///
    /// It is done all the same.
    pub async fn recover(&self) -> Result<JournalReport> {
        let Who::Group(account) = &self.inner.who else { return Ok(JournalReport::default()) };
        let password = self.inner.office.password(&account.group.owner).await?;
        let (office, account) = (Arc::clone(&self.inner.office), Arc::clone(account));
        let work = async move { account.recover(&office, &password).await };
        self.inner.office.desk.run(work).await
    }

    /// What was found in the lease journals of processes that died, and done about it;
    /// `None` before the first session was opened.
    #[must_use]
    pub fn journal_report(&self) -> Option<JournalReport> {
        match &self.inner.who {
            Who::User(_) => None,
            Who::Group(account) => account.journal_report(),
        }
    }

    /// Waits until every ID of the SAM group that this process took is back, or nothing
    /// more is done about it; for at most `limit`. Answers how it stands then: what is
    /// still held is named.
    ///
    /// For the end of a process, after its pools are closed: an ID that is still being given
    /// back, or kept since a [login for it was lost](TentenBuilder::lifecycle_timeout), else
    /// stays taken until the gateway frees it.
    ///
    /// # Cancel safety
    ///
    /// They are given back all the same.
    pub async fn settled(&self, limit: Duration) -> SamReport {
        match &self.inner.who {
            Who::User(_) => SamReport::default(),
            Who::Group(account) => account.settled(limit).await,
        }
    }

    /// What became of the IDs of the SAM group in this process; empty for a single user.
    #[must_use]
    pub fn sam_report(&self) -> SamReport {
        match &self.inner.who {
            Who::User(_) => SamReport::default(),
            Who::Group(account) => account.report(),
        }
    }
}

impl Inner {
    async fn open(&self) -> Result<TentenSession> {
        let before = self.times_freed();
        let opened = match &self.who {
            Who::User(user) => self.log_in(user).await,
            Who::Group(account) => self.take_id(account).await,
        };
        opened.map_err(|error| match error {
            Error::Busy { refusal, .. } => {
                // One that came back meanwhile is there already.
                let moved = self.times_freed() != before;
                let wait = if moved { Duration::ZERO } else { self.retry_wait() };
                Error::Busy { refusal, retry_after: Some(wait) }
            }
            error => error,
        })
    }

    fn times_freed(&self) -> u64 {
        match &self.who {
            Who::User(_) => 0,
            Who::Group(account) => account.times_freed(),
        }
    }

    /// When to ask a busy gateway again; not all at once.
    fn retry_wait(&self) -> Duration {
        jittered(self.manners.retry_wait.min(LONGEST_WAIT))
    }

    async fn log_in(&self, user: &Arc<str>) -> Result<TentenSession> {
        let password = self.office.password(user).await?;
        let (office, user, kind) = (Arc::clone(&self.office), Arc::clone(user), self.kind);
        let (client, setting) = (self.client.clone(), self.manners.infinite_to_na);
        let opening = async move {
            let ticket = login::login(&office.client, &user, &password, kind).await?;
            let farewell = match kind.logs_out() {
                true => Farewell::log_out(Arc::clone(&office), ticket.clone()),
                false => Farewell::Leave,
            };
            set_up(&office, TentenSession::new(client, ticket, farewell), setting).await
        };
        self.office.desk.run(opening).await
    }

    async fn take_id(&self, account: &Arc<Account>) -> Result<TentenSession> {
        match self.try_take_id(account).await {
            Err(error) if error.is_full_group() => {
                match account.room_from_siblings(self.number, SIBLINGS).await {
                    true => self.try_take_id(account).await,
                    false => Err(error),
                }
            }
            answer => answer,
        }
    }

    async fn try_take_id(&self, account: &Arc<Account>) -> Result<TentenSession> {
        self.take_id_as(account, self.kind).await
    }

    /// Takes an ID, if there is one, and logs in with it.
    pub(crate) async fn take_id_as(
        &self,
        account: &Arc<Account>,
        kind: LoginType,
    ) -> Result<TentenSession> {
        let password = self.office.password(&account.group.owner).await?;
        let (office, account) = (Arc::clone(&self.office), Arc::clone(account));
        let (client, setting) = (self.client.clone(), self.manners.infinite_to_na);
        let opening = async move {
            let (ticket, held) = sam::take(Arc::clone(&office), account, password, kind).await?;
            let session = TentenSession::new(client, ticket, Farewell::GiveBack(held));
            set_up(&office, session, setting).await
        };
        self.office.desk.run(opening).await
    }
}

/// A tenth more or less.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.9 + fastrand::f64() / 5.0)
}

async fn set_up(
    office: &Office,
    session: TentenSession,
    infinite_to_na: Option<bool>,
) -> Result<TentenSession> {
    if let Some(on) = infinite_to_na
        && let Err(error) = login::set_infinite_to_na(&office.client, &session.ticket, on).await
    {
        // What opening it failed with says more than what closing does.
        let _ = TentenSession::close(session).await;
        return Err(error);
    }
    Ok(session)
}

impl Backend for Tenten {
    type Session = TentenSession;

    /// Logs in; of a SAM group, with an ID taken for it.
    ///
    /// When all IDs are taken, sibling pools of the group in this process are asked for
    /// an idle one; otherwise the error says when to ask again, and the pool does.
    async fn open(&self) -> Result<TentenSession> {
        self.inner.open().await
    }

    /// Asks the gateway something that changes nothing.
    async fn check(&self, session: &mut TentenSession) -> Result<()> {
        session.check().await
    }

    fn bounds(&self) -> Bounds {
        let manners = &self.inner.manners;
        match &self.inner.who {
            Who::User(_) => Bounds::none().most_sessions(
                1,
                "a user ID has one session at the gateway; take a SAM pool for more",
            ),
            Who::Group(_) => {
                let mut bounds = Bounds::none().idle_timeout(manners.idle_timeout);
                if let Some(members) = manners.members {
                    bounds = bounds.most_sessions(members, "the SAM group has no more members");
                }
                if manners.give_back_on_return { bounds.max_uses(1) } else { bounds }
            }
        }
    }

    fn attach(&self, recall: Recall) {
        if let Who::Group(account) = &self.inner.who {
            account.attach(self.inner.number, recall);
        }
    }
}

impl fmt::Debug for Tenten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Tenten");
        match &self.inner.who {
            Who::User(user) => debug.field("user", user),
            Who::Group(account) => debug.field("group", &account.group),
        };
        debug.field("login_type", &self.inner.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn not_all_ask_again_at_once() {
        let ten = Duration::from_secs(10);
        let waits: HashSet<Duration> = (0..1000).map(|_| jittered(ten)).collect();
        assert!(waits.len() > 900);
        let (least, most) = (Duration::from_secs(9), Duration::from_secs(11));
        assert!(waits.iter().all(|wait| (least..=most).contains(wait)));
    }
}
