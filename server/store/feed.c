/* SPDX-License-Identifier: Apache-2.0 */
/* The feed's statements, and libpq's notifications, which belong to the connection itself. Called by rpc/feed.c, pull.c. */
#include "store/feed.h"

#include <string.h>

#include "store_statements.h"

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void position_read(const struct result *r, struct feed_position *out) {
    out->system_id = result_int8(r, 0, COL_feed_position_system_id);
    out->history_id = result_int8(r, 0, COL_feed_position_history_id);
    out->xid_min = result_int8(r, 0, COL_feed_position_xid_min);
    out->xid_next = result_int8(r, 0, COL_feed_position_xid_next);
}

tagih_err feed_send_position(struct tx *tx, struct arena *arena) {
    struct params p;
    params_init(&p, arena, STMT_feed_position, 0);
    return tx_send(tx, &p);
}

void feed_take_position(struct tx *tx, struct feed_position *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    position_read(&r, out);
}

tagih_err feed_send_list(struct tx *tx, struct arena *arena, struct feed_place after, int32_t max) {
    struct params p;
    params_init(&p, arena, STMT_feed_list, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_int8(&p, after.xid);
    params_one_int8(&p, after.n);
    params_one_int4(&p, max);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_feed_unsettled, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_int8(&p, after.xid);
    params_one_int8(&p, after.n);
    return tx_send(tx, &p);
}

static void change_read(const struct result *r, size_t i, struct feed_change *out) {
    *out = (struct feed_change){
        .place = {result_int8(r, i, COL_feed_list_xid), result_int8(r, i, COL_feed_list_n)},
        .kind = result_int2(r, i, COL_feed_list_kind),
        .account = result_uuid_or_nil(r, i, COL_feed_list_account_id),
        .object = result_uuid(r, i, COL_feed_list_object_id),
        .collector = result_uuid_or_nil(r, i, COL_feed_list_collector_id),
        .at_us = result_int8(r, i, COL_feed_list_at_us)};
}

tagih_err feed_take_list(struct tx *tx, struct arena *arena, struct feed_change **out, size_t *n, bool *unsettled) {
    DEFER(result) struct result r = {0}, some = {0};
    tx_take(tx, &r);
    tx_take(tx, &some);
    *n = result_count(&r);
    *unsettled = result_bool(&some, 0, COL_feed_unsettled_some);
    *out = ARENA_ARRAY(arena, *n, struct feed_change);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) change_read(&r, i, &(*out)[i]);
    return TAGIH_OK;
}

/* ---- news ----------------------------------------------------------------------------------------------------- */

tagih_err feed_listen(struct db *db, struct arena *arena, int64_t deadline_us) {
    struct params p;
    params_init(&p, arena, STMT_feed_listen, 0);
    DEFER(result) struct result r = {0};
    return db_exec_one(db, &p, deadline_us, &r);
}

tagih_err feed_notify(struct db *db, struct arena *arena, const agency_id *agencies, size_t n, int64_t deadline_us) {
    struct params p;
    params_init(&p, arena, STMT_feed_notify, n);
    params_uuid(&p, agencies, sizeof *agencies);
    DEFER(result) struct result r = {0};
    return db_exec_one(db, &p, deadline_us, &r);
}

int feed_socket(const struct db *db) {
    return db__is_lost(db) ? -1 : PQsocket(db->conn);
}

int feed_backend(const struct db *db) {
    return db__is_lost(db) ? 0 : PQbackendPID(db->conn);
}

/* Our own notifications come back too: what we told we know. */
bool feed_heard(struct db *db, agency_id *out) {
    if (db__is_lost(db)) return false;
    if (!PQconsumeInput(db->conn)) {
        db->lost = true;
        return false;
    }
    PGnotify *note;
    bool heard = false;
    while (!heard && (note = PQnotifies(db->conn))) {
        bool ours = note->be_pid == PQbackendPID(db->conn);
        heard = !ours && err_is_ok(uuid_parse(note->extra, &out->u));
        PQfreemem(note);
    }
    return heard;
}

tagih_err feed_agencies(struct db *db, struct arena *arena, int64_t xid, int64_t deadline_us, agency_id *out,
                        size_t room, size_t *n) {
    struct params p;
    params_init(&p, arena, STMT_feed_agencies, 0);
    params_one_int8(&p, xid);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) {
        out[*n].u = result_uuid(&r, *n, COL_feed_agencies_agency_id);
    }
    return TAGIH_OK;
}

tagih_err feed_position_get(struct db *db, struct arena *arena, int64_t deadline_us, struct feed_position *out) {
    struct params p;
    params_init(&p, arena, STMT_feed_position, 0);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    position_read(&r, out);
    return TAGIH_OK;
}
