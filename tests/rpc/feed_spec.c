/* SPDX-License-Identifier: Apache-2.0 */
/* The office's feed: nothing lost, nothing overtaken, waiting costs nobody a worker. */
#include "engine/cursor.h"
#include "tests/rpc/stream_case.h"

typedef Tagih__V1__ListChangesResponse list_response;
typedef Tagih__V1__WatchChangesResponse watch_response;

static struct rig rig;
static agency_id agency, other_agency;
static user_id supervisor, collector, stranger;
static const char *const list_path = "/tagih.v1.FeedService/ListChanges";
static const char *const watch_path = "/tagih.v1.FeedService/WatchChanges";

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    other_agency = rig_agency(&rig, "Bumi");
    supervisor = rig_user(&rig, agency, "sari", ROLE_SUPERVISOR);
    collector = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
    stranger = rig_user(&rig, other_agency, "joko", ROLE_ADMIN);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

static const char *office(void) {
    return rig_staff_token(&rig, agency, supervisor, 0);
}

/* A cursor between calls. */
struct place {
    uint8_t bytes[256];
    size_t len;
};

static void keep(struct place *place, ProtobufCBinaryData cursor) {
    assert_true(cursor.len > 0 && cursor.len <= sizeof place->bytes);
    memcpy(place->bytes, cursor.data, cursor.len);
    place->len = cursor.len;
}

static Tagih__V1__ListChangesRequest from(struct place *place, uint32_t wait_ms) {
    Tagih__V1__ListChangesRequest request = TAGIH__V1__LIST_CHANGES_REQUEST__INIT;
    request.cursor = (ProtobufCBinaryData){place->len, place->bytes};
    request.wait_ms = wait_ms;
    return request;
}

/* List from a place and move it on. */
static const list_response *list(struct place *place, uint32_t wait_ms) {
    Tagih__V1__ListChangesRequest request = from(place, wait_ms);
    struct rig_answer answer = rig_call(&rig, office(), "FeedService/ListChanges", &request);
    assert_answer(answer, OK);
    const list_response *response = answer.response;
    keep(place, response->cursor);
    return response;
}

static struct place now(void) {
    struct place place = {.len = 0};
    const list_response *response = list(&place, 0);
    assert_int_equal(response->n_changes, 0);
    assert_false(response->resync);
    return place;
}

static struct client_call *wait_for_change(struct place *place, uint32_t wait_ms) {
    Tagih__V1__ListChangesRequest request = from(place, wait_ms);
    return begin(rig.tls, office(), list_path, CLIENT_ONE, &request);
}

static size_t changes_in(struct client_reply *reply) {
    assert_int_equal(reply->status, CALL_OK);
    list_response *response = tagih__v1__list_changes_response__unpack(NULL, reply->body_len, reply->body);
    assert_non_null(response);
    size_t n = response->n_changes;
    tagih__v1__list_changes_response__free_unpacked(response, NULL);
    client_reply_release(reply);
    return n;
}

static void run(PGconn *conn, const char *sql) {
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
}

/* A change as any other transaction would leave it, with an object that says which one it is. */
static void change_on(PGconn *conn, agency_id of, unsigned number) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "insert into change (agency_id, kind, object_id, at_us) values ('%s', 10, "
             "'00000000-0000-4000-8000-%012u', 1700000000000000)", rig_text(of.u), number);
    run(conn, sql);
}

static void change(agency_id of, unsigned number) {
    change_on(rig.pg.admin, of, number);
}

static void assert_change(const Tagih__V1__Change *change_, unsigned number) {
    char id[UUID_TEXT_SIZE];
    snprintf(id, sizeof id, "00000000-0000-4000-8000-%012u", number);
    assert_string_equal(change_->object_id, id);
    assert_string_equal(change_->kind, "visit.planned");
}

