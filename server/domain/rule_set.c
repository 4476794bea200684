/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule sets that Tagih brings (R-ALL-3), as data. HORIZONTAL sets list a class after the other, for an instalment
 * has only one class at a time; VERTICAL sets list a component with its classes, which is their order of payment.
 */
#include "tagih/allocation.h"

#include <string.h>

#define STEP(due, component, phase) {DUE_##due, COMPONENT_##component, phase}

/* One component for dues that exist: over all past due instalments, then over due ones. */
#define BOTH(component, phase) STEP(PAST, component, phase), STEP(NOW, component, phase)

static const struct rule_set presets[] = {
    {.name = "id-default", .version = 1, .direction = ALLOCATE_HORIZONTAL, .advance = ADVANCE_TO_CREDIT,
     .steps = {BOTH(FEES, 0), BOTH(PENALTY, 0), BOTH(INTEREST, 0), BOTH(PRINCIPAL, 0)}, .n_steps = 8},
    /* "then all fees, penalty": fees of every instalment, after them the penalty of every instalment */
    {.name = "id-instalment", .version = 1, .direction = ALLOCATE_HORIZONTAL, .advance = ADVANCE_TO_CREDIT,
     .steps = {BOTH(INTEREST, 0), BOTH(PRINCIPAL, 0), BOTH(FEES, 1), BOTH(PENALTY, 2)}, .n_steps = 8},
    {.name = "tr-tbk100", .version = 1, .direction = ALLOCATE_HORIZONTAL, .advance = ADVANCE_TO_CREDIT,
     .steps = {BOTH(FEES, 0), BOTH(INTEREST, 0), BOTH(PENALTY, 0), BOTH(PRINCIPAL, 0)}, .n_steps = 8},
    {.name = "in-rbi", .version = 1, .direction = ALLOCATE_VERTICAL, .advance = ADVANCE_TO_NEXT,
     .steps = {BOTH(INTEREST, 0), BOTH(PRINCIPAL, 0), BOTH(FEES, 0), BOTH(PENALTY, 0), STEP(ADVANCE, INTEREST, 0),
               STEP(ADVANCE, PRINCIPAL, 0), STEP(ADVANCE, FEES, 0), STEP(ADVANCE, PENALTY, 0)},
     .n_steps = 12},
    {.name = "npl", .version = 1, .direction = ALLOCATE_VERTICAL, .advance = ADVANCE_TO_CREDIT,
     .steps = {BOTH(PRINCIPAL, 0), BOTH(INTEREST, 0), BOTH(FEES, 0), BOTH(PENALTY, 0)}, .n_steps = 8},
};

const struct rule_set *rule_set_find(const char *name) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (strcmp(presets[i].name, name) == 0) return &presets[i];
    }
    return NULL;
}

/* Bit of a (due, component) pair; 0 for a pair that does not exist. */
static unsigned step_bit(const struct rule_step *step) {
    if (step->due >= DUE_CLASS_COUNT || step->component >= COMPONENT_COUNT) return 0;
    return 1u << (step->due * COMPONENT_COUNT + step->component);
}

tagih_err rule_set_check(const struct rule_set *rules) {
    unsigned seen = 0;
    if (rules->n_steps > RULE_STEPS_MAX) return FAIL(ALLOCATION_RULES);
    for (size_t i = 0; i < rules->n_steps; i++) {
        unsigned bit = step_bit(&rules->steps[i]);
        bool phase_falls = i > 0 && rules->steps[i].phase < rules->steps[i - 1].phase;
        if (bit == 0 || (seen & bit) || phase_falls) return FAIL(ALLOCATION_RULES);
        seen |= bit;
    }
    unsigned debt = 0x0FF, all = 0xFFF;
    return seen == (rules->advance == ADVANCE_TO_CREDIT ? debt : all) ? TAGIH_OK : FAIL(ALLOCATION_RULES);
}

const char *component_name(enum component component) {
    static const char *const names[COMPONENT_COUNT] = {"fees", "penalty", "interest", "principal"};
    return (unsigned)component < COMPONENT_COUNT ? names[component] : "unknown";
}
