/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock guards ring, ready lists and parked calls; nothing under it takes longer than a few pointer moves. A call
 * is in exactly one place (item->place): in the ring, in a ready list, parked, or in a worker's hands.
 */
#include "engine/crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "engine/server.h"
#include "engine/status.h"
#include "engine/tally.h"
#include "run/clock.h"
#include "run/grow.h"
#include "run/log.h"
#include "run/random.h"

#define BATCH_ITEMS_MAX 1024
#define BATCH_BYTES_MAX ((size_t)4 << 20)
#define BATCHES_OF_LIST_MAX 2
#define PREPARE_AT_ONCE 32
#define BATCH_ARENA_FIRST ((size_t)256 * 1024)
#define BATCH_ARENA_MAX ((size_t)64 << 20)

enum place { PLACE_WORK, PLACE_RING, PLACE_READY, PLACE_PARKED, PLACE_SENT };

struct queue {
    struct call *first, *last;
    size_t n;
};

/* Calls of one method and agency that wait for a batch. Made on demand, kept for the process (agencies are few). */
struct ready {
    struct ready_key {
        size_t method;
        agency_id agency;
    } key;
    struct queue queue;
    int at_work;        /* its batches in flight */
    struct ready *next; /* in the round of nonempty lists */
    bool in_round;
    UT_hash_handle hh;
};

struct rpc_worker {
    struct crew *crew;
    pthread_t thread;
    struct db db;
    struct arena arena;
    void *arena_memory;
    struct rpc_item *items[BATCH_ITEMS_MAX];
    const struct ready *serves; /* whose batch it has; NULL: none */
    int64_t writer;
    char name[24];
    bool started;
    _Atomic int64_t began_us; /* with the batch that it works on, CLOCK_MONOTONIC; 0: it has none */
};

struct crew {
    struct crew_options options;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct queue ring, parked;
    struct ready *lists;
    struct ready *round_first, *round_last;
    bool many_agencies;      /* more than one has called */
    atomic_size_t waiting;   /* ring and ready lists together; written under the lock, read by anyone */
    atomic_size_t parked_at; /* parked.n at the last tick, for whoever does not hold the lock */
    int idle;
    uint64_t news; /* counts crew_wake_parked: what came while a call was at work is not missed */
    atomic_bool draining; /* as waiting */
    bool stopping;
    struct rpc_worker *workers;
};

static void queue_push(struct queue *queue, struct call *call) {
    call->next = NULL;
    if (queue->last) queue->last->next = call;
    else queue->first = call;
    queue->last = call;
    queue->n++;
}

static struct call *queue_pop(struct queue *queue) {
    struct call *call = queue->first;
    queue->first = call->next;
    if (!queue->first) queue->last = NULL;
    queue->n--;
    return call;
}

static void queue_remove(struct queue *queue, struct call *call) {
    struct queue rest = {0};
    while (queue->n) {
        struct call *each = queue_pop(queue);
        if (each != call) queue_push(&rest, each);
    }
    *queue = rest;
}

