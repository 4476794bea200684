/* SPDX-License-Identifier: Apache-2.0 */
/* Payments that are no receipts, reversals and statements from the outside; at the end all books are computed again. */
#include <pthread.h>

#include "tests/support/desk.h"

#define REASON(name) TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_##name
#define BRANCH TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_BRANCH

enum { OF_PAYMENT = 1, OF_REVERSAL = 2 }; /* posting.kind */

static const user_id nobody;

static int open_rig(void **state) {
    open_desk(state);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    return 0;
}

/* A new phone of the collector, some seconds ago. */
static struct writer his_writer(void) {
    struct writer writer;
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    writer_begin(&writer, &rig, &phone);
    writer.at.us = clock_now().us - 20 * US_PER_S;
    return writer;
}

/* A receipt, signed and pushed. */
static payment_id field(struct writer *w, account_id account, int64_t amount_minor, uint16_t tender) {
    struct journal_entry receipt = writer_receipt(w, account, amount_minor);
    receipt.body.receipt.tender = tender;
    size_t at = writer_sign(w, &receipt);
    assert_answer(writer_push_range(w, at, at), OK);
    return (payment_id){w->entries[at].id.u};
}

static struct debt due(int in_days, int64_t rupiah) {
    return (struct debt){.due_in = in_days, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
}

/* ---- PostPayment ---------------------------------------------------------------------------------------------- */

//= RULES.md R-LED-1
//  Double entry: every posting is a transaction whose lines sum to zero per currency
static void a_gateway_payment_debits_transfer_clearing(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    struct rig_answer answer = teller_post(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .reference = "GW-J31"});
    assert_answer(answer, OK);
    const Tagih__V1__Payment *payment = ((const Tagih__V1__PostPaymentResponse *)answer.response)->payment;
    payment_id id;
    assert_ok(uuid_parse(payment->payment_id, &id.u));
    // J31: transfer clearing 1 000 000 · receivable 1 000 000
    assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_FEES), -MINOR(40000));
    assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_PENALTY), -MINOR(60000));
    assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_INTEREST), -MINOR(400000));
    assert_int_equal(teller_line(&teller, id, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(500000));
    assert_int_equal(teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", id.u), 5);
    assert_int_equal(payment->source, TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_GATEWAY);
    assert_string_equal(payment->tag, "GATEWAY");
    assert_string_equal(payment->source_reference, "GW-J31");
    assert_string_equal(payment->etag, "p1");
    assert_int_equal(payment->amount->minor, MINOR(1000000));
    assert_int_equal(payment->n_allocation, 1);
    assert_int_equal(payment->allocation[0]->parts->interest_minor, MINOR(400000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3000000));
}

//= RULES.md R-PAY-5
//  Payment identity = (agency, source, source reference), unique over all files and calls; the same reference with
//  other content is refused.
static void the_same_reference_is_one_payment_and_other_content_is_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1), other = teller_account(&teller, nobody, &debt_j1, 1);
    struct paid paid = {.amount_minor = MINOR(70000), .reference = "GW-1", .value = teller_noon(-2)};
    payment_id first = teller_paid(&teller, account, &paid);
    payment_id again = teller_paid(&teller, account, &paid);
    assert_true(uuid_equal(first.u, again.u));
    assert_answer(teller_post(&teller, other, &paid), PAYMENT_IDENTITY_REUSED);
    struct paid more = paid, later = paid, branch = paid;
    more.amount_minor += 1;
    assert_answer(teller_post(&teller, account, &more), PAYMENT_IDENTITY_REUSED);
    later.value.us += 1;
    assert_answer(teller_post(&teller, account, &later), PAYMENT_IDENTITY_REUSED);
    branch.source = BRANCH; /* another source has references of its own */
    assert_false(uuid_equal(teller_paid(&teller, account, &branch).u, first.u));
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 2);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", other.u), 0);
}

struct caller {
    account_id account;
    struct paid paid;
    struct rig_answer answer;
};

static void *call_post(void *context) {
    struct caller *caller = context;
    caller->answer = teller_post(&teller, caller->account, &caller->paid);
    return NULL;
}

