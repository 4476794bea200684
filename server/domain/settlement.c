/* SPDX-License-Identifier: Apache-2.0 */
/* The settlement's machine: the table, the one function that walks it, and the diagram it draws of itself
 * (R-CSH-2). */
#include "domain/settlement.h"

#include <sodium.h>
#include <string.h>

/* Guards, as bits of a row. The last three choose between edges of one event, the others refuse it. */
enum { NOT_OWN = 1, NO_GAP = 2, EQUAL = 4, LESS = 8, MORE = 16 };

struct row {
    struct settlement_edge edge;
    unsigned guards;
};

#define CASHIER "by somebody else than the collector"
#define CHECKED "by somebody else, no gap or decided by a supervisor"

/* clang-format off */
static const struct row rows[] = {
    /* from                   event               to                       guard
       why (shown to people), rule, guards */
    {{SETTLEMENT_OPEN,      SETTLEMENT_DECLARE, SETTLEMENT_DECLARED,     "by day close or a supervisor",
      "the cash up to the cut is to be handed over", "R-CSH-2"}, 0},
    {{SETTLEMENT_DECLARED,  SETTLEMENT_COUNT,   SETTLEMENT_COUNTED,      CASHIER,
      "a cashier counts notes and coins", "R-CSH-2"}, NOT_OWN},
    {{SETTLEMENT_COUNTED,   SETTLEMENT_COUNT,   SETTLEMENT_COUNTED,      CASHIER,
      "they are counted again", "R-CSH-2"}, NOT_OWN},
    {{SETTLEMENT_COUNTED,   SETTLEMENT_ACCEPT,  SETTLEMENT_MATCHED,      CHECKED,
      "what was counted is what is expected", "R-CSH-2"}, NOT_OWN | NO_GAP | EQUAL},
    {{SETTLEMENT_COUNTED,   SETTLEMENT_ACCEPT,  SETTLEMENT_SHORT,        CHECKED,
      "less was counted, the collector owes the rest", "R-CSH-2"}, NOT_OWN | NO_GAP | LESS},
    {{SETTLEMENT_COUNTED,   SETTLEMENT_ACCEPT,  SETTLEMENT_OVER,         CHECKED,
      "more was counted than he should hold", "R-CSH-2"}, NOT_OWN | NO_GAP | MORE},
    {{SETTLEMENT_MATCHED,   SETTLEMENT_DEPOSIT, SETTLEMENT_DEPOSITED,    "covered by a deposit",
      "it left the vault for a bank", "R-CSH-2"}, 0},
    {{SETTLEMENT_SHORT,     SETTLEMENT_DEPOSIT, SETTLEMENT_DEPOSITED,    "covered by a deposit",
      "it left the vault for a bank", "R-CSH-2"}, 0},
    {{SETTLEMENT_OVER,      SETTLEMENT_DEPOSIT, SETTLEMENT_DEPOSITED,    "covered by a deposit",
      "it left the vault for a bank", "R-CSH-2"}, 0},
    {{SETTLEMENT_DEPOSITED, SETTLEMENT_MATCH,   SETTLEMENT_BANK_MATCHED, "its deposit stands in the bank's statement",
      "the bank has it", "R-CSH-2"}, 0},
};
/* clang-format on */

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *const state_names[SETTLEMENT_STATE_END] = {
    "?", "OPEN", "DECLARED", "COUNTED", "MATCHED", "SHORT", "OVER", "DEPOSITED", "BANK_MATCHED"};
static const char *const event_names[SETTLEMENT_EVENT_COUNT] = {"declare", "count", "accept", "deposit",
                                                                "match"};

const char *settlement_state_name(enum settlement_state state) {
    return (size_t)state < SETTLEMENT_STATE_END ? state_names[state] : "?";
}

const char *settlement_event_name(enum settlement_event event) {
    return (size_t)event < SETTLEMENT_EVENT_COUNT ? event_names[event] : "?";
}

bool settlement_is_accepted(enum settlement_state state) {
    return state >= SETTLEMENT_MATCHED && state < SETTLEMENT_STATE_END;
}

uuid settlement_id_of(uuid entry, const currency *other) {
    static const char purpose[] = "tagih.settlement.1";
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    uuid out;
    if (!other) return entry;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)purpose, sizeof purpose);
    crypto_hash_sha256_update(&state, entry.b, sizeof entry.b);
    crypto_hash_sha256_update(&state, (const uint8_t *)other->code, 3);
    crypto_hash_sha256_final(&state, digest);
    memcpy(out.b, digest, sizeof out.b);
    return out;
}

const struct settlement_edge *settlement_edge_at(size_t i) {
    return i < ROW_COUNT ? &rows[i].edge : NULL;
}

static bool is_chosen(unsigned guards, const struct settlement_facts *facts) {
    if (guards & EQUAL) return facts->counted_minor == facts->expected_minor;
    if (guards & LESS) return facts->counted_minor < facts->expected_minor;
    if (guards & MORE) return facts->counted_minor > facts->expected_minor;
    return true;
}

static tagih_err guard(unsigned guards, const struct settlement_facts *facts) {
    if ((guards & NOT_OWN) && facts->own) return FAIL(SETTLEMENT_OWN);
    if ((guards & NO_GAP) && facts->gap && !facts->gap_decided) return FAIL(SETTLEMENT_GAP);
    return TAGIH_OK;
}

tagih_err settlement_apply(enum settlement_state state, enum settlement_event event,
                           const struct settlement_facts *facts, enum settlement_state *out) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        if (row->edge.from != state || row->edge.event != event || !is_chosen(row->guards, facts)) continue;
        TRY(guard(row->guards, facts));
        *out = row->edge.to;
        return TAGIH_OK;
    }
    return FAIL(SETTLEMENT_ILLEGAL_TRANSITION);
}

/* One edge as a line of the diagram, appended to the text so far. */
static const char *print_edge(struct arena *arena, const char *so_far, const struct settlement_edge *edge) {
    return arena_printf(arena, "%s    %s --> %s: %s [%s] %s (%s)\n", so_far,
                        settlement_state_name(edge->from), settlement_state_name(edge->to),
                        settlement_event_name(edge->event), edge->guard, edge->why, edge->rule);
}

tagih_err settlement_print_mermaid(struct arena *arena, const char **out) {
    const char *text = "stateDiagram-v2\n    [*] --> OPEN\n";
    for (size_t i = 0; i < ROW_COUNT && text; i++) text = print_edge(arena, text, &rows[i].edge);
    if (text) text = arena_printf(arena, "%s    BANK_MATCHED --> [*]\n", text);
    if (!text) return FAIL(OUT_OF_MEMORY);
    *out = text;
    return TAGIH_OK;
}
