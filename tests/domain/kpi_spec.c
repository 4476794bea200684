/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a month: rates, the canonical text and its digest, and two snapshots beside each other. */
#include "domain/kpi.h"

#include "domain/account.h"
#include "tests/support/case.h"

static struct kpi_row row_of(uint8_t team, uint8_t collector, int bucket) {
    struct kpi_row row = {.key = {.currency = {"IDR"}, .load_type = LOAD_NEW, .bucket = (int16_t)bucket}};
    row.key.team.u.b[0] = team;
    row.key.collector.u.b[0] = collector;
    return row;
}

//= RULES.md R-KPI-1
//  recovery rate (bp, half even)
//= RULES.md R-KPI-2
//  Rate = net ÷ assigned, null (not 0) when assigned is 0.
static void a_rate_is_rounded_half_to_even_and_has_no_value_without_a_base(void **state) {
    (void)state;
    static const struct {
        int64_t part, base, bp;
    } table[] = {{1, 4, 2500}, {0, 7, 0}, {1, 3, 3333}, {2, 3, 6667}, {1, 20000, 0}, {3, 20000, 2}, {5, 20000, 2}, {7, 20000, 4},
                 {-1, 20000, 0}, {-3, 20000, -2}, {-1, 4, -2500}, {INT64_MAX, INT64_MAX, 10000}, {INT64_MAX, 10000, INT64_MAX}};
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct kpi_rate rate = kpi_rate(table[i].part, table[i].base);
        assert_true(rate.is);
        assert_int_equal(rate.bp, table[i].bp);
    }
    assert_false(kpi_rate(5, 0).is);
    assert_false(kpi_rate(0, 0).is);
    assert_false(kpi_rate(INT64_MAX, 1).is); /* beyond what fits: none, never a wrapped one */
}

//= RULES.md R-KPI-2
//  Contact rate = visits DONE with PAID, PARTIALLY_PAID, PROMISED, REFUSED, DISPUTED or HARDSHIP ÷ visits DONE. Kept rate =
//  KEPT ÷ (KEPT + PARTIAL + BROKEN)
static void rates_follow_from_the_figures(void **state) {
    (void)state;
    struct kpi_row row = row_of(1, 1, 2);
    for (int f = KPI_NET_FIELD_CASH_MINOR; f <= KPI_NET_WRITTEN_OFF_RECOVERY_MINOR; f++) row.value[f] = 100;
    row.value[KPI_ASSIGNED_MINOR] = 4400;
    row.value[KPI_VISITS_DONE] = 8;
    row.value[KPI_VISITS_CONTACT] = 2;
    row.value[KPI_PROMISES_MADE] = 100;
    row.value[KPI_PROMISES_KEPT] = 3;
    row.value[KPI_PROMISES_PARTIAL] = 1;
    row.value[KPI_PROMISES_BROKEN] = 2;
    row.value[KPI_RECEIPTS] = 40;
    row.value[KPI_VOIDS] = 1;
    struct kpi_rates rates = kpi_rates(&row);
    assert_int_equal(rates.net_minor, 1100); /* all eleven tags */
    assert_int_equal(rates.recovery.bp, 2500);
    assert_int_equal(rates.contact.bp, 2500);
    assert_int_equal(rates.kept.bp, 5000);
    assert_int_equal(rates.voids.bp, 250);
}

