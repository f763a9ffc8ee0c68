//! `docs/security.md` names a test for each thing that it promises; each of them must exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Crate, file and name of each test that the page names.
fn named(page: &str) -> Vec<[&str; 3]> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`'));
    lines.map(|line| line.split(": ").collect::<Vec<_>>().try_into().unwrap()).collect()
}

#[test]
fn every_test_that_the_page_on_security_names_exists() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    for item in 1..=10 {
        let heading = format!("### API{item} ");
        let section = page.split(&heading).nth(1).unwrap_or_else(|| panic!("{heading}"));
        let section = section.split("\n##").next().unwrap();
        assert!(!named(section).is_empty(), "{heading}names no test");
    }
    for [package, file, test] in named(&page) {
        let path = root().join("crates").join(package).join(file);
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_test = source.split(&format!("fn {test}(")).next().filter(|before| before.len() < source.len());
        let before = is_test.unwrap_or_else(|| panic!("{file} has no {test}"));
        let attribute = before.rsplit("\n\n").next().unwrap();
        assert!(attribute.contains("test"), "{test} in {file} is no test");
    }
}
