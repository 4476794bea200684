-- Tables that are cut by month (migrations/0024_partition.sql): kept in order, told of, pruned.

-- name: partition_chore
-- in:   none
-- out:  int4 made, int8 moved, int4 busy
-- why:  the minute's: months that are to come, and rows that had come outside of those at hand.
select c.made, c.moved, c.busy from partition_chore() c;

-- name: partitions_keep
-- in:   none
-- out:  int4 made, int8 moved, int4 busy
-- why:  the same for the database's owner, who may wait.
select k.made, k.moved, k.busy from partitions_keep(partition_now_us()) k;

-- name: figure_partitions
-- in:   none
-- out:  int8 months_ahead, int8 rows_astray
select f.months_ahead, f.rows_astray from figure_partitions() f;

-- name: partitions_due
-- in:   int4 keep_months
-- out:  text table_name, date month_on, int8 rows, int8 bytes
-- why:  what retention would take now.
select d.table_name, d.month_on, d.rows, d.bytes from partitions_due($1, partition_now_us()) d
order by d.month_on, d.table_name;

-- name: partition_prune
-- in:   text table_name, date month_on, int4 keep_months
-- out:  int8 rows
-- why:  null when somebody else has just taken it.
select partition_prune($1, $2, $3) as rows;

-- name: partition_patience
-- in:   none
-- out:  none
-- why:  who waits for a whole table makes everybody behind him wait, too: better to give up and come back.
set lock_timeout = '5s';

-- name: verify_diff_check_in_fixes
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a check-in's digest covers all that the phone said, its fixes included; they are there unless retention took
--       their month (R-CHK-2c). Rows are taken out of TOAST once (|| '') and then cut.
with rows as (
    select f.received_us, f.first_id, f.fixes || ''::bytea as fixes from check_in_fix f where f.agency_id = $1 offset 0),
fixes as (
    select r.received_us, substring(r.fixes from 46 * (i - 1) + 1 for 16) as id,
           string_agg(substring(r.fixes from 46 * (i - 1) + 17 for 30), '' order by r.first_id, i) as fixes
    from rows r cross join lateral generate_series(1, length(r.fixes) / 46) i
    group by 1, 2),
said as (
    select c.check_in_id, uuid_send(c.check_in_id) as id, c.received_us, c.digest,
           uuid_send(c.visit_id) || uuid_send(c.collector_id) || int8send(c.device_us) || int8send(c.mono_us) || c.boot_id as said
    from check_in c where c.agency_id = $1)
select 'check_in_fix' as table_name, coalesce(s.check_in_id::text, encode(f.id, 'hex')) as key,
       case when s.id is null or f.id is null then '' else 'fixes' end as column_name,
       case when f.id is null then 'none' else encode(f.fixes, 'hex') end as stored,
       case when s.id is null then 'none: no such check-in was received then'
            else 'the fixes of its digest ' || encode(s.digest, 'hex') end as expected
from said s
full join fixes f on f.id = s.id and f.received_us = s.received_us
where s.id is null
   or (f.id is null and not exists (
           select from partition_pruned p
           where p.table_name = 'check_in_fix' and p.month_on = partition_month(s.received_us)))
   or sha256(s.said || f.fixes) <> s.digest
union all
select 'check_in_fix', r.first_id::text, 'first_id', r.first_id::text, encode(substring(r.fixes for 16), 'hex')
from rows r where substring(r.fixes for 16) <> uuid_send(r.first_id)
union all
select 'check_in_fix', r.first_id::text, 'fixes', length(r.fixes) || ' bytes', 'a multiple of 46'
from rows r where length(r.fixes) % 46 <> 0
order by 2, 3;

-- name: verify_pruned
-- in:   uuid agency_id
-- out:  int8 check_ins
-- why:  whose fixes retention took: a month that was taken is not there any more, but for what came for it since.
select count(*) as check_ins
from check_in c
where c.agency_id = $1
  and exists (select from partition_pruned p
              where p.table_name = 'check_in_fix' and p.month_on = partition_month(c.received_us))
  and not exists (select from check_in_fix f
                  where f.agency_id = $1 and f.received_us = c.received_us and position(uuid_send(c.check_in_id) in f.fixes) > 0);
