//! Database URLs: SQLAlchemy's, in and out, and nothing lost in between.
#![cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::Deserialize;
use sessionpool_sql::{ConnectUrl, UrlError};

/// What SQLAlchemy makes of URLs; `sqlalchemy_urls.py` beside it wrote it.
#[derive(Deserialize)]
struct Sqlalchemy {
    parsed: Vec<Parsed>,
    created: Vec<Parts>,
}

#[derive(Deserialize)]
struct Parsed {
    url: String,
    parts: Option<Parts>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Parts {
    drivername: String,
    username: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<i64>,
    database: Option<String>,
    query: BTreeMap<String, Vec<String>>,
    rendered: String,
    masked: String,
}

impl Parts {
    fn of(url: &ConnectUrl) -> Self {
        Self {
            drivername: url.drivername().to_owned(),
            username: url.username().map(str::to_owned),
            password: url.reveal_password().map(str::to_owned),
            host: url.host().map(str::to_owned),
            port: url.port().map(i64::from),
            database: url.database().map(str::to_owned),
            query: url.query_keys().map(|key| (key.to_owned(), url.query(key).to_vec())).collect(),
            rendered: url.revealed(),
            masked: url.to_string(),
        }
    }

    fn create(&self) -> ConnectUrl {
        let mut url = ConnectUrl::create(&*self.drivername).unwrap();
        if let Some(username) = &self.username {
            url = url.with_username(username);
        }
        if let Some(password) = &self.password {
            url = url.with_password(password);
        }
        if let Some(host) = &self.host {
            url = url.with_host(host);
        }
        if let Some(port) = self.port {
            url = url.with_port(port.try_into().unwrap());
        }
        if let Some(database) = &self.database {
            url = url.with_database(database);
        }
        for (key, values) in &self.query {
            url = values.iter().fold(url, |url, value| url.with_query(key, value));
        }
        url
    }
}

fn sqlalchemy() -> Sqlalchemy {
    serde_json::from_str(include_str!("data/sqlalchemy_urls.json")).unwrap()
}

/// Where ours differs, by the docs of `ConnectUrl`.
const REFUSED_HERE: [&str; 5] = [
    "postgresql://h:99999/test",
    "postgresql://h:-1/test",
    "postgresql://h:5432/test?k=a@b",
    "postgresql://u:p@w@h/test",
    "postgresql://scott:p%FFss@localhost/test",
];
const HOST_UNESCAPED_HERE: [&str; 2] = ["postgresql://h%41/test", "postgresql://%2Ftmp/test"];

#[test]
fn urls_are_read_as_sqlalchemy_reads_them() {
    let table = sqlalchemy().parsed;
    assert!(table.len() > 80);
    for Parsed { url, parts } in table {
        let ours = ConnectUrl::parse(&url);
        match parts {
            Some(parts) if HOST_UNESCAPED_HERE.contains(&&*url) => {
                assert_ne!(Parts::of(&ours.unwrap()).host, parts.host, "{url}");
            }
            Some(parts) if !REFUSED_HERE.contains(&&*url) => {
                assert_eq!(Parts::of(&ours.unwrap()), parts, "{url}");
            }
            _ => assert!(ours.is_err(), "{url}"),
        }
    }
}

#[test]
fn urls_are_written_as_sqlalchemy_writes_them() {
    let table = sqlalchemy().created;
    assert!(table.len() > 10);
    for parts in table {
        assert_eq!(Parts::of(&parts.create()), parts);
    }
}

#[test]
fn what_an_unescaped_at_sign_would_cut_off_is_in_no_message() {
    for url in [
        "postgresql://u:s3cr@t-word@h/d",
        "postgresql://u:s3cr/t-word",
        "postgresql://u:s3cr@t?t-word@h/d",
        "postgresql://u:s3cr@t?x&t-word/d",
        "postgresql://u:s3cr@t?t-word:x",
        "postgresql://u:s3cr[t-word@@h",
        "postgresql://u:t-word%FF@h",
        "postgres-ql://u:t-word@h",
        "t-word",
    ] {
        let error = ConnectUrl::parse(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("t-word"), "{error:?}");
    }
}

#[test]
fn a_url_that_can_be_read_in_two_ways_is_read_in_none() {
    for url in ["postgresql://h:5432/d?k=a@b", "postgresql://u:123/x@h/d", "mysql://h:1?k=@"] {
        assert!(matches!(ConnectUrl::parse(url), Err(UrlError::Ambiguous)), "{url}");
    }
    // One reading each.
    assert_eq!(ConnectUrl::parse("postgresql://u@h:5432/d?k=a@b").unwrap().host(), Some("h"));
    assert_eq!(ConnectUrl::parse("postgresql://h/d?k=a@b").unwrap().host(), Some("h"));
    assert_eq!(ConnectUrl::parse("postgresql://u:/x@h").unwrap().reveal_password(), Some("/x"));
}

#[test]
fn no_print_tells_a_password() {
    let url = ConnectUrl::create("postgresql")
        .unwrap()
        .with_password("canary")
        .with_query("password", "canary");
    assert!(!format!("{url} {url:?} {url:#?}").contains("canary"));
    assert_eq!(url.revealed(), "postgresql://:canary@?password=canary");
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", "[@:/?#%+&= \\[\\]a-c.0-9]{0,12}"]
}

prop_compose! {
    fn urls()(
        drivername in "[a-z_][a-z0-9_+]{0,10}",
        username in option::of(texts()),
        password in option::of(texts()),
        host in option::of(texts()),
        port in option::of(any::<u16>()),
        database in option::of(texts()),
        query in btree_map(texts(), vec(texts(), 1..3), 0..3),
    ) -> ConnectUrl {
        let mut url = ConnectUrl::create(drivername).unwrap();
        if let Some(username) = username {
            url = url.with_username(username);
        }
        if let Some(password) = password {
            url = url.with_password(password);
        }
        if let Some(host) = host {
            url = url.with_host(host);
        }
        if let Some(port) = port {
            url = url.with_port(port);
        }
        if let Some(database) = database {
            url = url.with_database(database);
        }
        for (key, values) in query {
            url = values.into_iter().fold(url, |url, value| url.with_query(&*key, value));
        }
        url
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(url in urls()) {
        let read = ConnectUrl::parse(&url.revealed());
        prop_assert_eq!(read.as_ref().map_err(ToString::to_string), Ok(&url), "{}", url.revealed());
    }

    #[test]
    fn reading_never_panics_and_what_was_read_is_written_and_read_again(text in "(a://)?[@:/?#%+&= \\[\\]a-c0-9]{0,24}") {
        if let Ok(url) = ConnectUrl::parse(&text) {
            prop_assert_eq!(ConnectUrl::parse(&url.revealed()).unwrap(), url);
        }
    }
}
