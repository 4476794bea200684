/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two servers, each a process of its own, on one database: what one of them did holds at the other at once. argv: tagihd,
 * pg_cluster.sh; --help tells the rest.
 */
#include <stdlib.h>
#include <unistd.h>

#include "domain/visit.h"
#include "server/run/clock.h"
#include "server/run/password.h"
#include "tests/rpc/stream_case.h"
#include "tests/support/process.h"
#include "tests/support/proof.h"
#include "tests/support/teller.h"
#include "tests/support/writer.h"

#define PASSWORD "correct horse battery"
#define SERVERS 2
#define VISITS 40
#define BIG MINOR(100000000)

static const char *binary, *script;
static struct cluster cluster;
static struct rig rig;
static struct process servers[SERVERS];
static struct client *at[SERVERS];
static char sockets[SERVERS][160];
static struct teller teller;
static char hash[PASSWORD_HASH_SIZE];
static long long rounds = 8;

static struct proof proof = {
    .test = "S2 two servers", .unit = "calls made to both", .invariants = "I1 I2 I3 I5 I7 I8 I9 I10"};

static const struct proof_option options[] = {
    {"--rounds", "TAGIH_TWO_SERVERS_ROUNDS", &rounds, "of the same call at both at once", false}, {0}};

static void sweep(void) {
    process_sweep();
    rig_forget(&rig);
}

static void open_server(int i) {
    char log[32], target[200];
    snprintf(log, sizeof log, "server-%d.log", i);
    snprintf(sockets[i], sizeof sockets[i], "%s/server-%d.sock", rig.folder, i);
    snprintf(target, sizeof target, "unix:%s", sockets[i]);
    process_serve_as(&servers[i], &rig, binary, &(struct process_options){.socket = sockets[i], .log = log});
    at[i] = client_open(target, NULL);
}

/* Of an agency of their own: their leases end by a hand in the database, which verify would tell. */
static void plan_visits(void) {
    struct teller other;
    teller_open(&other, &rig, rig_agency(&rig, "Bumi"));
    user_id walker = rig_user(&rig, other.agency, NULL, ROLE_COLLECTOR);
    for (int i = 0; i < VISITS; i++) rig_visit(&rig, other.agency, teller_account(&other, walker, &debt_j1, 1), walker);
}

static int open_rig(void **state) {
    (void)state;
    cluster_open(&cluster, "pair", script);
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    plan_visits();
    rig_stop(&rig);
    assert_ok(password_hash(bytes_text(PASSWORD), hash));
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    for (int i = 0; i < SERVERS; i++) {
        process_kill(&servers[i]);
        if (at[i]) client_close(at[i]);
    }
    rig_close(&rig);
    cluster_close(&cluster);
    return 0;
}

static struct rig_answer call_at(int server, const char *token, const char *method, const void *request) {
    return rig_call_with(&rig, method, request, &(struct rig_call_options){.token = token, .via = at[server]});
}

static const char *token(user_id user) {
    return rig_staff_token(&rig, teller.agency, user, 0);
}

/* ---- chores ----------------------------------------------------------------------------------------------------------- */

/* Both begin their first minute at once, with the same work in front of them. */
static void the_minutes_work_is_done_once(void **state) {
    (void)state;
    pg_exec(&rig.pg, "update visit_state set lease_until_us = 1");
    for (int i = 0; i < SERVERS; i++) open_server(i);
    for (int i = 0; i < SERVERS; i++) process_listening(&servers[i]);
    static const char left[] = "select count(*) from visit_state where lease_until_us = 1 and state = 1";
    for (int i = 0; i < 1500 && pg_number(&rig.pg, left) > 0; i++) pause_us(10 * US_PER_MS);
    assert_int_equal(pg_number(&rig.pg, left), 0);
    pause_us(500 * US_PER_MS);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from visit_event where kind = 'EXPIRED'"), VISITS);
    assert_int_equal(pg_number(&rig.pg,
                               "select count(*) from (select from digest_head group by agency_id, writer_id, n"
                               " having count(*) > 1) x"),
                     0);
    proof_check(&proof, VISITS + 2);
}

/* ---- sessions --------------------------------------------------------------------------------------------------------- */

static void user_with_password(const char *login) {
    user_id user = rig_user(&rig, teller.agency, login, ROLE_SUPERVISOR);
    rig_run(&rig, "update staff_state set password_hash = '%s' where user_id = '%s'", hash, rig_text(user.u));
}

