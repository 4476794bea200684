/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day of an agency, lived through the product's own calls: the office, the field, two people's decisions, rule sets,
 * a sale, entries that were wrong, whose a bonus is, and slips of a lost phone.
 */
#include "run/clock.h"
#include "tests/rpc/verify_case.h"
#include "tests/support/case.h"
#include "tests/support/writer.h"

static struct rig *rig;
static struct teller *teller;
static user_id collector;
static struct writer phone;

/* ---- a day ---------------------------------------------------------------------------------------------------------- */

static size_t push(struct journal_entry entry) {
    size_t at = writer_sign(&phone, &entry);
    assert_answer(writer_push_range(&phone, at, at), OK);
    return at;
}

static struct debt due(int in_days, int64_t rupiah) {
    return (struct debt){.due_in = in_days,
                         .due_minor = {[COMPONENT_PENALTY] = MINOR(rupiah / 10), [COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
}

static void day_in_the_office(account_id account) {
    payment_id late = teller_paid(teller, account, &(struct paid){.amount_minor = MINOR(200000), .value = teller_noon(-2)});
    teller_paid(teller, account, &(struct paid){.amount_minor = MINOR(300000), .value = teller_noon(-4)}); /* replays */
    assert_answer(teller_reverse(teller, late, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_BANK_RECALL), OK);
    const struct debt debts[] = {due(-50, 900000), due(-10, 500000), due(20, 500000)};
    teller_snapshot(teller, account, -3, debts, 3);
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

static struct journal_entry check_in_at(struct writer *w, visit_id visit) {
    struct journal_entry check_in = writer_entry(w, JOURNAL_CHECK_IN);
    check_in.body.check_in = (struct journal_check_in){
        .visit = visit,
        .purpose = 1,
        .tapped = check_in.device_time,
        .tapped_mono_us = check_in.mono_us,
        .fix_count = 1,
        .fixes = {{.lat_e7 = -61753924, .lon_e7 = 1068271528, .accuracy_mm = 10000, .at = check_in.device_time}}};
    return check_in;
}

/* A visit with everything that a phone says of one, money to the bank, and the day's end. */
static void day_outside(account_id account) {
    visit_id visit = rig_visit(rig, teller->agency, account, collector);
    push(check_in_at(&phone, visit));
    struct journal_entry promise = writer_entry(&phone, JOURNAL_PROMISE);
    promise.body.promise = (struct journal_promise){.account = account,
                                                    .amount_minor = MINOR(100000),
                                                    .currency = {"IDR"},
                                                    .due_on = {(int32_t)(clock_now().us / US_PER_DAY) + 3},
                                                    .promiser = JOURNAL_PAYER_DEBTOR,
                                                    .channel = 1};
    size_t promised = push(promise);
    struct journal_entry outcome = writer_entry(&phone, JOURNAL_VISIT_OUTCOME);
    outcome.body.outcome = (struct journal_visit_outcome){.visit = visit,
                                                          .visit_version = 1,
                                                          .outcome = 3,
                                                          .list_version = 1,
                                                          .has_promise = true,
                                                          .promise = phone.entries[promised].id};
    push(outcome);
    struct journal_entry deposit = writer_entry(&phone, JOURNAL_DEPOSIT);
    deposit.body.deposit =
        (struct journal_deposit){.amount_minor = MINOR(20000), .currency = {"IDR"}, .bank_reference = bytes_text("BCA-1")};
    push(deposit);
    struct journal_entry incident = writer_entry(&phone, JOURNAL_INCIDENT);
    incident.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_LOSS,
                                                       .amount_minor = MINOR(1000),
                                                       .currency = {"IDR"},
                                                       .report = bytes_text("fell into the canal")};
    push(incident);
    struct journal_entry half = writer_entry(&phone, JOURNAL_HANDOVER);
    half.body.handover = (struct journal_handover){.handover = rig_id(),
                                                   .side = JOURNAL_HANDOVER_GIVES,
                                                   .amount_minor = MINOR(2000),
                                                   .counterpart = rig_user(rig, teller->agency, NULL, ROLE_COLLECTOR),
                                                   .currency = {"IDR"}};
    push(half);
    struct journal_entry close = writer_entry(&phone, JOURNAL_DAY_CLOSE);
    close.body.day_close =
        (struct journal_day_close){.first_seq = 1,
                                   .last_seq = close.seq - 1,
                                   .currency_count = 1,
                                   .currencies = {{.currency = {"IDR"},
                                                   .cum_count = phone.cum_count,
                                                   .cum_total_minor = phone.cum_total_minor,
                                                   .receipt_count = 4,
                                                   .void_count = 2,
                                                   .cash_to_hand_over_minor = MINOR(50000)}},
                                   .note_count = 1,
                                   .notes = {{.currency = {"IDR"}, .value_minor = MINOR(50000), .pieces = 1}}};
    push(close);
    char sql[300];
    snprintf(sql, sizeof sql,
             "insert into bonus_target (agency_id, collector_id, month_on, version, amount_minor, currency, at_us) values"
             " ('%s', '%s', '2026-01-01', 1, 100, 'IDR', 1)",
             rig_text(teller->agency.u), rig_text(collector.u));
    pg_exec(&rig->pg, sql);
}

/* Two check-ins of which the later one comes first, so that it is assessed twice. */
static void day_in_disorder(void) {
    struct writer w;
    user_id who = writer_begin_new(&w, rig, teller->agency);
    for (int i = 0; i < 2; i++) {
        account_id account = teller_account(teller, who, &debt_j1, 1);
        struct journal_entry check_in = check_in_at(&w, rig_visit(rig, teller->agency, account, who));
        writer_sign(&w, &check_in);
    }
    for (size_t i = 2; i-- > 0;) assert_answer(writer_push_range(&w, i, i), OK);
    writer_end(&w);
}

/* Two people agree to less when it is paid in time, and it is. @return the payment */
static payment_id offered_and_paid(account_id account) {
    Tagih__V1__OfferSettlementRequest offer = TAGIH__V1__OFFER_SETTLEMENT_REQUEST__INIT;
    Tagih__V1__Money sum = TAGIH__V1__MONEY__INIT;
    Tagih__V1__Components waived = TAGIH__V1__COMPONENTS__INIT;
    sum.minor = MINOR(3500000), sum.currency = TEXT("IDR");
    waived.fees_minor = MINOR(40000), waived.penalty_minor = MINOR(60000), waived.interest_minor = MINOR(400000);
    offer.account_id = TEXT(rig_text(account.u)), offer.sum = &sum, offer.waived = &waived, offer.by_on = teller_day(9);
    offer.reason = TEXT("he sells his motorcycle"), offer.request_id = TEXT(rig_text(rig_id()));
    const char *maker = rig_staff_token(rig, teller->agency, teller->supervisor, 0);
    struct rig_answer answer = rig_call(rig, maker, "OfferService/OfferSettlement", &offer);
    assert_answer(answer, OK);
    assert_answer(teller_approve(teller, &answer), OK);
    return teller_paid(teller, account, &(struct paid){.amount_minor = sum.minor, .value = {clock_now().us}});
}

/* An offer that is kept and waives the rest, one whose money did not stay; and credit that is paid back. */
static void day_of_two_people(account_id account, account_id other) {
    assert_answer(
        teller_reverse(teller, offered_and_paid(other), TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_NEVER_RECEIVED), OK);
    offered_and_paid(account);
    teller_paid(teller, account, &(struct paid){.amount_minor = MINOR(100000), .value = {clock_now().us}}); /* too much */
    Tagih__V1__RefundCreditRequest refund = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
    Tagih__V1__Money sum = TAGIH__V1__MONEY__INIT;
    sum.minor = MINOR(60000), sum.currency = TEXT("IDR");
    refund.account_id = TEXT(rig_text(account.u)), refund.amount = &sum;
    refund.reason = TEXT("he wants it back"), refund.request_id = TEXT(rig_text(rig_id()));
    const char *maker = rig_staff_token(rig, teller->agency, teller->supervisor, 0);
    struct rig_answer answer = rig_call(rig, maker, "AdjustmentService/RefundCredit", &refund);
    assert_answer(answer, OK);
    assert_answer(teller_approve(teller, &answer), OK);
}

/* A rule set of the agency's own, and an account that gets it with payments on either side. */
static void day_of_rule_sets(account_id account) {
    user_id second = rig_user(rig, teller->agency, NULL, ROLE_SUPERVISOR);
    Tagih__V1__ProposeRuleSetRequest propose = TAGIH__V1__PROPOSE_RULE_SET_REQUEST__INIT;
    Tagih__V1__RuleSet set = TAGIH__V1__RULE_SET__INIT;
    Tagih__V1__RuleStep steps[8], *pointers[8];
    for (int i = 0; i < 8; i++) {
        tagih__v1__rule_step__init(pointers[i] = &steps[i]);
        steps[i].due = (Tagih__V1__DueClass)(1 + i % 2);
        steps[i].component = (Tagih__V1__DebtComponent)(4 - i / 2); /* principal first */
    }
    set.name = (char *)(uintptr_t) "acme-own";
    set.version = 1;
    set.direction = TAGIH__V1__ALLOCATION_DIRECTION__ALLOCATION_DIRECTION_VERTICAL;
    set.advance = TAGIH__V1__ADVANCE_RULE__ADVANCE_RULE_CREDIT;
    set.steps = pointers;
    set.n_steps = 8;
    propose.rule_set = &set;
    propose.reason = (char *)(uintptr_t) "the creditor's contract";
    propose.request_id = (char *)(uintptr_t)rig_text(rig_id());
    struct rig_answer answer = rig_call(rig, rig_staff_token(rig, teller->agency, teller->supervisor, 0),
                                        "RuleSetService/ProposeRuleSet", &propose);
    assert_answer(answer, OK);
    assert_answer(
        teller_decide(teller, second, ((const Tagih__V1__ProposeRuleSetResponse *)answer.response)->proposal_id, true), OK);
    teller_paid(teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-9)});
    teller_paid(teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-2)});
    Tagih__V1__ChangeAccountRuleSetRequest change = TAGIH__V1__CHANGE_ACCOUNT_RULE_SET_REQUEST__INIT;
    char value_on[DATE_TEXT_SIZE];
    date_format((civil_date){(int32_t)(clock_now().us / US_PER_DAY) - 5}, value_on);
    change.account_id = (char *)(uintptr_t)rig_text(account.u);
    change.name = set.name;
    change.version = 1;
    change.value_on = value_on;
    change.reason = propose.reason;
    change.request_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(rig, rig_staff_token(rig, teller->agency, teller->gateway, 0),
                           "RuleSetService/ChangeAccountRuleSet", &change),
                  OK);
    teller_paid(teller, account, &(struct paid){.amount_minor = MINOR(50000), .value = teller_noon(-1)});
}

