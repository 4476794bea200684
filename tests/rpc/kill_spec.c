/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 in the middle of a sync, of the server and of PostgreSQL: what was acknowledged is there, what was not is
 * sent again, and nothing is there twice. Phones push without end and note every acknowledgement; a killer works
 * beside them. Many kills are made in rounds, each on new phones, agency and accounts. argv: tagihd, pg_cluster.sh; --help
 * tells the rest.
 */
#include "tests/support/pusher.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/process.h"

#define PHONES 8
#define ENTRIES PUSHER_ENTRIES
#define ACCOUNTS 40
#define ROUND_KILLS 20 /* of the server, in one round */
#define DRAIN_US_MAX (60 * US_PER_S)
#define MINOR(rupiah) (INT64_C(100) * (rupiah))

static const char *binary, *script;
static struct cluster cluster;
static struct rig rig;
static struct process server;
static agency_id agency;
static account_id accounts[ACCOUNTS];
static char target[160];
static long long server_kills = 20, cluster_kills = 5, done_kills, rounds;
static int failures;

static struct proof proof = {.test = "S2 random kills", .unit = "kills", .invariants = "I3 I4 I5 I6 I10 I12"};

static const struct proof_option options[] = {
    {"--server-kills", "TAGIH_SERVER_KILLS", &server_kills, "kill -9 of the server", false},
    {"--cluster-kills", "TAGIH_CLUSTER_KILLS", &cluster_kills, "and of PostgreSQL's postmaster, spread among them", false},
    {0}};

static struct pusher pushers[PHONES];
static atomic_bool hurry; /* the killing is over: no more pauses between pushes */

static void sweep(void) {
    process_sweep();
    rig_forget(&rig);
}

static int open_rig(void **state) {
    (void)state;
    cluster_open(&cluster, "kill", script);
    rig_open(&rig, NULL);
    rig_stop(&rig);
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    return 0;
}

/* New phones and accounts. */
static void open_round(void) {
    PQreset(rig.pg.admin);
    pg_exec(&rig.pg, "begin");
    agency = rig_agency(&rig, "Acme");
    for (int i = 0; i < PHONES; i++) {
        pusher_close(&pushers[i]);
        pusher_open(&pushers[i], &rig, agency, target, &hurry);
        pushers[i].chance = ((uint64_t)proof_seed << 8 | (uint64_t)i) + 1;
    }
    for (int i = 0; i < ACCOUNTS; i++) accounts[i] = rig_account(&rig, agency, &(struct rig_account){.fees_minor = MINOR(1000)});
    pg_exec(&rig.pg, "commit");
    rounds++;
}

static int close_rig(void **state) {
    (void)state;
    pushers_abandon(pushers, PHONES);
    process_kill(&server);
    for (int i = 0; i < PHONES; i++) pusher_close(&pushers[i]);
    rig_close(&rig);
    cluster_close(&cluster);
    return 0;
}

/* ---- the killer ----------------------------------------------------------------------------------------------- */

/* Wait for a few answers, so that each blow falls into a running sync, then a random moment longer. */
static void let_work(uint64_t *chance) {
    size_t before = pushers_told(pushers, PHONES);
    int64_t until = clock_monotonic_us() + 15 * US_PER_S;
    while (pushers_told(pushers, PHONES) < before + 8 && pushers_told(pushers, PHONES) < PHONES * ENTRIES &&
           clock_monotonic_us() < until)
        pause_us(2 * US_PER_MS);
    pause_us((int64_t)random_below(chance, 40) * US_PER_MS);
}

static void kill_server(uint64_t *chance) {
    let_work(chance);
    assert_true(pushers_told(pushers, PHONES) < PHONES * ENTRIES); /* or this is no kill in the middle of anything */
    process_kill(&server);
    process_serve(&server, &rig, binary);
    proof_fault(&proof, "server");
}

static void kill_cluster(uint64_t *chance) {
    let_work(chance);
    assert_true(pushers_told(pushers, PHONES) < PHONES * ENTRIES);
    cluster_kill(&cluster);
    cluster_start(&cluster);
    proof_fault(&proof, "postmaster");
}

/* Those of the cluster come evenly among those of the server. */
static void kill_again_and_again(long long n) {
    uint64_t chance = (uint64_t)proof_seed + (uint64_t)rounds;
    print_message("             round %lld, seed %lld\n", rounds, proof_seed);
    for (long long i = 0; i < n && !proof_is_over(); i++, done_kills++) {
        kill_server(&chance);
        long long due = (done_kills + 1) * cluster_kills / server_kills - done_kills * cluster_kills / server_kills;
        for (; due > 0; due--) kill_cluster(&chance);
    }
}

