/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a creditor's file in the database: lock, load and save, many at a time. One import of an agency runs at a
 * time. Rows are as PostgreSQL has them; what they mean is decided in rpc/import.c.
 */
#ifndef TAGIH_STORE_IMPORT_H
#define TAGIH_STORE_IMPORT_H

#include "domain/account.h"
#include "store/tx.h"
#include "tagih/presence.h"

/** Which row of which file. */
struct import_key {
    int32_t row_no;
    struct bytes account_no, customer_no; /* empty where the row could not be read */
};

/** What was there. Text points into the arena. */
struct import_loaded {
    bool known; /* this very row of this very file has a result */
    struct bytes known_result;
    account_id known_account; /* nil: it was rejected */
    bool seen;                /* the account number exists */
    account_id account;
    customer_id account_customer;
    bool has_customer; /* the customer number exists */
    customer_id customer;
    currency currency;
    struct bytes product;
    int16_t status;
    bool has_hold;
    civil_date hold_from_on, hold_until_on;
    bool has_collector;
    user_id collector;
    int64_t open_minor[COMPONENT_COUNT];
    int64_t credit_minor;
    civil_date snapshot_on;
    instant snapshot; /* when it was received */
    bool assumed;   /* payments of ours count as contained in the new snapshot, without proof (R-IMP-3) */
    bool has_later; /* payments valued after its as-of date exist */
    bool in_this_file; /* its newest snapshot is of this file */
};

/** A fact that replays on top of a snapshot. */
struct import_fact {
    account_id account;
    struct allocation_fact fact;
    int32_t version; /* of a payment's newest allocation */
};

/** Days of the agency's own calendar. */
struct import_days {
    civil_date today, open_from; /* open_from: the first day in no closed month; INT32_MIN: all are open */
};

/** Queue LOCK and LOAD. `import_take_load` takes their answers. */
TAGIH_MUST_USE tagih_err import_send_load(struct tx *tx, struct arena *arena, const hash256 *file, civil_date as_of,
                                          const struct import_key *keys, size_t n, instant now, int64_t writer,
                                          const int64_t *export_seq);

/** Where this worker's chain of postings stands. */
struct import_chain {
    int64_t writer, n;
    bool begun; /* `head` is a digest; else the chain starts here */
    hash256 head;
};

/** @param out  n places in the order of the keys */
TAGIH_MUST_USE tagih_err import_take_load(struct tx *tx, struct arena *arena, const hash256 *file,
                                          struct import_loaded *out, size_t n, struct import_days *days,
                                          struct import_chain *chain);

/** One more round trip: the payments on top of accounts' snapshots. */
TAGIH_MUST_USE tagih_err import_load_facts(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n,
                                           civil_date as_of, const int64_t *export_seq, struct import_fact **out,
                                           size_t *n_out);

/* SAVE: one statement each, nothing for n = 0. */

struct import_customer {
    customer_id customer;
    struct bytes customer_no;
};

/** An account after its row. */
struct import_state {
    account_id account;
    customer_id customer;
    struct bytes account_no, product, currency, plate, district, regency, phone;
    int16_t status;
    civil_date hold_from_on, hold_until_on;
    bool has_hold, placed_anew, no_schedule, assumed, has_oldest_due;
    int64_t open_minor[COMPONENT_COUNT];
    int64_t credit_minor, debt_allocated_minor;
    civil_date oldest_due_on;
    int32_t lat_e7, lon_e7;
    int32_t first_no, last_no; /* of its instalments */
};

struct import_snapshot {
    account_id account;
    int32_t row_no;
    int16_t load_type;
    struct bytes load_reason;
    int64_t due_minor[COMPONENT_COUNT];
};

struct import_instalment {
    account_id account;
    int32_t no;
    civil_date due_on;
    int16_t state;
    int64_t due_minor[COMPONENT_COUNT];  /* as the creditor says */
    int64_t open_minor[COMPONENT_COUNT]; /* after our payments on top */
};

struct import_result {
    int32_t row_no;
    struct bytes account_no;
    bool has_account;
    account_id account;
    struct bytes result, warning;
};

TAGIH_MUST_USE tagih_err import_send_customers(struct tx *tx, struct arena *arena, const struct import_customer *rows,
                                               size_t n, instant at);
TAGIH_MUST_USE tagih_err import_send_new(struct tx *tx, struct arena *arena, const struct import_state *rows, size_t n,
                                         civil_date as_of, instant at);
TAGIH_MUST_USE tagih_err import_send_updated(struct tx *tx, struct arena *arena, const struct import_state *rows, size_t n,
                                             civil_date as_of, instant at);
TAGIH_MUST_USE tagih_err import_send_snapshots(struct tx *tx, struct arena *arena, const struct import_snapshot *rows,
                                               size_t n, const hash256 *file, civil_date as_of, instant at,
                                               const int64_t *export_seq);
TAGIH_MUST_USE tagih_err import_send_instalments(struct tx *tx, struct arena *arena,
                                                 const struct import_instalment *rows, size_t n, civil_date as_of,
                                                 instant at);
TAGIH_MUST_USE tagih_err import_send_results(struct tx *tx, struct arena *arena, const struct import_result *rows,
                                             size_t n, const hash256 *file);

TAGIH_MUST_USE tagih_err import_send_chain(struct tx *tx, struct arena *arena, const struct import_chain *chain);

/* ---- the file as a whole -------------------------------------------------------------------------------------- */

struct import_file_row {
    hash256 hash;
    const char *mode, *name;
    civil_date as_of_on;
    int32_t shifted_days, rows_total, rows_good;
    const char *sum_minor; /* decimal digits */
    instant started;
};

TAGIH_MUST_USE tagih_err import_send_file(struct tx *tx, struct arena *arena, const struct import_file_row *row);

#endif
