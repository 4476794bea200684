-- What a server tells its operator (/metrics): sums over all agencies, without a name, an id or a row of any of them.
-- Beyond row-level security on purpose, and so with nothing but numbers in its answers.

-- Counts. Entries by their newest fate (R-JRN-6): 3 waits, 4 is quarantined. unsettled: changes that are committed and that
-- readers of the feed do not see yet, because an older transaction still runs; the feed's backlog.
create function figure_counts(now_us bigint)
returns table (entries_waiting bigint, entries_quarantined bigint, entries_oldest_us bigint, chains_with_gaps bigint,
               suspense_items bigint, proposals_open bigint, changes_unsettled bigint, unsettled_oldest_us bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(sum(e.waiting), 0)::bigint, coalesce(sum(e.quarantined), 0)::bigint, min(e.oldest_us),
           coalesce(sum(g.n), 0)::bigint, coalesce(sum(s.n), 0)::bigint, coalesce(sum(p.n), 0)::bigint,
           coalesce(sum(c.n), 0)::bigint, min(c.oldest_us)
    from agency a
    cross join lateral (
        select count(*) filter (where f.fate = 3) as waiting, count(*) filter (where f.fate = 4) as quarantined,
               min(k.received_us) filter (where f.fate in (3, 4)) as oldest_us
        from journal_key k
        cross join lateral (
            select coalesce((select x.fate from entry_event x where x.agency_id = k.agency_id and x.entry_hash = k.entry_hash
                             order by x.n desc limit 1), k.fate) as fate offset 0) f
        where k.agency_id = a.agency_id and k.fate in (3, 4)) e
    cross join lateral (
        select count(*) as n from device_epoch x where x.agency_id = a.agency_id and x.contiguous_seq < x.seq_max) g
    cross join lateral (select count(*) as n from suspense_state x where x.agency_id = a.agency_id and x.state = 2) s
    cross join lateral (
        select count(*) as n from proposal_state x
        where x.agency_id = a.agency_id and x.state = 1 and x.expires_us > now_us) p
    cross join lateral (
        select count(*) as n, min(x.at_us) as oldest_us from change x
        where x.agency_id = a.agency_id and x.xid >= pg_snapshot_xmin(pg_current_snapshot())) c
$$;
revoke execute on function figure_counts(bigint) from public;
grant execute on function figure_counts(bigint) to tagih_app;

-- Cash by currency: what collectors hold, what of it is past its time as the minute last saw it (R-CSH-3) and how many
-- hold such, what is on its way to banks, and money in suspense.
create function figure_cash()
returns table (currency text, held_minor bigint, aged_minor bigint, aged_collectors bigint, transit_minor bigint,
               suspense_minor bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select x.currency, sum(x.held)::bigint, sum(x.aged)::bigint, count(*) filter (where x.aged > 0), sum(x.transit)::bigint,
           sum(x.suspense)::bigint
    from (select c.currency::text, c.cash_held_minor as held, c.deposit_in_transit_minor as transit, 0::bigint as aged, 0::bigint as suspense
          from collector_state c
          union all
          select w.currency::text, 0, 0, w.aged_minor, 0 from cash_watch_state w
          union all
          select d.currency::text, 0, d.amount_minor, 0, 0 from deposit_state d where d.state = 1 and d.collector_id is null
          union all
          select s.currency::text, 0, 0, 0, s.amount_minor from suspense_state s where s.state = 2) x
    group by x.currency
$$;
revoke execute on function figure_cash() from public;
grant execute on function figure_cash() to tagih_app;
