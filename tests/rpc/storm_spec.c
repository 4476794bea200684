/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correctness under concurrency (design.md §10): 16 connections hand in the same journals, split and ordered differently,
 * and the same check-ins, to two servers of one database, while a reader that may only select keeps asking, each time
 * in one snapshot, whether the books are whole. Threads collect what they see; the test judges it afterwards.
 *
 * TAGIH_STORMS says how many small storms come behind the big one (3), TAGIH_STORM_SEED in which order things happen (1);
 * TAGIH_REPORT is a file that gets a row of what was done.
 */
#include "tests/support/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/check_in_request.h"

#define ACCOUNTS 200
#define PHONES 8
#define CONNECTIONS 16
#define RECEIPTS_A_PHONE 45
#define VOIDS_A_PHONE 4
#define ENTRIES (RECEIPTS_A_PHONE + VOIDS_A_PHONE)
#define CALLS 32 /* check-ins by call */
#define VIEWS_AT_LEAST 5
#define TRIES_MAX 40
#define STORM_PHONES 2 /* of a small storm */
#define STORM_RECEIPTS 4
#define STORM_ENTRIES (STORM_RECEIPTS + 1)
#define MINOR(rupiah) (INT64_C(100) * (rupiah))
#define COPY_MAX 640

static struct rig rig;
static struct config other_config;
static struct service *other;
static struct client *other_client[CONNECTIONS], *client[CONNECTIONS];
static agency_id agency;
static user_id collectors[PHONES];
static account_id accounts[ACCOUNTS];
static struct writer writers[PHONES];
static uint64_t seed = 1;

/* What was done, for the report. */
static struct { long long storms, deliveries, repeated, checks; } done;

static uint64_t number_of(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void more_workers(struct config *config) {
    config->workers = 4;
}

/* A second server of the same database and keys: design.md §8. */
static void open_other(void) {
    static char socket[128];
    snprintf(socket, sizeof socket, "%s/other.sock", rig.folder);
    other_config = rig.config;
    other_config.socket = socket;
    other_config.listen = "";
    assert_ok(service_open(&other_config, &other));
    for (int i = 0; i < CONNECTIONS; i++) {
        char target[160];
        snprintf(target, sizeof target, "unix:%s", socket);
        other_client[i] = client_open(target, NULL);
        client[i] = rig_connect(&rig);
    }
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, more_workers);
    open_other();
    pg_exec(&rig.pg, "begin");
    agency = rig_agency(&rig, "Acme");
    for (int i = 0; i < PHONES; i++) {
        collectors[i] = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
        struct rig_phone phone = rig_phone(&rig, agency, collectors[i]);
        writer_begin(&writers[i], &rig, &phone);
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        accounts[i] = rig_account(&rig, agency, &(struct rig_account){.collector = collectors[i % PHONES],
                                                                     .fees_minor = MINOR(40000), .penalty_minor = MINOR(60000),
                                                                     .principal_minor = MINOR(350000)});
    }
    pg_exec(&rig.pg, "commit");
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    for (int i = 0; i < PHONES; i++) writer_end(&writers[i]);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (client[i]) client_close(client[i]);
        if (other_client[i]) client_close(other_client[i]);
    }
    if (other) {
        service_drain(other);
        service_close(other);
    }
    rig_close(&rig);
    return 0;
}

/* ---- the reader ----------------------------------------------------------------------------------------------- */