static struct rig_answer login_at(int server, const char *name, const char *password) {
    Tagih__V1__LoginRequest request = TAGIH__V1__LOGIN_REQUEST__INIT;
    request.login = TEXT(name);
    request.password = TEXT(password);
    return call_at(server, NULL, "SessionService/Login", &request);
}

static struct rig_answer refresh_at(int server, const char *refresh_token) {
    Tagih__V1__RefreshRequest request = TAGIH__V1__REFRESH_REQUEST__INIT;
    request.refresh_token = TEXT(refresh_token);
    return call_at(server, NULL, "SessionService/Refresh", &request);
}

static const char *next_of(const struct rig_answer *answer) {
    return ((const Tagih__V1__RefreshResponse *)answer->response)->tokens->refresh_token;
}

static struct rig_answer who_at(int server, const char *access_token) {
    Tagih__V1__WhoAmIRequest request = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    return call_at(server, access_token, "SessionService/WhoAmI", &request);
}

static void a_token_of_one_works_at_the_other_and_ends_at_both_with_its_device(void **state) {
    (void)state;
    user_id collector = rig_user(&rig, teller.agency, NULL, ROLE_COLLECTOR);
    struct rig_phone phone = rig_phone(&rig, teller.agency, collector);
    user_with_password("sari");
    struct rig_answer a = login_at(0, "sari", PASSWORD);
    assert_answer(a, OK);
    assert_answer(who_at(1, ((const Tagih__V1__LoginResponse *)a.response)->tokens->access_token), OK);
    assert_answer(who_at(0, phone.token), OK); /* now it is known to both, and to their caches */
    assert_answer(who_at(1, phone.token), OK);
    Tagih__V1__RevokeDeviceRequest request = TAGIH__V1__REVOKE_DEVICE_REQUEST__INIT;
    request.device_id = TEXT(rig_text(phone.device.u));
    request.reason = TEXT("lost in the market");
    assert_answer(call_at(0, token(teller.supervisor), "DeviceService/RevokeDevice", &request), OK);
    assert_answer(who_at(1, phone.token), CALLER_REVOKED);
    assert_answer(who_at(0, phone.token), CALLER_REVOKED);
    proof_check(&proof, 5);
}

static void a_refresh_token_that_comes_back_at_the_other_ends_the_session_at_both(void **state) {
    (void)state;
    user_with_password("reused");
    struct rig_answer first = login_at(0, "reused", PASSWORD);
    assert_answer(first, OK);
    const char *stolen = ((const Tagih__V1__LoginResponse *)first.response)->tokens->refresh_token;
    struct rig_answer second = refresh_at(1, stolen);
    assert_answer(second, OK);
    struct rig_answer third = refresh_at(0, next_of(&second));
    assert_answer(third, OK);
    assert_answer(refresh_at(1, stolen), SESSION_REUSED);
    assert_answer(refresh_at(0, next_of(&third)), SESSION_OVER);
    assert_answer(refresh_at(1, next_of(&third)), SESSION_OVER);
    proof_check(&proof, 5);
}

static void failed_logins_are_counted_over_both(void **state) {
    (void)state;
    user_with_password("guessed");
    for (int i = 0; i < 10; i++) assert_answer(login_at(i % SERVERS, "guessed", "guess"), LOGIN_FAILED);
    for (int i = 0; i < SERVERS; i++) assert_answer(login_at(i, "guessed", PASSWORD), GUESS_LIMIT);
    proof_check(&proof, 12);
}

/* ---- the same call at both at once ------------------------------------------------------------------------------------ */

struct twin {
    pthread_t thread;
    pthread_barrier_t *start;
    int server;
    const char *token, *method;
    const void *request;
    struct rig_answer answer;
    int64_t give_up_us;
};

static void *call_twin(void *context) {
    struct twin *twin = context;
    pthread_barrier_wait(twin->start);
    do {
        twin->answer = call_at(twin->server, twin->token, twin->method, twin->request);
    } while (twin->answer.status == CALL_ABORTED && clock_monotonic_us() < twin->give_up_us);
    return NULL;
}

/* What must be the same of an answer: all of it, but of a Push the acknowledgements: a chain is certified as of now. */
static size_t write_what_is_one(const struct rig_answer *answer, uint8_t *to, size_t room) {
    const ProtobufCMessage *message = answer->response;
    size_t len = 0;
    if (message->descriptor != &tagih__v1__push_response__descriptor) {
        assert_true(protobuf_c_message_get_packed_size(message) <= room);
        return protobuf_c_message_pack(message, to);
    }
    const Tagih__V1__PushResponse *push = answer->response;
    for (size_t i = 0; i < push->n_acks; i++) {
        assert_true(len + push->acks[i].len <= room);
        memcpy(to + len, push->acks[i].data, push->acks[i].len);
        len += push->acks[i].len;
    }
    return len;
}

