/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nasty strings in every string field of every method, with the rest of the request in order: each call ends in an answer or
 * in a refusal with its reason of err.def, never in a fault of ours, and a field that comes back in the answer comes back as
 * it was sent, byte for byte. Bytes that are no text are refused in every string field, however deep it lies, by its name.
 *
 * A run sends every 48th string to a field, beginning elsewhere for each, so that all are sent somewhere;
 * TAGIH_STRINGS_ALL=1 sends all of them everywhere. TAGIH_STRINGS_SEED moves where a field begins.
 */
#include <glob.h>

#include "server/run/random.h"
#include "tests/access/table.h"
#include "tests/hostile/nasty.h"
#include "tests/support/proof.h"

#define CONNECTIONS 4
#define IN_FLIGHT 48
#define FIELDS_MAX 64
#define LOGINS 8 /* each costs a password hash, on purpose */

static struct rig rig;
static struct teller teller;
static struct world world;
static user_id people[ROLE_COUNT];
static char tokens[ROLE_COUNT][RIG_TOKEN_SIZE];
static struct client *connections[CONNECTIONS];
static size_t n_calls, n_taken, n_echoed, n_fields, n_faults, n_no_text;

static int open_rig(void **state) {
    (void)state;
    read_table();
    rig_open(&rig, NULL);
    teller_open(&teller, &rig, rig_agency(&rig, "Acme"));
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        people[i] = rig_user(&rig, teller.agency, NULL, 1u << i);
        snprintf(tokens[i], sizeof tokens[i], "%s", rig_staff_token(&rig, teller.agency, people[i], 0));
    }
    world_open(&world, &teller, people[0]);
    for (size_t i = 0; i < CONNECTIONS; i++) connections[i] = rig_connect(&rig);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    for (size_t i = 0; i < CONNECTIONS; i++) client_close(connections[i]);
    rig_close(&rig);
    return 0;
}

/* ---- fields --------------------------------------------------------------------------------------------------- */

struct text_field {
    const char *name, *message;
    char **at;
};

/* Every string of a message, and of the messages in it. */
static size_t collect(ProtobufCMessage *message, struct text_field *out, size_t n) {
    for (unsigned f = 0; message && f < message->descriptor->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[f];
        bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
        char *at = (char *)message + field->offset;
        size_t count = list ? *(size_t *)(void *)((char *)message + field->quantifier_offset) : 1;
        if (list) at = *(char **)(void *)at;
        for (size_t i = 0; i < count; i++) {
            void *element = at + i * sizeof(void *);
            if (field->type == PROTOBUF_C_TYPE_MESSAGE) n = collect(*(ProtobufCMessage **)element, out, n);
            if (field->type != PROTOBUF_C_TYPE_STRING || n == FIELDS_MAX) continue;
            out[n++] = (struct text_field){field->name, message->descriptor->short_name, element};
        }
    }
    return n;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* What stands for bytes that protobuf-c would not pack as text; put in once it is packed. */
#define MARK "~mark~"
#define NO_TEXT NASTY_COUNT
static const char no_text[][sizeof MARK] = {
    "a\xff\xfe\xfd"
    "bc",
    "a\0\0\0\0b",
    "a\xc0\x80"
    "bcd",
    "a\xed\xa0\x80"
    "bc",
    "a\xf5\x80\x80\x80"
    "b",
    "abc\xe2\x82"
    "d",
    "abcde\xf0",
    "\x80"
    "bcdef"};

struct sent {
    const struct method *method;
    const char *field;
    size_t string;
    struct client_call *call;
};

static struct sent flying[IN_FLIGHT];
static size_t n_flying;

static void fault(const struct sent *s, const char *what) {
    char text[NASTY_SIZE];
    const char *sent = s->string < NASTY_COUNT ? nasty(s->string, text) : "no text";
    if (n_faults++ < 40)
        fprintf(stderr, "%s, %s = string %zu '%.60s': %s\n", s->method->name, s->field, s->string, sent, what);
}

/* Where the answer has a field of that name in a message of its own, it says what was sent. */
static void look_for_echo(const struct sent *s, const struct client_reply *reply) {
    static struct text_field fields[FIELDS_MAX];
    char text[NASTY_SIZE];
    ProtobufCMessage *response = protobuf_c_message_unpack(s->method->proto->output, NULL, reply->body_len, reply->body);
    if (!response) fault(s, "an answer that is not of its type");
    size_t n = collect(response, fields, 0);
    for (size_t i = 0; i < n; i++) {
        bool echo = s->method->row->writes && strcmp(fields[i].name, s->field) == 0 && *nasty(s->string, text);
        if (!echo) continue;
        n_echoed++;
        if (strcmp(*fields[i].at, text) != 0) fault(s, *fields[i].at);
    }
    if (response) protobuf_c_message_free_unpacked(response, NULL);
}

/* The reason of err.def that a refusal carries, "" without one. */
static void reason_of(const struct client_reply *reply, char out[64]) {
    *out = 0;
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, reply->details_len, reply->details);
    for (size_t i = 0; status && i < status->n_details; i++) {
        const Google__Protobuf__Any *any = status->details[i];
        if (!strstr(any->type_url, "ErrorInfo")) continue;
        Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
        if (info) snprintf(out, 64, "%s", info->reason);
        if (info) google__rpc__error_info__free_unpacked(info, NULL);
    }
    if (status) google__rpc__status__free_unpacked(status, NULL);
}

