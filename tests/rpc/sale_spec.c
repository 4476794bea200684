/* SPDX-License-Identifier: Apache-2.0 */
/* The money of a sale of collateral from the outside: hammer, waterfall, what the house and the debtor get, and the way back. */
#include "tests/rpc/sale_case.h"
#include "tests/support/verifier.h"

static const user_id nobody;

/* ---- calls ---------------------------------------------------------------------------------------------------- */

struct sold {
    int64_t hammer_minor;
    const char *asset, *lot, *in; /* NULL: a new one, a new one, IDR */
    int64_t sold_us;              /* 0: a minute ago */
    user_id maker;                /* nil: the supervisor */
};

static struct rig_answer record(account_id account, const struct sold *that) {
    Tagih__V1__RecordSaleRequest request = TAGIH__V1__RECORD_SALE_REQUEST__INIT;
    Tagih__V1__Money hammer = TAGIH__V1__MONEY__INIT;
    hammer.minor = that->hammer_minor;
    hammer.currency = TEXT(that->in ? that->in : "IDR");
    request.account_id = TEXT(rig_text(account.u));
    request.asset_reference = TEXT(that->asset ? that->asset : rig_text(rig_id()));
    request.house = TEXT("Balai Lelang");
    request.lot = TEXT(that->lot ? that->lot : rig_text(rig_id()));
    request.hammer = &hammer;
    request.protocol_sha256 = digest();
    request.sold_us = that->sold_us ? that->sold_us : clock_now().us - US_PER_MINUTE;
    request.reason = TEXT("the auction of today");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(uuid_is_nil(that->maker.u) ? teller.supervisor : that->maker), "SaleService/RecordSale", &request);
}

static const Tagih__V1__Sale *get(uuid sale) {
    Tagih__V1__GetSaleRequest request = TAGIH__V1__GET_SALE_REQUEST__INIT;
    request.sale_id = TEXT(rig_text(sale));
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "SaleService/GetSale", &request);
    assert_answer(answer, OK);
    return ((const Tagih__V1__GetSaleResponse *)answer.response)->sale;
}

static struct rig_answer settle_in(uuid sale, int64_t costs_minor, const char *in, const char *etag) {
    Tagih__V1__SettleSaleRequest request = TAGIH__V1__SETTLE_SALE_REQUEST__INIT;
    Tagih__V1__Money costs = TAGIH__V1__MONEY__INIT;
    costs.minor = costs_minor;
    costs.currency = TEXT(in);
    request.sale_id = TEXT(rig_text(sale));
    request.sale_costs = &costs;
    request.etag = TEXT(etag);
    request.reason = TEXT("their bill is here");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.supervisor), "SaleService/SettleSale", &request);
}

static struct rig_answer settle(uuid sale, int64_t costs_minor) {
    return settle_in(sale, costs_minor, "IDR", get(sale)->etag);
}

static struct rig_answer take_back(uuid sale) {
    Tagih__V1__TakeBackSaleRequest request = TAGIH__V1__TAKE_BACK_SALE_REQUEST__INIT;
    request.sale_id = TEXT(rig_text(sale));
    request.etag = TEXT(get(sale)->etag);
    request.reason = TEXT("a wrong figure");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.supervisor), "SaleService/TakeBackSale", &request);
}

static struct rig_answer receive(uuid sale, int64_t amount_minor) {
    Tagih__V1__ReceiveSaleProceedsRequest request = TAGIH__V1__RECEIVE_SALE_PROCEEDS_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.sale_id = TEXT(rig_text(sale));
    request.amount = &amount;
    request.reference = TEXT(rig_text(rig_id()));
    request.value_us = clock_now().us - US_PER_S;
    request.etag = TEXT(get(sale)->etag);
    request.reason = TEXT("it stands on the statement");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.cashier), "SaleService/ReceiveSaleProceeds", &request);
}

