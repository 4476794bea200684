/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench's books: a month of receipts, made by the product's own hands with its clock set back. Accounts come through
 * rpc/import.h, receipts signed by phones through rpc/entries.h, so every row, chain, digest and balance is what the
 * server writes, and `tagihd verify` finds nothing wrong with it. Only the network and the checking of signatures, which
 * were made a moment before, are left out.
 *
 *     books certificates …    rows of device_key in COPY's form
 *     books portfolio …       50 accounts a collector, four instalments past due each, assigned
 *     books receipts …        10 receipts an account, day after day; two threads, each with collectors of its own
 */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/server.h"
#include "rpc/entries.h"
#include "rpc/import.h"
#include "run/clock.h"
#include "run/grow.h"
#include "run/log.h"
#include "run/random.h"
#include "store/account.h"
#include "store/migrate.h"
#include "store_statements.h"
#include "tests/bench/phone.h"
#include "tests/bench/world.h"

#define ACCOUNTS_EACH 50
#define ROUNDS 10 /* receipts an account */
#define INSTALMENTS 4
#define CROWD 10 /* collectors whose receipts come in one transaction */
#define BATCH (CROWD * ACCOUNTS_EACH)
#define THREADS 2
#define ARENA_FIRST ((size_t)1 << 20)
#define ARENA_MAX ((size_t)256 << 20)
#define WAIT_US (600 * US_PER_S)
#define HOUR_US (3600 * US_PER_S)

struct options {
    const char *database_url, *keys, *installation;
    long collectors, from_us, from_days;
};

static struct options options;
static struct keyring keys;
static installation_id installation;
static agency_id agency;
static account_id *accounts; /* by number */

_Noreturn static void die(const char *what, tagih_err err) {
    fprintf(stderr, "books: %s: %s\n", what, err_text(err));
    exit(1);
}

static void need(tagih_err err, const char *what) {
    if (!err_is_ok(err)) die(what, err);
}

static void *room(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) die("memory", FAIL(OUT_OF_MEMORY));
    return memory;
}

/* ---- a connection ----------------------------------------------------------------------------------------------- */

struct writer {
    struct db db;
    struct arena arena;
    int64_t id;
};

static void writer_open(struct writer *writer, int64_t id) {
    struct db_options of = {.conninfo = options.database_url, .worker = "books", .statements = &store_statements,
                            .schema_version = migrate_version(&migrations_embedded), .log = log_line,
                            .log_context = (void *)(uintptr_t) "database"};
    *writer = (struct writer){.id = id};
    need(db_open(&writer->db, &of), "the database");
    arena_init(&writer->arena, room(1, ARENA_FIRST), ARENA_FIRST);
    arena_may_grow(&writer->arena, ARENA_MAX, grow_more, grow_less);
}

static struct tx_options transaction(void) {
    return (struct tx_options){.agency = agency, .deadline_us = clock_monotonic_us() + WAIT_US, .name = "books"};
}

/* ---- the portfolio ---------------------------------------------------------------------------------------------- */

/* Rows of one transaction, and the texts that they borrow. */
struct rows {
    struct writer *writer;
    struct import_file file;
    size_t first, n;
    struct import_item items[IMPORT_ROWS_MAX];
    struct instalment schedules[IMPORT_ROWS_MAX][INSTALMENTS];
    char account_no[IMPORT_ROWS_MAX][16], customer_no[IMPORT_ROWS_MAX][16];
};

/* The oldest of four monthly dues is 91 to 120 days old; all are past due, so every payment pays debt. */
static void row_fill(struct rows *rows, size_t k) {
    size_t a = rows->first + k;
    struct import_item *item = &rows->items[k];
    *item = (struct import_item){.row_no = (int32_t)a + 1, .schedule = rows->schedules[k], .n_schedule = INSTALMENTS};
    snprintf(rows->account_no[k], sizeof rows->account_no[k], "A%012zu", a);
    snprintf(rows->customer_no[k], sizeof rows->customer_no[k], "C%010zu", a);
    item->row = (struct account_row){
        .account_no = bytes_text(rows->account_no[k]), .customer_no = bytes_text(rows->customer_no[k]),
        .product = bytes_text("MOTORCYCLE"), .plate = bytes_text("B 1234 XYZ"), .district = bytes_text("Kebayoran"),
        .regency = bytes_text("Jakarta"), .phone = bytes_text("+628110000000"), .currency = {"IDR"}, .has_due = true,
        .place = world_place(a / ACCOUNTS_EACH)};
    for (int i = 0; i < INSTALMENTS; i++) {
        struct instalment *due = &rows->schedules[k][i];
        *due = (struct instalment){.no = i + 1, .due_minor[COMPONENT_INTEREST] = 1000000, .due_minor[COMPONENT_PRINCIPAL] = 5000000};
        due->due_on.days = (int32_t)options.from_days - 1 - (int32_t)(a % 30) - 30 * (INSTALMENTS - 1 - i);
        for (int c = 0; c < COMPONENT_COUNT; c++) item->row.due_minor[c] += due->due_minor[c];
    }
    item->row.oldest_due_on = rows->schedules[k][0].due_on;
}

