/* SPDX-License-Identifier: Apache-2.0 */
/* Handing in, badly. Each batch meets one mishap of a real network; after three rounds the network is good. */
#include "tests/sim/sync.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/clock.h"

enum { BATCH_MIN = 12, BATCH_MAX = 40, REPLAY_MAX = 250, ROUNDS_MAX = 40, ROUNDS_BAD = 3 };

struct batch {
    struct record *records[BATCH_MAX + 1]; /* and one turned copy */
    size_t count;
};

enum mishap { MISHAP_NONE, MISHAP_LOST, MISHAP_TWICE, MISHAP_PAIR, MISHAP_FLIP };

static enum mishap draw_mishap(struct chance *chance, int round) {
    int64_t draw = chance_below(chance, 100);
    if (round >= ROUNDS_BAD) return MISHAP_NONE;
    return draw < 20 ? MISHAP_LOST : draw < 38 ? MISHAP_TWICE : draw < 58 ? MISHAP_PAIR : draw < 68 ? MISHAP_FLIP : MISHAP_NONE;
}

/* After a failure that may pass: the connection may be dead. */
static void rest(struct client *client) {
    if (calls_patience.give_up_us) client_renew(client);
    usleep(20000);
}

/* One Push. A failure that may pass is no failure: the entries stay unacknowledged. */
static bool push_once(struct collector *collector, const struct batch *batch, bool listen) {
    bool again;
    char trouble[TROUBLE_SIZE] = "";
    struct push *push = calls_push_start(collector->client, &collector->phone, batch->records, batch->count);
    collector->batches++;
    if (calls_push_finish(push, &collector->phone, listen, &again, trouble)) return true;
    if (again) rest(collector->client);
    else snprintf(collector->trouble, sizeof collector->trouble, "%.399s", trouble);
    return again;
}

/* Until its answer is there. */
static bool push_again(struct collector *collector, struct record *const *records, size_t count) {
    int64_t since_us = sim_clock_stopwatch_us();
    bool again = false;
    char trouble[TROUBLE_SIZE] = "";
    do {
        if (again) rest(collector->client);
        struct push *push = calls_push_start(collector->client, &collector->phone, records, count);
        collector->batches++;
        if (calls_push_finish(push, &collector->phone, true, &again, trouble)) return true;
    } while (again && calls_try_again(since_us));
    snprintf(collector->trouble, sizeof collector->trouble, "%.399s", trouble);
    return false;
}

/* The same entries over two connections at once. */
static bool push_pair(struct collector *collector, struct client *second, const struct batch *batch) {
    struct phone *phone = &collector->phone;
    char trouble[2][TROUBLE_SIZE] = {"", ""};
    bool again[2], good[2];
    struct push *one = calls_push_start(collector->client, phone, batch->records, batch->count);
    struct push *two = calls_push_start(second, phone, batch->records, batch->count);
    good[0] = calls_push_finish(one, phone, true, &again[0], trouble[0]);
    good[1] = calls_push_finish(two, phone, true, &again[1], trouble[1]);
    collector->batches += 2;
    collector->pairs++;
    if (!good[0] && again[0]) rest(collector->client);
    if (!good[1] && again[1]) rest(second);
    for (int i = 0; i < 2; i++) {
        if (good[i] || again[i]) continue;
        snprintf(collector->trouble, sizeof collector->trouble, "%.399s", trouble[i]);
        return false;
    }
    return true;
}

static bool push_batch(struct collector *collector, struct client *second, struct batch *batch, int round) {
    struct phone *phone = &collector->phone;
    switch (draw_mishap(&phone->chance, round)) {
        case MISHAP_LOST: collector->lost_replies++; return push_once(collector, batch, false);
        case MISHAP_PAIR: return push_pair(collector, second, batch);
        case MISHAP_TWICE:
            collector->repeats++;
            return push_once(collector, batch, true) && push_once(collector, batch, true);
        case MISHAP_FLIP:
            if (phone->extra_count + 4 < PHONE_EXTRAS_MAX) {
                size_t which = (size_t)chance_below(&phone->chance, (int64_t)batch->count);
                batch->records[batch->count++] = phone_flip(phone, batch->records[which]);
            }
            /* Who can be patient sees that it arrives: there is no second one. */
            return calls_patience.give_up_us ? push_again(collector, batch->records, batch->count)
                                             : push_once(collector, batch, true);
        case MISHAP_NONE: break;
    }
    return push_once(collector, batch, true);
}

static void shuffle(struct chance *chance, struct record **records, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)chance_below(chance, (int64_t)i);
        struct record *swapped = records[i - 1];
        records[i - 1] = records[other];
        records[other] = swapped;
    }
}

