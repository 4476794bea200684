/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd import-statement FILE.csv: the bank's statement (rpc/bank_import.c, the same as the ImportStatement call). The file
 * is read as a whole before anything of it is imported: one that does not hold what --rows and --sum say was cut, and what is
 * missing in it would seem to have never come. What is refused goes to FILE.rejects.csv. The same line again, in whatever
 * file, changes nothing, so a run that broke off is simply repeated.
 */
#include <stdlib.h>

#include "rpc/bank_import.h"
#include "rpc/bank_pair.h"
#include "run/clock.h"
#include "server/cli/csv_import.h"

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
    struct csv_import in; /* its items are the whole file's */
    struct bank_file file;
    size_t late;
};

static bool is_optional(size_t column) {
    return column != BANK_COLUMN_BOOKED_ON && column != BANK_COLUMN_AMOUNT;
}

static void add_line(struct run *run) {
    struct bank_item *item = (struct bank_item *)run->in.items + run->in.n;
    struct bank_text text = {0};
    *item = (struct bank_item){.row_no = run->in.csv.line_no - 1, .column = BANK_COLUMN_COUNT};
    tagih_err err = csv_import_keep(&run->in, text.field);
    if (err_is_ok(err)) bank_import_read(&text, &run->file, item);
    else item->unreadable = item->err = err;
}

static enum cli_exit read_rows(struct run *run) {
    struct csv_import *in = &run->in;
    while (in->n < LINES_MAX && csv_next(&in->csv)) add_line(run);
    if (csv_import_read(in, in->n > 0 || rows_text) != CLI_OK) return CLI_FAILED;
    if (in->n == LINES_MAX) return cli_failed("%s: more than %d lines: split it", in->path, LINES_MAX);
    if (in->rows.exhausted) return cli_failed("%s is too large", in->path);
    bank_import_name(&run->file, in->items, in->n);
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
    const struct csv_import *in = &run->in;
    const struct bank_item *items = in->items;
    char *end;
    int64_t sum_minor = 0, said_minor;
    if (!rows_text) return CLI_OK;
    long said = strtol(rows_text, &end, 10);
    if (*end || !*rows_text) return cli_usage("--rows is a number of rows");
    if (!read_sum(run, &said_minor)) return cli_usage("--sum is an amount in decimal major units, what went out as negative");
    for (size_t i = 0; i < in->n; i++) sum_minor += items[i].row.amount_minor; /* 10^5 of at most 10^13 */
    bool fits = said >= 0 && (size_t)said == in->n && said_minor == sum_minor;
    return fits ? CLI_OK : cli_failed("%s: %s (%zu rows, %lld minor units)", in->path, err_text(FAIL(BANK_TOTALS)), in->n, (long long)sum_minor);
}

/* ---- importing ------------------------------------------------------------------------------------------------ */

struct part {
    struct run *run;
    size_t first;
};

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct part *part = context;
    struct run *run = part->run;
    struct arena *arena = &run->in.office.arena;
    struct bank_item *items = (struct bank_item *)run->in.items + part->first + first;
    arena_reset(arena);
    TRY(bank_import_send(tx, arena, &run->file, items, count));
    TRY(tx_sync(tx));
    return bank_import_decide(tx, arena, &run->file, items, count, clock_now());
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct part *part = context;
    ((struct bank_item *)part->run->in.items)[part->first + i].err = err;
}

static tagih_err settle_late(struct tx *tx, void *context) {
    struct run *run = context;
    struct arena *arena = &run->in.office.arena;
    arena_reset(arena);
    return bank_late_settle(tx, arena, run->file.writer, clock_now(), &run->late);
}

static void count_items(struct csv_import *in) {
    for (size_t i = 0; i < in->n; i++) {
        const struct bank_item *item = (const struct bank_item *)in->items + i;
        bool good = err_is_ok(item->err);
        struct bytes result = bytes_text(bank_item_result(item));
        report_count(&in->report, result, good, item->row_no + 1, good ? NULL : err_text(item->err));
        const char *column = err_is_ok(item->unreadable) ? NULL : bank_column_name(item->column);
        if (!good) report_reject(&in->report, item->row_no + 1, result, column, err_text(item->err), in->raw[i]);
    }
}

static enum cli_exit import_parts(struct run *run) {
    struct tx_options options = office_tx(&run->in.office, "import-statement", 120);
    for (size_t first = 0; first < run->in.n; first += BANK_ROWS_MAX) {
        struct part part = {run, first};
        size_t left = run->in.n - first, count = left < BANK_ROWS_MAX ? left : BANK_ROWS_MAX;
        tagih_err err = tx_run_halving(&run->in.office.db, &options, count, import_range, import_failed, &part, NULL);
        if (!err_is_ok(err)) return cli_failed("%s; %zu rows are imported and stay so: run it again to go on", err_text(err), first);
    }
    return CLI_OK;
}

static enum cli_exit settle_all(struct run *run, size_t *late) {
    do {
        enum cli_exit code = csv_import_finish(&run->in, settle_late, run);
        if (code != CLI_OK) return code;
        *late += run->late;
    } while (run->late == BANK_LATE_MAX);
    return CLI_OK;
}

static enum cli_exit work(struct csv_import *in) {
    struct run *run = (struct run *)in;
    size_t late = 0;
    run->file.hash = in->hash;
    enum cli_exit code = read_rows(run);
    if (code == CLI_OK) code = check_totals(run);
    if (code == CLI_OK) code = import_parts(run);
    if (code == CLI_OK) code = settle_all(run, &late);
    if (code != CLI_OK) return code;
    count_items(in);
    csv_import_print_head(in, "account", account_text);
    report_print(&in->report);
    if (late) printf("\nlines of before that could be settled now: %zu\n", late);
    csv_import_print_rejects(in);
    return in->report.rejected ? CLI_PARTLY : CLI_OK;
}

static enum cli_exit read_flags(struct csv_import *in) {
    struct run *run = (struct run *)in;
    run->file.bank_account = bytes_text(account_text);
    run->file.writer = in->office.writer;
    const char *code = currency_text ? currency_text : in->office.currency;
    if (!bytes_is_text(run->file.bank_account, BANK_ACCOUNT_MAX)) return cli_usage("--account is a text of 1 to 64 bytes");
    return err_is_ok(currency_parse(bytes_text(code), &run->file.currency)) ? CLI_OK : cli_usage("--currency is unknown");
}

static const struct csv_import_kind kind = {
    .command = "import-statement", .kept = "imported", .n_columns = BANK_COLUMN_COUNT, .rows_max = LINES_MAX,
    .item_bytes = sizeof(struct bank_item), .run_bytes = sizeof(struct run), .column_name = bank_column_name,
    .is_optional = is_optional, .read_flags = read_flags, .work = work};

static enum cli_exit run_import(const struct cli *cli) {
    if (!account_text || !*account_text) return cli_usage("--account is missing: the bank account that the statement is of");
    if (!rows_text != !sum_text) return cli_usage("--rows and --sum go together");
    return csv_import_run(cli, agency_name, &kind);
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
