/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: UUIDv7 out of what the caller hands in, and their text. */
#include "support/case.h"

#include "tagih/id.h"

static void an_id_holds_its_millisecond_version_and_variant(void **state) {
    (void)state;
    const uint8_t random[10] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE};
    char text[UUID_TEXT_SIZE];
    uuid_format(uuid_make_v7((instant){INT64_C(0x017F22E279B0) * US_PER_MS + 999}, random), text);
    assert_string_equal(text, "017f22e2-79b0-7fff-bfff-fffffffffffe");
    uuid_format(uuid_make_v7((instant){-5}, random), text);
    assert_string_equal(text, "00000000-0000-7fff-bfff-fffffffffffe");
    const uint8_t zeros[10] = {0};
    uuid_format(uuid_make_v7((instant){0}, zeros), text);
    assert_string_equal(text, "00000000-0000-7000-8000-000000000000");
}

static void later_ids_sort_behind_earlier_ones(void **state) {
    (void)state;
    const uint8_t low[10] = {0}, high[10] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uuid first = uuid_make_v7((instant){1000000}, high), second = uuid_make_v7((instant){1001000}, low);
    assert_true(uuid_compare(first, second) < 0);
    assert_true(uuid_equal(first, first));
    assert_false(uuid_equal(first, second));
    assert_true(uuid_is_nil((uuid){{0}}));
    assert_false(uuid_is_nil(first));
}

static void text_is_read_in_either_case_and_only_in_its_form(void **state) {
    (void)state;
    uuid id, kept = {{9}};
    assert_ok(uuid_parse("017F22e2-79b0-7cC3-98c4-dc0c0c07398f", &id));
    char text[UUID_TEXT_SIZE];
    uuid_format(id, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    static const char *const bad[] = {"", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
                                      "017f22e2-79b07-cc3-98c4-dc0c0c07398f", "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
                                      "------------------------------------", "017f22e2 79b0 7cc3 98c4 dc0c0c07398f"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) assert_fails(uuid_parse(bad[i], &kept), ID_SYNTAX);
    assert_int_equal(kept.b[0], 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_holds_its_millisecond_version_and_variant),
        cmocka_unit_test(later_ids_sort_behind_earlier_ones),
        cmocka_unit_test(text_is_read_in_either_case_and_only_in_its_form),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
