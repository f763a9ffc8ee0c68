//! Files in a store that speaks S3. They are sent there from the disk on which they were taken in, few at a time and in
//! parts, so that memory holds some parts and never a file.

use std::io::{self, Read as _, Seek as _};
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chat_domain::attachment::{AttachmentFiles, FileKey, FileReader, IncomingFile, OldFiles};
use chat_domain::error::RepositoryError;
use chat_domain::timestamp::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Chunks};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, GetRange, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutPayload,
    RetryConfig,
};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use super::blocking::blocking;
use super::spool::{Spool, Spooled};

/// A part of a file that is sent; S3 takes none that is smaller, but the last.
const PART: usize = 5 * 1024 * 1024;
/// So many files are sent at once, each with one part under way.
const AT_ONCE: usize = 4;
/// How many old files are listed at once.
const LISTED: usize = 500;
/// What the names of tenants begin with in keys: a tenant may be called `..`.
const TENANT: &str = "t_";

/// Where the store is, and how one gets in. What is empty is as the environment of AWS says (a role of the machine, for
/// example).
#[derive(Debug, Clone, Default)]
pub struct S3Config {
    /// The bucket.
    pub bucket: String,
    /// What all keys begin with; may be empty.
    pub prefix: String,
    /// The store's address, where it is not AWS.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// The id of the key.
    pub access_key_id: Option<SecretString>,
    /// The key.
    pub secret_access_key: Option<SecretString>,
    /// What goes with a key that is lent for a while.
    pub session_token: Option<SecretString>,
}

/// The store cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum InvalidS3 {
    /// The prefix is no path.
    #[error("the prefix cannot be a part of keys")]
    Prefix,
    /// Something of the store's settings does not fit.
    #[error("the store of files is not set up as it must be")]
    Settings(#[source] Error),
}

/// Files in a bucket.
#[derive(Clone)]
pub struct S3Files {
    store: Arc<AmazonS3>,
    prefix: Path,
    spool: Spool,
    turns: Arc<Semaphore>,
}

impl S3Files {
    /// In the bucket that is set; files are taken in in this directory. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(config: &S3Config, directory: &FilePath) -> Result<Self, InvalidS3> {
        let prefix = Path::parse(&config.prefix).map_err(|_| InvalidS3::Prefix)?;
        let store = builder(config).build().map_err(InvalidS3::Settings)?;
        let (store, spool) = (Arc::new(store), Spool::new(&directory.join("spool")));
        Ok(Self { store, prefix, spool, turns: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    fn path(&self, key: &FileKey) -> Path {
        self.prefix.clone().join(format!("{TENANT}{}", key.tenant_id)).join(key.id.to_string())
    }
}

fn builder(config: &S3Config) -> AmazonS3Builder {
    let plain = config.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let client = ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(3))
        .with_timeout(Duration::from_mins(2))
        .with_read_timeout(Duration::from_secs(10))
        .with_allow_http(plain);
    let retry = RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(8), ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(&config.bucket).with_client_options(client);
    builder = builder.with_retry(retry);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    if let Some(id) = &config.access_key_id {
        builder = builder.with_access_key_id(id.expose_secret());
    }
    if let Some(key) = &config.secret_access_key {
        builder = builder.with_secret_access_key(key.expose_secret());
    }
    if let Some(token) = &config.session_token {
        builder = builder.with_token(token.expose_secret());
    }
    builder
}

/// The store failed. What it says may name keys and addresses, which are for the log alone, as all sources are.
fn failed(error: Error) -> RepositoryError {
    RepositoryError::unavailable(error)
}

#[async_trait]
impl AttachmentFiles for S3Files {
    async fn receive(&self) -> Result<Box<dyn IncomingFile>, RepositoryError> {
        Ok(Box::new(Incoming { files: self.clone(), spooled: self.spool.begin().await? }))
    }

