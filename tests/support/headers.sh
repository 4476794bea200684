#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every header compiles alone, by gcc and by clang where it is there: whoever includes one needs to know no other. The
# public ones also as a stranger would compile them: only include/, -pedantic, C11 without extensions.
#
#   headers.sh [BUILD FOLDER]     the build folder holds the generated headers
set -uo pipefail
cd "$(dirname "$0")/../.."
generated=()
if [ -n "${1:-}" ]; then
    mapfile -t generated < <(find "$1/proto" "$1/server" -name '*.h' -printf '-I%h\n' 2>/dev/null | sort -u)
    generated+=("-I$1/proto" "-I$1")
fi
compilers=(gcc)
if command -v clang-14 >/dev/null; then compilers+=(clang-14); fi
passed=0 failed=0

# alone COMPILER HEADER OPTIONS..
alone() {
    local compiler=$1 header=$2
    shift 2
    if printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "$compiler" -fsyntax-only -Wall -Wextra -Werror "$@" -x c -; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $header does not compile alone by $compiler"
    fi
}

for compiler in "${compilers[@]}"; do
    for header in include/tagih/*.h; do alone "$compiler" "${header#include/}" -std=c11 -pedantic -Iinclude; done
done
while IFS= read -r header; do
    alone gcc "$header" -std=gnu11 -D_GNU_SOURCE -Iinclude -Iserver -I. $(pkg-config --cflags libpq libprotobuf-c) \
        "${generated[@]}"
done < <(find server geo tests/support -name '*.h' | sort)

echo "[  PASSED  ] $passed test(s)." >&2
if [ $failed -gt 0 ]; then
    echo "[  FAILED  ] headers: $failed test(s), listed below:" >&2
    exit 1
fi
