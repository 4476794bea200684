/* SPDX-License-Identifier: Apache-2.0 */
/* Money in suspense from the outside: coming in, listed, with hints and by age (R-PAY-2). At the end of every test the items
 * that wait sum to what the ledger says. */
#include "tests/support/desk.h"
#include "tests/support/verifier.h"

#define SOURCE(name) TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_##name
#define REASON(name) TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_##name

static const user_id nobody;

static int open_rig(void **state) {
    open_desk(state);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    return 0;
}

/* Everything that waits is in the ledger's suspense, and nothing else is, agency by agency and currency by currency. */
static int suspense_adds_up(void **state) {
    (void)state;
    assert_suspense_holds(&rig);
    return 0;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

struct came {
    Tagih__V1__PaymentSource source; /* 0: BANK */
    const char *reference;           /* NULL: a new one */
    int64_t amount_minor;
    const char *currency, *payer, *note, *token;
    instant value;
};

static struct rig_answer receive(const struct came *came) {
    char reference[UUID_TEXT_SIZE];
    uuid_format(rig_id(), reference);
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = came->amount_minor;
    amount.currency = (char *)(uintptr_t)(came->currency ? came->currency : "IDR");
    Tagih__V1__ReceiveSuspenseRequest request = TAGIH__V1__RECEIVE_SUSPENSE_REQUEST__INIT;
    request.source = came->source ? came->source : SOURCE(BANK);
    request.source_reference = came->reference ? (char *)(uintptr_t)came->reference : reference;
    request.amount = &amount;
    request.value_us = came->value.us ? came->value.us : clock_now().us - US_PER_MINUTE;
    if (came->payer) request.payer = (char *)(uintptr_t)came->payer;
    if (came->note) request.note = (char *)(uintptr_t)came->note;
    return rig_call(&rig, came->token ? came->token : token(teller.gateway), "SuspenseService/ReceiveSuspense", &request);
}

static const Tagih__V1__SuspenseItem *received(const struct came *came) {
    struct rig_answer answer = receive(came);
    assert_answer(answer, OK);
    return ((const Tagih__V1__ReceiveSuspenseResponse *)answer.response)->item;
}

static const Tagih__V1__ListSuspenseResponse *listed(int32_t page_size, const char *page_token) {
    Tagih__V1__ListSuspenseRequest request = TAGIH__V1__LIST_SUSPENSE_REQUEST__INIT;
    request.page_size = page_size;
    if (page_token) request.page_token = (char *)(uintptr_t)page_token;
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "SuspenseService/ListSuspense", &request);
    assert_answer(answer, OK);
    return answer.response;
}

/* An item as the list shows it now; NULL: it does not wait. */
static const Tagih__V1__SuspenseItem *waiting(const char *item_id) {
    const char *page = NULL;
    do {
        const Tagih__V1__ListSuspenseResponse *list = listed(200, page);
        for (size_t i = 0; i < list->n_items; i++) {
            if (strcmp(list->items[i]->item_id, item_id) == 0) return list->items[i];
        }
        page = list->next_page_token;
    } while (*page);
    return NULL;
}

/* ---- coming in ------------------------------------------------------------------------------------------------ */

