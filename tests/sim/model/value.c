/* SPDX-License-Identifier: Apache-2.0 */
/* Values: memory, order, text and binary forms. */
#include "tests/sim/model/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagih/id.h"
#include "tagih/time.h"

#define BLOCK_BYTES ((size_t)256 * 1024)
#define DAYS_1970_TO_2000 10957

/* ---- memory ---------------------------------------------------------------------------------------------------- */

struct mq_block {
    struct mq_block *next;
    size_t size, used;
    _Alignas(16) uint8_t bytes[];
};

void mq_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("model: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static struct mq_block *new_block(const struct mq_arena *arena, size_t size) {
    size_t room = arena->block_bytes ? arena->block_bytes : BLOCK_BYTES;
    if (room < size) room = size;
    struct mq_block *block = malloc(sizeof *block + room);
    if (!block) mq_die("no memory");
    block->next = NULL, block->size = room, block->used = 0;
    return block;
}

void *mq_alloc(struct mq_arena *arena, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (!arena->at) arena->first = arena->at = new_block(arena, size);
    while (arena->at->size - arena->at->used < size) {
        struct mq_block *next = arena->at->next;
        if (!next || next->size < size) {
            struct mq_block *made = new_block(arena, size);
            made->next = next, arena->at->next = made, next = made;
        }
        next->used = 0;
        arena->at = next;
    }
    void *out = arena->at->bytes + arena->at->used;
    arena->at->used += size;
    memset(out, 0, size);
    return out;
}

void *mq_copy(struct mq_arena *arena, const void *from, size_t size) {
    void *out = mq_alloc(arena, size);
    if (size) memcpy(out, from, size);
    return out;
}

char *mq_text(struct mq_arena *arena, const char *from, size_t len) {
    char *out = mq_alloc(arena, len + 1);
    if (len) memcpy(out, from, len);
    return out;
}

void mq_arena_reset(struct mq_arena *arena) {
    arena->at = arena->first;
    if (arena->at) arena->at->used = 0;
}

void mq_arena_free(struct mq_arena *arena) {
    while (arena->first) {
        struct mq_block *next = arena->first->next;
        free(arena->first);
        arena->first = next;
    }
    arena->at = NULL;
}

void *mq_grow(struct mq_arena *arena, void *items, size_t n, size_t size) {
    bool full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
    if (!full) return items;
    void *out = mq_alloc(arena, (n < 4 ? 4 : 2 * n) * size);
    if (n) memcpy(out, items, n * size);
    return out;
}

/* ---- types ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum mq_type type;
} names[] = {
    {"bool", MQ_BOOL}, {"boolean", MQ_BOOL}, {"int2", MQ_INT2}, {"smallint", MQ_INT2}, {"int4", MQ_INT4}, {"int", MQ_INT4},
    {"integer", MQ_INT4}, {"int8", MQ_INT8}, {"bigint", MQ_INT8}, {"numeric", MQ_NUMERIC}, {"float8", MQ_FLOAT8}, {"text", MQ_TEXT},
    {"char", MQ_BPCHAR}, {"bpchar", MQ_BPCHAR}, {"bytea", MQ_BYTEA}, {"uuid", MQ_UUID}, {"date", MQ_DATE}, {"time", MQ_TIME},
    {"timestamp", MQ_STAMP}, {"timestamptz", MQ_STAMPTZ}, {"interval", MQ_INTERVAL}, {"xid8", MQ_XID8}, {"void", MQ_VOID},
    {"varchar", MQ_TEXT}, {"name", MQ_TEXT}, {"bit", MQ_BIT},
};

bool mq_type_named(const char *name, enum mq_type *out) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].type;
            return true;
        }
    }
    return false;
}

uint32_t mq_type_oid(enum mq_type type) {
    static const uint32_t oids[] = {
        [MQ_BOOL] = 16, [MQ_INT2] = 21, [MQ_INT4] = 23, [MQ_INT8] = 20, [MQ_NUMERIC] = 1700, [MQ_FLOAT8] = 701, [MQ_TEXT] = 25,
        [MQ_BPCHAR] = 1042, [MQ_BYTEA] = 17, [MQ_UUID] = 2950, [MQ_DATE] = 1082, [MQ_TIME] = 1083, [MQ_STAMP] = 1114,
        [MQ_STAMPTZ] = 1184, [MQ_INTERVAL] = 1186, [MQ_XID8] = 5069, [MQ_VOID] = 2278};
    return oids[type];
}

/* ---- order ----------------------------------------------------------------------------------------------------- */

