# shellcheck shell=bash
#
# The programs of the servers: found on this machine, or installed. Sourced by
# services.sh.

readonly oldest_postgres=15

postgres_programs= # directory of initdb, pg_ctl and postgres
owner=             # who runs PostgreSQL when we are root
switch=            # how we become that user
redis_program=
made=() # files of an installation that shall not outlive it

# PostgreSQL refuses to run as root, so root runs it as somebody else.
as_owner() {
    # shellcheck disable=SC2016 # the inner shell expands it
    case $switch in
    setpriv) setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups -- "$@" ;;
    runuser) runuser -u "$owner" -- "$@" ;;
    su) su -s /bin/sh -c 'exec "$0" "$@"' -- "$owner" "$@" ;;
    *) "$@" ;;
    esac
}

choose_owner() {
    [ "$(id -u)" -eq 0 ] || return 0
    for owner in postgres nobody $(awk -F: '$3 > 0 { print $1 }' /etc/passwd); do
        id -u "$owner" >/dev/null 2>&1 || continue
        for switch in setpriv runuser su; do
            if as_owner true >/dev/null 2>&1; then
                return 0
            fi
        done
    done
    die "PostgreSQL does not run as root, and no other user can be used here: run this as a user, or set TEST_DATABASE_URL"
}

# Where PostgreSQL may lie, best first: what the user calls by name, then what
# packages install, newest first.
postgres_candidates() {
    type -P postgres initdb || true
    printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -rV
    echo /usr/local/bin/postgres
    if type -P pg_config >/dev/null; then
        echo "$(pg_config --bindir)/postgres"
    fi
    printf '%s\n' /usr/pgsql-*/bin/postgres /opt/homebrew/opt/postgresql@*/bin/postgres \
        /usr/local/opt/postgresql@*/bin/postgres | sort -rV
}

find_postgres() {
    local candidate directory version
    choose_owner
    while read -r candidate; do
        # Through symlinks to the real directory: the programs look for each
        # other, and for their files, beside themselves.
        candidate=$(readlink -f "$candidate") || continue
        directory=${candidate%/*}
        if ! as_owner test -x "$directory/postgres" -a -x "$directory/initdb" -a -x "$directory/pg_ctl"; then
            continue
        fi
        version=$("$directory/postgres" --version 2>/dev/null) || continue
        version=${version#*) }
        version=${version%%[!0-9]*}
        if [ "${version:-0}" -ge "$oldest_postgres" ]; then
            postgres_programs=$directory
            return 0
        fi
    done < <(postgres_candidates 2>/dev/null)
    return 1
}

find_redis() {
    local candidate
    for candidate in redis-server valkey-server /usr/local/bin/redis-server /opt/homebrew/bin/redis-server; do
        if redis_program=$(type -P "$candidate") && [ -x "$redis_program" ]; then
            return 0
        fi
    done
    return 1
}

# --- Installing --------------------------------------------------------------

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# Installs the programs that are named (postgres, redis), and starts no server
# of the system's own.
install_programs() {
    local manager wanted packages=() log
    for manager in apt-get dnf pacman apk brew ''; do
        [ -n "$manager" ] || return 1
        if type -P "$manager" >/dev/null; then
            break
        fi
    done
    if [ "$manager" != brew ] && ! as_root true >/dev/null 2>&1; then
        return 1
    fi
    for wanted in "$@"; do
        case $manager-$wanted in
        apt-get-postgres) packages+=(postgresql) ;;
        dnf-postgres) packages+=(postgresql-server) ;;
        apk-postgres) packages+=(postgresql16) ;;
        brew-postgres) packages+=(postgresql@17) ;;
        apt-get-redis) packages+=(redis-server) ;;
        pacman-redis) packages+=(valkey) ;;
        *-postgres) packages+=(postgresql) ;;
        *-redis) packages+=(redis) ;;
        esac
    done
    say "installing ${packages[*]} with $manager"
    log=$(mktemp)
    made+=("$log")
    if ! "install_with_${manager%-get}" "${packages[@]}" </dev/null >"$log" 2>&1; then
        say "$manager: $(last_error "$log")"
    fi
    remove_made
}

remove_made() {
    local file
    for file in ${made[@]+"${made[@]}"}; do
        if [ -w "${file%/*}" ]; then
            rm -f "$file"
        else
            sudo -n rm -f "$file"
        fi
    done
    made=()
}

# While the packages are set up, no daemon is started and no cluster is made.
install_with_apt() {
    write_once /usr/sbin/policy-rc.d '#!/bin/sh' 'exit 101'
    write_once /etc/postgresql-common/createcluster.d/chorus.conf 'create_main_cluster = false'
    as_root apt-get update -q || true # yesterday's lists may do
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# Writes an executable file of the system's until the installation is over; one
# that is there has its reasons and stays.
write_once() {
    local file=$1
    shift
    [ ! -e "$file" ] || return 0
    made+=("$file")
    as_root mkdir -p "${file%/*}"
    printf '%s\n' "$@" | as_root tee "$file" >/dev/null
    as_root chmod 755 "$file"
}

install_with_dnf() {
    as_root dnf install -y "$@"
}

install_with_pacman() {
    as_root pacman -Sy --noconfirm --needed "$@"
}

install_with_apk() {
    as_root apk add "$@"
}

install_with_brew() {
    brew install "$@"
}

# Finds the programs that are named, and installs what is missing.
need_programs() {
    local wanted missing=() told=()
    for wanted in "$@"; do
        "find_$wanted" || missing+=("$wanted")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    install_programs "${missing[@]}" || true
    for wanted in "${missing[@]}"; do
        if ! "find_$wanted"; then
            case $wanted in
            postgres) told+=("PostgreSQL $oldest_postgres or later (Debian: apt-get install postgresql; or set TEST_DATABASE_URL)") ;;
            redis) told+=("Redis (Debian: apt-get install redis-server; or set TEST_REDIS_URL)") ;;
            esac
        fi
    done
    if [ ${#told[@]} -gt 0 ]; then
        die "missing, and not to be installed from here: ${told[0]}${told[1]:+, and ${told[1]}}"
    fi
}