//= RULES.md R-PAY-2
//  RECEIVED → SUSPENSE
static void money_of_nobody_known_stands_in_suspense(void **state) {
    (void)state;
    instant value = teller_noon(-3);
    const Tagih__V1__SuspenseItem *item =
        received(&(struct came){.amount_minor = MINOR(1000000), .reference = "BANK-J20", .payer = "BCA 123", .note = "angsuran", .value = value});
    // J20: bank 1 000 000 · suspense 1 000 000
    uuid id = rig_uuid(item->item_id);
    assert_int_equal(line(id, LEDGER_BANK), MINOR(1000000));
    assert_int_equal(line(id, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(lines(id), 2);
    assert_int_equal(item->state, TAGIH__V1__SUSPENSE_STATE__SUSPENSE_STATE_WAITING);
    assert_int_equal(item->origin, TAGIH__V1__SUSPENSE_ORIGIN__SUSPENSE_ORIGIN_CALL);
    assert_int_equal(item->source, SOURCE(BANK));
    assert_string_equal(item->source_reference, "BANK-J20");
    assert_string_equal(item->payer, "BCA 123");
    assert_string_equal(item->note, "angsuran");
    assert_int_equal(item->amount->minor, MINOR(1000000));
    assert_int_equal(item->value_us, value.us);
    assert_string_equal(item->account_id, "");
    assert_non_null(waiting(item->item_id));
    // J20, the other half: (or clearing) 1 000 000 · suspense 1 000 000
    item = received(&(struct came){.source = SOURCE(GATEWAY), .amount_minor = MINOR(1000000)});
    id = rig_uuid(item->item_id);
    assert_int_equal(line(id, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(line(id, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(lines(id), 2);
    assert_int_equal(teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 34", id), 1);
}

//= RULES.md R-PAY-5
//  Payment identity = (agency, source, source reference), unique over all files and calls; the same reference with
//  other content is refused.
static void an_identity_is_one_item_or_one_payment_never_both(void **state) {
    (void)state;
    struct came came = {.source = SOURCE(GATEWAY), .reference = "GW-S1", .amount_minor = MINOR(5000), .value = teller_noon(-1)};
    const Tagih__V1__SuspenseItem *first = received(&came), *again = received(&came);
    assert_string_equal(first->item_id, again->item_id);
    struct came other = came;
    other.amount_minor++;
    assert_answer(receive(&other), PAYMENT_IDENTITY_REUSED);
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    teller_paid(&teller, account, &(struct paid){.reference = "GW-S2", .amount_minor = MINOR(5000), .value = teller_noon(-1)});
    came.reference = "GW-S2";
    assert_answer(receive(&came), PAYMENT_IDENTITY_REUSED);
    came.source = SOURCE(BRANCH); /* another source has references of its own */
    received(&came);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense where source_reference like 'GW-S_'"), 2);
}

static void what_no_money_can_be_is_refused_with_its_field(void **state) {
    (void)state;
    static char long_note[502];
    memset(long_note, 'x', 501);
    const struct {
        struct came came;
        const char *reason, *field;
    } cases[] = {
        {{.amount_minor = 0}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = -100}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = MONEY_AMOUNT_MAX_MINOR + 1}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = INT64_MAX}, "PAYMENT_AMOUNT", "amount.minor"},
        {{.amount_minor = 100, .currency = "XXQ"}, "MONEY_CURRENCY_UNKNOWN", "amount.currency"},
        {{.amount_minor = 100, .reference = ""}, "REQUEST_FIELD_MISSING", "source_reference"},
        {{.amount_minor = 100, .payer = "a\nb"}, "TEXT_INVALID", "payer"},
        {{.amount_minor = 100, .note = long_note}, "TEXT_INVALID", "note"},
        {{.amount_minor = 100, .source = SOURCE(FIELD)}, "REQUEST_FIELD_RANGE", "source"},
        {{.amount_minor = 100, .source = SOURCE(SUSPENSE)}, "REQUEST_FIELD_RANGE", "source"},
        {{.amount_minor = 100, .value = {1}}, "REQUEST_TIME", "value_us"},
        {{.amount_minor = 100, .value = {clock_now().us + 6 * US_PER_MINUTE}}, "PAYMENT_FUTURE", "value_us"},
    };
    int64_t before = pg_number(&rig.pg, "select count(*) from suspense");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig_answer answer = receive(&cases[i].came);
        assert_string_equal(answer.reason, cases[i].reason);
        assert_string_equal(answer.field, cases[i].field);
    }
    assert_answer(receive(&(struct came){.amount_minor = 100, .token = token(collector)}), NOT_PERMITTED);
    assert_answer(receive(&(struct came){.amount_minor = 100, .token = token(teller.supervisor)}), NOT_PERMITTED);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense"), before);
}

//= RULES.md R-PAY-2d
//  A reversal that leaves its money in suspense makes an item of its own, valued as the payment was
static void a_mispost_waits_in_suspense_as_an_item_of_its_own(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    instant value = teller_noon(-2);
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000), .value = value});
    assert_answer(teller_reverse(&teller, payment, REASON(MISPOST)), OK);
    char sql[200];
    snprintf(sql, sizeof sql, "select item_id from suspense where trigger_id = '%s'", rig_text(payment.u));
    const Tagih__V1__SuspenseItem *item = waiting(pg_value(&rig.pg, sql));
    assert_non_null(item);
    assert_int_equal(item->origin, TAGIH__V1__SUSPENSE_ORIGIN__SUSPENSE_ORIGIN_REVERSAL);
    assert_int_equal(item->source, SOURCE(SUSPENSE));
    assert_int_equal(item->amount->minor, MINOR(5000000));
    assert_int_equal(item->value_us, value.us); /* it counts from when it was received */
    assert_string_equal(item->origin_id, rig_text(payment.u));
    assert_int_equal(item->n_matches, 0); /* it was taken back from there: nothing speaks for it */
    // J5: suspense 5 000 000, in the reversal's own posting
    assert_int_equal(line(rig_uuid(item->item_id), LEDGER_SUSPENSE), -MINOR(5000000));
}

