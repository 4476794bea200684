/* SPDX-License-Identifier: Apache-2.0 */
/* CheckIn from the outside: over TLS, with tokens, under row-level security. */
#include "tests/support/check_in_request.h"

#include "server/domain/fate_bits.h"

static struct rig rig;
static agency_id agency, other_agency;
static user_id collector, colleague, stranger, supervisor;
static struct rig_phone phone, colleague_phone, stranger_phone;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    other_agency = rig_agency(&rig, "Bumi");
    collector = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
    colleague = rig_user(&rig, agency, "citra", ROLE_COLLECTOR);
    supervisor = rig_user(&rig, agency, "sari", ROLE_SUPERVISOR);
    stranger = rig_user(&rig, other_agency, "joko", ROLE_COLLECTOR);
    phone = rig_phone(&rig, agency, collector);
    colleague_phone = rig_phone(&rig, agency, colleague);
    stranger_phone = rig_phone(&rig, other_agency, stranger);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static visit_id visit_of(user_id user) {
    return rig_visit(&rig, agency, rig_account(&rig, agency, &(struct rig_account){.collector = user}), user);
}

static struct rig_answer call(const char *token, const void *request) {
    return rig_call(&rig, token, "CheckInService/CheckIn", request);
}

static long long rows_of(const char *id) {
    char sql[128];
    snprintf(sql, sizeof sql, "select count(*) from check_in where check_in_id = '%s'", id);
    return pg_number(&rig.pg, sql);
}

/* ---- what it is for ------------------------------------------------------------------------------------------- */

//= RULES.md R-CHK-2
//  Verdict: p ≥ 0.8 INSIDE
static void standing_at_the_address_is_inside_and_arrives(void **state) {
    (void)state;
    struct check_in_build b;
    visit_id visit = visit_of(collector);
    struct rig_answer a = call(phone.token, check_in_of(&b, visit));
    assert_answer(a, OK);
    const Tagih__V1__CheckInResponse *r = a.response;
    assert_string_equal(r->check_in_id, b.id);
    assert_int_equal(r->verdict, TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_INSIDE);
    assert_true(r->p_ppm > 990000 && r->p_ppm <= 1000000);
    assert_int_equal(r->distance_mm, 0);
    char sql[256];
    snprintf(sql, sizeof sql, "select state from visit_state where visit_id = '%s'", b.visit);
    assert_int_equal(pg_number(&rig.pg, sql), 2);
    snprintf(sql, sizeof sql, "select count(*) from change where kind = 20 and object_id = '%s'", b.id);
    assert_int_equal(pg_number(&rig.pg, sql), 1);
}

static void ten_kilometres_away_is_outside(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    b.fixes[0].lat_e7 += 900000;
    struct rig_answer a = call(phone.token, &b.request);
    assert_answer(a, OK);
    assert_int_equal(((Tagih__V1__CheckInResponse *)a.response)->verdict,
                     TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_OUTSIDE);
}

static void the_same_call_again_gets_the_same_answer_and_one_row(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    struct rig_answer first = call(phone.token, &b.request), second = call(phone.token, &b.request);
    assert_answer(first, OK);
    assert_answer(second, OK);
    uint8_t one[512], two[512];
    assert_true(first.response_bytes <= sizeof one);
    assert_int_equal(first.response_bytes, second.response_bytes);
    protobuf_c_message_pack(first.response, one);
    protobuf_c_message_pack(second.response, two);
    assert_memory_equal(one, two, first.response_bytes);
    assert_int_equal(rows_of(b.id), 1);
}

static void an_id_used_again_with_other_content_is_refused(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    assert_answer(call(phone.token, &b.request), OK);
    b.fixes[0].lat_e7 += 1;
    struct rig_answer a = call(phone.token, &b.request);
    assert_answer(a, REQUEST_ID_REUSED);
    assert_int_equal(a.status, CALL_FAILED_PRECONDITION);
    assert_int_equal(rows_of(b.id), 1);
}

