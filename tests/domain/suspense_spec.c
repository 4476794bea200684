/* SPDX-License-Identifier: Apache-2.0 */
/* Money's machine against a written matrix, hints and their ranking, the words of a text, ages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/suspense.h"

/* What follows from each state (rows) on each event (columns); NO: no such edge. */
enum { NO = 0, SU = MONEY_SUSPENSE, PO = MONEY_POSTED, RT = MONEY_RETURNED, RV = MONEY_REVERSED };
/* clang-format off */
static const int matrix[MONEY_STATE_END][MONEY_EVENT_COUNT] = {
    /*               post hold release return reverse */
    /* none      */ {NO, NO, NO, NO, NO},
    /* RECEIVED  */ {PO, SU, NO, NO, NO},
    /* SUSPENSE  */ {NO, NO, PO, RT, NO},
    /* POSTED    */ {NO, NO, NO, NO, RV},
    /* RETURNED  */ {NO, NO, NO, NO, NO},
    /* REVERSED  */ {NO, NO, NO, NO, NO},
};
/* clang-format on */

//= RULES.md R-PAY-2
//  RECEIVED → POSTED → REVERSED; RECEIVED → SUSPENSE → POSTED (matched by a second person, valued when received) or
//  RETURNED (second person).
static void every_state_and_event_does_what_the_matrix_says(void **state) {
    (void)state;
    const struct money_facts willing = {.by_second_person = true, .account_takes_it = true};
    for (int from = 0; from < MONEY_STATE_END + 1; from++) {
        for (int event = 0; event < MONEY_EVENT_COUNT + 1; event++) {
            enum money_state to = (enum money_state)99;
            tagih_err err = money_apply((enum money_state)from, (enum money_event)event, &willing, &to);
            int follows = from < MONEY_STATE_END && event < MONEY_EVENT_COUNT ? matrix[from][event] : NO;
            assert_int_equal(err.reason, follows ? ERR_OK : ERR_SUSPENSE_ILLEGAL_TRANSITION);
            assert_int_equal(to, follows ? follows : 99);
        }
    }
}

//= RULES.md R-PAY-2
//  SUSPENSE → POSTED (matched by a second person …) or RETURNED (second person).
static void nobody_decides_about_money_alone(void **state) {
    (void)state;
    enum money_state to;
    struct money_facts facts = {.account_takes_it = true};
    assert_int_equal(money_apply(MONEY_SUSPENSE, MONEY_RELEASE, &facts, &to).reason, ERR_SUSPENSE_SECOND_PERSON);
    assert_int_equal(money_apply(MONEY_SUSPENSE, MONEY_RETURN, &facts, &to).reason, ERR_SUSPENSE_SECOND_PERSON);
    facts = (struct money_facts){.by_second_person = true};
    assert_int_equal(money_apply(MONEY_SUSPENSE, MONEY_RELEASE, &facts, &to).reason, ERR_SUSPENSE_ACCOUNT);
    assert_int_equal(money_apply(MONEY_SUSPENSE, MONEY_RETURN, &facts, &to).reason, ERR_OK);
    assert_int_equal(money_apply(MONEY_RECEIVED, MONEY_POST, &facts, &to).reason, ERR_SUSPENSE_ACCOUNT);
}

static void the_machine_names_itself_and_draws_its_diagram(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[8192];
    struct arena arena;
    const char *text;
    arena_init(&arena, memory, sizeof memory);
    assert_int_equal(money_print_mermaid(&arena, &text).reason, ERR_OK);
    size_t edges = 0;
    for (const struct money_edge *edge; (edge = money_edge_at(edges)); edges++) {
        char line[300];
        snprintf(line, sizeof line, "    %s --> %s: %s", money_state_name(edge->from), money_state_name(edge->to),
                 money_event_name(edge->event));
        assert_non_null(strstr(text, line));
        assert_non_null(strstr(text, edge->why));
    }
    assert_int_equal(edges, 5);
    assert_string_equal(money_state_name(MONEY_STATE_END), "?");
    assert_string_equal(money_event_name(MONEY_EVENT_COUNT), "?");
    assert_string_equal(suspense_origin_name(SUSPENSE_OF_BANK_LINE), "bank_line");
    assert_string_equal(suspense_origin_name(0), "?");
    assert_string_equal(suspense_origin_name(99), "?");
    arena_init(&arena, memory, 64);
    assert_int_equal(money_print_mermaid(&arena, &text).reason, ERR_OUT_OF_MEMORY);
}

/* ---- hints ---------------------------------------------------------------------------------------------------- */

static account_id account(uint8_t n) {
    account_id id = {{{0}}};
    id.u.b[15] = n;
    return id;
}

//= RULES.md R-PAY-2b
//  Hints are ranked by the sum of the points of an account's different reasons, at most 100
static void accounts_are_ranked_by_all_that_speaks_for_them(void **state) {
    (void)state;
    const struct suspense_hint hints[] = {
        {account(3), HINT_INSTALMENT}, {account(1), HINT_PROMISE},    {account(2), HINT_ACCOUNT_NO}, {account(1), HINT_PAYER},
        {account(2), HINT_PROMISE},    {account(1), HINT_PROMISE},    {account(4), HINT_INSTALMENT}};
    struct suspense_match out[8];
    assert_int_equal(suspense_rank(hints, 7, out, 8), 4);
    assert_int_equal(out[0].account.u.b[15], 2);
    assert_int_equal(out[0].points, 100); /* 90 + 25, capped */
    assert_int_equal(out[0].kinds, 1U << HINT_ACCOUNT_NO | 1U << HINT_PROMISE);
    assert_int_equal(out[1].account.u.b[15], 1);
    assert_int_equal(out[1].points, 75); /* the promise counts once */
    assert_int_equal(out[2].account.u.b[15], 3); /* as many points as 4: by id */
    assert_int_equal(out[3].account.u.b[15], 4);
}

