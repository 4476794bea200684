/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of tests/vectors/journal/cases.json as C structs, and the reader of the vector files. */
#include "tests/support/journal_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uuid sample_id(uint8_t byte) {
    uuid id;
    memset(id.b, byte, sizeof id.b);
    return id;
}

hash256 sample_hash(uint8_t byte) {
    hash256 hash;
    memset(hash.b, byte, sizeof hash.b);
    return hash;
}

static public_key key_of(uint8_t byte) {
    public_key key;
    memset(key.b, byte, sizeof key.b);
    return key;
}

struct sample_keys sample_keys_make(void) {
    struct sample_keys keys;
    uint8_t seed[32];
    for (int i = 0; i < 16; i++) keys.installation.b[i] = (uint8_t)(0xA0 + i);
    memset(seed, 1, sizeof seed);
    key_pair_from_seed(seed, &keys.device, &keys.device_secret);
    memset(seed, 2, sizeof seed);
    key_pair_from_seed(seed, &keys.server, &keys.server_secret);
    return keys;
}

#define IDR ((currency){"IDR"})
#define TEXT(text) bytes_make((text), sizeof(text) - 1)

static struct journal_entry head(enum journal_kind kind, int64_t seq, uint8_t id, int64_t device_us,
                                 int64_t mono_us) {
    return (struct journal_entry){.kind = (uint16_t)kind,
                                  .device = {sample_id(0xD1)},
                                  .epoch = 1,
                                  .seq = seq,
                                  .prev_hash = sample_hash(0xB0),
                                  .id = {sample_id(id)},
                                  .device_time = {device_us},
                                  .mono_us = mono_us,
                                  .boot_id = sample_id(0xB1)};
}

static struct journal_fix fix_least(void) {
    return (struct journal_fix){
        .lat_e7 = -77956000, .lon_e7 = 1103695000, .accuracy_mm = 12500, .at = {1772530598000000}};
}

struct journal_entry sample_receipt(void) {
    struct journal_entry entry = head(JOURNAL_RECEIPT, 41, 0xE1, 1772530200000000, 86400000000);
    entry.has_shift = entry.has_server_time = entry.has_server_mono_us = entry.has_server_boot = true;
    entry.shift = sample_id(0x51);
    entry.server_time.us = 1772526600000000;
    entry.server_mono_us = 82800000000;
    entry.server_boot = sample_id(0xB1);
    entry.has_log_head = true;
    entry.log_head = sample_hash(0xC1);
    entry.body.receipt = (struct journal_receipt){
        .money = {166302500, IDR, 7, 512000000},
        .account = {sample_id(0xA1)},
        .payer = JOURNAL_PAYER_RELATIVE,
        .has_payer_name = true,
        .payer_name = TEXT("Siti Rahayu"),
        .has_payer_relation = true,
        .payer_relation = TEXT("istri"),
        .tender = JOURNAL_TENDER_TRANSFER,
        .has_tender_reference = true,
        .tender_reference = TEXT("TRF-20260303-0042"),
        .tag = 2,
        .has_visit = true,
        .visit = {sample_id(0x11)},
        .has_position = true,
        .position = {-77956000,
                     1103695000,
                     12500,
                     {1772530195000000},
                     true,
                     86395000000,
                     true,
                     JOURNAL_PROVIDER_FUSED,
                     false,
                     true,
                     0,
                     true,
                     113000},
        .receipt_no = 1000231,
        .has_split = true,
        .split = {4000000, 6000000, 40000000, 116302500, 0},
    };
    return entry;
}

struct journal_entry sample_receipt_least(void) {
    struct journal_entry entry = head(JOURNAL_RECEIPT, 1, 0xE2, 1772530200000000, 0);
    entry.body.receipt = (struct journal_receipt){.money = {100, IDR, 1, 100},
                                                  .account = {sample_id(0xA1)},
                                                  .payer = JOURNAL_PAYER_DEBTOR,
                                                  .tender = JOURNAL_TENDER_CASH,
                                                  .tag = 1};
    return entry;
}

