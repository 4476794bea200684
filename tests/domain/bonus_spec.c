/* SPDX-License-Identifier: Apache-2.0 */
/* The bonus: formula, factors, split, TRUE_UP, and the record of a line. Outside figures: bonus_vector_spec.c. */
#include "support/case.h"

#include "tagih/bonus.h"

static const struct bonus_scheme *scheme;

static int find_scheme(void **state) {
    (void)state;
    scheme = bonus_scheme_find("standard-1", date_make(2026, 3, 1));
    return scheme ? 0 : -1;
}

static currency idr(void) {
    currency out;
    assert_ok(currency_parse(bytes_text("IDR"), &out));
    return out;
}

static struct bonus_inputs inputs(int64_t base_minor, enum bucket bucket, int64_t mtd_major) {
    return (struct bonus_inputs){.base_minor = base_minor, .currency = idr(), .bucket = bucket,
                                 .tag = TAG_FIELD_CASH, .mtd_minor = mtd_major * 100};
}

//= RULES.md R-BON-3
//  Vectors of the formula (factors bucket/tier/target/tag, minor units): 1 000 000 with 1.5/1.4/1.2/1.0 → 75 600 ·
//  1 000 000 with 2.0/1.4/1.2/1.0 → 90 000 (cap; uncapped 100 800) · 1 with 1/1/1/1 → 0 · 50 → 2 · 17 → 1 · 150 → 4
//  (4.5 to even) · 11 with 2.0/1.4/1.25/1.0 → 0 (the cap's floor) · 1 333 with the same → 119.
static void the_formula_gives_the_figures_of_its_rule(void **state) {
    (void)state;
    static const struct {
        int64_t base;
        struct bonus_factors factors;
        int64_t amount;
        bool capped;
    } rows[] = {
        {1000000, {15000, 14000, 12000, 10000}, 75600, false},
        {1000000, {20000, 14000, 12000, 10000}, 90000, true},
        {1, {10000, 10000, 10000, 10000}, 0, false},
        {50, {10000, 10000, 10000, 10000}, 2, false},
        {17, {10000, 10000, 10000, 10000}, 1, false},
        {150, {10000, 10000, 10000, 10000}, 4, false},
        {11, {20000, 14000, 12500, 10000}, 0, true},
        {1333, {20000, 14000, 12500, 10000}, 119, true},
        {4000000, {10000, 10000, 9000, 10000}, 108000, false}, /* J3 */
        {BONUS_BASE_MAX_MINOR, {100000, 100000, 100000, 100000}, 90000000000000, true},
        {1000000, {10000, 10000, 10000, 0}, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t amount;
        bool capped;
        assert_ok(bonus_line(rows[i].base, 300, 900, &rows[i].factors, &amount, &capped));
        assert_int_equal(amount, rows[i].amount);
        assert_int_equal(capped, rows[i].capped);
    }
}

static void assert_out_of_range(int64_t base, int32_t rate, int32_t cap, struct bonus_factors factors) {
    int64_t amount = -7;
    bool capped;
    assert_fails(bonus_line(base, rate, cap, &factors, &amount, &capped), BONUS_RANGE);
    assert_int_equal(amount, -7);
}

//= RULES.md R-MON-2
//  Products are formed in 128 bits and rounded **once**, half to even.
static void a_product_is_rounded_once_half_to_even(void **state) {
    (void)state;
    int64_t amount;
    bool capped;
    const struct bonus_factors ones = {10000, 10000, 10000, 10000};
    const struct {
        int64_t base, amount;
    } rows[] = {{50, 2}, {150, 4}, {250, 8}, {350, 10}}; // 1.5, 4.5, 7.5, 10.5 of 3 %
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_ok(bonus_line(rows[i].base, 300, 900, &ones, &amount, &capped));
        assert_int_equal(amount, rows[i].amount);
    }
    // 50 x 3 % x 1.5 x 1.5 = 3.375; rounded after each factor it would be 1.5 → 2 → 3 → 4.5 → 4
    assert_ok(bonus_line(50, 300, 900, &(struct bonus_factors){15000, 15000, 10000, 10000}, &amount, &capped));
    assert_int_equal(amount, 3);
}