/* Each account is its collector's from the first moment on. */
static tagih_err assign(struct tx *tx, const struct rows *rows) {
    struct arena *arena = &rows->writer->arena;
    struct account_event_row *events = ARENA_ARRAY(arena, rows->n, struct account_event_row);
    struct account_assignment *to = ARENA_ARRAY(arena, rows->n, struct account_assignment);
    if (!events || !to) return FAIL(OUT_OF_MEMORY);
    for (size_t k = 0; k < rows->n; k++) {
        to[k] = (struct account_assignment){rows->items[k].account, {world_id(WORLD_COLLECTOR, (rows->first + k) / ACCOUNTS_EACH)}};
        events[k] = (struct account_event_row){
            .event = random_id(), .account = to[k].account, .kind = bytes_text("REASSIGNED"), .reason = bytes_text("first placement"),
            .has_after = true, .collector_after = to[k].collector, .has_status_before = true, .status_before = ACCOUNT_HELD,
            .status_after = ACCOUNT_HELD, .has_at = true, .at_us = options.from_us};
    }
    TRY(account_send_events(tx, arena, events, rows->n, NULL, (instant){options.from_us + 1}));
    return account_send_assign(tx, arena, to, rows->n);
}

static tagih_err portfolio_body(struct tx *tx, void *context) {
    struct rows *rows = context;
    struct arena *arena = &rows->writer->arena;
    instant now = {options.from_us};
    arena_reset(arena);
    TRY(import_send(tx, arena, &rows->file, rows->items, rows->n, now));
    TRY(tx_sync(tx));
    TRY(import_decide(tx, arena, &rows->file, rows->items, rows->n, now));
    TRY(tx_sync(tx));
    for (size_t k = 0; k < rows->n; k++) {
        if (!err_is_ok(rows->items[k].err)) return rows->items[k].err;
    }
    return assign(tx, rows);
}

static tagih_err file_body(struct tx *tx, void *context) {
    const struct rows *rows = context;
    int32_t n = (int32_t)(options.collectors * ACCOUNTS_EACH);
    char sum[32];
    snprintf(sum, sizeof sum, "%lld", (long long)n * INSTALMENTS * 6000000);
    arena_reset(&rows->writer->arena);
    return import_send_file(tx, &rows->writer->arena,
                            &(struct import_file_row){.hash = rows->file.hash, .mode = "FULL", .name = "books.csv",
                                                      .as_of_on = rows->file.as_of_on, .rows_total = n, .rows_good = n,
                                                      .sum_minor = sum, .started = {options.from_us}});
}

static void portfolio(void) {
    struct writer writer;
    struct rows *rows = room(1, sizeof *rows);
    size_t n = (size_t)options.collectors * ACCOUNTS_EACH;
    writer_open(&writer, 1);
    rows->writer = &writer;
    rows->file = (struct import_file){.as_of_on.days = (int32_t)options.from_days, .writer = writer.id};
    crypto_hash_sha256(rows->file.hash.b, (const uint8_t *)"books", 5);
    for (; rows->first < n; rows->first += rows->n) {
        rows->n = n - rows->first < IMPORT_ROWS_MAX ? n - rows->first : IMPORT_ROWS_MAX;
        for (size_t k = 0; k < rows->n; k++) row_fill(rows, k);
        struct tx_options of = transaction();
        need(tx_run(&writer.db, &of, portfolio_body, rows), "the portfolio");
    }
    struct tx_options of = transaction();
    need(tx_run(&writer.db, &of, file_body, rows), "the file");
    db_release(&writer.db);
}

/* ---- receipts --------------------------------------------------------------------------------------------------- */

/* One collector's phone. */
struct phone {
    struct phone_certificate certificate;
    struct sealed_by by;
    secret_key secret;
    int64_t seq, cum_total_minor;
    hash256 head;
};

