/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and fields (libcsv splits one line at a time). */
#include "server/cli/csv_file.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

static const uint8_t byte_order_mark[] = {0xEF, 0xBB, 0xBF};

static bool hash_file(FILE *file, hash256 *out) {
    uint8_t buffer[65536];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    size_t n;
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) crypto_hash_sha256_update(&state, buffer, n);
    crypto_hash_sha256_final(&state, out->b);
    return !ferror(file) && fseek(file, 0, SEEK_SET) == 0;
}

static void skip_mark(FILE *file) {
    uint8_t head[sizeof byte_order_mark];
    if (fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, byte_order_mark, sizeof head) == 0) return;
    rewind(file);
}

/* Asked before it is opened: a pipe that nobody writes to would be waited for. */
static enum cli_exit check_kind(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) return cli_failed("%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return cli_failed("%s is a directory: name a file in it", path);
    return S_ISREG(info.st_mode) ? CLI_OK : cli_failed("%s is no regular file: it is read twice, so save it to one first", path);
}

static enum cli_exit read_head(struct csv_file *csv, const char *path) {
    if (!csv_next(csv)) return csv_unread(csv, path) ? CLI_FAILED : cli_failed("%s is empty: its first line names the columns", path);
    return err_is_ok(csv->err) ? CLI_OK : cli_failed("%s:%d: %s", path, csv->line_no, err_text(csv->err));
}

enum cli_exit csv_open(struct csv_file *csv, const char *path, hash256 *hash) {
    memset(csv, 0, sizeof *csv);
    if (check_kind(path) != CLI_OK) return CLI_FAILED;
    csv->file = fopen(path, "rb");
    if (!csv->file) return cli_failed("%s cannot be opened: %s", path, strerror(errno));
    csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI);
    if (!hash_file(csv->file, hash)) return cli_failed("%s cannot be read: %s", path, strerror(errno));
    skip_mark(csv->file);
    return read_head(csv, path);
}

bool csv_unread(const struct csv_file *csv, const char *path) {
    if (!ferror(csv->file)) return false;
    (void)cli_failed("%s cannot be read to its end: %s", path, strerror(errno));
    return true;
}

enum cli_exit csv_refuse_head(const struct csv_file *csv, const char *path, const char *column, bool twice) {
    bool parted = csv->n_fields == 1 && (memchr(csv->line, ';', csv->line_len) || memchr(csv->line, '\t', csv->line_len));
    if (parted) return cli_failed("%s:%d: its columns are not parted by commas: save it as CSV with commas", path, csv->line_no);
    return cli_failed("%s:%d: %s: column %s %s", path, csv->line_no, err_text(FAIL(IMPORT_HEAD)), column,
                      twice ? "stands there twice" : "is missing");
}

void csv_close(struct csv_file *csv) {
    if (!csv->file) return;
    csv_free(&csv->parser);
    fclose(csv->file);
    csv->file = NULL;
}

/* One physical line into csv->line. False at the end of the file. */
static bool read_line(struct csv_file *csv) {
    csv->line_len = 0;
    csv->err = TAGIH_OK;
    int c;
    while ((c = getc_unlocked(csv->file)) != EOF && c != '\n') {
        if (csv->line_len == sizeof csv->line) csv->err = FAIL(IMPORT_LINE);
        else csv->line[csv->line_len++] = (char)c;
    }
    if (c == EOF && csv->line_len == 0) return false;
    csv->line_no++;
    if (c == EOF) csv->err = FAIL(IMPORT_CUT);
    if (csv->line_len && csv->line[csv->line_len - 1] == '\r') csv->line_len--;
    return true;
}

/* libcsv hands out a buffer that it uses again: the field is kept in csv->text. */
static void take_field(void *data, size_t len, void *context) {
    struct csv_file *csv = context;
    if (csv->n_fields < CSV_FIELDS_MAX && csv->text_len + len <= sizeof csv->text) {
        if (len) memcpy(csv->text + csv->text_len, data, len);
        csv->fields[csv->n_fields] = bytes_make(csv->text + csv->text_len, len);
        csv->text_len += len;
    }
    csv->n_fields++;
}

static void end_row(int end, void *context) {
    (void)end, (void)context;
}

static void split_line(struct csv_file *csv) {
    csv->n_fields = csv->text_len = 0;
    bool fine = csv_parse(&csv->parser, csv->line, csv->line_len, take_field, end_row, csv) == csv->line_len &&
                csv_fini(&csv->parser, take_field, end_row, csv) == 0;
    if (fine) return;
    if (err_is_ok(csv->err)) csv->err = FAIL(IMPORT_LINE);
    csv_free(&csv->parser);
    csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI);
}

bool csv_next(struct csv_file *csv) {
    do {
        if (!read_line(csv)) return false;
    } while (csv->line_len == 0 && err_is_ok(csv->err));
    split_line(csv);
    return true;
}

bool csv_column(const struct csv_file *csv, const char *name, int *out) {
    *out = CSV_NOT_THERE;
    for (size_t i = 0; i < csv->n_fields && i < CSV_FIELDS_MAX; i++) {
        if (!bytes_equal(csv->fields[i], bytes_text(name))) continue;
        if (*out != CSV_NOT_THERE) return false;
        *out = (int)i;
    }
    return true;
}
