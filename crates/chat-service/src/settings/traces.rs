//! Where traces go. The names and meanings are OpenTelemetry's own; without an endpoint nothing is traced, and the others
//! are not looked at, since they may be meant for somebody else.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use url::Url;

use super::read::{Reader, SettingsError};

/// A collector is given so long at most, in milliseconds.
const LONGEST_TIMEOUT_MS: u64 = 600_000;

/// How traces are made and whom they are sent to.
#[derive(Debug, Clone)]
pub(crate) struct TraceSettings {
    /// The address that takes traces.
    pub(crate) endpoint: Url,
    /// What is sent along with each request to it.
    pub(crate) headers: Vec<(String, SecretString)>,
    /// How long such a request may take.
    pub(crate) timeout: Duration,
    /// What the service is called in traces.
    pub(crate) service_name: String,
    /// What else is said of this process.
    pub(crate) resource: Vec<(String, String)>,
    /// Which requests are traced.
    pub(crate) sampler: Sampler,
}

/// Which requests are traced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampler {
    /// Whether a caller that has decided it for its own trace decides it for ours.
    pub(crate) follows_caller: bool,
    /// The share of those that nobody has decided on.
    pub(crate) share: Share,
}

/// A share of all traces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Share {
    All,
    None,
    Ratio(f64),
}

/// Reads the settings; `None` where nothing is traced.
pub(super) fn traces(from: &Reader<'_>) -> Result<Option<TraceSettings>, SettingsError> {
    let Some(endpoint) = endpoint(from)? else { return Ok(None) };
    Ok(Some(TraceSettings {
        endpoint,
        headers: headers(from)?,
        timeout: Duration::from_millis(from.number("otel_exporter_otlp_timeout", 1, LONGEST_TIMEOUT_MS)?),
        service_name: from.text("otel_service_name")?,
        resource: resource(from)?,
        sampler: sampler(from)?,
    }))
}

/// The endpoint is that of all that OTLP carries; traces have a path below it.
fn endpoint(from: &Reader<'_>) -> Result<Option<Url>, SettingsError> {
    let text = from.text("otel_exporter_otlp_endpoint")?;
    if text.is_empty() {
        return Ok(None);
    }
    let must_be = "must be a URL such as http://collector:4318; what authenticates belongs into the headers";
    let wrong = || from.wrong("otel_exporter_otlp_endpoint", must_be);
    let base = format!("{}/v1/traces", text.trim().trim_end_matches('/'));
    let url = Url::parse(&base).map_err(|_| wrong())?;
    let known = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none();
    let plain = url.username().is_empty() && url.password().is_none();
    if known && plain { Ok(Some(url)) } else { Err(wrong()) }
}

fn headers(from: &Reader<'_>) -> Result<Vec<(String, SecretString)>, SettingsError> {
    let wrong = || from.wrong("otel_exporter_otlp_headers", "must be name=value, several of them separated by commas");
    let pairs = pairs(&from.text("otel_exporter_otlp_headers")?).ok_or_else(wrong)?;
    let sound =
        |(name, value): &(String, String)| name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok();
    if !pairs.iter().all(sound) {
        return Err(wrong());
    }
    Ok(pairs.into_iter().map(|(name, value)| (name, value.into())).collect())
}

/// The name that was set for this alone wins over one among the attributes, and that over the default.
fn resource(from: &Reader<'_>) -> Result<Vec<(String, String)>, SettingsError> {
    let key = "otel_resource_attributes";
    let pairs = pairs(&from.text(key)?);
    let mut pairs = pairs.ok_or_else(|| from.wrong(key, "must be name=value, several of them separated by commas"))?;
    if from.is_set("otel_service_name") {
        pairs.retain(|(name, _)| name != "service.name");
    }
    Ok(pairs)
}

/// Reads `name=value,…`, with values in percent-encoding.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    members.map(pair).collect()
}

fn pair(member: &str) -> Option<(String, String)> {
    let (name, value) = member.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.into_owned()))
}

