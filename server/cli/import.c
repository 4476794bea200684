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
#include "server/cli/csv_import.h"
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
    struct csv_import in;
    struct import_file file;
    int32_t warned;
    __int128 sum_minor, ours_minor, theirs_minor, absorbed_minor;
    long long differing, absorbed;
    instant started;
    civil_date as_of;
};

static bool is_optional(size_t column) {
    return column == ACCOUNT_COLUMN_DPD || column == ACCOUNT_COLUMN_OLDEST_DUE_ON || column == ACCOUNT_COLUMN_PLATE ||
           column == ACCOUNT_COLUMN_DISTRICT || column == ACCOUNT_COLUMN_REGENCY || column == ACCOUNT_COLUMN_PHONE ||
           column == ACCOUNT_COLUMN_RULE_SET;
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
    report_money("their sum", run->absorbed_minor, run->in.office.currency);
    report_money("ours before", run->ours_minor, run->in.office.currency);
    report_money("theirs since", run->theirs_minor, run->in.office.currency);
    __int128 more_minor = run->theirs_minor - run->ours_minor;
    report_money(more_minor < 0 ? "less by" : "more by", more_minor < 0 ? -more_minor : more_minor, run->in.office.currency);
}

static void count_item(struct csv_import *in, size_t i) {
    struct run *run = (struct run *)in;
    const struct import_item *item = (const struct import_item *)in->items + i;
    bool good = !uuid_is_nil(item->account.u);
    report_count(&in->report, item->result, good, item->row_no + 1, good ? NULL : err_text(item->err));
    run->warned += item->warning.len > 0;
    if (good) {
        run->sum_minor += account_row_sum(&item->row);
        count_report(run, item);
        return;
    }
    bool by_column = !err_is_ok(item->err) && item->column < ACCOUNT_COLUMN_COUNT;
    report_reject(&in->report, item->row_no + 1, item->result, by_column ? account_column_name(item->column) : NULL,
                  err_text(item->err), in->raw[i]);
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct run *run = context;
    struct arena *arena = &run->in.office.arena;
    arena_reset(arena);
    struct import_item *items = (struct import_item *)run->in.items + first;
    instant now = clock_now();
    TRY(import_send(tx, arena, &run->file, items, count, now));
    TRY(tx_sync(tx));
    TRY(import_decide(tx, arena, &run->file, items, count, now));
    for (size_t i = 0; i < count; i++) { /* the arena is emptied before the next range */
        items[i].result = arena_copy(&run->in.rows, items[i].result);
        items[i].warning = arena_copy(&run->in.rows, items[i].warning);
    }
    return run->in.rows.exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct import_item *item = (struct import_item *)((struct run *)context)->in.items + i;
    item->err = err;
    item->column = ACCOUNT_COLUMN_COUNT;
    item->account = (account_id){0};
    item->result = bytes_text(err_token(err));
    item->warning = bytes_text("");
}

static void add_line(struct run *run) {
    struct import_item *item = (struct import_item *)run->in.items + run->in.n;
    struct account_text text = {0};
    *item = (struct import_item){.row_no = run->in.csv.line_no - 1, .column = ACCOUNT_COLUMN_COUNT};
    tagih_err err = csv_import_keep(&run->in, text.field);
    if (err_is_ok(err)) import_read(&text, &run->file, item);
    else item->err = err;
}

