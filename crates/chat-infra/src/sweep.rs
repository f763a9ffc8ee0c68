//! Forgetting what is old in pieces, each of which ends in time and lets other work get in between.

use chat_domain::error::RepositoryError;

/// Forgets piece by piece until one is not full; how much was forgotten altogether.
///
/// # Errors
/// That of the first piece that fails; what those before it forgot stays forgotten.
pub(crate) async fn in_pieces<F>(full: u64, mut piece: impl FnMut() -> F) -> Result<u64, RepositoryError>
where
    F: Future<Output = Result<u64, RepositoryError>>,
{
    let mut forgotten = 0;
    loop {
        let some = piece().await?;
        forgotten += some;
        if some < full {
            return Ok(forgotten);
        }
    }
}
