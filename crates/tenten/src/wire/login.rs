use std::sync::Arc;

use super::{Ticket, ask, required};
use crate::client::{Call, Client};
use crate::secret::Secret;
use crate::{LoginType, Result, choices};

/// Logs in. `kill` is always sent: the gateway's default ends a running session.
pub(crate) async fn login(
    client: &Client,
    user: &Arc<str>,
    password: &Secret,
    kind: LoginType,
) -> Result<Ticket> {
    let call = Call::new("login", user, password).with("kill", kind.as_parameter());
    let answer = client.call(&call).await?;
    Ok(Ticket {
        uid: Arc::clone(user),
        pswd: Secret::new(required("login", &answer.root, "pswd")?),
        sid: Secret::new(required("login", &answer.root, "sid")?),
    })
}

/// Ends the platform's session, and a query it may be running.
pub(crate) async fn logout(client: &Client, ticket: &Ticket) -> Result<()> {
    ask(client, ticket.call("logout").with("kill", "yes")).await
}

/// Asks whether the session lives, and waits until it has done what it was asked before.
pub(crate) async fn probe(client: &Client, ticket: &Ticket) -> Result<()> {
    let (api, body) = choices::PROBE;
    ask(client, ticket.call(api).body(body)).await
}

/// Sets whether infinities become N/A.
pub(crate) async fn set_infinite_to_na(client: &Client, ticket: &Ticket, on: bool) -> Result<()> {
    let setting = if on { "on" } else { "off" };
    ask(client, ticket.call("session").body(format!("<in><inf2na>{setting}</inf2na></in>"))).await
}

/// Drops finished operations from the session's workspace; answers the bytes it uses
/// now, if the gateway says.
pub(crate) async fn clear(client: &Client, ticket: &Ticket) -> Result<Option<u64>> {
    let answer = client.call(&ticket.call("clear")).await?;
    Ok(answer.root.text_of("memory").and_then(|memory| memory.parse().ok()))
}
