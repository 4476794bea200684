/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instants and civil dates (R-TIM-1). An instant is microseconds since the Unix epoch, UTC; a civil date is a day
 * in somebody's calendar and comes only from a named time zone (the server asks PostgreSQL for it).
 */
#ifndef TAGIH_TIME_H
#define TAGIH_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/err.h"

#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_S)
#define US_PER_DAY (86400 * US_PER_S)

typedef struct {
    int64_t us;
} instant;

/** Days since 1970-01-01, proleptic Gregorian. */
typedef struct {
    int32_t days;
} civil_date;

/** Text form of a date: YYYY-MM-DD and a NUL; years 0000–9999. */
#define DATE_TEXT_SIZE 11

/** The instants Tagih takes for real: 2000-01-01 up to 2100-01-01, both UTC. Anything else is absurd. */
#define INSTANT_MIN_US (INT64_C(946684800) * US_PER_S)
#define INSTANT_MAX_US (INT64_C(4102444800) * US_PER_S)

static inline bool instant_is_sane(instant t) {
    return t.us >= INSTANT_MIN_US && t.us < INSTANT_MAX_US;
}

/** The date of a year, month (1–12) and day (1–31). Valid for any day that exists; checked by date_parse. Pure. */
civil_date date_make(int year, int month, int day);

/** The parts of a date. Pure. */
void date_split(civil_date date, int *year, int *month, int *day);

/** The first day of the date's month: how months are named everywhere. Pure. */
civil_date date_month(civil_date date);

/** Write YYYY-MM-DD. Years outside 0–9999 are written as 0000 or 9999. */
void date_format(civil_date date, char out[DATE_TEXT_SIZE]);

/**
 * Read YYYY-MM-DD, years 1900–2199.
 *
 * @param out [out] untouched on error
 * @return OK · DATE_SYNTAX another form, or a day that does not exist
 */
TAGIH_MUST_USE tagih_err date_parse(const char *text, civil_date *out);

#endif
