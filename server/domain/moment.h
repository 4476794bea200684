/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A moment as files and gateways write it: a date, or a date and a time of day, with or without an offset. Without one
 * it is a wall clock's, and only a named time zone makes an instant of it (R-TIM-1).
 */
#ifndef TAGIH_DOMAIN_MOMENT_H
#define TAGIH_DOMAIN_MOMENT_H

#include <stdbool.h>

#include "tagih/bytes.h"
#include "tagih/time.h"

struct moment {
    bool is_local; /* `us` is what a clock on the wall shows, counted as though it stood in UTC */
    int64_t us;
};

/**
 * Read YYYY-MM-DD (its first instant, R-PAY-5f), or that and, behind a T or a blank, hh:mm:ss with at most six digits of
 * a fraction, and then nothing, Z, or ±hh:mm (RFC 3339 with the zone left out where the sender has none).
 *
 * @return OK · DATE_SYNTAX; out untouched on error. Pure.
 * Example: "2026-11-20 10:15:00" is local; "2026-11-20T10:15:00+07:00" is 03:15 UTC.
 */
TAGIH_MUST_USE tagih_err moment_parse(struct bytes text, struct moment *out);

#endif
