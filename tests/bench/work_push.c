/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push: phones hand in batches of 20 receipts, one for each of the collector's accounts. Signing costs as much as
 * verifying, so everything is signed before the clock runs, in the order in which a dice has drawn the phones; the run
 * takes it from there. Each phone's chain goes on in the next run: where it stands is kept in a file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "run/keys.h"
#include "tagih/document.h"
#include "tagih/fate.h"
#include "tagih/journal.h"
#include "tests/bench/phone.h"
#include "tests/bench/work.h"
#include "tests/bench/world.h"

#define RECEIPTS WORLD_VISITS_EACH
#define LOOK_AHEAD 1024

/** Where a chain stands; the next entry builds on it. */
struct stand {
    int64_t seq, receipt_no, cum_total_minor;
    uint64_t cum_count;
    hash256 head;
};

/** One phone, as the file keeps it. */
struct phone {
    uint8_t certificate[PHONE_CERTIFICATE_MAX];
    size_t certificate_len;
    struct stand stand;
};

struct signed_call {
    size_t device;
    struct stand before; /* so that a call that was not sent leaves no hole */
    uint8_t *data;
    size_t len;
};

static struct work_options options;
static struct phone *phones;
static struct signed_call *calls;
static size_t n_calls, next_call;

static void need(tagih_err err, const char *what) {
    if (!err_is_ok(err)) work_die("%s: %s", what, err_text(err));
}

/* ---- the phones' file ----------------------------------------------------------------------------------------- */

static void phones_read(void) {
    FILE *file = fopen(options.state_path, "re");
    phones = calloc(options.devices, sizeof *phones);
    if (!phones || !file || fread(phones, sizeof *phones, options.devices, file) != options.devices) {
        work_die("cannot read the phones' file; `load certificates` makes it");
    }
    fclose(file);
}

static void phones_write(void) {
    FILE *file = fopen(options.state_path, "we");
    if (!file || fwrite(phones, sizeof *phones, options.devices, file) != options.devices || fclose(file) != 0) {
        work_die("cannot write the phones' file");
    }
}

static void certify(size_t device, const struct key *key, int64_t now_us) {
    struct phone *phone = &phones[device];
    struct phone_certificate certificate;
    need(phone_certify(options.installation, key, device, (instant){now_us}, &certificate), "certificate");
    memcpy(phone->certificate, certificate.bytes, certificate.len);
    phone->certificate_len = certificate.len;
    phone->stand.head = certificate.hash;
    phone_print(&certificate, device);
}

void work_certify(const struct work_options *given) {
    options = *given;
    const struct key *key = keyring_signing(options.keys, KEY_DEVICE);
    if (!key) work_die("there is no key for device certificates");
    phones = calloc(options.devices, sizeof *phones);
    if (!phones) work_die("no memory");
    int64_t now_us = world_now_us();
    for (size_t i = 0; i < options.devices; i++) certify(i, key, now_us);
    phones_write();
}

/* ---- signing beforehand --------------------------------------------------------------------------------------- */

static uuid entry_id_make(int64_t now_us) {
    uint8_t random[10];
    uint64_t dice[2] = {world_draw(UINT64_MAX), world_draw(UINT64_MAX)};
    memcpy(random, dice, sizeof random);
    return uuid_make_v7((instant){now_us}, random);
}

/* No two amounts of one account and day are the same: those would be flagged, in a row of their own (R-REC-4). Only one phone
 * goes to an account, and its receipts are numbered. */
static void receipt_fill(size_t device, size_t i, struct stand *stand, struct journal_entry *out) {
    uint64_t visit = (uint64_t)device * WORLD_VISITS_EACH + i;
    struct position door = world_place(device);
    int64_t now_us = world_now_us(), amount_minor = 1000000 + ++stand->receipt_no % 10000 * 100;
    stand->seq++;
    stand->cum_count++;
    stand->cum_total_minor += amount_minor;
    *out = (struct journal_entry){.kind = JOURNAL_RECEIPT, .device.u = world_id(WORLD_DEVICE, device), .epoch = 1,
                                  .seq = stand->seq, .prev_hash = stand->head, .id.u = entry_id_make(now_us),
                                  .device_time = {now_us}, .mono_us = world_monotonic_us(),
                                  .boot_id = world_id(WORLD_DEVICE, device)};
    out->body.receipt = (struct journal_receipt){
        .money = {.amount_minor = amount_minor, .currency = {"IDR"}, .cum_count = stand->cum_count,
                  .cum_total_minor = stand->cum_total_minor},
        .account.u = world_id(WORLD_ACCOUNT, visit * options.accounts / (options.devices * WORLD_VISITS_EACH)),
        .payer = JOURNAL_PAYER_DEBTOR, .tender = JOURNAL_TENDER_CASH, .tag = 1, .has_visit = true,
        .visit.u = world_id(WORLD_VISIT, visit), .has_position = true,
        .position = {.lat_e7 = door.lat_e7, .lon_e7 = door.lon_e7, .accuracy_mm = 9000, .at = {now_us}},
        .receipt_no = stand->receipt_no};
}

