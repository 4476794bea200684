/* SPDX-License-Identifier: Apache-2.0 */
/* Forgeries: CBOR by hand, because the product's writer cannot write any of it. */
#include "tests/hostile/forge.h"

#include <sodium.h>
#include <string.h>

#include "domain/dcbor.h"
#include "tests/support/case.h"

#define ROOM (2 * (size_t)ENVELOPE_MAX)

struct text {
    uint8_t bytes[ROOM];
    size_t len;
};

static void add(struct text *out, const void *bytes, size_t len) {
    assert_true(out->len + len <= ROOM);
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

static void add_bytes(struct text *out, struct bytes in) {
    if (in.len) add(out, in.data, in.len);
}

#define ADD(out, literal) add(out, literal, sizeof(literal) - 1)

/* A head in its shortest form, or with two bytes of length whatever it is. */
static void add_head(struct text *out, uint8_t major, size_t value, bool wide) {
    uint8_t head[3] = {(uint8_t)(major << 5 | 25), (uint8_t)(value >> 8), (uint8_t)value};
    if (wide || value > 255) {
        add(out, head, 3);
    } else if (value > 23) {
        add(out, (uint8_t[]){(uint8_t)(major << 5 | 24), (uint8_t)value}, 2);
    } else {
        add(out, (uint8_t[]){(uint8_t)(major << 5 | (uint8_t)value)}, 1);
    }
}

static struct bytes bytes_in(const struct text *text) {
    return bytes_make(text->bytes, text->len);
}

/* ---- the payload's map ---------------------------------------------------------------------------------------- */

/* Take a whole item, with all that is in it. */
static struct bytes take_whole(struct bytes *in) {
    struct bytes begin = *in;
    struct dcbor_item item = dcbor_take(in);
    assert_int_not_equal(item.kind, DCBOR_NONE);
    size_t inner = item.kind == DCBOR_ARRAY ? item.value : item.kind == DCBOR_MAP ? 2 * item.value : 0;
    while (inner-- > 0) take_whole(in);
    return bytes_make(begin.data, begin.len - in->len);
}

struct pair {
    struct bytes key, value;
};

#define PAIRS_MAX 23

static size_t read_pairs(struct bytes payload, struct pair out[PAIRS_MAX]) {
    struct dcbor_item map;
    assert_true(dcbor_take_kind(&payload, DCBOR_MAP, &map));
    assert_in_range(map.value, 2, PAIRS_MAX);
    for (size_t i = 0; i < map.value; i++) {
        out[i].key = take_whole(&payload);
        out[i].value = take_whole(&payload);
    }
    assert_int_equal(payload.len, 0);
    return map.value;
}

size_t forge_pairs(struct bytes payload) {
    struct pair pairs[PAIRS_MAX];
    return read_pairs(payload, pairs);
}

static void add_pairs(struct text *out, const struct pair *pairs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        add_bytes(out, pairs[i].key);
        add_bytes(out, pairs[i].value);
    }
}

enum payload_how {
    PAYLOAD_TRAILING,
    PAYLOAD_CUT,
    PAYLOAD_INDEFINITE,
    PAYLOAD_WIDE_HEAD,
    PAYLOAD_KEY_TWICE,
    PAYLOAD_LAST_TWICE,
    PAYLOAD_FIRST_AGAIN,
    PAYLOAD_KEYS_TURNED,
    PAYLOAD_WIDE_KEY,
    PAYLOAD_TAGGED,
    PAYLOAD_MORE_SAID,
    PAYLOAD_LESS_SAID,
    PAYLOAD_FIRST_GONE,
    PAYLOAD_FIELD_TOO_MANY,
    PAYLOAD_IN_ARRAY,
    PAYLOAD_TEXT_KEY,
    PAYLOAD_NOTHING
};

