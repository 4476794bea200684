-- What `tagihd verify` reads (server/verify/verify.h): chunks by key, and set-based comparisons that answer differences
-- alone, as (table, key, column, stored, expected). It runs in one snapshot, best as tagih_read.

-- name: verify_plans
-- in:   none
-- out:  text plans
-- why:  reading whole tables once wants what serving many small calls must not have.
select set_config('enable_seqscan', 'on', true) || set_config('enable_hashjoin', 'on', true)
       || set_config('enable_mergejoin', 'on', true) as plans;

-- name: verify_tables
-- in:   none
-- out:  text table_name
-- why:  the tables that have a block at all; in the others nobody has to look for rows of a posting.
select c.relname::text as table_name from pg_class c
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and pg_relation_size(c.oid) > 0;

-- name: verify_entries
-- in:   uuid agency_id, bytea after_hash, bytea until_hash, int8 since_us, int4 limit_rows
-- out:  bytea entry_hash, uuid device_id, int4 epoch, int8 seq, uuid entry_id, int2 kind, bool owns_seq, bool owns_id, int2 fate, int8 flags, int8 received_us, bytea ack, int8 body_received_us, int8 value_us, bytea prev_hash, bytea body, date value_on, bytea public_key, uuid user_id, int8 valid_from_us, bytea certificate_hash, bytea before_hash, int8 before_flags, int2 later_fate, int8 later_flags, uuid waits_for, uuid released_posting, uuid released_account, int8 released_us, int2 released_fate, int8 released_flags
-- why:  entries by hash, each with its key's certificate, the entry before it in its chain, of one that waited the first
--       fate that it found after that by itself, and of one that two people released what they decided (R-JRN-6).
select k.entry_hash, k.device_id, k.epoch, k.seq, k.entry_id, k.kind, k.owns_seq, k.owns_id, k.fate, k.flags, k.received_us,
       k.ack, b.received_us as body_received_us, b.value_us, k.prev_hash, b.body, agency_date(b.value_us, g.time_zone) as value_on,
       d.public_key, d.user_id, d.valid_from_us, d.certificate_hash, p.entry_hash as before_hash, p.flags as before_flags,
       case when e.actor_id is null then e.fate end as later_fate, e.flags as later_flags, w.referent_id as waits_for,
       z.posting_id as released_posting, z.account_id as released_account, z.at_us as released_us, z.fate as released_fate,
       z.flags as released_flags
from (select x.entry_hash, x.device_id, x.epoch, x.seq, x.entry_id, x.kind, x.owns_seq, x.owns_id, x.fate, x.flags,
             x.received_us, x.prev_hash, x.ack
      from journal_key x
      where x.agency_id = $1 and x.entry_hash > $2 and x.entry_hash <= $3 and x.received_us >= $4
      order by x.entry_hash limit $5) k
join agency g on g.agency_id = $1
left join lateral (
    select x.received_us, x.value_us, x.body from journal_body x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and x.received_us = k.received_us offset 0) b on true
left join device_key d on d.agency_id = $1 and d.device_id = k.device_id and d.epoch = k.epoch
left join entry_waiting w on w.agency_id = $1 and w.entry_hash = k.entry_hash
left join lateral (
    select x.entry_hash, x.flags from journal_key x
    where x.agency_id = $1 and x.device_id = k.device_id and x.epoch = k.epoch and x.seq = k.seq - 1 and x.owns_seq
    offset 0) p on true
left join lateral (
    select x.fate, x.flags, x.actor_id from entry_event x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and k.fate = 3 and x.fate <> 3
    order by x.n limit 1) e on true
left join lateral (
    select x.posting_id, x.account_id, x.at_us, x.fate, x.flags from entry_decision x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and k.fate in (3, 4) and x.action = 1
    offset 0) z on true
order by k.entry_hash;

-- name: verify_receipts
-- in:   uuid agency_id, uuid[] entry_id
-- out:  int4 row, bytea entry_hash, uuid device_id, int4 epoch, int8 seq, uuid account_id, uuid collector_id, uuid visit_id, int8 amount_minor, text currency, int2 tender, int2 tag, text reference, int8 receipt_no, int8 device_us, int8 value_us, date value_on
select (q.i - 1)::int4 as row, r.entry_hash, r.device_id, r.epoch, r.seq, r.account_id, r.collector_id, r.visit_id,
       r.amount_minor, r.currency::text as currency, r.tender, r.tag, r.reference, r.receipt_no, r.device_us, r.value_us, r.value_on
from unnest($2) with ordinality q (entry_id, i)
join receipt r on r.agency_id = $1 and r.entry_id = q.entry_id
order by q.i;

-- name: verify_voids
-- in:   uuid agency_id, uuid[] entry_id
-- out:  int4 row, uuid receipt_id, int8 amount_minor, text currency, int2 effect, int2 reason, int8 value_us
select (q.i - 1)::int4 as row, v.receipt_id, v.amount_minor, v.currency::text as currency, v.effect, v.reason, v.value_us
from unnest($2) with ordinality q (entry_id, i)
join receipt_void v on v.agency_id = $1 and v.entry_id = q.entry_id
order by q.i;

-- name: verify_device_keys
-- in:   uuid agency_id, uuid after_device, int4 after_epoch, int4 limit_rows
-- out:  uuid device_id, int4 epoch, uuid user_id, bytea public_key, int8 valid_from_us, bytea certificate, bytea certificate_hash
select device_id, epoch, user_id, public_key, valid_from_us, certificate, certificate_hash
from device_key where agency_id = $1 and (device_id, epoch) > ($2, $3) order by device_id, epoch limit $4;

-- name: verify_writers
-- in:   uuid agency_id, int8 since_us, int8 after_id
-- out:  int8 writer_id, int8 n, bytea head, int8 first_n, bytea before
-- why:  the next chain of postings, the first of its postings that is asked for, and the digest before that one.
select s.writer_id, s.n, s.head, f.first_n, b.digest as before
from (select x.writer_id, x.n, x.head from posting_writer x
      where x.agency_id = $1 and x.writer_id > $3 order by x.writer_id limit 1) s
cross join lateral (
    select min(x.writer_n) as first_n from posting x
    where x.agency_id = $1 and x.writer_id = s.writer_id and x.at_us >= $2 offset 0) f
left join posting b on b.agency_id = $1 and b.writer_id = s.writer_id and b.writer_n = f.first_n - 1;

