/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which signatures of the world's test vectors are taken, exactly: Wycheproof, CCTV, speccheck and the COSE working group,
 * through the function that every envelope is verified with (envelope__is_signed). libsodium verifies without the cofactor
 * and refuses S >= L, keys and R of small order and keys that are not canonical; it takes keys and R that have a small part
 * beside a large one. Those are listed here one by one, and no such key passes public_key_check: it never becomes anybody's.
 *
 * The vectors are not ours to publish; TAGIH_DATA names the folder that holds them in `vectors`.
 */
#include "domain/envelope_internal.h"
#include "tests/support/case.h"

enum taken {
    CLEAN,     /* a valid signature of a proper key, as every implementation has it */
    MIXED_KEY, /* the key has a part of small order, R has none: the equation without the cofactor holds */
    MIXED_BOTH /* key and R have one, and they cancel out */
};

/* CCTV's numbers. Of its 914 vectors these 43 are taken. */
static const struct {
    int number;
    enum taken why;
} cctv[] = {{7, MIXED_BOTH},   {29, MIXED_BOTH},  {50, MIXED_KEY},   {117, MIXED_BOTH}, {139, MIXED_BOTH}, {161, MIXED_BOTH},
            {182, MIXED_KEY},  {249, MIXED_BOTH}, {305, CLEAN},      {411, MIXED_BOTH}, {425, MIXED_BOTH}, {438, MIXED_KEY},
            {465, MIXED_BOTH}, {473, MIXED_BOTH}, {481, MIXED_BOTH}, {489, MIXED_BOTH}, {497, MIXED_BOTH}, {511, MIXED_BOTH},
            {525, MIXED_BOTH}, {538, MIXED_KEY},  {565, MIXED_BOTH}, {573, MIXED_BOTH}, {581, MIXED_BOTH}, {589, MIXED_BOTH},
            {597, MIXED_BOTH}, {611, MIXED_BOTH}, {625, MIXED_BOTH}, {638, MIXED_KEY},  {665, MIXED_BOTH}, {673, MIXED_BOTH},
            {681, MIXED_BOTH}, {689, MIXED_BOTH}, {697, MIXED_BOTH}, {711, MIXED_BOTH}, {725, MIXED_BOTH}, {738, MIXED_KEY},
            {765, MIXED_BOTH}, {773, MIXED_BOTH}, {781, MIXED_BOTH}, {789, MIXED_BOTH}, {797, MIXED_BOTH}, {832, MIXED_KEY},
            {899, MIXED_BOTH}};

/* The twelve of speccheck, by their numbers; what is taken is what libsodium's row of the paper's table says. */
static const struct {
    bool taken;
    enum taken why;
    const char *what;
} speccheck[] = {{.what = "S = 0, key and R of small order"},
                 {.what = "key of small order, R mixed"},
                 {.what = "R of small order, key mixed"},
                 {true, MIXED_BOTH, "key and R mixed; both equations hold"},
                 {.what = "the equation with the cofactor alone holds"},
                 {.what = "the same, for those who multiply late"},
                 {.what = "S > L"},
                 {.what = "S >> L"},
                 {.what = "R is small and not canonical, hashed as it came"},
                 {.what = "R is small and not canonical, hashed as it should be"},
                 {.what = "the key is small and not canonical, hashed as it came"},
                 {.what = "the key is small and not canonical, hashed as it should be"}};

static size_t n_wycheproof, n_cctv, n_speccheck, n_envelopes, n_taken;

/* Hexadecimal of any length, or "." for nothing. */
static struct bytes unhex(const char *text, uint8_t *out, size_t size) {
    size_t len = strcmp(text, ".") == 0 ? 0 : strlen(text) / 2;
    assert_true(len <= size);
    if (len) assert_ok(bytes_unhex(text, out, len));
    return bytes_make(out, len);
}

static bool cctv_has(int number, enum taken *why) {
    for (size_t i = 0; i < COUNT_OF(cctv); i++) {
        *why = cctv[i].why;
        if (cctv[i].number == number) return true;
    }
    return false;
}

/* Whether it is on the list, and why. */
static bool is_listed(const char *name, char verdict, enum taken *why) {
    *why = CLEAN;
    const char *dash = strchr(name, '-');
    assert_non_null(dash);
    int number = (int)strtol(dash + 1, NULL, 10);
    if (strncmp(name, "cctv-", 5) == 0) return n_cctv++, cctv_has(number, why);
    if (strncmp(name, "speccheck-", 10) == 0) {
        assert_in_range(number, 0, COUNT_OF(speccheck) - 1);
        *why = speccheck[number].why;
        return n_speccheck++, speccheck[number].taken;
    }
    if (strncmp(name, "wycheproof-", 11) == 0) n_wycheproof++;
    assert_true(verdict == '0' || verdict == '1'); /* Wycheproof's authors and COSE's leave nothing open: theirs is ours */
    return verdict == '1';
}