static PGconn *connect_beside(void) {
    PGconn *conn = PQconnectdb(rig.pg.conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    return conn;
}

/* ---- ListChanges ---------------------------------------------------------------------------------------------- */

static void changes_come_in_order_page_by_page(void **state) {
    (void)state;
    struct place place = now();
    for (unsigned i = 1; i <= 5; i++) change(agency, i);
    unsigned seen = 0;
    while (seen < 5) {
        Tagih__V1__ListChangesRequest request = from(&place, 5000);
        request.page_size = 2;
        struct rig_answer answer = rig_call(&rig, office(), "FeedService/ListChanges", &request);
        assert_answer(answer, OK);
        const list_response *response = answer.response;
        assert_in_range(response->n_changes, 1, 2);
        for (size_t i = 0; i < response->n_changes; i++) assert_change(response->changes[i], ++seen);
        keep(&place, response->cursor);
    }
    assert_int_equal(seen, 5);
    assert_int_equal(list(&place, 0)->n_changes, 0);
}

static void another_agency_sees_nothing_of_it(void **state) {
    (void)state;
    struct place place = now();
    change(other_agency, 1);
    assert_int_equal(list(&place, 0)->n_changes, 0);
}

/* The sequence gave 1 to the first and 2 to the second; the second commits first. A reader that went by numbers alone
 * would pass 1 and never come back. */
static void a_transaction_that_commits_late_is_not_lost(void **state) {
    (void)state;
    struct place place = now();
    PGconn *first = connect_beside(), *second = connect_beside();
    run(first, "begin");
    change_on(first, agency, 1);
    change_on(second, agency, 2);
    assert_int_equal(list(&place, 0)->n_changes, 0);
    run(first, "commit");
    unsigned seen = 0;
    while (seen < 2) {
        const list_response *response = list(&place, 5000);
        for (size_t i = 0; i < response->n_changes; i++) assert_change(response->changes[i], ++seen);
    }
    PQfinish(first);
    PQfinish(second);
}

/* Nobody announces the end of the transaction that stood in the way: a waiting call looks again by itself. */
static void a_change_held_back_by_a_transaction_elsewhere_comes_when_that_ends(void **state) {
    (void)state;
    struct place place = now();
    PGconn *other = connect_beside();
    run(other, "begin");
    change_on(other, other_agency, 7);
    struct client_call *call = wait_for_change(&place, 20000);
    change(agency, 1);
    struct timespec pause = {0, 300000000};
    nanosleep(&pause, NULL);
    int64_t began_us = clock_monotonic_us();
    run(other, "rollback");
    struct client_reply reply = client_finish(call);
    assert_int_equal(changes_in(&reply), 1);
    assert_true(clock_monotonic_us() - began_us < 2 * US_PER_S);
    PQfinish(other);
}

static void a_waiting_call_hears_of_a_change_within_two_seconds_though_nobody_tells(void **state) {
    (void)state;
    struct place place = now();
    struct client_call *call = wait_for_change(&place, 20000);
    struct timespec pause = {0, 200000000};
    nanosleep(&pause, NULL);
    int64_t began_us = clock_monotonic_us();
    change(agency, 1);
    struct client_reply reply = client_finish(call);
    assert_int_equal(changes_in(&reply), 1);
    assert_true(clock_monotonic_us() - began_us < 2 * US_PER_S);
}

/* At moments spread over the second after which it asks by itself: 0.4 to 0.9 s if nobody told. Most are heard before that;
 * not all, because a machine may be busy and a cut connection comes back only then. */
static void another_server_that_tells_is_heard_at_once(void **state) {
    (void)state;
    char sql[128];
    snprintf(sql, sizeof sql, "select pg_notify('tagih_change', '%s')", rig_text(agency.u));
    int at_once = 0;
    for (unsigned i = 0; i < 5; i++) {
        struct place place = now();
        struct client_call *call = wait_for_change(&place, 20000);
        struct timespec pause = {0, 100000000 + 130000000 * (long)i};
        nanosleep(&pause, NULL);
        change(agency, i);
        int64_t began_us = clock_monotonic_us();
        run(rig.pg.admin, sql);
        struct client_reply reply = client_finish(call);
        assert_int_equal(changes_in(&reply), 1);
        at_once += clock_monotonic_us() - began_us < 350 * US_PER_MS;
    }
    assert_true(at_once >= 3);
}

static void a_wait_without_news_ends_with_an_empty_page(void **state) {
    (void)state;
    struct place place = now();
    int64_t began_us = clock_monotonic_us();
    assert_int_equal(list(&place, 600)->n_changes, 0);
    int64_t took_us = clock_monotonic_us() - began_us;
    assert_true(took_us >= 600 * US_PER_MS && took_us < 2 * US_PER_S);
}

static void a_wait_longer_than_the_deadline_is_answered_before_it(void **state) {
    (void)state;
    struct place place = now();
    Tagih__V1__ListChangesRequest request = from(&place, 20000);
    struct rig_call_options options = {.token = office(), .timeout_us = 2 * US_PER_S};
    struct rig_answer answer = rig_call_with(&rig, "FeedService/ListChanges", &request, &options);
    assert_answer(answer, OK);
}

/* The rig's server has two workers. */
static void forty_waiting_calls_hold_no_worker(void **state) {
    (void)state;
    struct place place = now();
    struct client_call *calls[40];
    for (size_t i = 0; i < COUNT_OF(calls); i++) calls[i] = wait_for_change(&place, 20000);
    int64_t began_us = clock_monotonic_us();
    for (int i = 0; i < 10; i++) assert_int_equal(list(&place, 0)->n_changes, 0);
    assert_true(clock_monotonic_us() - began_us < 2 * US_PER_S);
    change(agency, 1);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        struct client_reply reply = client_finish(calls[i]);
        assert_int_equal(changes_in(&reply), 1);
    }
}