-- name: verify_postings
-- in:   uuid agency_id, int8 writer_id, int8 from_n, int4 limit_rows
-- out:  uuid posting_id, int2 kind, uuid trigger_id, uuid account_id, date value_on, date posting_on, int8 at_us, int8 writer_n, bytea digest
select posting_id, kind, trigger_id, account_id, value_on, posting_on, at_us, writer_n, digest
from posting where agency_id = $1 and writer_id = $2 and writer_n >= $3 order by writer_n limit $4;

-- name: verify_posting_entries
-- in:   uuid agency_id, uuid[] posting_id
-- out:  int4 row, bytea entry_hash, int2 fate, int8 flags, bytea ack
-- why:  the entry that a posting came from, as it was when it posted: of one that had waited the fate it got then, and
--       no acknowledgement. A half of a handover (32) is posted when it comes, while it waits for the other one, with its
--       first fate; that one may wait in turn, for the giver's cash, and is posted later.
--       An entry that does not own its id names its posting by the head of its hash.
select (q.i - 1)::int4 as row, k.entry_hash, coalesce(e.fate, k.fate) as fate, coalesce(e.flags, k.flags) as flags,
       case when k.waited then ''::bytea else k.ack end as ack
from unnest($2) with ordinality q (posting_id, i)
join posting o on o.agency_id = $1 and o.posting_id = q.posting_id
cross join lateral (
    select x.entry_hash, x.fate, x.flags, x.ack, x.fate = 3 and (x.kind <> 32 or x.received_us <> o.at_us) as waited
    from journal_key x
    where x.agency_id = $1 and x.entry_id = q.posting_id and x.owns_id
    union all
    select x.entry_hash, x.fate, x.flags, x.ack, x.fate = 3 and (x.kind <> 32 or x.received_us <> o.at_us) as waited
    from journal_key x
    where x.agency_id = $1 and x.entry_hash >= uuid_send(q.posting_id) || decode(repeat('00', 16), 'hex')
      and x.entry_hash <= uuid_send(q.posting_id) || decode(repeat('ff', 16), 'hex') and not x.owns_id) k
left join lateral (
    select x.fate, x.flags from entry_event x
    where x.agency_id = $1 and x.entry_hash = k.entry_hash and k.waited and x.fate <> 3 order by x.n limit 1) e on true
order by q.i;

-- name: verify_posting_payments
-- in:   uuid agency_id, uuid[] payment_id
-- out:  int4 row, uuid payment_id, uuid account_id, int2 source, text source_reference, int2 tender, int2 tag, int8 amount_minor, text currency, int8 value_us, date value_on, date posting_on, int8 received_us, uuid collector_id, uuid actor_id
select (q.i - 1)::int4 as row, p.payment_id, p.account_id, p.source, p.source_reference, p.tender, p.tag, p.amount_minor,
       p.currency::text as currency, p.value_us, p.value_on, p.posting_on, p.received_us, p.collector_id, p.actor_id
from unnest($2) with ordinality q (payment_id, i)
join payment p on p.agency_id = $1 and p.payment_id = q.payment_id
order by q.i;

-- name: verify_posting_reversals
-- in:   uuid agency_id, uuid[] posting_id, uuid[] payment_id
-- out:  int4 row, uuid payment_id, uuid reversal_id, int2 reason, date value_on, date posting_on, int8 at_us, uuid actor_id
select (q.i - 1)::int4 as row, r.payment_id, r.reversal_id, r.reason, r.value_on, r.posting_on, r.at_us, r.actor_id
from unnest($2, $3) with ordinality q (posting_id, payment_id, i)
join payment_reversal r on r.agency_id = $1 and r.payment_id = q.payment_id and r.reversal_id = q.posting_id
order by q.i;

-- name: verify_posting_allocations
-- in:   uuid agency_id, uuid[] posting_id, uuid[] payment_id
-- out:  int4 row, uuid payment_id, int4 version, int4 instalment_no, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, int8 debt_minor, uuid posting_id
-- why:  the first version of a posting's own payment, and later ones that it wrote of others.
select (q.i - 1)::int4 as row, a.payment_id, a.version, a.instalment_no, a.fees_minor, a.penalty_minor, a.interest_minor,
       a.principal_minor, a.credit_minor, a.debt_minor, a.posting_id
from unnest($2, $3) with ordinality q (posting_id, payment_id, i)
cross join lateral (
    select x.payment_id, x.version, x.instalment_no, x.fees_minor, x.penalty_minor, x.interest_minor, x.principal_minor,
           x.credit_minor, x.debt_minor, x.posting_id
    from allocation x where x.agency_id = $1 and x.payment_id = q.payment_id and x.version <= 1
    union all
    select x.payment_id, x.version, x.instalment_no, x.fees_minor, x.penalty_minor, x.interest_minor, x.principal_minor,
           x.credit_minor, x.debt_minor, x.posting_id
    from allocation x where x.agency_id = $1 and x.posting_id = q.posting_id and x.version > 1) a
order by q.i;

-- name: verify_posting_lines
-- in:   uuid agency_id, uuid[] posting_id
-- out:  int4 row, int2 line_no, int2 ledger_account, uuid owner_id, text currency, int8 amount_minor
select (q.i - 1)::int4 as row, l.line_no, l.ledger_account, l.owner_id, l.currency::text as currency, l.amount_minor
from unnest($2) with ordinality q (posting_id, i)
join ledger_line l on l.agency_id = $1 and l.posting_id = q.posting_id
order by q.i, l.line_no;

-- name: verify_posting_bonus
-- in:   uuid agency_id, uuid[] posting_id
-- out:  int4 row, uuid payment_id, int2 line_no, bytea hash
-- why:  several lines of one posting stand in the order of their key, those of no payment last.
select (q.i - 1)::int4 as row, b.payment_id, b.line_no, b.hash
from unnest($2) with ordinality q (posting_id, i)
join bonus_line b on b.agency_id = $1 and b.posting_id = q.posting_id
order by q.i, b.payment_id, b.line_no, b.collector_id;

-- name: verify_posting_snapshots
-- in:   uuid agency_id, uuid[] account_id, date[] as_of_on, int8[] received_us
-- out:  int4 row, uuid account_id, date as_of_on, int8 received_us, bytea file_hash, int4 row_no, int2 load_type, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 export_seq
select (q.i - 1)::int4 as row, s.account_id, s.as_of_on, s.received_us, s.file_hash, s.row_no, s.load_type, s.fees_minor,
       s.penalty_minor, s.interest_minor, s.principal_minor, s.export_seq
