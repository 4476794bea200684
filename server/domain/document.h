/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of documents and of the token, for the CDDL and its check. */
#ifndef TAGIH_DOMAIN_DOCUMENT_H
#define TAGIH_DOMAIN_DOCUMENT_H

#include "domain/schema.h"

extern const struct schema device_certificate_schema, acknowledgement_schema, chain_gap_schema,
    chain_certificate_schema, allowance_schema, enrolment_proof_schema, nonce_proof_schema,
    posting_head_schema, token_schema;

#endif
