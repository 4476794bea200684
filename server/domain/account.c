/* SPDX-License-Identifier: Apache-2.0 */
/* Names of states, loads, and the reading of one row of a creditor's file (R-ACC-*, R-IMP-1). */
#include "domain/account.h"

#include <string.h>

const char *account_status_name(int status) {
    switch (status) {
#define X(name, number, text, closed) \
    case number: return text;
        ACCOUNT_STATUSES(X)
#undef X
        default: return "unknown";
    }
}

/* ---- loads ---------------------------------------------------------------------------------------------------- */

const char *load_type_name(int type) {
    static const char *const names[] = {"unknown", "NEW", "CONTINUATION", "UPDATE", "REACTIVATED"};
    return type >= LOAD_NEW && type <= LOAD_REACTIVATED ? names[type] : names[0];
}

/* The first rule of R-IMP-1 that fits; what is closed or taken over is not live for an import. */
struct load load_decide(const struct load_facts *facts) {
    if (!facts->seen) return (struct load){LOAD_NEW, "never seen before"};
    bool live = !account_status_is_closed(facts->status) && facts->status != ACCOUNT_TAKEOVER;
    if (!live) return (struct load){LOAD_REACTIVATED, "seen before and no longer live: a new placement"};
    bool since_last_month = facts->has_hold && facts->placed_on.days < date_month(facts->as_of_on).days;
    if (since_last_month) return (struct load){LOAD_CONTINUATION, "live under the same placement at the previous month's end"};
    return (struct load){LOAD_UPDATE, "live, and loaded this month"};
}

/* ---- a row of a file ------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint8_t len_min, len_max; /* of the text */
} columns[ACCOUNT_COLUMN_COUNT] = {
    [ACCOUNT_COLUMN_ACCOUNT_NO] = {"account_no", 1, 64}, [ACCOUNT_COLUMN_CUSTOMER_NO] = {"customer_no", 1, 64},
    [ACCOUNT_COLUMN_PRODUCT] = {"product", 1, 32},       [ACCOUNT_COLUMN_CURRENCY] = {"currency", 3, 3},
    [ACCOUNT_COLUMN_PRINCIPAL] = {"principal", 1, 24},   [ACCOUNT_COLUMN_INTEREST] = {"interest", 1, 24},
    [ACCOUNT_COLUMN_PENALTY] = {"penalty", 1, 24},       [ACCOUNT_COLUMN_FEES] = {"fees", 1, 24},
    [ACCOUNT_COLUMN_DPD] = {"dpd", 0, 6},                [ACCOUNT_COLUMN_OLDEST_DUE_ON] = {"oldest_due_on", 0, 10},
    [ACCOUNT_COLUMN_PLATE] = {"plate", 0, 24},           [ACCOUNT_COLUMN_LAT] = {"lat", 1, 24},
    [ACCOUNT_COLUMN_LON] = {"lon", 1, 24},               [ACCOUNT_COLUMN_DISTRICT] = {"district", 0, 100},
    [ACCOUNT_COLUMN_REGENCY] = {"regency", 0, 100},      [ACCOUNT_COLUMN_PHONE] = {"phone", 0, 32},
    [ACCOUNT_COLUMN_RULE_SET] = {"rule_set", 0, RULE_SET_NAME_MAX + 6}, /* name, or name/version */
};

const char *account_column_name(size_t column) {
    return column < ACCOUNT_COLUMN_COUNT ? columns[column].name : NULL;
}

static tagih_err check_texts(const struct account_text *text, enum account_column *column) {
    for (int i = 0; i < ACCOUNT_COLUMN_COUNT; i++) {
        *column = (enum account_column)i;
        if (text->field[i].len < columns[i].len_min) return FAIL(REQUEST_FIELD_MISSING);
        if (!bytes_is_text(text->field[i], columns[i].len_max)) return FAIL(TEXT_INVALID);
    }
    return TAGIH_OK;
}

/* Digits alone, at most `max`. */
static tagih_err number_parse(struct bytes text, int32_t max, int32_t *out) {
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return FAIL(NUMBER_SYNTAX);
        value = value * 10 + (text.data[i] - '0');
        if (value > max) return FAIL(NUMBER_SYNTAX);
    }
    if (text.len == 0) return FAIL(NUMBER_SYNTAX);
    *out = (int32_t)value;
    return TAGIH_OK;
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* Decimal degrees as 1e-7 degrees; digits behind the seventh are a hundredth of a millimetre and fall away. */
static tagih_err degrees_parse(struct bytes text, int32_t limit_e7, int32_t *out) {
    size_t i = text.len && (text.data[0] == '-' || text.data[0] == '+'), first = i;
    int64_t value = 0;
    int behind = -1; /* digits behind the point, -1 before it */
    for (; i < text.len; i++) {
        if (text.data[i] == '.' && behind < 0 && i > first) {
            behind = 0;
            continue;
        }
        if (!is_digit(text.data[i])) return FAIL(NUMBER_SYNTAX);
        if (behind == 7) continue;
        if (behind >= 0) behind++;
        value = value * 10 + (text.data[i] - '0');
        if (value > INT64_C(100000000000)) return FAIL(GEO_POSITION_RANGE);
    }
    if (i == first || !is_digit(text.data[i - 1])) return FAIL(NUMBER_SYNTAX);
    for (int k = behind < 0 ? 0 : behind; k < 7; k++) value *= 10;
    if (value > limit_e7) return FAIL(GEO_POSITION_RANGE);
    *out = (int32_t)(text.data[0] == '-' ? -value : value);
    return TAGIH_OK;
}

