/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decide about a set of check-ins: repeats first, then presence, then the track of each collector. Neighbours come
 * from the database and from the set itself; a stored check-in whose predecessor changed is scored again.
 */
#include "rpc/arrival.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "domain/big_endian.h"
#include "domain/visit.h"
#include "store/change.h"

/* One fix, 30 bytes: lat 4, lon 4, accuracy 4 (mm), time 8 (µs), provider 1, bits 1 (mock, has speed, has altitude),
 * speed 4 (mm/s), altitude 4 (mm). Big-endian. Part of the digest and of what is stored. */
static void fix_encode(const struct fix *fix, uint8_t out[CHECK_IN_FIX_BYTES]) {
    put_be32(out, (uint32_t)fix->position.lat_e7);
    put_be32(out + 4, (uint32_t)fix->position.lon_e7);
    put_be32(out + 8, (uint32_t)fix->accuracy_mm);
    put_be64(out + 12, (uint64_t)fix->at.us);
    out[20] = (uint8_t)fix->provider;
    out[21] = (uint8_t)((fix->mock ? 1 : 0) | (fix->has_speed ? 2 : 0) | (fix->has_altitude ? 4 : 0));
    put_be32(out + 22, fix->has_speed ? (uint32_t)fix->speed_mm_s : 0);
    put_be32(out + 26, fix->has_altitude ? (uint32_t)fix->altitude_mm : 0);
}

struct bytes arrival__fixes(struct arena *arena, const struct fix *fixes, size_t n) {
    uint8_t *out = arena_alloc(arena, n * CHECK_IN_FIX_BYTES);
    for (size_t i = 0; out && i < n; i++) fix_encode(&fixes[i], out + i * CHECK_IN_FIX_BYTES);
    return bytes_make(out, out ? n * CHECK_IN_FIX_BYTES : 0);
}

/* What makes two check-ins of one id the same: everything the phone said. */
void arrival__digest(const struct arrival *a, struct bytes fixes, hash256 *out) {
    uint8_t head[16 + 16 + 8 + 8 + 16];
    memcpy(head, a->key.visit.u.b, 16);
    memcpy(head + 16, a->key.collector.u.b, 16);
    put_be64(head + 32, (uint64_t)a->device_time.us);
    put_be64(head + 40, (uint64_t)a->mono_us);
    memcpy(head + 48, a->boot_id.b, 16);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, head, sizeof head);
    crypto_hash_sha256_update(&state, fixes.data, fixes.len);
    crypto_hash_sha256_final(&state, out->b);
}

tagih_err arrivals_send(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n) {
    struct check_in_key *keys = ARENA_ARRAY(arena, n, struct check_in_key);
    if (!keys) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) keys[i] = arrivals[i].key;
    return check_in_send_load(tx, arena, keys, n);
}

/* ---- one check-in --------------------------------------------------------------------------------------------- */

static enum arrival_fate known_fate(const struct arrival *a, const hash256 *digest, user_id collector) {
    if (!uuid_equal(collector.u, a->key.collector.u)) return ARRIVAL_FOREIGN;
    return a->journal || hash256_equal(digest, &a->digest) ? ARRIVAL_REPEAT : ARRIVAL_REUSED;
}

static void flag_lease(struct arrival *a) {
    const struct check_in_loaded *at = &a->loaded;
    if (!at->holds || a->key.value.us >= at->lease_until.us) a->flags |= fate_bit(REASON_LEASE);
    if (at->state == VISIT_CANCELLED || at->state == VISIT_EXPIRED) a->flags |= fate_bit(REASON_LATE_VISIT);
    int64_t off_us = a->device_time.us - a->key.value.us;
    if (off_us > 5 * US_PER_MINUTE || off_us < -5 * US_PER_MINUTE) a->flags |= fate_bit(REASON_CLOCK);
}

static tagih_err judge(struct arrival *a) {
    TRY(check_in_judge(a->fixes, a->n_fixes, a->device_time, &a->loaded.address, &a->judgement));
    a->evidence = (struct spoof_evidence){.check_in = a->key.id.u, .value = a->key.value, .device = a->device_time,
                                          .has_fix = a->judgement.has_fix};
    if (a->judgement.has_fix) a->evidence.fix = a->fixes[a->judgement.fix_index];
    flag_lease(a);
    return TAGIH_OK;
}

/* ---- the track of a collector --------------------------------------------------------------------------------- */

