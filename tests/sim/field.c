/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at a door: presence with realistic noise, money as the outcomes file says, promises where none came. */
#include "tests/sim/field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tagih/payment.h"

#define RUPIAH INT64_C(100)
#define COIN_MINOR (50 * RUPIAH) /* the smallest there is: what is below it stays with the debtor */
#define CASH_MAX_MINOR (5000000 * RUPIAH) /* above it nobody carries notes */
#define METRES_PER_DEGREE 111320.0

struct progress progress;

bool field_clock_is_wrong(const struct collector *collector) {
    return collector->phone.skew_us != 0;
}

/* ---- where he stands ------------------------------------------------------------------------------------------ */

/* A place so many metres north and east of the stop. */
static void place(const struct stop *stop, double north_m, double east_m, struct journal_fix *fix) {
    double lat = stop->lat_e7 / 1e7;
    fix->lat_e7 = stop->lat_e7 + (int32_t)lround(north_m / METRES_PER_DEGREE * 1e7);
    fix->lon_e7 = stop->lon_e7 + (int32_t)lround(east_m / (METRES_PER_DEGREE * cos(lat * 0.017453292519943295)) * 1e7);
}

/* What kind of arrival it is: where he really is, how good the phone's fix is, and whether it is invented. */
struct arrival {
    double away_m, accuracy_m;
    bool mock;
    int64_t age_us;
    uint16_t provider;
};

static struct arrival draw_arrival(struct chance *chance) {
    int64_t draw = chance_below(chance, 100);
    double noise = 3.0 + 12.0 * chance_unit(chance);
    if (draw < 7) return (struct arrival){900.0 + 3000.0 * chance_unit(chance), noise, false, 0, JOURNAL_PROVIDER_GPS};
    if (draw < 11) return (struct arrival){1.0, 5.0, true, 0, JOURNAL_PROVIDER_GPS};
    if (draw < 16) return (struct arrival){60.0, 600.0 + 1500.0 * chance_unit(chance), false, 0, JOURNAL_PROVIDER_NETWORK};
    if (draw < 21) return (struct arrival){140.0, 90.0 + 120.0 * chance_unit(chance), false, 0, JOURNAL_PROVIDER_FUSED};
    if (draw < 23) return (struct arrival){20.0, noise, false, 150 * US_PER_S, JOURNAL_PROVIDER_PASSIVE};
    return (struct arrival){25.0 * chance_unit(chance), noise, false, 0, JOURNAL_PROVIDER_GPS};
}

void field_arrive(struct collector *collector, const struct stop *stop, struct journal_check_in *out) {
    struct phone *phone = &collector->phone;
    struct chance *chance = &phone->chance;
    struct arrival arrival = draw_arrival(chance);
    double bearing = 6.283185307179586 * chance_unit(chance);
    *out = (struct journal_check_in){.visit = stop->visit, .purpose = stop->purpose, .tapped = phone_wall(phone),
                                     .tapped_mono_us = phone_mono_us(phone)};
    out->fix_count = (size_t)chance_between(chance, 1, 4);
    for (size_t i = 0; i < out->fix_count; i++) {
        struct journal_fix *fix = &out->fixes[i];
        double accuracy = arrival.accuracy_m * (1.0 + 0.3 * (double)i);
        double sigma = arrival.mock ? 0.0 : accuracy / 1.5096;
        place(stop, arrival.away_m * cos(bearing) + sigma * chance_normal(chance),
              arrival.away_m * sin(bearing) + sigma * chance_normal(chance), fix);
        int64_t age_us = arrival.age_us + (int64_t)i * 4 * US_PER_S + chance_below(chance, 2 * US_PER_S);
        fix->accuracy_mm = (uint32_t)(accuracy * 1000.0);
        fix->at.us = phone_wall(phone).us - age_us;
        fix->has_mono_us = true;
        fix->mono_us = phone_mono_us(phone) - age_us;
        fix->has_provider = true;
        fix->provider = arrival.provider;
        fix->mock = arrival.mock;
        fix->has_speed_mm_s = arrival.provider == JOURNAL_PROVIDER_GPS;
        fix->speed_mm_s = fix->has_speed_mm_s ? (uint32_t)chance_below(chance, 1200) : 0;
    }
}

/* ---- money ---------------------------------------------------------------------------------------------------- */

