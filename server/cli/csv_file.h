/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CSV file, line by line. A record is one physical line: no column of ours may hold a line end, so a quotation mark
 * that is never closed spoils its own line and not the rest of the file. Fields may hold any bytes, NUL too. A byte
 * order mark is passed over, CRLF ends a line as LF does. A last line without a line end counts as cut.
 */
#ifndef TAGIH_CLI_CSV_FILE_H
#define TAGIH_CLI_CSV_FILE_H

#include <csv.h>
#include <stdio.h>

#include "server/cli/cli.h"
#include "tagih/bytes.h"

#define CSV_LINE_MAX 16384
#define CSV_FIELDS_MAX 64

struct csv_file {
    FILE *file;
    struct csv_parser parser;
    int32_t line_no;          /* of the line that was read last, from 1 */
    char line[CSV_LINE_MAX];  /* it, as it stands there, without its end */
    size_t line_len;
    char text[CSV_LINE_MAX];  /* its fields, one behind the other */
    size_t text_len;
    struct bytes fields[CSV_FIELDS_MAX];
    size_t n_fields;          /* may count beyond CSV_FIELDS_MAX */
    tagih_err err;            /* of this line: IMPORT_LINE, IMPORT_CUT */
};

/**
 * Open a file, compute the SHA-256 of all of it, go back to its start and read its head, the first line.
 *
 * @return CLI_OK · CLI_FAILED: no regular file, unreadable, empty, or its head is cut or too long; it was told on stderr
 */
enum cli_exit csv_open(struct csv_file *csv, const char *path, hash256 *hash);
void csv_close(struct csv_file *csv);

/** No such field in a head. */
#define CSV_NOT_THERE (-1)

/**
 * Find a column by its name in the head, which was the line read last.
 *
 * @param out  [out] its field, or CSV_NOT_THERE
 * @return false: the name stands there twice
 */
bool csv_column(const struct csv_file *csv, const char *name, int *out);

/** "FILE:1: …" on stderr, and what to do when the columns seem to be parted by something else. @return CLI_FAILED */
enum cli_exit csv_refuse_head(const struct csv_file *csv, const char *path, const char *column, bool twice);

/** Read the next line that is not empty. False: the end, or a read error (csv_unread). */
bool csv_next(struct csv_file *csv);

/** Whether reading broke off before the end of the file. It was told on stderr. */
bool csv_unread(const struct csv_file *csv, const char *path);

#endif
