/* SPDX-License-Identifier: Apache-2.0 */
/* The account's machine against a written matrix, its diagram, and what the end of a hold means. */
#include <string.h>

#include "domain/lifecycle.h"
#include "tests/support/case.h"

static const int statuses[] = {ACCOUNT_IMPORTED,      ACCOUNT_POOL,           ACCOUNT_HELD,           ACCOUNT_TAKEOVER,
                               ACCOUNT_LEGAL,         ACCOUNT_WRITTEN_OFF,    ACCOUNT_REACTIVATED,    ACCOUNT_CLOSED_PAID,
                               ACCOUNT_CLOSED_SETTLED, ACCOUNT_CLOSED_RETURNED, ACCOUNT_CLOSED_DECEASED};
static const char letters[] = "IPHTLWRpsrd";

static const struct account_facts willing = {
    .by_person = true, .hold_over = true, .paid = true, .settled = true, .former = ACCOUNT_HELD};

static int letter_of(int status) {
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i] == status) return letters[i];
    }
    return '?';
}

/* ---- the machine ---------------------------------------------------------------------------------------------- */

//= RULES.md R-LIF-1
//  States: IMPORTED → POOL → HELD → TAKEOVER → (POOL | LEGAL | WRITTEN_OFF); HELD → POOL (released), HELD → HELD
//  (reassigned); any live state → CLOSED(paid, settled, returned = recalled, deceased); CLOSED or TAKEOVER → REACTIVATED →
//  POOL on a new import.
static void every_state_and_act_does_what_the_matrix_says(void **state) {
    (void)state;
    static const struct {
        enum account_act act;
        const char *to; /* from:  I P H T L W R p s r d */
    } matrix[] = {
        {ACCOUNT_ACT_PLACE,      "P.....P...."}, {ACCOUNT_ACT_HOLD,     ".H........."},
        {ACCOUNT_ACT_REASSIGN,   "..H........"}, {ACCOUNT_ACT_EXTEND,   "..H........"},
        {ACCOUNT_ACT_RELEASE,    "..P........"}, {ACCOUNT_ACT_TAKE_OVER, "..T........"},
        {ACCOUNT_ACT_GIVE_BACK,  "...P......."}, {ACCOUNT_ACT_GO_LEGAL, "...L......."},
        {ACCOUNT_ACT_WRITE_OFF,  "...W......."}, {ACCOUNT_ACT_PAY_OFF,  "pppppp....."},
        {ACCOUNT_ACT_SETTLE,     "ssssss....."}, {ACCOUNT_ACT_RECALL,   "rrrrrr....."},
        {ACCOUNT_ACT_BURY,       "dddddd....."}, {ACCOUNT_ACT_REACTIVATE, "...R...RRRR"},
        {ACCOUNT_ACT_REOPEN,     ".......HH.."},
    };
    assert_int_equal(COUNT_OF(matrix), ACCOUNT_ACT_COUNT);
    for (size_t a = 0; a < COUNT_OF(matrix); a++) {
        for (size_t from = 0; from < COUNT_OF(statuses); from++) {
            int to = 99;
            tagih_err err = account_apply(statuses[from], matrix[a].act, &willing, &to);
            if (matrix[a].to[from] == '.') {
                assert_fails(err, ACCOUNT_ILLEGAL_TRANSITION);
                assert_int_equal(to, 99);
                continue;
            }
            assert_ok(err);
            assert_int_equal(letter_of(to), matrix[a].to[from]);
        }
    }
}

