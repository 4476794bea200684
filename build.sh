#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The front door of Tagih. `./build.sh help` lists what it does. Meson and ninja do the work; this script brings what
# they need (packages, a private PostgreSQL), takes away what it started, and gives one clear exit code:
#   0 all well · 1 something failed · 2 wrong usage · 3 packages are missing and cannot be installed from here
set -euo pipefail
cd "$(dirname "$0")"
tree=$PWD
export LC_ALL=C.UTF-8

build=$tree/build
# Debian's python: the one that has grpcio, cbor2 and nacl. Another may come first in PATH.
python=/usr/bin/python3
cluster=tests/support/pg_cluster.sh

packages_build=(meson ninja-build gcc libc6-dev pkg-config libgrpc-dev libprotobuf-c-dev protobuf-c-compiler
    protobuf-compiler libprotobuf-dev grpc-proto libpq-dev postgresql-15 libsodium-dev libcbor-dev libcmocka-dev
    nginx-light uthash-dev libssl-dev libcsv-dev libjansson-dev libmicrohttpd-dev python3 python3-grpcio python3-protobuf python3-cbor2
    python3-nacl openssl binutils)
packages_test=(prometheus) # promtool; its service is never started
packages_check=(clang-14 libclang-rt-14-dev llvm-14)
packages_format=(clang-format-14)

help() {
    cat <<'END'
usage: ./build.sh <verb> [options]

  demo [...]     a field day end to end: import, 40 phones, the office, the month's close, the proof
                 --portfolio FILE --outcomes FILE --phones N --stay
  test [NAME..]  build, then every test on a private PostgreSQL; the last line counts them
  build          build into build/gcc
  run [...]      build, then `tagihd serve --dev`: a server with its own database, ready to be called
  bench [...]    the rates against plain SQL, at most 15 minutes; --json FILE
  check          clang, sanitizers, thread sanitizer, one minute of fuzzing
  sim [...]      field days simulated from a seed, with everything that can go wrong; --days N --seed S --story SEED
  prove [...]    simulate, break, attack, measure: one table, about 10 minutes; --nightly, --release
  chaos NAME [.] one proof by trouble of tests/chaos/, with its own options: s2, jumps; --help
  mutants [..]   plants bugs, one at a time, and sees that the tests find them; --list names them
  tidy           the laws of the code: layers, banned calls, rules without tests
  fmt            clang-format over the lines that differ from HEAD, and the generated parts of the documentation
  clean          remove build/ and the private clusters of this work tree
  help           this text

Needs Debian 12. As root or with sudo it installs the packages that are missing; nothing else outside this folder
is changed, but for /var/tmp/tagih-*, where the private PostgreSQL lies when run as root.
END
}

say() {
    printf '== %s\n' "$*"
}