//= RULES.md R-BON-3
//  Bounds: base ≤ 10^15 minor, rate ≤ 1 000 bp, each factor ≤ 100 000; outside is an error, so the product stays below
//  2^127.
static void figures_outside_the_bounds_are_an_error(void **state) {
    (void)state;
    const struct bonus_factors one = {10000, 10000, 10000, 10000};
    assert_out_of_range(BONUS_BASE_MAX_MINOR + 1, 300, 900, one);
    assert_out_of_range(-1, 300, 900, one);
    assert_out_of_range(1, 1001, 900, one);
    assert_out_of_range(1, -1, 900, one);
    assert_out_of_range(1, 300, 1001, one);
    assert_out_of_range(1, 300, 900, (struct bonus_factors){100001, 1, 1, 1});
    assert_out_of_range(1, 300, 900, (struct bonus_factors){1, 100001, 1, 1});
    assert_out_of_range(1, 300, 900, (struct bonus_factors){1, 1, 100001, 1});
    assert_out_of_range(1, 300, 900, (struct bonus_factors){1, 1, 1, 100001});
    assert_out_of_range(1, 300, 900, (struct bonus_factors){-1, 1, 1, 1});
    int64_t amount;
    bool capped; /* the largest product there is: 10^38, rounded and not wrapped */
    assert_ok(bonus_line(BONUS_BASE_MAX_MINOR, 1000, 1000, &(struct bonus_factors){100000, 100000, 100000, 100000}, &amount, &capped));
    assert_int_equal(amount, 100000000000000);
}

//= RULES.md R-BON-2
//  bucket B0 1.0, B1 1.0, B2 1.2, B3 1.5, B4+ 2.0 · tier by `mtd` < 50 000 000 1.0, < 100 000 000 1.1, < 200 000 000
//  1.25, else 1.4
static void bucket_and_tier_are_looked_up(void **state) {
    (void)state;
    static const int32_t buckets[] = {10000, 10000, 12000, 15000, 20000, 20000, 20000, 20000};
    static const struct {
        int64_t mtd_major;
        int32_t tier;
    } tiers[] = {{-5, 10000}, {0, 10000}, {49999999, 10000}, {50000000, 11000}, {99999999, 11000},
                 {100000000, 12500}, {199999999, 12500}, {200000000, 14000}, {900000000, 14000}};
    struct bonus_result result;
    for (int b = 0; b < BUCKET_COUNT; b++) {
        struct bonus_inputs in = inputs(1, (enum bucket)b, 0);
        assert_ok(bonus_factors(scheme, &in, &result));
        assert_int_equal(result.factors.bucket, buckets[b]);
    }
    for (size_t i = 0; i < COUNT_OF(tiers); i++) {
        struct bonus_inputs in = inputs(1, BUCKET_B1, tiers[i].mtd_major);
        assert_ok(bonus_factors(scheme, &in, &result));
        assert_int_equal(result.factors.tier, tiers[i].tier);
    }
}

//= RULES.md R-BON-2b
//  thresholds are compared by cross-multiplication, nothing is rounded. No approved target → factor 10 000 and "no
//  target" in the context.
static void achievement_is_compared_without_rounding(void **state) {
    (void)state;
    static const struct {
        int64_t mtd_minor, target_minor;
        int32_t factor;
    } rows[] = {{799999, 1000000, 9000}, {800000, 1000000, 10000}, {999999, 1000000, 10000}, {1000000, 1000000, 11000},
                {1199999, 1000000, 11000}, {1200000, 1000000, 12500}, {-1, 1, 9000}, {2, 3, 9000}, {5, 6, 10000},
                {INT64_MAX, INT64_MAX, 11000}, {INT64_MAX - 1, INT64_MAX, 10000}, {0, INT64_MAX, 9000}};
    struct bonus_result result;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bonus_inputs in = inputs(1, BUCKET_B1, 0);
        in.mtd_minor = rows[i].mtd_minor;
        in.has_target = true;
        in.target_minor = rows[i].target_minor;
        assert_ok(bonus_factors(scheme, &in, &result));
        assert_int_equal(result.factors.target, rows[i].factor);
        assert_false(result.no_target);
    }
    struct bonus_inputs in = inputs(1, BUCKET_B1, 0);
    assert_ok(bonus_factors(scheme, &in, &result));
    assert_int_equal(result.factors.target, 10000);
    assert_true(result.no_target);
}

