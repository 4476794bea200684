/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field journal once more: each entry's signature, hash, place in its chain and value instant, its acknowledgement,
 * and the receipt or void that was decoded from it. What is compared with is made by the functions that made it first
 * (rpc/entries.h).
 */
#include <string.h>

#include "verify/entries.h"
#include "store_statements.h"

#define ENTRIES_CHUNK 1000
#define KEYS_CHUNK 1000

#define COL(name) COL_verify_entries_##name

/* ---- certificates ------------------------------------------------------------------------------------------------ */

static void check_certificate(struct verify *v, const struct result *r, size_t i) {
#define KEY(name) COL_verify_device_keys_##name
    struct verify_row row = {v, "device_key", arena_printf(v->arena, "%s epoch %d", verify__key(v, bytes_make(result_uuid(r, i, KEY(device_id)).b, 16)),
                                                           result_int4(r, i, KEY(epoch)))};
    struct device_certificate c;
    struct envelope envelope;
    tagih_err err = device_certificate_open(result_bytes(r, i, KEY(certificate)), v->installation, &c, &envelope);
    const struct key *key = err_is_ok(err) ? keyring_find(v->keys, KEY_DEVICE, envelope.kid) : NULL;
    if (err_is_ok(err)) err = key ? envelope_verify(&envelope, &key->public_key) : FAIL(ENVELOPE_SIGNATURE);
    if (!err_is_ok(err)) {
        verify__differs(&row, "certificate", err_name(err), "a certificate that this installation signed");
        return;
    }
    verify__uuid(&row, "agency_id", v->agency.u, c.agency.u);
    verify__uuid(&row, "device_id", result_uuid(r, i, KEY(device_id)), c.device.u);
    verify__int(&row, "epoch", result_int4(r, i, KEY(epoch)), c.epoch);
    verify__uuid(&row, "user_id", result_uuid(r, i, KEY(user_id)), c.user.u);
    verify__bytes(&row, "public_key", result_bytes(r, i, KEY(public_key)), BYTES_OF(&c.key));
    verify__int(&row, "valid_from_us", result_int8(r, i, KEY(valid_from_us)), c.valid_from.us);
    verify__bytes(&row, "certificate_hash", result_bytes(r, i, KEY(certificate_hash)), BYTES_OF(&envelope.hash));
#undef KEY
}

tagih_err verify_device_keys(struct verify *v) {
    device_id after = {{{0}}};
    int32_t after_epoch = 0;
    int64_t done = 0;
    for (size_t n = KEYS_CHUNK; n == KEYS_CHUNK;) {
        struct params p;
        DEFER(result) struct result r = {0};
        arena_reset(v->arena);
        tx_params(&p, v->tx, v->arena, STMT_verify_device_keys, 0);
        params_one_uuid(&p, &after);
        params_one_int4(&p, after_epoch);
        params_one_int4(&p, KEYS_CHUNK);
        TRY(tx_send(v->tx, &p));
        TRY(tx_sync(v->tx));
        tx_take(v->tx, &r);
        n = result_count(&r);
        for (size_t i = 0; i < n; i++) check_certificate(v, &r, i);
        if (n) {
            after.u = result_uuid(&r, n - 1, COL_verify_device_keys_device_id);
            after_epoch = result_int4(&r, n - 1, COL_verify_device_keys_epoch);
        }
        verify__progress(v, "certificates", done += (int64_t)n);
    }
    return TAGIH_OK;
}

/* ---- one entry --------------------------------------------------------------------------------------------------- */

static tagih_err open_entry(struct verify *v, const struct result *r, size_t i, struct opened *out) {
    struct sealed *s = &out->sealed;
    if (result_is_null(r, i, COL(body))) return FAIL(PAYLOAD_SYNTAX);
    s->raw = result_bytes(r, i, COL(body));
    TRY(envelope_open(s->raw, ENVELOPE_JOURNAL_ENTRY, v->installation, &s->envelope));
    TRY(journal_decode(s->envelope.payload, &out->entry));
    s->entry = &out->entry;
    s->by = &out->by;
    return TAGIH_OK;
}

/* Signed with the key of its epoch, whose certificate also tells whose entry it is. */
static tagih_err check_signature(const struct result *r, size_t i, struct opened *o) {
    public_key key;
    if (result_is_null(r, i, COL(public_key))) return FAIL(ENVELOPE_SIGNATURE);
    struct bytes stored = result_bytes(r, i, COL(public_key));
    if (stored.len == sizeof key.b) memcpy(key.b, stored.data, sizeof key.b);
    o->by.certificate.user.u = result_uuid(r, i, COL(user_id));
    o->by.certificate.valid_from.us = result_int8(r, i, COL(valid_from_us));
    return envelope_verify(&o->sealed.envelope, &key);
}

