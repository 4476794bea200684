/* SPDX-License-Identifier: Apache-2.0 */
/* Offers to settle: the machine, and which debt a fulfilled one takes off (R-WAI-1). */
#include "domain/offer.h"

enum offer_state offer_next(enum offer_state now, const struct offer_facts *facts) {
    switch (now) {
    case OFFER_OFFERED:
        return OFFER_OFFERED;
    case OFFER_APPROVED:
        if (facts->full) return OFFER_FULFILLED;
        return facts->over ? OFFER_LAPSED : OFFER_APPROVED;
    case OFFER_FULFILLED:
        return facts->full ? OFFER_FULFILLED : OFFER_LAPSED;
    case OFFER_LAPSED:
        return facts->full && !facts->bounced ? OFFER_FULFILLED : OFFER_LAPSED;
    }
    return now;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Waive of one component, oldest lines first, at most `limit_minor`; the answer is how much. */
static int64_t waive(const struct offer_line *lines, size_t n, int component, int64_t limit_minor, struct offer_waiver *out) {
    int64_t sum_minor = 0;
    for (size_t i = 0; i < n && sum_minor < limit_minor; i++) {
        struct offer_waiver *waiver = &out[i * COMPONENT_COUNT + (size_t)component];
        int64_t part_minor = least(lines[i].open_minor[component] - waiver->amount_minor, limit_minor - sum_minor);
        waiver->amount_minor += part_minor;
        sum_minor += part_minor;
    }
    return sum_minor;
}

/* The amounts are collected in `out` itself, which has a place for each line and component. */
size_t offer_waivers(const struct offer_line *lines, size_t n, const int64_t waived_minor[COMPONENT_COUNT],
                     int64_t need_minor, struct offer_waiver *out) {
    for (size_t i = 0; i < offer_waivers_max(n); i++) {
        out[i] = (struct offer_waiver){lines[i / COMPONENT_COUNT].instalment_no, (enum component)(i % COMPONENT_COUNT), 0};
    }
    for (int c = 0; c < COMPONENT_COUNT; c++) need_minor -= waive(lines, n, c, least(waived_minor[c], need_minor), out);
    for (int c = 0; c < COMPONENT_COUNT; c++) need_minor -= waive(lines, n, c, need_minor, out);
    size_t kept = 0;
    for (size_t i = 0; i < offer_waivers_max(n); i++) {
        if (out[i].amount_minor > 0) out[kept++] = out[i];
    }
    return kept;
}
