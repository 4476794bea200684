/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's chain and its distrust. What cannot fail for a sound program is asserted: this is a simulator, and a wrong
 * step must end it. */
#include "tests/sim/phone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "domain/enrol_code.h"

void phone_init(struct phone *phone, uint64_t seed, uint64_t number) {
    *phone = (struct phone){.chance = chance_of(seed, number), .epoch = 1, .currency = {"IDR"}};
    uint8_t key_seed[32];
    chance_bytes(&phone->chance, key_seed, sizeof key_seed);
    key_pair_from_seed(key_seed, &phone->key, &phone->secret);
    chance_bytes(&phone->chance, phone->boot.b, sizeof phone->boot.b);
    chance_bytes(&phone->chance, phone->shift.b, sizeof phone->shift.b);
    phone->records = calloc(PHONE_RECORDS_MAX, sizeof *phone->records);
    phone->extras = calloc(PHONE_EXTRAS_MAX, sizeof *phone->extras);
    assert(phone->records && phone->extras);
}

void phone_release(struct phone *phone) {
    for (size_t i = 0; i < phone->record_count; i++) free(phone->records[i].bytes);
    for (size_t i = 0; i < phone->extra_count; i++) free(phone->extras[i].bytes);
    free(phone->records);
    free(phone->extras);
}

instant phone_wall(const struct phone *phone) {
    return (instant){phone->now_us + phone->skew_us};
}

int64_t phone_mono_us(const struct phone *phone) {
    return phone->now_us - phone->booted_us;
}

void phone_reboot(struct phone *phone) {
    phone->booted_us = phone->now_us;
    chance_bytes(&phone->chance, phone->boot.b, sizeof phone->boot.b);
}

uuid phone_id(struct phone *phone) {
    uint8_t random[10];
    chance_bytes(&phone->chance, random, sizeof random);
    return uuid_make_v7(phone_wall(phone), random);
}

/* ---- what the server signs ------------------------------------------------------------------------------------ */

/* A phone believes the keys that it was given when it authenticated, and no others. */
static bool is_signed(const struct phone *phone, const struct envelope *envelope) {
    for (size_t i = 0; i < phone->server_key_count; i++) {
        const public_key *key = &phone->server_keys[i];
        if (key_id_equal(key_id_of(key), envelope->kid)) return err_is_ok(envelope_verify(envelope, key));
    }
    return false;
}

bool phone_take_device_certificate(struct phone *phone, struct bytes certificate) {
    struct device_certificate document;
    struct envelope envelope;
    if (!err_is_ok(device_certificate_open(certificate, phone->installation, &document, &envelope))) return false;
    if (!is_signed(phone, &envelope)) return false;
    if (!uuid_equal(document.device.u, phone->device.u)) return false;
    if (!bytes_equal(BYTES_OF(&document.key), BYTES_OF(&phone->key))) return false;
    if (phone->certificate_len) return hash256_equal(&phone->head_hash, &envelope.hash) || phone->record_count > 0;
    memcpy(phone->certificate, certificate.data, certificate.len);
    phone->certificate_len = certificate.len;
    phone->epoch = document.epoch;
    phone->user = document.user;
    phone->head_hash = envelope.hash;
    return true;
}

static enum proof judge_ack(const struct phone *phone, const struct record *record, struct bytes ack,
                            struct acknowledgement *document) {
    struct envelope envelope;
    if (!err_is_ok(acknowledgement_open(ack, phone->installation, document, &envelope))) return PROOF_UNREADABLE;
    if (!is_signed(phone, &envelope)) return PROOF_SIGNATURE;
    if (!hash256_equal(&document->entry_hash, &record->hash)) return PROOF_OTHER;
    if (!record->acked) return PROOF_NEW;
    return bytes_equal(ack, bytes_make(record->ack, record->ack_len)) ? PROOF_SAME : PROOF_CHANGED;
}

