use super::*;

fn refused(rc: i64, message: &str) -> Error {
    Refusal { api: "query", rc, message: message.to_owned() }.into_error()
}

#[test]
fn every_code_has_its_class() {
    for rc in -1..60 {
        let error = refused(rc, "as it happens");
        let class = match &error {
            Error::Auth(_) => "auth",
            Error::SessionConflict(_) => "conflict",
            Error::SessionLost(_) => "lost",
            Error::Busy { .. } => "busy",
            Error::Unavailable(_) => "unavailable",
            Error::Throttled(_) => "throttled",
            Error::TooMuchData(_) => "much",
            Error::NotOwner(_) => "owner",
            Error::NoQuery(_) => "query",
            Error::NoSuchColumn(_) => "column",
            Error::BadRequest(_) => "request",
            Error::NotFound(_) => "found",
            _ => "server",
        };
        let expected = match rc {
            3 | 4 | 39 => "auth",
            5 => "conflict",
            35 => "lost",
            38 => "busy",
            41 => "unavailable",
            45 => "throttled",
            23 => "much",
            37 => "owner",
            21 => "query",
            36 => "column",
            2 | 6..=13 => "request",
            15 | 17 | 18 => "found",
            _ => "server",
        };
        assert_eq!(class, expected, "code {rc}");
        assert_eq!(error.rc(), Some(rc));
    }
}

#[test]
fn code_1_is_told_apart_by_its_words() {
    assert!(matches!(refused(1, "System busy, please try again"), Error::Busy { .. }));
    assert!(matches!(refused(1, "You do not own the specified group."), Error::NotOwner(_)));
    assert!(matches!(refused(1, "Requested columns not found: x"), Error::NoSuchColumn(_)));
    assert!(matches!(refused(1, "requires special permissions"), Error::Server(_)));
}

#[test]
fn callers_are_told_what_to_do() {
    assert!(refused(38, "").is_retryable() && !refused(38, "").is_auth());
    assert!(refused(4, "").is_auth() && !refused(4, "").is_retryable());
    assert!(refused(35, "").session_lost());
    assert_eq!(refused(4, "").fault(), Fault::Rejected);
    assert_eq!(refused(35, "").fault(), Fault::SessionLost);
    assert_eq!(refused(38, "").fault(), Fault::Busy { retry_after: None });
    assert_eq!(refused(23, "").fault(), Fault::Other);
    assert_eq!(refused(41, "").fault(), Fault::Transient);
    assert_eq!(refused(99, "what?").to_string(), "gateway refused query with code 99: what?");
}
