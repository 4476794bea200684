/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tamper evidence: a lived-in day verifies clean, and one value changed by hand, in any column of any table of money or
 * evidence, is found and named. The tables come from the catalogue, so a new one without cover fails here.
 */
#include "run/clock.h"
#include "store_statements.h"
#include "tests/support/case.h"
#include "tests/support/teller.h"
#include "tests/support/verifier.h"
#include "tests/support/writer.h"

static struct rig rig;
static struct teller teller;
static user_id collector;
static struct writer phone;

static struct verifier verifier;

/* ---- verifying ---------------------------------------------------------------------------------------------------- */

static struct found verify_for(const char *until) {
    return verifier_look(&verifier, until);
}

static struct found verify(void) {
    return verify_for(NULL);
}

static void assert_clean(void) {
    verifier_assert_clean(&verifier);
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...) {
    char sql[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    pg_exec(&rig.pg, sql);
}

/* A row that is gone cannot be named by its content: its posting's digest misses it. */
static bool misses(const struct found *found, const char *table) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from pg_attribute where attname = 'posting_id' and attrelid = '%s'::regclass", table);
    if (found_names(found, table)) return true;
    return pg_number(&rig.pg, sql) > 0 && found_names(found, "posting");
}

/* ---- a day ---------------------------------------------------------------------------------------------------------- */

static size_t push(struct journal_entry entry) {
    size_t at = writer_sign(&phone, &entry);
    assert_answer(writer_push_range(&phone, at, at), OK);
    return at;
}

static struct debt due(int in_days, int64_t rupiah) {
    return (struct debt){.due_in = in_days, .due_minor = {[COMPONENT_PENALTY] = MINOR(rupiah / 10), [COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
}

static void day_in_the_office(account_id account) {
    payment_id late = teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(200000), .value = teller_noon(-2)});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(300000), .value = teller_noon(-4)}); /* replays */
    assert_answer(teller_reverse(&teller, late, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_BANK_RECALL), OK);
    const struct debt debts[] = {due(-50, 900000), due(-10, 500000), due(20, 500000)};
    teller_snapshot(&teller, account, -3, debts, 3);
}

static void day_in_the_field(account_id account) {
    size_t taken = push(writer_receipt(&phone, account, MINOR(150000)));
    push(writer_receipt(&phone, account, MINOR(70000)));
    push(writer_void(&phone, taken, MINOR(150000)));
    push(writer_receipt(&phone, (account_id){rig_id()}, MINOR(5000))); /* nobody's: quarantined */
    struct journal_entry early = writer_receipt(&phone, account, MINOR(90000));
    size_t receipt = writer_sign(&phone, &early);
    struct journal_entry again = writer_void(&phone, receipt, MINOR(90000));
    size_t waits = writer_sign(&phone, &again);
    assert_answer(writer_push_range(&phone, waits, waits), OK); /* waits for its receipt */
    assert_answer(writer_push_range(&phone, receipt, receipt), OK);
}

/* A visit with everything that a phone says of one, money to the bank, and the day's end. */
static void day_outside(account_id account) {
    visit_id visit = rig_visit(&rig, teller.agency, account, collector);
    struct journal_entry check_in = writer_entry(&phone, JOURNAL_CHECK_IN);
    check_in.body.check_in = (struct journal_check_in){
        .visit = visit, .purpose = 1, .tapped = check_in.device_time, .tapped_mono_us = check_in.mono_us, .fix_count = 1,
        .fixes = {{.lat_e7 = -61753924, .lon_e7 = 1068271528, .accuracy_mm = 10000, .at = check_in.device_time}}};
    push(check_in);
    struct journal_entry promise = writer_entry(&phone, JOURNAL_PROMISE);
    promise.body.promise = (struct journal_promise){.account = account, .amount_minor = MINOR(100000), .currency = {"IDR"},
                                                    .due_on = {(int32_t)(clock_now().us / US_PER_DAY) + 3},
                                                    .promiser = JOURNAL_PAYER_DEBTOR, .channel = 1};
    size_t promised = push(promise);
    struct journal_entry outcome = writer_entry(&phone, JOURNAL_VISIT_OUTCOME);
    outcome.body.outcome = (struct journal_visit_outcome){.visit = visit, .visit_version = 1, .outcome = 3, .list_version = 1,
                                                          .has_promise = true, .promise = phone.entries[promised].id};
    push(outcome);
    struct journal_entry deposit = writer_entry(&phone, JOURNAL_DEPOSIT);
    deposit.body.deposit = (struct journal_deposit){.amount_minor = MINOR(20000), .currency = {"IDR"}, .bank_reference = bytes_text("BCA-1")};
    push(deposit);
    struct journal_entry incident = writer_entry(&phone, JOURNAL_INCIDENT);
    incident.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_LOSS, .amount_minor = MINOR(1000), .currency = {"IDR"},
                                                       .report = bytes_text("fell into the canal")};
    push(incident);
    struct journal_entry half = writer_entry(&phone, JOURNAL_HANDOVER);
    half.body.handover = (struct journal_handover){.handover = rig_id(), .side = JOURNAL_HANDOVER_GIVES, .amount_minor = MINOR(2000),
                                                   .counterpart = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR), .currency = {"IDR"}};
    push(half);
    struct journal_entry close = writer_entry(&phone, JOURNAL_DAY_CLOSE);
    close.body.day_close = (struct journal_day_close){
        .first_seq = 1, .last_seq = close.seq - 1, .currency_count = 1,
        .currencies = {{.currency = {"IDR"}, .cum_count = phone.cum_count, .cum_total_minor = phone.cum_total_minor,
                        .receipt_count = 4, .void_count = 2, .cash_to_hand_over_minor = MINOR(50000)}},
        .note_count = 1, .notes = {{.currency = {"IDR"}, .value_minor = MINOR(50000), .pieces = 1}}};
    push(close);
    run("insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, at_us) values"
        " ('%s', '%s', '2026-01-01', 1, 100, 'IDR', 1)", rig_text(teller.agency.u), rig_text(collector.u));
}

