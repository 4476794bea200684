/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts worked out again from the creditor's newest snapshot and the facts on top of it (R-ALL-1, R-IMP-3), and their
 * state, instalments and newest allocations compared with that.
 */
#include <string.h>

#include "verify/verify.h"
#include "store/posting.h"
#include "store/rule_set.h"
#include "store_statements.h"
#include "tagih/bucket.h"

#define ACCOUNTS_CHUNK 500

struct worked_out {
    const struct posting_due *dues; /* the account's own */
    const struct posting_fact *facts;
    size_t n_dues, n_facts;
    struct instalment *schedule;
    struct allocation_fact *all;
    struct allocation_outcome outcome;
};

struct accounts {
    struct verify *v;
    struct result states, instalments, allocated;
    struct posting_due *dues;
    struct posting_fact *facts;
    size_t n_dues, n_facts, next_due, next_fact, next_instalment;
    struct rule_changes rules;
    account_id *ids;
    size_t n;
};

static void accounts_release(struct accounts *a) {
    result_release(&a->states);
    result_release(&a->instalments);
    result_release(&a->allocated);
}

/* ---- working out ------------------------------------------------------------------------------------------------------ */

/* All is sorted by account, as the accounts are. */
static void take_own(struct accounts *a, account_id id, struct worked_out *out) {
    out->dues = a->dues + a->next_due;
    out->facts = a->facts + a->next_fact;
    while (a->next_due < a->n_dues && uuid_equal(a->dues[a->next_due].account.u, id.u)) a->next_due++, out->n_dues++;
    while (a->next_fact < a->n_facts && uuid_equal(a->facts[a->next_fact].account.u, id.u)) a->next_fact++, out->n_facts++;
}

static tagih_err work_out(struct accounts *a, account_id id, struct worked_out *w) {
    struct arena *arena = a->v->arena;
    struct rule_history rules = rule_history_of(&a->rules, id);
    civil_date last = {INT32_MIN};
    w->schedule = ARENA_ARRAY(arena, w->n_dues, struct instalment);
    w->all = ARENA_ARRAY(arena, w->n_facts, struct allocation_fact);
    if (!w->schedule || !w->all) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < w->n_dues; i++) w->schedule[i] = w->dues[i].instalment;
    for (size_t i = 0; i < w->n_facts; i++) {
        w->all[i] = w->facts[i].fact;
        if (w->all[i].value_on.days > last.days) last = w->all[i].value_on;
    }
    allocation_fit(w->all, w->n_facts, w->schedule, w->n_dues);
    return allocation_replay_under(&rules, w->schedule, w->n_dues, w->all, w->n_facts, last, arena, &w->outcome);
}

/* ---- comparing -------------------------------------------------------------------------------------------------------- */

#define COL(name) COL_verify_accounts_##name

static tagih_err check_balances(struct accounts *a, const struct verify_row *row, size_t i, const struct worked_out *w) {
    static const int columns[COMPONENT_COUNT] = {COL(fees_minor), COL(penalty_minor), COL(interest_minor), COL(principal_minor)};
    static const char *const names[COMPONENT_COUNT] = {"fees_minor", "penalty_minor", "interest_minor", "principal_minor"};
    int64_t open_minor[COMPONENT_COUNT];
    TRY(allocation_balance(w->outcome.lines, w->outcome.n_lines, open_minor));
    for (int c = 0; c < COMPONENT_COUNT; c++) verify__int(row, names[c], result_int8(&a->states, i, columns[c]), open_minor[c]);
    verify__int(row, "credit_minor", result_int8(&a->states, i, COL(credit_minor)), w->outcome.credit_minor);
    verify__int(row, "debt_allocated_minor", result_int8(&a->states, i, COL(debt_allocated_minor)), w->outcome.debt_minor);
    return TAGIH_OK;
}

/* An import leaves it out while nothing is due; whatever is written later has it. */
static void check_oldest(struct accounts *a, const struct verify_row *row, size_t i, const struct worked_out *w) {
    civil_date oldest;
    bool is = bucket_oldest_due(w->outcome.lines, w->outcome.n_lines, 0, (civil_date){INT32_MAX}, &oldest);
    bool stored = !result_is_null(&a->states, i, COL(oldest_due_on));
    if (stored && is) verify__date(row, "oldest_due_on", result_date(&a->states, i, COL(oldest_due_on)), oldest);
    if (stored && !is) verify__differs(row, "oldest_due_on", "a date", "none: nothing is open");
    bool left_out = !stored && is && oldest.days >= result_date(&a->states, i, COL(snapshot_on)).days;
    if (!stored && is && !left_out) verify__differs(row, "oldest_due_on", NULL, "a date: something is due");
}