/* One thread: every second crowd of collectors, so that no two of them meet. */
struct line {
    pthread_t thread;
    struct writer writer;
    struct rpc_server server;
    struct phone *phones; /* of all */
    size_t first_crowd;
    uint64_t dice;
    instant now;
    struct sealed sealed[BATCH];
    struct sealed *all[BATCH];
    struct journal_entry entries[BATCH];
    uint8_t envelopes[BATCH][ENVELOPE_MAX];
    struct chain_end ends[BATCH];
    size_t n;
};

/* splitmix64, seeded: the same books every time. */
static uint64_t throw_dice(struct line *line) {
    uint64_t z = line->dice += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

static uuid entry_id_make(struct line *line, instant at) {
    uint64_t dice[2] = {throw_dice(line), throw_dice(line)};
    uint8_t random[10];
    memcpy(random, dice, sizeof random);
    return uuid_make_v7(at, random);
}

static void receipt_fill(struct line *line, size_t collector, size_t i, instant at, struct journal_entry *out) {
    struct phone *phone = &line->phones[collector];
    struct position door = world_place(collector);
    int64_t amount_minor = (100 + (int64_t)(throw_dice(line) % 100)) * 10000; /* whole hundreds of rupiah */
    phone->seq++;
    phone->cum_total_minor += amount_minor;
    *out = (struct journal_entry){.kind = JOURNAL_RECEIPT, .device.u = world_id(WORLD_DEVICE, collector), .epoch = 1,
                                  .seq = phone->seq, .prev_hash = phone->head, .id.u = entry_id_make(line, at), .device_time = at,
                                  .mono_us = at.us - options.from_us, .boot_id = world_id(WORLD_DEVICE, collector)};
    out->body.receipt = (struct journal_receipt){
        .money = {.amount_minor = amount_minor, .currency = {"IDR"}, .cum_count = (uint64_t)phone->seq,
                  .cum_total_minor = phone->cum_total_minor},
        .account = accounts[collector * ACCOUNTS_EACH + i], .payer = JOURNAL_PAYER_DEBTOR, .tender = JOURNAL_TENDER_CASH, .tag = 1,
        .has_position = true, .position = {.lat_e7 = door.lat_e7, .lon_e7 = door.lon_e7, .accuracy_mm = 9000, .at = at},
        .receipt_no = phone->seq};
}

static void receipt_sign(struct line *line, size_t collector, size_t i, instant at) {
    size_t k = line->n++;
    struct phone *phone = &line->phones[collector];
    struct sealed *s = &line->sealed[k];
    size_t len;
    receipt_fill(line, collector, i, at, &line->entries[k]);
    need(journal_sign(&line->entries[k], installation, &phone->secret, line->envelopes[k], ENVELOPE_MAX, &len), "an entry");
    *s = (struct sealed){.raw = bytes_make(line->envelopes[k], len), .entry = &line->entries[k], .by = &phone->by};
    need(envelope_open(s->raw, ENVELOPE_JOURNAL_ENTRY, installation, &s->envelope), "an entry");
    phone->head = s->envelope.hash;
    line->all[k] = s;
}

static tagih_err receipts_body(struct tx *tx, void *context) {
    struct line *line = context;
    arena_reset(&line->writer.arena);
    struct entries entries = {.tx = tx, .arena = &line->writer.arena, .server = &line->server, .agency = agency,
                              .writer = line->writer.id, .now = line->now, .all = line->all, .n = line->n, .ends = line->ends};
    return entries_store(&entries);
}

/* Every third day or so at 8:00 each collector begins his round; at 17:00 his phone hands it in. */
static void crowd_pays(struct line *line, size_t first, int round) {
    size_t end = first + CROWD < (size_t)options.collectors ? first + CROWD : (size_t)options.collectors;
    int64_t day_us = options.from_us + (1 + round * 27 / ROUNDS) * US_PER_DAY;
    line->n = 0;
    line->now.us = day_us + 17 * HOUR_US;
    for (size_t c = first; c < end; c++) {
        for (size_t i = 0; i < ACCOUNTS_EACH; i++) {
            receipt_sign(line, c, i, (instant){day_us + 8 * HOUR_US + (int64_t)i * 3 * US_PER_MINUTE});
        }
    }
    struct tx_options of = transaction();
    need(tx_run(&line->writer.db, &of, receipts_body, line), "receipts");
    for (size_t k = 0; k < line->n; k++) {
        if (line->sealed[k].fate != FATE_POSTED) die("a receipt was flagged or not posted", FAIL(INTERNAL));
    }
}

static void *line_run(void *context) {
    struct line *line = context;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t c = line->first_crowd * CROWD; c < (size_t)options.collectors; c += THREADS * CROWD) crowd_pays(line, c, round);
    }
    return NULL;
}

