/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decide about rows of a file: repeats first, then clashes, then the load type and the new figures; then all tables at
 * once. Rows are looked at in file order, so a second row of one account in one file is the one that is refused.
 */
#include "rpc/import.h"

#include <stdlib.h>
#include <string.h>

#include "rpc/import_save.h"
#include "run/random.h"
#include "store/reconciliation.h"
#include "store/rule_set.h"
#include "tagih/bucket.h"

void import_read(const struct account_text *text, const struct import_file *file, struct import_item *item) {
    item->err = account_row_parse(text, &item->row, &item->column);
    if (err_is_ok(item->err)) account_row_shift(&item->row, file->shifted_days);
    else item->row = (struct account_row){.account_no = text->field[ACCOUNT_COLUMN_ACCOUNT_NO]};
    if (!bytes_is_text(item->row.account_no, 64)) item->row.account_no = (struct bytes){NULL, 0};
}

tagih_err import_send(struct tx *tx, struct arena *arena, const struct import_file *file, struct import_item *items,
                      size_t n, instant now) {
    struct import_key *keys = ARENA_ARRAY(arena, n, struct import_key);
    if (!keys) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        keys[i] = (struct import_key){items[i].row_no, items[i].row.account_no, items[i].row.customer_no};
    }
    return import_send_load(tx, arena, &file->hash, file->as_of_on, keys, n, now, file->writer,
                            file->export_seq ? &file->export_seq : NULL);
}

/* ---- one row -------------------------------------------------------------------------------------------------- */

static bool is_good(const struct import_item *item) {
    return !item->repeat && err_is_ok(item->err);
}

/* May this row be taken, seen beside what is stored? */
static tagih_err check_against(const struct import_item *item, const struct import_file *file) {
    const struct import_loaded *at = &item->loaded;
    if (!at->seen) return TAGIH_OK;
    if (!at->has_customer || !uuid_equal(at->customer.u, at->account_customer.u)) return FAIL(ACCOUNT_KEY_CLASH);
    if (!currency_equal(at->currency, item->row.currency)) return FAIL(ACCOUNT_CURRENCY);
    if (at->in_this_file) return FAIL(IMPORT_ROW_TWICE);
    if (at->snapshot_on.days > file->as_of_on.days) return FAIL(IMPORT_OLDER);
    return TAGIH_OK;
}

static void settle_repeat(struct import_item *item) {
    item->repeat = true;
    item->account = item->loaded.known_account;
    item->result = uuid_is_nil(item->account.u) ? item->loaded.known_result : bytes_text("SAME");
}

static struct bytes warning_of(struct arena *arena, const struct import_item *item, const struct import_file *file) {
    const struct import_loaded *at = &item->loaded;
    if (account_row_dpd_differs(&item->row, file->as_of_on)) {
        char *text = arena_printf(arena, "days past due: %d in the file, %d by the due date", item->row.dpd,
                                  account_row_days_past_due(&item->row, file->as_of_on));
        return bytes_text(text);
    }
    if (at->seen && !bytes_equal(at->product, item->row.product)) return bytes_text("the product differs and stays as it was");
    return bytes_text("");
}

/* ---- rows beside each other ----------------------------------------------------------------------------------- */

static int by_account_no(const void *left, const void *right) {
    const struct import_item *a = *(struct import_item *const *)left, *b = *(struct import_item *const *)right;
    int order = bytes_compare(a->row.account_no, b->row.account_no);
    return order ? order : (a->row_no > b->row_no) - (a->row_no < b->row_no);
}

static int by_customer_no(const void *left, const void *right) {
    const struct import_item *a = *(struct import_item *const *)left, *b = *(struct import_item *const *)right;
    return bytes_compare(a->row.customer_no, b->row.customer_no);
}

/* The items that are good so far, sorted. */
static size_t sort_good(struct import_item *items, size_t n, struct import_item **out,
                        int (*order)(const void *, const void *)) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_good(&items[i])) out[count++] = &items[i];
    }
    qsort(out, count, sizeof *out, order);
    return count;
}

static void refuse_twins(struct import_item **sorted, size_t n) {
    for (size_t i = 1; i < n; i++) {
        if (bytes_equal(sorted[i]->row.account_no, sorted[i - 1]->row.account_no)) sorted[i]->err = FAIL(IMPORT_ROW_TWICE);
    }
}

/* New customers get their id here, once for all of their accounts. */
static size_t name_customers(struct import_item **sorted, size_t n, struct import_customer *added) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct import_item *item = sorted[i];
        bool same = i && bytes_equal(item->row.customer_no, sorted[i - 1]->row.customer_no);
        item->customer = same ? sorted[i - 1]->customer : item->loaded.customer;
        if (same || item->loaded.has_customer) continue;
        item->customer.u = random_id();
        added[count++] = (struct import_customer){item->customer, item->row.customer_no};
    }
    return count;
}

