/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planning visits, whether a call asks for them or `tagihd plan` deals them out. Many at a time: load, decide, save.
 *
 * A planned visit is a lease: the planned day from 00:00 to 04:00 of the next one, agency time, so that a late round
 * still counts; it ends with the agency's hold at the latest (R-LIF-2). One live lease per (account, purpose)
 * (R-VIS-3). The contact gate judges day and place, the hour is the collector's (R-VIS-4, R-GAT-1). An account that
 * nobody works becomes the visitor's.
 */
#ifndef TAGIH_RPC_VISIT_PLAN_H
#define TAGIH_RPC_VISIT_PLAN_H

#include "domain/gate.h"
#include "store/visit.h"

#define VISIT_RADIUS_MM_DEFAULT 150000
#define VISIT_GATE_PACK "id-pojk22"

struct visit_plan {
    /* in */
    struct visit_key key;
    int16_t policy; /* enum presence_policy */
    int32_t radius_mm;
    bool consent; /* of the debtor, to this day and place */
    /* out */
    tagih_err err; /* OK: planned, or planned before */
    bool same;     /* this very visit had been planned before */
    /* between */
    struct visit_plan_loaded loaded;
    struct gate_verdict verdict;
};

/** Queue LOCK and LOAD. At least one. */
TAGIH_MUST_USE tagih_err plans_send_load(struct tx *tx, struct arena *arena, const struct visit_plan *plans, size_t n,
                                         instant now);

/**
 * Take what was loaded (the caller has synced), decide, queue SAVE. Plans whose `err` is set already stay refused.
 *
 * @param by  who plans; NULL: the command line
 * @return OK, every plan has its err · OUT_OF_MEMORY · as tx_send
 */
TAGIH_MUST_USE tagih_err plans_decide(struct tx *tx, struct arena *arena, struct visit_plan *plans, size_t n,
                                      const user_id *by, instant now);

#endif
