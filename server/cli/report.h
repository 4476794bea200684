/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that read files tell in the end: results and how often each came, sums, and rows sent back. */
#ifndef TAGIH_CLI_REPORT_H
#define TAGIH_CLI_REPORT_H

#include <stdio.h>

#include "server/cli/csv_file.h"

#define REPORT_KINDS_MAX 32
#define REPORT_MINOR_SIZE 48

/** One result and how often it came. */
struct report_line {
    char result[64];
    const char *text; /* for people; may be NULL */
    int32_t rows;
    int32_t first_line;
};

struct report {
    struct report_line lines[REPORT_KINDS_MAX];
    size_t n;
    int32_t total, good, rejected;
    int32_t first_rejected; /* its line */
    const char *first_text;
    char rejects_path[4100];
    FILE *rejects;
};

/** Begin: what is refused goes to PATH.rejects.csv. */
void report_open(struct report *report, const char *path);
void report_close(struct report *report);

/** Count a row's result. @param text  for people, lives as long as the report; NULL: none */
void report_count(struct report *report, struct bytes result, bool good, int32_t line_no, const char *text);

/** Send a row back with its reason. @param column  NULL: the row as a whole */
void report_reject(struct report *report, int32_t line_no, struct bytes result, const char *column, const char *text,
                   struct bytes raw);

/** Whether all that was sent back stands in the file of rejects. */
bool report_kept(const struct report *report);

/** Rows so far, on stderr, at most twice a second. */
void report_progress(const struct report *report, int64_t *shown_us, bool last);

/** The table of results. */
void report_print(const struct report *report);

/** "sum of good balances       1663025.00 IDR" */
void report_money(const char *label, __int128 minor, const char *code);

/** Decimal digits of a number that is not negative. @return into `out` */
const char *report_digits(__int128 number, char out[REPORT_MINOR_SIZE]);

/** The last part of a path. */
const char *report_base_name(const char *path);

#endif
