/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying an agency's whole database: what was signed is opened again, what was digested is digested again, and what
 * is kept beside the facts is worked out from them once more. Each difference is named: table, key, column, what is
 * stored, what it should be.
 *
 *     verify_device_keys, verify_entries    certificates, entries, acknowledgements, receipts and voids (R-JRN-1..6, R-TIM-3)
 *     verify_postings                       every posting's rows against its digest, and the chains (design: Facts)
 *     verify_bonus                          each line against its hash (R-BON-4)
 *     verify_accounts                       balances, instalments and allocations by replay (R-ALL-1)
 *     verify_states                         running totals of phones, and the silence that follows money (R-REC-3, R-PAY-2)
 *     verify_sums                           set by set in the database: projections, identities (R-LED-2), seals, orphans
 *     verify_identities                     R-LED-2, one line a currency
 *     verify_heads                          signed heads of the chains
 *     verify_retention                      what the house no longer keeps (R-CHK-2c)
 *
 * All of it reads in the transaction that it is given, chunk by chunk in the order of keys, so memory does not grow with
 * the database. It writes nothing and repairs nothing.
 */
#ifndef TAGIH_VERIFY_VERIFY_H
#define TAGIH_VERIFY_VERIFY_H

#include "rpc/entries.h"
#include "run/keys.h"
#include "store/tx.h"

struct verify_difference {
    const char *table, *key, *column; /* column "": the row as a whole */
    const char *stored, *expected;
};

/** A sum that R-LED-2 speaks of, or lists beside. */
struct verify_figure {
    const char *currency; /* "": of entries that name none */
    const char *name;
    bool has_entries, has_sum;
    int64_t entries, sum_minor;
};

struct verify {
    struct tx *tx;       /* one snapshot of the database */
    struct arena *arena; /* reset with every chunk */
    agency_id agency;
    installation_id installation;
    const struct keyring *keys;
    instant since; /* entries and postings first seen before it are left out; projections never */
    void (*difference)(void *context, const struct verify_difference *difference);
    void (*progress)(void *context, const char *part, int64_t done); /* after every chunk */
    void (*figure)(void *context, const struct verify_figure *figure); /* NULL: sums are checked, not told */
    void *context;
    /* out */
    int64_t n_differences;
};

/* Each: OK whatever was found · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err verify_device_keys(struct verify *v);
/** Entries with `after` < hash <= `until`: two halves may be read on two connections, for facts never change. */
TAGIH_MUST_USE tagih_err verify_entries(struct verify *v, const hash256 *after, const hash256 *until);
TAGIH_MUST_USE tagih_err verify_postings(struct verify *v);
TAGIH_MUST_USE tagih_err verify_bonus(struct verify *v);
TAGIH_MUST_USE tagih_err verify_accounts(struct verify *v);
TAGIH_MUST_USE tagih_err verify_states(struct verify *v);
TAGIH_MUST_USE tagih_err verify_sums(struct verify *v);
TAGIH_MUST_USE tagih_err verify_identities(struct verify *v);
TAGIH_MUST_USE tagih_err verify_heads(struct verify *v);
TAGIH_MUST_USE tagih_err verify_retention(struct verify *v);

/* ---- between the parts ------------------------------------------------------------------------------------------- */

/** A row that is being looked at. */
struct verify_row {
    struct verify *v;
    const char *table, *key;
};

void verify__differs(const struct verify_row *row, const char *column, const char *stored, const char *expected);
bool verify__int(const struct verify_row *row, const char *column, int64_t stored, int64_t expected);
bool verify__bool(const struct verify_row *row, const char *column, bool stored, bool expected);
bool verify__uuid(const struct verify_row *row, const char *column, uuid stored, uuid expected);
bool verify__date(const struct verify_row *row, const char *column, civil_date stored, civil_date expected);
bool verify__bytes(const struct verify_row *row, const char *column, struct bytes stored, struct bytes expected);
bool verify__text(const struct verify_row *row, const char *column, struct bytes stored, struct bytes expected);
/** Payout runs; part of verify_bonus. */
TAGIH_MUST_USE tagih_err verify__payouts(struct verify *v);
/** The text of an id or a hash as a key, in the arena. */
const char *verify__key(struct verify *v, struct bytes id);
/** A statement of the agency and an array of ids; n may be 0. */
TAGIH_MUST_USE tagih_err verify__send_ids(struct verify *v, const struct statement *statement, const uuid *ids, size_t n);
/** The number of a statement's column; without one the program aborts: our bug. */
int verify__column(const struct statement *statement, const char *name);
/** The first row of an id in a result that is sorted by this column, or where it would stand. */
size_t verify__first(const struct result *r, int column, uuid id);
/** The rows of a statement that answers differences: each is told. */
void verify__report(struct verify *v, const struct result *r);
void verify__progress(struct verify *v, const char *part, int64_t done);

#endif
