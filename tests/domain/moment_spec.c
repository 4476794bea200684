/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as files and gateways write them. */
#include "support/case.h"

#include "server/domain/moment.h"

#define DAY_US (INT64_C(20777) * US_PER_DAY) /* 2026-11-20 */
#define CLOCK_US(h, m, s) (INT64_C(1000000) * ((h)*3600 + (m)*60 + (s)))

//= RULES.md R-TIM-1
//  Civil dates exist only through a named time zone.
static void without_an_offset_a_moment_is_a_wall_clocks(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool is_local;
        int64_t us;
    } cases[] = {
        {"2026-11-20", true, DAY_US},
        {"2026-11-20 10:15:00", true, DAY_US + CLOCK_US(10, 15, 0)},
        {"2026-11-20T23:59:59", true, DAY_US + CLOCK_US(23, 59, 59)},
        {"2026-11-20T10:15:00.5", true, DAY_US + CLOCK_US(10, 15, 0) + 500000},
        {"2026-11-20T10:15:00Z", false, DAY_US + CLOCK_US(10, 15, 0)},
        {"2026-11-20T10:15:00.000001Z", false, DAY_US + CLOCK_US(10, 15, 0) + 1},
        {"2026-11-20T10:15:00+07:00", false, DAY_US + CLOCK_US(3, 15, 0)},
        {"2026-11-20T03:15:00+07:00", false, DAY_US - CLOCK_US(3, 45, 0)},
        {"2026-11-20T10:15:00-03:30", false, DAY_US + CLOCK_US(13, 45, 0)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct moment moment;
        assert_ok(moment_parse(bytes_text(cases[i].text), &moment));
        assert_int_equal(moment.is_local, cases[i].is_local);
        assert_int_equal(moment.us, cases[i].us);
    }
}

static void anything_else_is_no_moment(void **state) {
    (void)state;
    static const char *const cases[] = {
        "", "2026-11-2", "2026-13-01", "2026-02-30", "20-11-2026", "2026-11-20 ", "2026-11-20T", "2026-11-20 10:15",
        "2026-11-20 24:00:00", "2026-11-20 10:60:00", "2026-11-20 10:15:60", "2026-11-20T10:15:00.", "2026-11-20T10:15:00.1234567",
        "2026-11-20T10:15:00 Z", "2026-11-20T10:15:00+7", "2026-11-20T10:15:00+15:00", "2026-11-20T10:15:00+07:00x", "2026-11-20x10:15:00",
        "2026-11-20Z", "9999999999",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct moment moment = {.us = 42};
        assert_fails(moment_parse(bytes_text(cases[i]), &moment), DATE_SYNTAX);
        assert_int_equal(moment.us, 42);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_offset_a_moment_is_a_wall_clocks),
        cmocka_unit_test(anything_else_is_no_moment),
    };
    return cmocka_run_group_tests_name("moment", tests, NULL, NULL);
}