//= RULES.md R-KPI-1
//  Immutable; a re-run gives identical bytes
static void a_month_is_one_text_with_one_digest(void **state) {
    (void)state;
    char head[KPI_LINE_MAX], line[KPI_LINE_MAX], all[3 * KPI_LINE_MAX];
    struct kpi_row rows[2] = {row_of(0, 0, KPI_NO_BUCKET), row_of(1, 2, 7)};
    rows[0].key.load_type = KPI_NO_LOAD;
    rows[0].value[KPI_NET_GATEWAY_MINOR] = -5;
    rows[1].value[KPI_ASSIGNED_ACCOUNTS] = 3;
    size_t len = kpi_head(head);
    memcpy(all, head, len);
    assert_memory_equal(head, "month,team_id,collector_id,currency,load_type,bucket,assigned_accounts,", 71);
    assert_memory_equal(head + len - 58, "us_minor,net_minor,recovery_bp,contact_bp,kept_bp,void_bp\n", 58);
    civil_date month = date_make(2026, 10, 1);
    size_t n = kpi_line(month, &rows[0], line);
    assert_string_equal(line, "2026-10,,,IDR,,,0,0,0,0,0,0,0,-5,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-5,,,,\n");
    memcpy(all + len, line, n);
    len += n;
    n = kpi_line(month, &rows[1], line);
    assert_memory_equal(line, "2026-10,01000000-0000-0000-0000-000000000000,02000000-0000-0000-0000-000000000000,IDR,NEW,B7,3,0,", 97);
    memcpy(all + len, line, n);
    len += n;
    hash256 digest = kpi_digest(month, rows, 2), expected;
    crypto_hash_sha256(expected.b, (const unsigned char *)all, len);
    assert_memory_equal(digest.b, expected.b, sizeof digest.b);
    rows[1].value[KPI_BONUS_MINOR] = 1;
    digest = kpi_digest(month, rows, 2);
    assert_memory_not_equal(digest.b, expected.b, sizeof digest.b);
}

static void the_widest_line_fits(void **state) {
    (void)state;
    char line[KPI_LINE_MAX];
    struct kpi_row row = row_of(255, 255, 7);
    row.key.load_type = LOAD_CONTINUATION;
    for (int f = 1; f < KPI_FIGURE_END; f++) row.value[f] = INT64_C(-799999999999999999); /* eleven of them still fit */
    assert_true(kpi_line(date_make(2026, 10, 1), &row, line) < KPI_LINE_MAX);
    assert_true(kpi_head(line) < KPI_LINE_MAX);
}

//= RULES.md R-KPI-1
//  any two snapshots diff by key
static void two_snapshots_differ_by_key(void **state) {
    (void)state;
    struct kpi_row a[3] = {row_of(1, 1, 0), row_of(1, 1, 1), row_of(2, 0, 0)}, b[3] = {row_of(1, 1, 1), row_of(1, 2, 0), row_of(2, 0, 0)};
    struct kpi_pair pairs[6];
    b[2].value[KPI_VOIDS] = 1;
    assert_int_equal(kpi_diff(a, 3, b, 3, pairs), 3); /* the second of a is the first of b */
    assert_true(pairs[0].a == &a[0] && !pairs[0].b);
    assert_true(!pairs[1].a && pairs[1].b == &b[1]);
    assert_true(pairs[2].a == &a[2] && pairs[2].b == &b[2]);
    assert_int_equal(kpi_diff(a, 3, a, 3, pairs), 0);
    assert_int_equal(kpi_diff(NULL, 0, b, 3, pairs), 3);
}

static void a_month_is_written_as_year_and_month(void **state) {
    (void)state;
    civil_date month;
    assert_ok(kpi_month_parse("2026-10", &month));
    assert_int_equal(month.days, date_make(2026, 10, 1).days);
    static const char *const wrong[] = {"", "2026", "2026-13", "2026-1", "2026-10-01", "2026/10", "abcd-ef"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) assert_fails(kpi_month_parse(wrong[i], &month), DATE_SYNTAX);
}

static void every_figure_has_a_column(void **state) {
    (void)state;
    for (int f = 1; f < KPI_FIGURE_END; f++) assert_non_null(kpi_figure_name(f));
    assert_null(kpi_figure_name(0));
    assert_null(kpi_figure_name(KPI_FIGURE_END));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_rounded_half_to_even_and_has_no_value_without_a_base),
        cmocka_unit_test(rates_follow_from_the_figures),
        cmocka_unit_test(a_month_is_one_text_with_one_digest),
        cmocka_unit_test(the_widest_line_fits),
        cmocka_unit_test(two_snapshots_differ_by_key),
        cmocka_unit_test(a_month_is_written_as_year_and_month),
        cmocka_unit_test(every_figure_has_a_column),
    };
    return cmocka_run_group_tests_name("kpi", tests, NULL, NULL);
}
