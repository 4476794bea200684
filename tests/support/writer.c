/* SPDX-License-Identifier: Apache-2.0 */
/* Journals for specs. */
#include "tests/support/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/run/clock.h"
#include "server/run/random.h"
#include "tests/support/case.h"

void writer_begin(struct writer *writer, struct rig *rig, const struct rig_phone *phone) {
    *writer = (struct writer){.rig = rig, .phone = *phone, .prev = phone->certificate_hash,
                              .at = {clock_now().us - 3600 * US_PER_S}};
    writer->entries = calloc(WRITER_ENTRIES_MAX, sizeof *writer->entries);
    assert_non_null(writer->entries);
}

user_id writer_begin_new(struct writer *writer, struct rig *rig, agency_id agency) {
    user_id collector = rig_user(rig, agency, NULL, ROLE_COLLECTOR);
    struct rig_phone phone = rig_phone(rig, agency, collector);
    writer_begin(writer, rig, &phone);
    return collector;
}

void writer_end(struct writer *writer) {
    free(writer->entries);
    writer->entries = NULL;
}

struct journal_entry writer_entry(struct writer *writer, uint16_t kind) {
    return (struct journal_entry){.kind = kind, .device = writer->phone.device, .epoch = writer->phone.epoch,
                                  .seq = writer->seq + 1, .prev_hash = writer->prev, .id = {rig_id()},
                                  .device_time = writer->at, .mono_us = writer->at.us - INT64_C(1700000000000000),
                                  .boot_id = {{0xB0, 0x07}}};
}

size_t writer_sign_as(struct writer *writer, const struct journal_entry *entry) {
    assert_true(writer->n < WRITER_ENTRIES_MAX);
    struct written *written = &writer->entries[writer->n];
    tagih_err err = journal_sign(entry, writer->rig->installation, &writer->phone.secret, written->bytes,
                                 sizeof written->bytes, &written->len);
    assert_string_equal(err_name(err), "OK");
    struct envelope envelope;
    err = envelope_open(bytes_make(written->bytes, written->len), ENVELOPE_JOURNAL_ENTRY, writer->rig->installation, &envelope);
    assert_string_equal(err_name(err), "OK");
    written->hash = envelope.hash;
    written->id = entry->id;
    return writer->n++;
}

size_t writer_sign(struct writer *writer, struct journal_entry *entry) {
    struct journal_money *money = entry->kind == JOURNAL_RECEIPT ? &entry->body.receipt.money
                                  : entry->kind == JOURNAL_VOID  ? &entry->body.voided.money
                                                                 : NULL;
    if (money) {
        money->cum_count = ++writer->cum_count;
        money->cum_total_minor = writer->cum_total_minor += money->amount_minor;
    }
    size_t at = writer_sign_as(writer, entry);
    writer->seq = entry->seq;
    writer->prev = writer->entries[at].hash;
    writer->at.us += US_PER_S;
    return at;
}

struct journal_entry writer_receipt(struct writer *writer, account_id account, int64_t amount_minor) {
    struct journal_entry entry = writer_entry(writer, JOURNAL_RECEIPT);
    entry.body.receipt = (struct journal_receipt){.money = {.amount_minor = amount_minor, .currency = {"IDR"}},
                                                  .account = account, .payer = JOURNAL_PAYER_DEBTOR,
                                                  .tender = JOURNAL_TENDER_CASH, .tag = 1, .receipt_no = entry.seq};
    return entry;
}

struct journal_entry writer_void(struct writer *writer, size_t receipt, int64_t amount_minor) {
    struct journal_entry entry = writer_entry(writer, JOURNAL_VOID);
    entry.body.voided = (struct journal_void){.money = {.amount_minor = -amount_minor, .currency = {"IDR"}},
                                              .receipt = writer->entries[receipt].id,
                                              .receipt_hash = writer->entries[receipt].hash, .reason_code = 1,
                                              .has_slip_photo = true};
    return entry;
}

struct rig_answer writer_push_via(struct writer *writer, struct client *via, int64_t timeout_us, const size_t *indices,
                                  size_t n) {
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    ProtobufCBinaryData *entries = calloc(n, sizeof *entries);
    assert_non_null(entries);
    for (size_t i = 0; i < n; i++) {
        entries[i] = (ProtobufCBinaryData){writer->entries[indices[i]].len, writer->entries[indices[i]].bytes};
    }
    ProtobufCBinaryData certificate = {writer->phone.certificate_len, writer->phone.certificate};
    request.n_entries = n;
    request.entries = entries;
    request.n_certificates = 1;
    request.certificates = &certificate;
    struct rig_call_options options = {.via = via, .timeout_us = timeout_us};
    struct rig_answer answer = rig_call_with(writer->rig, "SyncService/Push", &request, &options);
    free(entries);
    return answer;
}

struct rig_answer writer_push(struct writer *writer, const size_t *indices, size_t n) {
    return writer_push_via(writer, NULL, 0, indices, n);
}

struct rig_answer writer_push_range(struct writer *writer, size_t first, size_t last) {
    size_t indices[WRITER_ENTRIES_MAX], n = 0;
    for (size_t i = first; i <= last; i++) indices[n++] = i;
    return writer_push(writer, indices, n);
}

