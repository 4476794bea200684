-- Failed tries of what can be guessed at. A try is counted before it is looked at, so that many at once count too.

-- name: guess_take
-- in:   bytea key_hash, int8 at_us, int8 window_us
-- out:  int4 failures, int8 window_us
-- why:  every try sweeps up a few that are over, so that the table stays as small as what is tried now.
with swept as (
    delete from guess_limit where key_hash in (
        select key_hash from guess_limit where window_us <= $2 - $3 and key_hash <> $1
        order by window_us limit 8 for update skip locked))
insert into guess_limit as g (key_hash, window_us, failures) values ($1, $2, 1)
on conflict (key_hash) do update set
    failures = case when g.window_us + $3 <= $2 then 1 else least(g.failures + 1, 1000000) end,
    window_us = case when g.window_us + $3 <= $2 then $2 else g.window_us end
returning failures, window_us;

-- name: guess_forgive
-- in:   bytea key_hash, bool all
-- out:  int4 failures
-- why:  a try that was right is not a failure; a right password forgets the wrong ones before it.
update guess_limit set failures = case when $2 then 0 else greatest(failures - 1, 0) end where key_hash = $1
returning failures;
