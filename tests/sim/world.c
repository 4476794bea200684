/* SPDX-License-Identifier: Apache-2.0 */
/* A world from its beginning to its end: people, phones and accounts are made, the plan happens, faults stop, phones
 * drain, everything is checked. */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "domain/role.h"
#include "run/random.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_plant.h"

#define DRAIN_US_MAX (60 * US_PER_S) /* I12 */
#define ACCOUNTS_EACH 50
#define RUPIAH INT64_C(100)

struct world *the_world;
volatile sig_atomic_t sim_stop;

/* ---- what everybody uses --------------------------------------------------------------------------------------- */

bool world_may(const struct world *world, enum sim_fault fault) {
    return !world->calm && (world->options->faults >> fault & 1);
}

void world_count(struct world *world, enum sim_fault fault) {
    world->result->faults[fault]++;
}

bool world_draw(struct world *world, enum sim_fault fault, int percent) {
    bool drawn = chance_percent(&world->luck, percent);
    if (!drawn || !world_may(world, fault)) return false;
    world_count(world, fault);
    return true;
}

void world_fail(struct world *world, enum sim_invariant invariant, const char *format, ...) {
    struct sim_result *result = world->result;
    if (result->failed) return;
    va_list args;
    va_start(args, format);
    vsnprintf(result->failure, sizeof result->failure, format, args);
    va_end(args);
    result->failed = true;
    result->invariant = invariant;
    result->failed_at = world->at;
}

static void append(struct world *world, const char *text) {
    size_t len = strlen(text);
    if (world->story_len + len + 1 > world->story_room) {
        world->story_room = 2 * world->story_room + len + 1024;
        world->story = realloc(world->story, world->story_room);
        assert(world->story);
    }
    memcpy(world->story + world->story_len, text, len + 1);
    world->story_len += len;
}

void world_tell(struct world *world, const struct handset *handset, const char *format, ...) {
    if (!world->options->story) return;
    int64_t us = world->now_us - world->plan->start_us;
    char line[400], who[32] = "";
    if (handset) snprintf(who, sizeof who, "phone %d%s ", handset->number + 1, handset->is_clone ? "'s copy" : "");
    int len =
        snprintf(line, sizeof line, "day %d %02d:%02d:%02d  %s", (int)(us / US_PER_DAY) + 1,
                 (int)(us / (60 * US_PER_MINUTE) % 24), (int)(us / US_PER_MINUTE % 60), (int)(us / US_PER_S % 60), who);
    va_list args;
    va_start(args, format);
    vsnprintf(line + len, sizeof line - (size_t)len - 1, format, args);
    va_end(args);
    append(world, line);
    append(world, "\n");
}

/* The body that does what an event says: the phone, or now and then its clone. */
struct handset *world_handset(struct world *world, int phone) {
    bool clone = chance_percent(&world->luck, 40);
    for (size_t i = SIM_PHONES_MAX; i < world->n_handsets && clone; i++) {
        if (world->handsets[i].on && world->handsets[i].number == phone) return &world->handsets[i];
    }
    return &world->handsets[phone];
}

/* ---- the beginning --------------------------------------------------------------------------------------------- */

static civil_date day_of(int64_t us) {
    return (civil_date){(int32_t)((us + 7 * 60 * US_PER_MINUTE) / US_PER_DAY)};
}