/* Each counts what contradicts itself; none may ever answer anything but 0. */
static const struct invariant {
    const char *name, *sql;
} invariants[] = {
    {"a posting sums to zero",
     "select count(*) from (select from ledger_line group by posting_id, currency having sum(amount_minor) <> 0) x"},
    {"cash held is the sum of its lines",
     "select count(*) from collector_state s where cash_held_minor <> (select coalesce(sum(amount_minor), 0) from ledger_line l"
     " where l.owner_id = s.collector_id and l.currency = s.currency and l.ledger_account = 5)"},
    {"bonus payable is the sum of its lines",
     "select count(*) from collector_state s where bonus_payable_minor <> (select coalesce(sum(amount_minor), 0) from bonus_line l"
     " where l.collector_id = s.collector_id and l.currency = s.currency)"},
    {"the bonus chain has no hole",
     "select count(*) from collector_state s where bonus_n <> (select count(*) from bonus_line l where l.collector_id ="
     " s.collector_id) or bonus_n <> (select count(distinct chain_n) from bonus_line l where l.collector_id = s.collector_id)"},
    {"the month to date is the sum of its bases",
     "select count(*) from collector_month m where mtd_minor <> (select coalesce(sum(base_minor), 0) from bonus_line l"
     " where l.collector_id = m.collector_id and l.month_on = m.month_on)"},
    {"an account owes its schedule less what was allocated",
     "select count(*) from account_state s join (select account_id, sum(fees_minor + penalty_minor + interest_minor +"
     " principal_minor) as due from instalment group by 1) i using (account_id) left join (select p.account_id,"
     " sum(x.fees_minor + x.penalty_minor + x.interest_minor + x.principal_minor) as paid, sum(x.credit_minor) as credit"
     " from payment p join allocation x using (payment_id) where not exists (select from payment_reversal r where"
     " r.payment_id = p.payment_id) and x.version = (select max(version) from allocation y where y.payment_id = p.payment_id)"
     " group by 1) a using (account_id) where s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor <>"
     " i.due - coalesce(a.paid, 0) or s.credit_minor <> coalesce(a.credit, 0)"},
    {"what was allocated is what was paid",
     "select count(*) from payment p where amount_minor <> (select sum(fees_minor + penalty_minor + interest_minor +"
     " principal_minor + credit_minor) from allocation x where x.payment_id = p.payment_id and version = 1)"},
    {"no place in a chain pays twice",
     "select count(*) from (select from receipt r join payment p on p.payment_id = r.entry_id group by r.device_id, r.epoch,"
     " r.seq having count(*) > 1) x"},
    {"payments are the receipts that were posted",
     "select abs((select coalesce(sum(amount_minor), 0) from payment) - (select coalesce(sum(r.amount_minor), 0) from receipt r"
     " join journal_key k on k.entry_hash = r.entry_hash where k.fate in (1, 2)))"},
    {"voids that took effect are reversals",
     "select abs((select count(*) from payment_reversal) - (select count(*) from receipt_void where effect = 1))"},
    {"a writer's postings are counted",
     "select count(*) from posting_writer w where n <> (select count(*) from posting p where p.writer_id = w.writer_id)"},
    {"every entry has its body and its acknowledgement",
     "select count(*) from journal_key k left join journal_body b using (entry_hash) where b.body is null or length(k.ack) = 0"},
};

struct reader {
    pthread_t thread;
    atomic_bool stop;
    useconds_t rest_us; /* between two views */
    int views, partial; /* `partial`: views of an unfinished storm */
    char problem[512];
};

static long long ask(PGconn *conn, const char *sql, struct reader *reader) {
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        snprintf(reader->problem, sizeof reader->problem, "%s: %s", sql, PQerrorMessage(conn));
    }
    long long answer = PQntuples(result) ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return answer;
}

static void view(PGconn *conn, struct reader *reader) {
    ask(conn, "begin isolation level repeatable read read only", reader);
    long long payments = ask(conn, "select count(*) from payment", reader);
    for (size_t i = 0; i < COUNT_OF(invariants) && !*reader->problem; i++) {
        long long wrong = ask(conn, invariants[i].sql, reader);
        if (wrong && !*reader->problem) {
            snprintf(reader->problem, sizeof reader->problem, "%s: %lld times not, with %lld payments", invariants[i].name, wrong, payments);
        }
    }
    ask(conn, "commit", reader);
    reader->views++;
    reader->partial += payments > 0 && payments < PHONES * RECEIPTS_A_PHONE;
}

