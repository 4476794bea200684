/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed heads over a month's close: every chain's, and that of the seals, each by this installation, none of which can be
 * forged or dropped without verify telling it, and no seal below them either (server/rpc/heads.h, verify/heads.c).
 */
#include "tests/support/case.h"
#include "tests/support/months.h"
#include "tests/support/verifier.h"

static struct rig rig;
static struct teller teller;
static struct verifier verifier;
static user_id second, collector;
static const char *agency;

static long long heads_where(const char *that) {
    char sql[400];
    snprintf(sql, sizeof sql, "select count(*) from digest_head where agency_id = '%s' and %s", agency, that);
    return pg_number(&rig.pg, sql);
}

/* Money in the month, an hour's heads, the close, and the heads that the close asks for. */
static int close_a_month(void **state) {
    (void)state;
    static char text[UUID_TEXT_SIZE];
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    verifier_open(&verifier, &rig, teller.agency);
    uuid_format(teller.agency.u, text);
    agency = text;
    second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR);
    collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    struct debt debt = {.due_in = months_before_start(100), .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(4000000)}};
    teller_paid(&teller, teller_account(&teller, collector, &debt, 1),
                &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER,
                               .amount_minor = MINOR(4000000),
                               .value = teller_noon(months_near_end(3))});
    assert_true(verifier_sign_heads(&verifier, 0) > 1);
    assert_int_equal(heads_where("month_on is not null"), 0);
    months_close_before(&teller, second, months_closable());
    months_close(&teller, second, months_closable());
    assert_true(verifier_sign_heads(&verifier, 0) > 1); /* within the hour: a close does not wait */
    return 0;
}

static int end(void **state) {
    (void)state;
    verifier_close(&verifier);
    rig_close(&rig);
    return 0;
}

static int bare_hands(void **state) {
    (void)state;
    verifier_take_off_the_gloves(&verifier);
    return 0;
}

//= RULES.md R-LED-1a
//  The server signs the head of every chain of digests, and of the seals, an hour after the last ones and when a month
//  closes.
static void a_months_close_signs_every_chain_that_moved_and_the_seals(void **state) {
    (void)state;
    const char *newest = "month_on = (select max(month_on) from month_close)";
    char that[200];
    snprintf(that, sizeof that, "%s and writer_id > 0", newest);
    assert_true(heads_where(that) > 0);
    snprintf(that, sizeof that, "%s and writer_id = 0", newest);
    assert_int_equal(heads_where(that), 1);
    assert_int_equal(pg_number(&rig.pg,
                               "select count(*) from posting_writer w where w.n > (select max(h.n) from digest_head h"
                               " where h.agency_id = w.agency_id and h.writer_id = w.writer_id)"),
                     0);
    verifier_assert_clean(&verifier);
}

/* Change the head of the close, look, put it back. */
static void assert_forgery_is_told(const char *whose, const char *change) {
    rig_run(&rig, "drop table if exists pg_temp.kept; create temp table kept as select * from digest_head where agency_id = '%s'"
        " and month_on is not null and writer_id %s 0 order by made_us desc, n desc limit 1;"
        " delete from digest_head h using kept k where h.agency_id = k.agency_id and h.writer_id = k.writer_id and h.n = "
        "k.n and h.made_us = k.made_us;"
        " create temp table if not exists forged (like digest_head); delete from forged; insert into forged select * from "
        "kept;"
        " update forged h set %s; insert into digest_head select * from forged",
        agency, whose, change);
    struct found found = verifier_look(&verifier, NULL);
    rig_run(&rig, "delete from digest_head h using forged f where h.agency_id = f.agency_id and h.writer_id = f.writer_id and h.n = "
        "f.n and h.made_us = f.made_us;"
        " insert into digest_head select * from kept");
    if (!found_names(&found, "digest_head")) fail_msg("writer %s 0: %s: forged, and not found", whose, change);
}

/* A seal made anew for the forged head would not help: its signature is the server's. */
static void assert_signature_tells(const char *column, const char *change) {
    rig_run(&rig, "drop table if exists pg_temp.kept; create temp table kept as select * from digest_head where agency_id = '%s'"
        " and month_on is not null and writer_id > 0 order by made_us desc, n desc limit 1; update digest_head h set %s "
        "from kept k"
        " where h.agency_id = k.agency_id and h.writer_id = k.writer_id and h.n = k.n and h.made_us = k.made_us",
        agency, change);
    struct found found = verifier_look(&verifier, NULL);
    rig_run(&rig, "update digest_head h set digest = k.digest, month_on = k.month_on, signed = k.signed from kept k"
        " where h.agency_id = k.agency_id and h.writer_id = k.writer_id and h.n = k.n and h.made_us = k.made_us");
    if (!found_tells(&found, "digest_head", column)) fail_msg("%s: its signature does not say so, and nobody told", change);
}

