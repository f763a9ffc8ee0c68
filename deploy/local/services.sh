#!/usr/bin/env bash
#
# A private PostgreSQL and a private Redis, for the tests and for local work.
#
#   services.sh with -- CMD…   run CMD with TEST_DATABASE_URL and TEST_REDIS_URL
#                              set; afterwards nothing is left, whatever happened
#   services.sh programs -- CMD…   run CMD with TEST_POSTGRES_PROGRAMS and
#                              TEST_REDIS_SERVER set; it starts its own servers
#   services.sh up             start both and print the lines to use them
#   services.sh status         say what is up (exit code 3 when something is not)
#   services.sh down           stop them and throw their data away
#
# `with` takes a server that TEST_DATABASE_URL or TEST_REDIS_URL names; else it
# starts one from the programs of this machine; else it installs them with the
# package manager, as root or through sudo; else it says in one line what to do.
#
# Every server listens on loopback alone, on a port of its own, and keeps its
# data in a directory that dies with it.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly state=$here/../../target/services # what `up` left for `down`

job=   # the command of `with`, which leads a session of its own
asked= # the signal that asked us to stop

say() {
    printf 'services: %s\n' "$*" >&2
}

# What fails because we were interrupted is no news.
die() {
    leave_if_asked
    say "$*"
    exit 1
}

# shellcheck source=deploy/local/programs.sh
. "$here/programs.sh"
# shellcheck source=deploy/local/servers.sh
. "$here/servers.sh"

# Starts the servers that are named, each as soon as the one before it stands.
start() {
    local wanted
    [ $# -gt 0 ] || return 0
    need_programs "$@"
    for wanted in "$@"; do
        leave_if_asked
        "start_$wanted"
    done
    leave_if_asked
}

# --- Leaving -----------------------------------------------------------------

clean_up_at_exit() {
    trap clean_up EXIT
    trap 'note_signal HUP' HUP
    trap 'note_signal INT' INT
    trap 'note_signal TERM' TERM
}

# A signal only leaves a note, and ends the command; what it means is done
# between two steps, so that nothing that was begun is forgotten.
note_signal() {
    asked=$1
    if [ -n "$job" ]; then
        kill -s TERM -- "$job" "-$job" 2>/dev/null || true
    fi
}

leave_if_asked() {
    case $asked in
    HUP) exit 129 ;;
    INT) exit 130 ;;
    TERM) exit 143 ;;
    esac
}

clean_up() {
    set +e
    trap '' HUP INT TERM
    if [ -n "$job" ]; then
        stop_job 2>/dev/null # the shell would tell of a job that it kills
    fi
    stop_redis
    stop_postgres
    remove_made
}

# --- with --------------------------------------------------------------------