static void other_reversals_leave_nothing_in_suspense(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    int64_t before = pg_number(&rig.pg, "select count(*) from suspense");
    payment_id payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    assert_answer(teller_reverse(&teller, payment, REASON(NEVER_RECEIVED)), OK);
    payment = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
    assert_answer(teller_reverse(&teller, payment, REASON(BANK_RECALL)), OK);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from suspense"), before);
}

static void close_account(account_id account, int status, instant at) {
    char sql[700];
    snprintf(sql, sizeof sql,
             "update account_state set status = %d where account_id = '%s';"
             "insert into account_event (agency_id, event_id, account_id, at_us, kind, status_before, status_after)"
             " values ('%s', gen_random_uuid(), '%s', %lld, 'CLOSED', 3, %d)",
             status, rig_text(account.u), rig_text(teller.agency.u), rig_text(account.u), (long long)at.us, status);
    pg_exec(&rig.pg, sql);
}

//= RULES.md R-LIF-1
//  on one closed otherwise a payment valued before the closing posts, flagged, and one valued after it is quarantined (a
//  payment that is no entry: suspense)
static void money_for_a_closed_account_waits_and_its_sender_is_told(void **state) {
    (void)state;
    account_id returned = teller_account(&teller, nobody, &debt_j1, 1);
    close_account(returned, 12, teller_noon(-3));
    struct paid paid = {.amount_minor = MINOR(1000000), .reference = "GW-CLOSED", .value = teller_noon(-1)};
    struct rig_answer answer = teller_post(&teller, returned, &paid);
    assert_answer(answer, OK);
    const Tagih__V1__PostPaymentResponse *response = answer.response;
    assert_null(response->payment);
    const Tagih__V1__SuspenseItem *item = waiting(response->suspense_item_id);
    assert_non_null(item);
    assert_int_equal(item->origin, TAGIH__V1__SUSPENSE_ORIGIN__SUSPENSE_ORIGIN_ACCOUNT);
    assert_int_equal(item->source, SOURCE(GATEWAY));
    assert_string_equal(item->account_id, rig_text(returned.u));
    assert_int_equal(item->value_us, paid.value.us);
    assert_string_equal(item->matches[0]->reasons[0], "the money was sent for this account");
    // J20: (or clearing) 1 000 000 · suspense 1 000 000
    uuid id = rig_uuid(item->item_id);
    assert_int_equal(line(id, LEDGER_TRANSFER_CLEARING), MINOR(1000000));
    assert_int_equal(line(id, LEDGER_SUSPENSE), -MINOR(1000000));
    assert_int_equal(lines(id), 2);
    assert_int_equal(teller_open_minor(&teller, returned), MINOR(4000000));
    assert_int_equal(teller_number(&teller, "select count(*) from account_silence_state where account_id = '%s'", returned.u), 1);
    answer = teller_post(&teller, returned, &paid); /* the same again */
    assert_answer(answer, OK);
    assert_string_equal(((const Tagih__V1__PostPaymentResponse *)answer.response)->suspense_item_id, item->item_id);
    paid.amount_minor++;
    assert_answer(teller_post(&teller, returned, &paid), PAYMENT_IDENTITY_REUSED);
    assert_answer(receive(&(struct came){.source = SOURCE(GATEWAY), .reference = "GW-CLOSED", .amount_minor = MINOR(1000000), .value = paid.value}),
                  PAYMENT_IDENTITY_REUSED); /* that one names no account */
}

