/* SPDX-License-Identifier: Apache-2.0 */
/* Staff sessions from the outside: log in, trade refresh tokens, lose replies, be stopped. */
#include <pthread.h>
#include <time.h>

#include "contract.h"
#include "server/run/clock.h"
#include "server/run/password.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

#define PASSWORD "correct horse battery"

static struct rig rig;
static agency_id agency;
static char hash[PASSWORD_HASH_SIZE]; /* of PASSWORD, made once: it takes 90 ms */

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    assert_ok(password_hash(bytes_text(PASSWORD), hash));
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static user_id user_with_password(const char *login, uint32_t roles) {
    user_id user = rig_user(&rig, agency, login, roles);
    char sql[512];
    snprintf(sql, sizeof sql, "update staff_state set password_hash = '%s' where user_id = '%s'", hash, rig_text(user.u));
    pg_exec(&rig.pg, sql);
    return user;
}

static struct rig_answer login(const char *name, const char *password) {
    Tagih__V1__LoginRequest request = TAGIH__V1__LOGIN_REQUEST__INIT;
    request.login = (char *)(uintptr_t)name;
    request.password = (char *)(uintptr_t)password;
    return rig_call(&rig, NULL, "SessionService/Login", &request);
}

static const Tagih__V1__Tokens *logged_in(const char *name) {
    struct rig_answer a = login(name, PASSWORD);
    assert_answer(a, OK);
    return ((Tagih__V1__LoginResponse *)a.response)->tokens;
}

static struct rig_answer refresh(const char *token) {
    Tagih__V1__RefreshRequest request = TAGIH__V1__REFRESH_REQUEST__INIT;
    request.refresh_token = (char *)(uintptr_t)token;
    return rig_call(&rig, NULL, "SessionService/Refresh", &request);
}

static const char *refreshed(const char *token) {
    struct rig_answer a = refresh(token);
    assert_answer(a, OK);
    return ((Tagih__V1__RefreshResponse *)a.response)->tokens->refresh_token;
}

static struct rig_answer logout(const char *token) {
    Tagih__V1__LogoutRequest request = TAGIH__V1__LOGOUT_REQUEST__INIT;
    request.refresh_token = (char *)(uintptr_t)token;
    return rig_call(&rig, NULL, "SessionService/Logout", &request);
}

static struct rig_answer who_am_i(const char *token) {
    Tagih__V1__WhoAmIRequest request = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    return rig_call(&rig, token, "SessionService/WhoAmI", &request);
}

/* ---- Login ---------------------------------------------------------------------------------------------------- */

static void a_password_becomes_a_token_of_a_quarter_of_an_hour(void **state) {
    (void)state;
    user_id user = user_with_password("sari", ROLE_SUPERVISOR | ROLE_CASHIER);
    struct rig_answer a = login("Sari", PASSWORD);
    assert_answer(a, OK);
    const Tagih__V1__LoginResponse *r = a.response;
    assert_string_equal(r->user_id, rig_text(user.u));
    int64_t left_us = r->tokens->access_expires_us - clock_now().us;
    assert_true(left_us > 14 * US_PER_MINUTE && left_us <= 15 * US_PER_MINUTE);
    a = who_am_i(r->tokens->access_token);
    assert_answer(a, OK);
    const Tagih__V1__WhoAmIResponse *me = a.response;
    assert_string_equal(me->user_id, rig_text(user.u));
    assert_string_equal(me->agency_id, rig_text(agency.u));
    assert_string_equal(me->name, "Name of sari");
    assert_string_equal(me->device_id, "");
    assert_int_equal(me->n_roles, 2);
    assert_string_equal(me->roles[0], "supervisor");
    assert_string_equal(me->roles[1], "cashier");
}

static void a_refresh_token_is_stored_as_its_hash_alone(void **state) {
    (void)state;
    user_with_password("hash", ROLE_ADMIN);
    const Tagih__V1__Tokens *tokens = logged_in("hash");
    assert_int_equal(strlen(tokens->refresh_token), 43);
    assert_int_equal(pg_number(&rig.pg, "select min(length(token_hash)) from session"), 32);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from pg_attribute where attrelid = 'session'::regclass and attname = 'token'"), 0);
}