//= RULES.md R-LED-1a
//  The server signs the head of every chain of digests
static void a_forged_head_is_found(void **state) {
    (void)state;
    static const char *const changes[] = {"digest = sha256(h.digest)",
                                          "month_on = h.month_on - 31",
                                          "month_on = null",
                                          "n = h.n + 1000",
                                          "made_us = h.made_us + 1",
                                          "signed = h.signed || '\\x00'",
                                          "writer_id = h.writer_id + 7"};
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        assert_forgery_is_told(">", changes[i]);
        assert_forgery_is_told("=", changes[i]);
    }
    assert_signature_tells("digest", "digest = sha256(h.digest)");
    assert_signature_tells("month_on", "month_on = null");
    assert_signature_tells(
        "signed", "signed = set_byte(h.signed, length(h.signed) - 1, (get_byte(h.signed, length(h.signed) - 1) + 1) % 256)");
    verifier_assert_clean(&verifier);
}

/* Take rows out, look, put them back. */
static struct found without(const char *table, const char *that) {
    rig_run(&rig, "drop table if exists pg_temp.gone; create temp table gone as select * from %s where agency_id = '%s' and %s;"
        " delete from %s where agency_id = '%s' and %s",
        table, agency, that, table, agency, that);
    struct found found = verifier_look(&verifier, NULL);
    rig_run(&rig, "insert into %s overriding system value select * from gone", table);
    if (pg_number(&rig.pg, "select count(*) from gone") == 0) fail_msg("%s has nothing where %s", table, that);
    return found;
}

//= RULES.md R-LED-1a
//  a row that was taken out or put in
static void a_dropped_head_is_missed_by_its_seal(void **state) {
    (void)state;
    struct found found = without("digest_head", "month_on is not null and writer_id > 0");
    assert_true(found_names(&found, "digest_head"));
    found = without("digest_head", "month_on is not null and writer_id = 0");
    assert_true(found_names(&found, "digest_head"));
    verifier_assert_clean(&verifier);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void a_dropped_seal_is_missed_by_its_rows_and_by_the_head_over_it(void **state) {
    (void)state;
    struct found found = without("seal", "table_name = 'account_event'");
    assert_true(found_names(&found, "account_event")); /* its rows are under no seal */
    assert_true(found_tells(&found, "digest_head", "digest"));
    verifier_assert_clean(&verifier);
}

/* Also with the rows that it sealed: then the head alone is left to tell. */
//= RULES.md R-LED-1a
//  and a tail that was cut off behind a signed head
static void a_seal_dropped_with_its_rows_is_missed_by_the_head_over_it(void **state) {
    (void)state;
    rig_run(&rig, "drop table if exists pg_temp.rows; create temp table rows as select * from account_event where agency_id = '%s';"
        " delete from account_event where agency_id = '%s'",
        agency, agency);
    struct found found = without("seal", "table_name = 'account_event'");
    rig_run(&rig, "insert into account_event select * from rows");
    assert_false(found_names(&found, "account_event"));
    assert_true(found_tells(&found, "digest_head", "digest"));
    verifier_assert_clean(&verifier);
}

/* With its own seal gone too, a head is missed by the head of the seals that came after it. */
//= RULES.md R-LED-1a
//  and a tail that was cut off behind a signed head
static void a_head_dropped_with_its_seal_is_missed_by_the_next_head_of_the_seals(void **state) {
    (void)state;
    teller_paid(&teller, teller_account(&teller, collector, &debt_j1, 1), &(struct paid){.amount_minor = MINOR(1000)});
    assert_true(verifier_sign_heads(&verifier, 2 * 3600 * US_PER_S) > 1);
    verifier_assert_clean(&verifier);
    rig_run(&rig, "drop table if exists pg_temp.heads; create temp table heads as select * from digest_head where agency_id = '%s' "
        "and made_us ="
        " (select min(made_us) from digest_head where agency_id = '%s') and writer_id > 0; delete from digest_head h using "
        "heads g"
        " where h.agency_id = g.agency_id and h.writer_id = g.writer_id and h.n = g.n and h.made_us = g.made_us",
        agency, agency);
    struct found found =
        without("seal", "table_name = 'digest_head' and n = (select min(n) from seal where table_name = 'digest_head')");
    rig_run(&rig, "insert into digest_head select * from heads");
    assert_true(found_tells(&found, "digest_head", "digest"));
    verifier_assert_clean(&verifier);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_months_close_signs_every_chain_that_moved_and_the_seals),
        cmocka_unit_test_setup(a_forged_head_is_found, bare_hands),
        cmocka_unit_test(a_dropped_head_is_missed_by_its_seal),
        cmocka_unit_test(a_dropped_seal_is_missed_by_its_rows_and_by_the_head_over_it),
        cmocka_unit_test(a_seal_dropped_with_its_rows_is_missed_by_the_head_over_it),
        cmocka_unit_test(a_head_dropped_with_its_seal_is_missed_by_the_next_head_of_the_seals),
    };
    return cmocka_run_group_tests_name("heads", tests, close_a_month, end);
}
