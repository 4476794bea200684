/* SPDX-License-Identifier: Apache-2.0 */
/* Money in suspense: the machine and its diagram, the ranking of hints, the words of a text, ages (R-PAY-2). */
#include "domain/suspense.h"

#include <stdlib.h>
#include <string.h>

/* ---- the machine ---------------------------------------------------------------------------------------------- */

enum { SECOND_PERSON = 1, ACCOUNT_OPEN = 2 };

struct row {
    struct money_edge edge;
    unsigned guards;
};

/* clang-format off */
static const struct row rows[] = {
    /* from            event          to              guard, why (shown to people), rule, guards */
    {{MONEY_RECEIVED, MONEY_POST,    MONEY_POSTED,   "the account takes it",
      "its account is known", "R-PAY-1"}, ACCOUNT_OPEN},
    {{MONEY_RECEIVED, MONEY_HOLD,    MONEY_SUSPENSE, "",
      "nobody knows whose it is, or the account may not take it", "R-PAY-2"}, 0},
    {{MONEY_SUSPENSE, MONEY_RELEASE, MONEY_POSTED,   "by a second person, the account takes it",
      "its account was found; it counts from when it was received", "R-PAY-2"}, SECOND_PERSON | ACCOUNT_OPEN},
    {{MONEY_SUSPENSE, MONEY_RETURN,  MONEY_RETURNED, "by a second person",
      "it goes back to whoever sent it", "R-PAY-2"}, SECOND_PERSON},
    {{MONEY_POSTED,   MONEY_REVERSE, MONEY_REVERSED, "",
      "the payment is taken back, both records stay", "R-PAY-3"}, 0},
};
/* clang-format on */

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *const state_names[MONEY_STATE_END] = {"?", "RECEIVED", "SUSPENSE", "POSTED", "RETURNED", "REVERSED"};
static const char *const event_names[MONEY_EVENT_COUNT] = {"post", "hold", "release", "return", "reverse"};

const char *money_state_name(enum money_state state) {
    return (size_t)state < MONEY_STATE_END ? state_names[state] : "?";
}

const char *money_event_name(enum money_event event) {
    return (size_t)event < MONEY_EVENT_COUNT ? event_names[event] : "?";
}

const struct money_edge *money_edge_at(size_t i) {
    return i < ROW_COUNT ? &rows[i].edge : NULL;
}

static tagih_err guard(unsigned guards, const struct money_facts *facts) {
    if ((guards & SECOND_PERSON) && !facts->by_second_person) return FAIL(SUSPENSE_SECOND_PERSON);
    if ((guards & ACCOUNT_OPEN) && !facts->account_takes_it) return FAIL(SUSPENSE_ACCOUNT);
    return TAGIH_OK;
}

tagih_err money_apply(enum money_state state, enum money_event event, const struct money_facts *facts,
                      enum money_state *out) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].edge.from != state || rows[i].edge.event != event) continue;
        TRY(guard(rows[i].guards, facts));
        *out = rows[i].edge.to;
        return TAGIH_OK;
    }
    return FAIL(SUSPENSE_ILLEGAL_TRANSITION);
}

static const char *print_edge(struct arena *arena, const char *so_far, const struct money_edge *edge) {
    return arena_printf(arena, "%s    %s --> %s: %s%s%s%s %s (%s)\n", so_far, money_state_name(edge->from),
                        money_state_name(edge->to), money_event_name(edge->event), *edge->guard ? " [" : "", edge->guard,
                        *edge->guard ? "]" : "", edge->why, edge->rule);
}

tagih_err money_print_mermaid(struct arena *arena, const char **out) {
    const char *text = "stateDiagram-v2\n    [*] --> RECEIVED\n";
    for (size_t i = 0; i < ROW_COUNT && text; i++) text = print_edge(arena, text, &rows[i].edge);
    if (text) text = arena_printf(arena, "%s    RETURNED --> [*]\n    REVERSED --> [*]\n", text);
    if (!text) return FAIL(OUT_OF_MEMORY);
    *out = text;
    return TAGIH_OK;
}

const char *suspense_origin_name(int origin) {
    static const char *const names[] = {"?", "call", "account", "reversal", "bank_line"};
    return origin > 0 && (size_t)origin < sizeof names / sizeof *names ? names[origin] : "?";
}

/* ---- whose it may be ------------------------------------------------------------------------------------------ */

static const struct {
    int32_t points;
    const char *reason;
} hint_kinds[HINT_KIND_COUNT] = {
    [HINT_NAMED] = {60, "the money was sent for this account"},
    [HINT_ACCOUNT_NO] = {90, "the text names this account's number"},
    [HINT_CUSTOMER_NO] = {60, "the text names the number of this account's customer"},
    [HINT_PLATE] = {60, "the text names the plate of this account's asset"},
    [HINT_PAYER] = {50, "money of the same payer was posted to this account before"},
    [HINT_PROMISE] = {25, "this amount was promised for this account"},
    [HINT_INSTALMENT] = {15, "an open instalment of this account has this amount"},
};

#define POINTS_MAX 100

const char *suspense_hint_reason(enum suspense_hint_kind kind) {
    return (size_t)kind < HINT_KIND_COUNT ? hint_kinds[kind].reason : "?";
}

static int32_t points_of(uint32_t kinds) {
    int32_t sum = 0;
    for (int k = 0; k < HINT_KIND_COUNT; k++) {
        if (kinds & (1U << k)) sum += hint_kinds[k].points;
    }
    return sum < POINTS_MAX ? sum : POINTS_MAX;
}

static bool comes_before(const struct suspense_match *a, const struct suspense_match *b) {
    return a->points != b->points ? a->points > b->points : uuid_compare(a->account.u, b->account.u) < 0;
}

