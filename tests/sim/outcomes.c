/* SPDX-License-Identifier: Apache-2.0 */
/* The outcomes file, account_no,paid[,…] with a head line: what each debtor really paid, in major units. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagih/money.h"
#include "tests/sim/field.h"

struct outcome_row {
    char account_no[40];
    int64_t paid_minor;
};

struct outcomes {
    struct outcome_row *rows;
    size_t count, max;
};

static int compare(const void *a, const void *b) {
    return strcmp(((const struct outcome_row *)a)->account_no, ((const struct outcome_row *)b)->account_no);
}

static bool row_read(char *line, struct outcome_row *out) {
    char *rest = line, *account_no = strsep(&rest, ",\r\n"), *paid = strsep(&rest, ",\r\n");
    struct money amount;
    currency rupiah = {"IDR"};
    if (!account_no || !paid || strlen(account_no) >= sizeof out->account_no) return false;
    if (!err_is_ok(money_parse(bytes_text(paid), rupiah, &amount))) return false;
    snprintf(out->account_no, sizeof out->account_no, "%s", account_no);
    out->paid_minor = amount.minor;
    return true;
}

static bool rows_read(FILE *file, struct outcomes *out) {
    char line[512];
    bool is_head = true;
    for (; fgets(line, sizeof line, file); is_head = false) {
        if (is_head) continue;
        if (out->count == out->max) {
            out->max = out->max ? 2 * out->max : 1024;
            out->rows = realloc(out->rows, out->max * sizeof *out->rows);
            if (!out->rows) return false;
        }
        if (!row_read(line, &out->rows[out->count])) return false;
        out->count++;
    }
    if (out->count) qsort(out->rows, out->count, sizeof *out->rows, compare);
    return true;
}

struct outcomes *outcomes_load(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file) return NULL;
    struct outcomes *outcomes = calloc(1, sizeof *outcomes);
    bool good = outcomes && rows_read(file, outcomes);
    fclose(file);
    if (good) return outcomes;
    outcomes_free(outcomes);
    return NULL;
}

int64_t outcomes_paid_minor(const struct outcomes *outcomes, const char *account_no) {
    struct outcome_row key;
    snprintf(key.account_no, sizeof key.account_no, "%s", account_no);
    const struct outcome_row *row =
        outcomes->count ? bsearch(&key, outcomes->rows, outcomes->count, sizeof key, compare) : NULL;
    return row ? row->paid_minor : 0;
}

void outcomes_free(struct outcomes *outcomes) {
    if (!outcomes) return;
    free(outcomes->rows);
    free(outcomes);
}
