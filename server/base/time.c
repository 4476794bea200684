/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Civil dates. Day numbers by the era method (400 years of 146 097 days, years from March), which is exact for every
 * proleptic Gregorian date. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
 */
#include "tagih/time.h"

#include <stdio.h>
#include <string.h>

civil_date date_make(int year, int month, int day) {
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (civil_date){era * 146097 + day_of_era - 719468};
}

void date_split(civil_date date, int *year, int *month, int *day) {
    int z = date.days + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int day_of_era = z - era * 146097;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *month = march_month + (march_month < 10 ? 3 : -9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

civil_date date_month(civil_date date) {
    int year, month, day;
    date_split(date, &year, &month, &day);
    return date_make(year, month, 1);
}

void date_format(civil_date date, char out[DATE_TEXT_SIZE]) {
    int year, month, day;
    date_split(date, &year, &month, &day);
    unsigned shown = year < 0 ? 0 : year > 9999 ? 9999 : (unsigned)year;
    snprintf(out, DATE_TEXT_SIZE, "%04u-%02u-%02u", shown, (unsigned)month % 100, (unsigned)day % 100);
}

/* `len` digits as a number, -1 when one is none. */
static int digits(const char *text, int len) {
    int value = 0;
    for (int i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

tagih_err date_parse(const char *text, civil_date *out) {
    if (strlen(text) != DATE_TEXT_SIZE - 1 || text[4] != '-' || text[7] != '-') return FAIL(DATE_SYNTAX);
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (year < 1900 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31) return FAIL(DATE_SYNTAX);
    civil_date date = date_make(year, month, day);
    int back_year, back_month, back_day;
    date_split(date, &back_year, &back_month, &back_day);
    if (back_month != month || back_day != day) return FAIL(DATE_SYNTAX);
    *out = date;
    return TAGIH_OK;
}
