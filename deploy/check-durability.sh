#!/usr/bin/env bash
#
# Shows that a message lies on the disk before it is acknowledged: traces the
# service on an SQLite file and looks for a sync of the write-ahead log between
# the request and its answer. A killed process proves nothing of the kind, since
# it leaves the page cache alone.
#
# Needs strace and curl. PostgreSQL is asked by the tests: each connection of the
# service has synchronous_commit = on.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

for program in strace curl; do
    if ! type -P "$program" >/dev/null; then
        echo "check-durability: $program is missing" >&2
        exit 1
    fi
done

place=$(mktemp -d)
service=
trap 'if [ -n "$service" ]; then kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; fi; rm -rf "$place"' EXIT

(cd "$root" && cargo build --quiet --package chat-service)
strace -f -y -s 40 -e trace=fsync,fdatasync,recvfrom,sendto,writev -o "$place/trace" \
    "$root/target/debug/chat-service" --port 0 --data-dir "$place" >"$place/log" &
service=$!

address=
for _ in $(seq 100); do
    address=$(sed -n 's/.*"message":"listening","address":"\([^"]*\)".*/\1/p' "$place/log")
    [ -z "$address" ] || break
    sleep 0.1
done

post() {
    curl --silent --show-error --fail --header 'Content-Type: application/json' --data "$2" "http://$address/api/v1$1"
}
session=$(post /sessions '{"user_id":"ann"}' | sed 's/.*"id":"\([^"]*\)".*/\1/')
post "/sessions/$session/messages" '{"content":"hello","sender_type":"user","sender_id":"ann"}' >/dev/null

# strace's own child is the service; it ends with it.
pkill -TERM -P "$service" || true
wait "$service" || true
service=

awk '
    /POST \/api\/v1\/sessions\// { asked = NR }
    asked && !answered && /(fsync|fdatasync)\(.*chat\.db-wal/ { synced = NR }
    asked && !answered && /HTTP\/1\.1 201/ { answered = NR }
    END {
        if (!answered || !synced) {
            print "NOT durable: no sync of chat.db-wal between the request and its answer"
            exit 1
        }
        print "durable: request, sync of chat.db-wal, answer (lines " asked ", " synced ", " answered " of the trace)"
    }' "$place/trace"