//= RULES.md R-BON-2
//  tag LAWYER and ENFORCEMENT 0.5, COLLATERAL and AUCTION 0.3, BRANCH, GATEWAY, GUARANTEE_FUND and INSURANCE 0, others
//  1.0.
static void a_tag_that_earns_nothing_counts_for_no_tier_either(void **state) {
    (void)state;
    static const int32_t factors[TAG_END] = {0, 10000, 10000, 0, 0, 5000, 5000, 3000, 0, 0, 3000, 10000};
    for (int tag = TAG_FIELD_CASH; tag < TAG_END; tag++) {
        struct bonus_inputs in = inputs(1000000, BUCKET_B1, 0);
        in.tag = (enum payment_tag)tag;
        struct bonus_result result;
        assert_ok(bonus_write(scheme, &in, &result));
        assert_int_equal(result.factors.tag, factors[tag]);
        assert_int_equal(result.amount_minor, 30000 * factors[tag] / 10000);
        assert_int_equal(bonus_tag_counts(scheme, in.tag), factors[tag] > 0);
    }
    assert_false(bonus_tag_counts(scheme, TAG_END));
}

//= RULES.md R-BON-2b
//  Tier bounds are per currency of the scheme; another currency has no tier (1.0), flagged.
static void another_currency_has_no_tier_and_bad_inputs_are_refused(void **state) {
    (void)state;
    struct bonus_inputs in = inputs(100, BUCKET_B1, 900000000);
    struct bonus_result result;
    assert_ok(currency_parse(bytes_text("USD"), &in.currency));
    assert_ok(bonus_factors(scheme, &in, &result));
    assert_int_equal(result.factors.tier, 10000);
    assert_true(result.no_tier);
    in.has_target = true;
    assert_fails(bonus_factors(scheme, &in, &result), BONUS_RANGE);
    in.has_target = false;
    in.tag = TAG_END;
    assert_fails(bonus_factors(scheme, &in, &result), BONUS_RANGE);
    in.tag = TAG_BRANCH;
    in.bucket = BUCKET_COUNT;
    assert_fails(bonus_factors(scheme, &in, &result), BONUS_RANGE);
    in = inputs(-1, BUCKET_B1, 0);
    assert_fails(bonus_write(scheme, &in, &result), BONUS_RANGE);
    assert_null(bonus_scheme_find("standard-2", date_make(2026, 3, 1)));
    assert_null(bonus_scheme_find("standard-1", date_make(1999, 12, 31)));
    assert_non_null(bonus_scheme_find("standard-1", date_make(2199, 12, 31)));
    assert_null(bonus_scheme_find("standard-1", date_make(2200, 1, 1)));
}

//= RULES.md R-BON-1a
//  Base of a line = (Σ debt-allocated of the account after posting) − (the same before), between 0 and the payment.
static void the_base_is_what_newly_covered_debt(void **state) {
    (void)state;
    assert_int_equal(bonus_base(600000, 1000000, 500000), 400000); /* J7 */
    assert_int_equal(bonus_base(0, 4000000, 5000000), 4000000);    /* J2 */
    assert_int_equal(bonus_base(100, 100, 50), 0);
    assert_int_equal(bonus_base(100, 90, 50), 0);
    assert_int_equal(bonus_base(100, 190, 50), 50);
    assert_int_equal(bonus_base(INT64_MIN, INT64_MAX, 50), 50);
}

