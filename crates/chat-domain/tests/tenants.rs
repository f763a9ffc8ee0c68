//! No store can be asked for anything without saying for which tenant: held against the text of every port.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The sweeps, which go through all tenants and give nothing of them away to callers; and the beginning of a file, which
/// becomes a tenant's when it is kept.
const OF_ALL_TENANTS: [&str; 6] = [
    "AttachmentFiles::drop_unfinished_before",
    "AttachmentFiles::kept_before",
    "AttachmentFiles::receive",
    "AttachmentRepository::doom",
    "AuditRepository::forget_before",
    "IdempotencyRepository::forget_before",
];

/// Ports behind which no tenant's things lie as such, each with why.
const OF_NO_TENANT: [(&str, &str); 11] = [
    ("AuditLog", "a deed names its caller, who has a tenant"),
    ("Cache", "keeps bytes under keys; the keys are made of the tenant where they are made"),
    ("Clock", "time is everybody's"),
    ("EventPublisher", "an event names its tenant"),
    ("EventSubscriber", "asks for a tenant's events; it is no store"),
    ("FileReader", "reads what was found under a key, which names a tenant"),
    ("IdSource", "ids are everybody's"),
    ("IncomingFile", "is kept under a key, which names a tenant"),
    ("OldFiles", "gives keys, which name tenants, to the sweep"),
    ("Probe", "tells whether a store is there"),
    ("TokenVerifier", "says who calls, and so for which tenant"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap() != "testing")
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .collect()
}

/// The domain, apart from what tests are made with.
fn texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&folder).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// What stands between a beginning and the first line that closes it.
fn blocks<'t>(text: &'t str, begin: &str) -> Vec<(&'t str, &'t str)> {
    let mut found = Vec::new();
    for part in text.split(begin).skip(1) {
        let name = part.split(|char: char| !char.is_alphanumeric()).next().unwrap();
        // What has no fields by name, or none at all, ends before a brace opens.
        let opens = part.find(['{', ';']).filter(|at| part[*at..].starts_with('{'));
        found.extend(opens.map(|at| (name, part[at..].split("\n}").next().unwrap())));
    }
    found
}

/// Every method of every port: `Trait::method`, and its parameters.
fn methods(texts: &[String]) -> Vec<(String, String)> {
    let mut methods = Vec::new();
    for (port, body) in texts.iter().flat_map(|text| blocks(text, "\npub trait ")) {
        // Declarations end in a semicolon; comments may hold anything.
        let code: String = body.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for declaration in code.split(';').filter(|declaration| declaration.contains("fn ")) {
            let (name, parameters) = declaration.split_once("fn ").unwrap().1.split_once('(').unwrap();
            let parameters = parameters.split("->").next().unwrap();
            methods.push((format!("{port}::{name}"), parameters.to_owned()));
        }
    }
    methods
}

#[test]
fn no_method_of_a_store_goes_without_a_tenant() {
    let texts = texts();
    let structs = texts.iter().flat_map(|text| blocks(text, "\npub struct "));
    let with_tenant: BTreeSet<&str> =
        structs.filter(|(_, fields)| fields.contains(": TenantId")).map(|(name, _)| name).collect();
    let names_tenant = |parameters: &str| {
        let words = parameters.split(|char: char| !char.is_alphanumeric());
        words.into_iter().any(|word| word == "TenantId" || with_tenant.contains(word))
    };
    let (mut checked, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (method, parameters) in methods(&texts) {
        let port = method.split_once("::").unwrap().0;
        if OF_NO_TENANT.iter().any(|(name, _)| *name == port) {
            others.insert(port.to_owned());
        } else if OF_ALL_TENANTS.contains(&method.as_str()) {
            others.insert(method);
        } else {
            assert!(names_tenant(&parameters), "{method}({parameters}) does not say for which tenant");
            checked.insert(method);
        }
    }
    // That the text was understood: a few that must have been seen, and exceptions that are there.
    for known in
        ["MessagePages::page", "MessageRepository::append", "RevisionSource::revs", "SessionRepository::create"]
    {
        assert!(checked.contains(known), "{checked:?}");
    }
    let exceptions = OF_NO_TENANT.iter().map(|(name, _)| *name).chain(OF_ALL_TENANTS);
    assert_eq!(others, exceptions.map(str::to_owned).collect());
}
