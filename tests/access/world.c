/* SPDX-License-Identifier: Apache-2.0 */
/* A collector's day, with everything that the office does about it. */
#include "tests/access/world.h"

#include <stdlib.h>
#include <string.h>

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tests/support/case.h"
#include "tests/support/methods.h"
#include "tests/support/request.h"

#define THING_WORD(name, word) word,
static const char *const words[] = {THINGS(THING_WORD)};

enum thing thing_parse(const char *word) {
    size_t i = 0;
    while (i < THING_COUNT && strcmp(words[i], word) != 0) i++;
    return (enum thing)i;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static void set_fields(ProtobufCMessage *request, struct arena *arena, const struct world *world, const char *fields) {
    char text[600], *rest = text;
    snprintf(text, sizeof text, "%s", fields);
    for (char *part = strtok_r(text, " ", &rest); part; part = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(part, '=');
        if (!value) fail_msg("'%s' says no value", part);
        *value++ = 0;
        request_set(request, arena, part, *value == ':' ? world->id[thing_parse(value + 1)] : value);
    }
}

struct rig_answer world_call(struct rig *rig, const struct world *world, const char *token, const char *method,
                             const char *fields) {
    static uint8_t memory[65536];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    FOR_ALL_METHODS(m) {
        if (strcmp(m.name, method) != 0) continue;
        ProtobufCMessage *request = request_new(m.proto->input, &arena);
        set_fields(request, &arena, world, fields);
        return rig_call(rig, token, method, request);
    }
    fail_msg("there is no method %s", method);
    return (struct rig_answer){0};
}

/* ---- a day ---------------------------------------------------------------------------------------------------- */

struct day {
    struct world *world;
    struct teller *teller;
    struct writer writer;
    account_id account;
};

static void name(struct day *day, enum thing thing, uuid id) {
    uuid_format(id, day->world->id[thing]);
}

static void name_by(struct day *day, enum thing thing, const char *column, const char *table, const char *by, uuid id) {
    char text[300];
    snprintf(text, sizeof text, "select %s from %s where %s = '%s'", column, table, by, rig_text(id));
    snprintf(day->world->id[thing], sizeof day->world->id[thing], "%s", pg_value(&day->teller->rig->pg, text));
    if (!*day->world->id[thing]) fail_msg("nothing there: %s", text);
}

static const char *token_of(struct day *day, user_id user) {
    return rig_staff_token(day->teller->rig, day->teller->agency, user, 0);
}

static struct rig_answer act(struct day *day, user_id by, const char *method, const char *fields) {
    struct rig_answer answer = world_call(day->teller->rig, day->world, token_of(day, by), method, fields);
    if (answer.status != CALL_OK) fail_msg("%s: %s %s %s", method, answer.reason, answer.message, answer.field);
    return answer;
}

static void act_of_two(struct day *day, const char *method, const char *fields) {
    struct rig_answer proposed = act(day, day->teller->supervisor, method, fields);
    struct rig_answer decided = teller_approve(day->teller, &proposed);
    assert_answer(decided, OK);
}

static uuid written(struct day *day, enum thing thing, struct journal_entry entry) {
    size_t at = writer_sign(&day->writer, &entry);
    if (thing == THING_ENTRY) bytes_hex(BYTES_OF(&day->writer.entries[at].hash), day->world->id[thing]);
    else name(day, thing, entry.id.u);
    return entry.id.u;
}

static struct journal_entry receipt_by(struct day *day, uint16_t tender, const char *reference) {
    struct journal_entry entry = writer_receipt(&day->writer, day->account, MINOR(30000));
    entry.body.receipt.tender = tender;
    entry.body.receipt.has_tender_reference = true;
    entry.body.receipt.tender_reference = bytes_text(reference);
    return entry;
}

static struct journal_entry check_in_at(struct day *day, visit_id visit) {
    struct journal_entry entry = writer_entry(&day->writer, JOURNAL_CHECK_IN);
    entry.body.check_in = (struct journal_check_in){
        .visit = visit,
        .purpose = 1,
        .tapped = entry.device_time,
        .tapped_mono_us = entry.mono_us,
        .fix_count = 1,
        .fixes = {{.lat_e7 = -61753924, .lon_e7 = 1068271528, .accuracy_mm = 10000, .at = entry.device_time}}};
    return entry;
}

static struct journal_entry close_of_day(struct day *day) {
    struct journal_entry entry = writer_entry(&day->writer, JOURNAL_DAY_CLOSE);
    entry.body.day_close = (struct journal_day_close){.first_seq = 1,
                                                      .last_seq = entry.seq - 1,
                                                      .currency_count = 1,
                                                      .currencies = {{.currency = {"IDR"},
                                                                      .cum_count = day->writer.cum_count,
                                                                      .cum_total_minor = day->writer.cum_total_minor,
                                                                      .receipt_count = 4,
                                                                      .cash_to_hand_over_minor = MINOR(130000)}}};
    return entry;
}

/* What his phone says of the day, in one push. */
static void in_the_field(struct day *day) {
    visit_id visit = rig_visit(day->teller->rig, day->teller->agency, day->account, day->world->owner);
    name(day, THING_VISIT, visit.u);
    written(day, THING_CHECK_IN, check_in_at(day, visit));
    written(day, THING_PAYMENT, writer_receipt(&day->writer, day->account, MINOR(150000)));
    written(day, THING_CHEQUE, receipt_by(day, JOURNAL_TENDER_CHEQUE, "CHQ-1"));
    uuid transfer = written(day, THING_EXPECTED, receipt_by(day, JOURNAL_TENDER_TRANSFER, rig_text(rig_id())));
    written(day, THING_ENTRY, writer_receipt(&day->writer, (account_id){rig_id()}, MINOR(5000)));
    struct journal_entry entry = writer_entry(&day->writer, JOURNAL_PROMISE);
    entry.body.promise = (struct journal_promise){.account = day->account,
                                                  .amount_minor = MINOR(1000000),
                                                  .currency = {"IDR"},
                                                  .due_on = {teller_today().days + 2},
                                                  .promiser = JOURNAL_PAYER_DEBTOR,
                                                  .channel = 1};
    written(day, THING_PROMISE, entry);
    entry = writer_entry(&day->writer, JOURNAL_DEPOSIT);
    entry.body.deposit = (struct journal_deposit){
        .amount_minor = MINOR(20000), .currency = {"IDR"}, .bank_reference = bytes_text(rig_text(entry.id.u))};
    written(day, THING_DEPOSIT, entry);
    entry = writer_entry(&day->writer, JOURNAL_INCIDENT);
    entry.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_LOSS,
                                                    .amount_minor = MINOR(1000),
                                                    .currency = {"IDR"},
                                                    .report = bytes_text("fell into the canal")};
    written(day, THING_SHORTAGE, entry);
    written(day, THING_SETTLEMENT, close_of_day(day));
    assert_answer(writer_push_range(&day->writer, 0, day->writer.n - 1), OK);
    name_by(day, THING_EXPECTED, "expected_id", "bank_expected", "object_id", transfer);
}

