/* SPDX-License-Identifier: Apache-2.0 */
/* What a payout run pays a collector, and the states that lead there. */
#include "support/case.h"

#include "server/domain/bonus_payout.h"
#include "server/domain/bonus_state.h"

#define RP(rupiah) (INT64_C(100) * (rupiah))

static const struct payout_rules rules = {.tax_bp = PAYOUT_TAX_BP_DEFAULT,
                                          .deduct_max_bp = PAYOUT_DEDUCT_BP_DEFAULT};

static currency money(const char *code) {
    currency out;
    assert_ok(currency_parse(bytes_text(code), &out));
    return out;
}

static struct payout run(const int64_t *groups, size_t n, int64_t carried_minor) {
    struct payout out = {.carried_in_minor = carried_minor};
    assert_ok(payout_work_out(money("IDR"), &rules, groups, n, &out));
    assert_int_equal(out.earned_minor - out.owed_minor, out.paid_minor + out.carried_out_minor);
    assert_int_equal(out.paid_minor, out.net_minor + out.tax_minor);
    return out;
}

//= RULES.md R-BON-9
//  paying moves payable to bank and tax withheld.
static void a_payout_withholds_the_tax(void **state) {
    (void)state;
    const int64_t groups[] = {RP(600000), RP(400000)};
    struct payout out = run(groups, 2, 0); /* J18 */
    assert_int_equal(out.paid_minor, RP(1000000));
    assert_int_equal(out.tax_minor, RP(50000));
    assert_int_equal(out.net_minor, RP(950000));
    assert_int_equal(out.carried_out_minor, 0);
}

//= RULES.md R-BON-9
//  A negative payable is carried, deducted from later runs by at most 50 % of a run **(default)**
//= RULES.md R-BON-9a
//  a sum above zero is earned, one below is owed.
static void what_is_owed_back_takes_half_a_run_at_most(void **state) {
    (void)state;
    const int64_t clawback[] = {-RP(120000)}, good[] = {RP(1000000)}, poor[] = {RP(200000)};
    struct payout out = run(clawback, 1, 0); /* J17: nothing to pay, 120 000 carried */
    assert_int_equal(out.paid_minor, 0);
    assert_int_equal(out.carried_out_minor, -RP(120000));
    assert_int_equal(run(good, 1, out.carried_out_minor).paid_minor, RP(880000));
    assert_int_equal(run(good, 1, out.carried_out_minor).carried_out_minor, 0);
    out = run(poor, 1, out.carried_out_minor);
    assert_int_equal(out.deducted_minor, RP(100000));
    assert_int_equal(out.paid_minor, RP(100000));
    assert_int_equal(out.carried_out_minor, -RP(20000));
    const int64_t mixed[] = {RP(300000), -RP(50000), RP(100000), -RP(10000)};
    out = run(mixed, 4, -RP(20000));
    assert_int_equal(out.earned_minor, RP(400000));
    assert_int_equal(out.owed_minor, RP(80000));
    assert_int_equal(out.paid_minor, RP(320000));
    assert_int_equal(run(NULL, 0, 0).paid_minor, 0);
}

//= RULES.md R-MON-4
//  Payouts are whole rupiah, rounded down, the rest carried.
static void the_part_of_a_rupiah_waits_for_the_next_run(void **state) {
    (void)state;
    const int64_t first[] = {RP(1000) + 60}, second[] = {RP(1000) + 50};
    struct payout out = run(first, 1, 0);
    assert_int_equal(out.paid_minor, RP(1000));
    assert_int_equal(out.tax_minor, RP(50));
    assert_int_equal(out.carried_out_minor, 60);
    out = run(second, 1, out.carried_out_minor);
    assert_int_equal(out.paid_minor, RP(1001));
    assert_int_equal(out.carried_out_minor, 10);
    // 5 % of 1 010 is 50.5: half to even; of 1 030 it is 51.5
    const int64_t half[] = {RP(1010)}, other[] = {RP(1030)};
    assert_int_equal(run(half, 1, 0).tax_minor, RP(50));
    assert_int_equal(run(other, 1, 0).tax_minor, RP(52));
}