static void call_sign(struct signed_call *call) {
    static uint8_t envelopes[RECEIPTS][ENVELOPE_MAX];
    struct phone *phone = &phones[call->device];
    ProtobufCBinaryData entries[RECEIPTS], certificate = {phone->certificate_len, phone->certificate};
    public_key public_half;
    secret_key secret;
    phone_key(options.installation, call->device, &public_half, &secret);
    call->before = phone->stand;
    for (size_t i = 0; i < RECEIPTS; i++) {
        struct journal_entry entry;
        struct envelope opened;
        receipt_fill(call->device, i, &phone->stand, &entry);
        need(journal_sign(&entry, options.installation, &secret, envelopes[i], ENVELOPE_MAX, &entries[i].len), "entry");
        entries[i].data = envelopes[i];
        need(envelope_open(bytes_make(envelopes[i], entries[i].len), ENVELOPE_JOURNAL_ENTRY, options.installation, &opened),
             "entry");
        phone->stand.head = opened.hash;
    }
    Tagih__V1__PushRequest message = TAGIH__V1__PUSH_REQUEST__INIT;
    message.entries = entries;
    message.n_entries = RECEIPTS;
    message.certificates = &certificate;
    message.n_certificates = 1;
    call->data = malloc(tagih__v1__push_request__get_packed_size(&message));
    if (!call->data) work_die("no memory");
    call->len = tagih__v1__push_request__pack(&message, call->data);
}

static void begin(const struct work_options *given) {
    options = *given;
    if (!options.state_path || !options.prepared || !options.accounts) work_die("push needs --state, --prepared, --accounts");
    phones_read();
    calls = calloc(options.prepared, sizeof *calls);
    if (!calls) work_die("no memory");
    n_calls = options.prepared;
    for (size_t i = 0; i < n_calls; i++) {
        calls[i].device = world_draw(options.devices);
        call_sign(&calls[i]);
    }
}

/* ---- the run -------------------------------------------------------------------------------------------------- */

/* The next phone in line that is not in a call. Those before it keep their places, so that chains stay in order. */
static size_t draw(const bool *busy) {
    size_t i = next_call, end = n_calls - next_call < LOOK_AHEAD ? n_calls : next_call + LOOK_AHEAD;
    while (i < end && busy[calls[i].device]) i++;
    if (i == end) return SIZE_MAX;
    struct signed_call chosen = calls[i];
    memmove(&calls[next_call + 1], &calls[next_call], (i - next_call) * sizeof *calls);
    calls[next_call] = chosen;
    return chosen.device;
}

static size_t request(size_t device, uint8_t *out, size_t size) {
    struct signed_call *call = &calls[next_call++];
    if (call->device != device || call->len > size) work_die("the line of calls is out of order");
    memcpy(out, call->data, call->len);
    free(call->data);
    call->data = NULL;
    return call->len;
}

/* Every entry has its acknowledgement, and the first one says that it was posted. */
static size_t answer(size_t device, struct bytes body) {
    (void)device;
    Tagih__V1__PushResponse *message = tagih__v1__push_response__unpack(NULL, body.len, body.data);
    struct acknowledgement ack = {.fate = 0};
    struct envelope envelope;
    bool good = message && message->n_acks == RECEIPTS && message->n_chain_certificates == 1;
    good = good && err_is_ok(acknowledgement_open(bytes_make(message->acks[0].data, message->acks[0].len),
                                                  options.installation, &ack, &envelope));
    if (message) tagih__v1__push_response__free_unpacked(message, NULL);
    return good && (ack.fate == FATE_POSTED || ack.fate == FATE_POSTED_FLAGGED) ? RECEIPTS : 0;
}

/* What was signed and not sent never happened. */
static void end(void) {
    for (size_t i = n_calls; i-- > next_call;) phones[calls[i].device].stand = calls[i].before;
    phones_write();
}

const struct work work_push = {.name = "push", .path = "/tagih.v1.SyncService/Push", .begin = begin, .draw = draw,
                               .request = request, .answer = answer, .end = end};
