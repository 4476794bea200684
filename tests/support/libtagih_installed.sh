#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Another program can use libtagih: what `meson install` leaves is enough to compile, link and run one that lies outside
# the tree and knows nothing but pkg-config. Every public header comes along.
#
#   libtagih_installed.sh <build folder>
set -euo pipefail
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$out/dest" --tags runtime,devel >"$out/log" 2>&1 ||
    { cat "$out/log"; exit 1; }
pc=$(find "$out/dest" -name tagih.pc)
prefix=$out/dest$(sed -n 's/^prefix=//p' "$pc")
lib=$(dirname "$(find "$out/dest" -name libtagih.so)")
missing=$(diff <(cd include/tagih && ls) <(cd "$prefix/include/tagih" && ls) || true)
[ -z "$missing" ] || { echo "include/meson.build does not name every public header: $missing"; exit 1; }
{
    for header in include/tagih/*.h; do echo "#include \"tagih/$(basename "$header")\""; done
    cat <<'END'
#include <stdio.h>
int main(void) {
    int64_t amount_minor = 0;
    bool capped = false;
    struct bonus_factors factors = {15000, 14000, 12000, 10000};
    tagih_err err = bonus_line(1000000, 300, 900, &factors, &amount_minor, &capped);
    printf("%s %lld\n", err_name(err), (long long)amount_minor);
    return 0;
}
END
} >"$out/other.c"
mapfile -t flags < <(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-variable=prefix="$prefix" --cflags --libs tagih | xargs -n1)
(cd "$out" && gcc -std=c11 -pedantic -Wall -Wextra -Werror other.c -o other "${flags[@]}")
said=$(LD_LIBRARY_PATH=$lib "$out/other")
[ "$said" = "OK 75600" ] || { echo "the other program says: $said"; exit 1; }
needed=$(objdump -p "$out/other")
[[ $needed == *" libtagih.so.0"$'\n'* ]] || { echo "the library's soname is not libtagih.so.0"; exit 1; }
echo "[  PASSED  ] 1 test(s)." >&2
