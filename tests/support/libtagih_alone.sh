#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# libtagih (base, geo, domain) builds by itself: what a phone links needs libsodium and libcbor, and nothing of the
# server. Compiled without any of the server's flags, linked as a shared library with every symbol resolved.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mapfile -t sources < <(find server/base geo server/domain -name '*.c' | sort)
gcc -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -shared -Wall -Wextra -Werror -Wno-missing-field-initializers -Iinclude -Iserver -I. \
    "${sources[@]}" -o "$out/libtagih.so" -Wl,--no-undefined -Wl,--as-needed -lsodium -lcbor -lm
extra=$(objdump -p "$out/libtagih.so" | awk '$1 == "NEEDED" {print $2}' | grep -vE '^(libsodium|libcbor|libm|libc)\.so' || true)
if [ -n "$extra" ]; then
    echo "libtagih needs more than libsodium and libcbor: $extra"
    exit 1
fi
echo "[  PASSED  ] 1 test(s)." >&2