static void all_at_once(struct caller *callers, size_t n) {
    pthread_t threads[32];
    for (size_t i = 0; i < n; i++) pthread_create(&threads[i], NULL, call_post, &callers[i]);
    for (size_t i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

//= RULES.md R-PAY-5
//  Payment identity = (agency, source, source reference), unique over all files and calls
static void sixteen_calls_of_one_identity_make_one_payment(void **state) {
    (void)state;
    char token[RIG_TOKEN_SIZE];
    snprintf(token, sizeof token, "%s", rig_staff_token(&rig, teller.agency, teller.gateway, 0));
    account_id account = teller_account(&teller, nobody, &debt_j1, 1), other = teller_account(&teller, nobody, &debt_j1, 1);
    struct paid paid = {.amount_minor = MINOR(12345), .reference = "GW-STORM", .value = teller_noon(-1), .token = token};
    struct caller callers[20] = {0};
    for (size_t i = 0; i < 20; i++) callers[i] = (struct caller){i < 16 ? account : other, paid, {0}};
    all_at_once(callers, 20);
    const char *id = NULL;
    size_t refused = 0;
    for (size_t i = 0; i < 20; i++) {
        if (strcmp(callers[i].answer.reason, "PAYMENT_IDENTITY_REUSED") == 0) {
            refused++;
            continue;
        }
        assert_answer(callers[i].answer, OK);
        const char *mine = ((const Tagih__V1__PostPaymentResponse *)callers[i].answer.response)->payment->payment_id;
        if (!id) id = mine;
        assert_string_equal(mine, id);
    }
    assert_true(refused == 4 || refused == 16); /* whichever account came first */
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment where source_reference = 'GW-STORM'"), 1);
}

static void many_payments_of_many_accounts_go_in_few_transactions(void **state) {
    (void)state;
    char token[RIG_TOKEN_SIZE], references[32][16];
    snprintf(token, sizeof token, "%s", rig_staff_token(&rig, teller.agency, teller.gateway, 0));
    account_id accounts[2] = {teller_account(&teller, nobody, &debt_j1, 1), teller_account(&teller, nobody, &debt_j1, 1)};
    struct caller callers[32] = {0};
    for (size_t i = 0; i < 32; i++) {
        snprintf(references[i], sizeof references[i], "GW-MANY-%zu", i);
        callers[i] = (struct caller){accounts[i % 2], {.amount_minor = MINOR(1000), .reference = references[i],
                                                       .value = teller_noon(-1 - (int)(i % 5)), .token = token}, {0}};
    }
    all_at_once(callers, 32);
    for (size_t i = 0; i < 32; i++) assert_answer(callers[i].answer, OK);
    for (size_t a = 0; a < 2; a++) assert_int_equal(teller_open_minor(&teller, accounts[a]), MINOR(4000000 - 16 * 1000));
}

static void what_no_payment_can_be_is_refused_with_its_field(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const struct {
        struct paid paid;
        const char *reason, *field;
    } cases[] = {
        {{.amount_minor = 0}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = -1}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = MONEY_AMOUNT_MAX_MINOR + 1}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = 100, .currency = "XXQ"}, "MONEY_CURRENCY_UNKNOWN", "amount.currency"},
        {{.amount_minor = 100, .currency = "USD"}, "ACCOUNT_CURRENCY", ""},
        {{.amount_minor = 100, .reference = ""}, "REQUEST_FIELD_MISSING", "source_reference"},
        {{.amount_minor = 100, .reference = "a\nb"}, "TEXT_INVALID", "source_reference"},
        {{.amount_minor = 100, .source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_FIELD}, "REQUEST_FIELD_RANGE", "source"},
        {{.amount_minor = 100, .value = {1}}, "REQUEST_TIME", "value_us"},
        {{.amount_minor = 100, .value = {INT64_MAX}}, "REQUEST_TIME", "value_us"},
        {{.amount_minor = 100, .value = {clock_now().us + 6 * US_PER_MINUTE}}, "PAYMENT_FUTURE", "value_us"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig_answer answer = teller_post(&teller, account, &cases[i].paid);
        assert_string_equal(answer.reason, cases[i].reason);
        assert_string_equal(answer.field, cases[i].field);
    }
    assert_answer(teller_post(&teller, (account_id){rig_id()}, &(struct paid){.amount_minor = 100}), NOT_PERMITTED);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 0);
}

