/* SPDX-License-Identifier: Apache-2.0 */
/* Suspense: columns in, columns out. */
#include "store/suspense.h"

#include <string.h>

#include "store_statements.h"

/* ---- facts ---------------------------------------------------------------------------------------------------- */

void suspense_row_params(struct params *p, const struct tx *tx, struct arena *arena, const struct suspense_row *row) {
    tx_params(p, tx, arena, STMT_suspense_insert, 1);
    params_uuid(p, &row->id, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int2(p, &row->origin, sizeof *row);
    params_int2(p, &row->source, sizeof *row);
    params_text(p, &row->reference, sizeof *row);
    params_uuid_opt(p, &row->trigger, &row->has_trigger, sizeof *row);
    params_uuid_opt(p, &row->account, &row->has_account, sizeof *row);
    params_text(p, &row->payer, sizeof *row);
    params_text(p, &row->note, sizeof *row);
    params_int2(p, &row->tag, sizeof *row);
    params_int8(p, &row->amount_minor, sizeof *row);
    params_text(p, &row->currency, sizeof *row);
    params_int2(p, &row->money_account, sizeof *row);
    params_int8(p, &row->value_us, sizeof *row);
    params_date(p, &row->value_on, sizeof *row);
    params_int8(p, &row->received_us, sizeof *row);
    params_uuid_opt(p, &row->actor, &row->has_actor, sizeof *row);
}

void suspense_decision_params(struct params *p, const struct tx *tx, struct arena *arena, const struct suspense_decision_row *row) {
    tx_params(p, tx, arena, STMT_suspense_decision_insert, 1);
    params_uuid(p, &row->item, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int2(p, &row->outcome, sizeof *row);
    params_uuid_opt(p, &row->payment, &row->has_payment, sizeof *row);
    params_uuid_opt(p, &row->account, &row->has_account, sizeof *row);
    params_text(p, &row->reason, sizeof *row);
    params_int8(p, &row->at.us, sizeof *row);
    params_uuid_opt(p, &row->made_by, &row->has_made, sizeof *row);
    params_uuid_opt(p, &row->decided_by, &row->has_decided, sizeof *row);
}

/* ---- identity ------------------------------------------------------------------------------------------------- */

tagih_err suspense_send_identities(struct tx *tx, struct arena *arena, const struct payment_identity *identities, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_suspense_identity_load, n);
    params_int2(&p, &identities[0].source, sizeof *identities);
    params_text(&p, &identities[0].reference, sizeof *identities);
    return tx_send(tx, &p);
}

#define COL(name) COL_suspense_identity_load_##name
void suspense_take_identities(struct tx *tx, struct suspense_known *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < result_count(&r); i++) {
        struct suspense_known *known = &out[result_int4(&r, i, COL(row))];
        *known = (struct suspense_known){.known = true, .item = result_uuid(&r, i, COL(item_id)),
                                         .has_account = !result_is_null(&r, i, COL(account_id)),
                                         .account.u = result_uuid_or_nil(&r, i, COL(account_id)),
                                         .tag = (enum payment_tag)result_int2(&r, i, COL(tag)),
                                         .amount_minor = result_int8(&r, i, COL(amount_minor)),
                                         .value.us = result_int8(&r, i, COL(value_us))};
        known->currency = result_currency(&r, i, COL(currency));
    }
}

/* ---- items ---------------------------------------------------------------------------------------------------- */

tagih_err suspense_send_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_suspense_lock, ids, n);
}

tagih_err suspense_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_suspense_get, ids, n);
}

tagih_err suspense_send_list(struct tx *tx, struct arena *arena, int64_t after_us, uuid after, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_suspense_list, 0);
    params_one_int8(&p, after_us);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_suspense_get_##name
/* suspense_get and suspense_list have the same columns. */
void suspense_read_row(const struct result *r, size_t i, struct suspense_read *out) {
    *out = (struct suspense_read){
        .id = result_uuid(r, i, COL(item_id)), .state = result_int2(r, i, COL(state)), .origin = result_int2(r, i, COL(origin)),
        .source = result_int2(r, i, COL(source)), .reference = result_text(r, i, COL(source_reference)),
        .has_trigger = !result_is_null(r, i, COL(trigger_id)), .trigger = result_uuid_or_nil(r, i, COL(trigger_id)),
        .has_account = !result_is_null(r, i, COL(account_id)), .account.u = result_uuid_or_nil(r, i, COL(account_id)),
        .payer = result_text(r, i, COL(payer)), .note = result_text(r, i, COL(note)), .tag = result_int2(r, i, COL(tag)),
        .amount_minor = result_int8(r, i, COL(amount_minor)), .currency = result_text(r, i, COL(currency)),
        .money_account = result_int2(r, i, COL(money_account)), .value.us = result_int8(r, i, COL(value_us)),
        .value_on = result_date(r, i, COL(value_on)), .received.us = result_int8(r, i, COL(received_us)),
        .has_payment = !result_is_null(r, i, COL(payment_id)), .payment.u = result_uuid_or_nil(r, i, COL(payment_id))};
}

