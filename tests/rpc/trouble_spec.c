/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database that is away, slow, restarted, read only, or refuses one row; and a server told to end under load. Each has
 * a clear error, heals by itself, and loses and doubles nothing. argv: tagihd, pg_cluster.sh; --help tells the rest.
 */
#include "tests/support/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/chaos/wire.h"
#include "tests/support/case.h"
#include "tests/support/process.h"
#include "tests/support/pusher.h"

#define MINOR(rupiah) (INT64_C(100) * (rupiah))

static const char *binary, *script;
static struct cluster cluster;
static struct rig rig;
static struct process server;
static agency_id agency;
static user_id collector;
#define SLOW_PHONES 6
static struct wire wire;
static struct pusher slow[SLOW_PHONES];

static struct proof proof = {.test = "S2 troubles of the database", .unit = "troubles", .invariants = "I3 I4 I5 I6"};

static void sweep(void) {
    process_sweep();
    rig_forget(&rig);
    unlink(wire.listen_path);
    rmdir(wire.folder);
}

static int open_rig(void **state) {
    (void)state;
    cluster_open(&cluster, "trouble", script);
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    collector = rig_user(&rig, agency, "budi", ROLE_COLLECTOR);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    pushers_abandon(slow, SLOW_PHONES);
    process_kill(&server);
    wire_close(&wire);
    rig_close(&rig);
    cluster_close(&cluster);
    return 0;
}

static void trouble(const char *name) {
    proof_fault(&proof, name);
    proof.count++;
}

static account_id debt(void) {
    return rig_account(&rig, agency, &(struct rig_account){.collector = collector});
}

static struct writer new_writer(void) {
    struct writer writer;
    struct rig_phone phone = rig_phone(&rig, agency, collector);
    writer_begin(&writer, &rig, &phone);
    return writer;
}

static void write_receipts(struct writer *w, int n) {
    account_id account = debt();
    for (int i = 0; i < n; i++) {
        struct journal_entry receipt = writer_receipt(w, account, MINOR(1000 + i));
        writer_sign(w, &receipt);
    }
}

static long long count_of(const char *table, const struct writer *w) {
    char sql[256];
    snprintf(sql, sizeof sql, "select count(*) from %s where device_id = '%s'", table, rig_text(w->phone.device.u));
    return pg_number(&rig.pg, sql);
}

static void assert_balanced(void) {
    assert_int_equal(pg_number(&rig.pg, "select count(*) from (select from ledger_line group by posting_id, currency"
                                        " having sum(amount_minor) <> 0) x"), 0);
    assert_int_equal(pg_number(&rig.pg, "select (select count(*) from receipt r join journal_key k using (entry_hash) where"
                                        " k.fate in (1, 2)) - (select count(*) from payment)"), 0);
    proof_check(&proof, 2);
}

/* ---- load ----------------------------------------------------------------------------------------------------- */

#define LOADERS 4
#define LOAD_ENTRIES 400

struct loader {
    pthread_t thread;
    struct writer writer;
    char target[160], ca[160];
    size_t acked; /* entries, in order */
    int refused;  /* UNAVAILABLE */
    int64_t wait_us; /* what the last refusal asked for */
    int64_t slowest_us;
    char problem[256];
};

static struct loader loaders[LOADERS];
static atomic_bool load_stop;

static void load_once(struct loader *l, struct client *via) {
    size_t indices[4], n = 0;
    while (n < COUNT_OF(indices) && l->acked + n < l->writer.n) {
        indices[n] = l->acked + n;
        n++;
    }
    int64_t began = clock_monotonic_us();
    struct rig_answer a = writer_push_via(&l->writer, via, 10 * US_PER_S, indices, n);
    int64_t took = clock_monotonic_us() - began;
    if (took > l->slowest_us) l->slowest_us = took;
    if (a.status == CALL_OK) l->acked += n;
    else if (a.status == CALL_UNAVAILABLE) l->refused++, l->wait_us = a.retry_after_us;
    else snprintf(l->problem, sizeof l->problem, "answered %d %s: %.150s", (int)a.status, a.reason, a.message);
}