static void a_cashier_posts_for_the_branch_alone(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    struct paid paid = {.amount_minor = 100, .source = BRANCH, .token = rig_staff_token(&rig, teller.agency, teller.cashier, 0)};
    teller_paid(&teller, account, &paid);
    paid.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_GATEWAY;
    assert_answer(teller_post(&teller, account, &paid), NOT_PERMITTED);
    paid.token = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    assert_answer(teller_post(&teller, account, &paid), NOT_PERMITTED);
    agency_id foreign = rig_agency(&rig, "Other");
    paid.token = rig_staff_token(&rig, foreign, rig_user(&rig, foreign, NULL, ROLE_INTEGRATION), 0);
    assert_answer(teller_post(&teller, account, &paid), NOT_PERMITTED);
}

static void close_account(account_id account, int status, int64_t at_us) {
    char sql[600];
    snprintf(sql, sizeof sql,
             "update account_state set status = %d where account_id = '%s';"
             "insert into account_event (agency_id, event_id, account_id, at_us, kind, status_before, status_after)"
             " values ('%s', gen_random_uuid(), '%s', %lld, 'CLOSED', 3, %d)",
             status, rig_text(account.u), rig_text(teller.agency.u), rig_text(account.u), (long long)at_us, status);
    pg_exec(&rig.pg, sql);
}

//= RULES.md R-LIF-1
//  a payment on an account CLOSED(paid) posts to customer credit, flagged CLOSED_ACCOUNT, on one closed otherwise a
//  payment valued before the closing posts, flagged
static void a_closed_account_takes_money_by_the_reason_of_its_closing(void **state) {
    (void)state;
    account_id paid_off = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, paid_off, &(struct paid){.amount_minor = MINOR(4000000)});
    close_account(paid_off, 10, clock_now().us);
    payment_id late = teller_paid(&teller, paid_off, &(struct paid){.amount_minor = MINOR(1000), .value = {clock_now().us}});
    assert_int_equal(teller_line(&teller, late, OF_PAYMENT, LEDGER_CUSTOMER_CREDIT), -MINOR(1000));
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 33", late.u), 1);
    account_id returned = teller_account(&teller, nobody, &debt_j1, 1);
    close_account(returned, 12, teller_noon(-3).us);
    struct rig_answer after = teller_post(&teller, returned, &(struct paid){.amount_minor = 100, .value = teller_noon(-1)});
    assert_answer(after, OK); /* into suspense: suspense_spec */
    assert_null(((const Tagih__V1__PostPaymentResponse *)after.response)->payment);
    payment_id before = teller_paid(&teller, returned, &(struct paid){.amount_minor = MINOR(1000), .value = teller_noon(-4)});
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 33", before.u), 1);
}

/* ---- allocation ----------------------------------------------------------------------------------------------- */

//= RULES.md R-ALL-7
//  Replay writes one ledger transaction that names its trigger and holds, per payment and component, new − old (zero
//  differences left out).
static void a_late_payment_moves_what_the_later_one_had_paid(void **state) {
    (void)state;
    struct debt debt = {.due_minor = {[COMPONENT_PENALTY] = MINOR(100000), [COMPONENT_INTEREST] = MINOR(200000),
                                      [COMPONENT_PRINCIPAL] = MINOR(700000)}};
    account_id account = teller_account(&teller, nobody, &debt, 1);
    payment_id p2 = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(600000), .value = teller_noon(-1)});
    payment_id p1 = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(500000), .value = teller_noon(-5)});
    // J7: 500 000 · receivable principal 400 000; customer credit 100 000
    assert_int_equal(teller_line(&teller, p1, OF_PAYMENT, LEDGER_TRANSFER_CLEARING), MINOR(500000));
    assert_int_equal(teller_line(&teller, p1, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(400000));
    assert_int_equal(teller_line(&teller, p1, OF_PAYMENT, LEDGER_CUSTOMER_CREDIT), -MINOR(100000));
    assert_int_equal(teller_number(&teller, "select count(*) from ledger_line where posting_id = '%s'", p1.u), 3);
    assert_int_equal(teller_allocated(&teller, p1, 1), MINOR(500000));
    assert_int_equal(teller_allocated(&teller, p2, 1), MINOR(500000));
    assert_int_equal(teller_allocated(&teller, p2, 0), MINOR(100000));
    Tagih__V1__GetPaymentRequest request = TAGIH__V1__GET_PAYMENT_REQUEST__INIT;
    request.payment_id = (char *)(uintptr_t)rig_text(p2.u);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "PaymentService/GetPayment", &request);
    assert_answer(answer, OK);
    const Tagih__V1__Payment *payment = ((const Tagih__V1__GetPaymentResponse *)answer.response)->payment;
    assert_string_equal(payment->etag, "p2");
    assert_int_equal(payment->n_allocation, 2);
    assert_int_equal(payment->allocation[0]->credit_minor, MINOR(100000));
}

