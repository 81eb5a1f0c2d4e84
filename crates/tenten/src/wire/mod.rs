//! The transactions, each as a function: what goes out, what comes back.

pub(crate) mod login;
pub(crate) mod query;
pub(crate) mod sam;
pub(crate) mod table;

use std::sync::Arc;

use crate::client::{Call, Client};
use crate::secret::Secret;
use crate::xml::Element;
use crate::{Error, Result};

/// What a login hands out and every call of the session shows.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) uid: Arc<str>,
    pub(crate) pswd: Secret,
    pub(crate) sid: Secret,
}

impl Ticket {
    fn call(&self, api: &'static str) -> Call<'_> {
        Call::new(api, &self.uid, &self.pswd).sid(Some(&self.sid))
    }
}

/// The text of an element that must be there and not empty.
fn required<'a>(api: &'static str, root: &'a Element, element: &'static str) -> Result<&'a str> {
    match root.text_of(element) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Error::Missing { api, element }),
    }
}

/// Asks and is content with a yes.
async fn ask(client: &Client, call: Call<'_>) -> Result<()> {
    client.call(&call).await.map(drop)
}