static struct rig_answer pay_surplus(uuid sale, int64_t amount_minor) {
    Tagih__V1__PaySurplusRequest request = TAGIH__V1__PAY_SURPLUS_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    amount.minor = amount_minor;
    amount.currency = TEXT("IDR");
    request.sale_id = TEXT(rig_text(sale));
    request.amount = &amount;
    request.reference = TEXT(rig_text(rig_id()));
    request.value_us = clock_now().us - US_PER_S;
    request.etag = TEXT(get(sale)->etag);
    request.reason = TEXT("to his account");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(&rig, token(teller.cashier), "SaleService/PaySurplus", &request);
}

static const Tagih__V1__ListSalesResponse *list(const char *account, bool surplus_open, int32_t page_size, const char *page_token) {
    Tagih__V1__ListSalesRequest request = TAGIH__V1__LIST_SALES_REQUEST__INIT;
    request.account_id = TEXT(account);
    request.surplus_open = surplus_open;
    request.page_size = page_size;
    if (page_token) request.page_token = TEXT(page_token);
    struct rig_answer answer = rig_call(&rig, token(teller.supervisor), "SaleService/ListSales", &request);
    assert_answer(answer, OK);
    return answer.response;
}

/* The sale's id is that of its first posting. */
static uuid sold(account_id account, int64_t hammer_minor) {
    return approved(record(account, &(struct sold){.hammer_minor = hammer_minor}));
}

static payment_id payment_of(uuid sale) {
    payment_id payment;
    assert_ok(uuid_parse(get(sale)->payment_id, &payment.u));
    return payment;
}

/* fees 500 000, penalty 1 000 000, interest 2 500 000, principal 16 000 000 */
static const struct debt debt_j26 = {.due_minor = {[COMPONENT_FEES] = MINOR(500000), [COMPONENT_PENALTY] = MINOR(1000000),
                                                   [COMPONENT_INTEREST] = MINOR(2500000), [COMPONENT_PRINCIPAL] = MINOR(16000000)}};

/* ---- the whole of it ------------------------------------------------------------------------------------------ */

//= RULES.md R-RPO-7
//  Proceeds: sale costs → taking costs → debt by its rule set → surplus owed to the debtor with a deadline, or shortfall
//  still owed.
static void proceeds_of_an_auction_find_everybody_who_is_owed(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j26, 1);
    approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000)}));
    uuid sale = sold(account, MINOR(30000000));
    // J25: auction clearing 30 000 000 · sale proceeds 30 000 000
    assert_lines(sale, {LEDGER_AUCTION_CLEARING, MINOR(30000000)}, {LEDGER_SALE_PROCEEDS, -MINOR(30000000)});
    assert_int_equal(get(sale)->state, TAGIH__V1__SALE_STATE__SALE_STATE_HAMMERED);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(20000000));
    uuid shared = approved(settle(sale, MINOR(1500000)));
    // J26: sale proceeds 30 000 000 · sale costs payable 1 500 000; recoverable costs 2 000 000; receivable: fees 500 000,
    //      penalty 1 000 000, interest 2 500 000, principal 16 000 000; surplus owed 6 500 000
    assert_lines(shared, {LEDGER_SALE_PROCEEDS, MINOR(30000000)}, {LEDGER_SALE_COSTS_PAYABLE, -MINOR(1500000)},
                 {LEDGER_RECOVERABLE_COSTS, -MINOR(2000000)}, {LEDGER_RECEIVABLE_FEES, -MINOR(500000)},
                 {LEDGER_RECEIVABLE_PENALTY, -MINOR(1000000)}, {LEDGER_RECEIVABLE_INTEREST, -MINOR(2500000)},
                 {LEDGER_RECEIVABLE_PRINCIPAL, -MINOR(16000000)}, {LEDGER_SURPLUS_OWED, -MINOR(6500000)});
    assert_int_equal(teller_open_minor(&teller, account), 0);
    uuid received = approved(receive(sale, MINOR(28500000)));
    // J27: bank 28 500 000, sale costs payable 1 500 000 · auction clearing 30 000 000
    assert_lines(received, {LEDGER_BANK, MINOR(28500000)}, {LEDGER_SALE_COSTS_PAYABLE, MINOR(1500000)},
                 {LEDGER_AUCTION_CLEARING, -MINOR(30000000)});
    uuid paid = approved(pay_surplus(sale, MINOR(6500000)));
    // J27, second half: surplus owed 6 500 000 · bank 6 500 000
    assert_lines(paid, {LEDGER_SURPLUS_OWED, MINOR(6500000)}, {LEDGER_BANK, -MINOR(6500000)});
    static const enum ledger_account empty[] = {LEDGER_AUCTION_CLEARING, LEDGER_SALE_PROCEEDS, LEDGER_SALE_COSTS_PAYABLE,
                                                LEDGER_RECOVERABLE_COSTS, LEDGER_SURPLUS_OWED};
    for (size_t i = 0; i < COUNT_OF(empty); i++) assert_int_equal(held(empty[i]), 0);
    assert_int_equal(teller_number(&teller, "select amount_minor from bank_expected where expected_id = '%s' and state = 1", received), MINOR(28500000));
    assert_int_equal(teller_number(&teller, "select amount_minor from bank_expected where expected_id = '%s' and state = 1", paid), -MINOR(6500000));
}

