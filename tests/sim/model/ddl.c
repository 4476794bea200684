/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema, from the product's own migrations: tables with their keys, checks, defaults and references, functions in SQL.
 * Rights and policies are the engine's own business; statements that make nothing a row could notice are passed over.
 */
#include <stdio.h>
#include <string.h>

#include "store/migrate.h"
#include "tests/sim/model/model_in.h"
#include "tests/sim/model/parse.h"

struct mq_table *mq_find_table(const struct model *model, const char *name) {
    for (size_t i = 0; i < model->n_tables; i++) {
        if (strcmp(model->tables[i]->name, name) == 0) return model->tables[i];
    }
    return NULL;
}

struct mq_function *mq_find_function(const struct model *model, const char *name) {
    for (size_t i = 0; i < model->n_functions; i++) {
        if (strcmp(model->functions[i]->name, name) == 0) return model->functions[i];
    }
    return NULL;
}

static struct mq_table *want_table(const struct model *model, struct mq_parser *p) {
    mq_take_word(p, "only");
    const char *name = mq_want_name(p);
    if (mq_take_sign(p, ".")) name = mq_want_name(p);
    struct mq_table *table = mq_find_table(model, name);
    if (!table) mq_parse_fail(p, "no such table");
    return table;
}

static void skip_statement(struct mq_parser *p) {
    while (p->at < p->n && !mq_at_sign(p, ";")) p->at++;
    mq_take_sign(p, ";");
}

