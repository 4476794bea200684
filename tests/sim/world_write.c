/* SPDX-License-Identifier: Apache-2.0 */
/* What phones write: money first, odd money too, and everything else that a day brings. All of it is remembered in the
 * truth as the phone meant it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/domain/outcome.h"
#include "tests/sim/world.h"

#define RUPIAH INT64_C(100)
#define RECORDS_LEFT_MIN 40 /* a phone whose memory is nearly full writes no more */

static const currency currencies[CURRENCIES] = {{"IDR"}, {"USD"}};

/* ---- into the journal and into the truth ---------------------------------------------------------------------- */

static void remember_times(struct issued *issued, const struct journal_entry *entry, instant certified) {
    issued->device_time = entry->device_time;
    issued->certified = certified;
    issued->mono_us = entry->mono_us;
    issued->boot = entry->boot_id;
    issued->has_contact = entry->has_server_time;
    if (!issued->has_contact) return;
    issued->contact_time = entry->server_time;
    issued->contact_mono_us = entry->server_mono_us;
    issued->contact_boot = entry->server_boot;
}

static struct issued *remember(struct world *world, const struct handset *handset, const struct record *record,
                               const struct journal_entry *entry) {
    struct issued *issued = truth_add(&world->truth, &record->hash);
    issued->id = record->id;
    issued->device = entry->device;
    issued->user = world->users[handset->number];
    issued->epoch = entry->epoch;
    issued->seq = entry->seq;
    issued->kind = entry->kind;
    issued->prev_hash = entry->prev_hash;
    issued->bytes = malloc(record->len);
    assert(issued->bytes);
    memcpy(issued->bytes, record->bytes, record->len);
    issued->len = record->len;
    remember_times(issued, entry, handset->issued[handset->n_epochs - 1]);
    const struct journal_money *money = journal_money_of(entry);
    if (money) {
        issued->amount_minor = money->amount_minor;
        issued->currency = money->currency;
        issued->cum_count = money->cum_count;
        issued->cum_total_minor = money->cum_total_minor;
    }
    world->result->entries++;
    return issued;
}

static bool has_room(struct handset *handset) {
    return handset->on && handset_phone(handset)->record_count + RECORDS_LEFT_MIN < PHONE_RECORDS_MAX;
}

/* Running totals are kept per currency; the phone's core knows one pair at a time (R-JRN-3). */
static struct issued *put(struct world *world, struct handset *handset, struct journal_entry *entry) {
    struct phone *phone = handset_phone(handset);
    size_t epoch = handset->n_epochs - 1;
    const struct journal_money *money = journal_money_of(entry);
    int in = money && memcmp(money->currency.code, "USD", 3) == 0;
    phone->now_us = world->now_us;
    phone->cum_count = handset->counts[epoch][in];
    phone->cum_total_minor = handset->totals_minor[epoch][in];
    struct record *record = phone_write(phone, entry);
    handset->counts[epoch][in] = phone->cum_count;
    handset->totals_minor[epoch][in] = phone->cum_total_minor;
    return remember(world, handset, record, entry);
}

/* ---- receipts ------------------------------------------------------------------------------------------------- */

/* One receipt of many is odd; what is odd about it. */
enum oddity {
    ODD_NOT,
    ODD_ZERO,
    ODD_NEGATIVE,
    ODD_HUGE,
    ODD_COIN,
    ODD_CURRENCY,
    ODD_ACCOUNT,
    ODD_ID,
    ODD_TEXT,
    ODD_TENDER,
    ODD_END
};

static const struct account_of *account_for(struct world *world, const struct handset *handset) {
    bool own = chance_percent(&world->luck, 90);
    size_t each = world->n_accounts / (size_t)world->plan->phones;
    size_t draw = (size_t)chance_below(&world->luck, (int64_t)(own ? each : world->n_accounts));
    return &world->accounts[own ? (size_t)handset->number * each + draw : draw];
}

static int64_t amount_for(struct world *world, const struct account_of *account) {
    int64_t draw = chance_below(&world->luck, 100);
    int64_t thousands = draw < 70   ? chance_between(&world->luck, 10, 400)
                        : draw < 97 ? chance_between(&world->luck, 100, 2500)
                                    : account->debt_minor / (1000 * RUPIAH) + 1;
    return account->dollars ? thousands * 5 : thousands * 1000 * RUPIAH;
}