/* All reasons for an account, if it was not seen before place `at`. */
static bool gather(const struct suspense_hint *hints, size_t n, size_t at, struct suspense_match *out) {
    *out = (struct suspense_match){.account = hints[at].account};
    for (size_t i = 0; i < n; i++) {
        if (!uuid_equal(hints[i].account.u, out->account.u)) continue;
        if (i < at) return false;
        if ((size_t)hints[i].kind < HINT_KIND_COUNT) out->kinds |= 1U << hints[i].kind;
    }
    out->points = points_of(out->kinds);
    return out->points > 0;
}

size_t suspense_rank(const struct suspense_hint *hints, size_t n, struct suspense_match *out, size_t n_max) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct suspense_match match;
        if (!gather(hints, n, i, &match)) continue;
        size_t at = count;
        while (at > 0 && comes_before(&match, &out[at - 1])) at--;
        if (at == n_max) continue;
        if (count < n_max) count++;
        memmove(&out[at + 1], &out[at], (count - at - 1) * sizeof *out);
        out[at] = match;
    }
    return count;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

struct words {
    struct suspense_token *out;
    size_t n;
};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static char capital(uint8_t c) {
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static void word_add(struct words *words, const char *text) {
    for (size_t i = 0; i < words->n; i++) {
        if (strcmp(words->out[i].text, text) == 0) return;
    }
    if (words->n < SUSPENSE_TOKENS_MAX) memcpy(words->out[words->n++].text, text, strlen(text) + 1);
}

static void add_both(struct words *words, struct bytes word) {
    char as_is[SUSPENSE_TOKEN_MAX + 1] = "", capitals[SUSPENSE_TOKEN_MAX + 1] = "";
    bool digit = false;
    if (word.len < 4 || word.len > SUSPENSE_TOKEN_MAX) return;
    for (size_t i = 0; i < word.len; i++) {
        as_is[i] = (char)word.data[i];
        capitals[i] = capital(word.data[i]);
        digit |= is_digit(word.data[i]);
    }
    if (!digit || memchr(word.data, 0, word.len)) return;
    word_add(words, as_is);
    word_add(words, capitals);
}

static bool parts(uint8_t c) {
    return c <= ' ' || strchr(",;:()[]{}<>\"'|", c) != NULL;
}

static bool is_edge(uint8_t c) {
    return strchr("./\\-_#*=+!?", c) != NULL;
}

/* Words between blanks, without the punctuation around them; hyphens and slashes inside stay. */
static void whole_words(struct bytes text, struct words *words) {
    for (size_t at = 0; at < text.len;) {
        size_t from = at, to;
        while (at < text.len && !parts(text.data[at])) at++;
        to = at;
        while (from < to && is_edge(text.data[from])) from++;
        while (to > from && is_edge(text.data[to - 1])) to--;
        add_both(words, bytes_make(text.data + from, to - from));
        at++;
    }
}

/* The run of characters of one kind from `at`, at most `max`; 0 when it is longer. */
static size_t run_of(struct bytes text, size_t at, bool (*kind)(uint8_t), size_t max) {
    size_t n = 0;
    while (at + n < text.len && kind(text.data[at + n])) n++;
    return n <= max ? n : 0;
}

static size_t gap(struct bytes text, size_t at) {
    return at < text.len && (text.data[at] == ' ' || text.data[at] == '-' || text.data[at] == '.') ? 1 : 0;
}

static void plate_add(struct words *words, struct bytes text, size_t head, size_t n_head, size_t number, size_t n_number,
                      size_t tail, size_t n_tail) {
    static const char *const between[] = {"", " ", "-"};
    for (size_t k = 0; k < 3; k++) {
        char plate[SUSPENSE_TOKEN_MAX + 1];
        size_t n = 0;
        for (size_t i = 0; i < n_head; i++) plate[n++] = capital(text.data[head + i]);
        if (*between[k]) plate[n++] = *between[k];
        for (size_t i = 0; i < n_number; i++) plate[n++] = (char)text.data[number + i];
        if (*between[k] && n_tail) plate[n++] = *between[k];
        for (size_t i = 0; i < n_tail; i++) plate[n++] = capital(text.data[tail + i]);
        plate[n] = 0;
        word_add(words, plate);
    }
}

/* One or two letters, one to four digits, up to three letters. */
static void plates(struct bytes text, struct words *words) {
    for (size_t at = 0; at < text.len; at++) {
        if (at > 0 && (is_letter(text.data[at - 1]) || is_digit(text.data[at - 1]))) continue;
        size_t n_head = run_of(text, at, is_letter, 2);
        if (n_head == 0) continue;
        size_t number = at + n_head + gap(text, at + n_head), n_number = run_of(text, number, is_digit, 4);
        if (n_number == 0) continue;
        size_t end = number + n_number, tail = end + gap(text, end), n_tail = run_of(text, tail, is_letter, 3);
        bool cut = tail == end && tail < text.len && is_letter(text.data[tail]) && n_tail == 0;
        if (!cut && n_number + n_tail >= 3) plate_add(words, text, at, n_head, number, n_number, tail, n_tail);
    }
}

size_t suspense_tokens(struct bytes text, struct suspense_token out[SUSPENSE_TOKENS_MAX]) {
    struct words words = {.out = out};
    plates(text, &words);
    whole_words(text, &words);
    return words.n;
}

/* ---- ages ----------------------------------------------------------------------------------------------------- */

const int32_t suspense_age_from[SUSPENSE_AGES - 1] = {2, 8, 31, 91};

int suspense_age(civil_date value_on, civil_date today) {
    int age = 0;
    while (age < SUSPENSE_AGES - 1 && today.days - value_on.days >= suspense_age_from[age]) age++;
    return age;
}
