#!/usr/bin/env bash
#
# Tries out how a build learns its version, on a small package with the build script of the service: in a repository, after
# a commit, with changes that are not committed, as a tarball, and as the Dockerfile builds; and that nothing is built
# again where nothing has changed.
#
#   check-version.sh   needs cargo and git

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
work=$(mktemp -d)
readonly work
tree=$work/tree
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR CHAT_REVISION
# Nothing of the caller's own git.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=check GIT_AUTHOR_EMAIL=check@example.com GIT_COMMITTER_NAME=check GIT_COMMITTER_EMAIL=check@example.com

die() {
    echo "check-version: FAILED: $*" >&2
    exit 1
}

package() {
    mkdir -p "$tree/crates/chat-http/src" "$tree/migrations" "$tree/docs"
    printf '[workspace]\nmembers = ["crates/*"]\nresolver = "3"\n' >"$tree/Cargo.toml"
    printf '[package]\nname = "told"\nversion = "1.2.3"\nedition = "2024"\n' >"$tree/crates/chat-http/Cargo.toml"
    # shellcheck disable=SC2016 # Rust's
    echo 'fn main() { println!("{}", env!("CHAT_BUILD_VERSION")); }' >"$tree/crates/chat-http/src/main.rs"
    cp "$root/crates/chat-http/build.rs" "$tree/crates/chat-http"
    echo target >"$tree/.gitignore"
    (cd "$tree" && cargo generate-lockfile --quiet --offline)
}

version() { (cd "$tree" && env "$@" cargo run --quiet --offline --locked "${profile[@]}"); }

# Usage: expect VERSION WHAT [VARIABLE=VALUE…]
expect() {
    local expected=$1 what=$2 told
    shift 2
    told=$(version "$@")
    [ "$told" = "$expected" ] || die "$what: $told, not $expected"
    # Cargo goes by time, and may be quicker than the clock of the files.
    sleep 0.05
    (cd "$tree" && env "$@" cargo build --verbose --offline --locked "${profile[@]}" 2>&1 | grep -q 'Fresh told') ||
        die "$what: it is built again though nothing has changed"
    echo "check-version: ok: $what: $told"
}

in_tree() { git -C "$tree" "$@"; }

commit() {
    in_tree add --all
    in_tree commit --quiet --allow-empty --message "$1"
    revision=$(in_tree rev-parse --short=12 HEAD)
}

profile=(--release)
package
expect 1.2.3 "a tarball"
expect 1.2.3+0123456789ab "a build that is told" CHAT_REVISION=0123456789ab SOURCE_DATE_EPOCH=0
if version CHAT_REVISION='a b' >/dev/null 2>&1; then die "a revision with a space is taken"; fi
in_tree init --quiet
touch "$tree/crates/chat-http/build.rs" # a tarball does not become a repository by itself
expect 1.2.3 "a repository without a commit"
commit one
expect "1.2.3+$revision" "a commit"
commit two
expect "1.2.3+$revision" "another commit"
in_tree pack-refs --all
commit three
expect "1.2.3+$revision" "a commit over packed references"
echo >"$tree/docs/page"
expect "1.2.3+$revision" "a change of what is not built"
echo '-- x' >"$tree/migrations/new.sql"
expect "1.2.3+$revision-dirty" "a new file that is built in"
profile=()
expect "1.2.3+$revision" "the same, not for release"
profile=(--release)
rm "$tree/migrations/new.sql"
expect "1.2.3+$revision" "the change taken back"
in_tree worktree add --quiet "$work/other"
tree=$work/other
commit four
expect "1.2.3+$revision" "a second working tree"
commit five
expect "1.2.3+$revision" "another commit there"
