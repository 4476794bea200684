/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: their states (lifecycle.h has the machine), and a row of a creditor's file made into one (R-IMP-*).
 * A row comes as the text that stands in the file; what comes out is checked, in minor units and dates, or the reason
 * and the column why not. One bad row says nothing about the next.
 */
#ifndef TAGIH_DOMAIN_ACCOUNT_H
#define TAGIH_DOMAIN_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/allocation.h"
#include "tagih/bytes.h"
#include "tagih/err.h"
#include "tagih/geo.h"
#include "tagih/money.h"
#include "tagih/time.h"

/* ---- states --------------------------------------------------------------------------------------------------- */

/** X(NAME, number, "name", closed). Stored by number: add, never renumber. */
#define ACCOUNT_STATUSES(X)                              \
    X(IMPORTED, 1, "imported", false)                    \
    X(POOL, 2, "pool", false)                            \
    X(HELD, 3, "held", false)                            \
    X(TAKEOVER, 4, "takeover", false)                    \
    X(LEGAL, 5, "legal", false)                          \
    X(WRITTEN_OFF, 6, "written_off", false)              \
    X(REACTIVATED, 7, "reactivated", false)              \
    X(CLOSED_PAID, 10, "closed.paid", true)              \
    X(CLOSED_SETTLED, 11, "closed.settled", true)        \
    X(CLOSED_RETURNED, 12, "closed.returned", true)      \
    X(CLOSED_DECEASED, 13, "closed.deceased", true)

enum account_status {
#define X(name, number, text, closed) ACCOUNT_##name = number,
    ACCOUNT_STATUSES(X)
#undef X
};

/** "held", "closed.paid"; "unknown" outside the list. Never NULL. Pure. */
const char *account_status_name(int status);

/** Is it closed, for whatever reason? Pure. (lifecycle.c) */
bool account_status_is_closed(int status);

/* ---- loads ---------------------------------------------------------------------------------------------------- */

/** Why an account is worked in a month (R-IMP-1). Stored by number: add, never renumber. */
enum load_type { LOAD_NEW = 1, LOAD_CONTINUATION = 2, LOAD_UPDATE = 3, LOAD_REACTIVATED = 4 };

/** "NEW" …; "unknown" outside the list. Never NULL. Pure. */
const char *load_type_name(int type);

/** What is known of the account when its row comes. */
struct load_facts {
    bool seen;
    int status;
    bool has_hold;
    civil_date placed_on; /* when the present placement began */
    civil_date as_of_on;  /* of the file */
};

struct load {
    enum load_type type;
    const char *reason; /* one sentence, stored with it */
};

/** The first rule that fits (R-IMP-1). Pure. */
struct load load_decide(const struct load_facts *facts);

/* ---- a row of a file ------------------------------------------------------------------------------------------ */

enum account_column {
    ACCOUNT_COLUMN_ACCOUNT_NO,
    ACCOUNT_COLUMN_CUSTOMER_NO,
    ACCOUNT_COLUMN_PRODUCT,
    ACCOUNT_COLUMN_CURRENCY,
    ACCOUNT_COLUMN_PRINCIPAL,
    ACCOUNT_COLUMN_INTEREST,
    ACCOUNT_COLUMN_PENALTY,
    ACCOUNT_COLUMN_FEES,
    ACCOUNT_COLUMN_DPD,
    ACCOUNT_COLUMN_OLDEST_DUE_ON,
    ACCOUNT_COLUMN_PLATE,
    ACCOUNT_COLUMN_LAT,
    ACCOUNT_COLUMN_LON,
    ACCOUNT_COLUMN_DISTRICT,
    ACCOUNT_COLUMN_REGENCY,
    ACCOUNT_COLUMN_PHONE,
    ACCOUNT_COLUMN_RULE_SET,
    ACCOUNT_COLUMN_COUNT
};

/** The column's name, as in the file's head and in the contract. NULL outside the list. Pure. */
const char *account_column_name(size_t column);

/** A row as it stands in the file. Fields may hold any bytes. */
struct account_text {
    struct bytes field[ACCOUNT_COLUMN_COUNT];
};

/** A row that is good. Text is borrowed from the account_text. */
struct account_row {
    struct bytes account_no, customer_no, product, plate, district, regency, phone;
    currency currency;
    int64_t due_minor[COMPONENT_COUNT];
    bool has_dpd;
    int32_t dpd;
    bool has_due; /* oldest_due_on is given */
    civil_date oldest_due_on;
    struct position place;
    struct bytes rule_set;    /* empty: none is named */
    int32_t rule_set_version; /* 0: not said */
};

/** The most that one component of one account may be, minor units (as allocation.h). */
#define ACCOUNT_DUE_MAX_MINOR INT64_C(1000000000000000)

/**
 * Check and read one row.
 *
 * @param out     [out] undefined on error
 * @param column  [out] set on error: the column that is wrong
 * @return OK · TEXT_INVALID · REQUEST_FIELD_MISSING · MONEY_CURRENCY_UNKNOWN · MONEY_SYNTAX · MONEY_NEGATIVE ·
 *         MONEY_OVERFLOW · NUMBER_SYNTAX · DATE_SYNTAX · GEO_POSITION_RANGE · ACCOUNT_DUE_MISSING something is past due
 *         and nothing says since when
 *
 * Pure. Rules R-MON-4, R-ACC-1, R-ACC-3.
 */
TAGIH_MUST_USE tagih_err account_row_parse(const struct account_text *text, struct account_row *out,
                                           enum account_column *column);

/** Move all dates of a row by a number of days: samples are brought to today (R-ACC-3). */
void account_row_shift(struct account_row *row, int32_t days);

/** Σ of the dues; never overflows within their bounds. Pure. */
int64_t account_row_sum(const struct account_row *row);

/** Days past due by the due date at `as_of` (R-ACC-3). Pure. */
int32_t account_row_days_past_due(const struct account_row *row, civil_date as_of);

/** Does the file's own count differ from its due date? A warning, never a refusal (R-ACC-3). Pure. */
bool account_row_dpd_differs(const struct account_row *row, civil_date as_of);

/** The instalment that stands for everything past due where the creditor sends no schedule (R-ACC-1). Pure. */
struct instalment account_row_instalment(const struct account_row *row, civil_date as_of);

#endif
