use super::rc::{self, Refusal};

/// A transaction this gateway serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Login,
    Logout,
    Clear,
    Session,
    Query,
    GetData,
    QueryData,
    TabInfo,
    SaveTable,
    Upload,
    GetUid,
    ReluId,
    WarmPool,
    FlushPool,
    ResetPool,
    SamStatus,
}

const SERVED: [(&str, Api); 16] = [
    ("login", Api::Login),
    ("logout", Api::Logout),
    ("clear", Api::Clear),
    ("session", Api::Session),
    ("query", Api::Query),
    ("getdata", Api::GetData),
    ("querydata", Api::QueryData),
    ("tabinfo", Api::TabInfo),
    ("savetable", Api::SaveTable),
    ("upload", Api::Upload),
    ("getuid", Api::GetUid),
    ("reluid", Api::ReluId),
    ("warmpool", Api::WarmPool),
    ("flushpool", Api::FlushPool),
    ("resetpool", Api::ResetPool),
    ("samstatus", Api::SamStatus),
];

/// Documented, and not served here.
const KNOWN: [&str; 20] = [
    "addtab",
    "addtable",
    "convert",
    "dir",
    "drop",
    "dropdir",
    "droptable",
    "getdir",
    "gettab",
    "getuser",
    "listdir",
    "merge",
    "mkdir",
    "move",
    "order",
    "putdir",
    "puttab",
    "render",
    "savefile",
    "status",
];

impl Api {
    /// Looks up what was sent as `api`.
    pub(crate) fn named(name: Option<&str>, any_case: bool) -> Result<Self, Refusal> {
        let sent = name
            .filter(|name| !name.is_empty())
            .ok_or(Refusal::fixed(rc::NO_TRANSACTION, "Missing transaction type"))?;
        let name = if any_case { sent.to_ascii_lowercase() } else { sent.to_owned() };
        if let Some((_, api)) = SERVED.iter().find(|(served, _)| *served == name) {
            return Ok(*api);
        }
        if KNOWN.contains(&name.as_str()) {
            return Err(Refusal::new(rc::UNCLASSIFIED, format!("not implemented: {name}")));
        }
        let shown: String = sent.chars().take(40).collect();
        Err(Refusal::new(rc::INVALID_TRANSACTION, format!("Invalid transaction type: {shown}")))
    }

    pub(crate) fn name(self) -> &'static str {
        SERVED.iter().find(|(_, api)| *api == self).map_or("", |(name, _)| name)
    }
}
