/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of all tables but the ledger's, from decided items. */
#include "rpc/import_save.h"

#include <string.h>

#include "domain/lifecycle.h"
#include "run/random.h"
#include "store/account.h"
#include "store/change.h"
#include "tagih/bucket.h"

static bool is_placed(const struct import_item *item) {
    return item->load.type == LOAD_NEW || item->load.type == LOAD_REACTIVATED;
}

tagih_err import_figures(const struct import_item *item, struct import_figures *out) {
    *out = (struct import_figures){0};
    memcpy(out->open_minor, item->row.due_minor, sizeof out->open_minor);
    if (item->outcome.n_lines == 0) return TAGIH_OK;
    out->credit_minor = item->outcome.credit_minor;
    out->debt_allocated_minor = item->outcome.debt_minor;
    return allocation_balance(item->outcome.lines, item->outcome.n_lines, out->open_minor);
}

/* The k-th instalment as it stands now. */
static struct instalment_open line_of(const struct import_item *item, size_t k) {
    return item->outcome.n_lines ? item->outcome.lines[k] : instalment_start(&item->schedule[k]);
}

static bool find_oldest_due(struct arena *arena, const struct import_item *item, civil_date today, civil_date *out) {
    struct instalment_open *lines = ARENA_ARRAY(arena, item->n_schedule, struct instalment_open);
    for (size_t k = 0; lines && k < item->n_schedule; k++) lines[k] = line_of(item, k);
    return lines && bucket_oldest_due(lines, item->n_schedule, 0, today, out);
}

static void place_state(const struct import_item *item, civil_date today, struct import_state *out) {
    const struct import_loaded *at = &item->loaded;
    out->placed_anew = is_placed(item);
    out->status = out->placed_anew ? ACCOUNT_HELD : at->status;
    out->has_hold = out->placed_anew || at->has_hold;
    out->hold_from_on = out->placed_anew ? today : at->hold_from_on;
    out->hold_until_on = out->placed_anew ? hold_until(today) : at->hold_until_on;
}

static tagih_err state_of(struct arena *arena, const struct import_item *item, civil_date today, struct import_state *out) {
    struct import_figures now;
    TRY(import_figures(item, &now));
    *out = (struct import_state){
        .account = item->account, .customer = item->customer, .account_no = item->row.account_no,
        .product = item->row.product, .currency = bytes_make(item->row.currency.code, 3), .plate = item->row.plate,
        .district = item->row.district, .regency = item->row.regency, .phone = item->row.phone,
        .no_schedule = item->schedule == &item->synthetic, .assumed = item->loaded.assumed,
        .credit_minor = now.credit_minor, .debt_allocated_minor = now.debt_allocated_minor,
        .lat_e7 = item->row.place.lat_e7, .lon_e7 = item->row.place.lon_e7,
        .first_no = item->schedule[0].no, .last_no = item->schedule[item->n_schedule - 1].no};
    memcpy(out->open_minor, now.open_minor, sizeof out->open_minor);
    out->has_oldest_due = find_oldest_due(arena, item, today, &out->oldest_due_on);
    place_state(item, today, out);
    return TAGIH_OK;
}

static tagih_err save_states(struct tx *tx, struct arena *arena, const struct import_saving *saving,
                             struct import_item *const *good, size_t n) {
    struct import_state *rows = ARENA_ARRAY(arena, n, struct import_state);
    size_t n_new = 0, n_old = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) { /* new ones from the front, known ones from the back */
        size_t at = good[i]->load.type == LOAD_NEW ? n_new++ : n - ++n_old;
        TRY(state_of(arena, good[i], saving->days.today, &rows[at]));
    }
    TRY(import_send_new(tx, arena, rows, n_new, saving->file->as_of_on, saving->now));
    return import_send_updated(tx, arena, rows + n_new, n_old, saving->file->as_of_on, saving->now);
}

static tagih_err save_snapshots(struct tx *tx, struct arena *arena, const struct import_saving *saving,
                                struct import_item *const *good, size_t n) {
    struct import_snapshot *rows = ARENA_ARRAY(arena, n, struct import_snapshot);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct import_snapshot){.account = good[i]->account, .row_no = good[i]->row_no,
                                           .load_type = (int16_t)good[i]->load.type,
                                           .load_reason = bytes_text(good[i]->load.reason)};
        memcpy(rows[i].due_minor, good[i]->row.due_minor, sizeof rows[i].due_minor);
    }
    return import_send_snapshots(tx, arena, rows, n, &saving->file->hash, saving->file->as_of_on, saving->now,
                                 saving->file->export_seq ? &saving->file->export_seq : NULL);
}