/* The same five facts on an account, receipts and calls mixed, in a given order of arrival. */
static void pay_in_order(account_id account, const int order[5], payment_id out[5]) {
    struct writer w = his_writer();
    instant receipt_at[2] = {{clock_now().us - 19 * US_PER_S}, {clock_now().us - 12 * US_PER_S}};
    for (int i = 0; i < 5; i++) {
        int which = order[i];
        int64_t amount_minor = MINOR(300000 + 50000 * which);
        if (which < 3) {
            out[which] = teller_paid(&teller, account, &(struct paid){.amount_minor = amount_minor, .value = teller_noon(-9 + 3 * which)});
        } else {
            w.at = receipt_at[which - 3];
            out[which] = field(&w, account, amount_minor, JOURNAL_TENDER_CASH);
        }
    }
    writer_end(&w);
}

//= RULES.md R-ALL-1
//  Any arrival order of the same facts gives identical balances, allocations and closed months
static void any_order_of_receipts_and_calls_ends_in_the_same_allocation(void **state) {
    (void)state;
    static const int orders[][5] = {{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {3, 0, 4, 2, 1}, {2, 4, 0, 3, 1}};
    const struct debt debts[] = {{.due_in = -30, .due_minor = {MINOR(20000), MINOR(30000), MINOR(100000), MINOR(500000)}},
                                 {.due_in = -7, .due_minor = {MINOR(10000), 0, MINOR(80000), MINOR(500000)}},
                                 {.due_in = -2, .due_minor = {0, 0, MINOR(60000), MINOR(500000)}}};
    int64_t first[5][4], first_credit_minor = 0;
    for (size_t o = 0; o < COUNT_OF(orders); o++) {
        account_id account = teller_account(&teller, collector, debts, COUNT_OF(debts));
        payment_id paid[5];
        pay_in_order(account, orders[o], paid);
        if (o == 0) first_credit_minor = teller_credit_minor(&teller, account);
        assert_int_equal(teller_credit_minor(&teller, account), first_credit_minor);
        for (int p = 0; p < 5; p++) {
            for (int no = 0; no < 4; no++) {
                int64_t part = teller_allocated(&teller, paid[p], no);
                if (o == 0) first[p][no] = part;
                assert_int_equal(part, first[p][no]);
            }
        }
    }
}

//= RULES.md R-ALL-4
//  Credit stays credit until a new due exists at a value date; the replay then consumes it, oldest credit first
static void credit_waits_for_a_due_and_goes_first(void **state) {
    (void)state;
    const struct debt debts[] = {due(-40, 1000000), due(-10, 1000000)};
    account_id account = teller_account(&teller, nobody, debts, 2);
    payment_id early = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1300000), .value = teller_noon(-30)});
    assert_int_equal(teller_allocated(&teller, early, 0), MINOR(300000));
    assert_int_equal(teller_credit_minor(&teller, account), MINOR(300000));
    payment_id later = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(200000), .value = teller_noon(-1)});
    assert_int_equal(teller_allocated(&teller, early, 2), MINOR(300000));
    assert_int_equal(teller_allocated(&teller, early, 0), 0);
    assert_int_equal(teller_allocated(&teller, later, 2), MINOR(200000));
    assert_int_equal(teller_credit_minor(&teller, account), 0);
    // J34: customer credit 300 000 · receivable 300 000, in the posting of the payment that found the due
    assert_int_equal(teller_line(&teller, later, OF_PAYMENT, LEDGER_CUSTOMER_CREDIT), MINOR(300000));
    assert_int_equal(teller_line(&teller, later, OF_PAYMENT, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(500000));
    // J34 with its very figure: customer credit 100 000 · receivable 100 000, beside J31 of the payment's own 200 000
    account_id other = teller_account(&teller, nobody, debts, 2);
    teller_paid(&teller, other, &(struct paid){.amount_minor = MINOR(1100000), .value = teller_noon(-30)});
    payment_id next = teller_paid(&teller, other, &(struct paid){.amount_minor = MINOR(200000), .value = teller_noon(-1)});
    assert_moved(next.u, OF_PAYMENT, {LEDGER_CUSTOMER_CREDIT, 100000}, {LEDGER_TRANSFER_CLEARING, 200000},
                 {LEDGER_RECEIVABLE_PRINCIPAL, -300000});
}

