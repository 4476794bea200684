/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fieldday: a day of many phones against a running server, as a process of its own. Each phone enrols, pulls its day,
 * works it offline, and hands it in over a bad network; nothing of the server is linked, only libtagih, which a phone
 * would link too. What the phones say of the day goes into --out; the comparison with the database is report.py's.
 *
 * The day runs on the simulated clock of --clock: morning, noon and evening are set by this program, all phones reach
 * each of them together, so that no entry is younger than the server's time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/clock.h"
#include "tests/sim/summary.h"
#include "tests/sim/sync.h"

#define PHONES_MAX 200

struct options {
    const char *target, *ca, *collectors, *supervisor, *password, *outcomes, *clock, *out;
    uint64_t seed;
    int64_t morning_us; /* 07:00 of the day, by the agency's clock */
    int64_t skew_years; /* clocks of phones are wrong by up to so much, either way */
    uuid installation;
};

static struct options options;
static struct collector collectors[PHONES_MAX];
static size_t collector_count;
static struct outcomes *outcomes;
static char supervisor_token[CALLS_TOKEN_SIZE];

#define HOURS(n) ((int64_t)((n) * 3600.0) * US_PER_S)

/* ---- phases: every phone at once, one thread each ------------------------------------------------------------- */

typedef bool (*phase_step)(struct collector *collector);

static phase_step phase_now;
static _Atomic int phones_done;

static void *run_phone(void *argument) {
    struct collector *collector = argument;
    if (!*collector->trouble && !phase_now(collector) && !*collector->trouble) {
        snprintf(collector->trouble, sizeof collector->trouble, "failed without a word");
    }
    atomic_fetch_add(&phones_done, 1);
    return NULL;
}

static void print_progress(const char *name, int64_t since_us, bool last) {
    double seconds = (double)(sim_clock_stopwatch_us() - since_us) / 1e6;
    static uint64_t acks_before;
    uint64_t acks = atomic_load(&progress.acks);
    if (isatty(1)) printf("\r");
    else if (!last) return;
    printf("  %-27s %3d phones %5llu visits %5llu receipts %5llu/%llu synced %5.1f s", name, atomic_load(&phones_done),
           (unsigned long long)progress.stops, (unsigned long long)progress.receipts, (unsigned long long)acks,
           (unsigned long long)progress.entries, seconds);
    if (last && acks > acks_before + 20) printf(", %.0f/s", (double)(acks - acks_before) / (seconds + 0.001));
    if (last) {
        acks_before = acks;
        printf("\n");
    }
    fflush(stdout);
}

static void phase(const char *name, phase_step step) {
    pthread_t threads[PHONES_MAX];
    int64_t since_us = sim_clock_stopwatch_us();
    phase_now = step;
    atomic_store(&phones_done, 0);
    for (size_t i = 0; i < collector_count; i++) {
        if (pthread_create(&threads[i], NULL, run_phone, &collectors[i]) == 0) continue;
        fprintf(stderr, "fieldday: no more threads\n");
        exit(1);
    }
    while (atomic_load(&phones_done) < (int)collector_count) {
        usleep(100000);
        print_progress(name, since_us, false);
    }
    for (size_t i = 0; i < collector_count; i++) pthread_join(threads[i], NULL);
    print_progress(name, since_us, true);
}

/* ---- a phone's day -------------------------------------------------------------------------------------------- */

static bool has_coverage(const struct collector *collector) {
    return collector->number % 3 == 0;
}

static bool go_online(struct collector *collector) {
    collector->phone.now_us = sim_clock_now_us();
    if (!collector->client) collector->client = client_open(options.target, options.ca);
    return calls_authenticate(collector);
}

static void go_offline(struct collector *collector) {
    if (collector->client) client_close(collector->client);
    collector->client = NULL;
}

