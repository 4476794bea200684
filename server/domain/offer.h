/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers to settle (R-WAI-1): what becomes of one is a function of facts and of the day, and what a fulfilled one
 * waives is a function of what was open.
 */
#ifndef TAGIH_DOMAIN_OFFER_H
#define TAGIH_DOMAIN_OFFER_H

#include "tagih/allocation.h"

/** Stored: append, never renumber. */
enum offer_state { OFFER_OFFERED = 1, OFFER_APPROVED, OFFER_FULFILLED, OFFER_LAPSED };

/** What is known of an approved offer. */
struct offer_facts {
    bool full;    /* payments valued from the approval to the last day make up the sum */
    bool over;    /* the last day is behind us */
    bool bounced; /* it was fulfilled once, and is no more */
};

/**
 * Where an offer stands by its facts. APPROVED waits; full makes it FULFILLED, also late, when what was paid in time
 * comes to be known after the day; FULFILLED that is no longer full is LAPSED for good. OFFERED stays: a person decides.
 *
 * @return the state; the same one when nothing follows. Pure.
 */
enum offer_state offer_next(enum offer_state now, const struct offer_facts *facts);

/** An instalment as it was on the morning of the day on which the sum was full. */
struct offer_line {
    int32_t instalment_no;
    int64_t open_minor[COMPONENT_COUNT];
};

struct offer_waiver {
    int32_t instalment_no;
    enum component component;
    int64_t amount_minor;
};

/** The most waivers that `n` lines can become. */
static inline size_t offer_waivers_max(size_t n) {
    return n * COMPONENT_COUNT;
}

/**
 * What is waived: `need_minor` in all, of the offered components first, then, where money of earlier days has paid
 * those already, of whatever is open; oldest lines first.
 *
 * @param waived_minor  the offer's parts
 * @param need_minor    what was still open behind the payment that made the sum full, at most the sum of the parts
 * @param out           [out] offer_waivers_max(n) at most, one for each line and component
 * @return how many. Pure, O(n).
 * Example: open fees 40 000, interest 400 000, principal 3 500 000; offered fees 40 000, interest 400 000; need 440 000
 * → fees 40 000, interest 400 000.
 */
size_t offer_waivers(const struct offer_line *lines, size_t n, const int64_t waived_minor[COMPONENT_COUNT],
                     int64_t need_minor, struct offer_waiver *out);

#endif
