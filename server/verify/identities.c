/* SPDX-License-Identifier: Apache-2.0 */
/* R-LED-2, one line a currency: each side of an identity is summed from tables of its own, and both are told. */
#include <string.h>

#include "verify/verify.h"
#include "store_statements.h"

#define COL(name) COL_verify_identities_##name
#define SIDE_MAX 4 /* figures a side of an identity */

/* What is taken from what, by the names of verify_identities: Σ left − Σ less = Σ right. */
static const struct identity {
    const char *table, *name;
    const char *left[SIDE_MAX], *less[SIDE_MAX], *right[SIDE_MAX];
} identities[] = {
    {"receipt", "receipts - voids = field payments + quarantine", {"receipts", "receipts by slip"},
     {"voids", "voids by two people or the office"}, {"field payments", "quarantine"}},
    {"allocation", "payments = debt allocated + credit created", {"payments"}, {NULL},
     {"debt allocated", "credit created"}},
    {"ledger_line", "debt allocated = decrease of receivable by payments",
     {"debt allocated", "debt of payments taken back, in the creditor's figures"}, {NULL}, {"decrease of receivable"}},
};

#define IDENTITIES (sizeof identities / sizeof identities[0])

/* The rows of one currency. */
struct figures {
    struct verify *v;
    const struct result *r;
    size_t first, end;
    struct bytes currency;
};

static bool is_named(const struct bytes name, const char *const *names) {
    for (size_t i = 0; i < SIDE_MAX && names[i]; i++) {
        if (bytes_equal(name, bytes_text(names[i]))) return true;
    }
    return false;
}

static int64_t sum_of(const struct figures *f, const char *const *names) {
    int64_t sum_minor = 0;
    for (size_t i = f->first; i < f->end; i++) {
        if (is_named(result_text(f->r, i, COL(figure)), names)) sum_minor += result_int8_or(f->r, i, COL(sum_minor), 0);
    }
    return sum_minor;
}

static void check_identities(const struct figures *f) {
    struct arena *arena = f->v->arena;
    for (size_t k = 0; k < IDENTITIES && f->currency.len; k++) {
        const struct identity *identity = &identities[k];
        const struct verify_row row = {f->v, identity->table, arena_printf(arena, "%.*s", (int)f->currency.len, (const char *)f->currency.data)};
        verify__int(&row, arena_printf(arena, "R-LED-2: %s", identity->name), sum_of(f, identity->left) - sum_of(f, identity->less),
                    sum_of(f, identity->right));
    }
}

static void tell(const struct figures *f) {
    if (!f->v->figure) return;
    for (size_t i = f->first; i < f->end; i++) {
        struct verify_figure figure = {.currency = (const char *)f->currency.data, .name = (const char *)result_text(f->r, i, COL(figure)).data,
                                       .has_entries = !result_is_null(f->r, i, COL(entries)),
                                       .entries = result_int8_or(f->r, i, COL(entries), 0),
                                       .has_sum = !result_is_null(f->r, i, COL(sum_minor)),
                                       .sum_minor = result_int8_or(f->r, i, COL(sum_minor), 0)};
        f->v->figure(f->v->context, &figure);
    }
}

tagih_err verify_identities(struct verify *v) {
    struct params p;
    DEFER(result) struct result r = {0};
    arena_reset(v->arena);
    tx_params(&p, v->tx, v->arena, STMT_verify_identities, 0);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    for (struct figures f = {.v = v, .r = &r}; f.first < result_count(&r); f.first = f.end) {
        f.currency = result_text(&r, f.first, COL(currency));
        for (f.end = f.first; f.end < result_count(&r) && bytes_equal(result_text(&r, f.end, COL(currency)), f.currency);) f.end++;
        check_identities(&f);
        tell(&f);
    }
    verify__progress(v, "identities", (int64_t)IDENTITIES);
    return v->arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}
