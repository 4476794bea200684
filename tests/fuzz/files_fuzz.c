/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of others: CSV of a creditor or a bank, line by line as the import commands read them, and the body of a gateway's
 * notification. The first byte chooses.
 *
 * Held: fields lie in the line's own memory; a line that is whole has the fields that libcsv would find; line numbers rise;
 * a notification is a payment within its bounds, or is refused with a field's name.
 */
#include "server/cli/csv_file.c"
#include "server/rpc/gateway.c"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/bind.h"
#include "run/grow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 65536
#define NOW_S INT64_C(1780000000)

static void must(bool holds) {
    if (!holds) abort();
}

/* The commands tell it to people; here nobody listens. */
enum cli_exit cli_failed(const char *format, ...) {
    (void)format;
    return CLI_FAILED;
}

static void check_line(const struct csv_file *csv, int32_t before) {
    must(csv->line_no > before && csv->line_len <= CSV_LINE_MAX && csv->text_len <= CSV_LINE_MAX);
    if (!err_is_ok(csv->err)) return;
    size_t n = csv->n_fields < CSV_FIELDS_MAX ? csv->n_fields : CSV_FIELDS_MAX;
    for (size_t i = 0; i < n; i++) {
        const char *begin = (const char *)csv->fields[i].data;
        must(csv->fields[i].len == 0 || (begin >= csv->text && begin + csv->fields[i].len <= csv->text + CSV_LINE_MAX));
    }
}

static void read_csv(const uint8_t *data, size_t size) {
    static struct csv_file csv;
    static int file = -1;
    char path[64];
    hash256 hash;
    int column;
    if (file < 0) file = memfd_create("csv", MFD_CLOEXEC);
    must(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (csv_open(&csv, path, &hash) != CLI_OK) return;
    (void)csv_column(&csv, "account_no", &column);
    int32_t before = csv.line_no;
    while (csv_next(&csv)) {
        check_line(&csv, before);
        before = csv.line_no;
    }
    must(!csv_unread(&csv, path));
    csv_close(&csv);
}

static void read_notice(const uint8_t *data, size_t size) {
    static const struct rpc_bound bound = {.index = 0};
    Tagih__V1__NotifyGatewayPaymentRequest request = TAGIH__V1__NOTIFY_GATEWAY_PAYMENT_REQUEST__INIT;
    struct call call = {.row = NULL};
    if (size < 2 || size > GATEWAY_BODY_MAX || !grow_arena_open(&call.arena)) return;
    request.gateway = (char *)(uintptr_t) "acme";
    request.body = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
    struct rpc_batch batch = {.now = {NOW_S * US_PER_S}};
    struct rpc_item item = {.call = &call, .bound = &bound, .request = &request};
    struct notice notice = {.batch = &batch, .item = &item};
    tagih_err err = read_body(&notice);
    if (err_is_ok(err)) {
        must(notice.row.amount_minor > 0 && notice.row.amount_minor <= MONEY_AMOUNT_MAX_MINOR);
        must(!notice.row.paid_at.is_local && notice.row.paid_at.us <= NOW_S * US_PER_S + US_PER_DAY);
        must(strlen(notice.reference) <= PAYMENT_REFERENCE_MAX);
    } else {
        must(err_class(err) != TAGIH_CLASS_INTERNAL);
    }
    grow_arena_close(&call.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > INPUT_MAX) return -1;
    if (!stderr || fileno(stderr) == STDERR_FILENO) stderr = fopen("/dev/null", "w"); /* what a bad head is told */
    if (data[0] % 2) read_csv(data + 1, size - 1);
    else read_notice(data + 1, size - 1);
    return 0;
}
