/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone changes its key (R-JRN-1): the old key signs the new one in an entry, the server certifies it in
 * the same transaction, and the old epoch's chain is closed at that entry. The phone fetches the certificate
 * by Authenticate, signed with the new key; until then it knows from the acknowledgement alone whether the
 * key was taken.
 */
#include <string.h>

#include "rpc/entries.h"
#include "rpc/issue.h"
#include "store/device.h"

void rotation__plan(struct entries *entries, struct sealed *s) {
    s->rotation = &entries->rotations[entries->n_rotations];
    entries->new_keys[entries->n_rotations++] = s->entry->body.rotation.new_key;
    *s->rotation = (struct rotation){.sealed = s};
}

tagih_err rotations__send(struct entries *entries) {
    if (entries->n_rotations == 0) return TAGIH_OK;
    return device_send_keys(entries->tx, entries->arena, entries->new_keys, entries->n_rotations);
}

tagih_err rotations__take(struct entries *entries) {
    if (entries->n_rotations == 0) return TAGIH_OK;
    bool *seen = ARENA_ARRAY(entries->arena, entries->n_rotations, bool);
    if (!seen) return FAIL(OUT_OF_MEMORY);
    device_take_keys(entries->tx, seen, entries->n_rotations);
    for (size_t i = 0; i < entries->n_rotations; i++) entries->rotations[i].seen = seen[i];
    return TAGIH_OK;
}

/* Another phone of this very batch got this key. */
static bool key_taken_here(const struct entries *entries, const public_key *key) {
    for (size_t i = 0; i < entries->n_rotations; i++) {
        if (entries->rotations[i].granted && memcmp(entries->new_keys[i].b, key->b, sizeof key->b) == 0)
            return true;
    }
    return false;
}

void rotation__decide(struct entries *entries, struct sealed *s) {
    struct chain_state *chain = &entries->loaded.chains[s->chain];
    const struct journal_key_rotation *body = &s->entry->body.rotation;
    bool next = chain->device_epoch == (int32_t)s->entry->epoch && body->new_epoch <= INT32_MAX &&
                (int64_t)body->new_epoch == (int64_t)s->entry->epoch + 1;
    bool good = chain->device_state == DEVICE_STATE_ACTIVE && next &&
                err_is_ok(public_key_check(&body->new_key)) && !s->rotation->seen &&
                !key_taken_here(entries, &body->new_key);
    if (!good) entry__flag(s, REASON_BAD_KEY);
    if (entry__is_quarantined(s)) return;
    s->rotation->granted = true;
    chain->device_epoch = (int32_t)body->new_epoch;
    chain->closed_seq = s->entry->seq;
}

static tagih_err save_one(struct entries *entries, const struct sealed *s) {
    const struct journal_key_rotation *body = &s->entry->body.rotation;
    struct device_certificate certificate = {.agency = entries->agency,
                                             .device = s->entry->device,
                                             .key = body->new_key,
                                             .epoch = body->new_epoch,
                                             .user = s->by->certificate.user,
                                             .valid_from = entries->now};
    struct device_confirmed row = {.device = s->entry->device,
                                   .epoch = body->new_epoch,
                                   .user = certificate.user,
                                   .actor = certificate.user,
                                   .key = body->new_key};
    TRY(issue_certificate(entries->server, entries->arena, &certificate, &row.certificate,
                          &row.certificate_hash));
    TRY(device_send_rotate(entries->tx, entries->arena, &row, s->entry->seq, entries->now));
    return journal_send_closed(entries->tx, entries->arena, s->entry->device, (int32_t)s->entry->epoch,
                               s->entry->seq, (int64_t)fate_bit(REASON_EPOCH_CLOSED), entries->now);
}

tagih_err rotations__save(struct entries *entries) {
    for (size_t i = 0; i < entries->n_rotations; i++) {
        if (entries->rotations[i].granted) TRY(save_one(entries, entries->rotations[i].sealed));
    }
    return TAGIH_OK;
}
