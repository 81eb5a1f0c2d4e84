//! Where the gateway's documents leave something open, this is what we took.
//!
//! Each has one place: here, or the setting named. The numbers are those of the list
//! in `docs/decisions/0035-open-points-of-the-gateway.md`.

/// How the version is named on every call.
pub(crate) const API_VERSION: &str = "3";

/// 1: the children of `<rows mode="2">`, counted from 1, both inclusive.
pub(crate) fn rows(from: u64, to: u64) -> String {
    format!("<rows mode=\"2\"><from>{from}</from><to>{to}</to></rows>")
}

/// 2: values as they are stored, in XML.
pub(crate) const FORMAT: &str = "<format type=\"xml\" values=\"raw\"/>";

/// 2: values as they are stored or shown, as lines of text.
pub(crate) fn csv_format(formatted: bool, separator: char) -> String {
    let values = if formatted { "formatted" } else { "raw" };
    format!("<format type=\"csv\" values=\"{values}\"><sep>{}</sep></format>", escape(separator))
}

fn escape(separator: char) -> String {
    quick_xml::escape::escape(separator.to_string()).into_owned()
}

/// 6: how an old gateway says, under code 1, that the group is somebody else's.
pub(crate) const NOT_OWNER: &str = "do not own";

/// 7: how it says, under code 1, that it is busy.
pub(crate) const BUSY: &str = "system busy";

/// 22: how it says, under code 1, that a column is not in the result.
pub(crate) const NO_SUCH_COLUMN: &str = "requested columns not found";

/// 17: what is answered to the release of an ID that is not taken.
pub(crate) const NOT_TAKEN: &str = "error releasing uid";

/// 16: the attribute by which a pool member is known, whatever its element's name.
pub(crate) const MEMBER: &str = "free";

/// There is no transaction that only asks whether a session lives. This one sets
/// parameters, and with none to set it changes nothing.
pub(crate) const PROBE: (&str, &str) = ("session", "<in></in>");

/// 10: how long a taken ID without a session stays with whoever took it.
pub(crate) const RESERVATION: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// Rows asked for at once, as the vendor's own library does.
pub(crate) const WINDOW: u64 = 50_000;
