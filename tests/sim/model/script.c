/* SPDX-License-Identifier: Apache-2.0 */
/* The world of a script, the server that it calls, and its story as text. */
#include "tests/sim/model/script_in.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "domain/role.h"
#include "engine/auth.h"
#include "rpc/services.h"
#include "run/clock.h"
#include "run/grow.h"
#include "run/random.h"
#include "store_statements.h"

#define BEGIN_US (INT64_C(1773122400) * US_PER_S) /* 2026-03-10, 13:00 in Jakarta */
#define ARENA_FIRST ((size_t)256 * 1024)
#define ARENA_MAX ((size_t)64 << 20)

/* ---- randomness: the same for both stores (in place of server/run/random.c) --------------------------------------- */

static struct chance randomness;

tagih_err random_open(void) {
    return TAGIH_OK;
}

void random_bytes(void *out, size_t len) {
    chance_bytes(&randomness, out, len);
}

uuid random_id(void) {
    uuid id;
    random_bytes(id.b, sizeof id.b);
    return id;
}

uuid script_id(struct script *s) {
    uuid id;
    chance_bytes(&s->chance, id.b, sizeof id.b);
    id.b[6] = (uint8_t)((id.b[6] & 0x0F) | 0x70);
    id.b[8] = (uint8_t)((id.b[8] & 0x3F) | 0x80);
    return id;
}

void script_say(struct script *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(s->out, format, args);
    va_end(args);
    fputc('\n', s->out);
}

static void must(tagih_err err) {
    if (!err_is_ok(err)) {
        fprintf(stderr, "script: %s\n", err_name(err));
        abort();
    }
}

/* ---- the server ------------------------------------------------------------------------------------------------ */

static const struct rpc_service *const services[] = {&sync_service, NULL};

static void make_key(struct script *s, enum key_purpose purpose) {
    struct key *key = &s->keys.keys[s->keys.count];
    uint8_t seed[32];
    chance_bytes(&s->chance, seed, sizeof seed);
    key_pair_from_seed(seed, &key->public_key, &key->secret);
    key->purpose = purpose, key->id = key_id_of(&key->public_key), key->has_secret = true;
    s->keys.signing[purpose] = (int)s->keys.count++;
}

static void log_line(void *context, const char *text) {
    (void)context;
    if (getenv("SCRIPT_LOG")) fprintf(stderr, "%s\n", text);
}

static void open_server(struct script *s) {
    char report[256];
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) make_key(s, (enum key_purpose)purpose);
    must(bind_services(services, &s->table, report, sizeof report));
    s->server = (struct rpc_server){.installation = s->installation, .keys = &s->keys, .tokens = token_cache_new(),
                                    .rates = rate_limits_new(0, 1), .services = services};
    s->arena_memory = malloc(ARENA_FIRST);
    assert(s->arena_memory && s->server.tokens && s->server.rates);
    arena_init(&s->arena, s->arena_memory, ARENA_FIRST);
    arena_may_grow(&s->arena, ARENA_MAX, grow_more, grow_less);
    must(db_open(&s->db, &(struct db_options){.conninfo = model_conninfo(s->model), .worker = "script", .statements = &store_statements, .log = log_line}));
}

static void close_server(struct script *s) {
    db_release(&s->db);
    arena_reset(&s->arena);
    free(s->arena_memory);
    token_cache_free(s->server.tokens);
    rate_limits_free(s->server.rates);
    bind_release(&s->table);
}

/* ---- the world ------------------------------------------------------------------------------------------------- */