static void a_wrong_password_and_an_unknown_login_look_the_same(void **state) {
    (void)state;
    user_with_password("wati", ROLE_SUPERVISOR);
    rig_user(&rig, agency, "nopass", ROLE_COLLECTOR);
    struct rig_answer wrong = login("wati", "correct horse batterz"), unknown = login("nobody", PASSWORD);
    assert_answer(wrong, LOGIN_FAILED);
    assert_answer(unknown, LOGIN_FAILED);
    assert_answer(login("nopass", PASSWORD), LOGIN_FAILED);
    assert_int_equal(wrong.status, CALL_UNAUTHENTICATED);
    assert_string_equal(wrong.message, unknown.message);
}

static int64_t took_us(const char *name) {
    int64_t before = clock_monotonic_us();
    assert_answer(login(name, "some other password"), LOGIN_FAILED);
    return clock_monotonic_us() - before;
}

static void an_unknown_login_costs_the_time_of_a_known_one(void **state) {
    (void)state;
    user_with_password("timed", ROLE_SUPERVISOR);
    int64_t known = INT64_MAX, unknown = INT64_MAX; /* the best of three: noise only adds */
    for (int i = 0; i < 3; i++) {
        int64_t a = took_us("timed"), b = took_us("untimed");
        known = a < known ? a : known;
        unknown = b < unknown ? b : unknown;
    }
    assert_true(unknown > known / 2 && unknown < known * 2);
}

static void ten_failures_make_a_login_wait(void **state) {
    (void)state;
    user_with_password("locked", ROLE_SUPERVISOR);
    user_with_password("free", ROLE_SUPERVISOR);
    for (int i = 0; i < 10; i++) assert_answer(login("locked", "guess"), LOGIN_FAILED);
    struct rig_answer a = login("LOCKED", PASSWORD);
    assert_answer(a, GUESS_LIMIT);
    assert_int_equal(a.status, CALL_RESOURCE_EXHAUSTED);
    assert_true(a.retry_after_us > 14 * US_PER_MINUTE && a.retry_after_us <= 15 * US_PER_MINUTE);
    assert_answer(login("free", PASSWORD), OK);
    pg_exec(&rig.pg, "update guess_limit set window_us = window_us - 900000000 where failures > 10");
    assert_answer(login("locked", PASSWORD), OK);
}

static void the_right_password_forgets_the_wrong_ones(void **state) {
    (void)state;
    user_with_password("forgetful", ROLE_SUPERVISOR);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 6; i++) assert_answer(login("forgetful", "guess"), LOGIN_FAILED);
        assert_answer(login("forgetful", PASSWORD), OK);
    }
}

static void *guess_once(void *reason) {
    struct rig_answer a = login("stormy", "guess");
    snprintf(reason, 64, "%s", a.reason);
    return NULL;
}

static void guesses_at_once_are_counted_before_they_are_looked_at(void **state) {
    (void)state;
    user_with_password("stormy", ROLE_SUPERVISOR);
    pthread_t threads[14];
    char reasons[14][64];
    int tried = 0;
    for (int i = 0; i < 14; i++) assert_int_equal(pthread_create(&threads[i], NULL, guess_once, reasons[i]), 0);
    for (int i = 0; i < 14; i++) {
        pthread_join(threads[i], NULL);
        tried += strcmp(reasons[i], "LOGIN_FAILED") == 0;
    }
    assert_int_equal(tried, 10);
}

