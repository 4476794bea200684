/* SPDX-License-Identifier: Apache-2.0 */
/* Payouts from the outside: what a closed month gave goes to the collectors, by two people twice, less what is owed. */
#include "server/book/posting.h"
#include "server/verify/verify.h"
#include "server/run/clock.h"
#include "server/run/grow.h"
#include "store_statements.h"
#include "tests/support/case.h"
#include "tests/support/months.h"
#include "tests/support/writer.h"

static struct rig rig;
static const char *tagihd;

/* Books without a receipt are none: one, somewhere else. */
static int open_rig(void **state) {
    (void)state;
    struct teller teller;
    struct writer writer;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Other"));
    user_id collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    writer_begin(&writer, &rig, &phone);
    struct journal_entry receipt = writer_receipt(&writer, teller_account(&teller, collector, &debt_j1, 1), MINOR(1000));
    size_t at = writer_sign(&writer, &receipt);
    assert_answer(writer_push_range(&writer, at, at), OK);
    writer_end(&writer);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

struct scene {
    struct teller teller;
    user_id second, collector;
};

static void scene_open(struct scene *s, const char *name) {
    teller_open(&s->teller, &rig, rig_agency(&rig, name));
    s->second = rig_user(&rig, s->teller.agency, NULL, ROLE_SUPERVISOR);
    s->collector = rig_user(&rig, s->teller.agency, NULL, ROLE_COLLECTOR);
}

/* A lawyer's payment on an account in B4: 3 % x 2.0 x 0.5, so 3 % of it. `in_days` of the payment. */
static payment_id earn(struct scene *s, user_id collector, int64_t amount_minor, int in_days) {
    struct debt debt = {.due_in = months_before_start(100), .due_minor = {[COMPONENT_PRINCIPAL] = amount_minor}};
    return teller_paid(&s->teller, teller_account(&s->teller, collector, &debt, 1),
                       &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER, .amount_minor = amount_minor,
                                      .value = teller_noon(in_days)});
}

#define MILLION_MINOR INT64_C(3333333334) /* what earns a bonus of 1 000 000 */

static void close_month(struct scene *s) {
    months_close_before(&s->teller, s->second, months_closable());
    months_close(&s->teller, s->second, months_closable());
}

/* A row as a close would write it, for a month that is not over yet. */
static void close_by_hand(struct scene *s) {
    char sql[400], first[DATE_TEXT_SIZE];
    date_format(date_month((civil_date){months_today()}), first);
    snprintf(sql, sizeof sql, "insert into month_close (agency_id, month_on, posting_id, closed_us, digest) values ('%s', '%s', gen_random_uuid(), 1, '')",
             rig_text(s->teller.agency.u), first);
    pg_exec(&rig.pg, sql);
}

static const char *token(struct scene *s, user_id user) {
    return rig_staff_token(&rig, s->teller.agency, user, 0);
}

static struct rig_answer preview(struct scene *s, civil_date month) {
    Tagih__V1__PreviewPayoutRequest request = TAGIH__V1__PREVIEW_PAYOUT_REQUEST__INIT;
    request.through_month = TEXT(months_text(month));
    return rig_call(&rig, token(s, s->teller.supervisor), "PayoutService/PreviewPayout", &request);
}

static struct rig_answer propose(struct scene *s, civil_date month, ProtobufCBinaryData digest) {
    Tagih__V1__ProposePayoutRequest request = TAGIH__V1__PROPOSE_PAYOUT_REQUEST__INIT;
    request.through_month = TEXT(months_text(month));
    request.digest = digest;
    request.reason = TEXT("the month's bonus");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(s, s->teller.supervisor), "PayoutService/ProposePayout", &request);
}

static const char *proposed(struct scene *s, civil_date month) {
    struct rig_answer seen = preview(s, month);
    assert_answer(seen, OK);
    struct rig_answer answer = propose(s, month, ((const Tagih__V1__PreviewPayoutResponse *)seen.response)->digest);
    assert_answer(answer, OK);
    return ((const Tagih__V1__ProposePayoutResponse *)answer.response)->proposal_id;
}

static void approve(struct scene *s, civil_date month) {
    assert_answer(months_decide(&s->teller, s->second, proposed(s, month)), OK);
}

