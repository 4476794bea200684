/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server and a phone sign besides entries and tokens: each document is one CBOR map in an envelope
 * of its own type. server/domain/document.c holds one table of fields a document; proto/README.md has the
 * CDDL. These bytes can never change.
 *
 * For each there are two functions, `<name>_sign` and `<name>_open`; opening checks the form and computes the
 * hash, the signature is checked by envelope_verify() with the key that the envelope names.
 */
#ifndef TAGIH_DOCUMENT_H
#define TAGIH_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/envelope.h"
#include "tagih/fate.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/time.h"

/** The server's word that a key belongs to a device, from an epoch on (R-JRN-1). Its hash starts the chain.
 */
struct device_certificate {
    agency_id agency;
    device_id device;
    public_key key;
    uint32_t epoch; /* from 1 */
    user_id user;
    instant valid_from; /* when it was issued, too */
    bool rescue;        /* a restored or reinstalled phone (R-JRN-9) */
};

#define ACKNOWLEDGEMENT_REASONS_MAX 16

/** The countersignature of one entry: its first fate, made once (R-JRN-6). */
struct acknowledgement {
    hash256 entry_hash;
    uint16_t fate; /* enum fate */
    size_t reason_count;
    uint16_t reasons[ACKNOWLEDGEMENT_REASONS_MAX]; /* enum fate_reason, rising */
    instant received;
    bool has_missing;
    entry_id missing; /* what a WAITING entry waits for */
};

#define CHAIN_GAPS_MAX 32

/** A run of seqs, both included, whose absence a supervisor accepted. */
struct chain_gap {
    int64_t first, last;
};

/** What the server holds of a chain; with acknowledgements it allows the phone to delete (R-JRN-6). */
struct chain_certificate {
    device_id device;
    uint32_t epoch;
    int64_t contiguous_seq; /* every seq up to here has a fate other than EVIDENCE, or lies in a gap */
    hash256 head_hash; /* hash of the entry at contiguous_seq; of the device certificate when that is 0 */
    instant received;  /* server time when this was made */
    size_t gap_count;
    struct chain_gap gaps[CHAIN_GAPS_MAX];
};

/** How much a phone may take offline, and until when: the offline lease (R-REC-5). */
struct allowance {
    device_id device;
    user_id user;
    int64_t per_receipt_minor;
    int64_t cash_held_minor;
    uint32_t count; /* receipts */
    currency currency;
    instant issued;
    instant until;
};

/** Signed by the new device key: it exists, and its owner knows the one-time code (R-JRN-1). */
struct enrolment_proof {
    public_key key;
    hash256 code_hash; /* SHA-256 of the one-time code's characters */
    instant made;      /* device time */
};

/** Signed by a device key: it holds the key now. The nonce is the server's. */
struct nonce_proof {
    device_id device;
    uint32_t epoch;
    uint8_t nonce[32];
};

/** The newest digest of a chain of postings, signed hourly and at month close. Writer 0 is the chain of the seals. */
struct posting_head {
    agency_id agency;
    uint64_t writer;
    int64_t number; /* of the posting in that chain, from 1 */
    hash256 digest;
    instant made;
    bool has_month;
    civil_date month; /* first day of the month that was closed */
};

/*
 * name_sign(document, installation, key, out, size, len): OK · PAYLOAD_FIELD a value out of range ·
 * BUFFER_SMALL (ENVELOPE_MAX bytes always suffice). Pure; the same document gives the same bytes.
 * name_open(in, installation, document, envelope): OK · ENVELOPE_* as envelope_open · PAYLOAD_SYNTAX ·
 * PAYLOAD_FIELD. Pure. It does not verify.
 */
#define DOCUMENT_FUNCTIONS(name)                                                                         \
    TAGIH_MUST_USE tagih_err name##_sign(const struct name *document, installation_id installation,      \
                                         const secret_key *key, uint8_t *out, size_t size, size_t *len); \
    TAGIH_MUST_USE tagih_err name##_open(struct bytes in, installation_id installation,                  \
                                         struct name *document, struct envelope *envelope)

DOCUMENT_FUNCTIONS(device_certificate);
DOCUMENT_FUNCTIONS(acknowledgement);
DOCUMENT_FUNCTIONS(chain_certificate);
DOCUMENT_FUNCTIONS(allowance);
DOCUMENT_FUNCTIONS(enrolment_proof);
DOCUMENT_FUNCTIONS(nonce_proof);
DOCUMENT_FUNCTIONS(posting_head);

#endif
