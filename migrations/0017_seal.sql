-- Seals and signed heads, on which `tagihd verify` rests (design: Facts and projections).

-- Which posting wrote an allocation. Version 1 is found by its payment; later versions come from replays.
alter table allocation add column posting_id uuid not null;
create unique index posting_chain on posting (agency_id, writer_id, writer_n);
create index allocation_posting on allocation (agency_id, posting_id) where version > 1;

-- Facts of a posting are read back by it (store/fact.h).
do $$
declare
    t record;
begin
    for t in
        select c.oid::regclass as name from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'posting_id'
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
          and c.relname not in ('posting', 'ledger_line', 'allocation')
          and not exists (
              select from pg_index i
              where i.indrelid = c.oid and i.indnkeyatts >= 2 and i.indpred is null and i.indkey[1] = a.attnum)
        order by c.relname
    loop
        execute format('create index on %s (agency_id, posting_id)', t.name);
    end loop;
end $$;

-- Evidence that no posting's digest covers and nobody signed is sealed: each statement that inserts such rows leaves
-- SHA-256 of each row here, 32 bytes a row, in the same transaction. A sealed row that changes or goes, and a row that
-- came otherwise, is found by verify. Heads over all seals of an hour are chained and signed (digest_head).
create table seal (
    agency_id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    n bigint generated always as identity,
    table_name text not null,
    digests bytea not null check (length(digests) > 0 and length(digests) % 32 = 0),
    primary key (agency_id, xid, n)
);
call make_fact('seal');

create function seal_rows() returns trigger language plpgsql as $$
begin
    insert into seal (agency_id, table_name, digests)
    select agency_id, tg_table_name, string_agg(sha256(record_send(i)), '') from inserted i group by agency_id;
    return null;
end $$;

create procedure make_sealed(t regclass) language plpgsql as $$
begin
    execute format('create trigger seal after insert on %s referencing new table as inserted
        for each statement execute function seal_rows()', t);
end $$;

-- Every table of facts but those that something else covers: the postings' own rows, and the facts that name their
-- posting, by its digest; what phones signed, and the receipts and voids decoded from it, by signatures; change and
-- request_key tell what stands elsewhere. Of a bonus line the posting's digest covers less than the whole row.
do $$
declare
    t record;
begin
    for t in
        select g.tgrelid::regclass as name from pg_trigger g
        join pg_class c on c.oid = g.tgrelid
        where g.tgname = 'fact' and c.relnamespace = 'public'::regnamespace
          and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'agency_id')
          and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'posting_id' and a.attnotnull)
          and c.relname not in ('payment', 'payment_reversal', 'journal_key', 'receipt', 'receipt_void',
              'device_key', 'change', 'request_key', 'seal')
        order by c.relname
    loop
        call make_sealed(t.name);
    end loop;
end $$;
call make_sealed('bonus_line');

-- What verify asks: rows without their seal, and seals without their row, of every sealed table of an agency.
create function seal_differences(of_agency uuid)
returns table (table_name text, key text, stored text, expected text) language plpgsql stable as $$
declare
    t record;
begin
    for t in
        select c.relname, (
            select string_agg(format($q$coalesce(r.%I::text, '-')$q$, a.attname), $q$ || ' ' || $q$ order by k.place)
            from (select x.indkey from pg_index x where x.indrelid = c.oid and x.indisunique and x.indpred is null
                  order by x.indisprimary desc, x.indexrelid limit 1) i
            cross join lateral unnest(i.indkey) with ordinality k (attnum, place)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
            where a.attname <> 'agency_id') as key
        from pg_trigger g join pg_class c on c.oid = g.tgrelid
        where g.tgname = 'seal' and c.relnamespace = 'public'::regnamespace
        order by c.relname
    loop
        return query execute format($q$
            select %1$L, coalesce(r.key, 'sealed by transaction ' || s.xid::text),
                   case when r.digest is null then 'no such row' else 'a row that was not sealed so' end,
                   case when r.digest is null then 'the row that was sealed' else 'none, or other content' end
            from (select sha256(record_send(r)) as digest, %2$s as key from %1$I r where r.agency_id = $1) r
            full join (
                select substring(x.digests from 32 * (i - 1) + 1 for 32) as digest, x.xid
                from seal x cross join lateral generate_series(1, length(x.digests) / 32) i
                where x.agency_id = $1 and x.table_name = %1$L) s on s.digest = r.digest
            where r.digest is null or s.digest is null$q$, t.relname, t.key)
        using of_agency;
    end loop;