from unnest($2, $3, $4) with ordinality q (account_id, as_of_on, received_us, i)
join snapshot s on s.agency_id = $1 and s.account_id = q.account_id and s.as_of_on = q.as_of_on and s.received_us = q.received_us
order by q.i;

-- name: verify_bonus_lines
-- in:   uuid agency_id, uuid after_posting, uuid after_line, int4 limit_rows
-- out:  uuid payment_id, int2 line_no, uuid line_id, int2 kind, uuid collector_id, uuid team_id, date month_on, text currency, uuid account_id, date value_on, text scheme, int4 scheme_version, int8 base_minor, int8 amount_minor, int2 bucket, int4 bucket_factor, int4 tier_factor, int4 target_factor, int4 tag_factor, int2 tag, int8 mtd_minor, int8 target_minor, int4 target_version, bool capped, bytea allocation_digest, bytea prev_hash, bytea hash, uuid posting_id
-- why:  the columns of bonus_lines in their order, of all postings.
select payment_id, line_no, line_id, kind, collector_id, team_id, month_on, currency::text as currency, account_id, value_on,
       scheme, scheme_version, base_minor, amount_minor, bucket, bucket_factor, tier_factor, target_factor, tag_factor, tag,
       mtd_minor, target_minor, target_version, capped, allocation_digest, prev_hash, hash, posting_id
from bonus_line where agency_id = $1 and (posting_id, line_id) > ($2, $3) order by posting_id, line_id limit $4;

-- name: verify_accounts
-- in:   uuid agency_id, uuid after_id, int4 limit_rows
-- out:  uuid account_id, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, int8 debt_allocated_minor, date oldest_due_on, date last_value_on, int8 last_value_us, uuid last_payment_id, date snapshot_on, int8 snapshot_us, date newest_on, int8 newest_us
select s.account_id, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor, s.credit_minor,
       s.debt_allocated_minor, s.oldest_due_on, s.last_value_on, s.last_value_us, s.last_payment_id, s.snapshot_on,
       s.snapshot_us, w.as_of_on as newest_on, w.received_us as newest_us
from account_state s
left join lateral (
    select n.as_of_on, n.received_us from snapshot n where n.agency_id = $1 and n.account_id = s.account_id
    order by n.as_of_on desc, n.received_us desc limit 1) w on true
where s.agency_id = $1 and s.account_id > $2 order by s.account_id limit $3;

-- name: verify_instalments
-- in:   uuid agency_id, uuid[] account_id
-- out:  uuid account_id, int4 instalment_no, date due_on, int2 state, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor
select i.account_id, i.instalment_no, i.due_on, i.state, i.fees_minor, i.penalty_minor, i.interest_minor, i.principal_minor
from instalment_state i where i.agency_id = $1 and i.account_id = any($2)
order by i.account_id, i.instalment_no;

-- name: verify_allocated
-- in:   uuid agency_id, uuid[] payment_id
-- out:  uuid payment_id, int4 instalment_no, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor, int8 debt_minor
-- why:  payments as they stand allocated: the highest version counts (R-ALL-7).
select a.payment_id, a.instalment_no, a.fees_minor, a.penalty_minor, a.interest_minor, a.principal_minor, a.credit_minor,
       a.debt_minor
from unnest($2) q (payment_id)
cross join lateral (
    select max(x.version) as version from allocation x where x.agency_id = $1 and x.payment_id = q.payment_id offset 0) n
join allocation a on a.agency_id = $1 and a.payment_id = q.payment_id and a.version = n.version
order by a.payment_id, a.instalment_no;

-- ---- differences ----------------------------------------------------------------------------------------------------
-- Every statement verify_diff_* takes the agency and answers the same columns; the program runs whichever there are.

-- name: verify_diff_orphans
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  rows of money that no posting wrote, and rows of receipts and voids that no entry brought.
select x.table_name, x.key, ''::text as column_name,
       case when x.expected like 'none:%' then 'a row' else 'no row, or another' end as stored, x.expected
from (
    select 'payment' as table_name, p.payment_id::text as key, 'none: no posting wrote it' as expected
    from payment p where p.agency_id = $1
      and not exists (select from posting o where o.agency_id = $1 and o.trigger_id = p.payment_id and o.kind = 1)
    union all
    select 'payment_reversal', r.payment_id::text, 'none: no posting wrote it' from payment_reversal r
    where r.agency_id = $1 and not exists (
        select from posting o where o.agency_id = $1 and o.posting_id = r.reversal_id and o.trigger_id = r.payment_id)
    union all
    select 'allocation', a.payment_id || ' version ' || a.version || ' instalment ' || a.instalment_no, 'none: no posting wrote it'
    from allocation a
    where a.agency_id = $1 and not exists (
        select from posting o where o.agency_id = $1 and o.posting_id = a.posting_id and (a.version > 1 or o.trigger_id = a.payment_id))
    union all
    select f.table_name, f.key, 'none: no posting wrote it' from fact_orphans($1) f
    union all
    select distinct n.name, o.writer_id::text, 'the chain of this writer, with its postings' from posting o
    cross join (values ('posting'), ('posting_writer')) n (name)
    where o.agency_id = $1 and not exists (
        select from posting_writer w where w.agency_id = $1 and w.writer_id = o.writer_id and w.n >= o.writer_n)
    union all
    select 'receipt', r.entry_id::text, 'none: no entry brought it' from receipt r
    where r.agency_id = $1 and not exists (
        select from journal_key k where k.agency_id = $1 and k.entry_hash = r.entry_hash and k.entry_id = r.entry_id
          and k.kind = 1 and k.owns_id)
    union all
    select 'receipt_void', v.entry_id::text, 'none: no entry brought it' from receipt_void v
    where v.agency_id = $1 and not exists (
        select from journal_key k where k.agency_id = $1 and k.entry_id = v.entry_id and k.kind = 2 and k.owns_id)
    union all
    select 'journal_key', encode(b.entry_hash, 'hex'), 'the entry of this body, received when it was' from journal_body b
    where b.agency_id = $1 and not exists (
        select from journal_key k where k.agency_id = $1 and k.entry_hash = b.entry_hash and k.received_us = b.received_us)
    union all
    select 'device_key', k.device_id || ' epoch ' || k.epoch, 'the certificate that its entries were written under'
    from (select distinct x.device_id, x.epoch from journal_key x where x.agency_id = $1) k
    where not exists (
        select from device_key d where d.agency_id = $1 and d.device_id = k.device_id and d.epoch = k.epoch)
    union all
    select 'entry_waiting', encode(w.entry_hash, 'hex'), 'none: no entry waits so' from entry_waiting w
    where w.agency_id = $1 and not exists (
        select from journal_key k where k.agency_id = $1 and k.entry_hash = w.entry_hash and k.fate = 3)) x