/* Two people: an offer that is kept and waives the rest, credit paid back, a receipt that never was, a void; and a gap. */
static void day_of_two_people(account_id account) {
    user_id second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR);
    const char *maker = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    Tagih__V1__OfferSettlementRequest offer = TAGIH__V1__OFFER_SETTLEMENT_REQUEST__INIT;
    Tagih__V1__Money sum = TAGIH__V1__MONEY__INIT;
    Tagih__V1__Components waived = TAGIH__V1__COMPONENTS__INIT;
    char by_on[DATE_TEXT_SIZE], *rupiah = (char *)(uintptr_t)"IDR";
    date_format((civil_date){(int32_t)(clock_now().us / US_PER_DAY) + 9}, by_on);
    sum.minor = MINOR(3500000);
    sum.currency = rupiah;
    waived.fees_minor = MINOR(40000);
    waived.penalty_minor = MINOR(60000);
    waived.interest_minor = MINOR(400000);
    offer.account_id = (char *)(uintptr_t)rig_text(account.u);
    offer.sum = &sum;
    offer.waived = &waived;
    offer.by_on = by_on;
    offer.reason = (char *)(uintptr_t)"he sells his motorcycle";
    offer.request_id = (char *)(uintptr_t)rig_text(rig_id());
    struct rig_answer answer = rig_call(&rig, maker, "OfferService/OfferSettlement", &offer);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__OfferSettlementResponse *)answer.response)->proposal_id, true), OK);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(3500000), .value = {clock_now().us}});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = {clock_now().us}}); /* too much */
    Tagih__V1__RefundCreditRequest refund = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
    sum.minor = MINOR(60000);
    refund.account_id = offer.account_id = (char *)(uintptr_t)rig_text(account.u);
    refund.amount = &sum;
    refund.reason = offer.reason;
    refund.request_id = (char *)(uintptr_t)rig_text(rig_id());
    answer = rig_call(&rig, maker, "AdjustmentService/RefundCredit", &refund);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__RefundCreditResponse *)answer.response)->proposal_id, true), OK);
}

/* A rule set of the agency's own, and an account that gets it with payments on either side. */
static void day_of_rule_sets(account_id account) {
    user_id second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR);
    Tagih__V1__ProposeRuleSetRequest propose = TAGIH__V1__PROPOSE_RULE_SET_REQUEST__INIT;
    Tagih__V1__RuleSet set = TAGIH__V1__RULE_SET__INIT;
    Tagih__V1__RuleStep steps[8], *pointers[8];
    for (int i = 0; i < 8; i++) {
        tagih__v1__rule_step__init(pointers[i] = &steps[i]);
        steps[i].due = (Tagih__V1__DueClass)(1 + i % 2);
        steps[i].component = (Tagih__V1__DebtComponent)(4 - i / 2); /* principal first */
    }
    set.name = (char *)(uintptr_t)"acme-own";
    set.version = 1;
    set.direction = TAGIH__V1__ALLOCATION_DIRECTION__ALLOCATION_DIRECTION_VERTICAL;
    set.advance = TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_CREDIT;
    set.steps = pointers;
    set.n_steps = 8;
    propose.rule_set = &set;
    propose.reason = (char *)(uintptr_t)"the creditor's contract";
    propose.request_id = (char *)(uintptr_t)rig_text(rig_id());
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "RuleSetService/ProposeRuleSet", &propose);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__ProposeRuleSetResponse *)answer.response)->proposal_id, true), OK);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-9)});
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-2)});
    Tagih__V1__ChangeAccountRuleSetRequest change = TAGIH__V1__CHANGE_ACCOUNT_RULE_SET_REQUEST__INIT;
    char value_on[DATE_TEXT_SIZE];
    date_format((civil_date){(int32_t)(clock_now().us / US_PER_DAY) - 5}, value_on);
    change.account_id = (char *)(uintptr_t)rig_text(account.u);
    change.name = set.name;
    change.version = 1;
    change.value_on = value_on;
    change.reason = propose.reason;
    change.request_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.gateway, 0), "RuleSetService/ChangeAccountRuleSet", &change), OK);
    teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-1)});
}

