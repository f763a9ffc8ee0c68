# shellcheck shell=bash
#
# Where prometheus and promtool are: on this machine, or taken out of Debian's package, which is not installed, since
# that would start a server. Sourced by the checks.

# Usage: find_prometheus DIRECTORY, which may be filled; puts the directory with both into `prometheus_programs`.
find_prometheus() {
    local directory=$1
    if prometheus_programs=$(type -P promtool) && type -P prometheus >/dev/null; then
        prometheus_programs=$(dirname "$prometheus_programs")
        return 0
    fi
    # shellcheck disable=SC2034 # whoever sources this asks for it
    prometheus_programs=$directory/prometheus/usr/bin
    if [ ! -x "$prometheus_programs/promtool" ]; then
        mkdir -p "$directory/prometheus"
        (cd "$directory/prometheus" && apt-get download --quiet=2 prometheus && dpkg-deb --extract prometheus_*.deb .) || {
            echo "neither prometheus on this machine nor a Debian package of it" >&2
            return 1
        }
    fi
}