/* ---- going out ------------------------------------------------------------------------------------------------ */

static struct rig_answer propose_release(const char *item_id, account_id account, user_id maker) {
    Tagih__V1__ReleaseSuspenseRequest request = TAGIH__V1__RELEASE_SUSPENSE_REQUEST__INIT;
    request.item_id = (char *)(uintptr_t)item_id;
    request.account_id = (char *)(uintptr_t)rig_text(account.u);
    request.reason = (char *)(uintptr_t)"he called and named his contract";
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    return rig_call(&rig, token(maker), "SuspenseService/ReleaseSuspense", &request);
}

static struct rig_answer propose_return(const char *item_id, user_id maker) {
    Tagih__V1__ReturnSuspenseRequest request = TAGIH__V1__RETURN_SUSPENSE_REQUEST__INIT;
    request.item_id = (char *)(uintptr_t)item_id;
    request.reason = (char *)(uintptr_t)"nobody of ours";
    request.request_id = (char *)(uintptr_t)rig_text(rig_id());
    return rig_call(&rig, token(maker), "SuspenseService/ReturnSuspense", &request);
}

static const char *release_proposal(const char *item_id, account_id account) {
    struct rig_answer answer = propose_release(item_id, account, teller.cashier);
    assert_answer(answer, OK);
    return ((const Tagih__V1__ReleaseSuspenseResponse *)answer.response)->proposal_id;
}

static const char *return_proposal(const char *item_id) {
    struct rig_answer answer = propose_return(item_id, teller.cashier);
    assert_answer(answer, OK);
    return ((const Tagih__V1__ReturnSuspenseResponse *)answer.response)->proposal_id;
}

//= RULES.md R-PAY-2
//  SUSPENSE → POSTED (matched by a second person, valued when received)
static void a_second_person_releases_and_it_counts_from_when_it_was_received(void **state) {
    (void)state;
    struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(900000)}};
    account_id account = teller_account(&teller, nobody, &debt, 1);
    instant value = teller_noon(-9);
    const char *item = received(&(struct came){.amount_minor = MINOR(1000000), .reference = "BANK-J21", .payer = "BCA 777", .value = value})->item_id;
    struct rig_answer answer = teller_decide(&teller, teller.supervisor, release_proposal(item, account), true);
    // J21: suspense 1 000 000 · receivable 900 000, customer credit 100 000
    payment_id payment = {posting_of(answer)};
    assert_int_equal(line(payment.u, LEDGER_SUSPENSE), MINOR(1000000));
    assert_int_equal(line(payment.u, LEDGER_RECEIVABLE_PRINCIPAL), -MINOR(900000));
    assert_int_equal(line(payment.u, LEDGER_CUSTOMER_CREDIT), -MINOR(100000));
    assert_int_equal(lines(payment.u), 3);
    assert_null(waiting(item));
    struct rig_answer seen = teller_get(&teller, NULL, payment);
    assert_answer(seen, OK);
    const Tagih__V1__Payment *posted = ((const Tagih__V1__GetPaymentResponse *)seen.response)->payment;
    assert_int_equal(posted->value_us, value.us);
    assert_int_equal(posted->source, SOURCE(BANK));
    assert_string_equal(posted->source_reference, "BANK-J21");
    assert_int_equal(
        teller_number(
            &teller, "select count(*) from suspense_decision where outcome = 3 and item_id = '%s' and made_by <> decided_by",
            rig_uuid(item)),
        1);
    /* the payer is known from now on */
    const Tagih__V1__SuspenseItem *next = received(&(struct came){.amount_minor = MINOR(1), .payer = "BCA 777"});
    next = waiting(next->item_id);
    assert_int_equal(next->n_matches, 1);
    assert_string_equal(next->matches[0]->account_id, rig_text(account.u));
    assert_string_equal(next->matches[0]->reasons[0], "money of the same payer was posted to this account before");
}

