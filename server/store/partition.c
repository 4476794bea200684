/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the minute (rpc/partition.c) and the pulse, and by tools as the database's owner. */
#include "store/partition.h"

#include <string.h>

#include "store_statements.h"

#define OWNER_US_MAX (3600 * US_PER_S)

static void kept_read(const struct result *r, struct partitions_kept *out) {
    *out = (struct partitions_kept){.made = result_int4(r, 0, COL_partition_chore_made),
                                    .moved = result_int8(r, 0, COL_partition_chore_moved),
                                    .busy = result_int4(r, 0, COL_partition_chore_busy)};
}

tagih_err partition_chore(struct db *db, struct arena *arena, int64_t deadline_us, struct partitions_kept *out) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, arena, STMT_partition_chore, 0);
    TRY(db_exec_one(db, &p, deadline_us, &r));
    kept_read(&r, out);
    return TAGIH_OK;
}

tagih_err partitions_keep(struct db *db, struct partitions_kept *out) {
    DEFER(result) struct result r = {0};
    TRY(db__exec_text(db, STMT_partitions_keep, NULL, &r, NULL));
    kept_read(&r, out);
    return TAGIH_OK;
}

tagih_err partition_figures(struct db *db, struct partition_figures *out) {
    DEFER(result) struct result r = {0};
    TRY(db__exec_text(db, STMT_figure_partitions, NULL, &r, NULL));
    out->months_ahead = result_int8(&r, 0, COL_figure_partitions_months_ahead);
    out->rows_astray = result_int8(&r, 0, COL_figure_partitions_rows_astray);
    return TAGIH_OK;
}

#define COL(name) COL_partitions_due_##name

tagih_err partitions_due(struct db *db, struct arena *arena, int keep_months, struct partition_due *out, size_t room,
                         size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, arena, STMT_partitions_due, 0);
    params_one_int4(&p, keep_months);
    TRY(db_exec_one(db, &p, db__now_us() + OWNER_US_MAX, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) {
        struct partition_due *due = &out[*n];
        struct bytes table = result_text(&r, *n, COL(table_name));
        *due = (struct partition_due){.month_on = result_date(&r, *n, COL(month_on)),
                                      .rows = result_int8(&r, *n, COL(rows)),
                                      .bytes = result_int8(&r, *n, COL(bytes))};
        memcpy(due->table, table.data, table.len < sizeof due->table ? table.len : sizeof due->table - 1);
    }
    return TAGIH_OK;
}

tagih_err partition_prune(struct db *db, struct arena *arena, const struct partition_due *due, int keep_months,
                          int64_t *rows) {
    struct params p;
    DEFER(result) struct result r = {0};
    TRY(db__exec_text(db, STMT_partition_patience, NULL, NULL, NULL));
    params_init(&p, arena, STMT_partition_prune, 0);
    params_one_text(&p, bytes_text(due->table));
    params_one_date(&p, due->month_on);
    params_one_int4(&p, keep_months);
    TRY(db_exec_one(db, &p, db__now_us() + OWNER_US_MAX, &r));
    *rows = result_is_null(&r, 0, COL_partition_prune_rows) ? -1 : result_int8(&r, 0, COL_partition_prune_rows);
    return TAGIH_OK;
}