static bool morning(struct collector *collector) {
    struct phone *phone = &collector->phone;
    phone->now_us = sim_clock_now_us();
    phone->booted_us = phone->now_us - HOURS(30);
    collector->client = client_open(options.target, options.ca);
    bool good = calls_enrol(collector->client, supervisor_token, collector) && go_online(collector) &&
                calls_pull(collector, outcomes);
    go_offline(collector);
    if (!good) return false;
    for (size_t i = 0; i < collector->stop_count; i++) {
        if (collector->stops[i].paid_minor >= 0) continue;
        snprintf(collector->trouble, sizeof collector->trouble, "Pull gave a visit without its account");
        return false;
    }
    if (collector->stop_count == 0) snprintf(collector->trouble, sizeof collector->trouble, "Pull gave no visit");
    /* Wrong clocks are wrong all day: three hours ahead, or forty minutes behind. */
    if (collector->number % 10 == 3) phone->skew_us = HOURS(3);
    if (collector->number % 10 == 7) phone->skew_us = -40 * US_PER_MINUTE;
    if (options.skew_years) {
        int64_t most_us = options.skew_years * 365 * 24 * HOURS(1);
        phone->skew_us = chance_between(&phone->chance, -most_us, most_us);
    }
    return collector->stop_count > 0;
}

/* Stops `from` up to `upto`, evenly over the hours, at the least far enough apart for what happens at a door. */
static void walk(struct collector *collector, size_t from, size_t upto, double begin, double end) {
    struct phone *phone = &collector->phone;
    if (from >= upto) return;
    int64_t step_us = (HOURS(end) - HOURS(begin)) / (int64_t)(upto - from);
    for (size_t i = from; i < upto; i++) {
        int64_t slack_us = step_us > 14 * US_PER_MINUTE ? step_us - 14 * US_PER_MINUTE : 1;
        int64_t arrival_us = options.morning_us + HOURS(begin - 7.0) + step_us * (int64_t)(i - from) +
                             chance_below(&phone->chance, slack_us);
        if (arrival_us > phone->now_us) phone->now_us = arrival_us;
        field_visit(collector, i, NULL);
    }
}

static bool first_half(struct collector *collector) {
    collector->phone.now_us = options.morning_us + HOURS(1);
    walk(collector, 0, collector->stop_count / 2, 8.0, 12.0);
    return true;
}

/* With coverage at noon: the morning's entries go up, and the next arrival is told at once. */
static bool noon(struct collector *collector) {
    if (!has_coverage(collector)) return true;
    struct client *second = client_open(options.target, options.ca);
    bool good = go_online(collector) && sync_push_all(collector, second);
    size_t next = collector->stop_count / 2;
    if (good && next < collector->stop_count && !field_clock_is_wrong(collector)) {
        struct told told = {.id.u = phone_id(&collector->phone)};
        collector->phone.now_us = sim_clock_now_us();
        field_arrive(collector, &collector->stops[next], &told.check_in);
        good = calls_check_in(collector, &told);
        collector->figures.online_check_ins++;
        if (good) field_visit(collector, next, &told);
    }
    client_close(second);
    go_offline(collector);
    return good;
}

static bool second_half(struct collector *collector) {
    struct phone *phone = &collector->phone;
    size_t from = collector->stop_count / 2;
    if (collector->figures.outcomes > from) from++; /* told and done at noon */
    if (collector->number % 8 == 6) phone_reboot(phone);
    walk(collector, from, collector->stop_count, 13.0, 17.0);
    field_extras(collector);
    return true;
}

/* Two who will meet hand their receipts in first: cash that the server has not seen come in cannot be handed on. */
static bool before_meeting(struct collector *collector) {
    if (uuid_is_nil(collector->meeting.handover)) return true;
    struct client *second = client_open(options.target, options.ca);
    bool good = go_online(collector) && sync_push_all(collector, second);
    client_close(second);
    return good;
}