static int by_track(const void *left, const void *right) {
    const struct arrival *a = *(struct arrival *const *)left, *b = *(struct arrival *const *)right;
    int order = uuid_compare(a->key.collector.u, b->key.collector.u);
    return order ? order : check_in_order(&a->evidence, &b->evidence);
}

/* New arrivals by collector and track order. */
static struct arrival **sort_new(struct arena *arena, struct arrival *arrivals, size_t n, size_t *n_new) {
    struct arrival **sorted = ARENA_ARRAY(arena, n, struct arrival *);
    *n_new = 0;
    for (size_t i = 0; sorted && i < n; i++) {
        if (arrivals[i].fate == ARRIVAL_NEW) sorted[(*n_new)++] = &arrivals[i];
    }
    if (sorted) qsort(sorted, *n_new, sizeof *sorted, by_track);
    return sorted;
}

/* The nearest before it with a fix: the stored one or one of this set. */
static const struct spoof_evidence *previous_of(struct arrival **sorted, size_t i) {
    const struct arrival *a = sorted[i];
    const struct spoof_evidence *best = a->loaded.has_previous ? &a->loaded.previous : NULL;
    for (size_t k = i; k-- > 0 && uuid_equal(sorted[k]->key.collector.u, a->key.collector.u);) {
        if (!sorted[k]->evidence.has_fix) continue;
        if (!best || check_in_order(&sorted[k]->evidence, best) > 0) best = &sorted[k]->evidence;
        break;
    }
    return best;
}

static tagih_err score_all(struct arrival **sorted, size_t n) {
    for (size_t i = 0; i < n; i++) {
        TRY(spoof_score(SPOOF_WEIGHT_SET, &sorted[i]->evidence, previous_of(sorted, i), &sorted[i]->score));
    }
    return TAGIH_OK;
}

/* ---- what is stored already: repeats, and successors to score again ------------------------------------------- */

struct behind {
    uuid id;                             /* stored check-in that comes after … */
    const struct spoof_evidence *before; /* … this new one */
};

/* Each stored successor once, with the latest new arrival before it. */
static size_t find_behind(struct arrival **sorted, size_t n, struct behind *out) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct arrival *a = sorted[i];
        if (!a->loaded.has_next || !a->evidence.has_fix) continue;
        if (count && uuid_equal(out[count - 1].id, a->loaded.next)) count--;
        out[count++] = (struct behind){a->loaded.next, &a->evidence};
    }
    return count;
}

static struct bytes score_bytes(struct arena *arena, const struct spoof_score *score) {
    uint8_t *out = arena_alloc(arena, SPOOF_BYTES_MAX);
    return bytes_make(out, out ? spoof_encode(score, out) : 0);
}

