/* SPDX-License-Identifier: Apache-2.0 */
/* Names of roles, in the order of their bits. */
#include "domain/role.h"

static const char *const names[ROLE_COUNT] = {
    "collector", "officer", "supervisor", "cashier", "auditor", "integration", "admin",
};

const char *role_name(size_t i) {
    return names[i];
}

uint32_t role_parse(struct bytes name) {
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (bytes_equal(name, bytes_text(names[i]))) return 1u << i;
    }
    return 0;
}
