-- SPDX-License-Identifier: Apache-2.0
-- The reference for Push: one call of 20 receipts as one transaction of plain statements on single rows. Reads what the
-- posting of a receipt decides on, writes every row that ours writes; what belongs to the phone, the collector or the
-- month is written once a call, as a good engineer does. Signatures, hashes, allocation, bonus and digests cost nothing
-- here: their results are constants of the sizes that ours has. Lines between "each" and "end" stand once for every
-- receipt, i = 0 … 19. The reference writes epoch 2 of the phones' journals; ours is epoch 1.
\set n :n + 1
\set at :base_us + (:n * 64 + :client_id) * 32
\set c random(0, :visits / 20 - 1)
\set collector 100000000000 + :c
\set writer 1 + :client_id
-- each
\set account{i} 100000000000 + (:c * 20 + {i}) * :accounts / :visits
\set visit{i} 100000000000 + :c * 20 + {i}
\set at{i} :at + {i}
\set r{i} random(1000000000000000, 9999999999999999)
-- end
begin;
select set_config('app.agency_id', '01000000-0000-7000-8000-100000000000', true);
select state, revoked_us from device_state
where agency_id = '01000000-0000-7000-8000-100000000000' and device_id = ('04000000000070008000' || :collector)::uuid
for no key update;
select contiguous_seq, head_hash, seq_max, declared_seq, gaps_accepted from device_epoch
where agency_id = '01000000-0000-7000-8000-100000000000' and device_id = ('04000000000070008000' || :collector)::uuid
  and epoch = 2;
select currency, seq, cum_count, cum_total_minor from device_total
where agency_id = '01000000-0000-7000-8000-100000000000' and device_id = ('04000000000070008000' || :collector)::uuid
  and epoch = 2;
select k.seq, k.entry_hash, k.prev_hash
from journal_key k
where k.agency_id = '01000000-0000-7000-8000-100000000000'
  and k.device_id = ('04000000000070008000' || :collector)::uuid and k.epoch = 2 and k.owns_seq and k.seq >= :at
order by k.seq;
select s.team_id, g.time_zone from staff_state s join agency g on g.agency_id = s.agency_id
where s.agency_id = '01000000-0000-7000-8000-100000000000' and s.user_id = ('03000000000070008000' || :collector)::uuid;
-- each
select account_id, status, hold_from_on, collector_id, credit_minor, debt_allocated_minor, last_value_on,
       last_value_us, last_payment_id, day_on, day_bucket, month_on, month_bucket, snapshot_on
from account_state
where agency_id = '01000000-0000-7000-8000-100000000000' and account_id = ('06000000000070008000' || :account{i})::uuid
for no key update;
-- end
insert into collector_state (agency_id, collector_id, currency)
values ('01000000-0000-7000-8000-100000000000', ('03000000000070008000' || :collector)::uuid, 'IDR')
on conflict do nothing;
select bonus_n, bonus_head, cash_held_minor, cheques_in_hand_minor, deposit_in_transit_minor, bonus_payable_minor
from collector_state
where agency_id = '01000000-0000-7000-8000-100000000000'
  and collector_id = ('03000000000070008000' || :collector)::uuid and currency = 'IDR'
for no key update;
insert into posting_writer (agency_id, writer_id) values ('01000000-0000-7000-8000-100000000000', :writer)
on conflict (agency_id, writer_id) do update set n = posting_writer.n
returning n, head;
select m.mtd_minor, m.bonus_minor from collector_month m
where m.agency_id = '01000000-0000-7000-8000-100000000000'
  and m.collector_id = ('03000000000070008000' || :collector)::uuid and m.month_on = date_trunc('month', :today::date)::date
  and m.currency = 'IDR';
select amount_minor, version from bonus_target
where agency_id = '01000000-0000-7000-8000-100000000000'
  and collector_id = ('03000000000070008000' || :collector)::uuid and month_on = date_trunc('month', :today::date)::date
  and currency = 'IDR' and approved_by is not null
order by version desc limit 1;
-- each
select k.fate, k.flags, k.ack, k.received_us from journal_key k
where k.agency_id = '01000000-0000-7000-8000-100000000000'
  and k.entry_hash = ('\x' || :r{i} || '00000000000000000000000000000000' || :at{i})::bytea;
select k.entry_hash, k.kind from journal_key k
where k.agency_id = '01000000-0000-7000-8000-100000000000' and k.entry_id = ('01f1000000007000' || :at{i})::uuid
  and k.owns_id;
