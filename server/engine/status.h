/* SPDX-License-Identifier: Apache-2.0 */
/* From a reason of err.def to what a client sees: one gRPC status, one sentence, google.rpc.Status details. */
#ifndef TAGIH_ENGINE_STATUS_H
#define TAGIH_ENGINE_STATUS_H

#include "engine/rpc.h"

/** The gRPC status of a reason, by its class. Pure. */
enum call_status status_of(tagih_err err);

/** The status's name, "INVALID_ARGUMENT". Pure. */
const char *status_name(enum call_status status);

/**
 * Fill an error reply: ErrorInfo {reason, domain "tagih", token}, BadRequest for problems, RetryInfo when
 * retry_after_us > 0. The inner code and message repeat the outer ones (stack: some clients show only those).
 * Without memory for the details the status and text still go out.
 */
void status_fill(struct call_reply *reply, struct arena *arena, tagih_err err, const struct rpc_problem *problems,
                 int64_t retry_after_us);

#endif