static void *load(void *context) {
    struct loader *l = context;
    while (!atomic_load(&load_stop) && l->acked < l->writer.n && !*l->problem) {
        struct client *via = client_open(l->target, *l->ca ? l->ca : NULL);
        int refused = l->refused;
        while (!atomic_load(&load_stop) && l->refused == refused && l->acked < l->writer.n && !*l->problem) {
            load_once(l, via);
            pause_us(10 * US_PER_MS);
        }
        client_close(via);
        if (!atomic_load(&load_stop)) pause_us(l->wait_us); /* a phone heeds RetryInfo: a drain ends once calls stop coming */
    }
    return NULL;
}

static void load_begin(const char *target, const char *ca) {
    atomic_store(&load_stop, false);
    for (int i = 0; i < LOADERS; i++) {
        loaders[i] = (struct loader){.writer = new_writer()};
        snprintf(loaders[i].target, sizeof loaders[i].target, "%s", target);
        snprintf(loaders[i].ca, sizeof loaders[i].ca, "%s", ca);
        write_receipts(&loaders[i].writer, LOAD_ENTRIES);
    }
    for (int i = 0; i < LOADERS; i++) assert_int_equal(pthread_create(&loaders[i].thread, NULL, load, &loaders[i]), 0);
}

/* Everybody has stopped; what was acknowledged is there. @return calls refused */
static int load_end(int64_t *slowest_us) {
    int refused = 0;
    *slowest_us = 0;
    for (int i = 0; i < LOADERS; i++) pthread_join(loaders[i].thread, NULL);
    PQreset(rig.pg.admin);
    for (int i = 0; i < LOADERS; i++) {
        struct loader *l = &loaders[i];
        if (*l->problem) fail_msg("phone %d %s", i, l->problem);
        if (l->slowest_us > *slowest_us) *slowest_us = l->slowest_us;
        refused += l->refused;
        assert_true(count_of("receipt", &l->writer) >= (long long)l->acked);
        writer_end(&l->writer);
    }
    assert_balanced();
    return refused;
}

/* ---- the database --------------------------------------------------------------------------------------------- */

/* In-process, over the unix socket: each loader has its own connection. */
static void load_rig(void) {
    char target[160];
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    load_begin(target, "");
}

static void a_database_that_goes_away_under_load_is_said_at_once_and_comes_back_by_itself(void **state) {
    (void)state;
    load_rig();
    pause_us(300 * US_PER_MS);
    cluster_stop(&cluster);
    trouble("database stopped");
    pause_us(800 * US_PER_MS);
    struct writer w; /* signed before: the rig's own rows need the database */
    w = loaders[0].writer;
    struct rig_answer a = writer_push_via(&w, NULL, 10 * US_PER_S, (size_t[]){LOAD_ENTRIES - 1}, 1);
    assert_answer(a, STORE_UNAVAILABLE);
    assert_int_equal(a.status, CALL_UNAVAILABLE);
    assert_true(a.retry_after_us > 0);
    cluster_start(&cluster);
    int64_t slowest_us;
    int refused = load_end(&slowest_us);
    print_message("             %d calls refused, the slowest took %lld ms\n", refused, (long long)(slowest_us / US_PER_MS));
    assert_true(refused > 0 && slowest_us < 8 * US_PER_S);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment"), LOADERS * LOAD_ENTRIES);
}