//= RULES.md R-ALL-4
//  Credit stays credit until a new due exists at a value date; the replay then consumes it, oldest credit first
static void credit_goes_first_within_one_push_too(void **state) {
    (void)state;
    struct writer w = his_writer();
    const struct debt debts[] = {due(-40, 1000000), due(TODAY, 1000000)};
    account_id account = teller_account(&teller, collector, debts, 2);
    w.at.us = clock_now().us - 23 * 3600 * US_PER_S; /* yesterday, but for the day's last hour */
    struct journal_entry early = writer_receipt(&w, account, MINOR(1300000));
    writer_sign(&w, &early);
    w.at.us = clock_now().us - 20 * US_PER_S;
    struct journal_entry later = writer_receipt(&w, account, MINOR(200000));
    writer_sign(&w, &later);
    assert_answer(writer_push_range(&w, 0, 1), OK);
    assert_int_equal(teller_allocated(&teller, (payment_id){early.id.u}, 2), MINOR(300000));
    assert_int_equal(teller_allocated(&teller, (payment_id){later.id.u}, 2), MINOR(200000));
    assert_int_equal(teller_credit_minor(&teller, account), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(500000));
    writer_end(&w);
}

/* ---- reversals ------------------------------------------------------------------------------------------------ */

//= RULES.md R-PAY-4
//  The money side of a reversal follows its reason: VOID unsettled → the account its receipt debited … · MISPOST or VOID
//  settled → suspense · BOUNCE → cheques in collection · BANK_RECALL → bank · NEVER_RECEIVED → transfer clearing.
static void a_reversal_credits_the_account_of_its_reason(void **state) {
    (void)state;
    struct writer w = his_writer();
    const struct {
        uint16_t tender; /* 0: a gateway payment */
        Tagih__V1__ReversalReason reason;
        enum ledger_account credited;
    } cases[] = {
        {JOURNAL_TENDER_CASH, REASON(VOID), LEDGER_CASH_HELD},       {JOURNAL_TENDER_CASH, REASON(MISPOST), LEDGER_SUSPENSE},
        {JOURNAL_TENDER_TRANSFER, REASON(VOID), LEDGER_TRANSFER_CLEARING}, {JOURNAL_TENDER_CHEQUE, REASON(VOID), LEDGER_CHEQUES_IN_HAND},
        {JOURNAL_TENDER_QR, REASON(BANK_RECALL), LEDGER_BANK},
        {JOURNAL_TENDER_TRANSFER, REASON(NEVER_RECEIVED), LEDGER_TRANSFER_CLEARING},
        {0, REASON(MISPOST), LEDGER_SUSPENSE}, {0, REASON(BANK_RECALL), LEDGER_BANK},
        {0, REASON(NEVER_RECEIVED), LEDGER_TRANSFER_CLEARING}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        account_id account = teller_account(&teller, collector, &debt_j1, 1);
        payment_id payment = cases[i].tender ? field(&w, account, MINOR(5000000), cases[i].tender)
                                             : teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
        assert_answer(teller_reverse(&teller, payment, cases[i].reason), OK);
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, cases[i].credited), -MINOR(5000000));
        // J4, J5: receivable, four parts 4 000 000; customer credit 1 000 000
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_FEES), MINOR(40000));
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_PENALTY), MINOR(60000));
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_INTEREST), MINOR(400000));
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_RECEIVABLE_PRINCIPAL), MINOR(3500000));
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_CUSTOMER_CREDIT), MINOR(1000000));
        assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_BONUS_EXPENSE),
                         -teller_line(&teller, payment, OF_PAYMENT, LEDGER_BONUS_EXPENSE));
        assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
        assert_int_equal(teller_credit_minor(&teller, account), 0);
    }
    writer_end(&w);
}