static struct bonus_share share(uint8_t id, int32_t bp) {
    return (struct bonus_share){.collector.u.b[15] = id, .share_bp = bp};
}

//= RULES.md R-BON-8
//  A configured split is shares in bp, Σ = 10 000; the **base** is split by largest remainder (ties by collector id)
static void a_split_loses_no_minor_unit(void **state) {
    (void)state;
    struct bonus_share thirds[] = {share(3, 3333), share(1, 3333), share(2, 3334)};
    assert_ok(bonus_split(100, thirds, 3));
    assert_int_equal(thirds[0].base_minor, 33);
    assert_int_equal(thirds[1].base_minor, 33);
    assert_int_equal(thirds[2].base_minor, 34);
    struct bonus_share halves[] = {share(9, 5000), share(4, 5000)};
    assert_ok(bonus_split(7, halves, 2));
    assert_int_equal(halves[0].base_minor, 3);
    assert_int_equal(halves[1].base_minor, 4); /* tie: the lower id */
    assert_ok(bonus_split(BONUS_BASE_MAX_MINOR, thirds, 3));
    assert_int_equal(thirds[0].base_minor + thirds[1].base_minor + thirds[2].base_minor, BONUS_BASE_MAX_MINOR);
    uint64_t seed = 7;
    for (int i = 0; i < 10000; i++) {
        int64_t base = (int64_t)random_below(&seed, 100000);
        thirds[0].share_bp = 1 + (int32_t)random_below(&seed, 5000);
        thirds[1].share_bp = 1 + (int32_t)random_below(&seed, 4998);
        thirds[2].share_bp = 10000 - thirds[0].share_bp - thirds[1].share_bp;
        assert_ok(bonus_split(base, thirds, 3));
        assert_int_equal(thirds[0].base_minor + thirds[1].base_minor + thirds[2].base_minor, base);
        for (int k = 0; k < 3; k++) { /* nobody is off by a whole unit */
            int64_t off = thirds[k].base_minor * 10000 - base * thirds[k].share_bp;
            assert_true(off > -10000 && off < 10000);
        }
    }
}

//= RULES.md R-BON-8
//  A configured split is shares in bp, Σ = 10 000
static void shares_that_are_no_split_are_refused(void **state) {
    (void)state;
    struct bonus_share short_of[] = {share(1, 5000), share(2, 4999)}, twice[] = {share(1, 5000), share(1, 5000)};
    struct bonus_share zero[] = {share(1, 10000), share(2, 0)}, over[] = {share(1, 10001)}, good[] = {share(1, 10000)};
    assert_fails(bonus_split(5, short_of, 2), BONUS_SHARES);
    assert_fails(bonus_split(5, twice, 2), BONUS_SHARES);
    assert_fails(bonus_split(5, zero, 2), BONUS_SHARES);
    assert_fails(bonus_split(5, over, 1), BONUS_SHARES);
    assert_fails(bonus_split(5, NULL, 0), BONUS_SHARES);
    assert_fails(bonus_split(-5, good, 1), BONUS_RANGE);
    assert_fails(bonus_split(BONUS_BASE_MAX_MINOR + 1, good, 1), BONUS_RANGE);
}