//= RULES.md R-RPO-7c
//  The debtor's surplus is due to him 30 days (default) after the proceeds were shared
static void a_sale_tells_who_got_what_and_when_the_surplus_is_due(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j26, 1);
    uuid sale = sold(account, MINOR(25000000));
    approved(settle(sale, MINOR(1000000)));
    const Tagih__V1__Sale *seen = get(sale);
    assert_int_equal(seen->state, TAGIH__V1__SALE_STATE__SALE_STATE_SETTLED);
    assert_int_equal(seen->sale_costs_minor, MINOR(1000000));
    assert_int_equal(seen->debt_minor, MINOR(20000000));
    assert_int_equal(seen->surplus_minor, MINOR(4000000));
    assert_int_equal(seen->shortfall_minor, 0);
    assert_int_equal(teller_number(&teller, "select (due_on - agency_date((extract(epoch from now()) * 1000000)::int8, 'Asia/Jakarta'))::int"
                                            " from sale_event where sale_id = '%s' and event = 1", sale), 30);
    assert_int_equal(strlen(seen->surplus_due_on), 10);
    assert_string_equal(list("", true, 1, NULL)->sales[0]->sale_id, rig_text(sale));
    approved(pay_surplus(sale, MINOR(1500000)));
    assert_answer(pay_surplus(sale, MINOR(2500000) + 1), SALE_SURPLUS);
    approved(pay_surplus(sale, MINOR(2500000)));
    assert_answer(pay_surplus(sale, 100), SALE_SURPLUS); /* paid twice */
    assert_int_equal(get(sale)->surplus_paid_minor, MINOR(4000000));
    assert_int_equal(list(rig_text(account.u), true, 0, NULL)->n_sales, 0);
    assert_int_equal(list(rig_text(account.u), false, 0, NULL)->n_sales, 1);
}

//= RULES.md R-RPO-7
//  or shortfall still owed.
static void what_the_proceeds_do_not_cover_is_still_owed(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j26, 1);
    approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000)}));
    uuid sale = sold(account, MINOR(10000000));
    approved(settle(sale, MINOR(500000)));
    assert_int_equal(get(sale)->debt_minor, MINOR(7500000));
    assert_int_equal(get(sale)->shortfall_minor, MINOR(12500000));
    assert_string_equal(get(sale)->surplus_due_on, "");
    assert_int_equal(teller_open_minor(&teller, account), MINOR(12500000));
    assert_answer(pay_surplus(sale, 100), SALE_SURPLUS);
    account_id poor = teller_account(&teller, nobody, &debt_j26, 1); /* not even the costs */
    approved(taking_cost(poor, &(struct bill){.amount_minor = MINOR(2000000)}));
    uuid wreck = sold(poor, MINOR(1500000));
    uuid shared = approved(settle(wreck, MINOR(500000)));
    assert_lines(shared, {LEDGER_SALE_PROCEEDS, MINOR(1500000)}, {LEDGER_SALE_COSTS_PAYABLE, -MINOR(500000)},
                 {LEDGER_RECOVERABLE_COSTS, -MINOR(1000000)});
    assert_string_equal(get(wreck)->payment_id, "");
    assert_int_equal(teller_open_minor(&teller, poor), MINOR(20000000));
    uuid next = sold(poor, MINOR(3000000)); /* what is left of them comes first in the next sale */
    approved(settle(next, 0));
    assert_int_equal(get(next)->taking_costs_minor, MINOR(1000000));
    assert_int_equal(get(next)->debt_minor, MINOR(2000000));
}