//= RULES.md R-PAY-3
//  A second reversal, and a reversal of a reversal, are refused.
static void a_reversal_happens_once_and_of_what_was_seen(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    Tagih__V1__ReversePaymentRequest request = TAGIH__V1__REVERSE_PAYMENT_REQUEST__INIT;
    char id[UUID_TEXT_SIZE], request_id[UUID_TEXT_SIZE], token[RIG_TOKEN_SIZE];
    uuid_format(payment.u, id);
    uuid_format(rig_id(), request_id);
    snprintf(token, sizeof token, "%s", rig_staff_token(&rig, teller.agency, teller.supervisor, 0));
    request.payment_id = id;
    request.reason = REASON(MISPOST);
    request.request_id = request_id;
    request.etag = (char *)(uintptr_t)"p7";
    assert_answer(rig_call(&rig, token, "PaymentService/ReversePayment", &request), PAYMENT_CHANGED);
    request.etag = (char *)(uintptr_t)"p1";
    request.reason = REASON(BOUNCE);
    assert_answer(rig_call(&rig, token, "PaymentService/ReversePayment", &request), PAYMENT_REVERSAL_REASON);
    request.reason = REASON(MISPOST);
    assert_answer(rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.cashier, 0), "PaymentService/ReversePayment", &request),
                  NOT_PERMITTED);
    struct rig_answer first = rig_call(&rig, token, "PaymentService/ReversePayment", &request);
    assert_answer(first, OK);
    struct rig_answer same = rig_call(&rig, token, "PaymentService/ReversePayment", &request);
    assert_answer(same, OK);
    const Tagih__V1__Payment *payment_now = ((const Tagih__V1__ReversePaymentResponse *)same.response)->payment;
    assert_true(payment_now->reversed);
    assert_string_equal(payment_now->etag, "p1r");
    uuid_format(rig_id(), request_id);
    request.etag = payment_now->etag;
    assert_answer(rig_call(&rig, token, "PaymentService/ReversePayment", &request), PAYMENT_REVERSED);
    uuid_format(rig_id(), id);
    assert_answer(rig_call(&rig, token, "PaymentService/ReversePayment", &request), NOT_PERMITTED);
    assert_int_equal(teller_number(&teller, "select count(*) from payment_reversal where payment_id = '%s'", payment.u), 1);
}

static void declare(struct writer *w, int64_t last_seq, int64_t total_minor, uint64_t count) {
    struct journal_entry close = writer_entry(w, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = last_seq, .currency_count = 1, .tender_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = count, .cum_total_minor = total_minor, .receipt_count = (uint32_t)count,
                        .cash_to_hand_over_minor = total_minor}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = (uint32_t)count, .total_minor = total_minor}}};
    size_t at = writer_sign(w, &close);
    assert_answer(writer_push_range(w, at, at), OK);
}

//= RULES.md R-PAY-4
//  MISPOST or VOID settled → suspense … Cash held is never below zero.
static void a_void_after_the_settlement_goes_to_suspense(void **state) {
    (void)state;
    struct writer w = his_writer();
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    payment_id payment = field(&w, account, MINOR(70000), JOURNAL_TENDER_CASH);
    declare(&w, 1, MINOR(70000), 1);
    assert_answer(teller_reverse(&teller, payment, REASON(VOID)), OK);
    // J5: suspense, and the cash stays where it is counted
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_SUSPENSE), -MINOR(70000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_CASH_HELD), 0);
    writer_end(&w);
}

//= RULES.md R-PAY-4
//  Cash held is never below zero.
static void cash_that_left_the_bag_is_not_voided_out_of_it(void **state) {
    (void)state;
    struct writer w = his_writer();
    payment_id payment = field(&w, teller_account(&teller, collector, &debt_j1, 1), MINOR(70000), JOURNAL_TENDER_CASH);
    int64_t held = teller_number(&teller, "select cash_held_minor from collector_state where collector_id = '%s'", collector.u);
    char sql[200];
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = %lld where collector_id = '%s'",
             (long long)MINOR(69999), rig_text(collector.u));
    pg_exec(&rig.pg, sql); /* the rest was handed in */
    assert_answer(teller_reverse(&teller, payment, REASON(VOID)), PAYMENT_CASH_GONE);
    snprintf(sql, sizeof sql, "update collector_state set cash_held_minor = %lld where collector_id = '%s'", (long long)held,
             rig_text(collector.u));
    pg_exec(&rig.pg, sql);
    assert_answer(teller_reverse(&teller, payment, REASON(VOID)), OK);
    writer_end(&w);
}

