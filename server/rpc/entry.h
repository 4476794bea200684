/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that wait for a person: what entry.c and entry_decide.c share, and the kinds of approval_kinds.c. */
#ifndef TAGIH_RPC_ENTRY_H
#define TAGIH_RPC_ENTRY_H

#include "rpc/approval.h"
#include "store/entry.h"
#include "tagih/journal.h"

/** Read the signed bytes of a stored entry. @return OK · OUT_OF_MEMORY · as envelope_open and journal_decode */
TAGIH_MUST_USE tagih_err entry_decode(const struct rpc_server *server, struct arena *arena, struct bytes body,
                                      const struct journal_entry **out);

/** What a proposal about an entry calls its subject: the first half of its hash, since ids may be used twice. */
uuid entry_subject(const hash256 *hash);

extern const struct approval_kind entry_kind, void_kind;

#endif
