/* SPDX-License-Identifier: Apache-2.0 */
/* The model as its own files see it. */
#ifndef TAGIH_TESTS_SIM_MODEL_MODEL_IN_H
#define TAGIH_TESTS_SIM_MODEL_MODEL_IN_H

#include <setjmp.h>

#include "store/statement.h"
#include "tests/sim/model/model.h"
#include "tests/sim/model/table.h"

/** What a statement was refused for. */
struct mq_error {
    char sqlstate[6];
    char table[64], constraint[64], message[200];
};

enum mq_log_what { MQ_ADDED, MQ_GONE };
struct mq_log {
    enum mq_log_what what;
    struct mq_table *table;
    struct mq_row *row;
};

/** A statement that was prepared. */
struct mq_prepared {
    const struct statement *statement;
    struct mq_query *query;
    struct mq_prepared *next;
};
#define MQ_PREPARED_BUCKETS 512

struct model {
    struct model_options options;
    char conninfo[40];
    struct mq_arena lasting; /* schema, queries */
    struct mq_arena scratch; /* of the statement that runs */
    struct mq_arena texts;   /* of model_run's statements */
    struct mq_table **tables;
    size_t n_tables;
    struct mq_function **functions;
    size_t n_functions;
    struct mq_prepared *prepared[MQ_PREPARED_BUCKETS];
    model_hook_fn hook;
    void *hook_context;
    uint64_t faults[MODEL_FAULTS];
    /* the transaction */
    bool open, aborted, is_implicit;
    struct pg_conn *owner; /* the connection that it is on */
    uint8_t agency[16];
    bool has_agency;
    bool is_owner;  /* past policies */
    bool unchecked; /* past triggers and checks */
    uint64_t statement; /* the number of the one that runs */
    int64_t xid, xid_next; /* 0: nothing was written yet */
    struct mq_log *log;
    size_t n_log, log_room;
    int64_t wall_us; /* of now(), without a clock */
    /* the statement */
    struct mq_error error;
    jmp_buf *catch;
};

struct mq_rows {
    struct mq_value **rows;
    size_t n, width;
};

/** The row of each source that is bound; what subqueries see above them. */
struct mq_frame {
    struct mq_frame *up;
    const struct mq_query *query;
    const struct mq_value **rows; /* a source's values; NULL: it has none (an outer join) */
    struct mq_row **at;           /* a table's row itself */
    struct mq_rows *ctes;
    struct mq_rows **kept; /* what a source that depends on nothing answered */
    const struct mq_value *aggregates, *windows;
    const struct mq_value *params;
    size_t n_params;
};

/* ddl.c */
void mq_schema_read(struct model *model);
struct mq_table *mq_find_table(const struct model *model, const char *name);
struct mq_function *mq_find_function(const struct model *model, const char *name);

/* resolve.c: find out what names mean; `args` are those of a function, or NULL */
void mq_resolve(struct model *model, struct mq_query *query, const struct mq_function *function);
void mq_resolve_on(struct model *model, struct mq_expr *expr, struct mq_table *table);
size_t mq_width(const struct mq_query *query);

/* eval.c */
struct mq_value mq_eval(struct model *model, const struct mq_expr *expr, struct mq_frame *frame);
void mq_throw(struct model *model, const char *sqlstate, const char *table, const char *constraint, const char *message)
    __attribute__((noreturn));
struct mq_value mq_cast_or_throw(struct model *model, struct mq_value value, enum mq_type to);

/* call.c */
const struct mq_call *mq_find_call(const char *name);
struct mq_value mq_run_call(struct model *model, const struct mq_call *call, const struct mq_value *args, size_t n);
struct mq_rows mq_call_rows(struct model *model, const struct mq_source *source, struct mq_frame *frame);
struct mq_value mq_call_function(struct model *model, struct mq_function *function, const struct mq_value *args);
int64_t mq_wall_us(struct model *model);
struct mq_value mq_arithmetic(struct model *model, enum mq_op op, struct mq_value a, struct mq_value b);
int64_t mq_xid(struct model *model);

/* run.c */
typedef bool (*mq_emit_fn)(void *context, struct mq_value *row);
struct mq_rows mq_run(struct model *model, const struct mq_query *query, struct mq_frame *up, const struct mq_value *params, size_t n_params,
                      size_t at_most);
/** Bind every row that FROM and WHERE let through. */
typedef bool (*mq_bound_fn)(void *context, struct mq_frame *frame);
bool mq_scan(struct model *model, const struct mq_query *query, struct mq_frame *frame, mq_bound_fn bound, void *context);
void mq_frame_begin(struct model *model, struct mq_frame *frame, const struct mq_query *query, struct mq_frame *up,
                    const struct mq_value *params, size_t n_params);
void mq_rows_add(struct model *model, struct mq_rows *rows, struct mq_value *row);

/* group.c */
struct mq_groups;
struct mq_groups *mq_groups_begin(struct model *model, const struct mq_query *query);
void mq_groups_add(struct model *model, struct mq_groups *groups, struct mq_frame *frame);
/** One frame a group. */
void mq_groups_end(struct model *model, struct mq_groups *groups, struct mq_frame *frame, mq_bound_fn bound, void *context);

/* write.c: rows that RETURNING gives; `*written` rows in all */
struct mq_rows mq_write(struct model *model, const struct mq_query *query, struct mq_frame *frame, size_t *written);
void mq_undo(struct model *model);
void mq_keep_all(struct model *model);

/* session.c */
void mq_begin(struct model *model);
void mq_end(struct model *model, bool keep);
/** Run a query in its own transaction as the owner. Aborts the program on an error. */
struct mq_rows mq_run_text(struct model *model, const char *text, bool unchecked);

#endif
