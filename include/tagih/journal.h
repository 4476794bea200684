/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field journal: a phone's append-only, signed, hash-chained list of everything that happened in the
 * field (R-JRN-1..9, R-REC-1..8). An entry is the payload of an envelope of type journal-entry: one CBOR map
 * with the head every kind shares and, under key 16, the map of its kind. server/domain/journal_fields.c
 * holds one table of fields a kind; encoder, decoder and the CDDL in proto/README.md all come from it. These
 * bytes can never change.
 *
 * Decoding is lenient about meaning and strict about form: an amount of zero, an unknown tender or an absurd
 * clock decodes, because a debtor must not suffer for a phone (R-JRN-5) and somebody must be able to judge
 * the entry; a missing field, an unknown field or CBOR that is not deterministic does not.
 *
 * Texts are borrowed from the decoded bytes. A value that may be absent has a `has_` flag before it.
 */
#ifndef TAGIH_JOURNAL_H
#define TAGIH_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/envelope.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/time.h"

/** The longest text that is not flagged BAD_TEXT, in bytes (R-JRN-8). */
#define JOURNAL_TEXT_MAX 500

/** Kinds and their numbers, for ever. 11–31 are kept for repossession steps, 34–39 for cash handling. */
#define JOURNAL_KINDS(X)      \
    X(RECEIPT, 1)             \
    X(VOID, 2)                \
    X(CHECK_IN, 3)            \
    X(VISIT_OUTCOME, 4)       \
    X(PROMISE, 5)             \
    X(DEPOSIT, 6)             \
    X(DAY_CLOSE, 7)           \
    X(REPRINT, 8)             \
    X(RECEIPT_NUMBER_LOST, 9) \
    X(KEY_ROTATION, 10)       \
    X(HANDOVER, 32)           \
    X(INCIDENT, 33)

enum journal_kind {
#define X(name, number) JOURNAL_##name = number,
    JOURNAL_KINDS(X)
#undef X
};

enum journal_payer {
    JOURNAL_PAYER_DEBTOR = 1,
    JOURNAL_PAYER_RELATIVE = 2,
    JOURNAL_PAYER_OTHER = 3,
};

enum journal_tender {
    JOURNAL_TENDER_CASH = 1,
    JOURNAL_TENDER_TRANSFER = 2,
    JOURNAL_TENDER_QR = 3,
    JOURNAL_TENDER_CHEQUE = 4,
};

/** Where a phone found a position. */
enum journal_provider {
    JOURNAL_PROVIDER_GPS = 1,
    JOURNAL_PROVIDER_FUSED = 2,
    JOURNAL_PROVIDER_NETWORK = 3,
    JOURNAL_PROVIDER_PASSIVE = 4,
};

/** One position as the phone reported it (R-CHK-1). */
struct journal_fix {
    int32_t lat_e7, lon_e7; /* 1e-7 degrees, WGS 84 */
    uint32_t accuracy_mm;   /* 68 % radius */
    instant at;             /* the fix's own time */
    bool has_mono_us;
    int64_t mono_us; /* monotonic clock at the fix */
    bool has_provider;
    uint16_t provider; /* enum journal_provider */
    bool mock;         /* the system says the position is made up */
    bool has_speed_mm_s;
    uint32_t speed_mm_s;
    bool has_altitude_mm;
    int32_t altitude_mm;
};

/** What every money entry carries: the amount and the running totals with it included (R-JRN-3). */
struct journal_money {
    int64_t amount_minor; /* receipt: > 0 or quarantined; void: the receipt's amount, negated */
    currency currency;
    uint64_t cum_count;      /* receipts and voids of this epoch and currency so far */
    int64_t cum_total_minor; /* their signed sum; may be negative */
};

/** What the phone printed as the split. Advisory: the server allocates (R-REC-1). */
struct journal_split {
    int64_t fees_minor, penalty_minor, interest_minor, principal_minor, credit_minor;
};

/** R-REC-1. */
struct journal_receipt {
    struct journal_money money;
    account_id account;
    uint16_t payer; /* enum journal_payer */
    bool has_payer_name;
    struct bytes payer_name; /* text */
    bool has_payer_relation;
    struct bytes payer_relation; /* text */
    uint16_t tender;             /* enum journal_tender */
    bool has_tender_reference;
    struct bytes tender_reference; /* text */
    uint16_t tag; /* payment tag, R-TAG-1 in its order: 1 FIELD_CASH, 2 FIELD_TRANSFER, 3 BRANCH … */
    bool has_visit;
    visit_id visit;
    bool has_position;
    struct journal_fix position;
    int64_t receipt_no; /* from the range leased to the device */
    bool has_split;
    struct journal_split split;
};