order by 1, 2;

-- name: verify_diff_collector_state
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  balances of collectors are the sums of their ledger lines; the bonus chain ends where its last line stands.
with lines as (
    select l.owner_id, l.currency, sum(l.amount_minor) filter (where l.ledger_account = 5) as cash,
           sum(l.amount_minor) filter (where l.ledger_account = 6) as cheques,
           sum(l.amount_minor) filter (where l.ledger_account = 10) as transit,
           sum(l.amount_minor) filter (where l.ledger_account = 12) as receivable,
           -sum(l.amount_minor) filter (where l.ledger_account = 21) as payable
    from ledger_line l where l.agency_id = $1 and l.ledger_account in (5, 6, 10, 12, 21) and l.owner_id is not null
    group by l.owner_id, l.currency),
chains as (
    select distinct on (b.collector_id, b.currency) b.collector_id, b.currency, b.chain_n, b.hash
    from bonus_line b where b.agency_id = $1 order by b.collector_id, b.currency, b.chain_n desc)
select 'collector_state'::text as table_name, coalesce(s.collector_id, l.owner_id)::text || ' ' || coalesce(s.currency, l.currency) as key,
       v.column_name, v.stored, v.expected
from (select collector_id, currency, bonus_n, bonus_head, cash_held_minor, cheques_in_hand_minor, deposit_in_transit_minor,
             collector_receivable_minor, bonus_payable_minor
      from collector_state where agency_id = $1) s
full join lines l on l.owner_id = s.collector_id and l.currency = s.currency
left join chains c on c.collector_id = s.collector_id and c.currency = s.currency
cross join lateral (values
    ('cash_held_minor', coalesce(s.cash_held_minor, 0)::text, coalesce(l.cash, 0)::text),
    ('cheques_in_hand_minor', coalesce(s.cheques_in_hand_minor, 0)::text, coalesce(l.cheques, 0)::text),
    ('deposit_in_transit_minor', coalesce(s.deposit_in_transit_minor, 0)::text, coalesce(l.transit, 0)::text),
    ('collector_receivable_minor', coalesce(s.collector_receivable_minor, 0)::text, coalesce(l.receivable, 0)::text),
    ('bonus_payable_minor', coalesce(s.bonus_payable_minor, 0)::text, coalesce(l.payable, 0)::text),
    ('bonus_n', coalesce(s.bonus_n, 0)::text, coalesce(c.chain_n, 0)::text),
    ('bonus_head', encode(coalesce(nullif(s.bonus_head, decode(repeat('00', 32), 'hex')), ''), 'hex'), encode(coalesce(c.hash, ''), 'hex')))
    v (column_name, stored, expected)
where v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_bonus_chain
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  each collector's lines are numbered without gaps, and each names the hash of the one before.
select 'bonus_line'::text as table_name, x.payment_id || ' line ' || x.line_no as key, v.column_name, v.stored, v.expected
from (select b.payment_id, b.line_no, b.chain_n, b.prev_hash, lag(b.chain_n) over w as before_n, lag(b.hash) over w as before_hash
      from bonus_line b where b.agency_id = $1
      window w as (partition by b.collector_id, b.currency order by b.chain_n, b.payment_id, b.line_no)) x
cross join lateral (values
    ('chain_n', x.chain_n::text, (coalesce(x.before_n, 0) + 1)::text),
    ('prev_hash', encode(x.prev_hash, 'hex'), encode(coalesce(x.before_hash, decode(repeat('00', 32), 'hex')), 'hex')))
    v (column_name, stored, expected)
where v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_bonus_taken
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a line that takes back is minus everything that it names (R-BON-5).
select 'bonus_taken'::text as table_name, b.line_id::text as key, v.column_name, v.stored, v.expected
from bonus_line b
left join (
    select t.line_id, -sum(t.amount_minor) as amount, -sum(t.base_minor) as base
    from bonus_taken t where t.agency_id = $1 group by t.line_id) t on t.line_id = b.line_id
cross join lateral (values
    ('amount_minor', coalesce(t.amount::text, 'nothing named'), b.amount_minor::text),
    ('base_minor', coalesce(t.base::text, 'nothing named'), b.base_minor::text)) v (column_name, stored, expected)
where b.agency_id = $1 and b.kind in (2, 3) and v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_bonus_share
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  the line of a payment that was split has its collector's share as its base (R-BON-8a).
select 'bonus_line'::text as table_name, b.line_id::text as key, 'base_minor'::text as column_name, b.base_minor::text as stored,
       coalesce(s.base_minor::text, 'no share of it') as expected
from (select distinct x.payment_id from bonus_share x where x.agency_id = $1) q
join bonus_line b on b.agency_id = $1 and b.payment_id = q.payment_id and b.kind in (1, 6)
left join bonus_share s on s.agency_id = $1 and s.payment_id = b.payment_id and s.collector_id = b.collector_id
where s.base_minor is distinct from b.base_minor
order by 2;

-- name: verify_diff_payout_line
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a run's line says what the bonus line says (R-BON-9a).
select 'bonus_payout_line'::text as table_name, p.line_id::text as key, 'line_id'::text as column_name,
       concat_ws(', ', p.collector_id, p.month_on, p.clawback, p.amount_minor) as stored,
       coalesce(concat_ws(', ', b.collector_id, b.month_on, b.kind = 3, b.amount_minor), 'no such bonus line') as expected
from bonus_payout_line p
left join bonus_line b on b.agency_id = $1 and b.line_id = p.line_id
where p.agency_id = $1
  and (b.line_id is null or (p.collector_id, p.month_on, p.clawback, p.amount_minor) <> (b.collector_id, b.month_on, b.kind = 3, b.amount_minor))
order by 2;

-- name: verify_diff_paid_month
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a collector's closed month is done in the run that took the last of its lines, and not before (R-BON-9a).
select 'collector_month'::text as table_name, m.collector_id || ' ' || m.month_on || ' ' || m.currency as key,
       'paid_run'::text as column_name, coalesce(m.paid_run::text, '-') as stored, coalesce(l.run_no::text, '-') as expected
