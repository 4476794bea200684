/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd import-payments FILE.csv: payments of a source, read line by line and posted in transactions of 500 rows
 * (rpc/payment_file.c, the same as the ImportPayments call). What is refused goes to FILE.rejects.csv with its line and
 * reason. A last line "#TOTAL,rows,sum", or --rows and --sum, tells what the file should hold: a file that was cut posts
 * what it has and is told. The file is known by its SHA-256: a second run changes nothing, a broken-off one goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/payment_file.h"
#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/csv_file.h"
#include "server/cli/office.h"
#include "server/cli/report.h"

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
    struct office office;
    struct payment_file file;
    struct csv_file csv;
    int columns[PAYMENT_COLUMN_COUNT]; /* field of each column, or CSV_NOT_THERE */
    size_t n_head;
    struct payment_file_item *items;
    struct bytes *raw;  /* each item's line */
    struct arena rows;  /* what the items point to, for one batch */
    void *rows_memory;
    size_t n;           /* items waiting */
    struct report report;
    int64_t shown_us;
    const char *path;
    bool has_said;
    struct payment_totals said;
    struct payment_file_found found;
    tagih_err failed;
};

/* ---- the head ------------------------------------------------------------------------------------------------- */

static bool find_column(struct run *run, size_t column) {
    if (!csv_column(&run->csv, payment_column_name(column), &run->columns[column])) return false;
    return run->columns[column] != CSV_NOT_THERE || column == PAYMENT_COLUMN_CURRENCY || column == PAYMENT_COLUMN_TAG;
}

static enum cli_exit read_head(struct run *run) {
    if (!csv_next(&run->csv)) return cli_failed("%s is empty", run->path);
    for (size_t column = 0; column < PAYMENT_COLUMN_COUNT; column++) {
        if (find_column(run, column)) continue;
        return cli_failed("%s: %s (column %s is missing, or there twice)", run->path, err_text(FAIL(IMPORT_HEAD)),
                          payment_column_name(column));
    }
    run->n_head = run->csv.n_fields;
    return CLI_OK;
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct run *run = context;
    struct arena *arena = &run->office.arena;
    struct payment_file_item *items = run->items + first;
    arena_reset(arena);
    TRY(payment_file_send(tx, arena, &run->file, items, count));
    TRY(tx_sync(tx));
    TRY(payment_file_decide(tx, arena, &run->file, items, count, clock_now()));
    for (size_t i = 0; i < count; i++) items[i].result = arena_copy(&run->rows, items[i].result); /* the arena is emptied */
    return run->rows.exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct payment_file_item *item = &((struct run *)context)->items[i];
    item->err = err;
    item->payment = (uuid){{0}};
    item->result = bytes_text(err_token(err));
}

static void count_item(struct run *run, const struct payment_file_item *item, struct bytes raw) {
    bool good = !uuid_is_nil(item->payment);
    const char *text = item->repeat ? "this row was refused before" : err_text(item->err);
    report_count(&run->report, item->result, good, item->row_no + 1, good ? NULL : text);
    if (good) return;
    const char *column = err_is_ok(item->unreadable) ? NULL : payment_column_name(item->column);
    report_reject(&run->report, item->row_no + 1, item->result, column, text, raw);
}

static void flush(struct run *run) {
    if (run->n == 0 || !err_is_ok(run->failed)) return;
    struct tx_options options = office_tx(&run->office, "import-payments", 120);
    run->failed = tx_run_halving(&run->office.db, &options, run->n, import_range, import_failed, run, NULL);
    for (size_t i = 0; err_is_ok(run->failed) && i < run->n; i++) count_item(run, &run->items[i], run->raw[i]);
    run->n = 0;
    arena_reset(&run->rows);
    report_progress(&run->report, &run->shown_us, false);
}

