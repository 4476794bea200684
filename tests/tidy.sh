#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The laws of the code, as a test. Every message names the place, the law, and a file that does it right.
#
#   tests/tidy.sh [BUILD FOLDER]      with a build folder the archives' undefined symbols are read as well
#
# Laws end with exit 1. Lengths, and reasons that no test expects yet, are only reported.
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-}
findings=$(mktemp)
trap 'rm -f "$findings"' EXIT

# broke LAW MODEL < "file:line: what" on each line of standard input. Runs at the end of pipes, so it counts in a file.
broke() {
    local line
    while IFS= read -r line; do
        printf '%s\n    law: %s; see %s\n' "$line" "$1" "$2" | tee -a "$findings"
    done
}

sources() {
    find "$@" \( -name '*.c' -o -name '*.h' \) -not -name '*.pb-c.*' 2>/dev/null | sort
}

# ---- layers (include) ----------------------------------------------------------------------------------------

# layer FOLDER ALLOWED: every project include in FOLDER must match the extended regular expression ALLOWED; every
# system library's header outside LIBRARIES is refused.
project='tagih/|geo/|base/|domain/|store/|run/|book/|engine/|rpc/|verify/|net/|cli/|tests/'
includes() {
    sources "$1" | xargs -r grep -nE '^ *# *include' | sed -E 's/# *include *[<"](server\/)?([^>"]*)[>"].*/\2/'
}

layer() {
    includes "$1" | grep -E ":($project)" | grep -vE ":($2)" |
        sed 's/$/ is included/' | broke "$1 knows only: $2 (layers go one way)" "$3"
}

library() {
    includes "$1" | grep -E ":($2)" | sed 's/$/ is included/' | broke "$1 must not know this library" "$3"
}

grpc='grpc|grpcpp'
protobuf='protobuf-c|google/|tagih/v1/|grpc/health|.*\.pb-c\.h'
postgres='libpq|postgres|pg_'
crypto='sodium|cbor'

layer server/base 'tagih/|base/' server/base/money.c
layer geo 'tagih/|base/|geo/' geo/distance.c
layer server/domain 'tagih/|base/|geo/|domain/' server/domain/allocation.c
layer server/run 'tagih/|base/|run/' server/run/keys.c
layer server/store 'tagih/|base/|geo/|domain/|run/|store/' server/store/tx.c
layer server/book 'tagih/|base/|domain/|run/|store/|book/' server/book/posting.c
layer server/engine 'tagih/|base/|domain/|run/|store/|engine/' server/engine/status.c
layer server/rpc 'tagih/|base/|geo/|domain/|run/|store/|book/|engine/|rpc/' server/rpc/check_in.c
layer server/verify 'tagih/|base/|domain/|run/|store/|book/|engine/|rpc/|verify/' server/verify/verify.c
layer server/net 'tagih/|base/|net/' server/net/slot.c
sources include | xargs -r grep -nE '^ *# *include *"' | grep -vE '"tagih/[a-z_]+\.(h|def)"' |
    broke "public headers include public headers alone" include/tagih/id.h
for folder in include server/base geo server/domain server/run server/store server/book; do
    library $folder "$grpc" server/net/server.c
    library $folder "$protobuf" server/engine/wire.c
done
for folder in include server/base geo server/domain server/run server/net; do
    library $folder "$postgres" server/store/db.c
done
for folder in include server/base geo server/net; do library $folder "$crypto" server/domain/envelope.c; done
for folder in server/engine server/rpc server/verify; do library $folder "$grpc" server/engine/wire.c; done
library server/net "$protobuf" server/net/slot.c
sources server geo include tests | xargs -r grep -nE '# *include *"(server/)?main' |
    broke "nobody includes main" server/main.c

# ---- layers (symbols) ----------------------------------------------------------------------------------------