//= RULES.md R-BON-7
//  One TRUE_UP line = Σ part_i, storing every part_i; it **may be negative**. … After it the month's total is
//  Σ final_i, so ≥ 0 and ≤ 9 % of the month's net base
static void a_true_up_brings_every_payment_to_the_months_own_step(void **state) {
    (void)state;
    struct bonus_closing rows[] = {
        {.base_minor = 3000000000, .bucket = BUCKET_B1, .tag = TAG_FIELD_CASH, .written_minor = 81000000},
        {.base_minor = 3000000000, .bucket = BUCKET_B3, .tag = TAG_FIELD_CASH, .written_minor = 200000000},
        {.base_minor = 9000000000, .bucket = BUCKET_B3, .tag = TAG_GATEWAY, .written_minor = 0}};
    struct bonus_inputs month = inputs(0, BUCKET_B0, 0);
    month.has_target = true;
    month.target_minor = 6000000000; /* 60 million major: exactly 100 % */
    struct bonus_true_up out;
    assert_ok(bonus_true_up(scheme, &month, rows, 3, &out));
    assert_int_equal(out.base_minor, 6000000000); /* the gateway counts for nothing */
    assert_int_equal(out.tier, 11000);
    assert_int_equal(out.target, 11000);
    assert_int_equal(rows[0].final_minor, 108900000);
    assert_int_equal(rows[1].final_minor, 163350000);
    assert_int_equal(rows[1].part_minor, -36650000);
    assert_int_equal(rows[2].part_minor, 0);
    assert_int_equal(out.amount_minor, 27900000 - 36650000);
    assert_int_equal(out.total_minor, 108900000 + 163350000);
    for (size_t i = 0; i < 3; i++) rows[i].written_minor = rows[i].final_minor;
    assert_ok(bonus_true_up(scheme, &month, rows, 3, &out));
    assert_int_equal(out.amount_minor, 0); /* a second run writes nothing */
}

//= RULES.md R-MON-3
//  Overflow, negative amounts where none may be, and mixed currencies are errors, never wrapped.
static void a_true_up_of_impossible_figures_is_refused(void **state) {
    (void)state;
    struct bonus_closing rows[] = {{.base_minor = INT64_MAX, .tag = TAG_FIELD_CASH}, {.base_minor = 1, .tag = TAG_FIELD_CASH}};
    struct bonus_inputs month = inputs(0, BUCKET_B0, 0);
    struct bonus_true_up out;
    assert_fails(bonus_true_up(scheme, &month, rows, 2, &out), MONEY_OVERFLOW);
    assert_fails(bonus_true_up(scheme, &month, rows, 1, &out), BONUS_RANGE);
    rows[0] = (struct bonus_closing){.base_minor = 1000, .tag = TAG_FIELD_CASH, .written_minor = INT64_MIN};
    assert_fails(bonus_true_up(scheme, &month, rows, 1, &out), MONEY_OVERFLOW);
    struct bonus_scheme strange = *scheme;
    rows[0] = (struct bonus_closing){.base_minor = 100, .tag = TAG_FIELD_CASH};
    rows[1] = (struct bonus_closing){.base_minor = 0, .tag = TAG_FIELD_CASH};
    strange.cap_bp = 0;
    assert_ok(bonus_true_up(&strange, &month, rows, 2, &out));
    assert_int_equal(out.total_minor, 0); /* capped at nothing */
}

static struct bonus_record record(void) {
    struct bonus_record made = {.kind = BONUS_LINE, .line_id = {{1}}, .payment = {{{2}}}, .account = {{{3}}},
                                .collector = {{{4}}}, .team = {{{5}}}, .hold = {{6}}, .month = date_make(2026, 3, 1),
                                .value_on = date_make(2026, 3, 9), .inputs = inputs(4000000, BUCKET_B1, 10),
                                .scheme_name = "standard-1", .scheme_version = 1, .rate_bp = 300, .cap_bp = 900,
                                .allocation = {{7}}, .previous = {{8}}};
    made.inputs.has_target = true;
    made.inputs.target_minor = 1000000;
    made.inputs.target_version = 2;
    assert_ok(bonus_write(scheme, &made.inputs, &made.result));
    return made;
}

