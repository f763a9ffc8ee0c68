# shellcheck shell=bash
#
# Starting and stopping the servers. Sourced by services.sh.

readonly attempts=5 # ports to try before giving up

postgres_dir= # data and logs of the cluster
postgres_pid=
postgres_port=
redis_dir=
redis_pid=
redis_port=

# A dead process that nobody has collected (as in a container whose first
# process does not) is not alive.
alive() {
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# Sends the signal and waits for the end; who does not go in 20 s is made to.
stop_process() {
    local pid=$1 signal=$2 tries=200
    kill -s "$signal" "$pid" 2>/dev/null || return 0
    while alive "$pid"; do
        if [ "$tries" -eq 0 ]; then
            kill -s KILL "$pid" 2>/dev/null || true
            return 0
        fi
        tries=$((tries - 1))
        sleep 0.1
    done
}

# The line of a log that says what was wrong.
last_error() {
    grep -iE 'error|fatal|fail|^E:' "$1" | tail -n 1 | grep . || tail -n 1 "$1"
}

port_open() {
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# A port below the range that the system gives to outgoing connections. Nobody
# answers there now; the server's own bind has the last word.
random_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && port_open 127.0.0.1 "$port"; do
        :
    done
    echo "$port"
}

# Makes a fresh directory, in the first place where the server's user can reach
# it, and puts its name into the variable.
make_directory() {
    local variable=$1 base directory
    for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        directory=$(mktemp -d "$base/chorus-services.XXXXXX" 2>/dev/null) || continue
        printf -v "$variable" %s "$directory"
        [ "$variable" = postgres_dir ] && [ -n "$owner" ] || return 0
        chown "$owner" "$directory"
        if as_owner test -w "$directory" -a -x "$directory"; then
            return 0
        fi
        rmdir "$directory"
    done
    printf -v "$variable" %s ''
    die "no directory that the servers can write to: set TMPDIR to one"
}

start_postgres() {
    local tries=$attempts
    make_directory postgres_dir
    # Durability stays as PostgreSQL ships it (fsync, synchronous_commit): the
    # tests make promises about what an answer means, and they shall make them
    # about the real thing.
    postgres_program initdb --username=chorus --auth=trust --encoding=UTF8 --locale=C --no-sync ||
        die "PostgreSQL makes no cluster: $(last_error "$postgres_dir/log")"
    printf '%s\n' "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''" 'max_connections = 300' \
        >>"$postgres_dir/data/postgresql.conf"
    until start_postgres_at "$(random_port)"; do
        stop_postgres_process
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "PostgreSQL does not start: $(last_error "$postgres_dir/data/server.log")"
    done
}

# Runs one of PostgreSQL's programs on our cluster, from a place where its user
# may be.
postgres_program() {
    local program=$1
    shift
    (
        cd "$postgres_dir" || exit
        as_owner env LC_ALL=C "$postgres_programs/$program" --pgdata="$postgres_dir/data" "$@"
    ) >"$postgres_dir/log" 2>&1
}

# pg_ctl gives the server a session of its own, where Ctrl-C does not reach it.
start_postgres_at() {
    postgres_port=$1
    postgres_program pg_ctl start --wait --timeout=60 --log="$postgres_dir/data/server.log" \
        --options="-p $postgres_port" || return 1
    # shellcheck disable=SC2034 # `remember` asks for it by its name
    postgres_pid=$(head -n 1 "$postgres_dir/data/postmaster.pid")
}

# The data goes too, so the server need not write it down first.
stop_postgres_process() {
    local pid
    if read -r pid 2>/dev/null <"$postgres_dir/data/postmaster.pid"; then
        stop_process "$pid" QUIT
    fi
}

stop_postgres() {
    [ -n "$postgres_dir" ] || return 0
    stop_postgres_process
    rm -rf "$postgres_dir"
    postgres_dir=
}

start_redis() {
    local tries=$attempts
    make_directory redis_dir
    until start_redis_at "$(random_port)"; do
        stop_process "$redis_pid" TERM
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "Redis does not start: $(last_error "$redis_dir/log")"
    done
}

# A command in the background of a script ignores Ctrl-C, as is wanted here.
start_redis_at() {
    local tries=100
    redis_port=$1
    "$redis_program" --port "$redis_port" --bind 127.0.0.1 --dir "$redis_dir" --daemonize no \
        --save '' --appendonly no </dev/null >"$redis_dir/log" 2>&1 &
    redis_pid=$!
    while alive "$redis_pid" && [ "$tries" -gt 0 ]; do
        if [ "$(redis_pid_at "$redis_port")" = "$redis_pid" ]; then
            return 0
        fi
        tries=$((tries - 1))
        sleep 0.1
    done
    return 1
}

# The process that answers at the port: the one that was started there, or
# another that was quicker to take it.
redis_pid_at() {
    local line
    {
        exec 3<>"/dev/tcp/127.0.0.1/$1" || return 0
    } 2>/dev/null
    printf 'INFO server\r\n' >&3
    while read -r -t 2 line <&3; do
        case $line in
        process_id:*)
            line=${line#process_id:}
            echo "${line%$'\r'}"
            break
            ;;
        esac
    done
    exec 3>&-
}

stop_redis() {
    [ -n "$redis_dir" ] || return 0
    if [ -n "$redis_pid" ]; then
        stop_process "$redis_pid" TERM
    fi
    rm -rf "$redis_dir"
    redis_dir=
}

postgres_url() {
    echo "postgres://chorus@127.0.0.1:$postgres_port/postgres"
}

redis_url() {
    echo "redis://127.0.0.1:$redis_port"
}