static void add_phone(struct script *s, size_t i) {
    struct phone *phone = &s->phones[i];
    const struct key *key = keyring_signing(&s->keys, KEY_DEVICE);
    phone_init(phone, s->chance.state, i);
    phone->installation = s->installation;
    phone->device.u = script_id(s);
    phone->user = s->users[i];
    phone->now_us = s->now_us, phone->booted_us = s->now_us - US_PER_DAY;
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
        phone->server_keys[phone->server_key_count++] = keyring_signing(&s->keys, (enum key_purpose)purpose)->public_key;
    }
    struct device_certificate document = {.agency = s->agency, .device = phone->device, .key = phone->key, .epoch = 1, .user = phone->user,
                                          .valid_from = {s->now_us - 30 * US_PER_DAY}};
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    must(device_certificate_sign(&document, s->installation, &key->secret, bytes, sizeof bytes, &len));
    if (!phone_take_device_certificate(phone, bytes_make(bytes, len))) abort();
    model_phone(s->model, &(struct model_phone){.agency = s->agency, .device = phone->device, .user = phone->user, .epoch = 1,
                                                .public_key = phone->key.b, .certificate = bytes_make(phone->certificate, phone->certificate_len),
                                                .certificate_hash = phone->head_hash, .valid_from_us = document.valid_from.us});
}

static void add_account(struct script *s, size_t i) {
    struct model_instalment instalments[3];
    civil_date as_of = date_make(2026, 3, 1);
    size_t n = i == 11 ? 1 : 3;
    for (size_t k = 0; k < n; k++) {
        instalments[k] = (struct model_instalment){.due_on = date_make(2026, 1 + (int)k, 5 + (int)i), .fees_minor = MINOR(5000 * (int64_t)k),
                                                   .penalty_minor = MINOR(10000), .interest_minor = MINOR(100000), .principal_minor = MINOR(400000)};
    }
    s->accounts[i].u = script_id(s);
    uuid customer = i == 1 ? s->accounts[0].u : script_id(s);
    if (i == 0) customer = s->accounts[0].u; /* two accounts of one customer */
    model_account(s->model, &(struct model_account){
        .agency = s->agency, .account = s->accounts[i], .customer = customer,
        .collector = i == 10 ? (user_id){{{0}}} : s->users[i % SCRIPT_PHONES], .currency = i == 9 ? "USD" : "IDR",
        .lat_e7 = -61754000, .lon_e7 = 1068272000, .as_of_on = as_of, .at_us = s->now_us - 9 * US_PER_DAY, .instalments = instalments, .n_instalments = n});
}

static void make_world(struct script *s) {
    s->agency.u = script_id(s), s->team.u = script_id(s);
    model_agency(s->model, s->agency, "Acme", s->now_us);
    model_team(s->model, s->agency, s->team, "North", s->now_us);
    for (size_t i = 0; i < SCRIPT_PHONES; i++) {
        s->users[i].u = script_id(s);
        model_user(s->model, s->agency, s->users[i], ROLE_COLLECTOR, s->team, s->now_us);
        add_phone(s, i);
    }
    for (size_t i = 0; i < SCRIPT_ACCOUNTS; i++) add_account(s, i);
    for (size_t i = 0; i < SCRIPT_PHONES; i++) {
        s->visits[i].u = script_id(s);
        model_visit(s->model, &(struct model_visit){.agency = s->agency, .visit = s->visits[i], .account = s->accounts[i], .collector = s->users[i],
                                                    .purpose = 1, .policy = (int)i % 3, .from_us = s->now_us - US_PER_DAY,
                                                    .until_us = s->now_us + 2 * US_PER_DAY, .planned_on = date_make(2026, 3, 10)});
    }
    model_cash_limit(s->model, s->agency, (user_id){{{0}}}, "IDR", MINOR(5000000), MINOR(10000000), MINOR(3000000), s->now_us);
    model_target(s->model, s->agency, s->users[0], date_make(2026, 3, 1), MINOR(2000000), s->now_us);
}

/* ---- entries --------------------------------------------------------------------------------------------------- */

struct record *script_write(struct script *s, size_t i, struct journal_entry *entry) {
    struct phone *phone = &s->phones[i];
    s->now_us += US_PER_MINUTE;
    phone->now_us = s->now_us;
    return phone_write(phone, entry);
}

struct record *script_receipt(struct script *s, size_t i, size_t account, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_RECEIPT};
    entry.body.receipt = (struct journal_receipt){.money = {.amount_minor = amount_minor, .currency = {"IDR"}}, .account = s->accounts[account],
                                                  .payer = JOURNAL_PAYER_DEBTOR, .tender = JOURNAL_TENDER_CASH, .tag = 1,
                                                  .receipt_no = ++s->phones[i].receipt_no};
    return script_write(s, i, &entry);
}