static void accounts_read(void) {
    PGconn *conn = PQconnectdb(options.database_url);
    PGresult *r = PQexec(conn, "select set_config('app.agency_id', '01000000-0000-7000-8000-100000000000', false)");
    PQclear(r);
    r = PQexec(conn, "select account_id from account order by account_no");
    size_t n = (size_t)options.collectors * ACCOUNTS_EACH;
    if ((size_t)PQntuples(r) != n) die("the portfolio is another one", FAIL(INTERNAL));
    accounts = room(n, sizeof *accounts);
    for (size_t i = 0; i < n; i++) need(uuid_parse(PQgetvalue(r, (int)i, 0), &accounts[i].u), "an account");
    PQclear(r);
    PQfinish(conn);
}

static void phone_open(struct phone *phone, const struct key *key, size_t device) {
    public_key public_half;
    need(phone_certify(installation, key, device, (instant){options.from_us - HOUR_US}, &phone->certificate), "a certificate");
    phone_key(installation, device, &public_half, &phone->secret);
    phone->by = (struct sealed_by){.certificate = phone->certificate.document, .hash = phone->certificate.hash,
                                   .kid = key_id_of(&public_half)};
    phone->head = phone->certificate.hash;
}

static struct phone *phones_open(void) {
    const struct key *key = keyring_signing(&keys, KEY_DEVICE);
    if (!key) die("there is no key for device certificates", FAIL(INTERNAL));
    struct phone *phones = room((size_t)options.collectors, sizeof *phones);
    for (size_t i = 0; i < (size_t)options.collectors; i++) phone_open(&phones[i], key, i);
    return phones;
}

static void certificates(void) {
    const struct phone *phones = phones_open();
    for (size_t i = 0; i < (size_t)options.collectors; i++) phone_print(&phones[i].certificate, i);
}

static void receipts(void) {
    struct phone *phones = phones_open();
    struct line *lines = room(THREADS, sizeof *lines);
    accounts_read();
    for (size_t t = 0; t < THREADS; t++) {
        struct line *line = &lines[t];
        line->phones = phones;
        line->first_crowd = t;
        line->dice = 20250000 + t;
        line->server = (struct rpc_server){.installation = installation, .keys = &keys};
        writer_open(&line->writer, (int64_t)t + 2);
        if (pthread_create(&line->thread, NULL, line_run, line) != 0) die("a thread", FAIL(OUT_OF_MEMORY));
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(lines[t].thread, NULL);
        db_release(&lines[t].writer.db);
    }
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static void options_read(int argc, char **argv) {
    const struct {
        const char *name;
        long *number;
        const char **text;
    } names[] = {{"--database-url", NULL, &options.database_url}, {"--keys", NULL, &options.keys},
                 {"--installation", NULL, &options.installation}, {"--collectors", &options.collectors, NULL},
                 {"--from-us", &options.from_us, NULL}, {"--from-days", &options.from_days, NULL}};
    for (int i = 2; i + 1 < argc; i += 2) {
        size_t k = 0, count = sizeof names / sizeof *names;
        while (k < count && strcmp(names[k].name, argv[i]) != 0) k++;
        if (k == count) die(argv[i], FAIL(REQUEST_FIELD_MISSING));
        if (names[k].number) *names[k].number = strtol(argv[i + 1], NULL, 10);
        else *names[k].text = argv[i + 1];
    }
    if (!options.keys || !options.installation || options.collectors < 1 || !options.from_us) {
        die("--keys, --installation, --collectors, --from-us and --from-days are needed", FAIL(REQUEST_FIELD_MISSING));
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } works[] = {{"certificates", certificates}, {"portfolio", portfolio}, {"receipts", receipts}};
    struct keys_problem problem;
    options_read(argc, argv);
    need(random_open(), "randomness");
    need(keys_load(options.keys, &keys, &problem), "the keys");
    need(uuid_parse(options.installation, (uuid *)&installation), "the installation");
    agency.u = world_id(WORLD_AGENCY, 0);
    for (size_t i = 0; argc > 1 && i < sizeof works / sizeof *works; i++) {
        if (strcmp(works[i].name, argv[1]) == 0) {
            works[i].run();
            return 0;
        }
    }
    die("certificates, portfolio or receipts", FAIL(REQUEST_FIELD_MISSING));
}
