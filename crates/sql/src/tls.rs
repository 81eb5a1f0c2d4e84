//! What sqlx leaves to the program where it encrypts.

/// Chooses the process's cryptography, if nobody has.
///
/// Where a certificate is verified and its name is not, sqlx 0.9 asks rustls for the
/// process's choice, and panics where a program has two to choose from: its own ring, and
/// the aws-lc-rs that reqwest brings, say. With one of them the choice changes nothing.
pub(crate) fn choose_cryptography() {
    #[cfg(feature = "tls")]
    {
        // Fails if there is a choice already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