//= RULES.md R-CHK-3
//  Nothing is dropped, corrected or unpaid by the program alone; the result does not depend on arrival order
static void a_late_neighbour_gets_its_successor_assessed_again(void **state) {
    (void)state;
    struct check_in_build early, late;
    int64_t now = clock_now().us;
    check_in_of(&late, visit_of(collector));
    late.request.device_us = now - 10 * US_PER_S;
    late.fixes[0].fix_us = now - 10 * US_PER_S;
    struct rig_answer a = call(phone.token, &late.request);
    assert_answer(a, OK);
    uint32_t before = ((Tagih__V1__CheckInResponse *)a.response)->score;
    check_in_of(&early, visit_of(collector));
    early.request.device_us = now - 20 * US_PER_S;
    early.fixes[0].fix_us = now - 20 * US_PER_S;
    early.fixes[0].lat_e7 += 900000; /* 10 km in 10 s */
    assert_answer(call(phone.token, &early.request), OK);
    Tagih__V1__GetCheckInRequest get = TAGIH__V1__GET_CHECK_IN_REQUEST__INIT;
    get.check_in_id = late.id;
    a = rig_call(&rig, rig_staff_token(&rig, agency, supervisor, 0), "CheckInService/GetCheckIn", &get);
    assert_answer(a, OK);
    const Tagih__V1__GetCheckInResponse *r = a.response;
    assert_int_equal(r->assessments, 2);
    assert_int_equal(r->check_in->score, before + 20);
}

//= RULES.md R-TIM-3a
//  An unsigned call's proven contact is the issue of its access token, its received time is the call's own …: value
//  instant = clamp(device time, token issued, received).
static void a_wrong_clock_is_held_between_the_tokens_issue_and_now(void **state) {
    (void)state;
    static const int64_t off_s[] = {-3600, 3600};
    for (size_t i = 0; i < COUNT_OF(off_s); i++) {
        struct check_in_build b;
        int64_t now = clock_now().us;
        check_in_of(&b, visit_of(collector));
        b.request.device_us = b.fixes[0].fix_us = now + off_s[i] * US_PER_S;
        struct rig_answer a = call(rig_device_token(&rig, &phone, 600), &b.request);
        assert_answer(a, OK);
        int64_t off_us = ((Tagih__V1__CheckInResponse *)a.response)->value_us - now;
        if (off_s[i] < 0) assert_true(off_us >= -602 * US_PER_S && off_us <= -598 * US_PER_S);
        else assert_true(off_us >= 0 && off_us < 30 * US_PER_S);
    }
}

/* ---- who may -------------------------------------------------------------------------------------------------- */

static void a_colleagues_visit_and_one_that_is_not_there_look_the_same(void **state) {
    (void)state;
    struct check_in_build b;
    struct rig_answer theirs = call(phone.token, check_in_of(&b, visit_of(colleague)));
    assert_answer(theirs, NOT_PERMITTED);
    assert_int_equal(theirs.status, CALL_PERMISSION_DENIED);
    struct rig_answer nobodys = call(phone.token, check_in_of(&b, (visit_id){rig_id()}));
    assert_answer(nobodys, NOT_PERMITTED);
    assert_string_equal(theirs.message, nobodys.message);
    assert_int_equal(rows_of(b.id), 0);
}

static void agencies_do_not_see_each_other(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    assert_answer(call(phone.token, &b.request), OK);
    assert_answer(call(stranger_phone.token, &b.request), NOT_PERMITTED);
    Tagih__V1__GetCheckInRequest get = TAGIH__V1__GET_CHECK_IN_REQUEST__INIT;
    get.check_in_id = b.id;
    user_id other_boss = rig_user(&rig, other_agency, NULL, ROLE_SUPERVISOR);
    const char *token = rig_staff_token(&rig, other_agency, other_boss, 0);
    assert_answer(rig_call(&rig, token, "CheckInService/GetCheckIn", &get), NOT_PERMITTED);
    assert_answer(rig_call(&rig, colleague_phone.token, "CheckInService/GetCheckIn", &get), NOT_PERMITTED);
    assert_answer(rig_call(&rig, phone.token, "CheckInService/GetCheckIn", &get), OK);
}