/* ---- afterwards ----------------------------------------------------------------------------------------------- */

static void assert_books(void) {
    static const char *const none[] = {
        "select count(*) from (select from ledger_line group by posting_id, currency having sum(amount_minor) <> 0) x",
        "select count(*) from collector_state s where cash_held_minor <> (select sum(amount_minor) from ledger_line l"
        " where l.owner_id = s.collector_id and l.ledger_account = 5)",
        "select count(*) from collector_state s where bonus_n <> (select count(*) from bonus_line l where l.collector_id ="
        " s.collector_id)",
        "select count(*) from account_state s where fees_minor + penalty_minor + interest_minor + principal_minor - credit_minor <>"
        " (select sum(i.fees_minor + i.penalty_minor + i.interest_minor + i.principal_minor) from instalment i"
        "  where i.account_id = s.account_id) - (select coalesce(sum(amount_minor), 0) from payment p where p.account_id = s.account_id)",
        "select count(*) from (select from receipt r join payment p on p.payment_id = r.entry_id group by r.device_id, r.epoch,"
        " r.seq having count(*) <> 1) x",
        "select count(*) from journal_key k left join payment p on p.payment_id = k.entry_id where p.payment_id is null",
        "select count(*) from device_epoch where contiguous_seq <> seq_max",
        "select count(*) from posting_writer w where n <> (select count(*) from posting p where p.agency_id = w.agency_id and"
        " p.writer_id = w.writer_id)",
    };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        if (pg_number(&rig.pg, none[i]) != 0) fail_msg("%s", none[i]);
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from journal_key"), rounds * PHONES * ENTRIES);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment"), rounds * PHONES * ENTRIES);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from change where kind = 30"), rounds * PHONES * ENTRIES);
    proof_check(&proof, (long long)COUNT_OF(none) + 3);
}

/* Everybody pushes, and is killed under; then all must be there. */
static void run_round(long long kills) {
    open_round();
    atomic_store(&hurry, false);
    for (int i = 0; i < PHONES; i++) pusher_write(&pushers[i], accounts, ACCOUNTS, ENTRIES);
    for (int i = 0; i < PHONES; i++) pusher_start(&pushers[i]);
    kill_again_and_again(kills);
    size_t under_fire = pushers_told(pushers, PHONES);
    atomic_store(&hurry, true);
    int64_t began = clock_monotonic_us();
    failures += pushers_join(pushers, PHONES);
    int64_t took = clock_monotonic_us() - began;
    print_message("             %zu of %d acknowledged under fire, %d calls failed so far, drained in %lld ms\n", under_fire,
                  PHONES * ENTRIES, failures, (long long)(took / US_PER_MS));
    assert_true(took < DRAIN_US_MAX);
    PQreset(rig.pg.admin);
    for (int i = 0; i < PHONES; i++) pusher_assert_stored(&pushers[i], &proof);
    assert_books();
}

//= RULES.md R-PAY-1
//  Receipt, payment, allocation, account balance, ledger lines, promise effect, bonus line and outgoing event commit
//  together or not at all.
static void kills_lose_nothing_and_double_nothing(void **state) {
    (void)state;
    process_serve(&server, &rig, binary);
    while (done_kills < server_kills && !proof_is_over()) {
        run_round(server_kills - done_kills < ROUND_KILLS ? server_kills - done_kills : ROUND_KILLS);
    }
}

static void the_server_then_ends_as_if_nothing_had_been(void **state) {
    (void)state;
    process_signal(&server, SIGTERM);
    assert_int_equal(process_wait(&server, 20 * US_PER_S), 0);
    assert_true(process_said(&server, "server.stopped"));
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER", options);
    if (argc != 3) return 2;
    binary = argv[1];
    script = argv[2];
    proof_sweep(sweep);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_lose_nothing_and_double_nothing),
        cmocka_unit_test(the_server_then_ends_as_if_nothing_had_been),
    };
    int failed = cmocka_run_group_tests(tests, open_rig, close_rig);
    proof.count = done_kills + proof.faults[1].n;
    snprintf(proof.note, sizeof proof.note, "seed %lld, %lld rounds, %d calls failed and were repeated", proof_seed, rounds, failures);
    return proof_end(&proof, failed);
}
