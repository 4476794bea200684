/* SPDX-License-Identifier: Apache-2.0 */
/* From text to ast.h. What is not understood ends the program, with its place. */
#ifndef TAGIH_TESTS_SIM_MODEL_PARSE_H
#define TAGIH_TESTS_SIM_MODEL_PARSE_H

#include "tests/sim/model/ast.h"

enum mq_token_kind { MQ_END, MQ_WORD, MQ_QUOTED, MQ_NUMBER, MQ_STRING, MQ_DOLLAR, MQ_SIGN };

struct mq_token {
    enum mq_token_kind kind;
    const char *text; /* a word in small letters, a sign, a string's content */
    size_t len, at;
    int64_t number;
};

struct mq_parser {
    struct mq_arena *arena;
    const char *name, *text; /* whose text, for messages */
    struct mq_token *tokens;
    size_t n, at;
};

void mq_parser_begin(struct mq_parser *p, struct mq_arena *arena, const char *name, const char *text);
void mq_parse_fail(const struct mq_parser *p, const char *why) __attribute__((noreturn));

/* One token at a time. */
bool mq_at_word(const struct mq_parser *p, const char *word);
bool mq_at_words(const struct mq_parser *p, const char *first, const char *second);
bool mq_at_sign(const struct mq_parser *p, const char *sign);
bool mq_take_word(struct mq_parser *p, const char *word);
bool mq_take_sign(struct mq_parser *p, const char *sign);
void mq_want_word(struct mq_parser *p, const char *word);
void mq_want_sign(struct mq_parser *p, const char *sign);
const char *mq_want_name(struct mq_parser *p);

struct mq_expr *mq_parse_expr(struct mq_parser *p);
struct mq_query *mq_parse_query(struct mq_parser *p);
enum mq_type mq_parse_type(struct mq_parser *p, bool *array);
struct mq_order *mq_parse_order(struct mq_parser *p, size_t *n);
bool mq_is_aggregate(const char *name);
struct mq_expr *mq_new_expr(struct mq_parser *p, enum mq_expr_kind kind);
void mq_add_arg(struct mq_parser *p, struct mq_expr *e, struct mq_expr *arg);
/** "(a, b)" as names; NULL when there is none. */
const char **mq_parse_names(struct mq_parser *p, size_t *n);

#endif
