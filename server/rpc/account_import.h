/* SPDX-License-Identifier: Apache-2.0 */
/* The import's half of AccountService; its row stands in account.c. */
#ifndef TAGIH_RPC_ACCOUNT_IMPORT_H
#define TAGIH_RPC_ACCOUNT_IMPORT_H

#include "engine/rpc.h"

TAGIH_MUST_USE tagih_err account_import_check(struct rpc_item *item);
/** Each call is a batch of rows already: it has transactions of its own, halved down to the row. */
TAGIH_MUST_USE tagih_err account_import(struct rpc_batch *batch);

#endif
