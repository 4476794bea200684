/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts. Each is short enough that a difference between two stores can be understood. */
#include <string.h>

#include "domain/outcome.h"
#include "tests/sim/model/script_in.h"

/* ---- receipts -------------------------------------------------------------------------------------------------- */

static void receipts(struct script *s) {
    struct record *all[8];
    all[0] = script_receipt(s, 0, 0, MINOR(150000));
    all[1] = script_receipt(s, 0, 1, MINOR(150000)); /* another account of the same customer, the same day */
    all[2] = script_receipt(s, 0, 0, MINOR(150000)); /* R-REC-4: once more */
    all[3] = script_receipt(s, 0, 11, MINOR(900000)); /* beyond its last instalment */
    script_push(s, 0, all, 4);
    script_push(s, 0, all, 4); /* R-JRN-4: the first acknowledgements again */
    script_push_one(s, 0, all[1]);
    struct record *other[3] = {script_receipt(s, 1, 10, MINOR(50000)), /* nobody's */
                               script_receipt(s, 1, 2, MINOR(3500000)), /* beyond what a receipt may be, and what is owed */
                               script_receipt(s, 1, 0, MINOR(10000))}; /* another collector's */
    script_push(s, 1, other, 3);
    struct record *odd[3] = {script_receipt(s, 2, 2, 0), script_receipt(s, 2, 2, -MINOR(100)), script_receipt(s, 2, 9, MINOR(100000))};
    script_push(s, 2, odd, 3); /* nothing, less than nothing, the wrong currency */
}

static void currencies(struct script *s) {
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    entry.body.receipt = (struct journal_receipt){.money = {.amount_minor = 20000, .currency = {"USD"}}, .account = s->accounts[9],
                                                  .payer = JOURNAL_PAYER_DEBTOR, .tender = JOURNAL_TENDER_CASH, .tag = 1, .receipt_no = 77};
    struct record *all[4] = {script_receipt(s, 4, 4, MINOR(75000)), script_write(s, 4, &entry)};
    entry = (struct journal_entry){.kind = JOURNAL_RECEIPT};
    entry.body.receipt = (struct journal_receipt){.money = {.amount_minor = MINOR(80000), .currency = {"IDR"}}, .account = s->accounts[4],
                                                  .payer = JOURNAL_PAYER_RELATIVE, .has_payer_name = true, .payer_name = bytes_text("Siti"),
                                                  .tender = JOURNAL_TENDER_TRANSFER, .has_tender_reference = true,
                                                  .tender_reference = bytes_text("TRX-9 1"), .tag = 2, .receipt_no = 78};
    all[2] = script_write(s, 4, &entry);
    entry.id = (entry_id){{{0}}};
    entry.body.receipt.tender = JOURNAL_TENDER_CHEQUE;
    entry.body.receipt.tag = 1;
    entry.body.receipt.receipt_no = 79;
    all[3] = script_write(s, 4, &entry);
    script_push(s, 4, all, 4);
}

static void chains(struct script *s) {
    struct record *all[6];
    for (size_t i = 0; i < 6; i++) all[i] = script_receipt(s, 0, i, MINOR(10000 + 1000 * (int64_t)i));
    script_push_one(s, 0, all[0]);
    script_push(s, 0, all + 3, 2);     /* a gap before them */
    script_push_one(s, 0, all[1]);     /* it closes in part */
    script_push_one(s, 0, all[2]);     /* and whole: the flag goes */
    struct journal_entry fork = {.kind = JOURNAL_RECEIPT};
    fork.body.receipt = (struct journal_receipt){.money = {.amount_minor = MINOR(999), .currency = {"IDR"}}, .account = s->accounts[0],
                                                 .payer = JOURNAL_PAYER_DEBTOR, .tender = JOURNAL_TENDER_CASH, .tag = 1, .receipt_no = 500};
    script_push_one(s, 0, phone_write_as_clone(&s->phones[0], 3, &fork)); /* the phone is suspended */
    script_push_one(s, 0, all[5]);
    struct record *again = script_receipt(s, 1, 1, MINOR(5000));
    script_push_one(s, 1, again);
    struct journal_entry twice = {.kind = JOURNAL_RECEIPT, .id = again->id}; /* the id of another entry */
    twice.body = (__typeof__(twice.body)){.receipt = fork.body.receipt};
    struct record *reused = script_write(s, 1, &twice);
    script_push_one(s, 1, reused);
    s->phones[2].head_hash.b[0] ^= 1; /* a wrong chain */
    struct record *wrong[2] = {script_receipt(s, 2, 2, MINOR(7000)), script_receipt(s, 2, 2, MINOR(7500))};
    script_push(s, 2, wrong, 2);
    s->phones[2].cum_total_minor += 1; /* R-REC-3 */
    script_push_one(s, 2, script_receipt(s, 2, 2, MINOR(8000)));
    script_push_one(s, 2, phone_flip(&s->phones[2], wrong[0])); /* evidence */
    s->phones[3].skew_us = 40 * US_PER_DAY;
    script_push_one(s, 3, script_receipt(s, 3, 3, MINOR(9000)));
}