from collector_month m
left join (
    select b.collector_id, b.month_on, b.currency, max(x.run_no) as run_no
    from bonus_line b
    join month_close c on c.agency_id = $1 and c.month_on = b.month_on
    left join bonus_payout_line x on x.agency_id = $1 and x.line_id = b.line_id
    where b.agency_id = $1 group by 1, 2, 3 having bool_and(x.line_id is not null)) l
  on l.collector_id = m.collector_id and l.month_on = m.month_on and l.currency = m.currency
where m.agency_id = $1 and m.paid_run is distinct from l.run_no
order by 2;

-- name: verify_diff_last_fact
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  the newest fact that an account names is one of its own, and stands where the account says (R-ALL-6).
select 'account_state'::text as table_name, s.account_id::text as key, 'last_payment_id'::text as column_name,
       concat_ws(', ', s.last_payment_id, s.last_value_on, s.last_value_us) as stored,
       coalesce((
           select concat_ws(', ', p.payment_id, p.value_on, p.value_us) from payment p
           where p.agency_id = $1 and p.payment_id = s.last_payment_id and p.account_id = s.account_id
           union all
           select concat_ws(', ', f.fact_id, f.value_on, f.value_us) from account_fact f
           where f.agency_id = $1 and f.fact_id = s.last_payment_id and f.account_id = s.account_id limit 1), '') as expected
from account_state s
where s.agency_id = $1 and concat_ws(', ', s.last_payment_id, s.last_value_on, s.last_value_us) <> coalesce((
    select concat_ws(', ', p.payment_id, p.value_on, p.value_us) from payment p
    where p.agency_id = $1 and p.payment_id = s.last_payment_id and p.account_id = s.account_id
    union all
    select concat_ws(', ', f.fact_id, f.value_on, f.value_us) from account_fact f
    where f.agency_id = $1 and f.fact_id = s.last_payment_id and f.account_id = s.account_id limit 1), '')
order by 2;

-- name: verify_diff_closed_month
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  what a close found of a month stands in its parts; a month that is open has none of it (R-BON-7, R-BON-10).
select 'collector_month'::text as table_name, m.collector_id || ' ' || m.month_on || ' ' || m.currency as key,
       v.column_name, v.stored, v.expected
from collector_month m
left join month_close c on c.agency_id = $1 and c.month_on = m.month_on
left join bonus_target t on t.agency_id = $1 and t.collector_id = m.collector_id and t.month_on = m.month_on
    and t.version = m.closed_target_version
cross join lateral (values
    ('closed_mtd_minor', coalesce(m.closed_mtd_minor::text, '-'), case when c.month_on is null then '-' else (
        select coalesce(sum(p.base_minor), 0)::text from bonus_part p
        where p.agency_id = $1 and p.collector_id = m.collector_id and p.month_on = m.month_on and p.currency = m.currency
          and p.tag not in (3, 4, 8, 9)) end),
    ('closed_target_minor', coalesce(m.closed_target_minor::text, '-'),
        case when c.month_on is null then '-' else coalesce(t.amount_minor::text, '-') end),
    ('closed_target_version', coalesce(m.closed_target_version::text, '-'),
        case when c.month_on is null then '-' else coalesce(t.version::text, '-') end)) v (column_name, stored, expected)
where m.agency_id = $1 and v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_collector_month
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  a month's bonus is the sum of its lines, its mtd the sum of base of those whose tag counts (R-BON-2a, R-BON-2b).
select 'collector_month'::text as table_name,
       coalesce(m.collector_id, b.collector_id) || ' ' || coalesce(m.month_on, b.month_on) || ' ' || coalesce(m.currency, b.currency) as key,
       v.column_name, v.stored, v.expected
from (select collector_id, month_on, currency, mtd_minor, bonus_minor from collector_month where agency_id = $1) m
full join (
    select l.collector_id, l.month_on, l.currency, sum(l.amount_minor) as bonus,
           sum(l.base_minor) filter (where l.kind in (1, 2, 4) and l.tag not in (3, 4, 8, 9) and o.line_id is null) as mtd
    from bonus_line l
    left join (
        select distinct t.line_id from bonus_taken t
        join bonus_line x on x.agency_id = $1 and x.line_id = t.taken_line_id and x.kind in (3, 5, 6)
        where t.agency_id = $1) o on o.line_id = l.line_id and l.kind = 2
    where l.agency_id = $1 group by l.collector_id, l.month_on, l.currency) b
  on b.collector_id = m.collector_id and b.month_on = m.month_on and b.currency = m.currency
cross join lateral (values
    ('bonus_minor', coalesce(m.bonus_minor, 0)::text, coalesce(b.bonus, 0)::text),
    ('mtd_minor', coalesce(m.mtd_minor, 0)::text, coalesce(b.mtd, 0)::text)) v (column_name, stored, expected)
where v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_device_epoch
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  where a chain stands is what its entries and accepted gaps say: contiguous from 1, the head's hash, the highest
--       seq (R-JRN-4..6).
with entries as (
    select k.device_id, k.epoch, k.seq, k.entry_hash from journal_key k where k.agency_id = $1 and k.owns_seq),
places as (
    select p.device_id, p.epoch, p.seq, bool_or(p.is_here) as is_here
    from (select x.device_id, x.epoch, x.seq, true as is_here from entries x
          union all
          select g.device_id, g.epoch, m.seq, false from gap_accepted g
          cross join lateral generate_series(g.first_seq, g.last_seq) m (seq) where g.agency_id = $1) p
    group by p.device_id, p.epoch, p.seq),
ends as (
    select e.device_id, e.epoch, max(e.seq) filter (where e.is_here) as seq_max,
           coalesce(max(e.seq) filter (where e.is_here and e.seq = e.place), 0) as contiguous_seq
    from (select x.device_id, x.epoch, x.seq, x.is_here,
                 row_number() over (partition by x.device_id, x.epoch order by x.seq) as place
          from places x) e
    group by e.device_id, e.epoch)
select 'device_epoch'::text as table_name, coalesce(s.device_id, n.device_id) || ' epoch ' || coalesce(s.epoch, n.epoch) as key,
       v.column_name, v.stored, v.expected
