//! TLS towards the exchange: rustls, which trusts the authorities of the machine or those of a file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use thiserror::Error;
use ureq::tls::Certificate;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

/// Who is believed to be the exchange.
#[derive(Clone)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    stream: Arc<ClientConfig>,
    rest: RootCerts,
}

/// Why nobody can be believed.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The certificates cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// There are none.
    #[error("it holds no certificate of an authority")]
    Empty,
}

impl Trust {
    /// Reads the certificates of authorities: of `file`, PEM, or of the machine where there is none.
    ///
    /// # Errors
    /// When none can be read.
    pub fn load(file: Option<&Path>) -> Result<Self, TrustError> {
        let found = match file {
            Some(file) => rustls_native_certs::load_certs_from_paths(Some(file), None),
            None => rustls_native_certs::load_native_certs(),
        };
        let mut authorities = RootCertStore::empty();
        // What is unreadable among the machine's own is skipped, as every other program does.
        let (usable, _) = authorities.add_parsable_certificates(found.certs.iter().cloned());
        if usable == 0 {
            let reason = found.errors.first().map(ToString::to_string);
            return Err(reason.map_or(TrustError::Empty, TrustError::Unreadable));
        }
        let provider = Arc::new(ring::default_provider());
        let stream = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Unreadable(error.to_string()))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let certificates: Vec<_> =
            found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
        Ok(Self { provider, stream: Arc::new(stream), rest: RootCerts::Specific(Arc::new(certificates)) })
    }

    /// Returns the settings of a WebSocket.
    pub(super) fn of_stream(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.stream)
    }

    /// Returns the settings of the REST client.
    pub(super) fn of_rest(&self) -> TlsConfig {
        TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::clone(&self.provider))
            .root_certs(self.rest.clone())
            .build()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}