static void callers_that_leave_while_they_wait_are_forgotten(void **state) {
    (void)state;
    struct place place = now();
    for (int i = 0; i < 30; i++) leave(wait_for_change(&place, 20000));
    change(agency, 1);
    assert_int_equal(list(&place, 5000)->n_changes, 1);
}

/* ---- cursors -------------------------------------------------------------------------------------------------- */

static void assert_resync(struct place *place) {
    const list_response *response = list(place, 20000);
    assert_true(response->resync);
    assert_int_equal(response->n_changes, 0);
    response = list(place, 0);
    assert_false(response->resync);
}

static void a_cursor_that_is_none_starts_over(void **state) {
    (void)state;
    struct place nonsense = {.bytes = "not a cursor of ours at all", .len = 27};
    assert_resync(&nonsense);
    struct place bent = now();
    bent.bytes[12] ^= 1;
    assert_resync(&bent);
}

static void a_cursor_of_another_agency_starts_over(void **state) {
    (void)state;
    struct place theirs = {.len = 0};
    Tagih__V1__ListChangesRequest request = from(&theirs, 0);
    struct rig_answer answer =
        rig_call(&rig, rig_staff_token(&rig, other_agency, stranger, 0), "FeedService/ListChanges", &request);
    assert_answer(answer, OK);
    keep(&theirs, ((const list_response *)answer.response)->cursor);
    assert_resync(&theirs);
}

static struct place forged(int64_t history_id, int64_t xid) {
    struct cursor_audience audience = {.name = "feed", .installation = rig.installation, .agency = agency};
    struct cursor cursor = {.history_id = history_id, .place = {xid, 0}};
    struct place place = {.len = CURSOR_BYTES};
    cursor_write(&audience, &cursor, place.bytes);
    return place;
}

static void a_cursor_of_another_database_or_of_the_future_starts_over(void **state) {
    (void)state;
    int64_t here = pg_number(&rig.pg, "select hashint8extended(system_identifier, 1) from pg_control_system()");
    int64_t xid = pg_number(&rig.pg, "select pg_snapshot_xmax(pg_current_snapshot())");
    struct place foreign = forged(here ^ 1, xid), future = forged(here, xid + 1000000), good = forged(here, xid - 1);
    assert_resync(&foreign);
    assert_resync(&future);
    assert_false(list(&good, 0)->resync);
}

/* ---- who and what --------------------------------------------------------------------------------------------- */

static void the_feed_is_the_offices_alone(void **state) {
    (void)state;
    struct place place = {.len = 0};
    Tagih__V1__ListChangesRequest request = from(&place, 0);
    struct rig_phone phone = rig_phone(&rig, agency, collector);
    assert_answer(rig_call(&rig, phone.token, "FeedService/ListChanges", &request), NOT_PERMITTED);
    assert_answer(rig_call(&rig, NULL, "FeedService/ListChanges", &request), TOKEN_MISSING);
}

static void a_wait_or_page_out_of_range_names_its_field(void **state) {
    (void)state;
    struct place place = {.len = 0};
    Tagih__V1__ListChangesRequest request = from(&place, 25001);
    struct rig_answer answer = rig_call(&rig, office(), "FeedService/ListChanges", &request);
    assert_answer(answer, REQUEST_FIELD_RANGE);
    assert_string_equal(answer.field, "wait_ms");
    request = from(&place, 0);
    request.page_size = 501;
    answer = rig_call(&rig, office(), "FeedService/ListChanges", &request);
    assert_string_equal(answer.field, "page_size");
}

/* ---- WatchChanges --------------------------------------------------------------------------------------------- */

static struct client_call *watch(void) {
    Tagih__V1__WatchChangesRequest request = TAGIH__V1__WATCH_CHANGES_REQUEST__INIT;
    return begin(rig.tls, office(), watch_path, CLIENT_ONE, &request);
}

static watch_response *next_changes(struct client_call *call) {
    return next_message(call, &tagih__v1__watch_changes_response__descriptor);
}

static void forget(watch_response *response) {
    tagih__v1__watch_changes_response__free_unpacked(response, NULL);
}

static void assert_first_beat(struct client_call *call) {
    watch_response *response = next_changes(call);
    assert_non_null(response);
    assert_int_equal(response->n_changes, 0);
    assert_true(response->cursor.len > 0);
    forget(response);
}

static void a_watcher_gets_a_cursor_first_and_then_every_change(void **state) {
    (void)state;
    struct client_call *call = watch();
    assert_first_beat(call);
    for (unsigned i = 1; i <= 3; i++) {
        change(agency, i);
        watch_response *response = next_changes(call);
        assert_non_null(response);
        assert_int_equal(response->n_changes, 1);
        assert_change(response->changes[0], i);
        forget(response);
    }
    leave(call);
}

