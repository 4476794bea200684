/* SPDX-License-Identifier: Apache-2.0 */
/* SyncService: entries go up (push.c), the day's work comes down (pull.c). */
#include "contract.h"
#include "rpc/pull.h"
#include "rpc/push.h"
#include "rpc/services.h"

const struct rpc_service sync_service = {
    .proto = &tagih__v1__sync_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("Push", push, PushRequest, PushResponse), .check = push_request, .kind = RPC_OWN, .open = true,
         .writes = true, .deadline_ms_max = 30000},
        {RPC_METHOD("Pull", pull, PullRequest, PullResponse), .check = pull_check, .kind = RPC_BATCH,
         .roles = ROLES_FIELD, .device = true, .deadline_ms_max = 10000},
        {0}}};