from (select device_id, epoch, contiguous_seq, head_hash, seq_max, gaps_accepted from device_epoch where agency_id = $1) s
full join ends n on n.device_id = s.device_id and n.epoch = s.epoch
left join entries h on h.device_id = n.device_id and h.epoch = n.epoch and h.seq = n.contiguous_seq
left join device_key d on d.agency_id = $1 and d.device_id = s.device_id and d.epoch = s.epoch
cross join lateral (values
    ('contiguous_seq', coalesce(s.contiguous_seq, 0)::text, coalesce(n.contiguous_seq, 0)::text),
    ('seq_max', coalesce(s.seq_max, 0)::text, coalesce(n.seq_max, 0)::text),
    ('head_hash', encode(coalesce(s.head_hash, ''), 'hex'), encode(coalesce(h.entry_hash, d.certificate_hash, ''), 'hex')),
    ('gaps_accepted', encode(coalesce(s.gaps_accepted, ''), 'hex'), coalesce((
        select string_agg(encode(int8send(g.first_seq) || int8send(g.last_seq), 'hex'), '' order by g.first_seq) from gap_accepted g
        where g.agency_id = $1 and g.device_id = s.device_id and g.epoch = s.epoch), '')))
    v (column_name, stored, expected)
where v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_sums
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  every posting's lines sum to zero per currency (R-LED-1); what a payment brought is what its newest allocation
--       says, but for what refunds took (R-LED-2).
select 'ledger_line'::text as table_name, l.posting_id || ' ' || l.currency as key, 'amount_minor'::text as column_name,
       sum(l.amount_minor)::text as stored, '0'::text as expected
from ledger_line l where l.agency_id = $1 group by l.posting_id, l.currency having sum(l.amount_minor) <> 0
union all
select 'allocation', x.payment_id::text, 'amount_minor', x.allocated::text, x.amount_minor::text
from (
    select p.payment_id, p.account_id, p.amount_minor,
           (select coalesce(sum(a.fees_minor + a.penalty_minor + a.interest_minor + a.principal_minor + a.credit_minor), 0)
            from allocation a where a.agency_id = $1 and a.payment_id = p.payment_id and a.version = (
                select max(y.version) from allocation y where y.agency_id = $1 and y.payment_id = p.payment_id)) as allocated
    from payment p where p.agency_id = $1
      and not exists (select from payment_reversal r where r.agency_id = $1 and r.payment_id = p.payment_id)) x
where x.allocated <> x.amount_minor
  and not exists (select from account_fact f where f.agency_id = $1 and f.account_id = x.account_id and f.kind = 3)
order by 1, 2;

-- name: verify_diff_ledger
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  what an account owes and has as credit is what the ledger says of it (R-LED-1, R-LED-2). One that owes nothing has a
--       state all the same.
select 'account_state'::text as table_name, coalesce(s.account_id, l.owner_id)::text as key, v.column_name, v.stored, v.expected
from (select account_id, fees_minor, penalty_minor, interest_minor, principal_minor, credit_minor, recoverable_minor
      from account_state where agency_id = $1) s
full join (
    select owner_id, sum(amount_minor) filter (where ledger_account = 1) as fees,
           sum(amount_minor) filter (where ledger_account = 2) as penalty,
           sum(amount_minor) filter (where ledger_account = 3) as interest,
           sum(amount_minor) filter (where ledger_account = 4) as principal,
           -sum(amount_minor) filter (where ledger_account = 17) as credit,
           sum(amount_minor) filter (where ledger_account = 14) as recoverable
    from ledger_line where agency_id = $1 and ledger_account in (1, 2, 3, 4, 14, 17) group by owner_id) l on l.owner_id = s.account_id
cross join lateral (values
    ('fees_minor', coalesce(s.fees_minor, 0)::text, coalesce(l.fees, 0)::text),
    ('penalty_minor', coalesce(s.penalty_minor, 0)::text, coalesce(l.penalty, 0)::text),
    ('interest_minor', coalesce(s.interest_minor, 0)::text, coalesce(l.interest, 0)::text),
    ('principal_minor', coalesce(s.principal_minor, 0)::text, coalesce(l.principal, 0)::text),
    ('credit_minor', coalesce(s.credit_minor, 0)::text, coalesce(l.credit, 0)::text),
    ('recoverable_minor', coalesce(s.recoverable_minor, 0)::text, coalesce(l.recoverable, 0)::text)) v (column_name, stored, expected)
where v.stored <> v.expected
union all
select 'account_state', a.account_id::text, 'account_id', '', a.account_id::text
from account a where a.agency_id = $1
  and not exists (select from account_state s where s.agency_id = $1 and s.account_id = a.account_id)
order by 2, 3;

