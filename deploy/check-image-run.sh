#!/usr/bin/env bash
#
# The second half of check-image.sh: runs an image's tree as Docker would with `--read-only --volume data:/data`, and
# asks the service what it must be able to answer. It is called in namespaces of its own, so it may mount, and every
# port is free.
#
#   check-image-run.sh TREE CONFIG   CONFIG: the image's settings as JSON, as Docker keeps them

set -euo pipefail

readonly tree=$1 config=$2
readonly beyond=192.0.2.1 # an address that is not loopback, of no network that there is
work=$(mktemp -d)
readonly work
trap 'rm -rf "$work"' EXIT
service=

die() {
    echo "check-image: FAILED: $*" >&2
    [ ! -s "$work/log" ] || tail -n 20 "$work/log" >&2
    exit 1
}

# Usage: check PROMISE COMMAND [ARG…]
check() {
    local promise=$1
    shift
    "$@" || die "$promise"
    echo "check-image: ok: $promise"
}

refused() { ! "$@" 2>/dev/null; }

says() { jq --exit-status "$1" "$config" >/dev/null; }

list() { jq --raw-output "$1 | .[]?" "$config"; }

# --- What Docker does ------------------------------------------------------------------------------------------------

prepare() {
    ip link set lo up
    ip address add "$beyond/32" dev lo
    # A new volume begins as what the image has in its place, with its owner.
    cp -a "$tree/data" "$work/data"
    mount --bind "$tree" "$tree"
    mkdir -p "$tree/proc"
    mount -t proc proc "$tree/proc"
    mount --bind "$work/data" "$tree/data"
    mount -o remount,bind,ro "$tree"
}

# Becomes a program of the image, as its settings say. Usage: become [NAME=value…] -- PROGRAM [ARG…]
become() {
    local variables=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin) line
    while read -r line; do variables+=("$line"); done < <(list .Env)
    while [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    shift
    cd / # the image's working directory
    exec env --ignore-environment "${variables[@]}" setpriv --no-new-privs \
        chroot --userspec="$(jq --raw-output .User "$config")" --groups= "$tree" "$@"
}

entrypoint() {
    local command=()
    mapfile -t command < <(list .Entrypoint)
    become "$@" -- "${command[@]}"
}

health_check() (
    mapfile -t command < <(list '.Healthcheck.Test[1:]')
    become -- "${command[@]}" >/dev/null 2>&1
)

start() {
    local tries=300
    (entrypoint) >>"$work/log" 2>&1 &
    service=$!
    until health_check; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$service" 2>/dev/null; then die "it comes up"; fi
        sleep 0.1
    done
}

stop() {
    kill -TERM "$service"
    wait "$service"
}

# --- What is promised ------------------------------------------------------------------------------------------------

settings() {
    check "its user is a number, and not root's" says '.User | test("^[1-9][0-9]*:[1-9][0-9]*$")'
    check "it says AUTH_MODE=open in so many words" says '.Env | index("AUTH_MODE=open")'
    check "its data is a volume" says '.Volumes | has("/data")'
    check "it names its port" says '.ExposedPorts | has("8000/tcp")'
}

no_rights() { grep -q '^CapEff:\s*0*$' "$tree/proc/$service/status"; }

starts_without_auth_mode() (entrypoint AUTH_MODE=) >"$work/refusal" 2>&1

# Usage: api PATH [JSON to post]
api() { curl --silent --show-error --fail --max-time 5 "http://$beyond:8000$1" ${2:+--json "$2"}; }

is_healthy() { api /health | jq --exit-status '.status == "healthy"' >/dev/null; }

# What check-image.sh says at the build.
names_its_revision() { api / | jq --exit-status '.version | endswith("+0123456789ab")' >/dev/null; }

talk() {
    session=$(api /api/v1/sessions '{"user_id":"ann"}' | jq --raw-output .id)
    api "/api/v1/sessions/$session/messages" '{"content":"kept","sender_type":"user","sender_id":"ann"}' >/dev/null
}

remembers() { api "/api/v1/sessions/$session" | jq --exit-status '.messages[0].content == "kept"' >/dev/null; }

prepare
settings
check "it does not start in open mode unless told so" refused starts_without_auth_mode
check "the refusal names the setting" grep -q AUTH_MODE "$work/refusal"
check "it starts, and its own health check says so" start
check "it has no rights of root's" no_rights
check "its file system cannot be written to" refused touch "$tree/usr/x"
check "it answers beyond loopback" is_healthy
check "it says which sources it is made of" names_its_revision
check "a message can be sent" talk
check "SIGTERM ends it with 0" stop
check "the health check says that it is gone" refused health_check
check "it starts again" start
check "the volume has kept the message" remembers
check "SIGTERM ends it with 0 again" stop
