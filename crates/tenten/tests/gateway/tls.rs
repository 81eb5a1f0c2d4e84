//! Over TLS: whom the client talks to, and whom it tells nothing.

use std::error::Error as _;

use sessionpool_core::Session;
use sessionpool_emulator::{Certificate, Emulator};
use sessionpool_tenten::{
    ConfigError, Error, LoginType, Query, Tenten, TentenBuilder, TentenSession,
};

use crate::common::{NUMBERS, PASSWORD, USER, gateway, soon};

fn certificate() -> Certificate {
    Certificate::for_names(["127.0.0.1"]).expect("made")
}

async fn start(certificate: &Certificate) -> Emulator {
    gateway(1).tls(certificate).start().await.expect("it starts")
}

/// Nothing is said of `insecure`.
fn builder(emulator: &Emulator) -> TentenBuilder {
    let builder = Tenten::builder(emulator.url()).user(USER).password(PASSWORD);
    builder.login_type(LoginType::Kill)
}

/// What connecting comes to, with nothing asked of the gateway.
async fn refused(emulator: &Emulator, builder: TentenBuilder) {
    let tenten = builder.build().expect("valid");
    let error = soon("an answer", tenten.connect()).await.expect_err("not trusted");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes += &format!("{error} ");
        cause = error.source();
    }
    assert!(causes.contains("certificate") && !causes.contains(PASSWORD), "{causes}");
    assert_eq!(emulator.requests().len(), 0, "nothing was asked");
}

#[tokio::test]
async fn a_gateway_whose_root_is_trusted_is_worked_with() {
    let certificate = certificate();
    let emulator = start(&certificate).await;
    assert!(emulator.url().starts_with("https://"));
    let trusting = builder(&emulator).root_certificate(certificate.pem()).build().expect("valid");
    let mut session = trusting.connect().await.expect("opens");
    let mut query = Query::new(NUMBERS, "").window_size(100);
    let row = query.row(&mut session, 420).await.expect("fetched").expect("there");
    assert_eq!(row.get::<i64>("n").expect("read"), 420);
    TentenSession::close(session).await.expect("closes");
    assert!(!emulator.is_logged_in(USER));
}

#[tokio::test]
async fn one_of_several_roots_is_enough() {
    let (one, other) = (certificate(), certificate());
    let emulator = start(&other).await;
    let both = format!("{}{}", one.pem(), other.pem());
    for builder in [
        builder(&emulator).root_certificate(one.pem()).root_certificate(other.pem()),
        builder(&emulator).root_certificate(both),
    ] {
        let session = builder.build().expect("valid").connect().await.expect("opens");
        TentenSession::close(session).await.expect("closes");
    }
}

#[tokio::test]
async fn a_gateway_nobody_vouches_for_is_told_nothing() {
    let emulator = start(&certificate()).await;
    refused(&emulator, builder(&emulator)).await;
    let stranger = certificate();
    refused(&emulator, builder(&emulator).root_certificate(stranger.pem())).await;
}

#[tokio::test]
async fn a_trusted_certificate_of_another_name_or_time_is_refused() {
    for certificate in [
        Certificate::for_names(["gateway.example"]).expect("made"),
        Certificate::expired(["127.0.0.1"]).expect("made"),
    ] {
        let emulator = start(&certificate).await;
        refused(&emulator, builder(&emulator).root_certificate(certificate.pem())).await;
    }
}

#[tokio::test]
async fn what_is_no_certificate_is_no_root() {
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &certificate().pem()[..100].to_owned();
    for pem in ["", "no PEM", damaged, cut] {
        let builder = Tenten::builder("https://127.0.0.1:1/gw").user(USER).password(PASSWORD);
        let error = builder.login_type(LoginType::Kill).root_certificate(pem).build();
        let error = error.expect_err("refused");
        assert!(
            matches!(error, ConfigError::Unfit { setting: "root_certificate", .. }),
            "{pem}: {error}"
        );
    }
}