static void decided(user_id second, struct rig_answer proposal) {
    assert_answer(proposal, OK);
    const char *id = ((const Tagih__V1__RecordSaleResponse *)proposal.response)->proposal_id; /* all of them have it first */
    assert_answer(teller_decide(teller, second, id, true), OK);
}

/* Collateral that is fetched, sold and shared; a bill that is charged; and the creditor gets something of it. */
static void day_of_a_sale(account_id account) {
    user_id second = rig_user(rig, teller->agency, NULL, ROLE_SUPERVISOR);
    const char *maker = rig_staff_token(rig, teller->agency, teller->supervisor, 0);
    static uint8_t digest[32] = {7};
    char *on = (char *)(uintptr_t)rig_text(account.u), *why = (char *)(uintptr_t) "as its papers say";
    Tagih__V1__Money money = TAGIH__V1__MONEY__INIT;
    money.currency = (char *)(uintptr_t) "IDR";
    Tagih__V1__RecordTakingCostRequest cost = TAGIH__V1__RECORD_TAKING_COST_REQUEST__INIT;
    money.minor = MINOR(200000);
    cost.account_id = on, cost.amount = &money, cost.reason = cost.reference = why,
    cost.value_us = clock_now().us - US_PER_S;
    cost.kind = TAGIH__V1__TAKING_COST_KIND__TAKING_COST_KIND_STORAGE;
    cost.evidence_sha256 = (ProtobufCBinaryData){sizeof digest, digest};
    cost.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(rig, maker, "CostService/RecordTakingCost", &cost));
    cost.reference = (char *)(uintptr_t) "another car's"; /* a mistake: it is taken back */
    cost.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(rig, maker, "CostService/RecordTakingCost", &cost));
    Tagih__V1__ReverseTakingCostRequest undo = TAGIH__V1__REVERSE_TAKING_COST_REQUEST__INIT;
    char mistake[UUID_TEXT_SIZE];
    snprintf(mistake, sizeof mistake, "%s", pg_value(&rig->pg, "select cost_id from account_cost where reference like 'another%'"));
    undo.cost_id = mistake, undo.reason = why, undo.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(rig, maker, "CostService/ReverseTakingCost", &undo));
    Tagih__V1__RecordSaleRequest sale = TAGIH__V1__RECORD_SALE_REQUEST__INIT;
    money.minor = MINOR(9000000);
    sale.account_id = on, sale.hammer = &money, sale.reason = sale.asset_reference = sale.house = sale.lot = why;
    sale.protocol_sha256 = cost.evidence_sha256, sale.sold_us = clock_now().us - US_PER_S;
    sale.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(rig, maker, "SaleService/RecordSale", &sale));
    char id[UUID_TEXT_SIZE];
    snprintf(id, sizeof id, "%s", pg_value(&rig->pg, "select sale_id from sale"));
    Tagih__V1__SettleSaleRequest settle = TAGIH__V1__SETTLE_SALE_REQUEST__INIT;
    money.minor = MINOR(500000);
    settle.sale_id = id, settle.sale_costs = &money, settle.reason = why;
    for (int round = 0; round < 2; round++) { /* shared, taken back, shared again */
        Tagih__V1__TakeBackSaleRequest back = TAGIH__V1__TAKE_BACK_SALE_REQUEST__INIT;
        settle.etag = (char *)(uintptr_t)(round ? "s2" : "s0");
        settle.request_id = (char *)(uintptr_t)rig_text(rig_id());
        decided(second, rig_call(rig, maker, "SaleService/SettleSale", &settle));
        back.sale_id = id, back.reason = why, back.etag = (char *)(uintptr_t) "s1";
        back.request_id = (char *)(uintptr_t)rig_text(rig_id());
        if (round == 0) decided(second, rig_call(rig, maker, "SaleService/TakeBackSale", &back));
    }
    Tagih__V1__RemitToCreditorRequest remit = TAGIH__V1__REMIT_TO_CREDITOR_REQUEST__INIT;
    money.minor = MINOR(1000000);
    remit.creditor = remit.reference = remit.reason = why, remit.amount = &money, remit.value_us = clock_now().us - US_PER_S;
    remit.request_id = (char *)(uintptr_t)rig_text(rig_id());
    decided(second, rig_call(rig, maker, "RemittanceService/RemitToCreditor", &remit));
}

