use std::time::Duration;

/// What the public documents leave open and a test may want otherwise: the knobs
/// among [our choices](crate#our-reading-of-the-public-documents).
///
/// Given to [`EmulatorBuilder::choose`](crate::EmulatorBuilder::choose).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choices {
    /// Whether the header line of CSV holds names or labels. Default: names.
    pub csv_header: CsvHeader,
    /// Whether CSV output quotes cells that hold a separator, as RFC 4180 does.
    /// Default: true.
    pub csv_quotes: bool,
    /// The code that tells a caller that the group is not his. Default: 37.
    pub not_owner: u16,
    /// How long a session lives without a request. Default: 30 minutes.
    pub idle_timeout: Duration,
    /// How long an ID stays allocated without a session. Default: 15 minutes, as
    /// documented.
    pub reservation: Duration,
    /// Whether the reservation also ends for an ID that was never logged in.
    /// Default: true.
    pub unused_expires: bool,
    /// Whether `warmpool` leaves the IDs it logged in free. Default: true.
    pub warmed_is_free: bool,
    /// Whether `flushpool` ends the sessions of free IDs at once. Default: true.
    pub flush_ends_free: bool,
    /// The elements of a `samstatus` reply: the list's, then a member's. Default:
    /// `users` and `user`.
    pub status_elements: (String, String),
    /// Whether there is a `samstatus` at all: older gateways have none, and answer
    /// code 7. Default: true.
    pub has_samstatus: bool,
    /// The code of a `logout` with `kill=no` while a request is running. Default:
    /// 38.
    pub logout_while_running: u16,
    /// The most cells one reply carries. Default: 5,000,000.
    pub max_cells: usize,
    /// The code for columns that the result does not have. Default: 36.
    pub no_such_column: u16,
    /// Whether `api` is read without regard to case. Default: true.
    pub any_case: bool,
    /// Which free ID `getuid` takes. Default: [`Selection::WarmFirst`].
    pub selection: Selection,
    /// How long a released ID is not seen by `getuid`. Default: none.
    pub release_latency: Duration,
    /// What a login says of the platform's version; old gateways say nothing.
    /// Default: `prime-18.53`.
    pub version: Option<String>,
    /// Whether a session turns infinities into N/A until it says otherwise
    /// (`inf2na`). Default: false.
    pub infinity_is_na: bool,
}

/// What the header line of CSV holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvHeader {
    /// The columns' names, such as `elev`.
    Names,
    /// The columns' headings, such as `Elevation (ft)`.
    Labels,
}

/// Which free ID `getuid` takes; ties go to the group's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// One with a session, if there is one.
    WarmFirst,
    /// The first.
    First,
    /// The one that has been free for longest.
    LongestFree,
    /// The one freed last: what puts an ID into the next hand soonest.
    LastFreed,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            csv_header: CsvHeader::Names,
            csv_quotes: true,
            not_owner: 37,
            idle_timeout: Duration::from_secs(30 * 60),
            reservation: Duration::from_secs(15 * 60),
            unused_expires: true,
            warmed_is_free: true,
            flush_ends_free: true,
            status_elements: ("users".to_owned(), "user".to_owned()),
            has_samstatus: true,
            logout_while_running: 38,
            max_cells: 5_000_000,
            no_such_column: 36,
            any_case: true,
            selection: Selection::WarmFirst,
            release_latency: Duration::ZERO,
            version: Some("prime-18.53".to_owned()),
            infinity_is_na: false,
        }
    }
}