static bool meeting(struct collector *collector) {
    if (uuid_is_nil(collector->meeting.handover) || collector->meeting.amount_minor <= 0) return true;
    collector->phone.now_us = sim_clock_now_us();
    bag_hand_over(collector);
    atomic_fetch_add(&progress.entries, 1);
    bool good = sync_push_all(collector, collector->client);
    go_offline(collector);
    return good;
}

/* A phone may close its day offline where nothing of it can wait for a person. */
static bool closes_offline(const struct collector *collector) {
    const struct figures *figures = &collector->figures;
    return figures->voids[JOURNAL_TENDER_CASH] + figures->voids[JOURNAL_TENDER_TRANSFER] +
               figures->voids[JOURNAL_TENDER_QR] + figures->late_voids == 0;
}

static bool evening(struct collector *collector) {
    struct client *second = client_open(options.target, options.ca);
    bool offline = closes_offline(collector);
    if (offline) field_close_day(collector);
    bool good = go_online(collector) && sync_push_all(collector, second);
    if (good && !offline) {
        collector->phone.now_us = sim_clock_now_us();
        field_close_day(collector);
        good = sync_push_all(collector, second);
    }
    good = good && calls_pull(collector, outcomes);
    client_close(second);
    return good;
}

static bool night(struct collector *collector) {
    bool good = true;
    if (collector->number % 4 == 0) good = sync_replay(collector);
    if (good && collector->number == 1) good = sync_push_as_clone(collector);
    go_offline(collector);
    return good;
}

static void share_accounts(void) {
    for (size_t i = 0; i < collector_count; i++) {
        const struct collector *colleague = &collectors[(i + 1) % collector_count];
        if (i % 12 == 6 && colleague->stop_count && collector_count > 1) {
            collectors[i].foreign = colleague->stops[0].account;
        }
    }
}

/* Every twelfth one gives a third of his bag to the next. */
static void arrange_meetings(void) {
    for (size_t i = 0; i + 1 < collector_count; i += 12) {
        uuid handover = phone_id(&collectors[i].phone);
        collectors[i].meeting = (struct meeting){handover, JOURNAL_HANDOVER_GIVES, collectors[i + 1].phone.user, 0};
        collectors[i + 1].meeting = (struct meeting){handover, JOURNAL_HANDOVER_TAKES, collectors[i].phone.user, 0};
    }
}

static void agree_on_amounts(void) {
    for (size_t i = 0; i + 1 < collector_count; i += 12) {
        int64_t third = collectors[i].figures.cash_minor / 3;
        collectors[i].meeting.amount_minor = collectors[i + 1].meeting.amount_minor = third - third % 100000;
    }
}

static void run_day(void) {
    sim_clock_set_us(options.morning_us);
    phase("07:00  enrol, pull the day", morning);
    share_accounts();
    phase("08:00  offline in the field", first_half);
    sim_clock_set_us(options.morning_us + HOURS(5.7));
    phase("12:42  some find coverage", noon);
    phase("13:00  offline in the field", second_half);
    sim_clock_set_us(options.morning_us + HOURS(10.4));
    arrange_meetings();
    phase("17:24  some hand in early", before_meeting);
    agree_on_amounts();
    phase("17:30  cash changes hands", meeting);
    sim_clock_set_us(options.morning_us + HOURS(11));
    phase("18:00  sync, bad network", evening);
    phase("18:20  replays and a clone", night);
}

/* ---- start and end -------------------------------------------------------------------------------------------- */

static bool read_collectors(const char *path) {
    FILE *file = fopen(path, "re");
    char line[256];
    while (file && fgets(line, sizeof line, file) && collector_count < PHONES_MAX) {
        struct collector *collector = &collectors[collector_count];
        if (sscanf(line, "%63[^\t]\t%36s", collector->login, collector->user_id) != 2) break;
        collector->number = (int)collector_count;
        phone_init(&collector->phone, options.seed, collector_count);
        memcpy(collector->phone.installation.b, options.installation.b, sizeof options.installation.b);
        collector_count++;
    }
    if (file) fclose(file);
    return collector_count > 0;
}

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"--target", offsetof(struct options, target)},         {"--ca", offsetof(struct options, ca)},
    {"--collectors", offsetof(struct options, collectors)}, {"--supervisor", offsetof(struct options, supervisor)},
    {"--outcomes", offsetof(struct options, outcomes)},     {"--clock", offsetof(struct options, clock)},
    {"--out", offsetof(struct options, out)},
};

