/* SPDX-License-Identifier: Apache-2.0 */
/* Monthly figures: columns in, columns out. */
#include "store/kpi.h"

#include <string.h>

#include "domain/outcome.h"
#include "store_statements.h"
#include "tagih/bucket.h"

/* A result of a statement without other parameters than agency and month. */
static tagih_err ask(struct tx *tx, struct params *p, struct result *out) {
    TRY(tx_send(tx, p));
    TRY(tx_sync(tx));
    tx_take(tx, out);
    return TAGIH_OK;
}

static tagih_err ask_month(struct tx *tx, struct arena *arena, const struct statement *statement, civil_date month,
                           struct result *out) {
    struct params p;
    tx_params(&p, tx, arena, statement, 0);
    params_one_date(&p, month);
    return ask(tx, &p, out);
}

tagih_err kpi_load_versions(struct tx *tx, struct arena *arena, civil_date month, bool lock, struct kpi_version **out, size_t *n) {
    DEFER(result) struct result locked = {0}, r = {0};
    if (lock) TRY(ask_month(tx, arena, STMT_kpi_lock, month, &locked));
    TRY(ask_month(tx, arena, STMT_kpi_versions, month, &r));
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct kpi_version);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct kpi_version){.version = result_int4(&r, i, COL_kpi_versions_version),
                                         .rows = result_int4(&r, i, COL_kpi_versions_rows_count),
                                         .known = {result_int8(&r, i, COL_kpi_versions_known_us)},
                                         .digest = result_hash(&r, i, COL_kpi_versions_digest)};
    }
    return TAGIH_OK;
}

/* ---- making --------------------------------------------------------------------------------------------------- */

static tagih_err switch_plan(struct tx *tx, struct arena *arena, const struct statement *statement) {
    DEFER(result) struct result r = {0};
    struct params p;
    params_init(&p, arena, statement, 0);
    return ask(tx, &p, &r);
}

/* The first day past due of each bucket but B0, as width_bucket wants them. */
static void bucket_bounds(int32_t out[BUCKET_COUNT - 1]) {
    for (int i = 0; i < BUCKET_COUNT - 1; i++) out[i] = bucket_scheme_default.upto_days[i] + 1;
}

/* R-KPI-2: these outcomes are a contact. */
static const int16_t contact[] = {OUTCOME_PAID,    OUTCOME_PARTIALLY_PAID, OUTCOME_PROMISED,
                                  OUTCOME_REFUSED, OUTCOME_DISPUTED,       OUTCOME_HARDSHIP};

tagih_err kpi_make_rows(struct tx *tx, struct arena *arena, civil_date month, int32_t version, int32_t *rows) {
    int32_t bounds[BUCKET_COUNT - 1];
    struct params p;
    DEFER(result) struct result r = {0};
    bucket_bounds(bounds);
    TRY(switch_plan(tx, arena, STMT_kpi_plan));
    tx_params(&p, tx, arena, STMT_kpi_row_make, BUCKET_COUNT - 1);
    params_one_date(&p, month);
    params_one_int4(&p, version);
    params_int4(&p, bounds, sizeof *bounds);
    p.n_rows = sizeof contact / sizeof *contact; /* another array, of another length */
    params_int2(&p, contact, sizeof *contact);
    TRY(ask(tx, &p, &r));
    *rows = result_int4(&r, 0, COL_kpi_row_make_rows_written);
    return switch_plan(tx, arena, STMT_kpi_unplan);
}

tagih_err kpi_make_causes(struct tx *tx, struct arena *arena, civil_date month, int32_t version, instant since) {
    struct params p;
    DEFER(result) struct result r = {0};
    TRY(switch_plan(tx, arena, STMT_kpi_plan));
    tx_params(&p, tx, arena, STMT_kpi_cause_make, 0);
    params_one_date(&p, month);
    params_one_int4(&p, version);
    params_one_int8(&p, since.us);
    TRY(ask(tx, &p, &r));
    return switch_plan(tx, arena, STMT_kpi_unplan);
}

tagih_err kpi_load_seal(struct tx *tx, struct arena *arena, civil_date month, int32_t version, hash256 *out) {
    struct params p;
    DEFER(result) struct result r = {0};
    tx_params(&p, tx, arena, STMT_kpi_seal, 0);
    params_one_date(&p, month);
    params_one_int4(&p, version);
    TRY(ask(tx, &p, &r));
    *out = result_hash(&r, 0, COL_kpi_seal_seal);
    return TAGIH_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

#define COL(name) COL_kpi_rows_##name

static bool read_row(const struct result *r, size_t i, struct kpi_row *out) {
    bool any = false;
    memset(out, 0, sizeof *out);
    out->key.team.u = result_uuid(r, i, COL(team_id));
    out->key.collector.u = result_uuid(r, i, COL(collector_id));
    out->key.currency = result_currency(r, i, COL(currency));
    out->key.load_type = result_int2(r, i, COL(load_type));
    out->key.bucket = result_int2(r, i, COL(bucket));
    for (int f = 1; f < KPI_FIGURE_END; f++) { /* the columns stand in the order of the figures */
        out->value[f] = result_int8(r, i, COL(bucket) + f);
        any |= out->value[f] != 0;
    }
    return any;
}

tagih_err kpi_load_rows(struct tx *tx, struct arena *arena, civil_date month, int32_t up_to_version, struct kpi_row **out, size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    tx_params(&p, tx, arena, STMT_kpi_rows, 0);
    params_one_date(&p, month);
    params_one_int4(&p, up_to_version);
    TRY(ask(tx, &p, &r));
    *out = ARENA_ARRAY(arena, result_count(&r) + 1, struct kpi_row);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    *n = 0;
    for (size_t i = 0; i < result_count(&r); i++) *n += read_row(&r, i, &(*out)[*n]);
    return TAGIH_OK;
}

tagih_err kpi_load_causes(struct tx *tx, struct arena *arena, civil_date month, struct kpi_cause **out, size_t *n) {
    DEFER(result) struct result r = {0};
    TRY(ask_month(tx, arena, STMT_kpi_causes, month, &r));
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct kpi_cause);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct kpi_cause){.version = result_int4(&r, i, COL_kpi_causes_version),
                                       .fact = arena_copy(arena, result_text(&r, i, COL_kpi_causes_fact)),
                                       .facts = result_int8(&r, i, COL_kpi_causes_facts)};
    }
    return arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

tagih_err kpi_load_names(struct tx *tx, struct arena *arena, struct kpi_name **out, size_t *n) {
    DEFER(result) struct result r = {0};
    struct params p;
    tx_params(&p, tx, arena, STMT_kpi_names, 0);
    TRY(ask(tx, &p, &r));
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct kpi_name);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct kpi_name){result_uuid(&r, i, COL_kpi_names_id), arena_copy(arena, result_text(&r, i, COL_kpi_names_name))};
    }
    return arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

void kpi_snapshot_params(struct params *p, const struct tx *tx, struct arena *arena, civil_date month,
                         const struct kpi_version *version, uuid posting, const user_id *actor) {
    tx_params(p, tx, arena, STMT_kpi_snapshot_insert, 1);
    params_one_date(p, month);
    params_one_int4(p, version->version);
    params_one_uuid(p, &posting);
    params_one_int8(p, version->known.us);
    params_one_int4(p, version->rows);
    params_one_bytea(p, BYTES_OF(&version->digest));
    params_one_bytea(p, BYTES_OF(&version->seal));
    if (actor) params_one_uuid(p, actor);
    else params_one_null(p);
}
