/* SPDX-License-Identifier: Apache-2.0 */
/* The installation's id, made by the first migration. */
#ifndef TAGIH_STORE_INSTALLATION_H
#define TAGIH_STORE_INSTALLATION_H

#include "store/tx.h"
#include "tagih/envelope.h"

/** Read it. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err installation_get(struct db *db, installation_id *out);

#endif