static bool take_option(const char *name, const char *value) {
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(name, texts[i].name) != 0) continue;
        *(const char **)(void *)((char *)&options + texts[i].offset) = value;
        return true;
    }
    if (strcmp(name, "--seed") == 0) options.seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--morning-us") == 0) options.morning_us = strtoll(value, NULL, 10);
    else if (strcmp(name, "--skew-years") == 0) options.skew_years = strtoll(value, NULL, 10);
    else if (strcmp(name, "--try-ms") == 0) calls_patience.try_us = strtoll(value, NULL, 10) * 1000;
    else if (strcmp(name, "--give-up-ms") == 0) calls_patience.give_up_us = strtoll(value, NULL, 10) * 1000;
    else if (strcmp(name, "--pace-ms") == 0) calls_patience.pace_us = strtoll(value, NULL, 10) * 1000;
    else if (strcmp(name, "--installation") == 0) return err_is_ok(uuid_parse(value, &options.installation));
    else return false;
    return true;
}

static bool take_options(int argc, char **argv) {
    options.password = getenv("SIM_PASSWORD");
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!take_option(argv[i], argv[i + 1])) return false;
    }
    return argc % 2 == 1 && options.target && options.collectors && options.supervisor && options.password &&
           options.outcomes && options.clock && options.out && options.morning_us > 0 && !uuid_is_nil(options.installation);
}

static int fail(const char *what, const char *why) {
    fprintf(stderr, "fieldday: %s: %s\n", what, why);
    return 1;
}

static int report_troubles(void) {
    int failed = 0;
    for (size_t i = 0; i < collector_count; i++) {
        if (!*collectors[i].trouble) continue;
        failed++;
        printf("  phone %zu (%s): %s\n", i, collectors[i].login, collectors[i].trouble);
    }
    return failed ? 3 : 0;
}

int main(int argc, char **argv) {
    if (!take_options(argc, argv)) {
        fputs(
            "usage: fieldday --target HOST:PORT [--ca FILE] --collectors TSV --supervisor LOGIN --outcomes CSV\n"
            "                --installation UUID --clock FILE --morning-us N --out FOLDER [--seed N]\n"
            "                [--try-ms N --give-up-ms N] [--pace-ms N] [--skew-years N]\n"
            "SIM_PASSWORD is the supervisor's password; morning: 07:00 of the day, microseconds. Without --ca: plaintext.\n"
            "A call that may succeed later is tried again until give-up; a rest before each Push; clocks wrong by years.\n"
            "Exit: 0 every phone had its day, 1 it could not begin, 2 usage, 3 a phone met trouble.\n",
            stderr);
        return 2;
    }
    if (!sim_clock_open(options.clock)) return fail(options.clock, "cannot be mapped");
    outcomes = outcomes_load(options.outcomes);
    if (!outcomes) return fail(options.outcomes, "is not a file of outcomes");
    if (!read_collectors(options.collectors)) return fail(options.collectors, "names no collector");
    sim_clock_set_us(options.morning_us);
    char trouble[TROUBLE_SIZE] = "";
    struct client *office = client_open(options.target, options.ca);
    bool known = calls_login(office, options.supervisor, options.password, supervisor_token, trouble);
    client_close(office);
    if (!known) return fail("the supervisor cannot log in", trouble);
    run_day();
    if (!summary_write(options.out, collectors, collector_count)) return fail(options.out, "cannot be written");
    int exit_code = report_troubles();
    for (size_t i = 0; i < collector_count; i++) phone_release(&collectors[i].phone);
    outcomes_free(outcomes);
    return exit_code;
}