static uint16_t draw_tender(struct chance *chance, int64_t amount_minor) {
    if (amount_minor <= CASH_MAX_MINOR) return JOURNAL_TENDER_CASH;
    int64_t percent = chance_below(chance, 100);
    return percent < 55 ? JOURNAL_TENDER_TRANSFER : percent < 90 ? JOURNAL_TENDER_QR : JOURNAL_TENDER_CHEQUE;
}

static struct record *take_money(struct collector *collector, account_id account, const struct stop *stop,
                                 const struct journal_fix *position, int64_t amount_minor) {
    struct phone *phone = &collector->phone;
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    if (amount_minor > COIN_MINOR && amount_minor <= CASH_MAX_MINOR) amount_minor -= amount_minor % COIN_MINOR;
    struct journal_receipt *receipt = &entry.body.receipt;
    receipt->money = (struct journal_money){.amount_minor = amount_minor, .currency = phone->currency};
    receipt->account = account;
    receipt->payer = chance_percent(&phone->chance, 85) ? JOURNAL_PAYER_DEBTOR : JOURNAL_PAYER_RELATIVE;
    if (receipt->payer == JOURNAL_PAYER_RELATIVE) {
        receipt->has_payer_name = receipt->has_payer_relation = true;
        receipt->payer_name = bytes_text("Ibu Sari");
        receipt->payer_relation = bytes_text("spouse");
    }
    receipt->tender = draw_tender(&phone->chance, amount_minor);
    receipt->tag = (uint16_t)payment_tag_of_tender((enum tender)receipt->tender);
    char reference[40];
    receipt->receipt_no = ++phone->receipt_no;
    if (receipt->tender != JOURNAL_TENDER_CASH) {
        snprintf(reference, sizeof reference, "TRX-%03d-%06lld", collector->number, (long long)receipt->receipt_no);
        receipt->has_tender_reference = true;
        receipt->tender_reference = bytes_text(reference);
    }
    receipt->has_visit = stop != NULL;
    if (stop) receipt->visit = stop->visit;
    receipt->has_position = position != NULL;
    if (position) receipt->position = *position;
    struct record *record = phone_write(phone, &entry);
    struct figures *figures = &collector->figures;
    figures->receipts[receipt->tender]++;
    figures->receipt_minor[receipt->tender] += amount_minor;
    if (receipt->tender == JOURNAL_TENDER_CASH) figures->cash_minor += amount_minor;
    atomic_fetch_add(&progress.receipts, 1);
    return record;
}

/* The server takes a void by itself when it comes within 15 minutes, before the visit was left, with the debtor's slip. */
static struct record *take_back(struct collector *collector, const struct record *receipt, bool in_time) {
    struct phone *phone = &collector->phone;
    struct journal_entry entry = {.kind = JOURNAL_VOID};
    struct journal_void *body = &entry.body.voided;
    body->money = (struct journal_money){.amount_minor = -receipt->amount_minor, .currency = phone->currency};
    body->receipt = receipt->id;
    body->receipt_hash = receipt->hash;
    body->reason_code = 1;
    body->has_reason = true;
    body->reason = bytes_text(in_time ? "wrong amount typed" : "debtor came back");
    body->has_slip_photo = in_time || chance_percent(&phone->chance, 50);
    if (body->has_slip_photo) chance_bytes(&phone->chance, body->slip_photo.b, sizeof body->slip_photo.b);
    body->has_left_visit = !in_time;
    if (!in_time) body->left_visit.us = phone_wall(phone).us - 30 * US_PER_MINUTE;
    struct record *record = phone_write(phone, &entry);
    record->tender = receipt->tender;
    return record;
}

static void void_in_time(struct collector *collector, const struct record *receipt) {
    struct figures *figures = &collector->figures;
    take_back(collector, receipt, true);
    figures->voids[receipt->tender]++;
    figures->void_minor[receipt->tender] += receipt->amount_minor;
    if (receipt->tender == JOURNAL_TENDER_CASH) figures->cash_minor -= receipt->amount_minor;
    if (!chance_percent(&collector->phone.chance, 25)) return;
    collector->phone.now_us += US_PER_S; /* tapped twice: the second one has nothing left to take back */
    take_back(collector, receipt, true);
    figures->repeated_voids++;
}

static void reprint(struct collector *collector, const struct record *receipt) {
    struct journal_entry entry = {.kind = JOURNAL_REPRINT};
    entry.body.reprint = (struct journal_reprint){.receipt = receipt->id, .receipt_hash = receipt->hash, .copy_no = 1};
    phone_write(&collector->phone, &entry);
    collector->figures.reprints++;
}

