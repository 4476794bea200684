/* SPDX-License-Identifier: Apache-2.0 */
/* Offers to settle, pure: every state by every set of facts, and what is waived. */
#include "server/domain/offer.h"

#include "tests/support/case.h"

//= RULES.md R-WAI-1
//  paid in full in time → waiver facts at that date and CLOSED(settled); else it lapses and nothing was waived; a bounce
//  lapses it again.
static void an_offer_follows_its_facts(void **state) {
    (void)state;
    static const struct {
        enum offer_state from;
        bool full, over, bounced;
        enum offer_state to;
    } cases[] = {
        {OFFER_OFFERED, false, false, false, OFFER_OFFERED},     {OFFER_OFFERED, true, true, false, OFFER_OFFERED},
        {OFFER_APPROVED, false, false, false, OFFER_APPROVED},   {OFFER_APPROVED, true, false, false, OFFER_FULFILLED},
        {OFFER_APPROVED, false, true, false, OFFER_LAPSED},      {OFFER_APPROVED, true, true, false, OFFER_FULFILLED},
        {OFFER_FULFILLED, true, false, false, OFFER_FULFILLED},  {OFFER_FULFILLED, true, true, false, OFFER_FULFILLED},
        {OFFER_FULFILLED, false, false, false, OFFER_LAPSED},    {OFFER_FULFILLED, false, true, false, OFFER_LAPSED},
        {OFFER_LAPSED, false, true, false, OFFER_LAPSED},        {OFFER_LAPSED, true, true, false, OFFER_FULFILLED},
        {OFFER_LAPSED, true, false, true, OFFER_LAPSED},         {OFFER_LAPSED, true, true, true, OFFER_LAPSED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct offer_facts facts = {cases[i].full, cases[i].over, cases[i].bounced};
        assert_int_equal(offer_next(cases[i].from, &facts), cases[i].to);
    }
}

static int64_t sum_of(const struct offer_waiver *waivers, size_t n) {
    int64_t sum_minor = 0;
    for (size_t i = 0; i < n; i++) sum_minor += waivers[i].amount_minor;
    return sum_minor;
}

static void assert_waiver(const struct offer_waiver *waiver, int32_t no, enum component component, int64_t amount_minor) {
    assert_int_equal(waiver->instalment_no, no);
    assert_int_equal(waiver->component, component);
    assert_int_equal(waiver->amount_minor, amount_minor);
}

//= RULES.md R-WAI-1a
//  the one that makes the sum full dates the waivers: of the offered parts first, then of what is still open.
static void the_offered_parts_are_waived_first(void **state) {
    (void)state;
    const int64_t offered_minor[COMPONENT_COUNT] = {[COMPONENT_FEES] = 40, [COMPONENT_INTEREST] = 400};
    const struct offer_line lines[] = {{1, {[COMPONENT_FEES] = 30, [COMPONENT_INTEREST] = 100, [COMPONENT_PRINCIPAL] = 1000}},
                                       {2, {[COMPONENT_FEES] = 10, [COMPONENT_INTEREST] = 300, [COMPONENT_PRINCIPAL] = 1000}}};
    struct offer_waiver waivers[8];
    size_t n = offer_waivers(lines, 2, offered_minor, 440, waivers);
    assert_int_equal(n, 4);
    assert_waiver(&waivers[0], 1, COMPONENT_FEES, 30);
    assert_waiver(&waivers[1], 1, COMPONENT_INTEREST, 100);
    assert_waiver(&waivers[2], 2, COMPONENT_FEES, 10);
    assert_waiver(&waivers[3], 2, COMPONENT_INTEREST, 300);
    const struct offer_line paid_before[] = {{1, {[COMPONENT_INTEREST] = 50, [COMPONENT_PRINCIPAL] = 1000}}};
    n = offer_waivers(paid_before, 1, offered_minor, 440, waivers);
    assert_int_equal(n, 2);
    assert_waiver(&waivers[0], 1, COMPONENT_INTEREST, 50);
    assert_waiver(&waivers[1], 1, COMPONENT_PRINCIPAL, 390);
    assert_int_equal(offer_waivers(lines, 2, offered_minor, 0, waivers), 0);
    assert_int_equal(offer_waivers(lines, 0, offered_minor, 440, waivers), 0);
}

static void whatever_is_open_the_need_is_met_and_nothing_more(void **state) {
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 20000; round++) {
        struct offer_line lines[4];
        struct offer_waiver waivers[16];
        int64_t offered_minor[COMPONENT_COUNT], open_minor = 0;
        size_t n = 1 + random_below(&random, 4);
        for (int c = 0; c < COMPONENT_COUNT; c++) offered_minor[c] = (int64_t)random_below(&random, 500);
        for (size_t i = 0; i < n; i++) {
            lines[i].instalment_no = (int32_t)i + 1;
            for (int c = 0; c < COMPONENT_COUNT; c++) {
                lines[i].open_minor[c] = random_below(&random, 3) ? (int64_t)random_below(&random, 300) : 0;
                open_minor += lines[i].open_minor[c];
            }
        }
        int64_t need_minor = (int64_t)random_below(&random, (uint64_t)open_minor + 1);
        size_t n_waivers = offer_waivers(lines, n, offered_minor, need_minor, waivers);
        assert_int_equal(sum_of(waivers, n_waivers), need_minor);
        for (size_t i = 0; i < n_waivers; i++) {
            assert_true(waivers[i].amount_minor > 0);
            assert_true(waivers[i].amount_minor <= lines[waivers[i].instalment_no - 1].open_minor[waivers[i].component]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_follows_its_facts),
        cmocka_unit_test(the_offered_parts_are_waived_first),
        cmocka_unit_test(whatever_is_open_the_need_is_met_and_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
