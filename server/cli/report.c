/* SPDX-License-Identifier: Apache-2.0 */
/* The end of every import. */
#include "server/cli/report.h"

#include <string.h>

#include "run/clock.h"
#include "tagih/money.h"
#include "tagih/time.h"

void report_open(struct report *report, const char *path) {
    *report = (struct report){0};
    snprintf(report->rejects_path, sizeof report->rejects_path, "%s.rejects.csv", path);
}

void report_close(struct report *report) {
    if (report->rejects) fclose(report->rejects);
    report->rejects = NULL;
}

static struct report_line *line_of(struct report *report, struct bytes result) {
    for (size_t i = 0; i < report->n; i++) {
        if (bytes_equal(result, bytes_text(report->lines[i].result))) return &report->lines[i];
    }
    if (report->n == REPORT_KINDS_MAX) return &report->lines[REPORT_KINDS_MAX - 1];
    struct report_line *line = &report->lines[report->n++];
    snprintf(line->result, sizeof line->result, "%.*s", (int)result.len, (const char *)result.data);
    return line;
}

void report_count(struct report *report, struct bytes result, bool good, int32_t line_no, const char *text) {
    struct report_line *line = line_of(report, result);
    if (line->rows++ == 0) line->first_line = line_no;
    if (text) line->text = text;
    report->total++;
    report->good += good;
    if (!good && report->rejected++ == 0) report->first_rejected = line_no, report->first_text = text ? text : line->result;
}

void report_reject(struct report *report, int32_t line_no, struct bytes result, const char *column, const char *text,
                   struct bytes raw) {
    if (!report->rejects) report->rejects = fopen(report->rejects_path, "wb");
    if (!report->rejects) return;
    if (ftell(report->rejects) == 0) fprintf(report->rejects, "line,reason,column,text,row\n");
    fprintf(report->rejects, "%d,%.*s,%s,", line_no, (int)result.len, (const char *)result.data, column ? column : "");
    csv_fwrite(report->rejects, text, strlen(text));
    fputc(',', report->rejects);
    csv_fwrite(report->rejects, raw.data, raw.len);
    fputc('\n', report->rejects);
}

bool report_kept(const struct report *report) {
    return report->rejects && fflush(report->rejects) == 0 && !ferror(report->rejects);
}

void report_progress(const struct report *report, int64_t *shown_us, bool last) {
    int64_t now_us = clock_monotonic_us();
    if (!last && now_us - *shown_us < US_PER_S / 2) return;
    *shown_us = now_us;
    fprintf(stderr, "\r%d rows, %d good, %d rejected%s", report->total, report->good, report->rejected, last ? "\n" : "");
    fflush(stderr);
}

void report_print(const struct report *report) {
    printf("%-28s %8s  %s\n", "result", "rows", "first line");
    for (size_t i = 0; i < report->n; i++) {
        const struct report_line *line = &report->lines[i];
        printf("%-28s %8d  %8d  %s\n", line->result, line->rows, line->first_line, line->text ? line->text : "");
    }
}

const char *report_digits(__int128 number, char out[REPORT_MINOR_SIZE]) {
    char *at = out + REPORT_MINOR_SIZE - 1;
    *at = 0;
    do *--at = (char)('0' + (int)(number % 10));
    while ((number /= 10) > 0);
    return at;
}

void report_money(const char *label, __int128 minor, const char *code) {
    char text[REPORT_MINOR_SIZE];
    currency in = {0};
    int digits = err_is_ok(currency_parse(bytes_text(code), &in)) ? currency_exponent(in) : 2;
    int unit = 1;
    for (int i = 0; i < digits; i++) unit *= 10;
    printf("%-28s %s", label, report_digits(minor / unit, text));
    if (digits) printf(".%0*d", digits, (int)(minor % unit));
    printf(" %s\n", code);
}

const char *report_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