enum proof phone_take_ack(struct phone *phone, struct record *record, struct bytes ack) {
    struct acknowledgement document;
    enum proof proof = ack.len > PHONE_ACK_MAX ? PROOF_UNREADABLE : judge_ack(phone, record, ack, &document);
    phone->proofs[proof]++;
    if (proof != PROOF_NEW) return proof;
    memcpy(record->ack, ack.data, ack.len);
    record->ack_len = ack.len;
    record->fate = document.fate;
    record->acked = true;
    return proof;
}

/* What the certificate says is held must be what this phone wrote. */
static bool is_own_chain(const struct phone *phone, const struct chain_certificate *document) {
    if (!uuid_equal(document->device.u, phone->device.u) || document->epoch != phone->epoch) return false;
    if (document->contiguous_seq < 0 || document->contiguous_seq > (int64_t)phone->record_count) return false;
    if (document->contiguous_seq == 0) return true;
    return hash256_equal(&document->head_hash, &phone->records[document->contiguous_seq - 1].hash);
}

static enum proof judge_certificate(const struct phone *phone, struct bytes certificate,
                                    struct chain_certificate *document, struct envelope *envelope) {
    if (!err_is_ok(chain_certificate_open(certificate, phone->installation, document, envelope))) {
        return PROOF_UNREADABLE;
    }
    if (!is_signed(phone, envelope)) return PROOF_SIGNATURE;
    return is_own_chain(phone, document) ? PROOF_NEW : PROOF_OTHER;
}

enum proof phone_take_certificate(struct phone *phone, struct bytes certificate) {
    struct chain_certificate document;
    struct envelope envelope;
    enum proof proof = judge_certificate(phone, certificate, &document, &envelope);
    phone->proofs[proof]++;
    if (proof != PROOF_NEW) return proof;
    /* Replies overtake each other: the furthest counts. */
    if (document.contiguous_seq > phone->contiguous_seq) phone->contiguous_seq = document.contiguous_seq;
    if (phone->contact.known && document.received.us <= phone->contact.server_time.us) return proof;
    phone->contact = (struct contact){true, document.received, phone_mono_us(phone), phone->boot, envelope.hash};
    return proof;
}

size_t phone_forget(struct phone *phone) {
    size_t kept = 0;
    for (size_t i = 0; i < phone->record_count; i++) {
        struct record *record = &phone->records[i];
        record->deleted = record->acked && record->fate != FATE_EVIDENCE && record->seq <= phone->contiguous_seq;
        kept += !record->deleted;
    }
    return kept;
}

/* ---- what the phone signs ------------------------------------------------------------------------------------- */

size_t phone_prove_enrolment(struct phone *phone, const char *code, uint8_t out[ENVELOPE_MAX]) {
    struct enrolment_proof proof = {.key = phone->key, .made = phone_wall(phone)};
    size_t len;
    tagih_err err = enrol_code_hash(bytes_text(code), &proof.code_hash);
    assert(err_is_ok(err));
    err = enrolment_proof_sign(&proof, phone->installation, &phone->secret, out, ENVELOPE_MAX, &len);
    assert(err_is_ok(err));
    return len;
}

size_t phone_prove_nonce(struct phone *phone, struct bytes nonce, uint8_t out[ENVELOPE_MAX]) {
    struct nonce_proof proof = {.device = phone->device, .epoch = phone->epoch};
    assert(nonce.len == sizeof proof.nonce);
    memcpy(proof.nonce, nonce.data, nonce.len);
    size_t len;
    tagih_err err = nonce_proof_sign(&proof, phone->installation, &phone->secret, out, ENVELOPE_MAX, &len);
    assert(err_is_ok(err));
    return len;
}

static void fill_head(struct phone *phone, struct journal_entry *entry) {
    entry->device = phone->device;
    entry->epoch = phone->epoch;
    if (uuid_is_nil(entry->id.u)) entry->id.u = phone_id(phone);
    entry->device_time = phone_wall(phone);
    entry->mono_us = phone_mono_us(phone);
    entry->boot_id = phone->boot;
    entry->has_shift = true;
    entry->shift = phone->shift;
    const struct contact *contact = &phone->contact;
    entry->has_server_time = entry->has_server_mono_us = entry->has_server_boot = entry->has_log_head = contact->known;
    if (!contact->known) return;
    entry->server_time = contact->server_time;
    entry->server_mono_us = contact->mono_us;
    entry->server_boot = contact->boot;
    entry->log_head = contact->certificate_hash;
}

