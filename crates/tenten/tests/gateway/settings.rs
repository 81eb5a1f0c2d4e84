//! Settings that cannot work are refused when the backend is built, by name.

use std::time::Duration;

use sessionpool_tenten::{ConfigError, LoginType, Tenten, TentenBuilder};

fn sam() -> TentenBuilder {
    let builder = Tenten::builder("https://127.0.0.1:1/gw").sam_pool("owner", "group");
    builder.password("secret").login_type(LoginType::Possess)
}

#[test]
fn what_has_no_default_must_be_said() {
    let nothing = || Tenten::builder("https://127.0.0.1:1/gw");
    for (builder, missing) in [
        (nothing(), "user"),
        (nothing().user("demo"), "password"),
        (nothing().user("demo").password("secret"), "login_type"),
    ] {
        match builder.build().expect_err("incomplete") {
            ConfigError::Missing { setting, .. } => assert_eq!(setting, missing),
            error => panic!("{error}"),
        }
    }
}

#[test]
fn a_setting_that_cannot_work_is_named() {
    const ZERO: Duration = Duration::ZERO;
    type Set = fn(TentenBuilder) -> TentenBuilder;
    let rows: [(&str, Set); 11] = [
        ("retry_wait", |builder| builder.retry_wait(ZERO)),
        ("sam_idle_timeout", |builder| builder.sam_idle_timeout(ZERO)),
        ("connect_timeout", |builder| builder.connect_timeout(ZERO)),
        ("first_byte_timeout", |builder| builder.first_byte_timeout(ZERO)),
        ("idle_read_timeout", |builder| builder.idle_read_timeout(ZERO)),
        ("total_timeout", |builder| builder.total_timeout(ZERO)),
        ("lifecycle_timeout", |builder| builder.lifecycle_timeout(ZERO)),
        ("sam_members", |builder| builder.sam_members(0)),
        ("user", |builder| builder.user(" ")),
        ("sam_pool", |builder| builder.sam_pool("owner", "")),
        ("root_certificate", |builder| builder.root_certificate("nothing")),
    ];
    for (name, set) in rows {
        match set(sam()).build().expect_err(name) {
            ConfigError::Unfit { setting, why, .. } => {
                assert_eq!(setting, name);
                assert!(!why.is_empty());
            }
            error => panic!("{name}: {error}"),
        }
    }
    sam().build().expect("as it was, it works");
}

#[test]
fn files_that_cannot_be_opened_are_named() {
    let file = tempfile::NamedTempFile::new().expect("made");
    let below = file.path().join("below");
    for (builder, name) in
        [(sam().log_file(&below), "log_file"), (sam().journal(&below), "journal")]
    {
        match builder.build().expect_err(name) {
            ConfigError::File { setting, .. } => assert_eq!(setting, name),
            error => panic!("{name}: {error}"),
        }
    }
}