/* It is a reason that the list has, and not the one for what broke here. */
static bool is_known(const char *reason) {
    static const char *const names[] = {
#define ERR(name, class, token, text) #name,
#include "tagih/err.def"
#undef ERR
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(names[i], reason) == 0) return strcmp(reason, "INTERNAL") != 0;
    }
    return false;
}

static long long every = 48;
static struct proof proof = {.test = "Nasty strings", .unit = "string fields", .faults = {{"nasty string", 0}}};

static void finish(struct sent *s) {
    struct client_reply reply = client_finish(s->call);
    char reason[64];
    n_calls++;
    n_taken += reply.status == CALL_OK;
    bool ours = reply.status == CALL_INTERNAL || reply.status == CALL_UNKNOWN || reply.status == CALL_UNAVAILABLE ||
                reply.status == CALL_DEADLINE_EXCEEDED;
    if (s->string >= NO_TEXT) {
        reason_of(&reply, reason);
        if (strcmp(reason, "REQUEST_TEXT") != 0 || !memmem(reply.details, reply.details_len, s->field, strlen(s->field))) {
            fault(s, *reason ? reason : reply.message);
        }
    } else if (ours) fault(s, reply.message);
    else if (reply.status == CALL_OK) look_for_echo(s, &reply);
    else if (reason_of(&reply, reason), !is_known(reason)) fault(s, *reason ? reason : "a refusal without its reason");
    client_reply_release(&reply);
}

static void finish_all(void) {
    for (size_t i = 0; i < n_flying; i++) finish(&flying[i]);
    n_flying = 0;
}

static const char *token_for(const struct method *m) {
    if (m->row->device) return world.phone.token;
    size_t role = ROLE_COUNT;
    while (role > 0 && !(m->row->roles & 1u << (role - 1))) role--;
    return role ? tokens[role - 1] : NULL;
}

static void put_no_text(uint8_t *packed, size_t len, size_t which) {
    uint8_t *at = memmem(packed, len, MARK, strlen(MARK));
    assert_non_null(at);
    memcpy(at, no_text[which], strlen(MARK));
}

static struct client_call *start_call(const struct method *m, const ProtobufCMessage *request, size_t string) {
    static uint8_t packed[16384];
    char bearer[RIG_TOKEN_SIZE + 8];
    const char *token = token_for(m);
    snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
    struct client_header header = {"authorization", bytes_text(bearer)};
    struct client_options options = {.headers = &header, .header_count = token != NULL, .timeout_us = 20 * US_PER_S};
    assert_true(protobuf_c_message_get_packed_size(request) <= sizeof packed);
    struct bytes body = bytes_make(packed, protobuf_c_message_pack(request, packed));
    if (string >= NO_TEXT && string < NO_TEXT + COUNT_OF(no_text)) put_no_text(packed, body.len, string - NO_TEXT);
    return client_start(connections[n_flying % CONNECTIONS], m->path, CLIENT_ONE, body, &options);
}

static void send_one(const struct method *m, const ProtobufCMessage *request, const char *field, size_t string) {
    if (n_flying == IN_FLIGHT) finish_all();
    flying[n_flying] = (struct sent){.method = m, .field = field, .string = string};
    flying[n_flying].call = start_call(m, request, string);
    n_flying++;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static ProtobufCMessage *plain_request(const struct method *m, struct arena *arena) {
    const struct row *row = row_of(m->name);
    ProtobufCMessage *request = request_new(m->proto->input, arena);
    if (!row) return request;
    if (strcmp(m->name, "DeviceService/Enrol") == 0) request_set(request, arena, "code", "ABCD-EFGH-JKMN");
    set_with(request, arena, row->with);
    for (size_t i = 0; i < row->n; i++) {
        request_set(request, arena, row->objects[i].field,
                    row->objects[i].alternative ? "" : world.id[row->objects[i].thing]);
    }
    return request;
}

/* Such a request with its string fields, until the next one. */
static ProtobufCMessage *plain_fields(const struct method *m, struct text_field fields[FIELDS_MAX], size_t *n) {
    static uint8_t memory[262144];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    ProtobufCMessage *request = plain_request(m, &arena);
    *n = collect(request, fields, 0);
    assert_true(*n < FIELDS_MAX);
    return request;
}

/* Another request, about another file. */
static void new_request_id(ProtobufCMessage *request, char id[UUID_TEXT_SIZE]) {
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "request_id");
    uuid_format(rig_id(), id);
    if (field) *(char **)(void *)((char *)request + field->offset) = id;
    field = protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "file_hash");
    if (field) {
        const ProtobufCBinaryData *hash = (void *)((char *)request + field->offset);
        random_bytes(hash->data, hash->len);
    }
}