/** R-REC-2, R-REC-8. */
struct journal_void {
    struct journal_money money;
    entry_id receipt;
    hash256 receipt_hash;
    uint16_t reason_code;
    bool has_reason;
    struct bytes reason; /* text */
    bool has_slip_photo;
    hash256 slip_photo; /* SHA-256 of the debtor's slip */
    bool has_signature;
    hash256 signature; /* SHA-256 of the debtor's drawn signature */
    bool has_left_visit;
    instant left_visit; /* when the collector left the visit, if he has */
};

#define JOURNAL_FIXES_MAX 30

/** R-CHK-1, R-CHK-2. */
struct journal_check_in {
    visit_id visit;
    uint16_t purpose;
    instant tapped;
    int64_t tapped_mono_us;
    size_t fix_count; /* 1–JOURNAL_FIXES_MAX */
    struct journal_fix fixes[JOURNAL_FIXES_MAX];
};

#define JOURNAL_ACTIONS_MAX 8

/** R-VIS-2. */
struct journal_visit_outcome {
    visit_id visit;
    uint32_t visit_version; /* the version the phone had seen */
    uint16_t outcome;
    uint32_t list_version; /* of the list of outcomes */
    bool has_note;
    struct bytes note; /* text */
    bool has_next_action;
    uint16_t next_action;
    bool has_next_on;
    civil_date next_on;
    bool has_contact;
    struct bytes contact; /* text: with whom he spoke */
    bool has_promise;
    entry_id promise; /* the PROMISE entry that belongs to it */
    bool has_receipt;
    entry_id receipt; /* the RECEIPT entry that belongs to it */
    size_t photo_count;
    hash256 photos[JOURNAL_ACTIONS_MAX]; /* SHA-256 each */
};

/** R-PTP-1. */
struct journal_promise {
    account_id account;
    int64_t amount_minor;
    currency currency;
    civil_date due_on;
    uint16_t promiser; /* enum journal_payer: the same people */
    bool has_promiser_name;
    struct bytes promiser_name; /* text */
    uint16_t channel;           /* 1 visit, 2 call, 3 message */
    bool has_visit;
    visit_id visit;
    bool has_position;
    struct journal_fix position;
    bool has_note;
    struct bytes note; /* text */
};

/** Cash brought to a bank by the collector (R-CSH-2). Moves no running total. */
struct journal_deposit {
    int64_t amount_minor;
    currency currency;
    struct bytes bank_reference; /* text */
    bool has_bank_name;
    struct bytes bank_name; /* text */
    bool has_slip_photo;
    hash256 slip_photo;
    bool has_position;
    struct journal_fix position;
};

/** One currency's sums of a day; the running totals are those after the last entry covered. */
struct journal_day_currency {
    currency currency;
    uint64_t cum_count;
    int64_t cum_total_minor;
    uint64_t receipt_count;
    uint64_t void_count;
    int64_t void_total_minor; /* signed: <= 0 */
    int64_t cash_to_hand_over_minor;
};

/** What came in by one tender, voids left out. */
struct journal_day_tender {
    currency currency;
    uint16_t tender;
    uint64_t count;
    int64_t total_minor;
};

/** So many notes or coins of one value in the bag to hand over. */
struct journal_day_note {
    currency currency;
    int64_t value_minor, pieces;
};

#define JOURNAL_DAY_CURRENCIES_MAX 8
#define JOURNAL_DAY_TENDERS_MAX 32
#define JOURNAL_DAY_NOTES_MAX 64

/** R-REC-6. */
struct journal_day_close {
    int64_t first_seq, last_seq; /* covered, both included; last_seq < this entry's seq */
    size_t currency_count;
    struct journal_day_currency currencies[JOURNAL_DAY_CURRENCIES_MAX];
    size_t tender_count;
    struct journal_day_tender tenders[JOURNAL_DAY_TENDERS_MAX];
    size_t note_count; /* 0: he did not count notes and coins */
    struct journal_day_note notes[JOURNAL_DAY_NOTES_MAX];
};

/** A copy of a receipt, printed again and marked COPY. */
struct journal_reprint {
    entry_id receipt;
    hash256 receipt_hash;
    uint32_t copy_no; /* from 1 */
    bool has_reason;
    struct bytes reason; /* text */
};

/** Receipt numbers that will never be used. */
struct journal_receipt_number_lost {
    int64_t first_no, last_no; /* both included */
    bool returned;             /* true: handed back unused; false: lost */
    bool has_reason;
    struct bytes reason; /* text */
};

/** The old key signs the new one; the new epoch starts when the server certifies it (R-JRN-1). */
struct journal_key_rotation {
    public_key new_key;
    uint32_t new_epoch;
};

enum journal_handover_side {
    JOURNAL_HANDOVER_GIVES = 1,
    JOURNAL_HANDOVER_TAKES = 2,
};

