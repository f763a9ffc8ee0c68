#!/usr/bin/env bash
#
# Uploads 50 files of 25 MiB at once and shows how much more memory the service
# takes for it than at rest; more than 100 MiB fails. Arguments: how many files,
# and how many MiB each has. The settings of the environment hold, so that
# ATTACHMENTS_URL and AWS_… show the same with S3.
#
# Needs curl, and room for all files on the disk of TMPDIR.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
files=${1:-50}
mib=${2:-25}

place=$(mktemp -d)
service=
trap 'if [ -n "$service" ]; then kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; fi; rm -rf "$place"' EXIT

(cd "$root" && cargo build --quiet --package chat-service)
ATTACHMENT_UPLOADS_AT_ONCE=$files "${CARGO_TARGET_DIR:-$root/target}/debug/chat-service" \
    --port 0 --data-dir "$place" >"$place/log" &
service=$!

address=
for _ in $(seq 300); do
    address=$(sed -n 's/.*"message":"listening","address":"\([^"]*\)".*/\1/p' "$place/log")
    [ -z "$address" ] || break
    sleep 0.1
done

memory() {
    awk '/^VmRSS:/ { print $2 }' "/proc/$service/status"
}
upload() {
    curl --silent --output /dev/null --write-out '%{http_code}\n' --form "file=@$place/file;type=text/plain" \
        "http://$address/api/v1/sessions/$session/attachments"
}

yes 'a line of a text that is rather long' | head -c "$((mib * 1024 * 1024))" >"$place/file" || true
session=$(curl --silent --fail --header 'Content-Type: application/json' --data '{"user_id":"ann"}' \
    "http://$address/api/v1/sessions" | sed 's/.*"id":"\([^"]*\)","tenant.*/\1/')
# What the first one brings along stays for good, and is not of interest.
upload >"$place/first"
rest=$(memory)

uploads=()
for number in $(seq "$files"); do
    upload >"$place/status.$number" &
    uploads+=($!)
done
(
    most=0
    while sleep 0.05; do
        now=$(memory)
        if [ "$now" -gt "$most" ]; then
            most=$now
            echo "$most" >"$place/most"
        fi
    done
) &
watch=$!
wait "${uploads[@]}"
kill "$watch"
wait "$watch" 2>/dev/null || true

taken=$(cat "$place"/status.* | grep -c '^201$' || true)
more=$((($(cat "$place/most") - rest) / 1024))
echo "$taken of $files files of $mib MiB taken; $((rest / 1024)) MiB at rest, $more MiB more at most"
if [ "$taken" -ne "$files" ] || [ "$more" -ge 100 ]; then
    exit 1
fi
