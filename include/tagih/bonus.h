/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payment earns its collector (R-BON-1):
 *
 *   line = min( round( base x rate x bucket x tier x target x tag ), floor( base x cap ) )
 *
 * Rates are basis points, factors 1/10 000; the product is formed in 128 bits and rounded once, half to even. A line
 * is written once, with everything it came from (struct bonus_record), and never recalculated (R-BON-4).
 *
 * Order of calls: bonus_base → bonus_factors → bonus_line, or bonus_write for all three; bonus_explain tells a person
 * where each factor came from; bonus_record_hash chains a collector's lines. At month close: bonus_true_up. To check a
 * stored line of any kind: bonus_again.
 */
#ifndef TAGIH_BONUS_H
#define TAGIH_BONUS_H

#include "tagih/bucket.h"
#include "tagih/money.h"
#include "tagih/payment.h"

#define BONUS_BASE_MAX_MINOR INT64_C(1000000000000000)
#define BONUS_RATE_MAX_BP 1000
#define BONUS_FACTOR_MAX 100000
#define BONUS_STEPS_MAX 8

/** One step of a stair: the factor holds below `below`; the last step's `below` is not looked at. */
struct bonus_step {
    int64_t below; /* tier: minor units of mtd; target: achievement in basis points */
    int32_t factor;
};

/** A bonus scheme, as data with its days of validity (R-BON-2). */
struct bonus_scheme {
    const char *name;
    int32_t version;
    civil_date valid_from, valid_until; /* both inclusive, by value date */
    currency currency;                  /* of the tier bounds */
    int32_t rate_bp, cap_bp;
    int32_t bucket_factor[BUCKET_COUNT];
    struct bonus_step tiers[BONUS_STEPS_MAX];
    size_t n_tiers;
    struct bonus_step targets[BONUS_STEPS_MAX];
    size_t n_targets;
    int32_t tag_factor[TAG_END];
};

/** The scheme of this name that is valid on a date: "standard-1". NULL when there is none. Pure. */
const struct bonus_scheme *bonus_scheme_find(const char *name, civil_date on);

/** Does a tag count for tier and target: is its factor > 0 (R-BON-2b)? Pure. */
bool bonus_tag_counts(const struct bonus_scheme *scheme, enum payment_tag tag);

/**
 * The base of a payment (R-BON-1a): what the account's debt-allocated sum grew by, between 0 and the payment.
 *
 * @param before_minor, after_minor allocation_outcome.debt_minor before and after posting
 */
int64_t bonus_base(int64_t before_minor, int64_t after_minor, int64_t payment_minor);

/** The four factors in 1/10 000. */
struct bonus_factors {
    int32_t bucket, tier, target, tag;
};

/**
 * The formula alone.
 *
 * @param base_minor 0..10^15; rate and cap 0..1 000 bp; factors 0..100 000 each, so that the product stays below 2^127
 * @param capped     [out] did the cap decide?
 * @return OK · BONUS_RANGE; outputs untouched on error. Pure.
 * Example: 1 000 000 with 1.5/1.4/1.2/1.0 → 75 600; with 2.0/1.4/1.2/1.0 → 90 000, capped. Rule R-BON-3.
 */
TAGIH_MUST_USE tagih_err bonus_line(int64_t base_minor, int32_t rate_bp, int32_t cap_bp,
                                    const struct bonus_factors *factors, int64_t *amount_minor, bool *capped);

/** What the server knows when it writes a line (R-BON-2a). */
struct bonus_inputs {
    int64_t base_minor;
    currency currency;
    enum bucket bucket;    /* the lower one of R-BON-11 */
    enum payment_tag tag;
    int64_t mtd_minor;     /* Σ base of earlier countable lines of the month in his chain, negations included */
    bool has_target;       /* is there an approved target for the full month? */
    int64_t target_minor;  /* > 0 when there is */
    int32_t target_version;
};

