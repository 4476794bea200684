/* SPDX-License-Identifier: Apache-2.0 */
/* Integers as big-endian bytes, for everything that is hashed. */
#ifndef TAGIH_DOMAIN_BIG_ENDIAN_H
#define TAGIH_DOMAIN_BIG_ENDIAN_H

#include <stdint.h>

static inline void put_be16(uint8_t out[2], uint16_t value) {
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static inline void put_be32(uint8_t out[4], uint32_t value) {
    put_be16(out, (uint16_t)(value >> 16));
    put_be16(out + 2, (uint16_t)value);
}

static inline void put_be64(uint8_t out[8], uint64_t value) {
    put_be32(out, (uint32_t)(value >> 32));
    put_be32(out + 4, (uint32_t)value);
}

#endif
