-- Tables that are cut by the month in which their rows were received (UTC): the bytes of entries, the raw fixes of
-- check-ins, and whatever grows like them (R-JRN-7a, R-CHK-2c). What keeps entries unique is journal_key, never cut.

create table partitioned (
    table_name text primary key,
    keeps text not null check (keeps in ('EVIDENCE', 'PLACES'))  -- for ever; as long as the house says
);
grant select on partitioned to tagih_app, tagih_read;

-- What retention took, and when.
create table partition_pruned (
    table_name text not null references partitioned,
    month_on date not null,
    pruned_us bigint not null,
    rows bigint not null,
    keep_months integer not null,
    pruned_by text not null default session_user,
    primary key (table_name, month_on, pruned_us)
);
grant select on partition_pruned to tagih_app, tagih_read;
create trigger fact before update or delete or truncate on partition_pruned for each statement execute function refuse_change();

-- ---- months --------------------------------------------------------------------------------------------------------

create function partition_now_us() returns bigint language sql volatile
as $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint $$;

create function partition_month(at_us bigint) returns date language sql immutable parallel safe
as $$ select date_trunc('month', to_timestamp(at_us / 1000000) at time zone 'UTC')::date $$;

create function partition_start_us(month_on date) returns bigint language sql immutable parallel safe
as $$ select extract(epoch from month_on)::bigint * 1000000 $$;

create function partition_name(of_table text, month_on date) returns text language sql stable parallel safe
as $$ select of_table || to_char(month_on, '_YYYY_MM') $$;

create function partition_is_there(of_table text, month_on date) returns boolean language sql stable parallel safe as $$
    select exists (
        select from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = of_table::regclass and c.relname = partition_name(of_table, month_on))
$$;

-- ---- making them ---------------------------------------------------------------------------------------------------

-- One month's table, with what had come for it into the default one. Each has the policy, rights and triggers of a fact of
-- its own: a TRUNCATE or SELECT of a partition asks nobody but itself. It is made beside its parent and then attached, so
-- that nobody but readers of the whole waits. The default one is locked at its strongest before anything is done.
create function partition_make(of_table text, month_on date) returns bigint language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
    part text := partition_name(of_table, month_on);
    rest text := of_table || '_default';
    from_us bigint := partition_start_us(month_on);
    until_us bigint := partition_start_us((month_on + interval '1 month')::date);
    moved bigint;
begin
    execute format('lock table %I in access exclusive mode', rest);
    execute format('create table public.%I (like %I including all)', part, of_table);
    call make_fact(part::regclass);
    execute format('insert into %I select * from %I where received_us >= $1 and received_us < $2', part, rest)
    using from_us, until_us;
    get diagnostics moved = row_count;
    if moved > 0 then -- copied above, under the lock, in this transaction: nothing is removed that does not stand elsewhere
        execute format('alter table %I disable trigger fact', rest);
        execute format('delete from %I where received_us >= $1 and received_us < $2', rest) using from_us, until_us;
        execute format('alter table %I enable trigger fact', rest);
    end if;
    execute format('alter table %I attach partition %I for values from (%s) to (%s)', of_table, part, from_us, until_us);
    return moved;
end $$;

-- Which months a table lacks: the one before, this one, three to come, and those of rows in its default table; the latter
-- when a clock could have meant them, and a few at a time.
create function partition_wanted(of_table text, now_us bigint) returns setof date language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    return query execute format($q$
        select w.month_on from (
            select (partition_month($1) + i * interval '1 month')::date as month_on from generate_series(-1, 3) i
            union
            (select distinct partition_month(r.received_us) from %I r
             where r.received_us between 946684800000000 and 7258118399999999 order by 1 limit 24)) w
        where not partition_is_there($2, w.month_on)
        order by 1$q$, of_table || '_default')
    using now_us, of_table;
end $$;

-- What keeps them in order, as of a time: one at work at a time, and whoever came second finds nothing to do. A table that
-- is busy for longer than lock_timeout is left for the next time.
create function partitions_keep(now_us bigint) returns table (made integer, moved bigint, busy integer) language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
    t record;
    of_month date;
begin
    made := 0;
    moved := 0;
    busy := 0;
    perform pg_advisory_xact_lock(721700424);
    for t in select p.table_name from partitioned p order by 1 loop
        begin
            for of_month in select w from partition_wanted(t.table_name, now_us) w loop
                moved := moved + partition_make(t.table_name, of_month);
                made := made + 1;
            end loop;
        exception when lock_not_available then
            busy := busy + 1;
        end;
    end loop;
    return next;
end $$;
revoke execute on function partition_make(text, date), partition_wanted(text, bigint), partitions_keep(bigint) from public;

-- The minute's way to it: tagih_app owns nothing, and gives no time of its own. Who waits for the default table makes
-- others wait, too: half a second at most.
create function partition_chore() returns table (made integer, moved bigint, busy integer) language sql volatile
security definer set search_path = pg_catalog, public, pg_temp set lock_timeout = '500ms' as $$
    select k.made, k.moved, k.busy from partitions_keep(partition_now_us()) k