/* Sign the entry and put it into a record. */
static void seal(struct phone *phone, const struct journal_entry *entry, enum origin origin, struct record *out) {
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    tagih_err err = journal_sign(entry, phone->installation, &phone->secret, bytes, sizeof bytes, &len);
    assert(err_is_ok(err));
    struct envelope envelope;
    err = envelope_open(bytes_make(bytes, len), ENVELOPE_JOURNAL_ENTRY, phone->installation, &envelope);
    assert(err_is_ok(err));
    (void)err;
    *out = (struct record){.origin = origin, .kind = entry->kind, .seq = entry->seq, .id = entry->id,
                           .hash = envelope.hash, .bytes = malloc(len), .len = len};
    assert(out->bytes);
    memcpy(out->bytes, bytes, len);
    const struct journal_money *money = journal_money_of(entry);
    if (money) out->amount_minor = money->amount_minor;
    if (entry->kind == JOURNAL_RECEIPT) out->tender = entry->body.receipt.tender;
}

/* Receipt and void begin with the same member. */
static void count_money(struct phone *phone, struct journal_entry *entry) {
    struct journal_money *money = entry->kind == JOURNAL_RECEIPT ? &entry->body.receipt.money
                                  : entry->kind == JOURNAL_VOID  ? &entry->body.voided.money
                                                                 : NULL;
    if (!money) return;
    money->cum_count = phone->cum_count += 1;
    money->cum_total_minor = phone->cum_total_minor += money->amount_minor;
}

struct record *phone_write(struct phone *phone, struct journal_entry *entry) {
    assert(phone->record_count < PHONE_RECORDS_MAX && phone->certificate_len);
    fill_head(phone, entry);
    entry->seq = (int64_t)phone->record_count + 1;
    entry->prev_hash = phone->head_hash;
    count_money(phone, entry);
    struct record *record = &phone->records[phone->record_count++];
    seal(phone, entry, ORIGIN_GENUINE, record);
    phone->head_hash = record->hash;
    return record;
}

struct record *phone_write_as_clone(struct phone *phone, int64_t seq, struct journal_entry *entry) {
    assert(phone->extra_count < PHONE_EXTRAS_MAX && seq > 1 && seq <= (int64_t)phone->record_count);
    fill_head(phone, entry);
    entry->seq = seq;
    entry->prev_hash = phone->records[seq - 2].hash;
    struct phone twin = *phone; /* its totals run on their own */
    count_money(&twin, entry);
    struct record *record = &phone->extras[phone->extra_count++];
    seal(phone, entry, ORIGIN_CLONE, record);
    return record;
}

struct record *phone_flip(struct phone *phone, const struct record *record) {
    assert(phone->extra_count < PHONE_EXTRAS_MAX);
    struct record *copy = &phone->extras[phone->extra_count++];
    *copy = (struct record){.origin = ORIGIN_FLIPPED, .kind = record->kind, .seq = record->seq, .id = record->id,
                            .bytes = malloc(record->len), .len = record->len};
    assert(copy->bytes);
    memcpy(copy->bytes, record->bytes, record->len);
    /* The last byte before the signature's head belongs to the payload, behind the head of the entry. */
    size_t at = record->len - ENVELOPE_SIGNATURE_SIZE - 2 - 1 - (size_t)chance_below(&phone->chance, 4);
    copy->bytes[at] ^= (uint8_t)(1u << chance_below(&phone->chance, 8));
    struct envelope envelope; /* its hash is known only where it still has the form of an envelope */
    tagih_err err = envelope_open(bytes_make(copy->bytes, copy->len), ENVELOPE_JOURNAL_ENTRY, phone->installation,
                                  &envelope);
    if (err_is_ok(err)) copy->hash = envelope.hash;
    return copy;
}