static enum mq_type type_of_kind(enum mq_kind kind) {
    static const enum mq_type types[] = {
        [MQ_NULL] = MQ_UNKNOWN, [MQ_IS_BOOL] = MQ_BOOL, [MQ_IS_INT] = MQ_INT8, [MQ_IS_FLOAT] = MQ_FLOAT8, [MQ_IS_TEXT] = MQ_TEXT,
        [MQ_IS_BYTES] = MQ_BYTEA, [MQ_IS_UUID] = MQ_UUID, [MQ_IS_DATE] = MQ_DATE, [MQ_IS_TIME] = MQ_STAMP,
        [MQ_IS_INTERVAL] = MQ_INTERVAL, [MQ_IS_ARRAY] = MQ_UNKNOWN, [MQ_IS_ROW] = MQ_UNKNOWN};
    return types[kind];
}

static int sign_of(bool less, bool more) {
    return less ? -1 : more;
}

static int compare_items(struct mq_arena *arena, struct mq_value a, struct mq_value b) {
    for (size_t i = 0; i < a.a.n && i < b.a.n; i++) {
        bool a_null = mq_is_null(a.a.items[i]), b_null = mq_is_null(b.a.items[i]);
        int order = a_null || b_null ? a_null - b_null : mq_compare(arena, a.a.items[i], b.a.items[i]);
        if (order) return order;
    }
    return sign_of(a.a.n < b.a.n, a.a.n > b.a.n);
}

static int compare_mixed(struct mq_arena *arena, struct mq_value a, struct mq_value b) {
    bool failed = false;
    if (a.kind == MQ_IS_TEXT) a = mq_cast(arena, a, type_of_kind(b.kind), &failed);
    else if (b.kind == MQ_IS_TEXT) b = mq_cast(arena, b, type_of_kind(a.kind), &failed);
    else if (a.kind == MQ_IS_INT && b.kind == MQ_IS_FLOAT) a = (struct mq_value){.kind = MQ_IS_FLOAT, .f = (double)a.i};
    else if (a.kind == MQ_IS_FLOAT && b.kind == MQ_IS_INT) b = (struct mq_value){.kind = MQ_IS_FLOAT, .f = (double)b.i};
    else if (a.kind == MQ_IS_DATE && b.kind == MQ_IS_TIME) a = mq_of(MQ_IS_TIME, a.i * US_PER_DAY);
    else if (a.kind == MQ_IS_TIME && b.kind == MQ_IS_DATE) b = mq_of(MQ_IS_TIME, b.i * US_PER_DAY);
    else failed = true;
    if (failed) mq_die("values of kind %d and %d cannot be compared", (int)a.kind, (int)b.kind);
    return mq_compare(arena, a, b);
}

int mq_compare(struct mq_arena *arena, struct mq_value a, struct mq_value b) {
    if (a.kind != b.kind) return compare_mixed(arena, a, b);
    switch (a.kind) {
    case MQ_IS_BOOL:
    case MQ_IS_INT:
    case MQ_IS_DATE:
    case MQ_IS_TIME: return sign_of(a.i < b.i, a.i > b.i);
    case MQ_IS_FLOAT: return sign_of(a.f < b.f, a.f > b.f);
    case MQ_IS_TEXT:
    case MQ_IS_BYTES:
    case MQ_IS_UUID: return bytes_compare(a.b, b.b);
    case MQ_IS_ARRAY:
    case MQ_IS_ROW: return compare_items(arena, a, b);
    default: mq_die("values of kind %d have no order", (int)a.kind);
    }
}

bool mq_same(struct mq_arena *arena, struct mq_value a, struct mq_value b) {
    if (mq_is_null(a) || mq_is_null(b)) return a.kind == b.kind;
    return mq_compare(arena, a, b) == 0;
}