static void propose_plan(struct day *day, account_id account) {
    Tagih__V1__ProposePlanRequest request = TAGIH__V1__PROPOSE_PLAN_REQUEST__INIT;
    Tagih__V1__PlanInstalmentTerms terms[2], *list[2];
    for (int i = 0; i < 2; i++) {
        tagih__v1__plan_instalment_terms__init(list[i] = &terms[i]);
        terms[i].amount_minor = MINOR(500000);
        terms[i].due_on = teller_day(7 + 7 * i);
    }
    request.account_id = TEXT(rig_text(account.u));
    request.currency = TEXT("IDR");
    request.instalments = list;
    request.n_instalments = 2;
    request.reason = TEXT("his wages come weekly");
    request.request_id = TEXT(rig_text(rig_id()));
    assert_answer(rig_call(day->teller->rig, token_of(day, day->teller->supervisor), "PlanService/ProposePlan", &request),
                  OK);
    name_by(day, THING_PLAN, "plan_id", "plan", "account_id", account.u);
}

static account_id another_account(struct day *day, int64_t rupiah) {
    const struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = MINOR(rupiah)}};
    account_id account = teller_account(day->teller, day->world->owner, &debt, 1);
    name(day, THING_ACCOUNT, account.u);
    return account;
}

static void in_the_office(struct day *day) {
    propose_plan(day, another_account(day, 1000000));
    account_id account = another_account(day, 1000000);
    act_of_two(day, "OfferService/OfferSettlement",
               "account_id=:account sum.minor=90000000 waived.principal_minor=10000000"
               " waived.fees_minor=0 waived.penalty_minor=0 waived.interest_minor=0");
    name_by(day, THING_OFFER, "offer_id", "settlement_offer", "account_id", account.u);
    account = another_account(day, 1000000);
    act_of_two(day, "CostService/RecordTakingCost", "account_id=:account");
    name_by(day, THING_COST, "cost_id", "account_cost", "account_id", account.u);
    act_of_two(day, "SaleService/RecordSale", "account_id=:account");
    name_by(day, THING_SALE, "sale_id", "sale", "account_id", account.u);
    name(day, THING_ACCOUNT, day->account.u);
    struct rig_answer answer = act(day, day->teller->supervisor, "AdjustmentService/WaiveDebt",
                                   "account_id=:account parts.fees_minor=0 parts.penalty_minor=0 parts.interest_minor=0");
    name(day, THING_PROPOSAL, rig_uuid(teller_proposal(&answer)));
    answer = act(day, day->teller->gateway, "SuspenseService/ReceiveSuspense", "source=2");
    name(day, THING_SUSPENSE, rig_uuid(((const Tagih__V1__ReceiveSuspenseResponse *)answer.response)->item->item_id));
    name(day, THING_LINE, rig_uuid(teller_bank_line(day->teller, NULL, "7777", "nobody knows")->line_id));
}

void world_open(struct world *world, struct teller *teller, user_id owner) {
    *world =
        (struct world){.agency = teller->agency, .owner = owner, .phone = rig_phone(teller->rig, teller->agency, owner)};
    struct day day = {.world = world, .teller = teller, .account = teller_account(teller, owner, &debt_j1, 1)};
    struct rig_phone spare = rig_phone(teller->rig, teller->agency, owner); /* one that may be revoked */
    writer_begin(&day.writer, teller->rig, &world->phone);
    day.writer.at.us = clock_now().us - 60 * US_PER_S;
    name(&day, THING_COLLECTOR, owner.u);
    name(&day, THING_DEVICE, spare.device.u);
    name(&day, THING_ACCOUNT, day.account.u);
    name_by(&day, THING_ACCOUNT_NO, "account_no", "account", "account_id", day.account.u);
    name_by(&day, THING_CUSTOMER_NO, "customer_no", "account join customer using (agency_id, customer_id)", "account_id",
            day.account.u);
    in_the_field(&day);
    in_the_office(&day);
    writer_end(&day.writer);
}

void world_of_nothing(struct world *world) {
    *world = (struct world){0};
    for (size_t i = 0; i < THING_COUNT; i++) uuid_format(random_id(), world->id[i]);
    uint8_t hash[32];
    random_bytes(hash, sizeof hash);
    bytes_hex(BYTES_OF(&hash), world->id[THING_ENTRY]);
}
