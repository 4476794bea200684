/* SPDX-License-Identifier: Apache-2.0 */
/* A CheckIn call at the door of rig_account's debtor, as specs make it. */
#ifndef TAGIH_TESTS_CHECK_IN_REQUEST_H
#define TAGIH_TESTS_CHECK_IN_REQUEST_H

#include "contract.h"
#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

#define LAT_E7 (-61754000)
#define LON_E7 1068272000

/** A request with up to 31 fixes, the first one good. Stays where it is as long as its request is used. */
struct check_in_build {
    Tagih__V1__CheckInRequest request;
    Tagih__V1__Fix fixes[31], *list[31];
    char id[UUID_TEXT_SIZE], visit[UUID_TEXT_SIZE];
    uint8_t boot[4];
};

/** A new check-in of a visit, a second ago. @return the request, to be changed as wanted */
static inline Tagih__V1__CheckInRequest *check_in_of(struct check_in_build *b, visit_id visit) {
    int64_t now = clock_now().us;
    memset(b, 0, sizeof *b);
    tagih__v1__check_in_request__init(&b->request);
    uuid_format(rig_id(), b->id);
    uuid_format(visit.u, b->visit);
    for (size_t i = 0; i < COUNT_OF(b->fixes); i++) {
        tagih__v1__fix__init(&b->fixes[i]);
        b->fixes[i].lat_e7 = LAT_E7;
        b->fixes[i].lon_e7 = LON_E7;
        b->fixes[i].accuracy_mm = 8000;
        b->fixes[i].fix_us = now - US_PER_S;
        b->fixes[i].provider = TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_GPS;
        b->list[i] = &b->fixes[i];
    }
    b->request.check_in_id = b->id;
    b->request.visit_id = b->visit;
    b->request.device_us = now;
    b->request.mono_us = 12345678;
    b->request.boot_id = (ProtobufCBinaryData){sizeof b->boot, b->boot};
    b->request.fixes = b->list;
    b->request.n_fixes = 1;
    return &b->request;
}

#endif
