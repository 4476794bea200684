/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.tsv, read: what its columns mean stands in its head. */
#ifndef TAGIH_TESTS_TABLE_H
#define TAGIH_TESTS_TABLE_H

#include <stdlib.h>

#include "tests/access/world.h"
#include "tests/support/case.h"
#include "tests/support/methods.h"
#include "tests/support/request.h"

#define ROWS_MAX 400
#define OBJECTS_MAX 4

enum cell { CELL_NONE, CELL_OWN, CELL_ALL, CELL_SOME };

struct object {
    char field[48];
    enum thing thing;
    char hidden[40];  /* the answer about one that is not there, or that the caller may not see */
    bool alternative; /* stands instead of the others */
};

struct row {
    char name[96], who[16], with[800], answers[160];
    enum cell cells[ROLE_COUNT];
    struct object objects[OBJECTS_MAX];
    size_t n;
    struct method method;
};

static struct row rows[ROWS_MAX];
static size_t n_rows;

static inline enum cell cell_of(const struct row *row, const char *text) {
    if (strcmp(text, "-") == 0) return CELL_NONE;
    if (strcmp(text, "own") == 0) return CELL_OWN;
    if (strcmp(text, "all") == 0) return CELL_ALL;
    if (strcmp(text, "some") == 0) return CELL_SOME;
    fail_msg("%s: a cell says '%s'", row->name, text);
    return CELL_NONE;
}

/* "field:thing", "field:thing=REASON", "~field:thing" */
static inline void read_objects(struct row *row, char *text) {
    char *rest = text;
    for (char *part = strtok_r(text, " ", &rest); part && strcmp(part, "-") != 0; part = strtok_r(NULL, " ", &rest)) {
        assert_true(row->n < OBJECTS_MAX);
        struct object *object = &row->objects[row->n++];
        char *thing = strchr(part, ':'), *hidden = strchr(part, '=');
        if (!thing) fail_msg("%s: '%s' names no thing", row->name, part);
        *thing++ = 0;
        if (hidden) *hidden++ = 0;
        object->alternative = *part == '~';
        snprintf(object->field, sizeof object->field, "%s", part + object->alternative);
        snprintf(object->hidden, sizeof object->hidden, "%s", hidden ? hidden : "NOT_PERMITTED");
        object->thing = thing_parse(thing);
        if (object->thing == THING_COUNT) fail_msg("%s: there is no thing '%s'", row->name, thing);
    }
}

static inline void read_row(char *line) {
    assert_true(n_rows < ROWS_MAX);
    struct row *row = &rows[n_rows++];
    char *columns[ROLE_COUNT + 5], *rest = line;
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        columns[i] = strsep(&rest, "\t");
        if (!columns[i]) fail_msg("%s: the row has %zu columns", columns[0], i);
    }
    snprintf(row->name, sizeof row->name, "%s", columns[0]);
    snprintf(row->who, sizeof row->who, "%s", columns[1]);
    for (size_t i = 0; i < ROLE_COUNT; i++) row->cells[i] = cell_of(row, columns[2 + i]);
    read_objects(row, columns[2 + ROLE_COUNT]);
    snprintf(row->with, sizeof row->with, "%s", strcmp(columns[3 + ROLE_COUNT], "-") == 0 ? "" : columns[3 + ROLE_COUNT]);
    snprintf(row->answers, sizeof row->answers, "%s", columns[4 + ROLE_COUNT]);
}

static inline void read_table(void) {
    char line[2048];
    FILE *file = fopen(TAGIH_SOURCE "/tests/access/matrix.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (*line && *line != '#') read_row(line);
    }
    fclose(file);
}

static inline struct row *row_of(const char *name) {
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    return NULL;
}

/* The rest of a request: "path=value path=value". */
static inline void set_with(ProtobufCMessage *request, struct arena *arena, const char *with) {
    char text[800], *rest = text;
    snprintf(text, sizeof text, "%s", with);
    for (char *part = strtok_r(text, " ", &rest); part; part = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(part, '=');
        if (!value) fail_msg("'%s' says no value", part);
        *value++ = 0;
        request_set(request, arena, part, value);
    }
}

#endif
