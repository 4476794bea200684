/* SPDX-License-Identifier: Apache-2.0 */
/* A stored line computed again from what is stored with it (R-BON-4), and the digest of a month's parts. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "domain/big_endian.h"
#include "tagih/bonus.h"

#define PART_BYTES 42

static void put_part(const struct bonus_closing *row, uint8_t out[PART_BYTES]) {
    memcpy(out, row->payment.u.b, 16);
    put_be64(out + 16, (uint64_t)row->base_minor);
    out[24] = (uint8_t)row->bucket;
    out[25] = (uint8_t)row->tag;
    put_be64(out + 26, (uint64_t)row->written_minor);
    put_be64(out + 34, (uint64_t)row->final_minor);
}

hash256 bonus_parts_digest(const struct bonus_closing *rows, size_t n) {
    static const uint8_t name[16] = "tagih.parts.1";
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, name, sizeof name);
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || uuid_compare(rows[i - 1].payment.u, rows[i].payment.u) < 0);
        uint8_t part[PART_BYTES];
        put_part(&rows[i], part);
        crypto_hash_sha256_update(&state, part, sizeof part);
    }
    hash256 digest;
    crypto_hash_sha256_final(&state, digest.b);
    return digest;
}

static bool same_factors(const struct bonus_factors *a, const struct bonus_factors *b) {
    return a->bucket == b->bucket && a->tier == b->tier && a->target == b->target && a->tag == b->tag;
}

static bool formula_again(const struct bonus_record *record, const struct bonus_scheme *scheme,
                          int64_t *amount_minor) {
    struct bonus_result again;
    const struct bonus_result *result = &record->result;
    if (!err_is_ok(bonus_write(scheme, &record->inputs, &again))) return false;
    *amount_minor = again.amount_minor;
    return again.amount_minor == result->amount_minor && again.capped == result->capped &&
           again.no_target == result->no_target && again.no_tier == result->no_tier &&
           same_factors(&again.factors, &result->factors);
}

static bool taken_again(const struct bonus_record *record, const struct bonus_context *context,
                        int64_t *amount_minor) {
    int64_t amount = 0, base = 0;
    for (size_t i = 0; i < context->n_taken; i++) {
        if (!err_is_ok(minor_sub(amount, context->taken[i].amount_minor, &amount))) return false;
        if (!err_is_ok(minor_sub(base, context->taken[i].base_minor, &base))) return false;
    }
    *amount_minor = amount;
    return context->n_taken > 0 && amount == record->result.amount_minor && base == record->inputs.base_minor;
}

static bool true_up_again(const struct bonus_record *record, const struct bonus_scheme *scheme,
                          const struct bonus_context *context, int64_t *amount_minor) {
    struct bonus_true_up again;
    if (!err_is_ok(bonus_true_up(scheme, &record->inputs, context->parts, context->n_parts, &again)))
        return false;
    *amount_minor = again.amount_minor;
    hash256 digest = bonus_parts_digest(context->parts, context->n_parts);
    return again.amount_minor == record->result.amount_minor &&
           again.base_minor == record->inputs.mtd_minor && again.net_minor == record->inputs.base_minor &&
           again.tier == record->result.factors.tier && again.target == record->result.factors.target &&
           hash256_equal(&digest, &record->allocation);
}

bool bonus_again(const struct bonus_record *record, const struct bonus_context *context,
                 int64_t *amount_minor) {
    const struct bonus_scheme *scheme = bonus_scheme_find(record->scheme_name, record->value_on);
    *amount_minor = 0;
    if (!scheme || scheme->version != record->scheme_version) return false;
    if (scheme->rate_bp != record->rate_bp || scheme->cap_bp != record->cap_bp) return false;
    switch (record->kind) {
        case BONUS_LINE:
        case BONUS_RETAG:
        case BONUS_LATE:
            return formula_again(record, scheme, amount_minor);
        case BONUS_REVERSAL:
        case BONUS_CLAWBACK:
            return taken_again(record, context, amount_minor);
        case BONUS_TRUE_UP:
            return true_up_again(record, scheme, context, amount_minor);
        case BONUS_KIND_END:
            break;
    }
    return false;
}
