/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at every boundary of a statement and of COMMIT. Each script is run once undisturbed, and the statements that it
 * sends are counted on the wire to PostgreSQL. Then it is run again for each of them, on new rows: the server, or its
 * PostgreSQL process, is killed before the statement is sent, when it was sent, or when it was done and nobody was told.
 * Whoever called repeats the same bytes until he is answered. Then everything must be there exactly as if nothing had
 * happened: as many rows of every table, the same sums on every account of the ledger, every acknowledgement to the byte.
 *
 * argv: tagihd, pg_cluster.sh; --help tells the rest.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/chaos/kills_script.h"
#include "tests/chaos/wire.h"
#include "tests/support/case.h"
#include "tests/support/process.h"
#include "tests/support/proof.h"

#define SCRIPTS_MAX 16
#define STRIKES_MAX 20000
#define REPEAT_US_MAX (60 * US_PER_S)

static const char *binary, *script_path;
static struct cluster cluster;
static struct rig rig;
static struct process server;
static struct wire wire;
static char target[160];
static int64_t give_up_us;
static long long everything, tell, at_most = 6, one = -1; /* by default what fits into `test` */
static long long repeated;

static struct proof proof = {
    .test = "S2 statement boundaries", .unit = "kills", .invariants = "I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I14"};

static const struct proof_option options[] = {
    {"--all", "TAGIH_KILLS_ALL", &everything, "every boundary of every script, by every blow", true},
    {"--boundaries", "TAGIH_KILLS_BOUNDARIES", &at_most,
     "so many, drawn; 0: each of a push before and after it is sent, and a sample of the others", false},
    {"--only", "TAGIH_KILLS_ONLY", &one, "this one alone, by the number that a failure prints", false},
    {"--tell", "TAGIH_KILLS_TELL", &tell, "each kill, and how long it took", true},
    {0}};

/* ---- blows -------------------------------------------------------------------------------------------------------- */

enum victim { SERVER, BACKEND, BACKEND_KILLED };
static const char *const victims[] = {"server killed", "backend terminated", "backend killed, PostgreSQL restarts"};
static const char *const moments[] = {"before it is sent", "when it was sent", "when it was done"};

static void kill_server(pid_t backend, void *context) {
    (void)backend, (void)context;
    kill(server.pid, SIGKILL);
}

static void terminate_backend(pid_t backend, void *context) {
    (void)context;
    kill(backend, SIGTERM);
}

static void kill_backend(pid_t backend, void *context) {
    (void)context;
    kill(backend, SIGKILL);
}

static struct wire_trap trap_of(size_t at, enum wire_moment moment, enum victim victim) {
    static void (*const blows[])(pid_t, void *) = {kill_server, terminate_backend, kill_backend};
    return (struct wire_trap){.at = at, .moment = moment, .blow = blows[victim], .hangs_up = victim == SERVER};
}

static void heal(void) {
    if (server.pid > 0 && process_wait(&server, US_PER_MS) == -1) return;
    process_serve(&server, &rig, binary);
}

/* Nobody was answered: look after the server, make a new connection, send the same bytes. */
static bool again(struct rig *r, const struct rig_answer *answer) {
    bool passing = answer->status == CALL_UNAVAILABLE || answer->status == CALL_ABORTED ||
                   answer->status == CALL_CANCELLED || answer->status == CALL_DEADLINE_EXCEEDED;
    if (!passing || clock_monotonic_us() > give_up_us || proof_is_over()) return false;
    heal();
    client_close(r->tls);
    pause_us(5 * US_PER_MS);
    r->tls = client_open(target, NULL);
    repeated++;
    return true;
}

/* ---- the rig ------------------------------------------------------------------------------------------------------ */

static void sweep(void) {
    process_sweep();
    rig_forget(&rig);
    unlink(wire.listen_path);
    rmdir(wire.folder);
}

/* How many rows an agency has in every table. A writer of digests is a worker's, and a new server has new ones; heads are
 * signed and cash is looked at by the minute, which a new server begins at once. */
static void make_shape(void) {
    pg_exec(
        &rig.pg,
        "create schema chaos;"
        "do $$ begin execute 'create view chaos.shape as ' || (select string_agg(format("
        "'select agency_id, %L as what, count(*)::text as n from %I group by agency_id', relname, relname), ' union all ')"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'agency_id' and not a.attisdropped"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        " and relname not in ('posting_writer', 'digest_head', 'cash_watch_state', 'cash_breach', 'seal', 'change'))"
        " || ' union all select agency_id, ''sealed '' || table_name, sum(length(digests) / 32)::text from seal"
        " where table_name not in (''digest_head'', ''cash_breach'') group by 1, 2'"
        " || ' union all select agency_id, ''change '' || kind, count(*)::text from change where kind not in (58, 59, 61, "
        "62)"
        " group by 1, 2'"
        " || ' union all select agency_id, ''ledger '' || ledger_account, sum(amount_minor)::text from ledger_line group by "
        "1, 2'"
        " || ' union all select agency_id, ''fate '' || fate, count(*)::text from journal_key group by 1, 2'"
        " || ' union all select agency_id, ''cash'', sum(cash_held_minor)::text from collector_state group by 1'"
        " || ' union all select agency_id, ''owed'', sum(fees_minor + penalty_minor + interest_minor + principal_minor -"
        " credit_minor)::text from account_state group by 1'; end $$");
}

