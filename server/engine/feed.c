/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread behind feed.h. What it does to the database may wait for it (a database that is down); writers only leave
 * a mark under a lock that is never held for longer than that.
 */
#include <pthread.h>
#include <stdlib.h>

#include "engine/crew.h"
#include "engine/feed.h"
#include "run/clock.h"
#include "run/log.h"
#include "run/rounds.h"
#include "store/feed.h"

#define TELL_US_MIN (50 * US_PER_MS)
#define ASK_US (1 * US_PER_S)
#define TICK_US (50 * US_PER_MS)
#define TICK_IDLE_US (250 * US_PER_MS)
#define DATABASE_US_MAX (2 * US_PER_S)
#define ARENA_BYTES ((size_t)16 * 1024)

/* Agencies with news; more than there is room for are "all". */
struct news {
    agency_id agencies[FEED_TOLD_MAX];
    size_t n;
};

struct feed {
    struct crew *crew;
    struct db db;
    struct arena arena;
    void *arena_memory;
    struct rounds rounds; /* woken when there is news */
    pthread_mutex_t lock; /* guards news */
    struct news news;
    int backend;        /* the connection that listens; 0: none */
    bool deaf;          /* the last try to listen or ask failed */
    int64_t told_us, asked_us;
    int64_t settled_xid; /* at the last asking: what came later may be new */
    size_t parked;
};

/* ---- marks ---------------------------------------------------------------------------------------------------- */

static bool news_has(const struct news *news, agency_id agency) {
    for (size_t i = 0; i < news->n; i++) {
        if (uuid_equal(news->agencies[i].u, agency.u)) return true;
    }
    return false;
}

void feed_dirty(struct feed *feed, agency_id agency) {
    if (!feed) return;
    pthread_mutex_lock(&feed->lock);
    bool first = feed->news.n == 0;
    bool full = feed->news.n == FEED_TOLD_MAX; /* one more is found by asking, within a second */
    if (!full && !news_has(&feed->news, agency)) feed->news.agencies[feed->news.n++] = agency;
    pthread_mutex_unlock(&feed->lock);
    if (first) rounds_wake(&feed->rounds);
}

static struct news news_take(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    struct news news = feed->news;
    feed->news.n = 0;
    pthread_mutex_unlock(&feed->lock);
    return news;
}

static bool has_news(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    bool has = feed->news.n > 0;
    pthread_mutex_unlock(&feed->lock);
    return has;
}

/* ---- the database's side -------------------------------------------------------------------------------------- */

static int64_t soon(void) {
    return clock_monotonic_us() + DATABASE_US_MAX;
}

/* Says so once when it begins and once when it ends. */
static void heed(struct feed *feed, tagih_err err) {
    bool deaf = !err_is_ok(err);
    if (deaf == feed->deaf) return;
    feed->deaf = deaf;
    log_event(deaf ? LOG_WARN : LOG_INFO, deaf ? "feed.deaf" : "feed.hears", "%s", err_text(err));
}

/* A new connection does not listen yet, and what was told in between was not heard. A standby cannot listen at all: then
 * asking every second has to do, so a connection is tried once. */
static void listen(struct feed *feed) {
    if (feed->backend && feed->backend == feed_backend(&feed->db)) return;
    arena_reset(&feed->arena);
    tagih_err err = feed_listen(&feed->db, &feed->arena, soon());
    feed->backend = feed_backend(&feed->db);
    heed(feed, err);
    if (err_is_ok(err)) crew_wake_parked(feed->crew, NULL);
}

static void hear(struct feed *feed) {
    agency_id agency;
    while (feed_heard(&feed->db, &agency)) crew_wake_parked(feed->crew, &agency);
}

static void tell(struct feed *feed) {
    int64_t now_us = clock_monotonic_us();
    if (now_us - feed->told_us < TELL_US_MIN || !has_news(feed)) return;
    feed->told_us = now_us;
    struct news news = news_take(feed);
    for (size_t i = 0; i < news.n; i++) crew_wake_parked(feed->crew, &news.agencies[i]);
    arena_reset(&feed->arena);
    heed(feed, feed_notify(&feed->db, &feed->arena, news.agencies, news.n, soon()));
}

static tagih_err ask_agencies(struct feed *feed) {
    struct feed_position position;
    agency_id found[FEED_TOLD_MAX];
    size_t n = 0;
    arena_reset(&feed->arena);
    TRY(feed_position_get(&feed->db, &feed->arena, soon(), &position));
    TRY(feed_agencies(&feed->db, &feed->arena, feed->settled_xid, soon(), found, FEED_TOLD_MAX, &n));
    for (size_t i = 0; i < n && n < FEED_TOLD_MAX; i++) crew_wake_parked(feed->crew, &found[i]);
    if (n == FEED_TOLD_MAX) crew_wake_parked(feed->crew, NULL);
    feed->settled_xid = position.xid_min;
    return TAGIH_OK;
}

/* When nobody waits, nobody asks; the next one reads for itself before it waits. */
static void ask(struct feed *feed) {
    int64_t now_us = clock_monotonic_us();
    if (feed->parked == 0 || now_us - feed->asked_us < ASK_US) return;
    feed->asked_us = now_us;
    heed(feed, ask_agencies(feed));
}

/* ---- the thread ----------------------------------------------------------------------------------------------- */

static int64_t wait_us(struct feed *feed) {
    int64_t tick_us = feed->parked ? TICK_US : TICK_IDLE_US;
    int64_t tell_us = feed->told_us + TELL_US_MIN - clock_monotonic_us();
    if (!has_news(feed) || tell_us >= tick_us) return tick_us;
    return tell_us > 0 ? tell_us : 0;
}

static void *run(void *context) {
    struct feed *feed = context;
    while (!rounds_are_over(&feed->rounds)) {
        listen(feed);
        hear(feed);
        tell(feed);
        ask(feed);
        feed->parked = crew_tick(feed->crew, clock_monotonic_us());
        rounds_rest(&feed->rounds, wait_us(feed), feed_socket(&feed->db));
    }
    return NULL;
}

static tagih_err open_all(struct feed *feed, const struct db_options *database) {
    feed->arena_memory = malloc(ARENA_BYTES);
    if (!feed->arena_memory) return FAIL(OUT_OF_MEMORY);
    arena_init(&feed->arena, feed->arena_memory, ARENA_BYTES);
    struct db_options options = *database;
    options.worker = "feed";
    TRY(db_open(&feed->db, &options));
    return rounds_begin(&feed->rounds, run, feed);
}

static void release(struct feed *feed) {
    db_release(&feed->db);
    if (feed->arena_memory) arena_reset(&feed->arena);
    free(feed->arena_memory);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

tagih_err feed_open(const struct db_options *database, struct crew *crew, struct feed **out) {
    *out = NULL;
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed) return FAIL(OUT_OF_MEMORY);
    feed->crew = crew;
    pthread_mutex_init(&feed->lock, NULL);
    tagih_err err = open_all(feed, database);
    if (err_is_ok(err)) *out = feed;
    else release(feed);
    return err;
}

void feed_close(struct feed *feed) {
    if (!feed) return;
    rounds_end(&feed->rounds);
    release(feed);
}
