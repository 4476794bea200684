/* SPDX-License-Identifier: Apache-2.0 */
/* Left to right, one part after the other; whatever is left at the end is an error. */
#include "domain/moment.h"

#include <string.h>

#define DATE_LEN (DATE_TEXT_SIZE - 1)
#define FRACTION_DIGITS 6

static bool take(struct bytes *rest, char c) {
    if (rest->len == 0 || rest->data[0] != (uint8_t)c) return false;
    rest->data++;
    rest->len--;
    return true;
}

/* Two digits, 00 to `max`. */
static bool take_two(struct bytes *rest, int max, int64_t *out) {
    int value = 0;
    for (int i = 0; i < 2; i++) {
        if (rest->len == 0 || rest->data[0] < '0' || rest->data[0] > '9') return false;
        value = value * 10 + (rest->data[0] - '0');
        rest->data++;
        rest->len--;
    }
    *out = value;
    return value <= max;
}

static bool take_fraction(struct bytes *rest, int64_t *out_us) {
    int n = 0;
    *out_us = 0;
    for (; rest->len && rest->data[0] >= '0' && rest->data[0] <= '9'; n++) {
        if (n == FRACTION_DIGITS) return false;
        *out_us = *out_us * 10 + (rest->data[0] - '0');
        rest->data++;
        rest->len--;
    }
    for (int i = n; i < FRACTION_DIGITS; i++) *out_us *= 10;
    return n > 0;
}

static bool take_clock(struct bytes *rest, int64_t *out_us) {
    int64_t h, m, s, fraction_us = 0;
    if (!take_two(rest, 23, &h) || !take(rest, ':') || !take_two(rest, 59, &m) || !take(rest, ':') || !take_two(rest, 59, &s)) {
        return false;
    }
    if (take(rest, '.') && !take_fraction(rest, &fraction_us)) return false;
    *out_us = ((h * 60 + m) * 60 + s) * US_PER_S + fraction_us;
    return true;
}

/* What the wall clock is ahead of UTC. */
static bool take_offset(struct bytes *rest, int64_t *out_us) {
    int64_t h, m;
    *out_us = 0;
    if (take(rest, 'Z')) return true;
    bool ahead = take(rest, '+');
    if (!ahead && !take(rest, '-')) return false;
    if (!take_two(rest, 14, &h) || !take(rest, ':') || !take_two(rest, 59, &m)) return false;
    *out_us = (h * 60 + m) * US_PER_MINUTE * (ahead ? 1 : -1);
    return true;
}

static bool take_date(struct bytes *rest, int64_t *out_us) {
    char text[DATE_TEXT_SIZE] = "";
    civil_date on;
    if (rest->len < DATE_LEN) return false;
    memcpy(text, rest->data, DATE_LEN);
    if (!err_is_ok(date_parse(text, &on))) return false;
    rest->data += DATE_LEN;
    rest->len -= DATE_LEN;
    *out_us = on.days * US_PER_DAY;
    return true;
}

tagih_err moment_parse(struct bytes text, struct moment *out) {
    int64_t day_us, clock_us = 0, offset_us = 0;
    bool is_local = true;
    if (!take_date(&text, &day_us)) return FAIL(DATE_SYNTAX);
    if (text.len) {
        if (!take(&text, 'T') && !take(&text, ' ')) return FAIL(DATE_SYNTAX);
        if (!take_clock(&text, &clock_us)) return FAIL(DATE_SYNTAX);
        is_local = text.len == 0;
        if (!is_local && !take_offset(&text, &offset_us)) return FAIL(DATE_SYNTAX);
    }
    if (text.len) return FAIL(DATE_SYNTAX);
    *out = (struct moment){is_local, day_us + clock_us - offset_us};
    return TAGIH_OK;
}