static void make_odd(struct world *world, enum oddity odd, struct journal_receipt *receipt) {
    switch (odd) {
        case ODD_ZERO:
            receipt->money.amount_minor = 0;
            break;
        case ODD_NEGATIVE:
            receipt->money.amount_minor = -receipt->money.amount_minor;
            break;
        case ODD_HUGE:
            receipt->money.amount_minor = INT64_C(10000000000001);
            break;
        case ODD_COIN:
            receipt->money.amount_minor += 37;
            break;
        case ODD_CURRENCY:
            receipt->money.currency = currencies[memcmp(receipt->money.currency.code, "USD", 3) != 0];
            break;
        case ODD_ACCOUNT:
            chance_bytes(&world->luck, receipt->account.u.b, sizeof receipt->account.u.b);
            break;
        case ODD_TEXT:
            receipt->has_payer_name = true;
            receipt->payer_name = bytes_make((const uint8_t *)"\xC3\x28 \x01", 4);
            break;
        case ODD_TENDER:
            receipt->tender = 9;
            break;
        default:
            break;
    }
}

/* The id of something that he wrote before: a broken generator. Whichever of the two comes first has the id, so neither
 * is sure to post. */
static entry_id id_again(struct world *world, struct handset *handset) {
    const struct phone *phone = handset_phone(handset);
    if (!phone->record_count) return (entry_id){{{0}}};
    const struct record *record = &phone->records[chance_below(&world->luck, (int64_t)phone->record_count)];
    truth_find(&world->truth, &record->hash)->honest = false;
    return record->id;
}

static void tell_receipt(struct world *world, const struct handset *handset, const struct issued *issued, enum oddity odd) {
    static const char *const odds[ODD_END] = {"",
                                              ", of nothing",
                                              ", of less than nothing",
                                              ", beyond all sense",
                                              ", in coins that do not exist",
                                              ", in the wrong currency",
                                              ", for an account that nobody knows",
                                              ", under an id that was used before",
                                              ", with a name that is no text",
                                              ", by an unknown tender"};
    world_tell(world, handset, "writes receipt %lld (epoch %u) of %s %lld.%02d%s", (long long)issued->seq, issued->epoch,
               issued->currency.code, (long long)(issued->amount_minor / 100), abs((int)(issued->amount_minor % 100)),
               odds[odd]);
}

void write_receipt(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    const struct account_of *account = account_for(world, handset);
    enum oddity odd = chance_percent(&world->luck, 4) ? (enum oddity)chance_between(&world->luck, 1, ODD_END - 1) : ODD_NOT;
    if (!has_room(handset)) return;
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    struct journal_receipt *receipt = &entry.body.receipt;
    receipt->money =
        (struct journal_money){.amount_minor = amount_for(world, account), .currency = currencies[account->dollars]};
    receipt->account = account->id;
    receipt->payer = JOURNAL_PAYER_DEBTOR;
    int64_t draw = chance_below(&world->luck, 100);
    receipt->tender = draw < 80   ? JOURNAL_TENDER_CASH
                      : draw < 88 ? JOURNAL_TENDER_TRANSFER
                      : draw < 95 ? JOURNAL_TENDER_QR
                                  : JOURNAL_TENDER_CHEQUE;
    receipt->tag = receipt->tender == JOURNAL_TENDER_TRANSFER || receipt->tender == JOURNAL_TENDER_QR ? 2 : 1;
    receipt->receipt_no = ++handset_phone(handset)->receipt_no;
    char reference[24];
    snprintf(reference, sizeof reference, "TRX%016llx", (unsigned long long)chance_next(&world->luck));
    receipt->has_tender_reference = receipt->tender != JOURNAL_TENDER_CASH;
    if (receipt->has_tender_reference) receipt->tender_reference = bytes_text(reference);
    make_odd(world, odd, receipt);
    if (odd == ODD_ID) entry.id = id_again(world, handset);
    struct issued *issued = put(world, handset, &entry);
    issued->account = receipt->account;
    issued->tender = receipt->tender;
    issued->honest = (odd == ODD_NOT || odd == ODD_COIN || odd == ODD_TEXT || odd == ODD_TENDER) && !handset->is_forked &&
                     !handset->barred;
    if (receipt->tender == JOURNAL_TENDER_CASH && !account->dollars && odd == ODD_NOT)
        handset->bag_minor += issued->amount_minor;
    world->result->receipts++;
    tell_receipt(world, handset, issued, odd);
}