static void *read_all(void *context) {
    struct reader *reader = context;
    char conninfo[1200];
    pg_conninfo_as(&rig.pg, "tagih_read", conninfo, sizeof conninfo);
    PGconn *conn = PQconnectdb(conninfo);
    if (PQstatus(conn) != CONNECTION_OK) snprintf(reader->problem, sizeof reader->problem, "%s", PQerrorMessage(conn));
    while (!*reader->problem && !atomic_load(&reader->stop)) {
        view(conn, reader);
        if (reader->rest_us) usleep(reader->rest_us);
    }
    if (!*reader->problem) view(conn, reader); /* and once when all is quiet */
    PQfinish(conn);
    return NULL;
}

static void reader_begin(struct reader *reader, useconds_t rest_us) {
    *reader = (struct reader){.rest_us = rest_us};
    assert_int_equal(pthread_create(&reader->thread, NULL, read_all, reader), 0);
}

static void reader_end(struct reader *reader) {
    atomic_store(&reader->stop, true);
    pthread_join(reader->thread, NULL);
    if (*reader->problem) fail_msg("the reader: %s", reader->problem);
    done.checks += (long long)reader->views * (long long)COUNT_OF(invariants);
}

/* ---- the storm ------------------------------------------------------------------------------------------------ */

struct copy {
    uint8_t bytes[COPY_MAX];
    size_t len;
};

struct sender {
    pthread_t thread;
    int number;
    uint64_t chance;
    struct writer *writers; /* whose journals it sends */
    size_t entries;         /* of each */
    int sent;               /* entries and calls, each time they were answered */
    struct copy acks[PHONES][ENTRIES], answers[CALLS];
    int retries, again; /* calls repeated; acknowledgements that came a second time to this sender */
    char problem[256];
};

static struct bytes calls[CALLS]; /* CheckIn requests, packed */

static void problem(struct sender *sender, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(struct sender *sender, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (!*sender->problem) vsnprintf(sender->problem, sizeof sender->problem, format, args);
    va_end(args);
}

/* The first copy is kept, each further one compared with it. */
static void keep_copy(struct sender *sender, struct copy *copy, struct bytes now) {
    if (copy->len && !bytes_equal(bytes_make(copy->bytes, copy->len), now)) problem(sender, "two answers for one id");
    sender->again += copy->len > 0;
    sender->sent++;
    if (now.len == 0 || now.len > sizeof copy->bytes) {
        problem(sender, "an answer of %zu bytes", now.len);
        return;
    }
    memcpy(copy->bytes, now.data, now.len);
    copy->len = now.len;
}

/* Those that may be repeated are: a server that was busy, a row that was contended. */
static bool may_repeat(const struct rig_answer *answer) {
    return answer->status == CALL_ABORTED || answer->status == CALL_RESOURCE_EXHAUSTED || answer->status == CALL_UNAVAILABLE;
}

static struct client *any_client(struct sender *sender) {
    return random_below(&sender->chance, 3) ? client[sender->number] : other_client[sender->number];
}

static void send_part(struct sender *sender, int phone, const size_t *indices, size_t n) {
    struct rig_answer answer = {0};
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        answer = writer_push_via(&sender->writers[phone], any_client(sender), 0, indices, n);
        if (!may_repeat(&answer)) break;
        sender->retries++;
    }
    const Tagih__V1__PushResponse *response = answer.response;
    if (!response || response->n_acks != n) {
        problem(sender, "Push answered %s: %s", answer.reason, answer.message);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        keep_copy(sender, &sender->acks[phone][indices[i]], bytes_make(response->acks[i].data, response->acks[i].len));
    }
}