//= RULES.md R-MON-3
//  Overflow, negative amounts where none may be, and mixed currencies are errors, never wrapped.
static void impossible_payouts_are_refused(void **state) {
    (void)state;
    const int64_t much[] = {INT64_MAX, 1}, less[] = {INT64_MIN, -1};
    struct payout out = {.paid_minor = 7};
    assert_fails(payout_work_out(money("IDR"), &rules, much, 2, &out), MONEY_OVERFLOW);
    assert_fails(payout_work_out(money("IDR"), &rules, less, 2, &out), MONEY_OVERFLOW);
    assert_fails(payout_work_out(money("IDR"), &(struct payout_rules){10001, 0}, much, 1, &out), BONUS_RANGE);
    assert_fails(payout_work_out(money("IDR"), &(struct payout_rules){0, -1}, much, 1, &out), BONUS_RANGE);
    assert_int_equal(out.paid_minor, 7);
}

/* ---- states
 * --------------------------------------------------------------------------------------------------- */

//= RULES.md R-BON-6
//  States of a line: PROVISIONAL → LOCKED → APPROVED → PAID
static void a_line_goes_one_way_one_step_at_a_time(void **state) {
    (void)state;
    static const enum bonus_state next[BONUS_STATE_END][BONUS_EVENT_END] = {
        [BONUS_PROVISIONAL] = {[BONUS_CLOSE] = BONUS_LOCKED},
        [BONUS_LOCKED] = {[BONUS_APPROVE] = BONUS_APPROVED},
        [BONUS_APPROVED] = {[BONUS_PAY] = BONUS_PAID}};
    const struct bonus_state_facts fine = {.confirmed = true};
    for (int from = 0; from < BONUS_STATE_END; from++) {
        for (int event = 0; event < BONUS_EVENT_END; event++) {
            enum bonus_state to = 0;
            tagih_err err = bonus_state_apply((enum bonus_state)from, (enum bonus_event)event, &fine, &to);
            if (next[from][event])
                assert_ok(err);
            else
                assert_fails(err, BONUS_ILLEGAL_TRANSITION);
            assert_int_equal(to, next[from][event]);
        }
    }
}

//= RULES.md R-BON-6
//  Close LOCKs PROVISIONAL lines too, but APPROVED and PAID need CONFIRMED.
static void what_nobody_has_seen_is_locked_and_not_approved(void **state) {
    (void)state;
    const struct bonus_state_facts unseen = {.confirmed = false}, held = {.confirmed = true, .on_hold = true};
    enum bonus_state to;
    assert_ok(bonus_state_apply(BONUS_PROVISIONAL, BONUS_CLOSE, &unseen, &to));
    assert_ok(bonus_state_apply(BONUS_PROVISIONAL, BONUS_CLOSE, &held, &to));
    assert_fails(bonus_state_apply(BONUS_LOCKED, BONUS_APPROVE, &unseen, &to), BONUS_NOT_CONFIRMED);
    assert_fails(bonus_state_apply(BONUS_APPROVED, BONUS_PAY, &unseen, &to), BONUS_NOT_CONFIRMED);
    assert_fails(bonus_state_apply(BONUS_LOCKED, BONUS_APPROVE, &held, &to), BONUS_ON_HOLD);
    assert_fails(bonus_state_apply(BONUS_APPROVED, BONUS_PAY, &held, &to), BONUS_ON_HOLD);
}

static void the_machine_draws_itself(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[8192];
    struct arena arena;
    const char *text;
    arena_init(&arena, memory, sizeof memory);
    assert_ok(bonus_state_print_mermaid(&arena, &text));
    for (size_t i = 0; bonus_edge_at(i); i++) assert_non_null(strstr(text, bonus_edge_at(i)->why));
    assert_non_null(strstr(text, "LOCKED --> APPROVED: approve"));
    assert_string_equal(bonus_state_name((enum bonus_state)9), "?");
    assert_string_equal(bonus_event_name((enum bonus_event)9), "?");
    arena_init(&arena, memory, 64);
    assert_fails(bonus_state_print_mermaid(&arena, &text), OUT_OF_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payout_withholds_the_tax),
        cmocka_unit_test(what_is_owed_back_takes_half_a_run_at_most),
        cmocka_unit_test(the_part_of_a_rupiah_waits_for_the_next_run),
        cmocka_unit_test(impossible_payouts_are_refused),
        cmocka_unit_test(a_line_goes_one_way_one_step_at_a_time),
        cmocka_unit_test(what_nobody_has_seen_is_locked_and_not_approved),
        cmocka_unit_test(the_machine_draws_itself),
    };
    return cmocka_run_group_tests_name("bonus_payout", tests, NULL, NULL);
}
