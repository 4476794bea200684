/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of every import of a CSV file. */
#include "server/cli/csv_import.h"

#include <stdlib.h>

static enum cli_exit find_columns(struct csv_import *import) {
    const struct csv_import_kind *kind = import->kind;
    for (size_t column = 0; column < kind->n_columns; column++) {
        bool once = csv_column(&import->csv, kind->column_name(column), &import->columns[column]);
        bool there = import->columns[column] != CSV_NOT_THERE || kind->is_optional(column);
        if (!once || !there) return csv_refuse_head(&import->csv, import->path, kind->column_name(column), !once);
    }
    import->n_head = import->csv.n_fields;
    return CLI_OK;
}

tagih_err csv_import_keep(struct csv_import *import, struct bytes *fields) {
    const struct csv_file *csv = &import->csv;
    import->raw[import->n++] = arena_copy(&import->rows, bytes_make(csv->line, csv->line_len));
    if (csv->n_fields != import->n_head) return !err_is_ok(csv->err) ? csv->err : FAIL(IMPORT_COLUMNS);
    for (size_t column = 0; column < import->kind->n_columns; column++) {
        int at = import->columns[column]; /* copied: the next line overwrites it */
        if (at != CSV_NOT_THERE) fields[column] = arena_copy(&import->rows, csv->fields[at]);
    }
    return csv->err;
}

void csv_import_flush(struct csv_import *import) {
    if (import->n == 0 || !err_is_ok(import->failed)) return;
    const struct csv_import_kind *kind = import->kind;
    struct tx_options options = office_tx(&import->office, kind->command, 120);
    import->failed = tx_run_halving(&import->office.db, &options, import->n, kind->range, kind->range_failed, import, NULL);
    for (size_t i = 0; err_is_ok(import->failed) && i < import->n; i++) kind->count(import, i);
    import->n = 0;
    arena_reset(&import->rows);
    report_progress(&import->report, &import->shown_us, false);
}

enum cli_exit csv_import_read(const struct csv_import *import, bool has_rows) {
    if (csv_unread(&import->csv, import->path)) return CLI_FAILED;
    return has_rows ? CLI_OK : cli_failed("%s has a head and no row: nothing was imported", import->path);
}

enum cli_exit csv_import_end(struct csv_import *import, bool is_meant) {
    csv_import_flush(import);
    report_progress(&import->report, &import->shown_us, true);
    if (err_is_ok(import->failed)) return csv_import_read(import, import->report.total > 0 || is_meant);
    return cli_failed("%s; %d rows are %s and stay so: run it again to go on", err_text(import->failed), import->report.good,
                      import->kind->kept);
}

enum cli_exit csv_import_finish(struct csv_import *import, tagih_err (*body)(struct tx *, void *), void *context) {
    struct tx_options options = office_tx(&import->office, import->kind->command, 120);
    tagih_err err = tx_run(&import->office.db, &options, body, context);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

void csv_import_print_head(const struct csv_import *import, const char *label, const char *text) {
    char hash[65];
    bytes_hex(BYTES_OF(&import->hash), hash);
    printf("%-9s %s\n%-9s %s\n%-9s %s\n\n", "file", import->path, "sha256", hash, label, text);
}

void csv_import_print_rejects(const struct csv_import *import) {
    const struct report *report = &import->report;
    if (!report->rejected) return;
    printf("\nrejected rows: %s\nfirst of them: %s:%d: %s\n", report_kept(report) ? report->rejects_path : "(could not be written)",
           import->path, report->first_rejected, report->first_text);
}

static enum cli_exit take_memory(struct csv_import *import) {
    import->items = calloc(import->kind->rows_max, import->kind->item_bytes);
    import->raw = calloc(import->kind->rows_max, sizeof *import->raw);
    bool all = import->items && import->raw && office_arena_open(&import->rows, &import->rows_memory);
    return all ? CLI_OK : cli_failed("no memory");
}

static enum cli_exit run_in(struct csv_import *import, const struct cli *cli, const char *agency) {
    enum cli_exit code = office_open(cli, agency, &import->office);
    if (code == CLI_OK) code = import->kind->read_flags(import);
    if (code == CLI_OK) code = take_memory(import);
    if (code != CLI_OK) return code;
    report_open(&import->report, import->path);
    code = csv_open(&import->csv, import->path, &import->hash);
    if (code == CLI_OK) code = find_columns(import);
    return code == CLI_OK ? import->kind->work(import) : code;
}

enum cli_exit csv_import_run(const struct cli *cli, const char *agency, const struct csv_import_kind *kind) {
    if (cli->n_args != 1) return cli_usage("%s needs one file", kind->command);
    struct csv_import *import = calloc(1, kind->run_bytes);
    if (!import) return cli_failed("no memory");
    import->kind = kind;
    import->path = cli->args[0];
    enum cli_exit code = run_in(import, cli, agency);
    csv_close(&import->csv);
    report_close(&import->report);
    office_arena_close(&import->rows, import->rows_memory);
    office_close(&import->office);
    free(import->items);
    free(import->raw);
    free(import);
    return code;
}
