use crate::protocol::{Refusal, rc};

/// What is not Macro Language, or not the part of it that is served here.
pub(super) fn refuse(what: impl AsRef<str>) -> Refusal {
    let what: String = what.as_ref().chars().take(200).collect();
    Refusal::new(rc::UNCLASSIFIED, format!("This gateway does not serve {what}"))
}
