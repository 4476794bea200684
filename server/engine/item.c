/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers do with one item: problems, memory, field checks. */
#include <stdarg.h>
#include <stdio.h>

#include "engine/rpc.h"

void rpc_problem(struct rpc_item *item, tagih_err err, const char *field, ...) {
    char name[128];
    va_list args;
    va_start(args, field);
    vsnprintf(name, sizeof name, field, args);
    va_end(args);
    rpc_fail(item, err);
    struct rpc_problem *problem = ARENA_NEW(&item->call->arena, struct rpc_problem);
    struct bytes copy = arena_copy(&item->call->arena, bytes_text(name));
    if (!problem || !copy.data) return;
    *problem = (struct rpc_problem){.field = (const char *)copy.data, .err = err};
    struct rpc_problem **end = &item->problems;
    while (*end) end = &(*end)->next;
    *end = problem;
}

void *rpc_alloc(struct rpc_item *item, size_t size_bytes) {
    void *piece = arena_alloc(&item->call->arena, size_bytes);
    if (!piece) rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return piece;
}

/* protobuf-c's empty string: what a response points to where there is nothing. */
static char *nothing(void) {
    return (char *)(uintptr_t)protobuf_c_empty_string;
}

char *rpc_text(struct rpc_item *item, struct bytes text) {
    struct bytes copy = arena_copy(&item->call->arena, text);
    if (copy.data) return (char *)(uintptr_t)copy.data;
    rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return nothing();
}

char *rpc_uuid(struct rpc_item *item, uuid id) {
    if (uuid_is_nil(id)) return nothing();
    char *text = rpc_alloc(item, UUID_TEXT_SIZE);
    if (!text) return nothing();
    uuid_format(id, text);
    return text;
}

char *rpc_date(struct rpc_item *item, civil_date date) {
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    return rpc_text(item, bytes_text(text));
}

bool rpc_check_uuid(struct rpc_item *item, const char *field, const char *text, uuid *out) {
    bool missing = !text || !*text;
    tagih_err err = missing ? FAIL(REQUEST_FIELD_MISSING) : uuid_parse(text, out);
    if (err_is_ok(err) && uuid_is_nil(*out)) err = FAIL(ID_SYNTAX);
    if (err_is_ok(err)) return true;
    rpc_problem(item, err, "%s", field);
    return false;
}

bool rpc_check_text(struct rpc_item *item, const char *field, const char *text, size_t len_min, size_t len_max) {
    struct bytes in = bytes_text(text);
    tagih_err err = TAGIH_OK;
    if (in.len < len_min) err = FAIL(REQUEST_FIELD_MISSING);
    else if (!bytes_is_text(in, len_max)) err = FAIL(TEXT_INVALID);
    if (err_is_ok(err)) return true;
    rpc_problem(item, err, "%s", field);
    return false;
}

bool rpc_check_date(struct rpc_item *item, const char *field, const char *text, civil_date *out) {
    tagih_err err = date_parse(text, out);
    if (err_is_ok(err)) return true;
    rpc_problem(item, err, "%s", field);
    return false;
}

bool rpc_check_money(struct rpc_item *item, const char *field, const Tagih__V1__Money *money, int64_t min_minor,
                     tagih_err outside, currency *in, int64_t *out_minor) {
    if (!money) {
        rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "%s", field);
        return false;
    }
    tagih_err err = currency_parse(bytes_text(money->currency), in);
    *out_minor = money->minor;
    bool fits = money->minor >= min_minor && money->minor <= MONEY_AMOUNT_MAX_MINOR;
    if (!err_is_ok(err)) rpc_problem(item, err, "%s.currency", field);
    if (!fits) rpc_problem(item, outside, "%s.minor", field);
    return fits && err_is_ok(err);
}

bool rpc_check_page(struct rpc_item *item, int32_t page_size, int32_t *out) {
    *out = page_size == 0 ? 50 : page_size;
    if (page_size >= 0 && page_size <= 200) return true;
    rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "page_size");
    return false;
}
