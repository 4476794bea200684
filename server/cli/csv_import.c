/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of every import of a CSV file. */
#include "server/cli/csv_import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool find_column(struct csv_import *import, size_t column) {
    int *field = &import->columns[column];
    if (!csv_column(&import->csv, import->kind->column_name(column), field)) return false;
    return *field != CSV_NOT_THERE || import->kind->is_optional(column);
}

static enum cli_exit read_head(struct csv_import *import) {
    if (!csv_next(&import->csv)) return cli_failed("%s is empty", import->path);
    for (size_t column = 0; column < import->kind->n_columns; column++) {
        if (find_column(import, column)) continue;
        return cli_failed("%s: %s (column %s is missing, or there twice)", import->path, err_text(FAIL(IMPORT_HEAD)),
                          import->kind->column_name(column));
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

enum cli_exit csv_import_unread(const struct csv_import *import) {
    return cli_failed("%s cannot be read to its end: %s", import->path, strerror(errno));
}

enum cli_exit csv_import_end(struct csv_import *import) {
    csv_import_flush(import);
    report_progress(&import->report, &import->shown_us, true);
    if (ferror(import->csv.file)) return csv_import_unread(import);
    if (err_is_ok(import->failed)) return CLI_OK;
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
    if (!import->report.rejected) return;
    printf("\nrejected rows: %s\n", import->report.rejects ? import->report.rejects_path : "(could not be written)");
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
    if (!csv_open(&import->csv, import->path, &import->hash)) return cli_failed("%s: %s", import->path, strerror(errno));
    report_open(&import->report, import->path);
    code = read_head(import);
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
