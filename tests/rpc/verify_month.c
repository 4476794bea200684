/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A month of an agency, lived through the product's own calls and commands: takings, its close and its bonus, figures
 * and their adjustment, cash to the vault, cheques, the bank's statement, suspense, files in and out, promises and plans.
 */
#include "rpc/bank_pair.h"
#include "rpc/cash_limit.h"
#include "rpc/promise_due.h"
#include "run/clock.h"
#include "run/grow.h"
#include "tests/rpc/verify_case.h"
#include "tests/support/job.h"
#include "tests/support/case.h"
#include "tests/support/months.h"
#include "tests/support/writer.h"

static struct {
    struct rig *rig;
    struct teller *teller;
    const char *tagihd;
    user_id collector;
    struct writer phone;
    account_id account;
} m;

#define WHY TEXT("as its papers say")
#define NEW_ID TEXT(rig_text(rig_id()))
#define SOURCE(name) TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_##name

static struct rig_answer call(user_id by, const char *method, const void *request) {
    struct rig_answer answer = rig_call(m.rig, rig_staff_token(m.rig, m.teller->agency, by, 0), method, request);
    if (strcmp(answer.reason, "OK") != 0) fail_msg("%s: %s %s %s", method, answer.reason, answer.message, answer.field);
    return answer;
}

/* The supervisor proposes, the second one approves. */
static void decided(user_id maker, const char *method, const void *request) {
    struct rig_answer answer = call(maker, method, request);
    answer = teller_approve(m.teller, &answer);
    assert_answer(answer, OK);
}

static Tagih__V1__Money *rupiah(int64_t amount_minor) {
    static Tagih__V1__Money money;
    tagih__v1__money__init(&money);
    money.minor = amount_minor;
    money.currency = TEXT("IDR");
    return &money;
}

static account_id debtor(void) {
    return teller_account(m.teller, m.collector, &debt_j1, 1);
}

__attribute__((format(printf, 1, 2))) static void command(const char *format, ...) {
    char words[600], line[2400];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(line, sizeof line, "'%s' %s --database-url '%s' --agency '%s' >/dev/null", m.tagihd, words, m.rig->app_conninfo,
             rig_text(m.teller->agency.u));
    if (system(line) != 0) fail_msg("tagihd %s", words);
}

static entry_id pushed(struct journal_entry entry) {
    return m.phone.entries[writer_pushed(&m.phone, &entry)].id;
}

static payment_id received(int64_t amount_minor, uint16_t tender, const char *reference) {
    struct journal_entry receipt = writer_receipt(&m.phone, m.account, amount_minor);
    receipt.body.receipt.tender = tender;
    receipt.body.receipt.has_tender_reference = reference != NULL;
    if (reference) receipt.body.receipt.tender_reference = bytes_text(reference);
    return (payment_id){pushed(receipt).u};
}

/* ---- the month that is over --------------------------------------------------------------------------------------- */

static void run_the_payout(void) {
    Tagih__V1__PreviewPayoutRequest preview = TAGIH__V1__PREVIEW_PAYOUT_REQUEST__INIT;
    preview.through_month = TEXT(months_text(months_closable()));
    struct rig_answer seen = call(m.teller->supervisor, "PayoutService/PreviewPayout", &preview);
    Tagih__V1__ProposePayoutRequest run = TAGIH__V1__PROPOSE_PAYOUT_REQUEST__INIT;
    run.through_month = preview.through_month, run.reason = WHY, run.request_id = NEW_ID;
    run.digest = ((const Tagih__V1__PreviewPayoutResponse *)seen.response)->digest;
    decided(m.teller->supervisor, "PayoutService/ProposePayout", &run);
    Tagih__V1__ProposePayoutPaymentRequest pay = TAGIH__V1__PROPOSE_PAYOUT_PAYMENT_REQUEST__INIT;
    pay.run_no = 1, pay.bank_reference = TEXT("BCA-1"), pay.reason = WHY, pay.request_id = NEW_ID;
    decided(m.teller->cashier, "PayoutService/ProposePayoutPayment", &pay);
}

