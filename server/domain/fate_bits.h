/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons of a fate as one 64-bit set, as the database stores them: flags at their number, 100 + k at 40 + k,
 * 200 + k at 60 + k. */
#ifndef TAGIH_DOMAIN_FATE_BITS_H
#define TAGIH_DOMAIN_FATE_BITS_H

#include <stdint.h>

#include "tagih/fate.h"

typedef uint64_t fate_bits;

static inline unsigned fate_bit_index(unsigned reason) {
    return reason < 100 ? reason : reason < 200 ? reason - 60 : reason - 140;
}

static inline fate_bits fate_bit(enum fate_reason reason) {
    return UINT64_C(1) << fate_bit_index((unsigned)reason);
}

/** The reason of a bit, 0 when no reason has it. */
static inline uint16_t fate_bit_reason(unsigned index) {
    return (uint16_t)(index < 40 ? index : index < 60 ? index + 60 : index + 140);
}

#define FATE_BITS_FLAGS ((UINT64_C(1) << 40) - 1) /* reasons 1–39: the entry takes effect all the same */

#endif