/* Both answer the same, to the byte. */
static struct rig_answer call_both(const char *as, const char *method, const void *request) {
    struct twin twins[SERVERS];
    pthread_barrier_t start;
    uint8_t bytes[SERVERS][8192];
    size_t len[SERVERS];
    pthread_barrier_init(&start, NULL, SERVERS);
    for (int i = 0; i < SERVERS; i++) {
        twins[i] = (struct twin){.start = &start,
                                 .server = i,
                                 .token = as,
                                 .method = method,
                                 .request = request,
                                 .give_up_us = clock_monotonic_us() + 20 * US_PER_S};
        assert_int_equal(pthread_create(&twins[i].thread, NULL, call_twin, &twins[i]), 0);
    }
    for (int i = 0; i < SERVERS; i++) pthread_join(twins[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < SERVERS; i++) {
        assert_answer(twins[i].answer, OK);
        len[i] = write_what_is_one(&twins[i].answer, bytes[i], sizeof bytes[i]);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(bytes[0], bytes[1], len[0]);
    proof_check(&proof, 1);
    proof_fault(&proof, "same call at both at once");
    proof.count++;
    return twins[0].answer;
}

static void the_same_request_at_both_at_once_has_one_effect_and_one_answer(void **state) {
    (void)state;
    rig.tls = at[0]; /* the teller's own calls go there */
    for (long long i = 0; i < rounds && !proof_is_over(); i++) {
        account_id account = teller_account(&teller, (user_id){0}, &debt_j1, 1);
        teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(5000000)});
        Tagih__V1__Money amount = TAGIH__V1__MONEY__INIT;
        Tagih__V1__RefundCreditRequest request = TAGIH__V1__REFUND_CREDIT_REQUEST__INIT;
        amount.minor = MINOR(1000000);
        amount.currency = TEXT("IDR");
        request.account_id = TEXT(rig_text(account.u));
        request.amount = &amount;
        request.reason = TEXT("paid too much");
        request.request_id = TEXT(rig_text(rig_id()));
        struct rig_answer proposed = call_both(token(teller.cashier), "AdjustmentService/RefundCredit", &request);
        Tagih__V1__GetProposalRequest get = TAGIH__V1__GET_PROPOSAL_REQUEST__INIT;
        get.proposal_id = TEXT(teller_proposal(&proposed));
        struct rig_answer seen = call_at(1, token(teller.admin), "ApprovalService/GetProposal", &get);
        assert_answer(seen, OK);
        Tagih__V1__DecideProposalRequest decide = TAGIH__V1__DECIDE_PROPOSAL_REQUEST__INIT;
        decide.proposal_id = get.proposal_id;
        decide.approve = true;
        decide.reason = TEXT("seen and right");
        decide.request_id = TEXT(rig_text(rig_id()));
        decide.etag = ((const Tagih__V1__GetProposalResponse *)seen.response)->proposal->etag;
        call_both(token(teller.second), "ApprovalService/DecideProposal", &decide);
        assert_int_equal(teller_number(&teller, "select count(*) from proposal where subject_id = '%s'", account.u), 1);
        assert_int_equal(teller_credit_minor(&teller, account), 0);
    }
    rig.tls = NULL;
}

static void the_same_entries_at_both_at_once_pay_once_and_get_the_same_acknowledgements(void **state) {
    (void)state;
    struct writer w;
    const struct debt debt = {.due_minor = {[COMPONENT_PRINCIPAL] = BIG}};
    user_id collector = writer_begin_new(&w, &rig, teller.agency);
    rig.tls = at[0];
    account_id account = teller_account(&teller, collector, &debt, 1);
    rig.tls = NULL;
    for (long long i = 0; i < rounds && !proof_is_over(); i++) {
        ProtobufCBinaryData entries[3], certificate = {w.phone.certificate_len, w.phone.certificate};
        Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
        for (int k = 0; k < 3; k++) {
            struct journal_entry receipt = writer_receipt(&w, account, MINOR(1000 + i));
            size_t n = writer_sign(&w, &receipt);
            entries[k] = (ProtobufCBinaryData){w.entries[n].len, w.entries[n].bytes};
        }
        request.entries = entries;
        request.n_entries = 3;
        request.certificates = &certificate;
        request.n_certificates = 1;
        struct rig_answer answer = call_both(NULL, "SyncService/Push", &request);
        assert_int_equal(((const Tagih__V1__PushResponse *)answer.response)->n_acks, 3);
        assert_int_equal(teller_number(&teller, "select count(*) from payment where account_id = '%s'", account.u),
                         3 * (i + 1));
        if (w.n + 3 > WRITER_ENTRIES_MAX) break;
    }
    writer_end(&w);
}