/* The newest fact; without facts on top of the snapshot it may be one that the snapshot took in. */
static void check_last(struct accounts *a, const struct verify_row *row, size_t i, const struct worked_out *w) {
    if (w->outcome.n_facts == 0) return;
    const struct allocation_fact *last = &w->all[w->outcome.order[w->outcome.n_facts - 1]];
    if (result_is_null(&a->states, i, COL(last_value_on))) {
        verify__differs(row, "last_value_on", NULL, "the day of the newest fact");
        return;
    }
    verify__date(row, "last_value_on", result_date(&a->states, i, COL(last_value_on)), last->value_on);
    verify__int(row, "last_value_us", result_int8(&a->states, i, COL(last_value_us)), last->value.us);
    verify__uuid(row, "last_payment_id", result_uuid(&a->states, i, COL(last_payment_id)), last->id);
}

static const struct instalment_open *line_of(const struct worked_out *w, int32_t no) {
    for (size_t i = 0; i < w->outcome.n_lines; i++) {
        if (w->outcome.lines[i].no == no) return &w->outcome.lines[i];
    }
    return NULL;
}

/* Instalments of an older schedule are zeroed (store/import.sql). */
static void check_instalment(struct accounts *a, size_t i, const struct worked_out *w) {
#define LINE(name) COL_verify_instalments_##name
    static const int columns[COMPONENT_COUNT] = {LINE(fees_minor), LINE(penalty_minor), LINE(interest_minor), LINE(principal_minor)};
    static const char *const names[COMPONENT_COUNT] = {"fees_minor", "penalty_minor", "interest_minor", "principal_minor"};
    const struct result *r = &a->instalments;
    int32_t no = result_int4(r, i, LINE(instalment_no));
    const struct instalment_open *line = line_of(w, no);
    struct verify *v = a->v;
    uuid account = result_uuid(r, i, LINE(account_id));
    const struct verify_row row = {v, "instalment_state",
                                   arena_printf(v->arena, "%s instalment %d", verify__key(v, BYTES_OF(&account)), no)};
    int64_t open = 0;
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        verify__int(&row, names[c], result_int8(r, i, columns[c]), line ? line->open_minor[c] : 0);
        if (line) open |= line->open_minor[c];
    }
    enum instalment_state state = !line || open == 0 ? INSTALMENT_PAID : instalment_state_of(line);
    verify__int(&row, "state", result_int2(r, i, LINE(state)), state);
    if (line) verify__date(&row, "due_on", result_date(r, i, LINE(due_on)), line->due_on);
#undef LINE
}

static void check_instalments(struct accounts *a, account_id id, const struct worked_out *w) {
    size_t found = 0;
    for (; a->next_instalment < result_count(&a->instalments); a->next_instalment++) {
        size_t i = a->next_instalment;
        if (!uuid_equal(result_uuid(&a->instalments, i, COL_verify_instalments_account_id), id.u)) break;
        found += line_of(w, result_int4(&a->instalments, i, COL_verify_instalments_instalment_no)) != NULL;
        check_instalment(a, i, w);
    }
    const struct verify_row row = {a->v, "instalment_state", verify__key(a->v, BYTES_OF(&id))};
    verify__int(&row, "rows", (int64_t)found, (int64_t)w->outcome.n_lines);
}

/* ---- newest allocations ------------------------------------------------------------------------------------------------- */

struct allotted {
    int64_t component_minor[COMPONENT_COUNT], credit_minor, debt_minor;
};

/* What a payment's rows say of one instalment; instalment 0 carries the credit. */
static struct allotted stored_of(const struct accounts *a, size_t first, size_t end, int32_t no) {
#define PART(name) COL_verify_allocated_##name
    struct allotted out = {{0}, 0, 0};
    for (size_t i = first; i < end; i++) {
        if (result_int4(&a->allocated, i, PART(instalment_no)) != no) continue;
        out.component_minor[COMPONENT_FEES] = result_int8(&a->allocated, i, PART(fees_minor));
        out.component_minor[COMPONENT_PENALTY] = result_int8(&a->allocated, i, PART(penalty_minor));
        out.component_minor[COMPONENT_INTEREST] = result_int8(&a->allocated, i, PART(interest_minor));
        out.component_minor[COMPONENT_PRINCIPAL] = result_int8(&a->allocated, i, PART(principal_minor));
        out.credit_minor = result_int8(&a->allocated, i, PART(credit_minor));
        out.debt_minor = result_int8(&a->allocated, i, PART(debt_minor));
    }
    return out;
#undef PART
}

static struct allotted made_of(const struct worked_out *w, size_t fact, int32_t no) {
    struct allotted out = {{0}, no == 0 ? w->outcome.results[fact].effect.credit_minor : 0, 0};
    const struct allocation_result *result = &w->outcome.results[fact];
    for (size_t i = result->part_first; i < result->part_first + result->n_parts; i++) {
        const struct allocation_part *part = &w->outcome.parts[i];
        if (part->instalment_no != no) continue;
        out.component_minor[part->component] += part->amount_minor;
        if (part->origin == PART_DEBT) out.debt_minor += part->amount_minor;
    }
    return out;
}

