//! What a layer was told.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{request, response};
use sessionpool_core::{Pool, Transactional, TxOptions};

use crate::{Background, Ending, Problem};

/// What the unit of a request is like.
pub(crate) type OptionsOf =
    Arc<dyn Fn(&request::Parts) -> Result<TxOptions, Problem> + Send + Sync>;

/// How a response ends its unit.
pub(crate) type Rule = Arc<dyn Fn(&response::Parts) -> Ending + Send + Sync>;

pub(crate) struct Config<S: Transactional> {
    pub(crate) pool: Pool<S>,
    pub(crate) options: OptionsOf,
    pub(crate) rule: Rule,
    pub(crate) background: Background,
    /// How long a body may keep its session.
    pub(crate) body_limit: Duration,
}

impl<S: Transactional> Clone for Config<S> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            options: Arc::clone(&self.options),
            rule: Arc::clone(&self.rule),
            background: self.background.clone(),
            body_limit: self.body_limit,
        }
    }
}
