/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index behind reflection. Files are kept as the bytes they came in, because a file packed again could lose options
 * that protobuf-c does not know. Names are sorted once at start; nothing changes afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "rpc/reflection.h"

struct file {
    struct bytes raw;
    Google__Protobuf__FileDescriptorProto *proto;
};

struct symbol {
    char *name;
    size_t file;
};

struct reflection {
    struct file *files;
    size_t n_files;
    struct symbol *symbols;
    size_t n_symbols, room;
    bool failed; /* without memory */
};

/* ---- names ---------------------------------------------------------------------------------------------------- */

static char *name_join(const char *scope, const char *name) {
    size_t size = strlen(scope) + strlen(name) + 2;
    char *joined = malloc(size);
    if (joined) snprintf(joined, size, "%s%s%s", scope, *scope ? "." : "", name);
    return joined;
}

/* The full name lives as long as the index; NULL marks it as failed. */
static const char *symbol_add(struct reflection *r, size_t file, const char *scope, const char *name) {
    if (r->n_symbols == r->room) {
        size_t room = r->room ? 2 * r->room : 256;
        struct symbol *more = realloc(r->symbols, room * sizeof *more);
        if (!more) r->failed = true;
        else r->symbols = more, r->room = room;
    }
    char *full = r->failed ? NULL : name_join(scope, name);
    if (!full) r->failed = true;
    else r->symbols[r->n_symbols++] = (struct symbol){full, file};
    return full;
}

static void add_message(struct reflection *r, size_t file, const char *scope, const Google__Protobuf__DescriptorProto *type) {
    const char *full = symbol_add(r, file, scope, type->name);
    for (size_t i = 0; full && i < type->n_nested_type; i++) add_message(r, file, full, type->nested_type[i]);
    for (size_t i = 0; full && i < type->n_enum_type; i++) symbol_add(r, file, full, type->enum_type[i]->name);
}

static void add_service(struct reflection *r, size_t file, const char *scope,
                        const Google__Protobuf__ServiceDescriptorProto *service) {
    const char *full = symbol_add(r, file, scope, service->name);
    for (size_t i = 0; full && i < service->n_method; i++) symbol_add(r, file, full, service->method[i]->name);
}

static void add_file(struct reflection *r, size_t file) {
    const Google__Protobuf__FileDescriptorProto *proto = r->files[file].proto;
    const char *package = proto->package ? proto->package : "";
    for (size_t i = 0; i < proto->n_message_type; i++) add_message(r, file, package, proto->message_type[i]);
    for (size_t i = 0; i < proto->n_enum_type; i++) symbol_add(r, file, package, proto->enum_type[i]->name);
    for (size_t i = 0; i < proto->n_service; i++) add_service(r, file, package, proto->service[i]);
}

static int by_name(const void *left, const void *right) {
    return strcmp(((const struct symbol *)left)->name, ((const struct symbol *)right)->name);
}

/* ---- the set -------------------------------------------------------------------------------------------------- */

/* The next file of the set: tag 1, a length, its bytes (protobuf.dev, "Encoding"). */
static bool take_file(struct bytes *in, struct bytes *out) {
    enum { TAG = 1 << 3 | 2 };
    if (in->len < 2 || in->data[0] != TAG) return false;
    size_t len = 0, at = 1;
    for (unsigned shift = 0;; shift += 7) {
        if (at == in->len || shift > 28) return false;
        len |= (size_t)(in->data[at] & 0x7F) << shift;
        if (!(in->data[at++] & 0x80)) break;
    }
    if (len > in->len - at) return false;
    *out = bytes_make(in->data + at, len);
    *in = bytes_make(in->data + at + len, in->len - at - len);
    return true;
}

static tagih_err read_files(struct reflection *r, struct bytes set) {
    size_t n = 0;
    struct bytes raw;
    for (struct bytes rest = set; rest.len; n++) {
        if (!take_file(&rest, &raw)) return FAIL(REQUEST_MALFORMED);
    }
    r->files = calloc(n + 1, sizeof *r->files);
    if (!r->files) return FAIL(OUT_OF_MEMORY);
    for (; r->n_files < n && take_file(&set, &raw); r->n_files++) {
        struct file file = {raw, google__protobuf__file_descriptor_proto__unpack(NULL, raw.len, raw.data)};
        if (!file.proto || !file.proto->name) return FAIL(REQUEST_MALFORMED);
        r->files[r->n_files] = file;
    }
    return TAGIH_OK;
}

tagih_err reflection_open(struct bytes set, struct reflection **out) {
    *out = NULL;
    struct reflection *r = calloc(1, sizeof *r);
    if (!r) return FAIL(OUT_OF_MEMORY);
    tagih_err err = read_files(r, set);
    for (size_t i = 0; err_is_ok(err) && i < r->n_files; i++) add_file(r, i);
    if (err_is_ok(err) && r->failed) err = FAIL(OUT_OF_MEMORY);
    if (!err_is_ok(err)) {
        reflection_close(r);
        return err;
    }
    if (r->n_symbols) qsort(r->symbols, r->n_symbols, sizeof *r->symbols, by_name);
    *out = r;
    return TAGIH_OK;
}

void reflection_close(struct reflection *r) {
    if (!r) return;
    for (size_t i = 0; i < r->n_files; i++) google__protobuf__file_descriptor_proto__free_unpacked(r->files[i].proto, NULL);
    for (size_t i = 0; i < r->n_symbols; i++) free(r->symbols[i].name);
    free(r->files);
    free(r->symbols);
    free(r);
}

/* ---- questions ------------------------------------------------------------------------------------------------ */

size_t reflection_find_file(const struct reflection *r, const char *file_name) {
    for (size_t i = 0; i < r->n_files; i++) {
        if (strcmp(r->files[i].proto->name, file_name) == 0) return i;
    }
    return REFLECTION_NONE;
}

size_t reflection_find_symbol(const struct reflection *r, const char *full_name) {
    struct symbol key = {.name = (char *)(uintptr_t)full_name};
    if (!r->n_symbols) return REFLECTION_NONE;
    const struct symbol *found = bsearch(&key, r->symbols, r->n_symbols, sizeof *r->symbols, by_name);
    return found ? found->file : REFLECTION_NONE;
}

size_t reflection_count(const struct reflection *r) {
    return r->n_files;
}

struct bytes reflection_file(const struct reflection *r, size_t file) {
    return r->files[file].raw;
}

static bool has(const size_t *list, size_t n, size_t file) {
    for (size_t i = 0; i < n; i++) {
        if (list[i] == file) return true;
    }
    return false;
}

size_t reflection_closure(const struct reflection *r, size_t file, size_t *out) {
    size_t n = 0;
    out[n++] = file;
    for (size_t at = 0; at < n; at++) {
        const Google__Protobuf__FileDescriptorProto *proto = r->files[out[at]].proto;
        for (size_t i = 0; i < proto->n_dependency; i++) {
            size_t next = reflection_find_file(r, proto->dependency[i]);
            if (next != REFLECTION_NONE && !has(out, n, next)) out[n++] = next;
        }
    }
    return n;
}
