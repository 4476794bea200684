-- Settlements, deposits, shortages, handovers, incidents and limits of cash (R-CSH-1..4). Every fact that is money or
-- evidence names the posting whose digest covers it.

-- ---- settlements --------------------------------------------------------------------------------------------------

-- What a collector is to hand over in one currency, up to a cut. From his DAY_CLOSE (its first currency under the entry's
-- id, others under ids made from it); or declared by a supervisor for a phone that is dead: then there is no place in a
-- journal, and value_us, the instant of the declaration, is the cut.
create table settlement (
    agency_id uuid not null,
    settlement_id uuid not null,
    posting_id uuid not null,
    collector_id uuid not null,
    entry_hash bytea,                    -- the digest of the day close
    device_id uuid,
    epoch integer,
    first_seq bigint,
    last_seq bigint,
    currency char(3) not null,
    receipts bigint not null,
    voids bigint not null,
    cash_minor bigint not null,          -- taken in cash, as the phone says
    other_minor bigint not null,         -- by other tenders
    declared_minor bigint not null,      -- cash to hand over
    value_us bigint not null,
    value_on date not null,
    received_us bigint not null,
    actor_id uuid not null,
    reason text not null default '',
    primary key (agency_id, settlement_id)
);
create index settlement_posting on settlement (agency_id, posting_id);
call make_fact('settlement');

-- Notes and coins: of the declaration under version 1, of each count under its version.
create table settlement_note (
    agency_id uuid not null,
    settlement_id uuid not null,
    version integer not null,
    value_minor bigint not null,
    pieces bigint not null,
    posting_id uuid not null,
    primary key (agency_id, settlement_id, version, value_minor)
);
create index settlement_note_posting on settlement_note (agency_id, posting_id);
call make_fact('settlement_note');

-- Each step of the machine (server/domain/settlement.h). counted_minor: of a count, and of the acceptance;
-- expected_minor: of the acceptance; proposal_id: the supervisor's decision about a gap.
create table settlement_event (
    agency_id uuid not null,
    settlement_id uuid not null,
    version integer not null,
    posting_id uuid not null,
    event smallint not null,
    state smallint not null,
    at_us bigint not null,
    actor_id uuid not null,
    counted_minor bigint,
    expected_minor bigint,
    deposit_id uuid,
    proposal_id uuid,
    reason text not null default '',
    primary key (agency_id, settlement_id, version)
);
create index settlement_event_posting on settlement_event (agency_id, posting_id);
call make_fact('settlement_event');

create table settlement_state (
    agency_id uuid not null,
    settlement_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    value_us bigint not null,            -- the order of cuts
    state smallint not null,
    version integer not null default 1,
    cashier_id uuid,                     -- of the newest count: whose vault it goes to
    counted_minor bigint,
    expected_minor bigint,               -- once accepted
    deposit_id uuid,
    primary key (agency_id, settlement_id)
) with (fillfactor = 70);
create index settlement_state_list on settlement_state (agency_id, value_us, settlement_id);
create index settlement_state_collector on settlement_state (agency_id, collector_id, value_us, settlement_id);
create index settlement_state_deposit on settlement_state (agency_id, deposit_id) where deposit_id is not null;
call make_state('settlement_state');

-- What lies in each cashier's vault: Σ of his ledger lines.
create table vault_state (
    agency_id uuid not null,
    cashier_id uuid not null,
    currency char(3) not null,
    vault_minor bigint not null default 0 check (vault_minor >= 0),
    primary key (agency_id, cashier_id, currency)
) with (fillfactor = 50);
call make_state('vault_state');

-- ---- deposits -----------------------------------------------------------------------------------------------------

-- Cash on its way to a bank: from a collector's bag (a DEPOSIT entry: its id) or from a cashier's vault.
create table deposit (
    agency_id uuid not null,
    deposit_id uuid not null,
    posting_id uuid not null,
    collector_id uuid,
    cashier_id uuid,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    bank_reference text not null,
    value_us bigint not null,
    value_on date not null,
    received_us bigint not null,
    primary key (agency_id, deposit_id),
    check ((collector_id is null) <> (cashier_id is null))
);
create index deposit_posting on deposit (agency_id, posting_id);
call make_fact('deposit');

