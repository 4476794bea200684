/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes: comparing, hexadecimal, and what counts as text (R-JRN-8). */
#include "tagih/bytes.h"

#include <string.h>

struct bytes bytes_text(const char *text) {
    return (struct bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

bool bytes_equal(struct bytes a, struct bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

void bytes_hex(struct bytes in, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.len; i++) {
        *out++ = digits[in.data[i] >> 4];
        *out++ = digits[in.data[i] & 15];
    }
    *out = '\0';
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

tagih_err bytes_unhex(const char *text, uint8_t *out, size_t len) {
    if (strlen(text) != 2 * len) return FAIL(NUMBER_SYNTAX);
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) return FAIL(NUMBER_SYNTAX);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return TAGIH_OK;
}

/* Length of the well-formed UTF-8 sequence at the start of `in` and its code point; 0 when there is none. */
static size_t utf8_take(struct bytes in, uint32_t *point) {
    uint8_t first = in.data[0];
    size_t len = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
    if (len == 0 || len > in.len) return 0;
    *point = len == 1 ? first : first & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((in.data[i] & 0xC0) != 0x80) return 0;
        *point = *point << 6 | (in.data[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = *point >= 0xD800 && *point < 0xE000;
    return *point < least[len] || surrogate || *point > 0x10FFFF ? 0 : len;
}

bool bytes_is_text(struct bytes in, size_t len_max) {
    if (in.len > len_max) return false;
    while (in.len) {
        uint32_t point;
        size_t taken = utf8_take(in, &point);
        if (!taken || point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
        in = bytes_make(in.data + taken, in.len - taken);
    }
    return true;
}