# Refuses a given server that does not answer. Its address is said without the
# user and password that the URL may carry.
check_given() {
    local variable=$1 schemes=$2 port=$3 url=${!1} scheme address host patience=()
    scheme=${url%%://*}
    case " $schemes " in
    *" $scheme "*) ;;
    *) die "$variable must begin with ${schemes%% *}://" ;;
    esac
    address=${url#*://}
    address=${address%%[/?]*}
    address=${address##*@}
    host=$address
    case $address in
    *]:* | [!\[]*:*)
        host=${address%:*}
        port=${address##*:}
        ;;
    esac
    host=${host#[}
    host=${host%]}
    if type -P timeout >/dev/null; then
        patience=(timeout 5)
    fi
    # shellcheck disable=SC2016 # the inner shell expands them
    if ! ${patience[@]+"${patience[@]}"} "$BASH" -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null; then
        die "$variable names a server that does not answer: $host, port $port"
    fi
}

# Stops the command with whatever it left behind in its group.
stop_job() {
    local tries=100
    kill -s TERM -- "-$job" 2>/dev/null || return 0
    while kill -0 -- "-$job" 2>/dev/null; do
        if [ "$tries" -eq 0 ]; then
            kill -s KILL -- "-$job" 2>/dev/null || true
            wait "$job"
            return 0
        fi
        tries=$((tries - 1))
        sleep 0.1
    done
}

# A session of its own lets us stop the command with all that it started, and
# keeps Ctrl-C from reaching it before us.
in_new_session() {
    if type -P setsid >/dev/null; then
        exec setsid "$@"
    fi
    exec perl -e 'use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV or exit 127' -- "$@"
}

with_services() {
    local code=0 missing=()
    clean_up_at_exit
    if [ -n "${TEST_DATABASE_URL:-}" ]; then
        check_given TEST_DATABASE_URL 'postgres postgresql' 5432
    else
        missing+=(postgres)
    fi
    if [ -n "${TEST_REDIS_URL:-}" ]; then
        check_given TEST_REDIS_URL 'redis rediss' 6379
    else
        missing+=(redis)
    fi
    start ${missing[@]+"${missing[@]}"}
    # Some tests stop and start servers of their own.
    name_programs

    export TEST_DATABASE_URL=${TEST_DATABASE_URL:-$(postgres_url)}
    export TEST_REDIS_URL=${TEST_REDIS_URL:-$(redis_url)}
    (
        trap - HUP INT TERM
        in_new_session "$@"
    ) </dev/null &
    job=$!
    leave_if_asked
    wait "$job" || code=$?
    leave_if_asked
    exit "$code"
}

# --- programs ----------------------------------------------------------------

name_programs() {
    need_programs postgres redis
    export TEST_POSTGRES_PROGRAMS=${TEST_POSTGRES_PROGRAMS:-$postgres_programs}
    export TEST_REDIS_SERVER=${TEST_REDIS_SERVER:-$redis_program}
}

# --- up, status, down --------------------------------------------------------

# Reads what `up` wrote down: the process, the port and the directory.
recall() {
    local directory=$1_dir
    # shellcheck disable=SC2229 # the name of the variable is what it holds
    read -r "$1_pid" "$1_port" "$directory" 2>/dev/null <"$state/$1" &&
        [[ ${!directory} == */chorus-services.* ]]
}

forget() {
    rm -f "$state/$1"
    rmdir "$state" 2>/dev/null || true
}

# A process of that number may be another's by now: the port must answer too.
is_up() {
    local pid=$1_pid port=$1_port
    recall "$1" && alive "${!pid}" && port_open 127.0.0.1 "${!port}"
}

up() {
    local wanted missing=()
    for wanted in postgres redis; do
        if ! is_up "$wanted"; then
            down_one "$wanted"
            missing+=("$wanted")
        fi
    done
    up_missing ${missing[@]+"${missing[@]}"}
    for wanted in postgres redis; do
        recall "$wanted"
    done
    echo "export DATABASE_URL=$(postgres_url)"
    echo "export REDIS_URL=$(redis_url)"
}

# In a shell of its own, whose end stops only what it began and did not finish.
up_missing() (
    postgres_dir=
    redis_dir=
    clean_up_at_exit
    start "$@"
    mkdir -p "$state"
    for wanted in "$@"; do
        remember "$wanted"
    done
    postgres_dir=
    redis_dir=
)

remember() {
    local pid=$1_pid port=$1_port directory=$1_dir
    echo "${!pid} ${!port} ${!directory}" >"$state/$1"
}

status() {
    local wanted port pid code=0
    for wanted in postgres redis; do
        port=${wanted}_port
        pid=${wanted}_pid
        if is_up "$wanted"; then
            echo "$wanted: up, $("${wanted}_url"), process ${!pid}"
        else
            echo "$wanted: down"
            code=3
        fi
    done
    return "$code"
}

down_one() {
    if ! recall "$1"; then
        return 0
    fi
    if is_up "$1"; then
        "stop_$1"
    else
        local directory=$1_dir
        rm -rf "${!directory}"
    fi
    forget "$1"
}

down() {
    down_one redis
    down_one postgres
}

usage() {
    sed -n '3,19s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

case ${1:-} in
with)
    if [ "${2:-}" != -- ] || [ $# -lt 3 ]; then
        say "with what? services.sh with -- CMD…"
        exit 2
    fi
    shift 2
    with_services "$@"
    ;;
programs)
    if [ "${2:-}" != -- ] || [ $# -lt 3 ]; then
        say "which programs? services.sh programs -- CMD…"
        exit 2
    fi
    shift 2
    name_programs
    exec "$@"
    ;;
up | down | status) "$1" ;;
-h | --help | help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
