/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd import-statement FILE.csv: the bank's statement (rpc/bank_import.c, the same as the ImportStatement call). The file
 * is read as a whole before anything of it is imported: one that does not hold what --rows and --sum say was cut, and what is
 * missing in it would seem to have never come. What is refused goes to FILE.rejects.csv. The same line again, in whatever
 * file, changes nothing, so a run that broke off is simply repeated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/bank_import.h"
#include "rpc/bank_pair.h"
#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/csv_file.h"
#include "server/cli/office.h"
#include "server/cli/report.h"

#define LINES_MAX 100000

static const char *agency_name, *account_text, *currency_text, *rows_text, *sum_text;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "the agency that the account is of: its name or id", &agency_name},
    {"--account", "NUMBER", "the bank account, as the bank writes it", &account_text},
    {"--currency", "CODE", "of all amounts (default: the agency's)", &currency_text},
    {"--rows", "N", "control total: so many rows", &rows_text},
    {"--sum", "AMOUNT", "control total: the sum of their amounts, what went out as negative, decimal major units", &sum_text},
    {0},
};

struct run {
    struct office office;
    struct bank_file file;
    struct csv_file csv;
    int columns[BANK_COLUMN_COUNT]; /* field of each column, or CSV_NOT_THERE */
    size_t n_head;
    struct bank_item *items; /* the whole file */
    struct bytes *raw;
    size_t n;
    struct arena rows; /* what the items point to */
    void *rows_memory;
    struct report report;
    const char *path;
    size_t late;
};

static bool find_column(struct run *run, size_t column) {
    if (!csv_column(&run->csv, bank_column_name(column), &run->columns[column])) return false;
    return run->columns[column] != CSV_NOT_THERE || (column != BANK_COLUMN_BOOKED_ON && column != BANK_COLUMN_AMOUNT);
}

static enum cli_exit read_head(struct run *run) {
    if (!csv_next(&run->csv)) return cli_failed("%s is empty", run->path);
    for (size_t column = 0; column < BANK_COLUMN_COUNT; column++) {
        if (find_column(run, column)) continue;
        return cli_failed("%s: %s (column %s is missing, or there twice)", run->path, err_text(FAIL(IMPORT_HEAD)), bank_column_name(column));
    }
    run->n_head = run->csv.n_fields;
    return CLI_OK;
}

/* The fields of a line, copied: the next line overwrites them. */
static void add_line(struct run *run) {
    struct bank_item *item = &run->items[run->n];
    struct bank_text text = {0};
    *item = (struct bank_item){.row_no = run->csv.line_no - 1, .column = BANK_COLUMN_COUNT};
    run->raw[run->n++] = arena_copy(&run->rows, bytes_make(run->csv.line, run->csv.line_len));
    bool fits = run->csv.n_fields == run->n_head;
    for (size_t c = 0; fits && c < BANK_COLUMN_COUNT; c++) {
        int at = run->columns[c];
        if (at != CSV_NOT_THERE) text.field[c] = arena_copy(&run->rows, run->csv.fields[at]);
    }
    tagih_err err = !err_is_ok(run->csv.err) ? run->csv.err : fits ? TAGIH_OK : FAIL(IMPORT_COLUMNS);
    if (err_is_ok(err)) bank_import_read(&text, &run->file, item);
    else item->unreadable = item->err = err;
}

static enum cli_exit read_rows(struct run *run) {
    while (run->n < LINES_MAX && csv_next(&run->csv)) add_line(run);
    if (ferror(run->csv.file)) return cli_failed("%s cannot be read to its end: %s", run->path, strerror(errno));
    if (run->n == LINES_MAX) return cli_failed("%s: more than %d lines: split it", run->path, LINES_MAX);
    if (run->rows.exhausted) return cli_failed("%s is too large", run->path);
    bank_import_name(&run->file, run->items, run->n);
    return CLI_OK;
}

/* ---- control totals ------------------------------------------------------------------------------------------- */

static bool read_sum(const struct run *run, int64_t *out) {
    struct money money;
    bool out_going = *sum_text == '-';
    if (!err_is_ok(money_parse(bytes_text(sum_text + out_going), run->file.currency, &money))) return false;
    *out = out_going ? -money.minor : money.minor;
    return true;
}

static enum cli_exit check_totals(const struct run *run) {
    char *end;
    int64_t sum_minor = 0, said_minor;
    if (!rows_text) return CLI_OK;
    long said = strtol(rows_text, &end, 10);
    if (*end || !*rows_text) return cli_usage("--rows is a number of rows");
    if (!read_sum(run, &said_minor)) return cli_usage("--sum is an amount in decimal major units, what went out as negative");
    for (size_t i = 0; i < run->n; i++) sum_minor += run->items[i].row.amount_minor; /* 10^5 of at most 10^13 */
    bool fits = said >= 0 && (size_t)said == run->n && said_minor == sum_minor;
    return fits ? CLI_OK : cli_failed("%s: %s (%zu rows, %lld minor units)", run->path, err_text(FAIL(BANK_TOTALS)), run->n, (long long)sum_minor);
}

/* ---- importing ------------------------------------------------------------------------------------------------ */

