/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of fields as CDDL (RFC 8610), so that proto/README.md is a copy of what the code does; tests/domain
 * compares the two.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "domain/schema.h"

/* Text that counts what it would need, as snprintf does. */
struct text {
    char *out;
    size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t left = text->len < text->size ? text->size - text->len : 0;
    int written = vsnprintf(left ? text->out + text->len : NULL, left, format, args);
    va_end(args);
    if (written > 0) text->len += (size_t)written;
}

static void put_range(struct text *text, const struct field *field) {
    if (field->min == INT64_MIN && field->max == INT64_MAX)
        put(text, "int64");
    else if (field->min == 0 && field->max == INT64_MAX)
        put(text, "count");
    else if (field->min == -field->max)
        put(text, "time-us");
    else
        put(text, "%" PRId64 "..%" PRId64, field->min, field->max);
}

static void put_list(struct text *text, const struct field *field) {
    int64_t least = field->type == FIELD_UINTS ? 0 : field->min;
    put(text, "[%" PRId64 "*%zu ", least, field->count_max);
    if (field->type == FIELD_MAPS)
        put(text, "%s]", field->sub->name);
    else if (field->type == FIELD_FIXEDS)
        put(text, "bstr .size %zu]", field->size);
    else {
        put_range(text, field);
        put(text, "]");
    }
}

static void put_type(struct text *text, const struct field *field) {
    switch (field->type) {
        case FIELD_UINT:
        case FIELD_INT:
            put_range(text, field);
            return;
        case FIELD_BOOL:
            put(text, "bool");
            return;
        case FIELD_FIXED:
            put(text, "bstr .size %zu", field->size);
            return;
        case FIELD_TEXT:
            put(text, "text-bytes");
            return;
        case FIELD_CURRENCY:
            put(text, "currency");
            return;
        case FIELD_MAP:
            put(text, "%s", field->sub ? field->sub->name : "body");
            return;
        default:
            put_list(text, field);
            return;
    }
}

size_t schema_write_cddl(const struct schema *schema, char *out, size_t size) {
    struct text text = {out, size, 0};
    put(&text, "%s = {\n", schema->name);
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        put(&text, "  %s%" PRId32 ": ", field->optional ? "? " : "", field->key);
        put_type(&text, field);
        put(&text, ",  ; %s\n", field->name);
    }
    put(&text, "}\n");
    return text.len;
}
