/* SPDX-License-Identifier: Apache-2.0 */
/* CheckIn: a collector's phone at one of its visits, three fixes, some metres from the door. */
#include <sodium.h>
#include <string.h>

#include "contract.h"
#include "tests/bench/work.h"
#include "tests/bench/world.h"

#define FIXES 3

static void fix_fill(Tagih__V1__Fix *fix, struct position door, int64_t now_us, int i) {
    tagih__v1__fix__init(fix);
    fix->lat_e7 = door.lat_e7 + (int32_t)world_draw(800) - 400; /* ± 4.4 m */
    fix->lon_e7 = door.lon_e7 + (int32_t)world_draw(800) - 400;
    fix->accuracy_mm = 8000 + (uint32_t)world_draw(4000);
    fix->fix_us = now_us - (3 - i) * 1000000;
    fix->provider = TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_FUSED;
}

static size_t request(size_t device, uint8_t *out, size_t size) {
    char id[UUID_TEXT_SIZE], visit[UUID_TEXT_SIZE];
    uint8_t random[10], boot[16] = {0};
    int64_t now_us = world_now_us();
    uint64_t dice[2] = {world_draw(UINT64_MAX), world_draw(UINT64_MAX)};
    memcpy(random, dice, sizeof random);
    memcpy(boot, &device, sizeof device);
    boot[15] = 1;
    uuid_format(uuid_make_v7((instant){now_us}, random), id);
    world_id_text(WORLD_VISIT, device * WORLD_VISITS_EACH + world_draw(WORLD_VISITS_EACH), visit);
    Tagih__V1__CheckInRequest message = TAGIH__V1__CHECK_IN_REQUEST__INIT;
    Tagih__V1__Fix fixes[FIXES], *pointers[FIXES];
    for (int i = 0; i < FIXES; i++) {
        fix_fill(&fixes[i], world_place(device), now_us, i);
        pointers[i] = &fixes[i];
    }
    message.check_in_id = id;
    message.visit_id = visit;
    message.device_us = now_us;
    message.mono_us = world_monotonic_us();
    message.boot_id = (ProtobufCBinaryData){sizeof boot, boot};
    message.fixes = pointers;
    message.n_fixes = FIXES;
    if (tagih__v1__check_in_request__get_packed_size(&message) > size) work_die("the request is too large");
    return tagih__v1__check_in_request__pack(&message, out);
}

/* Any answer of the method carries its id; reading more would cost what is being measured. */
static size_t answer(size_t device, struct bytes body) {
    (void)device;
    return body.len > UUID_TEXT_SIZE ? 1 : 0;
}

static void begin(const struct work_options *options) {
    (void)options;
}

const struct work work_check_in = {.name = "check-in", .path = "/tagih.v1.CheckInService/CheckIn", .begin = begin,
                                   .request = request, .answer = answer};