static void voids(struct script *s) {
    struct record *receipt = script_receipt(s, 0, 0, MINOR(120000)), *second = script_receipt(s, 0, 5, MINOR(60000));
    struct record *voided = script_void(s, 0, receipt, MINOR(120000));
    script_push_one(s, 0, voided); /* its receipt is not here: it waits */
    struct record *two[2] = {receipt, second};
    script_push(s, 0, two, 2);
    script_push_one(s, 0, voided);
    script_push_one(s, 0, script_void(s, 0, receipt, MINOR(120000))); /* NO_EFFECT */
    script_push_one(s, 0, script_void(s, 0, second, MINOR(50000)));   /* another amount */
    script_push_one(s, 0, script_void(s, 0, voided, MINOR(120000)));  /* a void of a void */
    struct record *late = script_receipt(s, 1, 1, MINOR(30000));
    s->now_us += 40 * US_PER_MINUTE;
    struct record *both[2] = {late, script_void(s, 1, late, MINOR(30000))}; /* too late: a person decides */
    script_push(s, 1, both, 2);
    struct record *mine = script_receipt(s, 2, 2, MINOR(45000)), *pair[2] = {mine, script_void(s, 2, mine, MINOR(45000))};
    script_push(s, 2, pair, 2); /* in one batch */
    script_push_one(s, 3, script_void(s, 3, mine, MINOR(45000))); /* another phone's */
}

static void revoked(struct script *s) {
    struct record *before = script_receipt(s, 0, 0, MINOR(20000)), *between = script_receipt(s, 0, 0, MINOR(21000));
    script_push_one(s, 0, before);
    model_phone_state(s->model, s->agency, s->phones[0].device, 4, s->now_us);
    script_push_one(s, 0, between);
    script_push_one(s, 0, script_receipt(s, 0, 0, MINOR(22000)));
    model_phone_state(s->model, s->agency, s->phones[1].device, 3, s->now_us);
    script_push_one(s, 1, script_receipt(s, 1, 1, MINOR(23000)));
    model_lease(s->model, s->agency, s->visits[2], s->users[3], s->now_us, s->now_us + US_PER_DAY);
    model_assign(s->model, s->agency, s->accounts[2], s->users[3], script_id(s), s->now_us);
    script_push_one(s, 2, script_receipt(s, 2, 2, MINOR(24000)));
    script_push_one(s, 3, script_receipt(s, 3, 2, MINOR(25000)));
}

/* ---- the rest of the field ------------------------------------------------------------------------------------- */

static struct record *check_in(struct script *s, size_t i, size_t visit, int32_t off_e7) {
    struct journal_entry entry = {.kind = JOURNAL_CHECK_IN};
    int64_t at = s->now_us + US_PER_MINUTE;
    entry.body.check_in = (struct journal_check_in){.visit = s->visits[visit], .purpose = 1, .tapped = {at}, .tapped_mono_us = at % US_PER_DAY, .fix_count = 2};
    for (size_t k = 0; k < 2; k++) {
        entry.body.check_in.fixes[k] = (struct journal_fix){.lat_e7 = -61754000 + off_e7, .lon_e7 = 1068272000 + (int32_t)k * 100,
                                                            .accuracy_mm = 8000 + 1000 * (uint32_t)k, .at = {at - US_PER_S}};
    }
    return script_write(s, i, &entry);
}