/* What he earned is paid, taken back, and claimed from him when he leaves. */
static void a_month_that_is_over(void) {
    user_id leaver = rig_user(m.rig, m.teller->agency, NULL, ROLE_COLLECTOR);
    struct debt debt = {.due_in = months_before_start(100), .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(4000000)}};
    account_id earned = teller_account(m.teller, leaver, &debt, 1);
    payment_id payment = teller_paid(
        m.teller, earned,
        &(struct paid){.source = SOURCE(LAWYER), .amount_minor = MINOR(4000000), .value = teller_noon(months_near_end(3))});
    months_close_before(m.teller, m.teller->second, months_closable());
    months_close(m.teller, m.teller->second, months_closable());
    run_the_payout();
    command("kpi generate-monthly --month %s", months_text(months_closable()));
    assert_answer(teller_reverse(m.teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
    teller_paid(m.teller, earned, &(struct paid){.amount_minor = MINOR(1000), .value = teller_noon(months_near_end(2))});
    command("kpi generate-monthly --month %s", months_text(months_closable()));
    Tagih__V1__ProposeLeavingRequest leaving = TAGIH__V1__PROPOSE_LEAVING_REQUEST__INIT;
    leaving.collector_id = TEXT(rig_text(leaver.u)), leaving.reason = WHY, leaving.request_id = NEW_ID;
    decided(m.teller->supervisor, "PayoutService/ProposeLeaving", &leaving);
}

/* ---- cash, cheques, the bank -------------------------------------------------------------------------------------- */

static const char *settlement_etag(uuid settlement) {
    Tagih__V1__GetSettlementRequest get = TAGIH__V1__GET_SETTLEMENT_REQUEST__INIT;
    get.settlement_id = TEXT(rig_text(settlement));
    struct rig_answer answer = call(m.teller->supervisor, "CashService/GetSettlement", &get);
    return ((const Tagih__V1__GetSettlementResponse *)answer.response)->settlement->etag;
}

/* More cash than he may hold, which a cashier then counts and takes. */
static void cash_comes_to_the_vault(void) {
    Tagih__V1__CashLimits limits = TAGIH__V1__CASH_LIMITS__INIT;
    Tagih__V1__SetCashLimitsRequest set = TAGIH__V1__SET_CASH_LIMITS_REQUEST__INIT;
    limits.collector_id = TEXT(rig_text(m.collector.u)), limits.etag = TEXT("l0");
    limits.soft_minor = MINOR(100000), limits.hard_minor = MINOR(200000), limits.receipt_minor = MINOR(5000000);
    set.limits = &limits, set.reason = WHY, set.request_id = NEW_ID;
    call(m.teller->supervisor, "CashService/SetCashLimits", &set);
    received(MINOR(300000), JOURNAL_TENDER_CASH, NULL);
    job_chore(m.rig, m.teller->agency, clock_now(), cash_watch);
    struct journal_entry close = writer_entry(&m.phone, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1,
        .last_seq = close.seq - 1,
        .currency_count = 1,
        .tender_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = 1, .receipt_count = 1, .cash_to_hand_over_minor = MINOR(300000)}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = MINOR(300000)}}};
    uuid settlement = pushed(close).u;
    Tagih__V1__CashPieces notes = TAGIH__V1__CASH_PIECES__INIT, *list = &notes;
    Tagih__V1__CountSettlementRequest count = TAGIH__V1__COUNT_SETTLEMENT_REQUEST__INIT;
    notes.value_minor = MINOR(100000), notes.pieces = 3;
    count.settlement_id = TEXT(rig_text(settlement)), count.pieces = &list, count.n_pieces = 1,
    count.counted = rupiah(MINOR(300000));
    count.etag = TEXT(settlement_etag(settlement)), count.request_id = NEW_ID;
    call(m.teller->cashier, "CashService/CountSettlement", &count);
    Tagih__V1__AcceptSettlementRequest accept = TAGIH__V1__ACCEPT_SETTLEMENT_REQUEST__INIT;
    accept.settlement_id = TEXT(rig_text(settlement)), accept.etag = TEXT(settlement_etag(settlement));
    accept.reason = WHY, accept.request_id = NEW_ID;
    call(m.teller->cashier, "CashService/AcceptSettlement", &accept);
}

/* A cheque that clears, a line that was faster than its receipt, one that nobody knows, and what the bank took. */
static void the_bank_says_what_it_has(void) {
    char cheque[UUID_TEXT_SIZE], *ids[] = {cheque};
    uuid_format(received(MINOR(110000), JOURNAL_TENDER_CHEQUE, "GIRO-1").u, cheque);
    Tagih__V1__HandInChequesRequest hand_in = TAGIH__V1__HAND_IN_CHEQUES_REQUEST__INIT;
    hand_in.payment_ids = ids, hand_in.n_payment_ids = 1, hand_in.collector_id = TEXT(rig_text(m.collector.u));
    hand_in.request_id = NEW_ID;
    call(m.teller->cashier, "ChequeService/HandInCheques", &hand_in);
    assert_string_equal(teller_bank_line(m.teller, NULL, "110000", "GIRO-1")->result, "SETTLED");
    assert_string_equal(teller_bank_line(m.teller, "D-2", "120000", "EARLY-2")->result, "SUSPENSE");
    assert_string_equal(teller_bank_line(m.teller, "D-3", "130000", "OF NOBODY")->result, "SUSPENSE");
    assert_string_equal(teller_bank_line(m.teller, NULL, "-5000", "ITS FEE")->result, "OPEN");
    received(MINOR(120000), JOURNAL_TENDER_QR, "EARLY-2");
    job_chore(m.rig, m.teller->agency, clock_now(), bank_late_work);
}

