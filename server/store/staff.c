/* SPDX-License-Identifier: Apache-2.0 */
/* Staff: columns in, columns out. */
#include "store/staff.h"

#include <string.h>

#include "store_statements.h"

tagih_err staff_find(struct db *db, struct arena *arena, struct bytes login, int64_t deadline_us,
                     struct staff_login *out) {
    struct params p;
    params_init(&p, arena, STMT_staff_by_login, 0);
    params_one_text(&p, login);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    *out = (struct staff_login){.found = result_count(&r) == 1};
    if (!out->found) return TAGIH_OK;
    out->agency.u = result_uuid(&r, 0, COL_staff_by_login_agency_id);
    out->user.u = result_uuid(&r, 0, COL_staff_by_login_user_id);
    out->state = result_int2(&r, 0, COL_staff_by_login_state);
    if (result_is_null(&r, 0, COL_staff_by_login_password_hash)) return TAGIH_OK;
    struct bytes hash = result_text(&r, 0, COL_staff_by_login_password_hash);
    if (hash.len < sizeof out->password_hash) memcpy(out->password_hash, hash.data, hash.len);
    return TAGIH_OK;
}

tagih_err staff_send_who(struct tx *tx, struct arena *arena, const user_id *users, size_t n) {
    struct params p;
    params_init(&p, arena, STMT_staff_who, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, users, sizeof *users);
    return tx_send(tx, &p);
}

tagih_err staff_send_list(struct tx *tx, struct arena *arena) {
    struct params p;
    params_init(&p, arena, STMT_staff_list, 0);
    params_one_uuid(&p, &tx->options->agency);
    return tx_send(tx, &p);
}

tagih_err team_send_find(struct tx *tx, struct arena *arena, struct bytes name) {
    struct params p;
    params_init(&p, arena, STMT_team_find, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_text(&p, name);
    return tx_send(tx, &p);
}

tagih_err time_zone_find(struct db *db, struct arena *arena, struct bytes name, int64_t deadline_us, bool *out) {
    struct params p;
    params_init(&p, arena, STMT_time_zone_known, 0);
    params_one_text(&p, name);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    *out = result_bool(&r, 0, COL_time_zone_known_known);
    return TAGIH_OK;
}

tagih_err agency_send_insert(struct tx *tx, struct arena *arena, struct bytes name, struct bytes time_zone, instant at) {
    struct params p;
    params_init(&p, arena, STMT_agency_insert, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_text(&p, name);
    params_one_text(&p, time_zone);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err team_send_insert(struct tx *tx, struct arena *arena, team_id team, struct bytes name, instant at) {
    struct params p;
    params_init(&p, arena, STMT_team_insert, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &team);
    params_one_text(&p, name);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err staff_send_insert(struct tx *tx, struct arena *arena, const struct staff_row *row) {
    struct params p;
    params_init(&p, arena, STMT_staff_insert, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &row->user);
    params_one_text(&p, row->login);
    params_one_text(&p, row->name);
    params_one_int4(&p, (int32_t)row->roles);
    if (row->has_team) params_one_uuid(&p, &row->team);
    else params_one_null(&p);
    params_one_text(&p, row->password_hash);
    params_one_int8(&p, row->at.us);
    return tx_send(tx, &p);
}

tagih_err staff_send_suspend(struct tx *tx, struct arena *arena, user_id user, instant at) {
    struct params p;
    params_init(&p, arena, STMT_staff_suspend, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &user);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err staff_send_password(struct tx *tx, struct arena *arena, user_id user, struct bytes hash, instant at) {
    struct params p;
    params_init(&p, arena, STMT_staff_password, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &user);
    params_one_text(&p, hash);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}