static struct record *outcome(struct script *s, size_t i, size_t visit, uint16_t code) {
    struct journal_entry entry = {.kind = JOURNAL_VISIT_OUTCOME};
    entry.body.outcome = (struct journal_visit_outcome){.visit = s->visits[visit], .visit_version = 1, .outcome = code, .list_version = 1,
                                                              .has_note = true, .note = bytes_text("gate was open")};
    return script_write(s, i, &entry);
}

static struct record *promise(struct script *s, size_t i, size_t account, int64_t amount_minor, int days) {
    struct journal_entry entry = {.kind = JOURNAL_PROMISE};
    entry.body.promise = (struct journal_promise){.account = s->accounts[account], .amount_minor = amount_minor, .currency = {"IDR"},
                                                  .due_on = date_make(2026, 3, 11 + days), .promiser = JOURNAL_PAYER_DEBTOR, .channel = 1,
                                                  .has_note = true, .note = bytes_text("after payday")};
    return script_write(s, i, &entry);
}

static void visits(struct script *s) {
    struct record *all[4] = {check_in(s, 0, 0, 0), check_in(s, 0, 0, 300), outcome(s, 0, 0, 4), check_in(s, 0, 1, 90000)};
    script_push(s, 0, all, 4);
    struct record *hard[3] = {check_in(s, 2, 2, 200000), outcome(s, 2, 2, 1), script_receipt(s, 2, 2, MINOR(40000))};
    script_push(s, 2, hard, 3); /* HARD, and somewhere else */
    struct record *late = check_in(s, 3, 3, 10), *later = check_in(s, 3, 3, 20);
    script_push_one(s, 3, later);
    script_push_one(s, 3, late); /* behind what is here: assessed again */
    model_lease(s->model, s->agency, s->visits[4], s->users[0], s->now_us, s->now_us + US_PER_DAY);
    struct record *moved[2] = {check_in(s, 4, 4, 0), outcome(s, 4, 4, 99)};
    script_push(s, 4, moved, 2); /* under a lease that moved; no such outcome */
    for (size_t i = 0; i < SCRIPT_PHONES; i++) script_pull(s, i);
    s->now_us += 3 * US_PER_DAY;
    script_minute(s); /* leases are over */
    for (size_t i = 0; i < SCRIPT_PHONES; i++) script_pull(s, i);
}

static void promises(struct script *s) {
    struct record *first[2] = {promise(s, 0, 0, MINOR(200000), 3), script_receipt(s, 0, 0, MINOR(120000))};
    script_push(s, 0, first, 2);
    script_push_one(s, 0, script_receipt(s, 0, 0, MINOR(90000))); /* kept */
    struct record *more[3] = {promise(s, 0, 0, MINOR(300000), 5), promise(s, 0, 0, MINOR(250000), 6), promise(s, 0, 5, MINOR(1000), 40)};
    script_push(s, 0, more, 3); /* one supersedes the other; too little and too late */
    struct record *paid = script_receipt(s, 0, 0, MINOR(260000));
    script_push_one(s, 0, paid);
    script_push_one(s, 0, script_void(s, 0, paid, MINOR(260000))); /* open again */
    script_push_one(s, 1, promise(s, 1, 10, MINOR(100000), 2));
    for (int day = 0; day < 9; day++) {
        s->now_us += US_PER_DAY;
        script_minute(s); /* reminders; then it is over */
    }
    script_pull(s, 0);
}

static struct record *handover(struct script *s, size_t i, size_t other, uint16_t side, uuid id, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_HANDOVER};
    entry.body.handover = (struct journal_handover){.handover = id, .side = side, .counterpart = s->users[other], .amount_minor = amount_minor,
                                                    .currency = {"IDR"}};
    return script_write(s, i, &entry);
}

static struct record *deposit(struct script *s, size_t i, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_DEPOSIT};
    entry.body.deposit = (struct journal_deposit){.amount_minor = amount_minor, .currency = {"IDR"}, .bank_reference = bytes_text("DEP 1-a")};
    return script_write(s, i, &entry);
}

static struct record *incident(struct script *s, size_t i, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_INCIDENT};
    entry.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_ROBBERY, .amount_minor = amount_minor, .currency = {"IDR"},
                                                    .report = bytes_text("two men on a motorbike")};
    return script_write(s, i, &entry);
}

