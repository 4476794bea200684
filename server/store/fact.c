/* SPDX-License-Identifier: Apache-2.0 */
/* The two readers of a fact's columns: parameters in PostgreSQL's binary form, and rows in the same form. */
#include "store/fact.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_1970_TO_2000 10957
#define ARRAY_HEAD_BYTES 20

static uint64_t big_endian(const uint8_t *data, size_t len) {
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) value = value << 8 | data[i];
    return value;
}

static void field(struct posting_digest *digest, enum sql_type type, const uint8_t *data, size_t len) {
    uuid id;
    switch (type) {
    case SQL_BOOL: posting_bool(digest, data[0] != 0); return;
    case SQL_INT2: posting_int(digest, (int16_t)big_endian(data, 2)); return;
    case SQL_INT4: posting_int(digest, (int32_t)big_endian(data, 4)); return;
    case SQL_INT8: posting_int(digest, (int64_t)big_endian(data, 8)); return;
    case SQL_UUID: memcpy(id.b, data, sizeof id.b); posting_uuid(digest, id); return;
    case SQL_DATE: posting_date(digest, (civil_date){(int32_t)big_endian(data, 4) + DAYS_1970_TO_2000}); return;
    case SQL_BYTEA: posting_bytes(digest, bytes_make(data, len)); return;
    case SQL_TEXT: posting_text(digest, bytes_make(data, len)); return;
    case SQL_FLOAT8:
    case SQL_TYPE_COUNT: break;
    }
    fprintf(stderr, "a fact has no columns of type %s\n", sql_type_name(type, false));
    abort();
}

/* The length of a statement's table: its name without `suffix`; 0: it is no statement of that form. */
static size_t table_len(const struct statement *statement, const char *suffix) {
    size_t len = strlen(statement->name), tail = strlen(suffix);
    return len > tail && strcmp(statement->name + len - tail, suffix) == 0 ? len - tail : 0;
}

static struct bytes table_of(const struct statement *statement, const char *suffix) {
    size_t len = table_len(statement, suffix);
    if (len == 0) {
        fprintf(stderr, "statement %s should end with %s to be a fact's\n", statement->name, suffix);
        abort();
    }
    return bytes_make((const uint8_t *)statement->name, len);
}

/* A parameter's place while its rows are walked: the next element of an array, or the one value of a scalar. */
struct walk {
    const uint8_t *at;
    enum sql_type type;
    bool array;
    int len; /* of a scalar */
};

static void walk_begin(const struct params *p, size_t column, struct walk *out) {
    const struct sql_column *in = &p->statement->in[column];
    *out = (struct walk){.at = (const uint8_t *)p->values[column], .type = in->type, .array = in->array,
                         .len = p->lengths[column]};
    if (in->array && out->at) out->at += ARRAY_HEAD_BYTES;
}

static void walk_field(struct posting_digest *digest, struct walk *walk) {
    if (!walk->at) {
        posting_null(digest);
        return;
    }
    if (!walk->array) {
        field(digest, walk->type, walk->at, (size_t)walk->len);
        return;
    }
    int32_t len = (int32_t)big_endian(walk->at, 4);
    walk->at += 4;
    if (len < 0) {
        posting_null(digest);
        return;
    }
    field(digest, walk->type, walk->at, (size_t)len);
    walk->at += len;
}

/* A statement without arrays inserts one row. */
static size_t rows_of(const struct params *insert) {
    for (size_t c = 1; c < insert->statement->n_in; c++) {
        if (insert->statement->in[c].array) return insert->n_rows;
    }
    return 1;
}

void fact_digest(struct posting_digest *digest, const struct params *insert) {
    const struct statement *statement = insert->statement;
    assert(!insert->exhausted && (size_t)insert->n_given == statement->n_in && insert->n_rows <= FACT_ROWS_MAX);
    struct bytes table = table_of(statement, "_insert");
    struct walk walks[PARAMS_MAX];
    for (size_t c = 1; c < statement->n_in; c++) walk_begin(insert, c, &walks[c]);
    size_t n_rows = rows_of(insert);
    for (size_t row = 0; row < n_rows; row++) {
        posting_row(digest, POSTING_FACT, (uint16_t)statement->n_in); /* the table stands for the agency */
        posting_text(digest, table);
        for (size_t c = 1; c < statement->n_in; c++) walk_field(digest, &walks[c]);
    }
}

