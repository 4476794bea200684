/* SPDX-License-Identifier: Apache-2.0 */
/* A bonus line with all its context: its canonical bytes, its place in the collector's chain, its explanation. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "domain/big_endian.h"
#include "tagih/bonus.h"

struct writer {
    uint8_t *at;
};

static void put_raw(struct writer *writer, const void *data, size_t len) {
    memcpy(writer->at, data, len);
    writer->at += len;
}

static void put_8(struct writer *writer, unsigned value) {
    *writer->at++ = (uint8_t)value;
}

static void put_32(struct writer *writer, int32_t value) {
    put_be32(writer->at, (uint32_t)value);
    writer->at += 4;
}

static void put_64(struct writer *writer, int64_t value) {
    put_be64(writer->at, (uint64_t)value);
    writer->at += 8;
}

static void put_who(struct writer *writer, const struct bonus_record *record) {
    put_raw(writer, record->line_id.b, 16);
    put_raw(writer, record->payment.u.b, 16);
    put_raw(writer, record->account.u.b, 16);
    put_raw(writer, record->collector.u.b, 16);
    put_raw(writer, record->team.u.b, 16);
    put_raw(writer, record->hold.b, 16);
    put_32(writer, record->month.days);
    put_32(writer, record->value_on.days);
}

static void put_inputs(struct writer *writer, const struct bonus_inputs *inputs) {
    put_raw(writer, inputs->currency.code, 3);
    put_64(writer, inputs->base_minor);
    put_8(writer, inputs->bucket);
    put_8(writer, inputs->tag);
    put_64(writer, inputs->mtd_minor);
    put_8(writer, inputs->has_target);
    put_64(writer, inputs->target_minor);
    put_32(writer, inputs->target_version);
}

static void put_result(struct writer *writer, const struct bonus_result *result) {
    put_32(writer, result->factors.bucket);
    put_32(writer, result->factors.tier);
    put_32(writer, result->factors.target);
    put_32(writer, result->factors.tag);
    put_8(writer, (result->no_target ? 1u : 0u) | (result->no_tier ? 2u : 0u) | (result->capped ? 4u : 0u));
    put_64(writer, result->amount_minor);
}

tagih_err bonus_record_encode(const struct bonus_record *record, uint8_t out[BONUS_RECORD_BYTES]) {
    static const uint8_t name[16] = "tagih.bonus.1";
    uint8_t scheme[32] = {0};
    size_t scheme_len = strlen(record->scheme_name);
    if (scheme_len > sizeof scheme) return FAIL(TEXT_INVALID);
    memcpy(scheme, record->scheme_name, scheme_len);
    struct writer writer = {out};
    put_raw(&writer, name, sizeof name);
    put_raw(&writer, record->previous.b, sizeof record->previous.b);
    put_8(&writer, record->kind);
    put_who(&writer, record);
    put_inputs(&writer, &record->inputs);
    put_raw(&writer, scheme, sizeof scheme);
    put_32(&writer, record->scheme_version);
    put_32(&writer, record->rate_bp);
    put_32(&writer, record->cap_bp);
    put_result(&writer, &record->result);
    put_raw(&writer, record->allocation.b, sizeof record->allocation.b);
    assert(writer.at == out + BONUS_RECORD_BYTES);
    return TAGIH_OK;
}

tagih_err bonus_record_hash(const struct bonus_record *record, hash256 *out) {
    uint8_t data[BONUS_RECORD_BYTES];
    TRY(bonus_record_encode(record, data));
    crypto_hash_sha256(out->b, data, sizeof data);
    return TAGIH_OK;
}

/* An amount for people: major units with their currency. */
static char *amount_text(struct arena *arena, int64_t minor, currency in) {
    char text[MONEY_TEXT_SIZE];
    money_format((struct money){minor, in}, text);
    return arena_printf(arena, "%s %s", in.code, text);
}

static char *factor_text(struct arena *arena, int32_t factor) {
    return arena_printf(arena, "%d.%04d", factor / BP_ONE, factor % BP_ONE);
}

static char *percent_text(struct arena *arena, int32_t bp) {
    return arena_printf(arena, "%d.%02d %%", bp / 100, bp % 100);
}

static char *tier_source(const struct bonus_record *record, struct arena *arena) {
    if (record->result.no_tier) return arena_printf(arena, "the scheme has no tiers in this currency");
    const char *mtd = amount_text(arena, record->inputs.mtd_minor, record->inputs.currency);
    return mtd ? arena_printf(arena, "%s collected this month before this payment", mtd) : NULL;
}

static char *target_source(const struct bonus_record *record, struct arena *arena) {
    const struct bonus_inputs *in = &record->inputs;
    if (record->result.no_target) return arena_printf(arena, "no target was approved for this month");
    const char *mtd = amount_text(arena, in->mtd_minor, in->currency);
    const char *target = amount_text(arena, in->target_minor, in->currency);
    if (!mtd || !target) return NULL;
    return arena_printf(arena, "%s of the month's target %s (version %d)", mtd, target, in->target_version);
}

static char *cap_source(const struct bonus_record *record, struct arena *arena) {
    return arena_printf(arena, "%s", record->result.capped ? "the cap decided: the formula alone gave more"
                                                           : "the cap was not reached");
}

tagih_err bonus_explain(const struct bonus_record *record, struct arena *arena,
                        struct bonus_reason reasons[BONUS_REASONS_MAX], size_t *n_reasons) {
    const struct bonus_inputs *in = &record->inputs;
    const struct bonus_result *result = &record->result;
    const struct bonus_reason all[BONUS_REASONS_MAX] = {
        {"base", amount_text(arena, in->base_minor, in->currency),
         "debt that this payment newly covered; credit and money in advance earn nothing"},
        {"rate", percent_text(arena, record->rate_bp),
         arena_printf(arena, "scheme %s, version %d", record->scheme_name, record->scheme_version)},
        {"bucket", factor_text(arena, result->factors.bucket),
         arena_printf(arena, "bucket %s, the lower of value date and start of month or hold", bucket_name(in->bucket))},
        {"tier", factor_text(arena, result->factors.tier), tier_source(record, arena)},
        {"target", factor_text(arena, result->factors.target), target_source(record, arena)},
        {"tag", factor_text(arena, result->factors.tag),
         arena_printf(arena, "payment tag %s", payment_tag_name(in->tag))},
        {"cap", percent_text(arena, record->cap_bp), cap_source(record, arena)},
        {"amount", amount_text(arena, result->amount_minor, in->currency), "the line as written"},
    };
    for (size_t i = 0; i < BONUS_REASONS_MAX; i++) {
        if (!all[i].value || !all[i].source) return FAIL(OUT_OF_MEMORY);
    }
    memcpy(reasons, all, sizeof all);
    *n_reasons = BONUS_REASONS_MAX;
    return TAGIH_OK;
}
