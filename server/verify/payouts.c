/* SPDX-License-Identifier: Apache-2.0 */
/* Payout runs worked out again from the lines that they hold (R-BON-9a): each share with its lines_digest, and the run's digest. */
#include "rpc/payout.h"
#include "verify/verify.h"

#include <string.h>

static void check_share(struct verify *v, const struct payout_share *stored, const struct payout_share *again) {
    const struct verify_row row = {v, "bonus_payout_share", verify__key(v, BYTES_OF(&stored->collector))};
    const struct payout *s = &stored->payout, *a = &again->payout;
    const struct {
        const char *column;
        int64_t stored, again;
    } figures[] = {{"lines", stored->lines, again->lines}, {"carried_in_minor", s->carried_in_minor, a->carried_in_minor},
                   {"earned_minor", s->earned_minor, a->earned_minor}, {"owed_minor", s->owed_minor, a->owed_minor},
                   {"deducted_minor", s->deducted_minor, a->deducted_minor}, {"paid_minor", s->paid_minor, a->paid_minor},
                   {"tax_minor", s->tax_minor, a->tax_minor}, {"net_minor", s->net_minor, a->net_minor},
                   {"carried_out_minor", s->carried_out_minor, a->carried_out_minor}};
    if (!verify__uuid(&row, "collector_id", stored->collector.u, again->collector.u)) return;
    verify__bytes(&row, "lines_digest", BYTES_OF(&stored->digest), BYTES_OF(&again->digest));
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) verify__int(&row, figures[i].column, figures[i].stored, figures[i].again);
}

static tagih_err check_run(struct verify *v, const struct payout_run *run, const struct payout_group *groups, size_t n_groups,
                           const struct payout_share *shares, size_t n) {
    const struct verify_row row = {v, "bonus_payout", arena_printf(v->arena, "run %d", run->run_no)};
    struct payout_work work = {.books = {.rules = run->rules}, .through = run->through, .run_no = run->run_no};
    memcpy(work.books.currency.code, run->currency.data, run->currency.len < 3 ? run->currency.len : 3);
    tagih_err err = payout_work(v->arena, groups, n_groups, &work);
    if (!err_is_ok(err)) {
        verify__differs(&row, "digest", err_name(err), "a run that can be worked out");
        return err_is(err, ERR_OUT_OF_MEMORY) ? err : TAGIH_OK;
    }
    verify__bytes(&row, "digest", BYTES_OF(&run->digest), BYTES_OF(&work.digest));
    verify__int(&row, "paid_minor", run->paid_minor, work.paid_minor);
    verify__int(&row, "collectors", run->collectors, (int64_t)work.n);
    if (!verify__int(&row, "shares", (int64_t)n, (int64_t)work.n)) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) check_share(v, &shares[i], &work.shares[i]);
    return TAGIH_OK;
}

/* Numbers of runs have no gap. */
tagih_err verify__payouts(struct verify *v) {
    bool found = true;
    for (int32_t run_no = 1; found; run_no++) {
        struct payout_run run;
        struct payout_group *groups;
        struct payout_share *shares;
        size_t n_groups, n;
        arena_reset(v->arena);
        TRY(payout_send_get(v->tx, v->arena, run_no));
        TRY(payout_send_shares(v->tx, v->arena, run_no, (user_id){{{0}}}, PAYOUT_COLLECTORS_MAX + 1));
        TRY(tx_sync(v->tx));
        TRY(payout_take_get(v->tx, v->arena, &run, &found));
        TRY(payout_take_shares(v->tx, v->arena, &shares, &n));
        if (!found) break;
        run.run_no = run_no;
        TRY(payout_send_groups(v->tx, v->arena, run.currency, run_no));
        TRY(tx_sync(v->tx));
        TRY(payout_take_groups(v->tx, v->arena, &groups, &n_groups));
        TRY(check_run(v, &run, groups, n_groups, shares, n));
        verify__progress(v, "payout runs", run_no);
    }
    return TAGIH_OK;
}
