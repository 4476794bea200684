/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd verify: the whole database of one agency or of all against itself (verify/verify.h), and every difference named.
 * It writes nothing. The work is in parts that need nothing of each other, which two connections take in turn; each part
 * is compared within one snapshot, so it may run beside a server at work.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/verify.h"
#include "run/clock.h"
#include "run/keys.h"
#include "run/log.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store/installation.h"
#include "store/lifecycle.h"
#include "store_statements.h"

#define AGENCIES_MAX 10000
#define HOURS_MAX 48
#define LOOK_UP_US (10 * US_PER_S)
#define PROGRESS_US (US_PER_S / 2)

static const char *agency_name, *since_text, *is_json;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "its name or id (default: every agency)", &agency_name},
    {"--since", "DATE", "entries and postings first seen on this day (UTC) or later; balances are always compared whole", &since_text},
    {"--json", NULL, "one JSON object a difference, and one at the end of each agency", &is_json},
    {0},
};

struct run {
    struct office office;
    struct keyring keys;
    installation_id installation;
    instant since;
    pthread_mutex_t lock; /* of all below */
    int64_t shown_us, n_differences;
    size_t next_part;
    bool failed;
    int64_t entries[2]; /* of the two parts that read entries */
};

/* One of those who take parts, on a connection of its own. */
struct reader {
    struct run *run;
    struct office *office;
    size_t part; /* that is at work */
    tagih_err err;
};

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void print_json_text(const char *name, const char *text, const char *end) {
    printf("\"%s\": \"", name);
    char escaped[1024];
    struct log_text to = {escaped, escaped + sizeof escaped};
    log_escape(&to, bytes_text(text));
    printf("%.*s\"%s", (int)(to.at - escaped), escaped, end);
}

static void print_difference(const struct run *run, const struct verify_difference *d) {
    if (is_json) {
        putchar('{');
        print_json_text("agency", run->office.agency_name, ", ");
        print_json_text("table", d->table, ", ");
        print_json_text("key", d->key, ", ");
        print_json_text("column", d->column, ", ");
        print_json_text("stored", d->stored, ", ");
        print_json_text("expected", d->expected, "}\n");
        return;
    }
    printf("%s [%s]%s%s\n    stored:    %s\n    should be: %s\n", d->table, d->key, *d->column ? " " : "", d->column, d->stored, d->expected);
}

static void difference(void *context, const struct verify_difference *d) {
    struct run *run = ((struct reader *)context)->run;
    pthread_mutex_lock(&run->lock);
    run->n_differences++;
    print_difference(run, d);
    pthread_mutex_unlock(&run->lock);
}

/* In minor units, as everything that is stored. */
static void figure(void *context, const struct verify_figure *f) {
    struct run *run = ((struct reader *)context)->run;
    pthread_mutex_lock(&run->lock);
    if (is_json) {
        putchar('{');
        print_json_text("agency", run->office.agency_name, ", ");
        print_json_text("currency", f->currency, ", ");
        print_json_text("figure", f->name, "");
        if (f->has_entries) printf(", \"entries\": %lld", (long long)f->entries);
        if (f->has_sum) printf(", \"sum_minor\": %lld", (long long)f->sum_minor);
        printf("}\n");
    } else {
        printf("%-3s  %-46s", f->currency, f->name);
        if (f->has_sum) printf(" %20lld", (long long)f->sum_minor);
        else printf(" %20s", "");
        if (f->has_entries) printf(" of %lld", (long long)f->entries);
        printf("\n");
    }
    pthread_mutex_unlock(&run->lock);
}

static void show(struct run *run, const char *part, int64_t done) {
    int64_t now_us = clock_monotonic_us();
    if (!isatty(STDERR_FILENO) || now_us - run->shown_us < PROGRESS_US) return;
    run->shown_us = now_us;
    fprintf(stderr, "\r%s: %lld %s    ", run->office.agency_name, (long long)done, part);
}

static void progress(void *context, const char *part, int64_t done) {
    struct reader *reader = context;
    struct run *run = reader->run;
    pthread_mutex_lock(&run->lock);
    if (reader->part < 2) {
        run->entries[reader->part] = done;
        done = run->entries[0] + run->entries[1];
    }
    show(run, part, done);
    pthread_mutex_unlock(&run->lock);
}

/* ---- one agency --------------------------------------------------------------------------------------------------- */

static struct tx_options snapshot_of(const struct office *office) {
    struct tx_options options = office_tx(office, "verify", HOURS_MAX * 3600);
    options.read_only = options.snapshot = true;
    return options;
}

/* Tables are read whole: the snapshot begins with plans for that. */
static tagih_err begin(struct verify *v) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, v->arena, STMT_verify_plans, 0);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    return TAGIH_OK;
}

/* ---- its parts ---------------------------------------------------------------------------------------------------- */

static hash256 filled(uint8_t first, uint8_t rest) {
    hash256 out;
    memset(out.b, rest, sizeof out.b);
    out.b[0] = first;
    return out;
}

static tagih_err lower_entries(struct verify *v) {
    hash256 first = filled(0, 0), middle = filled(0x7f, 0xff);
    return verify_entries(v, &first, &middle);
}

static tagih_err upper_entries(struct verify *v) {
    hash256 middle = filled(0x7f, 0xff), last = filled(0xff, 0xff);
    return verify_entries(v, &middle, &last);
}

/* The longest first, so that both are done at about the same time. progress() knows that the first two read entries. */
static tagih_err (*const parts[])(struct verify *v) = {
    lower_entries,   upper_entries, verify_postings, verify_sums,        verify_identities,
    verify_accounts, verify_states, verify_bonus,    verify_device_keys, verify_heads,        verify_retention};

