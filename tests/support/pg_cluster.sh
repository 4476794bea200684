#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A private PostgreSQL 15 for one purpose (test, demo, bench, dev, ...). It never touches a system cluster: its data
# lies in build/pg/<purpose>, or, because PostgreSQL refuses to run as root, in /var/tmp/tagih-<hash of the tree>
# owned by postgres; its socket lies in a short directory of its own (a socket path holds 107 bytes); it opens no
# TCP port. fsync stays on: what the tests and the bench measure is what production does.
# The same text is inside the binary: `tagihd serve --dev` runs it from a pipe, with TAGIH_PG_ROOT set.
set -eu

usage() {
    cat <<'END'
usage: pg_cluster.sh <verb> <purpose>
  start [--fresh] PURPOSE   start it (made when absent; --fresh: made anew) and print its conninfo
  stop PURPOSE              stop it; the data stays
  kill PURPOSE              kill -9 the postmaster, as a power cut would (for tests)
  standby PURPOSE OF        a hot standby of the cluster OF, which runs: copied, started, following (for tests)
  promote PURPOSE           make a standby the one that is written to (for tests)
  status PURPOSE            exit 0 and print the conninfo when it runs, else exit 3
  env PURPOSE               print TAGIH_TEST_PG='...' for eval
  drop PURPOSE              stop it and remove its data
  clean                     drop every purpose of this work tree
  root                      print the folder that holds them all
Environment: TAGIH_PG_ROOT another root folder; TAGIH_PG_OWNER the process whose end makes a cluster a leftover;
TAGIH_PG_PRELOAD a library that is preloaded into PostgreSQL.
END
}

die() {
    echo "pg_cluster: $*" >&2
    exit 1
}

if [ -n "${TAGIH_PG_ROOT:-}" ]; then
    root=$TAGIH_PG_ROOT
elif tree=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P) && [ "$(id -u)" = 0 ]; then
    root=/var/tmp/tagih-$(printf %s "$tree" | sha256sum | cut -c1-12)
else
    root=$tree/build/pg
fi
bin=${TAGIH_PG_BIN:-/usr/lib/postgresql/15/bin}

# Run as the user who owns the cluster: postgres when we are root, else ourselves. In a folder that it can enter.
as_owner() {
    if [ "$(id -u)" = 0 ]; then (cd / && exec runuser -u postgres -- "$@"); else "$@"; fi
}

socket_dir() {
    cat "$dir/socket_dir" 2>/dev/null || true
}

conninfo() {
    echo "host=$(socket_dir) port=5432 user=postgres dbname=postgres"
}

# A postmaster works in its data folder. Asking the kernel where the process stands, and not only whether the pid
# exists, tells a live one from a zombie that nobody reaps and from a stranger who got the pid later.
is_running() {
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] &&
        [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$dir/data" ]
}

# Backends outlive a killed postmaster for a moment and hold its shared memory.
wait_for_orphans() {
    tries=0
    while readlink /proc/[0-9]*/cwd 2>/dev/null | grep -qxF "$dir/data"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || die "processes of the killed cluster '$purpose' do not end"
        sleep 0.1
    done
    rm -f "$dir/data/postmaster.pid"
}

# The run that started it, when that run is alive and is not the one that asks.
foreign_owner() {
    [ -f "$dir/owner" ] && read -r pid start <"$dir/owner" || return 1
    [ "$pid" != "$owner" ] && [ "$(start_time "$pid")" = "$start" ] && echo "$pid"
}

# When a process began, in clock ticks since boot: with it a pid that was given out again is not mistaken.
start_time() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

make_root() {
    mkdir -p "$root" || die "cannot make $root"
    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null 2>&1 || die "no user postgres: install postgresql-15 (./build.sh build does)"
        chown postgres: "$root"
        chmod 755 "$root"
    fi
    mkdir -p "$dir"
    if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
    chmod 700 "$dir"
}

settings() {
    cat <<'END'
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = off
jit = off
fsync = on
full_page_writes = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] %q%u@%d '
END
}

init() {
    as_owner "$bin/initdb" -D "$dir/data" -k --no-locale -E UTF8 -U postgres --auth-local=trust \
        --auth-host=reject -N >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb failed"; }
    settings | as_owner sh -c 'cat >>"$1"' sh "$dir/data/postgresql.conf"
    # initdb -N skips its own fsync of the empty template; one sync here keeps the promise of a durable start.
    sync -f "$dir/data" 2>/dev/null || sync
}

remove_socket_dir() {
    old=$(socket_dir)
    case $old in */tagih-pg.*) rm -rf -- "$old" ;; esac
    rm -f "$dir/socket_dir"
}

