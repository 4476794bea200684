/* SPDX-License-Identifier: Apache-2.0 */
/* MatchLine: two people say what a line of the bank's statement is (R-PAY-5d). */
#ifndef TAGIH_RPC_BANK_MATCH_H
#define TAGIH_RPC_BANK_MATCH_H

#include "rpc/approval.h"

tagih_err match_line_check(struct rpc_item *item);
tagih_err match_line(struct rpc_batch *batch);

extern const struct approval_kind bank_match_kind;

#endif