static struct journal_entry receipt_odd(void) {
    struct journal_entry entry =
        head(JOURNAL_RECEIPT, INT64_MAX, 0xE3, -(INT64_C(1) << 60), INT64_C(1) << 60);
    entry.epoch = INT32_MAX;
    entry.boot_id = sample_id(0);
    entry.body.receipt = (struct journal_receipt){.money = {INT64_MIN, {"idr"}, INT64_MAX, -1},
                                                  .account = {sample_id(0xA1)},
                                                  .payer = UINT16_MAX,
                                                  .has_payer_name = true,
                                                  .payer_name = TEXT("\x42\xff\x00"),
                                                  .tag = 24,
                                                  .receipt_no = INT64_MAX};
    return entry;
}

static struct journal_entry void_full(void) {
    struct journal_entry entry = head(JOURNAL_VOID, 42, 0xE4, 1772530500000000, 86700000000);
    entry.body.voided = (struct journal_void){.money = {-166302500, IDR, 8, 345697500},
                                              .receipt = {sample_id(0xE1)},
                                              .receipt_hash = sample_hash(0xF1),
                                              .reason_code = 3,
                                              .has_reason = true,
                                              .reason = TEXT("salah jumlah"),
                                              .has_slip_photo = true,
                                              .slip_photo = sample_hash(0x91),
                                              .has_signature = true,
                                              .signature = sample_hash(0x92),
                                              .has_left_visit = true,
                                              .left_visit = {1772530560000000}};
    return entry;
}

static struct journal_entry check_in_two(void) {
    struct journal_entry entry = head(JOURNAL_CHECK_IN, 43, 0xE5, 1772530600000000, 86800000000);
    struct journal_check_in *body = &entry.body.check_in;
    *body = (struct journal_check_in){.visit = {sample_id(0x11)},
                                      .purpose = 1,
                                      .tapped = {1772530599000000},
                                      .tapped_mono_us = 86799000000,
                                      .fix_count = 2};
    body->fixes[0] = fix_least();
    body->fixes[1] = (struct journal_fix){.lat_e7 = -77956100,
                                          .lon_e7 = 1103695100,
                                          .accuracy_mm = 8000,
                                          .at = {1772530599000000},
                                          .has_provider = true,
                                          .provider = JOURNAL_PROVIDER_GPS,
                                          .mock = true,
                                          .has_altitude_mm = true,
                                          .altitude_mm = -2000};
    return entry;
}

static struct journal_entry outcome_full(void) {
    struct journal_entry entry = head(JOURNAL_VISIT_OUTCOME, 44, 0xE6, 1772530700000000, 86900000000);
    struct journal_visit_outcome *body = &entry.body.outcome;
    *body = (struct journal_visit_outcome){.visit = {sample_id(0x11)},
                                           .visit_version = 3,
                                           .outcome = 3,
                                           .list_version = 1,
                                           .has_note = true,
                                           .note = TEXT("janji bayar hari Jumat"),
                                           .has_next_action = true,
                                           .next_action = 2,
                                           .has_next_on = true,
                                           .next_on = {20518},
                                           .has_contact = true,
                                           .contact = TEXT("debitur"),
                                           .has_promise = true,
                                           .promise = {sample_id(0xE7)},
                                           .has_receipt = true,
                                           .receipt = {sample_id(0xE1)},
                                           .photo_count = 2};
    body->photos[0] = sample_hash(0x93);
    body->photos[1] = sample_hash(0x94);
    return entry;
}

static struct journal_entry promise_full(void) {
    struct journal_entry entry = head(JOURNAL_PROMISE, 45, 0xE7, 1772530800000000, 87000000000);
    entry.body.promise = (struct journal_promise){.account = {sample_id(0xA1)},
                                                  .amount_minor = 50000000,
                                                  .currency = IDR,
                                                  .due_on = {20518},
                                                  .promiser = 3,
                                                  .has_promiser_name = true,
                                                  .promiser_name = TEXT("Pak Joko"),
                                                  .channel = 1,
                                                  .has_visit = true,
                                                  .visit = {sample_id(0x11)},
                                                  .has_position = true,
                                                  .position = fix_least(),
                                                  .has_note = true,
                                                  .note = TEXT("gajian tanggal 5")};
    return entry;
}

