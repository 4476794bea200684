#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The real nginx with the real deploy/nginx.conf, unprivileged, in a folder of its own and on a port of its own.
#
#   edge.sh start DIR SOCKET CERT KEY [PORT]   prints the port (0 or absent: a free one); a second start moves nothing
#   edge.sh check DIR SOCKET CERT KEY          only `nginx -t`
#   edge.sh reload DIR                         reads certificate and key again
#   edge.sh stop DIR                           stops it and removes DIR
# TAGIH_EDGE_TOP is the source folder, when this file does not lie in it. TAGIH_EDGE_RATE is how many calls a second one
# address may make, when a load generator stands for a town of phones.
set -eu
PATH=$PATH:/usr/sbin:/sbin

die() {
    echo "edge: $*" >&2
    exit 1
}

usage() {
    sed -n '5,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

top=${TAGIH_EDGE_TOP:-$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)}

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Everything but the eight places in @...@, and the rate where one is given, is the deployed file, byte for byte.
write_config() {
    mkdir -p "$dir/log" "$dir/run"
    if [ "$(id -u)" = 0 ]; then user_line='user root;'; else user_line=''; fi
    sed -e "s|@USER_LINE@|$user_line|" -e "s|@RUN_DIR@|$dir/run|g" -e "s|@LOG_DIR@|$dir/log|g" \
        -e "s|@LISTEN@|127.0.0.1:$port|g" -e "s|@CERT@|$cert|g" -e "s|@KEY@|$key|g" -e "s|@SOCKET@|$socket|g" \
        -e "s|rate=2000r/s|rate=${TAGIH_EDGE_RATE:-2000}r/s|" -e '/^#/d' "$top/deploy/nginx.conf" >"$dir/nginx.conf"
}

run_nginx() {
    nginx -p "$dir" -e "$dir/log/error.log" -c "$dir/nginx.conf" "$@"
}

is_alive() {
    [ -f "$dir/run/nginx.pid" ] && kill -0 "$(cat "$dir/run/nginx.pid")" 2>/dev/null
}

start() {
    if is_alive; then
        cat "$dir/port"
        return
    fi
    tries=0
    while :; do
        [ "$wanted" != 0 ] && port=$wanted || port=$(free_port)
        write_config
        if run_nginx 2>"$dir/log/start.log"; then break; fi
        tries=$((tries + 1))
        if [ "$wanted" != 0 ] || [ $tries -ge 5 ]; then
            cat "$dir/log/start.log" >&2
            die "nginx did not start"
        fi
    done
    echo "$port" >"$dir/port"
    echo "$port"
}

stop() {
    if is_alive; then
        pid=$(cat "$dir/run/nginx.pid")
        kill -TERM "$pid"
        tries=0
        while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do
            sleep 0.05
            tries=$((tries + 1))
        done
    fi
    if [ -f "$dir/nginx.conf" ]; then rm -rf -- "$dir"; fi
}

verb=${1:-}
dir=${2:-}
[ -n "$dir" ] || usage
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
socket=${3:-} cert=${4:-} key=${5:-} wanted=${6:-0} port=0
case $verb in
start) [ -n "$key" ] || usage; start ;;
check) [ -n "$key" ] || usage; port=$(free_port); write_config; run_nginx -t ;;
reload) is_alive || die "no nginx runs in $dir"; run_nginx -s reload ;;
stop) stop ;;
*) usage ;;
esac
