/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's own proof: it repeats itself, its checkers find what is planted, and what failed once holds now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "run/log.h"
#include "tests/sim/sim_plant.h"
#include "tests/sim/sim_shrink.h"

/** A run's size: small enough for every build. */
struct size {
    int days, phones, receipts;
};

static struct sim_result run(uint64_t seed, struct size size, const struct sim_options *options) {
    struct plan plan;
    struct sim_result result;
    char *story;
    plan_make(&plan, seed, size.days, size.phones, size.receipts);
    world_run(&plan, options, &result, &story);
    free(story);
    plan_release(&plan);
    return result;
}

static void assert_holds(uint64_t seed, struct size size, const struct sim_options *options) {
    struct sim_result result = run(seed, size, options);
    if (result.failed)
        print_error("seed %llu: %s: %s\n", (unsigned long long)seed, sim_invariant_name(result.invariant), result.failure);
    assert_false(result.failed);
}

static void the_same_seed_gives_the_same_database_to_the_byte(void **state) {
    (void)state;
    const struct sim_options all = {.faults = FAULTS_ALL};
    struct sim_result once = run(5, (struct size){1, 4, 12}, &all), again = run(5, (struct size){1, 4, 12}, &all);
    struct sim_result other = run(6, (struct size){1, 4, 12}, &all);
    assert_false(once.failed);
    assert_memory_equal(&once.digest, &again.digest, sizeof once.digest);
    assert_memory_not_equal(&once.digest, &other.digest, sizeof once.digest);
}

static void everything_that_may_go_wrong_goes_wrong_and_every_invariant_holds(void **state) {
    (void)state;
    const struct sim_options all = {.faults = FAULTS_ALL};
    uint64_t faults[FAULT_COUNT] = {0}, checks[INVARIANT_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct sim_result result = run(seed, (struct size){2, 8, 8}, &all);
        if (result.failed)
            print_error("seed %llu: %s: %s\n", (unsigned long long)seed, sim_invariant_name(result.invariant),
                        result.failure);
        assert_false(result.failed);
        for (int i = 0; i < FAULT_COUNT; i++) faults[i] += result.faults[i];
        for (int i = 0; i < INVARIANT_COUNT; i++) checks[i] += result.checks[i];
    }
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (!faults[i]) print_error("no %s in any of these runs\n", sim_fault_name((enum sim_fault)i));
        assert_true(faults[i] > 0);
    }
    for (int i = 0; i < INVARIANT_DIGEST; i++) assert_true(checks[i] > 0);
}

static void without_faults_nothing_goes_wrong_and_everything_posts(void **state) {
    (void)state;
    const struct sim_options none = {.faults = 0};
    struct sim_result result = run(3, (struct size){1, 4, 10}, &none);
    assert_false(result.failed);
    for (int i = 0; i < FAULT_COUNT; i++) assert_int_equal(result.faults[i], 0);
    assert_int_equal(result.lost_entries, 0);
}

/* A checker that cannot fail is worth nothing. */
static void every_planted_bug_is_found_by_its_invariant(void **state) {
    (void)state;
    for (size_t i = 0; i < sim_plant_count; i++) {
        const struct sim_plant *plant = &sim_plants[i];
        if (plant->invariant == INVARIANT_DIGEST) continue;
        const struct sim_options options = {.faults = 1u << FAULT_LOSS, .plant = plant->name};
        struct sim_result result = run(7, (struct size){1, 3, 12}, &options);
        if (!result.failed || result.invariant != plant->invariant) {
            print_error("%s (%s) should break %s; %s %s\n", plant->name, plant->what, sim_invariant_name(plant->invariant),
                        result.failed ? sim_invariant_name(result.invariant) : "nothing",
                        result.failed ? result.failure : "was found");
        }
        assert_true(result.failed);
        assert_int_equal(result.invariant, plant->invariant);
    }
}

static void chance_that_the_seed_does_not_know_shows_in_the_digest(void **state) {
    (void)state;
    const struct sim_options options = {.faults = 0, .plant = "luck"};
    struct sim_result once = run(5, (struct size){1, 2, 5}, &options), again = run(5, (struct size){1, 2, 5}, &options);
    assert_memory_not_equal(&once.digest, &again.digest, sizeof once.digest);
}

static void a_failing_run_shrinks_to_a_story_of_a_few_lines(void **state) {
    (void)state;
    struct plan plan;
    struct sim_result result;
    char *story;
    struct sim_options options = {.faults = FAULTS_ALL, .plant = "bag"};
    plan_make(&plan, 11, 1, 4, 10);
    world_run(&plan, &options, &result, &story);
    free(story);
    assert_true(result.failed);
    sim_shrink(&plan, &options, &result, 20, NULL);
    options.story = true;
    world_run(&plan, &options, &result, &story);
    assert_true(result.failed);
    assert_int_equal(result.invariant, INVARIANT_I10);
    assert_true(sim_left(&plan) <= 2); /* one receipt brings a bag; the drain hands it in */
    assert_non_null(strstr(story, "writes receipt"));
    assert_non_null(strstr(story, "day 1 "));
    free(story);
    plan_release(&plan);
}

static uint32_t faults_of(const char *list) {
    if (strcmp(list, "all") == 0) return FAULTS_ALL;
    uint32_t faults = 0;
    for (int len; *list && strcmp(list, "none") != 0; list += len + (list[len] == ',')) {
        len = (int)strcspn(list, ",");
        assert_true(sim_fault_parse(list, len) != FAULT_COUNT);
        faults |= UINT32_C(1) << sim_fault_parse(list, len);
    }
    return faults;
}

static void seeds_that_failed_once_hold_now(void **state) {
    (void)state;
    char line[500], faults[300];
    FILE *file = fopen(TAGIH_SOURCE "/tests/sim/seeds.txt", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        unsigned long long seed;
        struct size size;
        if (*line == '#' || *line == '\n') continue;
        assert_int_equal(sscanf(line, "%llu %d %d %d %299s", &seed, &size.days, &size.phones, &size.receipts, faults), 5);
        const struct sim_options options = {.faults = faults_of(faults)};
        assert_holds(seed, size, &options);
    }
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_database_to_the_byte),
        cmocka_unit_test(everything_that_may_go_wrong_goes_wrong_and_every_invariant_holds),
        cmocka_unit_test(without_faults_nothing_goes_wrong_and_everything_posts),
        cmocka_unit_test(every_planted_bug_is_found_by_its_invariant),
        cmocka_unit_test(chance_that_the_seed_does_not_know_shows_in_the_digest),
        cmocka_unit_test(a_failing_run_shrinks_to_a_story_of_a_few_lines),
        cmocka_unit_test(seeds_that_failed_once_hold_now),
    };
    log_open(-1, LOG_LEVEL_COUNT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    world_forget();
    return failed;
}