-- event: 1 made, 2 matched with a line of a bank's statement. bank_line_id: that line; null: matched by hand.
create table deposit_event (
    agency_id uuid not null,
    deposit_id uuid not null,
    version integer not null,
    posting_id uuid not null,
    event smallint not null,
    at_us bigint not null,
    actor_id uuid,
    bank_line_id uuid,
    reason text not null default '',
    primary key (agency_id, deposit_id, version)
);
create index deposit_event_posting on deposit_event (agency_id, posting_id);
call make_fact('deposit_event');

-- state: 1 IN_TRANSIT, 2 BANK_MATCHED.
create table deposit_state (
    agency_id uuid not null,
    deposit_id uuid not null,
    collector_id uuid,
    currency char(3) not null,
    amount_minor bigint not null,
    bank_reference text not null,
    value_us bigint not null,
    value_on date not null,
    state smallint not null default 1,
    version integer not null default 1,
    primary key (agency_id, deposit_id)
) with (fillfactor = 70);
create index deposit_state_reference on deposit_state (agency_id, bank_reference, amount_minor) where state = 1;
create index deposit_state_collector on deposit_state (agency_id, collector_id) where state = 1;
create index deposit_state_list on deposit_state (agency_id, value_us, deposit_id);
call make_state('deposit_state');

-- ---- what collectors owe ------------------------------------------------------------------------------------------

