/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a posting: one SHA-256 over a canonical encoding of every row that the posting inserted, chained per
 * (agency, writer). These bytes can never change; tests/support/figures.py builds the same from this text alone.
 *
 *   field   = one type byte, then (all integers big-endian, signed ones in two's complement)
 *               00 null       nothing
 *               01 bool       1 byte, 00 or 01
 *               02 integer    8 bytes signed
 *               03 uuid       16 bytes
 *               04 bytes      4 bytes length unsigned, then the bytes
 *               05 text       4 bytes length unsigned, then UTF-8
 *               06 date       4 bytes signed, days since 1970-01-01
 *               07 instant    8 bytes signed, microseconds since 1970-01-01T00:00:00Z
 *   row     = 2 bytes kind, 2 bytes number of fields, the fields
 *   start   = SHA-256( "tagih.chain.1" 00 00 00 ‖ agency, 16 bytes ‖ writer, 8 bytes signed )
 *   digest  = SHA-256( "tagih.posting.1" 00 ‖ prev, 32 bytes ‖ SHA-256(row 1) ‖ … ‖ SHA-256(row n) ‖ n, 4 bytes )
 *   prev    = the writer's last digest, or start
 *
 * Order of rows: kinds ascending (asserted), within a kind by primary key, so that a verifier that reads the tables
 * finds it again. Misuse (a row with another number of fields) is a bug of ours and asserted.
 */
#ifndef TAGIH_DOMAIN_POSTING_H
#define TAGIH_DOMAIN_POSTING_H

#include <sodium.h>

#include "tagih/bytes.h"
#include "tagih/id.h"
#include "tagih/time.h"

/** Tables whose rows a posting inserts. Numbers are digested: append, never renumber. */
enum posting_row {
    POSTING_ENTRY = 1,
    POSTING_ACK,
    POSTING_RECEIPT,
    POSTING_PAYMENT,
    POSTING_ALLOCATION,
    POSTING_LEDGER_TXN,
    POSTING_LEDGER_LINE,
    POSTING_BONUS_LINE,
    POSTING_EVENT,
    POSTING_CHARGE,
    POSTING_SNAPSHOT,
    POSTING_SETTLEMENT,
    POSTING_FACT, /* any other row of the event: text table, then its columns in the order of its insert statement */
    POSTING_ROW_END
};

struct posting_digest {
    crypto_hash_sha256_state all, row;
    uint32_t n_rows;
    uint16_t fields_left; /* of the row under way */
    enum posting_row kind;
};

/** The `prev` of a chain's first posting. */
hash256 posting_chain_start(agency_id agency, int64_t writer);

/** Begin a digest behind `prev`. */
void posting_begin(struct posting_digest *digest, const hash256 *prev);

/** Begin a row of `n_fields`; exactly as many field calls follow. */
void posting_row(struct posting_digest *digest, enum posting_row kind, uint16_t n_fields);

void posting_null(struct posting_digest *digest);
void posting_bool(struct posting_digest *digest, bool value);
void posting_int(struct posting_digest *digest, int64_t value);
void posting_uuid(struct posting_digest *digest, uuid value);
void posting_bytes(struct posting_digest *digest, struct bytes value);
void posting_text(struct posting_digest *digest, struct bytes value);
void posting_date(struct posting_digest *digest, civil_date value);
void posting_instant(struct posting_digest *digest, instant value);

/** End: the posting's digest, which is the next one's `prev`. A posting without rows has a digest too. */
hash256 posting_end(struct posting_digest *digest);

#endif
