#!/usr/bin/env bash
#
# Asks a real Prometheus, which scrapes a real node, every question of the dashboard, and has it evaluate the alerts. A
# question passes when it has an answer. Figures that come into being only when something happens (a refusal, say) may be
# missing, and are listed.
#
#   check-dashboard.sh   needs cargo, curl, jq, Redis, and prometheus or Debian's packages

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly service=${CARGO_TARGET_DIR:-$root/target}/debug/chat-service
readonly node=127.0.0.1:18437 server=127.0.0.1:18438

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

start() {
    (cd "$work" && exec env HOST=127.0.0.1 PORT="${node#*:}" AUTH_MODE=open RUST_LOG=warn \
        DATABASE_URL="$TEST_DATABASE_URL" REDIS_URL="$TEST_REDIS_URL" "$service" >"$work/service.log" 2>&1) &
    pids+=($!)
    cat >"$work/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [$root/deploy/prometheus/alerts.yaml]
scrape_configs: [{ job_name: chat-service, static_configs: [{ targets: ["$node"] }] }]
END
    "$prometheus_programs/prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
        --web.listen-address="$server" >"$work/prometheus.log" 2>&1 &
    pids+=($!)
    wait_for "http://$node/health/ready"
    wait_for "http://$server/-/ready"
}

# A little of everything, for as long as a rate looks back.
talk() {
    local api=http://$node/api/v1 session
    for _ in 1 2 3 4 5 6; do
        session=$(curl --silent --fail "$api/sessions" --json '{"user_id":"ann"}' | jq --raw-output .id)
        for _ in 1 2 3; do
            curl --silent --fail --output /dev/null "$api/sessions/$session/messages" \
                --json '{"content":"hello","sender_type":"user","sender_id":"ann"}'
            curl --silent --fail --output /dev/null "$api/sessions/$session/messages"
            curl --silent --fail --output /dev/null "$api/sessions/$session/messages"
            curl --silent --output /dev/null "$api/sessions/none"
        done
        sleep 1
    done
}

questions() {
    # shellcheck disable=SC2016 # the names are Grafana's
    jq --raw-output '.panels[].targets[]?.expr' "$root"/deploy/grafana/dashboards/*.json |
        sed -e 's/\$job/chat-service/g' -e 's/\$instance/.+/g' -e 's/\$__rate_interval/10s/g'
}

alerts_work() {
    curl --silent --fail "http://$server/api/v1/rules" |
        jq --exit-status '[.data.groups[].rules[].health] | length > 0 and all(. == "ok")' >/dev/null
}

# Names in a question that no series has.
unseen() {
    local name
    grep -oE '\bchat_[a-z_]+' <<<"$1" | sort -u | while read -r name; do
        ask "count($name)" | jq --exit-status '.data.result | length > 0' >/dev/null || echo "$name"
    done
}

ask() { curl --silent --get "http://$server/api/v1/query" --data-urlencode "query=$1"; }

answered=0 failed=0 missing=
find_prometheus "${CARGO_TARGET_DIR:-$root/target}/check-manifests"
start
talk
while read -r question; do
    if ask "$question" | jq --exit-status '.status == "success" and (.data.result | length > 0)' >/dev/null; then
        answered=$((answered + 1))
    elif names=$(unseen "$question") && [ -n "$names" ]; then
        missing+="$names"$'\n'
    else
        echo "check-dashboard: FAILED: no answer to: $question"
        failed=$((failed + 1))
    fi
done < <(questions)
echo "check-dashboard: $answered questions answered, $failed failed; not seen here, since nothing like it happened:"
sort -u <<<"$missing" | sed '/^$/d; s/^/  /'
if ! alerts_work; then
    echo "check-dashboard: FAILED: an alert cannot be evaluated"
    failed=$((failed + 1))
fi
[ "$failed" -eq 0 ]
