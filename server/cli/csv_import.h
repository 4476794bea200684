/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that import a CSV file share: the agency, the file with its head, its lines one after the other with
 * their text kept for one batch, transactions of many rows that are halved down to the row that fails, and the report.
 * Each command keeps a struct of its own around this one.
 */
#ifndef TAGIH_CLI_CSV_IMPORT_H
#define TAGIH_CLI_CSV_IMPORT_H

#include "server/cli/commands.h"
#include "server/cli/csv_file.h"
#include "server/cli/office.h"
#include "server/cli/report.h"

#define CSV_IMPORT_COLUMNS_MAX 32

struct csv_import {
    const struct csv_import_kind *kind;
    struct office office;
    struct csv_file csv;
    const char *path;
    hash256 hash;                         /* of the whole file */
    int columns[CSV_IMPORT_COLUMNS_MAX];  /* field of each column, or CSV_NOT_THERE */
    size_t n_head;                        /* fields of the head, and so of every line */
    void *items;                          /* kind->rows_max of kind->item_bytes */
    struct bytes *raw;                    /* each item's line */
    struct arena rows;                    /* what the items point to */
    void *rows_memory;
    size_t n;                             /* items waiting */
    struct report report;
    int64_t shown_us;
    tagih_err failed;                     /* what ended the batches */
};

/** What is imported, and how. */
struct csv_import_kind {
    const char *command;                                  /* also the name of its transactions */
    const char *kept;                                     /* what its rows are when it ends early: "imported" */
    size_t n_columns, rows_max, item_bytes, run_bytes;    /* run_bytes: of the command's own struct */
    const char *(*column_name)(size_t column);
    bool (*is_optional)(size_t column);
    enum cli_exit (*read_flags)(struct csv_import *);     /* the agency is known */
    enum cli_exit (*work)(struct csv_import *);           /* the file is open and its head read */
    /* for csv_import_flush: a batch of items as tx_run_halving has it, and item i once it is decided */
    tagih_err (*range)(struct tx *, void *run, size_t first, size_t count);
    void (*range_failed)(void *run, size_t i, tagih_err err);
    void (*count)(struct csv_import *, size_t i);
};

/** Run the command on cli's one file. Takes and gives back everything, its own struct too. */
enum cli_exit csv_import_run(const struct cli *cli, const char *agency, const struct csv_import_kind *kind);

/**
 * Keep the line that was read last as the next item's: its bytes in raw, its fields by column.
 *
 * @param fields  [out] n_columns of them, empty where the file has no such column
 * @return IMPORT_LINE, IMPORT_CUT, IMPORT_COLUMNS: what is wrong with it; it is kept all the same
 */
TAGIH_MUST_USE tagih_err csv_import_keep(struct csv_import *import, struct bytes *fields);

/** Write the items that wait, count them, and begin anew; nothing once a batch has failed as a whole. */
void csv_import_flush(struct csv_import *import);

/**
 * The end of the lines: whether the file was read to its end, and had any row. A head alone is what is left of a file that
 * was cut; who means it says so by control totals.
 *
 * @param has_rows  it had, or its having none is what its totals say
 */
enum cli_exit csv_import_read(const struct csv_import *import, bool has_rows);

/** The same after the last batch was written. @param is_meant  having no row is what its totals say */
enum cli_exit csv_import_end(struct csv_import *import, bool is_meant);

/** One more transaction, for what stands at the end of the file. */
enum cli_exit csv_import_finish(struct csv_import *import, tagih_err (*body)(struct tx *, void *), void *context);

/** The first lines of the report: the file, its digest, and one more. */
void csv_import_print_head(const struct csv_import *import, const char *label, const char *text);

/** Where the rejected rows went, if there are any. */
void csv_import_print_rejects(const struct csv_import *import);

#endif