fn sampler(from: &Reader<'_>) -> Result<Sampler, SettingsError> {
    let text = from.text("otel_traces_sampler")?;
    let (follows_caller, name) = match text.trim().strip_prefix("parentbased_") {
        Some(name) => (true, name),
        None => (false, text.trim()),
    };
    let share = match name {
        "always_on" => Share::All,
        "always_off" => Share::None,
        "traceidratio" => Share::Ratio(ratio(from)?),
        _ => {
            let must_be = "must be always_on, always_off or traceidratio, each also after parentbased_";
            return Err(from.wrong("otel_traces_sampler", must_be));
        }
    };
    Ok(Sampler { follows_caller, share })
}

fn ratio(from: &Reader<'_>) -> Result<f64, SettingsError> {
    let (key, must_be) = ("otel_traces_sampler_arg", "must be a number from 0 to 1");
    let ratio = if from.text(key)?.is_empty() { 1.0 } else { from.parse(key, must_be)? };
    if (0.0..=1.0).contains(&ratio) { Ok(ratio) } else { Err(from.wrong(key, must_be)) }
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::settings::Sources;

    fn figment(variables: &[(&str, &str)]) -> Figment {
        Sources::of(variables).merge().unwrap()
    }

    fn read(variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, SettingsError> {
        traces(&Reader(&figment(variables)))
    }

    /// With an endpoint.
    fn on(variables: &[(&str, &str)]) -> Result<TraceSettings, SettingsError> {
        let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")];
        read(&[&endpoint, variables].concat()).map(Option::unwrap)
    }

    #[test]
    fn without_an_endpoint_nothing_is_traced_and_nothing_else_is_looked_at() {
        assert!(read(&[("OTEL_TRACES_SAMPLER", "jaeger_remote")]).unwrap().is_none());
    }

    #[test]
    fn traces_have_a_path_below_the_endpoint() {
        for (endpoint, url) in
            [("http://h:4318", "http://h:4318/v1/traces"), ("https://h/otlp/", "https://h/otlp/v1/traces")]
        {
            let settings = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).unwrap().unwrap();
            assert_eq!(settings.endpoint.as_str(), url);
        }
    }

    #[test]
    fn defaults_are_those_of_opentelemetry() {
        let settings = on(&[]).unwrap();
        assert_eq!(settings.timeout, Duration::from_secs(10));
        assert_eq!(settings.sampler, Sampler { follows_caller: true, share: Share::All });
        assert!(settings.headers.is_empty() && settings.resource.is_empty());
    }

    #[test]
    fn lists_are_pairs_with_decoded_values() {
        let settings = on(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20eA==, x-team = chat"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=other"),
        ]);
        let settings = settings.unwrap();
        let headers: Vec<_> = settings.headers.iter().map(|(name, value)| (&**name, value.expose_secret())).collect();
        assert_eq!(headers, [("authorization", "Basic eA=="), ("x-team", "chat")]);
        assert_eq!(settings.resource.len(), 2);
        let named = on(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=other"), ("OTEL_SERVICE_NAME", "mine")]).unwrap();
        assert!(named.resource.is_empty() && named.service_name == "mine");
    }

    #[test]
    fn a_share_is_a_ratio_that_callers_may_overrule() {
        let sampler = |name, argument| on(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        let read = sampler("parentbased_traceidratio", "0.25").unwrap().sampler;
        assert_eq!(read, Sampler { follows_caller: true, share: Share::Ratio(0.25) });
        let read = sampler("always_off", "").unwrap().sampler;
        assert_eq!(read, Sampler { follows_caller: false, share: Share::None });
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://h:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:hunter2@h:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x y=hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x=hunter2%0A"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
        ] {
            let error = on(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("hunter2"), "{error}");
        }
        for argument in ["1.5", "-1", "NaN", "x"] {
            assert!(on(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", argument)]).is_err());
        }
    }

    #[test]
    fn headers_are_shown_nowhere() {
        let figment = figment(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2"),
        ]);
        let shown = Reader(&figment).shown();
        assert!(shown.iter().all(|(_, value, _)| !value.contains("hunter2")));
        let headers = traces(&Reader(&figment)).unwrap().unwrap().headers;
        assert!(!format!("{headers:?}").contains("hunter2"));
    }
}