//= RULES.md R-PAY-3
//  Reversal restores balances as though the payment were absent, keeps both records
static void what_came_later_is_allocated_as_though_the_reversed_payment_were_absent(void **state) {
    (void)state;
    const struct debt debts[] = {due(-40, 1000000), due(-10, 1000000)};
    account_id account = teller_account(&teller, nobody, debts, 2);
    payment_id early = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .value = teller_noon(-9)});
    payment_id later = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(400000), .value = teller_noon(-2)});
    assert_int_equal(teller_allocated(&teller, later, 2), MINOR(400000));
    assert_answer(teller_reverse(&teller, early, REASON(MISPOST)), OK);
    assert_int_equal(teller_allocated(&teller, later, 1), MINOR(400000));
    assert_int_equal(teller_allocated(&teller, later, 2), 0);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(1600000));
    assert_int_equal(teller_number(&teller, "select state from instalment_state where account_id = '%s' and instalment_no = 1", account.u), 1);
    assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u), 2);
}

//= RULES.md R-PAY-3
//  Reversal restores balances as though the payment were absent
static void the_next_payment_takes_the_very_place_of_the_reversed_one(void **state) {
    (void)state;
    struct debt debt = {.due_minor = {[COMPONENT_INTEREST] = MINOR(400000), [COMPONENT_PRINCIPAL] = MINOR(900000)}};
    account_id account = teller_account(&teller, nobody, &debt, 1);
    payment_id paid[3];
    for (int i = 0; i < 3; i++) {
        paid[i] = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(400000), .value = teller_noon(-9 + i)});
    }
    assert_answer(teller_reverse(&teller, paid[0], REASON(MISPOST)), OK);
    static const char sql[] = "select interest_minor from allocation a where payment_id = '%s' and instalment_no = 1 and"
                              " version = (select max(version) from allocation where payment_id = a.payment_id)";
    assert_int_equal(teller_number(&teller, sql, paid[1].u), MINOR(400000));
    assert_int_equal(teller_number(&teller, sql, paid[2].u), 0);
    assert_int_equal(teller_number(&teller, "select max(version) from allocation where payment_id = '%s'", paid[2].u), 1);
}

//= RULES.md R-PAY-7
//  A reversal of a payment that the creditor's newest snapshot contains (R-IMP-3) debits creditor control and leaves the
//  receivable
static void what_the_creditor_counted_already_is_reversed_against_him(void **state) {
    (void)state;
    struct debt debt = due(-40, 1000000), after = due(-40, 600000);
    account_id account = teller_account(&teller, nobody, &debt, 1);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(400000), .value = teller_noon(-5)});
    teller_snapshot(&teller, account, -2, &after, 1);
    assert_answer(teller_reverse(&teller, payment, REASON(BANK_RECALL)), OK);
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_CREDITOR_CONTROL), MINOR(400000));
    assert_int_equal(teller_line(&teller, payment, OF_REVERSAL, LEDGER_BANK), -MINOR(400000));
    assert_int_equal(teller_open_minor(&teller, account), MINOR(600000));
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static struct rig_answer statement(const char *token, account_id account, int32_t size, const char *page) {
    Tagih__V1__ListStatementRequest request = TAGIH__V1__LIST_STATEMENT_REQUEST__INIT;
    request.account_id = (char *)(uintptr_t)rig_text(account.u);
    request.page_size = size;
    request.page_token = (char *)(uintptr_t)page;
    return rig_call(&rig, token, "PaymentService/ListStatement", &request);
}