static void decided(user_id second, struct rig_answer proposal) {
    assert_answer(proposal, OK);
    const char *id = ((const Tagih__V1__RecordSaleResponse *)proposal.response)->proposal_id; /* all of them have it first */
    assert_answer(teller_decide(&teller, second, id, true), OK);
}

/* Collateral that is fetched, sold and shared; a bill that is charged; and the creditor gets something of it. */
static void day_of_a_sale(account_id account) {
    user_id second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR);
    const char *maker = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    static uint8_t digest[32] = {7};
    char *on = (char *)(uintptr_t)rig_text(account.u), *why = (char *)(uintptr_t)"as its papers say";
    Tagih__V1__Money money = TAGIH__V1__MONEY__INIT;
    money.currency = (char *)(uintptr_t)"IDR";
    Tagih__V1__RecordTakingCostRequest cost = TAGIH__V1__RECORD_TAKING_COST_REQUEST__INIT;
    money.minor = MINOR(200000);
    cost.account_id = on, cost.amount = &money, cost.reason = cost.reference = why, cost.value_us = clock_now().us - US_PER_S;
    cost.kind = TAGIH__V1__TAKING_COST_KIND__TAKING_COST_KIND_STORAGE;
    cost.evidence_sha256 = (ProtobufCBinaryData){sizeof digest, digest};
    cost.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(&rig, maker, "CostService/RecordTakingCost", &cost));
    Tagih__V1__RecordSaleRequest sale = TAGIH__V1__RECORD_SALE_REQUEST__INIT;
    money.minor = MINOR(9000000);
    sale.account_id = on, sale.hammer = &money, sale.reason = sale.asset_reference = sale.house = sale.lot = why;
    sale.protocol_sha256 = cost.evidence_sha256, sale.sold_us = clock_now().us - US_PER_S;
    sale.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(&rig, maker, "SaleService/RecordSale", &sale));
    char id[UUID_TEXT_SIZE];
    snprintf(id, sizeof id, "%s", pg_value(&rig.pg, "select sale_id from sale"));
    Tagih__V1__SettleSaleRequest settle = TAGIH__V1__SETTLE_SALE_REQUEST__INIT;
    money.minor = MINOR(500000);
    settle.sale_id = id, settle.sale_costs = &money, settle.reason = why;
    for (int round = 0; round < 2; round++) { /* shared, taken back, shared again */
        Tagih__V1__TakeBackSaleRequest back = TAGIH__V1__TAKE_BACK_SALE_REQUEST__INIT;
        settle.etag = (char *)(uintptr_t)(round ? "s2" : "s0");
        settle.request_id = (char *)(uintptr_t)rig_text(rig_id());
        decided(second, rig_call(&rig, maker, "SaleService/SettleSale", &settle));
        back.sale_id = id, back.reason = why, back.etag = (char *)(uintptr_t)"s1";
        back.request_id = (char *)(uintptr_t)rig_text(rig_id());
        if (round == 0) decided(second, rig_call(&rig, maker, "SaleService/TakeBackSale", &back));
    }
    Tagih__V1__RemitToCreditorRequest remit = TAGIH__V1__REMIT_TO_CREDITOR_REQUEST__INIT;
    money.minor = MINOR(1000000);
    remit.creditor = remit.reference = remit.reason = why, remit.amount = &money, remit.value_us = clock_now().us - US_PER_S;
    remit.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(&rig, maker, "RemittanceService/RemitToCreditor", &remit));
}

static void day_of_entries(account_id account) {
    user_id second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR), dewi = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    struct rig_phone enrolled = rig_phone(&rig, teller.agency, dewi);
    struct writer w;
    writer_begin(&w, &rig, &enrolled);
    struct journal_entry typo = writer_receipt(&w, (account_id){rig_id()}, MINOR(8000));
    size_t at = writer_sign(&w, &typo);
    struct journal_entry lost = writer_receipt(&w, account, MINOR(1000));
    writer_sign(&w, &lost);
    struct journal_entry behind = writer_receipt(&w, account, MINOR(2000));
    writer_sign(&w, &behind);
    assert_answer(writer_push(&w, (size_t[]){0, 2}, 2), OK);
    Tagih__V1__DecideEntryRequest decide = TAGIH__V1__DECIDE_ENTRY_REQUEST__INIT;
    decide.entry_hash = (ProtobufCBinaryData){sizeof w.entries[at].hash.b, w.entries[at].hash.b};
    decide.action = TAGIH__V1__ENTRY_ACTION__ENTRY_ACTION_RELEASE;
    decide.account_id = (char *)(uintptr_t)rig_text(account.u);
    decide.reason = (char *)(uintptr_t)"a slip of the finger";
    decide.request_id = (char *)(uintptr_t)rig_text(rig_id());
    const char *maker = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    struct rig_answer answer = rig_call(&rig, maker, "EntryService/DecideEntry", &decide);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__DecideEntryResponse *)answer.response)->proposal_id, true), OK);
    Tagih__V1__AcceptGapRequest gap = TAGIH__V1__ACCEPT_GAP_REQUEST__INIT;
    gap.device_id = (char *)(uintptr_t)rig_text(w.phone.device.u);
    gap.epoch = (int32_t)w.phone.epoch;
    gap.first_seq = gap.last_seq = 2;
    gap.reason = decide.reason;
    gap.request_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(&rig, maker, "EntryService/AcceptGap", &gap), OK);
    writer_end(&w);
}

