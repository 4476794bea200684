/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a run: flags over environment over defaults, and nothing unknown is passed over. */
#include "server/run/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LINE(...) ((char *[]){__VA_ARGS__, NULL})

struct run {
    struct config config;
    struct config_problem problem;
    char *args[16];
    int n_args;
    tagih_err err;
};

static struct run read_with(char *const *env, const struct config_flag *flags, char *const *args) {
    struct run run = {.n_args = 0};
    while (args[run.n_args]) {
        run.args[run.n_args] = args[run.n_args];
        run.n_args++;
    }
    run.err = config_read(run.args, &run.n_args, env, flags, &run.config, &run.problem);
    return run;
}

#define READ(env, ...) read_with(env, NULL, (char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define NO_ENV ((char *[]){NULL})

static void without_words_the_defaults_of_the_table_hold(void **state) {
    (void)state;
    struct run run = READ(NO_ENV);
    assert_true(err_is_ok(run.err));
    assert_int_equal(run.config.workers, 4);
    assert_int_equal(run.config.dev, 0);
    assert_string_equal(run.config.keys_dir, "/etc/tagih/keys");
    assert_string_equal(run.config.database_url, "");
}

static void a_flag_wins_over_the_environment(void **state) {
    (void)state;
    struct run run = READ(LINE("TAGIH_WORKERS=9", "TAGIH_RING=128", "HOME=/"), "--workers", "7");
    assert_true(err_is_ok(run.err));
    assert_int_equal(run.config.workers, 7);
    assert_int_equal(run.config.ring, 128);
}

static void a_value_may_stand_behind_an_equals_sign_and_hold_others(void **state) {
    (void)state;
    struct run run = READ(NO_ENV, "--database-url=host=/tmp dbname=x");
    assert_true(err_is_ok(run.err));
    assert_string_equal(run.config.database_url, "host=/tmp dbname=x");
}

static void an_unknown_variable_refuses_and_names_the_nearest(void **state) {
    (void)state;
    struct run run = READ(LINE("TAGIH_WORKER=9"));
    assert_true(err_is(run.err, ERR_CONFIG_UNKNOWN));
    assert_string_equal(run.problem.text, "unknown setting TAGIH_WORKER; did you mean TAGIH_WORKERS?");
}

static void an_unknown_flag_refuses_and_names_the_nearest(void **state) {
    (void)state;
    struct run run = READ(NO_ENV, "--wrokers", "7");
    assert_true(err_is(run.err, ERR_CONFIG_UNKNOWN));
    assert_string_equal(run.problem.text, "unknown flag --wrokers; did you mean --workers?");
    run = READ(NO_ENV, "--zzzzzzzzzzzzzzzz");
    assert_true(err_is(run.err, ERR_CONFIG_UNKNOWN));
    assert_string_equal(run.problem.text, "unknown flag --zzzzzzzzzzzzzzzz; --help lists what there is");
}

/* Of --to nobody means --log, of --dve hardly --dev: a suggestion that is none sends people astray. */
static void a_short_flag_is_near_to_few(void **state) {
    (void)state;
    static const struct {
        const char *flag, *text;
    } flags[] = {{"--logg", "unknown flag --logg; did you mean --log?"}, {"--de", "unknown flag --de; did you mean --dev?"},
                 {"--to", "unknown flag --to; --help lists what there is"}, {"--json", "unknown flag --json; --help lists what there is"},
                 {"-x", "unknown flag -x; --help lists what there is"}, {"--tls-cret", "unknown flag --tls-cret; did you mean --tls-cert?"}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct run run = READ(NO_ENV, (char *)(uintptr_t)flags[i].flag, "7");
        assert_true(err_is(run.err, ERR_CONFIG_UNKNOWN));
        assert_string_equal(run.problem.text, flags[i].text);
    }
}

static void names_of_the_tests_are_let_pass(void **state) {
    (void)state;
    struct run run = READ(LINE("TAGIH_DATA=/data", "TAGIH_TEST_PG=host=/tmp"));
    assert_true(err_is_ok(run.err));
}

static void numbers_outside_their_range_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"0",  "257", "", "4x", " ", "0x10", "99999999999999999999",
                                        "-1", "3.5"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct run run = READ(NO_ENV, "--workers", (char *)wrong[i]);
        assert_true(err_is(run.err, ERR_CONFIG_VALUE));
        assert_string_equal(run.problem.text, "--workers (TAGIH_WORKERS) is a whole number from 1 to 256");
    }
}

static void a_wrong_value_is_never_repeated_in_the_message(void **state) {
    (void)state;
    char secret[4200];
    memset(secret, 's', sizeof secret - 1);
    secret[sizeof secret - 1] = '\0';
    struct run run = READ(NO_ENV, "--database-url", secret);
    assert_true(err_is(run.err, ERR_CONFIG_VALUE));
    assert_null(strstr(run.problem.text, "sss"));
}

static void a_flag_without_its_value_is_refused(void **state) {
    (void)state;
    struct run run = READ(NO_ENV, "--workers");
    assert_true(err_is(run.err, ERR_CONFIG_VALUE));
    assert_string_equal(run.problem.text, "--workers needs a value");
}

static void a_switch_takes_no_value(void **state) {
    (void)state;
    struct run run = READ(NO_ENV, "--dev", "left");
    assert_true(err_is_ok(run.err));
    assert_int_equal(run.config.dev, 1);
    assert_int_equal(run.n_args, 1);
    assert_string_equal(run.args[0], "left");
}

static void a_subcommand_has_flags_of_its_own(void **state) {
    (void)state;
    const char *as_of = NULL, *quiet = NULL;
    const struct config_flag flags[] = {
        {"--as-of", "DATE", "the day", &as_of}, {"--quiet", NULL, "say less", &quiet}, {0}};
    struct run run =
        read_with(NO_ENV, flags, LINE("a.csv", "--as-of", "2005-09-30", "--quiet", "--", "--as-of"));
    assert_true(err_is_ok(run.err));
    assert_string_equal(as_of, "2005-09-30");
    assert_string_equal(quiet, "1");
    assert_int_equal(run.n_args, 2);
    assert_string_equal(run.args[0], "a.csv");
    assert_string_equal(run.args[1], "--as-of");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_words_the_defaults_of_the_table_hold),
        cmocka_unit_test(a_flag_wins_over_the_environment),
        cmocka_unit_test(a_value_may_stand_behind_an_equals_sign_and_hold_others),
        cmocka_unit_test(an_unknown_variable_refuses_and_names_the_nearest),
        cmocka_unit_test(an_unknown_flag_refuses_and_names_the_nearest),
        cmocka_unit_test(a_short_flag_is_near_to_few),
        cmocka_unit_test(names_of_the_tests_are_let_pass),
        cmocka_unit_test(numbers_outside_their_range_are_refused),
        cmocka_unit_test(a_wrong_value_is_never_repeated_in_the_message),
        cmocka_unit_test(a_flag_without_its_value_is_refused),
        cmocka_unit_test(a_switch_takes_no_value),
        cmocka_unit_test(a_subcommand_has_flags_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