/* Runs of entries, the runs in any order: what a queue of failed uploads looks like. */
static size_t cut(struct collector *collector, struct batch *out, size_t max) {
    struct phone *phone = &collector->phone;
    size_t n = 0, size = 0;
    for (size_t i = 0; i < phone->record_count; i++) {
        struct record *record = &phone->records[i];
        if (record->acked) continue;
        if (n == 0 || out[n - 1].count == size) {
            if (n == max) break;
            size = (size_t)chance_between(&phone->chance, BATCH_MIN, BATCH_MAX);
            out[n++].count = 0;
        }
        out[n - 1].records[out[n - 1].count++] = record;
    }
    return n;
}

/* Small things get through first: voids that arrive before their receipts, which wait for them (R-JRN-5). */
static bool push_voids_first(struct collector *collector) {
    struct phone *phone = &collector->phone;
    struct batch batch = {.count = 0};
    for (size_t i = 0; i < phone->record_count && batch.count < BATCH_MAX; i++) {
        struct record *record = &phone->records[i];
        if (record->kind == JOURNAL_VOID && !record->acked) batch.records[batch.count++] = record;
    }
    return batch.count == 0 || push_once(collector, &batch, true);
}

static bool push_round(struct collector *collector, struct client *second, int round) {
    enum { BATCHES_MAX = PHONE_RECORDS_MAX / BATCH_MIN + 1 };
    struct batch batches[BATCHES_MAX];
    if (round == 0 && collector->number % 5 == 0 && !push_voids_first(collector)) return false;
    size_t order[BATCHES_MAX], n = cut(collector, batches, BATCHES_MAX);
    struct chance *chance = &collector->phone.chance;
    for (size_t i = 0; i < n; i++) order[i] = i;
    bool shuffled = n > 1 && round < ROUNDS_BAD && chance_percent(chance, 50);
    collector->shuffles += shuffled;
    for (size_t i = n; shuffled && i > 1; i--) {
        size_t other = (size_t)chance_below(chance, (int64_t)i), swapped = order[i - 1];
        order[i - 1] = order[other];
        order[other] = swapped;
    }
    for (size_t i = 0; i < n; i++) {
        struct batch *batch = &batches[order[i]];
        if (shuffled && chance_percent(chance, 30)) shuffle(chance, batch->records, batch->count);
        if (!push_batch(collector, second, batch, round)) return false;
    }
    return true;
}

/* Everything is acknowledged, and a certificate was lost on the way: any entry again brings the newest one. */
static bool ask_for_certificate(struct collector *collector) {
    struct phone *phone = &collector->phone;
    struct batch last = {.records = {&phone->records[phone->record_count - 1]}, .count = 1};
    return push_once(collector, &last, true);
}

static size_t unacknowledged(const struct phone *phone) {
    size_t n = 0;
    for (size_t i = 0; i < phone->record_count; i++) n += !phone->records[i].acked;
    return n;
}

bool sync_push_all(struct collector *collector, struct client *second) {
    struct phone *phone = &collector->phone;
    int64_t since_us = sim_clock_stopwatch_us();
    for (int round = 0; phone_forget(phone) > 0 && (round < ROUNDS_MAX || calls_try_again(since_us)); round++) {
        bool good = unacknowledged(phone) ? push_round(collector, second, round) : ask_for_certificate(collector);
        if (!good) return false;
    }
    size_t kept = phone_forget(phone);
    if (kept == 0) return true;
    snprintf(collector->trouble, sizeof collector->trouble,
             "%zu of %zu entries cannot be deleted: %zu without acknowledgement, certificate up to %lld", kept,
             phone->record_count, unacknowledged(phone), (long long)phone->contiguous_seq);
    return false;
}

bool sync_replay(struct collector *collector) {
    struct phone *phone = &collector->phone;
    struct record *records[REPLAY_MAX];
    uint64_t changed = phone->proofs[PROOF_CHANGED];
    for (size_t from = 0; from < phone->record_count; from += REPLAY_MAX) {
        size_t count = 0;
        while (count < REPLAY_MAX && from + count < phone->record_count) {
            records[count] = &phone->records[from + count];
            count++;
        }
        if (!push_again(collector, records, count)) return false;
    }
    collector->repeats++;
    return phone->proofs[PROOF_CHANGED] == changed;
}

bool sync_push_as_clone(struct collector *collector) {
    struct phone *phone = &collector->phone;
    size_t at = 0;
    while (at < phone->record_count && (phone->records[at].kind != JOURNAL_RECEIPT || at < 2)) at++;
    if (at == phone->record_count) return true; /* he took no money: nothing worth cloning */
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    struct journal_receipt *receipt = &entry.body.receipt;
    receipt->money = (struct journal_money){.amount_minor = 77700000, .currency = phone->currency};
    receipt->account = collector->stops[0].account;
    receipt->payer = JOURNAL_PAYER_DEBTOR;
    receipt->tender = JOURNAL_TENDER_CASH;
    receipt->tag = 1;
    receipt->receipt_no = 900001;
    struct batch batch = {.records = {phone_write_as_clone(phone, (int64_t)at + 1, &entry)}, .count = 1};
    batch.records[0]->amount_minor = receipt->money.amount_minor;
    return push_again(collector, batch.records, 1) && push_again(collector, batch.records, 1);
}