static void the_serving_role_itself_sees_no_row_without_its_agency(void **state) {
    (void)state;
    struct check_in_build b;
    assert_answer(call(phone.token, check_in_of(&b, visit_of(collector))), OK);
    char sql[256];
    pg_exec(&rig.pg, "set role tagih_app");
    assert_int_equal(pg_number(&rig.pg, "select count(*) from check_in"), 0);
    snprintf(sql, sizeof sql, "set app.agency_id = '%s'", rig_text(other_agency.u));
    pg_exec(&rig.pg, sql);
    assert_int_equal(rows_of(b.id), 0);
    snprintf(sql, sizeof sql, "set app.agency_id = '%s'", rig_text(agency.u));
    pg_exec(&rig.pg, sql);
    assert_int_equal(rows_of(b.id), 1);
    pg_exec(&rig.pg, "reset role; reset app.agency_id");
}

static void without_a_token_nobody_calls(void **state) {
    (void)state;
    struct check_in_build b;
    struct rig_answer a = call(NULL, check_in_of(&b, visit_of(collector)));
    assert_answer(a, TOKEN_MISSING);
    assert_int_equal(a.status, CALL_UNAUTHENTICATED);
    assert_string_equal(a.token, "token.missing");
    assert_answer(call("AAAA", &b.request), TOKEN_INVALID);
    assert_answer(call("not base64 at all", &b.request), TOKEN_INVALID);
    char forged[RIG_TOKEN_SIZE];
    snprintf(forged, sizeof forged, "%s", phone.token);
    forged[strlen(forged) - 5] = forged[strlen(forged) - 5] == 'A' ? 'B' : 'A';
    assert_answer(call(forged, &b.request), TOKEN_INVALID);
    assert_int_equal(rows_of(b.id), 0);
}

/* By more than 5 minutes before the call's token, or after now (a journal's check-in is flagged with its entry). */
static void a_clock_that_is_off_is_flagged(void **state) {
    (void)state;
    static const struct {
        int64_t in_s;
        bool flagged;
    } cases[] = {{-370, true}, {-350, false}, {0, false}, {290, false}, {310, true}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct check_in_build b;
        check_in_of(&b, visit_of(collector));
        b.request.device_us += cases[i].in_s * US_PER_S;
        assert_answer(call(rig_device_token(&rig, &phone, 60), &b.request), OK);
        char sql[200];
        snprintf(sql, sizeof sql, "select flags from check_in where check_in_id = '%s'", b.id);
        assert_int_equal(((uint64_t)pg_number(&rig.pg, sql) & fate_bit(REASON_CLOCK)) != 0, cases[i].flagged);
    }
}

/* Once verified, a token is known by its hash: until it ends, and no longer. */
static void a_token_that_was_used_ends_all_the_same(void **state) {
    (void)state;
    struct check_in_build b;
    char token[RIG_TOKEN_SIZE];
    snprintf(token, sizeof token, "%s", rig_device_token(&rig, &phone, 898));
    assert_answer(call(token, check_in_of(&b, visit_of(collector))), OK);
    nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 50000000}, NULL);
    assert_answer(call(token, check_in_of(&b, visit_of(collector))), TOKEN_EXPIRED);
}

static void a_token_ends_after_a_quarter_of_an_hour(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    assert_answer(call(rig_device_token(&rig, &phone, 901), &b.request), TOKEN_EXPIRED);
    assert_answer(call(rig_device_token(&rig, &phone, 890), &b.request), OK);
}

static void a_revoked_phone_is_refused_on_its_next_call(void **state) {
    (void)state;
    struct check_in_build b;
    struct rig_phone lost = rig_phone(&rig, agency, collector);
    assert_answer(call(lost.token, check_in_of(&b, visit_of(collector))), OK);
    char sql[128];
    snprintf(sql, sizeof sql, "update device_state set state = 4 where device_id = '%s'", rig_text(lost.device.u));
    pg_exec(&rig.pg, sql);
    struct rig_answer a = call(lost.token, check_in_of(&b, visit_of(collector)));
    assert_answer(a, CALLER_REVOKED);
    assert_int_equal(a.status, CALL_UNAUTHENTICATED);
    assert_int_equal(rows_of(b.id), 0);
}

