/* SPDX-License-Identifier: Apache-2.0 */
/* What was collected here, numbered: no gap, no row twice, and a creditor's snapshot that names a number. */
#include <pthread.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"

#define KIND(name) TAGIH__V1__EXPORT_KIND__EXPORT_KIND_##name

static struct rig rig;
static struct teller teller;
static const user_id nobody;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* An agency of its own: its sequence begins with 1. */
static void new_agency(void) {
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
}

static struct rig_answer list_as(const char *token, int64_t after, int64_t until, int32_t page) {
    Tagih__V1__ListExportRequest request = TAGIH__V1__LIST_EXPORT_REQUEST__INIT;
    request.after_seq = after;
    request.until_seq = until;
    request.page_size = page;
    return rig_call(&rig, token, "ExportService/ListExport", &request);
}

/* Rows get their numbers once no older transaction runs, in this database or beside it in its cluster. */
static void wait_until_settled(void) {
    for (int i = 0; i < 1000; i++) {
        if (teller_number(&teller, "select count(*) from change where agency_id = '%s' and xid >= pg_snapshot_xmin(pg_current_snapshot())",
                          teller.agency.u) == 0) {
            return;
        }
        usleep(20000);
    }
    fail_msg("some transaction never ends");
}

static const Tagih__V1__ListExportResponse *listed(int64_t after, int64_t until, int32_t page) {
    wait_until_settled();
    struct rig_answer answer = list_as(rig_staff_token(&rig, teller.agency, teller.gateway, 0), after, until, page);
    assert_answer(answer, OK);
    return answer.response;
}

static struct rig_answer ack(int64_t seq) {
    Tagih__V1__AckExportRequest request = TAGIH__V1__ACK_EXPORT_REQUEST__INIT;
    request.seq = seq;
    return rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.gateway, 0), "ExportService/AckExport", &request);
}

static payment_id pay(account_id account, int64_t rupiah, int in_days) {
    return teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(rupiah), .value = teller_noon(in_days)});
}