static struct rig_answer propose_payment(struct scene *s, uint32_t run_no) {
    Tagih__V1__ProposePayoutPaymentRequest request = TAGIH__V1__PROPOSE_PAYOUT_PAYMENT_REQUEST__INIT;
    request.run_no = run_no;
    request.bank_reference = TEXT("BCA-1");
    request.reason = TEXT("the file was sent");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(s, s->teller.cashier), "PayoutService/ProposePayoutPayment", &request);
}

static void pay(struct scene *s, uint32_t run_no) {
    struct rig_answer answer = propose_payment(s, run_no);
    assert_answer(answer, OK);
    const char *proposal = ((const Tagih__V1__ProposePayoutPaymentResponse *)answer.response)->proposal_id;
    assert_answer(months_decide(&s->teller, s->second, proposal), OK);
}

static const Tagih__V1__GetPayoutResponse *payout(struct scene *s, uint32_t run_no) {
    Tagih__V1__GetPayoutRequest request = TAGIH__V1__GET_PAYOUT_REQUEST__INIT;
    request.run_no = run_no;
    struct rig_answer answer = rig_call(&rig, token(s, s->second), "PayoutService/GetPayout", &request);
    assert_answer(answer, OK);
    return answer.response;
}

/* What postings of a kind moved on a ledger account, in an agency. */
static int64_t moved(struct scene *s, int kind, enum ledger_account account) {
    char sql[300];
    snprintf(sql, sizeof sql, "select coalesce(sum(l.amount_minor), 0)::int8 from ledger_line l join posting p using (agency_id, posting_id)"
                              " where agency_id = '%%s' and p.kind = %d and l.ledger_account = %d", kind, (int)account);
    return teller_number(&s->teller, sql, s->teller.agency.u);
}

static int64_t lines_moved(struct scene *s, int kind) {
    char sql[300];
    snprintf(sql, sizeof sql, "select count(*) from ledger_line l join posting p using (agency_id, posting_id)"
                              " where agency_id = '%%s' and p.kind = %d", kind);
    return teller_number(&s->teller, sql, s->teller.agency.u);
}

static int64_t payable(struct scene *s, user_id collector) {
    return teller_number(&s->teller, "select bonus_payable_minor from collector_state where collector_id = '%s'", collector.u);
}

/* ---- paying --------------------------------------------------------------------------------------------------- */

//= RULES.md R-BON-6
//  States of a line: PROVISIONAL → LOCKED → APPROVED → PAID
//= RULES.md R-BON-9
//  paying moves payable to bank and tax withheld.
static void a_closed_month_is_approved_and_then_paid(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Paid");
    earn(&s, s.collector, MILLION_MINOR, months_near_end(3));
    assert_answer(preview(&s, months_closable()), MONTH_OPEN);
    close_month(&s);
    struct rig_answer seen = preview(&s, months_closable());
    assert_answer(seen, OK);
    const Tagih__V1__PreviewPayoutResponse *run = seen.response;
    assert_int_equal(run->run_no, 1);
    assert_int_equal(run->collectors, 1);
    assert_int_equal(run->shares[0]->paid->minor, MINOR(1000000));
    assert_int_equal(run->shares[0]->lines, 2); /* the payment's and the TRUE_UP */
    const char *proposal = proposed(&s, months_closable());
    assert_answer(months_decide(&s.teller, s.teller.supervisor, proposal), PROPOSAL_OWN);
    assert_answer(propose_payment(&s, 1), PAYOUT_UNKNOWN);
    assert_answer(months_decide(&s.teller, s.second, proposal), OK);
    assert_string_equal(payout(&s, 1)->state, "APPROVED");
    assert_int_equal(moved(&s, 82, LEDGER_BANK), 0);
    assert_answer(preview(&s, months_closable()), PAYOUT_EMPTY); /* a line is in one run */
    pay(&s, 1);
    // J18: bonus payable 1 000 000 · bank 950 000; tax withheld 50 000
    assert_int_equal(moved(&s, 82, LEDGER_BONUS_PAYABLE), MINOR(1000000));
    assert_int_equal(moved(&s, 82, LEDGER_BANK), -MINOR(950000));
    assert_int_equal(moved(&s, 82, LEDGER_TAX_WITHHELD), -MINOR(50000));
    assert_int_equal(lines_moved(&s, 82), 3);
    assert_int_equal(payable(&s, s.collector), 0);
    assert_string_equal(payout(&s, 1)->state, "PAID");
    assert_string_equal(payout(&s, 1)->bank_reference, "BCA-1");
    assert_answer(propose_payment(&s, 1), PAYOUT_PAID);
    assert_books_hold(rig.pg.conninfo);
}