    async fn read(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Box<dyn FileReader>>, RepositoryError> {
        let left = range.end.saturating_sub(range.start);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        match self.store.get_opts(&self.path(key), options).await {
            Ok(found) => Ok(Some(Box::new(Reading { pieces: found.into_stream(), left }))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn remove(&self, key: &FileKey) -> Result<(), RepositoryError> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn kept_before(&self, time: Timestamp) -> Result<Box<dyn OldFiles>, RepositoryError> {
        let found = self.store.list(Some(&self.prefix)).chunks(LISTED);
        Ok(Box::new(Listing { found, prefix: self.prefix.clone(), time }))
    }

    async fn drop_unfinished_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        self.spool.drop_before(time).await
    }
}

struct Incoming {
    files: S3Files,
    spooled: Spooled,
}

#[async_trait]
impl IncomingFile for Incoming {
    async fn write(&mut self, piece: Bytes) -> Result<(), RepositoryError> {
        self.spooled.write(piece).await
    }

    async fn keep(self: Box<Self>, key: &FileKey) -> Result<(), RepositoryError> {
        let Self { files, spooled } = *self;
        let path = files.path(key);
        let file = spooled.whole()?;
        let _turn = files.turns.acquire().await.map_err(RepositoryError::unavailable)?;
        let mut parts = Parts::of(file).await?;
        let first = parts.next().await?;
        if first.len() < PART {
            return files.store.put(&path, first.into()).await.map(drop).map_err(failed);
        }
        send(&files.store, &path, first, parts).await
    }
}

/// One part after the other; what was begun is taken back where one of them fails.
async fn send(store: &AmazonS3, path: &Path, first: Bytes, mut parts: Parts) -> Result<(), RepositoryError> {
    let mut upload = store.put_multipart(path).await.map_err(failed)?;
    let sent = async {
        let mut part = first;
        while !part.is_empty() {
            upload.put_part(PutPayload::from(part)).await.map_err(failed)?;
            part = parts.next().await?;
        }
        upload.complete().await.map(drop).map_err(failed)
    };
    let sent = sent.await;
    if sent.is_err() {
        // The bucket's own rules take away what cannot be taken back now.
        _ = upload.abort().await;
    }
    sent
}

/// A file that was taken in, part by part. It goes when this does.
struct Parts(Option<NamedTempFile>);

impl Parts {
    async fn of(mut file: NamedTempFile) -> Result<Self, RepositoryError> {
        let rewound = move || {
            file.as_file_mut().rewind()?;
            Ok(file)
        };
        Ok(Self(Some(blocking(rewound).await?)))
    }

    /// The next; empty after the last.
    async fn next(&mut self) -> Result<Bytes, RepositoryError> {
        let Some(file) = self.0.take() else { return Ok(Bytes::new()) };
        let (file, part) = blocking(move || read_part(&file).map(|part| (file, part))).await?;
        self.0 = Some(file);
        Ok(part)
    }
}

fn read_part(file: &NamedTempFile) -> io::Result<Bytes> {
    let left = file.as_file().metadata()?.len().saturating_sub(file.as_file().stream_position()?);
    let mut part = BytesMut::zeroed(usize::try_from(left).unwrap_or(PART).min(PART));
    file.as_file().read_exact(&mut part)?;
    Ok(part.freeze())
}

struct Reading {
    pieces: BoxStream<'static, Result<Bytes, Error>>,
    left: u64,
}

/// A file is shorter than is known of it.
#[derive(Debug, thiserror::Error)]
#[error("a file is shorter than it was")]
struct Shorter;

#[async_trait]
impl FileReader for Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, RepositoryError> {
        while self.left > 0 {
            let piece = self.pieces.next().await.ok_or_else(|| RepositoryError::corrupt("file", Shorter))?;
            let piece = piece.map_err(failed)?;
            if !piece.is_empty() {
                self.left = self.left.saturating_sub(piece.len() as u64);
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

struct Listing {
    found: Chunks<BoxStream<'static, Result<ObjectMeta, Error>>>,
    prefix: Path,
    time: Timestamp,
}

#[async_trait]
impl OldFiles for Listing {
    async fn next(&mut self) -> Result<Vec<FileKey>, RepositoryError> {
        while let Some(some) = self.found.next().await {
            let mut keys = Vec::with_capacity(some.len());
            for object in some {
                keys.extend(self.old(&object.map_err(failed)?));
            }
            if !keys.is_empty() {
                return Ok(keys);
            }
        }
        Ok(Vec::new())
    }
}

impl Listing {
    /// The key of a file, where it is one of ours and was kept before the time.
    fn old(&self, object: &ObjectMeta) -> Option<FileKey> {
        let mut parts = object.location.prefix_match(&self.prefix)?;
        let (tenant, id) = (parts.next()?, parts.next()?);
        let is_ours = parts.next().is_none();
        let tenant_id = tenant.as_ref().strip_prefix(TENANT)?.parse().ok()?;
        let kept = Timestamp::from_micros(object.last_modified.timestamp_micros()).ok()?;
        let key = FileKey { tenant_id, id: id.as_ref().parse().ok()? };
        (is_ours && kept < self.time).then_some(key)
    }
}
