/* SPDX-License-Identifier: Apache-2.0 */
/* Telling of what the bank did not show: found under its lock, marked as told, in one transaction with the change. */
#include "rpc/bank_overdue.h"

#include "domain/gate.h"
#include "store/change.h"
#include "store_statements.h"

#define DAYS 3
#define PACK "id-pojk22" /* its holidays are no working days */

/* The third working day after money of `day` is over when the day after it has begun. */
civil_date bank_overdue_before(civil_date today) {
    const struct gate_pack *pack = gate_pack_find(PACK);
    civil_date day = today;
    while (gate_silence_until(pack, (civil_date){day.days - 1}).days >= today.days) day.days--;
    return day;
}

tagih_err bank_overdue_find(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out, size_t room, size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, arena, STMT_bank_overdue_agencies, 0);
    params_one_int8(&p, now.us);
    params_one_int4(&p, DAYS);
    params_one_int4(&p, (int32_t)room);
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) out[*n].u = result_uuid(&r, *n, COL_bank_overdue_agencies_agency_id);
    return TAGIH_OK;
}

struct round {
    struct arena *arena;
    instant now;
    size_t n;
};

static tagih_err find(struct tx *tx, struct round *round, struct result *out) {
    struct params p;
    DEFER(result) struct result day = {0};
    tx_params(&p, tx, round->arena, STMT_bank_today, 0);
    params_one_int8(&p, round->now.us);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &day);
    tx_params(&p, tx, round->arena, STMT_bank_overdue, 0);
    params_one_date(&p, bank_overdue_before(result_date(&day, 0, COL_bank_today_today)));
    params_one_int4(&p, BANK_OVERDUE_MAX);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, out);
    return TAGIH_OK;
}

#define COL(name) COL_bank_overdue_##name
static tagih_err tell(struct tx *tx, void *context) {
    struct round *round = context;
    DEFER(result) struct result r = {0};
    struct params p;
    arena_reset(round->arena);
    TRY(find(tx, round, &r));
    round->n = result_count(&r);
    if (round->n == 0) return TAGIH_OK;
    uuid *ids = ARENA_ARRAY(round->arena, round->n, uuid);
    struct change_row *changes = ARENA_ARRAY(round->arena, round->n, struct change_row);
    if (!ids || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < round->n; i++) {
        ids[i] = result_uuid(&r, i, COL(expected_id));
        changes[i] = (struct change_row){.kind = CHANGE_BANK_UNMATCHED, .object = result_uuid(&r, i, COL(object_id)),
                                         .has_account = !result_is_null(&r, i, COL(account_id)),
                                         .account.u = result_uuid_or_nil(&r, i, COL(account_id))};
    }
    tx_params(&p, tx, round->arena, STMT_bank_told, round->n);
    params_uuid(&p, ids, sizeof *ids);
    TRY(tx_send(tx, &p));
    return change_send(tx, round->arena, changes, round->n, round->now);
}

tagih_err bank_overdue_tell(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n) {
    struct round round = {.arena = arena, .now = now};
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "bank_overdue"};
    TRY(tx_run(db, &options, tell, &round));
    *n = round.n;
    return TAGIH_OK;
}