//= RULES.md R-PAY-2
//  or RETURNED (second person)
static void a_second_person_gives_it_back(void **state) {
    (void)state;
    const char *item = received(&(struct came){.amount_minor = MINOR(1000000)})->item_id;
    struct rig_answer answer = teller_decide(&teller, teller.supervisor, return_proposal(item), true);
    // J21: suspense 1 000 000 · bank 1 000 000
    uuid posting = posting_of(answer);
    assert_int_equal(line(posting, LEDGER_SUSPENSE), MINOR(1000000));
    assert_int_equal(line(posting, LEDGER_BANK), -MINOR(1000000));
    assert_int_equal(lines(posting), 2);
    assert_null(waiting(item));
    assert_int_equal(teller_number(&teller, "select count(*) from suspense_decision where outcome = 4 and item_id = '%s'",
                                   rig_uuid(item)),
                     1);
    assert_int_equal(
        teller_number(&teller, "select count(*) from change where object_id = '%s' and kind = 35", rig_uuid(item)), 1);
}

//= RULES.md R-APR-1
//  nobody approves his own proposal, whatever roles he has
static void money_moves_once_and_never_by_one_person(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    const char *item = received(&(struct came){.amount_minor = MINOR(70000)})->item_id;
    struct rig_answer own = propose_release(item, account, teller.supervisor);
    assert_answer(own, OK);
    const char *proposal = ((const Tagih__V1__ReleaseSuspenseResponse *)own.response)->proposal_id;
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), PROPOSAL_OWN);
    assert_answer(propose_release(item, account, teller.cashier), PROPOSAL_EXISTS);
    const char *back = return_proposal(item); /* somebody else thinks otherwise */
    assert_answer(teller_decide(&teller, teller.admin, proposal, true), OK);
    assert_answer(teller_decide(&teller, teller.admin, proposal, true), PROPOSAL_DECIDED);
    assert_answer(teller_decide(&teller, teller.supervisor, back, true), SUSPENSE_ILLEGAL_TRANSITION);
    assert_answer(propose_release(item, account, teller.cashier), SUSPENSE_ILLEGAL_TRANSITION);
    assert_answer(propose_return(item, teller.cashier), SUSPENSE_ILLEGAL_TRANSITION);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(3930000));
    struct rig_answer withdrawn = teller_decide(&teller, teller.cashier, back, false); /* its maker takes it back */
    assert_answer(withdrawn, OK);
}

//= RULES.md R-PAY-2d
//  and a receipt is counted once
static void cash_of_a_receipt_finds_another_account_and_the_receipt_counts_once(void **state) {
    (void)state;
    account_id wrong = teller_account(&teller, collector, &debt_j1, 1), right = teller_account(&teller, collector, &debt_j1, 1);
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    struct writer w;
    writer_begin(&w, &rig, &phone);
    w.at.us = clock_now().us - 20 * US_PER_S;
    struct journal_entry receipt = writer_receipt(&w, wrong, MINOR(5000000));
    size_t at = writer_sign(&w, &receipt);
    struct rig_answer pushed = writer_push_range(&w, at, at);
    assert_answer(pushed, OK);
    payment_id payment = {w.entries[at].id.u};
    struct rig_answer reversed = teller_reverse(&teller, payment, REASON(MISPOST));
    assert_answer(reversed, OK);
    char sql[200];
    snprintf(sql, sizeof sql, "select item_id from suspense where trigger_id = '%s'", rig_text(payment.u));
    const char *item = waiting(pg_value(&rig.pg, sql))->item_id;
    struct rig_answer answer = teller_decide(&teller, teller.supervisor, release_proposal(item, right), true);
    payment_id released = {posting_of(answer)};
    assert_int_equal(line(released.u, LEDGER_SUSPENSE), MINOR(5000000));
    assert_int_equal(line(released.u, LEDGER_CUSTOMER_CREDIT), -MINOR(1000000));
    assert_int_equal(teller_open_minor(&teller, right), 0);
    assert_int_equal(teller_open_minor(&teller, wrong), MINOR(4000000));
    assert_int_equal(teller_number(&teller, "select cash_held_minor from collector_state where collector_id = '%s'", collector.u), MINOR(5000000));
    assert_int_equal(teller_number(&teller, "select count(*) from bonus_line where kind = 1 and payment_id = '%s'", released.u), 1);
    writer_end(&w);
}

