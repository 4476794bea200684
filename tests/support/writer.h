/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's journal for specs: entries with a right chain and right running totals, unless the spec spoils them. */
#ifndef TAGIH_TESTS_WRITER_H
#define TAGIH_TESTS_WRITER_H

#include "contract.h"
#include "tagih/document.h"
#include "tagih/journal.h"
#include "tests/support/rig.h"

#define WRITER_ENTRIES_MAX 600

struct written {
    uint8_t bytes[ENVELOPE_MAX];
    size_t len;
    entry_id id;
    hash256 hash;
};

struct writer {
    struct rig *rig;
    struct rig_phone phone;
    int64_t seq;
    hash256 prev;
    uint64_t cum_count;
    int64_t cum_total_minor;
    instant at; /* device time of the next entry; moves on by a second */
    struct written *entries;
    size_t n;
    bool quiet; /* writer_ack does not print what it finds */
};

/** Begin a phone's journal, an hour ago. Ended by writer_end. */
void writer_begin(struct writer *writer, struct rig *rig, const struct rig_phone *phone);
/** The same on a new phone of a new collector, so that his cash is his own. @return him */
user_id writer_begin_new(struct writer *writer, struct rig *rig, agency_id agency);
void writer_end(struct writer *writer);

/** An entry of a kind with a right head; fill the body, then writer_sign. */
struct journal_entry writer_entry(struct writer *writer, uint16_t kind);
/** Sign it and move on; money of receipts and voids gets its running totals first. @return its index */
size_t writer_sign(struct writer *writer, struct journal_entry *entry);
/** Sign as it stands and do not move on: forks and other mischief. */
size_t writer_sign_as(struct writer *writer, const struct journal_entry *entry);

/** A receipt over cash; change the entry before writer_sign for more. */
struct journal_entry writer_receipt(struct writer *writer, account_id account, int64_t amount_minor);
/** A void of a written receipt with the debtor's slip. */
struct journal_entry writer_void(struct writer *writer, size_t receipt, int64_t amount_minor);

/** Sign an entry and push it; the test fails when the call is refused. @return its index */
size_t writer_pushed(struct writer *writer, struct journal_entry *entry);

/** Push entries by index. */
struct rig_answer writer_push(struct writer *writer, const size_t *indices, size_t n);
/** The same over a connection of one's own, from any thread. @param timeout_us  0: 30 s */
struct rig_answer writer_push_via(struct writer *writer, struct client *via, int64_t timeout_us, const size_t *indices,
                                  size_t n);
/** Push all of first … last, both included. */
struct rig_answer writer_push_range(struct writer *writer, size_t first, size_t last);

/** Open the i-th acknowledgement of an answer and check it: signature, entry. */
struct acknowledgement writer_ack(struct writer *writer, const struct rig_answer *answer, size_t i, size_t entry);
/** Open the chain certificate of an answer and check its signature. */
struct chain_certificate writer_certificate(struct writer *writer, const struct rig_answer *answer);
/** Does an acknowledgement name this reason? */
bool ack_says(const struct acknowledgement *ack, enum fate_reason reason);

/* ---- the next key (R-JRN-1) */

struct key_pair {
    public_key key;
    secret_key secret;
};
struct key_pair writer_new_pair(void);
/** Sign the new key with the old one. @return its index */
size_t writer_rotation(struct writer *writer, const public_key *key, uint32_t epoch);
struct rig_answer writer_authenticate(const struct writer *writer, const secret_key *secret, uint32_t epoch);
/** What a phone does after its rotation was acknowledged: it fetches its certificate and begins the next journal. Ended by
 *  writer_end. */
struct writer writer_next_epoch(const struct writer *writer, const struct key_pair *pair, uint32_t epoch);

#endif
