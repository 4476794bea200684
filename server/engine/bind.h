/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and descriptors, brought together at start; and what happens to every call, whatever its method. */
#ifndef TAGIH_ENGINE_BIND_H
#define TAGIH_ENGINE_BIND_H

#include "engine/rpc.h"

/** A method as it is served. */
struct rpc_bound {
    const struct rpc_method *method;
    const ProtobufCServiceDescriptor *service;
    const ProtobufCMethodDescriptor *proto;
    const ProtobufCFieldDescriptor *request_id_field; /* NULL: none */
    size_t index;
    const char *path;
};

struct rpc_table {
    struct rpc_bound *bounds;
    struct call_row *rows; /* for the doors; rows[i].method = &bounds[i] */
    size_t count;
};

/**
 * Bind every service's rows to its descriptor.
 *
 * @param report  where to write what is wrong: a method without row, a row without method, a row of other types,
 *                a method with request_id whose row does not say so; at least 256 bytes
 * @return OK · RPC_TABLE (`report` says which) · OUT_OF_MEMORY. The table lives until bind_release.
 */
TAGIH_MUST_USE tagih_err bind_services(const struct rpc_service *const *services, struct rpc_table *out, char *report,
                                       size_t report_size);
void bind_release(struct rpc_table *table);

/** Give a call its item (call->state). First thing that happens to a call; any thread. */
void bind_begin(struct call *call);

/**
 * PREPARE: everything that one call needs before the database: token, rate, unpacking, field checks. Pure CPU.
 * Afterwards the item's err says whether it may go on.
 */
void bind_prepare(const struct rpc_server *server, struct rpc_item *item, instant now);

/**
 * Serve waiting calls of one method and agency, and answer each.
 *
 * @param batch  server, db, arena, agency, now, writer set; items are n prepared ones that are OK
 * @return true: the one item is a RPC_WATCH that parks or has sent, and was not answered
 */
bool bind_serve(struct rpc_batch *batch);

/** Answer one item with its response or its error, write its log line, count it. The item is dead afterwards. */
void bind_answer(const struct rpc_server *server, struct rpc_item *item);

#endif
