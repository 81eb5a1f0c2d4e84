//! What an SQLSTATE means.

use std::fmt;

use sessionpool_core::Fault;

/// An SQLSTATE, and what it means to whoever has sessions in a pool.
///
/// This crate's own backends go by it where their servers do. It knows ODBC's states,
/// too, and those errors of Windows' sockets that SQL Server's drivers give out in their
/// place, for backends of one's own over such a driver. It is a classifier: there is no
/// backend for SQL Server here.
///
/// | states | [`fault`](Self::fault) |
/// |---|---|
/// | `40001`, `40P01`: a serialization failure, a deadlock | conflict |
/// | `40003`, `08007`, `25S01`: a statement's, a transaction's end is not known | outcome unknown |
/// | class `08` else (`08001`, `08003`, `08006`, `08S01`, `08S02` …), `01002`, `HYT01`: the line is broken, or there is none | backend lost |
/// | `10053`, `10054`, `10060`, `10061`: the same, as Windows' sockets have it | backend lost |
/// | `57P01`, `57P02`, `57P04`: PostgreSQL says goodbye to all | backend lost |
/// | `25006`: a write on a node that only reads, as after a failover | backend lost |
/// | `25P03`, `25P04`, `57P05`: a limit of one transaction, or to how long one session may lie idle, has ended it | session lost |
/// | `HYT00`, `HY010`, `01000`: a time-out, a call out of sequence, a warning where an error should be; what the server is at is not known | session lost |
/// | `HY117`: the driver's manager has suspended the connection, as it does not know what became of its transaction | session lost |
/// | `53300`: too many connections | busy |
/// | `57P03`, `08004`: the server is starting, or took no connection | transient |
/// | `28…`, `3D000`: no such login, no such database | rejected |
/// | anything else | other |
///
/// What a code cannot tell is whether the server has ended the session (PostgreSQL's
/// severity does), nor what was asked: a time-out of a statement alone (`HYT00`) may
/// have left its session as good as new, and a transaction that was begun to read alone
/// has its writes refused with the state (`25006`) of a node that lost its place. Where in
/// doubt, the worse is taken.
///
/// ```
/// use sessionpool_core::Fault;
/// use sessionpool_sql::SqlState;
///
/// // "[08S01] TCP Provider: Error code 0x68 (104) (SQLEndTran)"
/// let state = SqlState::new("08S01").expect("five digits or capital letters");
/// assert_eq!(state.fault(), Fault::BackendLost);
/// assert!(state.leaves_commit_in_doubt());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// The state of that name; `None` unless it is five digits or capital letters.
    #[must_use]
    pub fn new(state: &str) -> Option<Self> {
        let bytes: [u8; 5] = state.as_bytes().try_into().ok()?;
        let fits = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        bytes.iter().all(fits).then_some(Self(bytes))
    }

    /// The state's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its first two characters: what kind of state it is.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.as_str()[..2]
    }

    /// What an error with that state means, as in the table above.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.as_str() {
            "40001" | "40P01" => Fault::Conflict,
            "40003" | "08007" | "25S01" => Fault::OutcomeUnknown,
            "08004" | "57P03" => Fault::Transient,
            "53300" => Fault::Busy { retry_after: None },
            "57P01" | "57P02" | "57P04" | "25006" | "01002" | "HYT01" => Fault::BackendLost,
            "10053" | "10054" | "10060" | "10061" => Fault::BackendLost,
            "25P03" | "25P04" | "57P05" => Fault::SessionLost,
            "HYT00" | "HY010" | "HY117" | "01000" => Fault::SessionLost,
            "3D000" => Fault::Rejected,
            _ => match self.class() {
                "08" => Fault::BackendLost,
                "28" => Fault::Rejected,
                _ => Fault::Other,
            },
        }
    }

    /// True if a commit that was answered so may have happened all the same. What is
    /// committed is then to be looked up, not done again.
    ///
    /// False is the word of a server that undoes what it refuses. The states of class `HY`
    /// are a driver's own, who only knows that he has no good answer, or those of a server
    /// without a better one (MySQL calls an error in the middle of a commit `HY000`): with
    /// them a commit is in doubt.
    #[must_use]
    pub fn leaves_commit_in_doubt(&self) -> bool {
        let fault = self.fault();
        match self.as_str() {
            // The wrong node, but its word is good.
            "25006" => false,
            _ if fault.ends_session() || fault == Fault::OutcomeUnknown => true,
            _ => matches!(self.class(), "08" | "HY"),
        }
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlState({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Fault = Fault::Busy { retry_after: None };

    #[test]
    fn states_have_their_meaning() {
        for (state, fault, in_doubt) in [
            // The line, as ODBC has it: what SQLAlchemy takes for a disconnect of
            // pyodbc's and mssql-python's.
            ("08S01", Fault::BackendLost, true),
            ("08S02", Fault::BackendLost, true),
            ("08001", Fault::BackendLost, true),
            ("08003", Fault::BackendLost, true),
            ("08007", Fault::OutcomeUnknown, true),
            ("01002", Fault::BackendLost, true),
            ("01000", Fault::SessionLost, true),
            ("HYT00", Fault::SessionLost, true),
            ("HYT01", Fault::BackendLost, true),
            ("HY010", Fault::SessionLost, true),
            ("10053", Fault::BackendLost, true),
            ("10054", Fault::BackendLost, true),
            ("10060", Fault::BackendLost, true),
            ("10061", Fault::BackendLost, true),
            // The line, as PostgreSQL has it.
            ("08000", Fault::BackendLost, true),
            ("08006", Fault::BackendLost, true),
            ("08P01", Fault::BackendLost, true),
            ("57P01", Fault::BackendLost, true),
            ("57P02", Fault::BackendLost, true),
            ("57P04", Fault::BackendLost, true),
            ("57P05", Fault::SessionLost, true),
            ("25P03", Fault::SessionLost, true),
            ("25P04", Fault::SessionLost, true),
            // The wrong node.
            ("25006", Fault::BackendLost, false),
            // To be run again.
            ("40001", Fault::Conflict, false),
            ("40P01", Fault::Conflict, false),
            // Nobody knows.
            ("40003", Fault::OutcomeUnknown, true),
            ("25S01", Fault::OutcomeUnknown, true),
            ("HY117", Fault::SessionLost, true),
            ("HY000", Fault::Other, true),
            ("HY008", Fault::Other, true),
            // While connecting.
            ("53300", BUSY, false),
            ("57P03", Fault::Transient, false),
            ("08004", Fault::Transient, true),
            ("28000", Fault::Rejected, false),
            ("28P01", Fault::Rejected, false),
            ("3D000", Fault::Rejected, false),
            // The statement's own.
            ("55P03", Fault::Other, false),
            ("57014", Fault::Other, false),
            ("25P02", Fault::Other, false),
            ("23505", Fault::Other, false),
            ("23000", Fault::Other, false),
            ("42000", Fault::Other, false),
            ("42S02", Fault::Other, false),
            ("25S02", Fault::Other, false),
            ("25S03", Fault::Other, false),
            ("XX000", Fault::Other, false),
        ] {
            let state = SqlState::new(state).unwrap();
            assert_eq!(state.fault(), fault, "{state}");
            assert_eq!(state.leaves_commit_in_doubt(), in_doubt, "{state}");
        }
    }

    #[test]
    fn what_is_no_state_is_none() {
        for text in ["", "0800", "080011", "08s01", "08 01", "1213", "ÄÖ1", "-1000"] {
            assert_eq!(SqlState::new(text), None, "{text}");
        }
        let state = SqlState::new("08S01").unwrap();
        assert_eq!((state.as_str(), state.class()), ("08S01", "08"));
        assert_eq!(format!("{state} {state:?}"), "08S01 SqlState(08S01)");
    }
}