/* ---- voids and copies ----------------------------------------------------------------------------------------- */

/* One of the last receipts that this key signed, or anything at all. */
static const struct record *some_record(struct world *world, struct handset *handset, uint16_t kind, int back_max) {
    const struct phone *phone = handset_phone(handset);
    int64_t back = chance_between(&world->luck, 1, back_max);
    for (size_t i = phone->record_count; i > 0; i--) {
        if (phone->records[i - 1].kind == kind && --back == 0) return &phone->records[i - 1];
    }
    return NULL;
}

void write_void(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    const struct record *receipt =
        some_record(world, handset, chance_percent(&world->luck, 97) ? JOURNAL_RECEIPT : JOURNAL_VOID, 4);
    bool slip = chance_percent(&world->luck, 85), left = chance_percent(&world->luck, 10),
         wrong = chance_percent(&world->luck, 3);
    if (!has_room(handset) || !receipt) return;
    const struct issued *of = truth_find(&world->truth, &receipt->hash);
    struct journal_entry entry = {.kind = JOURNAL_VOID};
    struct journal_void *body = &entry.body.voided;
    body->money =
        (struct journal_money){.amount_minor = -receipt->amount_minor + (wrong ? 1000 : 0), .currency = of->currency};
    body->receipt = receipt->id;
    body->receipt_hash = receipt->hash;
    body->reason_code = 1;
    body->has_slip_photo = slip;
    if (slip) chance_bytes(&world->luck, body->slip_photo.b, sizeof body->slip_photo.b);
    body->has_left_visit = left;
    if (left) body->left_visit.us = phone_wall(handset_phone(handset)).us - US_PER_MINUTE;
    int64_t receipt_seq = receipt->seq;
    struct issued *issued = put(world, handset, &entry);
    issued->receipt = body->receipt;
    issued->account = of->account;
    issued->tender = of->tender;
    if (of->tender == JOURNAL_TENDER_CASH && memcmp(of->currency.code, "IDR", 3) == 0)
        handset->bag_minor -= of->amount_minor;
    world_tell(world, handset, "writes void %lld of its entry %lld%s%s", (long long)issued->seq, (long long)receipt_seq,
               wrong ? ", of another amount" : "", slip ? "" : ", without a slip");
}

void write_reprint(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    const struct record *receipt = some_record(world, handset, JOURNAL_RECEIPT, 2);
    if (!has_room(handset) || !receipt) return;
    struct journal_entry entry = {.kind = JOURNAL_REPRINT};
    entry.body.reprint = (struct journal_reprint){.receipt = receipt->id, .receipt_hash = receipt->hash, .copy_no = 1};
    put(world, handset, &entry);
    world_tell(world, handset, "writes a reprint");
}

void write_number_lost(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    if (!has_room(handset)) return;
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT_NUMBER_LOST};
    int64_t number = ++handset_phone(handset)->receipt_no;
    entry.body.number_lost = (struct journal_receipt_number_lost){.first_no = number, .last_no = number};
    put(world, handset, &entry);
    world_tell(world, handset, "writes that a receipt number is lost");
}

/* ---- visits --------------------------------------------------------------------------------------------------- */

static void fill_fixes(struct world *world, struct handset *handset, struct journal_check_in *body) {
    const struct phone *phone = handset_phone(handset);
    body->fix_count = (size_t)chance_between(&world->luck, 1, 3);
    for (size_t i = 0; i < body->fix_count; i++) {
        int64_t age_us = (int64_t)i * 5 * US_PER_S;
        body->fixes[i] = (struct journal_fix){.lat_e7 = -62000000 + (int32_t)chance_between(&world->luck, -9000, 9000),
                                              .lon_e7 = 1068000000 + (int32_t)chance_between(&world->luck, -9000, 9000),
                                              .accuracy_mm = (uint32_t)chance_between(&world->luck, 4000, 60000),
                                              .at = {phone_wall(phone).us - age_us},
                                              .has_mono_us = true,
                                              .mono_us = phone_mono_us(phone) - age_us,
                                              .has_provider = true,
                                              .provider = JOURNAL_PROVIDER_GPS,
                                              .mock = chance_percent(&world->luck, 2)};
    }
}

