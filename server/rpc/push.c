/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SyncService.Push. PREPARE takes each envelope apart and verifies it by the device certificates that came along, so
 * that key and agency are known from the server's own signature alone. Then all entries of all waiting calls go through
 * entries_store together, in (device, epoch, seq) order; a refused one is isolated by halving and kept all the same.
 */
#include "rpc/push.h"

#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "engine/auth.h"
#include "engine/server.h"
#include "rpc/entries.h"
#include "run/log.h"

#define PUSH_ENTRIES_MAX 500
#define PUSH_BYTES_MAX ((size_t)900 * 1024)
#define PUSH_CERTIFICATES_MAX 32
#define STORE_ENTRIES_MAX 512

/** What PREPARE understood of a call. */
struct pushed {
    struct sealed_by certificates[PUSH_CERTIFICATES_MAX];
    size_t n_certificates;
    struct sealed *entries; /* in the message's order */
    size_t n;
    bool stranger; /* no certificate that verifies and no token: raw bytes are kept, nothing else */
};

/* ---- PREPARE -------------------------------------------------------------------------------------------------- */

static struct bytes bytes_of(ProtobufCBinaryData data) {
    return bytes_make(data.data, data.len);
}

static void open_certificate(const struct rpc_server *server, struct bytes in, struct pushed *pushed) {
    struct sealed_by *by = &pushed->certificates[pushed->n_certificates];
    struct envelope envelope;
    if (!err_is_ok(device_certificate_open(in, server->installation, &by->certificate, &envelope))) return;
    const struct key *key = keyring_find(server->keys, KEY_DEVICE, envelope.kid);
    if (!key || !err_is_ok(envelope_verify(&envelope, &key->public_key))) return;
    agency_id agency = pushed->certificates[0].certificate.agency;
    if (pushed->n_certificates && !uuid_equal(by->certificate.agency.u, agency.u)) return; /* one agency a call */
    by->hash = envelope.hash;
    by->kid = key_id_of(&by->certificate.key);
    pushed->n_certificates++;
}

static const struct sealed_by *certificate_of(const struct pushed *pushed, key_id kid) {
    for (size_t i = 0; i < pushed->n_certificates; i++) {
        if (key_id_equal(pushed->certificates[i].kid, kid)) return &pushed->certificates[i];
    }
    return NULL;
}

static enum fate_reason open_entry(struct rpc_item *item, const struct rpc_server *server, const struct pushed *pushed,
                                   struct sealed *s) {
    if (!err_is_ok(envelope_open(s->raw, ENVELOPE_JOURNAL_ENTRY, server->installation, &s->envelope))) {
        return REASON_UNDECODABLE;
    }
    s->by = certificate_of(pushed, s->envelope.kid);
    if (!s->by) return REASON_UNKNOWN_DEVICE;
    if (!err_is_ok(envelope_verify(&s->envelope, &s->by->certificate.key))) return REASON_SIGNATURE;
    s->entry = rpc_alloc(item, sizeof *s->entry);
    if (!s->entry) return REASON_UNDECODABLE;
    tagih_err err = journal_decode(s->envelope.payload, s->entry);
    if (err_is(err, ERR_JOURNAL_KIND)) return REASON_UNKNOWN_KIND;
    if (!err_is_ok(err)) return REASON_UNDECODABLE;
    bool own = uuid_equal(s->entry->device.u, s->by->certificate.device.u) && s->entry->epoch == s->by->certificate.epoch;
    return own ? (enum fate_reason)0 : REASON_SIGNATURE;
}

static void check_sizes(struct rpc_item *item, const Tagih__V1__PushRequest *request) {
    size_t total = 0;
    for (size_t i = 0; i < request->n_entries; i++) total += request->entries[i].len;
    if (request->n_entries < 1 || request->n_entries > PUSH_ENTRIES_MAX) rpc_problem(item, FAIL(REQUEST_TOO_MANY), "entries");
    if (total > PUSH_BYTES_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "entries");
    if (request->n_certificates > PUSH_CERTIFICATES_MAX) rpc_problem(item, FAIL(REQUEST_TOO_MANY), "certificates");
}

