/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invariants (SIM_INVARIANTS in sim_list.h), checked by code that shares nothing with what posts: from what the phones
 * say that they wrote (world_truth.h) and from the raw rows of the tables.
 *
 *   sim_check.c        I4 I5 I6 I7: entries, acknowledgements, places, fates, rows that never change
 *   sim_check_money.c  I1 I2 I3 I10: sums
 *   sim_check_bonus.c  I8 I9: bonus lines and their chains
 *   sim_check_chain.c  I8: journals and the digests of postings
 */
#ifndef TAGIH_SIM_CHECK_H
#define TAGIH_SIM_CHECK_H

#include "tests/sim/world.h"

struct checks *checks_new(struct world *world);
void checks_free(struct checks *checks);
/** After a sync: what is cheap, over what is new. */
void check_step(struct world *world);
/** Remember the rows of facts, and that those of before are there. */
void check_look(struct world *world);
/** All of it, when everything is quiet. */
void check_end(struct world *world);
/** Make the database refuse the row of an entry that some phone still holds: its posting's key is taken. */
void check_poison(struct world *world);

/* ---- between the checks ----------------------------------------------------------------------------------------- */

/** Count a check; where it does not hold, the run has failed. */
#define MUST(world, invariant, holds, ...)                                     \
    do {                                                                       \
        (world)->result->checks[INVARIANT_##invariant]++;                      \
        if (!(holds)) world_fail((world), INVARIANT_##invariant, __VA_ARGS__); \
    } while (0)

/** What the server holds of an entry: its row, and its newest fate. */
struct kept {
    hash256 hash;                /* the key */
    const struct issued *issued; /* NULL: nobody wrote it */
    device_id device;
    uint32_t epoch;
    int64_t seq, received_us;
    uuid id, posting; /* posting: its id, or what stands for it when that is another entry's */
    uint16_t kind, fate, first_fate;
    uint64_t flags, first_flags;
    bool owns_seq, owns_id;
    bool mismatch; /* it is said not to continue the entry before it */
    struct bytes ack;
    int32_t value_on; /* as worked out here (R-TIM-3) */
    UT_hash_handle hh, by_posting;
};

struct checks {
    struct world *world;
    struct kept *kept, *by_posting; /* filled at the end */
    struct seen *seen;              /* digests of rows of facts */
    size_t looks, acked;            /* how far the cheap checks have come */
    int64_t day_us;                 /* when the day's checks are due */
};

/** Columns by name. */
int64_t row_int(const struct model_rows *rows, const char *column);
bool row_null(const struct model_rows *rows, const char *column);
uuid row_uuid(const struct model_rows *rows, const char *column); /* null: nil */
struct bytes row_bytes(const struct model_rows *rows, const char *column);
hash256 row_hash(const struct model_rows *rows, const char *column);

/**
 * The rows of a table in the order of a chain: by one column, then by its number. A changed row stands behind all others.
 * @param n  [out]; the array is to be freed
 */
struct model_rows *rows_by_number(const struct world *world, const char *table, const char *of, const char *number,
                                  size_t *n);

struct kept *kept_of_posting(const struct checks *checks, uuid posting);
/** For messages: the first bytes of an id. */
const char *short_id(uuid id);

void check_sums(struct checks *checks);
void check_suspense(struct checks *checks);
void check_ledger(struct checks *checks);
void check_totals(struct checks *checks);
void check_bonus(struct checks *checks);
void check_journals(struct checks *checks);
void check_postings(struct checks *checks);

#endif