static size_t allocated_first(const struct accounts *a, uuid payment) {
    size_t low = 0, high = result_count(&a->allocated);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(result_uuid(&a->allocated, middle, COL_verify_allocated_payment_id), payment) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void check_allotted(struct accounts *a, const struct worked_out *w, size_t fact, int32_t no, size_t first, size_t end) {
    struct verify *v = a->v;
    struct allotted stored = stored_of(a, first, end, no), made = made_of(w, fact, no);
    const struct verify_row row = {v, "allocation", arena_printf(v->arena, "%s instalment %d", verify__key(v, BYTES_OF(&w->all[fact].id)), no)};
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        verify__int(&row, component_name((enum component)c), stored.component_minor[c], made.component_minor[c]);
    }
    verify__int(&row, "credit_minor", stored.credit_minor, made.credit_minor);
    verify__int(&row, "debt_minor", stored.debt_minor, made.debt_minor);
}

static void check_allocations(struct accounts *a, const struct worked_out *w) {
    for (size_t f = 0; f < w->n_facts; f++) {
        if (w->all[f].kind != FACT_PAYMENT) continue;
        size_t first = allocated_first(a, w->all[f].id), end = first;
        while (end < result_count(&a->allocated) &&
               uuid_equal(result_uuid(&a->allocated, end, COL_verify_allocated_payment_id), w->all[f].id)) {
            end++;
        }
        check_allotted(a, w, f, 0, first, end);
        for (size_t i = 0; i < w->outcome.n_lines; i++) check_allotted(a, w, f, w->outcome.lines[i].no, first, end);
    }
}

/* ---- a chunk -------------------------------------------------------------------------------------------------------------- */

static tagih_err check_account(struct accounts *a, size_t i) {
    struct verify *v = a->v;
    struct worked_out w = {0};
    const struct verify_row row = {v, "account_state", verify__key(v, BYTES_OF(&a->ids[i]))};
    take_own(a, a->ids[i], &w);
    tagih_err err = work_out(a, a->ids[i], &w);
    if (err_is(err, ERR_OUT_OF_MEMORY)) return err;
    if (!err_is_ok(err)) {
        verify__differs(&row, "facts", err_name(err), "facts that can be worked out");
        return TAGIH_OK;
    }
    TRY(check_balances(a, &row, i, &w));
    check_oldest(a, &row, i, &w);
    check_last(a, &row, i, &w);
    if (!result_is_null(&a->states, i, COL(newest_on))) {
        verify__date(&row, "snapshot_on", result_date(&a->states, i, COL(snapshot_on)), result_date(&a->states, i, COL(newest_on)));
        verify__int(&row, "snapshot_us", result_int8(&a->states, i, COL(snapshot_us)),
                    result_int8(&a->states, i, COL(newest_us)));
    }
    check_instalments(a, a->ids[i], &w);
    check_allocations(a, &w);
    return v->arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

static tagih_err send_allocated(struct accounts *a) {
    uuid *payments = ARENA_ARRAY(a->v->arena, a->n_facts, uuid);
    size_t n = 0;
    if (!payments) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < a->n_facts; i++) {
        if (a->facts[i].fact.kind == FACT_PAYMENT) payments[n++] = a->facts[i].fact.id;
    }
    return verify__send_ids(a->v, STMT_verify_allocated, payments, n);
}

static tagih_err read_chunk(struct accounts *a, account_id after) {
    struct verify *v = a->v;
    struct params p;
    arena_reset(v->arena);
    tx_params(&p, v->tx, v->arena, STMT_verify_accounts, 0);
    params_one_uuid(&p, &after);
    params_one_int4(&p, ACCOUNTS_CHUNK);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &a->states);
    a->n = result_count(&a->states);
    a->ids = ARENA_ARRAY(v->arena, a->n, account_id);
    if (!a->ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < a->n; i++) a->ids[i].u = result_uuid(&a->states, i, COL(account_id));
    TRY(posting_load_replay(v->tx, v->arena, a->ids, a->n, &a->dues, &a->n_dues, &a->facts, &a->n_facts));
    TRY(rule_changes_send(v->tx, v->arena, a->ids, a->n, NULL, 0));
    TRY(tx_sync(v->tx));
    TRY(rule_changes_take(v->tx, v->arena, &a->rules));
    TRY(verify__send_ids(v, STMT_verify_instalments, &a->ids[0].u, a->n));
    TRY(send_allocated(a));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &a->instalments);
    tx_take(v->tx, &a->allocated);
    a->next_due = a->next_fact = a->next_instalment = 0;
    return TAGIH_OK;
}

tagih_err verify_accounts(struct verify *v) {
    struct accounts a = {.v = v, .n = ACCOUNTS_CHUNK};
    account_id after = {{{0}}};
    int64_t done = 0;
    while (a.n == ACCOUNTS_CHUNK) {
        tagih_err err = read_chunk(&a, after);
        for (size_t i = 0; err_is_ok(err) && i < a.n; i++) err = check_account(&a, i);
        accounts_release(&a);
        TRY(err);
        if (a.n) after = a.ids[a.n - 1];
        verify__progress(v, "accounts", done += (int64_t)a.n);
    }
    return TAGIH_OK;
}