/** Cash from one collector's bag to another's; each phone signs its half of one handover (R-CSH-4). */
struct journal_handover {
    uuid handover;       /* made by one phone, shown to the other */
    uint16_t side;       /* enum journal_handover_side: what this phone's user does */
    user_id counterpart; /* the other one */
    int64_t amount_minor;
    currency currency;
    bool has_note;
    struct bytes note; /* text */
    bool has_position;
    struct journal_fix position;
};

enum journal_incident_kind {
    JOURNAL_INCIDENT_ROBBERY = 1,
    JOURNAL_INCIDENT_COUNTERFEIT = 2,
    JOURNAL_INCIDENT_LOSS = 3,
};

#define JOURNAL_INCIDENT_PHOTOS_MAX 8

/** Cash that is gone, and its report (R-CSH-4). */
struct journal_incident {
    uint16_t what; /* enum journal_incident_kind */
    int64_t amount_minor;
    currency currency;
    struct bytes report; /* text */
    bool has_police_reference;
    struct bytes police_reference; /* text */
    size_t photo_count;
    hash256 photos[JOURNAL_INCIDENT_PHOTOS_MAX]; /* SHA-256 each */
    bool has_position;
    struct journal_fix position;
};

/** One entry: the head that all kinds share, then the body of its kind. */
struct journal_entry {
    uint16_t kind; /* enum journal_kind */
    device_id device;
    uint32_t epoch; /* from 1 */
    int64_t seq;    /* from 1, no gaps */
    hash256 prev_hash;
    entry_id id;
    instant device_time;
    int64_t mono_us; /* monotonic since boot */
    uuid boot_id;
    bool has_shift;
    uuid shift;
    bool has_server_time;
    instant
        server_time; /* the last one proven to the phone: received time of the newest certificate it holds */
    bool has_server_mono_us;
    int64_t server_mono_us; /* monotonic clock when that certificate came in */
    bool has_server_boot;
    uuid server_boot; /* boot in which it came in */
    bool has_log_head;
    hash256 log_head; /* hash of that certificate */
    union {
        struct journal_receipt receipt;
        struct journal_void voided;
        struct journal_check_in check_in;
        struct journal_visit_outcome outcome;
        struct journal_promise promise;
        struct journal_deposit deposit;
        struct journal_day_close day_close;
        struct journal_reprint reprint;
        struct journal_receipt_number_lost number_lost;
        struct journal_key_rotation rotation;
        struct journal_handover handover;
        struct journal_incident incident;
    } body;
    bool bad_text; /* set by journal_decode: flag BAD_TEXT; not part of the bytes */
};

/** The longest encoded payload, in bytes. */
static inline size_t journal_encode_max(void) {
    return ENVELOPE_PAYLOAD_MAX;
}

/** The name of a kind as it stands in JOURNAL_KINDS, or NULL for a number that is none. Pure. */
const char *journal_kind_name(uint16_t kind);

/** The amount and running totals of a RECEIPT or VOID, else NULL. */
const struct journal_money *journal_money_of(const struct journal_entry *entry);

/**
 * Encode an entry.
 *
 * Faithful: what decodes encodes to the same bytes, a bad text or a zero amount too.
 *
 * @param out  [out] `size` bytes; journal_encode_max() always suffices for an entry that may be signed
 * @param len  [out] bytes written
 * @return OK · JOURNAL_KIND · PAYLOAD_FIELD a value outside its field's range · BUFFER_SMALL
 *
 * Pure.
 */
TAGIH_MUST_USE tagih_err journal_encode(const struct journal_entry *entry, uint8_t *out, size_t size,
                                        size_t *len);

/**
 * Encode and sign an entry: what a phone does.
 *
 * @param out  [out] the envelope; ENVELOPE_MAX bytes always suffice
 * @return OK · as journal_encode and envelope_sign · ENVELOPE_TOO_LARGE
 */
TAGIH_MUST_USE tagih_err journal_sign(const struct journal_entry *entry, installation_id installation,
                                      const secret_key *key, uint8_t *out, size_t size, size_t *len);

/**
 * Decode an entry's payload.
 *
 * @param in   the payload of an opened envelope of type journal-entry
 * @param out  [out] borrows texts from `in`. On JOURNAL_KIND the head is filled, so that device, epoch and
 * seq are known; on any other error undefined
 * @return OK, with out->bad_text when a text breaks R-JRN-8 · JOURNAL_KIND an unknown kind, head decoded ·
 *         PAYLOAD_SYNTAX not deterministic CBOR of this form · PAYLOAD_FIELD a field missing, unknown or out
 * of range
 *
 * Pure, no allocation, a few µs.
 */
TAGIH_MUST_USE tagih_err journal_decode(struct bytes in, struct journal_entry *out);

#endif
