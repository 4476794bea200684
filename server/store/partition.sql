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
--       their month (R-CHK-2c).
select 'check_in_fix' as table_name, coalesce(c.check_in_id, f.check_in_id)::text as key,
       case when c.check_in_id is null or f.check_in_id is null then '' else 'fixes' end as column_name,
       case when f.check_in_id is null then 'no row' else coalesce(encode(f.fixes, 'hex'), '') end as stored,
       case when c.check_in_id is null then 'none: no check-in was received then'
            else 'the fixes of its digest ' || encode(c.digest, 'hex') end as expected
from (select x.check_in_id, x.received_us, x.digest, uuid_send(x.visit_id) || uuid_send(x.collector_id)
             || int8send(x.device_us) || int8send(x.mono_us) || x.boot_id as said
      from check_in x where x.agency_id = $1) c
full join (select x.check_in_id, x.received_us, x.fixes from check_in_fix x where x.agency_id = $1) f
    on f.check_in_id = c.check_in_id and f.received_us = c.received_us
where c.check_in_id is null
   or (f.check_in_id is null and not exists (
           select from partition_pruned p
           where p.table_name = 'check_in_fix' and p.month_on = partition_month(c.received_us)))
   or sha256(c.said || f.fixes) <> c.digest
order by 2;

-- name: verify_pruned
-- in:   uuid agency_id
-- out:  int8 check_ins
-- why:  whose fixes retention took.
select count(*) as check_ins
from check_in c
where c.agency_id = $1
  and exists (select from partition_pruned p
              where p.table_name = 'check_in_fix' and p.month_on = partition_month(c.received_us))
  and not exists (select from check_in_fix f
                  where f.agency_id = $1 and f.check_in_id = c.check_in_id and f.received_us = c.received_us);
