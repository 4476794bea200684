/* SPDX-License-Identifier: Apache-2.0 */
/* The minute's watch over cash, in one transaction: find and lock, read, decide, tell. */
#include "rpc/cash_limit.h"

#include "store/change.h"

struct round {
    struct arena *arena;
    instant now;
    size_t n;
};

static const struct {
    enum cash_breach breach;
    enum change_kind change;
} told[] = {{CASH_BREACH_SOFT, CHANGE_CASH_SOFT_LIMIT},
            {CASH_BREACH_HARD, CHANGE_CASH_HARD_LIMIT},
            {CASH_BREACH_AGED, CHANGE_CASH_AGED}};

/* Breaches that begin are told; one that ends is kept as a fact, and the allowance of both moves is told to the phone. */
static size_t tell(const struct cash_watched *w, unsigned before, unsigned after, struct change_row *out) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        bool begins = (after & told[i].breach) && !(before & told[i].breach);
        if (begins) out[n++] = (struct change_row){.kind = (int16_t)told[i].change, .object = w->collector.u};
    }
    bool allowance = (before ^ after) & (CASH_BREACH_HARD | CASH_BREACH_AGED);
    if (allowance) {
        out[n++] = (struct change_row){.kind = CHANGE_CASH_ALLOWANCE, .object = w->collector.u, .for_phone = true,
                                       .collector = w->collector};
    }
    return n;
}

static struct cash_breach_row row_of(const struct cash_watched *w, const struct cash_limits *limits, unsigned before,
                                     unsigned after) {
    return (struct cash_breach_row){.collector = w->collector, .currency = bytes_text(w->currency.code), .n = w->n,
                                    .before = (int16_t)before, .after = (int16_t)after, .held_minor = w->held_minor,
                                    .aged_minor = w->aged_minor, .soft_minor = limits->soft_minor,
                                    .hard_minor = limits->hard_minor};
}

static tagih_err watch(struct tx *tx, void *context) {
    struct round *round = context;
    struct cash_watched *all;
    size_t n_changes = 0, n_rows = 0;
    arena_reset(round->arena);
    TRY(cash_watch_load(tx, round->arena, round->now, CASH_WATCH_MAX, &all, &round->n));
    if (round->n == 0) return TAGIH_OK;
    struct change_row *changes = ARENA_ARRAY(round->arena, 4 * round->n, struct change_row);
    struct cash_breach_row *rows = ARENA_ARRAY(round->arena, round->n, struct cash_breach_row);
    if (!changes || !rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < round->n; i++) {
        struct cash_watched *w = &all[i];
        struct cash_limits limits = w->has_limits ? w->limits : cash_limits_default(w->currency);
        unsigned before = (unsigned)w->breaches, after = cash_breaches(&limits, w->held_minor, w->aged_minor);
        if (before == after) continue;
        w->n++;
        w->breaches = (int16_t)after;
        rows[n_rows++] = row_of(w, &limits, before, after);
        n_changes += tell(w, before, after, changes + n_changes);
    }
    TRY(cash_watch_send(tx, round->arena, all, round->n));
    TRY(cash_breach_send(tx, round->arena, rows, n_rows, round->now));
    return change_send(tx, round->arena, changes, n_changes, round->now);
}

tagih_err cash_watch(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n) {
    struct round round = {.arena = arena, .now = now};
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "cash_watch"};
    TRY(tx_run(db, &options, watch, &round));
    *n = round.n;
    return TAGIH_OK;
}