static void send_call(struct sender *sender, size_t i) {
    struct rig_call_options options = {.via = any_client(sender), .token = writers[i % PHONES].phone.token, .raw = &calls[i]};
    struct rig_answer answer = {0};
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        answer = rig_call_with(&rig, "CheckInService/CheckIn", NULL, &options);
        if (!may_repeat(&answer)) break;
        sender->retries++;
    }
    uint8_t packed[COPY_MAX];
    if (!answer.response || answer.response_bytes > sizeof packed) {
        problem(sender, "CheckIn answered %s: %s", answer.reason, answer.message);
        return;
    }
    size_t len = protobuf_c_message_pack(answer.response, packed);
    keep_copy(sender, &sender->answers[i], bytes_make(packed, len));
}

static void shuffle(size_t *list, size_t n, uint64_t *chance) {
    for (size_t i = n; i > 1; i--) {
        size_t k = random_below(chance, i), kept = list[i - 1];
        list[i - 1] = list[k];
        list[k] = kept;
    }
}

/* One phone's journal in parts of any size; every third sender keeps the order, the others mix it, some entries twice. */
static void send_journal(struct sender *sender, int phone) {
    size_t order[ENTRIES + 5], count = sender->entries + 5;
    for (size_t i = 0; i < count; i++) order[i] = i < sender->entries ? i : random_below(&sender->chance, sender->entries);
    if (sender->number % 3) shuffle(order, count, &sender->chance);
    for (size_t at = 0; at < count;) {
        size_t n = 1 + random_below(&sender->chance, sender->entries / 2);
        if (n > count - at) n = count - at;
        send_part(sender, phone, order + at, n);
        at += n;
    }
}

/* Everybody sends half of all journals and every check-in. */
static void *send_all(void *context) {
    struct sender *sender = context;
    size_t order[CALLS];
    for (size_t i = 0; i < CALLS; i++) order[i] = i;
    shuffle(order, CALLS, &sender->chance);
    for (int i = 0; i < PHONES / 2 && !*sender->problem; i++) {
        send_journal(sender, (sender->number + 2 * i) % PHONES);
        for (size_t k = 0; k < CALLS / (PHONES / 2); k++) send_call(sender, order[(size_t)i * (CALLS / (PHONES / 2)) + k]);
    }
    return NULL;
}

static void write_journals(void) {
    uint64_t chance = 7;
    for (int p = 0; p < PHONES; p++) {
        for (int i = 0; i < RECEIPTS_A_PHONE; i++) {
            account_id account = accounts[random_below(&chance, ACCOUNTS)];
            struct journal_entry receipt = writer_receipt(&writers[p], account, MINOR(1000 + i + 100 * p));
            writer_sign(&writers[p], &receipt);
            if (i % 11 != 10) continue;
            struct journal_entry voided = writer_void(&writers[p], writers[p].n - 1, MINOR(1000 + i + 100 * p));
            writer_sign(&writers[p], &voided);
        }
        assert_int_equal(writers[p].n, ENTRIES);
    }
}

/* A CheckIn request, packed. @return its length */
static size_t write_call(entry_id id, visit_id visit, uint8_t packed[256]) {
    struct check_in_build build;
    const ProtobufCMessage *request = &check_in_of(&build, visit)->base;
    uuid_format(id.u, build.id);
    assert_true(protobuf_c_message_get_packed_size(request) <= 256);
    return protobuf_c_message_pack(request, packed);
}

static void write_calls(void) {
    static uint8_t packed[CALLS][256];
    pg_exec(&rig.pg, "begin");
    for (size_t i = 0; i < CALLS; i++) {
        visit_id visit = rig_visit(&rig, agency, accounts[i], collectors[i % PHONES]);
        calls[i] = bytes_make(packed[i], write_call((entry_id){rig_id()}, visit, packed[i]));
    }
    pg_exec(&rig.pg, "commit");
}

static void assert_same(const struct copy *a, const struct copy *b) {
    if (!a->len || !b->len) return; /* not everybody sent it */
    done.checks++;
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->bytes, b->bytes, a->len);
}