-- kind: 1 of a settlement (its id), 2 ROBBERY, 3 COUNTERFEIT, 4 LOSS, 5 another incident (the entry's id).
create table shortage (
    agency_id uuid not null,
    shortage_id uuid not null,
    posting_id uuid not null,
    collector_id uuid not null,
    kind smallint not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency char(3) not null,
    value_us bigint not null,
    value_on date not null,
    received_us bigint not null,
    report text not null default '',
    police_reference text not null default '',
    primary key (agency_id, shortage_id)
);
create index shortage_posting on shortage (agency_id, posting_id);
call make_fact('shortage');

-- event: 1 found, 2 repaid, 3 written off.
create table shortage_event (
    agency_id uuid not null,
    shortage_id uuid not null,
    version integer not null,
    posting_id uuid not null,
    event smallint not null,
    amount_minor bigint not null,
    at_us bigint not null,
    actor_id uuid not null,
    proposal_id uuid,
    reason text not null default '',
    primary key (agency_id, shortage_id, version)
);
create index shortage_event_posting on shortage_event (agency_id, posting_id);
call make_fact('shortage_event');

create table shortage_state (
    agency_id uuid not null,
    shortage_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    value_us bigint not null,
    value_on date not null,
    open_minor bigint not null check (open_minor >= 0),
    version integer not null default 1,
    primary key (agency_id, shortage_id)
) with (fillfactor = 70);
create index shortage_state_collector on shortage_state (agency_id, collector_id) where open_minor > 0;
create index shortage_state_list on shortage_state (agency_id, value_us, shortage_id);
call make_state('shortage_state');

-- ---- handovers ----------------------------------------------------------------------------------------------------

-- One half of a handover, as a phone signed it. side: 1 GIVES, 2 TAKES. The lines are in the posting of the half that
-- came second.
create table handover (
    agency_id uuid not null,
    entry_id uuid not null,
    posting_id uuid not null,
    handover_id uuid not null,
    side smallint not null,
    user_id uuid not null,
    counterpart_id uuid not null,
    amount_minor bigint not null,
    currency char(3) not null,
    entry_hash bytea not null,
    device_id uuid not null,
    epoch integer not null,
    seq bigint not null,
    value_us bigint not null,
    value_on date not null,
    primary key (agency_id, entry_id)
);
create index handover_posting on handover (agency_id, posting_id);
create index handover_halves on handover (agency_id, handover_id);
create index handover_taker on handover (agency_id, user_id, value_us) where side = 2;
create index handover_given on handover (agency_id, counterpart_id, value_us) where side = 1;
call make_fact('handover');

-- state: 0 nothing has come yet (the row is there to be locked), 1 WAITING for the other half, 2 DONE, 3 DISPUTED,
-- 4 UNCOVERED: both halves are here, and of the giver's journal not all, so that his cash does not cover it yet.
-- entry_id: the half that came first.
create table handover_state (
    agency_id uuid not null,
    handover_id uuid not null,
    state smallint not null default 0,
    entry_id uuid,
    primary key (agency_id, handover_id)
) with (fillfactor = 70);
create index handover_uncovered on handover_state (agency_id, handover_id) where state = 4;
call make_state('handover_state');

-- Has all arrived that a phone wrote up to a place of its journal, its earlier epochs included?
create function journal_is_complete(of_agency uuid, of_device uuid, of_epoch integer, up_to bigint)
returns boolean language sql stable parallel safe as $$
    select coalesce((select e.contiguous_seq from device_epoch e
                     where e.agency_id = $1 and e.device_id = $2 and e.epoch = $3), 0) >= $4
       and not exists (
        select from device_epoch e
        where e.agency_id = $1 and e.device_id = $2 and e.epoch < $3
          and e.contiguous_seq < greatest(e.seq_max, coalesce(e.closed_seq, 0)))
$$;
grant execute on function journal_is_complete(uuid, uuid, integer, bigint) to tagih_app;

-- For the minute's work: which agencies have handovers that wait for the giver's cash. It tells no more than their ids.
create function handover_uncovered_agencies() returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select a.agency_id from agency a
    where exists (select from handover_state s where s.agency_id = a.agency_id and s.state = 4)
$$;
revoke execute on function handover_uncovered_agencies() from public;
grant execute on function handover_uncovered_agencies() to tagih_app;

-- ---- limits -------------------------------------------------------------------------------------------------------

-- How much may be held. collector_id nil: of the agency; the newest version counts, a collector's before the agency's.
create table cash_limit (
    agency_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    version integer not null,
    soft_minor bigint not null check (soft_minor >= 0),
    hard_minor bigint not null check (hard_minor >= soft_minor),
    receipt_minor bigint not null check (receipt_minor >= 0),
    at_us bigint not null,
    actor_id uuid not null,
    reason text not null default '',
    primary key (agency_id, collector_id, currency, version)
);
call make_fact('cash_limit');

-- What the minute last saw of a collector, and the breaches that were told (bits: server/domain/cash.h).
create table cash_watch_state (
    agency_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    breaches smallint not null default 0,
    held_minor bigint not null default 0,
    aged_minor bigint not null default 0,
    due_before_on date,                  -- cash of value dates before this day was past its time
    limits_us bigint not null default 0, -- when the newest limit was set
    n integer not null default 0,        -- of its newest cash_breach
    primary key (agency_id, collector_id, currency)
) with (fillfactor = 50);
call make_state('cash_watch_state');

create table cash_breach (
    agency_id uuid not null,
    collector_id uuid not null,
    currency char(3) not null,
    n integer not null,
    breaches_before smallint not null,
    breaches_after smallint not null,
    held_minor bigint not null,
    aged_minor bigint not null,
    soft_minor bigint not null,
    hard_minor bigint not null,
    at_us bigint not null,
    primary key (agency_id, collector_id, currency, n)
);
call make_fact('cash_breach');

create index receipt_collector on receipt (agency_id, collector_id, value_us);

-- The first value date whose cash is not past its time: a day's cash is due at noon of the working day after it, and
-- Saturday and Sunday are none (R-CSH-3).
create function cash_due_before(now_us bigint, zone text) returns date language sql stable parallel safe as $$
    select min(d.on)
    from (select t.today + x as on from (select agency_date(now_us, zone) as today) t, generate_series(-5, 1) x) d
    where (extract(epoch from (d.on + case extract(isodow from d.on) when 5 then 3 when 6 then 2 else 1 end + time '12:00')
           at time zone zone) * 1000000)::bigint > now_us
$$;
grant execute on function cash_due_before(bigint, text) to tagih_app;

-- The postings of a handover's halves, and of what two people decided about them: its lines are in one of them.
create function handover_postings(of_agency uuid, of_handover uuid) returns setof uuid language sql stable parallel safe rows 3 as $$
    select h.posting_id from handover h where h.agency_id = $1 and h.handover_id = $2
    union
    select d.posting_id from handover h
    join entry_decision d on d.agency_id = $1 and d.entry_hash = h.entry_hash
    where h.agency_id = $1 and h.handover_id = $2
$$;
grant execute on function handover_postings(uuid, uuid) to tagih_app;

-- Cash that came into a collector's bag behind a cut, net of what was voided since: receipts and handovers of the phone
-- `cut_device` beyond (epoch, seq), and of his other phones (of all when it is null) valued after `since_us` (R-CSH-2a).
create function cash_inflows(of_agency uuid, of_collector uuid, of_currency text, cut_device uuid, cut_epoch integer,
                             cut_seq bigint, since_us bigint)
returns table (value_on date, in_minor bigint) language sql stable parallel safe rows 50 as $$
    select e.value_on, m.in_minor
    from (
        select r.entry_id, r.entry_id as posting_id, r.value_on
        from journal_key k
        join receipt r on r.agency_id = $1 and r.entry_id = k.entry_id
        where $4 is not null and k.agency_id = $1 and k.device_id = $4 and (k.epoch, k.seq) > ($5, $6) and k.owns_seq
          and k.kind = 1 and r.collector_id = $2 and r.currency = $3
        union all
        select r.entry_id, r.entry_id, r.value_on
        from receipt r
        where r.agency_id = $1 and r.collector_id = $2 and r.value_us > $7 and r.currency = $3
          and r.device_id is distinct from $4
        union all
        select h.entry_id, o.posting_id, h.value_on
        from journal_key k
        join handover h on h.agency_id = $1 and h.entry_id = k.entry_id
        cross join lateral handover_postings($1, h.handover_id) o (posting_id)
        where $4 is not null and k.agency_id = $1 and k.device_id = $4 and (k.epoch, k.seq) > ($5, $6) and k.owns_seq
          and k.kind = 32 and h.side = 2 and h.user_id = $2 and h.currency = $3
        union all
        select h.entry_id, o.posting_id, h.value_on
        from handover h
        cross join lateral handover_postings($1, h.handover_id) o (posting_id)
        where h.agency_id = $1 and h.user_id = $2 and h.side = 2 and h.value_us > $7 and h.currency = $3
          and h.device_id is distinct from $4
        union all
        select h.entry_id, o.posting_id, h.value_on  -- his own half never came: two people took the giver's word
        from handover h
        cross join lateral handover_postings($1, h.handover_id) o (posting_id)
        where h.agency_id = $1 and h.counterpart_id = $2 and h.side = 1 and h.value_us > $7 and h.currency = $3
          and not exists (select from handover t where t.agency_id = $1 and t.handover_id = h.handover_id and t.side = 2
                          and t.user_id = $2)) e
    cross join lateral (
        select coalesce(sum(l.amount_minor), 0)::bigint as in_minor
        from ledger_line l
        where l.agency_id = $1 and l.posting_id = any(array(
              select e.posting_id union all
              select v.reversal_id from payment_reversal v where v.agency_id = $1 and v.payment_id = e.entry_id))
          and l.ledger_account = 5 and l.owner_id = $2) m
$$;
grant execute on function cash_inflows(uuid, uuid, text, uuid, integer, bigint, bigint) to tagih_app;

-- For the minute's work: which agencies have collectors whose cash was not looked at since it moved, a day's cash came
-- past its time, or limits changed. It tells no more than their ids.
create function cash_watch_agencies(now_us bigint) returns setof uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select a.agency_id
    from agency a
    cross join lateral (select public.cash_due_before(now_us, a.time_zone) as due_before_on) d
    where exists (
        select from collector_state c
        left join cash_watch_state w on w.agency_id = a.agency_id and w.collector_id = c.collector_id and w.currency = c.currency
        where c.agency_id = a.agency_id
          and case when w.agency_id is null then c.cash_held_minor > 0
                   else w.held_minor <> c.cash_held_minor
                        or (c.cash_held_minor > 0 and w.due_before_on is distinct from d.due_before_on)
                        or w.limits_us <> coalesce((select max(l.at_us) from cash_limit l
                               where l.agency_id = a.agency_id and l.currency = c.currency
                                 and l.collector_id in (c.collector_id, '00000000-0000-0000-0000-000000000000')), 0) end)
$$;
revoke execute on function cash_watch_agencies(bigint) from public;
grant execute on function cash_watch_agencies(bigint) to tagih_app;