static void a_suspended_user_does_not_get_in(void **state) {
    (void)state;
    user_id user = user_with_password("gone", ROLE_SUPERVISOR);
    const Tagih__V1__Tokens *tokens = logged_in("gone");
    char sql[128];
    snprintf(sql, sizeof sql, "update staff_state set state = 2 where user_id = '%s'", rig_text(user.u));
    pg_exec(&rig.pg, sql);
    assert_answer(login("gone", PASSWORD), CALLER_REVOKED);
    assert_answer(login("gone", "guess"), LOGIN_FAILED);
    assert_answer(who_am_i(tokens->access_token), CALLER_REVOKED);
    assert_answer(refresh(tokens->refresh_token), CALLER_REVOKED);
}

static void login_and_password_are_text_of_some_length(void **state) {
    (void)state;
    static char huge[300];
    memset(huge, 'x', sizeof huge - 1);
    struct rig_answer a = login("", PASSWORD);
    assert_answer(a, REQUEST_FIELD_MISSING);
    assert_string_equal(a.field, "login");
    a = login("sari", huge);
    assert_answer(a, TEXT_INVALID);
    assert_string_equal(a.field, "password");
    assert_answer(login(huge, PASSWORD), TEXT_INVALID);
}

/* ---- Refresh -------------------------------------------------------------------------------------------------- */

static void refresh_tokens_rotate(void **state) {
    (void)state;
    user_with_password("rotate", ROLE_SUPERVISOR);
    const char *first = logged_in("rotate")->refresh_token, *second = refreshed(first), *third = refreshed(second);
    assert_string_not_equal(first, second);
    assert_string_not_equal(second, third);
    struct rig_answer a = refresh(third);
    assert_answer(a, OK);
    assert_answer(who_am_i(((Tagih__V1__RefreshResponse *)a.response)->tokens->access_token), OK);
}

static void a_lost_reply_gets_another_successor(void **state) {
    (void)state;
    user_with_password("lossy", ROLE_SUPERVISOR);
    const char *first = logged_in("lossy")->refresh_token;
    refreshed(first);
    refreshed(first);
    assert_answer(refresh(refreshed(first)), OK);
}

static void a_token_used_again_after_its_successor_ends_the_family(void **state) {
    (void)state;
    user_with_password("stolen", ROLE_SUPERVISOR);
    const char *first = logged_in("stolen")->refresh_token, *second = refreshed(first), *third = refreshed(second);
    struct rig_answer a = refresh(first);
    assert_answer(a, SESSION_REUSED);
    assert_int_equal(a.status, CALL_UNAUTHENTICATED);
    assert_answer(refresh(third), SESSION_OVER);
    assert_answer(refresh(first), SESSION_OVER);
    assert_answer(login("stolen", PASSWORD), OK);
}

static void a_superseded_successor_ends_the_family_too(void **state) {
    (void)state;
    user_with_password("twice", ROLE_SUPERVISOR);
    const char *first = logged_in("twice")->refresh_token, *lost = refreshed(first), *kept = refreshed(first);
    assert_answer(refresh(lost), SESSION_REUSED);
    assert_answer(refresh(kept), SESSION_OVER);
}

static void families_do_not_touch_each_other(void **state) {
    (void)state;
    user_with_password("two", ROLE_SUPERVISOR);
    const char *here = logged_in("two")->refresh_token, *there = logged_in("two")->refresh_token;
    assert_answer(logout(here), OK);
    assert_answer(refresh(here), SESSION_OVER);
    assert_answer(refresh(there), OK);
}

struct racer {
    const char *token;
    char reason[64];
};

static void *race(void *context) {
    struct racer *racer = context;
    struct rig_answer a = refresh(racer->token);
    snprintf(racer->reason, sizeof racer->reason, "%s", a.reason);
    return NULL;
}

static void one_family_has_one_working_token_whatever_races(void **state) {
    (void)state;
    user_with_password("race", ROLE_SUPERVISOR);
    struct racer racers[8];
    pthread_t threads[8];
    const char *first = logged_in("race")->refresh_token;
    for (int i = 0; i < 8; i++) {
        racers[i] = (struct racer){.token = first};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_string_equal(racers[i].reason, "OK");
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from session s join staff using (agency_id, user_id)"
                                        " where login = 'race' and replaced_us is null and revoked_us is null"), 1);
}