static struct import_instalment instalment_row(const struct import_item *item, size_t k) {
    struct instalment_open line = line_of(item, k);
    struct import_instalment out = {.account = item->account, .no = item->schedule[k].no,
                                    .due_on = item->schedule[k].due_on, .state = (int16_t)instalment_state_of(&line)};
    memcpy(out.due_minor, item->schedule[k].due_minor, sizeof out.due_minor);
    memcpy(out.open_minor, line.open_minor, sizeof out.open_minor);
    return out;
}

static tagih_err save_instalments(struct tx *tx, struct arena *arena, const struct import_saving *saving,
                                  struct import_item *const *good, size_t n) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total += good[i]->n_schedule;
    struct import_instalment *rows = ARENA_ARRAY(arena, total, struct import_instalment);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < good[i]->n_schedule; k++) rows[at++] = instalment_row(good[i], k);
    }
    return import_send_instalments(tx, arena, rows, total, saving->file->as_of_on, saving->now);
}

static struct account_event_row event_row(const struct import_item *item, civil_date today) {
    const struct import_loaded *at = &item->loaded;
    bool fresh = item->load.type == LOAD_NEW;
    return (struct account_event_row){.event = random_id(), .account = item->account,
                                      .kind = bytes_text(fresh ? "HELD" : "REACTIVATED"),
                                      .reason = bytes_text(item->load.reason), .has_before = at->has_collector,
                                      .collector_before = at->collector, .has_status_before = at->seen,
                                      .status_before = at->status, .status_after = ACCOUNT_HELD, .has_hold = true,
                                      .hold_from_on = today, .has_until_before = at->has_hold,
                                      .until_before_on = at->hold_until_on, .has_until_after = true,
                                      .until_after_on = hold_until(today)};
}

static struct change_row change_of(const struct import_item *item) {
    bool phone = !is_placed(item) && item->loaded.has_collector;
    return (struct change_row){.kind = is_placed(item) ? CHANGE_ACCOUNT_IMPORTED : CHANGE_ACCOUNT_UPDATED,
                               .object = item->account.u, .has_account = true, .account = item->account,
                               .for_phone = phone, .collector = item->loaded.collector};
}

static struct change_row rules_change_of(const struct import_item *item) {
    struct change_row change = change_of(item);
    change.kind = CHANGE_ACCOUNT_RULE_SET;
    change.object = item->rules.id;
    return change;
}

static tagih_err save_events(struct tx *tx, struct arena *arena, const struct import_saving *saving,
                             struct import_item *const *good, size_t n) {
    struct account_event_row *events = ARENA_ARRAY(arena, n, struct account_event_row);
    struct change_row *changes = ARENA_ARRAY(arena, 2 * n, struct change_row);
    size_t n_events = 0, n_changes = 0;
    if (!events || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (is_placed(good[i])) events[n_events++] = event_row(good[i], saving->days.today);
        changes[n_changes++] = change_of(good[i]);
        if (good[i]->changes_rules) changes[n_changes++] = rules_change_of(good[i]);
    }
    TRY(account_send_events(tx, arena, events, n_events, saving->file->actor, saving->now));
    return change_send(tx, arena, changes, n_changes, saving->now);
}

tagih_err import_save_accounts(struct tx *tx, struct arena *arena, struct import_saving *saving,
                               struct import_item *const *good, size_t n) {
    if (n == 0) return TAGIH_OK;
    TRY(save_states(tx, arena, saving, good, n));
    TRY(save_snapshots(tx, arena, saving, good, n));
    TRY(save_instalments(tx, arena, saving, good, n));
    TRY(import_post(tx, arena, saving, good, n));
    return save_events(tx, arena, saving, good, n);
}

tagih_err import_save_results(struct tx *tx, struct arena *arena, const struct import_saving *saving,
                              const struct import_item *items, size_t n) {
    struct import_result *rows = ARENA_ARRAY(arena, n, struct import_result);
    size_t count = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct import_item *item = &items[i];
        if (item->repeat) continue;
        bool good = err_is_ok(item->err);
        rows[count++] = (struct import_result){.row_no = item->row_no, .account_no = item->row.account_no,
                                               .has_account = good, .account = item->account, .result = item->result,
                                               .warning = good ? item->warning : bytes_text("")};
    }
    return import_send_results(tx, arena, rows, count, &saving->file->hash);
}