struct record *script_void(struct script *s, size_t i, const struct record *receipt, int64_t amount_minor) {
    struct journal_entry entry = {.kind = JOURNAL_VOID};
    entry.body.voided = (struct journal_void){.money = {.amount_minor = -amount_minor, .currency = {"IDR"}}, .receipt = receipt->id,
                                              .receipt_hash = receipt->hash, .reason_code = 1, .has_slip_photo = true};
    return script_write(s, i, &entry);
}

/* ---- pushing --------------------------------------------------------------------------------------------------- */

/** A call and what became of it. */
struct served {
    struct call call;
    struct script *script;
    size_t number;
    uint8_t *packed;
    char *told; /* said when all of the batch are answered, in the order of the calls */
};

static void tell_bytes(FILE *out, const char *what, ProtobufCBinaryData data) {
    char hex[2 * ENVELOPE_MAX + 1];
    bytes_hex(bytes_make(data.data, data.len), hex);
    fprintf(out, "  %s %s\n", what, hex);
}

/* The acknowledgement in words, too: a difference is to be understood. */
static void tell_ack(const struct script *s, FILE *out, ProtobufCBinaryData data) {
    struct acknowledgement ack;
    struct envelope envelope;
    tell_bytes(out, "ack", data);
    if (!err_is_ok(acknowledgement_open(bytes_make(data.data, data.len), s->installation, &ack, &envelope))) return;
    fprintf(out, "   fate %d", ack.fate);
    for (size_t i = 0; i < ack.reason_count; i++) fprintf(out, " %s", fate_reason_name(ack.reasons[i]));
    fprintf(out, "\n");
}

static void keep_answer(struct call *call, const struct call_reply *reply) {
    struct served *served = (struct served *)call;
    size_t len;
    FILE *out = open_memstream(&served->told, &len);
    fprintf(out, " call %zu: status %d %s\n", served->number, (int)reply->status, reply->message ? reply->message : "");
    Tagih__V1__PushResponse *response = NULL;
    if (reply->status == CALL_OK) response = tagih__v1__push_response__unpack(NULL, reply->body.len, reply->body.data);
    for (size_t i = 0; response && i < response->n_acks; i++) tell_ack(served->script, out, response->acks[i]);
    for (size_t i = 0; response && i < response->n_chain_certificates; i++) tell_bytes(out, "chain", response->chain_certificates[i]);
    if (response) tagih__v1__push_response__free_unpacked(response, NULL);
    fclose(out);
}

static const struct call_door door = {.reply = keep_answer};

static size_t pack_request(const struct phone *phone, const struct script_call *call, uint8_t **out) {
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    ProtobufCBinaryData *entries = calloc(call->n + 1, sizeof *entries);
    ProtobufCBinaryData certificate = {phone->certificate_len, (uint8_t *)(uintptr_t)phone->certificate};
    assert(entries);
    for (size_t i = 0; i < call->n; i++) entries[i] = (ProtobufCBinaryData){call->records[i]->len, call->records[i]->bytes};
    request.n_entries = call->n, request.entries = entries;
    request.n_certificates = 1, request.certificates = &certificate;
    size_t len = tagih__v1__push_request__get_packed_size(&request);
    *out = malloc(len);
    assert(*out);
    tagih__v1__push_request__pack(&request, *out);
    free(entries);
    return len;
}

static const struct call_row *push_row(const struct script *s) {
    for (size_t i = 0; i < s->table.count; i++) {
        if (strcmp(s->table.rows[i].path, "/tagih.v1.SyncService/Push") == 0) return &s->table.rows[i];
    }
    abort();
}

static struct rpc_item *arrive(struct script *s, struct served *served, const struct script_call *from, size_t number) {
    *served = (struct served){.script = s, .number = number};
    struct call *call = &served->call;
    size_t len = pack_request(&s->phones[from->phone], from, &served->packed);
    call->row = push_row(s), call->door = &door;
    if (!grow_arena_open(&call->arena)) abort();
    call->request = bytes_make(served->packed, len);
    call->arrived_us = clock_monotonic_us();
    call->deadline_us = call->arrived_us + 60 * US_PER_S;
    call->peer = bytes_text("192.0.2.1");
    call->first = true;
    bind_begin(call);
    struct rpc_item *item = call->state;
    bind_prepare(&s->server, item, (instant){s->now_us});
    return item;
}

