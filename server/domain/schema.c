/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encode and decode by table. What decodes encodes to the same bytes: items are shortest (dcbor.c), keys are
 * those of the table in its order, each once, and nothing else is let in.
 */
#include "domain/schema.h"

#include <assert.h>
#include <string.h>

#include "tagih/journal.h"

static const uint8_t *at(const void *record, size_t offset) {
    return (const uint8_t *)record + offset;
}

static uint64_t load_uint(const uint8_t *member, size_t size) {
    uint64_t value = 0;
    switch (size) {
        case 1:
            return *member;
        case 2: {
            uint16_t v;
            memcpy(&v, member, 2);
            return v;
        }
        case 4: {
            uint32_t v;
            memcpy(&v, member, 4);
            return v;
        }
        default:
            assert(size == 8);
            memcpy(&value, member, 8);
            return value;
    }
}

static int64_t load_int(const uint8_t *member, size_t size) {
    int64_t value = 0;
    int32_t narrow;
    assert(size == 4 || size == 8);
    if (size == 8) {
        memcpy(&value, member, 8);
        return value;
    }
    memcpy(&narrow, member, 4);
    return narrow;
}

/* The machine is little-endian or big-endian; two's complement makes narrowing the same for both signs. */
static void store_int(uint8_t *member, size_t size, int64_t value) {
    uint8_t v1 = (uint8_t)value;
    uint16_t v2 = (uint16_t)value;
    uint32_t v4 = (uint32_t)value;
    const void *from = size == 1   ? (void *)&v1
                       : size == 2 ? (void *)&v2
                       : size == 4 ? (void *)&v4
                                   : (void *)&value;
    memcpy(member, from, size);
}

static bool is_list(const struct field *field) {
    return field->type == FIELD_MAPS || field->type == FIELD_FIXEDS || field->type == FIELD_UINTS;
}

/* A list that may be absent is absent when it is empty. */
static bool is_present(const struct field *field, const void *record) {
    size_t count;
    if (!field->optional) return true;
    if (!is_list(field)) return *(const bool *)at(record, field->presence);
    memcpy(&count, at(record, field->presence), sizeof count);
    return count > 0;
}

static const struct schema *sub_of(const struct schema *schema, const struct field *field,
                                   const void *record) {
    return field->sub ? field->sub : schema->choose(record);
}

static bool currency_is_printable(const uint8_t code[3]) {
    for (int i = 0; i < 3; i++)
        if (code[i] < 0x21 || code[i] > 0x7E) return false;
    return true;
}

static tagih_err put_map(struct dcbor_out *out, const struct schema *schema, const void *record);

static tagih_err put_list(struct dcbor_out *out, const struct field *field, const void *record) {
    size_t count;
    memcpy(&count, at(record, field->presence), sizeof count);
    if (count > field->count_max || (field->type != FIELD_UINTS && (int64_t)count < field->min))
        return FAIL(PAYLOAD_FIELD);
    dcbor_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *element = at(record, field->offset + i * field->size);
        if (field->type == FIELD_MAPS)
            TRY(put_map(out, field->sub, element));
        else if (field->type == FIELD_FIXEDS)
            dcbor_put_bytes(out, bytes_make(element, field->size));
        else
            dcbor_put_uint(out, load_uint(element, field->size));
    }
    return TAGIH_OK;
}

static tagih_err put_number(struct dcbor_out *out, const struct field *field, const uint8_t *member) {
    if (field->type == FIELD_UINT && load_uint(member, field->size) > INT64_MAX) return FAIL(PAYLOAD_FIELD);
    int64_t value =
        field->type == FIELD_UINT ? (int64_t)load_uint(member, field->size) : load_int(member, field->size);
    if (value < field->min || value > field->max) return FAIL(PAYLOAD_FIELD);
    dcbor_put_int(out, value);
    return TAGIH_OK;
}

