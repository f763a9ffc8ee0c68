//! TLS to the server: rustls with the one provider of cryptography that the service has.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file named by `sslrootcert` cannot be read.
    #[error("the root certificates cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no root certificate, so no server could be trusted.
    #[error("there are no root certificates")]
    NoRoots,
    /// The TLS library refused the settings.
    #[error("tls cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// Trusts the certificates in the file, or those of the system where none is named.
pub(super) fn connector(root_certificates: Option<&Path>) -> Result<MakeRustlsConnect, TlsError> {
    let roots = match root_certificates {
        Some(file) => roots_of(file)?,
        None => roots_of_system(),
    };
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots_of(file: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| TlsError::Unreadable(error);
    let reader = BufReader::new(File::open(file).map_err(|error| unreadable(error.into()))?);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(reader) {
        roots.add(certificate.map_err(|error| unreadable(error.into()))?)?;
    }
    Ok(roots)
}

/// A system has certificates that are of no use to anyone; the others count.
fn roots_of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