# symbols ARCHIVE FORBIDDEN MODEL
symbols() {
    local archive
    archive=$(find "$build" -name "lib$1.a" -not -path '*/tests/*' 2>/dev/null | head -n 1)
    [ -n "$archive" ] || return 0
    { nm -A -u "$archive" 2>/dev/null || (cd "$(dirname "$archive")" && nm -A -u "$(basename "$archive")"); } |
        awk '{print $1, $NF}' | sort -u | grep -E " ($2)$" | sed 's/$/ is used/' |
        broke "the archive lib$1 must not need this" "$3"
}

if [ -n "$build" ] && [ -d "$build" ]; then
    pure='malloc|calloc|realloc|free|open|openat|read|write|fopen|socket|connect|time|gettimeofday|clock_gettime|rand|random|getrandom|randombytes_.*|getenv|setlocale|pthread_.*|PQ.*|grpc_[a-z].*|gpr_.*|protobuf_c_.*'
    symbols base "$pure|crypto_.*|cbor_.*" server/base/arena.c
    symbols geo "$pure|crypto_.*|cbor_.*" geo/distance.c
    symbols domain "$pure|cbor_load|cbor_new_.*|cbor_build_.*" server/domain/allocation.c
    symbols run 'PQ.*|grpc_[a-z].*|gpr_.*|protobuf_c_.*' server/run/keys.c
    symbols store 'grpc_[a-z].*|gpr_.*|protobuf_c_.*' server/store/tx.c
    symbols book 'grpc_[a-z].*|gpr_.*|PQ.*|protobuf_c_.*|tagih__v1__.*' server/book/posting.c
    symbols engine 'grpc_[a-z].*|gpr_.*|PQ.*|rpc_services|rpc_chores' server/engine/status.c
    symbols rpc 'grpc_[a-z].*|gpr_.*|PQ.*' server/rpc/check_in.c
    symbols verify 'grpc_[a-z].*|gpr_.*|PQ.*' server/verify/verify.c
    symbols net 'PQ.*|protobuf_c_.*|tagih__v1__.*' server/net/slot.c
fi

# ---- words that are not used here ----------------------------------------------------------------------------

# calls REGEX FOLDERS.. (behind the law and the model): a call of one of these functions, comments set aside
calls() {
    local law=$1 model=$2 names=$3
    shift 3
    sources "$@" | xargs -r grep -nE "\b($names) *\(" | grep -vE '^[^:]*:[0-9]+: *(\*|/\*|//)' |
        sed -E 's@/\*.*@@; s@//.*@@; s@"[^"]*"@""@g' | grep -E "(^|[^A-Za-z0-9_>.])($names) *\(" | broke "$law" "$model"
}

calls "no unbounded or unchecked string calls (use snprintf, memcpy, the parsers of base)" server/base/bytes.c \
    'strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok' server geo include tests
calls "rules are told the time; only run/clock.c looks at a clock" server/run/clock.c \
    'time|gettimeofday|clock_gettime|localtime|gmtime' server/base geo server/domain server/book server/engine server/rpc server/verify
calls "memory comes from the call's arena" server/domain/allocation.c \
    'malloc|calloc|realloc|free' server/base geo server/domain
# What lives as long as the process may be made once, by the engine; and the contract that reflection answers with.
calls "handlers take memory from the call's arena; only the engine may ask the system" server/engine/wire.c \
    'malloc|calloc|realloc' server/book server/verify $(find server/rpc -name '*.c' -not -name 'descriptors.c')

sources server/book server/engine server/rpc server/verify server/domain server/net server/cli server/run | xargs -r grep -nE \
    '"[^"]*\b(select [a-z_*, ]+ from|insert into|update [a-z_]+ set|delete from|truncate|begin;|commit;)[^"]*"' |
    broke "SQL lives in .sql files beside the .c of store" server/store/core.sql

git ls-files -co --exclude-standard -- '*.c' '*.h' '*.def' '*.sql' '*.sh' '*.py' '*.awk' '*.build' '*.proto' '*.md' 2>/dev/null |
    grep -v '^tests/tidy.sh$' | xargs -r grep -nE '\b(TODO|FIXME|HACK)\b|[Ff]or now[, .]|\bnot implemented yet\b' |
    broke "nothing is left for later in the tree; an issue is the place" server/base/money.c

