/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what is signed: journal entries here, documents and tokens in their own files. */
#ifndef TAGIH_DOMAIN_JOURNAL_FIELDS_H
#define TAGIH_DOMAIN_JOURNAL_FIELDS_H

#include "domain/schema.h"

/** The head with its body behind key 16; `choose` follows the kind. */
extern const struct schema journal_entry_schema;

/** Nested maps. */
extern const struct schema journal_fix_schema, journal_split_schema, journal_day_currency_schema,
    journal_day_tender_schema, journal_day_note_schema;

/** The body of a kind, or NULL. */
const struct schema *journal_body_schema(uint16_t kind);

#endif