launch() {
    wait_for_orphans
    remove_socket_dir
    socket=$(mktemp -d /tmp/tagih-pg.XXXXXX)
    if [ "$(id -u)" = 0 ]; then chown postgres: "$socket"; fi
    echo "$socket" >"$dir/socket_dir"
    if ! as_owner env ${TAGIH_PG_PRELOAD:+"LD_PRELOAD=$TAGIH_PG_PRELOAD"} "$bin/pg_ctl" -D "$dir/data" -w -t 60 -s -l "$dir/log" -o "-k $socket" start >/dev/null 2>&1; then
        tail -n 20 "$dir/log" >&2
        die "PostgreSQL did not start; its log is $dir/log"
    fi
    echo "$owner $(start_time "$owner")" >"$dir/owner"
}

start() {
    [ -x "$bin/pg_ctl" ] || die "$bin/pg_ctl is missing: install postgresql-15 (./build.sh build does)"
    if [ "$fresh" = yes ] && other=$(foreign_owner) && is_running; then
        die "the cluster '$purpose' of this tree is in use by process $other; wait for it, or stop that run"
    fi
    if [ "$fresh" = yes ]; then drop; fi
    make_root
    [ -f "$dir/data/PG_VERSION" ] && [ -f "$dir/complete" ] || { rm -rf "$dir/data"; init; : >"$dir/complete"; }
    is_running || launch
    conninfo
}

stop() {
    if is_running; then
        as_owner "$bin/pg_ctl" -D "$dir/data" -m fast -w -t 30 -s stop >/dev/null 2>&1 ||
            as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 10 -s stop >/dev/null 2>&1 || true
    fi
    if [ -d "$dir" ]; then
        remove_socket_dir
        rm -f "$dir/owner"
    fi
}

drop() {
    stop
    case $dir in */?*) rm -rf -- "$dir" ;; esac
}

# The postmaster alone: its backends notice and die by themselves, as after an out-of-memory kill.
kill_hard() {
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null) || die "the cluster '$purpose' does not run"
    is_running || die "the cluster '$purpose' does not run"
    kill -9 "$pid"
    while is_running; do sleep 0.01; done
}

# By its name in application_name the other cluster may wait for it (synchronous_standby_names).
standby() {
    source=$(cat "$root/$of/socket_dir" 2>/dev/null) || die "the cluster '$of' does not run"
    drop
    make_root
    as_owner "$bin/pg_basebackup" -D "$dir/data" -d "host=$source port=5432 user=postgres application_name=$purpose" \
        -R -X stream -c fast >"$dir/basebackup.log" 2>&1 || { cat "$dir/basebackup.log" >&2; die "pg_basebackup failed"; }
    : >"$dir/complete"
    launch
    conninfo
}

promote() {
    as_owner "$bin/pg_ctl" -D "$dir/data" -w -t 60 -s promote >/dev/null 2>&1 || die "'$purpose' was not promoted"
}

clean() {
    [ -d "$root" ] || return 0
    for dir in "$root"/*/; do
        dir=${dir%/}
        [ -d "$dir" ] && drop
    done
    rmdir "$root" 2>/dev/null || true
}

main() {
    verb=${1:-}
    [ $# -gt 0 ] && shift
    fresh=no
    if [ "${1:-}" = --fresh ]; then
        fresh=yes
        shift
    fi
    purpose=${1:-}
    of=${2:-}
    owner=${TAGIH_PG_OWNER:-$PPID}
    dir=$root/$purpose
    case $verb in
    clean) clean; exit 0 ;;
    root) echo "$root"; exit 0 ;;
    help | -h | --help) usage; exit 0 ;;
    start | stop | kill | status | env | drop | promote) ;;
    standby) case $of in '' | *[!a-z0-9_-]*) die "a standby of which cluster?" ;; esac ;;
    *) usage >&2; exit 2 ;;
    esac
    case $purpose in '' | *[!a-z0-9_-]*) die "a purpose is lower-case letters, digits, - and _" ;; esac
    case $verb in
    start) start ;;
    stop) stop ;;
    kill) kill_hard ;;
    standby) standby ;;
    promote) promote ;;
    drop) drop ;;
    status) if is_running; then conninfo; else echo "not running"; exit 3; fi ;;
    env) is_running || die "the cluster '$purpose' does not run"; echo "TAGIH_TEST_PG='$(conninfo)'" ;;
    esac
}

# Read whole before anything runs: nothing that is started may eat the rest of a script that comes from a pipe.
main "$@" </dev/null