/* ---- loads and figures ---------------------------------------------------------------------------------------- */

static void load_one(struct arena *arena, struct import_item *item, const struct import_file *file) {
    const struct import_loaded *at = &item->loaded;
    item->load = load_decide(&(struct load_facts){.seen = at->seen, .status = at->status, .has_hold = at->has_hold,
                                                  .placed_on = at->hold_from_on, .as_of_on = file->as_of_on});
    item->account = at->account;
    if (!at->seen) item->account.u = random_id();
    item->result = bytes_text(load_type_name((int)item->load.type));
    item->warning = warning_of(arena, item, file);
    item->sum_minor = account_row_sum(&item->row);
    if (item->schedule) return;
    item->synthetic = account_row_instalment(&item->row, file->as_of_on);
    item->schedule = &item->synthetic;
    item->n_schedule = 1;
}

/* R-IMP-3: the facts that the snapshot cannot contain, on top of its schedule. */
static tagih_err replay_one(struct arena *arena, const struct rule_changes *changes, struct import_item *item) {
    struct rule_history rules = rule_history_of(changes, item->account);
    TRY(import_rules_with(arena, item, &rules));
    struct allocation_fact *facts = ARENA_ARRAY(arena, item->n_facts + 1, struct allocation_fact);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < item->n_facts; i++) facts[i] = item->facts[i].fact;
    allocation_fit(facts, item->n_facts, item->schedule, item->n_schedule);
    civil_date last = item->facts[item->n_facts - 1].fact.value_on; /* as posting replays: credit waits for the next fact */
    return allocation_replay_under(&rules, item->schedule, item->n_schedule, facts, item->n_facts, last, arena, &item->outcome);
}

static tagih_err replay_all(struct tx *tx, struct arena *arena, struct import_item **good, size_t n,
                            const struct import_file *file) {
    account_id *ids = ARENA_ARRAY(arena, n, account_id);
    size_t n_ids = 0, n_facts = 0, at = 0;
    if (!ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (good[i]->loaded.has_later) ids[n_ids++] = good[i]->account;
    }
    if (n_ids == 0) return TAGIH_OK;
    struct import_fact *facts;
    TRY(import_load_facts(tx, arena, ids, n_ids, file->as_of_on, file->export_seq ? &file->export_seq : NULL, &facts, &n_facts));
    struct rule_changes rules;
    TRY(rule_changes_send(tx, arena, ids, n_ids, NULL, 0));
    TRY(tx_sync(tx));
    TRY(rule_changes_take(tx, arena, &rules));
    while (at < n_facts) {
        size_t first = at;
        while (at < n_facts && uuid_equal(facts[at].account.u, facts[first].account.u)) at++;
        for (size_t i = 0; i < n; i++) {
            if (!uuid_equal(good[i]->account.u, facts[first].account.u)) continue;
            good[i]->facts = &facts[first];
            good[i]->n_facts = at - first;
            TRY(replay_one(arena, &rules, good[i]));
        }
    }
    return TAGIH_OK;
}

/* ---- the report ------------------------------------------------------------------------------------------------ */

static int by_account(const void *key, const void *item) {
    return uuid_compare(*(const uuid *)key, ((const struct reconciliation_absorbed *)item)->account.u);
}

/* What we had, what the creditor has with our later facts on top: one figure each, less customer credit. */
static tagih_err reconcile_one(struct import_item *item, const struct reconciliation_absorbed *absorbed, const struct import_file *file) {
    struct import_figures now;
    TRY(import_figures(item, &now));
    struct reconciliation_row *row = &item->report;
    *row = (struct reconciliation_row){.file = file->hash, .row_no = item->row_no, .account = item->account,
                                       .ours_minor = -item->loaded.credit_minor, .theirs_minor = -now.credit_minor,
                                       .currency = bytes_make(item->row.currency.code, 3), .replayed = (int32_t)item->n_facts};
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        TRY(minor_add(row->ours_minor, item->loaded.open_minor[c], &row->ours_minor));
        TRY(minor_add(row->theirs_minor, now.open_minor[c], &row->theirs_minor));
    }
    if (absorbed) row->absorbed = absorbed->n;
    if (absorbed) row->absorbed_minor = absorbed->sum_minor;
    item->reconciled = row->ours_minor != row->theirs_minor || row->absorbed > 0;
    return TAGIH_OK;
}