//= RULES.md R-RPO-7b
//  Debt = all that is open, due or not, less customer credit
static void what_is_not_due_yet_is_debt_too(void **state) {
    (void)state;
    const struct debt debts[] = {{.due_in = -40, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}},
                                 {.due_in = 25, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}},
                                 {.due_in = 55, .due_minor = {[COMPONENT_PRINCIPAL] = MINOR(1000000)}}};
    account_id account = teller_account(&teller, nobody, debts, 3);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1300000), .value = teller_noon(-3)}); /* 300 000 are credit */
    uuid sale = sold(account, MINOR(5000000));
    approved(settle(sale, 0));
    assert_int_equal(get(sale)->debt_minor, MINOR(1700000));
    assert_int_equal(get(sale)->surplus_minor, MINOR(3300000));
    assert_int_equal(teller_credit_minor(&teller, account), MINOR(2000000)); /* exactly what is open */
    assert_int_equal(teller_open_minor(&teller, account), MINOR(2000000));
}

//= RULES.md R-RPO-7b
//  posts as a payment with the tag AUCTION, valued when the asset was sold
static void what_the_debt_gets_is_a_payment_like_others(void **state) {
    (void)state;
    user_id budi = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    account_id account = teller_account(&teller, budi, &debt_j1, 1);
    rig_promise(&rig, teller.agency, account, &(struct rig_promise){.amount_minor = MINOR(100000)});
    uuid sale = approved(record(account, &(struct sold){.hammer_minor = MINOR(4000000), .sold_us = teller_noon(-2).us}));
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000000), .value = teller_noon(-1)}); /* after the hammer */
    uuid shared = approved(settle(sale, 0));
    payment_id payment = payment_of(sale);
    assert_int_equal(get(sale)->debt_minor, MINOR(3000000));
    assert_int_equal(get(sale)->surplus_minor, MINOR(1000000));
    assert_int_equal(teller_open_minor(&teller, account), 0);
    assert_int_equal(teller_credit_minor(&teller, account), 0);
    assert_memory_equal(payment.u.b, shared.b, sizeof shared.b);
    assert_int_equal(teller_number(&teller, "select tag from payment where payment_id = '%s'", payment.u), TAGIH__V1__PAYMENT_TAG__PAYMENT_TAG_AUCTION);
    assert_int_equal(teller_number(&teller, "select value_us from payment where payment_id = '%s'", payment.u), teller_noon(-2).us);
    /* it replays: valued before the other one, it pays fees, penalty and interest */
    assert_int_equal(teller_number(&teller, "select fees_minor from allocation where payment_id = '%s' order by version desc limit 1", payment.u), MINOR(40000));
    /* R-BON-2: the tag's factor is 0.3 */
    assert_int_equal(teller_number(&teller, "select tag_factor from bonus_line where payment_id = '%s'", payment.u), 3000);
    assert_true(teller_number(&teller, "select amount_minor from bonus_line where payment_id = '%s'", payment.u) > 0);
    /* R-PTP-2: and it fills no promise */
    assert_int_equal(teller_number(&teller, "select max(received_minor) from promise_state where account_id = '%s'", account.u), 0);
}

/* ---- the way back --------------------------------------------------------------------------------------------- */

