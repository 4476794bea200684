/* SPDX-License-Identifier: Apache-2.0 */
/* Offers to settle: rows as the database has them. */
#ifndef TAGIH_STORE_OFFER_H
#define TAGIH_STORE_OFFER_H

#include "domain/offer.h"
#include "store/tx.h"
#include "tagih/money.h"

struct offer_row {
    uuid id, posting;
    account_id account;
    int64_t sum_minor;
    struct bytes currency;
    civil_date by_on;
    int64_t waived_minor[COMPONENT_COUNT];
    bool creditor_bears;
    user_id made_by;
    int64_t made_us;
};

struct offer_event_row {
    uuid offer;
    int32_t n;
    uuid posting;
    int16_t state;
    int64_t at_us, paid_minor;
    bool has_actor;
    user_id actor;
};

/** A step of an offer: state and n as they are after it. */
struct offer_step {
    uuid offer;
    int16_t state;
    int32_t n;
    bool has_from;
    int64_t from_us;
    bool bounced;
};

/** What a new offer is compared with. */
struct offer_account {
    bool found;
    currency currency;
    int16_t status;
    int64_t open_minor[COMPONENT_COUNT];
    civil_date today;
};

/** An account's offer as its payments find it. */
struct offer_now {
    account_id account;
    struct offer_step at; /* as it is */
    int64_t sum_minor;
    currency currency;
    civil_date by_on;
    int64_t waived_minor[COMPONENT_COUNT];
    bool creditor_bears;
    int64_t paid_minor;
    bool full;
    instant full_at; /* the value instant of the payment that made it full */
    civil_date full_on;
    int64_t day_minor;      /* paid on that day, up to and with it */
};

/** A waiver that a fulfilled offer made. */
struct offer_made {
    uuid fact;
    int16_t kind;
    int64_t amount_minor;
    int32_t instalment_no;
    int16_t component;
};

/** An offer read back; texts point into the result. */
struct offer_read {
    struct offer_row row; /* posting: nil */
    int16_t state;
    int64_t paid_minor;
    civil_date today;
};

/* Fact rows, as the inserts of their posting. */
void offer_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct offer_row *row);
void offer_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct offer_event_row *row);
/** `facts` ascending, as they are read back. */
void offer_waivers_fact(struct params *p, const struct tx *tx, struct arena *arena, uuid offer, uuid posting, const uuid *facts, size_t n);

TAGIH_MUST_USE tagih_err offer_send_state(struct tx *tx, struct arena *arena, uuid offer, account_id account);
TAGIH_MUST_USE tagih_err offer_send_steps(struct tx *tx, struct arena *arena, const struct offer_step *steps, size_t n);
TAGIH_MUST_USE tagih_err offer_send_of_account(struct tx *tx, struct arena *arena, account_id account, uuid offer);

TAGIH_MUST_USE tagih_err offer_send_account(struct tx *tx, struct arena *arena, account_id account);
void offer_take_account(struct tx *tx, struct offer_account *out);

/** Queue the question for the offers of accounts; those without one have no row. */
TAGIH_MUST_USE tagih_err offer_send_load(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n);
TAGIH_MUST_USE tagih_err offer_take_load(struct tx *tx, struct arena *arena, struct offer_now **out, size_t *n);
TAGIH_MUST_USE tagih_err offer_send_lines(struct tx *tx, struct arena *arena, account_id account, civil_date full_on);
TAGIH_MUST_USE tagih_err offer_take_lines(struct tx *tx, struct arena *arena, struct offer_line **out, size_t *n);
TAGIH_MUST_USE tagih_err offer_send_waivers(struct tx *tx, struct arena *arena, uuid offer);
TAGIH_MUST_USE tagih_err offer_take_waivers(struct tx *tx, struct arena *arena, struct offer_made **out, size_t *n);

TAGIH_MUST_USE tagih_err offer_send_get(struct tx *tx, struct arena *arena, uuid offer);
TAGIH_MUST_USE tagih_err offer_send_list(struct tx *tx, struct arena *arena, account_id account, int64_t before_us, uuid before, int32_t limit);
/** Read a row of either. */
void offer_read_row(const struct result *r, size_t row, struct offer_read *out);

#endif