/* What one got, all got. */
static void assert_identical(const struct sender *senders) {
    for (int s = 0; s < CONNECTIONS; s++) {
        for (int p = 0; p < PHONES; p++) {
            for (int e = 0; e < ENTRIES; e++) assert_same(&senders[s].acks[p][e], &senders[(s + 2) % CONNECTIONS].acks[p][e]);
        }
        for (int c = 0; c < CALLS; c++) assert_same(&senders[s].answers[c], &senders[0].answers[c]);
    }
}

static void assert_counted(void) {
    const long long receipts = PHONES * RECEIPTS_A_PHONE, voids = PHONES * VOIDS_A_PHONE;
    assert_int_equal(pg_number(&rig.pg, "select count(*) from journal_key"), PHONES * ENTRIES);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from journal_key where owns_seq and owns_id and fate in (1, 2, 3)"),
                     PHONES * ENTRIES);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from receipt"), receipts);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment"), receipts);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment_reversal"), voids);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from receipt_void where effect = 1"), voids);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from entry_waiting where not done"), 0);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from check_in"), CALLS);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from evidence"), 0);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from device_epoch where contiguous_seq <> seq_max or seq_max <> 49"), 0);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from bonus_line"), receipts + voids);
}

//= RULES.md R-JRN-4
//  The same entry again, alone, in part, reordered or from two connections at once: the first acknowledgement again,
//  byte for byte
static void a_storm_of_copies_gives_one_posting_and_identical_answers(void **state) {
    (void)state;
    write_journals();
    write_calls();
    struct sender *senders = calloc(CONNECTIONS, sizeof *senders);
    assert_non_null(senders);
    struct reader reader;
    reader_begin(&reader, 0);
    for (int i = 0; i < CONNECTIONS; i++) {
        senders[i].number = i;
        senders[i].chance = seed * 1000 + (uint64_t)i;
        senders[i].writers = writers;
        senders[i].entries = ENTRIES;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    int retries = 0, again = 0;
    for (int i = 0; i < CONNECTIONS; i++) pthread_join(senders[i].thread, NULL);
    reader_end(&reader);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (*senders[i].problem) fail_msg("connection %d: %s", i, senders[i].problem);
        retries += senders[i].retries;
        again += senders[i].again;
        done.deliveries += senders[i].sent;
    }
    done.storms++;
    done.repeated += done.deliveries - PHONES * ENTRIES - CALLS;
    print_message("             %d views, %d of them in the storm; %d copies to the same sender, %d calls repeated\n",
                  reader.views, reader.partial, again, retries);
    assert_true(reader.views >= VIEWS_AT_LEAST && reader.partial >= 1);
    assert_identical(senders);
    assert_counted();
    free(senders);
}

/* ---- storm after storm ---------------------------------------------------------------------------------------------- */

/* Everybody sends everything at once. */
static void *send_storm(void *context) {
    struct sender *sender = context;
    for (int i = 0; i < STORM_PHONES && !*sender->problem; i++) send_journal(sender, (sender->number + i) % STORM_PHONES);
    return NULL;
}

/* Phones that nobody has heard of, with some receipts each and a void of one. */
static void write_storm(struct writer *storm, uint64_t *chance) {
    pg_exec(&rig.pg, "begin");
    for (int p = 0; p < STORM_PHONES; p++) {
        struct rig_phone phone = rig_phone(&rig, agency, collectors[random_below(chance, PHONES)]);
        writer_begin(&storm[p], &rig, &phone);
    }
    pg_exec(&rig.pg, "commit");
    for (int p = 0; p < STORM_PHONES; p++) {
        int64_t amount = MINOR(1000 + (int64_t)random_below(chance, 900));
        for (int i = 0; i < STORM_RECEIPTS; i++) {
            struct journal_entry receipt =
                writer_receipt(&storm[p], accounts[random_below(chance, ACCOUNTS)], amount + MINOR(i));
            writer_sign(&storm[p], &receipt);
        }
        struct journal_entry voided = writer_void(&storm[p], STORM_RECEIPTS - 1, amount + MINOR(STORM_RECEIPTS - 1));
        writer_sign(&storm[p], &voided);
    }
}

