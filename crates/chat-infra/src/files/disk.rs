//! Files on a disk of this node, or on one that all nodes share: a directory for each tenant, in it a file for each
//! attachment, named by its id. Nothing that a client says is a part of a path.

use std::fs::{self, File, ReadDir};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chat_domain::attachment::{AttachmentFiles, FileKey, FileReader, IncomingFile, OldFiles};
use chat_domain::error::RepositoryError;
use chat_domain::id::TenantId;
use chat_domain::timestamp::Timestamp;
use tempfile::NamedTempFile;

use super::blocking::{blocking, gone, moment};
use super::spool::{Spool, Spooled, sync_directory};

/// A piece of a file that is read.
const PIECE: usize = 64 * 1024;
/// How many old files are listed at once.
const LISTED: usize = 500;
/// What the names of tenants' directories begin with: a tenant may be called `..`.
const TENANT: &str = "t_";

/// Files in a directory.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    kept: PathBuf,
    spool: Spool,
}

impl DiskFiles {
    /// In this directory. It is made when the first file comes: a service that takes none in needs none.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { kept: directory.join("kept"), spool: Spool::new(&directory.join("spool")) }
    }

    fn directory(&self, tenant: &TenantId) -> PathBuf {
        self.kept.join(format!("{TENANT}{tenant}"))
    }

    fn path(&self, key: &FileKey) -> PathBuf {
        self.directory(&key.tenant_id).join(key.id.to_string())
    }
}

#[async_trait]
impl AttachmentFiles for DiskFiles {
    async fn receive(&self) -> Result<Box<dyn IncomingFile>, RepositoryError> {
        Ok(Box::new(Incoming { files: self.clone(), spooled: self.spool.begin().await? }))
    }

    async fn read(&self, key: &FileKey, range: Range<u64>) -> Result<Option<Box<dyn FileReader>>, RepositoryError> {
        let path = self.path(key);
        let open = move || match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => {
                let mut file = file?;
                file.seek(SeekFrom::Start(range.start))?;
                Ok(Some(Reading { file: Some(file), left: range.end.saturating_sub(range.start) }))
            }
        };
        Ok(blocking(open).await?.map(|reading| Box::new(reading) as Box<dyn FileReader>))
    }

    async fn remove(&self, key: &FileKey) -> Result<(), RepositoryError> {
        let path = self.path(key);
        blocking(move || gone(fs::remove_file(path)).map(drop)).await
    }

    async fn kept_before(&self, time: Timestamp) -> Result<Box<dyn OldFiles>, RepositoryError> {
        let kept = self.kept.clone();
        let begin = move || match fs::read_dir(kept) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            tenants => Ok(Some(tenants?)),
        };
        let walk = blocking(begin).await?.map(|tenants| Walk { tenants, within: None, time });
        Ok(Box::new(Listing(walk)))
    }

    async fn drop_unfinished_before(&self, time: Timestamp) -> Result<u64, RepositoryError> {
        self.spool.drop_before(time).await
    }
}

struct Incoming {
    files: DiskFiles,
    spooled: Spooled,
}

#[async_trait]
impl IncomingFile for Incoming {
    async fn write(&mut self, piece: Bytes) -> Result<(), RepositoryError> {
        self.spooled.write(piece).await
    }

    async fn keep(self: Box<Self>, key: &FileKey) -> Result<(), RepositoryError> {
        let (file, directory, path) =
            (self.spooled.whole()?, self.files.directory(&key.tenant_id), self.files.path(key));
        blocking(move || keep(file, &directory, &path)).await
    }
}

/// First the bytes are on the disk, then their name is.
fn keep(file: NamedTempFile, directory: &Path, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    if !directory.is_dir() {
        fs::create_dir_all(directory)?;
        directory.parent().map(sync_directory).transpose()?;
    }
    file.persist(path)?;
    sync_directory(directory)
}

struct Reading {
    /// Not there while a piece is read.
    file: Option<File>,
    left: u64,
}

/// A file is shorter than is known of it.
#[derive(Debug, thiserror::Error)]
#[error("a file is shorter than it was")]
struct Shorter;

#[async_trait]
impl FileReader for Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, RepositoryError> {
        let wanted = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let Some(mut file) = self.file.take().filter(|_| wanted > 0) else { return Ok(None) };
        let read = move || {
            let mut piece = BytesMut::zeroed(wanted);
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok((file, piece.freeze()))
        };
        let (file, piece) = blocking(read).await?;
        if piece.is_empty() {
            return Err(RepositoryError::corrupt("file", Shorter));
        }
        self.left -= piece.len() as u64;
        self.file = Some(file);
        Ok(Some(piece))
    }
}

struct Listing(Option<Walk>);

/// A walk through the directories of all tenants.
struct Walk {
    tenants: ReadDir,
    within: Option<(TenantId, ReadDir)>,
    time: Timestamp,
}

#[async_trait]
impl OldFiles for Listing {
    async fn next(&mut self) -> Result<Vec<FileKey>, RepositoryError> {
        let Some(mut walk) = self.0.take() else { return Ok(Vec::new()) };
        let (walk, found) = blocking(move || walk.some().map(|found| (walk, found))).await?;
        self.0 = Some(walk);
        Ok(found)
    }
}

impl Walk {
    fn some(&mut self) -> io::Result<Vec<FileKey>> {
        let mut found = Vec::new();
        while found.len() < LISTED {
            if let Some((tenant, files)) = &mut self.within
                && let Some(file) = files.next()
            {
                found.extend(old(tenant, &file?, self.time));
                continue;
            }
            let Some(tenant) = self.tenants.next() else { break };
            self.within = None;
            let tenant = tenant?;
            let name = tenant.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix(TENANT)).and_then(|name| name.parse().ok());
            if let Some(id) = id {
                self.within = Some((id, fs::read_dir(tenant.path())?));
            }
        }
        Ok(found)
    }
}

/// The key of a file, where it is one of ours and was kept before the time.
fn old(tenant: &TenantId, file: &fs::DirEntry, time: Timestamp) -> Option<FileKey> {
    let id = file.file_name().to_str()?.parse().ok()?;
    // It may have been removed meanwhile.
    let kept = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    (moment(kept) < time).then(|| FileKey { tenant_id: tenant.clone(), id })
}
