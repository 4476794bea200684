/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: columns in, columns out. */
#include "store/session.h"

#include "store_statements.h"

tagih_err session_find(struct db *db, struct arena *arena, const hash256 *token, int64_t deadline_us,
                       struct session_place *out) {
    struct params p;
    params_init(&p, arena, STMT_session_by_hash, 0);
    params_one_bytea(&p, BYTES_OF(token));
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    *out = (struct session_place){.found = result_count(&r) == 1};
    if (!out->found) return TAGIH_OK;
    out->agency.u = result_uuid(&r, 0, COL_session_by_hash_agency_id);
    out->family = result_uuid(&r, 0, COL_session_by_hash_family_id);
    return TAGIH_OK;
}

tagih_err session_send_load(struct tx *tx, struct arena *arena, uuid family, const hash256 *token) {
    struct params p;
    params_init(&p, arena, STMT_session_lock, 0);
    params_one_uuid(&p, &family);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_session_load, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_bytea(&p, BYTES_OF(token));
    return tx_send(tx, &p);
}

#define COL(name) COL_session_load_##name

bool session_take_load(struct tx *tx, struct session_loaded *out) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    if (result_count(&r) != 1) return false;
    *out = (struct session_loaded){
        .user.u = result_uuid(&r, 0, COL(user_id)),
        .expires = {result_int8(&r, 0, COL(expires_us))},
        .replaced = result_bool(&r, 0, COL(replaced)),
        .revoked = result_bool(&r, 0, COL(revoked)),
        .successor_used = result_bool_or(&r, 0, COL(successor_used), false),
        .family_live = result_bool(&r, 0, COL(family_live)),
        .staff_active = !result_is_null(&r, 0, COL(staff_state)) && result_int2(&r, 0, COL(staff_state)) == 1};
    return true;
}

tagih_err session_send_insert(struct tx *tx, struct arena *arena, const struct session_row *row) {
    struct params p;
    params_init(&p, arena, STMT_session_insert, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_bytea(&p, BYTES_OF(&row->token));
    params_one_uuid(&p, &row->family);
    params_one_uuid(&p, &row->user);
    params_one_int8(&p, row->issued.us);
    params_one_int8(&p, row->expires.us);
    return tx_send(tx, &p);
}

tagih_err session_send_replace(struct tx *tx, struct arena *arena, const hash256 *token, const hash256 *successor,
                               instant at) {
    struct params p;
    params_init(&p, arena, STMT_session_replace, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_bytea(&p, BYTES_OF(token));
    params_one_bytea(&p, BYTES_OF(successor));
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err session_send_end(struct tx *tx, struct arena *arena, uuid family, instant at) {
    struct params p;
    params_init(&p, arena, STMT_session_end, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &family);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}
