-- SPDX-License-Identifier: Apache-2.0
-- What every connection and every transaction needs, whatever the nouns. Prepared on each connection (db.c).

-- name: core_server_settings
-- in:   none
-- out:  text fsync, text full_page_writes, text synchronous_commit
-- why:  a server that may lose a commit must not hold money; asked once for each connection.
select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit;

-- name: core_begin
-- in:   none
-- out:  none
-- why:  READ COMMITTED with row locks in one order; the second statement of a round trip gets a new snapshot.
begin isolation level read committed read write;

-- name: core_begin_read_only
-- in:   none
-- out:  none
-- why:  a read that cannot write also runs on a standby.
begin isolation level read committed read only;

-- name: core_begin_snapshot
-- in:   none
-- out:  none
-- why:  a check of everything against everything reads one state of the database, however long it takes.
begin isolation level repeatable read read only;

-- name: core_scope
-- in:   text agency_id, text timeout_ms
-- out:  text agency_id, text timeout_ms
-- why:  row-level security rests on app.agency_id; both settings end with the transaction.
select set_config('app.agency_id', $1, true) as agency_id, set_config('statement_timeout', $2, true) as timeout_ms;

-- name: core_replan
-- in:   none
-- out:  none
-- why:  a generic plan stays as it was made, also when it was made over empty tables; planned again, it sees their size.
discard plans;

-- name: core_commit
-- in:   none
-- out:  none
-- why:  queued behind the last SAVE.
commit;

-- name: core_rollback
-- in:   none
-- out:  none
-- why:  whatever was not committed.
rollback;
