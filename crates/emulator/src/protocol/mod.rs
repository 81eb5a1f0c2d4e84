//! The gateway's language: what may be asked, what may be answered.

mod api;
mod input;
mod output;
mod parameters;
pub(crate) mod rc;

pub(crate) use self::api::Api;
pub(crate) use self::input::Element;
pub(crate) use self::output::{Output, escape_heading, escape_text};
pub(crate) use self::parameters::{Parameters, Version};
pub(crate) use self::rc::Refusal;
