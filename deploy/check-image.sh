#!/usr/bin/env bash
#
# Builds the Dockerfile for real and runs what comes out, without a container registry and without Docker: the base
# images are made by debootstrap from the mirror that apt uses, the toolchain is the one on this machine, buildah builds,
# and the result runs in namespaces of its own as the image's settings say, with a root that is read only.
#
#   check-image.sh [--keep]   as root on Debian, with the packages buildah debootstrap jq iproute2 curl, and Rust
#
# --keep leaves base images and layers under target/check-image, 10 GB and more, for the next run. STORAGE_DRIVER is
# buildah's; vfs works everywhere, overlay is faster.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly place=$root/target/check-image
readonly bases=$place/bases

say() { echo "check-image: $*"; }

die() {
    echo "check-image: $*" >&2
    exit 1
}

store() {
    buildah --root "$place/store" --runroot "$place/run" --storage-driver "${STORAGE_DRIVER:-vfs}" "$@"
}

# --- Base images -----------------------------------------------------------------------------------------------------

mirror() {
    # shellcheck disable=SC2016 # apt expands it
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' \
        "Release: $(release)" | head -n 1
}

release() { (. /etc/os-release && echo "$VERSION_CODENAME"); }

# Usage: make_base NAME PACKAGES [COMMAND that completes the tree, with the tree as its last argument]
make_base() {
    local name=$1 packages=$2 tree=$bases/$1 container
    shift 2
    if store inspect --type image "check-$name" >/dev/null 2>&1; then
        return 0
    fi
    say "makes the base image $name"
    rm -rf "$tree"
    mkdir -p "$tree" "$bases/packages"
    debootstrap --variant=minbase --cache-dir="$bases/packages" ${packages:+--include="$packages"} \
        "$(release)" "$tree" "$(mirror)" >"$bases/$name.log" || die "debootstrap: see $bases/$name.log"
    rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
    if [ $# -gt 0 ]; then "$@" "$tree"; fi
    container=$(store from scratch)
    store add --quiet "$container" "$tree" / >/dev/null
    store commit --quiet --rm "$container" "check-$name" >/dev/null
    rm -rf "$tree"
}

# This machine's compiler, and the authorities that it trusts, which need not be the public ones.
add_toolchain() {
    local tree=$1 toolchain
    toolchain=$(rustc --print sysroot)
    if [ ! -x "$toolchain/bin/cargo" ] || [ "$toolchain" = /usr ]; then
        die "the toolchain has no directory of its own, as rustup makes them"
    fi
    cp -a "$toolchain/bin/cargo" "$toolchain/bin/rustc" "$tree/usr/local/bin"
    cp -a "$toolchain/lib/." "$tree/usr/local/lib"
    cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
}

build() {
    make_base rust gcc,libc6-dev,ca-certificates add_toolchain
    make_base runtime ''
    # The format is Docker's, since OCI's has no health check.
    store build --isolation chroot ${keep:+--layers} --pull-never --format docker --file "$root/deploy/Dockerfile" \
        --build-arg REVISION=0123456789ab --build-arg RUST_IMAGE=localhost/check-rust --build-arg RUNTIME_IMAGE=localhost/check-runtime \
        --tag check-service "$root"
}

# --- The image that comes out ----------------------------------------------------------------------------------------

run() {
    local container tree
    store inspect --type image check-service | jq .Docker.config >"$place/config.json"
    container=$(store from --pull-never check-service)
    tree=$(store mount "$container")
    say "the service's program has $(stat --format %s "$tree/usr/local/bin/chat-service") bytes"
    unshare --mount --net --pid --fork --kill-child "$root/deploy/check-image-run.sh" "$tree" "$place/config.json"
    store rm "$container" >/dev/null
}

clean() {
    store rm --all >/dev/null
    [ "$keep" ] || { store rmi --all --force >/dev/null && rm -rf "$place"; }
}

keep=
[ "${1:-}" != --keep ] || keep=yes
[ "$(id -u)" -eq 0 ] || die "must be run as root"
for program in buildah debootstrap jq ip curl rustc; do
    command -v "$program" >/dev/null || die "$program is missing"
done
mkdir -p "$bases"
trap clean EXIT
build
run
say "all is well"
