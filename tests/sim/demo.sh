#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `./build.sh demo` comes here with a fresh private PostgreSQL in TAGIH_PG and the build in TAGIH_BUILD.
exec "${TAGIH_PYTHON:-/usr/bin/python3}" -B "$(dirname "$0")/demo.py" "$@"