static void a_suspended_user_is_refused_on_his_next_call(void **state) {
    (void)state;
    struct check_in_build b;
    user_id user = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    struct rig_phone his = rig_phone(&rig, agency, user);
    assert_answer(call(his.token, check_in_of(&b, visit_of(user))), OK);
    char sql[128];
    snprintf(sql, sizeof sql, "update staff_state set state = 2 where user_id = '%s'", rig_text(user.u));
    pg_exec(&rig.pg, sql);
    assert_answer(call(his.token, check_in_of(&b, visit_of(user))), CALLER_REVOKED);
}

static void only_field_staff_with_a_phone_check_in(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(supervisor));
    struct rig_phone boss_phone = rig_phone(&rig, agency, supervisor);
    assert_answer(call(boss_phone.token, &b.request), NOT_PERMITTED);
    assert_answer(call(rig_staff_token(&rig, agency, supervisor, 0), &b.request), NOT_PERMITTED);
    assert_answer(call(rig_staff_token(&rig, agency, collector, 0), &b.request), NOT_PERMITTED);
    assert_int_equal(rows_of(b.id), 0);
}

/* ---- bad input ------------------------------------------------------------------------------------------------ */

static void expect_problem(const Tagih__V1__CheckInRequest *request, const char *reason, const char *field) {
    struct rig_answer a = call(phone.token, request);
    assert_string_equal(a.reason, reason);
    assert_int_equal(a.status, CALL_INVALID_ARGUMENT);
    assert_string_equal(a.field, field);
}

static void a_check_in_carries_1_to_30_fixes(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    b.request.n_fixes = 0;
    expect_problem(&b.request, "CHECK_IN_FIX_COUNT", "fixes");
    b.request.n_fixes = 31;
    expect_problem(&b.request, "CHECK_IN_FIX_COUNT", "fixes");
    b.request.n_fixes = 30;
    assert_answer(call(phone.token, &b.request), OK);
}

static void absurd_values_are_named_by_their_field(void **state) {
    (void)state;
    struct check_in_build b;
    visit_id visit = visit_of(collector);
    check_in_of(&b, visit)->n_fixes = 3;
    b.fixes[2].lat_e7 = 900000001;
    expect_problem(&b.request, "GEO_POSITION_RANGE", "fixes[2]");
    check_in_of(&b, visit);
    b.fixes[0].lon_e7 = INT32_MIN;
    expect_problem(&b.request, "GEO_POSITION_RANGE", "fixes[0]");
    check_in_of(&b, visit);
    b.fixes[0].accuracy_mm = 0;
    expect_problem(&b.request, "FIX_ACCURACY", "fixes[0]");
    check_in_of(&b, visit);
    b.fixes[0].fix_us = -1;
    expect_problem(&b.request, "FIX_TIME", "fixes[0]");
    check_in_of(&b, visit)->device_us = INT64_MAX;
    expect_problem(&b.request, "REQUEST_TIME", "device_us");
    check_in_of(&b, visit)->mono_us = -1;
    expect_problem(&b.request, "REQUEST_FIELD_RANGE", "mono_us");
    check_in_of(&b, visit)->boot_id.len = 0;
    expect_problem(&b.request, "REQUEST_FIELD_RANGE", "boot_id");
    check_in_of(&b, visit)->visit_id = (char *)(uintptr_t) "";
    expect_problem(&b.request, "REQUEST_FIELD_MISSING", "visit_id");
    check_in_of(&b, visit)->check_in_id = (char *)(uintptr_t) "7";
    expect_problem(&b.request, "ID_SYNTAX", "check_in_id");
    check_in_of(&b, visit);
    b.fixes[0].provider = (Tagih__V1__FixProvider)77;
    struct rig_answer a = call(phone.token, &b.request);
    assert_answer(a, REQUEST_ENUM);
    assert_int_equal(a.status, CALL_INVALID_ARGUMENT);
}

