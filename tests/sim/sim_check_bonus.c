/* SPDX-License-Identifier: Apache-2.0 */
/* Bonus lines worked out again from the rules' text (R-BON-1..5) and chained again from the layout of their bytes. */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"

enum { LINE = 1, REVERSAL = 2, CLAWBACK = 3, TRUE_UP = 5, LATE = 6 };

/* Scheme standard-1 (R-BON-2). */
static const int32_t bucket_factors[] = {10000, 10000, 12000, 15000, 20000, 20000, 20000, 20000};
static const int32_t tag_factors[] = {0, 10000, 10000, 0, 0, 5000, 5000, 3000, 0, 0, 3000, 10000};

static int32_t tier_factor(int64_t mtd) {
    return mtd < INT64_C(5000000000)    ? 10000
           : mtd < INT64_C(10000000000) ? 11000
           : mtd < INT64_C(20000000000) ? 12500
                                        : 14000;
}

static int32_t target_factor(int64_t mtd, int64_t target) {
    __int128 reached = (__int128)mtd * 10000;
    return !target                              ? 10000
           : reached < (__int128)8000 * target  ? 9000
           : reached < (__int128)10000 * target ? 10000
           : reached < (__int128)12000 * target ? 11000
                                                : 12500;
}

static int64_t half_even(__int128 numerator, __int128 denominator) {
    __int128 whole = numerator / denominator, rest = numerator % denominator;
    return (int64_t)(whole + (2 * rest > denominator || (2 * rest == denominator && whole % 2 == 1)));
}

static bool is_usd(struct bytes code) {
    return memcmp(code.data, "USD", 3) == 0;
}

