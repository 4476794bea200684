/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the pulse (engine/pulse.c) alone. */
#include "store/figure.h"

#include "store_statements.h"

tagih_err figure_probe(struct db *db, struct arena *arena, int64_t deadline_us, int *version) {
    struct params p;
    params_init(&p, arena, STMT_figure_probe, 0);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    *version = result_int4(&r, 0, COL_figure_probe_version);
    return TAGIH_OK;
}

static tagih_err read_counts(struct db *db, struct arena *arena, instant now, int64_t deadline_us, struct figures *out) {
    struct params p;
    params_init(&p, arena, STMT_figure_counts, 0);
    params_one_int8(&p, now.us);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    out->entries_waiting = result_int8(&r, 0, COL_figure_counts_entries_waiting);
    out->entries_quarantined = result_int8(&r, 0, COL_figure_counts_entries_quarantined);
    out->entries_oldest_us = result_int8_or(&r, 0, COL_figure_counts_entries_oldest_us, 0);
    out->chains_with_gaps = result_int8(&r, 0, COL_figure_counts_chains_with_gaps);
    out->suspense_items = result_int8(&r, 0, COL_figure_counts_suspense_items);
    out->proposals_open = result_int8(&r, 0, COL_figure_counts_proposals_open);
    out->changes_unsettled = result_int8(&r, 0, COL_figure_counts_changes_unsettled);
    out->unsettled_oldest_us = result_int8_or(&r, 0, COL_figure_counts_unsettled_oldest_us, 0);
    return TAGIH_OK;
}

static tagih_err read_cash(struct db *db, struct arena *arena, int64_t deadline_us, struct figures *out) {
    struct params p;
    params_init(&p, arena, STMT_figure_cash, 0);
    params_one_int4(&p, FIGURE_CURRENCIES_MAX);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    out->n_cash = result_count(&r);
    for (size_t i = 0; i < out->n_cash; i++) {
        out->cash[i] = (struct figure_cash){.currency = result_currency(&r, i, COL_figure_cash_currency),
                                            .held_minor = result_int8(&r, i, COL_figure_cash_held_minor),
                                            .aged_minor = result_int8(&r, i, COL_figure_cash_aged_minor),
                                            .aged_collectors = result_int8(&r, i, COL_figure_cash_aged_collectors),
                                            .transit_minor = result_int8(&r, i, COL_figure_cash_transit_minor),
                                            .suspense_minor = result_int8(&r, i, COL_figure_cash_suspense_minor)};
    }
    return TAGIH_OK;
}

static tagih_err read_partitions(struct db *db, struct arena *arena, int64_t deadline_us, struct figures *out) {
    struct params p;
    params_init(&p, arena, STMT_figure_partitions, 0);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    out->months_ahead = result_int8(&r, 0, COL_figure_partitions_months_ahead);
    out->rows_astray = result_int8(&r, 0, COL_figure_partitions_rows_astray);
    return TAGIH_OK;
}

tagih_err figures_read(struct db *db, struct arena *arena, instant now, int64_t deadline_us, struct figures *out) {
    TRY(read_counts(db, arena, now, deadline_us, out));
    TRY(read_partitions(db, arena, deadline_us, out));
    return read_cash(db, arena, deadline_us, out);
}