static void a_row_that_somebody_holds_ends_in_a_clear_error_and_half_of_nothing(void **state) {
    (void)state;
    struct writer w = new_writer();
    write_receipts(&w, 3);
    pg_exec(&rig.pg, "begin; select from account_state for update");
    trouble("row held");
    int64_t began = clock_monotonic_us();
    struct rig_answer a = writer_push_via(&w, NULL, 2500 * US_PER_MS, (size_t[]){0, 1, 2}, 3);
    assert_true(clock_monotonic_us() - began < 6 * US_PER_S);
    if (a.status != CALL_ABORTED && a.status != CALL_DEADLINE_EXCEEDED && a.status != CALL_UNAVAILABLE) {
        fail_msg("answered %d %s", (int)a.status, a.reason);
    }
    pause_us(3 * US_PER_S); /* the call has ended for the phone; the server's own attempt ends now too */
    pg_exec(&rig.pg, "rollback");
    assert_int_equal(count_of("journal_key", &w), 0);
    a = writer_push_range(&w, 0, 2);
    assert_answer(a, OK);
    assert_int_equal(count_of("receipt", &w), 3);
    assert_balanced();
    writer_end(&w);
}

//= RULES.md R-JRN-7
//  Nothing that a known device signed is ever dropped. One bad entry never sinks the batch around it.
static void an_entry_that_the_database_refuses_is_quarantined_alone(void **state) {
    (void)state;
    struct writer w = new_writer();
    write_receipts(&w, 20); /* 1000 … 1019 rupiah */
    pg_exec(&rig.pg, "alter table receipt add constraint poison check (amount_minor <> 101300) not valid");
    trouble("row refused");
    struct rig_answer first = writer_push_range(&w, 0, 19);
    assert_answer(first, OK);
    for (size_t i = 0; i < 20; i++) {
        struct acknowledgement ack = writer_ack(&w, &first, i, i);
        if (i != 13) assert_true(ack.fate == FATE_POSTED || ack.fate == FATE_POSTED_FLAGGED);
        else assert_true(ack.fate == FATE_QUARANTINED && ack_says(&ack, REASON_NOT_STORED));
    }
    assert_int_equal(count_of("receipt", &w), 19);
    assert_int_equal(count_of("journal_key", &w), 20);
    assert_int_equal(writer_certificate(&w, &first).contiguous_seq, 20);
    pg_exec(&rig.pg, "alter table receipt drop constraint poison");
    struct rig_answer again = writer_push_range(&w, 0, 19);
    const Tagih__V1__PushResponse *a = first.response, *b = again.response;
    assert_answer(again, OK);
    for (size_t i = 0; i < 20; i++) assert_memory_equal(a->acks[i].data, b->acks[i].data, a->acks[i].len);
    assert_int_equal(count_of("receipt", &w), 19);
    assert_balanced();
    writer_end(&w);
}

//= RULES.md R-JRN-6
//  Each entry gets one countersigned acknowledgement {entry hash, first fate, reasons, received time, key id}, made and
//  stored in the posting transaction
static void what_the_database_refuses_in_every_form_is_acknowledged_to_nobody(void **state) {
    (void)state;
    struct writer w = new_writer();
    write_receipts(&w, 4);
    pg_exec(&rig.pg, "alter table journal_key add constraint poison check (seq <> 3) not valid");
    struct rig_answer refused = writer_push_range(&w, 0, 3);
    struct rig_answer alone = writer_push_range(&w, 2, 2);
    pg_exec(&rig.pg, "alter table journal_key drop constraint poison");
    assert_answer(refused, BATCH_BROKEN);
    assert_answer(alone, BATCH_BROKEN);
    assert_int_equal(count_of("journal_key", &w), 3);
    struct rig_answer again = writer_push_range(&w, 0, 3);
    assert_answer(again, OK);
    assert_int_equal(count_of("receipt", &w), 4);
    assert_int_equal(writer_certificate(&w, &again).contiguous_seq, 4);
    assert_balanced();
    writer_end(&w);
}

/* As after a failover to a host that is still a standby. */
static void a_read_only_database_is_said_and_forgotten_when_it_is_over(void **state) {
    (void)state;
    struct writer w = new_writer();
    write_receipts(&w, 2);
    cluster_read_only(&cluster, true);
    trouble("read only");
    struct rig_answer a = writer_push_range(&w, 0, 1);
    cluster_read_only(&cluster, false);
    PQreset(rig.pg.admin);
    assert_answer(a, STORE_UNAVAILABLE);
    assert_int_equal(count_of("journal_key", &w), 0);
    assert_answer(writer_push_range(&w, 0, 1), OK);
    assert_int_equal(count_of("receipt", &w), 2);
    writer_end(&w);
}