/* The fields of a line, copied: the next line overwrites them. */
static void add_line(struct run *run, bool behind_the_end) {
    struct payment_file_item *item = &run->items[run->n];
    struct payment_text text = {0};
    *item = (struct payment_file_item){.row_no = run->csv.line_no - 1, .column = PAYMENT_COLUMN_COUNT};
    run->raw[run->n++] = arena_copy(&run->rows, bytes_make(run->csv.line, run->csv.line_len));
    bool fits = run->csv.n_fields == run->n_head;
    for (size_t c = 0; fits && c < PAYMENT_COLUMN_COUNT; c++) {
        int at = run->columns[c];
        if (at != CSV_NOT_THERE) text.field[c] = arena_copy(&run->rows, run->csv.fields[at]);
    }
    tagih_err err = !err_is_ok(run->csv.err) ? run->csv.err
                    : !fits                  ? FAIL(IMPORT_COLUMNS)
                    : behind_the_end         ? FAIL(PAYMENT_FILE_END)
                                             : TAGIH_OK;
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

static bool is_totals(const struct run *run) {
    return run->csv.n_fields >= 3 && bytes_equal(run->csv.fields[0], bytes_text(TOTAL_WORD));
}

static enum cli_exit read_rows(struct run *run) {
    bool ended = false;
    while (csv_next(&run->csv) && err_is_ok(run->failed)) {
        if (is_totals(run) && !ended) {
            ended = true;
            if (!rows_text) read_totals(run, run->csv.fields[1], run->csv.fields[2]);
            continue;
        }
        add_line(run, ended);
        if (run->n == PAYMENT_FILE_ROWS_MAX) flush(run);
    }
    flush(run);
    report_progress(&run->report, &run->shown_us, true);
    if (ferror(run->csv.file)) return cli_failed("%s cannot be read to its end: %s", run->path, strerror(errno));
    if (err_is_ok(run->failed)) return CLI_OK;
    return cli_failed("%s; %d rows are posted and stay so: run it again to go on", err_text(run->failed), run->report.good);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static tagih_err finish(struct tx *tx, void *context) {
    struct run *run = context;
    arena_reset(&run->office.arena);
    return payment_file_finish(tx, &run->office.arena, &run->file, run->has_said ? &run->said : NULL, clock_now(), &run->found);
}

static bool is_complete(const struct run *run) {
    struct payment_totals found = {run->found.rows, run->found.sum_minor};
    return !run->has_said || err_is_ok(payment_totals_check(&run->said, &found));
}

static void print_report(const struct run *run) {
    char hash[65];
    bytes_hex(BYTES_OF(&run->file.hash), hash);
    printf("file      %s\nsha256    %s\nsource    %s\n\n", run->path, hash, payment_source_name(run->file.source));
    report_print(&run->report);
    printf("\n%-28s %8lld\n%-28s %8lld\n", "rows in the file", (long long)run->found.rows, "good", (long long)run->found.good);
    report_money("sum of all amounts", run->found.sum_minor, run->file.currency.code);
    if (!run->has_said) printf("control totals               none were given: a cut file could not be told\n");
    else if (is_complete(run)) printf("control totals               match\n");
    else printf("control totals               %s\n", err_text(FAIL(PAYMENT_FILE_TOTALS)));
    if (!run->report.rejected) return;
    printf("\nrejected rows: %s\n", run->report.rejects ? run->report.rejects_path : "(could not be written)");
}

static enum cli_exit work(struct run *run) {
    if (!csv_open(&run->csv, run->path, &run->file.hash)) return cli_failed("%s: %s", run->path, strerror(errno));
    report_open(&run->report, run->path);
    enum cli_exit code = read_head(run);
    if (code == CLI_OK) code = read_rows(run);
    if (code != CLI_OK) return code;
    struct tx_options options = office_tx(&run->office, "import-payments", 120);
    tagih_err err = tx_run(&run->office.db, &options, finish, run);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    print_report(run);
    return run->report.rejected || !is_complete(run) ? CLI_PARTLY : CLI_OK;
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

static enum cli_exit read_flags(struct run *run) {
    const char *code = currency_text ? currency_text : run->office.currency;
    run->file.writer = run->office.writer;
    run->file.name = bytes_text(report_base_name(run->path));
    if (!find_source(&run->file.source)) return cli_usage("--source %.40s: no file brings payments of it", source_text);
    if (!err_is_ok(currency_parse(bytes_text(code), &run->file.currency))) return cli_usage("--currency %.10s is none", code);
    if (!rows_text) return CLI_OK;
    bool fine = read_totals(run, bytes_text(rows_text), bytes_text(sum_text));
    return fine ? CLI_OK : cli_usage("--rows needs a number and --sum decimal major units");
}

static enum cli_exit run_import(const struct cli *cli) {
    if (cli->n_args != 1) return cli_usage("import-payments needs one file");
    if (!source_text) return cli_usage("--source is missing: whom the payments come from");
    if (!rows_text != !sum_text) return cli_usage("--rows and --sum go together");
    struct run *run = calloc(1, sizeof *run);
    if (!run) return cli_failed("no memory");
    run->path = cli->args[0];
    enum cli_exit code = office_open(cli, agency_name, &run->office);
    if (code == CLI_OK) code = read_flags(run);
    run->items = calloc(PAYMENT_FILE_ROWS_MAX, sizeof *run->items);
    run->raw = calloc(PAYMENT_FILE_ROWS_MAX, sizeof *run->raw);
    if (code == CLI_OK && (!run->items || !run->raw || !office_arena_open(&run->rows, &run->rows_memory))) {
        code = cli_failed("no memory");
    }
    if (code == CLI_OK) code = work(run);
    csv_close(&run->csv);
    report_close(&run->report);
    office_arena_close(&run->rows, run->rows_memory);
    office_close(&run->office);
    free(run->items);
    free(run->raw);
    free(run);
    return code;
}

const struct cli_command cli_import_payments = {
    .name = "import-payments",
    .words = "--agency A --source S [--currency C] [--rows N --sum AMOUNT] FILE.csv",
    .summary = "Post a file of payments",
    .text = "Columns by name: account_no, reference, amount, paid_at; optional: currency, tag. Amounts are decimal major units;\n"
            "paid_at is YYYY-MM-DD, or with hh:mm:ss behind a blank or T, or with an offset such as +07:00 as well (without one:\n"
            "the agency's wall clock). A last line #TOTAL,rows,sum is the file's control total. A bad row never stops the good\n"
            "ones: it is reported, and written to FILE.csv.rejects.csv. The same file twice changes nothing.",
    .flags = flags,
    .run = run_import};