/* Without a certificate a person with a token may push; his entries then are evidence, and he is told. */
static void learn_caller(struct rpc_item *item, const struct rpc_server *server, struct pushed *pushed) {
    if (pushed->n_certificates) {
        item->caller.agency = pushed->certificates[0].certificate.agency;
        item->caller.user = pushed->certificates[0].certificate.user;
        item->caller.device = pushed->certificates[0].certificate.device;
        return;
    }
    struct rpc_caller caller;
    pushed->stranger = !err_is_ok(auth_check(server, item->call->authorization, item->now, &caller));
    if (!pushed->stranger) item->caller = caller;
}

tagih_err push_request(struct rpc_item *item) {
    const Tagih__V1__PushRequest *request = item->request;
    const struct rpc_server *server = item->server;
    check_sizes(item, request);
    if (!rpc_ok(item)) return item->err;
    struct pushed *pushed = rpc_alloc(item, sizeof *pushed);
    if (!pushed) return item->err;
    pushed->entries = rpc_alloc(item, request->n_entries * sizeof *pushed->entries);
    if (!pushed->entries) return item->err;
    for (size_t i = 0; i < request->n_certificates; i++) open_certificate(server, bytes_of(request->certificates[i]), pushed);
    learn_caller(item, server, pushed);
    uuid who = pushed->stranger ? (uuid){{0}} : item->caller.device.u;
    TRY(rate_take(server->rates, who, item->call->arrived_us, &item->retry_after_us));
    pushed->n = request->n_entries;
    for (size_t i = 0; i < pushed->n; i++) {
        pushed->entries[i].raw = bytes_of(request->entries[i]);
        pushed->entries[i].evidence = open_entry(item, server, pushed, &pushed->entries[i]);
    }
    item->checked = pushed;
    return item->err;
}

/* ---- evidence ------------------------------------------------------------------------------------------------- */

static tagih_err keep_evidence(struct rpc_batch *batch, struct rpc_item *item) {
    struct pushed *pushed = item->checked;
    struct bytes *bodies = ARENA_ARRAY(batch->arena, pushed->n, struct bytes);
    struct bytes *reasons = ARENA_ARRAY(batch->arena, pushed->n, struct bytes);
    if (!bodies || !reasons) return FAIL(OUT_OF_MEMORY);
    size_t n = 0;
    for (size_t i = 0; i < pushed->n; i++) {
        if (!pushed->entries[i].evidence) continue;
        bodies[n] = pushed->entries[i].raw;
        reasons[n++] = bytes_text(fate_reason_name((uint16_t)pushed->entries[i].evidence));
    }
    if (n == 0) return TAGIH_OK;
    log_event(LOG_WARN, "push.evidence", "%zu entries cannot be read or trusted; their bytes are kept", n);
    return evidence_keep(batch->db, batch->arena, bodies, reasons, n, item->call->peer, batch->now);
}

/* ---- all entries of all calls --------------------------------------------------------------------------------- */

struct work {
    struct rpc_batch *batch;
    struct sealed **all;
    size_t n;
    tagih_err err; /* of everything that is not one entry's fault */
    struct chain_end *ends;
    size_t n_ends;
};

static int by_place(const void *left, const void *right) {
    const struct sealed *a = *(struct sealed *const *)left, *b = *(struct sealed *const *)right;
    int order = uuid_compare(a->entry->device.u, b->entry->device.u);
    if (order) return order;
    if (a->entry->epoch != b->entry->epoch) return a->entry->epoch < b->entry->epoch ? -1 : 1;
    if (a->entry->seq != b->entry->seq) return a->entry->seq < b->entry->seq ? -1 : 1;
    return memcmp(a->envelope.hash.b, b->envelope.hash.b, sizeof a->envelope.hash.b);
}

