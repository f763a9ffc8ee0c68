#!/usr/bin/env bash
#
# Holds what the service answers against the document that it serves: all checks
# of schemathesis, on SQLite and on PostgreSQL with Redis in open mode, and on
# SQLite with tokens. With tokens, also that nobody gets things of another by their
# ids (foreign_ids.py).
#
#   api-test.sh [ARG…]   ARGs go to `schemathesis run`
#
# What each run leaves to read is under target/api-test/<store>. The runs with
# tokens are `tokens` and `objects`.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly root
readonly schemathesis=4.32.5
readonly place=$root/target/api-test
readonly programs=$place/venv/bin
readonly service=${CARGO_TARGET_DIR:-$root/target}/debug/chat-service

service_pid=
trap stop_service EXIT

stop_service() {
    if [ -n "$service_pid" ]; then
        kill "$service_pid" 2>/dev/null || true
        wait "$service_pid" || true
        service_pid=
    fi
}

prepare() {
    cargo build --package chat-service
    if [ "$("$programs/schemathesis" --version 2>/dev/null)" != "schemathesis, version $schemathesis" ]; then
        python3 -m venv --clear "$place/venv"
        "$programs/pip" install --quiet "schemathesis==$schemathesis"
    fi
}

free_port() {
    "$programs/python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

healthy() {
    "$programs/python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' \
        "$1/health" 2>/dev/null
}

# A key of its own for each run.
secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
readonly secret

# Starts the service with the settings that are given (NAME=value), away from
# any .env, and with none of the caller's own settings.
start_service() {
    local url=$1 log=$2 tries=300
    shift 2
    env -u DATABASE_URL -u MIGRATE_DATABASE_URL -u REDIS_URL -u AUTH_MODE -u DEBUG -u SECRET_KEY \
        -u SECRET_KEY_PREVIOUS -u JWKS_FILE -u JWKS_URL -u JWT_AUDIENCE -u JWT_ISSUER \
        HOST=127.0.0.1 PORT="${url##*:}" DATA_DIR=data RUST_LOG=warn "$@" "$service" >"$log" 2>&1 &
    service_pid=$!
    until healthy "$url"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$service_pid" 2>/dev/null; then
            cat "$log" >&2
            echo "api-test: the service does not come up" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# An empty directory for a run.
enter() {
    echo "api-test: on $1"
    rm -rf "${place:?}/$1"
    mkdir -p "$place/$1"
    cd "$place/$1"
}

# Usage: check_store NAME [SETTING…] -- [ARG…]
check_store() {
    local name=$1 settings=() url
    shift
    while [ "$1" != -- ]; do
        settings+=("$1")
        shift
    done
    shift
    enter "$name"
    url=http://127.0.0.1:$(free_port)
    start_service "$url" service.log ${settings[@]+"${settings[@]}"}
    "$programs/schemathesis" --config-file "$root/.schemathesis.toml" \
        run "$url/openapi.json" --checks all "$@"
    stop_service
}

token_of() {
    env -u JWT_AUDIENCE -u JWT_ISSUER SECRET_KEY="$secret" \
        "$service" token --sub "$1" --role "$2" --tenant "$3" --expires-in 1d
}

# With tokens the headers of the open mode are not looked at: that wrong ones are
# refused is checked in that mode.
check_tokens() {
    local token
    token=$(token_of tester admin default)
    check_store tokens AUTH_MODE=jwt SECRET_KEY="$secret" RATE_LIMIT=0 RATE_LIMIT_UNAUTHENTICATED=0 -- \
        --header "Authorization: Bearer $token" --exclude-checks negative_data_rejection "$@"
}

# What the first caller makes is not there for others. The user has the name that
# examples of the document have, so that it speaks for itself.
check_objects() {
    local url
    enter objects
    url=http://127.0.0.1:$(free_port)
    start_service "$url" service.log AUTH_MODE=jwt SECRET_KEY="$secret" RATE_LIMIT=0 RATE_LIMIT_UNAUTHENTICATED=0
    OWNER=$(token_of owner admin default) SAME_TENANT=$(token_of u-1 user default) \
        OTHER_TENANT=$(token_of owner admin other) "$programs/python" "$root/deploy/local/foreign_ids.py" "$url"
    stop_service
}

# The second half is this script again, called with the servers up. They are
# always private ones: a given server's tables are not ours to fill.
if [ "${1:-}" = --on-servers ]; then
    shift
    check_store postgres DATABASE_URL="$TEST_DATABASE_URL" REDIS_URL="$TEST_REDIS_URL" -- "$@"
else
    prepare
    check_objects
    check_tokens "$@"
    check_store sqlite -- "$@"
    exec env -u TEST_DATABASE_URL -u TEST_REDIS_URL \
        "$root/deploy/local/services.sh" with -- "$root/deploy/local/api-test.sh" --on-servers "$@"
fi