static const char *in_suspense(int64_t amount_minor) {
    Tagih__V1__ReceiveSuspenseRequest receive = TAGIH__V1__RECEIVE_SUSPENSE_REQUEST__INIT;
    receive.source = SOURCE(BANK), receive.source_reference = NEW_ID, receive.amount = rupiah(amount_minor);
    receive.value_us = clock_now().us - US_PER_MINUTE, receive.payer = WHY, receive.note = WHY;
    struct rig_answer answer = call(m.teller->gateway, "SuspenseService/ReceiveSuspense", &receive);
    return ((const Tagih__V1__ReceiveSuspenseResponse *)answer.response)->item->item_id;
}

static void suspense_goes_both_ways(void) {
    Tagih__V1__ReleaseSuspenseRequest release = TAGIH__V1__RELEASE_SUSPENSE_REQUEST__INIT;
    release.item_id = TEXT(in_suspense(MINOR(41000))), release.account_id = TEXT(rig_text(m.account.u));
    release.reason = WHY, release.request_id = NEW_ID;
    decided(m.teller->cashier, "SuspenseService/ReleaseSuspense", &release);
    Tagih__V1__ReturnSuspenseRequest back = TAGIH__V1__RETURN_SUSPENSE_REQUEST__INIT;
    back.item_id = TEXT(in_suspense(MINOR(42000))), back.reason = WHY, back.request_id = NEW_ID;
    decided(m.teller->cashier, "SuspenseService/ReturnSuspense", &back);
    in_suspense(MINOR(43000)); /* waits */
}

/* ---- files, in and out -------------------------------------------------------------------------------------------- */