static void drop_twins(struct work *work) {
    size_t kept = 0;
    for (size_t i = 0; i < work->n; i++) {
        struct sealed *s = work->all[i];
        struct sealed *before = kept ? work->all[kept - 1] : NULL;
        if (before && hash256_equal(&before->envelope.hash, &s->envelope.hash)) s->twin = before;
        else work->all[kept++] = s;
    }
    work->n = kept;
}

/* Evidence is left out: half a million entries of two bytes each must not use up what honest calls need. */
static size_t good_entries(const struct pushed *pushed) {
    size_t n = 0;
    for (size_t i = 0; i < pushed->n; i++) n += !pushed->entries[i].evidence;
    return n;
}

static tagih_err gather(struct work *work, struct arena *arena) {
    size_t n = 0;
    for (size_t i = 0; i < work->batch->n; i++) n += good_entries(work->batch->items[i]->checked);
    work->all = ARENA_ARRAY(arena, n, struct sealed *);
    work->ends = ARENA_ARRAY(arena, n, struct chain_end);
    if (!work->all || !work->ends) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < work->batch->n; i++) {
        struct pushed *pushed = work->batch->items[i]->checked;
        for (size_t k = 0; k < pushed->n && rpc_ok(work->batch->items[i]); k++) {
            if (!pushed->entries[k].evidence) work->all[work->n++] = &pushed->entries[k];
        }
    }
    qsort(work->all, work->n, sizeof *work->all, by_place);
    drop_twins(work);
    return TAGIH_OK;
}

/* The newest word on each chain; a later part of the batch may carry it further. */
static void remember_ends(struct work *work, const struct chain_end *ends, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct chain_end *end = NULL;
        for (size_t k = 0; k < work->n_ends && !end; k++) {
            if (uuid_equal(work->ends[k].device.u, ends[i].device.u) && work->ends[k].epoch == ends[i].epoch) end = &work->ends[k];
        }
        if (!end) end = &work->ends[work->n_ends++];
        *end = ends[i];
    }
}

struct part {
    struct work *work;
    struct sealed **all;
    struct arena *arena;
    bool refused; /* the database would not take an entry */
};

static tagih_err store_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct part *part = context;
    struct rpc_batch *batch = part->work->batch;
    arena_reset(part->arena);
    struct chain_end *ends = ARENA_ARRAY(part->arena, count, struct chain_end);
    if (!ends) return FAIL(OUT_OF_MEMORY);
    struct entries entries = {.tx = tx, .arena = part->arena, .server = batch->server, .agency = batch->agency,
                              .writer = batch->writer, .now = batch->now, .all = part->all + first, .n = count, .ends = ends};
    TRY(entries_store(&entries));
    remember_ends(part->work, ends, entries.n_ends);
    return TAGIH_OK;
}

static void range_failed(void *context, size_t i, tagih_err err) {
    struct part *part = context;
    if (err_is(err, ERR_BATCH_BROKEN)) part->refused = part->all[i]->broken = true;
    else part->work->err = err;
}

/* Each part is a transaction; what the database refuses is stored by itself afterwards, quarantined (R-JRN-7). What it
 * refuses even so has an acknowledgement made for it that no COMMIT stands behind: nobody is told of it, the call fails. */
