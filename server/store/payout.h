/* SPDX-License-Identifier: Apache-2.0 */
/* Payout runs in the database; what is decided about them stands in server/rpc/payout.c. */
#ifndef TAGIH_STORE_PAYOUT_H
#define TAGIH_STORE_PAYOUT_H

#include "domain/bonus_payout.h"
#include "store/tx.h"

/** One collector's sum of one month, or of its clawbacks. */
struct payout_group {
    user_id collector;
    int64_t amount_minor, lines;
    hash256 digest;
    int64_t carried_in_minor; /* the collector's */
};

struct payout_books {
    int32_t run_no;  /* the newest; 0: none */
    bool closed;     /* the month asked about */
    currency currency;
    struct payout_rules rules;
};

/** Queue the lock of all runs: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err payout_send_lock(struct tx *tx, struct arena *arena);
TAGIH_MUST_USE tagih_err payout_send_books(struct tx *tx, struct arena *arena, civil_date through);
/** @return NOT_PERMITTED there is no such agency */
TAGIH_MUST_USE tagih_err payout_take_books(struct tx *tx, struct payout_books *out);

/** Queue what a run of this number through this month would hold. */
TAGIH_MUST_USE tagih_err payout_send_preview(struct tx *tx, struct arena *arena, civil_date through, currency in, int32_t run_no);
/** Queue that the run takes its lines, and then what it holds: one answer. */
TAGIH_MUST_USE tagih_err payout_send_lines(struct tx *tx, struct arena *arena, civil_date through, currency in, int32_t run_no);
/** Queue what a run that was made holds. */
TAGIH_MUST_USE tagih_err payout_send_groups(struct tx *tx, struct arena *arena, struct bytes in, int32_t run_no);
/** The answer of any of them, by collector. */
TAGIH_MUST_USE tagih_err payout_take_groups(struct tx *tx, struct arena *arena, struct payout_group **out, size_t *n);

struct payout_share {
    user_id collector;
    struct bytes currency;
    int32_t run_no;
    uuid posting;
    int64_t lines;
    hash256 digest;
    struct payout payout;
    struct bytes login; /* read back only */
};

struct payout_run {
    int32_t run_no;
    uuid posting;
    civil_date through;
    struct bytes currency;
    struct payout_rules rules;
    int32_t collectors;
    int64_t paid_minor;
    hash256 digest;
    instant at;
    user_id made_by, approved_by;
    bool paid; /* read back only */
    instant paid_at;
    struct bytes bank_reference;
};

struct payout_paid {
    int32_t run_no;
    uuid posting;
    struct bytes bank_reference;
    instant at;
    user_id made_by, approved_by;
};

struct payout_leaving {
    uuid posting;
    user_id collector;
    struct bytes currency;
    int64_t amount_minor;
    int32_t after_run;
    instant at;
    user_id made_by, approved_by;
};

/* Inserts, as facts of their posting. */
void payout_run_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_run *row);
void payout_shares_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_share *rows, size_t n);
void payout_paid_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_paid *row);
void payout_leaving_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_leaving *row);

/** Queue and take a run; false: there is none. Texts live in the arena. */
TAGIH_MUST_USE tagih_err payout_send_get(struct tx *tx, struct arena *arena, int32_t run_no);
TAGIH_MUST_USE tagih_err payout_take_get(struct tx *tx, struct arena *arena, struct payout_run *out, bool *found);
/** Queue and take its shares behind `after`, by collector. Texts live in the arena. */
TAGIH_MUST_USE tagih_err payout_send_shares(struct tx *tx, struct arena *arena, int32_t run_no, user_id after, int32_t limit);
TAGIH_MUST_USE tagih_err payout_take_shares(struct tx *tx, struct arena *arena, struct payout_share **out, size_t *n);
/** Queue and take how many lines of a run may not be paid. */
TAGIH_MUST_USE tagih_err payout_send_hindered(struct tx *tx, struct arena *arena, int32_t run_no);
int64_t payout_take_hindered(struct tx *tx);

#endif
