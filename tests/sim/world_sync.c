/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network between phones and server, which loses, repeats, reorders, cuts and turns bits; and the phones' distrust of
 * what comes back (phone.c). What a phone is told it compares with what anybody was told before (R-JRN-4).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "tests/sim/world.h"

enum { ENTRIES_MAX = 200, CALLS_MAX = 8, COPIES_OF_ONE = 3, MESSAGES_MAX = HANDSETS_MAX * CALLS_MAX * COPIES_OF_ONE };

/** An entry on its way: whose, and by which key. */
struct cargo {
    struct phone *phone;
    struct record *record;
};

/** A request, and how it fares. */
struct message {
    struct delivery delivery;
    struct handset *from;
    struct cargo *cargo;
    size_t n;
    struct bytes whole;       /* the request as it was sent */
    bool owns, lost, damaged; /* owns: request and cargo are freed with it, not with its copies */
    uint8_t *cut;             /* the damaged bytes, if they are others */
};

struct messages {
    struct message *all;
    size_t n;
};

/* ---- what a phone hands in ------------------------------------------------------------------------------------- */

size_t sync_owed(struct handset *handset) {
    size_t owed = 0;
    for (size_t e = 0; e < handset->n_epochs; e++) {
        const struct phone *phone = &handset->epochs[e];
        for (size_t i = 0; i < phone->record_count; i++) owed += !phone->records[i].acked;
        if (!handset->is_forked && phone->contiguous_seq < (int64_t)phone->record_count) owed++;
    }
    return owed;
}

/* Everything without acknowledgement; of a journal that lacks only its certificate the last entry again. */
static size_t gather(struct handset *handset, struct cargo **out) {
    size_t n = 0;
    *out = calloc(EPOCHS_MAX * (size_t)PHONE_RECORDS_MAX, sizeof **out);
    assert(*out);
    for (size_t e = 0; e < handset->n_epochs; e++) {
        struct phone *phone = &handset->epochs[e];
        size_t before = n;
        for (size_t i = 0; i < phone->record_count; i++) {
            if (!phone->records[i].acked) (*out)[n++] = (struct cargo){phone, &phone->records[i]};
        }
        bool uncovered = !handset->is_forked && phone->contiguous_seq < (int64_t)phone->record_count;
        if (n == before && uncovered) (*out)[n++] = (struct cargo){phone, &phone->records[phone->record_count - 1]};
    }
    return n;
}

static void shuffle(struct chance *chance, struct cargo *cargo, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t other = (size_t)chance_below(chance, (int64_t)i);
        struct cargo swapped = cargo[i - 1];
        cargo[i - 1] = cargo[other];
        cargo[other] = swapped;
    }
}

/* Small things get through first. */
static void voids_first(struct cargo *cargo, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (cargo[i].record->kind != JOURNAL_VOID) continue;
        struct cargo moved = cargo[i];
        memmove(cargo + at + 1, cargo + at, (i - at) * sizeof *cargo);
        cargo[at++] = moved;
    }
}

