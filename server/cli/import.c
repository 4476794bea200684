/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd import FILE.csv: a creditor's portfolio, read line by line and imported in transactions of 1 000 rows
 * (rpc/import.c, the same as the ImportAccounts call). What is refused goes to FILE.rejects.csv with its line and
 * reason. The file is known by its SHA-256: a second run finds every row and changes nothing, a broken-off one goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/import.h"
#include "run/clock.h"
#include "server/cli/commands.h"
#include "server/cli/csv_file.h"
#include "server/cli/office.h"
#include "server/cli/report.h"
#include "store_statements.h"

#define RECALLS_SHOWN 20

static const char *agency_name, *as_of_text, *shift_text, *seq_text, *is_full, *is_delta;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "the agency that the file is for: its name or id", &agency_name},
    {"--as-of", "DATE", "the day that the file's balances speak of", &as_of_text},
    {"--shift-to", "DATE", "for samples: move all dates by the days from --as-of to this one, or to today", &shift_text},
    {"--export-seq", "SEQ", "the highest number of export-payments that the balances contain", &seq_text},
    {"--full", NULL, "the file has every live account: those missing are listed for recall", &is_full},
    {"--delta", NULL, "the file has some accounts (the default)", &is_delta},
    {0},
};

struct run {
    struct office office;
    struct import_file file;
    struct csv_file csv;
    hash256 hash;
    int columns[ACCOUNT_COLUMN_COUNT]; /* field of each column, or CSV_NOT_THERE */
    size_t n_head;
    struct import_item *items;
    struct bytes *raw;  /* each item's line */
    struct arena rows;  /* what the items point to, for one batch */
    void *rows_memory;
    size_t n;           /* items waiting */
    struct report report;
    int32_t warned;
    __int128 sum_minor, ours_minor, theirs_minor, absorbed_minor;
    long long differing, absorbed;
    instant started;
    int64_t shown_us;
    const char *path;
    civil_date as_of;
    tagih_err failed;
};

/* ---- the head ------------------------------------------------------------------------------------------------- */

static bool is_optional(size_t column) {
    return column == ACCOUNT_COLUMN_DPD || column == ACCOUNT_COLUMN_OLDEST_DUE_ON || column == ACCOUNT_COLUMN_PLATE ||
           column == ACCOUNT_COLUMN_DISTRICT || column == ACCOUNT_COLUMN_REGENCY || column == ACCOUNT_COLUMN_PHONE;
}

static bool find_column(struct run *run, size_t column) {
    if (!csv_column(&run->csv, account_column_name(column), &run->columns[column])) return false;
    return run->columns[column] != CSV_NOT_THERE || is_optional(column);
}

static enum cli_exit read_head(struct run *run) {
    if (!csv_next(&run->csv)) return cli_failed("%s is empty", run->path);
    for (size_t column = 0; column < ACCOUNT_COLUMN_COUNT; column++) {
        if (find_column(run, column)) continue;
        return cli_failed("%s: %s (column %s is missing, or there twice)", run->path, err_text(FAIL(IMPORT_HEAD)),
                          account_column_name(column));
    }
    run->n_head = run->csv.n_fields;
    return CLI_OK;
}

/* ---- results -------------------------------------------------------------------------------------------------- */

/* R-IMP-3: what the snapshot says beside what we had. */
static void count_report(struct run *run, const struct import_item *item) {
    if (item->repeat || !item->reconciled) return;
    run->differing += item->report.ours_minor != item->report.theirs_minor;
    run->ours_minor += item->report.ours_minor;
    run->theirs_minor += item->report.theirs_minor;
    run->absorbed += item->report.absorbed;
    run->absorbed_minor += item->report.absorbed_minor;
}

static void print_reconciliation(const struct run *run) {
    if (!run->differing && !run->absorbed) return;
    printf("\nreconciliation with our books (ListReconciliation tells it account by account)\n%-28s %8lld\n%-28s %8lld\n",
           "accounts that differ", run->differing, "payments of ours contained", run->absorbed);
    report_money("their sum", run->absorbed_minor, run->office.currency);
    report_money("ours before", run->ours_minor, run->office.currency);
    report_money("theirs since", run->theirs_minor, run->office.currency);
    __int128 more_minor = run->theirs_minor - run->ours_minor;
    report_money(more_minor < 0 ? "less by" : "more by", more_minor < 0 ? -more_minor : more_minor, run->office.currency);
}