static void check_key(struct verify *v, const struct result *r, size_t i, struct opened *o) {
    const struct verify_row row = {v, "journal_key", o->key};
    const struct journal_entry *e = &o->entry;
    fate_bits flags = (fate_bits)result_int8(r, i, COL(flags));
    verify__bytes(&row, "entry_hash", result_bytes(r, i, COL(entry_hash)), BYTES_OF(&o->sealed.envelope.hash));
    verify__uuid(&row, "device_id", result_uuid(r, i, COL(device_id)), e->device.u);
    verify__int(&row, "epoch", result_int4(r, i, COL(epoch)), e->epoch);
    verify__int(&row, "seq", result_int8(r, i, COL(seq)), e->seq);
    verify__uuid(&row, "entry_id", result_uuid(r, i, COL(entry_id)), e->id.u);
    verify__int(&row, "kind", result_int2(r, i, COL(kind)), e->kind);
    verify__bytes(&row, "prev_hash", result_bytes(r, i, COL(prev_hash)), BYTES_OF(&e->prev_hash));
    bool owns_seq = !(flags & fate_bit(REASON_FORK));
    verify__bool(&row, "owns_seq", result_bool(r, i, COL(owns_seq)), owns_seq);
    verify__bool(&row, "owns_id", result_bool(r, i, COL(owns_id)), owns_seq && !(flags & fate_bit(REASON_ENTRY_ID_REUSED)));
}

static void check_body(struct verify *v, const struct result *r, size_t i, struct opened *o) {
    const struct verify_row row = {v, "journal_body", o->key};
    instant received = {result_int8(r, i, COL(received_us))};
    o->sealed.value = entry__value(&o->entry, o->by.certificate.valid_from, received);
    o->sealed.value_on = result_date(r, i, COL(value_on));
    verify__int(&row, "received_us", result_int8(r, i, COL(body_received_us)), received.us);
    verify__int(&row, "value_us", result_int8(r, i, COL(value_us)), o->sealed.value.value.us);
}

/* An entry names the one before it, unless one of the two was flagged because it does not. */
static void check_chain(struct verify *v, const struct result *r, size_t i, const struct opened *o) {
    const struct verify_row row = {v, "journal_key", o->key};
    fate_bits flags = (fate_bits)result_int8(r, i, COL(flags));
    bool first = o->entry.seq == 1;
    if (!result_bool(r, i, COL(owns_seq)) || (!first && result_is_null(r, i, COL(before_hash)))) return;
    struct bytes before = result_bytes(r, i, first ? COL(certificate_hash) : COL(before_hash));
    if (!first) flags |= (fate_bits)result_int8(r, i, COL(before_flags));
    if (flags & fate_bit(REASON_PREV_MISMATCH)) return;
    verify__bytes(&row, "prev_hash", BYTES_OF(&o->entry.prev_hash), before);
}

static void check_ack(struct verify *v, const struct result *r, size_t i, const struct opened *o) {
    const struct verify_row row = {v, "journal_key", o->key};
    struct acknowledgement ack, made = entry__acknowledgement(&o->sealed, (instant){result_int8(r, i, COL(received_us))});
    struct envelope envelope;
    tagih_err err = acknowledgement_open(result_bytes(r, i, COL(ack)), v->installation, &ack, &envelope);
    const struct key *key = err_is_ok(err) ? keyring_find(v->keys, KEY_ACK, envelope.kid) : NULL;
    if (err_is_ok(err)) err = key ? envelope_verify(&envelope, &key->public_key) : FAIL(ENVELOPE_SIGNATURE);
    if (!err_is_ok(err)) {
        verify__differs(&row, "ack", err_name(err), "an acknowledgement that this installation signed");
        return;
    }
    verify__bytes(&row, "ack", BYTES_OF(&ack.entry_hash), BYTES_OF(&made.entry_hash));
    verify__int(&row, "fate", made.fate, ack.fate);
    verify__int(&row, "received_us", made.received.us, ack.received.us);
    verify__uuid(&row, "ack", ack.missing.u, made.missing.u);
    bool same = ack.reason_count == made.reason_count && memcmp(ack.reasons, made.reasons, ack.reason_count * sizeof ack.reasons[0]) == 0;
    if (!same) verify__differs(&row, "flags", "other reasons", "the reasons that were acknowledged");
}

