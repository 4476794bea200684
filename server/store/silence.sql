-- Money came: contacts for the debt rest (R-PAY-2).

-- name: silence_put
-- in:   uuid agency_id, uuid[] account_id, date[] until_on
-- out:  none
-- why:  under the accounts' locks; a silence is never shortened.
insert into account_silence_state (agency_id, account_id, until_on)
select $1, u.account_id, max(u.until_on) from unnest($2, $3) u (account_id, until_on)
group by u.account_id order by u.account_id
on conflict (agency_id, account_id) do update
set until_on = greatest(account_silence_state.until_on, excluded.until_on);
