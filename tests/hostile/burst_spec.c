/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages made to burst whoever unpacks them, each as large as a request may be: half a million unknown fields, empty
 * messages within every field of every message, numbers packed a byte each, groups within groups, strings of a mebibyte,
 * lengths of 2 GiB with nothing behind. Every method answers each at once and by a reason of its own, holds no more memory
 * afterwards, and serves somebody else meanwhile. Smaller ones are rpc/hostile_spec.c's.
 *
 * A run sends every eighth of them; TAGIH_HOSTILE_EVERY=1 sends all.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract.h"
#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/everybody.h"
#include "tests/support/methods.h"
#include "tests/support/proof.h"
#include "tests/support/rig.h"

static long long every = 8;
static struct proof proof = {.test = "Messages made to burst", .unit = "calls", .faults = {{"bursting message", 0}}};

#define REQUEST_MAX ((size_t)1 << 20)
#define ANSWER_US_MAX (2 * US_PER_S)
#define GROWTH_KIB_MAX (64 * 1024)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true /* their shadow memory is no measure of ours, nor is their pace */
#else
#define SANITIZED false
#endif

static struct rig rig;
static agency_id agency;
static struct everybody all;
static size_t n_made, n_calls, n_refused, n_packed;

static long rss_kib(void) {
    char line[128];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) (void)sscanf(line, "VmRSS: %ld", &kib);
    fclose(file);
    return kib;
}

/* ---- somebody who only works ---------------------------------------------------------------------------------- */

#define CALLS_MAX 100000

static struct {
    pthread_t thread;
    atomic_bool stop;
    struct client *via;
    char token[RIG_TOKEN_SIZE];
    size_t n, wrong;
    int64_t took_us[CALLS_MAX];
} victim;

static void *work(void *unused) {
    (void)unused;
    Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    struct rig_call_options options = {.token = victim.token, .via = victim.via};
    while (!atomic_load(&victim.stop) && victim.n < CALLS_MAX) {
        int64_t began = clock_monotonic_us();
        struct rig_answer a = rig_call_with(&rig, "SessionService/WhoAmI", &who, &options);
        victim.wrong += a.status != CALL_OK;
        victim.took_us[victim.n++] = clock_monotonic_us() - began;
        usleep(2000);
    }
    return NULL;
}

static int by_time(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    everybody_open(&all, &rig, agency);
    snprintf(victim.token, sizeof victim.token, "%s", rig_staff_token(&rig, agency, all.people[2], 0));
    victim.via = rig_connect(&rig);
    return pthread_create(&victim.thread, NULL, work, NULL);
}

static int close_rig(void **state) {
    (void)state;
    client_close(victim.via);
    rig_close(&rig);
    return 0;
}

/* ---- one message ---------------------------------------------------------------------------------------------- */

static size_t put_varint(uint8_t *out, uint64_t value) {
    size_t n = 0;
    do {
        out[n++] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
    } while (value);
    return n;
}

static size_t put_key(uint8_t *out, unsigned number, unsigned wire) {
    return put_varint(out, (uint64_t)number << 3 | wire);
}

/* Written from the end towards the begin, so that a length is known before it stands. */
struct backward {
    uint8_t bytes[REQUEST_MAX];
    size_t at;
};

static struct backward message;

static void clear(void) {
    message.at = REQUEST_MAX;
}

static bool prepend(const uint8_t *bytes, size_t len, size_t reserve) {
    if (message.at < len + reserve) return false;
    message.at -= len;
    memcpy(message.bytes + message.at, bytes, len);
    return true;
}

/* All that is written becomes a field of the message around it. */
static void wrap(unsigned number) {
    uint8_t head[24];
    size_t n = put_key(head, number, 2);
    n += put_varint(head + n, REQUEST_MAX - message.at);
    assert_true(prepend(head, n, 0));
}

/* The way from a request down to a field: numbers of the messages around it. */
struct way {
    unsigned numbers[8];
    size_t n;
};

static void wrap_all(const struct way *way) {
    for (size_t i = way->n; i > 0; i--) wrap(way->numbers[i - 1]);
}

#define RESERVE 64 /* for what wraps it */

static void fill_with(const uint8_t *bytes, size_t len) {
    while (prepend(bytes, len, RESERVE)) continue;
}

enum expected { REFUSED, ANSWERED };

static void send_it(const struct method *m, const char *what, const char *field, enum expected expected) {
    if (n_made++ % (size_t)every) return;
    struct bytes raw = bytes_make(message.bytes + message.at, REQUEST_MAX - message.at);
    int64_t began = clock_monotonic_us();
    struct rig_answer a =
        rig_call_with(&rig, m->name, NULL,
                      &(struct rig_call_options){.token = everybody_token(&all, m->row), .raw = &raw, .timeout_us = 10 * US_PER_S});
    int64_t took = clock_monotonic_us() - began;
    n_calls++;
    bool refused = a.status == CALL_INVALID_ARGUMENT || a.status == CALL_RESOURCE_EXHAUSTED;
    n_refused += refused;
    bool known = *a.reason && strcmp(a.reason, "INTERNAL") != 0;
    bool fine = known && (expected == ANSWERED || refused);
    if (!fine) fail_msg("%s, %s of %s: answered %d %s %s", m->name, what, field, (int)a.status, a.reason, a.message);
    if (took > ANSWER_US_MAX && !SANITIZED)
        fail_msg("%s, %s of %s: took %lld ms", m->name, what, field, (long long)took / 1000);
}

/* ---- what each method gets ------------------------------------------------------------------------------------ */

