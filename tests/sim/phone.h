/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone does by itself: write signed entries into its chain, and believe nothing of what the server answers
 * before it has been verified (R-JRN-2..6). No network here. Invariant: records[i] is the entry of seq i + 1, and an
 * entry is deletable only when it is acknowledged and covered by a certificate.
 */
#ifndef TAGIH_SIM_PHONE_H
#define TAGIH_SIM_PHONE_H

#include "tagih/document.h"
#include "tagih/journal.h"
#include "tests/sim/chance.h"

#define PHONE_RECORDS_MAX 2000
#define PHONE_EXTRAS_MAX 64
#define PHONE_KEYS_MAX 16
#define PHONE_ACK_MAX 512

/** Where an entry comes from. All but GENUINE are there to be caught. */
enum origin {
    ORIGIN_GENUINE,
    ORIGIN_CLONE,   /* a copied phone wrote it under the same key: a fork */
    ORIGIN_FLIPPED, /* one bit of a genuine entry was turned on the way */
    ORIGIN_COUNT
};

/** One entry that was made, and what the phone was told about it. */
struct record {
    enum origin origin;
    uint16_t kind;
    int64_t seq;
    entry_id id;
    hash256 hash;
    uint8_t *bytes;
    size_t len;
    int64_t amount_minor; /* RECEIPT and VOID */
    uint16_t tender;      /* RECEIPT; VOID: of its receipt */
    bool acked, deleted;
    uint8_t ack[PHONE_ACK_MAX];
    size_t ack_len;
    uint16_t fate; /* as acknowledged */
};

/** What became of an acknowledgement or certificate. All but the first two are faults of the server. */
enum proof {
    PROOF_NEW,
    PROOF_SAME,       /* the first one again, byte for byte */
    PROOF_UNREADABLE, /* not the form of such a document */
    PROOF_SIGNATURE,  /* not signed by a key that the phone was given */
    PROOF_OTHER,      /* about another entry, device or chain */
    PROOF_CHANGED,    /* a second acknowledgement that differs from the first */
    PROOF_COUNT
};

/** When a phone last heard the server's time, as its certificate proves (R-TIM-3). */
struct contact {
    bool known;
    instant server_time;
    int64_t mono_us;
    uuid boot;
    hash256 certificate_hash;
};

struct phone {
    installation_id installation;
    device_id device;
    user_id user;
    uint32_t epoch;
    public_key key;
    secret_key secret;
    uint8_t certificate[ENVELOPE_MAX];
    size_t certificate_len;
    public_key server_keys[PHONE_KEYS_MAX];
    size_t server_key_count;

    struct chance chance;
    int64_t now_us;    /* true time, which the phone itself does not know */
    int64_t skew_us;   /* its wall clock is so much ahead */
    int64_t booted_us; /* true time of its last boot */
    uuid boot, shift;
    struct contact contact;

    hash256 head_hash; /* of the newest entry; of the certificate before the first */
    uint64_t cum_count;
    int64_t cum_total_minor;
    currency currency;
    int64_t receipt_no;

    struct record *records; /* PHONE_RECORDS_MAX; records[i].seq = i + 1 */
    size_t record_count;
    struct record *extras; /* PHONE_EXTRAS_MAX */
    size_t extra_count;
    int64_t contiguous_seq; /* as the newest certificate says */
    uint64_t proofs[PROOF_COUNT];
};

/** A new phone with a key of its own. Nothing is known of any server. */
void phone_init(struct phone *phone, uint64_t seed, uint64_t number);
void phone_release(struct phone *phone);

/** The phone's own clocks. */
instant phone_wall(const struct phone *phone);
int64_t phone_mono_us(const struct phone *phone);

/** Switch it off and on again: its monotonic clock starts anew. */
void phone_reboot(struct phone *phone);

/** An id of the phone's present wall clock. */
uuid phone_id(struct phone *phone);

/** Take the device certificate; the chain starts at its hash. False: it is not this phone's, or not signed. */
bool phone_take_device_certificate(struct phone *phone, struct bytes certificate);

/** Sign the proof that the key knows a one-time code, or that it holds the device now. @return bytes written */
size_t phone_prove_enrolment(struct phone *phone, const char *code, uint8_t out[ENVELOPE_MAX]);
size_t phone_prove_nonce(struct phone *phone, struct bytes nonce, uint8_t out[ENVELOPE_MAX]);

/**
 * Write an entry: the caller fills kind, id (nil: a new one) and body, the phone the rest, running totals included.
 * @return the record, which lives as long as the phone
 */
struct record *phone_write(struct phone *phone, struct journal_entry *entry);

/** An entry as a copied phone would write it at a place that is taken; the phone's own chain stays as it is. */
struct record *phone_write_as_clone(struct phone *phone, int64_t seq, struct journal_entry *entry);

/** A copy of a record with one bit of its payload turned. */
struct record *phone_flip(struct phone *phone, const struct record *record);

/** Verify and keep the acknowledgement of a record. */
enum proof phone_take_ack(struct phone *phone, struct record *record, struct bytes ack);

/** Verify and keep a chain certificate; it counts as a contact. */
enum proof phone_take_certificate(struct phone *phone, struct bytes certificate);

/** Delete what may be deleted; @return how many entries are still kept. */
size_t phone_forget(struct phone *phone);

#endif
