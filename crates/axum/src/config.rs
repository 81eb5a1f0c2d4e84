//! What a layer was told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Extensions, request, response};
use sessionpool_core::{Pool, Transactional, TxOptions, Unit};

use crate::{Background, Ending, Problem};

/// What the unit of a request is like.
type OptionsFrom =
    Arc<dyn Fn(&request::Parts, TxOptions) -> Result<TxOptions, Problem> + Send + Sync>;

/// How a response ends its unit.
pub(crate) type Rule = Arc<dyn Fn(&response::Parts) -> Ending + Send + Sync>;

pub(crate) struct Config<S: Transactional> {
    pub(crate) pool: Pool<S>,
    pub(crate) options: TxOptions,
    pub(crate) options_from: Option<OptionsFrom>,
    pub(crate) rule: Rule,
    /// Where the application said that work goes on.
    pub(crate) given: Option<Background>,
    /// Where it does if nobody said anything.
    pub(crate) own: Background,
    /// How long a body may keep its session.
    pub(crate) body_limit: Duration,
}

/// The rule said nothing of a response.
pub(crate) struct RulePanicked;

impl<S: Transactional> Config<S> {
    /// What the rule says of a response.
    pub(crate) fn ending(&self, response: &response::Parts) -> Result<Ending, RulePanicked> {
        catch_unwind(AssertUnwindSafe(|| (self.rule)(response))).map_err(|_| RulePanicked)
    }

    pub(crate) fn unit(&self, request: &request::Parts) -> Result<Unit<S>, Problem> {
        let options = self.options.clone();
        let options = match &self.options_from {
            Some(options_from) => options_from(request, options)?,
            None => options,
        };
        Ok(self.pool.unit_in(options))
    }

    /// Where work of a request goes on: what the layer was given, what the server has
    /// that the request came through, or the layer's own.
    pub(crate) fn background(&self, request: &Extensions) -> Background {
        let said = self.given.as_ref().or_else(|| request.get());
        said.unwrap_or(&self.own).clone()
    }
}

impl<S: Transactional> Clone for Config<S> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            options: self.options.clone(),
            options_from: self.options_from.clone(),
            rule: Arc::clone(&self.rule),
            given: self.given.clone(),
            own: self.own.clone(),
            body_limit: self.body_limit,
        }
    }
}
