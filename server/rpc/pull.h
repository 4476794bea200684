/* SPDX-License-Identifier: Apache-2.0 */
/* SyncService.Pull: the handlers of its row (sync.c). */
#ifndef TAGIH_RPC_PULL_H
#define TAGIH_RPC_PULL_H

#include "engine/rpc.h"

TAGIH_MUST_USE tagih_err pull_check(struct rpc_item *item);
TAGIH_MUST_USE tagih_err pull(struct rpc_batch *batch);

#endif
