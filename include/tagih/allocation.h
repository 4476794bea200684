/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation: how money is split over an account's dues. It is a pure function of (schedule, facts in fact order,
 * rule set) (R-ALL-1), so that any order of arrival ends in the same figures.
 *
 * Two ways lead to one result. allocation_apply() adds one payment to the present open state: the ordinary case, a
 * payment that comes last in fact order while no credit waits for a due. allocation_replay() works everything out
 * again from the schedule: late facts, reversals, charges, waivers, credit that meets a new due. What a replay
 * changed is told by allocation_diff(), which is what the ledger posts (R-ALL-7).
 *
 * The timeline of a replay: a due exists from its due date on, before the facts of that date. As soon as a due
 * exists credit pays it, oldest credit first (R-ALL-4). So credit never stands beside open debt that is due.
 */
#ifndef TAGIH_ALLOCATION_H
#define TAGIH_ALLOCATION_H

#include <stddef.h>
#include <stdint.h>

#include "tagih/arena.h"
#include "tagih/bytes.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/time.h"

/** What a debt is made of. The order is that of arrays and of stored rows; it is not the order of payment. */
enum component { COMPONENT_FEES, COMPONENT_PENALTY, COMPONENT_INTEREST, COMPONENT_PRINCIPAL, COMPONENT_COUNT };

/** "fees", "penalty", "interest", "principal". Never NULL. */
const char *component_name(enum component component);

/** Where a due date lies, seen from a value date: before it, on it, after it. */
enum due_class { DUE_PAST, DUE_NOW, DUE_ADVANCE, DUE_CLASS_COUNT };

static inline enum due_class due_class_at(civil_date due_on, civil_date value_on) {
    return due_on.days < value_on.days ? DUE_PAST : due_on.days == value_on.days ? DUE_NOW : DUE_ADVANCE;
}

enum allocation_direction {
    ALLOCATE_HORIZONTAL, /* finish an instalment before the next */
    ALLOCATE_VERTICAL    /* finish a component over all instalments before the next component */
};

/** Where money goes that finds no debt due. */
enum advance_rule { ADVANCE_TO_CREDIT, ADVANCE_TO_NEXT, ADVANCE_TO_LAST };

/** One step of a rule set. Steps of one phase are walked together; a phase is finished before the next begins. */
struct rule_step {
    uint8_t due;       /* enum due_class */
    uint8_t component; /* enum component */
    uint8_t phase;     /* ascending along the list */
};

#define RULE_STEPS_MAX (DUE_CLASS_COUNT * COMPONENT_COUNT)

/** An order of payment, as data (R-ALL-2). An account pins name and version. */
struct rule_set {
    const char *name;
    int32_t version;
    enum allocation_direction direction;
    enum advance_rule advance;
    struct rule_step steps[RULE_STEPS_MAX]; /* each (due, component) once; {past, due} x 4 always, advance as needed */
    size_t n_steps;
};

/** What a rule set's name may have, and the size of a buffer for its steps as text, end included. */
#define RULE_SET_NAME_MAX 32
#define RULE_STEPS_TEXT_SIZE 256
/** Versions of one name. */
#define RULE_SET_VERSION_MAX 10000

/** The first value date of a change, 2000-01-01. */
#define RULE_SET_SINCE_DAYS 10957

/** The rule set of an account of which nobody said another one. */
#define RULE_SET_DEFAULT "id-default"

/**
 * Find a preset of R-ALL-3 by name: id-default, id-instalment, tr-tbk100, in-rbi, npl.
 *
 * @return the preset in static memory, or NULL. Pure.
 */
const struct rule_set *rule_set_find(const char *name);
/** All presets, in static memory. Pure. */
const struct rule_set *rule_set_presets(size_t *n);

/**
 * Check a rule set before it is stored: every (past due | due) x component exactly once, in advance either never
 * (money goes to credit) or every component once, phases ascending, direction and advance of their lists.
 *
 * @return OK · ALLOCATION_RULES
 */