static struct record *day_close(struct script *s, size_t i, int64_t cash_minor) {
    struct phone *phone = &s->phones[i];
    struct journal_entry entry = {.kind = JOURNAL_DAY_CLOSE};
    struct journal_day_close *close = &entry.body.day_close;
    *close = (struct journal_day_close){.first_seq = 1, .last_seq = (int64_t)phone->record_count, .currency_count = 1, .tender_count = 1, .note_count = 1};
    close->currencies[0] = (struct journal_day_currency){.currency = {"IDR"}, .cum_count = phone->cum_count, .cum_total_minor = phone->cum_total_minor,
                                                         .receipt_count = phone->cum_count, .cash_to_hand_over_minor = cash_minor};
    close->tenders[0] = (struct journal_day_tender){.currency = {"IDR"}, .tender = JOURNAL_TENDER_CASH, .count = phone->cum_count, .total_minor = cash_minor};
    close->notes[0] = (struct journal_day_note){.currency = {"IDR"}, .value_minor = MINOR(10000), .pieces = cash_minor / MINOR(10000)};
    return script_write(s, i, &entry);
}

static void cash(struct script *s) {
    uuid one = script_id(s), two = script_id(s), three = script_id(s);
    struct record *taken = script_receipt(s, 0, 0, MINOR(500000)), *gives = handover(s, 0, 1, JOURNAL_HANDOVER_GIVES, one, MINOR(200000));
    struct record *takes = handover(s, 1, 0, JOURNAL_HANDOVER_TAKES, one, MINOR(200000));
    struct record *both[2] = {taken, gives};
    script_push(s, 0, both, 2);
    script_push_one(s, 1, takes);
    struct record *early = handover(s, 1, 0, JOURNAL_HANDOVER_GIVES, two, MINOR(150000)), *late = handover(s, 0, 1, JOURNAL_HANDOVER_TAKES, two, MINOR(160000));
    script_push_one(s, 1, early);
    script_push_one(s, 0, late); /* disputed */
    struct record *hidden = script_receipt(s, 2, 2, MINOR(300000)), *uncovered = handover(s, 2, 3, JOURNAL_HANDOVER_GIVES, three, MINOR(250000));
    script_push_one(s, 3, handover(s, 3, 2, JOURNAL_HANDOVER_TAKES, three, MINOR(250000)));
    script_push_one(s, 2, uncovered); /* the giver's cash is not here yet */
    script_push_one(s, 2, hidden);    /* now it is */
    struct record *rest[3] = {deposit(s, 0, MINOR(100000)), incident(s, 0, MINOR(50000)), day_close(s, 0, MINOR(150000))};
    script_push(s, 0, rest, 3);
    script_push_one(s, 0, script_receipt(s, 0, 5, MINOR(35000))); /* of the next settlement */
    script_push_one(s, 0, script_void(s, 0, taken, MINOR(500000))); /* it is declared: a person decides */
    script_minute(s);
    script_push_one(s, 1, deposit(s, 1, MINOR(9000000)));           /* more than he holds */
    script_push_one(s, 3, incident(s, 3, MINOR(9000000)));
}

static void rotation(struct script *s) {
    struct journal_entry entry = {.kind = JOURNAL_KEY_ROTATION};
    uint8_t seed[32];
    secret_key secret;
    chance_bytes(&s->chance, seed, sizeof seed);
    entry.body.rotation.new_epoch = 2;
    key_pair_from_seed(seed, &entry.body.rotation.new_key, &secret);
    struct record *all[3] = {script_receipt(s, 0, 0, MINOR(11000)), script_write(s, 0, &entry), script_receipt(s, 0, 0, MINOR(12000))};
    script_push_one(s, 0, all[0]);
    script_push_one(s, 0, all[2]); /* what the old key wrote behind its end, before that end is known */
    script_push_one(s, 0, all[1]);
    script_push(s, 0, all, 3);
    script_push_one(s, 0, script_receipt(s, 0, 0, MINOR(13000)));
    entry.id = (entry_id){{{0}}};
    script_push_one(s, 1, script_write(s, 1, &entry)); /* a key that was seen before */
}