static void states_and_acts_outside_the_list_have_no_edge(void **state) {
    (void)state;
    static const int strange[] = {-1, 0, 8, 9, 14, 31, 32, 99};
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        for (int act = 0; act < ACCOUNT_ACT_COUNT; act++) {
            int to = 99;
            assert_fails(account_apply(strange[i], (enum account_act)act, &willing, &to), ACCOUNT_ILLEGAL_TRANSITION);
        }
    }
    int to = 99;
    assert_fails(account_apply(ACCOUNT_HELD, ACCOUNT_ACT_COUNT, &willing, &to), ACCOUNT_ILLEGAL_TRANSITION);
    assert_string_equal(account_act_name(ACCOUNT_ACT_COUNT), "?");
    assert_string_equal(account_act_kind(ACCOUNT_ACT_COUNT), "?");
    assert_string_equal(account_act_kind(ACCOUNT_ACT_TAKE_OVER), "TAKEN_OVER");
}

//= RULES.md R-LIF-1
//  Posting never closes: the day's lifecycle run turns balance 0 into CLOSED(paid); … It also turns a fulfilled R-WAI-1
//  offer into CLOSED(settled). The other closings are acts of a person.
static void each_guard_refuses_by_its_own_reason(void **state) {
    (void)state;
    int to;
    const struct account_facts nothing = {.former = ACCOUNT_HELD};
    for (int from = ACCOUNT_IMPORTED; from <= ACCOUNT_WRITTEN_OFF; from++) {
        assert_fails(account_apply(from, ACCOUNT_ACT_PAY_OFF, &nothing, &to), ACCOUNT_OWES);
        assert_fails(account_apply(from, ACCOUNT_ACT_SETTLE, &nothing, &to), ACCOUNT_NOT_SETTLED);
        assert_fails(account_apply(from, ACCOUNT_ACT_RECALL, &nothing, &to), ACCOUNT_NEEDS_PERSON);
        assert_fails(account_apply(from, ACCOUNT_ACT_BURY, &nothing, &to), ACCOUNT_NEEDS_PERSON);
    }
    assert_fails(account_apply(ACCOUNT_HELD, ACCOUNT_ACT_TAKE_OVER, &nothing, &to), ACCOUNT_HOLD_LIVE);
    assert_fails(account_apply(ACCOUNT_HELD, ACCOUNT_ACT_RELEASE, &nothing, &to), ACCOUNT_NEEDS_PERSON);
    assert_fails(account_apply(ACCOUNT_HELD, ACCOUNT_ACT_REASSIGN, &nothing, &to), ACCOUNT_NEEDS_PERSON);
    assert_fails(account_apply(ACCOUNT_TAKEOVER, ACCOUNT_ACT_GIVE_BACK, &nothing, &to), ACCOUNT_NEEDS_PERSON);
    assert_fails(account_apply(ACCOUNT_TAKEOVER, ACCOUNT_ACT_GO_LEGAL, &nothing, &to), ACCOUNT_NEEDS_PERSON);
    assert_fails(account_apply(ACCOUNT_TAKEOVER, ACCOUNT_ACT_WRITE_OFF, &nothing, &to), ACCOUNT_NEEDS_PERSON);
}

//= RULES.md R-LIF-1
//  a reversal or late charge reopens it into its former state and hold (REOPENED).
static void a_closed_account_reopens_into_the_state_it_was_closed_from(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct account_facts facts = {.former = statuses[i]};
        int to = 99;
        tagih_err err = account_apply(ACCOUNT_CLOSED_PAID, ACCOUNT_ACT_REOPEN, &facts, &to);
        bool was_live = statuses[i] <= ACCOUNT_WRITTEN_OFF;
        if (was_live) assert_ok(err);
        else assert_fails(err, ACCOUNT_ILLEGAL_TRANSITION);
        assert_int_equal(to, was_live ? statuses[i] : 99);
    }
}

//= RULES.md R-LIF-1a
//  What the creditor has back or what death ended stays closed
static void only_money_closings_reopen(void **state) {
    (void)state;
    int to;
    assert_ok(account_apply(ACCOUNT_CLOSED_SETTLED, ACCOUNT_ACT_REOPEN, &willing, &to));
    assert_fails(account_apply(ACCOUNT_CLOSED_RETURNED, ACCOUNT_ACT_REOPEN, &willing, &to), ACCOUNT_ILLEGAL_TRANSITION);
    assert_fails(account_apply(ACCOUNT_CLOSED_DECEASED, ACCOUNT_ACT_REOPEN, &willing, &to), ACCOUNT_ILLEGAL_TRANSITION);
}