/* ---- changes ---------------------------------------------------------------------------------------------------------- */

static void read_until_change(struct client_call *stream, size_t n) {
    for (size_t seen = 0; seen < n;) {
        Tagih__V1__WatchChangesResponse *m = next_message(stream, &tagih__v1__watch_changes_response__descriptor);
        assert_non_null(m);
        assert_false(m->resync);
        seen += m->n_changes;
        tagih__v1__watch_changes_response__free_unpacked(m, NULL);
    }
}

static void a_change_made_at_one_reaches_a_watcher_at_the_other_within_a_second(void **state) {
    (void)state;
    Tagih__V1__WatchChangesRequest request = TAGIH__V1__WATCH_CHANGES_REQUEST__INIT;
    struct client_call *stream =
        begin(at[1], token(teller.supervisor), "/tagih.v1.FeedService/WatchChanges", CLIENT_ONE, &request);
    Tagih__V1__WatchChangesResponse *first = next_message(stream, &tagih__v1__watch_changes_response__descriptor);
    assert_non_null(first);
    tagih__v1__watch_changes_response__free_unpacked(first, NULL);
    int64_t slowest_us = 0;
    rig.tls = at[0];
    account_id account = teller_account(&teller, (user_id){0}, &debt_j1, 1);
    read_until_change(stream, 1);
    for (int i = 0; i < 10; i++) {
        teller_paid(&teller, account, &(struct paid){.amount_minor = MINOR(1000)});
        int64_t began_us = clock_monotonic_us();
        read_until_change(stream, 1);
        int64_t took_us = clock_monotonic_us() - began_us;
        if (took_us > slowest_us) slowest_us = took_us;
        pause_us(100 * US_PER_MS);
        proof_check(&proof, 1);
    }
    rig.tls = NULL;
    leave(stream);
    print_message("             the slowest of 10 took %lld ms\n", (long long)(slowest_us / US_PER_MS));
    assert_true(slowest_us < US_PER_S);
}

/* ---- in the end ------------------------------------------------------------------------------------------------------- */

static void chains_of_both_servers_verify_and_all_books_hold(void **state) {
    (void)state;
    char line[2600], more[600];
    assert_true(pg_number(&rig.pg, "select count(*) from posting_writer") >= 2);
    snprintf(line, sizeof line,
             "'%s' verify --database-url '%s user=tagih_read' --keys-dir '%s' --agency '%s' >'%s/verify' ||"
             " { cat '%s/verify'; false; }",
             binary, rig.pg.conninfo, rig.keys_dir, rig_text(teller.agency.u), rig.folder, rig.folder);
    assert_int_equal(system(line), 0);
    snprintf(more, sizeof more, "--keys '%s' --log '%s' --log '%s'", rig.keys_dir, servers[0].log, servers[1].log);
    assert_true(proof_invariants(&proof, rig.pg.conninfo, more));
    proof_check(&proof, 2);
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER", options);
    if (argc != 3) return 2;
    binary = argv[1];
    script = argv[2];
    proof_sweep(sweep);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_minutes_work_is_done_once),
        cmocka_unit_test(a_token_of_one_works_at_the_other_and_ends_at_both_with_its_device),
        cmocka_unit_test(a_refresh_token_that_comes_back_at_the_other_ends_the_session_at_both),
        cmocka_unit_test(failed_logins_are_counted_over_both),
        cmocka_unit_test(the_same_request_at_both_at_once_has_one_effect_and_one_answer),
        cmocka_unit_test(the_same_entries_at_both_at_once_pay_once_and_get_the_same_acknowledgements),
        cmocka_unit_test(a_change_made_at_one_reaches_a_watcher_at_the_other_within_a_second),
        cmocka_unit_test(chains_of_both_servers_verify_and_all_books_hold),
    };
    return proof_end(&proof, cmocka_run_group_tests(tests, open_rig, close_rig));
}
