-- SPDX-License-Identifier: Apache-2.0
-- Statements that do not fit their headers or the schema, one mistake each. None may ever be served.

-- name: wrong_parameter
-- in:   uuid id
-- out:  int8 amount
select amount from balance where id = $1;

-- name: wrong_column_type
-- in:   int8 id
-- out:  int8 id, int4 amount
select id, amount from balance where id = $1;

-- name: wrong_column_name
-- in:   int8 id
-- out:  int8 amount, int8 id
select id, amount from balance where id = $1;

-- name: wrong_column_count
-- in:   int8 id
-- out:  int8 id
select id, amount from balance where id = $1;

-- name: wrong_table
-- in:   none
-- out:  int8 id
select id from ballance;

-- name: wrong_out_none
-- in:   none
-- out:  none
select id from balance;