end $$;

-- And facts whose posting is not there: a posting's digest does not miss what names another one.
create function fact_orphans(of_agency uuid) returns table (table_name text, key text) language plpgsql stable as $$
declare
    t record;
begin
    for t in
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'posting_id'
        join pg_attribute b on b.attrelid = c.oid and b.attname = 'agency_id'
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname not in ('posting', 'allocation')
        order by c.relname
    loop
        return query execute format($q$
            select %1$L, 'posting ' || r.posting_id from %1$I r
            where r.agency_id = $1 and r.posting_id is not null
              and not exists (select from posting o where o.agency_id = $1 and o.posting_id = r.posting_id)$q$, t.relname)
        using of_agency;
    end loop;
end $$;

-- Heads of digest chains, signed by the server hourly and at month close. writer_id 0 is the chain over the seals: its
-- digest covers the head before it and every seal of transactions from that one's xid_until up to its own.
create table digest_head (
    agency_id uuid not null,
    writer_id bigint not null,
    n bigint not null,
    made_us bigint not null,
    month_on date,
    xid_until xid8,
    digest bytea not null check (length(digest) = 32),
    signed bytea not null,
    primary key (agency_id, writer_id, n, made_us)
);
create index digest_head_made on digest_head (agency_id, made_us);
create index digest_head_month on digest_head (agency_id, month_on) where month_on is not null;
call make_fact('digest_head');
call make_sealed('digest_head'); -- a head that is taken out is missed, too; alone it makes no new head due

-- What a head covers of a seal. xids are told whole, so that they can be digested.
create function seal_digest(xid xid8, n bigint, table_name text, digests bytea) returns bytea language sql immutable parallel safe
as $$ select sha256(xid8send(xid) || int8send(n) || int4send(length(convert_to(table_name, 'UTF8')))
                    || convert_to(table_name, 'UTF8') || digests) $$;

-- For the minute: agencies whose heads are due, an hour after the last ones or when a month was closed.
create function digest_head_due_agencies(now_us bigint) returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select a.agency_id from agency a
    cross join lateral (select max(h.made_us) as made_us from digest_head h where h.agency_id = a.agency_id) l
    where exists (
              select from month_close c where c.agency_id = a.agency_id and not exists (
                  select from digest_head h where h.agency_id = a.agency_id and h.month_on = c.month_on))
       or (coalesce(l.made_us, 0) <= now_us - 3600000000::bigint and (
              exists (select from seal s where s.agency_id = a.agency_id and s.table_name <> 'digest_head' and s.xid >= coalesce((
                  select h.xid_until from digest_head h where h.agency_id = a.agency_id and h.writer_id = 0
                  order by h.n desc limit 1), '0'::xid8) and s.xid < pg_snapshot_xmin(pg_current_snapshot()))
              or exists (select from posting_writer w where w.agency_id = a.agency_id and w.n > coalesce((
                  select max(h.n) from digest_head h where h.agency_id = a.agency_id and h.writer_id = w.writer_id), 0))))
    order by 1
$$;
revoke all on function digest_head_due_agencies(bigint) from public;
grant execute on function digest_head_due_agencies(bigint) to tagih_app;

-- Verify reads as tagih_read, of one agency or of all, with the functions that only read.
do $$
declare
    f record;
begin
    for f in
        select p.oid::regprocedure as name from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and not p.prosecdef and p.provolatile in ('s', 'i')
        order by 1
    loop
        execute format('grant execute on function %s to tagih_read', f.name);
    end loop;
end $$;
grant execute on function agency_by_name(text), agency_ids() to tagih_read;