static void day_of_entries(account_id account) {
    user_id second = rig_user(rig, teller->agency, NULL, ROLE_SUPERVISOR),
            dewi = rig_user(rig, teller->agency, NULL, ROLE_COLLECTOR);
    struct rig_phone enrolled = rig_phone(rig, teller->agency, dewi);
    struct writer w;
    writer_begin(&w, rig, &enrolled);
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
    decide.reason = (char *)(uintptr_t) "a slip of the finger";
    decide.request_id = (char *)(uintptr_t)rig_text(rig_id());
    const char *maker = rig_staff_token(rig, teller->agency, teller->supervisor, 0);
    struct rig_answer answer = rig_call(rig, maker, "EntryService/DecideEntry", &decide);
    assert_answer(answer, OK);
    assert_answer(
        teller_decide(teller, second, ((const Tagih__V1__DecideEntryResponse *)answer.response)->proposal_id, true), OK);
    Tagih__V1__AcceptGapRequest gap = TAGIH__V1__ACCEPT_GAP_REQUEST__INIT;
    gap.device_id = (char *)(uintptr_t)rig_text(w.phone.device.u);
    gap.epoch = (int32_t)w.phone.epoch;
    gap.first_seq = gap.last_seq = 2;
    gap.reason = decide.reason;
    gap.request_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(rig, maker, "EntryService/AcceptGap", &gap), OK);
    writer_end(&w);
}