/* Accounts that we know, by row. Only where payments of ours may be contained are they looked for. */
static tagih_err reconcile_all(struct tx *tx, struct arena *arena, struct import_item **good, size_t n, const struct import_file *file) {
    account_id *ids = ARENA_ARRAY(arena, n, account_id);
    struct reconciliation_absorbed *absorbed = NULL;
    size_t n_ids = 0, n_absorbed = 0;
    if (!ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (good[i]->loaded.seen && (good[i]->loaded.assumed || file->export_seq)) ids[n_ids++] = good[i]->account;
    }
    const int64_t *export_seq = file->export_seq ? &file->export_seq : NULL;
    if (n_ids) TRY(reconciliation_load(tx, arena, ids, n_ids, file->as_of_on, export_seq, &absorbed, &n_absorbed));
    for (size_t i = 0; i < n; i++) {
        if (!good[i]->loaded.seen) continue;
        const struct reconciliation_absorbed *of = NULL;
        if (n_absorbed) of = bsearch(&good[i]->account.u, absorbed, n_absorbed, sizeof *absorbed, by_account);
        TRY(reconcile_one(good[i], of, file));
    }
    return TAGIH_OK;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static tagih_err sort_out(struct arena *arena, const struct import_file *file, struct import_item *items, size_t n,
                          struct import_item **good, size_t *n_good, struct import_customer *customers,
                          size_t *n_customers) {
    for (size_t i = 0; i < n; i++) {
        if (items[i].loaded.known) settle_repeat(&items[i]);
        else if (err_is_ok(items[i].err)) items[i].err = check_against(&items[i], file);
    }
    *n_good = sort_good(items, n, good, by_account_no);
    refuse_twins(good, *n_good);
    *n_good = sort_good(items, n, good, by_customer_no);
    *n_customers = name_customers(good, *n_good, customers);
    for (size_t i = 0; i < *n_good; i++) load_one(arena, good[i], file);
    for (size_t i = 0; i < n; i++) {
        if (!items[i].repeat && !err_is_ok(items[i].err)) items[i].result = bytes_text(err_token(items[i].err));
    }
    return arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

/* A body runs again after a lost race: nothing of the last run may stay. */
static void start_over(struct import_item *item) {
    item->repeat = false;
    item->result = item->warning = (struct bytes){NULL, 0};
    item->account = (account_id){0};
    item->facts = NULL;
    item->n_facts = 0;
    item->reconciled = item->changes_rules = false;
    memset(&item->outcome, 0, sizeof item->outcome);
    if (item->schedule == &item->synthetic) item->schedule = NULL;
    bool decided_here = err_is(item->err, ERR_ACCOUNT_KEY_CLASH) || err_is(item->err, ERR_ACCOUNT_CURRENCY) ||
                        err_is(item->err, ERR_IMPORT_ROW_TWICE) || err_is(item->err, ERR_IMPORT_OLDER) ||
                        err_is(item->err, ERR_RULE_SET_UNKNOWN);
    if (decided_here) item->err = TAGIH_OK;
}

/* A snapshot is never older than the one it replaces, whatever has happened to the clock since (R-IMP-3b). */
static instant behind_all(const struct import_item *items, size_t n, instant now) {
    for (size_t i = 0; i < n; i++) {
        const struct import_loaded *at = &items[i].loaded;
        if (at->seen && now.us <= at->snapshot.us) now.us = at->snapshot.us + 1;
    }
    return now;
}

tagih_err import_decide(struct tx *tx, struct arena *arena, const struct import_file *file, struct import_item *items,
                        size_t n, instant now) {
    struct import_loaded *loaded = ARENA_ARRAY(arena, n, struct import_loaded);
    struct import_item **good = ARENA_ARRAY(arena, n, struct import_item *);
    struct import_customer *customers = ARENA_ARRAY(arena, n, struct import_customer);
    struct import_saving saving = {.file = file, .now = now, .chain = {.writer = file->writer}};
    if (!loaded || !good || !customers) return FAIL(OUT_OF_MEMORY);
    TRY(import_take_load(tx, arena, &file->hash, loaded, n, &saving.days, &saving.chain));
    for (size_t i = 0; i < n; i++) {
        start_over(&items[i]);
        items[i].loaded = loaded[i];
    }
    saving.now = behind_all(items, n, now);
    TRY(import_rules(tx, arena, file, items, n, now));
    size_t n_good, n_customers;
    TRY(sort_out(arena, file, items, n, good, &n_good, customers, &n_customers));
    TRY(replay_all(tx, arena, good, n_good, file));
    TRY(reconcile_all(tx, arena, good, n_good, file));
    TRY(import_send_customers(tx, arena, customers, n_customers, now));
    TRY(import_save_accounts(tx, arena, &saving, good, n_good));
    return import_save_results(tx, arena, &saving, items, n);
}