static int open_rig(void **state) {
    (void)state;
    cluster_open(&cluster, "kills", script_path);
    rig_open(&rig, NULL);
    rig_stop(&rig);
    wire_open(&wire, cluster.link);
    snprintf(rig.app_conninfo, sizeof rig.app_conninfo, "%s user=tagih_app dbname=%s", wire.conninfo, rig.pg.name);
    snprintf(target, sizeof target, "unix:%s", rig.socket);
    rig.config.workers = 1; /* one connection: what comes when is the same in every run */
    process_serve(&server, &rig, binary);
    process_listening(&server);
    rig.tls = client_open(target, NULL);
    rig.again = again;
    make_shape();
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    process_kill(&server);
    if (rig.tls) client_close(rig.tls);
    wire_close(&wire);
    rig_close(&rig);
    cluster_close(&cluster);
    return 0;
}

/* ---- one run ------------------------------------------------------------------------------------------------------ */

/* The spec's own connection breaks with all others when PostgreSQL restarts. */
static void find_admin(void) {
    for (int i = 0; i < 1000; i++) {
        PGresult *r = PQexec(rig.pg.admin, "select 1");
        bool fine = PQresultStatus(r) == PGRES_TUPLES_OK;
        PQclear(r);
        if (fine) return;
        PQreset(rig.pg.admin);
        pause_us(10 * US_PER_MS);
    }
    fail_msg("PostgreSQL does not come back: %s", PQerrorMessage(rig.pg.admin));
}

static const char *shape_of(const struct scene *scene) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "select string_agg(what || '=' || n, ' ' order by what) from chaos.shape where agency_id = '%s'",
             rig_text(scene->teller.agency.u));
    return pg_value(&rig.pg, sql);
}

static void assert_acks_stored(const struct scene *scene) {
    char hash[2 * sizeof(hash256) + 1], ack[1100], sql[300];
    for (size_t i = 0; i < scene->n_acks; i++) {
        bytes_hex(bytes_make(scene->acks[i].entry.b, sizeof(hash256)), hash);
        bytes_hex(bytes_make(scene->acks[i].bytes, scene->acks[i].len), ack);
        snprintf(sql, sizeof sql, "select encode(ack, 'hex') from journal_key where entry_hash = '\\x%s'", hash);
        assert_string_equal(pg_value(&rig.pg, sql), ack);
    }
    proof_check(&proof, (long long)scene->n_acks);
}

/* @return how many statements act() sent; the run's shape in `shape` */
static size_t run_once(const struct kills_script *script, const struct wire_trap *trap, char shape[4096]) {
    struct scene scene;
    give_up_us = clock_monotonic_us() + REPEAT_US_MAX;
    scene_open(&scene, &rig);
    script->prepare(&scene);
    wire_watch(&wire, trap);
    script->act(&scene);
    size_t n = wire_rest(&wire);
    find_admin();
    snprintf(shape, 4096, "%s", shape_of(&scene));
    assert_acks_stored(&scene);
    scene_close(&scene);
    return n;
}

/* ---- all runs ----------------------------------------------------------------------------------------------------- */

struct reference {
    size_t n;
    char shape[4096];
    char (*names)[WIRE_NAME_SIZE];
};

struct strike {
    int script;
    size_t at;
    enum wire_moment moment;
    enum victim victim;
};

static struct reference references[SCRIPTS_MAX];
static struct strike *strikes;
static size_t n_strikes;

static void learn(int i) {
    struct reference *r = &references[i];
    char second[4096];
    r->n = run_once(&kills_scripts[i], NULL, r->shape);
    r->names = calloc(r->n, sizeof *r->names);
    assert_non_null(r->names);
    memcpy(r->names, wire.seen, r->n * sizeof *r->names);
    assert_int_equal(run_once(&kills_scripts[i], NULL, second), r->n); /* or no boundary would be the same one twice */
    assert_string_equal(second, r->shape);
}

static bool is_commit(const struct strike *s) {
    return strcmp(references[s->script].names[s->at], "core_commit") == 0;
}

/*
 * Which of all there are: of a push each boundary before and after it is sent, by the server's end; of everything else each
 * COMMIT that was done and not told, or whose connection broke, and one boundary in 64. A killed PostgreSQL process stops
 * all others: at the COMMITs of a push.
 */
static bool is_of_sample(const struct strike *s, uint64_t *chance) {
    bool drawn = random_below(chance, 64) == 0;
    if (s->script == 0 && s->victim == SERVER && s->moment != WIRE_ANSWERED) return true;
    if (s->victim == BACKEND_KILLED) return s->script == 0 && is_commit(s) && s->moment != WIRE_BEFORE;
    if (is_commit(s)) return s->moment == (s->victim == SERVER ? WIRE_ANSWERED : WIRE_SENT);
    return drawn;
}