static uint64_t mix(uint64_t h, uint64_t with) {
    h = (h ^ with) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

uint64_t mq_hash(struct mq_value v) {
    uint64_t h = 0x51ED270B;
    if (v.kind == MQ_IS_TEXT || v.kind == MQ_IS_BYTES || v.kind == MQ_IS_UUID) {
        size_t at = 0;
        for (uint64_t word; at + 8 <= v.b.len; at += 8) memcpy(&word, v.b.data + at, 8), h = mix(h, word);
        for (; at < v.b.len; at++) h = mix(h, v.b.data[at]);
        return mix(h, v.b.len);
    }
    return v.kind == MQ_NULL ? 0 : mix(h, (uint64_t)v.i);
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static struct bytes print(struct mq_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct bytes print(struct mq_arena *arena, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return bytes_make(mq_text(arena, text, (size_t)len), (size_t)len);
}

struct bytes mq_to_text(struct mq_arena *arena, struct mq_value v) {
    char text[UUID_TEXT_SIZE], *hex;
    uuid id;
    switch (v.kind) {
    case MQ_IS_BOOL: return bytes_text(v.i ? "true" : "false");
    case MQ_IS_INT: return print(arena, "%" PRId64, v.i);
    case MQ_IS_FLOAT: return print(arena, "%.17g", v.f);
    case MQ_IS_TEXT: return v.b;
    case MQ_IS_UUID:
        memcpy(id.b, v.b.data, sizeof id.b);
        uuid_format(id, text);
        return print(arena, "%s", text);
    case MQ_IS_BYTES:
        hex = mq_alloc(arena, 2 * v.b.len + 3);
        hex[0] = '\\', hex[1] = 'x';
        bytes_hex(v.b, hex + 2);
        return bytes_make(hex, 2 * v.b.len + 2);
    case MQ_IS_DATE:
        date_format((civil_date){(int32_t)v.i}, text);
        return print(arena, "%s", text);
    default: mq_die("a value of kind %d has no text", (int)v.kind);
    }
}

static struct mq_value read_text(struct mq_arena *arena, struct bytes text, enum mq_type to, bool *failed) {
    char copy[64] = "";
    uuid id;
    civil_date date;
    if (to == MQ_BYTEA) {
        if (text.len < 2 || memcmp(text.data, "\\x", 2) != 0) return mq_bytes(MQ_IS_BYTES, text);
        uint8_t *out = mq_alloc(arena, text.len);
        char *hex = mq_text(arena, (const char *)text.data + 2, text.len - 2);
        *failed = text.len % 2 || !err_is_ok(bytes_unhex(hex, out, text.len / 2 - 1));
        return mq_bytes(MQ_IS_BYTES, bytes_make(out, text.len / 2 - 1));
    }
    if (text.len >= sizeof copy) *failed = true;
    else memcpy(copy, text.data, text.len);
    char *end = copy;
    switch (to) {
    case MQ_UUID:
        *failed = *failed || !err_is_ok(uuid_parse(copy, &id));
        return *failed ? mq_null() : mq_bytes(MQ_IS_UUID, bytes_make(mq_copy(arena, id.b, sizeof id.b), sizeof id.b));
    case MQ_DATE:
        *failed = *failed || !err_is_ok(date_parse(copy, &date));
        return *failed ? mq_null() : mq_of(MQ_IS_DATE, date.days);
    case MQ_BOOL:
        *failed = strcmp(copy, "true") != 0 && strcmp(copy, "false") != 0 && strcmp(copy, "t") != 0 && strcmp(copy, "f") != 0;
        return mq_bool(copy[0] == 't');
    case MQ_TIME: {
        int hour = 0, minute = 0;
        *failed = sscanf(copy, "%d:%d", &hour, &minute) != 2;
        return mq_of(MQ_IS_TIME, (hour * 60 + minute) * US_PER_MINUTE);
    }
    case MQ_INTERVAL: {
        int n = 0;
        char unit[16] = "";
        *failed = sscanf(copy, "%d %15[a-z]", &n, unit) != 2;
        struct mq_value out = {.kind = MQ_IS_INTERVAL};
        if (strncmp(unit, "month", 5) == 0) out.interval.months = n;
        else if (strncmp(unit, "day", 3) == 0) out.interval.days = n;
        else if (strncmp(unit, "hour", 4) == 0) out.interval.us = n * 60 * US_PER_MINUTE;
        else *failed = true;
        return out;
    }
    case MQ_BIT: {
        unsigned long long bits = strtoull(copy + 1, &end, 16);
        *failed = *failed || copy[0] != 'x' || end == copy + 1 || *end;
        return mq_int((int64_t)bits);
    }
    case MQ_INT2:
    case MQ_INT4:
    case MQ_INT8:
    case MQ_XID8:
    case MQ_NUMERIC: {
        long long n = strtoll(copy, &end, 10);
        *failed = *failed || end == copy || *end;
        return mq_int(n);
    }
    default: *failed = true; return mq_null();
    }
}

static struct mq_value to_int(struct mq_value v, enum mq_type to, bool *failed) {
    if (v.kind == MQ_IS_FLOAT) v = mq_int((int64_t)__builtin_nearbyint(v.f));
    else if (v.kind == MQ_IS_BOOL) v = mq_int(v.i);
    else if (v.kind != MQ_IS_INT) *failed = true;
    if (to == MQ_INT2 && (v.i < INT16_MIN || v.i > INT16_MAX)) *failed = true;
    if (to == MQ_INT4 && (v.i < INT32_MIN || v.i > INT32_MAX)) *failed = true;
    return v;
}

struct mq_value mq_cast(struct mq_arena *arena, struct mq_value v, enum mq_type to, bool *failed) {
    if (mq_is_null(v)) return v;
    if (to == MQ_UNKNOWN || to == MQ_VOID) return v;
    if (v.kind == MQ_IS_ARRAY) {
        struct mq_value *items = MQ_NEW(arena, v.a.n, struct mq_value);
        for (size_t i = 0; i < v.a.n; i++) items[i] = mq_cast(arena, v.a.items[i], to, failed);
        v.a.items = items;
        return v;
    }
    if (to == MQ_TEXT || to == MQ_BPCHAR) return mq_bytes(MQ_IS_TEXT, mq_to_text(arena, v));
    if (v.kind == MQ_IS_TEXT) return read_text(arena, v.b, to, failed);
    switch (to) {
    case MQ_INT2:
    case MQ_INT4:
    case MQ_INT8:
    case MQ_XID8: return to_int(v, to, failed);
    case MQ_NUMERIC: return v;
    case MQ_FLOAT8: return v.kind == MQ_IS_INT ? (struct mq_value){.kind = MQ_IS_FLOAT, .f = (double)v.i} : v;
    case MQ_DATE:
        if (v.kind == MQ_IS_TIME) return mq_of(MQ_IS_DATE, v.i >= 0 ? v.i / US_PER_DAY : -((-v.i + US_PER_DAY - 1) / US_PER_DAY));
        break;
    case MQ_STAMP:
    case MQ_STAMPTZ:
        if (v.kind == MQ_IS_DATE) return mq_of(MQ_IS_TIME, v.i * US_PER_DAY);
        break;
    default: break;
    }
    if (type_of_kind(v.kind) != to && !(v.kind == MQ_IS_TIME && (to == MQ_STAMP || to == MQ_STAMPTZ || to == MQ_TIME))) *failed = true;
    return v;
}

/* ---- binary ---------------------------------------------------------------------------------------------------- */

static struct bytes big_endian(struct mq_arena *arena, uint64_t n, size_t len) {
    uint8_t *out = mq_alloc(arena, len);
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(n >> 8 * (len - 1 - i));
    return bytes_make(out, len);
}

struct bytes mq_to_binary(struct mq_arena *arena, struct mq_value v, enum mq_type type) {
    uint64_t bits;
    switch (type) {
    case MQ_BOOL: return big_endian(arena, (uint64_t)v.i, 1);
    case MQ_INT2: return big_endian(arena, (uint64_t)v.i, 2);
    case MQ_INT4: return big_endian(arena, (uint64_t)v.i, 4);
    case MQ_INT8:
    case MQ_XID8: return big_endian(arena, (uint64_t)v.i, 8);
    case MQ_DATE: return big_endian(arena, (uint64_t)(v.i - DAYS_1970_TO_2000), 4);
    case MQ_FLOAT8:
        memcpy(&bits, &v.f, sizeof bits);
        return big_endian(arena, bits, 8);
    case MQ_TEXT:
    case MQ_BPCHAR:
    case MQ_BYTEA:
    case MQ_UUID: return v.b;
    default: mq_die("a value of type %d has no binary form", (int)type);
    }
}

struct mq_value mq_keep(struct mq_arena *arena, struct mq_value v) {
    if (v.kind == MQ_IS_TEXT || v.kind == MQ_IS_BYTES || v.kind == MQ_IS_UUID) v.b.data = mq_copy(arena, v.b.data, v.b.len);
    if (v.kind == MQ_IS_ARRAY || v.kind == MQ_IS_ROW) {
        struct mq_value *items = MQ_NEW(arena, v.a.n, struct mq_value);
        for (size_t i = 0; i < v.a.n; i++) items[i] = mq_keep(arena, v.a.items[i]);
        v.a.items = items;
    }
    return v;
}
