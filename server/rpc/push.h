/* SPDX-License-Identifier: Apache-2.0 */
/* SyncService.Push: entries of field journals, whoever brings them. Its row stands in sync.c. */
#ifndef TAGIH_RPC_PUSH_H
#define TAGIH_RPC_PUSH_H

#include "engine/rpc.h"

/** PREPARE: open and verify certificates and entries. */
TAGIH_MUST_USE tagih_err push_request(struct rpc_item *item);

/** All waiting pushes of one agency (RPC_OWN). */
TAGIH_MUST_USE tagih_err push(struct rpc_batch *batch);

#endif