void write_check_in(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    const struct account_of *account = account_for(world, handset);
    if (!has_room(handset)) return;
    struct phone *phone = handset_phone(handset);
    phone->now_us = world->now_us;
    struct journal_entry entry = {.kind = JOURNAL_CHECK_IN};
    struct journal_check_in *body = &entry.body.check_in;
    *body = (struct journal_check_in){
        .visit = account->visit, .purpose = 1, .tapped = phone_wall(phone), .tapped_mono_us = phone_mono_us(phone)};
    fill_fixes(world, handset, body);
    struct issued *issued = put(world, handset, &entry);
    world_tell(world, handset, "writes check-in %lld", (long long)issued->seq);
}

void write_outcome(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    const struct account_of *account = account_for(world, handset);
    int64_t code = chance_between(&world->luck, 1, 13); /* one more than there is */
    if (!has_room(handset)) return;
    const struct record *receipt = some_record(world, handset, JOURNAL_RECEIPT, 1);
    struct journal_entry entry = {.kind = JOURNAL_VISIT_OUTCOME};
    struct journal_visit_outcome *body = &entry.body.outcome;
    *body = (struct journal_visit_outcome){.visit = account->visit,
                                           .visit_version = 1,
                                           .outcome = (uint16_t)code,
                                           .list_version = OUTCOME_LIST_VERSION,
                                           .has_receipt = receipt && code <= 2,
                                           .has_note = true,
                                           .note = bytes_text("seen at the door")};
    if (body->has_receipt) body->receipt = receipt->id;
    struct issued *issued = put(world, handset, &entry);
    world_tell(world, handset, "writes outcome %lld, code %lld", (long long)issued->seq, (long long)code);
}

void write_promise(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    const struct account_of *account = account_for(world, handset);
    int64_t days = chance_between(&world->luck, -1, 20), amount = amount_for(world, account);
    if (!has_room(handset)) return;
    struct journal_entry entry = {.kind = JOURNAL_PROMISE};
    entry.body.promise = (struct journal_promise){.account = account->id,
                                                  .amount_minor = amount,
                                                  .currency = currencies[account->dollars],
                                                  .due_on = {(int32_t)(world->now_us / US_PER_DAY + days)},
                                                  .promiser = JOURNAL_PAYER_DEBTOR,
                                                  .channel = 1};
    struct issued *issued = put(world, handset, &entry);
    issued->account = account->id;
    world_tell(world, handset, "writes promise %lld", (long long)issued->seq);
}

/* ---- the bag -------------------------------------------------------------------------------------------------- */

void write_deposit(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    int64_t amount = handset->bag_minor / 2 / (1000 * RUPIAH) * (1000 * RUPIAH);
    if (chance_percent(&world->luck, 10)) amount += 100000000 * RUPIAH; /* more than he has */
    if (!has_room(handset) || amount <= 0) return;
    struct journal_entry entry = {.kind = JOURNAL_DEPOSIT};
    entry.body.deposit = (struct journal_deposit){
        .amount_minor = amount, .currency = currencies[0], .bank_reference = bytes_text("BCA-0717-4411")};
    struct issued *issued = put(world, handset, &entry);
    if (amount <= handset->bag_minor) handset->bag_minor -= amount;
    world_tell(world, handset, "writes deposit %lld of Rp %lld", (long long)issued->seq, (long long)(amount / 100));
}

void write_incident(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    int64_t amount = 100000 * RUPIAH;
    if (!has_room(handset) || handset->bag_minor < amount) return;
    struct journal_entry entry = {.kind = JOURNAL_INCIDENT};
    entry.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_COUNTERFEIT,
                                                    .amount_minor = amount,
                                                    .currency = currencies[0],
                                                    .report = bytes_text("a false note")};
    put(world, handset, &entry);
    handset->bag_minor -= amount;
    world_tell(world, handset, "writes an incident");
}