static void assert_storm_counted(const struct writer *storm) {
    for (int p = 0; p < STORM_PHONES; p++) {
        char sql[800];
        const char *device = rig_text(storm[p].phone.device.u);
        snprintf(sql, sizeof sql,
                 "select (select count(*) from journal_key where device_id = '%1$s' and owns_seq and owns_id and fate in "
                 "(1, 2, 3)) * 1000000"
                 " + (select count(*) from receipt r join payment p on p.payment_id = r.entry_id where device_id = '%1$s') "
                 "* 10000"
                 " + (select count(*) from receipt r join payment_reversal v on v.payment_id = r.entry_id where device_id = "
                 "'%1$s') * 100"
                 " + (select contiguous_seq from device_epoch where device_id = '%1$s')",
                 device);
        long long expected = STORM_ENTRIES * 1000000 + STORM_RECEIPTS * 10000 + 100 + STORM_ENTRIES;
        assert_int_equal(pg_number(&rig.pg, sql), expected);
        done.checks += 4;
    }
}

static void blow(struct sender *senders, uint64_t number) {
    static struct writer storm[STORM_PHONES];
    uint64_t chance = seed * 1000003 + number;
    write_storm(storm, &chance);
    memset(senders, 0, CONNECTIONS * sizeof *senders);
    for (int i = 0; i < CONNECTIONS; i++) {
        senders[i].number = i;
        senders[i].chance = chance + (uint64_t)i;
        senders[i].writers = storm;
        senders[i].entries = STORM_ENTRIES;
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_storm, &senders[i]), 0);
    }
    for (int i = 0; i < CONNECTIONS; i++) pthread_join(senders[i].thread, NULL);
    long long sent = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (*senders[i].problem)
            fail_msg("storm %llu of seed %llu, connection %d: %s", (unsigned long long)number, (unsigned long long)seed, i,
                     senders[i].problem);
        sent += senders[i].sent;
    }
    for (int s = 1; s < CONNECTIONS; s++) {
        for (int p = 0; p < STORM_PHONES; p++) {
            for (int e = 0; e < STORM_ENTRIES; e++) assert_same(&senders[s].acks[p][e], &senders[0].acks[p][e]);
        }
    }
    assert_storm_counted(storm);
    for (int p = 0; p < STORM_PHONES; p++) writer_end(&storm[p]);
    done.storms++;
    done.deliveries += sent;
    done.repeated += sent - STORM_PHONES * STORM_ENTRIES;
}

//= RULES.md R-JRN-4
//  The same entry again, alone, in part, reordered or from two connections at once: the first acknowledgement again,
//  byte for byte
static void storm_after_storm_posts_each_entry_once(void **state) {
    (void)state;
    uint64_t storms = number_of("TAGIH_STORMS", 3);
    struct sender *senders = calloc(CONNECTIONS, sizeof *senders);
    assert_non_null(senders);
    struct reader reader;
    reader_begin(&reader, 300000);
    for (uint64_t i = 0; i < storms; i++) {
        blow(senders, i);
        if (i % 50 == 49)
            print_message("             %llu storms of %llu, each entry posted once\n", (unsigned long long)i + 1,
                          (unsigned long long)storms);
    }
    reader_end(&reader);
    free(senders);
}

/* ---- crossing ------------------------------------------------------------------------------------------------- */

#define CROSSING 40 /* accounts, visits */

struct crosser {
    pthread_t thread;
    struct writer writer;
    int number;
    char problem[256];
};

static visit_id crossed[CROSSING];

