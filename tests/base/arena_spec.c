/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: aligned, zeroed, capped, taken back at once, and honest about being full. */
#include "support/case.h"

#include "tagih/arena.h"

static int blocks_out;

static void *more(size_t size_bytes) {
    blocks_out++;
    return malloc(size_bytes);
}

static void less(void *block) {
    blocks_out--;
    free(block);
}

static void *never(size_t size_bytes) {
    (void)size_bytes;
    return NULL;
}

static void pieces_are_zeroed_aligned_and_apart(void **state) {
    (void)state;
    static uint8_t memory[4096 + 3]; /* static: what an arena poisoned must not become somebody's stack */
    struct arena arena;
    memset(memory, 0xAA, sizeof memory);
    arena_init(&arena, memory + 3, 4096);
    uint8_t *before = NULL;
    for (size_t size = 0; size < 40; size++) {
        uint8_t *piece = arena_alloc(&arena, size);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        assert_true(piece > before);
        for (size_t i = 0; i < size; i++) assert_int_equal(piece[i], 0);
        memset(piece, 0xBB, size);
        before = piece;
    }
    assert_false(arena.exhausted);
}

static void a_full_arena_says_so_until_it_is_reset(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[256];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    assert_null(arena_alloc(&arena, 300));
    assert_true(arena.exhausted);
    arena_reset(&arena);
    assert_false(arena.exhausted);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_copy(&arena, bytes_make(memory, SIZE_MAX)).data);
    assert_null(arena_printf(&arena, "%500d", 1));
    assert_true(arena.exhausted);
    assert_non_null(arena_alloc(&arena, 16)); /* what fits still fits */
    void *piece;
    int n = 0;
    while ((piece = arena_alloc(&arena, 16)) != NULL) n++;
    assert_true(n < 16);
}

static void it_grows_to_its_cap_and_gives_every_block_back(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[1024];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    arena_may_grow(&arena, 300000, more, less);
    size_t got = 0;
    while (arena_alloc(&arena, 5000)) got += 5000;
    assert_true(got > 200000 && got <= 300000);
    assert_true(arena.total_bytes <= 300000);
    assert_true(blocks_out > 1);
    arena_reset(&arena);
    assert_int_equal(blocks_out, 0);
    assert_int_equal(arena.total_bytes, 1024);
    assert_non_null(arena_alloc(&arena, 200000)); /* one large piece in a block of its own size */
    arena_reset(&arena);
    assert_int_equal(blocks_out, 0);
    arena_may_grow(&arena, 300000, never, less);
    assert_null(arena_alloc(&arena, 5000));
    assert_true(arena.exhausted);
}

static void text_and_copies_end_with_a_nul_that_does_not_count(void **state) {
    (void)state;
    static _Alignas(16) uint8_t memory[1024];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    struct bytes copy = arena_copy(&arena, bytes_text("rupiah"));
    assert_int_equal(copy.len, 6);
    assert_string_equal((const char *)copy.data, "rupiah");
    assert_string_equal((const char *)arena_copy(&arena, (struct bytes){NULL, 0}).data, "");
    assert_string_equal(arena_printf(&arena, "%d %s", 5, "x"), "5 x");
    uint64_t *numbers = ARENA_ARRAY(&arena, 4, uint64_t);
    for (int i = 0; i < 4; i++) assert_int_equal(numbers[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_full_arena_says_so_until_it_is_reset),
        cmocka_unit_test(it_grows_to_its_cap_and_gives_every_block_back),
        cmocka_unit_test(text_and_copies_end_with_a_nul_that_does_not_count),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
