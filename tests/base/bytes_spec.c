/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes: comparing, hexadecimal, and what counts as text. */
#include "support/case.h"

#include "tagih/bytes.h"

static void bytes_compare_like_words_in_a_dictionary(void **state) {
    (void)state;
    assert_true(bytes_compare(bytes_text("ab"), bytes_text("abc")) < 0);
    assert_true(bytes_compare(bytes_text("b"), bytes_text("abc")) > 0);
    assert_true(bytes_compare(bytes_text("\xff"), bytes_text("a")) > 0);
    assert_int_equal(bytes_compare(bytes_text(""), bytes_text(NULL)), 0);
    assert_true(bytes_equal(bytes_text(""), bytes_text(NULL)));
    assert_true(bytes_equal(bytes_text("ab"), bytes_text("ab")));
    assert_false(bytes_equal(bytes_text("ab"), bytes_text("abc")));
    assert_false(bytes_equal(bytes_text("ab"), bytes_text("ac")));
}

static void hexadecimal_goes_there_and_back(void **state) {
    (void)state;
    uint8_t in[] = {0x00, 0x9f, 0xff}, out[3];
    char text[7];
    bytes_hex(bytes_make(in, 3), text);
    assert_string_equal(text, "009fff");
    assert_ok(bytes_unhex("009FfF", out, 3));
    assert_memory_equal(in, out, 3);
    static const char *const bad[] = {"", "009ff", "009ffff", "009ffg", "009f f", "0x9fff", "/09fff", ":09fff", "@09fff", "G09fff", "`09fff"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_fails(bytes_unhex(bad[i], out, 3), NUMBER_SYNTAX);
}

//= RULES.md R-JRN-8
//  Text is valid UTF-8 without NUL and control characters, at most 500 bytes.
static void text_is_utf8_without_control_characters(void **state) {
    (void)state;
    static const char *const good[] = {"", "Sudarmi", "Rp 5.000 é", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc2\xa0",
                                       "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\x7e"};
    static const char *const bad[] = {"\x01", "a\n", "\x1f", "\x7f", "\xc2\x80", "\xc2\x9f", "\x80", "\xc0\xaf", "\xc1\xbf",
                                      "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xe2\x28\xa1", "\xf0\x9f\x98", "a\xc3"};
    for (size_t i = 0; i < COUNT_OF(good); i++) assert_true(bytes_is_text(bytes_text(good[i]), 500));
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_false(bytes_is_text(bytes_text(bad[i]), 500));
    assert_false(bytes_is_text(bytes_make("a\0b", 3), 500));
    assert_true(bytes_is_text(bytes_text("12345"), 5));
    assert_false(bytes_is_text(bytes_text("123456"), 5));
}

//= RULES.md R-JRN-8
//  Text is valid UTF-8
static void every_code_point_alone_is_text_unless_it_is_control(void **state) {
    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        uint8_t b[4];
        size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        static const uint8_t lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
        for (size_t i = n; i-- > 0;) {
            uint32_t bits = point >> (6 * (n - 1 - i));
            b[i] = (uint8_t)(i == 0 ? lead[n] | bits : 0x80 | (bits & 0x3F));
        }
        bool control = point < 0x20 || (point >= 0x7F && point < 0xA0), surrogate = point >= 0xD800 && point < 0xE000;
        if (bytes_is_text(bytes_make(b, n), 4) != (!control && !surrogate)) fail_msg("U+%04X", point);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_compare_like_words_in_a_dictionary),
        cmocka_unit_test(hexadecimal_goes_there_and_back),
        cmocka_unit_test(text_is_utf8_without_control_characters),
        cmocka_unit_test(every_code_point_alone_is_text_unless_it_is_control),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
