/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.health.v1.Health: whether this server wants calls, as a whole ("") and by service. It speaks of the process, not
 * of the database: a database that is down makes calls UNAVAILABLE on every server alike, and a balancer that then took
 * all of them away would only make it last longer. Needs no token. NOT_SERVING from the moment the server drains.
 */
#include <string.h>

#include "contract.h"
#include "engine/crew.h"
#include "engine/server.h"
#include "rpc/services.h"

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;

static bool is_served(const struct rpc_server *server, const char *name) {
    if (!*name) return true;
    for (size_t i = 0; server->services[i]; i++) {
        if (strcmp(server->services[i]->proto->name, name) == 0) return true;
    }
    return false;
}

static serving_status status_now(const struct rpc_server *server, const struct rpc_item *item) {
    const Grpc__Health__V1__HealthCheckRequest *request = item->request;
    if (!is_served(server, request->service)) {
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    }
    return crew_is_draining(server->crew) ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
                                          : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
}

static tagih_err check(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        Grpc__Health__V1__HealthCheckResponse *response = item->response;
        if (!rpc_ok(item)) continue;
        response->status = status_now(batch->server, item);
        if (response->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN) {
            rpc_fail(item, FAIL(HEALTH_SERVICE_UNKNOWN));
        }
    }
    return TAGIH_OK;
}

/* The status, and again whenever it is another one. An unknown service is no error here: it may come to be known. */
static tagih_err watch(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    serving_status now = status_now(batch->server, item), *told = item->watch;
    if (told && *told == now) {
        item->next_step = RPC_PARK;
        item->park_until_us = INT64_MAX;
        return TAGIH_OK;
    }
    if (!told && !(told = rpc_alloc(item, sizeof *told))) return TAGIH_OK;
    *told = now;
    item->watch = told;
    Grpc__Health__V1__HealthCheckResponse *response = item->response;
    response->status = now;
    return rpc_send(batch, item, &response->base);
}

#define HEALTH_METHOD(name_, handler) \
    RPC_METHOD_OF("Grpc__Health__V1__", name_, handler, HealthCheckRequest, HealthCheckResponse)

const struct rpc_service health_service = {
    .proto = &grpc__health__v1__health__descriptor,
    .methods = (const struct rpc_method[]){
        {HEALTH_METHOD("Check", check), .kind = RPC_OWN, .open = true},
        {HEALTH_METHOD("Watch", watch), .kind = RPC_WATCH, .open = true, .stream = true},
        {0}}};