static tagih_err assess_again(struct arena *arena, const struct behind *behind, const struct check_in_stored *stored,
                              struct check_in_assessed *out) {
    struct spoof_score score;
    TRY(spoof_score(SPOOF_WEIGHT_SET, &stored->evidence, behind->before, &score));
    *out = (struct check_in_assessed){.id = behind->id, .n = stored->assessments + 1, .score = (int16_t)score.points,
                                      .score_class = (int16_t)score.level, .weight_set = (int16_t)score.weight_set,
                                      .signals = score_bytes(arena, &score), .cause = behind->before->check_in};
    return out->signals.data ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static void give_repeat(struct arrival *arrivals, size_t n, uuid id, const struct check_in_stored *stored) {
    for (size_t i = 0; i < n; i++) {
        if (arrivals[i].fate == ARRIVAL_REPEAT && uuid_equal(arrivals[i].key.id.u, id)) arrivals[i].stored = *stored;
    }
}

static bool was_assessed(const struct check_in_assessed *again, size_t n, uuid id) {
    for (size_t i = 0; i < n; i++) {
        if (uuid_equal(again[i].id, id)) return true;
    }
    return false;
}

/* Read what is stored of repeats and successors, in one more round trip; most batches have neither. */
static tagih_err look_back(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n,
                           const struct behind *behind, size_t n_behind, struct check_in_assessed *again, size_t *n_again) {
    uuid *ids = ARENA_ARRAY(arena, n + n_behind, uuid);
    if (!ids) return FAIL(OUT_OF_MEMORY);
    size_t n_ids = 0;
    for (size_t i = 0; i < n; i++) {
        if (arrivals[i].fate == ARRIVAL_REPEAT && arrivals[i].loaded.known) ids[n_ids++] = arrivals[i].key.id.u;
    }
    for (size_t i = 0; i < n_behind; i++) ids[n_ids++] = behind[i].id;
    *n_again = 0;
    if (n_ids == 0) return TAGIH_OK;
    TRY(check_in_send_get(tx, arena, ids, n_ids));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t row = 0; row < result_count(&r); row++) {
        uuid id;
        struct check_in_stored stored;
        check_in_read(&r, row, &id, &stored);
        stored.signals = arena_copy(arena, stored.signals);
        give_repeat(arrivals, n, id, &stored);
        for (size_t i = 0; i < n_behind; i++) {
            if (!uuid_equal(behind[i].id, id) || was_assessed(again, *n_again, id)) continue; /* asked for twice: a repeat, too */
            TRY(assess_again(arena, &behind[i], &stored, &again[(*n_again)++]));
            break;
        }
    }
    return TAGIH_OK;
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

static void row_fill(struct arena *arena, const struct arrival *a, struct check_in_row *row) {
    const struct check_in_judgement *j = &a->judgement;
    *row = (struct check_in_row){
        .key = a->key, .account = a->loaded.account, .received_us = a->received.us, .device_us = a->device_time.us,
        .value_us = a->key.value.us, .mono_us = a->mono_us, .boot_id = a->boot_id, .has_fix = j->has_fix,
        .accuracy_mm = j->has_fix ? j->presence.accuracy_mm : 0,
        .distance_mm = j->has_distance ? j->presence.distance_mm : 0,
        .sigma_mm = j->has_distance ? j->presence.sigma_mm : 0, .p_ppm = j->has_distance ? j->presence.inside_ppm : 0,
        .radius_mm = (int32_t)j->presence.radius_mm, .verdict = (int16_t)j->presence.verdict,
        .reasons = (int32_t)j->reasons, .score = (int16_t)a->score.points, .score_class = (int16_t)a->score.level,
        .weight_set = (int16_t)a->score.weight_set, .signals = score_bytes(arena, &a->score), .flags = (int64_t)a->flags,
        .digest = a->digest, .fixes = arrival__fixes(arena, a->fixes, a->n_fixes)};
    if (!j->has_fix) return;
    const struct fix *fix = &a->fixes[j->fix_index];
    row->lat_e7 = fix->position.lat_e7;
    row->lon_e7 = fix->position.lon_e7;
    row->fix_us = fix->at.us;
    row->mock = fix->mock;
}

static void stored_fill(const struct check_in_row *row, struct arrival *a) {
    a->stored = (struct check_in_stored){
        .visit = row->key.visit, .collector = row->key.collector, .evidence = a->evidence,
        .distance_mm = row->distance_mm, .p_ppm = row->p_ppm, .radius_mm = row->radius_mm, .reasons = row->reasons,
        .verdict = row->verdict, .score = row->score, .score_class = row->score_class, .signals = row->signals,
        .flags = row->flags};
}

static int by_visit(const void *left, const void *right) {
    const struct arrival *a = *(struct arrival *const *)left, *b = *(struct arrival *const *)right;
    return uuid_compare(a->key.visit.u, b->key.visit.u);
}

/* R-VIS-1: a check-in that may not move the visit is kept all the same, flagged (R-VIS-3). */
static int16_t state_after(const struct arrival *a) {
    bool under_lease = a->loaded.holds && a->key.value.us < a->loaded.lease_until.us;
    struct visit_facts facts = {.lease_live = under_lease, .made_under_lease = under_lease};
    struct visit_step step;
    tagih_err err = visit_apply((enum visit_state)a->loaded.state, VISIT_ARRIVE, &facts, &step);
    return err_is_ok(err) ? (int16_t)step.to : a->loaded.state;
}

/* A visit's row is written once, with the best verdict of all its arrivals; sorted for the lock order. */
static size_t fold_visits(struct arrival **added, size_t n, struct visit_arrived *out) {
    qsort(added, n, sizeof *added, by_visit);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct check_in_loaded *at = &added[i]->loaded;
        enum presence_verdict verdict = added[i]->judgement.presence.verdict;
        bool same = count && uuid_equal(out[count - 1].visit.u, added[i]->key.visit.u);
        if (!same) {
            out[count++] = (struct visit_arrived){.visit = added[i]->key.visit, .state = state_after(added[i]),
                                                  .presence = at->has_presence ? at->presence : PRESENCE_UNKNOWN};
        }
        struct visit_arrived *visit = &out[count - 1];
        visit->presence = (int16_t)presence_verdict_better((enum presence_verdict)visit->presence, verdict);
    }
    return count;
}

