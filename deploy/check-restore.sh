#!/usr/bin/env bash
#
# Tries out what docs/operations.md says of backups: fills each store, backs it up while messages keep coming, loses it,
# restores it, and looks whether every message that was acknowledged before the backup is there, in order, and whether
# the next one takes the next place. At last a server of PostgreSQL that archives its log goes back to the moment before
# somebody destroyed what is in it.
#
#   check-restore.sh   needs cargo, curl, jq, sqlite3, and the programs of PostgreSQL

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly service=${CARGO_TARGET_DIR:-$root/target}/debug/chat-service
readonly url=http://127.0.0.1:18439

if [ "${1:-}" != --on-servers ]; then
    cargo build --package chat-service
    exec env -u TEST_DATABASE_URL "$root/deploy/local/services.sh" with -- "$root/deploy/check-restore.sh" --on-servers
fi

work=$(mktemp -d)
readonly work
pid=
writer=
cluster= # the directory of a server of our own
trap 'kill $writer $pid 2>/dev/null || true; drop_cluster; rm -rf "$work"' EXIT

die() {
    echo "check-restore: FAILED: $*" >&2
    cat "$work/log" >&2
    exit 1
}

# Usage: start [SETTING…]
start() {
    local tries=300
    (cd "$work" && exec env -u DATABASE_URL -u REDIS_URL -u DATA_DIR HOST=127.0.0.1 PORT="${url##*:}" RUST_LOG=warn \
        AUTH_MODE=open "$@" "$service" >"$work/log" 2>&1) &
    pid=$!
    until curl --silent --fail --output /dev/null "$url/health/ready"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ! kill -0 "$pid" 2>/dev/null; then die "the service does not come up"; fi
        sleep 0.1
    done
}

stop() {
    kill "$pid"
    wait "$pid" || die "the service does not end well"
    pid=
}

api() { curl --silent --show-error --fail "$url/api/v1/$1" ${2:+--json "$2"}; }

send() { api "sessions/$session/messages" "{\"content\":\"$1\",\"sender_type\":\"user\",\"sender_id\":\"ann\"}" >/dev/null; }

# A session of some messages, and a writer that goes on.
fill() {
    local number
    session=$(api sessions '{"user_id":"ann"}' | jq --raw-output .id)
    for number in $(seq 20); do send "$number"; done
    (number=20 && while number=$((number + 1)) && send "$number"; do :; done) 2>/dev/null &
    writer=$!
    until [ "$(api "sessions/$session" | jq .message_count)" -gt 25 ]; do sleep 0.1; done
    keyed=$(api sessions '{"user_id":"bob"}' | jq --raw-output .id)
    removed=$(say_once | jq --raw-output .id)
    curl --silent --show-error --fail --output /dev/null --request DELETE "$url/api/v1/messages/$removed"
}

# A message with a key: said again, it is the one that is there.
say_once() {
    curl --silent --show-error --fail --header 'Idempotency-Key: once' \
        --json '{"content":"once","sender_type":"user","sender_id":"bob"}' "$url/api/v1/sessions/$keyed/messages"
}

# What was acknowledged by now must come back.
note() { acknowledged=$(api "sessions/$session" | jq .message_count); }

lose() {
    kill "$writer"
    wait "$writer" 2>/dev/null || true
    stop
}

# Message number n says n, so order and gaps show.
verify() {
    local messages count
    messages=$(api "sessions/$session/messages?limit=1000")
    count=$(jq length <<<"$messages")
    [ "$count" -ge "$acknowledged" ] || die "$acknowledged messages were acknowledged, and $count are there"
    jq --exit-status 'to_entries | all(.value.seq == .key + 1 and .value.content == "\(.key + 1)")' \
        <<<"$messages" >/dev/null || die "the messages are others than were sent"
    [ "$(api "sessions/$session" | jq .message_count)" -eq "$count" ] || die "the session counts wrong"
    jq --exit-status --arg id "$removed" '.id == $id and .is_deleted' <<<"$(say_once)" >/dev/null ||
        die "the key is forgotten, or the message is not deleted"
    send "$((count + 1))" || die "nothing can be sent"
    [ "$(api "sessions/$session/messages?order=desc&limit=1" | jq '.[0].seq')" -eq "$((count + 1))" ] ||
        die "the next message does not take the next place"
    echo "check-restore: ok: $1: $count messages came back, and the next took its place"
}

