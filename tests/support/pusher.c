/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that push, in threads. */
#include "tests/support/pusher.h"

#include "server/run/clock.h"
#include "tests/support/case.h"
#include "tests/support/process.h"

void pusher_open(struct pusher *pusher, struct rig *rig, agency_id agency, const char *target, const atomic_bool *hurry) {
    *pusher = (struct pusher){.target = target, .hurry = hurry, .timeout_us = 5 * US_PER_S, .chance = 1};
    writer_begin_new(&pusher->writer, rig, agency);
}

void pusher_close(struct pusher *pusher) {
    writer_end(&pusher->writer);
}

void pusher_write(struct pusher *p, const account_id *accounts, size_t n_accounts, size_t n) {
    assert_true(n <= PUSHER_ENTRIES);
    for (size_t i = 0; i < n; i++) {
        account_id account = accounts[(i * 7 + (size_t)p->chance * 3) % n_accounts];
        struct journal_entry receipt = writer_receipt(&p->writer, account, INT64_C(100) * (int64_t)(1000 + i));
        writer_sign(&p->writer, &receipt);
    }
    p->n = n;
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
    while (p->first_open < p->n && p->acks[p->first_open].len) p->first_open++;
}

/* Some already acknowledged entries go along: a phone that forgot the answer. */
static size_t choose(struct pusher *p, size_t *indices) {
    size_t n = 1 + random_below(&p->chance, 16), back = random_below(&p->chance, 4);
    size_t first = p->first_open > back ? p->first_open - back : 0;
    if (n > p->n - first) n = p->n - first;
    for (size_t i = 0; i < n; i++) indices[i] = first + i;
    return n;
}

static bool is_expected(enum call_status status) {
    return status == CALL_UNAVAILABLE || status == CALL_DEADLINE_EXCEEDED || status == CALL_ABORTED ||
           status == CALL_CANCELLED;
}

static void push_once(struct pusher *p) {
    size_t indices[24], n = choose(p, indices);
    int64_t began_us = clock_monotonic_us();
    struct rig_answer answer = writer_push_via(&p->writer, p->client, p->timeout_us, indices, n);
    int64_t took_us = clock_monotonic_us() - began_us;
    if (took_us > p->slowest_us) p->slowest_us = took_us;
    const Tagih__V1__PushResponse *response = answer.response;
    if (answer.status == CALL_OK && response->n_acks == n) {
        take_acks(p, response, indices, n);
        if (!atomic_load(p->hurry)) pause_us((int64_t)random_below(&p->chance, 60) * US_PER_MS);
        return;
    }
    if (!is_expected(answer.status)) {
        snprintf(p->problem, sizeof p->problem, "Push answered %d %s: %.150s", (int)answer.status, answer.reason,
                 answer.message);
    }
    p->failures++;
    client_close(p->client); /* a phone that lost its connection makes a new one at once */
    pause_us(20 * US_PER_MS);
    p->client = client_open(p->target, NULL);
}

static void *push_all(void *context) {
    struct pusher *p = context;
    p->client = client_open(p->target, NULL);
    while (p->first_open < p->n && !*p->problem && !atomic_load(&p->over)) push_once(p);
    client_close(p->client);
    return NULL;
}

void pusher_start(struct pusher *pusher) {
    assert_int_equal(pthread_create(&pusher->thread, NULL, push_all, pusher), 0);
    atomic_store(&pusher->running, true);
}

size_t pushers_told(struct pusher *pushers, size_t n) {
    size_t told = 0;
    for (size_t i = 0; i < n; i++) told += atomic_load(&pushers[i].told);
    return told;
}

static void join(struct pusher *pusher) {
    if (atomic_exchange(&pusher->running, false)) pthread_join(pusher->thread, NULL);
}

void pushers_abandon(struct pusher *pushers, size_t n) {
    for (size_t i = 0; i < n; i++) atomic_store(&pushers[i].over, true);
    for (size_t i = 0; i < n; i++) join(&pushers[i]);
}

int pushers_join(struct pusher *pushers, size_t n) {
    int failures = 0;
    for (size_t i = 0; i < n; i++) join(&pushers[i]);
    for (size_t i = 0; i < n; i++) {
        if (*pushers[i].problem) fail_msg("phone %zu: %s", i, pushers[i].problem);
        failures += pushers[i].failures;
    }
    return failures;
}

void pusher_assert_stored(const struct pusher *p, struct proof *proof) {
    char sql[200], hash[2 * sizeof(hash256) + 1], ack[513];
    for (size_t i = 0; i < p->n; i++) {
        bytes_hex(bytes_make(p->writer.entries[i].hash.b, sizeof(hash256)), hash);
        bytes_hex(bytes_make(p->acks[i].bytes, p->acks[i].len), ack);
        snprintf(sql, sizeof sql, "select encode(ack, 'hex') from journal_key where entry_hash = '\\x%s'", hash);
        assert_string_equal(pg_value(&p->writer.rig->pg, sql), ack);
    }
    proof_check(proof, (long long)p->n);
}
