//! `login` and `logout`.

use super::{Call, Reply};
use crate::gateway::Gateway;
use crate::platform::Login;
use crate::protocol::{Output, Refusal, rc};

pub(super) fn login(gateway: &Gateway, call: &Call) -> Result<Reply, Refusal> {
    let visit = gateway.visit(&call.caller);
    let (login, platform_version) = {
        let mut platform = gateway.platform();
        (platform.login(&call.parameters, &visit)?, platform.choices.version.clone())
    };
    let Login::Session(session, before) = login else {
        return Ok(Reply::message(call.version, "OK"));
    };
    let before = before.map_or("never".to_owned(), |before| gateway.clock.written(before));
    let mut output = Output::new(call.version, rc::OK);
    output.element("sid", session.sid.reveal());
    output.element("pswd", session.pswd.reveal());
    output.element("msg", &format!("Last login was: {before}"));
    if let Some(version) = platform_version {
        output.element("version", &version);
    }
    Ok(Reply::success(output))
}

pub(super) fn logout(gateway: &Gateway, call: &Call) -> Result<Reply, Refusal> {
    let visit = gateway.visit(&call.caller);
    gateway.platform().logout(&call.parameters, &visit)?;
    Ok(Reply::message(call.version, "Logged out"))
}
