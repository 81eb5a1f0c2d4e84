//! What an owner may do with a SAM group as a whole. None of it logs the owner in.

use std::sync::Arc;

use sessionpool_core::Session;

use crate::backend::Who;
use crate::sam::Account;
use crate::wire::sam;
use crate::{BaseQuery, Error, LoginType, Member, Query, Result, Tenten, TentenSession};

impl Tenten {
    /// Logs in every ID that is free, runs the queries on each, and gives all of them
    /// back: whoever takes one next finds it logged in and the queries computed. Answers
    /// how many there were.
    ///
    /// All are held until the last is done, or the gateway would hand out the same one
    /// again.
    ///
    /// # Errors
    ///
    /// A login or a query failed, or there is no SAM group. Everything is given back.
    ///
    /// # Cancel safety
    ///
    /// Everything is given back.
    pub async fn warm_pool(&self, queries: &[BaseQuery]) -> Result<usize> {
        let account = self.account()?;
        let mut warmed = Vec::new();
        let outcome = self.warm_all(account, queries, &mut warmed).await;
        let count = warmed.len();
        for session in warmed {
            // What the gateway does not take back stands in the report.
            let _ = TentenSession::close(session).await;
        }
        outcome.map(|()| count)
    }

    async fn warm_all(
        &self,
        account: &Arc<Account>,
        queries: &[BaseQuery],
        warmed: &mut Vec<TentenSession>,
    ) -> Result<()> {
        loop {
            match self.inner.take_id_as(account, LoginType::Possess).await {
                Ok(session) => warmed.push(session),
                Err(error) if error.is_full_group() => return Ok(()),
                Err(error) => return Err(error),
            }
            let Some(session) = warmed.last_mut() else { continue };
            for base in queries {
                Query::from(base.clone()).run(session).await?;
            }
        }
    }

    /// Has the gateway itself start sessions on all free IDs, without queries and without
    /// saying how many.
    ///
    /// # Errors
    ///
    /// The gateway refused, or there is no SAM group.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same.
    pub async fn warm_unused(&self) -> Result<()> {
        self.about_all("warmpool").await
    }

    /// Has every session of the group end when its ID is given back next, so that those
    /// who take one later find fresh data. Work in progress goes on.
    ///
    /// Sessions that pools of this process hold idle are given back at once, and leased
    /// ones when they come back: none is lent again.
    ///
    /// # Errors
    ///
    /// The gateway refused, or there is no SAM group.
    ///
    /// # Cancel safety
    ///
    /// It may be done all the same; then this process's pools may not know.
    pub async fn flush_pool(&self) -> Result<()> {
        self.about_all("flushpool").await?;
        self.account()?.flushed();
        Ok(())
    }

    /// **Ends every session of the group and frees all its IDs, whoever is working with
    /// them**, in this process and in all others. A tool for development; never called
    /// by this crate itself.
    ///
    /// This process forgets the IDs that it held: they are somebody else's to take, and
    /// closing their sessions sends nothing.
    ///
    /// # Errors
    ///
    /// The gateway refused, or there is no SAM group. When its answer was lost, the IDs
    /// that were held are in doubt.
    ///
    /// # Cancel safety
    ///
    /// It is done all the same.
    pub async fn reset_pool(&self) -> Result<()> {
        let account = Arc::clone(self.account()?);
        let office = Arc::clone(&self.inner.office);
        let password = office.password(&account.group.owner).await?;
        let resetting = async move {
            let reset = sam::about_all(&office.client, "resetpool", &account.group, &password);
            account.reset(reset).await
        };
        self.inner.office.desk.run(resetting).await
    }

    /// What the gateway says about each ID of the group. Older gateways cannot.
    ///
    /// # Errors
    ///
    /// The gateway refused, or there is no SAM group.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn sam_status(&self) -> Result<Vec<Member>> {
        let group = &self.account()?.group;
        let office = &self.inner.office;
        let password = office.password(&group.owner).await?;
        sam::status(&self.inner.client, group, &password).await
    }

    async fn about_all(&self, api: &'static str) -> Result<()> {
        let group = &self.account()?.group;
        let office = &self.inner.office;
        let password = office.password(&group.owner).await?;
        sam::about_all(&self.inner.client, api, group, &password).await
    }

    fn account(&self) -> Result<&Arc<Account>> {
        match &self.inner.who {
            Who::Group(account) => Ok(account),
            Who::User(_) => Err(Error::Unusable("a single user has no SAM group")),
        }
    }
}