/* ---- the server ----------------------------------------------------------------------------------------------- */

/* From here on the rig's own server is gone. */
static void sigterm_under_load_loses_no_acknowledged_call(void **state) {
    (void)state;
    char target[160];
    rig_stop(&rig);
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    process_serve(&server, &rig, binary);
    for (int i = 0; i < 500 && !process_said(&server, "server.listening"); i++) pause_us(10 * US_PER_MS);
    load_begin(target, "");
    pause_us(400 * US_PER_MS);
    process_signal(&server, SIGTERM);
    trouble("SIGTERM under load");
    assert_int_equal(process_wait(&server, 20 * US_PER_S), 0);
    assert_true(process_said(&server, "server.stopped"));
    pause_us(100 * US_PER_MS);
    atomic_store(&load_stop, true);
    int64_t slowest_us;
    int refused = load_end(&slowest_us);
    size_t acked = 0;
    for (int i = 0; i < LOADERS; i++) acked += loaders[i].acked;
    print_message("             %zu entries acknowledged, %d calls refused\n", acked, refused);
    assert_true(acked > 0 && acked < LOADERS * LOAD_ENTRIES && refused > 0);
}

/* ---- slow ----------------------------------------------------------------------------------------------------- */

#define OTHER_PUSHES 20

static char own_target[160];

static void open_slow(agency_id of, const atomic_bool *hurry) {
    account_id account = rig_account(&rig, of, &(struct rig_account){0});
    for (int i = 0; i < SLOW_PHONES; i++) {
        pusher_open(&slow[i], &rig, of, own_target, hurry);
        slow[i].timeout_us = 3 * US_PER_S;
        slow[i].chance = (uint64_t)proof_seed + (uint64_t)i + 1;
        pusher_write(&slow[i], &account, 1, 12);
    }
}

/* One agency's statements take a second each: a lock of its own, an account with a history of years, a table that swells.
 * @return the slowest call of another one's */
static int64_t push_beside(struct writer *w) {
    int64_t slowest_us = 0;
    struct client *via = client_open(own_target, NULL);
    for (size_t i = 0; i < OTHER_PUSHES; i++) {
        int64_t began_us = clock_monotonic_us();
        struct rig_answer a = writer_push_via(w, via, 5 * US_PER_S, &i, 1);
        int64_t took_us = clock_monotonic_us() - began_us;
        assert_answer(a, OK);
        if (took_us > slowest_us) slowest_us = took_us;
        pause_us(100 * US_PER_MS);
    }
    client_close(via);
    return slowest_us;
}

static void a_database_that_is_slow_for_one_agency_keeps_deadlines_and_serves_the_others(void **state) {
    (void)state;
    atomic_bool hurry = false;
    agency_id sluggish = rig_agency(&rig, "Bumi");
    struct writer w = new_writer();
    write_receipts(&w, OTHER_PUSHES);
    wire_open(&wire, cluster.link);
    char database[300];
    snprintf(database, sizeof database, "%s user=tagih_app dbname=%s", wire.conninfo, rig.pg.name);
    snprintf(own_target, sizeof own_target, "unix:%s", rig.socket);
    process_serve_as(&server, &rig, binary, &(struct process_options){.database = database, .workers = 4});
    process_listening(&server);
    snprintf(wire.slow_agency, sizeof wire.slow_agency, "%s", rig_text(sluggish.u));
    open_slow(sluggish, &hurry);
    atomic_store(&wire.delay_us, US_PER_S);
    trouble("slow");
    for (int i = 0; i < SLOW_PHONES; i++) pusher_start(&slow[i]);
    pause_us(500 * US_PER_MS);
    int64_t other_us = push_beside(&w);
    long long connections =
        pg_number(&rig.pg, "select count(*) from pg_stat_activity where application_name like 'tagih-worker%'");
    atomic_store(&wire.delay_us, 0);
    atomic_store(&hurry, true);
    int64_t began_us = clock_monotonic_us(), slowest_us = 0;
    int failed = pushers_join(slow, SLOW_PHONES);
    int64_t took_us = clock_monotonic_us() - began_us;
    for (int i = 0; i < SLOW_PHONES; i++) {
        if (slow[i].slowest_us > slowest_us) slowest_us = slow[i].slowest_us;
        pusher_assert_stored(&slow[i], &proof);
        pusher_close(&slow[i]);
    }
    print_message(
        "             %d calls of the slow one failed, the slowest after %lld ms; the others' slowest took %lld ms; %lld"
        " connections; well again after %lld ms\n",
        failed, (long long)(slowest_us / US_PER_MS), (long long)(other_us / US_PER_MS), connections,
        (long long)(took_us / US_PER_MS));
    assert_true(failed > 0 && slowest_us < 3500 * US_PER_MS); /* a phone's own deadline holds */
    assert_true(other_us < US_PER_S);
    assert_true(connections <= 8); /* each worker's, and what is left of one that was given up */
    assert_true(took_us < 10 * US_PER_S);
    assert_balanced();
    writer_end(&w);
    process_kill(&server);
    wire_close(&wire);
    proof_check(&proof, 5);
}