static tagih_err store_all(struct work *work, struct arena *arena) {
    struct rpc_batch *batch = work->batch;
    struct tx_options options = {.agency = batch->agency, .deadline_us = batch->deadline_us, .name = "Push"};
    for (size_t first = 0; first < work->n && err_is_ok(work->err); first += STORE_ENTRIES_MAX) {
        size_t n = work->n - first < STORE_ENTRIES_MAX ? work->n - first : STORE_ENTRIES_MAX;
        struct part part = {.work = work, .all = work->all + first, .arena = arena};
        tagih_err err = tx_run_halving(batch->db, &options, n, store_range, range_failed, &part, NULL);
        if (!err_is_ok(err) && err_is_ok(work->err)) work->err = err;
        for (size_t i = 0; i < n && err_is_ok(work->err); i++) {
            if (!part.all[i]->broken) continue;
            struct part alone = {.work = work, .all = part.all + i, .arena = arena};
            err = tx_run_halving(batch->db, &options, 1, store_range, range_failed, &alone, NULL);
            if (!err_is_ok(err) || alone.refused || alone.all[0]->ack_len == 0) work->err = FAIL(BATCH_BROKEN);
        }
    }
    return work->err;
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void answer_acks(struct rpc_item *item, const struct pushed *pushed, Tagih__V1__PushResponse *out) {
    out->acks = rpc_alloc(item, pushed->n * sizeof *out->acks);
    if (!out->acks) return;
    for (size_t i = 0; i < pushed->n; i++) {
        const struct sealed *s = pushed->entries[i].twin ? pushed->entries[i].twin : &pushed->entries[i];
        struct bytes copy = arena_copy(&item->call->arena, bytes_make(s->ack_bytes, s->evidence ? 0 : s->ack_len));
        if (!copy.data) rpc_fail(item, FAIL(OUT_OF_MEMORY));
        out->acks[i] = (ProtobufCBinaryData){copy.len, (uint8_t *)(uintptr_t)copy.data};
    }
    out->n_acks = pushed->n;
}

static const struct chain_end *end_of(const struct work *work, const struct device_certificate *certificate) {
    for (size_t i = 0; i < work->n_ends; i++) {
        const struct chain_end *end = &work->ends[i];
        if (uuid_equal(end->device.u, certificate->device.u) && end->epoch == (int32_t)certificate->epoch) return end;
    }
    return NULL;
}

static void answer_certificates(const struct work *work, struct rpc_item *item, const struct pushed *pushed,
                                Tagih__V1__PushResponse *out) {
    const struct key *key = keyring_signing(work->batch->server->keys, KEY_ACK);
    out->chain_certificates = rpc_alloc(item, (pushed->n_certificates + 1) * sizeof *out->chain_certificates);
    if (!out->chain_certificates || !key) return;
    for (size_t i = 0; i < pushed->n_certificates; i++) {
        const struct chain_end *end = end_of(work, &pushed->certificates[i].certificate);
        uint8_t *bytes = end ? rpc_alloc(item, ENVELOPE_MAX) : NULL;
        if (!bytes) continue;
        struct chain_certificate certificate = {.device = end->device, .epoch = (uint32_t)end->epoch,
                                                .contiguous_seq = end->contiguous_seq, .head_hash = end->head_hash,
                                                .received = work->batch->now, .gap_count = end->n_gaps};
        memcpy(certificate.gaps, end->gaps, sizeof certificate.gaps);
        size_t len;
        if (!err_is_ok(chain_certificate_sign(&certificate, work->batch->server->installation, &key->secret, bytes,
                                              ENVELOPE_MAX, &len))) {
            rpc_fail(item, FAIL(INTERNAL));
            return;
        }
        out->chain_certificates[out->n_chain_certificates++] = (ProtobufCBinaryData){len, bytes};
    }
}

tagih_err push(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        tagih_err err = keep_evidence(batch, item);
        if (!err_is_ok(err)) rpc_fail(item, err);
        if (((struct pushed *)item->checked)->stranger) rpc_fail(item, FAIL(PUSH_STRANGER));
    }
    /* what outlives the transactions' arena: it is emptied before each of them */
    struct arena *lasting = &batch->items[0]->call->arena;
    struct work work = {.batch = batch};
    TRY(gather(&work, lasting));
    TRY(store_all(&work, batch->arena));
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        if (!rpc_ok(item)) continue;
        answer_acks(item, item->checked, item->response);
        answer_certificates(&work, item, item->checked, item->response);
    }
    return TAGIH_OK;
}