TAGIH_MUST_USE tagih_err rule_set_check(const struct rule_set *rules);

/**
 * Check the name of an agency's own rule set: 3 to RULE_SET_NAME_MAX of a-z, 0-9 and '-', a letter first, not a '-' last.
 *
 * @return OK · RULE_SET_NAME · RULE_SET_RESERVED a preset has it. Pure.
 */
TAGIH_MUST_USE tagih_err rule_set_name_check(struct bytes name);

/**
 * The steps as text, the form in which they are stored: "past.fees now.fees past.penalty; past.principal", a step each
 * word, phases apart by ';'. One list of steps has one text. Pure.
 *
 * @param rules  checked
 * @return its length
 */
size_t rule_steps_format(const struct rule_set *rules, char out[RULE_STEPS_TEXT_SIZE]);

/**
 * Read such a text into `steps` and `n_steps`, phases numbered from 0. It is not checked for completeness.
 *
 * @return OK · ALLOCATION_RULES not exactly what rule_steps_format writes, or more than RULE_STEPS_MAX. Pure.
 */
TAGIH_MUST_USE tagih_err rule_steps_parse(struct bytes text, struct rule_set *out);

/** An account gets another rule set: a fact with a value date (R-ALL-2), fixed when first seen. */
struct rule_change {
    uuid id;
    civil_date value_on;
    instant made; /* when it was said */
    const struct rule_set *rules;
};

/** The rule sets of an account: the first one, and the changes in any order. */
struct rule_history {
    const struct rule_set *first;
    const struct rule_change *changes;
    size_t n_changes;
};

/** Order of changes: value date; the instant in which it was said; id as bytes (R-ALL-6a). 0 only for the same one. Pure. */
int rule_change_compare(const struct rule_change *a, const struct rule_change *b);

/** The change in force on a day, the last one valued up to it; NULL: none, so that the first rule set is. Pure, O(changes). */
const struct rule_change *rule_change_at(const struct rule_history *history, civil_date on);
/** The rule set in force on a day: a change holds for everything valued on its date. Pure, O(changes). */
const struct rule_set *rule_set_at(const struct rule_history *history, civil_date on);

/** One instalment as the creditor's snapshot gives it. Numbers are unique in an account. */
struct instalment {
    int32_t no;
    civil_date due_on;
    int64_t due_minor[COMPONENT_COUNT]; /* each 0..10^15 */
};

enum instalment_state { INSTALMENT_UNPAID, INSTALMENT_PARTIAL, INSTALMENT_PAID };

/** An instalment's present state. */
struct instalment_open {
    int32_t no;
    civil_date due_on;
    int64_t owed_minor[COMPONENT_COUNT]; /* dues + charges - waivers */
    int64_t open_minor[COMPONENT_COUNT]; /* what of it is not paid yet, never below 0 */
};

/** UNPAID: nothing paid yet · PAID: nothing open · PARTIAL: the rest (R-ALL-5). Pure. */
enum instalment_state instalment_state_of(const struct instalment_open *line);

/** The state of an instalment that nobody has paid. Pure. */
struct instalment_open instalment_start(const struct instalment *instalment);

/** Why a part stands where it stands: only PART_DEBT earns a bonus (R-BON-1a). */
enum part_origin {
    PART_DEBT,    /* paid a due that was past due or due at the payment's value date */
    PART_ADVANCE, /* paid an instalment before its due date */
    PART_CREDIT   /* was credit first and paid a later due */
};

struct allocation_part {
    int32_t instalment_no;
    uint8_t component; /* enum component */
    uint8_t origin;    /* enum part_origin */
    uint32_t fact;     /* replay: index of the payment in `facts`; apply: 0 */
    int64_t amount_minor;
};

/** The most parts that one apply over n instalments can give. */
static inline size_t allocation_parts_max(size_t n) {
    return n * COMPONENT_COUNT;
}

