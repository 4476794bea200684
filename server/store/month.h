/* SPDX-License-Identifier: Apache-2.0 */
/* A month's close in the database: rows as they are; what they mean is decided in server/rpc/month_close.c. */
#ifndef TAGIH_STORE_MONTH_H
#define TAGIH_STORE_MONTH_H

#include "domain/month.h"
#include "store/tx.h"
#include "tagih/bonus.h"

/** What is open when a month is looked at or closed. */
struct month_open {
    int64_t gaps, waiting, quarantined, suspense, suspense_minor, cash_collectors, cash_minor, phones_silent;
};

struct month_now {
    struct month_books books;
    instant last; /* the month's last microsecond, in the agency's zone */
    char currency[4];
};

/** Queue the exclusive close lock: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err month_send_lock(struct tx *tx, struct arena *arena);
/** Queue and take where the books stand. @return NOT_PERMITTED there is no such agency */
TAGIH_MUST_USE tagih_err month_send_now(struct tx *tx, struct arena *arena, civil_date month, instant now);
TAGIH_MUST_USE tagih_err month_take_now(struct tx *tx, struct month_now *out);
/** Queue and take what is open. */
TAGIH_MUST_USE tagih_err month_send_open(struct tx *tx, struct arena *arena, civil_date month, instant last);
void month_take_open(struct tx *tx, struct month_open *out);

struct month_collector {
    user_id collector;
    currency currency;
    team_id team; /* nil: none */
};
TAGIH_MUST_USE tagih_err month_send_collectors(struct tx *tx, struct arena *arena, civil_date month);
TAGIH_MUST_USE tagih_err month_take_collectors(struct tx *tx, struct arena *arena, struct month_collector **out, size_t *n);

/** Queue and take a collector's payments of a month, at most `max`, by payment id. */
TAGIH_MUST_USE tagih_err month_send_payments(struct tx *tx, struct arena *arena, const struct month_collector *of,
                                             civil_date month, size_t max);
TAGIH_MUST_USE tagih_err month_take_payments(struct tx *tx, struct arena *arena, struct bonus_closing **out, size_t *n);

/** One share of a payment that was split. */
struct month_share {
    payment_id payment;
    struct bonus_share share;
};
/** Queue and take all shares of a collector's payments of a month that were split, by payment id (R-BON-8a). */
TAGIH_MUST_USE tagih_err month_send_shares(struct tx *tx, struct arena *arena, const struct month_collector *of, civil_date month);
TAGIH_MUST_USE tagih_err month_take_shares(struct tx *tx, struct arena *arena, struct month_share **out, size_t *n);

/** Queue the parts of a TRUE_UP line. */
TAGIH_MUST_USE tagih_err month_send_parts(struct tx *tx, struct arena *arena, const struct month_collector *of, civil_date month,
                                          uuid line_id, const struct bonus_closing *rows, size_t n);

/** What a close keeps of a collector's month (R-BON-10). */
struct month_closed {
    user_id collector;
    currency currency;
    int64_t mtd_minor;
    bool has_target;
    int64_t target_minor;
    int32_t target_version;
};
TAGIH_MUST_USE tagih_err month_send_closed(struct tx *tx, struct arena *arena, civil_date month, const struct month_closed *rows, size_t n);

struct month_close_row {
    civil_date month;
    uuid posting;
    instant closed;
    user_id made_by, approved_by;
    hash256 digest;
    struct month_open open;
    int64_t true_ups, true_up_minor, payments;
};
/** The two inserts of a close, as facts of its posting. */
void month_close_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct month_close_row *row);
void month_readiness_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct month_close_row *row);

/** Queue and take a month's close; false: it is open. */
TAGIH_MUST_USE tagih_err month_send_get(struct tx *tx, struct arena *arena, civil_date month);
bool month_take_get(struct tx *tx, struct month_close_row *out);

#endif