static struct rig_answer call_raw(const void *data, size_t len) {
    struct bytes raw = bytes_make(data, len);
    return rig_call_with(&rig, "CheckInService/CheckIn", NULL, &(struct rig_call_options){.token = phone.token, .raw = &raw});
}

static void bytes_that_are_no_message_are_refused(void **state) {
    (void)state;
    struct check_in_build b;
    uint8_t packed[512];
    size_t len = protobuf_c_message_pack(&check_in_of(&b, visit_of(collector))->base, packed);
    assert_answer(call_raw(packed, len - 1), REQUEST_MALFORMED);
    assert_answer(call_raw(packed, 20), REQUEST_MALFORMED);
    assert_answer(call_raw("\x0a\x02\xff\xfe", 4), REQUEST_TEXT);
    assert_answer(call_raw("\x0a\x02" "a\0", 4), REQUEST_TEXT);
    assert_answer(call_raw("", 0), REQUEST_FIELD_MISSING);
    assert_answer(call_raw(packed, len), OK);
}

static void a_method_that_nobody_serves_says_so(void **state) {
    (void)state;
    struct bytes raw = bytes_text("");
    struct rig_call_options options = {.token = phone.token, .raw = &raw};
    struct rig_answer a = rig_call_with(&rig, "CheckInService/CheckOut", NULL, &options);
    assert_answer(a, CALL_METHOD_UNKNOWN);
    assert_int_equal(a.status, CALL_UNIMPLEMENTED);
}

static void a_call_without_time_is_not_begun(void **state) {
    (void)state;
    struct check_in_build b;
    check_in_of(&b, visit_of(collector));
    struct rig_call_options options = {.token = phone.token, .timeout_us = 10 * US_PER_MS};
    struct rig_answer a = rig_call_with(&rig, "CheckInService/CheckIn", &b.request, &options);
    assert_int_equal(a.status, CALL_DEADLINE_EXCEEDED);
    assert_int_equal(rows_of(b.id), 0);
}

static void the_edges_socket_serves_the_same(void **state) {
    (void)state;
    struct check_in_build b;
    struct rig_call_options options = {.token = phone.token, .edge = true};
    assert_answer(rig_call_with(&rig, "CheckInService/CheckIn", check_in_of(&b, visit_of(collector)), &options), OK);
    assert_int_equal(rows_of(b.id), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing_at_the_address_is_inside_and_arrives),
        cmocka_unit_test(ten_kilometres_away_is_outside),
        cmocka_unit_test(the_same_call_again_gets_the_same_answer_and_one_row),
        cmocka_unit_test(an_id_used_again_with_other_content_is_refused),
        cmocka_unit_test(a_late_neighbour_gets_its_successor_assessed_again),
        cmocka_unit_test(a_wrong_clock_is_held_between_the_tokens_issue_and_now),
        cmocka_unit_test(a_colleagues_visit_and_one_that_is_not_there_look_the_same),
        cmocka_unit_test(agencies_do_not_see_each_other),
        cmocka_unit_test(the_serving_role_itself_sees_no_row_without_its_agency),
        cmocka_unit_test(without_a_token_nobody_calls),
        cmocka_unit_test(a_clock_that_is_off_is_flagged),
        cmocka_unit_test(a_token_that_was_used_ends_all_the_same),
        cmocka_unit_test(a_token_ends_after_a_quarter_of_an_hour),
        cmocka_unit_test(a_revoked_phone_is_refused_on_its_next_call),
        cmocka_unit_test(a_suspended_user_is_refused_on_his_next_call),
        cmocka_unit_test(only_field_staff_with_a_phone_check_in),
        cmocka_unit_test(a_check_in_carries_1_to_30_fixes),
        cmocka_unit_test(absurd_values_are_named_by_their_field),
        cmocka_unit_test(bytes_that_are_no_message_are_refused),
        cmocka_unit_test(a_method_that_nobody_serves_says_so),
        cmocka_unit_test(a_call_without_time_is_not_begun),
        cmocka_unit_test(the_edges_socket_serves_the_same),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
