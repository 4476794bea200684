/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures that an independent program found (tests/support/figures.py, exact fractions, other algorithms) against
 * ours: allocation, bonus, and the bytes under the hashes, which can never change.
 */
#include "support/case.h"

#include "domain/posting.h"
#include "tagih/bonus.h"

enum { INSTALMENTS_MAX = 8, FACTS_MAX = 8, PARTS_MAX = 64 };

/* One case of allocation.csv under way. */
struct story {
    char preset[32];
    int number, as_of;
    struct instalment schedule[INSTALMENTS_MAX];
    struct allocation_fact facts[FACTS_MAX];
    long long parts[PARTS_MAX][5], credits[FACTS_MAX][2], open[INSTALMENTS_MAX][6];
    size_t n, n_facts, n_parts, n_credits, n_open;
};

/* Up to 7 numbers behind the word of a row. */
static int row_numbers(const char *row, long long out[7]) {
    const char *comma = strchr(row, ',');
    memset(out, 0, 7 * sizeof out[0]);
    return comma ? sscanf(comma, ",%lld,%lld,%lld,%lld,%lld,%lld,%lld", &out[0], &out[1], &out[2], &out[3], &out[4],
                          &out[5], &out[6])
                 : 0;
}

static struct allocation_fact fact_of(const long long v[7]) {
    struct allocation_fact fact = {.kind = (enum fact_kind)v[1], .value_on = {(int32_t)v[2]}, .value = {v[3]},
                                   .amount_minor = v[4], .instalment_no = (int32_t)v[5],
                                   .component = (enum component)v[6]};
    fact.id.b[15] = (uint8_t)v[0];
    return fact;
}

static void check_parts(const struct story *story, const struct allocation_outcome *out) {
    assert_int_equal(out->n_parts, story->n_parts);
    for (size_t i = 0; i < story->n_parts; i++) {
        const long long *expected = story->parts[i];
        size_t found = 0;
        for (size_t p = 0; p < out->n_parts; p++) {
            const struct allocation_part *part = &out->parts[p];
            found += out->facts[part->fact].id.b[15] == expected[0] && part->instalment_no == expected[1] &&
                     part->component == expected[2] && part->origin == expected[3] && part->amount_minor == expected[4];
        }
        assert_int_equal(found, 1);
    }
}

static void check_lines(const struct story *story, const struct allocation_outcome *out) {
    assert_int_equal(out->n_lines, story->n_open);
    for (size_t i = 0; i < out->n_lines; i++) {
        const long long *expected = story->open[out->lines[i].no - 1];
        for (int c = 0; c < COMPONENT_COUNT; c++) assert_int_equal(out->lines[i].open_minor[c], expected[1 + c]);
        assert_int_equal(instalment_state_of(&out->lines[i]), expected[5]);
    }
}

static void check_story(const struct story *story, const long long end[7]) {
    static _Alignas(16) uint8_t memory[1 << 16];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct allocation_outcome out;
    assert_ok(allocation_replay(rule_set_find(story->preset), story->schedule, story->n, story->facts, story->n_facts,
                                (civil_date){story->as_of}, &arena, &out));
    check_parts(story, &out);
    check_lines(story, &out);
    for (size_t i = 0; i < story->n_credits; i++) {
        for (size_t f = 0; f < story->n_facts; f++) {
            if (story->facts[f].id.b[15] != story->credits[i][0]) continue;
            assert_int_equal(out.results[f].credit_left_minor, story->credits[i][1]);
        }
    }
    assert_int_equal(out.n_parts, end[0]);
    assert_int_equal(out.credit_minor, end[1]);
    assert_int_equal(out.recoverable_minor, end[2]);
}

/* Take a row in; true when it ended a case that was then checked. */
static bool story_row(struct story *story, const char *row) {
    long long v[7];
    int n = row_numbers(row, v);
    if (strncmp(row, "case,", 5) == 0) {
        *story = (struct story){0};
        assert_int_equal(sscanf(row, "case,%d,%31[^,],%d", &story->number, story->preset, &story->as_of), 3);
    } else if (strncmp(row, "due,", 4) == 0) {
        assert_true(n == 6 && story->n < INSTALMENTS_MAX);
        story->schedule[story->n++] = (struct instalment){(int32_t)v[0], {(int32_t)v[1]}, {v[2], v[3], v[4], v[5]}};
    } else if (strncmp(row, "fact,", 5) == 0) {
        assert_true(n == 7 && story->n_facts < FACTS_MAX);
        story->facts[story->n_facts++] = fact_of(v);
    } else if (strncmp(row, "part,", 5) == 0) {
        assert_true(n == 5 && story->n_parts < PARTS_MAX);
        memcpy(story->parts[story->n_parts++], v, sizeof story->parts[0]);
    } else if (strncmp(row, "credit,", 7) == 0) {
        assert_true(n == 2 && story->n_credits < FACTS_MAX);
        memcpy(story->credits[story->n_credits++], v, sizeof story->credits[0]);
    } else if (strncmp(row, "open,", 5) == 0) {
        assert_true(n == 6 && story->n_open < INSTALMENTS_MAX);
        memcpy(story->open[story->n_open++], v, sizeof story->open[0]);
    } else {
        assert_true(strncmp(row, "end,", 4) == 0 && n == 3);
        check_story(story, v);
        return true;
    }
    return false;
}

//= RULES.md R-ALL-1
//  Allocation is a pure function of (schedule, facts in fact order, rule set).
static void allocation_agrees_with_an_independent_program(void **state) {
    (void)state;
    FILE *file = vectors_open("allocation.csv");
    static struct story story;
    char row[256];
    int cases = 0;
    while (fgets(row, sizeof row, file)) cases += story_row(&story, row);
    fclose(file);
    assert_int_equal(cases, 603);
}

