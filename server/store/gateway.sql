-- Gateways that tell of payments: their keys (R-PAY-5g).

-- name: gateway_keys
-- in:   uuid agency_id, text gateway
-- out:  int2 algorithm, bytea key
-- why:  those that verify; while keys change there are two.
select algorithm, key from gateway_key where agency_id = $1 and gateway = $2 and retired_us is null order by key_no desc;

-- name: gateway_account
-- in:   uuid agency_id, text account_no
-- out:  uuid account_id
select account_id from account where agency_id = $1 and account_no = $2;

-- name: gateway_key_add
-- in:   uuid agency_id, text gateway, int2 algorithm, bytea key, int8 at_us
-- out:  int4 key_no
insert into gateway_key (agency_id, gateway, key_no, algorithm, key, created_us)
values ($1, $2, (select coalesce(max(x.key_no), 0) + 1 from gateway_key x where x.agency_id = $1 and x.gateway = $2), $3, $4, $5)
returning key_no;

-- name: gateway_key_retire
-- in:   uuid agency_id, text gateway, int4 key_no, int8 at_us
-- out:  int4 key_no
update gateway_key set retired_us = $4 where agency_id = $1 and gateway = $2 and key_no = $3 and retired_us is null
returning key_no;

-- name: gateway_key_list
-- in:   uuid agency_id
-- out:  text gateway, int4 key_no, int2 algorithm, int8 created_us, int8 retired_us
-- why:  never the key itself.
select gateway, key_no, algorithm, created_us, retired_us from gateway_key where agency_id = $1 order by gateway, key_no;
