-- Receipts that two people post from their slips (R-REC-8).

-- name: slip_device_lock
-- in:   uuid agency_id, uuid device_id
-- out:  uuid user_id
-- why:  first in the lock order: nothing of this phone comes in meanwhile, and no receipt of it is taken back.
select user_id from device_state where agency_id = $1 and device_id = $2 for no key update;

-- name: slip_load
-- in:   uuid agency_id, uuid entry_id, uuid device_id
-- out:  uuid user_id, bool has_entry, bool has_slip, bool restored, bool in_suspense, bool has_payment, bool field, bool voided, uuid account_id, int8 amount_minor, text currency, int2 tender, int8 value_us, uuid collector_id, uuid receipt_device_id
-- why:  what is known of a receipt by its entry's id.
select d.user_id, exists (select from journal_key k where k.agency_id = $1 and k.entry_id = $2 and k.owns_id) as has_entry,
       exists (select from receipt_slip z where z.agency_id = $1 and z.entry_id = $2 and not z.restores) as has_slip,
       exists (select from receipt_slip z where z.agency_id = $1 and z.entry_id = $2 and z.restores) as restored,
       exists (select from payment_reversal v join suspense x on x.agency_id = $1 and x.item_id = v.reversal_id
               where v.agency_id = $1 and v.payment_id = $2) as in_suspense,
       p.payment_id is not null as has_payment, coalesce(p.source = 1, false) as field, coalesce(v.reason = 1, false) as voided,
       p.account_id, p.amount_minor, p.currency::text as currency, p.tender, p.value_us, p.collector_id,
       coalesce((select r.device_id from receipt r where r.agency_id = $1 and r.entry_id = $2),
                (select z.device_id from receipt_slip z where z.agency_id = $1 and z.entry_id = $2 and not z.restores)) as receipt_device_id
from device_state d
left join payment p on p.agency_id = $1 and p.payment_id = $2
left join payment_reversal v on v.agency_id = $1 and v.payment_id = $2
where d.agency_id = $1 and d.device_id = $3;

-- name: receipt_slip_insert
-- in:   uuid agency_id, uuid[] entry_id, bool[] restores, uuid[] posting_id, uuid[] payment_id, uuid[] device_id, uuid[] account_id, uuid[] collector_id, int8[] amount_minor, text[] currency, int2[] tender, text[] reference, int8[] receipt_no, int8[] taken_us, bytea[] slip_hash, text[] reason, int8[] at_us, uuid[] made_by, uuid[] decided_by
-- out:  none
insert into receipt_slip (agency_id, entry_id, restores, posting_id, payment_id, device_id, account_id, collector_id, amount_minor,
    currency, tender, reference, receipt_no, taken_us, slip_hash, reason, at_us, made_by, decided_by)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) u;

-- name: receipt_slip_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid entry_id, bool restores, uuid posting_id, uuid payment_id, uuid device_id, uuid account_id, uuid collector_id, int8 amount_minor, text currency, int2 tender, text reference, int8 receipt_no, int8 taken_us, bytea slip_hash, text reason, int8 at_us, uuid made_by, uuid decided_by
-- why:  as receipt_slip_insert wrote them; one a posting.
select entry_id, restores, posting_id, payment_id, device_id, account_id, collector_id, amount_minor, currency::text as currency,
       tender, reference, receipt_no, taken_us, slip_hash, reason, at_us, made_by, decided_by
from receipt_slip where agency_id = $1 and posting_id = any($2) order by posting_id, entry_id, restores;
