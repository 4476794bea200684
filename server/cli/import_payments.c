/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd import-payments FILE.csv: payments of a source, read line by line and posted in transactions of 500 rows
 * (rpc/payment_file.c, the same as the ImportPayments call). What is refused goes to FILE.rejects.csv with its line and
 * reason. A last line "#TOTAL,rows,sum", or --rows and --sum, tells what the file should hold: a file that was cut posts
 * what it has and is told. The file is known by its SHA-256: a second run changes nothing, a broken-off one goes on.
 */
#include <string.h>

#include "rpc/payment_file.h"
#include "run/clock.h"
#include "server/cli/csv_import.h"

#define TOTAL_WORD "#TOTAL"

static const char *agency_name, *source_text, *currency_text, *rows_text, *sum_text;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "the agency that the file is for: its name or id", &agency_name},
    {"--source", "SOURCE", "GATEWAY, BRANCH, LAWYER, ENFORCEMENT, COLLATERAL, GUARANTEE_FUND or INSURANCE", &source_text},
    {"--currency", "CODE", "of all amounts (default: the agency's)", &currency_text},
    {"--rows", "N", "control total: so many rows", &rows_text},
    {"--sum", "AMOUNT", "control total: the sum of their amounts, decimal major units", &sum_text},
    {0},
};

struct run {
    struct csv_import in;
    struct payment_file file;
    bool has_said;
    struct payment_totals said;
    struct payment_file_found found;
};

static bool is_optional(size_t column) {
    return column == PAYMENT_COLUMN_CURRENCY || column == PAYMENT_COLUMN_TAG;
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct run *run = context;
    struct arena *arena = &run->in.office.arena;
    struct payment_file_item *items = (struct payment_file_item *)run->in.items + first;
    arena_reset(arena);
    TRY(payment_file_send(tx, arena, &run->file, items, count));
    TRY(tx_sync(tx));
    TRY(payment_file_decide(tx, arena, &run->file, items, count, clock_now()));
    for (size_t i = 0; i < count; i++) items[i].result = arena_copy(&run->in.rows, items[i].result); /* the arena is emptied */
    return run->in.rows.exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct payment_file_item *item = (struct payment_file_item *)((struct run *)context)->in.items + i;
    item->err = err;
    item->payment = (uuid){{0}};
    item->result = bytes_text(err_token(err));
}

static void count_item(struct csv_import *in, size_t i) {
    const struct payment_file_item *item = (const struct payment_file_item *)in->items + i;
    bool good = !uuid_is_nil(item->payment);
    const char *text = item->repeat ? "this row was refused before" : err_text(item->err);
    report_count(&in->report, item->result, good, item->row_no + 1, good ? NULL : text);
    if (good) return;
    const char *column = err_is_ok(item->unreadable) ? NULL : payment_column_name(item->column);
    report_reject(&in->report, item->row_no + 1, item->result, column, text, in->raw[i]);
}

static void add_line(struct run *run, bool behind_the_end) {
    struct payment_file_item *item = (struct payment_file_item *)run->in.items + run->in.n;
    struct payment_text text = {0};
    *item = (struct payment_file_item){.row_no = run->in.csv.line_no - 1, .column = PAYMENT_COLUMN_COUNT};
    tagih_err err = csv_import_keep(&run->in, text.field);
    if (err_is_ok(err) && behind_the_end) err = FAIL(PAYMENT_FILE_END);
    if (err_is_ok(err)) payment_file_read(&text, &run->file, item);
    else item->unreadable = err;
}

/* ---- control totals ------------------------------------------------------------------------------------------- */

static bool read_count(struct bytes text, int64_t *out) {
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > INT32_MAX) return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return text.len > 0;
}

static bool read_totals(struct run *run, struct bytes rows, struct bytes sum) {
    struct money money;
    run->has_said = true;
    run->said = (struct payment_totals){-1, -1}; /* what cannot be read never matches */
    if (!read_count(rows, &run->said.rows) || !err_is_ok(money_parse(sum, run->file.currency, &money))) return false;
    run->said.sum_minor = money.minor;
    return true;
}

static bool is_totals(const struct csv_file *csv) {
    return csv->n_fields >= 3 && bytes_equal(csv->fields[0], bytes_text(TOTAL_WORD));
}

