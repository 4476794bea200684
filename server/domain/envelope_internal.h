/* SPDX-License-Identifier: Apache-2.0 */
/* The two steps below the envelope, apart so that foreign COSE and Ed25519 vectors run through the same code.
 */
#ifndef TAGIH_DOMAIN_ENVELOPE_INTERNAL_H
#define TAGIH_DOMAIN_ENVELOPE_INTERNAL_H

#include "tagih/envelope.h"

/** Room for a Sig_structure over any protected header and payload of one envelope. */
#define ENVELOPE__SIGNED_MAX (ENVELOPE_MAX + 256)

/** Write the Sig_structure (RFC 9052 §4.4). Parts longer than an envelope are a bug of the caller (asserted).
 */
struct bytes envelope__to_be_signed(struct bytes protected_header, struct bytes aad, struct bytes payload,
                                    uint8_t out[ENVELOPE__SIGNED_MAX]);

/** Ed25519 over the bytes given; `signature` has ENVELOPE_SIGNATURE_SIZE bytes. */
bool envelope__is_signed(struct bytes to_be_signed, const uint8_t *signature, const public_key *key);

#endif