/**
 * Allocate one payment on the present open state.
 *
 * The caller has made sure that the payment comes last in fact order and that no credit waits for a due at its value
 * date (allocation_credit_waits); else it replays.
 *
 * @param lines        [in, out] n instalments, strictly ascending by (due_on, no); paid ones may be left out
 * @param amount_minor 1..10^13
 * @param parts        [out] in order of payment; parts_cap >= allocation_parts_max(n)
 * @param credit_minor [out] what found no debt; Σ parts + credit = amount (R-ALL-4)
 * @return OK · ALLOCATION_AMOUNT · ALLOCATION_ORDER lines not ascending · BUFFER_SMALL; nothing changed on error
 *
 * Pure, no allocation. O(n) for the check of the order, then only the lines that are due.
 * Example: 5 000 000 on fees 40 000, penalty 60 000, interest 400 000, principal 3 500 000 → these and 1 000 000
 * credit. Rules R-ALL-2, R-ALL-4.
 */
TAGIH_MUST_USE tagih_err allocation_apply(const struct rule_set *rules, struct instalment_open *lines, size_t n,
                                          int64_t amount_minor, civil_date value_on, struct allocation_part *parts,
                                          size_t parts_cap, size_t *n_parts, int64_t *credit_minor);

/** Is there open debt due at or before `on` while credit_minor > 0? Then a replay must come first. Pure, O(n). */
bool allocation_credit_waits(const struct instalment_open *lines, size_t n, int64_t credit_minor, civil_date on);

/**
 * Stored: append, never renumber. WRITE_OFF and CREDITOR_RELIEF take debt off like a WAIVER; they differ in who bears it:
 * our write-off expense, or the creditor (J29).
 */
enum fact_kind { FACT_CHARGE, FACT_WAIVER, FACT_PAYMENT, FACT_REFUND, FACT_WRITE_OFF, FACT_CREDITOR_RELIEF };

/** Does it change what is owed? Such a fact comes before the payments and refunds of its date (R-ALL-6). Pure. */
static inline bool fact_changes_dues(enum fact_kind kind) {
    return kind != FACT_PAYMENT && kind != FACT_REFUND;
}

/**
 * One fact about an account, fixed when first seen (R-TIM-3). A reversed payment is left out by the caller.
 * PAYMENT and REFUND name no instalment and component; all others do.
 */
struct allocation_fact {
    uuid id;
    enum fact_kind kind;
    civil_date value_on;
    instant value;
    int64_t amount_minor; /* 1..10^13 */
    int32_t instalment_no;
    enum component component;
};

/**
 * Fact order (R-ALL-6): value date; what changes dues before payment and refund; value instant; id as bytes.
 *
 * @return < 0, 0, > 0; 0 only for the same fact. Pure.
 */
int allocation_fact_compare(const struct allocation_fact *a, const struct allocation_fact *b);

/**
 * Fit charges and waivers to a schedule that came after them: one whose instalment is no longer there goes to the
 * instalment that is due last (R-IMP-3a). Without any instalment nothing changes. Pure, O(n facts x n instalments).
 */
void allocation_fit(struct allocation_fact *facts, size_t n_facts, const struct instalment *schedule, size_t n);

/** What one fact did to the account's figures. */
struct allocation_effect {
    int64_t component_minor[COMPONENT_COUNT]; /* taken off the receivable; a charge counts negative */
    int64_t credit_minor;                     /* added to customer credit; a refund takes it off */
    int64_t recoverable_minor;                /* refunded without credit behind it (R-PAY-6) */
};

struct allocation_result {
    struct allocation_effect effect;
    int64_t debt_minor;        /* of a payment: Σ its PART_DEBT parts, the "debt-allocated" of R-BON-1a */
    int64_t credit_left_minor; /* of a payment: its credit that neither a due nor a refund took */
    uint32_t part_first, n_parts;
};

