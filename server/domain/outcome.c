/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of outcomes and the check of a report against it (R-VIS-2). A new list raises
 * OUTCOME_LIST_VERSION; its new outcomes are rows with that `since`, those it drops get `retired`. Rows are
 * never changed in any other way.
 */
#include "outcome.h"

#define NEXT(action) (1u << ACTION_##action)
#define RECEIPT OUTCOME_FIELD_RECEIPT
#define PROMISE OUTCOME_FIELD_PROMISE
#define NOTE OUTCOME_FIELD_NOTE
#define CONTACT OUTCOME_FIELD_CONTACT
#define PHOTOS OUTCOME_FIELD_PHOTOS

/* clang-format off */
static const struct outcome outcomes[] = {
    /* code, name, action, next actions, required, optional, since, retired */
    {OUTCOME_PAID, "PAID", ACTION_POST_MONEY, NEXT(NONE) | NEXT(CALL), RECEIPT, NOTE | CONTACT | PHOTOS, 1, 0},
    {OUTCOME_PARTIALLY_PAID, "PARTIALLY_PAID", ACTION_POST_MONEY,
     NEXT(NONE) | NEXT(VISIT_AGAIN) | NEXT(AWAIT_PROMISE) | NEXT(CALL) | NEXT(PROPOSE_PLAN),
     RECEIPT, PROMISE | NOTE | CONTACT | PHOTOS, 1, 0},
    {OUTCOME_PROMISED, "PROMISED", ACTION_AWAIT_PROMISE,
     NEXT(AWAIT_PROMISE) | NEXT(VISIT_AGAIN) | NEXT(CALL), PROMISE, NOTE | CONTACT | PHOTOS, 1, 0},
    {OUTCOME_REFUSED, "REFUSED", ACTION_ASK_SUPERVISOR,
     NEXT(VISIT_AGAIN) | NEXT(CALL) | NEXT(ASK_SUPERVISOR) | NEXT(LEGAL), NOTE, CONTACT | PHOTOS, 1, 0},
    {OUTCOME_NOT_HOME, "NOT_HOME", ACTION_VISIT_AGAIN,
     NEXT(VISIT_AGAIN) | NEXT(CALL) | NEXT(FIND_ADDRESS), 0, NOTE | PHOTOS, 1, 0},
    {OUTCOME_MOVED, "MOVED", ACTION_FIND_ADDRESS,
     NEXT(FIND_ADDRESS) | NEXT(CALL) | NEXT(ASK_SUPERVISOR), NOTE, CONTACT | PHOTOS, 1, 0},
    {OUTCOME_WRONG_ADDRESS, "WRONG_ADDRESS", ACTION_FIND_ADDRESS,
     NEXT(FIND_ADDRESS) | NEXT(CALL) | NEXT(ASK_SUPERVISOR), NOTE, CONTACT | PHOTOS, 1, 0},
    {OUTCOME_DECEASED, "DECEASED", ACTION_STOP_CONTACT,
     NEXT(STOP_CONTACT) | NEXT(ASK_SUPERVISOR), NOTE, CONTACT | PHOTOS, 1, 0},
    {OUTCOME_DISPUTED, "DISPUTED", ACTION_HANDLE_DISPUTE,
     NEXT(HANDLE_DISPUTE) | NEXT(ASK_SUPERVISOR), NOTE, CONTACT | PHOTOS, 1, 0},
    {OUTCOME_HARDSHIP, "HARDSHIP", ACTION_PROPOSE_PLAN,
     NEXT(PROPOSE_PLAN) | NEXT(STOP_CONTACT) | NEXT(ASK_SUPERVISOR), NOTE, CONTACT | PHOTOS, 1, 0},
    {OUTCOME_THIRD_PARTY, "THIRD_PARTY", ACTION_VISIT_AGAIN,
     NEXT(VISIT_AGAIN) | NEXT(CALL) | NEXT(FIND_ADDRESS), CONTACT, NOTE | PHOTOS, 1, 0},
    {OUTCOME_UNSAFE, "UNSAFE", ACTION_ASK_SUPERVISOR,
     NEXT(ASK_SUPERVISOR) | NEXT(CALL), NOTE, CONTACT | PHOTOS, 1, 0},
};
/* clang-format on */