static void count_item(struct run *run, const struct import_item *item, struct bytes raw) {
    bool good = !uuid_is_nil(item->account.u);
    report_count(&run->report, item->result, good, item->row_no + 1, good ? NULL : err_text(item->err));
    run->warned += item->warning.len > 0;
    if (good) {
        run->sum_minor += account_row_sum(&item->row);
        count_report(run, item);
        return;
    }
    bool by_column = !err_is_ok(item->err) && item->column < ACCOUNT_COLUMN_COUNT;
    report_reject(&run->report, item->row_no + 1, item->result, by_column ? account_column_name(item->column) : NULL,
                  err_text(item->err), raw);
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct run *run = context;
    struct arena *arena = &run->office.arena;
    arena_reset(arena);
    struct import_item *items = run->items + first;
    instant now = clock_now();
    TRY(import_send(tx, arena, &run->file, items, count, now));
    TRY(tx_sync(tx));
    TRY(import_decide(tx, arena, &run->file, items, count, now));
    for (size_t i = 0; i < count; i++) { /* the arena is emptied before the next range */
        items[i].result = arena_copy(&run->rows, items[i].result);
        items[i].warning = arena_copy(&run->rows, items[i].warning);
    }
    return run->rows.exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct import_item *item = &((struct run *)context)->items[i];
    item->err = err;
    item->column = ACCOUNT_COLUMN_COUNT;
    item->account = (account_id){0};
    item->result = bytes_text(err_token(err));
    item->warning = bytes_text("");
}

static void flush(struct run *run) {
    if (run->n == 0 || !err_is_ok(run->failed)) return;
    struct tx_options options = office_tx(&run->office, "import", 120);
    run->failed = tx_run_halving(&run->office.db, &options, run->n, import_range, import_failed, run, NULL);
    for (size_t i = 0; err_is_ok(run->failed) && i < run->n; i++) count_item(run, &run->items[i], run->raw[i]);
    run->n = 0;
    arena_reset(&run->rows);
    report_progress(&run->report, &run->shown_us, false);
}

/* The fields of a line, copied: the next line overwrites them. */
static void add_line(struct run *run) {
    struct import_item *item = &run->items[run->n];
    struct account_text text = {0};
    *item = (struct import_item){.row_no = run->csv.line_no - 1, .column = ACCOUNT_COLUMN_COUNT};
    run->raw[run->n++] = arena_copy(&run->rows, bytes_make(run->csv.line, run->csv.line_len));
    bool fits = run->csv.n_fields == run->n_head;
    for (size_t c = 0; fits && c < ACCOUNT_COLUMN_COUNT; c++) {
        int at = run->columns[c];
        if (at != CSV_NOT_THERE) text.field[c] = arena_copy(&run->rows, run->csv.fields[at]);
    }
    tagih_err err = !err_is_ok(run->csv.err) ? run->csv.err : fits ? TAGIH_OK : FAIL(IMPORT_COLUMNS);
    if (err_is_ok(err)) import_read(&text, &run->file, item);
    else item->err = err;
}

static enum cli_exit read_rows(struct run *run) {
    while (csv_next(&run->csv) && err_is_ok(run->failed)) {
        add_line(run);
        if (run->n == IMPORT_ROWS_MAX) flush(run);
    }
    flush(run);
    report_progress(&run->report, &run->shown_us, true);
    if (ferror(run->csv.file)) return cli_failed("%s cannot be read to its end: %s", run->path, strerror(errno));
    if (err_is_ok(run->failed)) return CLI_OK;
    return cli_failed("%s; %d rows are imported and stay so: run it again to go on", err_text(run->failed), run->report.good);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

struct ending {
    struct run *run;
    size_t n_recalls;
    int64_t candidates;
    char recalls[RECALLS_SHOWN][65];
};

static tagih_err finish(struct tx *tx, void *context) {
    struct ending *end = context;
    struct run *run = end->run;
    char sum[REPORT_MINOR_SIZE];
    arena_reset(&run->office.arena);
    TRY(import_send_file(tx, &run->office.arena,
                         &(struct import_file_row){.hash = run->hash, .mode = is_full ? "FULL" : "DELTA",
                                                   .name = report_base_name(run->path), .as_of_on = run->file.as_of_on,
                                                   .shifted_days = run->file.shifted_days, .rows_total = run->report.total,
                                                   .rows_good = run->report.good, .sum_minor = report_digits(run->sum_minor, sum),
                                                   .started = run->started}));
    if (!is_full) return TAGIH_OK;
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, &run->office.arena, STMT_import_recall, 0);
    params_one_uuid(&p, &run->office.agency);
    params_one_bytea(&p, BYTES_OF(&run->hash));
    params_one_date(&p, run->file.as_of_on);
    params_one_int4(&p, RECALLS_SHOWN);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    end->n_recalls = result_count(&r);
    for (size_t i = 0; i < end->n_recalls; i++) {
        end->candidates = result_int8(&r, i, COL_import_recall_candidates);
        snprintf(end->recalls[i], sizeof end->recalls[i], "%s",
                 (const char *)result_text(&r, i, COL_import_recall_account_no).data);
    }
    return TAGIH_OK;
}

