//! Where the files of attachments lie: on a disk, or in a store that speaks S3.
//!
//! Either way a file is first taken in on a disk of this node, piece by piece, so that memory holds no more than a piece
//! of it however many come at once.
//!
//! - `spool`: taking files in. `disk`, `s3`: where they stay. `blocking`: work that waits for a disk.

mod blocking;
mod disk;
mod s3;
mod spool;

pub use disk::DiskFiles;
pub use s3::{InvalidS3, S3Config, S3Files};
