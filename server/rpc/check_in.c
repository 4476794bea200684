/* SPDX-License-Identifier: Apache-2.0 */
/* CheckInService: arrivals by call (rpc/arrival.c does the work), and reading one back. */
#include <string.h>

#include "contract.h"
#include "domain/visit.h"
#include "rpc/arrival.h"
#include "rpc/services.h"
#include "store_statements.h"

/* ---- CheckIn -------------------------------------------------------------------------------------------------- */

static const enum fix_provider providers[] = {
    [TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_UNSPECIFIED] = FIX_PROVIDER_NONE,
    [TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_GPS] = FIX_GPS,
    [TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_NETWORK] = FIX_NETWORK,
    [TAGIH__V1__FIX_PROVIDER__FIX_PROVIDER_FUSED] = FIX_FUSED,
};

static struct fix fix_read(const Tagih__V1__Fix *in) {
    struct fix fix = {.position = {in->lat_e7, in->lon_e7}, .accuracy_mm = in->accuracy_mm, .at = {in->fix_us},
                      .provider = providers[in->provider], .mock = in->mock,
                      .has_speed = in->speed_mm_s != NULL, .has_altitude = in->altitude_mm != NULL};
    if (fix.has_speed) fix.speed_mm_s = in->speed_mm_s->value;
    if (fix.has_altitude) fix.altitude_mm = in->altitude_mm->value;
    return fix;
}

static void check_fixes(struct rpc_item *item, const Tagih__V1__CheckInRequest *request, struct arrival *arrival) {
    if (request->n_fixes < 1 || request->n_fixes > CHECK_IN_FIXES_MAX) {
        rpc_problem(item, FAIL(CHECK_IN_FIX_COUNT), "fixes");
        return;
    }
    struct fix *fixes = rpc_alloc(item, request->n_fixes * sizeof *fixes);
    if (!fixes) return;
    for (size_t i = 0; i < request->n_fixes; i++) {
        fixes[i] = fix_read(request->fixes[i]);
        tagih_err err = fix_check(&fixes[i]);
        if (!err_is_ok(err)) rpc_problem(item, err, "fixes[%zu]", i);
    }
    arrival->fixes = fixes;
    arrival->n_fixes = request->n_fixes;
}

/* R-TIM-3 for a call: proven contact is when the token was issued, the other bound is now. */
static instant value_instant(instant device, instant issued, instant now) {
    return (instant){device.us < issued.us ? issued.us : device.us > now.us ? now.us : device.us};
}

static tagih_err check_in_request(struct rpc_item *item) {
    const Tagih__V1__CheckInRequest *request = item->request;
    struct arrival *arrival = rpc_alloc(item, sizeof *arrival);
    if (!arrival) return item->err;
    rpc_check_uuid(item, "check_in_id", request->check_in_id, &arrival->key.id.u);
    rpc_check_uuid(item, "visit_id", request->visit_id, &arrival->key.visit.u);
    arrival->device_time.us = request->device_us;
    if (!instant_is_sane(arrival->device_time)) rpc_problem(item, FAIL(REQUEST_TIME), "device_us");
    arrival->mono_us = request->mono_us;
    if (request->mono_us < 0) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "mono_us");
    if (request->boot_id.len < 1 || request->boot_id.len > sizeof arrival->boot_id.b) {
        rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "boot_id");
    } else {
        memcpy(arrival->boot_id.b, request->boot_id.data, request->boot_id.len);
    }
    check_fixes(item, request, arrival);
    arrival->key.collector = item->caller.user;
    arrival->key.device = item->caller.device;
    item->checked = arrival;
    return item->err;
}

static const Tagih__V1__PresenceVerdict verdicts[] = {
    [PRESENCE_UNKNOWN] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_UNKNOWN,
    [PRESENCE_INSIDE] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_INSIDE,
    [PRESENCE_OUTSIDE] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_OUTSIDE,
    [PRESENCE_UNSURE] = TAGIH__V1__PRESENCE_VERDICT__PRESENCE_VERDICT_UNSURE,
};

/* Names of the verdict's reasons and of the flags. */
static void answer_reasons(struct rpc_item *item, const struct check_in_stored *stored, Tagih__V1__CheckInResponse *out) {
    char **names = rpc_alloc(item, (CHECK_IN_REASON_COUNT + 64) * sizeof *names);
    if (!names) return;
    size_t n = 0;
    for (size_t i = 0; i < CHECK_IN_REASON_COUNT; i++) {
        if ((uint32_t)stored->reasons >> i & 1) names[n++] = (char *)(uintptr_t)check_in_reason_name(i);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *name = (uint64_t)stored->flags >> bit & 1 ? fate_reason_name(fate_bit_reason(bit)) : NULL;
        if (name) names[n++] = (char *)(uintptr_t)name;
    }
    out->reasons = names;
    out->n_reasons = n;
}

