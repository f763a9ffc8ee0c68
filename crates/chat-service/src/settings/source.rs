//! Where settings come from: defaults, a TOML file, `.env`, the environment, flags; each wins over those before it.

use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::catalogue::{CATALOGUE, Setting};
use super::read::SettingsError;

/// The places to read from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// A TOML file.
    pub(crate) file: Option<PathBuf>,
    /// A `.env` file; one that is not there is no fault.
    pub(crate) dot_env: Option<PathBuf>,
    /// The process's environment, or what a test puts in its place.
    pub(crate) environment: Vec<(String, String)>,
    /// Flags: keys and values.
    pub(crate) flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// These variables, and nothing else.
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let environment = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { environment, ..Self::default() }
    }

    /// Layers all places over each other.
    ///
    /// # Errors
    /// A file that cannot be read or names a setting that does not exist.
    pub(crate) fn merge(self) -> Result<Figment, SettingsError> {
        let defaults = CATALOGUE.iter().map(|setting| (setting.key, setting.default.to_owned()));
        let mut figment = Figment::from(Layer::new("default", defaults));
        if let Some(path) = &self.file {
            figment = figment.merge(toml_file(path)?);
        }
        if let Some(path) = &self.dot_env {
            figment = figment.merge(Layer::new(".env", known(dot_env(path)?)));
        }
        let figment = figment.merge(Layer::new("environment", known(self.environment)));
        Ok(figment.merge(Layer::new("flag", self.flags)))
    }
}

/// The variables that are settings, by key; an empty one counts as not set, as in a `.env` copied from the example.
fn known(variables: Vec<(String, String)>) -> impl Iterator<Item = (&'static str, String)> {
    variables.into_iter().filter(|(_, value)| !value.is_empty()).filter_map(|(name, value)| {
        let setting = CATALOGUE.iter().find(|setting| setting.variable() == name)?;
        Some((setting.key, value))
    })
}

fn dot_env(path: &Path) -> Result<Vec<(String, String)>, SettingsError> {
    let unreadable =
        |error: dotenvy::Error| SettingsError::File { file: path.to_owned(), reason: dot_env_fault(path, &error) };
    match dotenvy::from_path_iter(path) {
        Ok(lines) => lines.collect::<Result<_, _>>().map_err(unreadable),
        Err(error) if error.not_found() => Ok(Vec::new()),
        Err(error) => Err(unreadable(error)),
    }
}

/// The parser quotes the line that it cannot read, which may hold a secret: only the name in it is told.
fn dot_env_fault(path: &Path, error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(unread, _) => {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.contains(unread.as_str())).unwrap_or_default();
            let name = line.split('=').next().unwrap_or_default().trim().trim_start_matches("export ");
            let known = CATALOGUE.iter().map(Setting::variable).find(|known| known == name);
            let which = known.map_or_else(|| "a line".to_owned(), |name| format!("the line of {name}"));
            format!("{which} cannot be read: a value with spaces or quotes must stand in quotes")
        }
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "cannot be read".to_owned(),
    }
}

fn toml_file(path: &Path) -> Result<impl Provider, SettingsError> {
    let unreadable =
        |error: &dyn std::fmt::Display| SettingsError::File { file: path.to_owned(), reason: first_line(error) };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let file = Toml::string(&text);
    let profiles = file.data().map_err(|error| unreadable(&error))?;
    let unknown = profiles.values().flat_map(Dict::keys).find(|key| !CATALOGUE.iter().any(|s| s.key == key.as_str()));
    match unknown {
        Some(key) => Err(SettingsError::Unknown { key: key.clone(), file: path.to_owned() }),
        None => Ok(Named { name: path.display().to_string(), data: profiles }),
    }
}

/// A parser's message may quote what it could not read, which may be a secret: only its first line is shown, and no
/// value stands in that.
fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Values as text, never guessed to be numbers: a secret of digits stays what it is.
struct Layer {
    name: &'static str,
    values: Dict,
}

impl Layer {
    fn new(name: &'static str, values: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let values = values.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        Self { name, values }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// A file that was read, under its own name.
struct Named {
    name: String,
    data: Map<Profile, Dict>,
}

impl Provider for Named {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(self.data.clone())
    }
}