/* A reference names one thing only: the next call is about another. */
static void new_references(const struct text_field *fields, size_t n, char id[UUID_TEXT_SIZE]) {
    uuid_format(rig_id(), id);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(fields[i].name);
        if (len >= 9 && strcmp(fields[i].name + len - 9, "reference") == 0) *fields[i].at = id;
    }
}

/* The strings that a field gets: [from, from + step, …) below NASTY_COUNT. */
static size_t step_of(const struct method *m) {
    if (strcmp(m->name, "SessionService/Login") == 0) return NASTY_COUNT / LOGINS;
    return (size_t)every;
}

static void try_field(const struct method *m, ProtobufCMessage *request, const struct text_field *fields, size_t n, size_t i,
                      size_t from) {
    char text[NASTY_SIZE], id[UUID_TEXT_SIZE], reference[UUID_TEXT_SIZE], *before = *fields[i].at;
    size_t step = step_of(m);
    for (size_t k = from % step; k < NASTY_COUNT; k += step) {
        new_request_id(request, id);
        new_references(fields, n, reference);
        *fields[i].at = (char *)(uintptr_t)nasty(k, text);
        send_one(m, request, fields[i].name, k);
    }
    for (size_t k = from % 4; k < COUNT_OF(no_text); k += step == 1 ? 1 : 4, n_no_text++) {
        *fields[i].at = (char *)(uintptr_t)MARK;
        send_one(m, request, fields[i].name, NO_TEXT + k);
    }
    *fields[i].at = before;
}

static void every_string_field_takes_or_refuses_every_nasty_string(void **state) {
    (void)state;
    static struct text_field fields[FIELDS_MAX];
    const char *seed = getenv("TAGIH_STRINGS_SEED");
    size_t from = seed ? (size_t)strtoull(seed, NULL, 10) * 7 : 0;
    assert_true(NASTY_COUNT >= 500);
    FOR_EACH_METHOD(m) {
        if (m.row->parks) continue;
        size_t n;
        ProtobufCMessage *request = plain_fields(&m, fields, &n);
        for (size_t i = 0; i < n; i++) try_field(&m, request, fields, n, i, from + n_fields + i);
        n_fields += n;
        finish_all(); /* they point to the method */
    }
    print_message("             %zu fields, %zu strings, %zu calls: %zu taken, %zu came back, %zu of no text\n", n_fields,
                  (size_t)NASTY_COUNT, n_calls, n_taken, n_echoed, n_no_text);
    proof.count = (long long)n_fields;
    proof.faults[0].n = (long long)n_calls;
    proof_check(&proof, (long long)(n_calls + n_echoed));
    assert_true(n_fields > 250 && n_taken > n_fields && n_echoed > 20);
    if (n_faults) fail_msg("%zu faults", n_faults);
}

/* ---- limits ---------------------------------------------------------------------------------------------------- */

#define LIMITS_MAX 400

/* What the contract's comments promise: "… 1 to 500 bytes" above `string reason = 3;` in a message. */
struct limit {
    char message[64], field[64];
    size_t bytes;
};

static struct limit limits[LIMITS_MAX];
static size_t n_limits, n_limits_met;

/* The number before the comment's last "bytes"; 0 without one. */
static size_t promised_bytes(const char *comment) {
    size_t found = 0;
    for (const char *at = comment; (at = strstr(at, " bytes")); at++) {
        const char *digit = at;
        while (digit > comment && digit[-1] >= '0' && digit[-1] <= '9') digit--;
        if (digit < at) found = (size_t)strtoull(digit, NULL, 10);
    }
    return found;
}

static void read_limits(const char *path) {
    char line[512], comment[4096] = "", message[64] = "", name[64];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        const char *at = line + strspn(line, " ");
        if (strncmp(at, "//", 2) == 0) {
            strncat(comment, at, sizeof comment - strlen(comment) - 1);
            continue;
        }
        (void)sscanf(at, "message %63[A-Za-z0-9]", message);
        size_t bytes = promised_bytes(comment);
        if (bytes && sscanf(at, "string %63[a-z0-9_] =", name) == 1 && n_limits < LIMITS_MAX) {
            struct limit *limit = &limits[n_limits++];
            snprintf(limit->message, sizeof limit->message, "%s", message);
            snprintf(limit->field, sizeof limit->field, "%s", name);
            limit->bytes = bytes;
        }
        *comment = 0;
    }
    fclose(file);
}