struct part {
    struct run *run;
    size_t first;
};

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct part *part = context;
    struct run *run = part->run;
    struct bank_item *items = run->items + part->first + first;
    arena_reset(&run->office.arena);
    TRY(bank_import_send(tx, &run->office.arena, &run->file, items, count));
    TRY(tx_sync(tx));
    return bank_import_decide(tx, &run->office.arena, &run->file, items, count, clock_now());
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct part *part = context;
    part->run->items[part->first + i].err = err;
}

static tagih_err settle_late(struct tx *tx, void *context) {
    struct run *run = context;
    arena_reset(&run->office.arena);
    return bank_late_settle(tx, &run->office.arena, run->file.writer, clock_now(), &run->late);
}

static void count_items(struct run *run) {
    for (size_t i = 0; i < run->n; i++) {
        const struct bank_item *item = &run->items[i];
        bool good = err_is_ok(item->err);
        struct bytes result = bytes_text(bank_item_result(item));
        report_count(&run->report, result, good, item->row_no + 1, good ? NULL : err_text(item->err));
        const char *column = err_is_ok(item->unreadable) ? NULL : bank_column_name(item->column);
        if (!good) report_reject(&run->report, item->row_no + 1, result, column, err_text(item->err), run->raw[i]);
    }
}

static enum cli_exit import_all(struct run *run) {
    struct tx_options options = office_tx(&run->office, "import-statement", 120);
    for (size_t first = 0; first < run->n; first += BANK_ROWS_MAX) {
        struct part part = {run, first};
        size_t left = run->n - first, count = left < BANK_ROWS_MAX ? left : BANK_ROWS_MAX;
        tagih_err err = tx_run_halving(&run->office.db, &options, count, import_range, import_failed, &part, NULL);
        if (!err_is_ok(err)) return cli_failed("%s; %zu rows are imported and stay so: run it again to go on", err_text(err), first);
    }
    size_t late = 0;
    do {
        tagih_err err = tx_run(&run->office.db, &options, settle_late, run);
        if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
        late += run->late;
    } while (run->late == BANK_LATE_MAX);
    run->late = late;
    return CLI_OK;
}

static enum cli_exit work(struct run *run) {
    report_open(&run->report, run->path);
    if (!csv_open(&run->csv, run->path, &run->file.hash)) return cli_failed("%s: %s", run->path, strerror(errno));
    enum cli_exit code = read_head(run);
    if (code == CLI_OK) code = read_rows(run);
    if (code == CLI_OK) code = check_totals(run);
    if (code == CLI_OK) code = import_all(run);
    if (code != CLI_OK) return code;
    char hash[65];
    bytes_hex(BYTES_OF(&run->file.hash), hash);
    count_items(run);
    printf("file      %s\nsha256    %s\naccount   %s\n\n", run->path, hash, account_text);
    report_print(&run->report);
    if (run->late) printf("\nlines of before that could be settled now: %zu\n", run->late);
    return run->report.rejected ? CLI_PARTLY : CLI_OK;
}

static enum cli_exit read_flags(struct run *run) {
    run->file.bank_account = bytes_text(account_text);
    run->file.writer = run->office.writer;
    const char *code = currency_text ? currency_text : run->office.currency;
    if (!bytes_is_text(run->file.bank_account, BANK_ACCOUNT_MAX)) return cli_usage("--account is a text of 1 to 64 bytes");
    return err_is_ok(currency_parse(bytes_text(code), &run->file.currency)) ? CLI_OK : cli_usage("--currency is unknown");
}

static enum cli_exit run_import(const struct cli *cli) {
    if (cli->n_args != 1) return cli_usage("import-statement needs one file");
    if (!account_text || !*account_text) return cli_usage("--account is missing: the bank account that the statement is of");
    if (!rows_text != !sum_text) return cli_usage("--rows and --sum go together");
    struct run *run = calloc(1, sizeof *run);
    if (!run) return cli_failed("no memory");
    run->path = cli->args[0];
    enum cli_exit code = office_open(cli, agency_name, &run->office);
    if (code == CLI_OK) code = read_flags(run);
    run->items = calloc(LINES_MAX, sizeof *run->items);
    run->raw = calloc(LINES_MAX, sizeof *run->raw);
    if (code == CLI_OK && (!run->items || !run->raw || !office_arena_open(&run->rows, &run->rows_memory))) code = cli_failed("no memory");
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

const struct cli_command cli_import_statement = {
    .name = "import-statement",
    .words = "--agency A --account NUMBER [--currency C] [--rows N --sum AMOUNT] FILE.csv",
    .summary = "Import a bank's statement",
    .text = "Columns by name: booked_on (YYYY-MM-DD), amount (decimal major units, money that went out begins with -); optional:\n"
            "line_reference (the bank's own), currency, reference, payer, note. A line settles what is expected by its reference and\n"
            "amount; other money stands in suspense. A bad row never stops the good ones: it is reported, and written to\n"
            "FILE.csv.rejects.csv. The same line again changes nothing. Exit codes: 0 every row is in, 3 rows were rejected, 1 it\n"
            "ended early or its totals do not fit, 2 wrong usage.",
    .flags = flags,
    .run = run_import};
