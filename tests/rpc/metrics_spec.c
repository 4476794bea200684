/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server tells its operator, asked over real HTTP while it serves, drains, and has lost its database: the counts are
 * those of the calls that were made, the figures those of the books, and nothing in it names anybody.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "store/migrate.h"
#include "tests/support/desk.h"
#include "tests/support/http.h"

#define CHECK "/grpc.health.v1.Health/Check"
#define CHECK_LABELS "grpc_type=\"unary\",grpc_service=\"grpc.health.v1.Health\",grpc_method=\"Check\""

static struct writer phone;

static void with_pages(struct config *config) {
    config->admin = "127.0.0.1:0";
    config->workers = 2;
    config->calls_per_s = 0;
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, with_pages);
    teller_open(&teller, &rig, rig_agency(&rig, "Kilau Nusantara"));
    phone = new_writer();
    return 0;
}

static int close_rig(void **state) {
    writer_end(&phone);
    return close_desk(state);
}

/* ---- reading pages ---------------------------------------------------------------------------------------------- */

static struct http_answer ask(const char *path) {
    return http_ask(service_admin_port(rig.service), "GET", path);
}

static char *scrape(void) {
    struct http_answer answer = ask("/metrics");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.text, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    char *text = strdup(answer.body);
    http_release(&answer);
    return text;
}

/* The value behind "name" or "name{labels}" at the start of a line; -1: there is no such line. */
static double value_in(const char *text, const char *series) {
    size_t len = strlen(series);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, series, len) == 0 && line[len] == ' ') return strtod(line + len, NULL);
    }
    return -1;
}

static double value_of(const char *series) {
    char *text = scrape();
    double value = value_in(text, series);
    free(text);
    return value;
}