static struct journal_entry check_in_entry(struct writer *writer, visit_id visit) {
    struct journal_entry e = writer_entry(writer, JOURNAL_CHECK_IN);
    e.body.check_in = (struct journal_check_in){
        .visit = visit, .purpose = 1, .tapped = e.device_time, .fix_count = 1,
        .fixes = {{.lat_e7 = -61754000, .lon_e7 = 1068272000, .accuracy_mm = 8000, .at = e.device_time}}};
    return e;
}

/* Receipt, check-in and outcome of the same accounts, one half of the phones forwards, the other backwards. */
static void write_crossing(struct crosser *c) {
    for (size_t i = 0; i < CROSSING; i++) {
        size_t at = c->number % 2 ? CROSSING - 1 - i : i;
        struct journal_entry check_in = check_in_entry(&c->writer, crossed[at]);
        writer_sign(&c->writer, &check_in);
        struct journal_entry receipt = writer_receipt(&c->writer, accounts[ACCOUNTS - 1 - at], MINOR(10 + (int64_t)i));
        size_t receipt_at = writer_sign(&c->writer, &receipt);
        struct journal_entry outcome = writer_entry(&c->writer, JOURNAL_VISIT_OUTCOME);
        outcome.body.outcome = (struct journal_visit_outcome){.visit = crossed[at], .visit_version = 1, .outcome = 2,
                                                              .list_version = 1, .has_receipt = true,
                                                              .receipt = c->writer.entries[receipt_at].id};
        writer_sign(&c->writer, &outcome);
    }
}

static void *cross(void *context) {
    struct crosser *c = context;
    for (size_t at = 0; at < c->writer.n && !*c->problem; at += 6) {
        size_t indices[] = {at + 5, at, at + 4, at + 1, at + 3, at + 2};
        struct rig_answer answer = {0};
        for (int tries = 0; tries < TRIES_MAX; tries++) {
            answer = writer_push_via(&c->writer, c->number % 3 ? client[c->number] : other_client[c->number], 0, indices, 6);
            if (!may_repeat(&answer)) break;
        }
        if (answer.status != CALL_OK) snprintf(c->problem, sizeof c->problem, "%s: %.150s", answer.reason, answer.message);
    }
    return NULL;
}

static void phones_that_cross_each_other_never_deadlock(void **state) {
    (void)state;
    static struct crosser crossers[PHONES];
    long long payments = pg_number(&rig.pg, "select count(*) from payment");
    pg_exec(&rig.pg, "begin");
    for (size_t i = 0; i < CROSSING; i++) crossed[i] = rig_visit(&rig, agency, accounts[ACCOUNTS - 1 - i], collectors[0]);
    for (int i = 0; i < PHONES; i++) {
        struct rig_phone phone = rig_phone(&rig, agency, collectors[i % 3]);
        crossers[i].number = i;
        writer_begin(&crossers[i].writer, &rig, &phone);
    }
    pg_exec(&rig.pg, "commit");
    for (int i = 0; i < PHONES; i++) write_crossing(&crossers[i]);
    struct reader reader;
    reader_begin(&reader, 0);
    for (int i = 0; i < PHONES; i++) assert_int_equal(pthread_create(&crossers[i].thread, NULL, cross, &crossers[i]), 0);
    for (int i = 0; i < PHONES; i++) pthread_join(crossers[i].thread, NULL);
    reader_end(&reader);
    for (int i = 0; i < PHONES; i++) {
        if (*crossers[i].problem) fail_msg("phone %d: %s", i, crossers[i].problem);
        writer_end(&crossers[i].writer);
    }
    assert_int_equal(pg_number(&rig.pg, "select count(*) from payment") - payments, PHONES * CROSSING);
    assert_int_equal(pg_number(&rig.pg, "select count(*) from journal_key where fate = 4"), 0);
}

