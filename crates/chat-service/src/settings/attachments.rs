//! Files that are sent with messages: where they lie, and what is taken.

use std::path::PathBuf;
use std::time::Duration;

use chat_domain::attachment::{AllowedTypes, AttachmentRules};
use chat_infra::files::S3Config;

use super::read::{Reader, SettingsError};

const MIB: u64 = 1024 * 1024;

/// Where files lie.
#[derive(Debug)]
pub(crate) enum FilePlace {
    /// In the directory.
    Disk,
    /// In a store that speaks S3; in the directory they are taken in.
    S3(Box<S3Config>),
}

/// All about attachments.
#[derive(Debug)]
pub(crate) struct AttachmentSettings {
    pub(crate) place: FilePlace,
    pub(crate) directory: PathBuf,
    pub(crate) rules: AttachmentRules,
    pub(crate) uploads_at_once: usize,
    /// How long a file is kept that is not sent.
    pub(crate) keep_unsent: Duration,
}

impl AttachmentSettings {
    /// Reads all of them.
    pub(super) fn read(from: &Reader<'_>) -> Result<Self, SettingsError> {
        let quota: u64 = from.number("attachment_quota_mib", 0, 1_000_000_000)?;
        Ok(Self {
            place: place(from)?,
            directory: PathBuf::from(from.text("data_dir")?).join("attachments"),
            rules: AttachmentRules {
                max_bytes: from.number("attachment_max_bytes", 1, 1024 * MIB)?,
                quota: (quota > 0).then_some(quota * MIB),
                types: types(from)?,
            },
            uploads_at_once: from.number("attachment_uploads_at_once", 1, 10_000)?,
            // A repeat of an upload is answered for a day.
            keep_unsent: Duration::from_hours(from.number("attachment_unsent_hours", 24, 8_760)?),
        })
    }
}

fn types(from: &Reader<'_>) -> Result<AllowedTypes, SettingsError> {
    let types = AllowedTypes::new(from.list("attachment_types")?);
    types.map_err(|_| from.wrong("attachment_types", "must be media types such as image/png or image/*"))
}

fn place(from: &Reader<'_>) -> Result<FilePlace, SettingsError> {
    let url = from.text("attachments_url")?;
    if url.is_empty() {
        return Ok(FilePlace::Disk);
    }
    let wrong =
        || from.wrong("attachments_url", "must be s3:// followed by a bucket and a path, such as s3://files/chat");
    let parsed = url::Url::parse(&url).map_err(|_| wrong())?;
    let plain = parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty();
    let bucket = parsed.host_str().filter(|_| parsed.scheme() == "s3" && plain && parsed.port().is_none());
    let text = |key| from.text(key).map(|text| Some(text).filter(|text| !text.is_empty()));
    Ok(FilePlace::S3(Box::new(S3Config {
        bucket: bucket.ok_or_else(wrong)?.to_owned(),
        prefix: parsed.path().trim_matches('/').to_owned(),
        endpoint: endpoint(from)?,
        region: text("aws_region")?,
        access_key_id: text("aws_access_key_id")?.map(Into::into),
        secret_access_key: text("aws_secret_access_key")?.map(Into::into),
        session_token: text("aws_session_token")?.map(Into::into),
    })))
}

fn endpoint(from: &Reader<'_>) -> Result<Option<String>, SettingsError> {
    let text = from.text("aws_endpoint_url")?;
    if text.is_empty() {
        return Ok(None);
    }
    let known = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let must_be = "must be a URL such as https://s3.example.com";
    if known { Ok(Some(text)) } else { Err(from.wrong("aws_endpoint_url", must_be)) }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::source::Sources;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<AttachmentSettings, String> {
        let figment = Sources::of(variables).merge().unwrap();
        Settings::read(&figment).map(|settings| settings.attachments).map_err(|error| error.to_string())
    }

    #[test]
    fn files_lie_in_the_data_directory_unless_a_bucket_is_named() {
        let on_disk = read(&[("DATA_DIR", "/var/lib/chat")]).unwrap();
        assert!(matches!(on_disk.place, FilePlace::Disk));
        assert_eq!(on_disk.directory, PathBuf::from("/var/lib/chat/attachments"));
        for (url, bucket, prefix) in
            [("s3://files", "files", ""), ("s3://files/", "files", ""), ("s3://my.files/a/b/", "my.files", "a/b")]
        {
            let FilePlace::S3(s3) = read(&[("ATTACHMENTS_URL", url)]).unwrap().place else { panic!("{url}") };
            assert_eq!((s3.bucket.as_str(), s3.prefix.as_str()), (bucket, prefix), "{url}");
        }
    }

    #[test]
    fn nought_is_no_quota() {
        assert_eq!(read(&[("ATTACHMENT_QUOTA_MIB", "0")]).unwrap().rules.quota, None);
        assert_eq!(read(&[("ATTACHMENT_QUOTA_MIB", "2")]).unwrap().rules.quota, Some(2 * MIB));
    }

    #[test]
    fn pictures_texts_and_documents_are_taken_and_pages_are_not() {
        let types = read(&[]).unwrap().rules.types;
        assert!(["image/png", "image/jpeg", "application/pdf", "text/plain"].iter().all(|kind| types.allow(kind)));
        assert!(["text/html", "text/xml", "application/octet-stream"].iter().all(|kind| !types.allow(kind)));
    }

    #[test]
    fn what_cannot_be_meant_stops_the_start_and_no_key_is_shown() {
        for (name, value) in [
            ("ATTACHMENTS_URL", "files"),
            ("ATTACHMENTS_URL", "http://files/x"),
            ("ATTACHMENTS_URL", "s3://"),
            ("ATTACHMENTS_URL", "s3://ann:hunter2@files/x"),
            ("ATTACHMENT_MAX_BYTES", "0"),
            ("ATTACHMENT_TYPES", "png"),
            ("ATTACHMENT_UNSENT_HOURS", "23"),
            ("ATTACHMENT_UPLOADS_AT_ONCE", "0"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{name} (environment): must be ")), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let keys = [("ATTACHMENTS_URL", "s3://files"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        assert!(!format!("{:?}", read(&keys).unwrap()).contains("hunter2"));
        let bad = [("ATTACHMENTS_URL", "s3://files"), ("AWS_ENDPOINT_URL", "localhost")];
        assert!(read(&bad).unwrap_err().starts_with("AWS_ENDPOINT_URL (environment): must be "));
    }
}