void script_push_batch(struct script *s, const struct script_call *calls, size_t n) {
    struct served *served = calloc(n, sizeof *served);
    struct rpc_item **items = calloc(n, sizeof *items);
    struct rpc_batch batch = {.server = &s->server, .db = &s->db, .arena = &s->arena, .agency = s->agency, .writer = 7, .items = items};
    assert(served && items);
    s->now_us += US_PER_S;
    batch.now.us = s->now_us;
    script_say(s, "push at %lld", (long long)s->now_us);
    for (size_t i = 0; i < n; i++) {
        struct rpc_item *item = arrive(s, &served[i], &calls[i], i);
        if (err_is_ok(item->err)) items[batch.n++] = item;
        else bind_answer(&s->server, item);
    }
    if (batch.n) bind_serve(&batch);
    for (size_t i = 0; i < n; i++) {
        fputs(served[i].told ? served[i].told : "no answer\n", s->out);
        free(served[i].told);
        free(served[i].packed);
        grow_arena_close(&served[i].call.arena);
    }
    free(items);
    free(served);
}

void script_push(struct script *s, size_t phone, struct record *const *records, size_t n) {
    script_push_batch(s, &(struct script_call){phone, records, n}, 1);
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* What two stores may count differently: numbers of transactions, and a process' own times. */
static const char *const skipped[] = {"xid", NULL}, *const skipped_numbers[] = {"xid", "n", NULL};

const char *script_name(size_t i) {
    return script_steps[i].name;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell_table(struct script *s, const char *name) {
    bool counts = strcmp(name, "change") == 0 || strcmp(name, "seal") == 0;
    struct bytes dump = model_dump(s->model, name, counts && s->is_retried ? skipped_numbers : skipped);
    char *copy = malloc(dump.len + 1), **lines = calloc(dump.len + 1, sizeof(char *)), *rest = copy, *line;
    size_t n = 0;
    assert(copy && lines);
    if (dump.len) memcpy(copy, dump.data, dump.len);
    copy[dump.len] = 0;
    while ((line = strsep(&rest, "\n")) && rest) lines[n++] = line;
    qsort(lines, n, sizeof(char *), by_text);
    for (size_t i = 0; i < n; i++) script_say(s, "%s: %s", name, lines[i]);
    free(lines);
    free(copy);
}

/* Of the database alone. */
static bool is_own(const char *name) {
    return strcmp(name, "installation") == 0 || strncmp(name, "partition", 9) == 0;
}

static void tell_tables(struct script *s) {
    char *names[300];
    size_t n = 0;
    for (const char *name; (name = model_table_name(s->model, n)) != NULL; n++) names[n] = (char *)(uintptr_t)name;
    qsort(names, n, sizeof(char *), by_text);
    for (size_t i = 0; i < n; i++) {
        if (!is_own(names[i])) tell_table(s, names[i]);
    }
}

void script_run(const char *name, const struct script_options *options, FILE *out) {
    const struct script_steps *steps = script_steps;
    while (steps->name && strcmp(steps->name, name) != 0) steps++;
    if (!steps->name) {
        fprintf(stderr, "there is no script %s\n", name);
        abort();
    }
    struct script *s = calloc(1, sizeof *s);
    assert(s);
    s->options = options, s->out = out, s->is_retried = steps->is_retried, s->now_us = BEGIN_US;
    s->chance = chance_of(options->seed, 1), randomness = chance_of(options->seed, 2);
    chance_bytes(&s->chance, s->installation.b, sizeof s->installation.b);
    s->model = model_open(NULL);
    open_server(s);
    make_world(s);
    steps->run(s);
    if (options->tamper) model_tamper(s->model, "%s", options->tamper);
    if (options->digest) model_digest(s->model, options->digest);
    tell_tables(s);
    for (size_t i = 0; i < SCRIPT_PHONES; i++) phone_release(&s->phones[i]);
    close_server(s);
    model_close(s->model);
    free(s);
}
