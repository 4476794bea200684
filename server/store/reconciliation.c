/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciliation report of imports: columns in, columns out. */
#include "store/reconciliation.h"

#include "store_statements.h"

#define COL(name) COL_reconciliation_absorbed_##name
tagih_err reconciliation_load(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n, civil_date as_of,
                              const int64_t *export_seq, struct reconciliation_absorbed **out, size_t *n_out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_reconciliation_absorbed, n);
    params_uuid(&p, accounts, sizeof *accounts);
    params_one_date(&p, as_of);
    if (export_seq) params_one_int8(&p, *export_seq);
    else params_one_null(&p);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n_out = result_count(&r);
    *out = ARENA_ARRAY(arena, *n_out + 1, struct reconciliation_absorbed);
    for (size_t i = 0; *out && i < *n_out; i++) {
        (*out)[i] = (struct reconciliation_absorbed){{result_uuid(&r, i, COL(account_id))}, result_int4(&r, i, COL(absorbed)),
                                                     result_int8(&r, i, COL(absorbed_minor))};
    }
    return *out ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

void reconciliation_insert(struct params *p, const struct tx *tx, struct arena *arena, const struct reconciliation_row *row, size_t n) {
    tx_params(p, tx, arena, STMT_reconciliation_insert, n);
    params_uuid(p, &row->posting, sizeof *row);
    params_hash(p, &row->file, sizeof *row);
    params_int4(p, &row->row_no, sizeof *row);
    params_uuid(p, &row->account, sizeof *row);
    params_int8(p, &row->ours_minor, sizeof *row);
    params_int8(p, &row->theirs_minor, sizeof *row);
    params_text(p, &row->currency, sizeof *row);
    params_int4(p, &row->absorbed, sizeof *row);
    params_int8(p, &row->absorbed_minor, sizeof *row);
    params_int4(p, &row->replayed, sizeof *row);
}

tagih_err reconciliation_send_list(struct tx *tx, struct arena *arena, const hash256 *file, int32_t after_row, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_reconciliation_list, 0);
    params_one_bytea(&p, BYTES_OF(file));
    params_one_int4(&p, after_row);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_reconciliation_list_##name
void reconciliation_read_row(const struct result *r, size_t i, struct reconciliation_read *out) {
    *out = (struct reconciliation_read){
        .row = {.posting = result_uuid(r, i, COL(posting_id)), .row_no = result_int4(r, i, COL(row_no)),
                .account.u = result_uuid(r, i, COL(account_id)), .ours_minor = result_int8(r, i, COL(ours_minor)),
                .theirs_minor = result_int8(r, i, COL(theirs_minor)), .currency = result_text(r, i, COL(currency)),
                .absorbed = result_int4(r, i, COL(absorbed)), .absorbed_minor = result_int8(r, i, COL(absorbed_minor)),
                .replayed = result_int4(r, i, COL(replayed))},
        .account_no = result_text(r, i, COL(account_no))};
}
