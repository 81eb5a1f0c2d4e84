use std::sync::Arc;

use super::{Ticket, ask, required};
use crate::client::{Call, Client};
use crate::secret::Secret;
use crate::{Member, Result, choices};

/// A group and who owns it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) owner: Arc<str>,
    pub(crate) gid: Arc<str>,
}

impl Group {
    fn call<'a>(&'a self, api: &'static str, password: &'a Secret) -> Call<'a> {
        Call::new(api, &self.owner, password).with("gid", &self.gid)
    }
}

/// Takes a free ID. It is the caller's until it is given back.
pub(crate) async fn take(client: &Client, group: &Group, password: &Secret) -> Result<Arc<str>> {
    let answer = client.call(&group.call("getuid", password)).await?;
    required("getuid", &answer.root, "uid").map(Arc::from)
}

/// Gives an ID back while its session lives, which goes on for the next to take it.
pub(crate) async fn give_back(client: &Client, group: &Group, ticket: &Ticket) -> Result<()> {
    ask(client, ticket.call("reluid").with("gid", &group.gid)).await
}

/// Gives an ID back that has no session, or whose session's password is not known.
pub(crate) async fn give_back_without_session(
    client: &Client,
    group: &Group,
    uid: &str,
    password: &Secret,
) -> Result<()> {
    ask(client, Call::new("reluid", uid, password).with("gid", &group.gid)).await
}

/// A transaction about all of a group: `warmpool`, `flushpool`, `resetpool`.
pub(crate) async fn about_all(
    client: &Client,
    api: &'static str,
    group: &Group,
    password: &Secret,
) -> Result<()> {
    ask(client, group.call(api, password)).await
}

/// What the gateway says about each ID, whatever it calls the elements.
pub(crate) async fn status(
    client: &Client,
    group: &Group,
    password: &Secret,
) -> Result<Vec<Member>> {
    let answer = client.call(&group.call("samstatus", password)).await?;
    let elements = answer.root.all();
    let members = elements.iter().filter(|element| element.attribute(choices::MEMBER).is_some());
    Ok(members
        .map(|element| {
            let flag = |name| element.attribute(name).is_some_and(|value| value.trim() == "1");
            let name = ["uid", "name", "id"].iter().find_map(|name| element.attribute(name));
            Member {
                user: name.unwrap_or(element.text.trim()).to_owned(),
                logged_in: flag("loggedin"),
                free: flag(choices::MEMBER),
                marked: flag("marked"),
            }
        })
        .collect())
}
