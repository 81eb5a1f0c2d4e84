//! The transactions: what each reads, does and answers.

mod access;
mod asked;
mod data;
mod entry;
mod pool;
mod query;
mod reply;
mod save;
mod session;
mod table;
mod uploaded;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub(crate) use self::entry::Entry;
pub(crate) use self::reply::{Content, Reply};
use crate::gateway::Gateway;
use crate::protocol::{Api, Element, Parameters, Refusal, Version};

/// A request, read as far as HTTP and the query string go.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) api: Api,
    pub(crate) parameters: Parameters,
    pub(crate) version: Version,
    pub(crate) caller: String,
    pub(crate) body: Bytes,
    /// How long a session is kept busy with it: a fault's doing.
    pub(crate) takes: Duration,
}

impl Call {
    fn input(&self) -> Result<Element, Refusal> {
        Element::read(&self.body, self.version)
    }
}

/// Executes a transaction.
pub(crate) async fn execute(gateway: &Arc<Gateway>, call: &Call) -> Reply {
    let done = match call.api {
        Api::Login => access::login(gateway, call),
        Api::Logout => access::logout(gateway, call),
        Api::GetUid
        | Api::ReluId
        | Api::WarmPool
        | Api::FlushPool
        | Api::ResetPool
        | Api::SamStatus => pool::execute(gateway, call),
        Api::Clear
        | Api::Session
        | Api::Query
        | Api::GetData
        | Api::QueryData
        | Api::TabInfo
        | Api::SaveTable
        | Api::Upload => in_session(gateway, call).await,
    };
    done.unwrap_or_else(|refusal| Reply::refusal(call.version, &refusal))
}

async fn in_session(gateway: &Arc<Gateway>, call: &Call) -> Result<Reply, Refusal> {
    let entry = Entry::take(gateway, call).await?;
    let choices = Arc::clone(&gateway.platform().choices);
    let reply = entry
        .work(call.takes, async {
            if call.api == Api::Upload {
                return save::upload(gateway, &entry, call).await;
            }
            let input = call.input()?;
            match call.api {
                Api::Clear => Ok(session::clear(&entry.session, call.version)),
                Api::Session => session::set(&entry.session, &input, call.version),
                Api::TabInfo => table::tabinfo(&entry.session, &input, call.version, &choices),
                Api::SaveTable => save::savetable(gateway, &entry, &input, call.version).await,
                Api::Query => query::query(&entry.session, &input, call.version).await,
                Api::GetData => data::getdata(&entry.session, &input, call.version, &choices).await,
                _ => data::querydata(&entry.session, &input, call.version, &choices).await,
            }
        })
        .await?;
    Ok(reply.with(entry))
}