//= RULES.md R-BON-4
//  A line is written once, with its complete context: payment, allocation digest, bucket, scheme version, each factor,
//  month-to-date inputs, collector, team, hold, tag, cap applied or not, hash of the collector's previous line.
static void any_change_of_a_lines_context_changes_its_hash(void **state) {
    (void)state;
    hash256 first, other;
    struct bonus_record made = record();
    assert_ok(bonus_record_hash(&made, &first));
    assert_ok(bonus_record_hash(&made, &other));
    assert_true(hash256_equal(&first, &other));
#define CHANGED(change)                                \
    do {                                               \
        struct bonus_record with = record();           \
        change;                                        \
        assert_ok(bonus_record_hash(&with, &other));   \
        assert_false(hash256_equal(&first, &other));   \
    } while (0)
    CHANGED(with.kind = BONUS_LATE);
    CHANGED(with.payment.u.b[15]++);
    CHANGED(with.account.u.b[15]++);
    CHANGED(with.collector.u.b[15]++);
    CHANGED(with.team.u.b[15]++);
    CHANGED(with.hold.b[15]++);
    CHANGED(with.line_id.b[15]++);
    CHANGED(with.month.days++);
    CHANGED(with.value_on.days++);
    CHANGED(with.inputs.currency.code[0]++);
    CHANGED(with.inputs.base_minor++);
    CHANGED(with.inputs.bucket = BUCKET_B2);
    CHANGED(with.inputs.tag = TAG_LAWYER);
    CHANGED(with.inputs.mtd_minor++);
    CHANGED(with.inputs.has_target = false);
    CHANGED(with.inputs.target_minor++);
    CHANGED(with.inputs.target_version++);
    CHANGED(with.scheme_name = "standard-2");
    CHANGED(with.scheme_version++);
    CHANGED(with.rate_bp++);
    CHANGED(with.cap_bp++);
    CHANGED(with.result.factors.bucket++);
    CHANGED(with.result.factors.tier++);
    CHANGED(with.result.factors.target++);
    CHANGED(with.result.factors.tag++);
    CHANGED(with.result.no_target = true);
    CHANGED(with.result.no_tier = true);
    CHANGED(with.result.capped = true);
    CHANGED(with.result.amount_minor++);
    CHANGED(with.allocation.b[31]++);
    CHANGED(with.previous.b[31]++);
    made.scheme_name = "a name of more than thirty-two bytes";
    assert_fails(bonus_record_hash(&made, &other), TEXT_INVALID);
}

//= RULES.md R-BON-4
//  A line is written once, with its complete context
static void a_line_explains_itself(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[8192];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct bonus_record made = record();
    struct bonus_reason reasons[BONUS_REASONS_MAX];
    size_t n;
    assert_ok(bonus_explain(&made, &arena, reasons, &n));
    assert_int_equal(n, 8);
    static const char *const expected[][2] = {{"base", "IDR 40000.00"}, {"rate", "3.00 %"},    {"bucket", "1.0000"},
                                              {"tier", "1.0000"},       {"target", "0.9000"},  {"tag", "1.0000"},
                                              {"cap", "9.00 %"},        {"amount", "IDR 1080.00"}};
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(reasons[i].name, expected[i][0]);
        assert_string_equal(reasons[i].value, expected[i][1]);
    }
    assert_string_equal(reasons[3].source, "IDR 10.00 collected this month before this payment");
    assert_string_equal(reasons[4].source, "IDR 10.00 of the month's target IDR 10000.00 (version 2)");
    assert_string_equal(reasons[6].source, "the cap was not reached");
    made.result.no_target = made.result.no_tier = made.result.capped = true;
    assert_ok(bonus_explain(&made, &arena, reasons, &n));
    assert_string_equal(reasons[3].source, "the scheme has no tiers in this currency");
    assert_string_equal(reasons[4].source, "no target was approved for this month");
    assert_string_equal(reasons[6].source, "the cap decided: the formula alone gave more");
    struct bonus_record plain = record();
    size_t size = 64; /* whatever text no longer fits, nothing half is told */
    for (tagih_err err = FAIL(OUT_OF_MEMORY); !err_is_ok(err); size += 16) {
        arena_init(&arena, memory, size);
        err = bonus_explain(&plain, &arena, reasons, &n);
        assert_int_equal(err_is_ok(err), !arena.exhausted);
        if (!err_is_ok(err)) assert_fails(err, OUT_OF_MEMORY);
    }
    assert_true(size > 256 && size < sizeof memory);
}

/* A month as its lines were written, one payment after the other (R-BON-2a). Minor units; buckets as given.
 */
struct month_line {
    int64_t major;
    enum bucket bucket;
    bool reversed;
};