/* ---- ages ----------------------------------------------------------------------------------------------------- */

tagih_err suspense_send_ages(struct tx *tx, struct arena *arena, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_suspense_ages, SUSPENSE_AGES - 1);
    params_one_int8(&p, now.us);
    params_int4(&p, suspense_age_from, sizeof *suspense_age_from);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_suspense_ages_##name
void suspense_read_age(const struct result *r, size_t i, struct suspense_age_row *out) {
    *out = (struct suspense_age_row){.age = result_int4(r, i, COL(age)), .currency = result_text(r, i, COL(currency)),
                                     .items = result_int8(r, i, COL(items)), .amount_minor = result_int8(r, i, COL(amount_minor))};
}

/* ---- hints ---------------------------------------------------------------------------------------------------- */

struct word {
    int32_t item;
    struct bytes text;
};

/* The words of all items: reference and note. */
static struct word *words_of(struct arena *arena, const struct suspense_read *items, size_t n, size_t *count) {
    struct word *words = ARENA_ARRAY(arena, n * 2 * SUSPENSE_TOKENS_MAX, struct word);
    *count = 0;
    for (size_t i = 0; words && i < n; i++) {
        const struct bytes texts[] = {items[i].reference, items[i].note};
        for (size_t t = 0; t < 2; t++) {
            struct suspense_token tokens[SUSPENSE_TOKENS_MAX];
            size_t n_tokens = suspense_tokens(texts[t], tokens);
            for (size_t k = 0; k < n_tokens; k++) {
                words[(*count)++] = (struct word){(int32_t)i, arena_copy(arena, bytes_text(tokens[k].text))};
            }
        }
    }
    return words;
}

/* unnest of arrays of different lengths: each group is a parameter list of its own length. */
static tagih_err send_hints(struct tx *tx, struct arena *arena, const struct suspense_read *items, size_t n) {
    size_t n_words;
    struct word *words = words_of(arena, items, n, &n_words);
    int32_t *rows = ARENA_ARRAY(arena, n, int32_t);
    if (!words || !rows || arena->exhausted) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) rows[i] = (int32_t)i;
    struct params p;
    tx_params(&p, tx, arena, STMT_suspense_hints, n_words);
    params_int4(&p, &words[0].item, sizeof *words);
    params_text(&p, &words[0].text, sizeof *words);
    p.n_rows = n;
    params_int4(&p, rows, sizeof *rows);
    params_text(&p, &items[0].payer, sizeof *items);
    params_int4(&p, rows, sizeof *rows);
    params_int8(&p, &items[0].amount_minor, sizeof *items);
    params_text(&p, &items[0].currency, sizeof *items);
    params_date(&p, &items[0].value_on, sizeof *items);
    params_one_int4(&p, SUSPENSE_SAME_AMOUNT_MAX + 1);
    return tx_send(tx, &p);
}

static bool is_common(const struct suspense_hint *hints, size_t n, enum suspense_hint_kind kind) {
    size_t same = 0;
    for (size_t i = 0; i < n; i++) same += hints[i].kind == kind;
    return same > SUSPENSE_SAME_AMOUNT_MAX && (kind == HINT_PROMISE || kind == HINT_INSTALMENT);
}

static size_t drop_common(struct suspense_hint *hints, size_t n) {
    bool drop[HINT_KIND_COUNT];
    size_t kept = 0;
    for (int k = 0; k < HINT_KIND_COUNT; k++) drop[k] = is_common(hints, n, (enum suspense_hint_kind)k);
    for (size_t i = 0; i < n; i++) {
        if (!drop[hints[i].kind]) hints[kept++] = hints[i];
    }
    return kept;
}

#undef COL
#define COL(name) COL_suspense_hints_##name
tagih_err suspense_load_hints(struct tx *tx, struct arena *arena, const struct suspense_read *items, size_t n,
                              struct suspense_hint **hints, size_t *n_hints) {
    memset(n_hints, 0, n * sizeof *n_hints);
    if (n == 0) return TAGIH_OK;
    TRY(send_hints(tx, arena, items, n));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) n_hints[result_int4(&r, i, COL(item))]++;
    for (size_t i = 0; i < n; i++) {
        hints[i] = ARENA_ARRAY(arena, n_hints[i] + 1, struct suspense_hint); /* one more: whom its sender named */
        if (!hints[i]) return FAIL(OUT_OF_MEMORY);
        n_hints[i] = 0;
    }
    for (size_t i = 0; i < result_count(&r); i++) {
        int32_t item = result_int4(&r, i, COL(item));
        hints[item][n_hints[item]++] = (struct suspense_hint){{result_uuid(&r, i, COL(account_id))},
                                                              (enum suspense_hint_kind)result_int2(&r, i, COL(kind))};
    }
    for (size_t i = 0; i < n; i++) n_hints[i] = drop_common(hints[i], n_hints[i]);
    return TAGIH_OK;
}
