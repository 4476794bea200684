-- Proposals and decisions (R-APR-1). The lock of a proposal comes before all others.

-- name: proposal_subject_lock
-- in:   uuid agency_id, int2 kind, uuid subject_id
-- out:  bool locked
-- why:  two proposals of one kind about one subject go one after the other. At most 256 locks an agency.
select pg_advisory_xact_lock(hashtextextended($1::text || ' proposal ' ||
       (hashtextextended($2::text || ' ' || $3::text, 0) & 255)::text, 0)) is null as locked;

-- name: proposal_open_find
-- in:   uuid agency_id, int2 kind, uuid subject_id, int8 now_us
-- out:  uuid proposal_id
-- why:  another open one of this kind about this subject.
select s.proposal_id from proposal_state s
where s.agency_id = $1 and s.subject_id = $3 and s.kind = $2 and s.state = 1 and s.expires_us > $4
order by s.made_us, s.proposal_id limit 1;

-- name: proposal_insert
-- in:   uuid agency_id, uuid[] proposal_id, uuid[] posting_id, int2[] kind, uuid[] subject_id, uuid[] account_id, int8[] amount_minor, text[] currency, bytea[] request, text[] reason, uuid[] made_by, int8[] made_us, int8[] expires_us
-- out:  none
-- why:  a fact of its posting.
insert into proposal (agency_id, proposal_id, posting_id, kind, subject_id, account_id, amount_minor, currency, request,
                      reason, made_by, made_us, expires_us)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) u;

-- name: proposal_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid proposal_id, uuid posting_id, int2 kind, uuid subject_id, uuid account_id, int8 amount_minor, text currency, bytea request, text reason, uuid made_by, int8 made_us, int8 expires_us
-- why:  as proposal_insert wrote them; one a posting.
select p.proposal_id, p.posting_id, p.kind, p.subject_id, p.account_id, p.amount_minor, p.currency::text as currency,
       p.request, p.reason, p.made_by, p.made_us, p.expires_us
from proposal p where p.agency_id = $1 and p.posting_id = any($2)
order by p.posting_id;

-- name: proposal_decision_insert
-- in:   uuid agency_id, uuid[] proposal_id, uuid[] posting_id, int2[] verdict, uuid[] decided_by, int8[] decided_us, text[] reason
-- out:  none
-- why:  a fact of the posting that did what was approved, or of one of its own.
insert into proposal_decision (agency_id, proposal_id, posting_id, verdict, decided_by, decided_us, reason)
select $1, u.* from unnest($2, $3, $4, $5, $6, $7) u;

-- name: proposal_decision_verify
-- in:   uuid agency_id, uuid[] posting_id
-- out:  uuid proposal_id, uuid posting_id, int2 verdict, uuid decided_by, int8 decided_us, text reason
-- why:  as proposal_decision_insert wrote them; one a posting.
select d.proposal_id, d.posting_id, d.verdict, d.decided_by, d.decided_us, d.reason
from proposal_decision d where d.agency_id = $1 and d.posting_id = any($2)
order by d.posting_id;

-- name: proposal_state_insert
-- in:   uuid agency_id, uuid proposal_id, int2 kind, uuid subject_id, int8 made_us, int8 expires_us
-- out:  none
-- why:  OPEN.
insert into proposal_state (agency_id, proposal_id, kind, subject_id, made_us, expires_us) values ($1, $2, $3, $4, $5, $6);

-- name: proposal_state_decide
-- in:   uuid agency_id, uuid proposal_id, int2 state
-- out:  bool done
-- why:  from OPEN alone, under its lock.
with written as (
    update proposal_state set state = $3 where agency_id = $1 and proposal_id = $2 and state = 1 returning 1)
select expect_rows((select count(*) from written), 1) as done;

-- name: proposal_lock
-- in:   uuid agency_id, uuid proposal_id
-- out:  int2 state
-- why:  before everything else: of two deciders the second one finds it decided.
select state from proposal_state where agency_id = $1 and proposal_id = $2 for no key update;

-- name: proposal_get
-- in:   uuid agency_id, uuid proposal_id
-- out:  uuid proposal_id, int2 kind, uuid subject_id, uuid account_id, int8 amount_minor, text currency, bytea request, text reason, uuid made_by, int8 made_us, int8 expires_us, int2 state, uuid posting_id, uuid decided_by, int8 decided_us, text decided_reason
-- why:  with its decision, if there is one.
select p.proposal_id, p.kind, p.subject_id, p.account_id, p.amount_minor, p.currency::text as currency, p.request, p.reason,
       p.made_by, p.made_us, p.expires_us, s.state, d.posting_id, d.decided_by, d.decided_us, d.reason as decided_reason
from proposal p
join proposal_state s on s.agency_id = $1 and s.proposal_id = p.proposal_id
left join proposal_decision d on d.agency_id = $1 and d.proposal_id = p.proposal_id
where p.agency_id = $1 and p.proposal_id = $2;

-- name: proposal_list
-- in:   uuid agency_id, int2 state, int2 kind_min, int2 kind_max, int8 expires_after_us, int8 expires_until_us, int8 after_us, uuid after_id, int4 limit_rows
-- out:  uuid proposal_id, int2 kind, uuid subject_id, uuid account_id, int8 amount_minor, text currency, bytea request, text reason, uuid made_by, int8 made_us, int8 expires_us, int2 state, uuid posting_id, uuid decided_by, int8 decided_us, text decided_reason
-- why:  those of a state that expire in an interval: OPEN and EXPIRED are one state here, told apart by the clock.
select p.proposal_id, p.kind, p.subject_id, p.account_id, p.amount_minor, p.currency::text as currency, p.request, p.reason,
       p.made_by, p.made_us, p.expires_us, s.state, d.posting_id, d.decided_by, d.decided_us, d.reason as decided_reason
from (select x.proposal_id, x.state, x.made_us
      from proposal_state x
      where x.agency_id = $1 and x.state = $2 and (x.made_us, x.proposal_id) > ($7, $8)
        and x.kind between $3 and $4 and x.expires_us > $5 and x.expires_us <= $6
      order by x.made_us, x.proposal_id limit $9) s
join proposal p on p.agency_id = $1 and p.proposal_id = s.proposal_id
left join proposal_decision d on d.agency_id = $1 and d.proposal_id = s.proposal_id
order by s.made_us, s.proposal_id;