/* Whose a bonus is: money from a colleague's account, an account of two, and a collector who is a customer. */
static void day_of_bonus(void) {
    user_id second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR), sari = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    const char *maker = rig_staff_token(&rig, teller.agency, teller.supervisor, 0);
    char *reason = (char *)(uintptr_t)"they worked it together", ids[2][UUID_TEXT_SIZE];
    account_id account = teller_account_of(&teller, "CUST-SARI", sari, &debt_j1, 1);
    struct journal_entry receipt = writer_receipt(&phone, account, MINOR(30000));
    size_t at = push(receipt);
    Tagih__V1__ChooseCreditRequest choice = TAGIH__V1__CHOOSE_CREDIT_REQUEST__INIT;
    uuid_format(phone.entries[at].id.u, ids[0]);
    uuid_format(sari.u, ids[1]);
    choice.payment_id = ids[0];
    choice.collector_id = ids[1];
    choice.reason = reason;
    choice.request_id = (char *)(uintptr_t)rig_text(rig_id());
    struct rig_answer answer = rig_call(&rig, maker, "BonusService/ChooseCredit", &choice);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__ChooseCreditResponse *)answer.response)->proposal_id, true), OK);
    Tagih__V1__SplitShare shares[2] = {TAGIH__V1__SPLIT_SHARE__INIT, TAGIH__V1__SPLIT_SHARE__INIT}, *list[] = {&shares[0], &shares[1]};
    Tagih__V1__ProposeSplitRequest split = TAGIH__V1__PROPOSE_SPLIT_REQUEST__INIT;
    char from[DATE_TEXT_SIZE];
    date_format((civil_date){(int32_t)(clock_now().us / US_PER_DAY) - 1}, from);
    uuid_format(collector.u, ids[0]);
    for (size_t i = 0; i < 2; i++) {
        shares[i].collector_id = ids[i];
        shares[i].share_bp = 5000;
    }
    split.account_id = (char *)(uintptr_t)rig_text(account.u);
    split.valid_from = from;
    split.shares = list;
    split.n_shares = 2;
    split.reason = reason;
    split.request_id = (char *)(uintptr_t)rig_text(rig_id());
    answer = rig_call(&rig, maker, "BonusService/ProposeSplit", &split);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__ProposeSplitResponse *)answer.response)->proposal_id, true), OK);
    teller_paid(&teller, account, &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER, .amount_minor = MINOR(9001),
                                                 .value = {clock_now().us}});
    Tagih__V1__SetOwnCustomerRequest own = TAGIH__V1__SET_OWN_CUSTOMER_REQUEST__INIT;
    own.user_id = ids[1];
    own.customer_no = (char *)(uintptr_t)"CUST-SARI";
    own.is_own = true;
    own.reason = (char *)(uintptr_t)"the same identity card";
    own.request_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(&rig, maker, "BonusService/SetOwnCustomer", &own), OK);
    teller_paid(&teller, account, &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER, .amount_minor = MINOR(7001),
                                                 .value = {clock_now().us}});
}

static void post_slip(const struct writer *w, size_t at, account_id account, int64_t amount_minor) {
    Tagih__V1__PostSlipRequest slip = TAGIH__V1__POST_SLIP_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    uint8_t hash[32] = {1};
    amount.minor = amount_minor;
    amount.currency = (char *)(uintptr_t)"IDR";
    slip.entry_id = (char *)(uintptr_t)rig_text(w->entries[at].id.u);
    slip.device_id = (char *)(uintptr_t)rig_text(w->phone.device.u);
    slip.account_id = (char *)(uintptr_t)rig_text(account.u);
    slip.amount = &amount;
    slip.tender = TAGIH__V1__TENDER__TENDER_CASH;
    slip.receipt_no = 3;
    slip.taken_us = clock_now().us - 600 * US_PER_S;
    slip.slip_sha256 = (ProtobufCBinaryData){sizeof hash, hash};
    slip.reason = (char *)(uintptr_t)"the phone is lost";
    slip.request_id = (char *)(uintptr_t)rig_text(rig_id());
    user_id second = rig_user(&rig, teller.agency, NULL, ROLE_SUPERVISOR);
    struct rig_answer answer = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "EntryService/PostSlip", &slip);
    assert_answer(answer, OK);
    assert_answer(teller_decide(&teller, second, ((const Tagih__V1__PostSlipResponse *)answer.response)->proposal_id, true), OK);
}