static void answer(struct rpc_item *item, uuid id, const struct check_in_stored *stored, Tagih__V1__CheckInResponse *out) {
    out->check_in_id = rpc_uuid(item, id);
    out->verdict = verdicts[stored->verdict];
    out->p_ppm = (uint32_t)stored->p_ppm;
    out->distance_mm = stored->distance_mm;
    out->radius_mm = (uint32_t)stored->radius_mm;
    out->score = (uint32_t)stored->score;
    out->score_class = (Tagih__V1__ScoreClass)stored->score_class;
    out->value_us = stored->evidence.value.us;
    answer_reasons(item, stored, out);
}

static tagih_err check_in(struct rpc_batch *batch) {
    struct arrival *arrivals = ARENA_ARRAY(batch->arena, batch->n, struct arrival);
    if (!arrivals) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) {
        arrivals[i] = *(const struct arrival *)batch->items[i]->checked;
        arrivals[i].received = batch->now;
        arrivals[i].key.value = value_instant(arrivals[i].device_time, batch->items[i]->caller.issued, batch->now);
    }
    TRY(arrivals_send(batch->tx, batch->arena, arrivals, batch->n));
    TRY(rpc_load(batch));
    for (size_t i = 0; i < batch->n; i++) arrivals[i].barred = !rpc_ok(batch->items[i]);
    TRY(arrivals_take(batch->tx, batch->arena, arrivals, batch->n));
    TRY(arrivals_settle(batch->tx, batch->arena, arrivals, batch->n, batch->now));
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        if (!rpc_ok(item)) continue;
        if (arrivals[i].fate == ARRIVAL_FOREIGN) rpc_fail(item, FAIL(NOT_PERMITTED));
        else if (arrivals[i].fate == ARRIVAL_REUSED) rpc_fail(item, FAIL(REQUEST_ID_REUSED));
        else answer(item, arrivals[i].key.id.u, &arrivals[i].stored, item->response);
    }
    return TAGIH_OK;
}

/* ---- GetCheckIn ----------------------------------------------------------------------------------------------- */

static tagih_err get_check_in_request(struct rpc_item *item) {
    const Tagih__V1__GetCheckInRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "check_in_id", request->check_in_id, id);
    return item->err;
}

static void answer_signals(struct rpc_item *item, struct bytes encoded, Tagih__V1__GetCheckInResponse *out) {
    struct spoof_score score;
    if (!err_is_ok(spoof_decode(encoded.data, encoded.len, &score))) return;
    out->signals = rpc_alloc(item, (score.line_count + 1) * sizeof *out->signals);
    for (size_t i = 0; out->signals && i < score.line_count; i++) {
        Tagih__V1__Signal *signal = rpc_alloc(item, sizeof *signal);
        char *text = rpc_alloc(item, SPOOF_TEXT_SIZE);
        if (!signal || !text) return;
        tagih__v1__signal__init(signal);
        signal->name = (char *)(uintptr_t)spoof_signal_name(score.lines[i].signal);
        signal->points = (uint32_t)score.lines[i].points;
        signal->measured = score.lines[i].measured;
        signal->threshold = score.lines[i].threshold;
        signal->text = (char *)(uintptr_t)spoof_line_text(&score.lines[i], text, SPOOF_TEXT_SIZE);
        out->signals[out->n_signals++] = signal;
    }
}

static tagih_err get_check_in(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    TRY(check_in_send_get(batch->tx, batch->arena, item->checked, 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    uuid id;
    struct check_in_stored stored;
    if (result_count(&r) == 1) check_in_read(&r, 0, &id, &stored);
    bool own = result_count(&r) == 1 && uuid_equal(stored.collector.u, item->caller.user.u);
    if (result_count(&r) != 1 || (!own && !(item->caller.roles & ROLES_OFFICE))) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    Tagih__V1__GetCheckInResponse *out = item->response;
    out->check_in = rpc_alloc(item, sizeof *out->check_in);
    if (!out->check_in) return TAGIH_OK;
    tagih__v1__check_in_response__init(out->check_in);
    answer(item, id, &stored, out->check_in);
    answer_signals(item, stored.signals, out);
    out->assessments = (uint32_t)stored.assessments + 1;
    out->visit_id = rpc_uuid(item, stored.visit.u);
    return TAGIH_OK;
}

const struct rpc_service check_in_service = {
    .proto = &tagih__v1__check_in_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("CheckIn", check_in, CheckInRequest, CheckInResponse), .check = check_in_request, .kind = RPC_BATCH,
         .roles = ROLES_FIELD, .device = true, .writes = true, .deadline_ms_max = 3000},
        {RPC_METHOD("GetCheckIn", get_check_in, GetCheckInRequest, GetCheckInResponse), .check = get_check_in_request,
         .roles = ROLES_FIELD | ROLE_SUPERVISOR | ROLE_AUDITOR | ROLE_ADMIN},
        {0}}};