select a.account_no, a.customer_id, a.currency from account a
where a.agency_id = '01000000-0000-7000-8000-100000000000' and a.account_id = ('06000000000070008000' || :account{i})::uuid;
select instalment_no, due_on, state, fees_minor, penalty_minor, interest_minor, principal_minor from instalment_state
where agency_id = '01000000-0000-7000-8000-100000000000' and account_id = ('06000000000070008000' || :account{i})::uuid
order by due_on, instalment_no;
select c.posting_id, c.value_on, c.made_us, c.name, c.version, r.direction, r.advance, r.steps
from account_rule_set c
left join rule_set r on r.agency_id = c.agency_id and r.name = c.name and r.version = c.version
where c.agency_id = '01000000-0000-7000-8000-100000000000' and c.account_id = ('06000000000070008000' || :account{i})::uuid
order by c.value_on, c.made_us, c.posting_id;
select p.payment_id, p.account_id, p.amount_minor, p.currency, p.source, r.payment_id is not null as reversed,
       b.collector_id, b.mtd_minor, b.chain_n
from account a
join account o on o.agency_id = a.agency_id and o.customer_id = a.customer_id
join payment p on p.agency_id = o.agency_id and p.account_id = o.account_id and p.value_on = :today::date
left join payment_reversal r on r.agency_id = p.agency_id and r.payment_id = p.payment_id
left join bonus_line b on b.agency_id = p.agency_id and b.payment_id = p.payment_id and b.line_no = 1
where a.agency_id = '01000000-0000-7000-8000-100000000000' and a.account_id = ('06000000000070008000' || :account{i})::uuid
order by b.chain_n nulls last;
select exists (
    select from visit v join visit_event e on e.agency_id = v.agency_id and e.visit_id = v.visit_id
    where v.agency_id = '01000000-0000-7000-8000-100000000000'
      and v.account_id = ('06000000000070008000' || :account{i})::uuid
      and e.collector_id = ('03000000000070008000' || :collector)::uuid
      and e.lease_from_us <= :at{i} and :at{i} < e.lease_until_us) as had_lease;
insert into journal_key (agency_id, entry_hash, device_id, epoch, seq, entry_id, kind, owns_seq, owns_id, fate, flags,
    received_us, prev_hash, ack)
values ('01000000-0000-7000-8000-100000000000', ('\x' || :r{i} || '00000000000000000000000000000000' || :at{i})::bytea,
    ('04000000000070008000' || :collector)::uuid, 2, :at{i}, ('01f1000000007000' || :at{i})::uuid, 1, true, true, 1, 0,
    :at{i}, '\x2ca970166fee9ff00905a07806dccf283f97eb975a32cb55ffd59be13ef5e1cc',
    '\x84582ea30127044827dedd557ee1332110781e6170706c69636174696f6e2f766e642e74616769682e61636b2b636f7365a05833a4015820754f7f82c02bfe53d2266ba27e45f4a86f5edc6af1c0ad9cfe50b2fa25392d820202038113041b000660e5b2d1a5d65840754f7f82c02bfe53d2266ba27e45f4a86f5edc6af1c0ad9cfe50b2fa25392d82754f7f82c02bfe53d2266ba27e45f4a86f5edc6af1c0ad9cfe50b2fa25392d82');
insert into journal_body (agency_id, entry_hash, received_us, value_us, body)
values ('01000000-0000-7000-8000-100000000000', ('\x' || :r{i} || '00000000000000000000000000000000' || :at{i})::bytea,
    :at{i}, :at{i}, :body);
insert into receipt (agency_id, entry_id, entry_hash, device_id, epoch, seq, account_id, collector_id, visit_id,
    amount_minor, currency, tender, tag, reference, receipt_no, device_us, value_us, value_on)
values ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid,
    ('\x' || :r{i} || '00000000000000000000000000000000' || :at{i})::bytea, ('04000000000070008000' || :collector)::uuid, 2,
    :at{i}, ('06000000000070008000' || :account{i})::uuid, ('03000000000070008000' || :collector)::uuid,
    ('07000000000070008000' || :visit{i})::uuid, 1500000, 'IDR', 1, 1, '', :n, :at{i}, :at{i}, :today::date);
insert into payment (agency_id, payment_id, account_id, source, source_reference, tender, tag, amount_minor, currency,
    value_us, value_on, posting_on, received_us, collector_id)
values ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid,
    ('06000000000070008000' || :account{i})::uuid, 1, null, 1, 1, 1500000, 'IDR', :at{i}, :today::date, :today::date, :at{i},
    ('03000000000070008000' || :collector)::uuid);
insert into allocation (agency_id, payment_id, version, instalment_no, fees_minor, penalty_minor, interest_minor,
    principal_minor, credit_minor, debt_minor, posting_id)
values ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 1, 1, 0, 0, 0, 1500000, 0, 1500000,
    ('01f1000000007000' || :at{i})::uuid);
insert into posting (agency_id, posting_id, kind, trigger_id, account_id, value_on, posting_on, at_us, writer_id, writer_n,
    digest)
values ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 1,
    ('01f1000000007000' || :at{i})::uuid, ('06000000000070008000' || :account{i})::uuid, :today::date, :today::date, :at{i},
    :writer, :at{i}, '\x778ce3716dde3f6ebd269cfc28407ec8d3c950cf23de4c53fa18eb0a97e8e95a');