/* Under the lock, so that a load and a store do for an addition. */
static void waiting_add(struct crew *crew, size_t n) {
    atomic_store_explicit(&crew->waiting, atomic_load_explicit(&crew->waiting, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static void waiting_sub(struct crew *crew, size_t n) {
    atomic_store_explicit(&crew->waiting, atomic_load_explicit(&crew->waiting, memory_order_relaxed) - n,
                          memory_order_relaxed);
}

/* ---- calls come in -------------------------------------------------------------------------------------------- */

static void ring_push(struct crew *crew, struct call *call) {
    struct rpc_item *item = call->state;
    item->place = PLACE_RING;
    queue_push(&crew->ring, call);
    waiting_add(crew, 1);
    if (crew->idle) pthread_cond_signal(&crew->work);
}

/* A STREAM or BIDI call comes back: after a send, or with a request. Whoever has it now looks again. */
static void resubmit(struct crew *crew, struct call *call) {
    struct rpc_item *item = call->state;
    if (item->place == PLACE_PARKED) queue_remove(&crew->parked, call);
    if (item->place == PLACE_WORK) item->again = true;
    if (item->place == PLACE_PARKED || item->place == PLACE_SENT) ring_push(crew, call);
}

static bool crew_submit(void *context, struct call *call) {
    struct crew *crew = context;
    pthread_mutex_lock(&crew->lock);
    bool taken = !call->first || crew->waiting < (size_t)crew->options.ring_max;
    if (taken && !call->first) {
        resubmit(crew, call);
    } else if (taken) {
        bind_begin(call);
        ring_push(crew, call);
    }
    pthread_mutex_unlock(&crew->lock);
    return taken;
}

/* The call may be gone already: its pointer is compared and not followed. */
static void crew_cancel(void *context, struct call *call) {
    struct crew *crew = context;
    pthread_mutex_lock(&crew->lock);
    for (struct call *each = crew->parked.first; each; each = each->next) {
        if (each != call) continue;
        queue_remove(&crew->parked, call);
        ring_push(crew, call);
        break;
    }
    pthread_mutex_unlock(&crew->lock);
}

static void crew_refuse(void *context, struct call *call, tagih_err err, struct call_reply *reply) {
    const struct crew *crew = context;
    const struct rpc_bound *bound = call->row ? call->row->method : NULL;
    status_fill(reply, &call->arena, err, NULL, err_is(err, ERR_CALL_OVERLOADED) ? 100 * US_PER_MS : 0);
    tally_end(crew->options.server->tally, bound ? bound->index : crew->options.table->count, reply->status);
}

struct call_sink crew_sink(struct crew *crew) {
    return (struct call_sink){.submit = crew_submit, .refuse = crew_refuse, .cancel = crew_cancel, .context = crew};
}

/* ---- ready lists ---------------------------------------------------------------------------------------------- */

/* A call without an agency (a login) is none of another one. */
static bool is_of_another(const struct crew *crew, agency_id agency) {
    if (uuid_is_nil(agency.u)) return false;
    for (const struct ready *each = crew->lists; each; each = each->hh.next) {
        if (!uuid_is_nil(each->key.agency.u) && !uuid_equal(each->key.agency.u, agency.u)) return true;
    }
    return false;
}

static struct ready *ready_of(struct crew *crew, const struct rpc_item *item) {
    struct ready_key key;
    memset(&key, 0, sizeof key); /* padding is part of the key */
    key.method = item->bound->index;
    key.agency = item->caller.agency;
    struct ready *ready;
    HASH_FIND(hh, crew->lists, &key, sizeof key, ready);
    if (ready) return ready;
    ready = calloc(1, sizeof *ready);
    if (!ready) return NULL;
    ready->key = key;
    crew->many_agencies = crew->many_agencies || is_of_another(crew, key.agency);
    HASH_ADD(hh, crew->lists, key, sizeof ready->key, ready);
    return ready;
}

static void round_push(struct crew *crew, struct ready *ready) {
    if (ready->in_round) return;
    ready->in_round = true;
    ready->next = NULL;
    if (crew->round_last) crew->round_last->next = ready;
    else crew->round_first = ready;
    crew->round_last = ready;
}

static bool ready_push(struct crew *crew, struct call *call) {
    struct rpc_item *item = call->state;
    struct ready *ready = ready_of(crew, item);
    if (!ready) return false;
    item->place = PLACE_READY;
    queue_push(&ready->queue, call);
    round_push(crew, ready);
    return true;
}

/* One agency's trouble, a lock or rows on a slow disk, is not the others': where there are several none has all workers. */
static bool has_its_share(const struct crew *crew, agency_id agency) {
    if (!crew->many_agencies || crew->options.workers < 2) return false;
    int has = 0;
    for (int i = 0; i < crew->options.workers; i++) {
        const struct ready *serves = crew->workers[i].serves;
        has += serves && uuid_equal(serves->key.agency.u, agency.u);
    }
    return has >= crew->options.workers - 1;
}

/* The next list that may begin another batch, taken out of the round; NULL when there is none. */
static struct ready *round_take(struct crew *crew) {
    struct ready *before = NULL;
    for (struct ready *ready = crew->round_first; ready; before = ready, ready = ready->next) {
        if (ready->at_work >= BATCHES_OF_LIST_MAX || has_its_share(crew, ready->key.agency)) continue;
        if (before) before->next = ready->next;
        else crew->round_first = ready->next;
        if (crew->round_last == ready) crew->round_last = before;
        ready->in_round = false;
        return ready;
    }
    return NULL;
}

static size_t batch_cap(const struct rpc_method *method) {
    return method->kind == RPC_ONE || method->kind == RPC_WATCH ? 1 : BATCH_ITEMS_MAX;
}

static size_t batch_take(struct rpc_worker *worker, struct ready *ready) {
    struct crew *crew = worker->crew;
    size_t n = 0, bytes = 0;
    size_t cap = batch_cap(crew->options.table->bounds[ready->key.method].method);
    while (ready->queue.n && n < cap && bytes < BATCH_BYTES_MAX) {
        struct call *call = queue_pop(&ready->queue);
        struct rpc_item *item = call->state;
        item->place = PLACE_WORK;
        bytes += call->request.len;
        worker->items[n++] = item;
    }
    waiting_sub(crew, n);
    if (ready->queue.n) round_push(crew, ready);
    return n;
}

/* ---- parked calls --------------------------------------------------------------------------------------------- */

/* A call without an agency (health) waits for no change. */
static bool has_news(const struct rpc_item *item, const agency_id *agency) {
    return agency ? uuid_equal(item->caller.agency.u, agency->u) : !uuid_is_nil(item->caller.agency.u);
}

static bool is_due(const struct rpc_item *item, int64_t now_us) {
    return now_us >= item->park_until_us || atomic_load(&item->call->cancelled);
}

void crew_wake_parked(struct crew *crew, const agency_id *agency) {
    pthread_mutex_lock(&crew->lock);
    crew->news++;
    struct queue parked = crew->parked;
    crew->parked = (struct queue){0};
    while (parked.n) {
        struct call *call = queue_pop(&parked);
        if (has_news(call->state, agency)) ring_push(crew, call);
        else queue_push(&crew->parked, call);
    }
    pthread_mutex_unlock(&crew->lock);
}

static void wake_due(struct crew *crew, int64_t now_us) {
    struct queue parked = crew->parked;
    crew->parked = (struct queue){0};
    while (parked.n) {
        struct call *call = queue_pop(&parked);
        if (crew->draining || is_due(call->state, now_us)) ring_push(crew, call);
        else queue_push(&crew->parked, call);
    }
}

size_t crew_tick(struct crew *crew, int64_t now_us) {
    pthread_mutex_lock(&crew->lock);
    wake_due(crew, now_us);
    size_t n = crew->parked.n;
    pthread_mutex_unlock(&crew->lock);
    atomic_store_explicit(&crew->parked_at, n, memory_order_relaxed);
    return n;
}

void crew_drain(struct crew *crew) {
    pthread_mutex_lock(&crew->lock);
    crew->draining = true;
    wake_due(crew, INT64_MAX);
    pthread_mutex_unlock(&crew->lock);
}

bool crew_is_draining(const struct crew *crew) {
    return atomic_load(&crew->draining);
}

static void add_stats(struct crew_load *load, const struct db_stats *stats) {
#define X(name, what) load->db.name += atomic_load_explicit(&stats->name, memory_order_relaxed);
    DB_STATS(X)
#undef X
}

static int64_t later(int64_t a_us, const _Atomic int64_t *b_us) {
    int64_t b = atomic_load_explicit(b_us, memory_order_relaxed);
    return a_us > b ? a_us : b;
}

void crew_load(const struct crew *crew, int64_t now_us, struct crew_load *out) {
    *out = (struct crew_load){.waiting = atomic_load_explicit(&crew->waiting, memory_order_relaxed),
                              .waiting_max = (size_t)crew->options.ring_max,
                              .parked = atomic_load_explicit(&crew->parked_at, memory_order_relaxed),
                              .parked_max = (size_t)crew->options.parked_max,
                              .workers = crew->options.workers};
    for (int i = 0; i < crew->options.workers; i++) {
        const struct rpc_worker *worker = &crew->workers[i];
        int64_t began_us = atomic_load_explicit(&worker->began_us, memory_order_relaxed);
        out->busy += began_us != 0;
        if (began_us && now_us - began_us > out->busy_us_max) out->busy_us_max = now_us - began_us;
        add_stats(out, &worker->db.stats);
        out->refused_us = later(out->refused_us, &worker->db.refused_us);
        out->written_us = later(out->written_us, &worker->db.written_us);
    }
}

/* After serve(): where a watching call goes. Under the lock. `news` as it was before. False: it ends with its error. */
static bool watch_settle(struct crew *crew, struct rpc_item *item, uint64_t news) {
    bool again = item->again;
    item->again = false;
    if (item->next_step == RPC_SENT) { /* the door hands it back when the message has left, or never will */
        item->place = PLACE_SENT;
        if (again) ring_push(crew, item->call);
        return true;
    }
    if (crew->draining || crew->parked.n >= (size_t)crew->options.parked_max) {
        item->err = crew->draining ? FAIL(CALL_DRAINING) : FAIL(CALL_OVERLOADED);
        return false;
    }
    item->place = PLACE_PARKED;
    if (again || news != crew->news || atomic_load(&item->call->cancelled)) ring_push(crew, item->call);
    else queue_push(&crew->parked, item->call);
    return true;
}

/* ---- workers -------------------------------------------------------------------------------------------------- */

/* Prepare up to PREPARE_AT_ONCE calls. Called and returns with the lock held. */
static void work_prepare(struct rpc_worker *worker) {
    struct crew *crew = worker->crew;
    struct call *calls[PREPARE_AT_ONCE];
    size_t n = 0;
    while (crew->ring.n && n < PREPARE_AT_ONCE) {
        calls[n] = queue_pop(&crew->ring);
        ((struct rpc_item *)calls[n++]->state)->place = PLACE_WORK;
    }
    pthread_mutex_unlock(&crew->lock);
    instant now = clock_now();
    struct call *good[PREPARE_AT_ONCE];
    size_t n_good = 0;
    for (size_t i = 0; i < n; i++) {
        struct rpc_item *item = calls[i]->state;
        bool fresh = !item->prepared || calls[i]->row->kind == CALL_BIDI;
        if (fresh) bind_prepare(crew->options.server, item, now);
        item->prepared = true;
        if (rpc_ok(item)) good[n_good++] = calls[i];
        else bind_answer(crew->options.server, item);
    }
    pthread_mutex_lock(&crew->lock);
    waiting_sub(crew, n - n_good);
    for (size_t i = 0; i < n_good; i++) {
        if (ready_push(crew, good[i])) continue;
        waiting_sub(crew, 1);
        struct rpc_item *item = good[i]->state;
        item->err = FAIL(OUT_OF_MEMORY);
        bind_answer(crew->options.server, item);
    }
}

/* Serve one batch of a list. Called and returns with the lock held. */
static void work_serve(struct rpc_worker *worker, struct ready *ready) {
    struct crew *crew = worker->crew;
    size_t n = batch_take(worker, ready);
    struct rpc_item *watcher = worker->items[0]->bound->method->kind == RPC_WATCH ? worker->items[0] : NULL;
    uint64_t news = crew->news;
    ready->at_work++;
    worker->serves = ready;
    pthread_mutex_unlock(&crew->lock);
    struct rpc_batch batch = {.server = crew->options.server, .db = &worker->db, .arena = &worker->arena,
                              .items = worker->items, .n = n, .agency = ready->key.agency, .now = clock_now(),
                              .writer = worker->writer};
    if (watcher) watcher->next_step = RPC_FINISH;
    atomic_store_explicit(&worker->began_us, clock_monotonic_us(), memory_order_relaxed);
    bool waits = bind_serve(&batch);
    atomic_store_explicit(&worker->began_us, 0, memory_order_relaxed);
    pthread_mutex_lock(&crew->lock);
    ready->at_work--;
    worker->serves = NULL;
    if (waits && !watch_settle(crew, watcher, news)) bind_answer(crew->options.server, watcher);
    if (crew->round_first && crew->idle) pthread_cond_signal(&crew->work);
}

static void *work(void *context) {
    struct rpc_worker *worker = context;
    struct crew *crew = worker->crew;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        struct ready *ready = NULL;
        /* Everything that waits, not the first 32 of it: the next batch is what is ready now. */
        for (int turns = BATCH_ITEMS_MAX / PREPARE_AT_ONCE; crew->ring.n && turns > 0; turns--) work_prepare(worker);
        if ((ready = round_take(crew))) {
            work_serve(worker, ready);
        } else if (!crew->ring.n) {
            if (crew->stopping && !crew->waiting) break;
            crew->idle++;
            pthread_cond_wait(&crew->work, &crew->lock);
            crew->idle--;
        }
    }
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static tagih_err worker_open(struct rpc_worker *worker, struct crew *crew, int number) {
    worker->crew = crew;
    uint32_t draw;
    random_bytes(&draw, sizeof draw);
    worker->writer = draw >> 1; /* two that draw the same share a chain, under its lock */
    snprintf(worker->name, sizeof worker->name, "worker-%d", number);
    worker->arena_memory = malloc(BATCH_ARENA_FIRST);
    if (!worker->arena_memory) return FAIL(OUT_OF_MEMORY);
    arena_init(&worker->arena, worker->arena_memory, BATCH_ARENA_FIRST);
    arena_may_grow(&worker->arena, BATCH_ARENA_MAX, grow_more, grow_less);
    struct db_options database = crew->options.database;
    database.worker = worker->name;
    tagih_err err = db_open(&worker->db, &database);
    if (!err_is_ok(err)) return err;
    worker->started = pthread_create(&worker->thread, NULL, work, worker) == 0;
    return worker->started ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static void worker_close(struct rpc_worker *worker) {
    if (worker->started) pthread_join(worker->thread, NULL);
    db_release(&worker->db);
    if (worker->arena_memory) arena_reset(&worker->arena);
    free(worker->arena_memory);
}

tagih_err crew_open(const struct crew_options *options, struct crew **out) {
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew) return FAIL(OUT_OF_MEMORY);
    crew->options = *options;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->work, NULL);
    crew->workers = calloc((size_t)options->workers, sizeof *crew->workers);
    tagih_err err = crew->workers ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
    for (int i = 0; i < options->workers && err_is_ok(err); i++) err = worker_open(&crew->workers[i], crew, i);
    if (err_is_ok(err)) *out = crew;
    else crew_close(crew);
    return err;
}

void crew_close(struct crew *crew) {
    if (!crew) return;
    pthread_mutex_lock(&crew->lock);
    crew->stopping = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->lock);
    for (int i = 0; crew->workers && i < crew->options.workers; i++) worker_close(&crew->workers[i]);
    struct ready *ready, *next;
    HASH_ITER(hh, crew->lists, ready, next) {
        HASH_DEL(crew->lists, ready);
        free(ready);
    }
    pthread_cond_destroy(&crew->work);
    pthread_mutex_destroy(&crew->lock);
    free(crew->workers);
    free(crew);
}