static void it_goes_only_where_it_may(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1), closed = teller_account(&teller, nobody, &debt_j1, 1);
    close_account(closed, 12, teller_noon(-30));
    const char *dollars = received(&(struct came){.amount_minor = 500, .currency = "USD"})->item_id;
    const char *item = received(&(struct came){.amount_minor = 500})->item_id;
    assert_answer(propose_release(dollars, account, teller.cashier), SUSPENSE_ACCOUNT);
    assert_answer(propose_release(item, closed, teller.cashier), SUSPENSE_ACCOUNT);
    assert_answer(propose_release(item, (account_id){rig_id()}, teller.cashier), SUSPENSE_ACCOUNT);
    assert_answer(propose_release(rig_text(rig_id()), account, teller.cashier), NOT_PERMITTED);
    assert_answer(propose_return(rig_text(rig_id()), teller.cashier), NOT_PERMITTED);
    assert_answer(propose_release(item, account, collector), NOT_PERMITTED);
    const char *proposal = release_proposal(item, account);
    close_account(account, 12, teller_noon(-30)); /* between the two people */
    assert_answer(teller_decide(&teller, teller.supervisor, proposal, true), SUSPENSE_ACCOUNT);
    assert_non_null(waiting(item));
}

//= RULES.md R-PAY-2d
//  what it is posted as later has source SUSPENSE and the item's id as its reference: the payment that was taken back
//  keeps its own identity
static void a_mispost_finds_its_account_and_can_be_wrong_again(void **state) {
    (void)state;
    account_id wrong = teller_account(&teller, nobody, &debt_j1, 1), right = teller_account(&teller, nobody, &debt_j1, 1);
    instant value = teller_noon(-2);
    payment_id payment = teller_paid(&teller, wrong, &(struct paid){.amount_minor = MINOR(5000), .reference = "GW-MIS", .value = value});
    for (int round = 0; round < 2; round++) {
        char sql[200];
        assert_answer(teller_reverse(&teller, payment, REASON(MISPOST)), OK);
        snprintf(sql, sizeof sql, "select item_id from suspense where trigger_id = '%s'", rig_text(payment.u));
        const char *item = waiting(pg_value(&rig.pg, sql))->item_id;
        struct rig_answer answer = teller_decide(&teller, teller.supervisor, release_proposal(item, right), true);
        payment.u = posting_of(answer);
        struct rig_answer seen = teller_get(&teller, NULL, payment);
        const Tagih__V1__Payment *posted = ((const Tagih__V1__GetPaymentResponse *)seen.response)->payment;
        assert_int_equal(posted->source, SOURCE(SUSPENSE));
        assert_string_equal(posted->source_reference, item);
        assert_string_equal(posted->tag, "GATEWAY");
        assert_int_equal(posted->value_us, value.us);
        assert_int_equal(teller_open_minor(&teller, right), MINOR(3995000));
    }
    assert_int_equal(teller_open_minor(&teller, wrong), MINOR(4000000));
    struct rig_answer again = teller_post(&teller, wrong, &(struct paid){.amount_minor = MINOR(5000), .reference = "GW-MIS", .value = value});
    assert_answer(again, OK); /* a retry of the first call gets its payment, which was taken back */
    assert_true(((const Tagih__V1__PostPaymentResponse *)again.response)->payment->reversed);
}

/* ---- listed --------------------------------------------------------------------------------------------------- */

static const char *account_no(account_id account) {
    char sql[200];
    snprintf(sql, sizeof sql, "select account_no from account where account_id = '%s'", rig_text(account.u));
    return pg_value(&rig.pg, sql);
}

static const Tagih__V1__SuspenseMatch *match_of(const Tagih__V1__SuspenseItem *item, account_id account) {
    for (size_t i = 0; i < item->n_matches; i++) {
        if (strcmp(item->matches[i]->account_id, rig_text(account.u)) == 0) return item->matches[i];
    }
    return NULL;
}