/* Slips of a lost phone, one of which its entry joins, and one that beats a void (R-REC-8). */
static void day_of_slips(account_id account) {
    struct rig_phone enrolled = rig_phone(&rig, teller.agency, rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR));
    struct writer w;
    writer_begin(&w, &rig, &enrolled);
    struct journal_entry first = writer_receipt(&w, account, MINOR(11000));
    size_t joined = writer_sign(&w, &first);
    struct journal_entry then = writer_receipt(&w, account, MINOR(12000));
    size_t taken = writer_sign(&w, &then);
    struct journal_entry back = writer_void(&w, taken, MINOR(12000));
    size_t voided = writer_sign(&w, &back);
    struct journal_entry last = writer_receipt(&w, account, MINOR(13000));
    size_t lost = writer_sign(&w, &last);
    post_slip(&w, joined, account, MINOR(11000));
    post_slip(&w, lost, account, MINOR(13000));
    assert_answer(writer_push_range(&w, joined, voided), OK);
    post_slip(&w, taken, account, MINOR(12000));
    writer_end(&w);
}

static int live_a_day(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    verifier_open(&verifier, &rig, teller.agency);
    collector = rig_user(&rig, teller.agency, "budi", ROLE_COLLECTOR);
    struct rig_phone enrolled = rig_phone(&rig, teller.agency, collector);
    writer_begin(&phone, &rig, &enrolled);
    const struct debt debts[] = {due(-50, 1000000), due(-10, 500000), due(20, 500000)};
    account_id account = teller_account(&teller, collector, debts, 3);
    account_id other = teller_account(&teller, collector, &debt_j1, 1);
    day_in_the_office(account);
    day_in_the_field(other);
    day_outside(other);
    day_of_two_people(teller_account(&teller, collector, &debt_j1, 1));
    day_of_slips(teller_account(&teller, collector, &debt_j1, 1));
    day_of_entries(teller_account(&teller, collector, &debt_j1, 1));
    teller.rule_set = "npl"; /* the creditor says so */
    account_id ruled = teller_account(&teller, collector, &debt_j1, 1);
    teller.rule_set = NULL;
    day_of_rule_sets(ruled);
    day_of_a_sale(teller_account(&teller, collector, &debt_j1, 1));
    day_of_bonus();
    assert_true(verifier_sign_heads(&verifier, 0) > 1);
    assert_int_equal(verifier_sign_heads(&verifier, 0), 0); /* not within the hour */
    return 0;
}

static int end_day(void **state) {
    (void)state;
    writer_end(&phone);
    verifier_close(&verifier);
    rig_close(&rig);
    return 0;
}

//= RULES.md R-LED-2
//  Identities, checked by demo, `verify` and tests, per currency
static void a_day_of_every_kind_verifies_clean(void **state) {
    (void)state;
    assert_clean();
}

/* ---- tampering ------------------------------------------------------------------------------------------------------ */

struct exempt {
    const char *table, *column; /* NULL: the whole table */
    const char *why;
};