enum { OUTCOME_ROWS = sizeof outcomes / sizeof *outcomes };

static const char *const action_names[OUTCOME_ACTION_COUNT] = {
    "NONE",         "VISIT_AGAIN",    "AWAIT_PROMISE", "CALL",  "FIND_ADDRESS", "ASK_SUPERVISOR",
    "PROPOSE_PLAN", "HANDLE_DISPUTE", "STOP_CONTACT",  "LEGAL", "POST_MONEY"};
static const char *const field_names[OUTCOME_FIELD_COUNT] = {"receipt", "promise", "note", "contact",
                                                             "photos"};

static bool list_exists(uint32_t version) {
    return version >= 1 && version <= OUTCOME_LIST_VERSION;
}

const struct outcome *outcome_at(uint32_t list_version, size_t i) {
    if (!list_exists(list_version)) return NULL;
    for (size_t row = 0; row < OUTCOME_ROWS; row++) {
        if (outcomes[row].since > list_version) continue;
        if (i-- == 0) return &outcomes[row];
    }
    return NULL;
}

const struct outcome *outcome_find(uint32_t list_version, uint32_t code) {
    const struct outcome *outcome;
    for (size_t i = 0; (outcome = outcome_at(list_version, i)) != NULL; i++)
        if ((uint32_t)outcome->code == code) return outcome;
    return NULL;
}

const struct outcome *outcome_find_name(uint32_t list_version, struct bytes name) {
    const struct outcome *outcome;
    for (size_t i = 0; (outcome = outcome_at(list_version, i)) != NULL; i++)
        if (bytes_equal(bytes_text(outcome->name), name)) return outcome;
    return NULL;
}

bool outcome_is_retired(const struct outcome *outcome, uint32_t list_version) {
    return outcome->retired != 0 && list_version >= outcome->retired;
}

const char *outcome_action_name(size_t action) {
    return action < OUTCOME_ACTION_COUNT ? action_names[action] : NULL;
}

const char *outcome_field_name(size_t i) {
    return i < OUTCOME_FIELD_COUNT ? field_names[i] : NULL;
}

tagih_err outcome_action_parse(struct bytes name, uint32_t *out) {
    for (uint32_t action = 0; action < OUTCOME_ACTION_COUNT; action++) {
        if (!bytes_equal(bytes_text(action_names[action]), name)) continue;
        *out = action;
        return TAGIH_OK;
    }
    return FAIL(OUTCOME_NEXT_ACTION);
}

static bool next_allowed(const struct outcome *outcome, const struct outcome_report *report) {
    if (!report->has_next_action) return true;
    return report->next_action < OUTCOME_ACTION_COUNT && (outcome->next >> report->next_action & 1);
}

tagih_err outcome_check(const struct outcome_report *report, uint32_t *fields) {
    if (!list_exists(report->list_version)) return FAIL(OUTCOME_LIST_UNKNOWN);
    const struct outcome *outcome = outcome_find(report->list_version, report->code);
    if (!outcome) return FAIL(OUTCOME_UNKNOWN);
    return outcome__check_row(outcome, report, fields);
}

tagih_err outcome__check_row(const struct outcome *outcome, const struct outcome_report *report,
                             uint32_t *fields) {
    if (outcome_is_retired(outcome, report->list_version)) return FAIL(OUTCOME_RETIRED);
    uint32_t missing = outcome->required & ~report->given;
    uint32_t extra = report->given & ~(outcome->required | outcome->optional);
    if (missing || extra) *fields = missing ? missing : extra;
    if (missing) return FAIL(OUTCOME_FIELD_MISSING);
    if (extra) return FAIL(OUTCOME_FIELD_EXTRA);
    return next_allowed(outcome, report) ? TAGIH_OK : FAIL(OUTCOME_NEXT_ACTION);
}