//= RULES.md R-ALL-7
//  Statements can be asked by value date
static void a_statement_comes_in_pages_by_value_date(void **state) {
    (void)state;
    const char *token = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    account_id account = teller_account(&teller, nobody, &debt_j1, 1), other = teller_account(&teller, nobody, &debt_j1, 1);
    static const int days[] = {-2, -9, -1, -9, -5};
    for (size_t i = 0; i < COUNT_OF(days); i++) {
        teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000 + (int64_t)i), .value = teller_noon(days[i])});
    }
    int64_t last_us = 0;
    size_t seen = 0;
    char page[200] = "";
    do {
        struct rig_answer answer = statement(token, account, 2, page);
        assert_answer(answer, OK);
        const Tagih__V1__ListStatementResponse *response = answer.response;
        assert_true(response->n_payments >= 1 && response->n_payments <= 2);
        for (size_t i = 0; i < response->n_payments; i++, seen++) {
            assert_true(response->payments[i]->value_us >= last_us);
            last_us = response->payments[i]->value_us;
            assert_int_equal(response->payments[i]->n_allocation, 1);
        }
        assert_int_equal(response->open->principal_minor + response->open->interest_minor + response->open->fees_minor +
                         response->open->penalty_minor, teller_open_minor(&teller, account));
        snprintf(page, sizeof page, "%s", response->next_page_token);
        if (*page) assert_answer(statement(token, other, 2, page), PAGE_TOKEN);
    } while (*page);
    assert_int_equal(seen, COUNT_OF(days));
}

static void collectors_see_their_accounts_and_what_they_took(void **state) {
    (void)state;
    struct writer w = his_writer();
    user_id ani = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    account_id mine = teller_account(&teller, collector, &debt_j1, 1), hers = teller_account(&teller, ani, &debt_j1, 1);
    payment_id by_gateway = teller_paid(&teller, mine, &(struct paid){.amount_minor = MINOR(1000)});
    payment_id by_gateway_hers = teller_paid(&teller, hers, &(struct paid){.amount_minor = MINOR(1000)});
    payment_id taken = field(&w, hers, MINOR(2000), JOURNAL_TENDER_CASH);
    const char *budi = rig_staff_token(&rig, teller.agency, collector, 0), *ani_token = rig_staff_token(&rig, teller.agency, ani, 0);
    assert_answer(teller_get(&teller, budi, by_gateway), OK);
    assert_answer(teller_get(&teller, budi, taken), OK);
    assert_answer(teller_get(&teller, ani_token, taken), OK);
    assert_answer(teller_get(&teller, budi, by_gateway_hers), NOT_PERMITTED);
    assert_answer(teller_get(&teller, ani_token, by_gateway), NOT_PERMITTED);
    assert_answer(teller_get(&teller, budi, (payment_id){rig_id()}), NOT_PERMITTED);
    assert_answer(statement(budi, mine, 0, ""), OK);
    assert_answer(statement(budi, hers, 0, ""), NOT_PERMITTED);
    assert_answer(statement(budi, (account_id){rig_id()}, 0, ""), NOT_PERMITTED);
    writer_end(&w);
}

/* ---- the books ------------------------------------------------------------------------------------------------ */

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void an_independent_program_computes_all_books_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_payment_debits_transfer_clearing),
        cmocka_unit_test(the_same_reference_is_one_payment_and_other_content_is_refused),
        cmocka_unit_test(sixteen_calls_of_one_identity_make_one_payment),
        cmocka_unit_test(many_payments_of_many_accounts_go_in_few_transactions),
        cmocka_unit_test(what_no_payment_can_be_is_refused_with_its_field),
        cmocka_unit_test(a_cashier_posts_for_the_branch_alone),
        cmocka_unit_test(a_closed_account_takes_money_by_the_reason_of_its_closing),
        cmocka_unit_test(a_late_payment_moves_what_the_later_one_had_paid),
        cmocka_unit_test(any_order_of_receipts_and_calls_ends_in_the_same_allocation),
        cmocka_unit_test(credit_waits_for_a_due_and_goes_first),
        cmocka_unit_test(credit_goes_first_within_one_push_too),
        cmocka_unit_test(a_reversal_credits_the_account_of_its_reason),
        cmocka_unit_test(a_reversal_happens_once_and_of_what_was_seen),
        cmocka_unit_test(a_void_after_the_settlement_goes_to_suspense),
        cmocka_unit_test(cash_that_left_the_bag_is_not_voided_out_of_it),
        cmocka_unit_test(what_came_later_is_allocated_as_though_the_reversed_payment_were_absent),
        cmocka_unit_test(the_next_payment_takes_the_very_place_of_the_reversed_one),
        cmocka_unit_test(what_the_creditor_counted_already_is_reversed_against_him),
        cmocka_unit_test(a_statement_comes_in_pages_by_value_date),
        cmocka_unit_test(collectors_see_their_accounts_and_what_they_took),
        cmocka_unit_test(an_independent_program_computes_all_books_again),
    };
    return cmocka_run_group_tests(tests, open_rig, close_desk);
}
