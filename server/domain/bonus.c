/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bonus scheme as data, its factors, and the formula (R-BON-1..3). Invariant: whatever bonus_line accepts has a
 * product below 10^38 < 2^127, so nothing here can wrap.
 */
#include "tagih/bonus.h"

#include <string.h>

#define IDR_MAJOR INT64_C(100)
#define DAY_FIRST INT32_C(10957) /* 2000-01-01 */
#define DAY_LAST INT32_C(84005)  /* 2199-12-31 */

static const struct bonus_scheme schemes[] = {
    {.name = "standard-1", .version = 1, .valid_from = {DAY_FIRST}, .valid_until = {DAY_LAST}, .currency = {"IDR"},
     .rate_bp = 300, .cap_bp = 900,
     .bucket_factor = {10000, 10000, 12000, 15000, 20000, 20000, 20000, 20000},
     .tiers = {{50000000 * IDR_MAJOR, 10000}, {100000000 * IDR_MAJOR, 11000}, {200000000 * IDR_MAJOR, 12500}, {0, 14000}},
     .n_tiers = 4,
     .targets = {{8000, 9000}, {10000, 10000}, {12000, 11000}, {0, 12500}},
     .n_targets = 4,
     .tag_factor = {[TAG_FIELD_CASH] = 10000, [TAG_FIELD_TRANSFER] = 10000, [TAG_BRANCH] = 0, [TAG_GATEWAY] = 0,
                    [TAG_LAWYER] = 5000, [TAG_ENFORCEMENT] = 5000, [TAG_COLLATERAL] = 3000,
                    [TAG_GUARANTEE_FUND] = 0, [TAG_INSURANCE] = 0, [TAG_AUCTION] = 3000,
                    [TAG_WRITTEN_OFF_RECOVERY] = 10000}},
};

const struct bonus_scheme *bonus_scheme_find(const char *name, civil_date on) {
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        bool valid = on.days >= schemes[i].valid_from.days && on.days <= schemes[i].valid_until.days;
        if (valid && strcmp(schemes[i].name, name) == 0) return &schemes[i];
    }
    return NULL;
}

bool bonus_tag_counts(const struct bonus_scheme *scheme, enum payment_tag tag) {
    return (unsigned)tag < TAG_END && scheme->tag_factor[tag] > 0;
}

int64_t bonus_base(int64_t before_minor, int64_t after_minor, int64_t payment_minor) {
    __int128 grown = (__int128)after_minor - before_minor;
    return grown <= 0 ? 0 : grown < payment_minor ? (int64_t)grown : payment_minor;
}

static bool is_within(int64_t value, int64_t max) {
    return value >= 0 && value <= max;
}

/* base x rate x the four factors over 10^20, half to even. */
static int64_t line_uncapped(int64_t base_minor, int32_t rate_bp, const struct bonus_factors *factors) {
    __int128 one = BP_ONE;
    __int128 divisor = one * one * one * one * one;
    __int128 product = (__int128)base_minor * rate_bp * factors->bucket * factors->tier * factors->target * factors->tag;
    __int128 quotient = product / divisor, twice_rest = product % divisor * 2;
    bool up = twice_rest > divisor || (twice_rest == divisor && quotient % 2 != 0);
    /* at most 10^15 x 0.1 x 10^4: fits */
    return (int64_t)(quotient + up);
}

tagih_err bonus_line(int64_t base_minor, int32_t rate_bp, int32_t cap_bp, const struct bonus_factors *factors,
                     int64_t *amount_minor, bool *capped) {
    bool ok = is_within(base_minor, BONUS_BASE_MAX_MINOR) && is_within(rate_bp, BONUS_RATE_MAX_BP) &&
              is_within(cap_bp, BONUS_RATE_MAX_BP) && is_within(factors->bucket, BONUS_FACTOR_MAX) &&
              is_within(factors->tier, BONUS_FACTOR_MAX) && is_within(factors->target, BONUS_FACTOR_MAX) &&
              is_within(factors->tag, BONUS_FACTOR_MAX);
    if (!ok) return FAIL(BONUS_RANGE);
    int64_t line = line_uncapped(base_minor, rate_bp, factors);
    int64_t cap = (int64_t)((__int128)base_minor * cap_bp / BP_ONE);
    *capped = line > cap;
    *amount_minor = line > cap ? cap : line;
    return TAGIH_OK;
}

/* mtd below bound: whole minor units. */
static int32_t tier_factor(const struct bonus_scheme *scheme, int64_t mtd_minor) {
    size_t i = 0;
    while (i + 1 < scheme->n_tiers && mtd_minor >= scheme->tiers[i].below) i++;
    return scheme->tiers[i].factor;
}

/* mtd ÷ target below bound, as mtd x 10 000 against target x bound: nothing is rounded (R-BON-2b). */
static int32_t target_factor(const struct bonus_scheme *scheme, int64_t mtd_minor, int64_t target_minor) {
    size_t i = 0;
    while (i + 1 < scheme->n_targets &&
           (__int128)mtd_minor * BP_ONE >= (__int128)target_minor * scheme->targets[i].below) {
        i++;
    }
    return scheme->targets[i].factor;
}

tagih_err bonus_factors(const struct bonus_scheme *scheme, const struct bonus_inputs *inputs,
                        struct bonus_result *out) {
    bool known = (unsigned)inputs->bucket < BUCKET_COUNT && inputs->tag > 0 && (unsigned)inputs->tag < TAG_END;
    if (!known || (inputs->has_target && inputs->target_minor <= 0)) return FAIL(BONUS_RANGE);
    out->no_tier = !currency_equal(inputs->currency, scheme->currency);
    out->no_target = !inputs->has_target;
    out->factors = (struct bonus_factors){
        .bucket = scheme->bucket_factor[inputs->bucket],
        .tier = out->no_tier ? BP_ONE : tier_factor(scheme, inputs->mtd_minor),
        .target = out->no_target ? BP_ONE : target_factor(scheme, inputs->mtd_minor, inputs->target_minor),
        .tag = scheme->tag_factor[inputs->tag],
    };
    return TAGIH_OK;
}

tagih_err bonus_write(const struct bonus_scheme *scheme, const struct bonus_inputs *inputs, struct bonus_result *out) {
    struct bonus_result result = {0};
    TRY(bonus_factors(scheme, inputs, &result));
    TRY(bonus_line(inputs->base_minor, scheme->rate_bp, scheme->cap_bp, &result.factors, &result.amount_minor,
                   &result.capped));
    *out = result;
    return TAGIH_OK;
}
