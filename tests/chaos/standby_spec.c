/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hot standby, made by pg_basebackup and followed synchronously: what a server that is pointed at it can and cannot do,
 * what becomes of commits while it is away, and a failover under load, in which no acknowledged entry may be lost. Later
 * tests stand on what earlier ones left. argv: tagihd, pg_cluster.sh; --help tells the rest.
 */
#include "tests/support/pusher.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "rpc/services.h"
#include "server/run/clock.h"
#include "tests/rpc/stream_case.h"
#include "tests/support/http.h"
#include "tests/support/process.h"
#include "tests/support/teller.h"

#define PHONES 6
#define ACCOUNTS 12
#define BIG MINOR(100000000)

static const char *binary, *script;
static struct cluster primary, standby;
static struct rig rig;
static struct process server, reader; /* at the primary, by both hosts; at the standby alone */
static struct client *at_reader;
static struct teller teller;
static struct pusher pushers[PHONES];
static struct writer budi; /* a phone of its own */
static account_id accounts[ACCOUNTS];
static atomic_bool hurry = true;
static char target[160], reader_socket[160], reader_target[180], both[400], reader_admin[32];
static long long entries = 50, everything;

static struct proof proof = {
    .test = "S2 standby and failover", .unit = "failovers", .invariants = "I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I12"};

static const struct proof_option options[] = {
    {"--entries", "TAGIH_STANDBY_ENTRIES", &entries, "of each of the 6 phones that push through the failover, at most 300",
     false},
    {"--all", "TAGIH_STANDBY_ALL", &everything, "also what becomes of commits while the standby is away: it takes its time",
     true},
    {0}};

static void sweep(void) {
    process_sweep();
    rig_forget(&rig);
}

/* ---- the rig ------------------------------------------------------------------------------------------------------ */

static void wait_until(const char *sql, const char *is) {
    for (int i = 0; i < 2000 && strcmp(pg_value(&rig.pg, sql), is) != 0; i++) pause_us(10 * US_PER_MS);
    assert_string_equal(pg_value(&rig.pg, sql), is);
}

static void begin_to_wait_for_it(void) {
    pg_exec(&rig.pg, "alter system set synchronous_standby_names = 'standby'");
    pg_exec(&rig.pg, "alter system set synchronous_commit = remote_apply");
    pg_exec(&rig.pg, "select pg_reload_conf()");
    wait_until("select coalesce((select sync_state from pg_stat_replication), '')", "sync");
    wait_until("show synchronous_standby_names", "standby");
}

static int free_port(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    close(fd);
    return ntohs(any.sin_port);
}

static void make_people(void) {
    const struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = BIG}};
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    user_id collector = writer_begin_new(&budi, &rig, teller.agency);
    for (int i = 0; i < ACCOUNTS; i++) accounts[i] = teller_account(&teller, collector, &debt, 1);
    teller_paid(&teller, accounts[0], &(struct paid){.amount_minor = MINOR(200000)});
}

static int open_rig(void **state) {
    (void)state;
    cluster_open(&primary, "primary", script);
    rig_open(&rig, NULL);
    make_people(); /* by the rig's own server */
    rig_stop(&rig);
    cluster_follow(&standby, "standby", &primary);
    begin_to_wait_for_it();
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    snprintf(both, sizeof both, "host=%s,%s port=5432,5432 user=tagih_app dbname=%s target_session_attrs=read-write",
             primary.link, standby.link, rig.pg.name);
    process_serve_as(&server, &rig, binary, &(struct process_options){.database = both, .workers = 4});
    process_listening(&server);
    rig.tls = client_open(target, NULL);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    pushers_abandon(pushers, PHONES);
    process_kill(&server);
    process_kill(&reader);
    if (rig.tls) client_close(rig.tls);
    if (at_reader) client_close(at_reader);
    for (int i = 0; i < PHONES; i++) pusher_close(&pushers[i]);
    writer_end(&budi);
    rig_close(&rig);
    cluster_close(&standby);
    cluster_close(&primary);
    return 0;
}