static bool spoil_payload(enum payload_how how, struct bytes payload, struct text *out) {
    struct pair p[PAIRS_MAX];
    size_t n = read_pairs(payload, p);
    switch (how) {
        case PAYLOAD_TRAILING:
            add_bytes(out, payload);
            ADD(out, "\x00");
            break;
        case PAYLOAD_CUT:
            add_bytes(out, bytes_make(payload.data, payload.len - 1));
            break;
        case PAYLOAD_INDEFINITE:
            ADD(out, "\xbf");
            add_pairs(out, p, n);
            ADD(out, "\xff");
            break;
        case PAYLOAD_WIDE_HEAD:
            add_head(out, 5, n, true);
            add_pairs(out, p, n);
            break;
        case PAYLOAD_KEY_TWICE:
            add_head(out, 5, n + 1, false);
            add_pairs(out, p, 1);
            add_pairs(out, p, n);
            break;
        case PAYLOAD_LAST_TWICE:
            add_head(out, 5, n + 1, false);
            add_pairs(out, p, n);
            add_pairs(out, p + n - 1, 1);
            break;
        case PAYLOAD_FIRST_AGAIN:
        add_head(out, 5, n + 1, false);
        add_pairs(out, p, n);
        add_pairs(out, p, 1);
        break;
    case PAYLOAD_KEYS_TURNED:
            add_head(out, 5, n, false);
            add_pairs(out, p + 1, 1);
            add_pairs(out, p, 1);
            add_pairs(out, p + 2, n - 2);
            break;
        case PAYLOAD_WIDE_KEY:
            add_head(out, 5, n, false);
            ADD(out, "\x18");
            add_pairs(out, p, n);
            break;
        case PAYLOAD_TAGGED:
            ADD(out, "\xd9\xd9\xf7"); /* "this is CBOR" */
            add_bytes(out, payload);
            break;
        case PAYLOAD_MORE_SAID:
            add_head(out, 5, n + 1, false);
            add_pairs(out, p, n);
            break;
        case PAYLOAD_LESS_SAID:
            add_head(out, 5, n - 1, false);
            add_pairs(out, p, n);
            break;
        case PAYLOAD_FIRST_GONE:
            add_head(out, 5, n - 1, false);
            add_pairs(out, p + 1, n - 1);
            break;
        case PAYLOAD_FIELD_TOO_MANY:
            add_head(out, 5, n + 1, false);
            add_pairs(out, p, n);
            ADD(out, "\x39\xff\xfe\x00"); /* -65535: 0, behind every key there is */
            break;
        case PAYLOAD_IN_ARRAY:
            ADD(out, "\x81");
            add_bytes(out, payload);
            break;
        case PAYLOAD_TEXT_KEY:
            add_head(out, 5, n, false);
            ADD(out,
                "\x61"
                "a");
            add_bytes(out, p[0].value);
            add_pairs(out, p + 1, n - 1);
            break;
        case PAYLOAD_NOTHING:
            break;
    }
    return out->len <= ENVELOPE_PAYLOAD_MAX;
}

enum value_how {
    VALUE_WIDE,
    VALUE_FLOAT,
    VALUE_DOUBLE,
    VALUE_NULL,
    VALUE_UNDEFINED,
    VALUE_SIMPLE,
    VALUE_TAGGED,
    VALUE_BIGNUM,
    VALUE_INDEFINITE,
    VALUE_NESTED,
    VALUE_OTHER_KIND
};

/* The value's own head, two bytes wide; false when it is wide already or has none. */
static bool add_wide(struct text *out, struct bytes value) {
    struct bytes rest = value;
    struct dcbor_item item = dcbor_take(&rest);
    if (item.kind == DCBOR_BOOL) return false;
    size_t count = item.kind == DCBOR_BYTES || item.kind == DCBOR_TEXT ? item.bytes.len : item.value;
    if (count > 255) return false;
    add_head(out, value.data[0] >> 5, count, true);
    size_t head = count > 23 ? 2 : 1;
    add_bytes(out, bytes_make(value.data + head, value.len - head));
    return true;
}