/* The line by its formula, from the inputs that it was stored with; false: a factor is not the scheme's. */
static bool formula(const struct model_rows *rows, int64_t *amount) {
    int64_t mtd = row_int(rows, "mtd_minor"), base = row_int(rows, "base_minor"), bucket = row_int(rows, "bucket"),
            tag = row_int(rows, "tag");
    if (bucket < 0 || bucket > 7 || tag < 1 || tag > 11) return false;
    int32_t factors[] = {bucket_factors[bucket], is_usd(row_bytes(rows, "currency")) ? 10000 : tier_factor(mtd),
                         target_factor(mtd, row_int(rows, "target_minor")), tag_factors[tag]};
    static const char *const columns[] = {"bucket_factor", "tier_factor", "target_factor", "tag_factor"};
    __int128 product = (__int128)base * 300, one = 1;
    for (int i = 0; i < 4; i++) {
        if (row_int(rows, columns[i]) != factors[i]) return false;
        product *= factors[i];
        one *= 10000;
    }
    int64_t by_rate = half_even(product, one * 10000), by_cap = (int64_t)((__int128)base * 900 / 10000);
    *amount = by_rate < by_cap ? by_rate : by_cap;
    return (row_int(rows, "capped") != 0) == (by_cap < by_rate);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

struct writer {
    uint8_t data[288];
    size_t len;
};

static void put(struct writer *w, const void *data, size_t len) {
    assert(w->len + len <= sizeof w->data);
    memcpy(w->data + w->len, data, len);
    w->len += len;
}

static void put_int(struct writer *w, int64_t value, int bytes) {
    uint8_t out[8];
    for (int i = 0; i < bytes; i++) out[i] = (uint8_t)((uint64_t)value >> 8 * (bytes - 1 - i));
    put(w, out, (size_t)bytes);
}

static void put_id(struct writer *w, const struct model_rows *rows, const char *column) {
    uuid id = row_uuid(rows, column);
    put(w, id.b, sizeof id.b);
}

/* include/tagih/bonus.h: 288 bytes, which can never change. The hold is not part of them. */
static hash256 line_hash(const struct model_rows *rows, const hash256 *previous) {
    struct writer w = {.len = 0};
    int64_t kind = row_int(rows, "kind"), target = row_int(rows, "target_minor");
    bool no_target = kind != REVERSAL && kind != CLAWBACK && !target, back = kind == REVERSAL || kind == CLAWBACK;
    bool no_tier = !back && is_usd(row_bytes(rows, "currency"));
    uint8_t zero[32] = {0}, scheme[32] = {0};
    struct bytes name = row_bytes(rows, "scheme");
    hash256 allocation = row_hash(rows, "allocation_digest"), out;
    memcpy(scheme, name.data, name.len < 32 ? name.len : 32);
    put(&w, "tagih.bonus.1\0\0", 16);
    put(&w, previous->b, sizeof previous->b);
    put_int(&w, kind, 1);
    static const char *const ids[] = {"line_id", "payment_id", "account_id", "collector_id", "team_id"};
    for (size_t i = 0; i < 5; i++) put_id(&w, rows, ids[i]);
    put(&w, zero, 16);
    put_int(&w, row_int(rows, "month_on"), 4);
    put_int(&w, row_int(rows, "value_on"), 4);
    put(&w, row_bytes(rows, "currency").data, 3);
    put_int(&w, row_int(rows, "base_minor"), 8);
    put_int(&w, row_int(rows, "bucket"), 1);
    put_int(&w, row_int(rows, "tag"), 1);
    put_int(&w, row_int(rows, "mtd_minor"), 8);
    put_int(&w, target != 0, 1);
    put_int(&w, target, 8);
    put_int(&w, row_int(rows, "target_version"), 4);
    put(&w, scheme, sizeof scheme);
    put_int(&w, row_int(rows, "scheme_version"), 4);
    put_int(&w, 300, 4);
    put_int(&w, 900, 4);
    static const char *const factors[] = {"bucket_factor", "tier_factor", "target_factor", "tag_factor"};
    for (size_t i = 0; i < 4; i++) put_int(&w, row_int(rows, factors[i]), 4);
    put_int(&w, (no_target ? 1 : 0) | (no_tier ? 2 : 0) | (row_int(rows, "capped") ? 4 : 0), 1);
    put_int(&w, row_int(rows, "amount_minor"), 8);
    put(&w, allocation.b, sizeof allocation.b);
    assert(w.len == sizeof w.data);
    crypto_hash_sha256(out.b, w.data, w.len);
    return out;
}

/* ---- chains, months, what is taken back --------------------------------------------------------------------------- */

/** By collector and code: the head of the chain. By collector, code and month: what it brought so far. By
 *  payment: what all its lines come to. By customer, collector and date: the mtd of the first receipt (R-BON-8). */
struct memory {
    struct memory_key {
        uuid a, b;
        char currency[4];
        int32_t what, n;
    } key;
    hash256 head;
    int64_t number, amount, base, mtd;
    bool set;
    UT_hash_handle hh;
};
enum { CHAIN, MONTH, PAYMENT, SIBLING };

static struct memory *recall(struct memory **all, int what, uuid a, uuid b, struct bytes code, int32_t n) {
    struct memory_key key;
    memset(&key, 0, sizeof key);
    key.a = a;
    key.b = b;
    memcpy(key.currency, code.data, 3);
    key.what = what;
    key.n = n;
    struct memory *memory;
    HASH_FIND(hh, *all, &key, sizeof key, memory);
    if (memory) return memory;
    memory = calloc(1, sizeof *memory);
    assert(memory);
    memory->key = key;
    HASH_ADD(hh, *all, key, sizeof memory->key, memory);
    return memory;
}

static uuid customer_of(const struct world *world, uuid account) {
    for (size_t i = 0; i < world->n_accounts; i++) {
        if (uuid_equal(world->accounts[i].id.u, account)) return world->accounts[i].customer;
    }
    return account;
}

/* R-BON-2a, R-BON-8: what the month had brought when the line was written, or the customer's first receipt of that date. */
static void check_mtd(struct checks *checks, struct memory **all, const struct model_rows *rows) {
    static const uuid none;
    uuid collector = row_uuid(rows, "collector_id"), customer = customer_of(checks->world, row_uuid(rows, "account_id"));
    struct bytes code = row_bytes(rows, "currency");
    struct memory *month = recall(all, MONTH, collector, none, code, (int32_t)row_int(rows, "month_on"));
    int64_t kind = row_int(rows, "kind"), mtd = month->amount;
    if (kind == LINE) {
        struct memory *sibling = recall(all, SIBLING, collector, customer, code, (int32_t)row_int(rows, "value_on"));
        if (!sibling->set) sibling->mtd = mtd;
        sibling->set = true;
        mtd = sibling->mtd;
        MUST(checks->world, I9, row_int(rows, "mtd_minor") == mtd,
             "bonus line %s was written at %lld of the month, and it was %lld", short_id(row_uuid(rows, "line_id")),
             (long long)row_int(rows, "mtd_minor"), (long long)mtd);
    }
    if (kind == LINE || kind == REVERSAL) month->amount += row_int(rows, "base_minor");
}

static void check_amount(struct checks *checks, struct memory **all, const struct model_rows *rows) {
    static const uuid none;
    int64_t kind = row_int(rows, "kind"), amount = 0, written = row_int(rows, "amount_minor");
    struct memory *payment = recall(all, PAYMENT, row_uuid(rows, "payment_id"), none, row_bytes(rows, "currency"), 0);
    bool holds = kind == REVERSAL || kind == CLAWBACK
                     ? payment->amount == -written && payment->base == -row_int(rows, "base_minor")
                     : formula(rows, &amount) && amount == written;
    MUST(checks->world, I9, holds, "bonus line %s of %lld is not what its inputs give", short_id(row_uuid(rows, "line_id")),
         (long long)written);
    payment->amount += written;
    payment->base += row_int(rows, "base_minor");
}

static void check_line(struct checks *checks, struct memory **all, const struct model_rows *rows) {
    static const uuid none;
    struct memory *chain = recall(all, CHAIN, row_uuid(rows, "collector_id"), none, row_bytes(rows, "currency"), 0);
    hash256 previous = row_hash(rows, "prev_hash"), hash = row_hash(rows, "hash"), again = line_hash(rows, &chain->head);
    const char *id = short_id(row_uuid(rows, "line_id"));
    MUST(checks->world, I8, row_int(rows, "chain_n") == chain->number + 1, "bonus line %s is number %lld behind %lld", id,
         (long long)row_int(rows, "chain_n"), (long long)chain->number);
    MUST(checks->world, I8, hash256_equal(&previous, &chain->head), "bonus line %s does not continue the one before", id);
    MUST(checks->world, I8, hash256_equal(&hash, &again), "the hash of bonus line %s is another one", id);
    chain->number++;
    chain->head = hash;
}

void check_bonus(struct checks *checks) {
    struct memory *all = NULL, *memory, *next;
    size_t n;
    struct model_rows *lines = rows_by_number(checks->world, "bonus_line", "collector_id", "chain_n", &n);
    for (size_t i = 0; i < n && !world_failed(checks->world); i++) {
        check_mtd(checks, &all, &lines[i]);
        check_amount(checks, &all, &lines[i]);
        check_line(checks, &all, &lines[i]);
    }
    free(lines);
    for (struct model_rows rows = model_rows(checks->world->model, "collector_state"); model_next(&rows);) {
        static const uuid none;
        struct memory *chain = recall(&all, CHAIN, row_uuid(&rows, "collector_id"), none, row_bytes(&rows, "currency"), 0);
        hash256 head = row_hash(&rows, "bonus_head");
        MUST(checks->world, I8, row_int(&rows, "bonus_n") == chain->number && hash256_equal(&head, &chain->head),
             "the head of a collector's bonus chain is not its last line");
    }
    HASH_ITER(hh, all, memory, next) {
        HASH_DEL(all, memory);
        free(memory);
    }
}
