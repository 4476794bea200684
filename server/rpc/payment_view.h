/* SPDX-License-Identifier: Apache-2.0 */
/* A payment as clients see it, the same in every answer. */
#ifndef TAGIH_RPC_PAYMENT_VIEW_H
#define TAGIH_RPC_PAYMENT_VIEW_H

#include "contract.h"
#include "engine/rpc.h"
#include "store/payment.h"

/** Fill a new message, its newest allocation included. @param parts  those of this payment. @return NULL: no memory */
Tagih__V1__Payment *payment_view(struct rpc_item *item, const struct payment_read *read, const struct payment_part *parts,
                                 size_t n_parts);

/** The etag of a payment: it changes with every new allocation and with the reversal. */
char *payment_etag(struct rpc_item *item, const struct payment_read *read);

/** Components as a message; NULL: no memory. */
Tagih__V1__Components *components_view(struct rpc_item *item, const int64_t minor[COMPONENT_COUNT]);
/** And back. */
void components_read(const Tagih__V1__Components *message, int64_t out_minor[COMPONENT_COUNT]);
/** Money as a message; NULL: no memory. */
Tagih__V1__Money *money_view(struct rpc_item *item, int64_t minor, struct bytes in);

#endif