/* Neither money nor evidence, or said again elsewhere. */
static const struct exempt exempt[] = {
    {"agency", NULL, "settings of the agency: name, zone, currency"},
    {"team", NULL, "organisation; what a team earned is in bonus lines"},
    {"staff", NULL, "people; their changes are sealed staff_event rows"},
    {"staff_state", "password_hash", "a secret; that it changed is a sealed staff_event row"},
    {"device_state", "last_contact_us", "when a phone was last heard of; what it proved is in its entries"},
    {"device_state", "last_contact_mono_us", "when a phone was last heard of; what it proved is in its entries"},
    {"device_state", "last_contact_boot", "when a phone was last heard of; what it proved is in its entries"},
    {"device_state", "last_seen_us", "when a phone was last heard of; what it proved is in its entries"},
    {"device_pending", NULL, "a request that a supervisor decides"},
    {"enrol_code", NULL, "one-time codes"},
    {"session", NULL, "sessions"},
    {"request_key", NULL, "answers kept for repeats, for 30 days"},
    {"change", NULL, "the feed: it tells ids of what stands elsewhere"},
    {"account_state", "hold_from_on", "the hold: its changes are sealed account_event rows"},
    {"account_state", "hold_until_on", "the hold: its changes are sealed account_event rows"},
    {"account_state", "hold_promise_days", "the hold: its changes are sealed account_event rows"},
    {"account_state", "hold_warnings", "the hold: its changes are sealed account_event rows"},
    {"account_state", "collector_id", "who works it now: its changes are sealed account_event rows"},
    {"account_state", "no_schedule", "a mark for reports"},
    {"account_state", "assumed", "a mark for reports"},
    {"account_state", "day_on", "a hint for the next payment of that day; each bonus line keeps the bucket it used"},
    {"account_state", "day_bucket", "a hint for the next payment of that day; each bonus line keeps the bucket it used"},
    {"account_state", "month_on", "a hint for the next payment of that month; each bonus line keeps the bucket it used"},
    {"account_state", "month_bucket", "a hint for the next payment of that month; each bonus line keeps the bucket it used"},
    {"account_state", "lat_e7", "where the debtor lives, from the creditor's file"},
    {"account_state", "lon_e7", "where the debtor lives, from the creditor's file"},
    {"account_state", "address_quality", "where the debtor lives, from the creditor's file"},
    {"account_state", "district", "where the debtor lives, from the creditor's file"},
    {"account_state", "regency", "where the debtor lives, from the creditor's file"},
    {"account_state", "phone", "how to reach the debtor, from the creditor's file"},
    {"account_state", "version", "an etag"},
    {"device_epoch", "declared_seq", "the newest DAY_CLOSE, whose entry is signed"},
    {"device_epoch", "closed_seq", "the KEY_ROTATION, whose entry is signed"},
    {"bank_expected", "told", "for the report of what is late"},
    {"payment_export_state", "agency_id", "its only key; what it counts is gone with it"},
    {"payment_export_state", "xid", "how far the feed was read"},
    {"payment_export_state", "n", "how far the feed was read"},
    {"payment_export_state", "system_id", "how far the feed was read"},
    {"gateway_key", NULL, "keys of gateways in force; what they told is payments, each under its posting's digest"},
    {"cash_watch_state", NULL, "what the minute last saw of a collector: breaches are sealed cash_breach rows"},
    {"plan_state", "expires_us", "until when a second person may decide"},
    {"seal", "n", "an identity column; the order in which heads cover seals"},
};

static const char *exempt_why(const char *table, const char *column) {
    for (size_t i = 0; i < COUNT_OF(exempt); i++) {
        if (strcmp(exempt[i].table, table) != 0) continue;
        if (!exempt[i].column || (column && strcmp(exempt[i].column, column) == 0)) return exempt[i].why;
    }
    return NULL;
}

/* Another value of the column's type. */
static const char *another(const char *type, const char *column) {
    static char out[300];
    static const struct {
        const char *type, *form;
    } forms[] = {{"int2", "(coalesce(%s, 0) + 77)::smallint"}, {"int4", "coalesce(%s, 0) + 7777"}, {"int8", "coalesce(%s, 0) + 7777"},
                 {"numeric", "coalesce(%s, 0) + 7777"}, {"bool", "not coalesce(%s, false)"}, {"text", "coalesce(%s, '') || 'x'"},
                 {"bpchar", "case when %1$s = 'XYZ' then 'ZYX' else 'XYZ' end"}, {"uuid", "gen_random_uuid()"},
                 {"date", "coalesce(%s, '2026-01-01') + 45"}, {"xid8", "'7777'::xid8"},
                 {"bytea", "sha256(coalesce(%s, '') || '\\x00')"}, {"varchar", "coalesce(%s, '') || 'x'"}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (strcmp(forms[i].type, type) != 0) continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(out, sizeof out, forms[i].form, column);
#pragma GCC diagnostic pop
        return out;
    }
    fail_msg("no other value of type %s is known", type);
    return NULL;
}

static PGresult *query(const char *sql) {
    PGresult *r = PQexec(rig.pg.admin, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) fail_msg("%s\n%s", PQerrorMessage(rig.pg.admin), sql);
    return r;
}

/* A row of zeros is there to be locked: it says no more than no row. */
static const char *that_says_something(const char *table) {
    if (strcmp(table, "collector_state") == 0) return "and cash_held_minor <> 0";
    return strcmp(table, "vault_state") == 0 ? "and vault_minor <> 0" : "";
}

static long long rows_of(const char *table) {
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from %s where agency_id = '%s' %s", table, rig_text(teller.agency.u), that_says_something(table));
    return pg_number(&rig.pg, sql);
}

/* Change it in one row, look, change it back. */
static bool change_is_found(const char *table, const char *column, const char *type) {
    char row[64];
    run("drop table if exists pg_temp.kept; create temp table kept as select ctid as place, %s as value from %s"
        " where agency_id = '%s' %s order by ctid limit 1", column, table, rig_text(teller.agency.u), that_says_something(table));
    run("update %s set %s = %s where ctid = (select place from kept)", table, column, another(type, column));
    char sql[300];
    snprintf(sql, sizeof sql, "select ctid from %s where xmin::text::bigint = (select max(xmin::text::bigint) from %s)", table, table);
    snprintf(row, sizeof row, "%s", pg_value(&rig.pg, sql));
    bool goes = strcmp(column, "agency_id") == 0 || strcmp(column, "posting_id") == 0;
    struct found found = verify_for(goes ? NULL : table);
    run("update %s set %s = (select value from kept) where ctid = '%s'", table, column, row);
    return goes ? misses(&found, table) : found_names(&found, table);
}

