/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and fields (libcsv splits one line at a time). */
#include "server/cli/csv_file.h"

#include <sodium.h>
#include <string.h>

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

bool csv_open(struct csv_file *csv, const char *path, hash256 *hash) {
    memset(csv, 0, sizeof *csv);
    csv->file = fopen(path, "rb");
    if (!csv->file) return false;
    csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI);
    if (!hash_file(csv->file, hash)) return false;
    skip_mark(csv->file);
    return true;
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