static const char *named(struct model *model, const char *table, const char *what, const char *tail) {
    char name[200];
    int len = snprintf(name, sizeof name, "%s%s%s_%s", table, *what ? "_" : "", what, tail);
    if (len < 0 || (size_t)len >= sizeof name) mq_die("a name of table %s is too long", table);
    return mq_text(&model->lasting, name, (size_t)len);
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

static struct mq_index *add_index(struct model *model, struct mq_table *table, const char *name, bool unique) {
    table->indexes = mq_grow(&model->lasting, table->indexes, table->n_indexes, sizeof *table->indexes);
    struct mq_index *index = &table->indexes[table->n_indexes++];
    *index = (struct mq_index){.name = name, .unique = unique, .is_plain = true};
    return index;
}

static void key_column(struct mq_parser *p, struct mq_table *table, struct mq_index *index, struct mq_expr *e) {
    if (index->n == MQ_KEYS_MAX) mq_parse_fail(p, "too many columns in a key");
    int column = e->kind == MQ_COLUMN ? mq_table_column(table, e->name) : -1;
    if (e->kind == MQ_COLUMN && column < 0) mq_parse_fail(p, "no such column");
    index->exprs[index->n] = e;
    index->columns[index->n++] = column;
    if (column < 0) index->is_plain = false;
}

static void parse_key(struct mq_parser *p, struct mq_table *table, struct mq_index *index) {
    mq_want_sign(p, "(");
    do {
        key_column(p, table, index, mq_parse_expr(p));
        mq_take_word(p, "desc");
    } while (mq_take_sign(p, ","));
    mq_want_sign(p, ")");
}

static void make_primary(struct model *model, struct mq_table *table) {
    struct mq_index *index = &table->indexes[table->n_indexes - 1];
    table->primary = (int)table->n_indexes - 1;
    index->name = named(model, table->name, "", "pkey");
    for (size_t i = 0; i < index->n; i++) table->columns[index->columns[i]].not_null = true;
}

static void add_check(struct model *model, struct mq_parser *p, struct mq_table *table, const char *column) {
    mq_want_sign(p, "(");
    table->checks = mq_grow(&model->lasting, table->checks, table->n_checks, sizeof *table->checks);
    table->checks[table->n_checks++] = (struct mq_check){named(model, table->name, column, "check"), mq_parse_expr(p)};
    mq_want_sign(p, ")");
}

static struct mq_reference *add_reference(struct model *model, struct mq_table *table) {
    table->references = mq_grow(&model->lasting, table->references, table->n_references, sizeof *table->references);
    struct mq_reference *reference = &table->references[table->n_references++];
    memset(reference, 0, sizeof *reference);
    return reference;
}

static void take_referred(struct mq_parser *p, struct mq_reference *reference) {
    size_t n;
    mq_want_word(p, "references");
    reference->table = mq_want_name(p);
    mq_parse_names(p, &n);
}

static bool parse_generated(struct mq_parser *p, struct mq_column *column) {
    if (!mq_take_word(p, "generated")) return false;
    mq_want_word(p, "always");
    mq_want_word(p, "as");
    column->identity = mq_take_word(p, "identity");
    if (column->identity) return true;
    mq_want_sign(p, "(");
    column->fallback = mq_parse_expr(p);
    column->generated = true;
    mq_want_sign(p, ")");
    mq_want_word(p, "stored");
    return true;
}

/* One thing that stands behind a column's type; false: nothing more does. */
static bool parse_column_rest(struct model *model, struct mq_parser *p, struct mq_table *table, size_t at) {
    struct mq_column *column = &table->columns[at];
    if (mq_at_words(p, "not", "null")) {
        p->at += 2;
        column->not_null = true;
    } else if (mq_take_word(p, "default")) {
        column->fallback = mq_parse_expr(p);
    } else if (mq_take_word(p, "primary") || mq_at_word(p, "unique")) {
        bool primary = mq_take_word(p, "key");
        if (!primary) mq_want_word(p, "unique");
        struct mq_index *index = add_index(model, table, named(model, table->name, column->name, "key"), true);
        struct mq_expr *e = mq_new_expr(p, MQ_COLUMN);
        e->name = column->name;
        key_column(p, table, index, e);
        if (primary) make_primary(model, table);
    } else if (mq_take_word(p, "check")) {
        add_check(model, p, table, column->name);
    } else if (mq_at_word(p, "references")) {
        struct mq_reference *reference = add_reference(model, table);
        reference->columns[reference->n++] = (int)at;
        take_referred(p, reference);
    } else if (!mq_take_word(p, "null")) {
        return parse_generated(p, column);
    }
    return true;
}

static void parse_column(struct model *model, struct mq_parser *p, struct mq_table *table) {
    if (table->n_columns == MQ_COLUMNS_MAX) mq_parse_fail(p, "too many columns");
    size_t at = table->n_columns++;
    bool array;
    table->columns[at].name = mq_want_name(p);
    table->columns[at].type = mq_parse_type(p, &array);
    if (strcmp(table->columns[at].name, "agency_id") == 0) table->agency_column = (int)at;
    while (parse_column_rest(model, p, table, at)) continue;
}

static void parse_table_part(struct model *model, struct mq_parser *p, struct mq_table *table) {
    if (mq_take_word(p, "constraint")) mq_want_name(p);
    if (mq_at_words(p, "primary", "key")) {
        p->at += 2;
        parse_key(p, table, add_index(model, table, "", true));
        make_primary(model, table);
    } else if (mq_take_word(p, "unique")) {
        parse_key(p, table, add_index(model, table, named(model, table->name, "", "key"), true));
    } else if (mq_at_words(p, "foreign", "key")) {
        size_t n;
        p->at += 2;
        const char **names = mq_parse_names(p, &n);
        struct mq_reference *reference = add_reference(model, table);
        for (size_t i = 0; i < n; i++) reference->columns[reference->n++] = mq_table_column(table, names[i]);
        take_referred(p, reference);
    } else if (mq_take_word(p, "check")) {
        add_check(model, p, table, "");
    } else {
        parse_column(model, p, table);
    }
}

static void create_table(struct model *model, struct mq_parser *p) {
    if (mq_take_word(p, "if")) p->at += 2;
    struct mq_table *table = MQ_NEW(&model->lasting, 1, struct mq_table);
    table->name = mq_want_name(p);
    table->primary = table->agency_column = -1;
    if (!mq_take_sign(p, "(")) return skip_statement(p); /* a partition: its rows are its table's */
    do parse_table_part(model, p, table);
    while (mq_take_sign(p, ","));
    mq_want_sign(p, ")");
    skip_statement(p);
    mq_table_path(table, NULL, 0);
    model->tables = mq_grow(&model->lasting, model->tables, model->n_tables, sizeof(struct mq_table *));
    model->tables[model->n_tables++] = table;
}

static void create_index(struct model *model, struct mq_parser *p, bool unique) {
    const char *name = mq_at_word(p, "on") ? "" : mq_want_name(p);
    mq_want_word(p, "on");
    struct mq_table *table = want_table(model, p);
    struct mq_index *index = add_index(model, table, name, unique);
    parse_key(p, table, index);
    if (mq_take_word(p, "include")) {
        size_t n;
        mq_parse_names(p, &n);
    }
    if (mq_take_word(p, "where")) index->where = mq_parse_expr(p);
    skip_statement(p);
}

static void forget_key(struct mq_table *table, const char *name) {
    for (size_t i = 0; i < table->n_indexes; i++) {
        if (strcmp(table->indexes[i].name, name) != 0) continue;
        table->indexes[i].unique = false;
        if (table->primary == (int)i) table->primary = -1;
    }
}

static void drop_index(struct model *model, struct mq_parser *p) {
    if (mq_take_word(p, "if")) mq_want_word(p, "exists");
    const char *name = mq_want_name(p);
    for (size_t i = 0; i < model->n_tables; i++) forget_key(model->tables[i], name);
    skip_statement(p);
}

static int without(int column, int gone) {
    return column > gone ? column - 1 : column;
}

/* Keys that it is part of went with it. */
static void drop_column(struct mq_parser *p, struct mq_table *table, const char *name) {
    int gone = mq_table_column(table, name);
    if (gone < 0) mq_parse_fail(p, "no such column");
    for (size_t i = 0; i < table->n_indexes; i++) {
        struct mq_index *index = &table->indexes[i];
        for (size_t k = 0; k < index->n; k++) {
            if (index->columns[k] == gone) mq_parse_fail(p, "a column of a key is dropped");
            index->columns[k] = without(index->columns[k], gone);
        }
    }
    for (size_t i = 0; i < table->n_references; i++) {
        for (size_t k = 0; k < table->references[i].n; k++) table->references[i].columns[k] = without(table->references[i].columns[k], gone);
    }
    table->agency_column = without(table->agency_column, gone);
    table->n_columns--;
    for (size_t i = (size_t)gone; i < table->n_columns; i++) table->columns[i] = table->columns[i + 1];
}

static void alter_column(struct mq_parser *p, struct mq_table *table) {
    int column = mq_table_column(table, mq_want_name(p));
    if (column < 0) mq_parse_fail(p, "no such column");
    bool drop = mq_take_word(p, "drop");
    if (!drop) mq_want_word(p, "set");
    if (mq_take_word(p, "storage")) {
        mq_want_name(p);
        return;
    }
    mq_want_word(p, "not");
    mq_want_word(p, "null");
    table->columns[column].not_null = !drop;
}

static void alter_table(struct model *model, struct mq_parser *p) {
    struct mq_table *table = want_table(model, p);
    do {
        if (mq_take_word(p, "add")) {
            mq_take_word(p, "column");
            parse_table_part(model, p, table);
        } else if (mq_at_words(p, "drop", "constraint")) {
            p->at += 2;
            forget_key(table, mq_want_name(p));
        } else if (mq_at_words(p, "drop", "column")) {
            p->at += 2;
            drop_column(p, table, mq_want_name(p));
        } else if (mq_at_words(p, "alter", "column")) {
            p->at += 2;
            alter_column(p, table);
        } else {
            mq_parse_fail(p, "this change of a table is not modelled");
        }
    } while (mq_take_sign(p, ","));
    mq_want_sign(p, ";");
}

/* ---- functions ------------------------------------------------------------------------------------------------- */

static void parse_args(struct model *model, struct mq_parser *p, const char ***names, enum mq_type **types, size_t *n) {
    *n = 0;
    mq_want_sign(p, "(");
    if (mq_take_sign(p, ")")) return;
    do {
        bool array;
        *names = mq_grow(&model->lasting, *names, *n, sizeof **names);
        *types = mq_grow(&model->lasting, *types, *n, sizeof **types);
        (*names)[*n] = mq_want_name(p);
        (*types)[(*n)++] = mq_parse_type(p, &array);
    } while (mq_take_sign(p, ","));
    mq_want_sign(p, ")");
}

static void parse_returns(struct model *model, struct mq_parser *p, struct mq_function *f) {
    bool array;
    f->is_set = mq_take_word(p, "setof");
    if (mq_take_word(p, "table")) {
        f->is_set = true;
        parse_args(model, p, &f->columns, &f->column_types, &f->n_columns);
    } else if (!mq_take_word(p, "trigger")) {
        f->returns = mq_parse_type(p, &array);
    }
}

static bool is_read_here(const char *language) {
    return strcmp(language, "sql") == 0;
}

static void create_function(struct model *model, struct mq_parser *p) {
    struct mq_function *f = MQ_NEW(&model->lasting, 1, struct mq_function);
    const char *language = "";
    f->name = mq_want_name(p);
    parse_args(model, p, &f->args, &f->types, &f->n_args);
    mq_want_word(p, "returns");
    parse_returns(model, p, f);
    while (!mq_at_sign(p, ";")) {
        if (mq_take_word(p, "language")) language = mq_want_name(p);
        else if (mq_take_word(p, "definer")) f->is_definer = true;
        else if (mq_take_word(p, "as")) f->body = p->tokens[p->at++].text;
        else p->at++;
    }
    skip_statement(p);
    if (!is_read_here(language)) return; /* call.c has it, or nobody may call it */
    model->functions = mq_grow(&model->lasting, model->functions, model->n_functions, sizeof(struct mq_function *));
    model->functions[model->n_functions++] = f;
}

/* ---- facts, states, seals -------------------------------------------------------------------------------------- */

static bool is_covered_otherwise(const struct mq_table *table) {
    static const char *const names[] = {"payment", "payment_reversal", "journal_key", "journal_body", "receipt", "receipt_void",
                                        "device_key", "change", "request_key", "seal"};
    int posting = mq_table_column(table, "posting_id");
    if (posting >= 0 && table->columns[posting].not_null) return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(table->name, names[i]) == 0) return true;
    }
    return false;
}

