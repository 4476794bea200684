/* SPDX-License-Identifier: Apache-2.0 */
/* The thread behind watchdog.h. How often it looks and how patient it is follows from what the service manager asks for. */
#include "server/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/crew.h"
#include "net/server.h"
#include "run/clock.h"
#include "run/log.h"
#include "run/notify.h"
#include "run/rounds.h"

/* Without a service manager that says otherwise. */
#define PATIENCE_US (20 * US_PER_S)
/* It looks so many times within its patience: one knock that was lost is no alarm. */
#define LOOKS 4
#define KNOCK_US_MAX (2 * US_PER_S)

struct watchdog {
    struct net_server *net;
    const struct crew *crew;
    struct rounds rounds;
    atomic_bool resting;
    _Atomic int64_t opened_us; /* when all doors were last found open, CLOCK_MONOTONIC */
    int64_t patience_us, worker_us_max;
    bool knocked; /* the last knock was answered */
};

static bool worker_is_stuck(const struct watchdog *watchdog, int64_t now_us) {
    struct crew_load load;
    crew_load(watchdog->crew, now_us, &load);
    return load.busy_us_max > watchdog->worker_us_max;
}

bool watchdog_is_well(const struct watchdog *watchdog, const char **why) {
    int64_t now_us = clock_monotonic_us();
    *why = NULL;
    if (atomic_load(&watchdog->resting)) return true;
    if (now_us - atomic_load(&watchdog->opened_us) > watchdog->patience_us) *why = "a listener does not answer";
    else if (worker_is_stuck(watchdog, now_us)) *why = "a worker does not come back";
    return !*why;
}

/* Told once when it begins and once when it ends. */
static void heed(struct watchdog *watchdog, bool knocked) {
    if (knocked == watchdog->knocked) return;
    watchdog->knocked = knocked;
    log_event(knocked ? LOG_INFO : LOG_ERROR, knocked ? "watchdog.answered" : "watchdog.silence",
              knocked ? "every listener answers" : "a listener does not answer its own server");
}

static void look(struct watchdog *watchdog) {
    const char *why;
    bool knocked = net_server_knock(watchdog->net, clock_monotonic_us() + KNOCK_US_MAX);
    if (atomic_load(&watchdog->resting)) knocked = true;
    heed(watchdog, knocked);
    if (knocked) atomic_store(&watchdog->opened_us, clock_monotonic_us());
    if (knocked && watchdog_is_well(watchdog, &why)) notify_send("WATCHDOG=1");
}

static void *run(void *context) {
    struct watchdog *watchdog = context;
    sigset_t broken_pipe; /* OpenSSL writes to sockets that may have been closed */
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
    while (!rounds_are_over(&watchdog->rounds)) {
        look(watchdog);
        rounds_rest(&watchdog->rounds, watchdog->patience_us / LOOKS, -1);
    }
    return NULL;
}

tagih_err watchdog_open(struct net_server *net, const struct crew *crew, int64_t worker_us_max, struct watchdog **out) {
    *out = NULL;
    struct watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog) return FAIL(OUT_OF_MEMORY);
    int64_t asked_us = notify_watchdog_us();
    watchdog->net = net;
    watchdog->crew = crew;
    watchdog->worker_us_max = worker_us_max;
    watchdog->patience_us = asked_us ? asked_us : PATIENCE_US;
    watchdog->knocked = true;
    atomic_store(&watchdog->opened_us, clock_monotonic_us());
    tagih_err err = rounds_begin(&watchdog->rounds, run, watchdog);
    if (err_is_ok(err)) *out = watchdog;
    else free(watchdog);
    return err;
}

void watchdog_rest(struct watchdog *watchdog) {
    if (watchdog) atomic_store(&watchdog->resting, true);
}

void watchdog_close(struct watchdog *watchdog) {
    if (!watchdog) return;
    rounds_end(&watchdog->rounds);
    free(watchdog);
}
