/* SPDX-License-Identifier: Apache-2.0 */
/* Pull without a cursor: a phone in the morning fetches its visits of the day, with their accounts. */
#include "contract.h"
#include "tests/bench/work.h"
#include "tests/bench/world.h"

/* One answer in so many is unpacked and looked at; the others only have to be long enough. */
#define LOOK_EVERY 64

static void begin(const struct work_options *options) {
    (void)options;
}

static size_t request(size_t device, uint8_t *out, size_t size) {
    (void)device;
    Tagih__V1__PullRequest message = TAGIH__V1__PULL_REQUEST__INIT;
    message.page_size = 100;
    if (size < 16) return 0;
    return tagih__v1__pull_request__pack(&message, out);
}

static size_t visits_of(struct bytes body) {
    Tagih__V1__PullResponse *message = tagih__v1__pull_response__unpack(NULL, body.len, body.data);
    size_t n = 0;
    for (size_t i = 0; message && i < message->n_changes; i++) {
        n += message->changes[i]->item_case == TAGIH__V1__PULL_CHANGE__ITEM_VISIT;
    }
    if (message) tagih__v1__pull_response__free_unpacked(message, NULL);
    return n;
}

static size_t answer(size_t device, struct bytes body) {
    static unsigned turn;
    (void)device;
    if (turn++ % LOOK_EVERY == 0 && visits_of(body) != WORLD_VISITS_EACH) return 0;
    return body.len > (size_t)WORLD_VISITS_EACH * 100 ? 1 : 0;
}

const struct work work_pull = {.name = "pull", .path = "/tagih.v1.SyncService/Pull", .begin = begin, .request = request,
                               .answer = answer};
