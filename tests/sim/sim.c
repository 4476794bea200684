/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S1, the deterministic simulator: field days in virtual time, one seed after another. A seed that fails is shrunk, told
 * as a story, and named with the command that repeats it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/log.h"
#include "tests/sim/sim_plant.h"
#include "tests/sim/sim_shrink.h"

#define STORIES_MAX 3 /* so many failing seeds are told; the others are named */

static const char usage[] =
    "usage: sim [options]\n"
    "\n"
    "Simulates field days: 20 phones, about 40 receipts a day each, and everything that can go wrong, in virtual time.\n"
    "\n"
    "  --days N        so many field days (a phone's day), 200\n"
    "  --runs N        so many runs instead\n"
    "  --seconds N     stop after so many seconds, too\n"
    "  --seed S        the first seed, 1; each run takes the next one\n"
    "  --length N      days of each run; 0: as its seed has it\n"
    "  --phones N      phones of each run, 1 to 20\n"
    "  --receipts N    receipts a day and phone, about; 40\n"
    "  --faults LIST   these faults only: all, none, or names; all,-clone leaves one out\n"
    "  --story SEED    run this seed alone and tell it; if it fails, its shortest story\n"
    "  --shrink N      seconds for finding a shortest story, 120\n"
    "  --plant NAME    plant a bug (see --list)\n"
    "  --list          what can go wrong, what is checked, what can be planted\n"
    "  --report FILE   add a line of JSON\n"
    "  --help\n";

struct arguments {
    int64_t field_days, runs, seconds;
    uint64_t seed;
    int length, phones, receipts;
    double shrink_s;
    bool story;
    const char *report;
    struct sim_options options;
};

/** What all runs together came to. */
struct totals {
    uint64_t faults[FAULT_COUNT], checks[INVARIANT_COUNT];
    uint64_t runs, field_days, entries, receipts, calls, batches, repeats, fates[6], lost, failures;
    uint64_t last_seed;
    char failed_seeds[200];
};

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void fault_switch(const char *name, int len, uint32_t *faults) {
    bool off = *name == '-';
    name += off;
    len -= off;
    uint32_t bits = FAULTS_ALL;
    if (len == 4 && strncmp(name, "none", 4) == 0) {
        *faults = 0;
        return;
    }
    if (!(len == 3 && strncmp(name, "all", 3) == 0)) {
        enum sim_fault fault = sim_fault_parse(name, len);
        if (fault == FAULT_COUNT) {
            fprintf(stderr, "sim: there is no fault '%.*s'; --list names them\n", len, name);
            exit(2);
        }
        bits = UINT32_C(1) << fault;
    }
    *faults = off ? *faults & ~bits : *faults | bits;
}

static uint32_t parse_faults(const char *list) {
    uint32_t faults = *list == '-' ? FAULTS_ALL : 0;
    while (*list) {
        int len = (int)strcspn(list, ",");
        fault_switch(list, len, &faults);
        list += len + (list[len] == ',');
    }
    return faults;
}

static int64_t parse_number(const char *text, int64_t max) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || end == text || value < 0 || value > max) {
        fprintf(stderr, "sim: '%s' is no number from 0 to %lld\n", text, (long long)max);
        exit(2);
    }
    return value;
}

static void list_all(void) {
    static const char *const fault_texts[] = {
#define X(name, token, text) text,
        SIM_FAULTS(X)
#undef X
    };
    static const char *const invariant_texts[] = {
#define X(name, text) text,
        SIM_INVARIANTS(X)
#undef X
    };
    puts("faults");
    for (int i = 0; i < FAULT_COUNT; i++) printf("  %-12s %s\n", sim_fault_name((enum sim_fault)i), fault_texts[i]);
    puts("invariants");
    for (int i = 0; i < INVARIANT_COUNT; i++)
        printf("  %-12s %s\n", sim_invariant_name((enum sim_invariant)i), invariant_texts[i]);
    puts("bugs that can be planted");
    for (size_t i = 0; i < sim_plant_count; i++)
        printf("  %-12s %-6s %s\n", sim_plants[i].name, sim_invariant_name(sim_plants[i].invariant), sim_plants[i].what);
}