die() {
    printf 'build.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

# ---- packages ------------------------------------------------------------------------------------------------

missing_packages() {
    dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null | awk '$2 == "ii" {print $1}' | sort -u |
        comm -13 - <(printf '%s\n' "$@" | sort -u)
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# While packages are installed no service may start: no PostgreSQL cluster of the system, no nginx on port 80.
# A policy that is there already is the machine owner's and stays.
hold_services() {
    if ! [ -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
        as_root chmod 755 /usr/sbin/policy-rc.d
        policy_is_ours=yes
        on_exit release_services
    fi
    local conf=/etc/postgresql-common/createcluster.conf
    as_root mkdir -p /etc/postgresql-common
    grep -qs '^ *create_main_cluster *= *false' $conf ||
        echo 'create_main_cluster = false' | as_root tee -a $conf >/dev/null
}

release_services() {
    if [ "${policy_is_ours:-no}" = yes ]; then as_root rm -f /usr/sbin/policy-rc.d; fi
    policy_is_ours=no
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get -qq -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confold -o Acquire::Retries=3 "$@" >>"$build/install.log" 2>&1
}

need() {
    local missing
    command -v dpkg-query >/dev/null || die "this is not Debian: install by hand what build.sh names at its top" 3
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        die "these packages are missing, and without root or sudo they cannot be installed:
  apt-get install ${missing[*]}" 3
    fi
    say "installing ${#missing[@]} packages (log: build/install.log): ${missing[*]}"
    mkdir -p "$build"
    hold_services
    apt_get update || say "apt-get update failed; trying with the lists that are here"
    apt_get install --no-install-recommends -y "${missing[@]}" || {
        tail -n 20 "$build/install.log" >&2
        die "installing failed; the whole log is build/install.log" 3
    }
    release_services
}

# ---- what we started, we stop --------------------------------------------------------------------------------

exit_hooks=()

on_exit() {
    exit_hooks+=("$1")
}

run_exit_hooks() {
    local i
    for ((i = ${#exit_hooks[@]} - 1; i >= 0; i--)); do eval "${exit_hooks[i]}" || true; done
    exit_hooks=()
}

trap run_exit_hooks EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Start the cluster of a purpose, anew, until this script ends; sets `conninfo`.
start_cluster() {
    export TAGIH_PG_OWNER=$$
    conninfo=$($cluster start --fresh "$1") || exit 1
    on_exit "$cluster drop $1"
}

# Specs that kill their own PostgreSQL start it themselves; what a killed run leaves goes, too.
drop_spec_clusters() {
    for purpose in disk kill kills pair primary standby trouble; do $cluster drop "$purpose" >/dev/null 2>&1 || true; done
}

# ---- building ------------------------------------------------------------------------------------------------

# configure DIR [meson options]: set up when new. Output only when it matters.
configure() {
    local dir=$build/$1
    shift
    mkdir -p "$build"
    [ -f "$dir/build.ninja" ] && return 0
    meson setup "$dir" "$@" >"$dir.setup.log" 2>&1 || {
        tail -n 30 "$dir.setup.log" >&2
        rm -rf "$dir"
        die "meson setup failed; the whole log is $dir.setup.log"
    }
}

# make DIR [targets]
make() {
    local dir=$build/$1
    shift
    ninja -C "$dir" --quiet "$@" || die "the build in ${dir#"$tree"/} failed"
}

compile() {
    configure "$@"
    make "$1"
}

verb_build() {
    need "${packages_build[@]}"
    say "building (build/gcc)"
    CC=gcc compile gcc -Dbuildtype=debugoptimized
}

# ---- testing -------------------------------------------------------------------------------------------------

# run_tests DIR [meson test arguments]: all of them, one at a time per core, failing logs printed; leaves the counts
# to the caller. Exit code as meson's.
run_tests() {
    local dir=$1
    shift
    TAGIH_TEST_PG=$conninfo TAGIH_TEST_BUILD=$dir TAGIH_TEST_SOURCE=$tree \
        meson test -C "$dir" --no-rebuild --print-errorlogs "$@"
}

# The closing line, from meson's own record of this run.
count() {
    $python tests/support/count_tests.py "$1/meson-logs/testlog.json"
}

verb_test() {
    need "${packages_test[@]}"
    verb_build
    if [ -n "${TAGIH_DATA:-}" ]; then say "outside vectors: $TAGIH_DATA"; fi
    say "starting a private PostgreSQL"
    start_cluster test
    on_exit drop_spec_clusters
    say "testing"
    local failed=0
    rm -f "$build/gcc/meson-logs/testlog.json"
    run_tests "$build/gcc" "$@" || failed=1
    run_exit_hooks
    count "$build/gcc" || failed=1
    return $failed
}

# ---- the deep check ------------------------------------------------------------------------------------------

check_step() {
    say "check: $1"
    shift
    if "$@"; then passed_steps=$((passed_steps + 1)); else failed_steps+=("$*"); fi
}

check_clang() {
    (CC=clang-14 compile clang -Dbuildtype=debugoptimized)
}

check_memory() {
    (CC=gcc compile asan -Dbuildtype=debug -Db_sanitize=address,undefined -Db_lundef=false) || return 1
    local -x ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1
    local -x UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    LSAN_OPTIONS=suppressions=$tree/tests/support/lsan.supp:print_suppressions=0 \
        run_tests "$build/asan" --timeout-multiplier 5 --no-suite law || return 1
    run_tests "$build/asan" devca_spec
}

# gRPC and libpq are not instrumented: what happens between two of their own functions is not ours to judge.
check_threads() {
    (CC=gcc compile tsan -Dbuildtype=debug -Db_sanitize=thread -Db_lundef=false) || return 1
    TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1 \
        run_tests "$build/tsan" --timeout-multiplier 10 --no-suite law
}

# One minute in all, shared by the targets; a crash stays in build/fuzz/crashes for tests/fuzz/regression.
check_fuzz() {
    # The libraries are instrumented too: a fuzzer that sees only its own few lines finds nothing.
    (CC=clang-14 configure fuzz -Dbuildtype=debug -Doptimization=1 -Dfuzz=true -Db_sanitize=address,undefined \
        -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link) || return 1
    local targets seconds target name failed=0
    mapfile -t targets < <(ninja -C "$build/fuzz" -t targets all | sed -nE 's@^(tests/fuzz/fuzz_[a-z_]+): .*@\1@p' | sort)
    [ ${#targets[@]} -gt 0 ] || die "there is no fuzz target"
    (make fuzz "${targets[@]}") || return 1
    seconds=$(((60 + ${#targets[@]} - 1) / ${#targets[@]}))
    mkdir -p "$build/fuzz/crashes"
    for target in "${targets[@]}"; do
        name=$(basename "$target")
        mkdir -p "$build/fuzz/corpus/$name"
        echo "   $name, $seconds s"
        "$build/fuzz/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
            -artifact_prefix="$build/fuzz/crashes/$name-" "$build/fuzz/corpus/$name" \
            $([ -d "tests/fuzz/corpus/$name" ] && echo "tests/fuzz/corpus/$name") \
            >"$build/fuzz/$name.log" 2>&1 || { tail -n 40 "$build/fuzz/$name.log" >&2; failed=1; }
    done
    return $failed
}

verb_check() {
    need "${packages_test[@]}" "${packages_check[@]}"
    passed_steps=0
    failed_steps=()
    verb_build
    start_cluster check
    check_step "gcc, every test" run_tests "$build/gcc"
    check_step "clang -Werror" check_clang
    check_step "clang, every test" run_tests "$build/clang" --no-suite law
    check_step "address and undefined-behaviour sanitizer" check_memory
    check_step "thread sanitizer" check_threads
    check_step "fuzzing, one minute" check_fuzz
    run_exit_hooks
    local step
    for step in "${failed_steps[@]}"; do echo "failed: $step"; done
    echo "$passed_steps passed, ${#failed_steps[@]} failed"
    [ ${#failed_steps[@]} = 0 ]
}

# ---- the other verbs -----------------------------------------------------------------------------------------

# A verb that is a script of its own, on a fresh cluster: it finds the build and the database in its environment.
on_cluster() {
    local purpose=$1 script=$2
    shift 2
    [ -x "$script" ] || die "$script is not in this tree"
    case ${1:-} in -h | --help | --list) exec "$script" "$1" ;; esac # neither needs a build
    verb_build
    say "starting a private PostgreSQL"
    start_cluster "$purpose"
    # Not exec: the cluster must be stopped after it, however it ends.
    TAGIH_PG=$conninfo TAGIH_BUILD=$build/gcc TAGIH_PYTHON=$python "$script" "$@"
}

verb_run() {
    verb_build
    # Its data is kept between runs; `clean` removes it with the other clusters of this tree.
    TAGIH_PG_ROOT=$($cluster root) exec "$build/gcc/server/tagihd" serve --dev --state-dir "$build/dev" "$@"
}

# Only what is being worked on: what the tool cannot lay out (several designated fields a line) stays as it was written.
verb_format() {
    need "${packages_format[@]}"
    git ls-files -o --exclude-standard -- '*.c' '*.h' | xargs -r clang-format-14 -i
    git-clang-format-14 --force --quiet --binary clang-format-14 --extensions c,h HEAD
    verb_build
    $python tests/support/generated_docs.py --write "$build/gcc/server/tagihd"
}

verb_tidy() {
    tests/tidy.sh "$build/gcc"
}

verb_clean() {
    $cluster clean
    rm -rf -- "$build"
}

verb=${1:-help}
[ $# -gt 0 ] && shift
case $verb in
help | -h | --help) help ;;
build) verb_build; say "built: build/gcc/server/tagihd" ;;
test) verb_test "$@" ;;
demo) on_cluster demo tests/sim/demo.sh "$@" ;;
bench) on_cluster bench tests/bench/bench.py "$@" ;;
chaos) [ $# -gt 0 ] || die "chaos wants a name: s2, jumps" 2
    on_cluster chaos "tests/chaos/$1.py" "${@:2}" ;;
mutants) on_cluster mutants tests/mutants/mutants.py "$@" ;;
sim) verb_build; exec "$build/gcc/tests/sim/sim" "$@" ;;
prove) need "${packages_test[@]}"; on_exit drop_spec_clusters; on_cluster prove tests/prove/prove.py "$@" ;;
run) verb_run "$@" ;;
check) verb_check ;;
tidy) verb_tidy ;;
fmt) verb_format ;;
clean) verb_clean ;;
*)
    help >&2
    die "there is no verb '$verb'" 2
    ;;
esac
