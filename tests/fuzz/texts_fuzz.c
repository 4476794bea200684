/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every reader of text and of small codes that we wrote ourselves: what is read is in its range, and what has a writer is
 * written as what was read. The first byte chooses the reader; fields of a row stand between unit separators (0x1F).
 */
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/bank.h"
#include "domain/kpi.h"
#include "domain/moment.h"
#include "domain/outcome.h"
#include "domain/payment_row.h"
#include "domain/role.h"
#include "engine/cursor.h"
#include "tagih/allocation.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/spoof.h"
#include "tagih/time.h"

#define TEXT_MAX 4096
#define SEPARATOR 0x1F

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static const currency rupiah = {"IDR"};

static void read_money(struct bytes in, const char *text) {
    (void)text;
    struct money money, again;
    char out[MONEY_TEXT_SIZE];
    if (!err_is_ok(money_parse(in, rupiah, &money))) return;
    must(money.minor >= 0);
    money_format(money, out);
    must(err_is_ok(money_parse(bytes_text(out), rupiah, &again)) && again.minor == money.minor);
}

static void read_date(struct bytes in, const char *text) {
    (void)in;
    civil_date date;
    char out[DATE_TEXT_SIZE];
    if (!err_is_ok(date_parse(text, &date))) return;
    date_format(date, out);
    must(strcmp(out, text) == 0);
}

static void read_month(struct bytes in, const char *text) {
    (void)in;
    civil_date month;
    if (err_is_ok(kpi_month_parse(text, &month))) must(date_month(month).days == month.days);
}

static void read_uuid(struct bytes in, const char *text) {
    (void)in;
    uuid id, again;
    char out[UUID_TEXT_SIZE];
    if (!err_is_ok(uuid_parse(text, &id))) return;
    uuid_format(id, out);
    must(err_is_ok(uuid_parse(out, &again)) && uuid_equal(id, again));
}

static void read_moment(struct bytes in, const char *text) {
    (void)text;
    struct moment moment;
    if (!err_is_ok(moment_parse(in, &moment))) return;
    must(moment.us > INT64_C(-3000000000000000) && moment.us < INT64_C(8000000000000000)); /* 1900 to 2200 and an offset */
}

static void read_rule_steps(struct bytes in, const char *text) {
    struct rule_set rules = {0};
    char out[RULE_STEPS_TEXT_SIZE];
    if (!err_is_ok(rule_steps_parse(in, &rules))) return;
    rule_steps_format(&rules, out);
    must(strcmp(out, text) == 0);
}

static void read_words(struct bytes in, const char *text) {
    (void)text;
    uint32_t action;
    currency of;
    tagih_err err = outcome_action_parse(in, &action);
    (void)err;
    role_parse(in);
    if (err_is_ok(currency_parse(in, &of))) must(memcmp(of.code, in.data, 3) == 0);
}

static void read_spoof(struct bytes in, const char *text) {
    (void)text;
    struct spoof_score score, again;
    uint8_t first[SPOOF_BYTES_MAX], second[SPOOF_BYTES_MAX];
    if (!err_is_ok(spoof_decode(in.data, in.len, &score))) return;
    must(score.points >= 0 && score.points <= 100);
    size_t len = spoof_encode(&score, first);
    must(err_is_ok(spoof_decode(first, len, &again)));
    must(spoof_encode(&again, second) == len && memcmp(first, second, len) == 0);
}

static void read_cursor(struct bytes in, const char *text) {
    (void)text;
    const struct cursor_audience audience = {.name = "feed"};
    struct cursor cursor;
    uint8_t out[CURSOR_BYTES];
    cursor_read(&audience, in, &cursor);
    must(cursor.given == (in.len > 0));
    if (!cursor.placed) return;
    cursor_write(&audience, &cursor, out);
    must(in.len == sizeof out && memcmp(out, in.data, sizeof out) == 0);
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static void split(struct bytes in, struct bytes *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *end = in.len ? memchr(in.data, SEPARATOR, in.len) : NULL;
        size_t len = end ? (size_t)(end - in.data) : in.len, skip = end ? len + 1 : len;
        fields[i] = bytes_make(in.data, len);
        in = bytes_make(in.data + skip, in.len - skip);
    }
}

static void read_account_row(struct bytes in, const char *text) {
    (void)text;
    struct account_text row;
    struct account_row out;
    enum account_column column;
    split(in, row.field, ACCOUNT_COLUMN_COUNT);
    if (!err_is_ok(account_row_parse(&row, &out, &column))) {
        must((unsigned)column < ACCOUNT_COLUMN_COUNT);
        return;
    }
    for (int c = 0; c < COMPONENT_COUNT; c++) must(out.due_minor[c] >= 0 && out.due_minor[c] <= ACCOUNT_DUE_MAX_MINOR);
    must(account_row_sum(&out) >= 0);
}

static void read_bank_row(struct bytes in, const char *text) {
    (void)text;
    struct bank_text row;
    struct bank_row out;
    enum bank_column column;
    split(in, row.field, BANK_COLUMN_COUNT);
    if (!err_is_ok(bank_row_parse(&row, rupiah, &out, &column))) {
        must((unsigned)column < BANK_COLUMN_COUNT);
        return;
    }
    must(out.amount_minor != 0 && llabs(out.amount_minor) <= MONEY_AMOUNT_MAX_MINOR);
    bank_line_id(bytes_text("BCA 1"), &out, 0);
}

static void read_payment_row(struct bytes in, const char *text) {
    (void)text;
    struct payment_text row;
    struct payment_row_read out;
    enum payment_column column;
    split(in, row.field, PAYMENT_COLUMN_COUNT);
    if (!err_is_ok(payment_row_parse(&row, SOURCE_GATEWAY, rupiah, &out, &column))) {
        must((unsigned)column < PAYMENT_COLUMN_COUNT);
        return;
    }
    must(out.amount_minor > 0 && out.amount_minor <= MONEY_AMOUNT_MAX_MINOR);
}

static void (*const readers[])(struct bytes in, const char *text) = {
    read_money, read_date, read_month, read_uuid, read_moment, read_rule_steps,
    read_words, read_spoof, read_cursor, read_account_row, read_bank_row, read_payment_row};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[TEXT_MAX + 1];
    if (size < 1 || size > TEXT_MAX) return -1;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    readers[data[0] % (sizeof readers / sizeof readers[0])](bytes_make(data + 1, size - 1), text);
    return 0;
}