static const char *plant_named(const char *name) {
    for (size_t i = 0; i < sim_plant_count; i++) {
        if (strcmp(sim_plants[i].name, name) == 0) return sim_plants[i].name;
    }
    fprintf(stderr, "sim: there is no planted bug '%s'; --list names them\n", name);
    exit(2);
}

static void parse(int argc, char **argv, struct arguments *out) {
    static const struct option longs[] = {{"days", 1, NULL, 'd'},     {"runs", 1, NULL, 'r'},   {"seconds", 1, NULL, 't'},
                                          {"seed", 1, NULL, 's'},     {"length", 1, NULL, 'l'}, {"phones", 1, NULL, 'p'},
                                          {"receipts", 1, NULL, 'c'}, {"faults", 1, NULL, 'f'}, {"story", 1, NULL, 'S'},
                                          {"shrink", 1, NULL, 'k'},   {"plant", 1, NULL, 'P'},  {"list", 0, NULL, 'L'},
                                          {"report", 1, NULL, 'R'},   {"help", 0, NULL, 'h'},   {0}};
    *out = (struct arguments){.field_days = 200, .seed = 1, .shrink_s = 120, .options = {.faults = FAULTS_ALL}};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
            case 'd':
                out->field_days = parse_number(optarg, INT64_C(1000000000));
                break;
            case 'r':
                out->runs = parse_number(optarg, INT64_C(1000000000));
                break;
            case 't':
                out->seconds = parse_number(optarg, 1000000);
                break;
            case 's':
                out->seed = (uint64_t)parse_number(optarg, INT64_MAX);
                break;
            case 'l':
                out->length = (int)parse_number(optarg, SIM_DAYS_MAX);
                break;
            case 'p':
                out->phones = (int)parse_number(optarg, SIM_PHONES_MAX);
                break;
            case 'c':
                out->receipts = (int)parse_number(optarg, 100);
                break;
            case 'f':
                out->options.faults = parse_faults(optarg);
                break;
            case 'k':
                out->shrink_s = (double)parse_number(optarg, 100000);
                break;
            case 'P':
                out->options.plant = plant_named(optarg);
                break;
            case 'R':
                out->report = optarg;
                break;
            case 'S':
                out->seed = (uint64_t)parse_number(optarg, INT64_MAX);
                out->story = true;
                out->runs = 1;
                break;
            case 'L':
                list_all();
                exit(0);
            case 'h':
                fputs(usage, stdout);
                exit(0);
            default:
                fputs(usage, stderr);
                exit(2);
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(2);
    }
}

/* ---- a failing seed ------------------------------------------------------------------------------------------------ */

static void print_faults(uint32_t faults) {
    if (faults == FAULTS_ALL) return;
    printf(" --faults ");
    if (!faults) printf("none");
    for (int i = 0, n = 0; i < FAULT_COUNT; i++) {
        if (faults >> i & 1) printf("%s%s", n++ ? "," : "", sim_fault_name((enum sim_fault)i));
    }
}

static void print_command(const struct arguments *arguments, uint64_t seed) {
    printf("repeat it: ./build.sh sim --story %" PRIu64, seed);
    if (arguments->length) printf(" --length %d", arguments->length);
    if (arguments->phones) printf(" --phones %d", arguments->phones);
    if (arguments->receipts) printf(" --receipts %d", arguments->receipts);
    if (arguments->options.plant) printf(" --plant %s", arguments->options.plant);
    print_faults(arguments->options.faults);
    printf("\n");
}

static void told(size_t left, size_t tries) {
    if (tries % 10 == 0) fprintf(stderr, "\r   shrinking: %zu events left, %zu tries  ", left, tries);
}

