/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's rows. */
#include "store/change.h"

#include "store_statements.h"

tagih_err change_send(struct tx *tx, struct arena *arena, const struct change_row *rows, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    params_init(&p, arena, STMT_change_insert, n);
    params_one_uuid(&p, &tx->options->agency);
    params_int2(&p, &rows[0].kind, sizeof *rows);
    params_uuid_opt(&p, &rows[0].account, &rows[0].has_account, sizeof *rows);
    params_uuid(&p, &rows[0].object, sizeof *rows);
    params_uuid_opt(&p, &rows[0].collector, &rows[0].for_phone, sizeof *rows);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}