static size_t check_table(const char *table) {
    char sql[600];
    size_t missed = 0;
    snprintf(sql, sizeof sql, "select a.attname, t.typname from pg_attribute a join pg_type t on t.oid = a.atttypid"
                              " where a.attrelid = '%s'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum", table);
    PGresult *columns = query(sql);
    for (int i = 0; i < PQntuples(columns); i++) {
        const char *column = PQgetvalue(columns, i, 0);
        if (exempt_why(table, column) || change_is_found(table, column, PQgetvalue(columns, i, 1))) continue;
        print_message("    %s.%s: changed by hand, and not found\n", table, column);
        missed++;
    }
    PQclear(columns);
    return missed;
}

#define EACH_TABLE "select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid" \
                   " and a.attname = 'agency_id' where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"

/* States that verify works out again. */
static const char *const states[] = {"account_state", "instalment_state", "device_epoch", "posting_writer", "collector_state",
                                     "collector_month", "settlement_state", "proposal_state", "suspense_state", "entry_waiting",
                                     "promise_state", "plan_state", "settlement_offer_state", "bank_line_state",
                                     "payment_export_state", "vault_state", "deposit_state", "shortage_state", "handover_state",
                                     "bank_expected", "staff_state", "device_state", "device_total", "visit_state", "account_silence_state"};

static bool has(const char *format, const char *table) {
    char sql[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(sql, sizeof sql, format, table);
#pragma GCC diagnostic pop
    return pg_number(&rig.pg, sql) > 0;
}

/* Its rows are sealed, or under their posting's digest with a statement that reads them back, or worked out again. */
static bool is_covered(const char *table) {
    char statement[80];
    snprintf(statement, sizeof statement, "%s_verify", table);
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strcmp(states[i], table) == 0) return true;
    }
    if (has("select count(*) from pg_trigger where tgname = 'seal' and tgrelid = '%s'::regclass", table)) return true;
    bool written = false;
    for (size_t i = 0; i < store_statements.count; i++) {
        if (strcmp(store_statements.rows[i].name, statement) == 0) return true;
        size_t len = strlen(table);
        written |= strncmp(store_statements.rows[i].name, table, len) == 0 && strcmp(store_statements.rows[i].name + len, "_insert") == 0;
    }
    if (!written && has("select count(*) from pg_attribute where attname = 'posting_id' and attrelid = '%s'::regclass", table)) return true;
    static const char *const own[] = {"payment", "payment_reversal", "allocation", "posting", "ledger_line", "seal",
                                      "journal_key", "journal_body", "receipt", "receipt_void", "device_key", "digest_head"};
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (strcmp(own[i], table) == 0) return true;
    }
    return false;
}

/* Run `check` on every table with cover; what has no rows in this day is told. @return how many it found wanting */
static size_t each_table(size_t (*check)(const char *table), bool empty_fails) {
    PGresult *tables = query(EACH_TABLE);
    size_t wanting = 0;
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *table = PQgetvalue(tables, i, 0);
        if (exempt_why(table, NULL)) continue;
        if (!is_covered(table)) {
            print_message("    %s: rows of it are under no digest, no seal, and worked out from nothing\n", table);
            wanting++;
        } else if (rows_of(table)) wanting += check(table);
        else if (empty_fails) print_message("    %s has no rows in this day\n", table);
    }
    PQclear(tables);
    return wanting;
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed
static void one_value_changed_in_any_column_is_found_and_its_table_named(void **state) {
    (void)state;
    assert_int_equal(each_table(check_table, true), 0);
    assert_clean();
}

/* What changes in place: tables whose rows the serving role may update (make_state). */
//= RULES.md R-LED-1a
//  `verify` finds a value that was changed
static void every_projection_is_worked_out_again_or_stands_here_with_its_reason(void **state) {
    (void)state;
    PGresult *tables = query("select distinct c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'agency_id'"
                             " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and has_table_privilege('tagih_app', c.oid, 'update') order by 1");
    size_t wanting = 0;
    assert_true(PQntuples(tables) > 20);
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *table = PQgetvalue(tables, i, 0);
        bool worked_out = false;
        for (size_t k = 0; k < COUNT_OF(states); k++) worked_out |= strcmp(states[k], table) == 0;
        if (worked_out || exempt_why(table, NULL)) continue;
        print_message("    %s: kept beside the facts, and worked out from nothing\n", table);
        wanting++;
    }
    PQclear(tables);
    assert_int_equal(wanting, 0);
}