//= RULES.md R-RPO-7b
//  two people take a settlement back whole, never its payment alone
static void a_settlement_is_taken_back_whole_and_made_again(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j26, 1);
    approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000)}));
    uuid sale = sold(account, MINOR(30000000));
    approved(settle(sale, MINOR(150000))); /* a zero too few */
    payment_id payment = payment_of(sale);
    assert_answer(teller_reverse(&teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), PAYMENT_OF_SALE);
    uuid back = approved(take_back(sale));
    assert_lines(back, {LEDGER_SALE_PROCEEDS, -MINOR(30000000)}, {LEDGER_SALE_COSTS_PAYABLE, MINOR(150000)},
                 {LEDGER_RECOVERABLE_COSTS, MINOR(2000000)}, {LEDGER_RECEIVABLE_FEES, MINOR(500000)},
                 {LEDGER_RECEIVABLE_PENALTY, MINOR(1000000)}, {LEDGER_RECEIVABLE_INTEREST, MINOR(2500000)},
                 {LEDGER_RECEIVABLE_PRINCIPAL, MINOR(16000000)}, {LEDGER_SURPLUS_OWED, MINOR(7850000)});
    assert_int_equal(teller_open_minor(&teller, account), MINOR(20000000));
    assert_int_equal(teller_number(&teller, "select count(*) from suspense where trigger_id = '%s'", payment.u), 0);
    assert_int_equal(get(sale)->state, TAGIH__V1__SALE_STATE__SALE_STATE_HAMMERED);
    assert_int_equal(get(sale)->surplus_minor, 0);
    assert_string_equal(get(sale)->payment_id, "");
    approved(settle(sale, MINOR(1500000)));
    assert_int_equal(get(sale)->surplus_minor, MINOR(6500000));
    assert_int_equal(get(sale)->taking_costs_minor, MINOR(2000000));
    assert_true(strcmp(get(sale)->payment_id, rig_text(payment.u)) != 0);
    approved(receive(sale, MINOR(28500000)));
    assert_answer(take_back(sale), SALE_MONEY_MOVED);
    approved(pay_surplus(sale, MINOR(6500000)));
}

//= RULES.md R-RPO-7b
//  An asset of an account, and a lot of a house, are sold once; a sale that was taken back never was.
static void nothing_is_sold_twice(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1), other = teller_account(&teller, nobody, &debt_j1, 1);
    uuid sale = approved(record(account, &(struct sold){.hammer_minor = 300, .asset = "B 1234 XYZ", .lot = "L-1"}));
    assert_answer(record(account, &(struct sold){.hammer_minor = 300, .asset = "b1234xyz"}), SALE_EXISTS);
    assert_answer(record(other, &(struct sold){.hammer_minor = 300, .lot = "L-1"}), SALE_EXISTS);
    struct rig_answer one = record(account, &(struct sold){.hammer_minor = 300, .lot = "L-2"});
    struct rig_answer two = record(other, &(struct sold){.hammer_minor = 300, .lot = "L-2"});
    assert_answer(record(other, &(struct sold){.hammer_minor = 300}), PROPOSAL_EXISTS);
    approved(one);
    assert_answer(approve(two), SALE_EXISTS);
    uuid back = approved(take_back(sale));
    assert_lines(back, {LEDGER_SALE_PROCEEDS, 300}, {LEDGER_AUCTION_CLEARING, -300});
    assert_int_equal(get(sale)->state, TAGIH__V1__SALE_STATE__SALE_STATE_TAKEN_BACK);
    assert_answer(take_back(sale), SALE_STEP);
    assert_answer(settle(sale, 0), SALE_STEP);
    approved(record(account, &(struct sold){.hammer_minor = 400, .asset = "B 1234 XYZ", .lot = "L-1"}));
}

/* ---- refusals ------------------------------------------------------------------------------------------------- */