static void read_all_limits(void) {
    glob_t found;
    assert_int_equal(glob(TAGIH_SOURCE "/proto/tagih/v1/*.proto", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) read_limits(found.gl_pathv[i]);
    globfree(&found);
    assert_in_range(n_limits, 60, LIMITS_MAX - 1);
}

static const struct limit *limit_of(const struct text_field *field) {
    for (size_t i = 0; i < n_limits; i++) {
        if (strcmp(limits[i].message, field->message) == 0 && strcmp(limits[i].field, field->name) == 0) return &limits[i];
    }
    return NULL;
}

/* Found at fault by name; or, in a row of a file, which is answered for itself, by the reason. */
static bool is_at_fault(const struct client_reply *reply, const char *name) {
    if (reply->status == CALL_OK) return memmem(reply->body, reply->body_len, "text.invalid", 12);
    return reply->status == CALL_INVALID_ARGUMENT && memmem(reply->details, reply->details_len, name, strlen(name));
}

/* Whether a text of so many bytes is. */
static bool is_too_long(const struct method *m, ProtobufCMessage *request, const struct text_field *field, size_t bytes) {
    static char text[1024];
    char id[UUID_TEXT_SIZE], *before = *field->at;
    assert_true(bytes < sizeof text);
    memset(text, 'a', bytes);
    text[bytes] = 0;
    new_request_id(request, id);
    *field->at = text;
    struct client_reply reply = client_finish(start_call(m, request, NO_TEXT + COUNT_OF(no_text)));
    *field->at = before;
    bool named = is_at_fault(&reply, field->name);
    if (reply.status == CALL_INTERNAL || reply.status == CALL_UNKNOWN)
        fail_msg("%s, %s: %s", m->name, field->name, reply.message);
    client_reply_release(&reply);
    return named;
}

/* As long as the contract says is taken; one byte more is refused by the field's name. */
static void every_texts_limit_is_what_the_contract_says(void **state) {
    (void)state;
    static struct text_field fields[FIELDS_MAX];
    read_all_limits();
    size_t wrong = 0;
    FOR_EACH_METHOD(m) {
        if (m.row->parks) continue;
        size_t n;
        ProtobufCMessage *request = plain_fields(&m, fields, &n);
        for (size_t i = 0; i < n; i++) {
            const struct limit *limit = limit_of(&fields[i]);
            if (!limit) continue;
            n_limits_met++;
            bool fits = !is_too_long(&m, request, &fields[i], limit->bytes);
            bool more = is_too_long(&m, request, &fields[i], limit->bytes + 1);
            if (fits && more) continue;
            wrong++;
            fprintf(stderr, "%s, %s: %zu bytes are %s, one more is %s\n", m.name, fields[i].name, limit->bytes,
                    fits ? "taken" : "refused", more ? "refused" : "taken");
        }
    }
    print_message("             %zu limits in the contract, %zu met in requests\n", n_limits, n_limits_met);
    struct proof over = {.test = "Text limits, one byte over",
                         .unit = "limits",
                         .count = (long long)n_limits_met,
                         .checks = 2 * (long long)n_limits_met,
                         .failures = (long long)wrong,
                         .faults = {{"one byte over", (long long)n_limits_met}}};
    proof_write(&over);
    assert_true(n_limits_met > 60);
    assert_int_equal(wrong, 0);
}

/* And the server serves on, with its books in order. */
static void after_all_that_the_next_call_is_served(void **state) {
    (void)state;
    struct rig_answer a = world_call(&rig, &world, tokens[2], "SessionService/WhoAmI", "");
    assert_answer(a, OK);
    assert_int_equal(
        pg_number(
            &rig.pg,
            "select count(*) from (select from ledger_line group by posting_id, currency having sum(amount_minor) <> 0) x"),
        0);
}

int main(int argc, char **argv) {
    static const struct proof_option options[] = {{"--every", "TAGIH_HOSTILE_EVERY", &every, "send each nth; 1: all", false},
                                                  {0}};
    proof_begin(&proof, &argc, argv, "", options);
    if (every < 1) every = 1;
    snprintf(proof.note, sizeof proof.note, "one in %lld of them", every);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_string_field_takes_or_refuses_every_nasty_string),
        cmocka_unit_test(every_texts_limit_is_what_the_contract_says),
        cmocka_unit_test(after_all_that_the_next_call_is_served),
    };
    return proof_end(&proof, cmocka_run_group_tests(tests, open_rig, close_rig));
}
