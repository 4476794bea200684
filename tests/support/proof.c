/* SPDX-License-Identifier: Apache-2.0 */
/* Options, report and end of a proof. */
#include "tests/support/proof.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/run/clock.h"

long long proof_seed;

static const char *report_path;
static char command_line[1024];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ending[2]; /* a pipe: the signal that came */
static atomic_bool over;
static void (*sweep_all)(void);

/* ---- the end ---------------------------------------------------------------------------------------------------- */

bool proof_is_over(void) {
    return atomic_load(&over);
}

void proof_sweep(void (*sweep)(void)) {
    sweep_all = sweep;
}

static void hear(int number) {
    char byte = (char)number;
    ssize_t written = write(ending[1], &byte, 1);
    (void)written;
}

static void *wait_for_end(void *context) {
    (void)context;
    char number;
    while (read(ending[0], &number, 1) != 1) continue;
    atomic_store(&over, true);
    if (sweep_all) sweep_all();
    _exit(128 + number);
}

static void end_on_signals(void) {
    pthread_t thread;
    if (pipe(ending) != 0 || pthread_create(&thread, NULL, wait_for_end, NULL) != 0) abort();
    pthread_detach(thread);
    struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

static void print_help(const struct proof *proof, const char *name, const char *rest, const struct proof_option *options) {
    printf("usage: %s %s [options]\n\n%s, in %s; proves %s.\n\n", name, rest, proof->test, proof->unit, proof->invariants);
    printf("  %-22s %s\n", "--report FILE", "append a line of JSON to it (TAGIH_REPORT)");
    printf("  %-22s %s\n", "--seed N", "of everything that is drawn (TAGIH_SEED)");
    for (const struct proof_option *o = options; o && o->name; o++) {
        char name_n[40];
        snprintf(name_n, sizeof name_n, "%s%s", o->name, o->is_switch ? "" : " N");
        printf("  %-22s %s (%s, %lld)\n", name_n, o->help, o->environment, *o->number);
    }
}

static void bad_usage(const char *what) {
    fprintf(stderr, "'%s' is no option with a right value; --help tells\n", what);
    exit(2);
}

static long long number_of(const char *name, const char *text) {
    char *end = NULL;
    long long n = text ? strtoll(text, &end, 10) : 0;
    if (!text || !*text || *end || n < 0) bad_usage(name);
    return n;
}

static const struct proof_option *find(const struct proof_option *options, const char *name) {
    for (const struct proof_option *o = options; o && o->name; o++) {
        if (strcmp(o->name, name) == 0) return o;
    }
    return NULL;
}

/* Taken out: a program that this one starts may be tagihd, which refuses settings that are not its own. */
static const char *take_environment(const char *name, char *to, size_t size) {
    const char *text = getenv(name);
    if (!text || !*text) return NULL;
    snprintf(to, size, "%s", text);
    unsetenv(name);
    return to;
}

static void read_environment(const struct proof_option *options) {
    static char path[1024];
    char text[64];
    report_path = take_environment("TAGIH_REPORT", path, sizeof path);
    if (take_environment("TAGIH_SEED", text, sizeof text)) proof_seed = number_of("TAGIH_SEED", text);
    for (const struct proof_option *o = options; o && o->name; o++) {
        if (take_environment(o->environment, text, sizeof text)) *o->number = number_of(o->environment, text);
    }
}

/* @return how many arguments the option took; 0: it is none */
static int read_option(const struct proof_option *options, char **argv, int i) {
    const struct proof_option *o = find(options, argv[i]);
    if (o && o->is_switch) *o->number = 1;
    else if (o) *o->number = number_of(argv[i], argv[i + 1]);
    else if (strcmp(argv[i], "--seed") == 0) proof_seed = number_of(argv[i], argv[i + 1]);
    else if (strcmp(argv[i], "--report") == 0) report_path = argv[i + 1];
    else if (strncmp(argv[i], "--", 2) == 0) bad_usage(argv[i]);
    else return 0;
    return o && o->is_switch ? 1 : 2;
}

static void keep_command(int argc, char **argv) {
    size_t at = 0;
    for (int i = 0; i < argc && at < sizeof command_line - 1; i++) {
        if (i > 1 && (strcmp(argv[i - 1], "--seed") == 0 || strcmp(argv[i - 1], "--report") == 0)) continue;
        if (strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--report") == 0) continue;
        at += (size_t)snprintf(command_line + at, sizeof command_line - at, "%s ", argv[i]);
    }
}

void proof_begin(const struct proof *proof, int *argc, char **argv, const char *rest, const struct proof_option *options) {
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--help") != 0) continue;
        print_help(proof, argv[0], rest, options);
        exit(0);
    }
    proof_seed = clock_now().us & 0xFFFFFFFF;
    keep_command(*argc, argv);
    read_environment(options);
    for (int i = 1; i < *argc;) {
        int took = read_option(options, argv, i);
        if (!took) argv[kept++] = argv[i];
        i += took ? took : 1;
    }
    argv[kept] = NULL;
    *argc = kept;
    setvbuf(stdout, NULL, _IOLBF, 0);
    end_on_signals();
}

/* ---- the report ------------------------------------------------------------------------------------------------- */

void proof_fault(struct proof *proof, const char *name) {
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < PROOF_FAULTS_MAX - 1 && proof->faults[i].name && strcmp(proof->faults[i].name, name) != 0) i++;
    proof->faults[i].name = name;
    proof->faults[i].n++;
    pthread_mutex_unlock(&lock);
}