$$;
revoke execute on function partition_chore() from public;
grant execute on function partition_chore() to tagih_app;

-- For the operator: for how many months to come every such table is ready (-1: not even this one), and rows that lie in
-- default tables. Beyond row-level security, and so with nothing but numbers in its answer.
create function figure_partitions() returns table (months_ahead bigint, rows_astray bigint) language plpgsql stable
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    t record;
    n bigint;
begin
    select coalesce(min(o.i) - 1, 12) into months_ahead from generate_series(0, 12) o (i)
    where exists (
        select from partitioned p where not partition_is_there(
            p.table_name, (partition_month((extract(epoch from now()) * 1000000)::bigint) + o.i * interval '1 month')::date));
    rows_astray := 0;
    for t in select p.table_name from partitioned p loop
        execute format('select count(*) from (select from %I limit 1000000) r', t.table_name || '_default') into n;
        rows_astray := rows_astray + n;
    end loop;
    return next;
end $$;
revoke execute on function figure_partitions() from public;
grant execute on function figure_partitions() to tagih_app;

-- ---- retention -----------------------------------------------------------------------------------------------------

-- Whole months that are older than that: the last row of such a month was received keep_months ago or longer.
create function partitions_due(keep_months integer, at_us bigint)
returns table (table_name text, month_on date, rows bigint, bytes bigint) language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    for table_name, month_on in
        select p.table_name, m.month_on
        from partitioned p
        join pg_inherits i on i.inhparent = p.table_name::regclass
        join pg_class c on c.oid = i.inhrelid
        cross join lateral (select case when c.relname <> p.table_name || '_default' then to_date(right(c.relname, 7), 'YYYY_MM') end as month_on) m
        where p.keeps = 'PLACES' and keep_months > 0
          and m.month_on + (keep_months + 1) * interval '1 month' <= partition_month(at_us)
        order by 1, 2
    loop
        execute format('select count(*), pg_total_relation_size(%L) from %1$I', partition_name(table_name, month_on))
        into rows, bytes;
        return next;
    end loop;
end $$;

-- Take one of them, and say so. Whoever asks for evidence, or for what is younger, is refused.
create function partition_prune(of_table text, of_month date, keep_months integer) returns bigint language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
    part text := partition_name(of_table, of_month);
    taken bigint;
begin
    if keep_months < 3 or not exists (select from partitioned p where p.table_name = of_table and p.keeps = 'PLACES')
        or of_month + (keep_months + 1) * interval '1 month' > partition_month(partition_now_us()) then
        raise exception '% of % is kept', of_table, of_month using errcode = 'restrict_violation';
    end if;
    perform pg_advisory_xact_lock(721700424);
    if not partition_is_there(of_table, of_month) then
        return null;
    end if;
    execute format('lock table %I in access exclusive mode', part); -- counted before anybody else has to wait
    execute format('select count(*) from %I', part) into taken;
    insert into partition_pruned (table_name, month_on, pruned_us, rows, keep_months)
    values (of_table, of_month, partition_now_us(), taken, keep_months);
    execute format('alter table %I detach partition %I', of_table, part);
    execute format('drop table %I', part);
    return taken;
end $$;
revoke execute on function partitions_due(integer, bigint), partition_prune(text, date, integer) from public;

-- ---- the tables ----------------------------------------------------------------------------------------------------

-- All that a new one needs, when it is made `partition by range (received_us)`.
create procedure make_partitioned(of_table regclass, keeps text) language plpgsql as $$
declare
    rest text := of_table::text || '_default';
begin
    call make_fact(of_table);
    execute format('create table %I partition of %s default', rest, of_table);
    call make_fact(rest::regclass);
    insert into partitioned values (of_table::text, keeps);
end $$;

-- The bytes that phones signed, as they were received. Found by hash through journal_key, which tells the month.
create table journal_body (
    agency_id uuid not null,
    entry_hash bytea not null,
    received_us bigint not null,
    value_us bigint not null,
    body bytea not null,
    primary key (agency_id, entry_hash, received_us)
) partition by range (received_us);
alter table journal_body alter column body set storage external;  -- signed bytes do not compress
call make_partitioned('journal_body', 'EVIDENCE');

-- All fixes of check-ins that were stored together, which is read seldom and must cost little: 46 bytes each, the check-in's
-- id and the fix (server/rpc/arrival.c). The check-in's own digest covers its fixes. first_id: of the first of them.
create table check_in_fix (
    agency_id uuid not null,
    received_us bigint not null,
    first_id uuid not null,
    fixes bytea not null,
    primary key (agency_id, received_us, first_id)
) partition by range (received_us);
alter table check_in_fix alter column fixes set storage external;  -- what packing would save is not worth its time
call make_partitioned('check_in_fix', 'PLACES');

select made from partitions_keep(partition_now_us());
