/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projections that the database alone cannot work out: what a phone's running totals say is in entries that it signed,
 * and how long it is quiet after money came is counted in working days.
 */
#include <string.h>

#include "domain/gate.h"
#include "book/posting.h"
#include "verify/verify.h"
#include "store_statements.h"

#define TOTALS_CHUNK 1000

/* ---- running totals (R-REC-3) ------------------------------------------------------------------------------------------ */

#define COL(name) COL_verify_totals_##name

/* The money of an entry as its device signed it; the entry itself is checked where entries are (entries.c). */
static const struct journal_money *money_of(struct verify *v, const struct result *r, size_t i, struct journal_entry *entry) {
    struct envelope envelope;
    if (result_is_null(r, i, COL(body))) return NULL;
    if (!err_is_ok(envelope_open(result_bytes(r, i, COL(body)), ENVELOPE_JOURNAL_ENTRY, v->installation, &envelope))) return NULL;
    return err_is_ok(journal_decode(envelope.payload, entry)) ? journal_money_of(entry) : NULL;
}

static void check_total(struct verify *v, const struct result *r, size_t i) {
    uuid device = result_uuid(r, i, COL(device_id));
    struct bytes in = result_text(r, i, COL(currency));
    const struct verify_row row = {v, "device_total",
                                   arena_printf(v->arena, "%s epoch %d %.*s", verify__key(v, BYTES_OF(&device)),
                                                result_int4(r, i, COL(epoch)), (int)in.len, (const char *)in.data)};
    int64_t count = 0, total_minor = 0;
    if (result_int8(r, i, COL(seq)) > 0) { /* else it speaks of no place: entries came behind a gap since */
        struct journal_entry entry;
        const struct journal_money *money = money_of(v, r, i, &entry);
        if (!money) {
            verify__differs(&row, "seq", "no entry of money", "the place of the money that said these totals");
            return;
        }
        verify__text(&row, "currency", in, bytes_text(money->currency.code));
        count = (int64_t)money->cum_count;
        total_minor = money->cum_total_minor;
    }
    verify__int(&row, "cum_count", result_int8(r, i, COL(cum_count)), count);
    verify__int(&row, "cum_total_minor", result_int8(r, i, COL(cum_total_minor)), total_minor);
}

struct totals_place {
    device_id device;
    int32_t epoch;
    currency in;
};

static void move_on(struct totals_place *place, const struct result *r, size_t i) {
    struct bytes in = result_text(r, i, COL(currency));
    place->device.u = result_uuid(r, i, COL(device_id));
    place->epoch = result_int4(r, i, COL(epoch));
    if (in.len < sizeof place->in.code) memcpy(place->in.code, in.data, in.len);
}

static tagih_err check_totals(struct verify *v) {
    struct totals_place after = {0};
    int64_t done = 0;
    for (size_t n = TOTALS_CHUNK; n == TOTALS_CHUNK;) {
        struct params p;
        DEFER(result) struct result r = {0};
        arena_reset(v->arena);
        tx_params(&p, v->tx, v->arena, STMT_verify_totals, 0);
        params_one_uuid(&p, &after.device);
        params_one_int4(&p, after.epoch);
        params_one_text(&p, bytes_text(after.in.code));
        params_one_int4(&p, TOTALS_CHUNK);
        TRY(tx_send(v->tx, &p));
        TRY(tx_sync(v->tx));
        tx_take(v->tx, &r);
        n = result_count(&r);
        for (size_t i = 0; i < n; i++) check_total(v, &r, i);
        if (n) move_on(&after, &r, n - 1);
        verify__progress(v, "running totals", done += (int64_t)n);
    }
    return TAGIH_OK;
}

#undef COL

/* ---- silences (R-PAY-2) ------------------------------------------------------------------------------------------------ */

static tagih_err check_silences(struct verify *v) {
    struct params p;
    DEFER(result) struct result came = {0}, r = {0};
    arena_reset(v->arena);
    tx_params(&p, v->tx, v->arena, STMT_verify_silence_days, 0);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &came);
    size_t n = result_count(&came);
    civil_date *days = ARENA_ARRAY(v->arena, n, civil_date), *until = ARENA_ARRAY(v->arena, n, civil_date);
    if (!days || !until) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        days[i] = result_date(&came, i, COL_verify_silence_days_day_on);
        until[i] = gate_silence_until(gate_pack_find(SILENCE_PACK), days[i]);
    }
    tx_params(&p, v->tx, v->arena, STMT_verify_silences, n);
    params_date(&p, days, sizeof *days);
    params_date(&p, until, sizeof *until);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    verify__report(v, &r);
    return TAGIH_OK;
}

tagih_err verify_states(struct verify *v) {
    TRY(check_totals(v));
    return check_silences(v);
}