/* Whose a bonus is: money from a colleague's account, an account of two, and a collector who is a customer. */
static void day_of_bonus(void) {
    user_id second = rig_user(rig, teller->agency, NULL, ROLE_SUPERVISOR),
            sari = rig_user(rig, teller->agency, NULL, ROLE_COLLECTOR);
    const char *maker = rig_staff_token(rig, teller->agency, teller->supervisor, 0);
    char *reason = (char *)(uintptr_t) "they worked it together", ids[2][UUID_TEXT_SIZE];
    account_id account = teller_account_of(teller, "CUST-SARI", sari, &debt_j1, 1);
    struct journal_entry receipt = writer_receipt(&phone, account, MINOR(30000));
    size_t at = push(receipt);
    Tagih__V1__ChooseCreditRequest choice = TAGIH__V1__CHOOSE_CREDIT_REQUEST__INIT;
    uuid_format(phone.entries[at].id.u, ids[0]);
    uuid_format(sari.u, ids[1]);
    choice.payment_id = ids[0];
    choice.collector_id = ids[1];
    choice.reason = reason;
    choice.request_id = (char *)(uintptr_t)rig_text(rig_id());
    struct rig_answer answer = rig_call(rig, maker, "BonusService/ChooseCredit", &choice);
    assert_answer(answer, OK);
    assert_answer(
        teller_decide(teller, second, ((const Tagih__V1__ChooseCreditResponse *)answer.response)->proposal_id, true), OK);
    Tagih__V1__SplitShare shares[2] = {TAGIH__V1__SPLIT_SHARE__INIT, TAGIH__V1__SPLIT_SHARE__INIT},
                          *list[] = {&shares[0], &shares[1]};
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
    answer = rig_call(rig, maker, "BonusService/ProposeSplit", &split);
    assert_answer(answer, OK);
    assert_answer(
        teller_decide(teller, second, ((const Tagih__V1__ProposeSplitResponse *)answer.response)->proposal_id, true), OK);
    teller_paid(teller, account,
                &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER,
                               .amount_minor = MINOR(9001),
                               .value = {clock_now().us}});
    Tagih__V1__SetOwnCustomerRequest own = TAGIH__V1__SET_OWN_CUSTOMER_REQUEST__INIT;
    own.user_id = ids[1];
    own.customer_no = (char *)(uintptr_t) "CUST-SARI";
    own.is_own = true;
    own.reason = (char *)(uintptr_t) "the same identity card";
    own.request_id = (char *)(uintptr_t)rig_text(rig_id());
    assert_answer(rig_call(rig, maker, "BonusService/SetOwnCustomer", &own), OK);
    teller_paid(teller, account,
                &(struct paid){.source = TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_LAWYER,
                               .amount_minor = MINOR(7001),
                               .value = {clock_now().us}});
}