static struct journal_entry deposit_full(void) {
    struct journal_entry entry = head(JOURNAL_DEPOSIT, 46, 0xE8, 1772530900000000, 87100000000);
    entry.body.deposit = (struct journal_deposit){.amount_minor = 980000000,
                                                  .currency = IDR,
                                                  .bank_reference = TEXT("DEP-77"),
                                                  .has_bank_name = true,
                                                  .bank_name = TEXT("Bank Daerah"),
                                                  .has_slip_photo = true,
                                                  .slip_photo = sample_hash(0x95),
                                                  .has_position = true,
                                                  .position = fix_least()};
    return entry;
}

static struct journal_entry day_close(void) {
    struct journal_entry entry = head(JOURNAL_DAY_CLOSE, 47, 0xE9, 1772531000000000, 87200000000);
    struct journal_day_close *body = &entry.body.day_close;
    *body =
        (struct journal_day_close){.first_seq = 30, .last_seq = 46, .currency_count = 1, .tender_count = 2};
    body->currencies[0] = (struct journal_day_currency){IDR, 8, 345697500, 3, 1, -166302500, 345697500};
    body->tenders[0] = (struct journal_day_tender){IDR, JOURNAL_TENDER_CASH, 2, 345697500};
    body->tenders[1] = (struct journal_day_tender){IDR, JOURNAL_TENDER_TRANSFER, 1, 166302500};
    return entry;
}

static struct journal_entry day_close_counted(void) {
    struct journal_entry entry = day_close();
    entry.seq = 51;
    entry.id.u = sample_id(0xED);
    entry.body.day_close.note_count = 2;
    entry.body.day_close.notes[0] = (struct journal_day_note){IDR, 10000000, 34};
    entry.body.day_close.notes[1] = (struct journal_day_note){IDR, 100000, 57};
    return entry;
}

static struct journal_entry handover_gives(void) {
    struct journal_entry entry = head(JOURNAL_HANDOVER, 52, 0xEE, 1772531400000000, 87600000000);
    entry.body.handover = (struct journal_handover){.handover = sample_id(0x61),
                                                    .side = JOURNAL_HANDOVER_GIVES,
                                                    .counterpart = {sample_id(0x9A)},
                                                    .amount_minor = 50000000,
                                                    .currency = IDR,
                                                    .has_note = true,
                                                    .note = TEXT("titip setoran"),
                                                    .has_position = true,
                                                    .position = fix_least()};
    return entry;
}

static struct journal_entry handover_takes(void) {
    struct journal_entry entry = head(JOURNAL_HANDOVER, 3, 0xEF, 1772531401000000, 600000000);
    entry.device.u = sample_id(0xD2);
    entry.body.handover = (struct journal_handover){.handover = sample_id(0x61),
                                                    .side = JOURNAL_HANDOVER_TAKES,
                                                    .counterpart = {sample_id(0x99)},
                                                    .amount_minor = 50000000,
                                                    .currency = IDR};
    return entry;
}

static struct journal_entry incident(void) {
    struct journal_entry entry = head(JOURNAL_INCIDENT, 53, 0xF0, 1772531500000000, 87700000000);
    entry.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_ROBBERY,
                                                    .amount_minor = 50000000,
                                                    .currency = IDR,
                                                    .report = TEXT("dirampok di jalan"),
                                                    .has_police_reference = true,
                                                    .police_reference = TEXT("LP/77/2026"),
                                                    .photo_count = 1,
                                                    .photos = {sample_hash(0x96)},
                                                    .has_position = true,
                                                    .position = fix_least()};
    return entry;
}

static struct journal_entry reprint(void) {
    struct journal_entry entry = head(JOURNAL_REPRINT, 48, 0xEA, 1772531100000000, 87300000000);
    entry.body.reprint =
        (struct journal_reprint){{sample_id(0xE1)}, sample_hash(0xF1), 1, true, TEXT("kertas habis")};
    return entry;
}

