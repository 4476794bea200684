/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to phones: they are switched off, restored from a backup, copied, set to another time, barred, moved to
 * other accounts, and given new keys. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum { DEVICE_ACTIVE = 2, DEVICE_SUSPENDED = 3, DEVICE_REVOKED = 4 };

/* ---- switched off, set to another time ------------------------------------------------------------------------- */

void fate_reboot(struct world *world, struct handset *handset) {
    struct phone *phone = handset_phone(handset);
    phone->now_us = world->now_us;
    phone_reboot(phone);
}

void fate_clock(struct world *world, struct handset *handset, int64_t minutes) {
    handset_phone(handset)->skew_us = minutes * US_PER_MINUTE;
    world_count(world, FAULT_CLOCK);
    if (minutes) world_tell(world, handset, "its clock jumps by %lld minutes", (long long)minutes);
    else world_tell(world, handset, "its clock is set right");
}

/* ---- backups (R-JRN-9) ----------------------------------------------------------------------------------------- */

void fate_backup(struct world *world, struct handset *handset) {
    const struct phone *phone = handset_phone(handset);
    size_t epoch = handset->n_epochs - 1;
    free(handset->backup);
    struct backup *backup = handset->backup = calloc(1, sizeof *backup);
    assert(backup);
    *backup = (struct backup){.is = true,
                              .epochs = handset->n_epochs,
                              .records = phone->record_count,
                              .receipt_no = phone->receipt_no,
                              .contact = phone->contact,
                              .head_hash = phone->head_hash,
                              .contiguous_seq = phone->contiguous_seq};
    memcpy(backup->counts, handset->counts[epoch], sizeof backup->counts);
    memcpy(backup->totals_minor, handset->totals_minor[epoch], sizeof backup->totals_minor);
    for (size_t i = 0; i < phone->record_count; i++) backup->acked[i] = phone->records[i].acked;
    world_tell(world, handset, "is backed up, %zu entries", phone->record_count);
}

/* The phone that held it forgets it. Nobody else has it, unless it was handed in before. */
static void forget(struct world *world, struct phone *phone, size_t from) {
    for (size_t i = from; i < phone->record_count; i++) {
        struct issued *issued = truth_find(&world->truth, &phone->records[i].hash);
        issued->lost = true;
        if (!issued->ack_len) issued->honest = false;
        free(phone->records[i].bytes);
    }
    memset(phone->records + from, 0, (phone->record_count - from) * sizeof *phone->records);
    phone->record_count = from;
}

static bool has_clone(const struct world *world, const struct handset *handset) {
    for (size_t i = 0; i < world->n_handsets; i++) {
        const struct handset *other = &world->handsets[i];
        if (other != handset && other->on && other->number == handset->number) return true;
    }
    return false;
}

static void drop_rotation(struct handset *handset) {
    if (handset->rotation) phone_release(&handset->next);
    handset->rotation = NULL;
}

void fate_restore(struct world *world, struct handset *handset) {
    struct backup *backup = handset->backup;
    if (!backup || has_clone(world, handset)) return;
    size_t before = handset->n_epochs;
    for (; handset->n_epochs > backup->epochs; handset->n_epochs--) {
        forget(world, handset_phone(handset), 0);
        phone_release(handset_phone(handset));
    }
    struct phone *phone = handset_phone(handset);
    size_t epoch = handset->n_epochs - 1, gone = phone->record_count - backup->records;
    drop_rotation(handset);
    forget(world, phone, backup->records);
    for (size_t i = 0; i < phone->record_count; i++) phone->records[i].acked &= backup->acked[i];
    phone->head_hash = backup->head_hash;
    phone->contact = backup->contact;
    phone->receipt_no = backup->receipt_no;
    phone->contiguous_seq = backup->contiguous_seq;
    memcpy(handset->counts[epoch], backup->counts, sizeof backup->counts);
    memcpy(handset->totals_minor[epoch], backup->totals_minor, sizeof backup->totals_minor);
    handset->is_forked |= gone > 0 || before > handset->n_epochs;
    fate_reboot(world, handset);
    world_count(world, FAULT_RESTORE);
    world_tell(world, handset, "is restored from its backup; its last %zu entries are gone", gone);
}

/* ---- clones ---------------------------------------------------------------------------------------------------- */

static void copy_phone(struct world *world, const struct phone *from, struct phone *to) {
    *to = *from;
    to->chance = world->luck;
    to->records = calloc(PHONE_RECORDS_MAX, sizeof *to->records);
    to->extras = calloc(PHONE_EXTRAS_MAX, sizeof *to->extras);
    assert(to->records && to->extras);
    for (size_t i = 0; i < from->record_count; i++) {
        to->records[i] = from->records[i];
        to->records[i].bytes = malloc(from->records[i].len);
        assert(to->records[i].bytes);
        memcpy(to->records[i].bytes, from->records[i].bytes, from->records[i].len);
    }
}

