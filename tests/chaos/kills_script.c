/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts. Every call ends with its success: kills_spec.c lets the rig repeat what got no answer. */
#include "tests/chaos/kills_script.h"

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/check_in_request.h"
#include "tests/support/months.h"

#define BIG MINOR(100000000)

static const char *token(const struct scene *s, user_id user) {
    return rig_staff_token(s->teller.rig, s->teller.agency, user, 0);
}

static struct rig_answer call(struct scene *s, user_id by, const char *method, const void *request) {
    struct rig_answer answer = rig_call(s->teller.rig, token(s, by), method, request);
    if (strcmp(answer.reason, "OK") != 0) fail_msg("%s: %s %s %s", method, answer.reason, answer.message, answer.field);
    return answer;
}

void scene_open(struct scene *scene, struct rig *rig) {
    *scene = (struct scene){0};
    teller_open(&scene->teller, rig, rig_agency(rig, "Acme"));
    scene->collector = rig_user(rig, scene->teller.agency, NULL, ROLE_COLLECTOR);
}

void scene_close(struct scene *scene) {
    writer_end(&scene->writer);
    writer_end(&scene->other);
}

/* ---- a journal -------------------------------------------------------------------------------------------------- */

static void prepare_phones(struct scene *s) {
    const struct debt debt = {.due_minor = {[COMPONENT_FEES] = MINOR(40000), [COMPONENT_PRINCIPAL] = BIG}};
    struct rig_phone phone = rig_phone(s->teller.rig, s->teller.agency, s->collector);
    writer_begin(&s->writer, s->teller.rig, &phone);
    writer_begin_new(&s->other, s->teller.rig, s->teller.agency);
    s->writer.at.us = s->other.at.us = clock_now().us - 30 * US_PER_S;
    s->account = teller_account(&s->teller, s->collector, &debt, 1);
}

static size_t receipt(struct scene *s, int64_t amount_minor) {
    struct journal_entry entry = writer_receipt(&s->writer, s->account, amount_minor);
    return writer_sign(&s->writer, &entry);
}

static void promise(struct scene *s) {
    struct journal_entry entry = writer_entry(&s->writer, JOURNAL_PROMISE);
    entry.body.promise = (struct journal_promise){.account = s->account,
                                                  .amount_minor = MINOR(500000),
                                                  .currency = {"IDR"},
                                                  .due_on = {teller_today().days + 3},
                                                  .promiser = JOURNAL_PAYER_DEBTOR,
                                                  .channel = 1};
    writer_sign(&s->writer, &entry);
}

static void half(struct writer *w, uuid id, uint16_t side, user_id with, int64_t amount_minor) {
    struct journal_entry entry = writer_entry(w, JOURNAL_HANDOVER);
    entry.body.handover = (struct journal_handover){
        .handover = id, .side = side, .counterpart = with, .amount_minor = amount_minor, .currency = {"IDR"}};
    writer_sign(w, &entry);
}

static void close_day(struct writer *w, int64_t hand_over_minor) {
    struct journal_entry entry = writer_entry(w, JOURNAL_DAY_CLOSE);
    entry.body.day_close = (struct journal_day_close){
        .first_seq = 1,
        .last_seq = w->seq,
        .currency_count = 1,
        .tender_count = 1,
        .currencies =
            {{.currency = {"IDR"}, .cum_count = 1, .receipt_count = 1, .cash_to_hand_over_minor = hand_over_minor}},
        .tenders = {{.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = 1, .total_minor = hand_over_minor}}};
    writer_sign(w, &entry);
}

/* Push all of it and keep what was told. */
static void push(struct scene *s, struct writer *w) {
    struct rig_answer answer = writer_push_range(w, 0, w->n - 1);
    assert_answer(answer, OK);
    const Tagih__V1__PushResponse *response = answer.response;
    w->quiet = true;
    for (size_t i = 0; i < w->n; i++) {
        struct acknowledgement ack = writer_ack(w, &answer, i, i);
        struct scene_ack *kept = &s->acks[s->n_acks++];
        assert_true(s->n_acks <= SCENE_ACKS_MAX && response->acks[i].len <= sizeof kept->bytes);
        assert_true(ack.fate != FATE_QUARANTINED && ack.fate != FATE_EVIDENCE);
        kept->entry = w->entries[i].hash;
        kept->len = response->acks[i].len;
        memcpy(kept->bytes, response->acks[i].data, kept->len);
    }
}

static void act_push(struct scene *s) {
    uuid handover = rig_id();
    receipt(s, MINOR(400000));
    size_t wrong = receipt(s, MINOR(70000));
    struct journal_entry voided = writer_void(&s->writer, wrong, MINOR(70000));
    writer_sign(&s->writer, &voided);
    receipt(s, MINOR(250000));
    promise(s);
    half(&s->writer, handover, JOURNAL_HANDOVER_GIVES, s->other.phone.user, MINOR(150000));
    half(&s->other, handover, JOURNAL_HANDOVER_TAKES, s->collector, MINOR(150000));
    push(s, &s->writer);
    push(s, &s->other);
}

/* ---- a check-in ------------------------------------------------------------------------------------------------- */

static void prepare_visit(struct scene *s) {
    struct rig *rig = s->teller.rig;
    prepare_phones(s);
    s->subject = rig_visit(rig, s->teller.agency, s->account, s->collector).u;
}

