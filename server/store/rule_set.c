/* SPDX-License-Identifier: Apache-2.0 */
/* Rule sets: columns in, columns out. */
#include "store/rule_set.h"

#include "store_statements.h"

void rule_set_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct rule_set_row *row) {
    char steps[RULE_STEPS_TEXT_SIZE];
    size_t len = rule_steps_format(&row->rules, steps);
    const struct bytes name = bytes_text(row->rules.name), text = bytes_make(steps, len);
    const int16_t direction = (int16_t)row->rules.direction, advance = (int16_t)row->rules.advance;
    tx_params(p, tx, arena, STMT_rule_set_insert, 1);
    params_text(p, &name, sizeof name);
    params_int4(p, &row->rules.version, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int2(p, &direction, sizeof direction);
    params_int2(p, &advance, sizeof advance);
    params_text(p, &text, sizeof text);
    params_text(p, &row->reason, sizeof *row);
    params_uuid(p, &row->made_by, sizeof *row);
    params_int8(p, &row->made.us, sizeof *row);
    params_uuid(p, &row->approved_by, sizeof *row);
    params_int8(p, &row->approved.us, sizeof *row);
}

void rule_set_account_facts(struct params *p, const struct tx *tx, struct arena *arena, const struct account_rule_set_row *rows,
                            size_t n) {
    const size_t s = sizeof *rows;
    struct rule_set_name *sets = ARENA_ARRAY(arena, n, struct rule_set_name);
    tx_params(p, tx, arena, STMT_account_rule_set_insert, n);
    if (!sets) {
        p->exhausted = true;
        return;
    }
    for (size_t i = 0; i < n; i++) sets[i] = (struct rule_set_name){bytes_text(rows[i].rules->name), rows[i].rules->version};
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].account, s);
    params_text(p, &sets[0].name, sizeof *sets);
    params_int4(p, &sets[0].version, sizeof *sets);
    params_date(p, &rows[0].value_on, s);
    params_int8(p, &rows[0].made.us, s);
    params_int8(p, &rows[0].received.us, s);
    params_text(p, &rows[0].reason, s);
    params_uuid_opt(p, &rows[0].actor, &rows[0].has_actor, s);
}

/* ---- changes -------------------------------------------------------------------------------------------------- */

tagih_err rule_changes_send(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n, const payment_id *payments,
                            size_t n_payments) {
    struct params p;
    tx_params(&p, tx, arena, STMT_rule_change_load, n);
    params_uuid(&p, accounts, sizeof *accounts);
    p.n_rows = n_payments;
    params_uuid(&p, payments, sizeof *payments);
    return tx_send(tx, &p);
}

/* An agency's own rule set from its columns, in the arena. */
static tagih_err rules_make(struct arena *arena, struct bytes name, int32_t version, int16_t direction, int16_t advance,
                            struct bytes steps, struct rule_set *out) {
    struct bytes copy = arena_copy(arena, name); /* ends with a NUL */
    if (!copy.data) return FAIL(OUT_OF_MEMORY);
    *out = (struct rule_set){.name = (const char *)copy.data, .version = version,
                             .direction = (enum allocation_direction)direction, .advance = (enum advance_rule)advance};
    TRY(rule_steps_parse(steps, out));
    return rule_set_check(out);
}

#define COL(name) COL_rule_change_load_##name
static tagih_err read_rules(const struct result *r, size_t i, struct arena *arena, const struct rule_set **out) {
    struct bytes name = result_text(r, i, COL(name));
    int32_t version = result_int4(r, i, COL(version));
    const struct rule_set *preset = rule_set_find((const char *)name.data);
    *out = preset && preset->version == version ? preset : NULL;
    if (preset || result_is_null(r, i, COL(steps))) return TAGIH_OK;
    struct rule_set *made = ARENA_ARRAY(arena, 1, struct rule_set);
    if (!made) return FAIL(OUT_OF_MEMORY);
    tagih_err err = rules_make(arena, name, version, result_int2(r, i, COL(direction)), result_int2(r, i, COL(advance)),
                               result_text(r, i, COL(steps)), made);
    if (err_is_ok(err)) *out = made;
    return err_is(err, ERR_ALLOCATION_RULES) ? TAGIH_OK : err;
}

