/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing a database to the schema of this binary: forward only, each file one transaction, its SHA-256 kept in
 * public.schema_migration. The files are embedded (migrations/embed.sh finds them), so a binary needs no folder.
 */
#ifndef TAGIH_STORE_MIGRATE_H
#define TAGIH_STORE_MIGRATE_H

#include "store/db.h"

/** One file, NNNN_noun.sql. */
struct migration {
    int version;      /* NNNN, 1, 2, 3 … without gaps */
    const char *name; /* "0001_foundation" */
    const char *text;
};

struct migration_list {
    const struct migration *rows; /* by version */
    size_t count;
};

/** The files that were in migrations/ when this binary was built. */
extern const struct migration_list migrations_embedded;

/** The version that a list leads to: its last, 0 for none. Pure. */
int migrate_version(const struct migration_list *list);

/** One line of progress, or of what went wrong. */
typedef void (*migrate_report_fn)(void *context, const char *line);

struct migrate_options {
    const char *conninfo;              /* a role that may create what the files create */
    const struct migration_list *list; /* NULL: migrations_embedded */
    migrate_report_fn report;          /* may be NULL */
    void *context;
};

/**
 * Apply every file that is not recorded yet, in order. Whoever comes second waits for the first and finds nothing to do.
 *
 * @return OK the database has the list's version · MIGRATION_CHANGED a recorded checksum is another file's ·
 *         MIGRATION_NEWER the database knows a version that the list does not · MIGRATION_FAILED a file was refused
 *         (reported; files before it stay applied) · STORE_UNAVAILABLE
 */
TAGIH_MUST_USE tagih_err migrate_run(const struct migrate_options *options);

/** As migrate_run, but only look: report each file as "applied" or "pending". @return OK also when some are pending. */
TAGIH_MUST_USE tagih_err migrate_status(const struct migrate_options *options);

/** Does the open database have exactly this list, version and checksums? @return OK · STORE_SCHEMA · MIGRATION_CHANGED ·
 *  MIGRATION_NEWER · STORE_UNAVAILABLE */
TAGIH_MUST_USE tagih_err migrate_check(struct db *db, const struct migration_list *list);

#endif