static void a_file_of_accounts(void) {
    char path[160];
    snprintf(path, sizeof path, "%s/accounts.csv", m.rig->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(
        file,
        "account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,district,"
        "regency,phone\nA-1,C-1,motorcycle,IDR,3500000,400000,60000,40000,30,%s,,-7.8,110.36,SLEMAN 01,Sleman Regency,\n",
        teller_day(-31));
    fclose(file);
    command("import --as-of %s '%s'", teller_day(-1), path);
}

static void a_file_of_payments(void) {
    static uint8_t hash[32] = {0x0f};
    Tagih__V1__PaymentFileRow rows[2] = {TAGIH__V1__PAYMENT_FILE_ROW__INIT, TAGIH__V1__PAYMENT_FILE_ROW__INIT},
                              *list[] = {&rows[0], &rows[1]};
    Tagih__V1__PaymentFileTotals end = TAGIH__V1__PAYMENT_FILE_TOTALS__INIT;
    Tagih__V1__ImportPaymentsRequest file = TAGIH__V1__IMPORT_PAYMENTS_REQUEST__INIT;
    for (int i = 0; i < 2; i++) {
        rows[i].row = i + 1, rows[i].account_no = TEXT(i ? "OF NOBODY" : "A-1"), rows[i].reference = TEXT(i ? "F-2" : "F-1");
        rows[i].amount = TEXT("1000"), rows[i].paid_at = teller_day(-1);
    }
    end.rows = 2, end.sum_minor = MINOR(2000);
    file.file_hash = (ProtobufCBinaryData){sizeof hash, hash}, file.file_name = TEXT("branch.csv"),
    file.source = SOURCE(BRANCH);
    file.currency = TEXT("IDR"), file.rows = list, file.n_rows = 2, file.end = &end;
    call(m.teller->gateway, "PaymentService/ImportPayments", &file);
}

/* Rows get their numbers once no older transaction runs, in this database or beside it in its cluster. */
static void the_creditor_reads_what_was_collected(void) {
    Tagih__V1__ListExportRequest list = TAGIH__V1__LIST_EXPORT_REQUEST__INIT;
    const Tagih__V1__ListExportResponse *read = NULL;
    for (int tries = 0; tries < 300 && (!read || read->highest_seq < 3); tries++) {
        if (read) nanosleep(&(struct timespec){0, 100000000}, NULL);
        struct rig_answer answer = call(m.teller->gateway, "ExportService/ListExport", &list);
        read = answer.response;
    }
    assert_true(read->highest_seq >= 3);
    Tagih__V1__AckExportRequest ack = TAGIH__V1__ACK_EXPORT_REQUEST__INIT;
    ack.seq = 2;
    call(m.teller->gateway, "ExportService/AckExport", &ack);
}

static void a_payment_gets_another_tag(void) {
    payment_id payment = teller_paid(m.teller, m.account, &(struct paid){.amount_minor = MINOR(21000)});
    struct rig_answer seen = teller_get(m.teller, NULL, payment);
    assert_answer(seen, OK);
    Tagih__V1__RetagPaymentRequest retag = TAGIH__V1__RETAG_PAYMENT_REQUEST__INIT;
    retag.payment_id = TEXT(rig_text(payment.u)), retag.tag = TAGIH__V1__PAYMENT_TAG__PAYMENT_TAG_LAWYER;
    retag.etag = ((const Tagih__V1__GetPaymentResponse *)seen.response)->payment->etag;
    retag.reason = WHY, retag.request_id = NEW_ID;
    decided(m.teller->supervisor, "PaymentService/RetagPayment", &retag);
}

/* ---- promises ----------------------------------------------------------------------------------------------------- */

static const Tagih__V1__Promise *promised(int in_days) {
    account_id account = debtor();
    Tagih__V1__MakePromiseRequest make = TAGIH__V1__MAKE_PROMISE_REQUEST__INIT;
    make.account_id = TEXT(rig_text(account.u)), make.amount = rupiah(MINOR(1000000)), make.due_on = teller_day(in_days);
    make.promiser = TAGIH__V1__PROMISER__PROMISER_DEBTOR, make.channel = TAGIH__V1__PROMISE_CHANNEL__PROMISE_CHANNEL_CALL;
    make.note = WHY, make.request_id = NEW_ID;
    struct rig_answer answer = call(m.teller->supervisor, "PromiseService/MakePromise", &make);
    return ((const Tagih__V1__MakePromiseResponse *)answer.response)->promise;
}

/* One is reminded, one taken back. */
static void promises_are_made(void) {
    int in = 1;
    while (!promise_reminder_hour((civil_date){teller_today().days + in}, 720)) in++;
    promised(in);
    const Tagih__V1__Promise *wrong = promised(in);
    Tagih__V1__WithdrawPromiseRequest withdraw = TAGIH__V1__WITHDRAW_PROMISE_REQUEST__INIT;
    withdraw.promise_id = wrong->promise_id, withdraw.etag = wrong->etag, withdraw.reason = WHY,
    withdraw.request_id = NEW_ID;
    call(m.teller->supervisor, "PromiseService/WithdrawPromise", &withdraw);
    job_chore(m.rig, m.teller->agency, teller_noon(in), promises_due);
}

static void a_plan_is_made(void) {
    account_id account = debtor();
    Tagih__V1__PlanInstalmentTerms terms[2] = {TAGIH__V1__PLAN_INSTALMENT_TERMS__INIT,
                                               TAGIH__V1__PLAN_INSTALMENT_TERMS__INIT};
    Tagih__V1__PlanInstalmentTerms *list[] = {&terms[0], &terms[1]};
    Tagih__V1__ProposePlanRequest plan = TAGIH__V1__PROPOSE_PLAN_REQUEST__INIT;
    for (int i = 0; i < 2; i++) terms[i].due_on = teller_day(7 * i), terms[i].amount_minor = MINOR(500000);
    plan.account_id = TEXT(rig_text(account.u)), plan.currency = TEXT("IDR"), plan.instalments = list,
    plan.n_instalments = 2;
    plan.reason = WHY, plan.request_id = NEW_ID;
    struct rig_answer answer = call(m.teller->supervisor, "PlanService/ProposePlan", &plan);
    const char *proposal = ((const Tagih__V1__ProposePlanResponse *)answer.response)->proposal_id;
    assert_answer(teller_decide(m.teller, m.teller->second, proposal, true), OK);
}

void live_a_month(struct rig *rig, struct teller *teller, const char *tagihd) {
    m.rig = rig, m.teller = teller, m.tagihd = tagihd;
    teller_open(teller, rig, rig_agency(rig, "Month"));
    a_month_that_is_over();
    m.collector = writer_begin_new(&m.phone, rig, teller->agency);
    m.phone.at.us = clock_now().us - 300 * US_PER_S;
    m.account = debtor();
    cash_comes_to_the_vault();
    the_bank_says_what_it_has();
    suspense_goes_both_ways();
    a_file_of_accounts();
    a_file_of_payments();
    a_payment_gets_another_tag();
    promises_are_made();
    a_plan_is_made();
    the_creditor_reads_what_was_collected();
    writer_end(&m.phone);
}