/* ---- reading at the standby ----------------------------------------------------------------------------------------- */

static void a_server_starts_at_a_standby_and_is_ready(void **state) {
    (void)state;
    char database[300];
    int port = free_port();
    snprintf(database, sizeof database, "host=%s port=5432 user=tagih_app dbname=%s", standby.link, rig.pg.name);
    snprintf(reader_socket, sizeof reader_socket, "%s/reader.sock", rig.folder);
    snprintf(reader_target, sizeof reader_target, "unix:%s", reader_socket);
    snprintf(reader_admin, sizeof reader_admin, "127.0.0.1:%d", port);
    process_serve_as(&reader, &rig, binary,
                     &(struct process_options){
                         .database = database, .socket = reader_socket, .admin = reader_admin, .log = "reader.log"});
    process_listening(&reader);
    at_reader = client_open(reader_target, NULL);
    for (int i = 0; i < 500 && !process_said(&reader, "admin.listening"); i++) pause_us(10 * US_PER_MS);
    struct http_answer ready = http_ask(port, "GET", "/readyz");
    assert_int_equal(ready.status, 200);
    http_release(&ready);
    proof_check(&proof, 2);
}

/* Ids that a request may ask for, by the names that fields have everywhere. */
static void fill_fields(ProtobufCMessage *request, const char *account, const char *payment) {
    const struct {
        const char *name, *value;
    } known[] = {{"account_id", account},
                 {"payment_id", payment},
                 {"collector_id", rig_text(budi.phone.user.u)},
                 {"user_id", rig_text(budi.phone.user.u)},
                 {"device_id", rig_text(budi.phone.device.u)},
                 {"month", "2026-01"},
                 {"currency", "IDR"},
                 {"from_on", "2026-01-01"},
                 {"to_on", "2026-01-31"}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(request->descriptor, known[i].name);
        if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED) continue;
        *(const char **)(void *)((char *)request + field->offset) = known[i].value;
    }
}

static const char *token_for(const struct rpc_method *method) {
    uint32_t roles = method->roles;
    if (method->device) return budi.phone.token;
    user_id by = roles & ROLE_SUPERVISOR ? teller.supervisor
                 : roles & ROLE_ADMIN    ? teller.admin
                 : roles & ROLE_CASHIER  ? teller.cashier
                                         : teller.gateway;
    return rig_staff_token(&rig, teller.agency, by, 0);
}

/* What a reading call answers at both servers. @return it is an answer with something in it */
static bool compare(const struct rpc_service *service, const struct rpc_method *method, const char *payment) {
    char name[128];
    const ProtobufCMethodDescriptor *proto = protobuf_c_service_descriptor_get_method_by_name(service->proto, method->name);
    uint8_t memory[2048] __attribute__((aligned(16)));
    assert_true(proto->input->sizeof_message <= sizeof memory);
    ProtobufCMessage *request = (ProtobufCMessage *)(void *)memory;
    protobuf_c_message_init(proto->input, request);
    fill_fields(request, rig_text(accounts[0].u), payment);
    snprintf(name, sizeof name, "%s/%s", service->proto->short_name, method->name);
    struct rig_answer here = rig_call(&rig, token_for(method), name, request);
    struct rig_answer there =
        rig_call_with(&rig, name, request, &(struct rig_call_options){.token = token_for(method), .via = at_reader});
    if (here.status != there.status || strcmp(here.reason, there.reason) != 0) {
        fail_msg("%s: at the primary %s, at the standby %s %s", name, here.reason, there.reason, there.message);
    }
    proof_check(&proof, 1);
    return here.status == CALL_OK;
}

static bool only_reads(const struct rpc_method *method) {
    return !method->writes && !method->open && !method->stream && !method->bidi && !method->parks;
}