sqlite() {
    start DATA_DIR="$work/data"
    fill
    note
    sqlite3 "$work/data/chat.db" "VACUUM INTO '$work/backup.db'"
    [ "$(sqlite3 "$work/backup.db" 'PRAGMA integrity_check')" = ok ] || die "the backup is broken"
    lose
    rm "$work"/data/chat.db*
    mv "$work/backup.db" "$work/data/chat.db"
    start DATA_DIR="$work/data"
    verify SQLite
    stop
}

# Stopped, copied with all that lies there, started.
sqlite_copied() {
    start DATA_DIR="$work/stopped"
    fill
    note
    lose
    cp -R "$work/stopped" "$work/copy"
    rm "$work"/stopped/chat.db*
    cp -R "$work/copy/." "$work/stopped"
    start DATA_DIR="$work/stopped"
    verify "SQLite, stopped and copied"
    stop
}

postgres() {
    local server=${TEST_DATABASE_URL%/*}
    createdb --maintenance-db="$TEST_DATABASE_URL" --template=template0 chat
    start DATABASE_URL="$server/chat"
    fill
    note
    pg_dump --format=custom --dbname="$server/chat" --file="$work/backup"
    lose
    dropdb --maintenance-db="$TEST_DATABASE_URL" chat
    createdb --maintenance-db="$TEST_DATABASE_URL" --template=template0 chat
    pg_restore --exit-on-error --no-owner --dbname="$server/chat" "$work/backup"
    start DATABASE_URL="$server/chat"
    verify PostgreSQL
    stop
}

# --- To a moment -----------------------------------------------------------------------------------------------------

# shellcheck source=deploy/local/programs.sh
. "$root/deploy/local/programs.sh"
readonly own=postgres://chorus@127.0.0.1:18442

# Usage: program NAME DATA [ARG…]
program() { (cd "$cluster" && as_owner "$postgres_programs/$1" --pgdata="$cluster/$2" "${@:3}") >>"$work/log" 2>&1; }

drop_cluster() {
    local data
    [ -n "$cluster" ] || return 0
    for data in data base; do program pg_ctl "$data" stop --mode=immediate || true; done
    rm -rf "$cluster"
    cluster=
}

run_cluster() { program pg_ctl "$1" start --wait --log="$cluster/$1/server.log" || die "PostgreSQL does not start"; }

ask() { psql --quiet --no-align --tuples-only --dbname="$own/$1" --command="$2"; }

archiving_cluster() {
    find_postgres || die "there is no PostgreSQL"
    cluster=$(mktemp -d)
    mkdir "$cluster/archive"
    [ -z "$owner" ] || chown -R "$owner" "$cluster"
    program initdb data --username=chorus --auth=trust
    cat >>"$cluster/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = ${own##*:}
unix_socket_directories = ''
archive_mode = on
archive_command = 'test ! -f "$cluster/archive/%f" && cp "%p" "$cluster/archive/%f"'
END
    run_cluster data
    ask postgres 'CREATE DATABASE chat'
}

# Usage: within_a_minute PROMISE COMMAND [ARG…]
within_a_minute() {
    local promise=$1 tries=600
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "$promise"
        sleep 0.1
    done
}

# All of the log up to now is in the archive.
archived() {
    local segment
    segment=$(ask chat 'SELECT pg_walfile_name(pg_switch_wal())')
    within_a_minute "the log is archived" test -f "$cluster/archive/$segment"
}

recovered() { [ "$(ask chat 'SELECT pg_is_in_recovery()')" = f ]; }

to_a_moment() {
    local moment late
    archiving_cluster
    start DATABASE_URL="$own/chat"
    program pg_basebackup base --dbname="$own/chat" --checkpoint=fast || die "there is no base backup"
    fill
    note
    moment=$(ask chat 'SELECT clock_timestamp()')
    late=$(api sessions '{"user_id":"ann"}' | jq --raw-output .id)
    ask chat 'DELETE FROM messages'
    archived
    lose
    program pg_ctl data stop --mode=immediate
    cat >>"$cluster/base/postgresql.conf" <<END
restore_command = 'cp "$cluster/archive/%f" "%p"'
recovery_target_time = '$moment'
recovery_target_action = promote
END
    as_owner touch "$cluster/base/recovery.signal"
    run_cluster base
    within_a_minute "the server comes to the end of its recovery" recovered
    start DATABASE_URL="$own/chat"
    if api "sessions/$late" >/dev/null 2>&1; then die "what came after the moment is there"; fi
    verify "PostgreSQL, to a moment"
    stop
    drop_cluster
}

sqlite
sqlite_copied
postgres
to_a_moment