size_t writer_pushed(struct writer *writer, struct journal_entry *entry) {
    size_t at = writer_sign(writer, entry);
    assert_answer(writer_push_range(writer, at, at), OK);
    return at;
}

static const public_key *ack_key(struct writer *writer, key_id kid) {
    const struct key *key = keyring_find(&writer->rig->keys, KEY_ACK, kid);
    assert_non_null(key);
    return &key->public_key;
}

struct acknowledgement writer_ack(struct writer *writer, const struct rig_answer *answer, size_t i, size_t entry) {
    const Tagih__V1__PushResponse *response = answer->response;
    assert_true(i < response->n_acks);
    struct acknowledgement ack;
    struct envelope envelope;
    struct bytes bytes = bytes_make(response->acks[i].data, response->acks[i].len);
    assert_string_equal(err_name(acknowledgement_open(bytes, writer->rig->installation, &ack, &envelope)), "OK");
    assert_string_equal(err_name(envelope_verify(&envelope, ack_key(writer, envelope.kid))), "OK");
    assert_true(hash256_equal(&ack.entry_hash, &writer->entries[entry].hash));
    for (size_t k = 0; k < ack.reason_count && !writer->quiet; k++) print_message("             entry %zu: %s\n", entry, fate_reason_name(ack.reasons[k]));
    return ack;
}

struct chain_certificate writer_certificate(struct writer *writer, const struct rig_answer *answer) {
    const Tagih__V1__PushResponse *response = answer->response;
    assert_int_equal(response->n_chain_certificates, 1);
    struct chain_certificate certificate;
    struct envelope envelope;
    struct bytes bytes = bytes_make(response->chain_certificates[0].data, response->chain_certificates[0].len);
    assert_string_equal(err_name(chain_certificate_open(bytes, writer->rig->installation, &certificate, &envelope)), "OK");
    assert_string_equal(err_name(envelope_verify(&envelope, ack_key(writer, envelope.kid))), "OK");
    return certificate;
}

bool ack_says(const struct acknowledgement *ack, enum fate_reason reason) {
    for (size_t i = 0; i < ack->reason_count; i++) {
        if (ack->reasons[i] == reason) return true;
    }
    return false;
}

/* ---- the next key -------------------------------------------------------------------------------------------------- */

struct key_pair writer_new_pair(void) {
    struct key_pair pair;
    uint8_t seed[32];
    random_bytes(seed, sizeof seed);
    key_pair_from_seed(seed, &pair.key, &pair.secret);
    return pair;
}

size_t writer_rotation(struct writer *w, const public_key *key, uint32_t epoch) {
    struct journal_entry entry = writer_entry(w, JOURNAL_KEY_ROTATION);
    entry.body.rotation = (struct journal_key_rotation){.new_key = *key, .new_epoch = epoch};
    return writer_sign(w, &entry);
}

struct rig_answer writer_authenticate(const struct writer *w, const secret_key *secret, uint32_t epoch) {
    char device[UUID_TEXT_SIZE];
    uuid_format(w->phone.device.u, device);
    Tagih__V1__GetNonceRequest ask = TAGIH__V1__GET_NONCE_REQUEST__INIT;
    ask.device_id = device;
    struct rig_answer a = rig_call(w->rig, NULL, "DeviceService/GetNonce", &ask);
    assert_answer(a, OK);
    struct nonce_proof proof = {.device = w->phone.device, .epoch = epoch};
    memcpy(proof.nonce, ((const Tagih__V1__GetNonceResponse *)a.response)->nonce.data, sizeof proof.nonce);
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    assert_ok(nonce_proof_sign(&proof, w->rig->installation, secret, bytes, sizeof bytes, &len));
    Tagih__V1__AuthenticateRequest request = TAGIH__V1__AUTHENTICATE_REQUEST__INIT;
    request.device_id = device;
    request.proof = (ProtobufCBinaryData){len, bytes};
    return rig_call(w->rig, NULL, "DeviceService/Authenticate", &request);
}

struct writer writer_next_epoch(const struct writer *w, const struct key_pair *pair, uint32_t epoch) {
    struct rig_answer a = writer_authenticate(w, &pair->secret, epoch);
    assert_answer(a, OK);
    const Tagih__V1__AuthenticateResponse *r = a.response;
    struct rig_phone phone = w->phone;
    struct device_certificate certificate;
    struct envelope envelope;
    assert_ok(device_certificate_open(bytes_make(r->certificate.data, r->certificate.len), w->rig->installation,
                                      &certificate, &envelope));
    const struct key *signer = keyring_find(&w->rig->keys, KEY_DEVICE, envelope.kid);
    assert_non_null(signer);
    assert_ok(envelope_verify(&envelope, &signer->public_key));
    assert_memory_equal(certificate.key.b, pair->key.b, sizeof pair->key.b);
    assert_int_equal(certificate.epoch, epoch);
    assert_true(uuid_equal(certificate.user.u, phone.user.u) && uuid_equal(certificate.device.u, phone.device.u));
    phone.epoch = epoch;
    phone.key = pair->key;
    phone.secret = pair->secret;
    phone.certificate_hash = envelope.hash;
    phone.certificate_len = r->certificate.len;
    memcpy(phone.certificate, r->certificate.data, r->certificate.len);
    struct writer next;
    writer_begin(&next, w->rig, &phone);
    next.at = clock_now();
    return next;
}
