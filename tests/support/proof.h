/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a spec needs to be a proof as well, of any size: options, a line of the report, and an end that leaves nothing when
 * it is told to stop. Size, seed and report come by option or, where a driver gives the arguments, by environment.
 *
 *     static long long kills = 20;
 *     static const struct proof_option options[] = {{"--kills", "TAGIH_KILLS", &kills, "kill -9 of the server"}, {0}};
 *     static struct proof proof = {.test = "S2 kills", .unit = "kills", .invariants = "I3 I4"};
 *
 *     int main(int argc, char **argv) {
 *         proof_begin(&proof, &argc, argv, "TAGIHD PG_CLUSTER", options);
 *         …
 *         return proof_end(&proof, cmocka_run_group_tests(tests, open_rig, close_rig));
 *     }
 */
#ifndef TAGIH_TESTS_PROOF_H
#define TAGIH_TESTS_PROOF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROOF_FAULTS_MAX 16

struct proof_option {
    const char *name, *environment;
    long long *number; /* an option without a value sets it to 1 when `is_switch` */
    const char *help;
    bool is_switch;
};

/** One line of the report. `faults` and `checks` are counted where they happen, never worked out of the options. */
struct proof {
    const char *test, *unit, *invariants;
    long long count, checks, failures;
    struct {
        const char *name;
        long long n;
    } faults[PROOF_FAULTS_MAX];
    char note[400];
};

/** The seed: --seed or TAGIH_SEED, else of the clock. */
extern long long proof_seed;
/** Told to stop: what is left is not begun. */
bool proof_is_over(void);

/**
 * Read --report, --seed, --help and `options` out of argv; *argc and argv keep what is left, from argv[0] on. From here on
 * SIGTERM and SIGINT end the program: what was given to proof_sweep is killed and removed first.
 * @param rest  what is left, for --help
 */
void proof_begin(const struct proof *proof, int *argc, char **argv, const char *rest, const struct proof_option *options);

/** Count a fault that really was injected. From any thread. */
void proof_fault(struct proof *proof, const char *name);
/** Count checks that were made. From any thread. */
void proof_check(struct proof *proof, long long n);

/** What must hold after any trouble (tests/chaos/invariants.py), asked of a database: its checks and failures are added to
 *  the proof's. @param more  further arguments ("--log FILE"), or ""  @return true: all hold */
bool proof_invariants(struct proof *proof, const char *conninfo, const char *more);

/** Write the line, if a report is asked for. @return failed == 0 ? 0 : 1, after the command that repeats it was printed */
int proof_end(struct proof *proof, int failed);
/** Write a further line. */
void proof_write(const struct proof *proof);

/** What an end by signal does: called in a thread of its own, beside whatever runs. */
void proof_sweep(void (*sweep)(void));

#endif