/* A byte string in two pieces. */
static bool add_pieces(struct text *out, struct bytes value) {
    struct bytes rest = value;
    struct dcbor_item item = dcbor_take(&rest);
    if (item.kind != DCBOR_BYTES && item.kind != DCBOR_TEXT) return false;
    uint8_t major = value.data[0] >> 5;
    add(out, (uint8_t[]){(uint8_t)(major << 5 | 31)}, 1);
    size_t half = item.bytes.len / 2;
    add_head(out, major, half, false);
    add_bytes(out, bytes_make(item.bytes.data, half));
    add_head(out, major, item.bytes.len - half, false);
    add_bytes(out, bytes_make(item.bytes.data + half, item.bytes.len - half));
    ADD(out, "\xff");
    return true;
}

static bool spoil_value(enum value_how how, struct bytes value, struct text *out) {
    switch (how) {
        case VALUE_WIDE:
            return add_wide(out, value);
        case VALUE_INDEFINITE:
            return add_pieces(out, value);
        case VALUE_FLOAT:
            ADD(out, "\xf9\x3c\x00");
            break;
        case VALUE_DOUBLE:
            ADD(out, "\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00");
            break;
        case VALUE_NULL:
            ADD(out, "\xf6");
            break;
        case VALUE_UNDEFINED:
            ADD(out, "\xf7");
            break;
        case VALUE_SIMPLE:
            ADD(out, "\xf8\xff");
            break;
        case VALUE_TAGGED:
            ADD(out, "\xc1");
            add_bytes(out, value);
            break;
        case VALUE_BIGNUM:
            ADD(out, "\xc2\x41\x01");
            break;
        case VALUE_NESTED:
            for (int i = 0; i < 1000; i++) ADD(out, "\x81");
            ADD(out, "\x00");
            break;
        case VALUE_OTHER_KIND: /* no field is text of CBOR's own */
            ADD(out,
                "\x61"
                "x");
            break;
    }
    return true;
}

static bool spoil_pair(enum value_how how, struct bytes payload, size_t pair, struct text *out) {
    struct pair p[PAIRS_MAX];
    size_t n = read_pairs(payload, p);
    struct text value = {.len = 0};
    if (!spoil_value(how, p[pair].value, &value)) return false;
    p[pair].value = bytes_in(&value);
    add_head(out, 5, n, false);
    add_pairs(out, p, n);
    return out->len <= ENVELOPE_PAYLOAD_MAX;
}

/* ---- the protected header ------------------------------------------------------------------------------------- */

enum header_how {
    HEADER_RIGHT,
    HEADER_ALG_ES256,
    HEADER_ALG_WIDE,
    HEADER_ALG_TEXT,
    HEADER_ALG_TWICE,
    HEADER_KID_SHORT,
    HEADER_KID_LONG,
    HEADER_KID_TEXT,
    HEADER_KID_GONE,
    HEADER_TURNED,
    HEADER_WIDE_MAP,
    HEADER_INDEFINITE,
    HEADER_TRAILING,
    HEADER_CRITICAL,
    HEADER_TYP_BYTES,
    HEADER_TYP_NUMBER,
    HEADER_TYP_NEXT,
    HEADER_TYP_CAPITAL,
    HEADER_TYP_LONGER,
    HEADER_EMPTY
};

static const char *typ_text(enum header_how how, enum envelope_type type) {
    static char text[128];
    enum envelope_type said = how == HEADER_TYP_NEXT ? (enum envelope_type)((type + 1) % ENVELOPE_TYPE_COUNT) : type;
    snprintf(text, sizeof text, "%s%s", envelope_type_text(said), how == HEADER_TYP_LONGER ? "; v=1" : "");
    if (how == HEADER_TYP_CAPITAL) text[0] = 'A';
    return text;
}

static void add_typ(struct text *out, enum header_how how, enum envelope_type type) {
    if (how == HEADER_TYP_NUMBER) {
        ADD(out, "\x18\x3d"); /* a CoAP content format, which RFC 9596 allows */
        return;
    }
    struct bytes text = bytes_text(typ_text(how, type));
    add_head(out, how == HEADER_TYP_BYTES ? 2 : 3, text.len, false);
    add_bytes(out, text);
}

