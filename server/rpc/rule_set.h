/* SPDX-License-Identifier: Apache-2.0 */
/* Rule sets as proposals: what approval_kinds.c lists of them. */
#ifndef TAGIH_RPC_RULE_SET_H
#define TAGIH_RPC_RULE_SET_H

#include "rpc/approval.h"

extern const struct approval_kind rule_set_kind, rule_set_version_kind;

#endif