//= RULES.md R-BON-1
//  `line = min( round( base × 300 bp × bucket × tier × target × tag ), floor( base × 900 bp ) )`: base rate 3 %, hard cap
//  9 % after rounding, all factors in 1/10 000.
static void the_bonus_agrees_with_exact_fractions(void **state) {
    (void)state;
    FILE *file = vectors_open("bonus.csv");
    const struct bonus_scheme *scheme = bonus_scheme_find("standard-1", date_make(2026, 3, 1));
    char row[256];
    int rows = 0;
    long long v[12];
    while (fgets(row, sizeof row, file)) {
        assert_int_equal(sscanf(row, "%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld", &v[0], &v[1], &v[2],
                                &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11]), 12);
        struct bonus_inputs in = {.base_minor = v[1], .currency = scheme->currency, .bucket = (enum bucket)v[2],
                                  .mtd_minor = v[3], .has_target = v[4] != 0, .target_minor = v[4],
                                  .tag = (enum payment_tag)v[5]};
        struct bonus_result out;
        assert_ok(bonus_write(scheme, &in, &out));
        assert_int_equal(out.factors.bucket, v[6]);
        assert_int_equal(out.factors.tier, v[7]);
        assert_int_equal(out.factors.target, v[8]);
        assert_int_equal(out.factors.tag, v[9]);
        assert_int_equal(out.amount_minor, v[10]);
        assert_int_equal(out.capped, v[11]);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 2000);
}

/* The hash of this name in posting.csv must be ours. */
static void assert_hash(const char *name, const hash256 *hash) {
    FILE *file = vectors_open("posting.csv");
    char row[128], ours[128], hex[65];
    bool found = false;
    bytes_hex(BYTES_OF(hash), hex);
    snprintf(ours, sizeof ours, "%s,%s\n", name, hex);
    while (fgets(row, sizeof row, file)) {
        if (strncmp(row, name, strlen(name)) != 0) continue;
        assert_string_equal(ours, row);
        found = true;
    }
    fclose(file);
    assert_true(found);
}

static void put_golden_rows(struct posting_digest *digest) {
    uuid id;
    assert_ok(uuid_parse("01234567-89ab-cdef-0123-456789abcdef", &id));
    posting_row(digest, POSTING_PAYMENT, 4);
    posting_uuid(digest, id);
    posting_int(digest, 5000000);
    posting_text(digest, bytes_text("IDR"));
    posting_bool(digest, true);
    posting_row(digest, POSTING_ALLOCATION, 4);
    posting_int(digest, -1);
    posting_date(digest, (civil_date){-719162});
    posting_null(digest);
    posting_bytes(digest, bytes_make("\x00\xff", 2));
    posting_row(digest, POSTING_ALLOCATION, 4);
    posting_int(digest, INT64_MAX);
    posting_date(digest, (civil_date){20513});
    posting_text(digest, bytes_text(""));
    posting_bytes(digest, (struct bytes){NULL, 0});
    posting_row(digest, POSTING_LEDGER_LINE, 4);
    posting_instant(digest, (instant){1772400000000000});
    posting_text(digest, bytes_text("Rp 1 \xc3\xa9"));
    posting_bool(digest, false);
    posting_int(digest, INT64_MIN);
}

//= RULES.md R-LED-1
//  lines are immutable in the database itself (no update or delete right, and a trigger).
static void the_bytes_under_a_postings_digest_never_change(void **state) {
    (void)state;
    agency_id agency;
    for (uint8_t i = 0; i < 16; i++) agency.u.b[i] = i;
    hash256 start = posting_chain_start(agency, -2);
    assert_hash("start", &start);
    struct posting_digest digest;
    posting_begin(&digest, &start);
    put_golden_rows(&digest);
    hash256 first = posting_end(&digest);
    assert_hash("first", &first);
    posting_begin(&digest, &first);
    hash256 empty = posting_end(&digest);
    assert_hash("empty", &empty);
}

static uuid filled(uint8_t with) {
    uuid id;
    memset(id.b, with, sizeof id.b);
    return id;
}

//= RULES.md R-BON-4
//  A line is written once, with its complete context
static void the_bytes_under_a_bonus_lines_hash_never_change(void **state) {
    (void)state;
    struct bonus_record record = {
        .kind = BONUS_LINE, .line_id = filled(2), .payment = {filled(3)}, .account = {filled(4)},
        .collector = {filled(5)}, .team = {filled(6)}, .hold = filled(7), .month = {20513}, .value_on = {20521},
        .inputs = {.base_minor = 4000000, .currency = {"IDR"}, .bucket = BUCKET_B1, .tag = TAG_LAWYER, .mtd_minor = -77,
                   .has_target = true, .target_minor = 1000000, .target_version = 3},
        .result = {.factors = {10000, 11000, 9000, 5000}, .no_tier = true, .capped = true, .amount_minor = 54000},
        .scheme_name = "standard-1", .scheme_version = 1, .rate_bp = 300, .cap_bp = 900};
    memset(record.previous.b, 0x11, sizeof record.previous.b);
    memset(record.allocation.b, 0x22, sizeof record.allocation.b);
    hash256 hash;
    assert_ok(bonus_record_hash(&record, &hash));
    assert_hash("bonus", &hash);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocation_agrees_with_an_independent_program),
        cmocka_unit_test(the_bonus_agrees_with_exact_fractions),
        cmocka_unit_test(the_bytes_under_a_postings_digest_never_change),
        cmocka_unit_test(the_bytes_under_a_bonus_lines_hash_never_change),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
