/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 in the middle of a sync, of the server and of PostgreSQL: what was acknowledged is there, what was not is
 * sent again, and nothing is there twice. Phones push without end and note every acknowledgement; a killer works
 * beside them. argv: tagihd, pg_cluster.sh.
 */
#include "tests/support/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/process.h"

#define PHONES 8
#define ENTRIES 300
#define ACCOUNTS 40
#define SERVER_KILLS 20
#define CLUSTER_KILLS 5
#define DRAIN_US_MAX (60 * US_PER_S)
#define MINOR(rupiah) (INT64_C(100) * (rupiah))

static const char *binary, *script;
static struct cluster cluster;
static struct rig rig;
static struct process server;
static agency_id agency;
static account_id accounts[ACCOUNTS];
static char target[160];

/* A phone: what it wrote and what it was told. */
struct pusher {
    pthread_t thread;
    struct writer writer;
    struct client *client;
    uint64_t chance;
    struct kept_ack {
        uint8_t bytes[256];
        size_t len;
    } acks[ENTRIES];
    size_t first_open; /* everything before it is acknowledged */
    atomic_size_t told;
    int failures;
    char problem[256];
};

static struct pusher pushers[PHONES];
static atomic_bool hurry; /* the killing is over: no more pauses between pushes */

static int open_rig(void **state) {
    (void)state;
    cluster_open(&cluster, "kill", script);
    rig_open(&rig, NULL);
    rig_stop(&rig);
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    pg_exec(&rig.pg, "begin");
    agency = rig_agency(&rig, "Acme");
    for (int i = 0; i < PHONES; i++) {
        user_id user = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
        struct rig_phone phone = rig_phone(&rig, agency, user);
        writer_begin(&pushers[i].writer, &rig, &phone);
        pushers[i].chance = (uint64_t)i + 1;
    }
    for (int i = 0; i < ACCOUNTS; i++) accounts[i] = rig_account(&rig, agency, &(struct rig_account){.fees_minor = MINOR(1000)});
    pg_exec(&rig.pg, "commit");
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    process_kill(&server);
    for (int i = 0; i < PHONES; i++) writer_end(&pushers[i].writer);
    rig_close(&rig);
    cluster_close(&cluster);
    return 0;
}

/* ---- phones --------------------------------------------------------------------------------------------------- */

static void write_journal(struct pusher *p, uint64_t salt) {
    for (int i = 0; i < ENTRIES; i++) {
        account_id account = accounts[((uint64_t)i * 7 + salt * 3) % ACCOUNTS];
        struct journal_entry receipt = writer_receipt(&p->writer, account, MINOR(1000 + i));
        writer_sign(&p->writer, &receipt);
    }
}

/* The first acknowledgement is kept; another one must be the same bytes. */
static void take_acks(struct pusher *p, const Tagih__V1__PushResponse *response, const size_t *indices, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct kept_ack *kept = &p->acks[indices[i]];
        struct bytes now = bytes_make(response->acks[i].data, response->acks[i].len);
        bool fits = now.len > 0 && now.len <= sizeof kept->bytes;
        if (!fits || (kept->len && !bytes_equal(bytes_make(kept->bytes, kept->len), now))) {
            snprintf(p->problem, sizeof p->problem, "entry %zu got another acknowledgement", indices[i]);
            return;
        }
        memcpy(kept->bytes, now.data, now.len);
        if (!kept->len) atomic_fetch_add(&p->told, 1);
        kept->len = now.len;
    }
    while (p->first_open < ENTRIES && p->acks[p->first_open].len) p->first_open++;
}

/* Some already acknowledged entries go along: a phone that forgot the answer. */
static size_t choose(struct pusher *p, size_t *indices) {
    size_t n = 1 + random_below(&p->chance, 16), back = random_below(&p->chance, 4);
    size_t first = p->first_open > back ? p->first_open - back : 0;
    if (n > ENTRIES - first) n = ENTRIES - first;
    for (size_t i = 0; i < n; i++) indices[i] = first + i;
    return n;
}

static bool is_expected(enum call_status status) {
    return status == CALL_UNAVAILABLE || status == CALL_DEADLINE_EXCEEDED || status == CALL_ABORTED || status == CALL_CANCELLED;
}

static void push_once(struct pusher *p) {
    size_t indices[24], n = choose(p, indices);
    struct rig_answer answer = writer_push_via(&p->writer, p->client, 5 * US_PER_S, indices, n);
    const Tagih__V1__PushResponse *response = answer.response;
    if (answer.status == CALL_OK && response->n_acks == n) {
        take_acks(p, response, indices, n);
        if (!atomic_load(&hurry)) pause_us((int64_t)random_below(&p->chance, 60) * US_PER_MS);
        return;
    }
    if (!is_expected(answer.status)) {
        snprintf(p->problem, sizeof p->problem, "Push answered %d %s: %.150s", (int)answer.status, answer.reason, answer.message);
    }
    p->failures++;
    client_close(p->client); /* a phone that lost its connection makes a new one at once */
    pause_us(20 * US_PER_MS);
    p->client = client_open(target, NULL);
}