/* A page answers this status, with this text, within ten seconds. */
static void wait_for(const char *path, int status, const char *says) {
    struct http_answer answer = {0};
    for (int i = 0; i < 200; i++) {
        answer = ask(path);
        if (answer.status == status && strstr(answer.body, says)) break;
        if (i < 199) http_release(&answer);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (answer.status != status || !strstr(answer.body, says)) fail_msg("%s stays %d %s", path, answer.status, answer.body);
    http_release(&answer);
}

static void wait_for_value(const char *series, double value) {
    double got = -1;
    for (int i = 0; i < 200 && got != value; i++) {
        got = value_of(series);
        if (got != value) nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (got != value) fail_msg("%s stays %g", series, got);
}

static void check_health(struct client *client, int times) {
    for (int i = 0; i < times; i++) {
        struct client_reply reply = client_unary(client, CHECK, bytes_make(NULL, 0), NULL);
        assert_int_equal(reply.status, CALL_OK);
        client_reply_release(&reply);
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static void each_call_is_counted_by_method_and_code(void **state) {
    (void)state;
    static const char answered[] = "grpc_server_handled_total{" CHECK_LABELS ",grpc_code=\"OK\"}";
    static const char missing[] = "grpc_server_handled_total{" CHECK_LABELS ",grpc_code=\"NOT_FOUND\"}";
    static const char counted[] = "grpc_server_handling_seconds_count{" CHECK_LABELS "}";
    check_health(rig.tls, 1);
    double before = value_of(answered), before_missing = value_of(missing), before_counted = value_of(counted);
    check_health(rig.tls, 3);
    check_health(rig.edge, 2);
    struct client_reply reply = client_unary(rig.tls, CHECK, bytes_text("\x0a\x04none"), NULL);
    assert_int_equal(reply.status, CALL_NOT_FOUND);
    client_reply_release(&reply);
    assert_true(value_of(answered) == before + 5);
    assert_true(value_of(missing) == before_missing + 1);
    assert_true(value_of(counted) == before_counted + 6);
}

static void a_call_without_token_counts_for_its_method_too(void **state) {
    (void)state;
    static const char refused[] =
        "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"tagih.v1.AccountService\","
        "grpc_method=\"GetAccount\",grpc_code=\"UNAUTHENTICATED\"}";
    double before = value_of(refused);
    Tagih__V1__GetAccountRequest request = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    assert_answer(rig_call(&rig, NULL, "AccountService/GetAccount", &request), TOKEN_MISSING);
    assert_true(value_of(refused) == (before < 0 ? 0 : before) + 1);
}

/* Whoever knocks at invented paths must not fill Prometheus with them. */
static void paths_that_nobody_serves_are_one_series(void **state) {
    (void)state;
    static const char series[] =
        "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"unknown\","
        "grpc_method=\"unknown\",grpc_code=\"UNIMPLEMENTED\"}";
    double before = value_of(series);
    const char *const paths[] = {"/tagih.v1.VisitService/Invented", "/made.Up/Path", "/a\"}{/b\\", "/x/y"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct client_reply reply = client_unary(rig.tls, paths[i], bytes_make(NULL, 0), NULL);
        assert_int_equal(reply.status, CALL_UNIMPLEMENTED);
        client_reply_release(&reply);
    }
    char *text = scrape();
    assert_true(value_in(text, series) == (before < 0 ? 0 : before) + COUNT_OF(paths));
    assert_null(strstr(text, "Invented"));
    assert_null(strstr(text, "made.Up"));
    free(text);
}

static void a_batch_counts_its_calls_and_their_wait_for_a_worker(void **state) {
    (void)state;
    double batches = value_of("tagih_batch_calls_count"), calls = value_of("tagih_batch_calls_sum");
    double waited = value_of("tagih_pool_wait_seconds_count"), took = value_of("tagih_batch_seconds_count");
    double trips = value_of("tagih_db_round_trips_total");
    account_id account = teller_account(&teller, collector, &debt_j1, 1);
    struct journal_entry receipt = writer_receipt(&phone, account, MINOR(1000));
    size_t at = writer_sign(&phone, &receipt);
    assert_answer(writer_push_range(&phone, at, at), OK);
    char *text = scrape();
    assert_true(value_in(text, "tagih_batch_calls_count") > batches);
    assert_true(value_in(text, "tagih_batch_calls_sum") - calls == value_in(text, "tagih_pool_wait_seconds_count") - waited);
    assert_true(value_in(text, "tagih_batch_seconds_count") - took == value_in(text, "tagih_batch_calls_count") - batches);
    assert_true(value_in(text, "tagih_db_round_trips_total") > trips);
    assert_true(value_in(text, "tagih_db_deadlocks_total") == 0);
    free(text);
}

/* Buckets are cumulative and end with the count, for every histogram there is. */
static void histograms_add_up(void **state) {
    (void)state;
    char *text = scrape();
    int infinite = 0;
    double last = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *value = strrchr(line, ' ');
        if (strstr(line, "_bucket{")) {
            double here = strtod(value, NULL);
            assert_true(here >= last);
            last = strstr(line, "le=\"+Inf\"") ? 0 : here;
            infinite += strstr(line, "le=\"+Inf\"") != NULL;
        } else if (line[0] != '#' && strstr(line, "_count")) {
            infinite--;
        }
    }
    assert_int_equal(infinite, 0);
    free(text);
}

/* ---- load ------------------------------------------------------------------------------------------------------- */

static atomic_int wrong;

static void *scrape_often(void *unused) {
    for (int i = 0; i < 30; i++) {
        struct http_answer answer = ask("/metrics");
        if (answer.status != 200 || !strstr(answer.body, "\ntagih_ring_depth ")) atomic_fetch_add(&wrong, 1);
        http_release(&answer);
    }
    return unused;
}

static void *call_often(void *unused) {
    struct client *client = rig_connect(&rig);
    check_health(client, 100);
    client_close(client);
    return unused;
}

static void nothing_is_lost_while_many_scrape_and_call(void **state) {
    (void)state;
    static const char answered[] = "grpc_server_handled_total{" CHECK_LABELS ",grpc_code=\"OK\"}";
    double before = value_of(answered);
    pthread_t scrapers[4], callers[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&scrapers[i], NULL, scrape_often, NULL), 0);
        assert_int_equal(pthread_create(&callers[i], NULL, call_often, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(scrapers[i], NULL);
        pthread_join(callers[i], NULL);
    }
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(value_of(answered) == before + 400);
    wait_for_value("tagih_calls_in_flight", 0);
    wait_for_value("tagih_ring_depth", 0);
    wait_for_value("tagih_workers_busy", 0);
    assert_true(value_of("tagih_workers") == 2);
}

/* ---- the format ------------------------------------------------------------------------------------------------- */

static void promtool_finds_nothing_to_say(void **state) {
    (void)state;
    if (system("command -v promtool >/dev/null") != 0) {
        print_message("promtool is not installed (Debian: prometheus), so the format is not judged by it\n");
        skip();
    }
    char *text = scrape();
    FILE *tool = popen("promtool check metrics", "w");
    assert_non_null(tool);
    fputs(text, tool);
    assert_int_equal(pclose(tool), 0);
    free(text);
}

static void nobody_is_named(void **state) {
    (void)state;
    char *text = scrape();
    const char *const names[] = {"Kilau",
                                 "Acme",
                                 rig_text(teller.agency.u),
                                 rig_text(collector.u),
                                 rig_text(phone.phone.device.u),
                                 rig_text(teller.admin.u),
                                 "password",
                                 "BEGIN",
                                 rig.folder};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strstr(text, names[i])) fail_msg("%s is in the metrics", names[i]);
    }
    free(text);
}

/* ---- the house -------------------------------------------------------------------------------------------------- */

static void count_anew(void) {
    rig_restart(&rig);
    for (int i = 0; i < 200 && value_of("tagih_entries_waiting") < 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

//= RULES.md R-JRN-6
//  WAITING(for …), QUARANTINED(reason
static void entries_that_wait_and_quarantined_ones_are_counted_by_their_newest_fate(void **state) {
    (void)state;
    count_anew();
    double waiting = value_of("tagih_entries_waiting"), quarantined = value_of("tagih_entries_quarantined");
    struct journal_entry lost = writer_receipt(&phone, (account_id){rig_id()}, MINOR(500)); /* no such account */
    size_t at = writer_sign(&phone, &lost);
    assert_answer(writer_push_range(&phone, at, at), OK);
    struct journal_entry kept = writer_receipt(&phone, teller_account(&teller, collector, &debt_j1, 1), MINOR(700));
    size_t receipt = writer_sign(&phone, &kept);
    struct journal_entry taken_back = writer_void(&phone, receipt, MINOR(700)); /* comes before what it voids */
    size_t early = writer_sign(&phone, &taken_back);
    assert_answer(writer_push_range(&phone, early, early), OK);
    count_anew();
    assert_true(value_of("tagih_entries_quarantined") == quarantined + 1);
    assert_true(value_of("tagih_entries_waiting") == waiting + 1);
    assert_true(value_of("tagih_chains_with_gaps") >= 1);
    assert_true(value_of("tagih_entries_oldest_seconds") >= 0);
    assert_answer(writer_push_range(&phone, receipt, receipt), OK);
    count_anew();
    assert_true(value_of("tagih_entries_waiting") == waiting);
    assert_true(value_of("tagih_entries_quarantined") == quarantined + 1);
}

/* Of all agencies together, and never by agency: as the minute last saw it (R-CSH-3). */
static void cash_is_summed_over_agencies_and_told_by_currency(void **state) {
    (void)state;
    agency_id other = rig_agency(&rig, "Other");
    char sql[900];
    count_anew();
    double held = value_of("tagih_cash_held_minor{currency=\"IDR\"}"),
           aged = value_of("tagih_cash_aged_minor{currency=\"IDR\"}");
    double collectors = value_of("tagih_cash_aged_collectors{currency=\"IDR\"}");
    snprintf(sql, sizeof sql,
             "insert into collector_state (agency_id, collector_id, currency, cash_held_minor, deposit_in_transit_minor)"
             " select '%s', gen_random_uuid(), c, 250000, 70000 from unnest(array['IDR', 'IDR', 'PHP']) c",
             rig_text(other.u));
    pg_exec(&rig.pg, sql);
    /* seen already, with the limits of nobody, so that the minute leaves them as they are */
    snprintf(sql, sizeof sql,
             "insert into cash_watch_state (agency_id, collector_id, currency, held_minor, aged_minor, due_before_on)"
             " select c.agency_id, c.collector_id, c.currency, c.cash_held_minor, 40000,"
             " cash_due_before((extract(epoch from clock_timestamp()) * 1000000)::bigint, 'Asia/Jakarta')"
             " from collector_state c where c.agency_id = '%s'",
             rig_text(other.u));
    pg_exec(&rig.pg, sql);
    count_anew();
    assert_true(value_of("tagih_cash_held_minor{currency=\"IDR\"}") == held + 500000);
    assert_true(value_of("tagih_cash_held_minor{currency=\"PHP\"}") == 250000);
    assert_true(value_of("tagih_cash_aged_minor{currency=\"IDR\"}") == aged + 80000);
    assert_true(value_of("tagih_cash_aged_collectors{currency=\"IDR\"}") == collectors + 2);
    assert_true(value_of("tagih_cash_transit_minor{currency=\"PHP\"}") == 70000);
}

/* The serving role gets sums through these functions, and still no row of anybody. */
static void the_serving_role_reads_sums_and_no_rows(void **state) {
    (void)state;
    PGconn *app = PQconnectdb(rig.app_conninfo);
    assert_int_equal(PQstatus(app), CONNECTION_OK);
    PGresult *r = PQexec(app,
                         "select (select count(*) from collector_state) + (select count(*) from journal_key), "
                         "(select sum(held_minor) > 0 from figure_cash())");
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    assert_string_equal(PQgetvalue(r, 0, 0), "0");
    assert_string_equal(PQgetvalue(r, 0, 1), "t");
    PQclear(r);
    PQfinish(app);
    assert_int_equal(pg_number(&rig.pg,
                               "select count(*) from pg_proc p, aclexplode(p.proacl) a where p.proname like 'figure\\_%'"
                               " and a.grantee not in (p.proowner, 'tagih_app'::regrole)"),
                     0);
}

/* A transaction that runs hides what committed after it began from the feed's readers: the outbox fills. */
static void changes_behind_a_long_transaction_fill_the_outbox(void **state) {
    (void)state;
    PGconn *idler = PQconnectdb(rig.pg.conninfo);
    PQclear(PQexec(idler, "begin; select pg_current_xact_id();"));
    struct journal_entry receipt = writer_receipt(&phone, teller_account(&teller, collector, &debt_j1, 1), MINOR(900));
    writer_pushed(&phone, &receipt);
    count_anew();
    assert_true(value_of("tagih_outbox_depth") >= 1);
    PQfinish(idler);
    int64_t until = clock_monotonic_us() + 60 * US_PER_S; /* others of the cluster may have transactions, too */
    do {
        count_anew();
    } while (value_of("tagih_outbox_depth") > 0 && clock_monotonic_us() < until);
    assert_true(value_of("tagih_outbox_depth") == 0);
}

/* ---- ready and alive -------------------------------------------------------------------------------------------- */

static void a_server_that_serves_is_ready_and_alive(void **state) {
    (void)state;
    wait_for("/readyz", 200, "ok");
    wait_for("/livez", 200, "ok");
    assert_true(value_of("tagih_database_up") == 1);
    assert_true(value_of("tagih_schema_version") == migrate_version(&migrations_embedded));
}

static void hang_up(const char *which) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
             " and pid <> pg_backend_pid() and application_name like '%s'",
             which);
    pg_exec(&rig.pg, sql);
}

static void without_its_database_it_is_alive_and_not_ready(void **state) {
    (void)state;
    pg_exec(&rig.pg, "update pg_database set datallowconn = false where datname = current_database()");
    hang_up("tagih-%");
    wait_for("/readyz", 503, "the database is away");
    wait_for("/livez", 200, "ok");
    assert_true(value_of("tagih_database_up") == 0);
    pg_exec(&rig.pg, "update pg_database set datallowconn = true where datname = current_database()");
    wait_for("/readyz", 200, "ok");
    assert_true(value_of("tagih_database_up") == 1);
}

/* kill -STOP and -CONT of the server's sessions: a database that takes questions and does not answer. */
static void stop_sessions(int number) {
    PGresult *r = PQexec(rig.pg.admin,
                         "select pid from pg_stat_activity where datname = current_database()"
                         " and application_name like 'tagih-%'");
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    for (int i = 0; i < PQntuples(r); i++) kill((pid_t)strtol(PQgetvalue(r, i, 0), NULL, 10), number);
    PQclear(r);
}

static int64_t now_ms(void) {
    return clock_monotonic_us() / US_PER_MS;
}

static void while_its_database_hangs_no_page_waits(void **state) {
    (void)state;
    wait_for("/readyz", 200, "ok");
    stop_sessions(SIGSTOP);
    int64_t slowest_ms = 0;
    for (int64_t until_ms = now_ms() + 6000; now_ms() < until_ms;) {
        int64_t began_ms = now_ms();
        free(scrape());
        if (now_ms() - began_ms > slowest_ms) slowest_ms = now_ms() - began_ms;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    struct http_answer ready = ask("/readyz"), alive = ask("/livez");
    stop_sessions(SIGCONT);
    assert_true(slowest_ms < 1000);
    assert_int_equal(ready.status, 503);
    assert_int_equal(alive.status, 200);
    http_release(&ready);
    http_release(&alive);
    wait_for("/readyz", 200, "ok");
}

/* Migrations are applied while the old servers serve, and must not take all of them away at once. */
static void a_newer_schema_ends_readiness_only_where_a_connection_was_lost(void **state) {
    (void)state;
    char sql[300];
    int mine = migrate_version(&migrations_embedded);
    snprintf(sql, sizeof sql,
             "insert into schema_migration (version, name, checksum, applied_us, tagih_version)"
             " values (%d, '%d_to_come', sha256('x'), 0, '9')",
             mine + 1, mine + 1);
    pg_exec(&rig.pg, sql);
    wait_for_value("tagih_schema_version", mine + 1);
    wait_for("/readyz", 200, "ok");
    hang_up("tagih-worker-%");
    Tagih__V1__GetAccountRequest request = TAGIH__V1__GET_ACCOUNT_REQUEST__INIT;
    request.account_id = TEXT(rig_text(rig_id()));
    for (int i = 0; i < 4; i++) rig_call(&rig, token(teller.admin), "AccountService/GetAccount", &request);
    wait_for("/readyz", 503, "run migrate");
    wait_for("/livez", 200, "ok");
    snprintf(sql, sizeof sql, "delete from schema_migration where version = %d", mine + 1);
    pg_exec(&rig.pg, sql);
    wait_for("/readyz", 200, "ok");
}

static void *drain(void *service) {
    service_drain(service);
    return NULL;
}

static void a_server_that_drains_is_alive_and_not_ready(void **state) {
    (void)state;
    pthread_t thread;
    rig.config.drain_delay_ms = 700;
    rig_restart(&rig);
    assert_int_equal(pthread_create(&thread, NULL, drain, rig.service), 0);
    wait_for("/readyz", 503, "draining");
    wait_for("/livez", 200, "ok");
    assert_true(value_of("tagih_draining") == 1);
    pthread_join(thread, NULL);
    wait_for("/readyz", 503, "draining"); /* to the end */
    wait_for("/livez", 200, "ok");
    rig_restart(&rig);
    wait_for("/readyz", 200, "ok");
}

static void an_address_that_is_not_local_refuses_to_start(void **state) {
    (void)state;
    struct config config = rig.config;
    struct service *none;
    config.admin = "0.0.0.0:9464";
    config.listen = "127.0.0.1:0";
    config.socket = "";
    assert_fails(service_open(&config, &none), NET_NOT_LOCAL);
    assert_null(none);
}

static void pages_that_nobody_asked_for_are_not_served(void **state) {
    (void)state;
    struct config config = rig.config;
    struct service *plain;
    config.admin = "";
    config.listen = "127.0.0.1:0";
    config.socket = "";
    assert_ok(service_open(&config, &plain));
    assert_int_equal(service_admin_port(plain), 0);
    service_close(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_serves_is_ready_and_alive),
        cmocka_unit_test(each_call_is_counted_by_method_and_code),
        cmocka_unit_test(a_call_without_token_counts_for_its_method_too),
        cmocka_unit_test(paths_that_nobody_serves_are_one_series),
        cmocka_unit_test(a_batch_counts_its_calls_and_their_wait_for_a_worker),
        cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(nothing_is_lost_while_many_scrape_and_call),
        cmocka_unit_test(entries_that_wait_and_quarantined_ones_are_counted_by_their_newest_fate),
        cmocka_unit_test(cash_is_summed_over_agencies_and_told_by_currency),
        cmocka_unit_test(the_serving_role_reads_sums_and_no_rows),
        cmocka_unit_test(changes_behind_a_long_transaction_fill_the_outbox),
        cmocka_unit_test(promtool_finds_nothing_to_say),
        cmocka_unit_test(nobody_is_named),
        cmocka_unit_test(without_its_database_it_is_alive_and_not_ready),
        cmocka_unit_test(while_its_database_hangs_no_page_waits),
        cmocka_unit_test(a_newer_schema_ends_readiness_only_where_a_connection_was_lost),
        cmocka_unit_test(a_server_that_drains_is_alive_and_not_ready),
        cmocka_unit_test(an_address_that_is_not_local_refuses_to_start),
        cmocka_unit_test(pages_that_nobody_asked_for_are_not_served),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
