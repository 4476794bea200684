/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done again and again while something is killed: calls that write, each in an agency of its own, so that what they
 * leave behind can be compared with an undisturbed run. `prepare` may do anything; every statement that `act` sends is a
 * boundary.
 */
#ifndef TAGIH_TESTS_KILLS_SCRIPT_H
#define TAGIH_TESTS_KILLS_SCRIPT_H

#include "tests/support/teller.h"
#include "tests/support/writer.h"

#define SCENE_ACKS_MAX 12

struct scene {
    struct teller teller;
    user_id collector;
    struct writer writer, other; /* two phones of two collectors */
    account_id account;
    uuid subject; /* what act() is about */
    struct scene_ack {
        hash256 entry;
        uint8_t bytes[512];
        size_t len;
    } acks[SCENE_ACKS_MAX]; /* what the phones were told */
    size_t n_acks;
};

struct kills_script {
    const char *name;
    void (*prepare)(struct scene *scene);
    void (*act)(struct scene *scene);
};

extern const struct kills_script kills_scripts[]; /* ends with an empty one */

void scene_open(struct scene *scene, struct rig *rig);
void scene_close(struct scene *scene);

#endif
