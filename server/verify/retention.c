/* SPDX-License-Identifier: Apache-2.0 */
/* What retention took is told beside the figures: it is no difference (R-CHK-2c). That the rest is there is a difference's
 * work (verify_diff_check_in_fixes). */
#include "verify/verify.h"
#include "store_statements.h"

tagih_err verify_retention(struct verify *v) {
    struct params p;
    DEFER(result) struct result r = {0};
    arena_reset(v->arena);
    tx_params(&p, v->tx, v->arena, STMT_verify_pruned, 0);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    struct verify_figure figure = {.currency = "",
                                   .name = "check-ins whose raw fixes retention took",
                                   .has_entries = true,
                                   .entries = result_int8(&r, 0, COL_verify_pruned_check_ins)};
    if (v->figure && figure.entries) v->figure(v->context, &figure);
    verify__progress(v, "retention", 1);
    return TAGIH_OK;
}