void proof_check(struct proof *proof, long long n) {
    pthread_mutex_lock(&lock);
    proof->checks += n;
    pthread_mutex_unlock(&lock);
}

static void write_text(FILE *to, const char *name, const char *text) {
    fprintf(to, "\"%s\": \"", name);
    for (; text && *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', to);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, to);
    }
    fputc('"', to);
}

void proof_write(const struct proof *proof) {
    long long faults = 0;
    FILE *to = report_path && *report_path ? fopen(report_path, "a") : NULL;
    if (report_path && *report_path && !to) fprintf(stderr, "cannot write %s\n", report_path);
    if (!to) return;
    for (int i = 0; i < PROOF_FAULTS_MAX; i++) faults += proof->faults[i].n;
    fputc('{', to);
    write_text(to, "test", proof->test);
    fprintf(to, ", \"count\": %lld, ", proof->count);
    write_text(to, "unit", proof->unit);
    fprintf(to, ", \"faults\": %lld, \"faults_of\": {", faults);
    for (int i = 0; i < PROOF_FAULTS_MAX && proof->faults[i].name; i++) {
        fprintf(to, "%s\"%s\": %lld", i ? ", " : "", proof->faults[i].name, proof->faults[i].n);
    }
    fprintf(to, "}, \"checks\": %lld, ", proof->checks);
    write_text(to, "invariants", proof->invariants);
    fprintf(to, ", \"failures\": %lld, ", proof->failures);
    write_text(to, "note", proof->note);
    fprintf(to, "}\n");
    fclose(to);
}

/* Its last line is "N checks, M failures". */
bool proof_invariants(struct proof *proof, const char *conninfo, const char *more) {
    char command[3000], line[4096];
    long long checks = 0, failures = -1;
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/chaos/invariants.py' --quiet --pg '%s' %s", TAGIH_SOURCE,
             conninfo, more);
    FILE *out = popen(command, "r");
    if (!out) abort();
    while (fgets(line, sizeof line, out)) {
        if (sscanf(line, "%lld checks, %lld failures", &checks, &failures) != 2 || failures) fputs(line, stdout);
    }
    bool held = pclose(out) == 0 && failures == 0;
    proof_check(proof, checks);
    return held;
}

int proof_end(struct proof *proof, int failed) {
    proof->failures += failed;
    if (!*proof->note) snprintf(proof->note, sizeof proof->note, "seed %lld", proof_seed);
    proof_write(proof);
    if (proof->failures) fprintf(stderr, "again: %s--seed %lld\n", command_line, proof_seed);
    return proof->failures ? 1 : 0;
}