static void post_slip(const struct writer *w, size_t at, account_id account, int64_t amount_minor) {
    Tagih__V1__PostSlipRequest slip = TAGIH__V1__POST_SLIP_REQUEST__INIT;
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    uint8_t hash[32] = {1};
    amount.minor = amount_minor;
    amount.currency = (char *)(uintptr_t) "IDR";
    slip.entry_id = (char *)(uintptr_t)rig_text(w->entries[at].id.u);
    slip.device_id = (char *)(uintptr_t)rig_text(w->phone.device.u);
    slip.account_id = (char *)(uintptr_t)rig_text(account.u);
    slip.amount = &amount;
    slip.tender = TAGIH__V1__TENDER__TENDER_CASH;
    slip.receipt_no = 3;
    slip.taken_us = clock_now().us - 600 * US_PER_S;
    slip.slip_sha256 = (ProtobufCBinaryData){sizeof hash, hash};
    slip.reason = (char *)(uintptr_t) "the phone is lost";
    slip.request_id = (char *)(uintptr_t)rig_text(rig_id());
    user_id second = rig_user(rig, teller->agency, NULL, ROLE_SUPERVISOR);
    struct rig_answer answer =
        rig_call(rig, rig_staff_token(rig, teller->agency, teller->supervisor, 0), "EntryService/PostSlip", &slip);
    assert_answer(answer, OK);
    assert_answer(teller_decide(teller, second, ((const Tagih__V1__PostSlipResponse *)answer.response)->proposal_id, true),
                  OK);
}

/* Slips of a lost phone, one of which its entry joins, and one that beats a void (R-REC-8). */
static void day_of_slips(account_id account) {
    struct rig_phone enrolled = rig_phone(rig, teller->agency, rig_user(rig, teller->agency, NULL, ROLE_COLLECTOR));
    struct writer w;
    writer_begin(&w, rig, &enrolled);
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

void live_a_day(struct rig *open_rig, struct teller *open_teller) {
    rig = open_rig, teller = open_teller;
    teller_open(teller, rig, rig_agency(rig, "Acme"));
    collector = writer_begin_new(&phone, rig, teller->agency);
    const struct debt debts[] = {due(-50, 1000000), due(-10, 500000), due(20, 500000)};
    account_id account = teller_account(teller, collector, debts, 3);
    account_id other = teller_account(teller, collector, &debt_j1, 1);
    day_in_the_office(account);
    day_in_the_field(other);
    day_outside(other);
    day_of_two_people(teller_account(teller, collector, &debt_j1, 1), teller_account(teller, collector, &debt_j1, 1));
    day_in_disorder();
    day_of_slips(teller_account(teller, collector, &debt_j1, 1));
    day_of_entries(teller_account(teller, collector, &debt_j1, 1));
    teller->rule_set = "npl"; /* the creditor says so */
    account_id ruled = teller_account(teller, collector, &debt_j1, 1);
    teller->rule_set = NULL;
    day_of_rule_sets(ruled);
    day_of_a_sale(teller_account(teller, collector, &debt_j1, 1));
    day_of_bonus();
    writer_end(&phone);
}
