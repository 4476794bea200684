/* SPDX-License-Identifier: Apache-2.0 */
/* The names below are a contract with dashboards and alerts (deploy/grafana.json, deploy/alerts.yml): never renamed. */
#include "engine/metrics.h"

#include "engine/chores.h"
#include "engine/status.h"
#include "run/clock.h"
#include "run/self.h"

/* ---- the format ------------------------------------------------------------------------------------------------- */

static void family(FILE *to, const char *name, const char *type, const char *help) {
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_count(FILE *to, const char *name, int64_t value) {
    fprintf(to, "%s %lld\n", name, (long long)value);
}

static void gauge(FILE *to, const char *name, const char *help, int64_t value) {
    family(to, name, "gauge", help);
    put_count(to, name, value);
}

static void put_seconds(FILE *to, int64_t value_us) {
    if (value_us < 0) value_us = 0;
    fprintf(to, " %lld.%06lld\n", (long long)(value_us / US_PER_S), (long long)(value_us % US_PER_S));
}

static void gauge_seconds(FILE *to, const char *name, const char *help, int64_t value_us) {
    family(to, name, "gauge", help);
    fputs(name, to);
    put_seconds(to, value_us);
}

/* How a histogram's numbers are shown: as they are, or microseconds as seconds. */
enum unit { UNIT_NONE, UNIT_SECONDS };

/* @param labels  of every line, or "" */
static void put_histogram(FILE *to, const char *name, const char *labels, const struct tally_histogram *histogram,
                          const struct tally_bounds *bounds, enum unit unit) {
    uint64_t below = 0;
    const char *comma = *labels ? "," : "", *open = *labels ? "{" : "", *close = *labels ? "}" : "";
    for (size_t i = 0; i < bounds->n; i++) {
        below += atomic_load_explicit(&histogram->in[i], memory_order_relaxed);
        double bound = unit == UNIT_SECONDS ? (double)bounds->at[i] / 1e6 : (double)bounds->at[i];
        fprintf(to, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma, bound, (unsigned long long)below);
    }
    below += atomic_load_explicit(&histogram->in[bounds->n], memory_order_relaxed);
    uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    fprintf(to, "%s_bucket{%s%sle=\"+Inf\"} %llu\n%s_sum%s%s%s", name, labels, comma, (unsigned long long)below, name, open,
            labels, close);
    if (unit == UNIT_SECONDS) put_seconds(to, (int64_t)sum);
    else fprintf(to, " %llu\n", (unsigned long long)sum);
    fprintf(to, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)below);
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

#define LABELS_SIZE 256

/* As other gRPC servers label them; the last place is for paths that nobody serves, whatever they were called. */
static void call_labels(const struct rpc_table *table, size_t method, char out[LABELS_SIZE]) {
    static const char *const types[] = {
        [CALL_UNARY] = "unary", [CALL_STREAM] = "server_stream", [CALL_BIDI] = "bidi_stream"};
    if (method == table->count) {
        snprintf(out, LABELS_SIZE, "grpc_type=\"unary\",grpc_service=\"unknown\",grpc_method=\"unknown\"");
        return;
    }
    const struct rpc_bound *bound = &table->bounds[method];
    snprintf(out, LABELS_SIZE, "grpc_type=\"%s\",grpc_service=\"%s\",grpc_method=\"%s\"", types[table->rows[method].kind],
             bound->service->name, bound->proto->name);
}

static uint64_t ended(const struct tally_method *method, int code) {
    return atomic_load_explicit(&method->ended[code], memory_order_relaxed);
}

static bool was_called(const struct tally_method *method) {
    for (int code = 0; code < TALLY_CODES; code++) {
        if (ended(method, code)) return true;
    }
    return false;
}

/* OK of every method; the other codes once it was called, so that its first failure is an increase and no new line. */
static void put_handled(FILE *to, const struct metrics_of *of) {
    family(to, "grpc_server_handled_total", "counter", "Calls that ended, by method and code");
    for (size_t i = 0; i <= of->table->count; i++) {
        char labels[LABELS_SIZE];
        const struct tally_method *method = &of->tally->methods[i];
        call_labels(of->table, i, labels);
        int codes = was_called(method) ? TALLY_CODES : 1;
        for (int code = 0; code < codes; code++) {
            fprintf(to, "grpc_server_handled_total{%s,grpc_code=\"%s\"} %llu\n", labels, status_name((enum call_status)code),
                    (unsigned long long)ended(method, code));
        }
    }
}

static void put_handling(FILE *to, const struct metrics_of *of) {
    family(
        to, "grpc_server_handling_seconds", "histogram",
        "From arrival to answer, of methods that were called; streams and long polls, which wait by design, are not in it");
    for (size_t i = 0; i < of->table->count; i++) {
        char labels[LABELS_SIZE];
        const struct tally_method *method = &of->tally->methods[i];
        if (of->table->bounds[i].method->kind == RPC_WATCH || !was_called(method)) continue;
        call_labels(of->table, i, labels);
        put_histogram(to, "grpc_server_handling_seconds", labels, &method->took_us, &tally_took_us, UNIT_SECONDS);
    }
}

static void put_batches(FILE *to, const struct tally *tally) {
    family(to, "tagih_pool_wait_seconds", "histogram",
           "Of calls: from arrival until a worker with its connection began with them");
    put_histogram(to, "tagih_pool_wait_seconds", "", &tally->waited_us, &tally_waited_us, UNIT_SECONDS);
    family(to, "tagih_batch_calls", "histogram", "Calls that were served together");
    put_histogram(to, "tagih_batch_calls", "", &tally->batch_calls, &tally_batch_calls, UNIT_NONE);
    family(to, "tagih_batch_seconds", "histogram", "How long batches took, the database included");
    put_histogram(to, "tagih_batch_seconds", "", &tally->batch_us, &tally_took_us, UNIT_SECONDS);
}

static void put_load(FILE *to, const struct metrics_of *of, int64_t now_us) {
    struct crew_load load;
    crew_load(of->crew, now_us, &load);
    gauge(to, "tagih_calls_in_flight", "Calls that arrived and whose answer has not left", of->calls_in_flight);
    gauge(to, "tagih_calls_in_flight_limit", "One more call in flight is refused", of->calls_in_flight_max);
    gauge(to, "tagih_ring_depth", "Calls that wait for a worker", (int64_t)load.waiting);
    gauge(to, "tagih_ring_limit", "One more call that waits is refused", (int64_t)load.waiting_max);
    gauge(to, "tagih_parked_calls", "Long polls and streams that wait for a change", (int64_t)load.parked);
    gauge(to, "tagih_parked_limit", "One more that waits is refused", (int64_t)load.parked_max);
    gauge(to, "tagih_workers", "Threads that work, one database connection each", load.workers);
    gauge(to, "tagih_workers_busy", "Workers that have a batch", load.busy);
    gauge_seconds(to, "tagih_worker_busy_longest_seconds", "For so long the slowest worker has had its batch",
                  load.busy_us_max);
    gauge(to, "tagih_draining", "1: this server ends and takes no new calls", crew_is_draining(of->crew));
#define X(name, what)                                        \
    family(to, "tagih_db_" #name "_total", "counter", what); \
    put_count(to, "tagih_db_" #name "_total", (int64_t)load.db.name);
    DB_STATS(X)
#undef X
}

/* ---- the process and the clock's work --------------------------------------------------------------------------- */

static void put_known(FILE *to, const char *name, const char *help, int64_t value) {
    if (value >= 0) gauge(to, name, help, value);
}

static void put_process(FILE *to, const struct metrics_of *of) {
    struct self self;
    self_read(&self);
    family(to, "tagih_build_info", "gauge", "1; which version this is");
    fprintf(to, "tagih_build_info{version=\"%s\"} 1\n", TAGIH_VERSION);
    gauge_seconds(to, "process_start_time_seconds", "When the server was opened, Unix time", of->started.us);
    family(to, "process_cpu_seconds_total", "counter", "User and system time");
    fputs("process_cpu_seconds_total", to);
    put_seconds(to, self.cpu_us);
    put_known(to, "process_resident_memory_bytes", "Memory in use", self.resident_bytes);
    put_known(to, "process_open_fds", "File descriptors in use", self.fds);
    put_known(to, "process_max_fds", "File descriptors that may be in use", self.fds_max);
    put_known(to, "process_threads", "Threads", self.threads);
}

static void put_chores(FILE *to, const struct metrics_of *of, int64_t now_us) {
    family(to, "tagih_chore_failing", "gauge", "1: the last round of this work of the clock failed");
    for (size_t i = 0; of->chores[i].name; i++) {
        fprintf(to, "tagih_chore_failing{chore=\"%s\"} %d\n", of->chores[i].name, minute_is_failing(of->minute, i));
    }
    gauge_seconds(to, "tagih_chores_age_seconds", "Since the clock's work was last gone through; once a minute is usual",
                  now_us - minute_went_round_us(of->minute));
}

/* ---- the database and the house --------------------------------------------------------------------------------- */

static void put_cash(FILE *to, const struct figures *figures) {
    static const struct {
        const char *name, *help;
        size_t offset;
    } columns[] = {
        {"tagih_cash_held_minor", "Cash that collectors hold, in minor units", offsetof(struct figure_cash, held_minor)},
        {"tagih_cash_aged_minor", "Cash past its time, in minor units", offsetof(struct figure_cash, aged_minor)},
        {"tagih_cash_aged_collectors", "Collectors who hold cash past its time",
         offsetof(struct figure_cash, aged_collectors)},
        {"tagih_cash_transit_minor", "Cash on its way to a bank, in minor units",
         offsetof(struct figure_cash, transit_minor)},
        {"tagih_suspense_minor", "Money whose account is not known, in minor units",
         offsetof(struct figure_cash, suspense_minor)},
    };
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        family(to, columns[c].name, "gauge", columns[c].help);
        for (size_t i = 0; i < figures->n_cash; i++) {
            const struct figure_cash *cash = &figures->cash[i];
            int64_t value = *(const int64_t *)((const char *)cash + columns[c].offset);
            fprintf(to, "%s{currency=\"%s\"} %lld\n", columns[c].name, cash->currency.code, (long long)value);
        }
    }
}

static int64_t age_us(int64_t since_us) {
    return since_us ? clock_now().us - since_us : 0;
}

/* Of all servers of a database each says the same: max(), not sum(). */
static void put_figures(FILE *to, const struct figures *figures) {
    gauge(to, "tagih_entries_waiting", "Entries of phones that wait for another one or a person", figures->entries_waiting);
    gauge(to, "tagih_entries_quarantined", "Entries of phones that a person must look at", figures->entries_quarantined);
    gauge_seconds(to, "tagih_entries_oldest_seconds", "Age of the oldest of both", age_us(figures->entries_oldest_us));
    gauge(to, "tagih_chains_with_gaps", "Journals of phones of which something has not arrived", figures->chains_with_gaps);
    gauge(to, "tagih_suspense_items", "Payments whose account is not known", figures->suspense_items);
    gauge(to, "tagih_proposals_open", "Proposals that wait for a second person", figures->proposals_open);
    gauge(to, "tagih_outbox_depth", "Changes that are committed and not yet shown to readers of the feed",
          figures->changes_unsettled);
    gauge_seconds(to, "tagih_outbox_oldest_seconds", "Age of the oldest of them", age_us(figures->unsettled_oldest_us));
    gauge(to, "tagih_partition_months_ahead", "For so many months to come the tables that are cut by month are ready",
          figures->months_ahead);
    gauge(to, "tagih_partition_rows_astray", "Rows that came outside of their months and wait to be moved", figures->rows_astray);
    put_cash(to, figures);
}

static void put_database(FILE *to, const struct metrics_of *of, int64_t now_us) {
    struct pulse_heard heard;
    pulse_hear(of->pulse, &heard);
    gauge(to, "tagih_database_up", "1: the database answered the last asking", err_is_ok(heard.err));
    gauge_seconds(to, "tagih_database_asked_age_seconds", "Since it was last asked; two seconds are usual",
                  now_us - heard.asked_us);
    gauge(to, "tagih_schema_version", "Which schema the database has", heard.schema_version);
    gauge(to, "tagih_schema_version_wanted", "Which schema this version is for", of->schema_version);
    gauge(to, "tagih_figures_failing", "1: the last reading of the figures below failed", heard.figures_failing);
    if (!heard.has_figures) return;
    gauge_seconds(to, "tagih_figures_age_seconds", "Since the figures below were read; up to half a minute is usual",
                  now_us - heard.figures_us);
    put_figures(to, &heard.figures);
}

void metrics_write(FILE *to, const struct metrics_of *of) {
    int64_t now_us = clock_monotonic_us();
    put_process(to, of);
    put_handled(to, of);
    put_handling(to, of);
    put_batches(to, of->tally);
    put_load(to, of, now_us);
    put_chores(to, of, now_us);
    put_database(to, of, now_us);
}