-- name: verify_diff_states
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  states that one newest fact tells: an account's status, what became of proposals, money in suspense,
--       and of what waited.
select x.table_name, x.key, v.column_name, v.stored, v.expected
from (
    select 'account_state'::text as table_name, s.account_id::text as key, 'status' as c1, s.status::text as s1,
           coalesce(e.status_after, s.status)::text as e1, 'offer_id'::text as c2, coalesce(s.offer_id::text, '') as s2, coalesce((
               select y.offer_id::text from settlement_offer_event y
               join settlement_offer o on o.agency_id = $1 and o.offer_id = y.offer_id
               where y.agency_id = $1 and y.state = 2 and o.account_id = s.account_id
               order by y.at_us desc, y.offer_id desc limit 1), '') as e2
    from account_state s
    left join lateral (
        select y.status_after from account_event y where y.agency_id = $1 and y.account_id = s.account_id
        order by y.recorded_us desc, y.event_id desc limit 1) e on true
    where s.agency_id = $1
    union all
    select 'proposal_state', coalesce(s.proposal_id, p.proposal_id)::text, 'state', coalesce(s.state, 0)::text,
           coalesce(d.verdict, 1)::text, 'kind, subject, made, expires',
           concat_ws(', ', s.kind, s.subject_id, s.made_us, s.expires_us), concat_ws(', ', p.kind, p.subject_id, p.made_us, p.expires_us)
    from (select y.proposal_id, y.kind, y.subject_id, y.state, y.made_us, y.expires_us from proposal_state y where y.agency_id = $1) s
    full join (select y.proposal_id, y.kind, y.subject_id, y.made_us, y.expires_us from proposal y where y.agency_id = $1) p
        on p.proposal_id = s.proposal_id
    left join proposal_decision d on d.agency_id = $1 and d.proposal_id = p.proposal_id
    union all
    select 'suspense_state', coalesce(s.item_id, p.item_id)::text, 'state', coalesce(s.state, 0)::text, coalesce(d.outcome, 2)::text,
           'amount, currency, value', concat_ws(', ', s.amount_minor, s.currency, s.value_on, s.value_us),
           concat_ws(', ', p.amount_minor, p.currency, p.value_on, p.value_us)
    from (select y.item_id, y.state, y.amount_minor, y.currency, y.value_on, y.value_us from suspense_state y where y.agency_id = $1) s
    full join (select y.item_id, y.amount_minor, y.currency, y.value_on, y.value_us from suspense y where y.agency_id = $1) p
        on p.item_id = s.item_id
    left join suspense_decision d on d.agency_id = $1 and d.item_id = p.item_id
    union all
    select 'bank_line_state', coalesce(s.line_id, l.line_id)::text, 'state', coalesce(s.state, 0)::text,
           case when l.line_id is null then 'no line' when m.line_id is null then '1' else '2' end,
           'amount, booked', concat_ws(', ', s.amount_minor, s.booked_on), concat_ws(', ', l.amount_minor, l.booked_on)
    from (select y.line_id, y.state, y.amount_minor, y.booked_on from bank_line_state y where y.agency_id = $1) s
    full join (select y.line_id, y.amount_minor, y.booked_on from bank_line y where y.agency_id = $1 and y.outcome = 4) l
        on l.line_id = s.line_id
    left join bank_match m on m.agency_id = $1 and m.line_id = l.line_id
    union all
    select 'promise_state', coalesce(s.promise_id, e.promise_id)::text, 'state, received, by, events, account',
           concat_ws(', ', s.state, s.received_minor, s.by_id, s.version, s.account_id),
           concat_ws(', ', e.state_after, e.received_minor, e.by_id, e.n, e.account_id), 'due_on, closes, refused, plan',
           concat_ws(', ', s.due_on, s.closes_us, s.refused, s.plan_id), coalesce((
               select concat_ws(', ', p.due_on, p.closes_us, p.refused, p.plan_id) from promise p
               where p.agency_id = $1 and p.promise_id = e.promise_id), '')
    from (select y.promise_id, y.state, y.received_minor, y.by_id, y.version, y.account_id, y.due_on, y.closes_us, y.refused, y.plan_id
          from promise_state y where y.agency_id = $1) s
    full join (
        select distinct on (y.promise_id) y.promise_id, y.state_after, y.received_minor, y.by_id, y.n, y.account_id
        from promise_event y where y.agency_id = $1 order by y.promise_id, y.n desc) e on e.promise_id = s.promise_id
    union all
    select 'plan_state', coalesce(s.plan_id, e.plan_id)::text, 'state, events, account',
           concat_ws(', ', s.state, s.version, s.account_id), concat_ws(', ', e.state_after, e.n, e.account_id), 'starts_us',
           coalesce(s.starts_us::text, ''), coalesce((
               select p.starts_us::text from plan p where p.agency_id = $1 and p.plan_id = e.plan_id), '')
    from (select y.plan_id, y.state, y.version, y.account_id, y.starts_us from plan_state y where y.agency_id = $1) s
    full join (
        select distinct on (y.plan_id) y.plan_id, y.state_after, y.n, y.account_id
        from plan_event y where y.agency_id = $1 order by y.plan_id, y.n desc) e on e.plan_id = s.plan_id
    union all
    select 'settlement_offer_state', coalesce(s.offer_id, o.offer_id)::text, 'state, steps, account',
           concat_ws(', ', s.state, s.n, s.account_id), concat_ws(', ', e.state, e.n, o.account_id), 'from, bounced',
           concat_ws(', ', s.from_us, s.bounced), concat_ws(', ', (
               select y.at_us from settlement_offer_event y where y.agency_id = $1 and y.offer_id = o.offer_id and y.state = 2),
               exists (select from settlement_offer_event y join settlement_offer_event z on z.agency_id = $1
                       and z.offer_id = y.offer_id and z.n > y.n and z.state = 4
                       where y.agency_id = $1 and y.offer_id = o.offer_id and y.state = 3))
    from (select y.offer_id, y.account_id, y.state, y.n, y.from_us, y.bounced from settlement_offer_state y where y.agency_id = $1) s
    full join (select y.offer_id, y.account_id from settlement_offer y where y.agency_id = $1) o on o.offer_id = s.offer_id
    left join lateral (
        select y.state, y.n from settlement_offer_event y where y.agency_id = $1 and y.offer_id = o.offer_id
        order by y.n desc limit 1) e on true
    union all
    select 'entry_waiting', encode(w.entry_hash, 'hex'), 'done', w.done::text, exists (
               select from entry_event e where e.agency_id = $1 and e.entry_hash = w.entry_hash and e.fate <> 3)::text, null, null, null
    from entry_waiting w where w.agency_id = $1) x
cross join lateral (values (x.c1, x.s1, x.e1), (x.c2, x.s2, x.e2)) v (column_name, stored, expected)
where v.stored <> v.expected
order by 1, 2, 3;