/* The COSE working group's EdDSA-01: our Sig_structure over its parts must be its ToBeSign. */
static void check_structure(struct bytes message) {
    static const uint8_t header[] = {0xA2, 0x01, 0x27, 0x03, 0x00};
    uint8_t memory[ENVELOPE__SIGNED_MAX];
    struct bytes mine = envelope__to_be_signed(bytes_make(header, sizeof header), bytes_text(""),
                                               bytes_text("This is the content."), memory);
    assert_true(bytes_equal(mine, message));
}

/* A COSE_Sign1 of somebody else's, valid as it is: tagged, with a header of his own, or Ed448. */
static void check_envelope(const char *name, struct bytes in) {
    static const installation_id installation = {{0}};
    struct envelope envelope;
    n_envelopes++;
    for (int type = 0; type < ENVELOPE_TYPE_COUNT; type++) {
        struct bytes untagged = bytes_make(in.data + 1, in.len - 1);
        assert_int_equal(in.data[0], 0xD2);
        tagih_err tagged = envelope_open(in, (enum envelope_type)type, installation, &envelope);
        if (tagged.reason != ERR_ENVELOPE_SYNTAX) fail_msg("%s: %s", name, err_name(tagged));
        assert_fails(envelope_open(untagged, (enum envelope_type)type, installation, &envelope), ENVELOPE_SYNTAX);
    }
}

static void check_signature(const char *name, char verdict, const char *key_hex, struct bytes message,
                            const char *signature_hex) {
    uint8_t signature[128];
    public_key key;
    enum taken why;
    struct bytes sig = unhex(signature_hex, signature, sizeof signature);
    assert_ok(bytes_unhex(key_hex, key.b, sizeof key.b));
    bool listed = is_listed(name, verdict, &why);
    bool taken = sig.len == ENVELOPE_SIGNATURE_SIZE && envelope__is_signed(message, sig.data, &key);
    bool may_enrol = err_is_ok(public_key_check(&key));
    if (taken != listed) fail_msg("%s is %s and %s the list", name, taken ? "taken" : "refused", listed ? "on" : "not on");
    if (taken && may_enrol != (why == CLEAN)) fail_msg("%s: its key %s be enrolled", name, may_enrol ? "may" : "may not");
    if (verdict == 'K' && may_enrol) fail_msg("%s: a key of low order was let in", name);
    if (strcmp(name, "cose-eddsa-sig-01") == 0) check_structure(message);
    n_taken += taken;
}

/* One line of `journal_verify.py foreign`: name verdict key message signature. */
static void check_line(const char *line) {
    static char name[64], verdict[4], key[128], message_hex[9000], signature[300];
    static uint8_t memory[4608];
    assert_int_equal(sscanf(line, "%63s %3s %127s %8999s %299s", name, verdict, key, message_hex, signature), 5);
    struct bytes message = unhex(message_hex, memory, sizeof memory);
    if (*verdict == 'E') check_envelope(name, message);
    else check_signature(name, *verdict, key, message, signature);
}

//= RULES.md R-JRN-1
//  the server never sees the secret, refuses a key that is not a valid point or was ever seen before
static void exactly_the_listed_signatures_are_taken(void **state) {
    (void)state;
    static char line[20000];
    const char *folder = getenv("TAGIH_DATA");
    if (!folder) {
        print_message("skipped: TAGIH_DATA is not set: the vectors of Wycheproof, CCTV, speccheck and COSE are left out\n");
        skip();
    }
    snprintf(line, sizeof line, "/usr/bin/python3 '%s/tests/support/journal_verify.py' foreign '%s/vectors'", TAGIH_SOURCE,
             folder);
    FILE *in = popen(line, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) check_line(line);
    assert_int_equal(pclose(in), 0);
    print_message("             %zu Wycheproof, %zu CCTV, %zu speccheck, %zu envelopes of COSE: %zu signatures are taken\n",
                  n_wycheproof, n_cctv, n_speccheck, n_envelopes, n_taken);
    assert_int_equal(n_wycheproof, 151);
    assert_int_equal(n_cctv, 914);
    assert_int_equal(n_speccheck, COUNT_OF(speccheck));
    assert_int_equal(n_envelopes, 2);
    assert_int_equal(n_taken, 88 + COUNT_OF(cctv) + 1 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(exactly_the_listed_signatures_are_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