static void every_edge_says_why_and_by_which_rule(void **state) {
    (void)state;
    size_t n = 0;
    for (const struct account_edge *edge; (edge = account_edge_at(n)) != NULL; n++) {
        assert_true(strlen(edge->why) > 10);
        assert_memory_equal(edge->rule, "R-LIF-", 6);
        assert_true(edge->from != 0);
    }
    assert_int_equal(n, 16);
}

static size_t count_of(const char *text, const char *what) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) n++;
    return n;
}

static void the_machine_draws_every_edge_of_itself(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[131072];
    struct arena arena;
    const char *text = NULL;
    arena_init(&arena, memory, sizeof memory);
    assert_ok(account_print_mermaid(&arena, &text));
    assert_memory_equal(text, "stateDiagram-v2\n", 16);
    for (size_t i = 0; account_edge_at(i); i++) assert_non_null(strstr(text, account_edge_at(i)->why));
    assert_int_equal(count_of(text, "LIVE --> CLOSED_"), 4);
    assert_int_equal(count_of(text, "--> LIVE: reopen"), 2);
    assert_int_equal(count_of(text, "--> REACTIVATED"), 5);
    for (size_t size = 256; size <= 2048; size *= 2) {
        arena_init(&arena, memory, size);
        assert_fails(account_print_mermaid(&arena, &text), OUT_OF_MEMORY);
    }
}

/* ---- the hold ------------------------------------------------------------------------------------------------- */

//= RULES.md R-LIF-2
//  it ends at 00:00 agency time on `start + 30 days`; the 30th day still belongs to the holder.
static void the_thirtieth_day_still_belongs_to_the_holder(void **state) {
    (void)state;
    civil_date start = date_make(2026, 11, 23), until = hold_until(start);
    assert_int_equal(until.days - start.days, 30);
    char text[DATE_TEXT_SIZE];
    date_format(until, text);
    assert_string_equal(text, "2026-12-23");
}

static civil_date day(int n) {
    return (civil_date){date_make(2026, 6, 1).days + n};
}

#define NEVER 999

/* A hold that ends on day 0; a promise due on the day given, a plan's next instalment likewise. */
static struct hold_verdict judge(int promise, int used, int plan, bool repossession) {
    struct hold_facts facts = {.until_on = day(0), .promise_days = used, .has_promise = promise != NEVER,
                               .promise_due_on = day(promise), .has_plan = plan != NEVER, .plan_due_on = day(plan),
                               .repossession = repossession};
    return hold_judge(&facts);
}

static void assert_verdict(struct hold_verdict verdict, enum hold_reason reason, int days, int promise_days) {
    assert_int_equal(verdict.reason, reason);
    assert_int_equal(verdict.until_on.days - day(0).days, days);
    assert_int_equal(verdict.promise_days, promise_days);
    assert_true(strlen(hold_reason_text(verdict.reason)) > 10);
}

//= RULES.md R-LIF-3
//  An open promise due within 3 days (default), … extends to 00:00 after the promise's due + grace
static void a_promise_due_within_three_days_extends_past_its_grace(void **state) {
    (void)state;
    assert_verdict(judge(NEVER, 0, NEVER, false), HOLD_ENDS, 0, 0);
    for (int due = -10; due <= 10; due++) {
        /* due on day d, grace until the end of d + 2: 00:00 of d + 3 */
        bool counts = due + 3 > 0 && due <= 3;
        assert_verdict(judge(due, 0, NEVER, false), counts ? HOLD_PROMISE : HOLD_ENDS, counts ? due + 3 : 0, counts ? due + 3 : 0);
        assert_true(hold_promise_counts(day(0), day(due)) == counts);
    }
}