struct allocation_outcome {
    const struct allocation_fact *facts; /* as given; outlives the outcome */
    size_t n_facts;
    const uint32_t *order;             /* fact indices in fact order */
    struct allocation_result *results; /* one per fact, by its index in `facts` */
    struct allocation_part *parts;     /* grouped by payment in fact order, then instalment number, component, origin */
    size_t n_parts;
    struct instalment_open *lines; /* ascending by (due_on, no) */
    size_t n_lines;
    int64_t credit_minor;      /* left in all */
    int64_t debt_minor;        /* Σ debt-allocated of all payments */
    int64_t recoverable_minor; /* Σ of refunds */
};

/**
 * Work out an account from its schedule and its facts.
 *
 * @param schedule n instalments in any order
 * @param facts    in any order; ids distinct
 * @param as_of    dues up to this date exist even without a later fact, so that credit meets them
 * @param arena    holds everything in `out`
 * @param out      [out] undefined on error
 * @return OK · ALLOCATION_RULES · ALLOCATION_AMOUNT an amount or a due outside its bounds · ALLOCATION_INSTALMENT a
 *         charge or waiver of an instalment that is not there, or a number twice · ALLOCATION_FACT_TWICE ·
 *         MONEY_OVERFLOW · OUT_OF_MEMORY
 *
 * A waiver takes at most what is open. A refund takes credit, oldest first; what it lacks is recoverable, and credit
 * of a later value does not make it good. Pure. O(n log n + facts log facts + parts).
 * Rules R-ALL-1, R-ALL-4..6, R-PAY-6.
 */
TAGIH_MUST_USE tagih_err allocation_replay(const struct rule_set *rules, const struct instalment *schedule, size_t n,
                                           const struct allocation_fact *facts, size_t n_facts, civil_date as_of,
                                           struct arena *arena, struct allocation_outcome *out);

/**
 * The same for an account whose rule set changes: each payment is spent by the rule set in force on its value date, and
 * credit that meets a due by the one in force on the day on which it meets it.
 *
 * @param rules  the order of its changes does not matter
 * @return as allocation_replay; ALLOCATION_RULES also when a change has no rule set
 * Pure. Rules R-ALL-2, R-ALL-6a.
 */
TAGIH_MUST_USE tagih_err allocation_replay_under(const struct rule_history *rules, const struct instalment *schedule,
                                                 size_t n, const struct allocation_fact *facts, size_t n_facts,
                                                 civil_date as_of, struct arena *arena, struct allocation_outcome *out);

/** One fact whose effect changed: new - old. */
struct allocation_change {
    uuid fact_id;
    enum fact_kind kind;
    struct allocation_effect delta;
};

struct allocation_diff {
    struct allocation_change *changes; /* in fact order; facts without any difference are left out */
    size_t n_changes;
    struct allocation_effect total; /* Σ of the changes */
    /* the other side of the total, by kind: received + waived = what left receivables and went to credit, and so on */
    int64_t received_minor; /* payments: parts + credit */
    int64_t waived_minor;
    int64_t written_off_minor;
    int64_t charged_minor; /* less what the creditor took back (CREDITOR_RELIEF) */
    int64_t refunded_minor; /* credit taken + recoverable */
};

/**
 * Compare two outcomes of one account: what did the new fact set change, per fact and component (R-ALL-7)?
 * A fact that only one side knows counts 0 on the other.
 *
 * @param out [out] lives in the arena
 * @return OK · MONEY_OVERFLOW · OUT_OF_MEMORY. Pure, O(facts).
 * Example: P1 500 000 arrives after the later P2 600 000 → P1 penalty 100 000, interest 200 000, principal 200 000;
 * P2 penalty -100 000, interest -200 000, principal +200 000, credit +100 000 (tests/domain/allocation_spec.c).
 */
TAGIH_MUST_USE tagih_err allocation_diff(const struct allocation_outcome *before,
                                         const struct allocation_outcome *after, struct arena *arena,
                                         struct allocation_diff *out);

/** Σ open per component. @return OK · MONEY_OVERFLOW. Pure, O(n). */
TAGIH_MUST_USE tagih_err allocation_balance(const struct instalment_open *lines, size_t n,
                                            int64_t balance_minor[COMPONENT_COUNT]);

#endif
