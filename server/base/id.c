/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDv7: made from what the caller hands in, written and read as text. */
#include "tagih/id.h"

#include "tagih/bytes.h"

uuid uuid_make_v7(instant now, const uint8_t random[10]) {
    uint64_t ms = now.us > 0 ? (uint64_t)(now.us / US_PER_MS) : 0;
    uuid id;
    for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(id.b + 6, random, 10);
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0F));
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3F));
    return id;
}

/* Bytes before each hyphen of the text form: 4-2-2-2-6. */
static const struct {
    int from, len;
} groups[] = {{0, 4}, {4, 2}, {6, 2}, {8, 2}, {10, 6}};

void uuid_format(uuid id, char out[UUID_TEXT_SIZE]) {
    for (int g = 0; g < 5; g++) {
        bytes_hex(bytes_make(id.b + groups[g].from, (size_t)groups[g].len), out);
        out += 2 * groups[g].len;
        if (g < 4) *out++ = '-';
    }
}

tagih_err uuid_parse(const char *text, uuid *out) {
    if (strlen(text) != UUID_TEXT_SIZE - 1) return FAIL(ID_SYNTAX);
    char digits[33];
    size_t n = 0;
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen != (text[i] == '-')) return FAIL(ID_SYNTAX);
        if (!hyphen) digits[n++] = text[i];
    }
    digits[n] = '\0';
    uuid id;
    if (!err_is_ok(bytes_unhex(digits, id.b, sizeof id.b))) return FAIL(ID_SYNTAX);
    *out = id;
    return TAGIH_OK;
}