static tagih_err put_value(struct dcbor_out *out, const struct schema *schema, const struct field *field,
                           const void *record) {
    const uint8_t *member = at(record, field->offset);
    struct bytes text;
    const struct schema *sub;
    switch (field->type) {
        case FIELD_UINT:
        case FIELD_INT:
            return put_number(out, field, member);
        case FIELD_BOOL:
            dcbor_put_bool(out, *(const bool *)member);
            return TAGIH_OK;
        case FIELD_FIXED:
            dcbor_put_bytes(out, bytes_make(member, field->size));
            return TAGIH_OK;
        case FIELD_TEXT:
            memcpy(&text, member, sizeof text);
            dcbor_put_bytes(out, text);
            return TAGIH_OK;
        case FIELD_CURRENCY:
            if (!currency_is_printable(member)) return FAIL(PAYLOAD_FIELD);
            dcbor_put_text(out, bytes_make(member, 3));
            return TAGIH_OK;
        case FIELD_MAP:
            sub = sub_of(schema, field, record);
            return sub ? put_map(out, sub, member) : FAIL(JOURNAL_KIND);
        default:
            return put_list(out, field, record);
    }
}

static tagih_err put_map(struct dcbor_out *out, const struct schema *schema, const void *record) {
    size_t pairs = 0;
    for (size_t i = 0; i < schema->count; i++) pairs += is_present(&schema->fields[i], record);
    dcbor_put_map(out, pairs);
    for (size_t i = 0; i < schema->count; i++) {
        const struct field *field = &schema->fields[i];
        if (!is_present(field, record)) continue;
        dcbor_put_int(out, field->key);
        TRY(put_value(out, schema, field, record));
    }
    return TAGIH_OK;
}

tagih_err schema_encode(const struct schema *schema, const void *record, uint8_t *out, size_t size,
                        size_t *len) {
    struct dcbor_out writer = dcbor_out_make(out, size);
    TRY(put_map(&writer, schema, record));
    if (writer.full) return FAIL(BUFFER_SMALL);
    *len = writer.len;
    return TAGIH_OK;
}

/* What is being read: the rest of the input, and what was noticed on the way. */
struct reading {
    struct bytes rest;
    bool bad_text;
};

static tagih_err take_map(struct reading *in, const struct schema *schema, void *record);

static tagih_err take_kind(struct reading *in, enum dcbor_kind kind, struct dcbor_item *item) {
    if (dcbor_take_kind(&in->rest, kind, item)) return TAGIH_OK;
    return item->kind == DCBOR_NONE ? FAIL(PAYLOAD_SYNTAX) : FAIL(PAYLOAD_FIELD);
}

static tagih_err take_number(struct reading *in, int64_t min, int64_t max, size_t size, uint8_t *member) {
    struct dcbor_item item = dcbor_take(&in->rest);
    int64_t value;
    if (item.kind == DCBOR_NONE) return FAIL(PAYLOAD_SYNTAX);
    if (!dcbor_item_int(&item, &value) || value < min || value > max) return FAIL(PAYLOAD_FIELD);
    store_int(member, size, value);
    return TAGIH_OK;
}

static tagih_err take_fixed(struct reading *in, size_t size, uint8_t *member) {
    struct dcbor_item item;
    TRY(take_kind(in, DCBOR_BYTES, &item));
    if (item.bytes.len != size) return FAIL(PAYLOAD_FIELD);
    memcpy(member, item.bytes.data, size);
    return TAGIH_OK;
}

static tagih_err take_text(struct reading *in, uint8_t *member) {
    struct dcbor_item item;
    TRY(take_kind(in, DCBOR_BYTES, &item));
    if (!bytes_is_text(item.bytes, JOURNAL_TEXT_MAX)) in->bad_text = true;
    memcpy(member, &item.bytes, sizeof item.bytes);
    return TAGIH_OK;
}

static tagih_err take_currency(struct reading *in, uint8_t *member) {
    struct dcbor_item item;
    TRY(take_kind(in, DCBOR_TEXT, &item));
    if (item.bytes.len != 3 || !currency_is_printable(item.bytes.data)) return FAIL(PAYLOAD_FIELD);
    memcpy(member, item.bytes.data, 3);
    return TAGIH_OK;
}

static tagih_err take_bool(struct reading *in, uint8_t *member) {
    struct dcbor_item item;
    TRY(take_kind(in, DCBOR_BOOL, &item));
    *(bool *)member = item.value != 0;
    return TAGIH_OK;
}