static void tell_shortest(const struct arguments *arguments, struct plan *plan, const struct sim_result *failed) {
    struct sim_options options = arguments->options;
    size_t before = plan->n;
    sim_shrink(plan, &options, failed, arguments->shrink_s, told);
    fprintf(stderr, "\r%60s\r", "");
    options.story = true;
    struct sim_result result;
    char *story;
    world_run(plan, &options, &result, &story);
    printf("its shortest story, %zu of %zu events:\n\n%s\n%s: %s\n\n", sim_left(plan), before, story ? story : "",
           sim_invariant_name(result.invariant), result.failure);
    free(story);
}

/* ---- runs ---------------------------------------------------------------------------------------------------------- */

static void add_up(struct totals *totals, const struct plan *plan, const struct sim_result *result) {
    totals->runs++;
    totals->field_days += (uint64_t)plan->days * (uint64_t)plan->phones;
    totals->entries += result->entries;
    totals->receipts += result->receipts;
    totals->calls += result->calls;
    totals->batches += result->batches;
    totals->repeats += result->repeats;
    totals->lost += result->lost_entries;
    totals->last_seed = plan->seed;
    for (int i = 0; i < FAULT_COUNT; i++) totals->faults[i] += result->faults[i];
    for (int i = 0; i < INVARIANT_COUNT; i++) totals->checks[i] += result->checks[i];
    for (int i = 0; i < 6; i++) totals->fates[i] += result->fates[i];
}

/* The same seed must give the same bytes: it is run once more. */
static void run_again(const struct plan *plan, const struct arguments *arguments, struct sim_result *first) {
    struct sim_result second;
    char *story;
    world_run(plan, &arguments->options, &second, &story);
    free(story);
    first->checks[INVARIANT_DIGEST]++;
    if (first->failed || second.stopped || hash256_equal(&first->digest, &second.digest)) return;
    first->failed = true;
    first->invariant = INVARIANT_DIGEST;
    first->failed_at = plan->n;
    snprintf(first->failure, sizeof first->failure, "the same seed gave another database");
}

static void run_seed(const struct arguments *arguments, struct totals *totals, uint64_t seed) {
    struct plan plan;
    struct sim_result result;
    char *story;
    struct sim_options options = arguments->options;
    plan_make(&plan, seed, arguments->length, arguments->phones, arguments->receipts);
    options.story = arguments->story;
    world_run(&plan, &options, &result, &story);
    if (!result.stopped && totals->runs == 0) run_again(&plan, arguments, &result);
    if (story) fputs(story, stdout);
    free(story);
    if (!result.stopped || result.failed) add_up(totals, &plan, &result);
    if (result.failed) {
        totals->failures++;
        size_t len = strlen(totals->failed_seeds);
        snprintf(totals->failed_seeds + len, sizeof totals->failed_seeds - len, " %" PRIu64, seed);
        printf("seed %" PRIu64 " fails: %s: %s\n", seed, sim_invariant_name(result.invariant), result.failure);
        if (totals->failures <= STORIES_MAX && result.invariant != INVARIANT_DIGEST)
            tell_shortest(arguments, &plan, &result);
        print_command(arguments, seed);
        fflush(stdout);
    }
    plan_release(&plan);
}

static uint64_t sum(const uint64_t *numbers, int n) {
    uint64_t all = 0;
    for (int i = 0; i < n; i++) all += numbers[i];
    return all;
}