/** A line and all that it came from. */
struct bonus_result {
    struct bonus_factors factors;
    bool no_target;        /* R-BON-2b: factor 1.0 */
    bool no_tier;          /* R-BON-2b: another currency than the scheme's, flagged */
    bool capped;
    int64_t amount_minor;
};

/**
 * Look the factors up: bucket and tag by table, tier by mtd, target by mtd ÷ target compared by cross-multiplication
 * (R-BON-2, R-BON-2b). This payment is in neither.
 *
 * @param out [out] factors and flags; capped and amount untouched
 * @return OK · BONUS_RANGE a bucket or tag outside its list, or a target <= 0. Pure.
 */
TAGIH_MUST_USE tagih_err bonus_factors(const struct bonus_scheme *scheme, const struct bonus_inputs *inputs,
                                       struct bonus_result *out);

/** Factors and formula. A factor of 0 gives a line of 0, which is written so that Explain can answer (R-BON-3). */
TAGIH_MUST_USE tagih_err bonus_write(const struct bonus_scheme *scheme, const struct bonus_inputs *inputs,
                                     struct bonus_result *out);

/** What a line is. Numbers are stored and hashed: append, never renumber. */
enum bonus_kind {
    BONUS_LINE = 1,
    BONUS_REVERSAL, /* minus all that is stored for the payment, in its own open month */
    BONUS_CLAWBACK, /* the same after close, in the month of its posting date */
    BONUS_RETAG,    /* the new line after a retag's reversal */
    BONUS_TRUE_UP,  /* one per collector and month */
    BONUS_LATE,     /* for a closed month, with its final T and G (R-BON-10) */
    BONUS_KIND_END
};

/** A line with its complete context (R-BON-4), as stored and hashed. */
struct bonus_record {
    enum bonus_kind kind;
    uuid line_id;
    payment_id payment;      /* nil for TRUE_UP */
    account_id account;
    user_id collector;
    team_id team;
    uuid hold;               /* nil: assigned without a hold */
    civil_date month;        /* bonus month, its first day */
    civil_date value_on;
    struct bonus_inputs inputs;
    struct bonus_result result;
    const char *scheme_name; /* at most 32 bytes */
    int32_t scheme_version, rate_bp, cap_bp;
    hash256 allocation;      /* digest of the payment's allocation rows */
    hash256 previous;        /* of the collector's line before; zeros for his first */
};

/** Bytes that bonus_record_encode writes, always. */
#define BONUS_RECORD_BYTES 288

/**
 * The canonical bytes of a line. Fixed width, integers big-endian, in this order; they can never change:
 *
 *   "tagih.bonus.1" 00 00 00 · previous 32 · kind 1 · line 16 · payment 16 · account 16 · collector 16 · team 16 ·
 *   hold 16 · month 4 (days) · value date 4 (days) · currency 3 · base 8 · bucket 1 · tag 1 · mtd 8 · has target 1 ·
 *   target 8 · target version 4 · scheme name 32 (NUL filled) · scheme version 4 · rate 4 · cap 4 ·
 *   factors bucket, tier, target, tag 4 each · flags 1 (1 no target, 2 no tier, 4 capped) · amount 8 · allocation 32
 *
 * @return OK · TEXT_INVALID the scheme's name is longer than 32 bytes. Pure.
 */
TAGIH_MUST_USE tagih_err bonus_record_encode(const struct bonus_record *record, uint8_t out[BONUS_RECORD_BYTES]);

/** SHA-256 of those bytes: the next line's `previous`. */
TAGIH_MUST_USE tagih_err bonus_record_hash(const struct bonus_record *record, hash256 *out);

/** One line of an explanation: what, how much, and where it came from. */
struct bonus_reason {
    const char *name;   /* static */
    const char *value;  /* in the arena */
    const char *source; /* in the arena; one plain sentence */
};

#define BONUS_REASONS_MAX 8