static void every_reading_call_answers_there_what_it_answers_at_the_primary(void **state) {
    (void)state;
    char payment[UUID_TEXT_SIZE];
    int n = 0, good = 0;
    snprintf(payment, sizeof payment, "%s", pg_value(&rig.pg, "select payment_id from payment limit 1"));
    for (size_t i = 0; rpc_services[i]; i++) {
        if (strcmp(rpc_services[i]->proto->package, "tagih.v1") != 0) continue;
        for (const struct rpc_method *m = rpc_services[i]->methods; m->name; m++) {
            if (!only_reads(m)) continue;
            good += compare(rpc_services[i], m, payment);
            n++;
        }
    }
    print_message("             %d calls that read, %d of them with an answer\n", n, good);
    assert_true(good >= 20);
}

/* A command of tagihd at the standby, as the role that reads. */
static int command_there(const char *words) {
    char line[1200];
    snprintf(line, sizeof line,
             "'%s' %s --database-url 'host=%s port=5432 user=tagih_read dbname=%s' --keys-dir '%s' >/dev/null", binary,
             words, standby.link, rig.pg.name, rig.keys_dir);
    return system(line);
}

static void verify_runs_there(void **state) {
    (void)state;
    assert_int_equal(command_there("verify"), 0);
    proof_check(&proof, 1);
}

static size_t write_receipt(int64_t amount_minor) {
    struct journal_entry receipt = writer_receipt(&budi, accounts[1], amount_minor);
    return writer_sign(&budi, &receipt);
}

static void a_writing_call_is_refused_there_with_a_clear_error_and_soon(void **state) {
    (void)state;
    size_t at = write_receipt(MINOR(10000));
    int64_t began_us = clock_monotonic_us();
    struct rig_answer a = writer_push_via(&budi, at_reader, 10 * US_PER_S, &at, 1);
    int64_t took_us = clock_monotonic_us() - began_us;
    print_message("             refused in %lld ms: %s\n", (long long)(took_us / US_PER_MS), a.message);
    assert_answer(a, STORE_UNAVAILABLE);
    assert_int_equal(a.status, CALL_UNAVAILABLE);
    assert_true(took_us < 5 * US_PER_S);
    assert_answer(writer_push(&budi, &at, 1), OK); /* and taken where it belongs */
    proof_check(&proof, 2);
}

/* A standby cannot LISTEN: it is asked every second instead. */
static void who_waits_for_changes_there_hears_of_the_primarys_within_three_seconds(void **state) {
    (void)state;
    Tagih__V1__ListChangesRequest request = TAGIH__V1__LIST_CHANGES_REQUEST__INIT;
    struct rig_call_options there = {.token = rig_staff_token(&rig, teller.agency, teller.supervisor, 0), .via = at_reader};
    struct rig_answer a = rig_call_with(&rig, "FeedService/ListChanges", &request, &there);
    assert_answer(a, OK);
    request.cursor = ((Tagih__V1__ListChangesResponse *)a.response)->cursor;
    request.wait_ms = 8000;
    struct client_call *waiting = begin(at_reader, there.token, "/tagih.v1.FeedService/ListChanges", CLIENT_ONE, &request);
    pause_us(300 * US_PER_MS);
    size_t at = write_receipt(MINOR(20000));
    assert_answer(writer_push(&budi, &at, 1), OK);
    int64_t began_us = clock_monotonic_us();
    struct client_reply reply = client_finish(waiting);
    int64_t took_us = clock_monotonic_us() - began_us;
    assert_int_equal(reply.status, CALL_OK);
    Tagih__V1__ListChangesResponse *changes = tagih__v1__list_changes_response__unpack(NULL, reply.body_len, reply.body);
    assert_non_null(changes);
    assert_true(changes->n_changes > 0 && !changes->resync);
    tagih__v1__list_changes_response__free_unpacked(changes, NULL);
    client_reply_release(&reply);
    print_message("             heard after %lld ms\n", (long long)(took_us / US_PER_MS));
    assert_true(took_us < 3 * US_PER_S);
    proof_check(&proof, 2);
}

/* ---- the standby away ------------------------------------------------------------------------------------------------ */