static size_t month_as_written(const struct month_line *lines, size_t n, const struct bonus_inputs *target,
                               struct bonus_closing *rows) {
    size_t kept = 0;
    int64_t mtd = 0;
    for (size_t i = 0; i < n; i++) {
        struct bonus_inputs in = *target;
        struct bonus_result result;
        in.base_minor = lines[i].major * 100;
        in.bucket = lines[i].bucket;
        in.tag = TAG_FIELD_CASH;
        in.mtd_minor = mtd;
        assert_ok(bonus_write(scheme, &in, &result));
        mtd += in.base_minor;
        if (lines[i].reversed) continue;
        rows[kept++] = (struct bonus_closing){.payment = {{{(uint8_t)(i + 1)}}},
                                              .base_minor = in.base_minor,
                                              .bucket = in.bucket,
                                              .tag = in.tag,
                                              .written_minor = result.amount_minor};
    }
    return kept;
}

static struct bonus_inputs target_of(int64_t major) {
    struct bonus_inputs out = inputs(0, BUCKET_B0, 0);
    out.has_target = true;
    out.target_minor = major * 100;
    out.target_version = 1;
    return out;
}

//= RULES.md R-BON-7
//  One TRUE_UP line = Σ part_i, storing every part_i; it **may be negative**.
static void a_month_that_rose_is_paid_up_and_one_that_fell_pays_back(void **state) {
    (void)state;
    // J16: TRUE_UP +837 000 / -198 750
    const struct month_line rose[] = {{24000000, BUCKET_B1, 0},
                                      {2000000, BUCKET_B1, 0},
                                      {20000000, BUCKET_B2, 0},
                                      {40000000, BUCKET_B1, 0}};
    const struct month_line fell[] = {{40000000, BUCKET_B1, 1},
                                      {12000000, BUCKET_B1, 0},
                                      {15000000, BUCKET_B3, 0},
                                      {12000000, BUCKET_B3, 0},
                                      {5000000, BUCKET_B1, 0}};
    struct bonus_inputs month = target_of(80000000);
    struct bonus_closing rows[5];
    struct bonus_true_up out;
    assert_ok(bonus_true_up(scheme, &month, rows, month_as_written(rose, 4, &month, rows), &out));
    assert_int_equal(out.amount_minor, 83700000);
    assert_int_equal(out.base_minor, 8600000000);
    assert_int_equal(out.tier, 11000);
    assert_int_equal(out.target, 11000);
    assert_ok(bonus_true_up(scheme, &month, rows, month_as_written(fell, 5, &month, rows), &out));
    assert_int_equal(out.amount_minor, -19875000);
    assert_int_equal(out.tier, 10000);
    assert_int_equal(out.target, 9000);
    // a month without payments has its step too
    assert_ok(bonus_true_up(scheme, &month, NULL, 0, &out));
    assert_int_equal(out.amount_minor, 0);
    assert_int_equal(out.target, 9000);
}

//= RULES.md R-BON-4
//  A line is written once, with its complete context
static void a_true_up_is_computed_again_from_its_parts(void **state) {
    (void)state;
    const struct month_line rose[] = {{24000000, BUCKET_B1, 0},
                                      {2000000, BUCKET_B1, 0},
                                      {20000000, BUCKET_B2, 0},
                                      {40000000, BUCKET_B1, 0}};
    struct bonus_closing rows[4];
    struct bonus_true_up out;
    struct bonus_record made = record();
    made.kind = BONUS_TRUE_UP;
    made.inputs = target_of(80000000);
    assert_ok(bonus_true_up(scheme, &made.inputs, rows, month_as_written(rose, 4, &made.inputs, rows), &out));
    made.inputs.base_minor = out.net_minor;
    made.inputs.mtd_minor = out.base_minor;
    made.result = (struct bonus_result){.factors = {.tier = out.tier, .target = out.target},
                                        .amount_minor = out.amount_minor};
    made.allocation = bonus_parts_digest(rows, 4);
    struct bonus_context context = {.parts = rows, .n_parts = 4};
    int64_t again;
    assert_true(bonus_again(&made, &context, &again));
    assert_int_equal(again, 83700000);
    rows[2].written_minor++;
    assert_false(bonus_again(&made, &context, &again));
    assert_int_equal(again, 83700000 - 1);
    rows[2].written_minor--;
    rows[1].payment.u.b[3]++; /* another payment of the same figures */
    assert_false(bonus_again(&made, &context, &again));
    rows[1].payment.u.b[3]--;
    made.inputs.target_minor = 200000000000;
    assert_false(bonus_again(&made, &context, &again));
    rows[0].base_minor = -1;
    assert_false(bonus_again(&made, &context, &again));
    assert_int_equal(again, 0);
}