/* ---- replay, months -------------------------------------------------------------------------------------------- */

static void replay(struct script *s) {
    struct record *early = script_receipt(s, 0, 0, MINOR(70000)), *late = script_receipt(s, 1, 0, MINOR(260000));
    script_push_one(s, 1, late);
    script_push_one(s, 0, early); /* valued before: the account is played again */
    script_push_one(s, 0, script_void(s, 0, early, MINOR(70000)));
    model_run(s->model, "insert into month_close (agency_id, month_on, posting_id, closed_us, digest)"
                        " select agency_id, '2026-03-01', '00000000-0000-0000-0000-0000000000aa', 1775600000000000, '\\x00' from agency");
    struct record *closed = script_receipt(s, 0, 5, MINOR(80000));
    s->now_us += 30 * US_PER_DAY;
    script_push_one(s, 0, closed); /* its month is closed by now */
    script_push_one(s, 0, script_void(s, 0, closed, MINOR(80000)));
    script_push_one(s, 0, script_void(s, 0, early, MINOR(70000)));
    script_push_one(s, 2, script_receipt(s, 2, 2, MINOR(65000)));
}

/* ---- trouble --------------------------------------------------------------------------------------------------- */

/* A row that cannot be stored: its place is taken, past all rules. The halving finds it among sixteen. */
static void poison(struct script *s) {
    struct record *all[16];
    char hex[UUID_TEXT_SIZE];
    for (size_t i = 0; i < 16; i++) all[i] = script_receipt(s, 0, i % 9, MINOR(1000 + 100 * (int64_t)i));
    uuid_format(all[11]->id.u, hex);
    model_run(s->model, "insert into ledger_line (agency_id, posting_id, line_no, ledger_account, currency, amount_minor)"
                        " select agency_id, '%s', 1, 1, 'IDR', 1 from agency", hex);
    script_push(s, 0, all, 16);
    script_push(s, 0, all, 16);
}

/* Two transactions that end in nothing, a COMMIT whose word was lost: on a store that fails so, all is as though it had not. */
struct trouble {
    int statements, commits, kept;
};

static enum model_fault some_fault(void *context, enum model_point point, const char *statement) {
    struct trouble *t = context;
    (void)statement;
    if (point == MODEL_STATEMENT && ++t->statements % 97 == 5) return MODEL_SERIALIZATION;
    if (point == MODEL_STATEMENT && t->statements % 131 == 7) return MODEL_DEADLOCK;
    if (point == MODEL_BEFORE_COMMIT && ++t->commits % 3 == 1) return MODEL_LOST;
    if (point == MODEL_AFTER_COMMIT && ++t->kept % 2 == 1) return MODEL_LOST;
    return MODEL_GO;
}

static void lost_commit(struct script *s) {
    struct trouble trouble = {.statements = 0};
    struct record *all[9];
    if (s->options->faults) model_hook(s->model, some_fault, &trouble);
    for (size_t i = 0; i < 9; i++) all[i] = script_receipt(s, 0, i, MINOR(2000 + 100 * (int64_t)i));
    for (size_t i = 0; i < 9; i += 3) script_push(s, 0, all + i, 3);
    struct record *voided = script_void(s, 0, all[4], MINOR(2400));
    script_push_one(s, 0, voided);
    script_push(s, 0, all, 9);
    model_hook(s->model, NULL, NULL);
}

/* ---- chance ---------------------------------------------------------------------------------------------------- */

#define KEPT_MAX 400

/* What one phone writes next, by chance. */
static struct record *any_entry(struct script *s, size_t i, struct record **receipts_of, size_t n) {
    int64_t dice = chance_below(&s->chance, 100);
    size_t account = (size_t)chance_below(&s->chance, SCRIPT_ACCOUNTS), visit = (size_t)chance_below(&s->chance, SCRIPT_PHONES);
    int64_t amount = MINOR(1000) * chance_between(&s->chance, 1, 400);
    if (n && dice < 10) {
        const struct record *of = receipts_of[chance_below(&s->chance, (int64_t)n)];
        return script_void(s, i, of, of->amount_minor);
    }
    if (dice < 20) return check_in(s, i, visit, (int32_t)chance_between(&s->chance, 0, 30000));
    if (dice < 26) return outcome(s, i, visit, (uint16_t)chance_between(&s->chance, 1, 13));
    if (dice < 34) return promise(s, i, account, amount, (int)chance_between(&s->chance, 0, 18));
    if (dice < 38) return deposit(s, i, amount);
    if (dice < 41) return incident(s, i, amount);
    if (dice < 43) return day_close(s, i, amount);
    return script_receipt(s, i, account, amount);
}

