/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a bank's statement, their names, and what they settle (R-PAY-5, R-PAY-5a). */
#include "domain/bank.h"

#include <sodium.h>
#include <string.h>

#include "domain/big_endian.h"

static const char *const kind_names[EXPECTED_KIND_END] = {
    "?", "transfer", "payment", "cheque", "deposit", "suspense", "suspense_return", "cheque_fee", "cheque_return",
    [EXPECTED_COST] = "taking_cost", [EXPECTED_SALE] = "sale", [EXPECTED_SURPLUS] = "surplus", [EXPECTED_REMITTANCE] = "remittance"};

const char *bank_expected_name(int kind) {
    return kind > 0 && kind < EXPECTED_KIND_END && kind_names[kind] ? kind_names[kind] : "?";
}

const char *bank_outcome_name(int outcome) {
    static const char *const names[] = {"?", "SETTLED", "SUSPENSE", "AMBIGUOUS", "OPEN"};
    return outcome > 0 && outcome <= BANK_OPEN ? names[outcome] : "?";
}

enum bank_outcome bank_decide(int64_t amount_minor, const bool *taken, size_t n, size_t *at) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (taken[i]) continue;
        if (left++ == 0) *at = i;
    }
    if (left == 1) return BANK_SETTLED;
    if (amount_minor < 0) return BANK_OPEN;
    return left > 1 ? BANK_AMBIGUOUS : BANK_SUSPENSE;
}

/* ---- a row ---------------------------------------------------------------------------------------------------- */

static const char *const column_names[BANK_COLUMN_COUNT] = {
    [BANK_COLUMN_LINE_REFERENCE] = "line_reference", [BANK_COLUMN_BOOKED_ON] = "booked_on",
    [BANK_COLUMN_AMOUNT] = "amount", [BANK_COLUMN_CURRENCY] = "currency", [BANK_COLUMN_REFERENCE] = "reference",
    [BANK_COLUMN_PAYER] = "payer", [BANK_COLUMN_NOTE] = "note"};

const char *bank_column_name(size_t column) {
    return column < BANK_COLUMN_COUNT ? column_names[column] : NULL;
}

static tagih_err amount_parse(struct bytes text, currency in, int64_t *out) {
    struct money amount;
    bool out_going = text.len > 0 && text.data[0] == '-';
    if (text.len == 0) return FAIL(REQUEST_FIELD_MISSING);
    tagih_err err = money_parse(out_going ? bytes_make(text.data + 1, text.len - 1) : text, in, &amount);
    if (err_is(err, ERR_MONEY_OVERFLOW)) return FAIL(PAYMENT_AMOUNT);
    TRY(err);
    if (amount.minor <= 0 || amount.minor > MONEY_AMOUNT_MAX_MINOR) return FAIL(PAYMENT_AMOUNT);
    *out = out_going ? -amount.minor : amount.minor;
    return TAGIH_OK;
}

static tagih_err date_of(struct bytes text, civil_date *out) {
    char date[DATE_TEXT_SIZE] = "";
    if (text.len == 0) return FAIL(REQUEST_FIELD_MISSING);
    if (text.len != 10 || memchr(text.data, 0, text.len)) return FAIL(DATE_SYNTAX);
    memcpy(date, text.data, text.len);
    return date_parse(date, out);
}

static tagih_err text_of(struct bytes text, size_t len_max, struct bytes *out) {
    *out = text;
    return bytes_is_text(text, len_max) ? TAGIH_OK : FAIL(TEXT_INVALID);
}

static tagih_err currency_of(struct bytes text, currency in) {
    return text.len == 0 || bytes_equal(text, bytes_text(in.code)) ? TAGIH_OK : FAIL(MONEY_CURRENCY_MIXED);
}

tagih_err bank_row_parse(const struct bank_text *text, currency in, struct bank_row *out, enum bank_column *column) {
    const struct bytes *field = text->field;
    struct bank_row row = {.amount_minor = 0};
    tagih_err errs[BANK_COLUMN_COUNT] = {
        [BANK_COLUMN_LINE_REFERENCE] = text_of(field[BANK_COLUMN_LINE_REFERENCE], BANK_REFERENCE_MAX, &row.line_reference),
        [BANK_COLUMN_BOOKED_ON] = date_of(field[BANK_COLUMN_BOOKED_ON], &row.booked_on),
        [BANK_COLUMN_AMOUNT] = amount_parse(field[BANK_COLUMN_AMOUNT], in, &row.amount_minor),
        [BANK_COLUMN_CURRENCY] = currency_of(field[BANK_COLUMN_CURRENCY], in),
        [BANK_COLUMN_REFERENCE] = text_of(field[BANK_COLUMN_REFERENCE], BANK_REFERENCE_MAX, &row.reference),
        [BANK_COLUMN_PAYER] = text_of(field[BANK_COLUMN_PAYER], BANK_REFERENCE_MAX, &row.payer),
        [BANK_COLUMN_NOTE] = text_of(field[BANK_COLUMN_NOTE], BANK_NOTE_MAX, &row.note),
    };
    *out = (struct bank_row){.amount_minor = row.amount_minor};
    for (int i = 0; i < BANK_COLUMN_COUNT; i++) {
        *column = (enum bank_column)i;
        TRY(errs[i]);
    }
    *out = row;
    return TAGIH_OK;
}

/* ---- its name ------------------------------------------------------------------------------------------------- */

static void add(crypto_hash_sha256_state *state, struct bytes text) {
    uint8_t len[4];
    put_be32(len, (uint32_t)text.len);
    crypto_hash_sha256_update(state, len, sizeof len);
    if (text.len) crypto_hash_sha256_update(state, text.data, text.len);
}

static void add_content(crypto_hash_sha256_state *state, const struct bank_row *row, uint32_t twin) {
    uint8_t numbers[16];
    put_be32(numbers, (uint32_t)row->booked_on.days);
    put_be64(numbers + 4, (uint64_t)row->amount_minor);
    put_be32(numbers + 12, twin);
    crypto_hash_sha256_update(state, numbers, sizeof numbers);
    add(state, row->reference);
    add(state, row->payer);
    add(state, row->note);
}

uuid bank_line_id(struct bytes bank_account, const struct bank_row *row, uint32_t twin) {
    static const uint8_t name[18] = "tagih.bank_line.1";
    crypto_hash_sha256_state state;
    hash256 hash;
    uuid id;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, name, sizeof name);
    add(&state, bank_account);
    add(&state, row->line_reference);
    if (row->line_reference.len == 0) add_content(&state, row, twin);
    crypto_hash_sha256_final(&state, hash.b);
    memcpy(id.b, hash.b, sizeof id.b);
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x80); /* a UUID of version 8 */
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
    return id;
}
