#!/usr/bin/env bash
#
# What limits cost a request: the same load, in turn, on nodes that differ in nothing else. One has no limits, one has
# limits that nobody reaches, one has them through Redis too where TEST_REDIS_URL names one. Prints the processor time
# that a request takes on each, and the median over all rounds of its ratio to that without limits; times of the clock
# would say as much of what else the machine does.
#
# Needs the release builds of chat-service and chat-load. Arguments: rounds (9), seconds for each load (2).

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
programs=${CARGO_TARGET_DIR:-$root/target}/release
rounds=${1:-9}
seconds=${2:-2}

place=$(mktemp -d)
processes=()
trap 'kill "${processes[@]}" 2>/dev/null || true; wait || true; rm -rf "$place"' EXIT

names=(none process)
declare -A settings=(
    [none]="RATE_LIMIT=0 MAX_REQUESTS_PER_CALLER=0 RATE_LIMIT_UNAUTHENTICATED=0"
    [process]="RATE_LIMIT=1000000 RATE_BURST=10000000 RATE_LIMIT_MESSAGES=1000000 RATE_BURST_MESSAGES=10000000"
)
if [ -n "${TEST_REDIS_URL:-}" ]; then
    names+=(redis)
    settings[redis]="${settings[process]} REDIS_URL=$TEST_REDIS_URL REDIS_PREFIX=limit-cost-$$"
fi

declare -A process address
for name in "${names[@]}"; do
    mkdir "$place/$name"
    # The settings are words without spaces.
    # shellcheck disable=SC2086
    (cd "$place/$name" && exec env -i AUTH_MODE=gateway TRUSTED_PROXIES=127.0.0.1 ${settings[$name]} \
        "$programs/chat-service" --port 0 --data-dir "$place/$name" >"$place/$name/log") &
    process[$name]=$!
    processes+=("$!")
done
for name in "${names[@]}"; do
    for _ in $(seq 100); do
        address[$name]=$(sed -n 's/.*"message":"listening".*"address":"\([^"]*\)".*/\1/p' "$place/$name/log")
        [ -z "${address[$name]}" ] || break
        sleep 0.1
    done
done

# Clock ticks that a process has used, in user mode and in the kernel.
ticks() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# Sends one load to a node; notes the microseconds of processor time that one request took.
measure() {
    local case=$1 name=$2 before after answered
    before=$(ticks "${process[$name]}")
    answered=$("$programs/chat-load" run --url "http://${address[$name]}/api/v1" --case "$case" --json \
        --seconds "$seconds" --warm-up 0 --connections 32 --sessions 50 \
        --header 'X-User-Id: load' --header 'X-User-Role: service' | sed 's/.*"answered":\([0-9]*\).*/\1/')
    after=$(ticks "${process[$name]}")
    awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v answered="$answered" \
        'BEGIN { printf "%.2f\n", ticks / hz * 1e6 / answered }' >>"$place/$case.$name"
}

median() {
    sort -n | awk '{ line[NR] = $1 } END { print (line[int((NR + 1) / 2)] + line[int(NR / 2) + 1]) / 2 }'
}

for case in list create; do
    for name in "${names[@]}"; do measure "$case" "$name"; rm "$place/$case.$name"; done
    for _ in $(seq "$rounds"); do
        for name in "${names[@]}"; do measure "$case" "$name"; done
    done
done

echo "| case | limits | µs of processor time a request | ratio |"
echo "|---|---|--:|--:|"
for case in list create; do
    for name in "${names[@]}"; do
        ratio=$(paste "$place/$case.$name" "$place/$case.none" | awk '{ print $1 / $2 }' | median)
        printf '| %s | %s | %.1f | %.3f |\n' "$case" "$name" "$(median <"$place/$case.$name")" "$ratio"
    done
done