/**
 * Tell a person how a line came about, from its record alone: base, rate, each factor, the cap, the amount.
 *
 * @param reasons [out] n_reasons of them, in the order of the formula
 * @return OK · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err bonus_explain(const struct bonus_record *record, struct arena *arena,
                                       struct bonus_reason reasons[BONUS_REASONS_MAX], size_t *n_reasons);

/** The most shares of a split: with their lines a payment's transaction stays within LEDGER_LINES_MAX. */
#define BONUS_SHARES_MAX 8

/** A share of a split (R-BON-8). */
struct bonus_share {
    user_id collector;
    int32_t share_bp;   /* 1..10 000; Σ = 10 000 */
    int64_t base_minor; /* [out] */
};

/**
 * Split a base by largest remainder; ties by collector id. Σ of the parts = base.
 *
 * @return OK · BONUS_SHARES · BONUS_RANGE the base. Pure, O(n²), n is a handful.
 */
TAGIH_MUST_USE tagih_err bonus_split(int64_t base_minor, struct bonus_share *shares, size_t n);

/** One unreversed payment of the month at its close (R-BON-7). */
struct bonus_closing {
    payment_id payment;
    int64_t base_minor;    /* debt-allocated part in the allocation as it stands at close */
    enum bucket bucket;    /* from its live line */
    enum payment_tag tag;  /* likewise */
    int64_t written_minor; /* Σ lines of this payment */
    int64_t final_minor;   /* [out] */
    int64_t part_minor;    /* [out] final - written */
};

struct bonus_true_up {
    int64_t amount_minor; /* the TRUE_UP line: Σ parts; may be negative */
    int64_t base_minor;   /* Σ base of countable tags */
    int64_t net_minor;    /* Σ base of all */
    int64_t total_minor;  /* Σ final: the month's bonus after the line */
    int32_t tier, target; /* T and G */
};

/**
 * Work out one collector's TRUE_UP at month close, from whole-month sums.
 *
 * @param inputs currency and target of the month; the rest is not looked at
 * @param rows   [in, out] n payments
 * @return OK · BONUS_RANGE · MONEY_OVERFLOW. That 0 <= Σ final <= cap on Σ base is asserted. Without payments, T and G
 *         are those of a month that brought nothing in.
 */
TAGIH_MUST_USE tagih_err bonus_true_up(const struct bonus_scheme *scheme, const struct bonus_inputs *inputs,
                                       struct bonus_closing *rows, size_t n, struct bonus_true_up *out);

/**
 * What a TRUE_UP line names as its allocation: SHA-256 over "tagih.parts.1" NUL filled to 16 bytes, then for each part,
 * in the order of payment ids: payment 16 · base 8 · bucket 1 · tag 1 · written 8 · final 8, integers big-endian.
 * Rows come in that order (asserted). Pure.
 */
hash256 bonus_parts_digest(const struct bonus_closing *rows, size_t n);

/** A stored line that another one takes back, or a part of a TRUE_UP line, with what it was worth (R-BON-5). */
struct bonus_taken {
    uuid line_id;
    int64_t amount_minor;
    int64_t base_minor; /* 0 for a part: its line's base is taken back with the line */
};

/** What a line is computed again from, beside its record: what it takes back, or the parts of its month. */
struct bonus_context {
    const struct bonus_taken *taken;
    size_t n_taken;
    struct bonus_closing *parts; /* base, bucket, tag and written of each; the rest is computed */
    size_t n_parts;
};

/**
 * Compute a stored line again, from its record and that context alone (R-BON-4).
 *
 * LINE, RETAG and LATE by the formula; REVERSAL and CLAWBACK as minus all that they take back; TRUE_UP from its parts,
 * whose digest must be the record's.
 *
 * @param amount_minor [out] the line as it should be; 0 when that cannot be said
 * @return do record and computation say the same: amount, base, factors, flags? Pure.
 */
bool bonus_again(const struct bonus_record *record, const struct bonus_context *context, int64_t *amount_minor);

#endif
