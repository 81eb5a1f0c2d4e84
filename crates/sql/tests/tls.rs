//! Whom a session believes: certificates of servers of our own, good and bad.
#![cfg(all(feature = "mysql", feature = "postgres", feature = "tls"))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sessionpool_core::{Backend, Fault, Session};
use sessionpool_sql::{ConnectUrl, MySql, MySqlSession, PgSession, Postgres};
use sessionpool_testkit::server;
use sqlx::{Executor, Row};
use tempfile::TempDir;

/// A certificate, its key, and who vouches for it, in files a server can read.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn made_out_to(name: &str) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();

        let papers = Self { folder: tempfile::tempdir().unwrap() };
        fs::set_permissions(papers.folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(papers.file("root"), root.pem()).unwrap();
        fs::write(papers.file("certificate"), certificate.pem()).unwrap();
        let secret = papers.file("key");
        fs::write(&secret, key.serialize_pem()).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        if fs::metadata(&secret).unwrap().uid() == 0 {
            // Where the test runs as root, the server runs as nobody.
            chown(&secret, Some(65_534), Some(65_534)).unwrap();
        }
        papers
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    async fn postgres(&self) -> server::Postgres {
        let (certificate, key) = (self.path("certificate"), self.path("key"));
        let settings = [("ssl", "on"), ("ssl_cert_file", &*certificate), ("ssl_key_file", &*key)];
        server::Postgres::start_with(&settings).await
    }

    async fn mariadb(&self) -> server::MariaDb {
        let (certificate, key) = (self.path("certificate"), self.path("key"));
        server::MariaDb::start_with(&[("ssl-cert", &*certificate), ("ssl-key", &*key)]).await
    }
}

async fn postgres(url: ConnectUrl) -> Result<bool, Fault> {
    let session = Postgres::at(&url).unwrap().open().await;
    let mut session = session.map_err(|error| PgSession::classify(&error))?;
    let row = session.fetch_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()").await;
    Ok(row.unwrap().get(0))
}

async fn mysql(url: ConnectUrl) -> Result<bool, Fault> {
    let session = MySql::at(&url).unwrap().open().await;
    let mut session = session.map_err(|error| MySqlSession::classify(&error))?;
    let row = session.fetch_one("show status like 'Ssl_cipher'").await.unwrap();
    Ok(!row.get::<String, _>(1).is_empty())
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn postgres_is_believed_if_its_certificate_is_vouched_for_and_made_out_to_it() {
    let papers = Papers::made_out_to("127.0.0.1");
    let server = papers.postgres().await;
    let url = ConnectUrl::parse(&server.url()).unwrap();
    assert_eq!(postgres(url.clone()).await, Ok(true), "nearby, whoever it is");
    let full = url.with_query("sslmode", "verify-full");
    assert_eq!(postgres(full.clone()).await, Err(Fault::Rejected), "nobody vouches for it");
    let vouched = full.with_query("sslrootcert", papers.path("root"));
    assert_eq!(postgres(vouched).await, Ok(true));

    let papers = Papers::made_out_to("db.example");
    let server = papers.postgres().await;
    let url = ConnectUrl::parse(&server.url()).unwrap();
    let url = url.with_query("sslrootcert", papers.path("root"));
    let full = url.clone().with_query("sslmode", "verify-full");
    assert_eq!(postgres(full).await, Err(Fault::Rejected), "it is somebody else's");
    assert_eq!(postgres(url.with_query("sslmode", "verify-ca")).await, Ok(true), "by name");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn mariadb_is_believed_if_its_certificate_is_vouched_for_and_made_out_to_it() {
    let papers = Papers::made_out_to("127.0.0.1");
    let server = papers.mariadb().await;
    let url = ConnectUrl::parse(&server.url()).unwrap();
    assert_eq!(mysql(url.clone()).await, Ok(true), "nearby, whoever it is");
    let full = url.with_query("ssl_mode", "VERIFY_IDENTITY");
    assert_eq!(mysql(full.clone()).await, Err(Fault::Rejected), "nobody vouches for it");
    let vouched = full.with_query("ssl_ca", papers.path("root"));
    assert_eq!(mysql(vouched).await, Ok(true));

    let papers = Papers::made_out_to("db.example");
    let server = papers.mariadb().await;
    let url = ConnectUrl::parse(&server.url()).unwrap().with_query("ssl_ca", papers.path("root"));
    let full = url.clone().with_query("ssl_mode", "VERIFY_IDENTITY");
    assert_eq!(mysql(full).await, Err(Fault::Rejected), "it is somebody else's");
    assert_eq!(mysql(url.with_query("ssl_mode", "VERIFY_CA")).await, Ok(true), "by name");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and MariaDB"]
async fn a_server_without_encryption_is_refused_where_it_was_asked_for() {
    let server = server::Postgres::start().await;
    let url = ConnectUrl::parse(&server.url()).unwrap();
    assert_eq!(postgres(url.clone()).await, Ok(false));
    assert_eq!(postgres(url.with_query("sslmode", "require")).await, Err(Fault::Rejected));

    let server = server::MariaDb::start().await;
    let url = ConnectUrl::parse(&server.url()).unwrap();
    assert_eq!(mysql(url.clone()).await, Ok(false));
    assert_eq!(mysql(url.with_query("ssl_mode", "REQUIRED")).await, Err(Fault::Rejected));
}