/* What an entry that had to wait waits for (R-JRN-5). */
static void check_waiting(struct verify *v, const struct result *r, size_t i, const struct opened *o) {
    const struct verify_row row = {v, "entry_waiting", o->key};
    if (o->sealed.fate != FATE_WAITING || !o->sealed.owns_id) return;
    struct acknowledgement made = entry__acknowledgement(&o->sealed, (instant){result_int8(r, i, COL(received_us))});
    verify__uuid(&row, "referent_id", result_uuid_or_nil(r, i, COL(waits_for)), made.missing.u);
}

static void check_entry(struct verify *v, const struct result *r, size_t i, struct opened *o) {
    o->key = verify__key(v, result_bytes(r, i, COL(entry_hash)));
    const struct verify_row row = {v, "journal_body", o->key};
    tagih_err err = open_entry(v, r, i, o);
    if (!err_is_ok(err)) {
        verify__differs(&row, "body", err_name(err), "the entry that its device signed");
        return;
    }
    o->sealed.owns_seq = result_bool(r, i, COL(owns_seq));
    o->sealed.owns_id = result_bool(r, i, COL(owns_id));
    o->sealed.flags = (fate_bits)result_int8(r, i, COL(flags));
    o->sealed.fate = (enum fate)result_int2(r, i, COL(fate));
    check_key(v, r, i, o);
    check_ack(v, r, i, o);
    check_waiting(v, r, i, o);
    err = check_signature(r, i, o);
    if (!err_is_ok(err)) {
        verify__differs(&row, "body", err_name(err), "the entry that its device signed");
        return;
    }
    o->is = true;
    check_body(v, r, i, o);
    check_chain(v, r, i, o);
}

/* ---- what was decoded from entries --------------------------------------------------------------------------------- */

static bool has_rows(const struct opened *o, uint16_t kind) {
    return o->is && o->entry.kind == kind && o->sealed.owns_id && !(o->sealed.flags & fate_bit(REASON_NOT_STORED));
}

static void check_receipt(struct verify *v, const struct opened *o, const struct result *r, size_t i) {
#define RECEIPT(name) COL_verify_receipts_##name
    const struct verify_row row = {v, "receipt", verify__key(v, BYTES_OF(&o->entry.id))};
    struct receipt_row made = entry__receipt_row(&o->sealed);
    if (!made.has_account) made.account = (account_id){{{0}}};
    if (!made.has_visit) made.visit = (visit_id){{{0}}};
    verify__bytes(&row, "entry_hash", result_bytes(r, i, RECEIPT(entry_hash)), BYTES_OF(&made.hash));
    verify__uuid(&row, "device_id", result_uuid(r, i, RECEIPT(device_id)), made.device.u);
    verify__int(&row, "epoch", result_int4(r, i, RECEIPT(epoch)), made.epoch);
    verify__int(&row, "seq", result_int8(r, i, RECEIPT(seq)), made.seq);
    verify__uuid(&row, "account_id", result_uuid_or_nil(r, i, RECEIPT(account_id)), made.account.u);
    verify__uuid(&row, "collector_id", result_uuid(r, i, RECEIPT(collector_id)), made.collector.u);
    verify__uuid(&row, "visit_id", result_uuid_or_nil(r, i, RECEIPT(visit_id)), made.visit.u);
    verify__int(&row, "amount_minor", result_int8(r, i, RECEIPT(amount_minor)), made.amount_minor);
    verify__text(&row, "currency", result_text(r, i, RECEIPT(currency)), made.currency);
    verify__int(&row, "tender", result_int2(r, i, RECEIPT(tender)), made.tender);
    verify__int(&row, "tag", result_int2(r, i, RECEIPT(tag)), made.tag);
    verify__text(&row, "reference", result_text(r, i, RECEIPT(reference)), made.reference);
    verify__int(&row, "receipt_no", result_int8(r, i, RECEIPT(receipt_no)), made.receipt_no);
    verify__int(&row, "device_us", result_int8(r, i, RECEIPT(device_us)), made.device_us);
    verify__int(&row, "value_us", result_int8(r, i, RECEIPT(value_us)), made.value_us);
    verify__date(&row, "value_on", result_date(r, i, RECEIPT(value_on)), made.value_on);
#undef RECEIPT
}

static void as_released(const struct result *r, size_t i, struct opened *o) {
    o->released = !result_is_null(r, i, COL(released_posting));
    if (!o->released) return;
    o->release.posting = result_uuid(r, i, COL(released_posting));
    o->release.account.u = result_uuid_or_nil(r, i, COL(released_account));
    o->release.at.us = result_int8(r, i, COL(released_us));
    o->release.fate = (enum fate)result_int2(r, i, COL(released_fate));
    o->release.flags = (fate_bits)result_int8(r, i, COL(released_flags));
}

