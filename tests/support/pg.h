/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database of its own for a spec, on the private cluster that TAGIH_TEST_PG names (libpq's form, a superuser;
 * `./build.sh test` starts it, tests/support/pg_cluster.sh by hand). A spec that finds no cluster fails: it must not
 * pass for a run that never happened.
 */
#ifndef TAGIH_TESTS_PG_H
#define TAGIH_TESTS_PG_H

#include <libpq-fe.h>
#include <stdbool.h>

struct pg {
    char name[64];       /* of the database */
    char conninfo[1024]; /* reaches it as the superuser */
    PGconn *admin;       /* into it, for preparing and looking */
};

/** Create an empty database; `template_` may name one to clone (NULL: PostgreSQL's empty one). */
void pg_create(struct pg *pg, const char *template_);
/** Drop it, with whoever is still connected. */
void pg_drop(struct pg *pg);

/** Run any SQL, several statements too; fails the test when the database refuses. */
void pg_exec(struct pg *pg, const char *sql);
/** The first value of the first row as text, in a static buffer; "" when there is none or it is NULL. */
const char *pg_value(struct pg *pg, const char *sql);
/** The first value as a number. */
long long pg_number(struct pg *pg, const char *sql);
/** The conninfo of this database with another user. */
void pg_conninfo_as(const struct pg *pg, const char *user, char *out, size_t size);

#endif
