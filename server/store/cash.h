/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of cash, exposures, and the minute's watch (R-CSH-2, R-CSH-3): rows in, rows out. */
#ifndef TAGIH_STORE_CASH_H
#define TAGIH_STORE_CASH_H

#include "domain/cash.h"
#include "store/tx.h"

/* ---- limits --------------------------------------------------------------------------------------------------------- */

/** Limits as they were set. */
struct cash_limit_read {
    bool is_set;
    user_id owner; /* nil: the agency's */
    currency currency;
    int32_t version;
    struct cash_limits limits;
};

/** @param in  empty code: the agency's currency */
TAGIH_MUST_USE tagih_err cash_limit_send_get(struct tx *tx, struct arena *arena, user_id collector, currency in);
void cash_limit_take(struct tx *tx, struct cash_limit_read *out);
/** One answer, to be dropped. */
TAGIH_MUST_USE tagih_err cash_limit_send_lock(struct tx *tx, struct arena *arena);
struct cash_limit_row {
    user_id collector; /* nil: the agency's */
    currency currency;
    int32_t version;
    struct cash_limits limits;
    instant at;
    user_id actor;
    struct bytes reason;
};
TAGIH_MUST_USE tagih_err cash_limit_send_set(struct tx *tx, struct arena *arena, const struct cash_limit_row *row);

/** What an allowance is made of. */
struct cash_terms {
    currency currency;
    instant until;
    bool has_limits;
    struct cash_limits limits; /* soft is not told */
    int64_t aged_minor;
};
TAGIH_MUST_USE tagih_err cash_send_terms(struct tx *tx, struct arena *arena, const user_id *collectors, size_t n, instant now);
void cash_take_terms(struct tx *tx, struct cash_terms *out, size_t n);

/* ---- exposure ------------------------------------------------------------------------------------------------------- */

struct exposure_read {
    user_id collector;
    currency currency;
    int64_t held_minor, transit_minor, receivable_minor;
};
struct exposure_after {
    uuid collector;
    currency currency;
};
/** @param collector  nil: all, a page behind `after` */
TAGIH_MUST_USE tagih_err exposure_send_collectors(struct tx *tx, struct arena *arena, user_id collector,
                                                  const struct exposure_after *after, int32_t limit);
void exposure_read_row(const struct result *r, size_t row, struct exposure_read *out);
/** Rows (row, what, value_on, amount_minor, today_on). */
TAGIH_MUST_USE tagih_err exposure_send_ages(struct tx *tx, struct arena *arena, const struct exposure_read *rows, size_t n,
                                            instant now);
/** Rows (currency, vault_minor, value_on, amount_minor, today_on). */
TAGIH_MUST_USE tagih_err exposure_send_house(struct tx *tx, struct arena *arena, instant now);

/* ---- watch ---------------------------------------------------------------------------------------------------------- */

/** A collector that the minute looks at. */
struct cash_watched {
    user_id collector;
    currency currency;
    int16_t breaches; /* told so far */
    int32_t n;        /* of the newest cash_breach */
    int64_t held_minor, aged_minor;
    bool has_limits;
    struct cash_limits limits;
    int64_t limits_us;
    civil_date due_before;
};

/** Outside any agency. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err cash_watch_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us,
                                             agency_id *out, size_t room, size_t *n);
/** Find and lock up to `limit` collectors and read them: three round trips. @return OK · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err cash_watch_load(struct tx *tx, struct arena *arena, instant now, int32_t limit,
                                         struct cash_watched **out, size_t *n);
struct cash_breach_row {
    user_id collector;
    struct bytes currency;
    int32_t n;
    int16_t before, after;
    int64_t held_minor, aged_minor, soft_minor, hard_minor;
};
TAGIH_MUST_USE tagih_err cash_watch_send(struct tx *tx, struct arena *arena, const struct cash_watched *rows, size_t n);
TAGIH_MUST_USE tagih_err cash_breach_send(struct tx *tx, struct arena *arena, const struct cash_breach_row *rows, size_t n,
                                          instant at);

#endif
