/* SPDX-License-Identifier: Apache-2.0 */
/* Silences: columns in. */
#include "store/silence.h"

#include "store_statements.h"

tagih_err silence_send(struct tx *tx, struct arena *arena, const struct silence_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_silence_put, n);
    params_uuid(&p, &rows[0].account, sizeof *rows);
    params_date(&p, &rows[0].until_on, sizeof *rows);
    return tx_send(tx, &p);
}