git ls-files -co --exclude-standard -- '*.c' '*.h' '*.def' '*.sh' '*.py' '*.awk' 2>/dev/null | while IFS= read -r file; do
    [ -f "$file" ] && { head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file:1: no SPDX line"; }
done | broke "one SPDX line at the top" server/base/id.c

# ---- rules and reasons against tests -------------------------------------------------------------------------

tests_text=$(find tests -type f \( -name '*.c' -o -name '*.h' -o -name '*.py' -o -name '*.sh' \) -not -name tidy.sh \
    -exec cat {} + 2>/dev/null)

# A rule is a list item of RULES.md; "> Not yet built: R-…, R-…." under a heading exempts rules to come, each by its name.
if [ -f server/domain/RULES.md ]; then
    rule='R-[A-Z]+-[0-9]+[a-z]?'
    quoted=$(grep -oE "(//|#) *= RULES\.md $rule" <<<"$tests_text" | grep -oE "$rule" | sort -u)
    to_come=$(grep -E '^> Not yet built: ' server/domain/RULES.md | grep -oE "$rule" | sort -u)
    grep -noE "^- \*\*$rule" server/domain/RULES.md | sed -E "s/^([0-9]+):.*[*](R-.*)$/\2 \1/" | sort -u -k1,1 |
        while read -r id line; do
            grep -qxF "$id" <<<"$quoted"$'\n'"$to_come" || echo "server/domain/RULES.md:$line: $id has no test"
        done | broke "every rule in force has a test that quotes it (//= RULES.md R-…)" tests/domain/allocation_spec.c
    rules=$(grep -oE "^- \*\*$rule" server/domain/RULES.md | grep -oE "$rule" | sort -u)
    comm -13 <(printf '%s\n' "$rules") <(printf '%s\n%s\n' "$quoted" "$to_come" | sort -u) | grep . |
        sed 's/$/ is quoted by a test or named as to come, and is no rule/' |
        broke "tests quote rules that exist" server/domain/RULES.md
fi

# ---- a method without a spec ---------------------------------------------------------------------------------

for proto in proto/tagih/v1/*.proto; do
    [ -f "$proto" ] || continue
    noun=$(basename "$proto" .proto)
    [ -f "server/rpc/$noun.c" ] || continue
    grep -nE '^ *rpc +[A-Z]' "$proto" | sed -E 's/^([0-9]+): *rpc +([A-Za-z]+).*/\1 \2/' | while read -r line method; do
        grep -rqE "\b$method\b" tests/rpc tests/contract 2>/dev/null || echo "$proto:$line: $method has no spec"
    done
done | broke "every method is called by a spec in tests/rpc" tests/rpc/visit_spec.c

# ---- generated parts of the documentation --------------------------------------------------------------------

if [ -x "$build/server/tagihd" ]; then
    /usr/bin/python3 tests/support/generated_docs.py "$build/server/tagihd" |
        broke "generated parts are what the binary prints (./build.sh fmt writes them)" proto/ERRORS.md
fi

# ---- reported, not a law -------------------------------------------------------------------------------------

reasons=$(grep -oE '^ERR\([A-Z_0-9]+' include/tagih/err.def | sed 's/ERR(//' | grep -vx OK)
unexpected=$(grep -vxFf <(grep -oE '\b(ERR_)?[A-Z][A-Z_0-9]+\b' <<<"$tests_text" | sed 's/^ERR_//' | sort -u) <<<"$reasons")
if [ -n "$unexpected" ]; then
    echo "note: $(wc -l <<<"$unexpected") of $(wc -l <<<"$reasons") reasons are expected by no test: $(tr '\n' ' ' <<<"$unexpected")"
fi
sources server geo include | xargs -r wc -l | awk '$2 != "total" && $1 > 400 {print "note: " $2 " has " $1 " lines"}'

broken=$(grep -c '^    law: ' "$findings")
if [ "$broken" -gt 0 ]; then
    echo "tidy: a law is broken in $broken places"
    exit 1
fi
echo "tidy: every law holds"
