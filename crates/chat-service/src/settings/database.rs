//! Which store a database URL means.

use std::path::PathBuf;

use chat_infra::postgres::{InvalidUrl, PgConfig};
use chat_infra::sqlite::SqliteConfig;
use secrecy::{ExposeSecret, SecretString};

/// The store that the service runs on.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file, embedded.
    Sqlite(PathBuf),
    /// A server.
    Postgres(SecretString),
}

impl Database {
    /// Reads a URL. Schemes as `SQLAlchemy` writes them (`postgresql+asyncpg`) are understood.
    ///
    /// # Errors
    /// What a URL must look like; never the URL itself.
    pub(crate) fn from_url(url: &SecretString) -> Result<Self, &'static str> {
        let text = url.expose_secret();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("must begin with postgres:// or sqlite://");
        };
        match scheme.split('+').next().unwrap_or_default() {
            "postgres" | "postgresql" => {
                let url = SecretString::from(format!("postgres://{rest}"));
                match PgConfig::check_url(&url) {
                    Ok(()) => Ok(Self::Postgres(url)),
                    Err(InvalidUrl::SslMode) => {
                        Err("must have an sslmode of disable, prefer, require, verify-ca or verify-full, or none")
                    }
                    Err(InvalidUrl::Scheme | InvalidUrl::Syntax) => {
                        Err("must be a URL such as postgres://user:password@host/name")
                    }
                }
            }
            "sqlite" => match SqliteConfig::path_of_url(&format!("{}{rest}", SqliteConfig::SCHEME)) {
                Ok(path) => Ok(Self::Sqlite(path)),
                Err(_) => Err("must be sqlite:// followed by a path and nothing else, such as sqlite://data/chat.db"),
            },
            _ => Err("must begin with postgres:// or sqlite://"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Database, &'static str> {
        Database::from_url(&url.into())
    }

    #[test]
    fn a_file_is_named_relative_or_absolute() {
        let path = |url| match read(url) {
            Ok(Database::Sqlite(path)) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!(path("sqlite://chat.db"), PathBuf::from("chat.db"));
        assert_eq!(path("sqlite:///var/lib/chat.db"), PathBuf::from("/var/lib/chat.db"));
        assert_eq!(path("sqlite+aiosqlite://./chat.db"), PathBuf::from("./chat.db"));
    }

    #[test]
    fn a_server_is_named_in_any_spelling_of_its_scheme() {
        let several = "postgres://u:p@one,two:5433/d";
        for url in ["postgres://h/d", "postgresql://u:p@h:5432/d", "postgresql+asyncpg://u:p@h/d", several] {
            match read(url) {
                Ok(Database::Postgres(url)) => assert!(url.expose_secret().starts_with("postgres://")),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn anything_else_is_refused_without_showing_it() {
        for url in
            ["", "chat.db", "mysql://u:hunter2@h/d", "sqlite://", "postgres://u:hunter2@h:port/d", "sqlite://a?b"]
        {
            assert!(!read(url).unwrap_err().contains("hunter2"), "{url}");
        }
    }
}
