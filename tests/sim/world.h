/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulated world: twenty phones in the field, a network that cannot be trusted, one server whose handlers are the
 * real ones, and a database in memory (model/). One thread, virtual time, one seed: the same plan gives the same bytes.
 *
 *   world.c         what there is: people, phones, accounts; begin, run, end
 *   world_clock.c   the clock and the chance that the server is linked with instead of its own
 *   world_server.c  the server: calls in, answers out; it may die at any ask of its database
 *   world_write.c   what a phone writes into its journal
 *   world_sync.c    how a phone hands it in
 *   world_fate.c    what happens to phones: backups, clones, clocks, revocations, keys
 *   truth.h         what was really issued, told by the phones' side alone
 *   sim_check*.c    the invariants
 */
#ifndef TAGIH_SIM_WORLD_H
#define TAGIH_SIM_WORLD_H

#include <signal.h>
#include <stdio.h>

#include "engine/bind.h"
#include "engine/server.h"
#include "tests/sim/model/model.h"
#include "tests/sim/phone.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/world_truth.h"

#define HANDSETS_MAX (SIM_PHONES_MAX + 8) /* clones come behind the phones */
#define EPOCHS_MAX 4
#define ACCOUNTS_MAX 1200
#define COPIES_MAX 24
#define CURRENCIES 2

/** A debtor's account. */
struct account_of {
    account_id id;
    uuid customer;
    int phone; /* whose it was at first */
    visit_id visit;
    bool dollars;
    int64_t debt_minor, opening_minor[4]; /* as it came: fees, penalty, interest, principal */
};

/** What a backup holds of a phone: how far its journal was, and what it knew. */
struct backup {
    bool is;
    size_t epochs, records;
    uint64_t counts[CURRENCIES];
    int64_t totals_minor[CURRENCIES], receipt_no;
    struct contact contact;
    hash256 head_hash;
    int64_t contiguous_seq;
    bool acked[PHONE_RECORDS_MAX];
};

/** A body that writes a journal: a collector's phone, or a copy of one. */
struct handset {
    int number;                      /* of the collector */
    bool on, is_clone, is_forked;    /* forked: another body writes, or wrote, other entries under its places */
    bool barred;                     /* its device was revoked or suspended at some time */
    struct phone epochs[EPOCHS_MAX]; /* one key each; the last one writes */
    size_t n_epochs;
    instant issued[EPOCHS_MAX]; /* of their certificates */
    uint64_t counts[EPOCHS_MAX][CURRENCIES];
    int64_t totals_minor[EPOCHS_MAX][CURRENCIES];
    struct phone next;       /* the key that it asked for */
    struct record *rotation; /* and the entry that asks; NULL: none */
    int64_t offline_until_us;
    int64_t bag_minor; /* cash in rupiah, as he counts it himself */
    struct backup *backup;
    struct copy {
        uint8_t *bytes;
        size_t len;
    } copies[COPIES_MAX]; /* requests that the network still has somewhere */
    size_t n_copies;
};

/** The process that dies and starts again. */
struct host {
    struct keyring keys;
    struct rpc_table table;
    struct rpc_server rpc;
    struct db db;
    struct arena arena;
    void *arena_memory;
    int64_t writer;
    bool up, dying;
    int64_t up_again_us;
};

/** What is armed against the database: the ask at which it strikes. */
struct trouble {
    enum sim_fault fault;
    int64_t countdown, again; /* again: how many asks more it strikes at */
    bool after;               /* LOST_COMMIT: after it took effect */
};
#define TROUBLES_MAX 32

struct sim_options {
    uint32_t faults;   /* bits of enum sim_fault */
    bool story;        /* keep what happens as lines for people */
    const char *plant; /* the name of a bug that a checker must find (sim_plant.c); NULL: none */
};

/** What a run found. */
struct sim_result {
    bool failed;
    enum sim_invariant invariant;
    char failure[500];
    size_t failed_at; /* index of the event during which it was seen; plan.n: at the end */
    hash256 digest;
    uint64_t faults[FAULT_COUNT], checks[INVARIANT_COUNT];
    uint64_t entries, receipts, calls, batches, repeats;
    uint64_t fates[6], lost_entries;
    bool stopped; /* sim_stop was set: neither passed nor failed */
    int64_t drained_us;
};

