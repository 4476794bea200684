/* SPDX-License-Identifier: Apache-2.0 */
/* SQL's tokens. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/model/parse.h"

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

static size_t skip_blank(const char *text, size_t at) {
    for (;;) {
        if (isspace((unsigned char)text[at])) at++;
        else if (text[at] == '-' && text[at + 1] == '-') at += strcspn(text + at, "\n");
        else return at;
    }
}

static size_t lex_word(struct mq_parser *p, size_t at, struct mq_token *out) {
    size_t end = at;
    while (is_word(p->text[end])) end++;
    char *text = mq_text(p->arena, p->text + at, end - at);
    for (char *c = text; *c; c++) *c = (char)tolower((unsigned char)*c);
    *out = (struct mq_token){.kind = MQ_WORD, .text = text, .len = end - at};
    return end;
}

/* '…' with '' inside; "…" for names. */
static size_t lex_quoted(struct mq_parser *p, size_t at, struct mq_token *out) {
    char quote = p->text[at++];
    char *text = mq_alloc(p->arena, strlen(p->text + at) + 1);
    size_t len = 0;
    for (;; at++) {
        if (!p->text[at]) mq_parse_fail(p, "a string without an end");
        if (p->text[at] == quote && p->text[++at] != quote) break;
        text[len++] = p->text[at];
    }
    *out = (struct mq_token){.kind = quote == '"' ? MQ_QUOTED : MQ_STRING, .text = text, .len = len};
    return at;
}

/* $1 or $tag$…$tag$ */
static size_t lex_dollar(struct mq_parser *p, size_t at, struct mq_token *out) {
    if (isdigit((unsigned char)p->text[at + 1])) {
        char *end;
        *out = (struct mq_token){.kind = MQ_DOLLAR, .text = "$", .number = strtoll(p->text + at + 1, &end, 10)};
        return (size_t)(end - p->text);
    }
    size_t tag = at + 1;
    while (is_word(p->text[tag])) tag++;
    if (p->text[tag] != '$') mq_parse_fail(p, "a lone dollar");
    char *mark = mq_text(p->arena, p->text + at, tag + 1 - at);
    const char *from = p->text + tag + 1, *end = strstr(from, mark);
    if (!end) mq_parse_fail(p, "a text without an end");
    *out = (struct mq_token){.kind = MQ_STRING, .text = mq_text(p->arena, from, (size_t)(end - from)), .len = (size_t)(end - from)};
    return (size_t)(end - p->text) + strlen(mark);
}

static size_t lex_sign(struct mq_parser *p, size_t at, struct mq_token *out) {
    static const char *const signs[] = {"::", "||", "<=", ">=", "<>", "!=", "<<", ">>", "!~", ":=", "->", "=>"};
    size_t len = 1;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strncmp(p->text + at, signs[i], 2) == 0) len = 2;
    }
    *out = (struct mq_token){.kind = MQ_SIGN, .text = mq_text(p->arena, p->text + at, len), .len = len};
    return at + len;
}

static size_t lex_number(struct mq_parser *p, size_t at, struct mq_token *out) {
    size_t end = at;
    while (isdigit((unsigned char)p->text[end]) || (p->text[end] == '.' && isdigit((unsigned char)p->text[end + 1]))) end++;
    *out = (struct mq_token){.kind = MQ_NUMBER, .text = mq_text(p->arena, p->text + at, end - at), .len = end - at};
    out->number = strtoll(out->text, NULL, 10);
    return end;
}

static size_t lex_one(struct mq_parser *p, size_t at, struct mq_token *out) {
    char c = p->text[at];
    if (c == '$') return lex_dollar(p, at, out);
    if (c == '\'' || c == '"') return lex_quoted(p, at, out);
    if (isdigit((unsigned char)c)) return lex_number(p, at, out);
    if (is_word(c)) return lex_word(p, at, out);
    return lex_sign(p, at, out);
}

void mq_parser_begin(struct mq_parser *p, struct mq_arena *arena, const char *name, const char *text) {
    *p = (struct mq_parser){.arena = arena, .name = name, .text = text};
    for (size_t at = skip_blank(text, 0);; at = skip_blank(text, at)) {
        p->tokens = mq_grow(arena, p->tokens, p->n, sizeof *p->tokens);
        struct mq_token *token = &p->tokens[p->n];
        *token = (struct mq_token){.kind = MQ_END, .text = "", .at = at};
        if (text[at]) {
            size_t from = at;
            at = lex_one(p, at, token);
            token->at = from;
        }
        if (token->kind == MQ_END) return;
        p->n++;
    }
}

void mq_parse_fail(const struct mq_parser *p, const char *why) {
    size_t at = p->tokens ? p->tokens[p->at < p->n ? p->at : p->n].at : 0;
    mq_die("statement %s: %s, at: %.60s", p->name, why, p->text + at);
}

static const struct mq_token *here(const struct mq_parser *p) {
    return &p->tokens[p->at];
}

bool mq_at_word(const struct mq_parser *p, const char *word) {
    return here(p)->kind == MQ_WORD && strcmp(here(p)->text, word) == 0;
}

bool mq_at_words(const struct mq_parser *p, const char *first, const char *second) {
    return mq_at_word(p, first) && p->tokens[p->at + 1].kind == MQ_WORD && strcmp(p->tokens[p->at + 1].text, second) == 0;
}

bool mq_at_sign(const struct mq_parser *p, const char *sign) {
    return here(p)->kind == MQ_SIGN && strcmp(here(p)->text, sign) == 0;
}

bool mq_take_word(struct mq_parser *p, const char *word) {
    if (!mq_at_word(p, word)) return false;
    p->at++;
    return true;
}

bool mq_take_sign(struct mq_parser *p, const char *sign) {
    if (!mq_at_sign(p, sign)) return false;
    p->at++;
    return true;
}

void mq_want_word(struct mq_parser *p, const char *word) {
    if (!mq_take_word(p, word)) mq_parse_fail(p, word);
}

void mq_want_sign(struct mq_parser *p, const char *sign) {
    if (!mq_take_sign(p, sign)) mq_parse_fail(p, sign);
}

const char *mq_want_name(struct mq_parser *p) {
    if (here(p)->kind != MQ_WORD && here(p)->kind != MQ_QUOTED) mq_parse_fail(p, "a name is expected");
    return p->tokens[p->at++].text;
}