static long long waiting_commits(void) {
    return pg_number(&rig.pg, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'");
}

static struct rig_answer push_for(size_t at, int64_t timeout_us) {
    return writer_push_via(&budi, NULL, timeout_us, &at, 1);
}

static void nothing_is_acknowledged_that_the_standby_has_not(void **state) {
    (void)state;
    cluster_stop(&standby);
    proof_fault(&proof, "standby stopped");
    size_t at = write_receipt(MINOR(30000));
    int64_t began_us = clock_monotonic_us();
    struct rig_answer a = push_for(at, 2 * US_PER_S);
    assert_true(a.status != CALL_OK && clock_monotonic_us() - began_us < 6 * US_PER_S);
    a = teller_get(&teller, NULL, (payment_id){rig_uuid(pg_value(&rig.pg, "select payment_id from payment limit 1"))});
    assert_answer(a, OK); /* what reads goes on */
    for (int i = 0; i < 3; i++) assert_true(push_for(at, US_PER_S).status != CALL_OK);
    pause_us(3 * US_PER_S);
    long long piled = waiting_commits();
    print_message("             %lld commits wait\n", piled);
    assert_true(piled >= 1 && piled <= 2); /* the others wait for the phone's own row, and give up */
    cluster_start(&standby);
    assert_answer(push_for(at, 20 * US_PER_S), OK);
    char sql[200];
    snprintf(sql, sizeof sql, "select count(*) from payment where payment_id = '%s'", rig_text(budi.entries[at].id.u));
    assert_int_equal(pg_number(&rig.pg, sql), 1);
    proof_check(&proof, 7);
}

struct late {
    size_t at;
    struct rig_answer answer;
    atomic_bool done;
};

static void *push_late(void *context) {
    struct late *late = context;
    late->answer = push_for(late->at, 25 * US_PER_S);
    atomic_store(&late->done, true);
    return NULL;
}

/* PostgreSQL answers such a COMMIT as if all were well, with a warning beside it. */
static void a_wait_that_somebody_cancels_is_no_commit(void **state) {
    (void)state;
    struct late late = {.at = write_receipt(MINOR(40000))};
    pthread_t thread;
    cluster_stop(&standby);
    proof_fault(&proof, "standby stopped");
    assert_int_equal(pthread_create(&thread, NULL, push_late, &late), 0);
    wait_until("select count(*) > 0 from pg_stat_activity where wait_event = 'SyncRep'", "t");
    pg_exec(&rig.pg, "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
    proof_fault(&proof, "wait for the standby cancelled");
    pause_us(2 * US_PER_S);
    assert_false(atomic_load(&late.done)); /* no answer yet: it waits again */
    assert_true(process_said(&server, "a commit did not wait for its standby"));
    cluster_start(&standby);
    pthread_join(thread, NULL);
    assert_answer(late.answer, OK);
    proof_check(&proof, 3);
}

/* ---- failover --------------------------------------------------------------------------------------------------------- */

static void use_the_new_primary(void) {
    PQfinish(rig.pg.admin);
    snprintf(rig.pg.conninfo, sizeof rig.pg.conninfo, "%s dbname=%s", standby.conninfo, rig.pg.name);
    setenv("TAGIH_TEST_PG", standby.conninfo, 1);
    rig.pg.admin = PQconnectdb(rig.pg.conninfo);
    assert_int_equal(PQstatus(rig.pg.admin), CONNECTION_OK);
}

static ProtobufCBinaryData cursor_now(void) {
    Tagih__V1__ListChangesRequest request = TAGIH__V1__LIST_CHANGES_REQUEST__INIT;
    struct rig_answer a =
        rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "FeedService/ListChanges", &request);
    assert_answer(a, OK);
    return ((Tagih__V1__ListChangesResponse *)a.response)->cursor;
}

static void assert_starts_over(ProtobufCBinaryData cursor) {
    Tagih__V1__ListChangesRequest request = TAGIH__V1__LIST_CHANGES_REQUEST__INIT;
    request.cursor = cursor;
    struct rig_answer a =
        rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "FeedService/ListChanges", &request);
    assert_answer(a, OK);
    assert_true(((Tagih__V1__ListChangesResponse *)a.response)->resync);
    request.cursor = ((Tagih__V1__ListChangesResponse *)a.response)->cursor;
    a = rig_call(&rig, rig_staff_token(&rig, teller.agency, teller.supervisor, 0), "FeedService/ListChanges", &request);
    assert_answer(a, OK);
    assert_false(((Tagih__V1__ListChangesResponse *)a.response)->resync);
}