struct world {
    const struct plan *plan;
    const struct sim_options *options;
    struct sim_result *result;
    size_t at; /* index of the event that happens */
    int64_t now_us, mono_us;
    struct chance chance; /* the server's luck: its random bytes, jitter */
    struct chance luck;   /* of the event that happens */
    bool calm;            /* faults have stopped */
    struct model *model;
    struct host host;
    installation_id installation;
    agency_id agency;
    team_id team;
    user_id users[SIM_PHONES_MAX];
    device_id devices[SIM_PHONES_MAX];
    struct handset handsets[HANDSETS_MAX];
    size_t n_handsets;
    struct account_of accounts[ACCOUNTS_MAX];
    size_t n_accounts;
    struct truth truth;
    struct trouble troubles[TROUBLES_MAX];
    size_t n_troubles;
    entry_id poisoned; /* nil: none. The entry whose row the database refuses */
    uint64_t handovers;
    struct checks *checks;
    char *story;
    size_t story_len, story_room;
};

/** The one world of this process: what the clock and the chance that are linked into the server belong to. */
extern struct world *the_world;

/** Set by a signal: runs end at the next event. */
extern volatile sig_atomic_t sim_stop;

/** Make the world of a plan, let all of it happen, and check it. `story`: [out] to be freed, NULL without options->story. */
void world_run(const struct plan *plan, const struct sim_options *options, struct sim_result *out, char **story);
/** Free what runs share. */
void world_forget(void);

/* ---- between its parts ------------------------------------------------------------------------------------------ */

/** Is this fault allowed in this run and now? */
bool world_may(const struct world *world, enum sim_fault fault);
/** Draw, whether it is allowed or not, so that what is drawn later stays the same; count it when it happens. */
bool world_draw(struct world *world, enum sim_fault fault, int percent);
void world_count(struct world *world, enum sim_fault fault);
/** A line of the story, behind day, time and phone. @param handset  NULL: nobody's */
void world_tell(struct world *world, const struct handset *handset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Something that must hold does not: the run ends here. The first one counts. */
void world_fail(struct world *world, enum sim_invariant invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool world_failed(const struct world *world) {
    return world->result->failed;
}

static inline struct phone *handset_phone(struct handset *handset) {
    return &handset->epochs[handset->n_epochs - 1];
}
/** The body that does what an event says: the phone, or now and then its clone. */
struct handset *world_handset(struct world *world, int phone);

/* world_server.c */

/** A call as it travels: bytes there, bytes back. */
struct delivery {
    struct handset *from; /* NULL: an old copy, nobody waits for its answer */
    struct bytes request;
    uint8_t *answer; /* NULL: none came */
    size_t answer_len;
    enum call_status status;
    bool answered;
};
void server_open(struct world *world);
void server_close(struct world *world);
/** It is started, if it is down and its time has come. */
bool server_is_up(struct world *world);
/** Stop it and start it again: its memory is gone. */
void server_restart(struct world *world);
/** It is gone until its time comes. */
void server_stop(struct world *world);
/** Serve calls that came in together. */
void server_serve(struct world *world, struct delivery *const *calls, size_t n);
/** A device certificate, as the server signs it, put into `phone` and into the database. */
void server_certify(struct world *world, struct handset *handset, size_t epoch);

/* world_write.c */
void write_receipt(struct world *world, struct handset *handset, const struct event *event);
void write_void(struct world *world, struct handset *handset, const struct event *event);
void write_check_in(struct world *world, struct handset *handset, const struct event *event);
void write_outcome(struct world *world, struct handset *handset, const struct event *event);
void write_promise(struct world *world, struct handset *handset, const struct event *event);
void write_reprint(struct world *world, struct handset *handset, const struct event *event);
void write_number_lost(struct world *world, struct handset *handset, const struct event *event);
void write_deposit(struct world *world, struct handset *handset, const struct event *event);
void write_handover(struct world *world, struct handset *handset, const struct event *event);
void write_incident(struct world *world, struct handset *handset, const struct event *event);
void write_day_close(struct world *world, struct handset *handset, const struct event *event);
void write_rotation(struct world *world, struct handset *handset, const struct event *event);

/* world_sync.c */

/** Hand in what these bodies have; those that have no network do nothing. */
void sync_all(struct world *world, struct handset *const *handsets, size_t n);
void sync_late_copy(struct world *world, struct handset *handset);
/** How many of its entries are not acknowledged, and, unless it forked, not covered by a certificate. */
size_t sync_owed(struct handset *handset);

/* world_fate.c */
void fate_backup(struct world *world, struct handset *handset);
void fate_restore(struct world *world, struct handset *handset);
void fate_clone(struct world *world, struct handset *handset);
void fate_reboot(struct world *world, struct handset *handset);
void fate_clock(struct world *world, struct handset *handset, int64_t minutes);
void fate_device(struct world *world, struct handset *handset, int state);
void fate_lease(struct world *world, struct handset *handset, const struct event *event);
/** A phone whose new key was taken fetches its certificate and writes with it from then on. */
void fate_new_key(struct world *world, struct handset *handset);

#endif