static void print_report(const struct run *run, const struct ending *end) {
    char hash[65], date[DATE_TEXT_SIZE];
    bytes_hex(BYTES_OF(&run->hash), hash);
    date_format(run->file.as_of_on, date);
    printf("file      %s\nsha256    %s\nas of     %s%s\n\n", run->path, hash, date, run->file.shifted_days ? " (shifted)" : "");
    report_print(&run->report);
    printf("\n%-28s %8d\n%-28s %8d\n%-28s %8d\n%-28s %8d\n", "rows in the file", run->report.total, "good",
           run->report.good, "rejected", run->report.rejected, "good with a warning", run->warned);
    report_money("sum of good balances", run->sum_minor, run->office.currency);
    print_reconciliation(run);
    if (run->report.rejected) {
        printf("\nrejected rows: %s\n", run->report.rejects ? run->report.rejects_path : "(could not be written)");
    }
    if (is_full) printf("\nlive accounts that this file does not have: %lld\n", (long long)end->candidates);
    for (size_t i = 0; i < end->n_recalls; i++) printf("  %s\n", end->recalls[i]);
}

static bool read_seq(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == 0 && *out > 0;
}

static bool read_dates(struct run *run) {
    if (!office_date(&run->office, "--as-of", as_of_text, &run->as_of)) return false;
    civil_date to = run->as_of;
    if (shift_text && !office_date(&run->office, "--shift-to", shift_text, &to)) return false;
    run->file = (struct import_file){.as_of_on = to, .shifted_days = to.days - run->as_of.days, .writer = run->office.writer};
    if (seq_text && !read_seq(seq_text, &run->file.export_seq)) {
        cli_usage("--export-seq needs a number of the sequence, from 1");
        return false;
    }
    return true;
}

static enum cli_exit work(struct run *run) {
    if (!csv_open(&run->csv, run->path, &run->hash)) return cli_failed("%s: %s", run->path, strerror(errno));
    run->file.hash = run->hash;
    run->started = clock_now();
    report_open(&run->report, run->path);
    enum cli_exit code = read_head(run);
    if (code == CLI_OK) code = read_rows(run);
    if (code != CLI_OK) return code;
    struct ending end = {.run = run};
    struct tx_options options = office_tx(&run->office, "import", 120);
    tagih_err err = tx_run(&run->office.db, &options, finish, &end);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    print_report(run, &end);
    return run->report.rejected ? CLI_PARTLY : CLI_OK;
}

static enum cli_exit run_import(const struct cli *cli) {
    if (cli->n_args != 1) return cli_usage("import needs one file");
    if (is_full && is_delta) return cli_usage("a file is either --full or --delta");
    if (!as_of_text) return cli_usage("--as-of is missing: the day that the file's balances speak of");
    struct run *run = calloc(1, sizeof *run);
    if (!run) return cli_failed("no memory");
    run->path = cli->args[0];
    enum cli_exit code = office_open(cli, agency_name, &run->office);
    if (code == CLI_OK && !read_dates(run)) code = CLI_USAGE;
    run->items = calloc(IMPORT_ROWS_MAX, sizeof *run->items);
    run->raw = calloc(IMPORT_ROWS_MAX, sizeof *run->raw);
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

const struct cli_command cli_import = {
    .name = "import",
    .words = "--agency A --as-of DATE [--shift-to DATE] [--export-seq SEQ] [--full|--delta] FILE.csv",
    .summary = "Import a creditor's portfolio",
    .text = "Columns by name: account_no, customer_no, product, currency, principal, interest, penalty, fees, lat, lon;\n"
            "optional: dpd, oldest_due_on, plate, district, regency, phone. Amounts are decimal major units. A bad row never\n"
            "stops the good ones: it is reported, and written to FILE.csv.rejects.csv. The same file twice changes nothing.\n"
            "Exit codes: 0 every row is in, 3 rows were rejected, 1 it ended early (run it again to go on), 2 wrong usage.",
    .flags = flags,
    .run = run_import};