/* Somebody has set it so, for an upgrade or by mistake: PostgreSQL is up, and BEGIN READ WRITE says what is meant. */
static void a_default_of_read_only_is_no_trouble_for_who_says_what_he_means(void **state) {
    (void)state;
    char target[160], sql[200];
    struct writer w = new_writer();
    write_receipts(&w, 2);
    snprintf(sql, sizeof sql, "alter database %s set default_transaction_read_only = on", rig.pg.name);
    pg_exec(&rig.pg, sql);
    trouble("read only");
    process_serve(&server, &rig, binary);
    process_listening(&server);
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    struct client *via = client_open(target, NULL);
    struct rig_answer a = writer_push_via(&w, via, 5 * US_PER_S, (size_t[]){0, 1}, 2);
    client_close(via);
    process_kill(&server);
    snprintf(sql, sizeof sql, "alter database %s reset default_transaction_read_only", rig.pg.name);
    pg_exec(&rig.pg, sql);
    assert_answer(a, OK);
    assert_int_equal(count_of("receipt", &w), 2);
    writer_end(&w);
    proof_check(&proof, 2);
}

static void a_server_without_its_database_refuses_to_start_and_says_why(void **state) {
    (void)state;
    cluster_stop(&cluster);
    trouble("database stopped");
    process_serve(&server, &rig, binary);
    assert_int_equal(process_wait(&server, 20 * US_PER_S), 1);
    assert_true(process_said(&server, "cannot connect to the database"));
    assert_true(process_said(&server, "the database cannot take this now"));
    cluster_start(&cluster);
    PQreset(rig.pg.admin);
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER", NULL);
    if (argc != 3) return 2;
    binary = argv[1];
    script = argv[2];
    proof_sweep(sweep);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_that_goes_away_under_load_is_said_at_once_and_comes_back_by_itself),
        cmocka_unit_test(a_row_that_somebody_holds_ends_in_a_clear_error_and_half_of_nothing),
        cmocka_unit_test(an_entry_that_the_database_refuses_is_quarantined_alone),
        cmocka_unit_test(what_the_database_refuses_in_every_form_is_acknowledged_to_nobody),
        cmocka_unit_test(a_read_only_database_is_said_and_forgotten_when_it_is_over),
        cmocka_unit_test(sigterm_under_load_loses_no_acknowledged_call),
        cmocka_unit_test(a_database_that_is_slow_for_one_agency_keeps_deadlines_and_serves_the_others),
        cmocka_unit_test(a_default_of_read_only_is_no_trouble_for_who_says_what_he_means),
        cmocka_unit_test(a_server_without_its_database_refuses_to_start_and_says_why),
    };
    return proof_end(&proof, cmocka_run_group_tests(tests, open_rig, close_rig));
}