//= RULES.md R-CHK-3
//  Nothing is dropped, corrected or unpaid by the program alone; the result does not depend on arrival order
static void a_call_joined_by_its_entry_and_a_late_neighbour_is_assessed_once(void **state) {
    (void)state;
    struct writer w;
    uint8_t packed[256];
    char sql[160];
    user_id user = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    struct rig_phone phone = rig_phone(&rig, agency, user);
    writer_begin(&w, &rig, &phone);
    visit_id early = rig_visit(&rig, agency, accounts[ACCOUNTS / 2], user), late = rig_visit(&rig, agency, accounts[ACCOUNTS / 2 + 1], user);
    struct journal_entry neighbour = check_in_entry(&w, early); /* an hour ago */
    writer_sign(&w, &neighbour);
    struct journal_entry same = check_in_entry(&w, late);
    writer_sign(&w, &same);
    struct bytes call = bytes_make(packed, write_call(same.id, late, packed));
    struct rig_call_options options = {.token = phone.token, .raw = &call};
    assert_answer(rig_call_with(&rig, "CheckInService/CheckIn", NULL, &options), OK);
    assert_answer(writer_push_range(&w, 0, 1), OK);
    snprintf(sql, sizeof sql, "select count(*) from check_in_assessment where check_in_id = '%s'", rig_text(same.id.u));
    assert_int_equal(pg_number(&rig.pg, sql), 1);
    writer_end(&w);
}

static bool log_says(const char *what) {
    char line[4096];
    bool found = false;
    FILE *log = fopen(rig.log_path, "r");
    assert_non_null(log);
    while (!found && fgets(line, sizeof line, log)) {
        found = strstr(line, what) != NULL;
        if (found) print_message("             %s", line);
    }
    fclose(log);
    return found;
}

/* Last: what the backends counted is complete when they have gone. */
static void nothing_deadlocked_and_nothing_was_refused_by_the_database(void **state) {
    (void)state;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (client[i]) client_close(client[i]);
        if (other_client[i]) client_close(other_client[i]);
        client[i] = other_client[i] = NULL;
    }
    service_drain(other);
    service_close(other);
    other = NULL;
    rig_stop(&rig);
    done.checks += 3;
    assert_false(log_says("40P01"));
    assert_false(log_says(" 23"));
    assert_int_equal(pg_number(&rig.pg, "select deadlocks from pg_stat_database where datname = current_database()"), 0);
}

static void report(void) {
    const char *path = getenv("TAGIH_REPORT");
    FILE *file = path ? fopen(path, "ae") : NULL;
    if (!file) return;
    fprintf(
        file,
        "{\"test\": \"duplicate storms\", \"count\": %lld, \"unit\": \"storms on %d connections\", \"faults\": %lld,"
        " \"faults_of\": {\"duplicate\": %lld}, \"checks\": %lld, \"invariants\": \"I1 I3 I4 I5 I8 I10\", \"failures\": 0,"
        " \"note\": \"seed %llu\"}\n",
        done.storms, CONNECTIONS, done.repeated, done.repeated, done.checks, (unsigned long long)seed);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_copies_gives_one_posting_and_identical_answers),
        cmocka_unit_test(storm_after_storm_posts_each_entry_once),
        cmocka_unit_test(phones_that_cross_each_other_never_deadlock),
        cmocka_unit_test(a_call_joined_by_its_entry_and_a_late_neighbour_is_assessed_once),
        cmocka_unit_test(nothing_deadlocked_and_nothing_was_refused_by_the_database),
    };
    seed = number_of("TAGIH_STORM_SEED", 1);
    int failed = cmocka_run_group_tests(tests, open_rig, close_rig);
    if (failed)
        print_message("again: TAGIH_STORM_SEED=%llu TAGIH_STORMS=%llu ./build.sh test storm_spec\n",
                      (unsigned long long)seed, (unsigned long long)number_of("TAGIH_STORMS", 3));
    else report();
    return failed;
}