static ProtobufCBinaryData data_of(const uint8_t *data, size_t len) {
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

static struct bytes pack(const struct handset *handset, const struct cargo *cargo, size_t n) {
    ProtobufCBinaryData entries[ENTRIES_MAX], certificates[EPOCHS_MAX];
    for (size_t i = 0; i < n; i++) entries[i] = data_of(cargo[i].record->bytes, cargo[i].record->len);
    for (size_t e = 0; e < handset->n_epochs; e++) {
        certificates[e] = data_of(handset->epochs[e].certificate, handset->epochs[e].certificate_len);
    }
    Tagih__V1__PushRequest request = TAGIH__V1__PUSH_REQUEST__INIT;
    request.n_entries = n;
    request.entries = entries;
    request.n_certificates = handset->n_epochs;
    request.certificates = certificates;
    size_t len = tagih__v1__push_request__get_packed_size(&request);
    uint8_t *out = malloc(len);
    assert(out);
    return bytes_make(out, tagih__v1__push_request__pack(&request, out));
}

static void keep_copy(struct world *world, struct handset *handset, struct bytes request) {
    if (!chance_percent(&world->luck, 10)) return;
    size_t at = handset->n_copies < COPIES_MAX ? handset->n_copies++ : (size_t)chance_below(&world->luck, COPIES_MAX);
    free(handset->copies[at].bytes);
    handset->copies[at] = (struct copy){malloc(request.len), request.len};
    assert(handset->copies[at].bytes);
    memcpy(handset->copies[at].bytes, request.data, request.len);
}

/* ---- on the way ------------------------------------------------------------------------------------------------ */

/* A copy of the request, cut or with bits turned; it belongs to the message. */
static void damage(struct world *world, struct message *message) {
    int percent = world->plan->weather.damage;
    bool cut = world_draw(world, FAULT_TRUNCATE, percent / 2), flip = world_draw(world, FAULT_FLIP, percent / 2);
    if ((!cut && !flip) || message->lost) return;
    struct bytes request = message->delivery.request;
    message->cut = malloc(request.len);
    assert(message->cut);
    memcpy(message->cut, request.data, request.len);
    size_t len = cut ? (size_t)chance_below(&world->luck, (int64_t)request.len) : request.len;
    if (flip && len)
        message->cut[chance_below(&world->luck, (int64_t)len)] ^= (uint8_t)(1u << chance_below(&world->luck, 8));
    message->delivery.request = bytes_make(message->cut, len);
    message->damaged = true;
}

static void tell(struct world *world, const struct message *message, bool again) {
    int64_t first = message->cargo[0].record->seq, last = message->cargo[message->n - 1].record->seq;
    world_tell(world, message->from, "hands in %zu entries, %lld to %lld%s%s%s", message->n, (long long)first,
               (long long)last, again ? ", once more" : "", message->lost ? "; the request is lost" : "",
               message->damaged ? "; it arrives damaged" : "");
}

static void send(struct world *world, struct messages *messages, struct handset *handset, const struct cargo *cargo,
                 size_t n) {
    struct message message = {.from = handset, .n = n, .owns = true};
    message.cargo = malloc(n * sizeof *cargo);
    assert(message.cargo);
    memcpy(message.cargo, cargo, n * sizeof *cargo);
    message.whole = pack(handset, cargo, n);
    keep_copy(world, handset, message.whole);
    for (int copy = 0; copy < COPIES_OF_ONE; copy++) {
        if (copy > 0 && !world_draw(world, FAULT_DUPLICATE, world->plan->weather.duplicate)) break;
        if (copy > 0) world->result->repeats++;
        message.delivery = (struct delivery){.from = handset, .request = message.whole};
        message.lost = world_draw(world, FAULT_LOSS, world->plan->weather.loss);
        message.damaged = false;
        message.cut = NULL;
        message.owns = copy == 0;
        damage(world, &message);
        tell(world, &message, copy > 0);
        messages->all[messages->n++] = message;
    }
}

/* Cut what there is into calls. In bad weather a phone gives up after some of them and goes on at its next chance. */
static void send_all(struct world *world, struct messages *messages, struct handset *handset) {
    struct cargo *cargo;
    size_t n = gather(handset, &cargo), at = 0;
    struct chance *luck = &world->luck;
    if (world_draw(world, FAULT_REORDER, world->plan->weather.reorder / 3)) voids_first(cargo, n);
    if (world_draw(world, FAULT_REORDER, world->plan->weather.reorder / 4)) shuffle(luck, cargo, n);
    int64_t calls = world->calm ? CALLS_MAX : chance_between(luck, 1, CALLS_MAX);
    for (; at < n && calls > 0; calls--) {
        size_t size = world->calm ? ENTRIES_MAX : (size_t)chance_between(luck, 1, 90);
        if (size > n - at) size = n - at;
        send(world, messages, handset, cargo + at, size);
        at += size;
    }
    free(cargo);
}

static void reorder(struct world *world, struct messages *messages) {
    if (!world_draw(world, FAULT_REORDER, world->plan->weather.reorder)) return;
    for (size_t i = messages->n; i > 1; i--) {
        size_t other = (size_t)chance_below(&world->luck, (int64_t)i);
        struct message swapped = messages->all[i - 1];
        messages->all[i - 1] = messages->all[other];
        messages->all[other] = swapped;
    }
}

/* Several calls are served together, as they come in while the database is busy. */
static void deliver(struct world *world, struct messages *messages) {
    struct delivery *batch[64];
    for (size_t i = 0; i < messages->n;) {
        size_t n = 0, max = (size_t)chance_between(&world->luck, 1, 24);
        for (; i < messages->n && n < max; i++) {
            if (!messages->all[i].lost) batch[n++] = &messages->all[i].delivery;
        }
        if (n) server_serve(world, batch, n);
    }
}

/* ---- what comes back ------------------------------------------------------------------------------------------- */

static void take_ack(struct world *world, const struct message *message, const struct cargo *cargo, struct bytes ack,
                     bool trusted) {
    struct issued *issued = truth_find(&world->truth, &cargo->record->hash);
    if (ack.len == 0) {
        if (trusted)
            world_fail(world, INVARIANT_I6, "phone %d: its entry %lld was kept as evidence", message->from->number + 1,
                       (long long)cargo->record->seq);
        return;
    }
    enum proof proof = phone_take_ack(cargo->phone, cargo->record, ack);
    if (proof > PROOF_SAME) {
        if (trusted)
            world_fail(world, INVARIANT_I4, "phone %d: the acknowledgement of entry %lld is no good (%d)",
                       message->from->number + 1, (long long)cargo->record->seq, (int)proof);
        return;
    }
    bool first = issued->ack_len == 0;
    if (first) {
        memcpy(issued->ack, ack.data, ack.len);
        issued->ack_len = ack.len;
        issued->fate = cargo->record->fate;
    }
    world->result->checks[INVARIANT_I4]++;
    if (!bytes_equal(ack, bytes_make(issued->ack, issued->ack_len))) {
        world_fail(world, INVARIANT_I4, "phone %d: entry %lld has a second acknowledgement that differs from the first",
                   message->from->number + 1, (long long)issued->seq);
    }
}

static struct phone *phone_of_epoch(struct handset *handset, struct bytes certificate, installation_id installation) {
    struct chain_certificate document;
    struct envelope envelope;
    if (!err_is_ok(chain_certificate_open(certificate, installation, &document, &envelope))) return handset_phone(handset);
    bool known = document.epoch >= 1 && document.epoch <= handset->n_epochs;
    return known ? &handset->epochs[document.epoch - 1] : handset_phone(handset);
}

static void take_certificates(struct world *world, const struct message *message, const Tagih__V1__PushResponse *response,
                              bool trusted) {
    for (size_t i = 0; i < response->n_chain_certificates; i++) {
        struct bytes certificate = bytes_make(response->chain_certificates[i].data, response->chain_certificates[i].len);
        struct phone *phone = phone_of_epoch(message->from, certificate, world->installation);
        phone->now_us = world->now_us;
        enum proof proof = phone_take_certificate(phone, certificate);
        world->result->checks[INVARIANT_I4]++;
        bool expected = proof <= PROOF_SAME || (proof == PROOF_OTHER && message->from->is_forked);
        if (!expected && trusted)
            world_fail(world, INVARIANT_I4, "phone %d: a chain certificate is not about what it wrote (%d)",
                       message->from->number + 1, (int)proof);
    }
}

static void take_answer(struct world *world, const struct message *message, struct bytes answer, bool damaged) {
    bool trusted = !damaged && !message->damaged;
    Tagih__V1__PushResponse *response = tagih__v1__push_response__unpack(NULL, answer.len, answer.data);
    if (!response || (trusted && response->n_acks != message->n)) {
        if (trusted) world_fail(world, INVARIANT_I4, "phone %d: an answer cannot be read", message->from->number + 1);
    }
    if (!response) return;
    for (size_t i = 0; i < message->n && i < response->n_acks && !world_failed(world); i++) {
        take_ack(world, message, &message->cargo[i], bytes_make(response->acks[i].data, response->acks[i].len), trusted);
    }
    if (!world_failed(world)) take_certificates(world, message, response, trusted);
    tagih__v1__push_response__free_unpacked(response, NULL);
}

/* An answer may be cut or turned, too. What is left of it is read all the same. */
static struct bytes damaged_answer(struct world *world, const struct message *message, bool *damaged) {
    int percent = world->plan->weather.damage;
    bool cut = world_draw(world, FAULT_TRUNCATE, percent / 2), flip = world_draw(world, FAULT_FLIP, percent / 2);
    const struct delivery *d = &message->delivery;
    size_t len = cut && d->answer_len ? (size_t)chance_below(&world->luck, (int64_t)d->answer_len) : d->answer_len;
    if (flip && len) d->answer[chance_below(&world->luck, (int64_t)len)] ^= (uint8_t)(1u << chance_below(&world->luck, 8));
    *damaged = cut || flip;
    return bytes_make(d->answer, len);
}

/* What an undamaged call of a phone may be told when it is not served. */
static bool may_be_refused(enum call_status status) {
    return status == CALL_UNAVAILABLE || status == CALL_RESOURCE_EXHAUSTED || status == CALL_ABORTED ||
           status == CALL_DEADLINE_EXCEEDED;
}

static void listen(struct world *world, struct message *message) {
    bool lost = world_draw(world, FAULT_NO_ANSWER, world->plan->weather.no_answer), damaged;
    struct bytes answer = damaged_answer(world, message, &damaged);
    if (message->lost) return;
    if (!message->delivery.answered) {
        world_tell(world, message->from, "waits in vain for an answer");
    } else if (lost) {
        world_tell(world, message->from, "does not hear the answer, which is lost after COMMIT");
    } else if (message->delivery.status != CALL_OK) {
        world_tell(world, message->from, "is told to come again, status %d", (int)message->delivery.status);
        world->result->checks[INVARIANT_I6]++;
        if (!message->damaged && !may_be_refused(message->delivery.status)) {
            world_fail(world, INVARIANT_I6, "phone %d: a good call of %zu entries is refused with status %d",
                       message->from->number + 1, message->n, (int)message->delivery.status);
        }
    } else {
        if (damaged) world_tell(world, message->from, "gets a damaged answer");
        take_answer(world, message, answer, damaged);
    }
}

static void release(struct messages *messages) {
    for (size_t i = 0; i < messages->n; i++) {
        struct message *message = &messages->all[i];
        free(message->delivery.answer);
        if (message->owns) free(message->cargo);
        if (message->owns) free((void *)(uintptr_t)message->whole.data);
        free(message->cut);
    }
    free(messages->all);
}

/* ---- a sync ---------------------------------------------------------------------------------------------------- */

/* A phone that dies in the middle of it hears nothing more and starts anew; what it wrote is safe. */
static void listen_all(struct world *world, struct messages *messages) {
    for (size_t i = 0; i < messages->n && !world_failed(world); i++) {
        struct message *message = &messages->all[i];
        if (world_draw(world, FAULT_PHONE_CRASH, world->plan->weather.crash_in_sync)) {
            world_tell(world, message->from, "dies in the middle of its sync");
            fate_reboot(world, message->from);
        } else {
            listen(world, message);
        }
    }
}

void sync_all(struct world *world, struct handset *const *handsets, size_t n) {
    struct messages messages = {.all = calloc(MESSAGES_MAX, sizeof *messages.all)};
    assert(messages.all);
    for (size_t i = 0; i < n; i++) {
        struct handset *handset = handsets[i];
        bool away = world_may(world, FAULT_OFFLINE) && world->now_us < handset->offline_until_us;
        if (handset->on && !away) send_all(world, &messages, handset);
    }
    reorder(world, &messages);
    deliver(world, &messages);
    listen_all(world, &messages);
    for (size_t i = 0; i < n && !world_failed(world); i++) fate_new_key(world, handsets[i]);
    release(&messages);
}

void sync_late_copy(struct world *world, struct handset *handset) {
    if (!handset->n_copies) return;
    const struct copy *copy = &handset->copies[chance_below(&world->luck, (int64_t)handset->n_copies)];
    struct delivery delivery = {.request = bytes_make(copy->bytes, copy->len)};
    world_count(world, FAULT_LATE_COPY);
    world_tell(world, handset, "an old request of it arrives again");
    server_serve(world, (struct delivery *[]){&delivery}, 1);
    free(delivery.answer);
}
