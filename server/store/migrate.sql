-- SPDX-License-Identifier: Apache-2.0
-- What the migration runner itself needs. Run one by one (migrate.c, db.c), never prepared: the table may not be there.

-- name: migrate_find_version
-- in:   none
-- out:  int4 version
-- why:  a binary serves exactly the schema it was built for.
select coalesce(max(version), 0) as version from public.schema_migration;

-- name: migrate_limit_waiting
-- in:   none
-- out:  none
-- why:  a migration that waits for a lock blocks everybody behind it: better to give up and come back. After migrate_lock,
--       which may wait.
set lock_timeout = '5s';

-- name: migrate_lock
-- in:   none
-- out:  int4 held
-- why:  two migrators at once: the second one waits here, then finds nothing to do.
select 1 as held from pg_advisory_lock(721700421);

-- name: migrate_find_table
-- in:   none
-- out:  bool found
-- why:  migrate status must not create anything.
select to_regclass('public.schema_migration') is not null as found;

-- name: migrate_create_table
-- in:   none
-- out:  none
-- why:  the record of what was applied exists before the first file.
create table if not exists public.schema_migration (
    version       int primary key check (version > 0),
    name          text not null,
    checksum      bytea not null check (length(checksum) = 32),
    applied_us    bigint not null,
    tagih_version text not null
);

-- name: migrate_let_read
-- in:   none
-- out:  none
-- why:  every server compares the version at start, whatever its role.
grant select on public.schema_migration to public;

-- name: migrate_list
-- in:   none
-- out:  int4 version, text name, bytea checksum
-- why:  what is applied, for comparing with the files of the binary.
select version, name, checksum from public.schema_migration order by version;

-- name: migrate_begin
-- in:   none
-- out:  none
-- why:  a file is applied wholly or not at all.
begin;

-- name: migrate_record
-- in:   int4 version, text name, bytea checksum, text tagih_version
-- out:  none
-- why:  behind the file's own SQL and in its transaction, so that a record and its effects come together.
insert into public.schema_migration (version, name, checksum, applied_us, tagih_version)
values ($1, $2, $3, (extract(epoch from clock_timestamp()) * 1000000)::bigint, $4);

-- name: migrate_commit
-- in:   none
-- out:  none
-- why:  ends the file's transaction.
commit;

-- name: migrate_rollback
-- in:   none
-- out:  none
-- why:  after a file was refused.
rollback;

-- name: migrate_reset_role
-- in:   none
-- out:  none
-- why:  a file may "set role"; the record is written by the migrator itself.
reset role;

-- name: migrate_reset_search_path
-- in:   none
-- out:  none
-- why:  nor its "set search_path".
reset search_path;