//= RULES.md R-PAY-2b
//  Hints are ranked by the sum of the points of an account's different reasons, at most 100
static void an_item_names_the_accounts_that_it_may_belong_to_and_why(void **state) {
    (void)state;
    struct debt odd = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(777123)}};
    account_id by_number = teller_account(&teller, nobody, &debt_j1, 1), by_amount = teller_account(&teller, nobody, &odd, 1);
    account_id by_customer = teller_account_of(&teller, "CUST-7711", nobody, &debt_j1, 1);
    account_id by_plate = teller_account(&teller, nobody, &debt_j1, 1), promised = teller_account(&teller, nobody, &debt_j1, 1);
    char sql[500], note[200];
    snprintf(sql, sizeof sql, "set session_replication_role = replica; update account set plate = 'B 1234 XYZ' where account_id = '%s';"
             " set session_replication_role = origin", rig_text(by_plate.u));
    pg_exec(&rig.pg, sql);
    civil_date due_on = {(int32_t)((teller_noon(0).us + 7 * 60 * US_PER_MINUTE) / US_PER_DAY) + 3};
    rig_promise(&rig, teller.agency, promised, &(struct rig_promise){.amount_minor = MINOR(777123), .due_on = due_on});
    snprintf(note, sizeof note, "bayar %s dan cust-7711 utk b1234xyz", account_no(by_number));
    const Tagih__V1__SuspenseItem *item = received(&(struct came){.amount_minor = MINOR(777123), .note = note});
    item = waiting(item->item_id);
    assert_int_equal(item->n_matches, 5);
    assert_string_equal(item->matches[0]->account_id, rig_text(by_number.u));
    assert_int_equal(item->matches[0]->points, 90);
    assert_string_equal(item->matches[0]->reasons[0], "the text names this account's number");
    assert_string_equal(match_of(item, by_customer)->reasons[0], "the text names the number of this account's customer");
    assert_string_equal(match_of(item, by_plate)->reasons[0], "the text names the plate of this account's asset");
    assert_string_equal(match_of(item, promised)->reasons[0], "this amount was promised for this account");
    assert_string_equal(match_of(item, by_amount)->reasons[0], "an open instalment of this account has this amount");
    assert_string_equal(item->matches[4]->account_id, rig_text(by_amount.u));
}

static void an_amount_that_many_owe_names_nobody(void **state) {
    (void)state;
    struct debt common = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(555555)}};
    for (int i = 0; i < 6; i++) teller_account(&teller, nobody, &common, 1);
    const Tagih__V1__SuspenseItem *item = received(&(struct came){.amount_minor = MINOR(555555)});
    assert_int_equal(waiting(item->item_id)->n_matches, 0);
}

static void hints_stay_within_the_agency(void **state) {
    (void)state;
    struct teller other;
    teller_open(&other, &rig, rig_agency(&rig, "Other"));
    account_id foreign = teller_account(&other, nobody, &debt_j1, 1);
    const Tagih__V1__SuspenseItem *item = received(&(struct came){.amount_minor = MINOR(4000000), .note = account_no(foreign)});
    assert_null(match_of(waiting(item->item_id), foreign));
    Tagih__V1__ListSuspenseRequest request = TAGIH__V1__LIST_SUSPENSE_REQUEST__INIT;
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, other.agency, other.supervisor, 0), "SuspenseService/ListSuspense", &request);
    assert_answer(answer, OK);
    assert_int_equal(((const Tagih__V1__ListSuspenseResponse *)answer.response)->n_items, 0);
    assert_answer(rig_call(&rig, token(collector), "SuspenseService/ListSuspense", &request), NOT_PERMITTED);
}

static void the_list_comes_in_pages_the_oldest_first(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) received(&(struct came){.amount_minor = 100, .value = teller_noon(-20 - i)});
    int64_t all = pg_number(&rig.pg, "select count(*) from suspense_state where state = 2"), seen = 0, last_us = INT64_MIN;
    const char *page = NULL;
    do {
        const Tagih__V1__ListSuspenseResponse *list = listed(2, page);
        assert_in_range(list->n_items, 1, 2);
        for (size_t i = 0; i < list->n_items; i++, seen++) {
            assert_true(list->items[i]->value_us >= last_us);
            last_us = list->items[i]->value_us;
        }
        page = list->next_page_token;
    } while (*page);
    assert_int_equal(seen, all);
    Tagih__V1__ListSuspenseRequest request = TAGIH__V1__LIST_SUSPENSE_REQUEST__INIT;
    request.page_token = (char *)(uintptr_t)"bm90aGluZw";
    assert_answer(rig_call(&rig, token(teller.supervisor), "SuspenseService/ListSuspense", &request), PAGE_TOKEN);
}