/* Of an entry that waited counts what it became when what it waited for came. */
static void as_woken(const struct result *r, size_t i, struct opened *o) {
    o->received.us = result_int8(r, i, COL(received_us));
    as_released(r, i, o);
    o->woken = !result_is_null(r, i, COL(later_fate));
    if (!o->woken) return;
    o->sealed.fate = (enum fate)result_int2(r, i, COL(later_fate));
    o->sealed.flags = (fate_bits)result_int8(r, i, COL(later_flags));
    if (o->entry.kind == JOURNAL_VOID) o->sealed.value.value = o->entry.device_time;
}

static void check_void(struct verify *v, const struct opened *o, const struct result *r, size_t i) {
#define VOID(name) COL_verify_voids_##name
    const struct verify_row row = {v, "receipt_void", verify__key(v, BYTES_OF(&o->entry.id))};
    struct void_row made = entry__void_row(&o->sealed);
    verify__uuid(&row, "receipt_id", result_uuid(r, i, VOID(receipt_id)), made.receipt.u);
    verify__int(&row, "amount_minor", result_int8(r, i, VOID(amount_minor)), made.amount_minor);
    verify__text(&row, "currency", result_text(r, i, VOID(currency)), made.currency);
    verify__int(&row, "effect", result_int2(r, i, VOID(effect)), made.effect);
    verify__int(&row, "reason", result_int2(r, i, VOID(reason)), made.reason);
    verify__int(&row, "value_us", result_int8(r, i, VOID(value_us)), made.value_us);
#undef VOID
}

typedef void (*check_fn)(struct verify *v, const struct opened *o, const struct result *r, size_t i);

/* `rows` in the order of the entries, with the number of theirs; an entry that should have one and has none is told. */
static void check_kind(struct verify *v, const struct opened *all, size_t n, uint16_t kind, const char *table,
                       const struct result *rows, check_fn check) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        while (at < result_count(rows) && (size_t)result_int4(rows, at, 0) < i) at++;
        bool there = at < result_count(rows) && (size_t)result_int4(rows, at, 0) == i;
        if (!has_rows(&all[i], kind) || (kind == JOURNAL_VOID && all[i].sealed.fate == FATE_WAITING)) continue;
        const struct verify_row row = {v, table, verify__key(v, BYTES_OF(&all[i].entry.id))};
        if (there) check(v, &all[i], rows, at);
        else verify__differs(&row, "", "no row", "the row that its entry brought");
    }
}

static tagih_err check_rows(struct verify *v, const struct result *r, struct opened *all, size_t n) {
    uuid *ids = ARENA_ARRAY(v->arena, n, uuid);
    DEFER(result) struct result receipts = {0}, voids = {0};
    if (!ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (all[i].is && all[i].sealed.owns_id) ids[i] = all[i].entry.id.u;
        if (all[i].is) as_woken(r, i, &all[i]);
    }
    TRY(verify__send_ids(v, STMT_verify_receipts, ids, n));
    TRY(verify__send_ids(v, STMT_verify_voids, ids, n));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &receipts);
    tx_take(v->tx, &voids);
    check_kind(v, all, n, JOURNAL_RECEIPT, "receipt", &receipts, check_receipt);
    check_kind(v, all, n, JOURNAL_VOID, "receipt_void", &voids, check_void);
    TRY(verify__released(v, all, n));
    return verify__decoded(v, all, n);
}

tagih_err verify_entries(struct verify *v, const hash256 *after, const hash256 *until) {
    hash256 at = *after;
    int64_t done = 0;
    for (size_t n = ENTRIES_CHUNK; n == ENTRIES_CHUNK;) {
        struct params p;
        DEFER(result) struct result r = {0};
        arena_reset(v->arena);
        tx_params(&p, v->tx, v->arena, STMT_verify_entries, 0);
        params_one_bytea(&p, BYTES_OF(&at));
        params_one_bytea(&p, BYTES_OF(until));
        params_one_int8(&p, v->since.us);
        params_one_int4(&p, ENTRIES_CHUNK);
        TRY(tx_send(v->tx, &p));
        TRY(tx_sync(v->tx));
        tx_take(v->tx, &r);
        n = result_count(&r);
        struct opened *all = ARENA_ARRAY(v->arena, n, struct opened);
        if (!all) return FAIL(OUT_OF_MEMORY);
        for (size_t i = 0; i < n; i++) check_entry(v, &r, i, &all[i]);
        if (n) memcpy(at.b, result_bytes(&r, n - 1, COL(entry_hash)).data, sizeof at.b);
        TRY(check_rows(v, &r, all, n));
        verify__progress(v, "entries", done += (int64_t)n);
    }
    return TAGIH_OK;
}
