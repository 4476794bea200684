/* SPDX-License-Identifier: Apache-2.0 */
/* Every method that the server has, out of its own table: a new one is met by every spec that walks here. */
#ifndef TAGIH_TESTS_METHODS_H
#define TAGIH_TESTS_METHODS_H

#include <stdio.h>
#include <string.h>

#include "engine/rpc.h"
#include "rpc/services.h"

struct method {
    const struct rpc_method *row;
    const ProtobufCMethodDescriptor *proto;
    bool ours;      /* of tagih.v1; else of health or reflection */
    char name[160]; /* "AccountService/GetAccount"; with its package when it is not ours */
    char path[160]; /* "/tagih.v1.AccountService/GetAccount" */
};

/** The next one of all; begins with *service = *at = 0. */
static inline bool methods_next(struct method *m, size_t *service, size_t *at) {
    for (; rpc_services[*service]; (*service)++, *at = 0) {
        const struct rpc_service *s = rpc_services[*service];
        if (!s->methods[*at].name) continue;
        m->row = &s->methods[(*at)++];
        m->proto = protobuf_c_service_descriptor_get_method_by_name(s->proto, m->row->name);
        m->ours = strncmp(s->proto->name, "tagih.v1.", 9) == 0;
        snprintf(m->name, sizeof m->name, "%s/%s", m->ours ? s->proto->short_name : s->proto->name, m->row->name);
        snprintf(m->path, sizeof m->path, "/%s/%s", s->proto->name, m->row->name);
        return true;
    }
    return false;
}

#define FOR_ALL_METHODS(m) \
    struct method m;       \
    for (size_t service_ = 0, at_ = 0; methods_next(&m, &service_, &at_);)

/** The unary ones of tagih.v1. */
#define FOR_EACH_METHOD(m) FOR_ALL_METHODS(m) if (m.ours && !m.row->stream && !m.row->bidi)

#endif