static void make_account(struct world *world, int phone) {
    struct account_of *account = &world->accounts[world->n_accounts++];
    struct chance *chance = &world->luck;
    *account = (struct account_of){.id = {random_id()},
                                   .customer = random_id(),
                                   .phone = phone,
                                   .visit = {random_id()},
                                   .dollars = chance_percent(chance, 4)};
    struct model_instalment dues[6];
    size_t n = (size_t)chance_between(chance, 1, 6);
    int64_t unit = account->dollars ? 1000 : 1000 * RUPIAH;
    civil_date today = day_of(world->now_us);
    int32_t oldest = (int32_t)chance_between(chance, 1, 200);
    for (size_t i = 0; i < n; i++) {
        dues[i] = (struct model_instalment){.due_on = {today.days - oldest + 30 * (int32_t)i},
                                            .fees_minor = chance_between(chance, 0, 40) * unit,
                                            .penalty_minor = chance_between(chance, 0, 90) * unit,
                                            .interest_minor = chance_between(chance, 20, 400) * unit,
                                            .principal_minor = chance_between(chance, 200, 3000) * unit};
        const int64_t parts[] = {dues[i].fees_minor, dues[i].penalty_minor, dues[i].interest_minor, dues[i].principal_minor};
        for (int c = 0; c < 4; c++) account->opening_minor[c] += parts[c];
        account->debt_minor += parts[0] + parts[1] + parts[2] + parts[3];
    }
    model_account(world->model, &(struct model_account){.agency = world->agency,
                                                        .account = account->id,
                                                        .customer = account->customer,
                                                        .collector = world->users[phone],
                                                        .currency = account->dollars ? "USD" : NULL,
                                                        .lat_e7 = -62000000,
                                                        .lon_e7 = 1068000000,
                                                        .as_of_on = {today.days - 1},
                                                        .at_us = world->now_us,
                                                        .instalments = dues,
                                                        .n_instalments = n});
    model_visit(world->model, &(struct model_visit){.agency = world->agency,
                                                    .visit = account->visit,
                                                    .account = account->id,
                                                    .collector = world->users[phone],
                                                    .purpose = 1,
                                                    .policy = 1,
                                                    .from_us = world->now_us,
                                                    .until_us = world->plan->start_us + world->plan->days * US_PER_DAY,
                                                    .planned_on = today});
}

static void make_phone(struct world *world, int number) {
    world->users[number].u = random_id();
    world->devices[number].u = random_id();
    model_user(world->model, world->agency, world->users[number], ROLE_COLLECTOR, world->team, world->now_us);
    struct handset *handset = &world->handsets[number];
    *handset = (struct handset){.number = number, .on = true, .n_epochs = 1};
    struct phone *phone = &handset->epochs[0];
    phone_init(phone, world->plan->seed, UINT64_C(0x40000000) + (uint64_t)number);
    phone->installation = world->installation;
    phone->device = world->devices[number];
    phone->now_us = phone->booted_us = world->now_us;
    const enum key_purpose purposes[] = {KEY_ACK, KEY_DEVICE};
    for (size_t i = 0; i < 2; i++)
        phone->server_keys[phone->server_key_count++] = keyring_signing(&world->host.keys, purposes[i])->public_key;
    server_certify(world, handset, 0);
    model_target(world->model, world->agency, world->users[number], date_month(day_of(world->now_us)), 200000000 * RUPIAH,
                 world->now_us);
}

static int64_t model_mono(void *context) {
    (void)context;
    return the_world->mono_us;
}

static int64_t model_wall(void *context) {
    (void)context;
    return the_world->now_us;
}

static void model_sleep(void *context, int64_t us) {
    (void)context;
    the_world->now_us += us;
    the_world->mono_us += us;
}

/* The database is made once: reading its migrations and statements takes longer than a short run. */
static struct model *kept_model;

static struct model *fresh_model(void) {
    if (kept_model) model_reset(kept_model);
    else
        kept_model =
            model_open(&(struct model_options){.mono_us = model_mono, .wall_us = model_wall, .sleep_us = model_sleep});
    return kept_model;
}

void world_forget(void) {
    if (kept_model) model_close(kept_model);
    kept_model = NULL;
}

