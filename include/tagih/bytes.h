/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes that somebody else owns, and the few things one does with it. */
#ifndef TAGIH_BYTES_H
#define TAGIH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/err.h"

/** Borrowed bytes: valid as long as their owner. `data` may be NULL when `len` is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

/** A SHA-256 digest. */
typedef struct {
    uint8_t b[32];
} hash256;

/** The bytes of an array or of any object by its size. */
#define BYTES_OF(object) ((struct bytes){(const uint8_t *)(object), sizeof *(object)})

static inline struct bytes bytes_make(const void *data, size_t len) {
    return (struct bytes){(const uint8_t *)data, len};
}

/** The bytes of a NUL-terminated string, without the NUL. NULL gives no bytes. */
struct bytes bytes_text(const char *text);

/** Same length and content. Not constant time: never for secrets. */
bool bytes_equal(struct bytes a, struct bytes b);

/** memcmp order, the shorter first on a common prefix: < 0, 0, > 0. */
int bytes_compare(struct bytes a, struct bytes b);

/** Lower-case hexadecimal of `in`, NUL-terminated. `out` holds 2 * in.len + 1 bytes. */
void bytes_hex(struct bytes in, char *out);

/**
 * Read hexadecimal digits, either case, exactly two for each byte.
 *
 * @param text  2 * len digits
 * @param out   [out] len bytes; undefined on error
 * @return OK · NUMBER_SYNTAX another length or another character
 */
TAGIH_MUST_USE tagih_err bytes_unhex(const char *text, uint8_t *out, size_t len);

/**
 * Text that people may see: valid UTF-8, no NUL, no control character (R-JRN-8), at most `len_max` bytes.
 *
 * Overlong forms, surrogates and code points above U+10FFFF are not valid UTF-8. Control characters are
 * U+0000–U+001F, U+007F and U+0080–U+009F. Pure, O(n).
 */
bool bytes_is_text(struct bytes in, size_t len_max);

static inline bool hash256_equal(const hash256 *a, const hash256 *b) {
    return bytes_equal(BYTES_OF(a), BYTES_OF(b));
}

#endif
