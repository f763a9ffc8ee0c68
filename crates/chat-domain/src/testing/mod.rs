//! Fakes, builders and contract suites.
