/* SPDX-License-Identifier: Apache-2.0 */
/* Offers to settle as proposals: what approval_kinds.c lists of them. */
#ifndef TAGIH_RPC_OFFER_H
#define TAGIH_RPC_OFFER_H

#include "rpc/approval.h"

extern const struct approval_kind offer_kind;

#endif
