//! The transactions of SAM pools.

use super::{Call, Reply};
use crate::gateway::Gateway;
use crate::platform::MemberStatus;
use crate::protocol::{Api, Output, Refusal, escape_heading, rc};

pub(super) fn execute(gateway: &Gateway, call: &Call) -> Result<Reply, Refusal> {
    let visit = gateway.visit(&call.caller);
    let mut platform = gateway.platform();
    let parameters = &call.parameters;
    match call.api {
        Api::ReluId => platform.reluid(parameters, &visit)?,
        Api::WarmPool => platform.warmpool(parameters, &visit)?,
        Api::FlushPool => platform.flushpool(parameters, &visit)?,
        Api::ResetPool => platform.resetpool(parameters, &visit)?,
        Api::SamStatus => {
            if !platform.choices.has_samstatus {
                return Err(Refusal::fixed(rc::INVALID_TRANSACTION, "Invalid transaction type"));
            }
            let members = platform.samstatus(parameters, &visit)?;
            return Ok(status(call, &platform.choices.status_elements, &members));
        }
        _ => {
            let uid = platform.getuid(parameters, &visit)?;
            let mut output = Output::new(call.version, rc::OK);
            output.element("msg", "OK");
            output.element("uid", &uid);
            return Ok(Reply::success(output));
        }
    }
    Ok(Reply::message(call.version, "OK"))
}

fn status(call: &Call, elements: &(String, String), members: &[MemberStatus]) -> Reply {
    let (list, one) = elements;
    let mut output = Output::new(call.version, rc::OK);
    output.element("msg", "OK");
    output.raw(&format!("<{list}>"));
    for member in members {
        output.raw(&format!("<{one} uid=\""));
        escape_heading(output.bytes(), member.uid.as_bytes());
        let (logged_in, free, marked) =
            (u8::from(member.logged_in), u8::from(member.free), u8::from(member.marked));
        output.raw(&format!("\" loggedin=\"{logged_in}\" free=\"{free}\" marked=\"{marked}\"/>"));
    }
    output.raw(&format!("</{list}>"));
    Reply::success(output)
}
