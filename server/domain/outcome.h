/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a visit may end: a versioned list of outcomes, each with what it sets going, what may come next and
 * what must be said with it (R-VIS-2). An outcome is retired from a version on and never deleted: an old
 * phone's list stays readable, and a report is judged by the version that the phone had seen.
 */
#ifndef TAGIH_DOMAIN_OUTCOME_H
#define TAGIH_DOMAIN_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/err.h"

/** The newest list. */
#define OUTCOME_LIST_VERSION 1

/** Stored and signed by number: add, never renumber. */
enum outcome_code {
    OUTCOME_PAID = 1,
    OUTCOME_PARTIALLY_PAID = 2,
    OUTCOME_PROMISED = 3,
    OUTCOME_REFUSED = 4,
    OUTCOME_NOT_HOME = 5,
    OUTCOME_MOVED = 6,
    OUTCOME_WRONG_ADDRESS = 7,
    OUTCOME_DECEASED = 8,
    OUTCOME_DISPUTED = 9,
    OUTCOME_HARDSHIP = 10,
    OUTCOME_THIRD_PARTY = 11,
    OUTCOME_UNSAFE = 12
};

/** What an outcome sets going, and what may be chosen next. Stored and signed by number. */
enum outcome_action {
    ACTION_NONE = 0, /* nothing further */
    ACTION_VISIT_AGAIN = 1,
    ACTION_AWAIT_PROMISE = 2,
    ACTION_CALL = 3,
    ACTION_FIND_ADDRESS = 4, /* trace the debtor */
    ACTION_ASK_SUPERVISOR = 5,
    ACTION_PROPOSE_PLAN = 6,
    ACTION_HANDLE_DISPUTE = 7,
    ACTION_STOP_CONTACT = 8,
    ACTION_LEGAL = 9,
    ACTION_POST_MONEY = 10 /* the receipt does it */
};
#define OUTCOME_ACTION_COUNT 11

/** What can be given with an outcome: bits, named as the journal entry's fields are. */
enum outcome_field {
    OUTCOME_FIELD_RECEIPT = 1 << 0,
    OUTCOME_FIELD_PROMISE = 1 << 1,
    OUTCOME_FIELD_NOTE = 1 << 2,
    OUTCOME_FIELD_CONTACT = 1 << 3, /* with whom he spoke */
    OUTCOME_FIELD_PHOTOS = 1 << 4
};
#define OUTCOME_FIELD_COUNT 5

struct outcome {
    enum outcome_code code;
    const char *name;           /* "NOT_HOME" */
    enum outcome_action action; /* what happens of itself */
    uint32_t next;              /* bit 1 << enum outcome_action: what may be chosen */
    uint32_t required;          /* enum outcome_field */
    uint32_t optional;          /* what may be given besides; anything else is a contradiction */
    uint32_t since;             /* first list that has it */
    uint32_t retired;           /* first list in which it may no longer be chosen; 0 = live */
};

/** What somebody reports. */
struct outcome_report {
    uint32_t list_version;
    uint32_t code;  /* as received */
    uint32_t given; /* enum outcome_field */
    bool has_next_action;
    uint32_t next_action; /* as received */
};

/** The i-th outcome of a list, retired ones included; NULL behind the last or for an unknown list. */
const struct outcome *outcome_at(uint32_t list_version, size_t i);

/** An outcome by its code or its name; NULL when that list never had it. Pure. */
const struct outcome *outcome_find(uint32_t list_version, uint32_t code);
const struct outcome *outcome_find_name(uint32_t list_version, struct bytes name);

/** May it no longer be chosen in this list? */
bool outcome_is_retired(const struct outcome *outcome, uint32_t list_version);

/** "VISIT_AGAIN", "receipt"; NULL behind the last. */
const char *outcome_action_name(size_t action);
const char *outcome_field_name(size_t i);

/** The number of an action's name. @return OK · OUTCOME_NEXT_ACTION no such action; out untouched. */
TAGIH_MUST_USE tagih_err outcome_action_parse(struct bytes name, uint32_t *out);

/**
 * May a visit end like this? The office refuses what fails; a journal entry posts, flagged BAD_OUTCOME.
 *
 * @param fields  [out] the fields missing or too many, set only with OUTCOME_FIELD_MISSING and
 * OUTCOME_FIELD_EXTRA
 * @return OK · OUTCOME_LIST_UNKNOWN · OUTCOME_UNKNOWN not in that list · OUTCOME_RETIRED ·
 * OUTCOME_FIELD_MISSING · OUTCOME_FIELD_EXTRA · OUTCOME_NEXT_ACTION, judged in this order
 *
 * Pure. Rule R-VIS-2.
 */
TAGIH_MUST_USE tagih_err outcome_check(const struct outcome_report *report, uint32_t *fields);

/** The same against one row that the caller has found already. */
TAGIH_MUST_USE tagih_err outcome__check_row(const struct outcome *outcome,
                                            const struct outcome_report *report, uint32_t *fields);

#endif