static tagih_err amount_parse(struct bytes text, currency in, int64_t *out) {
    struct money amount;
    if (text.data[0] == '-') return FAIL(MONEY_NEGATIVE);
    TRY(money_parse(text, in, &amount));
    if (amount.minor > ACCOUNT_DUE_MAX_MINOR) return FAIL(MONEY_OVERFLOW);
    *out = amount.minor;
    return TAGIH_OK;
}

static tagih_err due_parse(struct bytes text, civil_date *out) {
    char date[DATE_TEXT_SIZE] = "";
    if (text.len >= sizeof date) return FAIL(DATE_SYNTAX);
    memcpy(date, text.data, text.len);
    return date_parse(date, out);
}

static const struct {
    enum account_column column;
    enum component component;
} amounts[] = {{ACCOUNT_COLUMN_PRINCIPAL, COMPONENT_PRINCIPAL},
               {ACCOUNT_COLUMN_INTEREST, COMPONENT_INTEREST},
               {ACCOUNT_COLUMN_PENALTY, COMPONENT_PENALTY},
               {ACCOUNT_COLUMN_FEES, COMPONENT_FEES}};

#define FIELD(name) text->field[*column = ACCOUNT_COLUMN_##name]

static tagih_err money_read(const struct account_text *text, struct account_row *out, enum account_column *column) {
    TRY(currency_parse(FIELD(CURRENCY), &out->currency));
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        *column = amounts[i].column;
        TRY(amount_parse(text->field[*column], out->currency, &out->due_minor[amounts[i].component]));
    }
    return TAGIH_OK;
}

static tagih_err age_read(const struct account_text *text, struct account_row *out, enum account_column *column) {
    out->has_dpd = FIELD(DPD).len > 0;
    if (out->has_dpd) TRY(number_parse(FIELD(DPD), 100000, &out->dpd));
    out->has_due = FIELD(OLDEST_DUE_ON).len > 0;
    if (out->has_due) return due_parse(FIELD(OLDEST_DUE_ON), &out->oldest_due_on);
    return account_row_sum(out) > 0 ? FAIL(ACCOUNT_DUE_MISSING) : TAGIH_OK;
}

/* "name" or "name/version". */
static tagih_err rules_read(const struct account_text *text, struct account_row *out, enum account_column *column) {
    struct bytes field = FIELD(RULE_SET);
    const uint8_t *slash = field.len ? memchr(field.data, '/', field.len) : NULL;
    out->rule_set = slash ? bytes_make(field.data, (size_t)(slash - field.data)) : field;
    if (!slash) return TAGIH_OK;
    struct bytes version = bytes_make(slash + 1, field.len - out->rule_set.len - 1);
    TRY(number_parse(version, RULE_SET_VERSION_MAX, &out->rule_set_version));
    return out->rule_set.len > 0 && out->rule_set_version > 0 ? TAGIH_OK : FAIL(NUMBER_SYNTAX);
}

tagih_err account_row_parse(const struct account_text *text, struct account_row *out, enum account_column *column) {
    TRY(check_texts(text, column));
    *out = (struct account_row){.account_no = FIELD(ACCOUNT_NO), .customer_no = FIELD(CUSTOMER_NO),
                                .product = FIELD(PRODUCT), .plate = FIELD(PLATE), .district = FIELD(DISTRICT),
                                .regency = FIELD(REGENCY), .phone = FIELD(PHONE)};
    TRY(money_read(text, out, column));
    TRY(age_read(text, out, column));
    TRY(rules_read(text, out, column));
    TRY(degrees_parse(FIELD(LAT), GEO_LAT_MAX_E7, &out->place.lat_e7));
    return degrees_parse(FIELD(LON), GEO_LON_MAX_E7, &out->place.lon_e7);
}

void account_row_shift(struct account_row *row, int32_t days) {
    if (row->has_due) row->oldest_due_on.days += days;
}

int64_t account_row_sum(const struct account_row *row) {
    int64_t sum = 0;
    for (int c = 0; c < COMPONENT_COUNT; c++) sum += row->due_minor[c];
    return sum;
}

int32_t account_row_days_past_due(const struct account_row *row, civil_date as_of) {
    bool ages = row->due_minor[COMPONENT_PRINCIPAL] + row->due_minor[COMPONENT_INTEREST] > 0;
    if (!ages || !row->has_due || row->oldest_due_on.days >= as_of.days) return 0;
    return as_of.days - row->oldest_due_on.days;
}

bool account_row_dpd_differs(const struct account_row *row, civil_date as_of) {
    return row->has_dpd && row->dpd != account_row_days_past_due(row, as_of);
}

struct instalment account_row_instalment(const struct account_row *row, civil_date as_of) {
    struct instalment out = {.no = 1, .due_on = row->has_due ? row->oldest_due_on : as_of};
    memcpy(out.due_minor, row->due_minor, sizeof out.due_minor);
    return out;
}