static void write_half(struct world *world, struct handset *handset, const struct handset *with, uuid handover, bool gives,
                       int64_t amount) {
    if (!has_room(handset)) return;
    struct journal_entry entry = {.kind = JOURNAL_HANDOVER};
    entry.body.handover = (struct journal_handover){.handover = handover,
                                                    .side = gives ? JOURNAL_HANDOVER_GIVES : JOURNAL_HANDOVER_TAKES,
                                                    .counterpart = world->users[with->number],
                                                    .amount_minor = amount,
                                                    .currency = currencies[0]};
    struct issued *issued = put(world, handset, &entry);
    handset->bag_minor += gives ? -amount : amount;
    world_tell(world, handset, "writes handover %lld, %s Rp %lld %s phone %d", (long long)issued->seq,
               gives ? "gives" : "takes", (long long)(amount / 100), gives ? "to" : "from", with->number + 1);
}

void write_handover(struct world *world, struct handset *handset, const struct event *event) {
    struct handset *other = &world->handsets[event->other];
    int64_t amount = handset->bag_minor / 3 / (1000 * RUPIAH) * (1000 * RUPIAH);
    bool half = chance_percent(&world->luck, 10), mismatch = chance_percent(&world->luck, 5);
    uuid handover;
    chance_bytes(&world->luck, handover.b, sizeof handover.b);
    if (other->number == handset->number || amount <= 0 || !other->on) return;
    write_half(world, handset, other, handover, true, amount);
    if (!half) write_half(world, other, handset, handover, false, amount + (mismatch ? 100 * RUPIAH : 0));
}

void write_day_close(struct world *world, struct handset *handset, const struct event *event) {
    (void)event;
    struct phone *phone = handset_phone(handset);
    if (!has_room(handset) || !phone->record_count) return;
    struct journal_entry entry = {.kind = JOURNAL_DAY_CLOSE};
    struct journal_day_close *body = &entry.body.day_close;
    size_t epoch = handset->n_epochs - 1;
    body->first_seq = 1;
    body->last_seq = (int64_t)phone->record_count;
    body->currency_count = 1;
    struct journal_day_currency *sums = &body->currencies[0];
    *sums = (struct journal_day_currency){.currency = currencies[0],
                                          .cum_count = handset->counts[epoch][0],
                                          .cum_total_minor = handset->totals_minor[epoch][0],
                                          .cash_to_hand_over_minor = handset->bag_minor > 0 ? handset->bag_minor : 0};
    for (size_t i = 0; i < phone->record_count; i++) {
        const struct record *record = &phone->records[i];
        sums->receipt_count += record->kind == JOURNAL_RECEIPT;
        sums->void_count += record->kind == JOURNAL_VOID;
        if (record->kind == JOURNAL_VOID && record->amount_minor < 0) sums->void_total_minor += record->amount_minor;
    }
    struct issued *issued = put(world, handset, &entry);
    world_tell(world, handset, "closes its day, entry %lld", (long long)issued->seq);
}

/* ---- another key ---------------------------------------------------------------------------------------------- */

void write_rotation(struct world *world, struct handset *handset, const struct event *event) {
    if (!has_room(handset) || handset->rotation || handset->n_epochs == EPOCHS_MAX) return;
    struct phone *phone = handset_phone(handset), *next = &handset->next;
    phone_init(next, world->plan->seed, UINT64_C(0x70000000) + event->salt);
    next->installation = world->installation;
    next->device = phone->device;
    next->epoch = phone->epoch + 1;
    next->server_key_count = phone->server_key_count;
    memcpy(next->server_keys, phone->server_keys, sizeof next->server_keys);
    struct journal_entry entry = {.kind = JOURNAL_KEY_ROTATION};
    entry.body.rotation = (struct journal_key_rotation){.new_key = next->key, .new_epoch = next->epoch};
    struct issued *issued = put(world, handset, &entry);
    handset->rotation = &phone->records[phone->record_count - 1];
    world_count(world, FAULT_ROTATE);
    world_tell(world, handset, "asks for a new key in entry %lld", (long long)issued->seq);
}
