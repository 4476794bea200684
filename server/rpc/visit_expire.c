/* SPDX-License-Identifier: Apache-2.0 */
/* Expired leases, in one transaction: find and lock, decide by the machine, save. */
#include "rpc/visit_expire.h"

#include "domain/visit.h"
#include "store/change.h"
#include "store_statements.h"

struct round {
    struct arena *arena;
    instant now;
    size_t n;
};

static tagih_err find(struct tx *tx, struct round *round, visit_id **ids) {
    struct params p;
    params_init(&p, round->arena, STMT_visit_overdue, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_int8(&p, round->now.us);
    params_one_int4(&p, VISIT_EXPIRE_MAX);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    round->n = result_count(&r);
    *ids = ARENA_ARRAY(round->arena, round->n + 1, visit_id);
    for (size_t i = 0; *ids && i < round->n; i++) (*ids)[i].u = result_uuid(&r, i, COL_visit_overdue_visit_id);
    return *ids ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

/* A visit that somebody arrived at stays ARRIVED: only its lease is over. */
static size_t decide(struct visit_read *visits, size_t n, instant now) {
    struct visit_facts facts = {.lease_live = false};
    struct visit_step step;
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        struct visit_read visit = visits[i];
        tagih_err err = visit_apply((enum visit_state)visit.state, VISIT_EXPIRE, &facts, &step);
        if (!err_is_ok(err) && visit.state != VISIT_ARRIVED) continue;
        if (err_is_ok(err)) visit.state = (int16_t)step.to;
        if (visit.lease_until_us > now.us) visit.lease_until_us = now.us;
        visit.version++;
        visits[good++] = visit;
    }
    return good;
}

static tagih_err save(struct tx *tx, struct arena *arena, const struct visit_read *visits, size_t n, const char *reason,
                      const user_id *actor, instant now) {
    struct visit_ended *ended = ARENA_ARRAY(arena, n, struct visit_ended);
    struct visit_event_row *events = ARENA_ARRAY(arena, n, struct visit_event_row);
    struct change_row *changes = ARENA_ARRAY(arena, n, struct change_row);
    size_t n_changes = 0;
    if (!ended || !events || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct visit_read *v = &visits[i];
        ended[i] = (struct visit_ended){v->id, v->state};
        events[i] = (struct visit_event_row){.visit = v->id, .version = v->version, .kind = bytes_text(v->state == VISIT_EXPIRED ? "EXPIRED" : "LEASE_OVER"),
                                             .reason = bytes_text(reason), .collector = v->collector,
                                             .lease_from_us = v->lease_from_us, .lease_until_us = v->lease_until_us};
        if (v->state != VISIT_EXPIRED) continue;
        changes[n_changes++] = (struct change_row){.kind = CHANGE_VISIT_EXPIRED, .object = v->id.u, .has_account = true,
                                         .account = v->account, .for_phone = true, .collector = v->collector};
    }
    TRY(visit_send_ended(tx, arena, ended, n));
    TRY(visit_send_events(tx, arena, events, n, actor, now));
    return change_send(tx, arena, changes, n_changes, now);
}

tagih_err visits_end_leases(struct tx *tx, struct arena *arena, struct visit_read *visits, size_t n, const char *reason,
                            const user_id *actor, instant now) {
    return save(tx, arena, visits, decide(visits, n, now), reason, actor, now);
}

static tagih_err expire(struct tx *tx, void *context) {
    struct round *round = context;
    visit_id *ids;
    arena_reset(round->arena);
    TRY(find(tx, round, &ids));
    if (round->n == 0) return TAGIH_OK;
    struct visit_read *visits = ARENA_ARRAY(round->arena, round->n, struct visit_read);
    bool *found = ARENA_ARRAY(round->arena, round->n, bool);
    if (!visits || !found) return FAIL(OUT_OF_MEMORY);
    TRY(visit_send_load(tx, round->arena, ids, round->n));
    TRY(tx_sync(tx));
    visit_take(tx, ids, visits, found, round->n);
    return visits_end_leases(tx, round->arena, visits, round->n, "", NULL, round->now);
}

tagih_err visits_expire(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n) {
    struct round round = {.arena = arena, .now = now};
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "expire"};
    TRY(tx_run(db, &options, expire, &round));
    *n = round.n;
    return TAGIH_OK;
}
