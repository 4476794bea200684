#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compile the contract: generate.sh SOURCE_DIR OUT_DIR NAME…
# Leaves in OUT_DIR contract.h (all messages and services), contract.c (their code), contract.binpb (the descriptor set
# that the contract tests read) and descriptors.c (the same set as an array, which reflection serves).
set -eu
source_dir=$1 out=$2
shift 2
include="-I$source_dir -I/usr/share/grpc-proto -I/usr/include"
mkdir -p "$out"
# shellcheck disable=SC2086
protoc-c $include --c_out="$out" "$@"
# shellcheck disable=SC2086
protoc $include --include_imports --descriptor_set_out="$out/contract.binpb" "$@"
{
    for name in "$@"; do printf '#include "%s.pb-c.h"\n' "${name%.proto}"; done
    printf 'extern const unsigned char contract_descriptors[];\nextern const unsigned long contract_descriptors_size;\n'
} >"$out/contract.h"
{
    printf '#include "contract.h"\nconst unsigned char contract_descriptors[] = {\n'
    od -An -v -tx1 "$out/contract.binpb" | sed 's/ \(..\)/0x\1,/g'
    printf '};\nconst unsigned long contract_descriptors_size = sizeof contract_descriptors;\n'
} >"$out/descriptors.c"
for name in "$@"; do printf '#include "%s.pb-c.c"\n' "${name%.proto}"; done >"$out/contract.c"
