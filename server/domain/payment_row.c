/* SPDX-License-Identifier: Apache-2.0 */
/* Column by column, in the order in which a person reads a row. */
#include "domain/payment_row.h"

#define ACCOUNT_NO_MAX 64

static const char *const names[PAYMENT_COLUMN_COUNT] = {
    [PAYMENT_COLUMN_ACCOUNT_NO] = "account_no", [PAYMENT_COLUMN_REFERENCE] = "reference",
    [PAYMENT_COLUMN_AMOUNT] = "amount",         [PAYMENT_COLUMN_PAID_AT] = "paid_at",
    [PAYMENT_COLUMN_CURRENCY] = "currency",     [PAYMENT_COLUMN_TAG] = "tag",
};

const char *payment_column_name(size_t column) {
    return column < PAYMENT_COLUMN_COUNT ? names[column] : NULL;
}

static tagih_err text_check(struct bytes text, size_t len_max) {
    if (text.len == 0) return FAIL(REQUEST_FIELD_MISSING);
    return bytes_is_text(text, len_max) ? TAGIH_OK : FAIL(TEXT_INVALID);
}

static tagih_err amount_parse(struct bytes text, currency in, int64_t *out) {
    struct money amount;
    if (text.len == 0) return FAIL(REQUEST_FIELD_MISSING);
    if (text.data[0] == '-') return FAIL(MONEY_NEGATIVE);
    tagih_err err = money_parse(text, in, &amount);
    if (err_is(err, ERR_MONEY_OVERFLOW)) return FAIL(PAYMENT_AMOUNT);
    TRY(err);
    if (amount.minor <= 0 || amount.minor > MONEY_AMOUNT_MAX_MINOR) return FAIL(PAYMENT_AMOUNT);
    *out = amount.minor;
    return TAGIH_OK;
}

static tagih_err tag_parse(struct bytes text, enum payment_source source, enum payment_tag *out) {
    *out = payment_tag_of_source(source, TENDER_NONE);
    if (text.len == 0) return TAGIH_OK;
    int tag = TAG_FIELD_CASH;
    while (tag < TAG_END && !bytes_equal(text, bytes_text(payment_tag_name((enum payment_tag)tag)))) tag++;
    *out = (enum payment_tag)tag;
    return payment_tag_check(source, TENDER_NONE, *out);
}

static tagih_err currency_check(struct bytes text, currency in) {
    return text.len == 0 || bytes_equal(text, bytes_text(in.code)) ? TAGIH_OK : FAIL(PAYMENT_FILE_CURRENCY);
}

tagih_err payment_row_parse(const struct payment_text *text, enum payment_source source, currency in,
                            struct payment_row_read *out, enum payment_column *column) {
    const struct bytes *field = text->field;
    *out = (struct payment_row_read){.amount_minor = 0};
    tagih_err errs[PAYMENT_COLUMN_COUNT] = {
        [PAYMENT_COLUMN_ACCOUNT_NO] = text_check(field[PAYMENT_COLUMN_ACCOUNT_NO], ACCOUNT_NO_MAX),
        [PAYMENT_COLUMN_REFERENCE] = text_check(field[PAYMENT_COLUMN_REFERENCE], PAYMENT_REFERENCE_MAX),
        [PAYMENT_COLUMN_AMOUNT] = amount_parse(field[PAYMENT_COLUMN_AMOUNT], in, &out->amount_minor),
        [PAYMENT_COLUMN_PAID_AT] = moment_parse(field[PAYMENT_COLUMN_PAID_AT], &out->paid_at),
        [PAYMENT_COLUMN_CURRENCY] = currency_check(field[PAYMENT_COLUMN_CURRENCY], in),
        [PAYMENT_COLUMN_TAG] = tag_parse(field[PAYMENT_COLUMN_TAG], source, &out->tag),
    };
    if (err_is_ok(errs[PAYMENT_COLUMN_ACCOUNT_NO])) out->account_no = field[PAYMENT_COLUMN_ACCOUNT_NO];
    if (err_is_ok(errs[PAYMENT_COLUMN_REFERENCE])) out->reference = field[PAYMENT_COLUMN_REFERENCE];
    for (int i = 0; i < PAYMENT_COLUMN_COUNT; i++) {
        *column = (enum payment_column)i;
        TRY(errs[i]);
    }
    return TAGIH_OK;
}

tagih_err payment_totals_check(const struct payment_totals *said, const struct payment_totals *found) {
    bool same = said->rows == found->rows && said->sum_minor == found->sum_minor;
    return same ? TAGIH_OK : FAIL(PAYMENT_FILE_TOTALS);
}