static void add_kid(struct text *out, enum header_how how, key_id kid) {
    if (how == HEADER_KID_GONE) return;
    ADD(out, "\x04");
    size_t len = how == HEADER_KID_SHORT ? 7 : how == HEADER_KID_LONG ? 9 : 8;
    uint8_t longer[9] = {0};
    memcpy(longer, kid.b, sizeof kid.b);
    add_head(out, how == HEADER_KID_TEXT ? 3 : 2, len, false);
    add(out, longer, len);
}

static void add_alg(struct text *out, enum header_how how) {
    switch (how) {
        case HEADER_ALG_ES256:
            ADD(out, "\x01\x26");
            break;
        case HEADER_ALG_WIDE:
            ADD(out, "\x01\x38\x07");
            break;
        case HEADER_ALG_TEXT:
            ADD(out,
                "\x01\x65"
                "EdDSA");
            break;
        case HEADER_ALG_TWICE:
            ADD(out, "\x01\x27\x01\x27");
            break;
        default:
            ADD(out, "\x01\x27");
    }
}

static void add_map_head(struct text *out, enum header_how how) {
    size_t pairs = how == HEADER_ALG_TWICE || how == HEADER_CRITICAL ? 4 : how == HEADER_KID_GONE ? 2 : 3;
    if (how == HEADER_INDEFINITE) ADD(out, "\xbf");
    else if (how == HEADER_WIDE_MAP) ADD(out, "\xb8\x03");
    else add_head(out, 5, pairs, false);
}

static void write_header(struct text *out, enum header_how how, enum envelope_type type, key_id kid) {
    if (how == HEADER_EMPTY) return;
    add_map_head(out, how);
    if (how == HEADER_TURNED) add_kid(out, how, kid);
    add_alg(out, how);
    if (how == HEADER_CRITICAL) ADD(out, "\x02\x81\x10"); /* crit: [typ] */
    if (how != HEADER_TURNED) add_kid(out, how, kid);
    ADD(out, "\x10");
    add_typ(out, how, type);
    if (how == HEADER_INDEFINITE) ADD(out, "\xff");
    if (how == HEADER_TRAILING) ADD(out, "\x00");
}

/* ---- the four parts ------------------------------------------------------------------------------------------- */

enum envelope_how {
    WHOLE,
    WHOLE_TAGGED,
    WHOLE_TAGGED_TWICE,
    WHOLE_OF_THREE,
    WHOLE_OF_FIVE,
    WHOLE_WIDE,
    WHOLE_INDEFINITE,
    WHOLE_TRAILING,
    WHOLE_TWICE,
    WHOLE_EMPTY,
    WHOLE_UNPROTECTED_KID,
    WHOLE_UNPROTECTED_ANY,
    WHOLE_UNPROTECTED_WIDE,
    WHOLE_HEADER_BARE,
    WHOLE_HEADER_WIDE,
    WHOLE_DETACHED,
    WHOLE_PAYLOAD_TEXT,
    WHOLE_PAYLOAD_BARE,
    WHOLE_PAYLOAD_WIDE,
    WHOLE_SIGNATURE_63,
    WHOLE_SIGNATURE_65,
    WHOLE_SIGNATURE_EMPTY,
    WHOLE_TOO_LARGE,
    WHOLE_OTHER_INSTALLATION,
    WHOLE_NO_INSTALLATION,
    WHOLE_OTHER_KEY,
    WHOLE_OTHER_CONTEXT,
    WHOLE_SIGNATURE_OF_PAYLOAD,
    WHOLE_SIGNATURE_PLUS_L
};

static key_id kid_of(const secret_key *key) {
    public_key public_part;
    memcpy(public_part.b, key->b + 32, sizeof public_part.b);
    return key_id_of(&public_part);
}