/* Nothing is queued for it: what it has not taken is still in the database, and it gets all of it in order. */
static void a_slow_watcher_loses_nothing_and_holds_nobody_up(void **state) {
    (void)state;
    struct client_call *call = watch();
    assert_first_beat(call);
    struct place place = now();
    char sql[256];
    snprintf(sql, sizeof sql,
             "insert into change (agency_id, kind, object_id, at_us) select '%s', 10, "
             "('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 1 from generate_series(1, 5000) i",
             rig_text(agency.u));
    run(rig.pg.admin, sql);
    for (size_t n = 0; n < 5000;) n += list(&place, 5000)->n_changes;
    struct timespec pause = {1, 0};
    nanosleep(&pause, NULL);
    unsigned seen = 0;
    while (seen < 5000) {
        watch_response *response = next_changes(call);
        assert_non_null(response);
        for (size_t i = 0; i < response->n_changes; i++) assert_change(response->changes[i], ++seen);
        forget(response);
    }
    assert_int_equal(seen, 5000);
    leave(call);
}

static void a_watcher_that_was_suspended_is_let_go(void **state) {
    (void)state;
    user_id cashier = rig_user(&rig, agency, "dewi", ROLE_CASHIER);
    Tagih__V1__WatchChangesRequest request = TAGIH__V1__WATCH_CHANGES_REQUEST__INIT;
    struct client_call *call =
        begin(rig.tls, rig_staff_token(&rig, agency, cashier, 0), watch_path, CLIENT_ONE, &request);
    assert_first_beat(call);
    char sql[128];
    snprintf(sql, sizeof sql, "update staff_state set state = 2 where user_id = '%s'", rig_text(cashier.u));
    run(rig.pg.admin, sql);
    change(agency, 1);
    struct client_reply reply = client_finish(call);
    assert_int_equal(reply.body_len, 0);
    assert_string_equal(reply.message, err_text(FAIL(CALLER_REVOKED)));
    client_reply_release(&reply);
}

/* ---- the database and the server go away ----------------------------------------------------------------------- */

static void a_feed_whose_connection_was_cut_hears_again(void **state) {
    (void)state;
    run(rig.pg.admin, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tagih-feed' "
                      "and datname = current_database()");
    another_server_that_tells_is_heard_at_once(state);
}

static void a_drain_ends_waiting_calls_and_watchers_as_UNAVAILABLE(void **state) {
    (void)state;
    struct place place = now();
    struct client_call *waiting = wait_for_change(&place, 20000), *watching = watch();
    assert_first_beat(watching);
    int64_t began_us = clock_monotonic_us();
    service_drain(rig.service);
    struct client_reply first = client_finish(waiting), second = client_finish(watching);
    assert_int_equal(first.status, CALL_UNAVAILABLE);
    assert_int_equal(second.status, CALL_UNAVAILABLE);
    assert_true(clock_monotonic_us() - began_us < 5 * US_PER_S);
    client_reply_release(&first);
    client_reply_release(&second);
    rig_restart(&rig);
    change(agency, 1);
    assert_int_equal(list(&place, 5000)->n_changes, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_come_in_order_page_by_page),
        cmocka_unit_test(another_agency_sees_nothing_of_it),
        cmocka_unit_test(a_transaction_that_commits_late_is_not_lost),
        cmocka_unit_test(a_change_held_back_by_a_transaction_elsewhere_comes_when_that_ends),
        cmocka_unit_test(a_waiting_call_hears_of_a_change_within_two_seconds_though_nobody_tells),
        cmocka_unit_test(another_server_that_tells_is_heard_at_once),
        cmocka_unit_test(a_wait_without_news_ends_with_an_empty_page),
        cmocka_unit_test(a_wait_longer_than_the_deadline_is_answered_before_it),
        cmocka_unit_test(forty_waiting_calls_hold_no_worker),
        cmocka_unit_test(callers_that_leave_while_they_wait_are_forgotten),
        cmocka_unit_test(a_cursor_that_is_none_starts_over),
        cmocka_unit_test(a_cursor_of_another_agency_starts_over),
        cmocka_unit_test(a_cursor_of_another_database_or_of_the_future_starts_over),
        cmocka_unit_test(the_feed_is_the_offices_alone),
        cmocka_unit_test(a_wait_or_page_out_of_range_names_its_field),
        cmocka_unit_test(a_watcher_gets_a_cursor_first_and_then_every_change),
        cmocka_unit_test(a_slow_watcher_loses_nothing_and_holds_nobody_up),
        cmocka_unit_test(a_watcher_that_was_suspended_is_let_go),
        cmocka_unit_test(a_feed_whose_connection_was_cut_hears_again),
        cmocka_unit_test(a_drain_ends_waiting_calls_and_watchers_as_UNAVAILABLE),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