//= RULES.md R-PAY-2c
//  Ages of money in suspense, in days since it was received: 0–1, 2–7, 8–30, 31–90, over 90
static void what_waits_is_counted_by_age_and_currency(void **state) {
    (void)state;
    struct teller other;
    teller_open(&other, &rig, rig_agency(&rig, "Ages"));
    const struct {
        int in_days;
        int64_t amount_minor;
        const char *currency;
    } items[] = {{-1, 100, "IDR"}, {-2, 200, "IDR"}, {-7, 300, "IDR"}, {-8, 400, "IDR"}, {-91, 500, "IDR"}, {-3, 600, "USD"}};
    const char *token = rig_staff_token(&rig, other.agency, other.gateway, 0);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        received(&(struct came){.amount_minor = items[i].amount_minor, .currency = items[i].currency, .token = token, .value = teller_noon(items[i].in_days)});
    }
    Tagih__V1__ReportSuspenseAgesRequest request = TAGIH__V1__REPORT_SUSPENSE_AGES_REQUEST__INIT;
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, other.agency, other.cashier, 0), "SuspenseService/ReportSuspenseAges", &request);
    assert_answer(answer, OK);
    const Tagih__V1__ReportSuspenseAgesResponse *report = answer.response;
    const struct {
        const char *currency;
        int32_t from, to;
        int64_t items, minor;
    } ages[] = {{"IDR", 0, 1, 1, 100}, {"IDR", 2, 7, 2, 500}, {"IDR", 8, 30, 1, 400}, {"IDR", 91, 0, 1, 500}, {"USD", 2, 7, 1, 600}};
    assert_int_equal(report->n_ages, COUNT_OF(ages));
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        assert_string_equal(report->ages[i]->currency, ages[i].currency);
        assert_int_equal(report->ages[i]->days_from, ages[i].from);
        assert_int_equal(report->ages[i]->days_to, ages[i].to);
        assert_int_equal(report->ages[i]->items, ages[i].items);
        assert_int_equal(report->ages[i]->amount->minor, ages[i].minor);
    }
    assert_int_equal(report->n_totals, 2);
    assert_int_equal(report->totals[0]->minor, 1500);
    assert_string_equal(report->totals[1]->currency, "USD");
    assert_int_equal(report->totals[1]->minor, 600);
}

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void all_books_are_computed_again(void **state) {
    (void)state;
    assert_books_hold(rig.pg.conninfo);
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_SUSPENSE, EXPECTED_SUSPENSE_RETURN);
}

#define HELD(test) cmocka_unit_test_teardown(test, suspense_adds_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        HELD(money_of_nobody_known_stands_in_suspense),
        HELD(an_identity_is_one_item_or_one_payment_never_both),
        HELD(what_no_money_can_be_is_refused_with_its_field),
        HELD(a_mispost_waits_in_suspense_as_an_item_of_its_own),
        HELD(other_reversals_leave_nothing_in_suspense),
        HELD(money_for_a_closed_account_waits_and_its_sender_is_told),
        HELD(a_second_person_releases_and_it_counts_from_when_it_was_received),
        HELD(a_second_person_gives_it_back),
        HELD(money_moves_once_and_never_by_one_person),
        HELD(cash_of_a_receipt_finds_another_account_and_the_receipt_counts_once),
        HELD(it_goes_only_where_it_may),
        HELD(a_mispost_finds_its_account_and_can_be_wrong_again),
        HELD(an_item_names_the_accounts_that_it_may_belong_to_and_why),
        HELD(an_amount_that_many_owe_names_nobody),
        HELD(hints_stay_within_the_agency),
        HELD(the_list_comes_in_pages_the_oldest_first),
        HELD(what_waits_is_counted_by_age_and_currency),
        cmocka_unit_test(all_books_are_computed_again),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
    };
    return cmocka_run_group_tests(tests, open_rig, close_desk);
}