/* S + L says the same to who does not look: the malleable twin of a signature. */
static void add_order(uint8_t signature[64]) {
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                      0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    sodium_add(signature + 32, order, sizeof order);
}

static void sign(const struct forge_good *good, enum envelope_how how, struct bytes header, struct bytes payload,
                 uint8_t signature[64]) {
    uint8_t memory[ENVELOPE__SIGNED_MAX];
    installation_id of = good->installation;
    of.b[0] ^= how == WHOLE_OTHER_INSTALLATION;
    struct bytes aad = how == WHOLE_NO_INSTALLATION ? bytes_text("") : BYTES_OF(&of);
    struct bytes message = envelope__to_be_signed(header, aad, payload, memory);
    if (how == WHOLE_OTHER_CONTEXT) memcpy(memory + 2, "CounterSig", 10); /* "Signature1", as long */
    if (how == WHOLE_SIGNATURE_OF_PAYLOAD) message = payload;
    const secret_key *key = how == WHOLE_OTHER_KEY ? &good->other_key : &good->key;
    crypto_sign_detached(signature, NULL, message.data, message.len, key->b);
    if (how == WHOLE_SIGNATURE_PLUS_L) add_order(signature);
}

static void add_unprotected(struct text *out, enum envelope_how how, key_id kid) {
    if (how == WHOLE_UNPROTECTED_KID) {
        ADD(out, "\xa1\x04\x48");
        add(out, kid.b, sizeof kid.b);
    } else if (how == WHOLE_UNPROTECTED_ANY) {
        ADD(out,
            "\xa1\x63"
            "any\x01");
    } else if (how == WHOLE_UNPROTECTED_WIDE) {
        ADD(out, "\xb8\x00");
    } else {
        ADD(out, "\xa0");
    }
}

static void add_payload(struct text *out, enum envelope_how how, struct bytes payload) {
    if (how == WHOLE_DETACHED) {
        ADD(out, "\xf6");
        return;
    }
    if (how == WHOLE_PAYLOAD_WIDE) add(out, (uint8_t[]){0x5a, 0, 0, (uint8_t)(payload.len >> 8), (uint8_t)payload.len}, 5);
    else if (how != WHOLE_PAYLOAD_BARE) add_head(out, how == WHOLE_PAYLOAD_TEXT ? 3 : 2, payload.len, false);
    add_bytes(out, payload);
}

static void add_array_head(struct text *out, enum envelope_how how) {
    if (how == WHOLE_TAGGED || how == WHOLE_TAGGED_TWICE) ADD(out, "\xd2");
    if (how == WHOLE_TAGGED_TWICE) ADD(out, "\xd2");
    if (how == WHOLE_WIDE) ADD(out, "\x98\x04");
    else if (how == WHOLE_INDEFINITE) ADD(out, "\x9f");
    else add_head(out, 4, how == WHOLE_OF_THREE ? 3 : how == WHOLE_OF_FIVE ? 5 : 4, false);
}

static void write_envelope(struct text *out, const struct forge_good *good, enum envelope_how how, struct bytes header,
                           struct bytes payload) {
    uint8_t signature[65] = {0};
    key_id kid = kid_of(&good->key);
    sign(good, how, header, payload, signature);
    add_array_head(out, how);
    if (how != WHOLE_HEADER_BARE) add_head(out, 2, header.len, how == WHOLE_HEADER_WIDE);
    add_bytes(out, header);
    add_unprotected(out, how, kid);
    add_payload(out, how, payload);
    size_t len = how == WHOLE_SIGNATURE_63 ? 63 : how == WHOLE_SIGNATURE_65 ? 65 : how == WHOLE_SIGNATURE_EMPTY ? 0 : 64;
    if (how != WHOLE_OF_THREE) {
        add_head(out, 2, len, false);
        add(out, signature, len);
    }
    if (how == WHOLE_OF_FIVE) ADD(out, "\x40");
    if (how == WHOLE_INDEFINITE) ADD(out, "\xff");
    if (how == WHOLE_TRAILING) ADD(out, "\x00");
}