static tagih_err take_list(struct reading *in, const struct field *field, void *record) {
    struct dcbor_item item;
    TRY(take_kind(in, DCBOR_ARRAY, &item));
    bool counted = field->type != FIELD_UINTS;
    if (item.value > field->count_max || (counted && (int64_t)item.value < field->min))
        return FAIL(PAYLOAD_FIELD);
    size_t count = (size_t)item.value;
    for (size_t i = 0; i < count; i++) {
        uint8_t *element = (uint8_t *)record + field->offset + i * field->size;
        if (field->type == FIELD_MAPS)
            TRY(take_map(in, field->sub, element));
        else if (field->type == FIELD_FIXEDS)
            TRY(take_fixed(in, field->size, element));
        else
            TRY(take_number(in, field->min, field->max, field->size, element));
    }
    memcpy((uint8_t *)record + field->presence, &count, sizeof count);
    return TAGIH_OK;
}

static tagih_err take_value(struct reading *in, const struct schema *schema, const struct field *field,
                            void *record) {
    uint8_t *member = (uint8_t *)record + field->offset;
    const struct schema *sub;
    switch (field->type) {
        case FIELD_UINT:
        case FIELD_INT:
            return take_number(in, field->min, field->max, field->size, member);
        case FIELD_BOOL:
            return take_bool(in, member);
        case FIELD_FIXED:
            return take_fixed(in, field->size, member);
        case FIELD_TEXT:
            return take_text(in, member);
        case FIELD_CURRENCY:
            return take_currency(in, member);
        case FIELD_MAP:
            sub = sub_of(schema, field, record);
            return sub ? take_map(in, sub, member) : FAIL(JOURNAL_KIND);
        default:
            return take_list(in, field, record);
    }
}

/* Deterministic order of integer keys: by their encoded bytes, so unsigned first, then -1, -2, … */
static int64_t key_rank(int64_t key) {
    return key >= 0 ? key : (INT64_C(1) << 40) - key;
}

/* Move on to the field named by `key`; those passed over must be optional, and their flags stay false. */
static tagih_err find_field(const struct schema *schema, int64_t key, size_t *next) {
    if (*next && key_rank(key) <= key_rank(schema->fields[*next - 1].key)) return FAIL(PAYLOAD_SYNTAX);
    while (*next < schema->count && schema->fields[*next].key != key) {
        if (!schema->fields[*next].optional) return FAIL(PAYLOAD_FIELD);
        ++*next;
    }
    return *next < schema->count ? TAGIH_OK : FAIL(PAYLOAD_FIELD);
}

static tagih_err take_pair(struct reading *in, const struct schema *schema, void *record, size_t *next) {
    struct dcbor_item key = dcbor_take(&in->rest);
    int64_t number;
    if (key.kind == DCBOR_NONE) return FAIL(PAYLOAD_SYNTAX);
    if (!dcbor_item_int(&key, &number) || number > INT32_MAX || number < INT32_MIN)
        return FAIL(PAYLOAD_FIELD);
    TRY(find_field(schema, number, next));
    const struct field *field = &schema->fields[*next];
    TRY(take_value(in, schema, field, record));
    if (field->optional && !is_list(field)) *(bool *)((uint8_t *)record + field->presence) = true;
    ++*next;
    return TAGIH_OK;
}

static tagih_err take_map(struct reading *in, const struct schema *schema, void *record) {
    struct dcbor_item head;
    TRY(take_kind(in, DCBOR_MAP, &head));
    size_t next = 0;
    for (uint64_t pair = 0; pair < head.value; pair++) TRY(take_pair(in, schema, record, &next));
    for (; next < schema->count; next++)
        if (!schema->fields[next].optional) return FAIL(PAYLOAD_FIELD);
    return TAGIH_OK;
}

tagih_err schema_decode(const struct schema *schema, struct bytes in, void *record, bool *bad_text) {
    struct reading reading = {.rest = in};
    memset(record, 0, schema->record_size);
    TRY(take_map(&reading, schema, record));
    if (reading.rest.len) return FAIL(PAYLOAD_SYNTAX);
    *bad_text = reading.bad_text;
    return TAGIH_OK;
}