static enum cli_exit read_rows(struct run *run) {
    while (csv_next(&run->in.csv) && err_is_ok(run->in.failed)) {
        add_line(run);
        if (run->in.n == IMPORT_ROWS_MAX) csv_import_flush(&run->in);
    }
    return csv_import_end(&run->in, false);
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
    const struct csv_import *in = &run->in;
    arena_reset(&run->in.office.arena);
    TRY(import_send_file(tx, &run->in.office.arena,
                         &(struct import_file_row){.hash = in->hash, .mode = is_full ? "FULL" : "DELTA",
                                                   .name = report_base_name(in->path), .as_of_on = run->file.as_of_on,
                                                   .shifted_days = run->file.shifted_days, .rows_total = in->report.total,
                                                   .rows_good = in->report.good, .sum_minor = report_digits(run->sum_minor, sum),
                                                   .started = run->started}));
    if (!is_full) return TAGIH_OK;
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, &run->in.office.arena, STMT_import_recall, 0);
    params_one_uuid(&p, &in->office.agency);
    params_one_bytea(&p, BYTES_OF(&in->hash));
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
    const struct report *report = &run->in.report;
    char as_of[DATE_TEXT_SIZE + sizeof " (shifted)"], date[DATE_TEXT_SIZE];
    date_format(run->file.as_of_on, date);
    snprintf(as_of, sizeof as_of, "%s%s", date, run->file.shifted_days ? " (shifted)" : "");
    csv_import_print_head(&run->in, "as of", as_of);
    report_print(report);
    printf("\n%-28s %8d\n%-28s %8d\n%-28s %8d\n%-28s %8d\n", "rows in the file", report->total, "good", report->good,
           "rejected", report->rejected, "good with a warning", run->warned);
    report_money("sum of good balances", run->sum_minor, run->in.office.currency);
    print_reconciliation(run);
    csv_import_print_rejects(&run->in);
    if (is_full && report->rejected) printf("\naccounts of rejected rows may be among those that are missing: mend the file before you recall any\n");
    if (is_full) printf("\nlive accounts that this file does not have: %lld\n", (long long)end->candidates);
    for (size_t i = 0; i < end->n_recalls; i++) printf("  %s\n", end->recalls[i]);
}

static bool read_seq(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == 0 && *out > 0;
}

static enum cli_exit read_flags(struct csv_import *in) {
    struct run *run = (struct run *)in;
    if (!office_date(&in->office, "--as-of", as_of_text, &run->as_of)) return CLI_USAGE;
    civil_date to = run->as_of;
    if (shift_text && !office_date(&in->office, "--shift-to", shift_text, &to)) return CLI_USAGE;
    run->file = (struct import_file){.as_of_on = to, .shifted_days = to.days - run->as_of.days, .writer = in->office.writer};
    bool fine = !seq_text || read_seq(seq_text, &run->file.export_seq);
    return fine ? CLI_OK : cli_usage("--export-seq needs a number of the sequence, from 1");
}

static enum cli_exit work(struct csv_import *in) {
    struct run *run = (struct run *)in;
    run->file.hash = in->hash;
    run->started = clock_now();
    struct ending end = {.run = run};
    enum cli_exit code = read_rows(run);
    if (code == CLI_OK) code = csv_import_finish(in, finish, &end);
    if (code != CLI_OK) return code;
    print_report(run, &end);
    return in->report.rejected ? CLI_PARTLY : CLI_OK;
}

static const struct csv_import_kind kind = {
    .command = "import", .kept = "imported", .n_columns = ACCOUNT_COLUMN_COUNT, .rows_max = IMPORT_ROWS_MAX,
    .item_bytes = sizeof(struct import_item), .run_bytes = sizeof(struct run), .column_name = account_column_name,
    .is_optional = is_optional, .read_flags = read_flags, .work = work, .range = import_range, .range_failed = import_failed,
    .count = count_item};

static enum cli_exit run_import(const struct cli *cli) {
    if (is_full && is_delta) return cli_usage("a file is either --full or --delta");
    if (!as_of_text) return cli_usage("--as-of is missing: the day that the file's balances speak of");
    return csv_import_run(cli, agency_name, &kind);
}

const struct cli_command cli_import = {
    .name = "import",
    .words = "--agency A --as-of DATE [--shift-to DATE] [--export-seq SEQ] [--full|--delta] FILE.csv",
    .summary = "Import a creditor's portfolio",
    .text = "Columns by name: account_no, customer_no, product, currency, principal, interest, penalty, fees, lat, lon;\n"
            "optional: dpd, oldest_due_on, plate, district, regency, phone, rule_set. Amounts are decimal major units. A bad\n"
            "row never stops the good ones: it is reported, and written to FILE.csv.rejects.csv. The same file twice changes\n"
            "nothing.\n"
            "Exit codes: 0 every row is in, 3 rows were rejected, 1 it ended early (run it again to go on), 2 wrong usage.",
    .flags = flags,
    .run = run_import};