static void *push_all(void *context) {
    struct pusher *p = context;
    p->client = client_open(target, NULL);
    while (p->first_open < ENTRIES && !*p->problem) push_once(p);
    client_close(p->client);
    return NULL;
}

static size_t told(void) {
    size_t n = 0;
    for (int i = 0; i < PHONES; i++) n += atomic_load(&pushers[i].told);
    return n;
}

/* ---- the killer ----------------------------------------------------------------------------------------------- */

/* Wait for a few answers, so that each blow falls into a running sync, then a random moment longer. */
static void let_work(uint64_t *chance) {
    size_t before = told();
    int64_t until = clock_monotonic_us() + 15 * US_PER_S;
    while (told() < before + 8 && told() < PHONES * ENTRIES && clock_monotonic_us() < until) pause_us(2 * US_PER_MS);
    pause_us((int64_t)random_below(chance, 40) * US_PER_MS);
}

static void kill_again_and_again(void) {
    uint64_t chance = (uint64_t)clock_now().us;
    print_message("             chance %llu\n", (unsigned long long)chance);
    for (int i = 0; i < SERVER_KILLS; i++) {
        let_work(&chance);
        assert_true(told() < PHONES * ENTRIES); /* or this is no kill in the middle of anything */
        process_kill(&server);
        process_serve(&server, &rig, binary);
        if (i % (SERVER_KILLS / CLUSTER_KILLS) != 1) continue;
        let_work(&chance);
        assert_true(told() < PHONES * ENTRIES);
        cluster_kill(&cluster);
        cluster_start(&cluster);
    }
}

/* ---- afterwards ----------------------------------------------------------------------------------------------- */

static void assert_stored(const struct pusher *p) {
    char sql[200], hash[2 * sizeof(hash256) + 1], ack[513];
    for (size_t i = 0; i < ENTRIES; i++) {
        bytes_hex(bytes_make(p->writer.entries[i].hash.b, sizeof(hash256)), hash);
        bytes_hex(bytes_make(p->acks[i].bytes, p->acks[i].len), ack);
        snprintf(sql, sizeof sql, "select encode(ack, 'hex') from journal_key where entry_hash = '\\x%s'", hash);
        assert_string_equal(pg_value(&rig.pg, sql), ack);
    }
}

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
        "select count(*) from posting_writer w where n <> (select count(*) from posting p where p.writer_id = w.writer_id)",
    };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        if (pg_number(&rig.pg, none[i]) != 0) fail_msg("%s", none[i]);
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from journal_key"), PHONES * ENTRIES);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment"), PHONES * ENTRIES);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from change where kind = 30"), PHONES * ENTRIES);
}

//= RULES.md R-PAY-1
//  Receipt, payment, allocation, account balance, ledger lines, promise effect, bonus line and outgoing event commit
//  together or not at all.
static void twenty_five_kills_lose_nothing_and_double_nothing(void **state) {
    (void)state;
    for (int i = 0; i < PHONES; i++) write_journal(&pushers[i], (uint64_t)i);
    process_serve(&server, &rig, binary);
    for (int i = 0; i < PHONES; i++) assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_all, &pushers[i]), 0);
    kill_again_and_again();
    size_t under_fire = told();
    atomic_store(&hurry, true);
    int64_t began = clock_monotonic_us();
    int failures = 0;
    for (int i = 0; i < PHONES; i++) pthread_join(pushers[i].thread, NULL);
    int64_t took = clock_monotonic_us() - began;
    for (int i = 0; i < PHONES; i++) {
        if (*pushers[i].problem) fail_msg("phone %d: %s", i, pushers[i].problem);
        failures += pushers[i].failures;
    }
    print_message("             %zu of %d acknowledged under fire, %d calls failed, drained in %lld ms\n", under_fire,
                  PHONES * ENTRIES, failures, (long long)(took / US_PER_MS));
    assert_true(took < DRAIN_US_MAX);
    PQreset(rig.pg.admin);
    for (int i = 0; i < PHONES; i++) assert_stored(&pushers[i]);
    assert_books();
}

static void the_server_then_ends_as_if_nothing_had_been(void **state) {
    (void)state;
    process_signal(&server, SIGTERM);
    assert_int_equal(process_wait(&server, 20 * US_PER_S), 0);
    assert_true(process_said(&server, "server.stopped"));
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    binary = argv[1];
    script = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_five_kills_lose_nothing_and_double_nothing),
        cmocka_unit_test(the_server_then_ends_as_if_nothing_had_been),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
