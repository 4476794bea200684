/* SPDX-License-Identifier: Apache-2.0 */
/* The bonus line's machine: the table, the one function that walks it, and the diagram it draws of itself
 * (R-BON-6). */
#include "bonus_state.h"

static const struct bonus_edge edges[] = {
    {BONUS_PROVISIONAL, BONUS_CLOSE, BONUS_LOCKED, false, false, "the month closes",
     "what the month gave is settled, confirmed or not", "R-BON-6"},
    {BONUS_LOCKED, BONUS_APPROVE, BONUS_APPROVED, true, true, "confirmed, not on hold, by a second person",
     "money that nobody has seen earns nothing yet", "R-BON-6"},
    {BONUS_APPROVED, BONUS_PAY, BONUS_PAID, true, true, "confirmed, not on hold, by a second person",
     "the bank pays what was approved", "R-BON-6"},
};

enum { EDGE_COUNT = sizeof edges / sizeof *edges };

const char *bonus_state_name(enum bonus_state state) {
    static const char *const names[BONUS_STATE_END] = {"?", "PROVISIONAL", "LOCKED", "APPROVED", "PAID"};
    return (unsigned)state < BONUS_STATE_END ? names[state] : "?";
}

const char *bonus_event_name(enum bonus_event event) {
    static const char *const names[BONUS_EVENT_END] = {"?", "close", "approve", "pay"};
    return (unsigned)event < BONUS_EVENT_END ? names[event] : "?";
}

const char *bonus_unconfirmed_text(enum bonus_unconfirmed why) {
    static const char *const texts[BONUS_UNCONFIRMED_END] = {
        [BONUS_CONFIRMED] = "",
        [BONUS_UNSETTLED] = "no settlement covers its cash yet",
        [BONUS_NOT_ACCEPTED] = "the settlement of its cash is not accepted yet",
        [BONUS_SHORT] = "a shortage of its settlement is open",
        [BONUS_NO_BANK_LINE] = "the bank's statement has not shown its money yet"};
    return (unsigned)why < BONUS_UNCONFIRMED_END ? texts[why] : "?";
}

const struct bonus_edge *bonus_edge_at(size_t i) {
    return i < EDGE_COUNT ? &edges[i] : NULL;
}

tagih_err bonus_state_apply(enum bonus_state state, enum bonus_event event,
                            const struct bonus_state_facts *facts, enum bonus_state *out) {
    for (size_t i = 0; i < EDGE_COUNT; i++) {
        const struct bonus_edge *edge = &edges[i];
        if (edge->from != state || edge->event != event) continue;
        if (edge->needs_clear && facts->on_hold) return FAIL(BONUS_ON_HOLD);
        if (edge->needs_confirmed && !facts->confirmed) return FAIL(BONUS_NOT_CONFIRMED);
        *out = edge->to;
        return TAGIH_OK;
    }
    return FAIL(BONUS_ILLEGAL_TRANSITION);
}

tagih_err bonus_state_print_mermaid(struct arena *arena, const char **out) {
    const char *text = "stateDiagram-v2\n    [*] --> PROVISIONAL\n";
    for (size_t i = 0; i < EDGE_COUNT && text; i++) {
        const struct bonus_edge *e = &edges[i];
        text = arena_printf(arena, "%s    %s --> %s: %s [%s] %s (%s)\n", text, bonus_state_name(e->from),
                            bonus_state_name(e->to), bonus_event_name(e->event), e->guard, e->why, e->rule);
    }
    if (text) text = arena_printf(arena, "%s    PAID --> [*]\n", text);
    if (!text) return FAIL(OUT_OF_MEMORY);
    *out = text;
    return TAGIH_OK;
}