static size_t check_removal(const char *table) {
    const char *of = that_says_something(table);
    run("drop table if exists pg_temp.kept; create temp table kept as select * from %s where ctid = (select ctid from %s"
        " where agency_id = '%s' %s order by ctid offset %lld limit 1)", table, table, rig_text(teller.agency.u), of, rows_of(table) / 2);
    run("delete from %s where ctid = (select ctid from %s where agency_id = '%s' %s order by ctid offset %lld limit 1)", table,
        table, rig_text(teller.agency.u), of, rows_of(table) / 2);
    struct found found = verify();
    run("do $$ declare c text; begin select string_agg(quote_ident(attname), ', ') into c from pg_attribute"
        " where attrelid = '%s'::regclass and attnum > 0 and not attisdropped and attgenerated = '';"
        " execute format('insert into %s (%%s) overriding system value select %%s from kept', c, c); end $$", table, table);
    if (misses(&found, table)) return 0;
    print_message("    a row of %s was taken out of the middle, and not missed\n", table);
    return 1;
}

//= RULES.md R-LED-1a
//  a row that was taken out or put in
static void a_row_taken_out_of_the_middle_is_missed(void **state) {
    (void)state;
    assert_int_equal(each_table(check_removal, false), 0);
    assert_clean();
}

/* Cutting off the end of a chain leaves no trace in the chain itself: the signed head misses it. */
//= RULES.md R-LED-1a
//  and a tail that was cut off behind a signed head
static void a_tail_cut_off_behind_a_signed_head_is_missed(void **state) {
    (void)state;
    run("begin; create temp table gone as select w.writer_id, w.n, w.head from posting_writer w"
        " where w.agency_id = '%s' and w.n > 1 order by w.writer_id limit 1;"
        " create temp table tail as select p.* from posting p join gone g on g.writer_id = p.writer_id and g.n = p.writer_n;"
        " update posting_writer w set n = w.n - 1, head = (select p.digest from posting p where p.agency_id = w.agency_id"
        " and p.writer_id = w.writer_id and p.writer_n = w.n - 1) from gone g where g.writer_id = w.writer_id;"
        " delete from posting p using tail t where t.posting_id = p.posting_id; commit", rig_text(teller.agency.u));
    struct found found = verify();
    bool head = found_names(&found, "digest_head");
    run("insert into posting select * from tail; update posting_writer w set n = g.n, head = g.head from gone g"
        " where g.writer_id = w.writer_id");
    assert_true(head);
    assert_clean();
}

/* Also where digests and seals would be made anew: the phone's signature is not the server's to make. */
//= RULES.md R-LED-1a
//  Every row of money or evidence is under its posting's digest, was signed, or is sealed
static void a_row_that_says_another_thing_than_its_entry_is_told_by_its_column(void **state) {
    (void)state;
    static const char *const columns[][2] = {{"receipt", "amount_minor"}, {"receipt_void", "amount_minor"},
        {"promise", "amount_minor"}, {"promise", "due_on"}, {"promise", "received_us"}, {"deposit", "amount_minor"},
        {"deposit", "value_us"}, {"settlement", "declared_minor"}, {"settlement", "last_seq"}, {"settlement", "cash_minor"},
        {"settlement_note", "pieces"}, {"shortage", "amount_minor"}, {"handover", "amount_minor"}, {"handover", "seq"},
        {"check_in", "mono_us"}, {"check_in", "device_us"}, {"visit_outcome", "code"}, {"visit_outcome", "value_us"}};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const char *table = columns[i][0], *column = columns[i][1];
        run("update %s set %s = %s + 1 where agency_id = '%s'", table, column, column, rig_text(teller.agency.u));
        struct found found = verify();
        run("update %s set %s = %s - 1 where agency_id = '%s'", table, column, column, rig_text(teller.agency.u));
        if (!found_tells(&found, table, column)) fail_msg("%s.%s: its entry says otherwise, and nobody told", table, column);
    }
    assert_clean();
}

//= RULES.md R-LED-2
//  Σ payments = Σ debt-allocated from payments + credit created
static void a_forged_payment_is_found(void **state) {
    (void)state;
    run("insert into payment select agency_id, gen_random_uuid(), account_id, source, 'forged', tender, tag, amount_minor, currency,"
        " value_us, value_on, posting_on, received_us, collector_id, actor_id from payment where agency_id = '%s' limit 1",
        rig_text(teller.agency.u));
    struct found found = verify();
    assert_true(found_names(&found, "payment"));
    run("delete from payment where source_reference = 'forged'");
    assert_clean();
}

static int bare_hands(void **state) {
    (void)state;
    verifier_take_off_the_gloves(&verifier);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_of_every_kind_verifies_clean),
        cmocka_unit_test_setup(one_value_changed_in_any_column_is_found_and_its_table_named, bare_hands),
        cmocka_unit_test(every_projection_is_worked_out_again_or_stands_here_with_its_reason),
        cmocka_unit_test(a_row_taken_out_of_the_middle_is_missed),
        cmocka_unit_test(a_tail_cut_off_behind_a_signed_head_is_missed),
        cmocka_unit_test(a_row_that_says_another_thing_than_its_entry_is_told_by_its_column),
        cmocka_unit_test(a_forged_payment_is_found),
    };
    return cmocka_run_group_tests_name("verify", tests, live_a_day, end_day);
}
