//! `clear` and `session`.

use super::Reply;
use crate::platform::Session;
use crate::protocol::{Element, Output, Refusal, Version, rc};

pub(super) fn clear(session: &Session, version: Version) -> Reply {
    let memory = session.workspace().clear();
    let mut output = Output::new(version, rc::OK);
    output.element("msg", "OK");
    output.element("memory", &memory.to_string());
    Reply::success(output)
}

pub(super) fn set(session: &Session, input: &Element, version: Version) -> Result<Reply, Refusal> {
    if let Some(setting) = input.child("inf2na") {
        session.workspace().infinity_is_na = match setting.text() {
            "on" => true,
            "off" => false,
            _ => return Err(Refusal::fixed(rc::INVALID_CONTENTS, "inf2na is not on or off")),
        };
    }
    Ok(Reply::message(version, "OK"))
}