static bool next_part(struct reader *reader) {
    struct run *run = reader->run;
    pthread_mutex_lock(&run->lock);
    bool found = !run->failed && run->next_part < sizeof parts / sizeof *parts;
    if (found) reader->part = run->next_part++;
    pthread_mutex_unlock(&run->lock);
    return found;
}

static tagih_err read_parts(struct reader *reader) {
    struct run *run = reader->run;
    struct tx_options options = snapshot_of(reader->office);
    DEFER(tx) struct tx tx;
    tx_begin(&tx, &reader->office->db, &options);
    struct verify v = {.tx = &tx, .arena = &reader->office->arena, .agency = run->office.agency, .installation = run->installation,
                       .keys = &run->keys, .since = run->since, .difference = difference, .progress = progress,
                       .figure = figure, .context = reader};
    TRY(begin(&v));
    while (next_part(reader)) TRY(parts[reader->part](&v));
    return TAGIH_OK;
}

static void *run_reader(void *context) {
    struct reader *reader = context;
    reader->err = read_parts(reader);
    pthread_mutex_lock(&reader->run->lock);
    reader->run->failed |= !err_is_ok(reader->err);
    pthread_mutex_unlock(&reader->run->lock);
    return NULL;
}

static tagih_err verify_all(struct run *run, struct office *beside) {
    struct reader readers[2] = {{.run = run, .office = &run->office}, {.run = run, .office = beside}};
    pthread_t thread;
    run->next_part = 0;
    run->failed = false;
    if (pthread_create(&thread, NULL, run_reader, &readers[1]) != 0) return FAIL(OUT_OF_MEMORY);
    run_reader(&readers[0]);
    pthread_join(thread, NULL);
    TRY(readers[0].err);
    return readers[1].err;
}

static void say_end(const struct run *run, int64_t before, int64_t began_us) {
    long long differences = (long long)(run->n_differences - before), entries = (long long)(run->entries[0] + run->entries[1]);
    double seconds = (double)(clock_monotonic_us() - began_us) / (double)US_PER_S;
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r");
    if (is_json) {
        putchar('{');
        print_json_text("agency", run->office.agency_name, ", ");
        printf("\"entries\": %lld, \"differences\": %lld}\n", entries, differences);
    } else {
        printf("%s: %lld entries, %lld difference%s, %.1f s\n", run->office.agency_name, entries, differences,
               differences == 1 ? "" : "s", seconds);
    }
    fflush(stdout);
}

static enum cli_exit verify_agency(struct run *run, const struct cli *cli) {
    struct office beside;
    int64_t before = run->n_differences, began_us = clock_monotonic_us();
    run->entries[0] = run->entries[1] = 0;
    enum cli_exit connected = office_connect(cli, &beside);
    beside.agency = run->office.agency;
    tagih_err err = connected == CLI_OK ? verify_all(run, &beside) : FAIL(STORE_UNAVAILABLE);
    db_release(&beside.db);
    office_arena_close(&beside.arena, beside.memory);
    if (!err_is_ok(err)) return cli_failed("%s: %s; nothing is said about the rest", run->office.agency_name, err_text(err));
    say_end(run, before, began_us);
    return run->n_differences == before ? CLI_OK : CLI_FAILED;
}

/* ---- all ---------------------------------------------------------------------------------------------------------- */

static enum cli_exit verify_each(struct run *run, const struct cli *cli) {
    static agency_id ids[AGENCIES_MAX];
    size_t n = 0;
    enum cli_exit worst = CLI_OK;
    tagih_err err = agency_ids(&run->office.db, &run->office.arena, clock_monotonic_us() + LOOK_UP_US, ids, AGENCIES_MAX, &n);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    for (size_t i = 0; i < n; i++) {
        enum cli_exit found = office_switch(&run->office, ids[i]);
        if (found == CLI_OK) found = verify_agency(run, cli);
        if (found != CLI_OK) worst = found;
    }
    return worst;
}

static enum cli_exit prepare(struct run *run, const struct cli *cli) {
    struct keys_problem problem;
    civil_date since = {0};
    if (since_text && !err_is_ok(date_parse(since_text, &since))) return cli_usage("--since needs a date, YYYY-MM-DD");
    run->since.us = since.days * US_PER_DAY;
    if (!err_is_ok(keys_load(cli->config->keys_dir, &run->keys, &problem))) return cli_failed("%s", problem.text);
    tagih_err err = installation_get(&run->office.db, &run->installation);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

static enum cli_exit run_verify(const struct cli *cli) {
    static struct run run;
    if (cli->n_args) return cli_usage("verify takes no words");
    run = (struct run){.lock = PTHREAD_MUTEX_INITIALIZER};
    enum cli_exit done = agency_name ? office_open(cli, agency_name, &run.office) : office_connect(cli, &run.office);
    if (done == CLI_OK) done = prepare(&run, cli);
    if (done == CLI_OK) done = agency_name ? verify_agency(&run, cli) : verify_each(&run, cli);
    keyring_release(&run.keys);
    office_close(&run.office);
    return done;
}

const struct cli_command cli_verify = {
    .name = "verify",
    .words = "[--agency A] [--since DATE] [--json]",
    .summary = "Check every signature, digest and balance against the facts",
    .text = "Signatures, hashes and acknowledgements of all entries; digests and chains of all postings and bonus lines;\n"
            "balances, instalments, allocations and collectors' figures worked out again; seals of all evidence. Each\n"
            "difference is named with its table, key and column. It writes nothing, and reads best as the role tagih_read.\n"
            "Exit code 0: no difference; 1: some, or it could not be done.",
    .flags = flags,
    .run = run_verify};