//= RULES.md R-OUT-1
//  Payments collected here are exported with a gapless sequence, reversals as rows of their own, re-sendable by range up to
//  the receiver's acknowledged high-water mark.
static void payments_and_reversals_are_rows_of_one_sequence(void **state) {
    (void)state;
    new_agency();
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id first = pay(account, 1000, -3), second = pay(account, 2000, -2);
    assert_int_equal(listed(0, 0, 0)->n_rows, 2);
    assert_answer(teller_reverse(&teller, first, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    pay(account, 3000, -1);
    const Tagih__V1__ListExportResponse *all = listed(0, 0, 0);
    assert_int_equal(all->n_rows, 4);
    assert_int_equal(all->highest_seq, 4);
    for (size_t i = 0; i < all->n_rows; i++) assert_int_equal(all->rows[i]->seq, i + 1);
    assert_string_equal(all->rows[0]->payment_id, rig_text(first.u));
    assert_string_equal(all->rows[1]->payment_id, rig_text(second.u));
    assert_int_equal(all->rows[1]->kind, KIND(PAYMENT));
    assert_int_equal(all->rows[1]->amount->minor, MINOR(2000));
    assert_string_equal(all->rows[1]->tag, "GATEWAY");
    assert_int_equal(all->rows[2]->kind, KIND(REVERSAL));
    assert_string_equal(all->rows[2]->payment_id, rig_text(first.u));
    assert_int_equal(all->rows[2]->reason, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST);
    /* any range again, the same rows */
    assert_answer(ack(3), OK);
    const Tagih__V1__ListExportResponse *again = listed(1, 3, 0);
    assert_int_equal(again->n_rows, 2);
    assert_int_equal(again->rows[0]->seq, 2);
    assert_int_equal(again->acked_seq, 3);
    assert_string_equal(again->rows[0]->payment_id, rig_text(second.u));
    assert_int_equal(listed(0, 0, 3)->n_rows, 3);
    assert_int_equal(listed(4, 0, 0)->n_rows, 0);
}

//= RULES.md R-OUT-1a
//  A number that nobody has read cannot be acknowledged, and an acknowledgement never goes back.
static void a_mark_never_goes_back_and_never_ahead(void **state) {
    (void)state;
    new_agency();
    pay(teller_account(&teller, nobody, &debt_j1, 1), 1000, -1);
    pay(teller_account(&teller, nobody, &debt_j1, 1), 1000, -1);
    assert_answer(ack(1), EXPORT_SEQ); /* nobody has read it: it has no number yet */
    assert_int_equal(listed(0, 0, 0)->n_rows, 2);
    assert_answer(ack(3), EXPORT_SEQ);
    assert_answer(ack(0), REQUEST_FIELD_RANGE);
    assert_answer(ack(2), OK);
    struct rig_answer lower = ack(1);
    assert_answer(lower, OK);
    assert_int_equal(((const Tagih__V1__AckExportResponse *)lower.response)->acked_seq, 2);
    assert_int_equal(teller_number(&teller, "select count(*) from payment_export_ack where agency_id = '%s'", teller.agency.u), 1);
    assert_answer(list_as(rig_staff_token(&rig, teller.agency, teller.supervisor, 0), 0, 0, 0), NOT_PERMITTED);
    assert_answer(list_as(rig_staff_token(&rig, teller.agency, teller.gateway, 0), -1, 0, 0), REQUEST_FIELD_RANGE);
    assert_answer(list_as(rig_staff_token(&rig, teller.agency, teller.gateway, 0), 0, 0, 1001), REQUEST_FIELD_RANGE);
}

struct busy {
    account_id account;
    char token[RIG_TOKEN_SIZE];
    int rounds;
    bool reads;
};

static void *work(void *context) {
    struct busy *busy = context;
    for (int i = 0; i < busy->rounds; i++) {
        if (busy->reads) {
            assert_answer(list_as(busy->token, 0, 0, 1000), OK);
            continue;
        }
        struct paid paid = {.amount_minor = 100, .value = teller_noon(-1 - i % 5), .token = busy->token};
        assert_answer(teller_post(&teller, busy->account, &paid), OK);
    }
    return NULL;
}

//= RULES.md R-OUT-1
//  exported with a gapless sequence
static void postings_and_readers_at_once_leave_no_gap_and_no_row_twice(void **state) {
    (void)state;
    new_agency();
    struct busy busy[8] = {{.rounds = 0}};
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        busy[i] = (struct busy){.account = teller_account(&teller, nobody, &debt_j1, 1), .rounds = 12, .reads = i >= 5};
        snprintf(busy[i].token, RIG_TOKEN_SIZE, "%s", rig_staff_token(&rig, teller.agency, teller.gateway, 0));
    }
    for (size_t i = 0; i < 8; i++) pthread_create(&threads[i], NULL, work, &busy[i]);
    for (size_t i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    assert_int_equal(listed(0, 0, 1000)->n_rows, 60);
    assert_int_equal(teller_number(&teller, "select count(*) from payment_export where agency_id = '%s'", teller.agency.u), 60);
    assert_int_equal(teller_number(&teller, "select max(seq) from payment_export where agency_id = '%s'", teller.agency.u), 60);
    assert_int_equal(teller_number(&teller, "select count(distinct payment_id) from payment_export where agency_id = '%s'", teller.agency.u), 60);
}

/* A database that was restored elsewhere counts its transactions anew: nothing is left out, nothing comes twice. */
static void a_restored_database_goes_on_where_it_was(void **state) {
    (void)state;
    new_agency();
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    pay(account, 1000, -3);
    assert_int_equal(listed(0, 0, 0)->highest_seq, 1);
    pg_exec(&rig.pg, "update payment_export_state set system_id = 42, xid = 9000000000000000");
    pay(account, 1000, -2);
    const Tagih__V1__ListExportResponse *all = listed(0, 0, 0);
    assert_int_equal(all->n_rows, 2);
    assert_int_equal(all->highest_seq, 2);
}

static void snapshot(account_id account, int as_of_in, const struct debt *debt, int64_t export_seq) {
    teller.export_seq = export_seq;
    teller_snapshot(&teller, account, as_of_in, debt, 1);
    teller.export_seq = 0;
}

static int64_t assumed(account_id account) {
    return teller_number(&teller, "select assumed::int from account_state where account_id = '%s'", account.u);
}

//= RULES.md R-IMP-3
//  Our payments with a sequence up to that are absorbed, all others replay on top.
static void a_snapshot_that_names_a_number_absorbs_just_those_payments(void **state) {
    (void)state;
    new_agency();
    struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(4000000)}};
    account_id account = teller_account(&teller, nobody, &debt, 1);
    pay(account, 100000, -9);
    assert_int_equal(listed(0, 0, 0)->highest_seq, 1);
    payment_id unknown = pay(account, 20000, -8); /* before the as-of day, and the creditor does not know it */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3880000));
    struct debt theirs = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(3900000)}};
    snapshot(account, -1, &theirs, 1);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3880000));
    assert_int_equal(assumed(account), 0);
    /* J33 has nothing to do: the figures agree */
    assert_int_equal(teller_number(&teller, "select count(*) from posting where account_id = '%s' and kind = 4 and exists (select from ledger_line l"
                                            " where l.posting_id = posting.posting_id)", account.u), 1);
    pay(account, 3000, -10); /* older than both, and in no snapshot: it replays on top as well */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3877000));
    assert_answer(teller_reverse(&teller, unknown, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_NEVER_RECEIVED), OK);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3897000));
    /* without a number the same day would have contained all of it */
    account_id guessed = teller_account(&teller, nobody, &debt, 1);
    pay(guessed, 100000, -9);
    pay(guessed, 20000, -8);
    snapshot(guessed, -1, &theirs, 0);
    assert_int_equal(teller_open_minor(&teller, guessed), MINOR(3900000));
    assert_int_equal(assumed(guessed), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payments_and_reversals_are_rows_of_one_sequence),
        cmocka_unit_test(a_mark_never_goes_back_and_never_ahead),
        cmocka_unit_test(postings_and_readers_at_once_leave_no_gap_and_no_row_twice),
        cmocka_unit_test(a_restored_database_goes_on_where_it_was),
        cmocka_unit_test(a_snapshot_that_names_a_number_absorbs_just_those_payments),
    };
    return cmocka_run_group_tests_name("export", tests, open_rig, close_rig);
}