static struct journal_entry number_lost(void) {
    struct journal_entry entry = head(JOURNAL_RECEIPT_NUMBER_LOST, 49, 0xEB, 1772531200000000, 87400000000);
    entry.body.number_lost =
        (struct journal_receipt_number_lost){.first_no = 1000232, .last_no = 1000249, .returned = true};
    return entry;
}

static struct journal_entry rotation(void) {
    struct journal_entry entry = head(JOURNAL_KEY_ROTATION, 50, 0xEC, 1772531300000000, 87500000000);
    entry.body.rotation = (struct journal_key_rotation){.new_key = key_of(0x77), .new_epoch = 2};
    return entry;
}

struct token sample_token(void) {
    return (struct token){.user = {sample_id(0x99)},
                          .expires_s = 1772535300,
                          .not_before_s = 1772534400,
                          .issued_s = 1772534400,
                          .id = sample_id(0x7C),
                          .agency = {sample_id(0xA9)},
                          .caller = TOKEN_STAFF};
}

#define SIGN_ENTRY(name)                                                                                   \
    static tagih_err sign_##name(const struct sample_keys *keys, uint8_t *out, size_t size, size_t *len) { \
        struct journal_entry entry = name();                                                               \
        return journal_sign(&entry, keys->installation, &keys->device_secret, out, size, len);             \
    }
SIGN_ENTRY(sample_receipt)
SIGN_ENTRY(sample_receipt_least)
SIGN_ENTRY(receipt_odd)
SIGN_ENTRY(void_full)
SIGN_ENTRY(check_in_two)
SIGN_ENTRY(outcome_full)
SIGN_ENTRY(promise_full)
SIGN_ENTRY(deposit_full)
SIGN_ENTRY(day_close)
SIGN_ENTRY(reprint)
SIGN_ENTRY(number_lost)
SIGN_ENTRY(rotation)
SIGN_ENTRY(day_close_counted)
SIGN_ENTRY(handover_gives)
SIGN_ENTRY(handover_takes)
SIGN_ENTRY(incident)

/* sign_<name> of a document with a given signer; the rest is its content. */
#define SIGN_DOCUMENT(function, type, signer, ...)                                              \
    static tagih_err sign_##function(const struct sample_keys *keys, uint8_t *out, size_t size, \
                                     size_t *len) {                                             \
        struct type document = {__VA_ARGS__};                                                   \
        return type##_sign(&document, keys->installation, &keys->signer, out, size, len);       \
    }
SIGN_DOCUMENT(device_certificate, device_certificate, server_secret, .agency = {sample_id(0xA9)},
              .device = {sample_id(0xD1)}, .key = key_of(0x78), .epoch = 1, .user = {sample_id(0x99)},
              .valid_from = {1772323200000000})
SIGN_DOCUMENT(acknowledgement, acknowledgement, server_secret, .entry_hash = sample_hash(0xF1),
              .fate = FATE_POSTED_FLAGGED, .reason_count = 3,
              .reasons = {REASON_CLOCK, REASON_GAP, REASON_FORK}, .received = {1772534400000000})
SIGN_DOCUMENT(acknowledgement_waiting, acknowledgement, server_secret, .entry_hash = sample_hash(0xF2),
              .fate = FATE_WAITING, .reason_count = 1, .reasons = {REASON_MISSING_REFERENT},
              .received = {1772534400000000}, .has_missing = true, .missing = {sample_id(0xE1)})
SIGN_DOCUMENT(chain_certificate, chain_certificate, server_secret, .device = {sample_id(0xD1)}, .epoch = 1,
              .contiguous_seq = 50, .head_hash = sample_hash(0xF3), .received = {1772534400000000},
              .gap_count = 1, .gaps = {{12, 13}})
SIGN_DOCUMENT(allowance, allowance, server_secret, .device = {sample_id(0xD1)}, .user = {sample_id(0x99)},
              .per_receipt_minor = 500000000, .cash_held_minor = 1000000000, .count = 40, .currency = IDR,
              .issued = {1772323200000000}, .until = {1772409600000000})