static void sales_that_cannot_be_are_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    assert_answer(record(account, &(struct sold){.hammer_minor = 0}), ADJUSTMENT_AMOUNT);
    assert_answer(record(account, &(struct sold){.hammer_minor = -1}), ADJUSTMENT_AMOUNT);
    assert_answer(record(account, &(struct sold){.hammer_minor = INT64_MAX}), ADJUSTMENT_AMOUNT);
    assert_answer(record(account, &(struct sold){.hammer_minor = 100, .in = "USD"}), ACCOUNT_CURRENCY);
    assert_answer(record(account, &(struct sold){.hammer_minor = 100, .asset = "?"}), REQUEST_FIELD_RANGE);
    assert_answer(record(account, &(struct sold){.hammer_minor = 100, .sold_us = clock_now().us + 60 * US_PER_MINUTE}), PAYMENT_FUTURE);
    assert_answer(record((account_id){rig_id()}, &(struct sold){.hammer_minor = 100}), NOT_PERMITTED);
    assert_answer(record(account, &(struct sold){.hammer_minor = 100, .maker = teller.cashier}), NOT_PERMITTED);
    struct rig_answer own = record(account, &(struct sold){.hammer_minor = 100});
    assert_answer(teller_decide(&teller, teller.supervisor, proposal_of(own), true), PROPOSAL_OWN);
    assert_int_equal(teller_number(&teller, "select count(*) from sale where account_id = '%s'", account.u), 0);
}

static void steps_that_cannot_be_are_refused(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    uuid sale = sold(account, MINOR(1000000));
    assert_answer(settle(sale, MINOR(1000000) + 1), SALE_COSTS); /* above the hammer price */
    assert_answer(settle(sale, -1), SALE_AMOUNT);
    assert_answer(settle(sale, INT64_MAX), SALE_AMOUNT);
    assert_answer(settle_in(sale, 0, "USD", "s0"), MONEY_CURRENCY_MIXED);
    assert_answer(settle_in(sale, 0, "IDR", "s7"), SALE_CHANGED);
    assert_answer(settle_in(rig_id(), 0, "IDR", "s0"), NOT_PERMITTED);
    assert_answer(receive(sale, MINOR(1000000)), SALE_STEP); /* the house's bill is not here */
    assert_answer(pay_surplus(sale, 100), SALE_STEP);
    struct rig_answer early = settle(sale, 0);
    struct rig_answer back = take_back(sale);
    approved(early);
    assert_answer(approve(back), SALE_CHANGED); /* it would take back another step than its maker saw */
    assert_answer(settle(sale, 0), SALE_STEP);
    assert_answer(receive(sale, MINOR(1000000) - 1), SALE_NET);
    assert_answer(receive(sale, -1), SALE_AMOUNT);
    struct rig_answer own = receive(sale, MINOR(1000000));
    assert_answer(teller_decide(&teller, teller.cashier, proposal_of(own), true), PROPOSAL_OWN);
    approved(own);
    assert_answer(receive(sale, MINOR(1000000)), SALE_STEP); /* it paid already */
}

static void recall(account_id account) {
    Tagih__V1__RecallAccountRequest request = TAGIH__V1__RECALL_ACCOUNT_REQUEST__INIT;
    char etag[24];
    snprintf(etag, sizeof etag, "a%lld", (long long)teller_number(&teller, "select version from account_state where account_id = '%s'", account.u));
    request.account_id = TEXT(rig_text(account.u));
    request.etag = etag;
    request.reason = TEXT("the creditor asks for it");
    request.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(&rig, token(teller.supervisor), "AccountService/RecallAccount", &request), OK);
}

//= RULES.md R-RPO-7b
//  the debt of an account that was closed before, otherwise than by payment, gets nothing
static void proceeds_do_not_pay_the_debt_of_an_account_that_went_back(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    recall(account);
    uuid sale = approved(record(account, &(struct sold){.hammer_minor = MINOR(5000000), .sold_us = clock_now().us}));
    assert_answer(approve(settle(sale, 0)), SALE_ACCOUNT);
    assert_int_equal(teller_open_minor(&teller, account), MINOR(4000000));
    approved(take_back(sale));
}

//= RULES.md R-RPO-7c
//  Not while a sale has brought it back
static void a_cost_that_a_sale_brought_back_is_no_mistake(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j26, 1);
    uuid cost = approved(taking_cost(account, &(struct bill){.amount_minor = MINOR(2000000)}));
    struct rig_answer open = reverse_cost(rig_text(cost));
    uuid sale = sold(account, MINOR(30000000));
    approved(settle(sale, MINOR(1500000)));
    assert_answer(approve(open), COST_RECOVERED);
    approved(take_back(sale));
    assert_answer(approve(open), OK); /* nobody has it now */
    approved(settle(sale, MINOR(1500000)));
    assert_int_equal(get(sale)->taking_costs_minor, 0);
}