void fate_clone(struct world *world, struct handset *handset) {
    if (world->n_handsets == HANDSETS_MAX || has_clone(world, handset)) return;
    struct handset *clone = &world->handsets[world->n_handsets++];
    *clone = *handset;
    clone->is_clone = true;
    clone->rotation = NULL;
    clone->backup = NULL;
    clone->n_copies = 0;
    memset(clone->copies, 0, sizeof clone->copies);
    clone->bag_minor = 0;
    for (size_t e = 0; e < handset->n_epochs; e++) copy_phone(world, &handset->epochs[e], &clone->epochs[e]);
    handset->is_forked = clone->is_forked = true;
    world_count(world, FAULT_CLONE);
    world_tell(world, handset, "is copied; both work on");
}

/* ---- barred ---------------------------------------------------------------------------------------------------- */

/* What a revoked phone has not handed in yet may wait for a person (R-REC-7). */
static void doubt(struct world *world, int number) {
    for (size_t i = 0; i < world->truth.n; i++) {
        struct issued *issued = world->truth.all[i];
        if (!issued->ack_len && uuid_equal(issued->device.u, world->devices[number].u)) issued->honest = false;
    }
    for (size_t i = 0; i < world->n_handsets; i++) {
        if (world->handsets[i].number == number) world->handsets[i].barred = true;
    }
}

void fate_device(struct world *world, struct handset *handset, int state) {
    static const char *const words[] = {
        [DEVICE_ACTIVE] = "let in again", [DEVICE_SUSPENDED] = "suspended", [DEVICE_REVOKED] = "revoked"};
    if (handset->barred) return;
    if (state == DEVICE_REVOKED) doubt(world, handset->number);
    model_phone_state(world->model, world->agency, world->devices[handset->number], state, world->now_us);
    world_count(world, state == DEVICE_REVOKED ? FAULT_REVOKE : FAULT_SUSPEND);
    world_tell(world, handset, "is %s", words[state]);
}

void fate_lease(struct world *world, struct handset *handset, const struct event *event) {
    size_t each = world->n_accounts / (size_t)world->plan->phones;
    const struct account_of *account =
        &world->accounts[(size_t)handset->number * each + (size_t)chance_below(&world->luck, (int64_t)each)];
    bool visit = chance_percent(&world->luck, 50);
    uuid id;
    chance_bytes(&world->luck, id.b, sizeof id.b);
    user_id to = world->users[event->other];
    if (visit) model_lease(world->model, world->agency, account->visit, to, world->now_us, world->now_us + US_PER_DAY);
    else model_assign(world->model, world->agency, account->id, to, id, world->now_us);
    world_count(world, FAULT_LEASE);
    world_tell(world, handset, "%s of it goes to phone %d", visit ? "a visit" : "an account", event->other + 1);
}

/* ---- another key (R-JRN-1) ------------------------------------------------------------------------------------- */

/* What Authenticate would answer the new key: its certificate, if the server made one. */
static struct bytes find_certificate(const struct world *world, device_id device, uint32_t epoch, int64_t *valid_from_us) {
    struct model_rows rows = model_rows(world->model, "device_key");
    int of_device = model_column(&rows, "device_id"), of_epoch = model_column(&rows, "epoch");
    int certificate = model_column(&rows, "certificate"), valid_from = model_column(&rows, "valid_from_us");
    while (model_next(&rows)) {
        if (!uuid_equal(model_uuid(&rows, of_device), device.u) || model_int(&rows, of_epoch) != epoch) continue;
        *valid_from_us = model_int(&rows, valid_from);
        return model_bytes(&rows, certificate);
    }
    return (struct bytes){NULL, 0};
}

void fate_new_key(struct world *world, struct handset *handset) {
    if (!handset->rotation || !handset->rotation->acked) return;
    struct phone *next = &handset->next, *old = handset_phone(handset);
    int64_t valid_from_us = 0;
    bool granted = handset->rotation->fate == FATE_POSTED || handset->rotation->fate == FATE_POSTED_FLAGGED;
    struct bytes certificate =
        granted ? find_certificate(world, next->device, next->epoch, &valid_from_us) : (struct bytes){NULL, 0};
    if (!certificate.data || !phone_take_device_certificate(next, certificate)) {
        drop_rotation(handset);
        return;
    }
    next->now_us = world->now_us;
    next->skew_us = old->skew_us;
    next->booted_us = old->booted_us;
    next->boot = old->boot;
    next->shift = old->shift;
    next->contact = old->contact;
    next->receipt_no = old->receipt_no;
    handset->issued[handset->n_epochs].us = valid_from_us;
    handset->epochs[handset->n_epochs++] = *next;
    handset->rotation = NULL;
    world_tell(world, handset, "writes with its new key from now on, epoch %u", next->epoch);
}
