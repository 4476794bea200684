#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What statements.awk must refuse, and in which words: a mistake in a header stops the build with its file and line.
# statements_spec.sh PATH/statements.awk
set -u
awk_file=$1
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

turn() {
    printf '%s\n' "$1" >a.sql
    awk -v table=a -v header=a.h -v source=a.c -f "$awk_file" a.sql /dev/null 2>err
}

refuses() {
    if turn "$2"; then
        echo "not ok: taken although: $1"
        failed=1
    elif ! grep -qF -- "$1" err; then
        echo "not ok: expected '$1', said: $(cat err)"
        failed=1
    else
        echo "ok: refuses: $1"
    fi
}

good='-- name: a
-- in: none
-- out: none
select 1;'

refuses 'a.sql:1: statement a: $1 is not in "-- in:"' '-- name: a
-- in: none
-- out: none
select $1;'
refuses '$2 is never used' '-- name: a
-- in: int4 x, int4 y
-- out: none
select $1;'
refuses "no ';' at its end" '-- name: a
-- in: none
-- out: none
select 1'
refuses 'unknown type json' '-- name: a
-- in: json x
-- out: none
select $1;'
refuses '"x" is not "type name"' '-- name: a
-- in: x
-- out: none
select $1;'
refuses '"-- in:" is missing' '-- name: a
-- out: none
select 1;'
refuses '"-- out:" is missing' '-- name: a
-- in: none
select 1;'
refuses 'an output column cannot be an array' '-- name: a
-- in: none
-- out: int4[] x
select 1;'
refuses 'a.sql:1: SQL before the first "-- name:"' 'select 1;'
refuses "more SQL behind the ';'" "$good
select 2;"
refuses 'a.sql:5: statement a is there twice' "$good
$good"
refuses 'no SQL' '-- name: a
-- in: none
-- out: none'

if turn '-- A comment of the file.

-- name: a_b
-- in:   int4[] x,
--       text y
-- out:  int4 x, text why
-- why:  quotes and backslashes survive.

select q.x, $2 || E'"'"'\n"'"'"' as why -- the last one
from unnest($1) q (x);' && grep -q 'STMT_a_b (&a_statement_rows\[0\])' a.h && grep -q 'COL_a_b_why 1' a.h &&
    grep -qF 'E'"'"'\\n\"' a.c; then
    echo 'ok: takes a good block'
else
    echo "not ok: a good block: $(cat err)"
    failed=1
fi
exit $failed