static void the_order_of_hints_never_shows_and_the_best_stay(void **state) {
    (void)state;
    struct suspense_hint hints[7];
    struct suspense_match forward[3], backward[3];
    for (size_t i = 0; i < 7; i++) hints[i] = (struct suspense_hint){account((uint8_t)(i + 1)), (enum suspense_hint_kind)i};
    assert_int_equal(suspense_rank(hints, 7, forward, 3), 3);
    for (size_t i = 0; i < 7; i++) hints[6 - i] = (struct suspense_hint){account((uint8_t)(i + 1)), (enum suspense_hint_kind)i};
    assert_int_equal(suspense_rank(hints, 7, backward, 3), 3);
    assert_memory_equal(forward, backward, sizeof forward);
    assert_int_equal(forward[0].account.u.b[15], HINT_ACCOUNT_NO + 1);
    assert_int_equal(suspense_rank(hints, 0, forward, 3), 0);
    hints[0].kind = HINT_KIND_COUNT; /* of a later version */
    assert_int_equal(suspense_rank(hints, 1, forward, 3), 0);
    assert_string_equal(suspense_hint_reason(HINT_KIND_COUNT), "?");
    for (int k = 0; k < HINT_KIND_COUNT; k++) assert_true(strlen(suspense_hint_reason((enum suspense_hint_kind)k)) > 10);
}

static bool has(const struct suspense_token *tokens, size_t n, const char *text) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tokens[i].text, text) == 0) return true;
    }
    return false;
}

//= RULES.md R-PAY-2b
//  Numbers of accounts and customers and plates are looked for in what the payer wrote, names of people never
static void numbers_and_plates_are_found_in_what_a_payer_writes(void **state) {
    (void)state;
    struct suspense_token t[SUSPENSE_TOKENS_MAX];
    const char *text = "angsuran motor B 1234 xyz, acc-0042/7 (Budi) an. CUST00017.";
    size_t n = suspense_tokens(bytes_text(text), t);
    assert_true(has(t, n, "B1234XYZ"));
    assert_true(has(t, n, "B 1234 XYZ"));
    assert_true(has(t, n, "B-1234-XYZ"));
    assert_true(has(t, n, "acc-0042/7"));
    assert_true(has(t, n, "ACC-0042/7"));
    assert_true(has(t, n, "CUST00017"));
    assert_false(has(t, n, "Budi"));
    assert_false(has(t, n, "angsuran"));
    n = suspense_tokens(bytes_text("AB1234CDE dan d-77-q"), t);
    assert_true(has(t, n, "AB 1234 CDE"));
    assert_true(has(t, n, "D 77 Q"));
    assert_int_equal(suspense_tokens(bytes_text(""), t), 0);
    assert_int_equal(suspense_tokens(bytes_text("B 1 2 12 a"), t), 0);
}

static void a_text_of_any_bytes_gives_words_within_bounds(void **state) {
    (void)state;
    struct suspense_token t[SUSPENSE_TOKENS_MAX];
    char text[4000];
    uint32_t seed = 42;
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = round % 2 ? (char)(seed >> 24) : "AB 12-3./x"[(seed >> 24) % 10];
        }
        size_t n = suspense_tokens(bytes_make(text, (size_t)(seed >> 8) % sizeof text), t);
        assert_true(n <= SUSPENSE_TOKENS_MAX);
        for (size_t i = 0; i < n; i++) assert_true(memchr(t[i].text, 0, sizeof t[i].text) != NULL && *t[i].text);
    }
}

/* ---- ages ----------------------------------------------------------------------------------------------------- */

//= RULES.md R-PAY-2c
//  Ages of money in suspense, in days since it was received: 0–1, 2–7, 8–30, 31–90, over 90
static void an_age_begins_on_its_first_day(void **state) {
    (void)state;
    const struct {
        int32_t days;
        int age;
    } cases[] = {{-1, 0}, {0, 0}, {1, 0}, {2, 1}, {7, 1}, {8, 2}, {30, 2}, {31, 3}, {90, 3}, {91, 4}, {10000, 4}};
    const civil_date today = {20000};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(suspense_age((civil_date){today.days - cases[i].days}, today), cases[i].age);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_event_does_what_the_matrix_says),
        cmocka_unit_test(nobody_decides_about_money_alone),
        cmocka_unit_test(the_machine_names_itself_and_draws_its_diagram),
        cmocka_unit_test(accounts_are_ranked_by_all_that_speaks_for_them),
        cmocka_unit_test(the_order_of_hints_never_shows_and_the_best_stay),
        cmocka_unit_test(numbers_and_plates_are_found_in_what_a_payer_writes),
        cmocka_unit_test(a_text_of_any_bytes_gives_words_within_bounds),
        cmocka_unit_test(an_age_begins_on_its_first_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
