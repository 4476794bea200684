/* SPDX-License-Identifier: Apache-2.0 */
/* One person of each role, each with a phone, for specs that call every method. */
#ifndef TAGIH_TESTS_EVERYBODY_H
#define TAGIH_TESTS_EVERYBODY_H

#include "engine/rpc.h"
#include "tests/support/rig.h"

struct everybody {
    struct rig *rig;
    agency_id agency;
    user_id people[ROLE_COUNT];
    struct rig_phone phones[ROLE_COUNT];
};

static inline void everybody_open(struct everybody *all, struct rig *rig, agency_id agency) {
    all->rig = rig;
    all->agency = agency;
    for (int i = 0; i < ROLE_COUNT; i++) {
        all->people[i] = rig_user(rig, agency, NULL, 1u << i);
        all->phones[i] = rig_phone(rig, agency, all->people[i]);
    }
}

/** A token of somebody who may call it; NULL: nobody needs one. */
static inline const char *everybody_token(const struct everybody *all, const struct rpc_method *row) {
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (!(row->roles & 1u << i)) continue;
        return row->device ? all->phones[i].token : rig_staff_token(all->rig, all->agency, all->people[i], 0);
    }
    return NULL;
}

#endif