//= RULES.md R-LIF-3
//  promises extend by 15 days in all at most (default).
static void promises_extend_by_fifteen_days_in_all(void **state) {
    (void)state;
    assert_verdict(judge(3, 9, NEVER, false), HOLD_PROMISE, 6, 15);
    assert_verdict(judge(3, 10, NEVER, false), HOLD_PROMISE, 5, 15);
    assert_verdict(judge(3, 14, NEVER, false), HOLD_PROMISE, 1, 15);
    assert_verdict(judge(3, 15, NEVER, false), HOLD_ENDS, 0, 15);
    struct hold_facts facts = {.until_on = day(0), .has_promise = true}; /* one promise after the other, for ever */
    int32_t extended = 0;
    for (int round = 0; round < 40; round++) {
        facts.promise_due_on.days = facts.until_on.days + 2;
        struct hold_verdict verdict = hold_judge(&facts);
        extended += verdict.until_on.days - facts.until_on.days;
        facts.until_on = verdict.until_on;
        facts.promise_days = verdict.promise_days;
    }
    assert_int_equal(extended, HOLD_PROMISE_DAYS_MAX);
}

//= RULES.md R-LIF-3a
//  A plan extends to 00:00 after its next open instalment's due + grace, a repossession by 7 days
static void a_plan_and_a_repossession_extend_step_by_step_without_using_up_promises(void **state) {
    (void)state;
    assert_verdict(judge(NEVER, 0, 20, false), HOLD_PLAN, 23, 0);
    assert_verdict(judge(NEVER, 15, 20, false), HOLD_PLAN, 23, 15);
    assert_verdict(judge(3, 0, 20, false), HOLD_PLAN, 23, 0);
    assert_verdict(judge(3, 0, 3, false), HOLD_PLAN, 6, 0);
    assert_verdict(judge(3, 0, 2, false), HOLD_PROMISE, 6, 6);
    assert_verdict(judge(NEVER, 0, -3, false), HOLD_ENDS, 0, 0); /* its instalment is overdue past grace: it will break */
    assert_verdict(judge(NEVER, 0, NEVER, true), HOLD_REPOSSESSION, 7, 0);
    assert_verdict(judge(3, 0, NEVER, true), HOLD_REPOSSESSION, 7, 0);
    assert_verdict(judge(3, 0, 20, true), HOLD_PLAN, 23, 0);
}

//= RULES.md R-LIF-5
//  TAKEOVER_WARNING (5 and 1 days before)
static void the_holder_is_warned_five_days_and_one_day_before(void **state) {
    (void)state;
    static const int due[] = {0, 2, 1, 1, 1, 1, 0, 0}; /* by days left: 0 is over */
    for (int left = -3; left < 8; left++) assert_int_equal(hold_warnings_due(day(left), day(0)), left < 0 ? 0 : due[left]);
    assert_int_equal(hold_warning_days[0], 5);
    assert_int_equal(hold_warning_days[1], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_act_does_what_the_matrix_says),
        cmocka_unit_test(states_and_acts_outside_the_list_have_no_edge),
        cmocka_unit_test(each_guard_refuses_by_its_own_reason),
        cmocka_unit_test(a_closed_account_reopens_into_the_state_it_was_closed_from),
        cmocka_unit_test(only_money_closings_reopen),
        cmocka_unit_test(every_edge_says_why_and_by_which_rule),
        cmocka_unit_test(the_machine_draws_every_edge_of_itself),
        cmocka_unit_test(the_thirtieth_day_still_belongs_to_the_holder),
        cmocka_unit_test(a_promise_due_within_three_days_extends_past_its_grace),
        cmocka_unit_test(promises_extend_by_fifteen_days_in_all),
        cmocka_unit_test(a_plan_and_a_repossession_extend_step_by_step_without_using_up_promises),
        cmocka_unit_test(the_holder_is_warned_five_days_and_one_day_before),
    };
    return cmocka_run_group_tests_name("lifecycle", tests, NULL, NULL);
}
