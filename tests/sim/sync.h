/* SPDX-License-Identifier: Apache-2.0 */
/* How a phone hands in what it wrote, over a network that loses, repeats, reorders and corrupts (R-JRN-4, R-JRN-7). */
#ifndef TAGIH_SIM_SYNC_H
#define TAGIH_SIM_SYNC_H

#include "tests/sim/calls.h"

/**
 * Push until everything is acknowledged and covered by a certificate.
 * @param second  another connection of the same phone
 */
bool sync_push_all(struct collector *collector, struct client *second);

/** Push everything once more: each acknowledgement must be the first one, byte for byte. */
bool sync_replay(struct collector *collector);

/** A copied phone writes at a place that is taken, and pushes (R-JRN-4, R-JRN-9). */
bool sync_push_as_clone(struct collector *collector);

#endif
