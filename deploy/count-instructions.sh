#!/usr/bin/env bash
#
# Counts what one call of each hot path costs, in instructions, and holds it
# against the figures in deploy/instructions.txt: more than a tenth off, in
# either direction, is a failure. Two runs that differ in the number of calls
# are counted, so that starting up does not.
#
#   deploy/count-instructions.sh                # compare the release build
#   deploy/count-instructions.sh --dev          # compare what tests build
#   deploy/count-instructions.sh [--dev] --write # put the present figures there
#
# Unlike times, counts are the same on a busy machine. They do depend on the
# compiler and on the processor's abilities: those on which the C library
# chooses its copying loops are switched off here. The figures are those of
# x86-64.
#
# Needs valgrind, which is installed on Debian where it is missing.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly committed=$root/deploy/instructions.txt tolerance=10

say() {
    echo "count-instructions: $*" >&2
}

need_valgrind() {
    type -P valgrind >/dev/null && return 0
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
    say "installing valgrind"
    "${sudo[@]}" apt-get update -q >/dev/null 2>&1 || true # yesterday's lists may do
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends valgrind >/dev/null 2>&1 || true
    type -P valgrind >/dev/null && return 0
    say "valgrind is missing, and not to be installed from here (Debian: apt-get install valgrind)"
    exit 1
}

# Instructions of a run with so many calls, but for those with which the
# recorder of metrics gauges its clock: it does so for a time, not for a number.
count() {
    local counted
    rm -f "$place/profile"
    GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX512F,-ERMS,-FSRM \
        valgrind --tool=callgrind --callgrind-out-file="$place/profile" --log-file="$place/log" \
        "$program" "$1" "$2" >/dev/null || { cat "$place/log" >&2; exit 1; }
    counted=$(callgrind_annotate --inclusive=yes --threshold=100 "$place/profile" 2>"$place/log" | awk '
        { gsub(",", "", $1) }
        /PROGRAM TOTALS/ { all = $1 }
        /quanta::Clock::new/ && !clock { clock = $1 }
        END { print all - clock }')
    [ "$counted" -gt 0 ] || { cat "$place/log" >&2; exit 1; }
    echo "$counted"
}

# With all features of all crates, as tests are built: so nothing is built for
# this alone.
build_harness() {
    local what=(--release --package chat-service)
    [ "$build" = release ] || what=(--workspace --all-features)
    (cd "$root" && cargo build --quiet "${what[@]}" --example instructions)
}

build=release few=200 many=1200
write=
for argument in "$@"; do
    case $argument in
    --dev) build=dev few=50 many=250 ;;
    --write) write=1 ;;
    *)
        say "what is $argument?"
        exit 2
        ;;
    esac
done
readonly build write few many

need_valgrind
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
[ -n "${NOBUILD-}" ] || build_harness
directory=$build
[ "$build" = release ] || directory=debug
program=${CARGO_TARGET_DIR:-$root/target}/$directory/examples/instructions

failed=
for call in create list moved; do
    now=$((($(count "$call" "$many") - $(count "$call" "$few")) / (many - few)))
    before=$(sed -n "s/^$build $call //p" "$committed")
    if [ -n "$write" ]; then
        sed -i "s/^$build $call .*/$build $call $now/" "$committed"
        before=$now
    fi
    off=$(((now - before) * 1000 / before))
    sign=+
    [ "$off" -ge 0 ] || sign=-
    printf '%-6s %9d instructions a call, %d were committed (%s%d.%d %%)\n' \
        "$call" "$now" "$before" "$sign" $((${off#-} / 10)) $((${off#-} % 10))
    [ "${off#-}" -le $((tolerance * 10)) ] || failed=1
done
if [ -n "$failed" ]; then
    say "more than $tolerance % off. If it is meant to be so: deploy/count-instructions.sh --write, also with --dev, and a word in docs/performance.md"
    exit 1
fi
