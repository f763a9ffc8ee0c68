# What is done to this tree by hand and by .ci/run, under one name each.

set shell := ["bash", "-euo", "pipefail", "-c"]

cargo_deny := "0.20.2"
cargo_cyclonedx := "0.5.9"

# List the recipes
[private]
default:
    @{{ just_executable() }} --list --unsorted

# Run the service (arguments go to it)
run *args:
    cargo run --release -- {{ args }}

# Run all tests, with a private PostgreSQL and Redis
test *args:
    deploy/local/services.sh with -- cargo test --workspace --all-features {{ args }}

# Run the tests that need no server
test-fast:
    cargo test --workspace --all-features -- --skip postgres --skip redis

# Check formatting and code; a warning is an error
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Check the scripts (needs shellcheck)
lint-scripts:
    shellcheck -x deploy/local/services.sh deploy/local/api-test.sh deploy/*.sh deploy/prometheus/*.sh .ci/run

# Format the code
fmt:
    cargo fmt --all

# Build the crates' documentation; a warning is an error
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Check who depends on whom, licences and sources
deny:
    #!/usr/bin/env bash
    set -euo pipefail
    [ -x target/tools/bin/cargo-deny ] || echo "building cargo-deny {{ cargo_deny }} into target/tools"
    # Without optimisation: it builds several times faster, and has little to do.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root target/tools cargo-deny@{{ cargo_deny }}
    # Advisories are left to whoever can download their database: `check advisories`.
    target/tools/bin/cargo-deny --locked --workspace check bans licenses sources

# Write the bill of materials of what is shipped to target/sbom (needs jq)
sbom:
    #!/usr/bin/env bash
    set -euo pipefail
    [ -x target/tools/bin/cargo-cyclonedx ] || echo "building cargo-cyclonedx {{ cargo_cyclonedx }} into target/tools"
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root target/tools cargo-cyclonedx@{{ cargo_cyclonedx }}
    deploy/sbom.sh target/tools/bin/cargo-cyclonedx

# Check what the domain depends on against the committed list
deps:
    diff <(grep -v '^#' crates/chat-domain/dependencies.txt) \
        <(cargo tree --package chat-domain --edges normal --depth 1 --prefix none --format '{p}' | tail -n +2 | cut -d ' ' -f 1 | sort)

# Print the OpenAPI document
openapi:
    @cargo run --quiet -- openapi

# Lint the OpenAPI document (needs Node)
api-lint:
    mkdir -p target/api-lint
    cargo run --quiet -- openapi > target/api-lint/openapi.json
    npx --yes @redocly/cli@2 lint target/api-lint/openapi.json

# Hold the served answers against the document, on both stores and with tokens (needs Python; arguments go to schemathesis)
api-test *args:
    deploy/local/api-test.sh {{ args }}

# Measure a release build against its yardsticks and print a Markdown table (arguments go to chat-load bench)
bench *args:
    cargo build --release --package chat-service --package chat-load
    deploy/local/services.sh with -- "${CARGO_TARGET_DIR:-target}/release/chat-load" bench {{ args }}

# Play faults on a release build, in full, and print a Markdown table (arguments name cases; --list tells them)
chaos *args:
    cargo build --release --package chat-service --package chat-chaos
    deploy/local/services.sh programs -- "${CARGO_TARGET_DIR:-target}/release/chat-chaos" {{ args }}

# Count the instructions of the hot paths; more than a tenth off the committed figures fails (installs valgrind; --dev, --write)
instructions *args:
    deploy/count-instructions.sh {{ args }}

# Measure what limits cost a request, in processor time (arguments: rounds, seconds of each load)
limit-cost *args:
    cargo build --release --package chat-service --package chat-load
    deploy/local/services.sh with -- deploy/limit-cost.sh {{ args }}

# Build the container image and try it out (root on Debian; installs buildah and debootstrap)
image-check *args:
    deploy/check-image.sh {{ args }}

# Hold manifests, alerts and the metrics that they name against schemas and the code (needs Python)
manifests-check:
    deploy/check-manifests.sh

# Put the dashboard's queries to a real Prometheus (needs the programs of deploy/prometheus/programs.sh)
dashboard-check:
    deploy/check-dashboard.sh

# Try out how a build learns its version
version-check:
    deploy/check-version.sh

# Show by strace that a message is on the disk before it is acknowledged
durability-check:
    deploy/check-durability.sh

# Show how much memory 50 uploads of 25 MiB at once take (arguments: how many, how many MiB each)
uploads-check *args:
    deploy/check-uploads.sh {{ args }}

# Back up both stores under writes, lose them, restore them
restore-check:
    deploy/check-restore.sh

# Hold every migration against the rule: expand, then contract
migrations-check:
    cargo test --quiet --package chat-infra --test migrations

# Bring the tables of DATABASE_URL up to date
migrate:
    cargo run --quiet -- migrate

# Start a PostgreSQL and a Redis for local work, and print the lines to use them
services-up:
    @deploy/local/services.sh up

# Stop them and throw their data away
services-down:
    @deploy/local/services.sh down

# Remove what was built, and stop the services
clean: services-down
    cargo clean
