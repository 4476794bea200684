#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compile the contract: generate.sh SOURCE_DIR OUT_DIR NAME…
# Leaves in OUT_DIR contract.h (all messages and services), contract.c (their code) and contract.binpb (the descriptor
# set that reflection serves and the contract tests read).
set -eu
source_dir=$1 out=$2
shift 2
include="-I$source_dir -I/usr/share/grpc-proto -I/usr/include"
mkdir -p "$out"
# shellcheck disable=SC2086
protoc-c $include --c_out="$out" "$@"
# shellcheck disable=SC2086
protoc $include --include_imports --descriptor_set_out="$out/contract.binpb" "$@"
for name in "$@"; do printf '#include "%s.pb-c.h"\n' "${name%.proto}"; done >"$out/contract.h"
for name in "$@"; do printf '#include "%s.pb-c.c"\n' "${name%.proto}"; done >"$out/contract.c"