static void send_unknown_fields(const struct method *m) {
    uint8_t field[8];
    size_t n = put_key(field, 15, 0);
    field[n++] = 1;
    if (m->proto->input->n_fields < 15) {
        clear();
        fill_with(field, n);
        send_it(m, "half a million unknown fields", "-", REFUSED);
    }
    clear();
    message.at -= REQUEST_MAX - RESERVE;
    memset(message.bytes + message.at, 'x', REQUEST_MAX - RESERVE);
    wrap(1000);
    send_it(m, "one unknown field of a mebibyte", "-", ANSWERED);
}

static void send_groups(const struct method *m) {
    clear();
    uint8_t end[4], start[4];
    size_t end_n = put_key(end, 1, 4), start_n = put_key(start, 1, 3);
    for (int i = 0; i < 100000; i++) assert_true(prepend(end, end_n, 0));
    for (int i = 0; i < 100000; i++) assert_true(prepend(start, start_n, 0));
    send_it(m, "100 000 groups in each other", "-", REFUSED);
}

static void send_lengths(const struct method *m, const ProtobufCFieldDescriptor *field, const struct way *way) {
    static const uint64_t lengths[] = {INT32_MAX, UINT64_C(1) << 31, UINT32_MAX, (UINT64_C(1) << 32) + 1,
                                       INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        uint8_t head[24];
        size_t n = put_key(head, field->id, 2);
        n += put_varint(head + n, lengths[i]);
        clear();
        assert_true(prepend(head, n, 0));
        wrap_all(way);
        send_it(m, "2 GiB and more said, nothing sent", field->name, REFUSED);
    }
}

/* As many as fit, none of which holds anything. */
static void send_empty_ones(const struct method *m, const ProtobufCFieldDescriptor *field, const struct way *way) {
    uint8_t one[8];
    size_t n = put_key(one, field->id, 2);
    one[n++] = 0;
    clear();
    fill_with(one, n);
    wrap_all(way);
    send_it(m, "as many empty ones as fit", field->name, REFUSED);
}

/* Of a row of a file it is the row that is refused. */
static void send_long_one(const struct method *m, const ProtobufCFieldDescriptor *field, const struct way *way) {
    clear();
    message.at -= REQUEST_MAX - RESERVE;
    memset(message.bytes + message.at, 'x', REQUEST_MAX - RESERVE);
    wrap(field->id);
    wrap_all(way);
    send_it(m, "one of a mebibyte", field->name, ANSWERED);
}

static void send_packed(const struct method *m, const ProtobufCFieldDescriptor *field, const struct way *way) {
    n_packed++;
    clear();
    message.at -= REQUEST_MAX - RESERVE;
    memset(message.bytes + message.at, 1, REQUEST_MAX - RESERVE);
    wrap(field->id);
    wrap_all(way);
    send_it(m, "a million numbers packed", field->name, REFUSED);
}

static void send_for_fields(const struct method *m, const ProtobufCMessageDescriptor *type, const struct way *way) {
    for (unsigned f = 0; f < type->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &type->fields[f];
        bool many = field->label == PROTOBUF_C_LABEL_REPEATED;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            struct way deeper = *way;
            assert_true(deeper.n < COUNT_OF(deeper.numbers));
            deeper.numbers[deeper.n++] = field->id;
            send_for_fields(m, field->descriptor, &deeper);
            send_empty_ones(m, field, way);
        } else if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) {
            send_long_one(m, field, way);
            if (f == 0 || many) send_empty_ones(m, field, way);
        } else if (many) {
            send_packed(m, field, way);
        }
        if (f == 0) send_lengths(m, field, way);
    }
}

static void nothing_bursts_a_method(void **state) {
    (void)state;
    Tagih__V1__WhoAmIRequest who = TAGIH__V1__WHO_AM_IREQUEST__INIT;
    assert_answer(rig_call(&rig, victim.token, "SessionService/WhoAmI", &who), OK);
    long before = rss_kib(), most = before;
    FOR_EACH_METHOD(m) {
        if (m.row->parks) continue;
        send_unknown_fields(&m);
        send_groups(&m);
        send_for_fields(&m, m.proto->input, &(struct way){.n = 0});
        long now = rss_kib();
        if (now > most) most = now;
    }
    print_message("             %zu calls, %zu refused, %zu packed fields; memory grew by %ld KiB\n", n_calls, n_refused,
                  n_packed, most - before);
    assert_true(n_made > 1000);
    if (!SANITIZED) assert_in_range(most - before, 0, GROWTH_KIB_MAX);
    assert_answer(rig_call(&rig, victim.token, "SessionService/WhoAmI", &who), OK);
}

static void somebody_else_was_served_all_the_while(void **state) {
    (void)state;
    atomic_store(&victim.stop, true);
    pthread_join(victim.thread, NULL);
    assert_true(victim.n > 20);
    qsort(victim.took_us, victim.n, sizeof victim.took_us[0], by_time);
    int64_t p99_us = victim.took_us[victim.n * 99 / 100];
    print_message("             %zu calls beside it, p99 %lld ms\n", victim.n, (long long)p99_us / 1000);
    proof.count = (long long)n_calls;
    proof.faults[0].n = proof.count;
    proof_check(&proof, proof.count + (long long)victim.n);
    assert_int_equal(victim.wrong, 0);
    if (!SANITIZED) assert_in_range(p99_us, 0, 500 * US_PER_MS);
}

int main(int argc, char **argv) {
    static const struct proof_option options[] = {{"--every", "TAGIH_HOSTILE_EVERY", &every, "send each nth; 1: all", false},
                                                  {0}};
    proof_begin(&proof, &argc, argv, "", options);
    if (every < 1) every = 1;
    snprintf(proof.note, sizeof proof.note, "one in %lld of them", every);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_bursts_a_method),
        cmocka_unit_test(somebody_else_was_served_all_the_while),
    };
    return proof_end(&proof, cmocka_run_group_tests(tests, open_rig, close_rig));
}