static void a_token_that_nobody_traded_for_a_month_is_over(void **state) {
    (void)state;
    user_id user = user_with_password("old", ROLE_SUPERVISOR);
    const char *token = logged_in("old")->refresh_token;
    char sql[160];
    snprintf(sql, sizeof sql, "update session set expires_us = issued_us where user_id = '%s'", rig_text(user.u));
    pg_exec(&rig.pg, sql);
    assert_answer(refresh(token), SESSION_OVER);
}

static void what_is_no_refresh_token_is_refused(void **state) {
    (void)state;
    assert_answer(refresh(""), REQUEST_FIELD_MISSING);
    assert_answer(refresh("short"), SESSION_OVER);
    assert_answer(refresh("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), SESSION_OVER);
    assert_answer(logout("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), SESSION_OVER);
}

static void a_dead_token_that_is_tried_again_and_again_has_to_wait(void **state) {
    (void)state;
    user_with_password("loop", ROLE_SUPERVISOR);
    const char *token = logged_in("loop")->refresh_token;
    assert_answer(logout(token), OK);
    for (int i = 0; i < 10; i++) assert_answer(refresh(token), SESSION_OVER);
    struct rig_answer a = refresh(token);
    assert_answer(a, GUESS_LIMIT);
    assert_true(a.retry_after_us > 0);
}

static void logging_out_twice_is_fine(void **state) {
    (void)state;
    user_with_password("out", ROLE_SUPERVISOR);
    const char *token = logged_in("out")->refresh_token;
    assert_answer(logout(token), OK);
    assert_answer(logout(token), OK);
}

static void a_restart_ends_no_session(void **state) {
    (void)state;
    user_with_password("stay", ROLE_SUPERVISOR);
    const Tagih__V1__Tokens *tokens = logged_in("stay");
    rig_restart(&rig);
    assert_answer(who_am_i(tokens->access_token), OK);
    assert_answer(refresh(tokens->refresh_token), OK);
}

static void the_log_holds_no_secret(void **state) {
    (void)state;
    char line[4096];
    FILE *log = fopen(rig.log_path, "r");
    assert_non_null(log);
    int lines = 0;
    while (fgets(line, sizeof line, log)) {
        lines++;
        assert_null(strstr(line, PASSWORD));
        assert_null(strstr(line, "Bearer"));
    }
    fclose(log);
    assert_true(lines > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_becomes_a_token_of_a_quarter_of_an_hour),
        cmocka_unit_test(a_refresh_token_is_stored_as_its_hash_alone),
        cmocka_unit_test(a_wrong_password_and_an_unknown_login_look_the_same),
        cmocka_unit_test(an_unknown_login_costs_the_time_of_a_known_one),
        cmocka_unit_test(ten_failures_make_a_login_wait),
        cmocka_unit_test(the_right_password_forgets_the_wrong_ones),
        cmocka_unit_test(guesses_at_once_are_counted_before_they_are_looked_at),
        cmocka_unit_test(a_suspended_user_does_not_get_in),
        cmocka_unit_test(login_and_password_are_text_of_some_length),
        cmocka_unit_test(refresh_tokens_rotate),
        cmocka_unit_test(a_lost_reply_gets_another_successor),
        cmocka_unit_test(a_token_used_again_after_its_successor_ends_the_family),
        cmocka_unit_test(a_superseded_successor_ends_the_family_too),
        cmocka_unit_test(families_do_not_touch_each_other),
        cmocka_unit_test(one_family_has_one_working_token_whatever_races),
        cmocka_unit_test(a_token_that_nobody_traded_for_a_month_is_over),
        cmocka_unit_test(what_is_no_refresh_token_is_refused),
        cmocka_unit_test(a_dead_token_that_is_tried_again_and_again_has_to_wait),
        cmocka_unit_test(logging_out_twice_is_fine),
        cmocka_unit_test(a_restart_ends_no_session),
        cmocka_unit_test(the_log_holds_no_secret),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
