/* SPDX-License-Identifier: Apache-2.0 */
/* What all handlers share, made by main once; read-only afterwards except where a member guards itself. */
#ifndef TAGIH_ENGINE_SERVER_H
#define TAGIH_ENGINE_SERVER_H

#include "engine/rpc.h"
#include "run/keys.h"

struct chore;
struct feed;
struct rate_limits;
struct reflection;
struct tally;
struct token_cache;

struct rpc_server {
    installation_id installation;
    const struct keyring *keys;
    struct token_cache *tokens;
    struct rate_limits *rates;
    struct feed *feed;
    struct crew *crew;
    const struct rpc_service *const *services; /* ends with NULL */
    const struct chore *chores;                /* of the minute; ends with one without a name */
    const struct reflection *reflection;       /* the contract, for tools; NULL: none */
    struct tally *tally;                       /* what is counted of calls; NULL: nobody counts */
};

#endif