/* The migration's loop: every table of facts that nothing else covers. */
static void seal_facts(struct model *model) {
    for (size_t i = 0; i < model->n_tables; i++) {
        struct mq_table *table = model->tables[i];
        if (table->is_fact && table->agency_column >= 0 && !is_covered_otherwise(table)) table->is_sealed = true;
    }
}

static void call_procedure(struct model *model, struct mq_parser *p) {
    const char *name = mq_want_name(p);
    mq_want_sign(p, "(");
    struct mq_table *table = mq_find_table(model, p->tokens[p->at].text);
    if (table && (strcmp(name, "make_fact") == 0 || strcmp(name, "make_partitioned") == 0)) table->is_fact = true;
    if (table && strcmp(name, "make_sealed") == 0) table->is_sealed = true;
    skip_statement(p);
}

static void create_trigger(struct model *model, struct mq_parser *p) {
    bool fact = mq_take_word(p, "fact");
    while (!mq_at_word(p, "on") && !mq_at_sign(p, ";")) p->at++;
    if (fact && mq_take_word(p, "on")) want_table(model, p)->is_fact = true;
    skip_statement(p);
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static void create(struct model *model, struct mq_parser *p) {
    if (mq_at_words(p, "or", "replace")) p->at += 2;
    if (mq_take_word(p, "table")) create_table(model, p);
    else if (mq_take_word(p, "index")) create_index(model, p, false);
    else if (mq_take_word(p, "function")) create_function(model, p);
    else if (mq_take_word(p, "trigger")) create_trigger(model, p);
    else if (mq_take_word(p, "unique")) {
        mq_want_word(p, "index");
        create_index(model, p, true);
    } else {
        skip_statement(p);
    }
}

static void read_one(struct model *model, struct mq_parser *p) {
    if (mq_take_word(p, "create")) create(model, p);
    else if (mq_take_word(p, "call")) call_procedure(model, p);
    else if (mq_at_words(p, "alter", "table")) {
        p->at += 2;
        alter_table(model, p);
    } else if (mq_at_words(p, "drop", "index")) {
        p->at += 2;
        drop_index(model, p);
    } else {
        if (mq_at_word(p, "do") && strstr(p->tokens[p->at + 1].text, "call make_sealed(")) seal_facts(model);
        skip_statement(p);
    }
}

static void resolve_table(struct model *model, struct mq_table *table) {
    for (size_t i = 0; i < table->n_checks; i++) mq_resolve_on(model, table->checks[i].expr, table);
    for (size_t i = 0; i < table->n_columns; i++) mq_resolve_on(model, table->columns[i].fallback, table);
    for (size_t i = 0; i < table->n_indexes; i++) {
        mq_resolve_on(model, table->indexes[i].where, table);
        for (size_t k = 0; k < table->indexes[i].n; k++) mq_resolve_on(model, table->indexes[i].exprs[k], table);
    }
}

void mq_schema_read(struct model *model) {
    for (size_t i = 0; i < migrations_embedded.count; i++) {
        const struct migration *m = &migrations_embedded.rows[i];
        struct mq_parser p;
        mq_parser_begin(&p, &model->lasting, m->name, m->text);
        while (p.at < p.n) read_one(model, &p);
    }
    for (size_t i = 0; i < model->n_tables; i++) resolve_table(model, model->tables[i]);
}