void fact_digest_result(struct posting_digest *digest, const struct result *verified, size_t row) {
    const struct statement *statement = verified->statement;
    posting_row(digest, POSTING_FACT, (uint16_t)(statement->n_out + 1));
    posting_text(digest, table_of(statement, "_verify"));
    for (size_t c = 0; c < statement->n_out; c++) {
        if (result_is_null(verified, row, (int)c)) {
            posting_null(digest);
            continue;
        }
        field(digest, statement->out[c].type, (const uint8_t *)PQgetvalue(verified->pg, (int)row, (int)c),
              (size_t)PQgetlength(verified->pg, (int)row, (int)c));
    }
}

/* ---- beside each other --------------------------------------------------------------------------------------------- */

/* A value in PostgreSQL's binary form; data NULL: none. */
struct value {
    const uint8_t *data;
    size_t len;
};

/* The value of the i-th row; elements are walked over, for they have no places of their own. */
static struct value sent_value(const struct params *insert, size_t column, size_t i) {
    struct walk walk;
    walk_begin(insert, column, &walk);
    if (!walk.at) return (struct value){NULL, 0};
    if (!walk.array) return (struct value){walk.at, (size_t)walk.len};
    for (;; i--) {
        int32_t len = (int32_t)big_endian(walk.at, 4);
        walk.at += 4;
        if (i == 0) return len < 0 ? (struct value){NULL, 0} : (struct value){walk.at, (size_t)len};
        if (len > 0) walk.at += len;
    }
}

static const char *shown(struct arena *arena, enum sql_type type, struct value v) {
    char text[2 * 64 + 1];
    uuid id;
    if (!v.data) return NULL;
    switch (type) {
    case SQL_BOOL: return v.data[0] ? "true" : "false";
    case SQL_INT2: return arena_printf(arena, "%d", (int16_t)big_endian(v.data, 2));
    case SQL_INT4: return arena_printf(arena, "%d", (int32_t)big_endian(v.data, 4));
    case SQL_INT8: return arena_printf(arena, "%lld", (long long)big_endian(v.data, 8));
    case SQL_TEXT: return arena_printf(arena, "%.*s", (int)v.len, (const char *)v.data);
    case SQL_UUID:
        memcpy(id.b, v.data, sizeof id.b);
        uuid_format(id, text);
        break;
    case SQL_DATE: date_format((civil_date){(int32_t)big_endian(v.data, 4) + DAYS_1970_TO_2000}, text); break;
    default: bytes_hex(bytes_make(v.data, v.len < 64 ? v.len : 64), text); break;
    }
    return arena_printf(arena, "%s", text);
}

size_t fact_compare_row(const struct params *insert, size_t i, const struct result *verified, size_t row, struct arena *arena,
                        struct fact_column *out) {
    const struct statement *statement = verified->statement;
    size_t n = 0;
    assert(statement->n_out + 1 == insert->statement->n_in && i < rows_of(insert));
    for (size_t c = 0; c < statement->n_out; c++) {
        bool is_null = result_is_null(verified, row, (int)c);
        struct value sent = sent_value(insert, c + 1, i);
        struct value stored = {is_null ? NULL : (const uint8_t *)PQgetvalue(verified->pg, (int)row, (int)c),
                               is_null ? 0 : (size_t)PQgetlength(verified->pg, (int)row, (int)c)};
        bool same = !sent.data == !stored.data && sent.len == stored.len && (sent.len == 0 || memcmp(sent.data, stored.data, sent.len) == 0);
        if (same) continue;
        out[n++] = (struct fact_column){statement->out[c].name, shown(arena, statement->out[c].type, stored),
                                        shown(arena, statement->out[c].type, sent)};
    }
    return n;
}

/* By table, not by statement: "promise" comes before "promise_event", whatever follows its name. */
int fact_statement_compare(const struct statement *a, const struct statement *b) {
    size_t a_len = table_len(a, "_insert"), b_len = table_len(b, "_insert");
    if (a_len == 0) a_len = table_len(a, "_verify");
    if (b_len == 0) b_len = table_len(b, "_verify");
    int order = memcmp(a->name, b->name, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

int fact_compare(const struct params *a, const struct params *b) {
    return fact_statement_compare(a->statement, b->statement);
}
