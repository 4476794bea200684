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

const struct rule_set *rule_set_presets(size_t *n) {
    *n = sizeof presets / sizeof presets[0];
    return presets;
}

/* Bit of a (due, component) pair; 0 for a pair that does not exist. */
static unsigned step_bit(const struct rule_step *step) {
    if (step->due >= DUE_CLASS_COUNT || step->component >= COMPONENT_COUNT) return 0;
    return 1u << (step->due * COMPONENT_COUNT + step->component);
}

tagih_err rule_set_check(const struct rule_set *rules) {
    unsigned seen = 0;
    if (rules->n_steps > RULE_STEPS_MAX) return FAIL(ALLOCATION_RULES);
    if ((unsigned)rules->direction > ALLOCATE_VERTICAL || (unsigned)rules->advance > ADVANCE_TO_LAST) {
        return FAIL(ALLOCATION_RULES);
    }
    for (size_t i = 0; i < rules->n_steps; i++) {
        unsigned bit = step_bit(&rules->steps[i]);
        bool phase_falls = i > 0 && rules->steps[i].phase < rules->steps[i - 1].phase;
        if (bit == 0 || (seen & bit) || phase_falls) return FAIL(ALLOCATION_RULES);
        seen |= bit;
    }
    unsigned debt = 0x0FF, all = 0xFFF;
    return seen == (rules->advance == ADVANCE_TO_CREDIT ? debt : all) ? TAGIH_OK : FAIL(ALLOCATION_RULES);
}

/* ---- names and steps as text ------------------------------------------------------------------------------------ */

static bool is_letter(uint8_t c) {
    return c >= 'a' && c <= 'z';
}

tagih_err rule_set_name_check(struct bytes name) {
    if (name.len < 3 || name.len > RULE_SET_NAME_MAX) return FAIL(RULE_SET_NAME);
    for (size_t i = 0; i < name.len; i++) {
        bool digit = name.data[i] >= '0' && name.data[i] <= '9';
        bool fits = is_letter(name.data[i]) || (i > 0 && (digit || (name.data[i] == '-' && i + 1 < name.len)));
        if (!fits) return FAIL(RULE_SET_NAME);
    }
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (bytes_equal(bytes_text(presets[i].name), name)) return FAIL(RULE_SET_RESERVED);
    }
    return TAGIH_OK;
}

static const char *const due_names[DUE_CLASS_COUNT] = {[DUE_PAST] = "past", [DUE_NOW] = "now", [DUE_ADVANCE] = "advance"};

static size_t put(char *out, size_t at, const char *text) {
    size_t len = strlen(text);
    memcpy(out + at, text, len);
    return at + len;
}

size_t rule_steps_format(const struct rule_set *rules, char out[RULE_STEPS_TEXT_SIZE]) {
    size_t at = 0;
    for (size_t i = 0; i < rules->n_steps && i < RULE_STEPS_MAX; i++) {
        const struct rule_step *step = &rules->steps[i];
        if (i > 0) at = put(out, at, step->phase == rules->steps[i - 1].phase ? " " : "; ");
        at = put(out, at, due_names[step->due % DUE_CLASS_COUNT]);
        at = put(out, at, ".");
        at = put(out, at, component_name((enum component)step->component));
    }
    out[at] = 0;
    return at;
}

/* Does the text go on with this word? Then it is eaten. */
static bool eat(struct bytes *text, const char *word) {
    size_t len = strlen(word);
    if (text->len < len || memcmp(text->data, word, len) != 0) return false;
    *text = bytes_make(text->data + len, text->len - len);
    return true;
}

static bool eat_step(struct bytes *text, struct rule_step *out) {
    unsigned due = 0, component = 0;
    while (due < DUE_CLASS_COUNT && !eat(text, due_names[due])) due++;
    if (due == DUE_CLASS_COUNT || !eat(text, ".")) return false;
    while (component < COMPONENT_COUNT && !eat(text, component_name((enum component)component))) component++;
    out->due = (uint8_t)due;
    out->component = (uint8_t)component;
    return component < COMPONENT_COUNT;
}

tagih_err rule_steps_parse(struct bytes text, struct rule_set *out) {
    uint8_t phase = 0;
    out->n_steps = 0;
    while (text.len > 0) {
        if (out->n_steps == RULE_STEPS_MAX) return FAIL(ALLOCATION_RULES);
        bool apart = out->n_steps == 0 || eat(&text, " ");
        if (!apart && eat(&text, "; ")) apart = ++phase > 0;
        struct rule_step *step = &out->steps[out->n_steps];
        if (!apart || !eat_step(&text, step)) return FAIL(ALLOCATION_RULES);
        step->phase = phase;
        out->n_steps++;
    }
    return TAGIH_OK;
}

/* ---- changes of an account's rule set --------------------------------------------------------------------------- */

int rule_change_compare(const struct rule_change *a, const struct rule_change *b) {
    if (a->value_on.days != b->value_on.days) return a->value_on.days < b->value_on.days ? -1 : 1;
    if (a->made.us != b->made.us) return a->made.us < b->made.us ? -1 : 1;
    return uuid_compare(a->id, b->id);
}

const struct rule_change *rule_change_at(const struct rule_history *history, civil_date on) {
    const struct rule_change *last = NULL;
    for (size_t i = 0; i < history->n_changes; i++) {
        const struct rule_change *each = &history->changes[i];
        if (each->value_on.days <= on.days && (!last || rule_change_compare(each, last) > 0)) last = each;
    }
    return last;
}

const struct rule_set *rule_set_at(const struct rule_history *history, civil_date on) {
    const struct rule_change *change = rule_change_at(history, on);
    return change ? change->rules : history->first;
}

const char *component_name(enum component component) {
    static const char *const names[COMPONENT_COUNT] = {"fees", "penalty", "interest", "principal"};
    return (unsigned)component < COMPONENT_COUNT ? names[component] : "unknown";
}