static void wait_told(size_t n) {
    for (int i = 0; i < 3000 && pushers_told(pushers, PHONES) < n; i++) pause_us(5 * US_PER_MS);
    assert_true(pushers_told(pushers, PHONES) >= n);
}

//= RULES.md R-PAY-1
//  Receipt, payment, allocation, account balance, ledger lines, promise effect, bonus line and outgoing event commit
//  together or not at all.
static void a_failover_under_load_loses_no_acknowledged_entry(void **state) {
    (void)state;
    size_t all = (size_t)entries * PHONES;
    for (int i = 0; i < PHONES; i++) {
        pusher_open(&pushers[i], &rig, teller.agency, target, &hurry);
        pushers[i].chance = (uint64_t)proof_seed + (uint64_t)i + 1;
        pushers[i].timeout_us = 10 * US_PER_S;
        pusher_write(&pushers[i], accounts, ACCOUNTS, (size_t)entries);
    }
    ProtobufCBinaryData cursor = cursor_now();
    pid_t pid = server.pid;
    for (int i = 0; i < PHONES; i++) pusher_start(&pushers[i]);
    wait_told(all / 4);
    int64_t began_us = clock_monotonic_us();
    cluster_kill(&primary);
    proof_fault(&proof, "primary killed");
    cluster_promote(&standby);
    size_t before = pushers_told(pushers, PHONES);
    assert_true(before < all);
    wait_told(before + 1);
    int64_t away_us = clock_monotonic_us() - began_us;
    int failed = pushers_join(pushers, PHONES);
    int64_t took_us = clock_monotonic_us() - began_us;
    use_the_new_primary();
    for (int i = 0; i < PHONES; i++) pusher_assert_stored(&pushers[i], &proof);
    print_message(
        "             %zu of %zu acknowledged before, %d calls failed, away for %lld ms, all drained after %lld ms\n",
        before, all, failed, (long long)(away_us / US_PER_MS), (long long)(took_us / US_PER_MS));
    assert_true(took_us < 60 * US_PER_S);
    assert_int_equal(server.pid, pid);
    assert_int_equal(kill(pid, 0), 0); /* by itself: it is the same process */
    assert_starts_over(cursor);
    proof.count++;
}

static void the_new_primarys_books_hold(void **state) {
    (void)state;
    char more[400];
    assert_int_equal(command_there("verify"), 0);
    snprintf(more, sizeof more, "--keys '%s' --log '%s'", rig.keys_dir, server.log);
    assert_true(proof_invariants(&proof, rig.pg.conninfo, more));
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER", options);
    if (argc != 3) return 2;
    binary = argv[1];
    script = argv[2];
    proof_sweep(sweep);
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_server_starts_at_a_standby_and_is_ready),
        cmocka_unit_test(every_reading_call_answers_there_what_it_answers_at_the_primary),
        cmocka_unit_test(verify_runs_there),
        cmocka_unit_test(a_writing_call_is_refused_there_with_a_clear_error_and_soon),
        cmocka_unit_test(who_waits_for_changes_there_hears_of_the_primarys_within_three_seconds),
        cmocka_unit_test(nothing_is_acknowledged_that_the_standby_has_not),
        cmocka_unit_test(a_wait_that_somebody_cancels_is_no_commit),
        cmocka_unit_test(a_failover_under_load_loses_no_acknowledged_entry),
        cmocka_unit_test(the_new_primarys_books_hold),
    };
    const struct CMUnitTest soon[] = {all[0], all[1], all[3], all[7], all[8]};
    int failed =
        everything ? cmocka_run_group_tests(all, open_rig, close_rig) : cmocka_run_group_tests(soon, open_rig, close_rig);
    return proof_end(&proof, failed);
}
