/* SPDX-License-Identifier: Apache-2.0 */
/* The roles (domain words): bits, because a person may have several. Stored as they are: add, never renumber. */
#ifndef TAGIH_DOMAIN_ROLE_H
#define TAGIH_DOMAIN_ROLE_H

#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"

enum role {
    ROLE_COLLECTOR = 1 << 0,
    ROLE_OFFICER = 1 << 1, /* repossession officer */
    ROLE_SUPERVISOR = 1 << 2,
    ROLE_CASHIER = 1 << 3,
    ROLE_AUDITOR = 1 << 4,
    ROLE_INTEGRATION = 1 << 5, /* the core-banking system */
    ROLE_ADMIN = 1 << 6
};

#define ROLE_COUNT 7
#define ROLES_FIELD ((uint32_t)(ROLE_COLLECTOR | ROLE_OFFICER))
#define ROLES_OFFICE ((uint32_t)(ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_AUDITOR | ROLE_INTEGRATION | ROLE_ADMIN))
#define ROLES_ALL (ROLES_FIELD | ROLES_OFFICE)

/** The name of the i-th role, 0 <= i < ROLE_COUNT: "collector". */
const char *role_name(size_t i);

/** The bit of a role's name, 0 when there is no such role. Pure. */
uint32_t role_parse(struct bytes name);

#endif