//= RULES.md R-BON-9
//  A negative payable is carried, deducted from later runs by at most 50 % of a run **(default)**
static void what_was_paid_for_nothing_is_taken_off_later(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Owing");
    user_id poor = rig_user(&rig, s.teller.agency, NULL, ROLE_COLLECTOR);
    payment_id one = earn(&s, s.collector, MINOR(4000000), months_near_end(3)); /* 120 000 */
    payment_id two = earn(&s, poor, MINOR(4000000), months_near_end(3));
    close_month(&s);
    approve(&s, months_closable());
    pay(&s, 1);
    assert_answer(teller_reverse(&s.teller, one, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_answer(teller_reverse(&s.teller, two, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    // J17: bonus payable 120 000 (debit balance) · bonus expense 120 000
    assert_int_equal(teller_line(&s.teller, one, 2, LEDGER_BONUS_PAYABLE), MINOR(120000));
    assert_int_equal(teller_line(&s.teller, one, 2, LEDGER_BONUS_EXPENSE), -MINOR(120000));
    assert_int_equal(payable(&s, s.collector), -MINOR(120000));
    earn(&s, s.collector, MILLION_MINOR, 0);
    earn(&s, poor, MILLION_MINOR / 5, 0); /* 200 000 */
    close_by_hand(&s);
    approve(&s, date_month((civil_date){months_today()}));
    pay(&s, 2);
    const Tagih__V1__GetPayoutResponse *run = payout(&s, 2);
    assert_int_equal(run->n_shares, 2);
    for (size_t i = 0; i < 2; i++) {
        const Tagih__V1__PayoutShare *share = run->shares[i];
        bool is_poor = strcmp(share->collector_id, rig_text(poor.u)) == 0;
        assert_int_equal(share->owed->minor, MINOR(120000));
        assert_int_equal(share->deducted->minor, is_poor ? MINOR(100000) : MINOR(120000));
        assert_int_equal(share->paid->minor, is_poor ? MINOR(100000) : MINOR(880000));
        assert_int_equal(share->carried_out->minor, is_poor ? -MINOR(20000) : 0);
    }
    assert_int_equal(payable(&s, poor), -MINOR(20000));
    assert_int_equal(payable(&s, s.collector), 0);
}

//= RULES.md R-BON-9
//  when the collector leaves it becomes collector receivable.
static void who_leaves_owing_is_claimed_against(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Leaving");
    payment_id payment = earn(&s, s.collector, MINOR(4000000), months_near_end(3));
    close_month(&s);
    approve(&s, months_closable());
    pay(&s, 1);
    Tagih__V1__ProposeLeavingRequest request = TAGIH__V1__PROPOSE_LEAVING_REQUEST__INIT;
    request.collector_id = TEXT(rig_text(s.collector.u));
    request.reason = TEXT("he leaves at the end of the month");
    request.request_id = TEXT(rig_text(rig_id()));
    struct rig_answer answer = rig_call(&rig, token(&s, s.teller.supervisor), "PayoutService/ProposeLeaving", &request);
    assert_answer(answer, OK);
    const char *proposal = ((const Tagih__V1__ProposeLeavingResponse *)answer.response)->proposal_id;
    assert_answer(months_decide(&s.teller, s.second, proposal), PAYOUT_OWES_NOTHING);
    assert_answer(teller_reverse(&s.teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    assert_answer(months_decide(&s.teller, s.teller.supervisor, proposal), PROPOSAL_OWN);
    assert_answer(months_decide(&s.teller, s.second, proposal), OK);
    // J19: collector receivable 120 000 · bonus payable 120 000
    assert_int_equal(moved(&s, 83, LEDGER_COLLECTOR_RECEIVABLE), MINOR(120000));
    assert_int_equal(moved(&s, 83, LEDGER_BONUS_PAYABLE), -MINOR(120000));
    assert_int_equal(lines_moved(&s, 83), 2);
    assert_int_equal(payable(&s, s.collector), 0);
    // what was claimed is not taken off again
    earn(&s, s.collector, MILLION_MINOR, 0);
    assert_books_hold(rig.pg.conninfo);
    close_by_hand(&s);
    approve(&s, date_month((civil_date){months_today()}));
    const Tagih__V1__PayoutShare *share = payout(&s, 2)->shares[0];
    assert_int_equal(share->carried_in->minor, MINOR(120000));
    assert_int_equal(share->paid->minor, MINOR(1000000));
}

//= RULES.md R-BON-6
//  Close LOCKs PROVISIONAL lines too, but APPROVED and PAID need CONFIRMED. Maker ≠ checker.
static void a_run_is_made_as_it_was_seen_or_not_at_all(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Changed");
    payment_id one = earn(&s, s.collector, MINOR(4000000), months_near_end(3));
    earn(&s, s.collector, MINOR(5000000), months_near_end(3));
    close_month(&s);
    uint8_t other[32] = {7};
    assert_answer(propose(&s, months_closable(), (ProtobufCBinaryData){32, other}), PAYOUT_CHANGED);
    assert_answer(propose(&s, months_closable(), (ProtobufCBinaryData){3, other}), REQUEST_FIELD_RANGE);
    const char *proposal = proposed(&s, months_closable());
    // meanwhile a supervisor has to decide whose one of the lines is
    char sql[300];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update bonus_line set on_hold = true where payment_id = '%s'", rig_text(one.u));
    pg_exec(&rig.pg, sql);
    assert_answer(months_decide(&s.teller, s.second, proposal), PAYOUT_CHANGED);
    assert_int_equal(teller_number(&s.teller, "select count(*) from bonus_payout_line where agency_id = '%s'", s.teller.agency.u), 0);
    struct rig_answer seen = preview(&s, months_closable());
    assert_answer(seen, OK); /* its TRUE_UP, which has a part of it, waits too */
    assert_int_equal(((const Tagih__V1__PreviewPayoutResponse *)seen.response)->shares[0]->lines, 1);
    snprintf(sql, sizeof sql, "update bonus_line set on_hold = false where payment_id = '%s'; set session_replication_role = origin", rig_text(one.u));
    pg_exec(&rig.pg, sql);
    assert_answer(months_decide(&s.teller, s.second, proposal), OK);
    // and between approval and payment: nothing is paid
    pg_exec(&rig.pg, "set session_replication_role = replica");
    snprintf(sql, sizeof sql, "update bonus_line set on_hold = true where payment_id = '%s'", rig_text(one.u));
    pg_exec(&rig.pg, sql);
    struct rig_answer answer = propose_payment(&s, 1);
    assert_answer(answer, OK);
    const char *paying = ((const Tagih__V1__ProposePayoutPaymentResponse *)answer.response)->proposal_id;
    assert_answer(months_decide(&s.teller, s.second, paying), BONUS_NOT_CONFIRMED);
    assert_int_equal(moved(&s, 82, LEDGER_BANK), 0);
    snprintf(sql, sizeof sql, "update bonus_line set on_hold = false where payment_id = '%s'; set session_replication_role = origin", rig_text(one.u));
    pg_exec(&rig.pg, sql);
    assert_answer(months_decide(&s.teller, s.second, paying), OK);
    assert_books_hold(rig.pg.conninfo);
}

static int export_run(struct scene *s, int run_no, char *said, size_t size) {
    char command[1600];
    snprintf(command, sizeof command, "'%s' bonus export-payout --database-url '%s' --agency '%s' --run %d", tagihd, rig.app_conninfo,
             rig_text(s->teller.agency.u), run_no);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(said, 1, size - 1, pipe);
    said[n] = 0;
    return pclose(pipe);
}

//= RULES.md R-BON-9
//  paying moves payable to bank and tax withheld.
static void a_run_is_exported_to_the_same_bytes(void **state) {
    (void)state;
    struct scene s;
    char first[2000], again[2000], row[300];
    scene_open(&s, "Exported");
    earn(&s, s.collector, MILLION_MINOR, months_near_end(3));
    close_month(&s);
    assert_int_not_equal(export_run(&s, 1, first, sizeof first), 0); /* there is none yet */
    approve(&s, months_closable());
    assert_int_equal(export_run(&s, 1, first, sizeof first), 0);
    snprintf(row, sizeof row, "%s,IDR,2,0.00,1000000.00,0.00,0.00,1000000.00,50000.00,950000.00,0.00\n", rig_text(s.collector.u));
    assert_non_null(strstr(first, row));
    pay(&s, 1);
    assert_int_equal(export_run(&s, 1, again, sizeof again), 0);
    assert_string_equal(first, again);
}

/* A settlement that covers all that a collector took until now, in a state. */
static void settle(struct scene *s, int state) {
    char sql[1200];
    const char *agency = rig_text(s->teller.agency.u), *collector = rig_text(s->collector.u), *id = rig_text(rig_id());
    long long now = (long long)teller_noon(0).us;
    snprintf(sql, sizeof sql,
             "insert into settlement (agency_id, settlement_id, posting_id, collector_id, currency, receipts, voids, cash_minor, other_minor,"
             " declared_minor, value_us, value_on, received_us, actor_id) values ('%s', '%s', gen_random_uuid(), '%s', 'IDR', 1, 0, 0, 0, 0,"
             " %lld, current_date, %lld, '%s');"
             "insert into settlement_state (agency_id, settlement_id, collector_id, currency, value_us, state) values ('%s', '%s', '%s', 'IDR', %lld, %d);"
             "insert into shortage_state (agency_id, shortage_id, collector_id, currency, value_us, value_on, open_minor)"
             " values ('%s', '%s', '%s', 'IDR', %lld, current_date, 100)",
             agency, id, collector, now, now, rig_text(s->teller.supervisor.u), agency, id, collector, now, state, agency, id, collector, now);
    pg_exec(&rig.pg, sql);
}

//= RULES.md R-BON-6
//  CONFIRMED = cash: its settlement ACCEPTED without an open shortage; other tenders: matched to a bank line; other
//  sources: at posting.
static void cash_earns_once_it_has_been_counted(void **state) {
    (void)state;
    struct scene s;
    struct writer writer;
    scene_open(&s, "Cash");
    struct rig_phone phone = rig_phone_since(&rig, s.teller.agency, s.collector, teller_noon(-75));
    writer_begin(&writer, &rig, &phone);
    writer.at = teller_noon(months_near_end(4));
    struct debt debt = {.due_in = months_before_start(10), .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}};
    struct journal_entry receipt = writer_receipt(&writer, teller_account(&s.teller, s.collector, &debt, 1), MINOR(1000000));
    size_t at = writer_sign(&writer, &receipt);
    assert_answer(writer_push_range(&writer, at, at), OK);
    close_month(&s);
    assert_answer(preview(&s, months_closable()), PAYOUT_EMPTY);
    settle(&s, 5); /* short, and the shortage is open */
    assert_answer(preview(&s, months_closable()), PAYOUT_EMPTY);
    char sql[200];
    snprintf(sql, sizeof sql, "update shortage_state set open_minor = 0 where collector_id = '%s'", rig_text(s.collector.u));
    pg_exec(&rig.pg, sql);
    struct rig_answer seen = preview(&s, months_closable());
    assert_answer(seen, OK);
    assert_int_equal(((const Tagih__V1__PreviewPayoutResponse *)seen.response)->shares[0]->paid->minor, MINOR(30000));
    snprintf(sql, sizeof sql, "update settlement_state set state = 3 where collector_id = '%s'", rig_text(s.collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(preview(&s, months_closable()), PAYOUT_EMPTY);
    writer_end(&writer);
}

/* ---- verifying ------------------------------------------------------------------------------------------------ */

struct found {
    size_t n;
    char all[4000];
};

static void keep(void *context, const struct verify_difference *d) {
    struct found *found = context;
    size_t len = strlen(found->all);
    found->n++;
    snprintf(found->all + len, sizeof found->all - len, "%s.%s: %s, should be %s\n", d->table, d->column, d->stored, d->expected);
}

/* What verify says of an agency's bonus: lines, runs, months. */
static struct found verified(struct scene *s) {
    static char conninfo[1100];
    struct found found = {.n = 0};
    struct db db = {0};
    struct arena arena;
    pg_conninfo_as(&rig.pg, "tagih_read", conninfo, sizeof conninfo);
    assert_ok(db_open(&db, &(struct db_options){.conninfo = conninfo, .worker = "verify", .statements = &store_statements}));
    assert_true(grow_arena_open(&arena));
    struct tx_options options = {.agency = s->teller.agency, .name = "verify", .read_only = true, .snapshot = true,
                                 .deadline_us = clock_monotonic_us() + 60 * US_PER_S};
    {
        DEFER(tx) struct tx tx;
        tx_begin(&tx, &db, &options);
        struct verify v = {.tx = &tx, .arena = &arena, .agency = s->teller.agency, .installation = rig.installation,
                           .keys = &rig.keys, .difference = keep, .context = &found};
        assert_ok(verify_postings(&v));
        assert_ok(verify_bonus(&v));
        assert_ok(verify_sums(&v));
    }
    db_release(&db);
    grow_arena_close(&arena);
    return found;
}

/* `change` of a table's row of the agency is found by verify, and undone by `back`. */
static void assert_found(struct scene *s, const char *table, const char *change, const char *back, const char *told) {
    char sql[500];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update %s set %s where agency_id = '%s'", table, change, rig_text(s->teller.agency.u));
    pg_exec(&rig.pg, sql);
    struct found found = verified(s);
    assert_true(found.n > 0);
    if (!strstr(found.all, told)) fail_msg("found only: %s", found.all);
    snprintf(sql, sizeof sql, "update %s set %s where agency_id = '%s'; set session_replication_role = origin", table, back, rig_text(s->teller.agency.u));
    pg_exec(&rig.pg, sql);
    found = verified(s);
    if (found.n) fail_msg("not undone: %s", found.all);
}

//= RULES.md R-BON-9a
//  No line comes into a closed month, so a run reads a collector's month until all of its lines are in runs.
static void a_month_is_read_until_all_of_it_is_in_runs(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, "Read");
    user_id other = rig_user(&rig, s.teller.agency, NULL, ROLE_COLLECTOR);
    payment_id waits = earn(&s, s.collector, MINOR(4000000), months_near_end(3));
    earn(&s, s.collector, MINOR(5000000), months_near_end(3));
    earn(&s, other, MINOR(6000000), months_near_end(3));
    close_month(&s);
    char sql[300];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update bonus_line set on_hold = true where payment_id = '%s'", rig_text(waits.u));
    pg_exec(&rig.pg, sql);
    approve(&s, months_closable());
    const char *done = "select count(*) from collector_month where collector_id = '%s' and paid_run is not null";
    assert_int_equal(teller_number(&s.teller, done, other.u), 1);
    assert_int_equal(teller_number(&s.teller, done, s.collector.u), 0);
    snprintf(sql, sizeof sql, "update bonus_line set on_hold = false where payment_id = '%s'; set session_replication_role = origin", rig_text(waits.u));
    pg_exec(&rig.pg, sql);
    approve(&s, months_closable());
    assert_int_equal(payout(&s, 2)->collectors, 1);
    assert_int_equal(teller_number(&s.teller, "select paid_run from collector_month where collector_id = '%s'", s.collector.u), 2);
    assert_int_equal(teller_number(&s.teller, "select paid_run from collector_month where collector_id = '%s'", other.u), 1);
    assert_answer(preview(&s, months_closable()), PAYOUT_EMPTY);
    struct found found = verified(&s);
    if (found.n) fail_msg("%s", found.all);
    assert_found(&s, "collector_month", "paid_run = paid_run + 1", "paid_run = paid_run - 1", "collector_month.paid_run");
    assert_found(&s, "bonus_payout_line", "amount_minor = amount_minor + 1", "amount_minor = amount_minor - 1", "lines_digest");
    assert_found(&s, "bonus_payout_line", "clawback = not clawback", "clawback = not clawback", "bonus_payout_line");
    assert_found(&s, "bonus_payout_share", "lines_digest = set_byte(lines_digest, 7, get_byte(lines_digest, 7) # 1)",
                 "lines_digest = set_byte(lines_digest, 7, get_byte(lines_digest, 7) # 1)", "bonus_payout_share.lines_digest");
    assert_found(&s, "bonus_payout_share", "tax_minor = tax_minor + 100, net_minor = net_minor - 100",
                 "tax_minor = tax_minor - 100, net_minor = net_minor + 100", "bonus_payout_share.tax_minor");
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    tagihd = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_month_is_approved_and_then_paid),
        cmocka_unit_test(what_was_paid_for_nothing_is_taken_off_later),
        cmocka_unit_test(who_leaves_owing_is_claimed_against),
        cmocka_unit_test(a_run_is_made_as_it_was_seen_or_not_at_all),
        cmocka_unit_test(a_run_is_exported_to_the_same_bytes),
        cmocka_unit_test(cash_earns_once_it_has_been_counted),
        cmocka_unit_test(a_month_is_read_until_all_of_it_is_in_runs),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