static void write_whole(struct text *out, const struct forge_good *good, enum envelope_how how) {
    static const uint8_t zeros[ENVELOPE_MAX];
    struct text header = {.len = 0};
    struct bytes payload = how == WHOLE_TOO_LARGE ? bytes_make(zeros, ENVELOPE_MAX - 100) : good->payload;
    if (how == WHOLE_EMPTY) return;
    write_header(&header, HEADER_RIGHT, good->type, kid_of(&good->key));
    write_envelope(out, good, how, bytes_in(&header), payload);
    if (how == WHOLE_TWICE) write_envelope(out, good, how, bytes_in(&header), payload);
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

const struct forgery forgeries[] = {
    {"tag 18 before it", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_TAGGED},
    {"tag 18 twice", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_TAGGED_TWICE},
    {"three parts", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_OF_THREE},
    {"five parts", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_OF_FIVE},
    {"an array's head longer than needed", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_WIDE},
    {"an array without length", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_INDEFINITE},
    {"a byte behind it", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_TRAILING},
    {"twice in a row", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_TWICE},
    {"nothing", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_EMPTY},
    {"kid in the unprotected header", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_UNPROTECTED_KID},
    {"anything in the unprotected header", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_UNPROTECTED_ANY},
    {"an empty map in two bytes", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_UNPROTECTED_WIDE},
    {"the protected header not in a byte string", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_HEADER_BARE},
    {"the protected header's length in two bytes", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_HEADER_WIDE},
    {"a detached payload", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_DETACHED},
    {"the payload as text", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_PAYLOAD_TEXT},
    {"the payload not in a byte string", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_PAYLOAD_BARE},
    {"the payload's length in four bytes", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_PAYLOAD_WIDE},
    {"a signature of 63 bytes", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_SIGNATURE_63},
    {"a signature of 65 bytes", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_SIGNATURE_65},
    {"no signature", "ENVELOPE_SYNTAX", FORGE_ENVELOPE, WHOLE_SIGNATURE_EMPTY},
    {"longer than any", "ENVELOPE_TOO_LARGE", FORGE_ENVELOPE, WHOLE_TOO_LARGE},
    {"signed for another installation", "ENVELOPE_SIGNATURE", FORGE_ENVELOPE, WHOLE_OTHER_INSTALLATION},
    {"signed for no installation", "ENVELOPE_SIGNATURE", FORGE_ENVELOPE, WHOLE_NO_INSTALLATION},
    {"signed by another key", "ENVELOPE_SIGNATURE", FORGE_ENVELOPE, WHOLE_OTHER_KEY},
    {"a signature of another context", "ENVELOPE_SIGNATURE", FORGE_ENVELOPE, WHOLE_OTHER_CONTEXT},
    {"a signature over the payload alone", "ENVELOPE_SIGNATURE", FORGE_ENVELOPE, WHOLE_SIGNATURE_OF_PAYLOAD},
    {"the signature's malleable twin", "ENVELOPE_SIGNATURE", FORGE_ENVELOPE, WHOLE_SIGNATURE_PLUS_L},
    {"alg ES256", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_ALG_ES256},
    {"alg longer than needed", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_ALG_WIDE},
    {"alg as text", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_ALG_TEXT},
    {"alg twice", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_ALG_TWICE},
    {"a kid of 7 bytes", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_KID_SHORT},
    {"a kid of 9 bytes", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_KID_LONG},
    {"kid as text", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_KID_TEXT},
    {"no kid", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_KID_GONE},
    {"headers in another order", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_TURNED},
    {"a header map's head longer than needed", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_WIDE_MAP},
    {"a header map without length", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_INDEFINITE},
    {"a byte behind the header map", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_TRAILING},
    {"crit", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_CRITICAL},
    {"typ as bytes", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_TYP_BYTES},
    {"typ as a number", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_TYP_NUMBER},
    {"an empty protected header", "ENVELOPE_SYNTAX", FORGE_HEADER, HEADER_EMPTY},
    {"typ of another kind", "ENVELOPE_TYPE", FORGE_HEADER, HEADER_TYP_NEXT},
    {"typ with a capital", "ENVELOPE_TYPE", FORGE_HEADER, HEADER_TYP_CAPITAL},
    {"typ with a parameter", "ENVELOPE_TYPE", FORGE_HEADER, HEADER_TYP_LONGER},
    {"a byte behind the map", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_TRAILING},
    {"the map cut short", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_CUT},
    {"a map without length", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_INDEFINITE},
    {"the map's head longer than needed", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_WIDE_HEAD},
    {"the first key twice", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_KEY_TWICE},
    {"the last key twice", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_LAST_TWICE},
    {"the first key behind the last", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_FIRST_AGAIN},
    {"the second key before the first", "PAYLOAD_FIELD", FORGE_PAYLOAD, PAYLOAD_KEYS_TURNED},
    {"a key longer than needed", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_WIDE_KEY},
    {"a tag before the map", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_TAGGED},
    {"more pairs said than there are", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_MORE_SAID},
    {"fewer pairs said than there are", "PAYLOAD_SYNTAX or PAYLOAD_FIELD", FORGE_PAYLOAD, PAYLOAD_LESS_SAID},
    {"the first field gone", "PAYLOAD_FIELD", FORGE_PAYLOAD, PAYLOAD_FIRST_GONE},
    {"a field too many", "PAYLOAD_FIELD", FORGE_PAYLOAD, PAYLOAD_FIELD_TOO_MANY},
    {"the map in an array", "PAYLOAD_FIELD", FORGE_PAYLOAD, PAYLOAD_IN_ARRAY},
    {"a key of text", "PAYLOAD_FIELD", FORGE_PAYLOAD, PAYLOAD_TEXT_KEY},
    {"an empty payload", "PAYLOAD_SYNTAX", FORGE_PAYLOAD, PAYLOAD_NOTHING},
    {"a head longer than needed", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_WIDE},
    {"a float", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_FLOAT},
    {"a double", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_DOUBLE},
    {"null", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_NULL},
    {"undefined", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_UNDEFINED},
    {"a simple value", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_SIMPLE},
    {"a tag", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_TAGGED},
    {"a bignum", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_BIGNUM},
    {"a string in pieces", "PAYLOAD_SYNTAX", FORGE_VALUE, VALUE_INDEFINITE},
    {"a thousand arrays in each other", "PAYLOAD_FIELD", FORGE_VALUE, VALUE_NESTED},
    {"another kind of value", "PAYLOAD_FIELD", FORGE_VALUE, VALUE_OTHER_KIND},
};
const size_t forgery_count = COUNT_OF(forgeries);

static void write_with(struct text *out, const struct forge_good *good, enum header_how how, struct bytes payload) {
    struct text header = {.len = 0};
    write_header(&header, how, good->type, kid_of(&good->key));
    write_envelope(out, good, WHOLE, bytes_in(&header), payload);
}

size_t forge(const struct forgery *forgery, const struct forge_good *good, size_t pair, uint8_t *out) {
    struct text payload = {.len = 0}, whole = {.len = 0};
    bool made = true;
    switch (forgery->part) {
        case FORGE_ENVELOPE:
            write_whole(&whole, good, (enum envelope_how)forgery->how);
            break;
        case FORGE_HEADER:
            write_with(&whole, good, (enum header_how)forgery->how, good->payload);
            break;
        case FORGE_PAYLOAD:
            made = spoil_payload((enum payload_how)forgery->how, good->payload, &payload);
            write_with(&whole, good, HEADER_RIGHT, bytes_in(&payload));
            break;
        case FORGE_VALUE:
            made = spoil_pair((enum value_how)forgery->how, good->payload, pair, &payload);
            if (made) write_with(&whole, good, HEADER_RIGHT, bytes_in(&payload));
            break;
    }
    if (!made) return 0;
    memcpy(out, whole.bytes, whole.len);
    return whole.len;
}
