/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals: the one place where maker ≠ checker is enforced (R-APR-1). A feature writes a kind and one line in
 * approval_kinds.c:
 *
 *     maker's handler:  check → own LOAD, rpc_load → judge → approval_propose → answer with the proposal's id
 *     kind.execute():   own LOCK and LOAD, tx_sync → judge again → book with approval_join → book_save
 *
 * execute() runs in the decider's transaction, after his role was checked and under the proposal's lock, which comes
 * before all others. What it returns other than OK rolls everything back and is his answer; the proposal stays open. So
 * it judges the world as it is now and never trusts what the maker had seen.
 */
#ifndef TAGIH_RPC_APPROVAL_H
#define TAGIH_RPC_APPROVAL_H

#include "book/posting.h"
#include "contract.h"
#include "engine/rpc.h"

/** How long a proposal may wait for its second person (default). */
#define APPROVAL_DAYS 14
/** The longest request of a maker, packed; the database checks it too. */
#define APPROVAL_REQUEST_MAX 8192

struct approval;

/** What can be proposed. */
struct approval_kind {
    Tagih__V1__ProposalKind number; /* stored: approval.proto */
    const char *name;               /* "refund", for logs and people */
    uint32_t roles_decide;          /* any of them */
    const ProtobufCMessageDescriptor *request; /* of the maker's call */
    /** Do it. @return OK · any reason: nothing happens, the proposal stays open */
    tagih_err (*execute)(struct rpc_batch *batch, struct approval *proposal);
    /** Refused or withdrawn: what else follows from it, in the same transaction; NULL: nothing. */
    tagih_err (*refuse)(struct rpc_batch *batch, struct approval *proposal);
};

/** A proposal under decision. */
struct approval {
    uuid id;
    const struct approval_kind *kind;
    uuid subject;
    bool has_account, has_amount;
    account_id account;
    int64_t amount_minor;
    currency currency;
    const void *request; /* the maker's, unpacked; its type is the kind's */
    user_id made_by;     /* the maker */
    instant made;
    struct bytes made_reason;
    user_id decided_by; /* who decides: the caller */
    struct bytes reason;
    int16_t verdict; /* enum proposal_state */
    uuid posting;    /* where the decision was recorded; nil: not yet */
};

/** A maker's proposal. Members left zero are absent. */
struct approval_making {
    Tagih__V1__ProposalKind kind;
    uuid subject;         /* at most one open proposal of a kind about one subject */
    account_id account;   /* nil: none */
    bool has_amount;
    int64_t amount_minor;
    currency currency;
    const ProtobufCMessage *request; /* of the kind's type; NULL: the item's own */
    const char *reason;   /* the maker's words; NULL: none */
    uuid id;              /* nil: a new one */
    const struct params *facts; /* own fact rows of the maker's event; their posting_id is `id`, which is given then */
    size_t n_facts;
};

/** A subject that has no id: what names it, as the first 16 bytes of the SHA-256 over all parts one behind the other. Pure. */
uuid approval_subject(const struct bytes *parts, size_t n);

/**
 * Make a proposal, two round trips. After rpc_load, with nothing queued.
 *
 * @param out  [out] its id
 * @return OK · PROPOSAL_EXISTS one of this kind about this subject is open · PROPOSAL_TOO_LARGE · as tx_sync. An error
 *         that is returned from serve() rolls the maker's whole call back.
 */
TAGIH_MUST_USE tagih_err approval_propose(struct rpc_batch *batch, struct rpc_item *item,
                                          const struct approval_making *making, uuid *out);

/**
 * Let the decision be a fact of this post, behind those that it has. Before book_decide; once, for one post of the
 * event. Without it the decision becomes a posting of its own.
 */
TAGIH_MUST_USE tagih_err approval_join(struct rpc_batch *batch, struct approval *proposal, struct post *post);

/** All kinds; ends with NULL. approval_kinds.c is the list. */
extern const struct approval_kind *const approval_kinds[];
/** NULL: no such kind here. */
const struct approval_kind *approval_kind_find(int number);

#endif
