/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over several payments or collectors: the split of a base (R-BON-8) and the month's TRUE_UP (R-BON-7). */
#include "tagih/bonus.h"

#include <assert.h>

static tagih_err check_shares(const struct bonus_share *shares, size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (shares[i].share_bp <= 0 || shares[i].share_bp > BP_ONE) return FAIL(BONUS_SHARES);
        sum += shares[i].share_bp;
        for (size_t j = 0; j < i; j++) {
            if (uuid_equal(shares[i].collector.u, shares[j].collector.u)) return FAIL(BONUS_SHARES);
        }
    }
    return sum == BP_ONE ? TAGIH_OK : FAIL(BONUS_SHARES);
}

static int64_t share_rest(int64_t base_minor, const struct bonus_share *share) {
    return (int64_t)((__int128)base_minor * share->share_bp % BP_ONE);
}

/* How many shares come before this one: larger remainder, or the same and a lower collector id. */
static int64_t share_rank(int64_t base_minor, const struct bonus_share *shares, size_t n, size_t of) {
    int64_t rank = 0, rest = share_rest(base_minor, &shares[of]);
    for (size_t i = 0; i < n; i++) {
        int64_t other = share_rest(base_minor, &shares[i]);
        bool tie_won = other == rest && uuid_compare(shares[i].collector.u, shares[of].collector.u) < 0;
        rank += other > rest || tie_won;
    }
    return rank;
}

tagih_err bonus_split(int64_t base_minor, struct bonus_share *shares, size_t n) {
    if (base_minor < 0 || base_minor > BONUS_BASE_MAX_MINOR) return FAIL(BONUS_RANGE);
    TRY(check_shares(shares, n));
    int64_t left = base_minor;
    for (size_t i = 0; i < n; i++) {
        shares[i].base_minor = (int64_t)((__int128)base_minor * shares[i].share_bp / BP_ONE);
        left -= shares[i].base_minor;
    }
    for (size_t i = 0; i < n; i++) shares[i].base_minor += share_rank(base_minor, shares, n, i) < left;
    return TAGIH_OK;
}

static tagih_err sum_bases(const struct bonus_scheme *scheme, const struct bonus_closing *rows, size_t n,
                           int64_t *countable_minor, int64_t *net_minor) {
    *countable_minor = *net_minor = 0;
    for (size_t i = 0; i < n; i++) {
        TRY(minor_add(*net_minor, rows[i].base_minor, net_minor));
        if (bonus_tag_counts(scheme, rows[i].tag)) {
            TRY(minor_add(*countable_minor, rows[i].base_minor, countable_minor));
        }
    }
    return TAGIH_OK;
}

/* T and G of the whole month. */
static tagih_err month_step(const struct bonus_scheme *scheme, const struct bonus_inputs *month, struct bonus_true_up *out) {
    struct bonus_inputs any = *month;
    struct bonus_result result;
    any.bucket = BUCKET_B0;
    any.tag = TAG_FIELD_CASH;
    TRY(bonus_factors(scheme, &any, &result));
    out->tier = result.factors.tier;
    out->target = result.factors.target;
    return TAGIH_OK;
}

static tagih_err close_row(const struct bonus_scheme *scheme, struct bonus_inputs *inputs, struct bonus_closing *row,
                           struct bonus_true_up *out) {
    struct bonus_result result;
    inputs->bucket = row->bucket;
    inputs->tag = row->tag;
    inputs->base_minor = row->base_minor;
    TRY(bonus_write(scheme, inputs, &result));
    row->final_minor = result.amount_minor;
    TRY(minor_sub(row->final_minor, row->written_minor, &row->part_minor));
    TRY(minor_add(out->total_minor, row->final_minor, &out->total_minor));
    return minor_add(out->amount_minor, row->part_minor, &out->amount_minor);
}

tagih_err bonus_true_up(const struct bonus_scheme *scheme, const struct bonus_inputs *inputs,
                        struct bonus_closing *rows, size_t n, struct bonus_true_up *out) {
    struct bonus_true_up result = {.amount_minor = 0};
    struct bonus_inputs month = *inputs;
    TRY(sum_bases(scheme, rows, n, &result.base_minor, &result.net_minor));
    month.mtd_minor = result.base_minor; /* the whole month: one step for all payments */
    TRY(month_step(scheme, &month, &result));
    for (size_t i = 0; i < n; i++) TRY(close_row(scheme, &month, &rows[i], &result));
    /* follows from every final's own bounds; checked, since it is what the month is paid by */
    assert(result.total_minor >= 0 && (__int128)result.total_minor * BP_ONE <= (__int128)result.net_minor * scheme->cap_bp);
    *out = result;
    return TAGIH_OK;
}
