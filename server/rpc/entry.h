/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that wait for a person: what entry.c and entry_decide.c share, and the kinds of approval_kinds.c. */
#ifndef TAGIH_RPC_ENTRY_H
#define TAGIH_RPC_ENTRY_H

#include "domain/fate_bits.h"
#include "rpc/approval.h"
#include "book/posting.h"
#include "store/entry.h"
#include "tagih/journal.h"

/** Read the signed bytes of a stored entry. @return OK · OUT_OF_MEMORY · as envelope_open and journal_decode */
TAGIH_MUST_USE tagih_err entry_decode(const struct rpc_server *server, struct arena *arena, struct bytes body,
                                      const struct journal_entry **out);

/** What a proposal about an entry calls its subject: the first half of its hash, since ids may be used twice. */
uuid entry_subject(const hash256 *hash);

/**
 * The payment of a receipt that two people release: its id is that under which its money went into quarantine, the entry's
 * own or, when that is another entry's, the one made of its hash. What money it is made of, and its post, are the caller's. Pure.
 */
struct post entry_released_payment(const struct journal_receipt *receipt, uuid id, account_id account, instant value, user_id collector);

/** What keeps a receipt from its account, as a reason of its own. @return OK: nothing */
TAGIH_MUST_USE tagih_err entry_why_not(fate_bits hindrance);
/** Is there such an account, in this currency? A round trip of its own. @return OK · ENTRY_ACCOUNT · ACCOUNT_CURRENCY · as tx_sync */
TAGIH_MUST_USE tagih_err entry_judge_account(struct rpc_batch *batch, account_id id, currency in);

extern const struct approval_kind entry_kind, void_kind;

#endif