static void act_check_in(struct scene *s) {
    struct check_in_build build;
    const void *request = check_in_of(&build, (visit_id){s->subject});
    struct rig_answer answer = rig_call(s->teller.rig, s->writer.phone.token, "CheckInService/CheckIn", request);
    assert_answer(answer, OK);
}

/* ---- cash ------------------------------------------------------------------------------------------------------- */

static void prepare_settlement(struct scene *s) {
    prepare_phones(s);
    receipt(s, MINOR(1000000));
    close_day(&s->writer, MINOR(1000000));
    push(s, &s->writer);
    s->subject = s->writer.entries[1].id.u;
}

static char *etag_of(struct scene *s) {
    Tagih__V1__GetSettlementRequest request = TAGIH__V1__GET_SETTLEMENT_REQUEST__INIT;
    request.settlement_id = TEXT(rig_text(s->subject));
    struct rig_answer answer = call(s, s->teller.supervisor, "CashService/GetSettlement", &request);
    return ((const Tagih__V1__GetSettlementResponse *)answer.response)->settlement->etag;
}

static void act_cash(struct scene *s) {
    Tagih__V1__CashPieces notes = TAGIH__V1__CASH_PIECES__INIT, *pieces = &notes;
    Tagih__V1__Money counted = TAGIH__V1__MONEY__INIT;
    Tagih__V1__CountSettlementRequest count = TAGIH__V1__COUNT_SETTLEMENT_REQUEST__INIT;
    notes.value_minor = MINOR(100000);
    notes.pieces = 10;
    counted.minor = MINOR(1000000);
    counted.currency = TEXT("IDR");
    count.settlement_id = TEXT(rig_text(s->subject));
    count.pieces = &pieces;
    count.n_pieces = 1;
    count.counted = &counted;
    count.request_id = TEXT(rig_text(rig_id()));
    count.etag = etag_of(s);
    call(s, s->teller.cashier, "CashService/CountSettlement", &count);
    Tagih__V1__AcceptSettlementRequest accept = TAGIH__V1__ACCEPT_SETTLEMENT_REQUEST__INIT;
    accept.settlement_id = TEXT(rig_text(s->subject));
    accept.request_id = TEXT(rig_text(rig_id()));
    accept.etag = etag_of(s);
    accept.reason = TEXT("all is there");
    call(s, s->teller.cashier, "CashService/AcceptSettlement", &accept);
}

/* ---- the office --------------------------------------------------------------------------------------------------- */

static void prepare_credit(struct scene *s) {
    s->account = teller_account(&s->teller, s->collector, &debt_j1, 1);
    teller_paid(&s->teller, s->account, &(struct paid){.amount_minor = MINOR(5000000)});
}

static void act_approval(struct scene *s) {
    Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
    Tagih__V1__RefundCreditRequest request = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
    amount.minor = MINOR(1000000);
    amount.currency = TEXT("IDR");
    request.account_id = TEXT(rig_text(s->account.u));
    request.amount = &amount;
    request.reason = TEXT("paid too much");
    request.request_id = TEXT(rig_text(rig_id()));
    struct rig_answer proposed = call(s, s->teller.cashier, "AdjustmentService/RefundCredit", &request);
    teller_posting(&(struct rig_answer[]){teller_approve(&s->teller, &proposed)}[0]);
}

static void prepare_nothing(struct scene *s) {
    (void)s;
}

static void act_statement(struct scene *s) {
    teller_bank_line(&s->teller, NULL, "125000.00", "from somebody");
}

static void act_import(struct scene *s) {
    s->account = teller_account(&s->teller, (user_id){0}, &debt_j1, 1);
}

static void act_payment(struct scene *s) {
    payment_id payment = teller_paid(&s->teller, s->account, &(struct paid){.amount_minor = MINOR(200000)});
    assert_answer(teller_reverse(&s->teller, payment, TAGIH__V1__REVERSAL_REASON__REVERSAL_REASON_MISPOST), OK);
}

/* A receipt in the newest month that may be closed; what is open before it is closed. */
static void prepare_month(struct scene *s) {
    struct rig_phone phone = rig_phone_since(s->teller.rig, s->teller.agency, s->collector, teller_noon(-75));
    const struct debt debt = {.due_in = months_before_start(10), .due_minor = {[COMPONENT_PRINCIPAL] = BIG}};
    writer_begin(&s->writer, s->teller.rig, &phone);
    s->writer.at = teller_noon(months_near_end(8));
    s->account = teller_account(&s->teller, s->collector, &debt, 1);
    receipt(s, MINOR(2000000));
    push(s, &s->writer);
    months_close_before(&s->teller, s->teller.second, months_closable());
}

static void act_month(struct scene *s) {
    months_close(&s->teller, s->teller.second, months_closable());
}

const struct kills_script kills_scripts[] = {
    {"push", prepare_phones, act_push},
    {"check-in", prepare_visit, act_check_in},
    {"cash", prepare_settlement, act_cash},
    {"approval", prepare_credit, act_approval},
    {"statement", prepare_nothing, act_statement},
    {"month close", prepare_month, act_month},
    {"payment", prepare_credit, act_payment},
    {"import", prepare_nothing, act_import},
    {0},
};
