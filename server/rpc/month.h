/* SPDX-License-Identifier: Apache-2.0 */
/* Months as clients name them. */
#ifndef TAGIH_RPC_MONTH_H
#define TAGIH_RPC_MONTH_H

#include "engine/rpc.h"
#include "rpc/approval.h"

/** A month closes (approval_kinds.c). */
extern const struct approval_kind month_close_kind;

/** Read "YYYY-MM" as its first day; false: the field is reported as DATE_SYNTAX. */
bool rpc_check_month(struct rpc_item *item, const char *field, const char *text, civil_date *out);

#endif
