/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule sets that a creditor's rows name (R-ALL-2c): which of them change an account's, before anything is decided about
 * figures. Rows that name none cost nothing.
 */
#include <string.h>

#include "rpc/import_save.h"
#include "run/random.h"
#include "store/rule_set.h"

static bool names_one(const struct import_item *item) {
    return item->row.rule_set.len > 0 && err_is_ok(item->err) && !item->loaded.known;
}

static bool is_set(const struct rule_set *rules, struct bytes name, int32_t version) {
    return bytes_equal(bytes_text(rules->name), name) && (version == 0 || rules->version == version);
}

static const struct rule_set *preset_named(struct bytes name, int32_t version) {
    size_t n;
    const struct rule_set *presets = rule_set_presets(&n);
    for (size_t i = 0; i < n; i++) {
        if (is_set(&presets[i], name, version)) return &presets[i];
    }
    return NULL;
}

/* Which rule set the row means, and from when on; nothing where its account is under it already. */
static void decide_one(struct import_item *item, const struct rule_changes *changes, const struct rule_set *own,
                       const struct import_file *file, instant now) {
    struct rule_history history = rule_history_of(changes, item->loaded.account);
    const struct rule_set *named = preset_named(item->row.rule_set, item->row.rule_set_version);
    const struct rule_set *before = item->loaded.seen ? rule_set_at(&history, file->as_of_on) : history.first;
    if (!named) named = own;
    if (!named) {
        item->err = FAIL(RULE_SET_UNKNOWN);
        item->column = ACCOUNT_COLUMN_RULE_SET;
        return;
    }
    if (before && is_set(before, item->row.rule_set, item->row.rule_set_version)) return;
    civil_date from = item->loaded.seen ? file->as_of_on : (civil_date){RULE_SET_SINCE_DAYS};
    item->changes_rules = true;
    item->rules = (struct rule_change){.id = random_id(), .value_on = from, .made = now, .rules = named};
}

tagih_err import_rules(struct tx *tx, struct arena *arena, const struct import_file *file, struct import_item *items, size_t n,
                       instant now) {
    account_id *accounts = ARENA_ARRAY(arena, n, account_id);
    struct rule_set_name *names = ARENA_ARRAY(arena, n, struct rule_set_name);
    const struct rule_set **own = ARENA_ARRAY(arena, n, const struct rule_set *);
    struct rule_changes changes;
    size_t n_names = 0, n_accounts = 0, at = 0;
    if (!accounts || !names || !own) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (!names_one(&items[i])) continue;
        names[n_names++] = (struct rule_set_name){items[i].row.rule_set, items[i].row.rule_set_version};
        if (items[i].loaded.seen) accounts[n_accounts++] = items[i].loaded.account;
    }
    if (n_names == 0) return TAGIH_OK;
    TRY(rule_set_send_named(tx, arena, names, n_names));
    TRY(rule_changes_send(tx, arena, accounts, n_accounts, NULL, 0));
    TRY(tx_sync(tx));
    TRY(rule_set_take_named(tx, arena, own, n_names));
    TRY(rule_changes_take(tx, arena, &changes));
    for (size_t i = 0; i < n; i++) {
        if (names_one(&items[i])) decide_one(&items[i], &changes, own[at++], file, now);
    }
    return TAGIH_OK;
}

tagih_err import_rules_with(struct arena *arena, const struct import_item *item, struct rule_history *history) {
    if (!item->changes_rules) return TAGIH_OK;
    struct rule_change *changes = ARENA_ARRAY(arena, history->n_changes + 1, struct rule_change);
    if (!changes) return FAIL(OUT_OF_MEMORY);
    if (history->n_changes) memcpy(changes, history->changes, history->n_changes * sizeof *changes);
    changes[history->n_changes++] = item->rules;
    history->changes = changes;
    return TAGIH_OK;
}