static void begin(struct world *world) {
    static uint64_t runs;
    tagih_err err = random_open(); /* draws when it is the first time: before the seed's own chance begins */
    assert(err_is_ok(err));
    (void)err;
    world->chance = chance_of(world->plan->seed, sim_plant_is(world, "luck") ? 1000 + ++runs : 3);
    world->luck = chance_of(world->plan->seed, 4);
    world->now_us = world->plan->start_us + 60 * US_PER_MINUTE;
    world->mono_us = chance_between(&world->luck, 1, 1000000) * US_PER_S;
    world->model = fresh_model();
    random_bytes(world->installation.b, sizeof world->installation.b);
    world->agency.u = random_id();
    world->team.u = random_id();
    server_open(world);
    model_agency(world->model, world->agency, "Simulated", world->now_us);
    model_team(world->model, world->agency, world->team, "Field", world->now_us);
    for (int i = 0; i < world->plan->phones; i++) make_phone(world, i);
    for (int i = 0; i < world->plan->phones * ACCOUNTS_EACH; i++) make_account(world, i / ACCOUNTS_EACH);
    world->n_handsets = SIM_PHONES_MAX;
    world->checks = checks_new(world);
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

typedef void (*write_fn)(struct world *world, struct handset *handset, const struct event *event);

/* Kinds of entries: a kind is written when it has a row. */
static const write_fn writes[ACT_COUNT] = {
    [ACT_RECEIPT] = write_receipt,         [ACT_VOID] = write_void,           [ACT_CHECK_IN] = write_check_in,
    [ACT_OUTCOME] = write_outcome,         [ACT_PROMISE] = write_promise,     [ACT_REPRINT] = write_reprint,
    [ACT_NUMBER_LOST] = write_number_lost, [ACT_DEPOSIT] = write_deposit,     [ACT_HANDOVER] = write_handover,
    [ACT_INCIDENT] = write_incident,       [ACT_DAY_CLOSE] = write_day_close, [ACT_ROTATE] = write_rotation,
};

static void arm(struct world *world, const struct event *event) {
    enum sim_fault fault = plan_fault_of(event);
    if (world->n_troubles == TROUBLES_MAX) return;
    if (fault == FAULT_POISON) {
        check_poison(world);
        return;
    }
    int64_t again = fault == FAULT_DISK_FULL       ? chance_between(&world->luck, 1, 40)
                    : fault == FAULT_SERIALIZATION ? chance_between(&world->luck, 1, 3)
                                                   : 1;
    world->troubles[world->n_troubles++] =
        (struct trouble){.fault = fault, .countdown = event->arg, .again = again, .after = chance_percent(&world->luck, 60)};
}

/* What happens to a phone, or to the server. */
static void befall(struct world *world, struct handset *handset, const struct event *event) {
    switch ((enum act)event->act) {
        case ACT_OFFLINE:
            handset->offline_until_us = world->now_us + event->arg * US_PER_MINUTE;
            world_count(world, FAULT_OFFLINE);
            world_tell(world, handset, "is without network for %d minutes", event->arg);
            break;
        case ACT_LATE_COPY:
            sync_late_copy(world, handset);
            break;
        case ACT_REBOOT:
            fate_reboot(world, handset);
            world_count(world, FAULT_PHONE_CRASH);
            world_tell(world, handset, "dies and starts anew");
            break;
        case ACT_BACKUP:
            fate_backup(world, handset);
            break;
        case ACT_RESTORE:
            fate_restore(world, handset);
            break;
        case ACT_CLONE:
            fate_clone(world, handset);
            break;
        case ACT_CLOCK:
            fate_clock(world, handset, event->arg);
            break;
        case ACT_REVOKE:
            fate_device(world, handset, 4);
            break;
        case ACT_SUSPEND:
            fate_device(world, handset, 3);
            break;
        case ACT_REACTIVATE:
            fate_device(world, handset, 2);
            break;
        case ACT_LEASE:
            fate_lease(world, handset, event);
            break;
        case ACT_RESTART:
            if (!world->host.up) break;
            server_restart(world);
            world_count(world, FAULT_SERVER_RESTART);
            world_tell(world, NULL, "the server is stopped and started again");
            break;
        case ACT_CRASH:
        case ACT_TROUBLE:
            arm(world, event);
            break;
        default:
            break;
    }
}

static struct handset *bodies_of(struct world *world, int phone, size_t from) {
    for (size_t i = from; i < world->n_handsets; i++) {
        if (world->handsets[i].on && world->handsets[i].number == phone) return &world->handsets[i];
    }
    return NULL;
}

/* All syncs of one instant come in together. @return how many events that were */
static size_t sync_together(struct world *world, size_t first) {
    const struct plan *plan = world->plan;
    struct handset *together[HANDSETS_MAX];
    size_t n = 0, i = first;
    for (; i < plan->n && plan->events[i].at_us == plan->events[first].at_us; i++) {
        const struct event *event = &plan->events[i];
        if (event->off || event->act != ACT_SYNC) continue;
        struct handset *body = bodies_of(world, event->phone, 0);
        for (; body && n < HANDSETS_MAX; body = bodies_of(world, event->phone, (size_t)(body - world->handsets) + 1))
            together[n++] = body;
    }
    sync_all(world, together, n);
    return i - first;
}

static void move_to(struct world *world, int64_t at_us) {
    if (at_us <= world->now_us) return;
    world->mono_us += at_us - world->now_us;
    world->now_us = at_us;
}

/* @return how many events of the plan were dealt with */
static size_t happen(struct world *world, size_t at) {
    const struct event *event = &world->plan->events[at];
    enum sim_fault fault = plan_fault_of(event);
    if (event->off || (fault != FAULT_COUNT && !world_may(world, fault))) return 1;
    move_to(world, event->at_us);
    world->luck = chance_of(world->plan->seed, UINT64_C(0x100000000) + event->salt);
    if (event->act == ACT_SYNC) return sync_together(world, at);
    if (writes[event->act]) {
        struct handset *handset = world_handset(world, event->phone);
        writes[event->act](world, handset, event);
    } else {
        befall(world, &world->handsets[event->phone], event);
    }
    return 1;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

/* Faults stop: within 60 s every phone knows that it may delete everything (I12). */
static void drain(struct world *world) {
    world->calm = true;
    world->n_troubles = 0;
    world->host.up_again_us = world->now_us;
    struct handset *all[HANDSETS_MAX];
    size_t n = 0, owed = 1;
    for (size_t i = 0; i < world->n_handsets; i++) {
        if (world->handsets[i].on) all[n++] = &world->handsets[i];
    }
    int64_t began_us = world->now_us;
    while (owed && !world_failed(world) && world->now_us - began_us <= DRAIN_US_MAX) {
        sync_all(world, all, n);
        owed = 0;
        for (size_t i = 0; i < n; i++) owed += sync_owed(all[i]);
        if (owed) move_to(world, world->now_us + US_PER_S);
    }
    world->result->drained_us = world->now_us - began_us;
    world->result->checks[INVARIANT_I12]++;
    if (owed)
        world_fail(world, INVARIANT_I12, "60 s after faults stopped phones still hold %zu things that no server has taken",
                   owed);
}

static void finish(struct world *world) {
    world->at = world->plan->n;
    drain(world);
    if (!world_failed(world)) check_look(world);
    if (world_failed(world)) return;
    sim_plant(world);
    check_end(world);
}

static void release_handset(struct handset *handset) {
    for (size_t e = 0; e < handset->n_epochs; e++) phone_release(&handset->epochs[e]);
    if (handset->rotation) phone_release(&handset->next);
    for (size_t i = 0; i < handset->n_copies; i++) free(handset->copies[i].bytes);
    free(handset->backup);
}

static void end(struct world *world) {
    for (size_t i = 0; i < world->n_handsets; i++) {
        if (world->handsets[i].on) release_handset(&world->handsets[i]);
    }
    truth_release(&world->truth);
    checks_free(world->checks);
    server_close(world);
    model_hook(world->model, NULL, NULL);
}

void world_run(const struct plan *plan, const struct sim_options *options, struct sim_result *out, char **story) {
    struct world *world = calloc(1, sizeof *world);
    assert(world);
    *out = (struct sim_result){0};
    world->plan = plan;
    world->options = options;
    world->result = out;
    the_world = world;
    begin(world);
    for (size_t i = 0; i < plan->n && !world_failed(world) && !sim_stop;) {
        world->at = i;
        i += happen(world, i);
        if (plan->events[world->at].act == ACT_SYNC && !world_failed(world)) check_step(world);
    }
    out->stopped = sim_stop;
    if (!world_failed(world) && !sim_stop) finish(world);
    model_digest(world->model, &out->digest);
    *story = world->story;
    end(world);
    free(world);
    the_world = NULL;
}