static void sales_are_listed_page_by_page_the_newest_first(void **state) {
    (void)state;
    account_id account = teller_account(&teller, nobody, &debt_j1, 1);
    uuid sales[3];
    for (int i = 0; i < 3; i++) sales[i] = sold(account, 100 * (i + 1));
    const Tagih__V1__ListSalesResponse *first = list(rig_text(account.u), false, 2, NULL);
    assert_int_equal(first->n_sales, 2);
    assert_string_equal(first->sales[0]->sale_id, rig_text(sales[2]));
    assert_string_equal(first->sales[0]->house, "Balai Lelang");
    assert_memory_equal(first->sales[0]->protocol_sha256.data, digest().data, 32);
    const Tagih__V1__ListSalesResponse *rest = list(rig_text(account.u), false, 2, first->next_page_token);
    assert_int_equal(rest->n_sales, 1);
    assert_string_equal(rest->sales[0]->sale_id, rig_text(sales[0]));
    assert_string_equal(rest->next_page_token, "");
}

//= RULES.md R-LED-1
//  Double entry: every posting is a transaction whose lines sum to zero per currency
static void in_the_end_all_postings_sum_to_zero(void **state) {
    (void)state;
    assert_int_equal(pg_number(&rig.pg, "select count(*) from (select 1 from ledger_line group by posting_id, currency having sum(amount_minor) <> 0) x"), 0);
    assert_int_equal(held(LEDGER_RECOVERABLE_COSTS),
                     pg_number(&rig.pg,
                               "select (select sum(amount_minor) from account_cost c where used_as = 1"
                               " and not exists (select from account_cost_reversal r where r.cost_id = c.cost_id))"
                               " - (select sum(taking_costs_minor) from sale_event)"));
    assert_int_equal(-held(LEDGER_SURPLUS_OWED), pg_number(&rig.pg, "select sum(surplus_minor) - coalesce(sum(amount_minor) filter (where event = 3), 0) from sale_event"));
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed, a row that was taken out or put in
static void what_the_bank_should_show_of_it_is_worked_out_again(void **state) {
    (void)state;
    assert_bank_is_worked_out(&rig, teller.agency, EXPECTED_SALE, EXPECTED_SURPLUS);
}

//= RULES.md R-LED-2
//  Σ debt-allocated = decrease of receivable by payments.
static void what_payments_paid_is_what_receivables_lost(void **state) {
    (void)state;
    verifier_assert_identities(&rig, teller.agency);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proceeds_of_an_auction_find_everybody_who_is_owed),
        cmocka_unit_test(a_sale_tells_who_got_what_and_when_the_surplus_is_due),
        cmocka_unit_test(what_the_proceeds_do_not_cover_is_still_owed),
        cmocka_unit_test(what_is_not_due_yet_is_debt_too),
        cmocka_unit_test(what_the_debt_gets_is_a_payment_like_others),
        cmocka_unit_test(a_settlement_is_taken_back_whole_and_made_again),
        cmocka_unit_test(nothing_is_sold_twice),
        cmocka_unit_test(sales_that_cannot_be_are_refused),
        cmocka_unit_test(steps_that_cannot_be_are_refused),
        cmocka_unit_test(proceeds_do_not_pay_the_debt_of_an_account_that_went_back),
        cmocka_unit_test(a_cost_that_a_sale_brought_back_is_no_mistake),
        cmocka_unit_test(sales_are_listed_page_by_page_the_newest_first),
        cmocka_unit_test(in_the_end_all_postings_sum_to_zero),
        cmocka_unit_test(what_the_bank_should_show_of_it_is_worked_out_again),
        cmocka_unit_test(what_payments_paid_is_what_receivables_lost),
    };
    return cmocka_run_group_tests_name("sale", tests, open_desk, close_desk);
}