SIGN_DOCUMENT(enrolment_proof, enrolment_proof, device_secret, .key = key_of(0x78),
              .code_hash = sample_hash(0x79), .made = {1772323100000000})
SIGN_DOCUMENT(posting_head, posting_head, server_secret, .agency = {sample_id(0xA9)}, .writer = 1,
              .number = 123456, .digest = sample_hash(0x7B), .made = {1772534400000000}, .has_month = true,
              .month = {20485})

static tagih_err sign_nonce_proof(const struct sample_keys *keys, uint8_t *out, size_t size, size_t *len) {
    struct nonce_proof proof = {.device = {sample_id(0xD1)}, .epoch = 1};
    memset(proof.nonce, 0x7A, sizeof proof.nonce);
    return nonce_proof_sign(&proof, keys->installation, &keys->device_secret, out, size, len);
}

static tagih_err sign_token_staff(const struct sample_keys *keys, uint8_t *out, size_t size, size_t *len) {
    struct token token = sample_token();
    return token_sign(&token, keys->installation, &keys->server_secret, out, size, len);
}

static tagih_err sign_token_device(const struct sample_keys *keys, uint8_t *out, size_t size, size_t *len) {
    struct token token = sample_token();
    token.id = sample_id(0x7D);
    token.has_device = true;
    token.device = (device_id){sample_id(0xD1)};
    token.caller = TOKEN_DEVICE;
    return token_sign(&token, keys->installation, &keys->server_secret, out, size, len);
}

const struct sample samples[] = {
    {"receipt-full", sign_sample_receipt},
    {"receipt-least", sign_sample_receipt_least},
    {"receipt-odd", sign_receipt_odd},
    {"void-full", sign_void_full},
    {"check-in-two", sign_check_in_two},
    {"visit-outcome-full", sign_outcome_full},
    {"promise-full", sign_promise_full},
    {"deposit-full", sign_deposit_full},
    {"day-close", sign_day_close},
    {"reprint", sign_reprint},
    {"receipt-number-lost", sign_number_lost},
    {"key-rotation", sign_rotation},
    {"day-close-counted", sign_day_close_counted},
    {"handover-gives", sign_handover_gives},
    {"handover-takes", sign_handover_takes},
    {"incident", sign_incident},
    {"device-certificate", sign_device_certificate},
    {"acknowledgement", sign_acknowledgement},
    {"acknowledgement-waiting", sign_acknowledgement_waiting},
    {"chain-certificate", sign_chain_certificate},
    {"allowance", sign_allowance},
    {"enrolment-proof", sign_enrolment_proof},
    {"nonce-proof", sign_nonce_proof},
    {"posting-head", sign_posting_head},
    {"token-staff", sign_token_staff},
    {"token-device", sign_token_device},
};
const size_t sample_count = sizeof samples / sizeof samples[0];

/* Cut a line at its tabs: all but the last field into `fields`, the last, hexadecimal, into `bytes`. */
static bool parse_line(char *line, struct vector *out) {
    memset(out, 0, sizeof *out);
    line[strcspn(line, "\n")] = '\0';
    char *rest = line;
    for (size_t i = 0; i < 4; i++) {
        char *tab = strchr(rest, '\t');
        if (!tab) break;
        *tab = '\0';
        if ((size_t)(tab - rest) >= sizeof out->fields[i]) return false;
        memcpy(out->fields[i], rest, (size_t)(tab - rest));
        rest = tab + 1;
    }
    out->len = strlen(rest) / 2;
    return out->len <= sizeof out->bytes && err_is_ok(bytes_unhex(rest, out->bytes, out->len));
}

size_t vectors_each(const char *file, void (*use)(const struct vector *vector, void *context),
                    void *context) {
    static char line[20000];
    static struct vector vector;
    char path[512];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/tests/vectors/journal/%s", TAGIH_SOURCE, file);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in)) {
        if (line[0] == '#') continue;
        if (!parse_line(line, &vector)) abort();
        use(&vector, context);
        count++;
    }
    if (in) fclose(in);
    return count;
}