insert into ledger_line (agency_id, posting_id, line_no, ledger_account, owner_id, currency, amount_minor)
values ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 1, 4, ('06000000000070008000' || :account{i})::uuid, 'IDR', -1500000),
       ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 2, 5, ('03000000000070008000' || :collector)::uuid, 'IDR', 1500000),
       ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 3, 21, ('03000000000070008000' || :collector)::uuid, 'IDR', -43261),
       ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 4, 26, null, 'IDR', 43261);
insert into bonus_line (agency_id, payment_id, line_no, line_id, kind, collector_id, team_id, month_on, currency,
    account_id, value_on, scheme, scheme_version, base_minor, amount_minor, bucket, bucket_factor, tier_factor,
    target_factor, tag_factor, tag, mtd_minor, target_minor, target_version, capped, on_hold, hold_from_on,
    allocation_digest, chain_n, prev_hash, hash, posting_id)
values ('01000000-0000-7000-8000-100000000000', ('01f1000000007000' || :at{i})::uuid, 1,
    ('01f1000000007000' || :at{i})::uuid, 1, ('03000000000070008000' || :collector)::uuid,
    '02000000-0000-7000-8000-100000000006', date_trunc('month', :today::date)::date, 'IDR',
    ('06000000000070008000' || :account{i})::uuid, :today::date, 'standard-1', 1, 1500000, 43261, 2, 12000, 10000, 10000, 10000,
    1, 0, null, null, false, false, null, '\xf2496a1bd56e154e8243302a31556924227ccca20d5600392266813b1f1d2818', :at{i},
    '\x0000000000000000000000000000000000000000000000000000000000000000',
    '\x3a51984b5e700b361d86b3c69354da29ef5789360086b13f5c0bb3aa6837d3cb', ('01f1000000007000' || :at{i})::uuid);
update account_state
set principal_minor = principal_minor - 1500000, debt_allocated_minor = debt_allocated_minor + 1500000,
    last_value_on = :today::date, last_value_us = :at{i}, last_payment_id = ('01f1000000007000' || :at{i})::uuid,
    day_on = :today::date, day_bucket = 1, month_on = date_trunc('month', :today::date)::date, month_bucket = 0,
    version = version + 1
where agency_id = '01000000-0000-7000-8000-100000000000' and account_id = ('06000000000070008000' || :account{i})::uuid;
update instalment_state set state = 1, principal_minor = principal_minor - 1500000
where agency_id = '01000000-0000-7000-8000-100000000000' and account_id = ('06000000000070008000' || :account{i})::uuid
  and instalment_no = 1;
insert into change (agency_id, kind, account_id, object_id, collector_id, at_us)
values ('01000000-0000-7000-8000-100000000000', 30, ('06000000000070008000' || :account{i})::uuid,
    ('01f1000000007000' || :at{i})::uuid, ('03000000000070008000' || :collector)::uuid, :at{i});
-- end
update collector_state
set bonus_n = bonus_n + 20, cash_held_minor = cash_held_minor + 30000000, bonus_payable_minor = bonus_payable_minor + 865220
where agency_id = '01000000-0000-7000-8000-100000000000'
  and collector_id = ('03000000000070008000' || :collector)::uuid and currency = 'IDR';
insert into collector_month (agency_id, collector_id, month_on, currency, mtd_minor, bonus_minor)
values ('01000000-0000-7000-8000-100000000000', ('03000000000070008000' || :collector)::uuid,
    date_trunc('month', :today::date)::date, 'IDR', 30000000, 865220)
on conflict (agency_id, collector_id, month_on, currency) do update
set mtd_minor = collector_month.mtd_minor + excluded.mtd_minor, bonus_minor = collector_month.bonus_minor + excluded.bonus_minor;
update posting_writer set n = n + 20, head = '\x778ce3716dde3f6ebd269cfc28407ec8d3c950cf23de4c53fa18eb0a97e8e95a'
where agency_id = '01000000-0000-7000-8000-100000000000' and writer_id = :writer;
insert into device_epoch (agency_id, device_id, epoch, contiguous_seq, head_hash, seq_max, declared_seq)
values ('01000000-0000-7000-8000-100000000000', ('04000000000070008000' || :collector)::uuid, 2, 20,
    '\xe1c01666d3218a1db53387f35e3c4c960224267d377b7d50ff040cbb279c34ee', 20, 0)
on conflict (agency_id, device_id, epoch) do update
set contiguous_seq = excluded.contiguous_seq, head_hash = excluded.head_hash, seq_max = excluded.seq_max,
    declared_seq = excluded.declared_seq;
insert into device_total (agency_id, device_id, epoch, currency, seq, cum_count, cum_total_minor)
values ('01000000-0000-7000-8000-100000000000', ('04000000000070008000' || :collector)::uuid, 2, 'IDR', 20, 20, 30000000)
on conflict (agency_id, device_id, epoch, currency) do update
set seq = excluded.seq, cum_count = excluded.cum_count, cum_total_minor = excluded.cum_total_minor;
commit;