static tagih_err save(struct tx *tx, struct arena *arena, struct arrival **added, size_t n,
                      const struct check_in_assessed *again, size_t n_again, instant now) {
    struct check_in_row *rows = ARENA_ARRAY(arena, n, struct check_in_row);
    struct visit_arrived *visits = ARENA_ARRAY(arena, n, struct visit_arrived);
    struct change_row *changes = ARENA_ARRAY(arena, n + n_again, struct change_row);
    if (!rows || !visits || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        row_fill(arena, added[i], &rows[i]);
        stored_fill(&rows[i], added[i]);
        changes[i] = (struct change_row){.kind = CHANGE_CHECK_IN, .object = added[i]->key.id.u, .has_account = true,
                                         .account = added[i]->loaded.account};
    }
    for (size_t i = 0; i < n_again; i++) {
        changes[n + i] = (struct change_row){.kind = CHANGE_CHECK_IN_ASSESSED, .object = again[i].id};
    }
    size_t n_visits = fold_visits(added, n, visits);
    TRY(visit_send_arrived(tx, arena, visits, n_visits));
    TRY(check_in_send_rows(tx, arena, rows, n));
    TRY(check_in_send_assessed(tx, arena, again, n_again, now));
    return change_send(tx, arena, changes, n + n_again, now);
}

/* A second one of the same id in this very set is a repeat of the first. */
static void find_twins(struct arrival *arrivals, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (arrivals[k].fate != ARRIVAL_NEW || !uuid_equal(arrivals[k].key.id.u, arrivals[i].key.id.u)) continue;
        arrivals[i].fate = known_fate(&arrivals[i], &arrivals[k].digest, arrivals[k].key.collector);
        return;
    }
}

static void settle_twins(struct arrival *arrivals, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (arrivals[i].fate != ARRIVAL_REPEAT || arrivals[i].loaded.known) continue;
        for (size_t k = 0; k < i; k++) {
            if (arrivals[k].fate == ARRIVAL_NEW && uuid_equal(arrivals[k].key.id.u, arrivals[i].key.id.u)) {
                arrivals[i].stored = arrivals[k].stored;
            }
        }
    }
}

static tagih_err sort_out(struct arena *arena, struct arrival *arrivals, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct arrival *a = &arrivals[i];
        arrival__digest(a, arrival__fixes(arena, a->fixes, a->n_fixes), &a->digest);
        a->fate = ARRIVAL_NEW;
        if (a->barred || !a->loaded.has_visit || (!a->loaded.holds && !a->loaded.held)) a->fate = ARRIVAL_FOREIGN;
        else if (a->loaded.known) a->fate = known_fate(a, &a->loaded.known_digest, a->loaded.known_collector);
        else find_twins(arrivals, i);
        if (a->fate == ARRIVAL_NEW) TRY(judge(a));
    }
    return TAGIH_OK;
}

tagih_err arrivals_take(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n) {
    struct check_in_loaded *loaded = ARENA_ARRAY(arena, n, struct check_in_loaded);
    if (!loaded) return FAIL(OUT_OF_MEMORY);
    check_in_take_load(tx, loaded, n);
    for (size_t i = 0; i < n; i++) arrivals[i].loaded = loaded[i];
    return TAGIH_OK;
}

tagih_err arrivals_settle(struct tx *tx, struct arena *arena, struct arrival *arrivals, size_t n, instant now) {
    TRY(sort_out(arena, arrivals, n));
    size_t n_new, n_again;
    struct arrival **added = sort_new(arena, arrivals, n, &n_new);
    struct behind *behind = ARENA_ARRAY(arena, n, struct behind);
    struct check_in_assessed *again = ARENA_ARRAY(arena, n, struct check_in_assessed);
    if (!added || !behind || !again) return FAIL(OUT_OF_MEMORY);
    TRY(score_all(added, n_new));
    size_t n_behind = find_behind(added, n_new, behind);
    TRY(look_back(tx, arena, arrivals, n, behind, n_behind, again, &n_again));
    TRY(save(tx, arena, added, n_new, again, n_again, now));
    settle_twins(arrivals, n);
    return arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}