/* Two or three phones at a time, in an order that is not that of writing, some twice. */
static void push_some(struct script *s, struct record *(*written)[KEPT_MAX], const size_t *n) {
    struct record *picked[3][12];
    struct script_call calls[3];
    size_t n_calls = (size_t)chance_between(&s->chance, 1, 3);
    for (size_t c = 0; c < n_calls; c++) {
        size_t phone = (size_t)chance_below(&s->chance, SCRIPT_PHONES);
        calls[c] = (struct script_call){phone, picked[c], 0};
        for (int k = 0; n[phone] && k < 12 && chance_percent(&s->chance, 85); k++) {
            picked[c][calls[c].n++] = written[phone][chance_percent(&s->chance, 70) && n[phone] > 12 ? (int64_t)n[phone] - 1 - chance_below(&s->chance, 12)
                                                                                         : chance_below(&s->chance, (int64_t)n[phone])];
        }
        if (calls[c].n == 0 && n[phone]) picked[c][calls[c].n++] = written[phone][n[phone] - 1];
    }
    size_t kept = 0;
    for (size_t c = 0; c < n_calls; c++) {
        if (calls[c].n) calls[kept++] = calls[c];
    }
    if (kept) script_push_batch(s, calls, kept);
}

static void random_entries(struct script *s) {
    static struct record *written[SCRIPT_PHONES][KEPT_MAX], *taken[SCRIPT_PHONES][KEPT_MAX];
    size_t n[SCRIPT_PHONES] = {0}, n_taken[SCRIPT_PHONES] = {0};
    for (size_t k = 0; k < s->options->entries; k++) {
        size_t i = (size_t)chance_below(&s->chance, SCRIPT_PHONES);
        if (n[i] == KEPT_MAX) continue;
        struct record *record = any_entry(s, i, taken[i], n_taken[i]);
        written[i][n[i]++] = record;
        if (record->kind == JOURNAL_RECEIPT) taken[i][n_taken[i]++] = record;
        if (chance_percent(&s->chance, 20)) push_some(s, written, n);
        if (chance_percent(&s->chance, 4)) script_pull(s, (size_t)chance_below(&s->chance, SCRIPT_PHONES));
        if (chance_percent(&s->chance, 3)) script_minute(s);
        if (chance_percent(&s->chance, 3)) s->now_us += chance_between(&s->chance, 1, 30) * 3600 * US_PER_S;
    }
    for (size_t i = 0; i < SCRIPT_PHONES; i++) {
        for (size_t at = 0; at < n[i]; at += 50) script_push(s, i, written[i] + at, n[i] - at < 50 ? n[i] - at : 50);
    }
}

/* Day after day of receipts alone, forty to a call: how fast a store is. */
static void many(struct script *s) {
    struct record *all[40];
    for (size_t done = 0; done < s->options->entries;) {
        size_t phone = done / 40 % SCRIPT_PHONES, n = 0;
        for (; n < 40 && done < s->options->entries; n++, done++) {
            all[n] = script_receipt(s, phone, (size_t)chance_below(&s->chance, 9), MINOR(100) * chance_between(&s->chance, 1, 4000));
        }
        script_push(s, phone, all, n);
        if (phone + 1 == SCRIPT_PHONES) s->now_us += 18 * 3600 * US_PER_S;
    }
}

const struct script_steps script_steps[] = {
    {"receipts", receipts, false},
    {"currencies", currencies, false},
    {"chains", chains, false},
    {"voids", voids, false},
    {"revoked", revoked, false},
    {"visits", visits, false},
    {"promises", promises, false},
    {"cash", cash, false},
    {"rotation", rotation, false},
    {"replay", replay, false},
    {"poison", poison, false},
    {"lost_commit", lost_commit, true},
    {"random", random_entries, false},
    {"many", many, false},
    {NULL, NULL, false},
};