static bool is_of_all(const struct strike *s) {
    return s->victim != BACKEND_KILLED || is_commit(s) || s->at % 8 == 0;
}

static void consider(const struct strike *s, uint64_t *chance) {
    bool taken = everything ? is_of_all(s) : is_of_sample(s, chance);
    if (taken && n_strikes < STRIKES_MAX) strikes[n_strikes++] = *s;
}

static void plan_script(int script, uint64_t *chance) {
    for (size_t at = 0; at < references[script].n; at++) {
        for (int moment = WIRE_BEFORE; moment <= WIRE_ANSWERED; moment++) {
            for (int victim = SERVER; victim <= BACKEND_KILLED; victim++) {
                consider(&(struct strike){script, at, (enum wire_moment)moment, (enum victim)victim}, chance);
            }
        }
    }
}

/* The first ones of a shuffled list; each keeps its number. */
static size_t draw(size_t *order, uint64_t *chance) {
    for (size_t i = 0; i < n_strikes; i++) order[i] = i;
    if (everything || !at_most || (size_t)at_most >= n_strikes) return n_strikes;
    for (size_t i = 0; i < (size_t)at_most; i++) {
        size_t k = i + random_below(chance, n_strikes - i), kept = order[i];
        order[i] = order[k], order[k] = kept;
    }
    return (size_t)at_most;
}

static void run_strike(size_t number) {
    const struct strike *s = &strikes[number];
    const struct reference *r = &references[s->script];
    struct wire_trap trap = trap_of(s->at, s->moment, s->victim);
    char shape[4096], what[300];
    snprintf(what, sizeof what, "--only %zu: %s, statement %zu of %zu, %s, %s: %s", number, kills_scripts[s->script].name,
             s->at + 1, r->n, r->names[s->at], moments[s->moment], victims[s->victim]);
    int64_t began_us = clock_monotonic_us();
    run_once(&kills_scripts[s->script], &trap, shape);
    if (tell) {
        print_message("             %s (%lld ms)\n", what, (long long)((clock_monotonic_us() - began_us) / US_PER_MS));
    }
    if (!wire.struck) fail_msg("%s: it never came to this statement", what);
    if (strcmp(shape, r->shape) != 0) fail_msg("%s:\n  is        %s\n  should be %s", what, shape, r->shape);
    proof_fault(&proof, victims[s->victim]);
    proof_check(&proof, 1);
    proof.count++;
}

//= RULES.md R-PAY-1
//  Receipt, payment, allocation, account balance, ledger lines, promise effect, bonus line and outgoing event commit
//  together or not at all.
static void a_kill_at_any_boundary_leaves_what_no_kill_leaves(void **state) {
    (void)state;
    uint64_t chance = (uint64_t)proof_seed | 1;
    strikes = calloc(STRIKES_MAX, sizeof *strikes);
    assert_non_null(strikes);
    for (int i = 0; kills_scripts[i].name; i++) learn(i), plan_script(i, &chance);
    size_t *order = calloc(n_strikes, sizeof *order), n = draw(order, &chance), boundaries = 0;
    for (int i = 0; kills_scripts[i].name; i++) boundaries += references[i].n;
    print_message("             %zu statements in %d scripts, %zu of %zu kills\n", boundaries, 8, n, n_strikes);
    for (size_t i = 0; i < n && !proof_is_over(); i++) run_strike(one >= 0 ? (size_t)one : order[i]);
    print_message("             %lld kills, calls were repeated %lld times\n", proof.count, repeated);
    free(order);
    free(strikes);
    for (int i = 0; kills_scripts[i].name; i++) free(references[i].names);
}

static void all_books_hold_and_verify_finds_nothing(void **state) {
    (void)state;
    char command[3000], keys[400];
    find_admin();
    snprintf(keys, sizeof keys, "--keys '%s' --log '%s'", rig.keys_dir, server.log);
    assert_true(proof_invariants(&proof, rig.pg.conninfo, keys));
    snprintf(command, sizeof command,
             "'%s' verify --database-url '%s user=tagih_read' --keys-dir '%s' >'%s/verify' || { cat '%s/verify'; false; }",
             binary, rig.pg.conninfo, rig.keys_dir, rig.folder, rig.folder);
    assert_int_equal(system(command), 0);
    proof_check(&proof, 1);
}

int main(int argc, char **argv) {
    proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER", options);
    if (argc != 3) return 2;
    binary = argv[1];
    script_path = argv[2];
    proof_sweep(sweep);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_boundary_leaves_what_no_kill_leaves),
        cmocka_unit_test(all_books_hold_and_verify_finds_nothing),
    };
    return proof_end(&proof, cmocka_run_group_tests(tests, open_rig, close_rig));
}
