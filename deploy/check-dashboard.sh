#!/usr/bin/env bash
#
# Asks a real Prometheus, which scrapes three real nodes, every question of the dashboard, and has it evaluate the alerts. A
# question passes when it has an answer that is a number, without what it says where there is none (`or vector(0)`). One
# node has PostgreSQL, Redis, tokens, limits, traces and a port for its figures; one is as plain as can be, on SQLite; one
# has lost its database, so that there are failures to be asked for.
#
#   check-dashboard.sh   needs cargo, curl, jq, the programs of PostgreSQL, Redis, and prometheus or Debian's packages

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly service=${CARGO_TARGET_DIR:-$root/target}/debug/chat-service
readonly node=127.0.0.1:18437 figures=127.0.0.1:18439 plain_node=127.0.0.1:18440 lost_node=127.0.0.1:18441
readonly server=127.0.0.1:18438
readonly secret=for-this-check-alone-0123456789abcdef

if [ "${1:-}" != --on-servers ]; then
    cargo build --package chat-service
    exec env -u TEST_DATABASE_URL -u TEST_REDIS_URL \
        "$root/deploy/local/services.sh" with -- "$root/deploy/check-dashboard.sh" --on-servers
fi

# shellcheck source=deploy/prometheus/programs.sh
. "$root/deploy/prometheus/programs.sh"

work=$(mktemp -d)
readonly work
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

wait_for() {
    local tries=300
    until curl --silent --fail --output /dev/null "$1"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            cat "$work"/*.log >&2
            echo "check-dashboard: nothing answers at $1" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# Usage: run_node NAME VARIABLE=VALUE...
run_node() {
    local name=$1
    shift
    (cd "$work" && exec env HOST=127.0.0.1 RUST_LOG=warn DATA_DIR="$work/$name" "$@" "$service" >"$work/$name.log" 2>&1) &
    pids+=($!)
}

start() {
    echo '{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}' \
        >"$work/keys.json"
    # Nobody listens on port 1: spans are lost, and counted.
    run_node full PORT="${node#*:}" METRICS_PORT="${figures#*:}" DATABASE_URL="$TEST_DATABASE_URL" \
        REDIS_URL="$TEST_REDIS_URL" AUTH_MODE=jwt SECRET_KEY="$secret" JWKS_FILE="$work/keys.json" \
        OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1
    run_node plain PORT="${plain_node#*:}" AUTH_MODE=open
    createdb --maintenance-db="$TEST_DATABASE_URL" --template=template0 lost
    run_node lost PORT="${lost_node#*:}" AUTH_MODE=open DATABASE_URL="${TEST_DATABASE_URL%/*}/lost"
    cat >"$work/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [$root/deploy/prometheus/alerts.yaml]
scrape_configs: [{ job_name: chat-service, static_configs: [{ targets: ["$figures", "$plain_node", "$lost_node"] }] }]
END
    "$prometheus_programs/prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
        --web.listen-address="$server" >"$work/prometheus.log" 2>&1 &
    pids+=($!)
    wait_for "http://$node/health/ready"
    wait_for "http://$plain_node/health/ready"
    wait_for "http://$lost_node/health/ready"
    dropdb --force --maintenance-db="$TEST_DATABASE_URL" lost
    wait_for "http://$server/-/ready"
}

# A little of everything, for as long as a rate looks back.
talk() {
    local token
    token=$(cd "$work" && env AUTH_MODE=jwt SECRET_KEY="$secret" "$service" token --sub ann --tenant acme --role service)
    for _ in 1 2 3 4 5 6; do
        talk_to "$node" --oauth2-bearer "$token"
        talk_to "$plain_node"
        curl --silent --output /dev/null "http://$lost_node/api/v1/sessions" --json '{"user_id":"ann"}'
        sleep 1
    done
}

talk_to() {
    local api=http://$1/api/v1 session
    shift
    session=$(curl --silent --fail "$@" "$api/sessions" --json '{"user_id":"ann"}' | jq --raw-output .id)
    for _ in 1 2 3; do
        curl --silent --fail --output /dev/null "$@" "$api/sessions/$session/messages" \
            --json '{"content":"hello","sender_type":"user","sender_id":"ann"}'
        curl --silent --fail --output /dev/null "$@" "$api/sessions/$session/messages"
        curl --silent --fail --output /dev/null "$@" "$api/sessions/$session/messages"
        curl --silent --output /dev/null "$@" "$api/sessions/none"
    done
}

# Those of the panels, and those that fill the choices above them.
questions() {
    # shellcheck disable=SC2016 # the names are Grafana's
    jq --raw-output '(.templating.list[].query | objects.query), .panels[].targets[]?.expr' \
        "$root"/deploy/grafana/dashboards/*.json |
        sed -E -e 's/\$job/chat-service/g' -e 's/\$instance/.+/g' -e 's/\$__rate_interval/10s/g' \
            -e 's/^label_values\((.*), ([a-z_]+)\)$/count by (\2) (\1)/' \
            -e 's/ or (on *\(\) *)?vector\([^)]*\)//g'
}

alerts_work() {
    curl --silent --fail "http://$server/api/v1/rules" |
        jq --exit-status '[.data.groups[].rules[].health] | length > 0 and all(. == "ok")' >/dev/null
}

# A number, of one series at least: NaN is what a share of nothing is.
is_answer() {
    jq --exit-status '.status == "success" and (.data.result | map(.value[1]) | any(. != "NaN"))' >/dev/null
}

ask() { curl --silent --get "http://$server/api/v1/query" --data-urlencode "query=$1"; }

answered=0 failed=0
find_prometheus "${CARGO_TARGET_DIR:-$root/target}/check-manifests"
start
talk
while read -r question; do
    if ask "$question" | is_answer; then
        answered=$((answered + 1))
    else
        echo "check-dashboard: FAILED: no answer to: $question"
        failed=$((failed + 1))
    fi
done < <(questions)
echo "check-dashboard: $answered questions answered, $failed failed"
if ! alerts_work; then
    echo "check-dashboard: FAILED: an alert cannot be evaluated"
    failed=$((failed + 1))
fi
[ "$failed" -eq 0 ]