//= RULES.md R-BON-5
//  Reversal writes one line: minus the sum of everything stored for that payment (its line, retags, its part
//  of TRUE_UP), naming each.
static void what_takes_back_is_computed_from_what_it_names(void **state) {
    (void)state;
    // J6: 120 000 = 108 000 + 12 000
    const struct bonus_taken taken[] = {{{{1}}, 10800000, 400000000}, {{{2}}, 1200000, 0}};
    struct bonus_context context = {.taken = taken, .n_taken = 2};
    struct bonus_record made = record();
    int64_t again;
    made.kind = BONUS_CLAWBACK;
    made.inputs.base_minor = -400000000;
    made.result = (struct bonus_result){.amount_minor = -12000000};
    assert_true(bonus_again(&made, &context, &again));
    assert_int_equal(again, -12000000);
    made.kind = BONUS_REVERSAL;
    context.n_taken = 1;
    assert_false(bonus_again(&made, &context, &again));
    assert_int_equal(again, -10800000);
    context.n_taken = 0; /* it names nothing */
    assert_false(bonus_again(&made, &context, &again));
    const struct bonus_taken much[] = {{{{1}}, INT64_MIN, 0}, {{{2}}, 0, INT64_MIN}};
    context.taken = much;
    context.n_taken = 1;
    assert_false(bonus_again(&made, &context, &again));
    context.taken = much + 1;
    assert_false(bonus_again(&made, &context, &again));
    made.kind = BONUS_KIND_END;
    assert_false(bonus_again(&made, &context, &again));
    made = record();
    assert_true(bonus_again(&made, &context, &again));
    made.rate_bp++;
    assert_false(bonus_again(&made, &context, &again));
    made.scheme_version++;
    assert_false(bonus_again(&made, &context, &again));
    made = record();
    made.inputs.base_minor = -1;
    assert_false(bonus_again(&made, &context, &again));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_rounded_once_half_to_even),
        cmocka_unit_test(the_formula_gives_the_figures_of_its_rule),
        cmocka_unit_test(figures_outside_the_bounds_are_an_error),
        cmocka_unit_test(bucket_and_tier_are_looked_up),
        cmocka_unit_test(achievement_is_compared_without_rounding),
        cmocka_unit_test(a_tag_that_earns_nothing_counts_for_no_tier_either),
        cmocka_unit_test(another_currency_has_no_tier_and_bad_inputs_are_refused),
        cmocka_unit_test(the_base_is_what_newly_covered_debt),
        cmocka_unit_test(a_split_loses_no_minor_unit),
        cmocka_unit_test(shares_that_are_no_split_are_refused),
        cmocka_unit_test(a_true_up_brings_every_payment_to_the_months_own_step),
        cmocka_unit_test(a_true_up_of_impossible_figures_is_refused),
        cmocka_unit_test(any_change_of_a_lines_context_changes_its_hash),
        cmocka_unit_test(a_line_explains_itself),
        cmocka_unit_test(a_month_that_rose_is_paid_up_and_one_that_fell_pays_back),
        cmocka_unit_test(a_true_up_is_computed_again_from_its_parts),
        cmocka_unit_test(what_takes_back_is_computed_from_what_it_names),
    };
    return cmocka_run_group_tests_name("bonus", tests, find_scheme, NULL);
}
