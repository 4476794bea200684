/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in memory that the deterministic simulator links in place of PostgreSQL. Everything above it is the real
 * thing, server/store/tx.c with its retries and halving included: what stands in is the server behind libpq. It reads the
 * product's own migrations and runs the product's own SQL, statement by statement, over tables in memory.
 *
 *     struct model *model = model_open(&(struct model_options){.mono_us = virtual_mono, .wall_us = virtual_wall});
 *     struct db db;
 *     db_open(&db, &(struct db_options){.conninfo = model_conninfo(model), .statements = &store_statements});
 *     model_agency(model, agency, "Acme", 0); …
 *     model_hook(model, my_faults, me);
 *     … tx_run(&db, …), push(&batch), …
 *     model_digest(model, &digest);
 *
 * It has no clock, no randomness and no threads of its own: the same calls give the same rows, ids and bytes. What it cannot
 * do it refuses by an abort that names the statement and the place; README.md says what that is.
 */
#ifndef TAGIH_TESTS_SIM_MODEL_H
#define TAGIH_TESTS_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/id.h"
#include "tagih/time.h"

struct model;

struct model_options {
    int64_t (*mono_us)(void *context); /* what deadlines are measured by (db__now_us); NULL: CLOCK_MONOTONIC */
    int64_t (*wall_us)(void *context); /* what SQL calls now(); NULL: 2026-01-01, one µs later each time */
    void (*sleep_us)(void *context, int64_t us); /* how tx.c waits before another try; NULL: not at all */
    void *context;
};

/** A migrated, empty database. Never NULL: without memory the program ends. */
struct model *model_open(const struct model_options *options);
void model_close(struct model *model);
/** As after model_open: no rows, counters at their start, no hook. What was prepared stays, so this is cheap. */
void model_reset(struct model *model);
/** For db_options.conninfo; lives as long as the model. One transaction runs at a time, however many connections there are. */
const char *model_conninfo(const struct model *model);

/* ---- faults --------------------------------------------------------------------------------------------------- */

/** When the hook is asked. */
enum model_point {
    MODEL_CONNECT,       /* a connection is made: MODEL_LOST refuses it */
    MODEL_BEGIN,
    MODEL_STATEMENT,     /* before each statement */
    MODEL_BEFORE_COMMIT, /* nothing is kept yet */
    MODEL_AFTER_COMMIT   /* everything is kept and nobody was told: only MODEL_LOST means something */
};

enum model_fault {
    MODEL_GO,
    MODEL_SERIALIZATION, /* 40001 */
    MODEL_DEADLOCK,      /* 40P01 */
    MODEL_LOST,          /* the connection is gone */
    MODEL_DATA,          /* 23505: a row that cannot be stored; halving must isolate it */
    MODEL_DISK_FULL,     /* 53100 */
    MODEL_FAULTS
};

/** @param statement  its name; "" at the other points */
typedef enum model_fault (*model_hook_fn)(void *context, enum model_point point, const char *statement);
void model_hook(struct model *model, model_hook_fn hook, void *context);
/** How many faults of a kind took effect since model_open or model_reset. */
uint64_t model_faults(const struct model *model, enum model_fault fault);

/* ---- the world: the rows that the product's own statements would leave ------------------------------------------ */

/** Rupiah, Asia/Jakarta. */
void model_agency(struct model *model, agency_id agency, const char *name, int64_t at_us);
void model_team(struct model *model, agency_id agency, team_id team, const char *name, int64_t at_us);
/** An active user. @param roles  bits of enum role; `team` may be nil */
void model_user(struct model *model, agency_id agency, user_id user, uint32_t roles, team_id team, int64_t at_us);

/** A phone that was enrolled and confirmed. */
struct model_phone {
    agency_id agency;
    device_id device;
    user_id user;
    uint32_t epoch; /* 1 on */
    const uint8_t *public_key;  /* 32 bytes */
    struct bytes certificate;   /* signed by the server's device key */
    hash256 certificate_hash;
    int64_t valid_from_us;
};
void model_phone(struct model *model, const struct model_phone *phone);
/** state: 2 ACTIVE, 3 SUSPENDED, 4 REVOKED, with its event. */
void model_phone_state(struct model *model, agency_id agency, device_id device, int state, int64_t at_us);

struct model_instalment {
    civil_date due_on;
    int64_t fees_minor, penalty_minor, interest_minor, principal_minor;
};

/** An account as its first import leaves it, held by its collector or in the pool (nil). */
struct model_account {
    agency_id agency;
    account_id account;
    uuid customer;
    user_id collector;
    const char *currency; /* NULL: IDR */
    int32_t lat_e7, lon_e7;
    civil_date as_of_on;
    int64_t at_us;
    const struct model_instalment *instalments; /* numbered from 1, by due date */
    size_t n_instalments;
};
void model_account(struct model *model, const struct model_account *account);
/** Another collector gets the account (nil: the pool), with its event. */
void model_assign(struct model *model, agency_id agency, account_id account, user_id collector, uuid event, int64_t at_us);

/** A planned visit and its lease. */
struct model_visit {
    agency_id agency;
    visit_id visit;
    account_id account;
    user_id collector;
    int purpose, policy; /* R-CHK-4: 0 NONE, 1 SOFT, 2 HARD */
    int64_t from_us, until_us;
    civil_date planned_on;
};
void model_visit(struct model *model, const struct model_visit *visit);
/** The lease goes to another collector at this instant: the visit's next version (R-VIS-3). */
void model_lease(struct model *model, agency_id agency, visit_id visit, user_id collector, int64_t at_us, int64_t until_us);

/** R-CSH-3. @param collector  nil: the agency's */
void model_cash_limit(struct model *model, agency_id agency, user_id collector, const char *currency, int64_t soft_minor,
                      int64_t hard_minor, int64_t receipt_minor, int64_t at_us);
/** An approved target of a month (R-BON-2b). */
void model_target(struct model *model, agency_id agency, user_id collector, civil_date month_on, int64_t amount_minor, int64_t at_us);

/** Run SQL text as the owner, past policies; facts stay facts. For what has no function above. */
void model_run(struct model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The same past triggers and checks as well: what a hand in the database does. For proofs of checkers. */
void model_tamper(struct model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The number that a query answers; NULL and no row are 0. */
int64_t model_number(struct model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- reading -------------------------------------------------------------------------------------------------- */

/** The committed rows of a table, one after another, in the order in which they were written. */
struct model_rows {
    const void *table, *row;
};
struct model_rows model_rows(const struct model *model, const char *table);
/** The next row; false behind the last one. */
bool model_next(struct model_rows *rows);
/** The number of a column; a name that is none ends the program. */
int model_column(const struct model_rows *rows, const char *column);
bool model_is_null(const struct model_rows *rows, int column);
/** bool, int2, int4, int8, xid8; a date as days since 1970-01-01. */
int64_t model_int(const struct model_rows *rows, int column);
/** text, bytea, and a uuid's 16 bytes; lives until the row is changed. */
struct bytes model_bytes(const struct model_rows *rows, int column);
uuid model_uuid(const struct model_rows *rows, int column);
/** The tables, in the order of their migrations: NULL behind the last one. */
const char *model_table_name(const struct model *model, size_t i);
/** The columns of a table: NULL behind the last one. */
const char *model_column_name(const struct model_rows *rows, int column);

/** SHA-256 over all tables, rows and columns. */
void model_digest(const struct model *model, hash256 *out);
/** A person's form: one line a row, columns as name=value; for comparing with another store. `skip` columns are left out. */
struct bytes model_dump(struct model *model, const char *table, const char *const *skip);

#endif