static void print_progress(const struct arguments *arguments, const struct totals *totals, double began_s) {
    printf("   %" PRIu64 " of %lld %s, %" PRIu64 " entries, %" PRIu64 " faults, %" PRIu64 " checks, %" PRIu64
           " failures, %.0f s\n",
           arguments->runs ? totals->runs : totals->field_days,
           (long long)(arguments->runs ? arguments->runs : arguments->field_days), arguments->runs ? "runs" : "field days",
           totals->entries, sum(totals->faults, FAULT_COUNT), sum(totals->checks, INVARIANT_COUNT), totals->failures,
           now_s() - began_s);
    fflush(stdout);
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

static void print_tables(const struct totals *totals, const struct arguments *arguments, double took_s) {
    printf("\n%-22s %14s      %-12s %14s\n", "fault", "injected", "invariant", "checked");
    for (int i = 0; i < FAULT_COUNT || i < INVARIANT_COUNT; i++) {
        if (i < FAULT_COUNT) printf("%-22s %14" PRIu64, sim_fault_name((enum sim_fault)i), totals->faults[i]);
        if (i < INVARIANT_COUNT)
            printf("      %-12s %14" PRIu64, sim_invariant_name((enum sim_invariant)i), totals->checks[i]);
        printf("\n");
    }
    printf("%-22s %14" PRIu64 "      %-12s %14" PRIu64 "\n\n", "all", sum(totals->faults, FAULT_COUNT), "all",
           sum(totals->checks, INVARIANT_COUNT));
    printf("%" PRIu64 " field days in %" PRIu64 " runs, seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " entries (%" PRIu64
           " receipts) in %" PRIu64 " calls and %" PRIu64 " batches; %" PRIu64 " posted, %" PRIu64 " flagged, %" PRIu64
           " waiting, %" PRIu64 " quarantined, %" PRIu64 " lost with their phones before anybody had them\n",
           totals->field_days, totals->runs, arguments->seed, totals->last_seed, totals->entries, totals->receipts,
           totals->calls, totals->batches, totals->fates[1], totals->fates[2], totals->fates[3], totals->fates[4],
           totals->lost);
    printf("%" PRIu64 " failures%s in %.1f s, %.1f field days a second\n", totals->failures, totals->failed_seeds, took_s,
           took_s > 0 ? (double)totals->field_days / took_s : 0.0);
}

static int write_report(const struct arguments *arguments, const struct totals *totals) {
    FILE *file = fopen(arguments->report, "ae");
    if (!file) {
        fprintf(stderr, "sim: cannot write %s: %s\n", arguments->report, strerror(errno));
        return 1;
    }
    fprintf(file,
            "{\"test\": \"S1 field days\", \"count\": %" PRIu64 ", \"unit\": \"field days\", \"faults\": %" PRIu64
            ", \"faults_of\": {",
            totals->field_days, sum(totals->faults, FAULT_COUNT));
    for (int i = 0; i < FAULT_COUNT; i++)
        fprintf(file, "%s\"%s\": %" PRIu64, i ? ", " : "", sim_fault_name((enum sim_fault)i), totals->faults[i]);
    fprintf(file, "}, \"checks\": %" PRIu64 ", \"invariants\": \"", sum(totals->checks, INVARIANT_COUNT));
    for (int i = 0; i < INVARIANT_DIGEST; i++)
        fprintf(file, "%s%s", i ? " " : "", sim_invariant_name((enum sim_invariant)i));
    fprintf(file, "\", \"failures\": %" PRIu64 ", \"note\": \"seeds %" PRIu64 "-%" PRIu64 "%s%s\"}\n", totals->failures,
            arguments->seed, totals->last_seed, totals->failures ? "; failing:" : "", totals->failed_seeds);
    return fclose(file) ? 1 : 0;
}

static void stop(int signal_number) {
    (void)signal_number;
    sim_stop = 1;
}

static bool is_done(const struct arguments *arguments, const struct totals *totals, double began_s) {
    if (sim_stop || (arguments->seconds && now_s() - began_s >= (double)arguments->seconds)) return true;
    return arguments->runs ? totals->runs >= (uint64_t)arguments->runs
                           : totals->field_days >= (uint64_t)arguments->field_days;
}

int main(int argc, char **argv) {
    struct arguments arguments;
    struct totals totals = {0};
    parse(argc, argv, &arguments);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    log_open(-1, LOG_LEVEL_COUNT);
    double began_s = now_s(), told_s = began_s;
    for (uint64_t seed = arguments.seed; !is_done(&arguments, &totals, began_s); seed++) {
        run_seed(&arguments, &totals, seed);
        if (now_s() - told_s < 2) continue;
        told_s = now_s();
        print_progress(&arguments, &totals, began_s);
    }
    print_tables(&totals, &arguments, now_s() - began_s);
    world_forget();
    int failed = arguments.report ? write_report(&arguments, &totals) : 0;
    return failed || totals.failures ? 1 : 0;
}
