use std::fmt;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate that signs itself, and its key: for
/// [`EmulatorBuilder::tls`](crate::EmulatorBuilder::tls). Made anew each time; a client
/// that is to trust it is given its [`pem`](Self::pem).
///
/// ```
/// # use sessionpool_emulator::{Certificate, Emulator};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let certificate = Certificate::for_names(["127.0.0.1", "localhost"])?;
/// let emulator = Emulator::builder().user("demo", "secret").tls(&certificate).start().await?;
/// assert!(emulator.url().starts_with("https://127.0.0.1:"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Certificate {
    pem: String,
    config: Arc<ServerConfig>,
}

/// A certificate that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A name is none, or there is no randomness.
    #[error("no certificate can be made for that")]
    Make(#[from] rcgen::Error),
    /// It cannot be served with.
    #[error("certificate cannot be used")]
    Use(#[from] rustls::Error),
}

impl Certificate {
    /// One for these names and addresses.
    ///
    /// # Errors
    ///
    /// A name is none.
    pub fn for_names<S: Into<String>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, CertificateError> {
        Self::make(&CertificateParams::new(all(names))?)
    }

    /// One for these names that was valid until the year 2000.
    ///
    /// # Errors
    ///
    /// A name is none.
    pub fn expired<S: Into<String>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::new(all(names))?;
        params.not_after = date_time_ymd(2000, 1, 1);
        Self::make(&params)
    }

    fn make(params: &CertificateParams) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let cert = params.self_signed(&key)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        // By name: the program may have other cryptography for other things.
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())?;
        Ok(Self { pem: cert.pem(), config: Arc::new(config) })
    }

    /// What a client has to trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn all<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}

/// Without the key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("pem", &self.pem).finish_non_exhaustive()
    }
}