-- name: verify_diff_cash
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  states of cash follow from their facts: settlements, vaults, deposits, shortages, handovers (R-CSH-2, R-CSH-4).
select x.table_name, x.key, x.column_name, x.stored, x.expected
from (
    select 'settlement_state'::text as table_name, coalesce(s.settlement_id, e.settlement_id)::text as key,
           'collector, currency, value, state, version, cashier, counted, expected, deposit'::text as column_name,
           concat_ws(', ', s.collector_id, s.currency, s.value_us, s.state, s.version, coalesce(s.cashier_id::text, '-'),
                     coalesce(s.counted_minor::text, '-'), coalesce(s.expected_minor::text, '-'), coalesce(s.deposit_id::text, '-')) as stored,
           concat_ws(', ', f.collector_id, f.currency, f.value_us, e.state, e.version, coalesce(c.actor_id::text, '-'),
                     coalesce(n.counted_minor::text, '-'), coalesce(a.expected_minor::text, '-'), coalesce(d.deposit_id::text, '-')) as expected
    from (select y.settlement_id, y.collector_id, y.currency, y.value_us, y.state, y.version, y.cashier_id, y.counted_minor,
                 y.expected_minor, y.deposit_id from settlement_state y where y.agency_id = $1) s
    full join (
        select distinct on (y.settlement_id) y.settlement_id, y.state, y.version from settlement_event y
        where y.agency_id = $1 order by y.settlement_id, y.version desc) e on e.settlement_id = s.settlement_id
    left join settlement f on f.agency_id = $1 and f.settlement_id = e.settlement_id
    left join lateral (
        select y.actor_id from settlement_event y
        where y.agency_id = $1 and y.settlement_id = e.settlement_id and y.event = 1 order by y.version desc limit 1) c on true
    left join lateral (
        select y.counted_minor from settlement_event y
        where y.agency_id = $1 and y.settlement_id = e.settlement_id and y.counted_minor is not null order by y.version desc limit 1) n on true
    left join lateral (
        select y.expected_minor from settlement_event y
        where y.agency_id = $1 and y.settlement_id = e.settlement_id and y.expected_minor is not null order by y.version desc limit 1) a on true
    left join lateral (
        select y.deposit_id from settlement_event y
        where y.agency_id = $1 and y.settlement_id = e.settlement_id and y.deposit_id is not null order by y.version desc limit 1) d on true
    union all
    select 'vault_state', concat_ws(' ', coalesce(s.cashier_id, l.owner_id), coalesce(s.currency, l.currency)), 'vault_minor',
           coalesce(s.vault_minor, 0)::text, coalesce(l.vault, 0)::text
    from (select y.cashier_id, y.currency, y.vault_minor from vault_state y where y.agency_id = $1) s
    full join (
        select y.owner_id, y.currency, sum(y.amount_minor) as vault from ledger_line y
        where y.agency_id = $1 and y.ledger_account = 9 group by y.owner_id, y.currency) l
        on l.owner_id = s.cashier_id and l.currency = s.currency
    union all
    select 'deposit_state', coalesce(s.deposit_id, d.deposit_id)::text, 'collector, currency, amount, reference, value, state, version',
           concat_ws(', ', coalesce(s.collector_id::text, '-'), s.currency, s.amount_minor, s.bank_reference, s.value_us, s.value_on, s.state, s.version),
           concat_ws(', ', coalesce(d.collector_id::text, '-'), d.currency, d.amount_minor, d.bank_reference, d.value_us, d.value_on, e.event, e.version)
    from (select y.deposit_id, y.collector_id, y.currency, y.amount_minor, y.bank_reference, y.value_us, y.value_on, y.state, y.version
          from deposit_state y where y.agency_id = $1) s
    full join (select y.deposit_id, y.collector_id, y.currency, y.amount_minor, y.bank_reference, y.value_us, y.value_on
               from deposit y where y.agency_id = $1) d on d.deposit_id = s.deposit_id
    left join lateral (
        select y.event, y.version from deposit_event y where y.agency_id = $1 and y.deposit_id = d.deposit_id
        order by y.version desc limit 1) e on true
    union all
    select 'shortage_state', coalesce(s.shortage_id, d.shortage_id)::text, 'collector, currency, value, open, version',
           concat_ws(', ', s.collector_id, s.currency, s.value_us, s.value_on, s.open_minor, s.version),
           concat_ws(', ', d.collector_id, d.currency, d.value_us, d.value_on, d.amount_minor - e.gone_minor, e.version)
    from (select y.shortage_id, y.collector_id, y.currency, y.value_us, y.value_on, y.open_minor, y.version
          from shortage_state y where y.agency_id = $1) s
    full join (select y.shortage_id, y.collector_id, y.currency, y.value_us, y.value_on, y.amount_minor
               from shortage y where y.agency_id = $1) d on d.shortage_id = s.shortage_id
    left join lateral (
        select max(y.version) as version, coalesce(sum(y.amount_minor) filter (where y.event in (2, 3)), 0) as gone_minor
        from shortage_event y where y.agency_id = $1 and y.shortage_id = d.shortage_id) e on true
    union all
    select 'handover_state', coalesce(s.handover_id, h.handover_id)::text, 'state, entry', concat_ws(', ', s.state, s.entry_id),
           concat_ws(', ', case when h.moved then 2
                                when h.waits then 4
                                when h.is_open then 1
                                when h.sound > 0 or h.halves > 0 and s.state = 3 then 3 else 0 end,
                     case when s.state = 0 or s.entry_id = any(h.entries) then s.entry_id else h.entries[1] end)
    from (select y.handover_id, y.state, y.entry_id from handover_state y where y.agency_id = $1) s
    full join (
        -- a half that was refused when it came begins nothing; one whose giver did not hold the cash was never posted
        select y.handover_id, count(*) as halves, count(*) filter (where k.fate <> 4) as sound, array_agg(y.entry_id) as entries,
               bool_or(exists (
                   select from handover_postings($1, y.handover_id) o (posting_id)
                   join ledger_line l on l.agency_id = $1 and l.posting_id = o.posting_id)) as moved,
               bool_or(exists (
                   select from entry_waiting w
                   where w.agency_id = $1 and w.entry_hash = y.entry_hash and not w.done)) as is_open,
               -- the other half is here and not posted: the giver's cash is not there yet
               bool_or(exists (
                   select from entry_waiting w
                   where w.agency_id = $1 and w.referent_id = y.handover_id and not w.done and not exists (
                       select from handover z where z.agency_id = $1 and z.entry_hash = w.entry_hash))) as waits
        from handover y join journal_key k on k.agency_id = $1 and k.entry_hash = y.entry_hash
        where y.agency_id = $1 group by y.handover_id) h on h.handover_id = s.handover_id) x
where x.stored <> x.expected
order by 1, 2, 3;

-- name: verify_diff_export
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  the export has numbered as far as its newest row, without gaps, and knows what was acknowledged (R-OUT-1).
select 'payment_export_state'::text as table_name, coalesce(s.agency_id, $1)::text as key, v.column_name, v.stored, v.expected
from (select coalesce(max(e.seq), 0) as seq, count(*) as rows from payment_export e where e.agency_id = $1) e
cross join (select coalesce(max(a.seq), 0) as acked from payment_export_ack a where a.agency_id = $1) a
left join payment_export_state s on s.agency_id = $1
cross join lateral (values
    ('seq', coalesce(s.seq, 0)::text, e.seq::text),
    ('seq', e.seq::text, e.rows::text),
    ('acked_seq', coalesce(s.acked_seq, 0)::text, a.acked::text)) v (column_name, stored, expected)
where v.stored <> v.expected
order by 2, 3;

-- name: verify_diff_seals
-- in:   uuid agency_id
-- out:  text table_name, text key, text column_name, text stored, text expected
-- why:  evidence that was sealed and is gone or changed, and rows that no seal covers.
select d.table_name, d.key, ''::text as column_name, d.stored, d.expected from seal_differences($1) d order by 1, 2;