/* @return the receipt that the visit's outcome names */
static struct record *collect(struct collector *collector, struct stop *stop, const struct journal_fix *at) {
    struct phone *phone = &collector->phone;
    int64_t draw = chance_below(&phone->chance, 100), paid = stop->paid_minor;
    if (draw < 4) {
        int64_t wrong = paid + 50000 * RUPIAH > CASH_MAX_MINOR ? paid : paid + 50000 * RUPIAH;
        struct record *mistake = take_money(collector, stop->account, stop, at, wrong);
        phone->now_us += 3 * US_PER_MINUTE;
        void_in_time(collector, mistake);
        phone->now_us += US_PER_MINUTE;
    } else if (draw < 6 && paid % (2 * RUPIAH) == 0) {
        paid /= 2; /* husband and wife pay half each: two honest receipts that look alike */
        take_money(collector, stop->account, stop, at, paid);
        phone->now_us += 2 * US_PER_MINUTE;
    }
    struct record *receipt = take_money(collector, stop->account, stop, at, paid);
    if (draw >= 6 && draw < 8 && !field_clock_is_wrong(collector)) stop->owed_void = receipt;
    if (draw >= 8 && draw < 11) reprint(collector, receipt);
    return receipt;
}

/* Receipts of earlier stops that he takes back hours later: a person must agree. */
static void void_too_late(struct collector *collector, size_t stop) {
    if (stop < 2 || !collector->stops[stop - 2].owed_void) return;
    take_back(collector, collector->stops[stop - 2].owed_void, false);
    collector->stops[stop - 2].owed_void = NULL;
    collector->figures.late_voids++;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

static struct record *promise(struct collector *collector, const struct stop *stop, const struct journal_fix *at) {
    struct phone *phone = &collector->phone;
    struct journal_entry entry = {.kind = JOURNAL_PROMISE};
    struct journal_promise *body = &entry.body.promise;
    int64_t share = stop->open_minor / 100 * chance_between(&phone->chance, 15, 60);
    body->account = stop->account;
    body->amount_minor = (share / (1000 * RUPIAH) + 1) * 1000 * RUPIAH;
    body->currency = phone->currency;
    body->due_on.days = collector->day_on.days + (int32_t)chance_between(&phone->chance, 2, 10);
    body->promiser = JOURNAL_PAYER_DEBTOR;
    body->channel = 1;
    body->has_visit = body->has_position = true;
    body->visit = stop->visit;
    body->position = *at;
    collector->figures.promises++;
    return phone_write(phone, &entry);
}

/* How a visit without money and promise ends, in 100 cases. */
static enum outcome_code draw_refusal(struct chance *chance) {
    static const struct {
        int upto;
        enum outcome_code code;
    } cases[] = {{36, OUTCOME_NOT_HOME},      {64, OUTCOME_REFUSED},  {73, OUTCOME_HARDSHIP},
                 {80, OUTCOME_MOVED},         {86, OUTCOME_DISPUTED}, {92, OUTCOME_THIRD_PARTY},
                 {96, OUTCOME_WRONG_ADDRESS}, {98, OUTCOME_UNSAFE},   {100, OUTCOME_DECEASED}};
    int64_t draw = chance_below(chance, 100);
    size_t i = 0;
    while (draw >= cases[i].upto) i++;
    return cases[i].code;
}

static void tell_outcome(struct collector *collector, const struct stop *stop, enum outcome_code code,
                         const struct record *receipt, const struct record *promised) {
    struct phone *phone = &collector->phone;
    const struct outcome *outcome = outcome_find(OUTCOME_LIST_VERSION, code);
    struct journal_entry entry = {.kind = JOURNAL_VISIT_OUTCOME};
    struct journal_visit_outcome *body = &entry.body.outcome;
    *body = (struct journal_visit_outcome){.visit = stop->visit, .visit_version = stop->version,
                                           .outcome = (uint16_t)code, .list_version = OUTCOME_LIST_VERSION};
    body->has_receipt = receipt != NULL;
    if (receipt) body->receipt = receipt->id;
    body->has_promise = promised != NULL;
    if (promised) body->promise = promised->id;
    body->has_note = outcome->required & OUTCOME_FIELD_NOTE;
    if (body->has_note) body->note = bytes_text("seen at the door; neighbours confirm");
    body->has_contact = outcome->required & OUTCOME_FIELD_CONTACT;
    if (body->has_contact) body->contact = bytes_text("head of the neighbourhood");
    if (outcome->required & OUTCOME_FIELD_PHOTOS) {
        body->photo_count = 1;
        chance_bytes(&phone->chance, body->photos[0].b, sizeof body->photos[0].b);
    }
    for (uint16_t action = 1; action < OUTCOME_ACTION_COUNT && !body->has_next_action; action++) {
        body->has_next_action = outcome->next >> action & 1;
        if (body->has_next_action) body->next_action = action;
    }
    phone_write(phone, &entry);
    collector->figures.outcomes++;
}

/* ---- the day -------------------------------------------------------------------------------------------------- */

void field_visit(struct collector *collector, size_t index, const struct told *told) {
    struct phone *phone = &collector->phone;
    struct stop *stop = &collector->stops[index];
    size_t before = phone->record_count;
    struct journal_entry arrival = {.kind = JOURNAL_CHECK_IN};
    if (told) {
        arrival.id = told->id;
        arrival.body.check_in = told->check_in;
    } else {
        field_arrive(collector, stop, &arrival.body.check_in);
    }
    phone_write(phone, &arrival);
    collector->figures.check_ins++;
    const struct journal_fix *at = &arrival.body.check_in.fixes[0];
    phone->now_us += 4 * US_PER_MINUTE;
    void_too_late(collector, index);
    struct record *receipt = NULL, *promised = NULL;
    enum outcome_code code = draw_refusal(&phone->chance);
    if (stop->paid_minor > 0) {
        receipt = collect(collector, stop, at);
        code = stop->paid_minor >= stop->open_minor ? OUTCOME_PAID : OUTCOME_PARTIALLY_PAID;
    } else if (stop->open_minor > 0 && chance_percent(&phone->chance, 45)) {
        promised = promise(collector, stop, at);
        code = OUTCOME_PROMISED;
    }
    phone->now_us += 2 * US_PER_MINUTE;
    tell_outcome(collector, stop, code, receipt, promised);
    atomic_fetch_add(&progress.stops, 1);
    atomic_fetch_add(&progress.entries, phone->record_count - before);
}

void field_extras(struct collector *collector) {
    struct phone *phone = &collector->phone;
    size_t before = phone->record_count;
    if (collector->number % 13 == 4) {
        account_id unknown;
        chance_bytes(&phone->chance, unknown.u.b, sizeof unknown.u.b);
        take_money(collector, unknown, NULL, NULL, 350000 * RUPIAH);
    }
    if (!uuid_is_nil(collector->foreign.u)) take_money(collector, collector->foreign, NULL, NULL, 125000 * RUPIAH);
    if (collector->number % 11 == 2) bag_deposit(collector);
    if (collector->number % 17 == 5) bag_counterfeit(collector);
    atomic_fetch_add(&progress.entries, phone->record_count - before);
}

struct record *field_close_day(struct collector *collector) {
    struct phone *phone = &collector->phone;
    const struct figures *figures = &collector->figures;
    struct journal_entry entry = {.kind = JOURNAL_DAY_CLOSE};
    struct journal_day_close *body = &entry.body.day_close;
    body->first_seq = 1;
    body->last_seq = (int64_t)phone->record_count;
    body->currency_count = 1;
    struct journal_day_currency *sums = &body->currencies[0];
    *sums = (struct journal_day_currency){.currency = phone->currency, .cum_count = phone->cum_count,
                                          .cum_total_minor = phone->cum_total_minor,
                                          .cash_to_hand_over_minor = figures->cash_minor};
    for (size_t i = 0; i < phone->record_count; i++) {
        const struct record *record = &phone->records[i];
        sums->receipt_count += record->kind == JOURNAL_RECEIPT;
        sums->void_count += record->kind == JOURNAL_VOID;
        if (record->kind == JOURNAL_VOID) sums->void_total_minor += record->amount_minor;
    }
    for (uint16_t tender = JOURNAL_TENDER_CASH; tender <= JOURNAL_TENDER_CHEQUE; tender++) {
        if (!figures->receipts[tender]) continue;
        body->tenders[body->tender_count++] = (struct journal_day_tender){
            phone->currency, tender, figures->receipts[tender], figures->receipt_minor[tender]};
    }
    atomic_fetch_add(&progress.entries, 1);
    return phone_write(phone, &entry);
}