static enum cli_exit read_rows(struct run *run) {
    const struct csv_file *csv = &run->in.csv;
    bool ended = false;
    while (csv_next(&run->in.csv) && err_is_ok(run->in.failed)) {
        if (is_totals(csv) && !ended) {
            ended = true;
            if (!rows_text) read_totals(run, csv->fields[1], csv->fields[2]);
            continue;
        }
        add_line(run, ended);
        if (run->in.n == PAYMENT_FILE_ROWS_MAX) csv_import_flush(&run->in);
    }
    return csv_import_end(&run->in, run->has_said);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static tagih_err finish(struct tx *tx, void *context) {
    struct run *run = context;
    struct arena *arena = &run->in.office.arena;
    arena_reset(arena);
    return payment_file_finish(tx, arena, &run->file, run->has_said ? &run->said : NULL, clock_now(), &run->found);
}

static bool is_complete(const struct run *run) {
    struct payment_totals found = {run->found.rows, run->found.sum_minor};
    return !run->has_said || err_is_ok(payment_totals_check(&run->said, &found));
}

static void print_report(const struct run *run) {
    csv_import_print_head(&run->in, "source", payment_source_name(run->file.source));
    report_print(&run->in.report);
    printf("\n%-28s %8lld\n%-28s %8lld\n", "rows in the file", (long long)run->found.rows, "good", (long long)run->found.good);
    report_money("sum of all amounts", run->found.sum_minor, run->file.currency.code);
    if (!run->has_said) printf("control totals               none were given: a cut file could not be told\n");
    else if (is_complete(run)) printf("control totals               match\n");
    else printf("control totals               %s\n", err_text(FAIL(PAYMENT_FILE_TOTALS)));
    csv_import_print_rejects(&run->in);
}

static enum cli_exit work(struct csv_import *in) {
    struct run *run = (struct run *)in;
    run->file.hash = in->hash;
    enum cli_exit code = read_rows(run);
    if (code == CLI_OK) code = csv_import_finish(in, finish, run);
    if (code != CLI_OK) return code;
    print_report(run);
    return in->report.rejected || !is_complete(run) ? CLI_PARTLY : CLI_OK;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static bool find_source(enum payment_source *out) {
    for (int source = SOURCE_FIELD; source < SOURCE_END; source++) {
        *out = (enum payment_source)source;
        bool named = strcmp(source_text, payment_source_name(*out)) == 0;
        if (named && payment_source_is_brought(*out)) return true;
    }
    return false;
}

static enum cli_exit read_flags(struct csv_import *in) {
    struct run *run = (struct run *)in;
    const char *code = currency_text ? currency_text : in->office.currency;
    run->file.writer = in->office.writer;
    run->file.name = bytes_text(report_base_name(in->path));
    if (!find_source(&run->file.source)) return cli_usage("--source %.40s: no file brings payments of it", source_text);
    if (!err_is_ok(currency_parse(bytes_text(code), &run->file.currency))) return cli_usage("--currency %.10s is none", code);
    if (!rows_text) return CLI_OK;
    bool fine = read_totals(run, bytes_text(rows_text), bytes_text(sum_text));
    return fine ? CLI_OK : cli_usage("--rows needs a number and --sum decimal major units");
}

static const struct csv_import_kind kind = {
    .command = "import-payments", .kept = "posted", .n_columns = PAYMENT_COLUMN_COUNT, .rows_max = PAYMENT_FILE_ROWS_MAX,
    .item_bytes = sizeof(struct payment_file_item), .run_bytes = sizeof(struct run), .column_name = payment_column_name,
    .is_optional = is_optional, .read_flags = read_flags, .work = work, .range = import_range, .range_failed = import_failed,
    .count = count_item};

static enum cli_exit run_import(const struct cli *cli) {
    if (!source_text) return cli_usage("--source is missing: whom the payments come from");
    if (!rows_text != !sum_text) return cli_usage("--rows and --sum go together");
    return csv_import_run(cli, agency_name, &kind);
}

const struct cli_command cli_import_payments = {
    .name = "import-payments",
    .words = "--agency A --source S [--currency C] [--rows N --sum AMOUNT] FILE.csv",
    .summary = "Post a file of payments",
    .text = "Columns by name: account_no, reference, amount, paid_at; optional: currency, tag. Amounts are decimal major units;\n"
            "paid_at is YYYY-MM-DD, or with hh:mm:ss behind a blank or T, or with an offset such as +07:00 as well (without one:\n"
            "the agency's wall clock). A last line #TOTAL,rows,sum is the file's control total. A bad row never stops the good\n"
            "ones: it is reported, and written to FILE.csv.rejects.csv. The same file twice changes nothing.\n"
            "Exit codes: 0 every row is in, 3 rows were rejected or the totals do not fit, 1 it ended early (run it again to go\n"
            "on), 2 wrong usage.",
    .flags = flags,
    .run = run_import};