tagih_err rule_changes_take(struct tx *tx, struct arena *arena, struct rule_changes *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    size_t n = result_count(&r);
    *out = (struct rule_changes){.accounts = ARENA_ARRAY(arena, n, account_id), .changes = ARENA_ARRAY(arena, n, struct rule_change),
                                 .n = n};
    if (!out->accounts || !out->changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        out->accounts[i].u = result_uuid(&r, i, COL(account_id));
        out->changes[i] = (struct rule_change){.id = result_uuid(&r, i, COL(change_id)), .value_on = result_date(&r, i, COL(value_on)),
                                               .made.us = result_int8(&r, i, COL(made_us))};
        TRY(read_rules(&r, i, arena, &out->changes[i].rules));
    }
    return TAGIH_OK;
}
#undef COL

struct rule_history rule_history_of(const struct rule_changes *all, account_id account) {
    size_t low = 0, high = all->n, end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(all->accounts[middle].u, account.u) < 0) low = middle + 1;
        else high = middle;
    }
    for (end = low; end < all->n && uuid_equal(all->accounts[end].u, account.u);) end++;
    return (struct rule_history){.first = rule_set_find(RULE_SET_DEFAULT), .changes = all->changes + low, .n_changes = end - low};
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

tagih_err rule_set_send_get(struct tx *tx, struct arena *arena, struct bytes name, int32_t version) {
    struct params p;
    tx_params(&p, tx, arena, STMT_rule_set_get, 0);
    params_one_text(&p, name);
    params_one_int4(&p, version);
    return tx_send(tx, &p);
}

tagih_err rule_set_send_list(struct tx *tx, struct arena *arena, struct bytes after_name, int32_t after_version, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_rule_set_list, 0);
    params_one_text(&p, after_name);
    params_one_int4(&p, after_version);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_rule_set_get_##name
/* rule_set_get and rule_set_list have the same columns. */
tagih_err rule_set_read(const struct result *r, size_t i, struct arena *arena, struct rule_set_row *out) {
    *out = (struct rule_set_row){.reason = arena_copy(arena, result_text(r, i, COL(reason))),
                                 .made_by.u = result_uuid(r, i, COL(made_by)), .made.us = result_int8(r, i, COL(made_us)),
                                 .approved_by.u = result_uuid(r, i, COL(approved_by)),
                                 .approved.us = result_int8(r, i, COL(approved_us))};
    return rules_make(arena, result_text(r, i, COL(name)), result_int4(r, i, COL(version)), result_int2(r, i, COL(direction)),
                      result_int2(r, i, COL(advance)), result_text(r, i, COL(steps)), &out->rules);
}
#undef COL

tagih_err rule_set_send_named(struct tx *tx, struct arena *arena, const struct rule_set_name *names, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_rule_set_named, n);
    params_text(&p, &names[0].name, sizeof *names);
    params_int4(&p, &names[0].version, sizeof *names);
    return tx_send(tx, &p);
}

#define COL(name) COL_rule_set_named_##name
tagih_err rule_set_take_named(struct tx *tx, struct arena *arena, const struct rule_set **out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) out[i] = NULL;
    for (size_t i = 0; i < result_count(&r); i++) {
        struct rule_set *made = ARENA_ARRAY(arena, 1, struct rule_set);
        if (!made) return FAIL(OUT_OF_MEMORY);
        TRY(rules_make(arena, result_text(&r, i, COL(name)), result_int4(&r, i, COL(version)), result_int2(&r, i, COL(direction)),
                       result_int2(&r, i, COL(advance)), result_text(&r, i, COL(steps)), made));
        out[result_int4(&r, i, COL(row))] = made;
    }
    return TAGIH_OK;
}
#undef COL

tagih_err rule_set_send_account(struct tx *tx, struct arena *arena, account_id account, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_rule_set_account, 0);
    params_one_uuid(&p, &account);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

void rule_set_take_account(struct tx *tx, bool *known, civil_date *today) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *known = result_bool(&r, 0, COL_rule_set_account_known);
    *today = result_date(&r, 0, COL_rule_set_account_today_on);
}
