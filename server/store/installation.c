/* SPDX-License-Identifier: Apache-2.0 */
/* Which installation this is. */
#include "store/installation.h"

#include <string.h>

#include "store_statements.h"

tagih_err installation_get(struct db *db, installation_id *out) {
    uint8_t memory[1024];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct params p;
    params_init(&p, &arena, STMT_installation_get, 0);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, INT64_MAX, &r));
    if (result_count(&r) != 1) return FAIL(STORE_SCHEMA);
    uuid id = result_uuid(&r, 0, COL_installation_get_installation_id);
    memcpy(out->b, id.b, sizeof out->b);
    return TAGIH_OK;
}
