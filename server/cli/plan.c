/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd plan: gives each collector a day's visits out of the accounts that the agency holds. His own accounts come
 * first; those that nobody works are dealt bucket by bucket in an order that --seed decides, one to each collector in
 * turn without starting anew between buckets (R-DIS-1), and become his. Run again, it fills up what is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "rpc/visit_expire.h"
#include "rpc/visit_plan.h"
#include "run/clock.h"
#include "run/random.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "store_statements.h"
#include "tagih/bucket.h"
#include "tagih/check_in.h"

#define PER_COLLECTOR_MAX 200
#define COLLECTORS_MAX 5000
#define BATCH 500

static const char *agency_name, *day_text, *collectors_text, *count_text, *policy_text, *consent, *expire, *seed_text;

static const struct config_flag flags[] = {
    {"--agency", "NAME", "its name or id", &agency_name},
    {"--day", "DATE", "the day to plan, or today", &day_text},
    {"--collectors", "LOGINS", "all, or logins with commas between them (default all)", &collectors_text},
    {"--per-collector", "N", "visits a collector has that day in the end, 1 to 200 (default 20)", &count_text},
    {"--policy", "POLICY", "how strictly presence is judged: none, soft or hard (default soft)", &policy_text},
    {"--seed", "N", "decides the order of the accounts (default 1)", &seed_text},
    {"--consent", NULL, "the debtors consented to this day and place: what the contact gate denies there is allowed", &consent},
    {"--expire", NULL, "only end leases that are over", &expire},
    {0},
};

struct collector {
    user_id id;
    char login[65];
    int32_t before, planned, refused;
    int32_t room;
};

struct candidate {
    account_id account;
    enum bucket bucket;
    bool has_collector;
    user_id collector;
};

struct planning {
    struct office office;
    civil_date day;
    int32_t per_collector, seed;
    int16_t policy;
    struct collector *collectors;
    size_t n_collectors;
    struct candidate *candidates;
    size_t n_candidates;
    struct visit_plan *plans;
    size_t n_plans;
    size_t *owner; /* of each plan */
};

static bool is_wanted(const char *login) {
    if (!collectors_text || strcmp(collectors_text, "all") == 0) return true;
    size_t len = strlen(login);
    for (const char *at = collectors_text; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        if (strcspn(at, ",") == len && strncmp(at, login, len) == 0) return true;
    }
    return false;
}

static tagih_err load_collectors(struct tx *tx, void *context) {
    struct planning *plan = context;
    struct params p;
    DEFER(result) struct result r = {0};
    arena_reset(&plan->office.arena);
    params_init(&p, &plan->office.arena, STMT_visit_collectors, 0);
    params_one_uuid(&p, &plan->office.agency);
    params_one_date(&p, plan->day);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    plan->n_collectors = 0;
    for (size_t i = 0; i < result_count(&r) && plan->n_collectors < COLLECTORS_MAX; i++) {
        const char *login = (const char *)result_text(&r, i, COL_visit_collectors_login).data;
        if (!is_wanted(login)) continue;
        struct collector *c = &plan->collectors[plan->n_collectors++];
        *c = (struct collector){.id.u = result_uuid(&r, i, COL_visit_collectors_user_id),
                                .before = result_int4(&r, i, COL_visit_collectors_planned)};
        c->room = c->before < plan->per_collector ? plan->per_collector - c->before : 0;
        snprintf(c->login, sizeof c->login, "%s", login);
    }
    return TAGIH_OK;
}

static tagih_err load_candidates(struct tx *tx, void *context) {
    struct planning *plan = context;
    struct params p;
    DEFER(result) struct result r = {0};
    arena_reset(&plan->office.arena);
    params_init(&p, &plan->office.arena, STMT_visit_deal, plan->n_collectors);
    params_one_uuid(&p, &plan->office.agency);
    params_uuid(&p, &plan->collectors[0].id, sizeof *plan->collectors);
    params_one_date(&p, plan->day);
    params_one_int4(&p, plan->per_collector);
    params_one_int4(&p, plan->per_collector * (int32_t)plan->n_collectors);
    params_one_int4(&p, plan->seed);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    free(plan->candidates);
    plan->n_candidates = result_count(&r);
    plan->candidates = calloc(plan->n_candidates + 1, sizeof *plan->candidates);
    if (!plan->candidates) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < plan->n_candidates; i++) {
        plan->candidates[i] = (struct candidate){
            .account.u = result_uuid(&r, i, COL_visit_deal_account_id),
            .bucket = bucket_of(&bucket_scheme_default, result_int4(&r, i, COL_visit_deal_days_past_due)),
            .has_collector = !result_is_null(&r, i, COL_visit_deal_collector_id),
            .collector.u = result_uuid_or_nil(&r, i, COL_visit_deal_collector_id)};
    }
    return TAGIH_OK;
}

/* ---- dealing -------------------------------------------------------------------------------------------------- */

static void give(struct planning *plan, const struct candidate *candidate, size_t collector) {
    struct collector *c = &plan->collectors[collector];
    c->room--;
    plan->owner[plan->n_plans] = collector;
    plan->plans[plan->n_plans++] = (struct visit_plan){
        .key = {.id.u = random_id(), .account = candidate->account, .collector = c->id, .purpose = 1, .planned_on = plan->day},
        .policy = plan->policy, .radius_mm = VISIT_RADIUS_MM_DEFAULT, .consent = consent != NULL};
}

static void deal_own(struct planning *plan) {
    for (size_t i = 0; i < plan->n_candidates; i++) {
        const struct candidate *candidate = &plan->candidates[i];
        for (size_t k = 0; candidate->has_collector && k < plan->n_collectors; k++) {
            struct collector *c = &plan->collectors[k];
            if (c->room > 0 && uuid_equal(c->id.u, candidate->collector.u)) give(plan, candidate, k);
        }
    }
}

/* The next collector in turn who has room; n_collectors: nobody has. */
static size_t next_with_room(const struct planning *plan, size_t from) {
    for (size_t k = 0; k < plan->n_collectors; k++) {
        size_t at = (from + k) % plan->n_collectors;
        if (plan->collectors[at].room > 0) return at;
    }
    return plan->n_collectors;
}

static void deal_free(struct planning *plan) {
    size_t turn = 0;
    for (int bucket = BUCKET_B0; bucket < BUCKET_COUNT; bucket++) {
        for (size_t i = 0; i < plan->n_candidates; i++) {
            const struct candidate *candidate = &plan->candidates[i];
            if (candidate->has_collector || (int)candidate->bucket != bucket) continue;
            size_t who = next_with_room(plan, turn);
            if (who == plan->n_collectors) return;
            give(plan, candidate, who);
            turn = who + 1;
        }
    }
}

/* ---- saving --------------------------------------------------------------------------------------------------- */

struct chunk {
    struct planning *plan;
    size_t first;
};

static tagih_err save_range(struct tx *tx, void *context, size_t first, size_t count) {
    const struct chunk *chunk = context;
    struct visit_plan *plans = chunk->plan->plans + chunk->first + first;
    struct arena *arena = &chunk->plan->office.arena;
    instant now = clock_now();
    arena_reset(arena);
    for (size_t i = 0; i < count; i++) plans[i].err = TAGIH_OK;
    TRY(plans_send_load(tx, arena, plans, count, now));
    TRY(tx_sync(tx));
    return plans_decide(tx, arena, plans, count, NULL, now);
}

static void save_failed(void *context, size_t i, tagih_err err) {
    const struct chunk *chunk = context;
    chunk->plan->plans[chunk->first + i].err = err;
}

static tagih_err save_all(struct planning *plan) {
    for (size_t first = 0; first < plan->n_plans; first += BATCH) {
        size_t n = plan->n_plans - first < BATCH ? plan->n_plans - first : BATCH;
        struct chunk chunk = {plan, first};
        struct tx_options options = office_tx(&plan->office, "plan", 60);
        TRY(tx_run_halving(&plan->office.db, &options, n, save_range, save_failed, &chunk, NULL));
        fprintf(stderr, "\r%zu of %zu visits", first + n, plan->n_plans);
    }
    if (plan->n_plans) fputc('\n', stderr);
    return TAGIH_OK;
}

static int32_t print_report(const struct planning *plan) {
    int32_t planned = 0, refused = 0, had = 0;
    tagih_err first = TAGIH_OK;
    for (size_t i = 0; i < plan->n_plans; i++) {
        struct collector *c = &plan->collectors[plan->owner[i]];
        bool fine = err_is_ok(plan->plans[i].err);
        c->planned += fine;
        c->refused += !fine;
        if (!fine && err_is_ok(first)) first = plan->plans[i].err;
    }
    printf("%-32s %8s %8s %8s\n", "collector", "planned", "had", "refused");
    for (size_t k = 0; k < plan->n_collectors; k++) {
        const struct collector *c = &plan->collectors[k];
        printf("%-32s %8d %8d %8d\n", c->login, c->planned, c->before, c->refused);
        planned += c->planned, had += c->before, refused += c->refused;
    }
    printf("%-32s %8d %8d %8d\n", "all", planned, had, refused);
    if (refused) printf("\nrefused, first: %s: %s\n", err_token(first), err_text(first));
    return refused;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static enum cli_exit expire_all(struct planning *plan) {
    size_t n, total = 0;
    do {
        tagih_err err = visits_expire(&plan->office.db, &plan->office.arena, plan->office.agency, clock_now(),
                                      clock_monotonic_us() + 60 * US_PER_S, &n);
        if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
        total += n;
    } while (n == VISIT_EXPIRE_MAX);
    printf("leases ended: %zu\n", total);
    return CLI_OK;
}

static bool read_number(const char *flag, const char *text, long otherwise, long min, long max, int32_t *out) {
    char *end = NULL;
    long value = text ? strtol(text, &end, 10) : otherwise;
    if (text && (!*text || *end || value < min || value > max)) {
        cli_usage("%s is a number from %ld to %ld", flag, min, max);
        return false;
    }
    *out = (int32_t)value;
    return true;
}

static bool read_policy(int16_t *out) {
    static const char *const names[] = {"none", "soft", "hard"};
    *out = PRESENCE_POLICY_SOFT;
    for (int16_t i = 0; policy_text && i < 3; i++) {
        if (strcmp(policy_text, names[i]) != 0) continue;
        *out = i;
        return true;
    }
    if (policy_text) cli_usage("--policy is none, soft or hard");
    return !policy_text;
}

static enum cli_exit plan_day(struct planning *plan) {
    struct tx_options options = office_tx(&plan->office, "plan", 60);
    options.read_only = true;
    tagih_err err = tx_run(&plan->office.db, &options, load_collectors, plan);
    if (err_is_ok(err) && plan->n_collectors == 0) return cli_failed("there is no active collector of these logins");
    if (err_is_ok(err)) err = tx_run(&plan->office.db, &options, load_candidates, plan);
    size_t most = plan->n_collectors * (size_t)plan->per_collector + 1;
    plan->plans = calloc(most, sizeof *plan->plans);
    plan->owner = calloc(most, sizeof *plan->owner);
    if (!plan->plans || !plan->owner) return cli_failed("no memory");
    if (err_is_ok(err)) {
        deal_own(plan);
        deal_free(plan);
        err = save_all(plan);
    }
    if (!err_is_ok(err)) return cli_failed("%s; what is planned stays so: run it again to go on", err_text(err));
    return print_report(plan) ? CLI_PARTLY : CLI_OK;
}

static enum cli_exit run(const struct cli *cli) {
    static struct planning plan;
    if (cli->n_args) return cli_usage("plan takes no words");
    if (!read_number("--per-collector", count_text, 20, 1, PER_COLLECTOR_MAX, &plan.per_collector)) return CLI_USAGE;
    if (!read_number("--seed", seed_text, 1, 0, INT32_MAX, &plan.seed) || !read_policy(&plan.policy)) return CLI_USAGE;
    plan.collectors = calloc(COLLECTORS_MAX, sizeof *plan.collectors);
    if (!plan.collectors) return cli_failed("no memory");
    enum cli_exit code = office_open(cli, agency_name, &plan.office);
    if (code == CLI_OK && expire) code = expire_all(&plan);
    else if (code == CLI_OK && !office_date(&plan.office, "--day", day_text, &plan.day)) code = CLI_USAGE;
    else if (code == CLI_OK) code = plan_day(&plan);
    office_close(&plan.office);
    free(plan.collectors);
    free(plan.candidates);
    free(plan.plans);
    free(plan.owner);
    return code;
}

const struct cli_command cli_plan = {
    .name = "plan",
    .words = "--agency A --day DATE [--collectors all|LOGIN,…] [--per-collector N] [--policy none|soft|hard] | --agency A --expire",
    .summary = "Plan a day's visits for collectors",
    .text = "Each collector's own accounts come first; accounts that nobody works are dealt out and become his. Run again,\n"
            "it fills up what is missing. Exit codes: 0 all planned, 3 some were refused, 1 it ended early, 2 wrong usage.",
    .flags = flags,
    .run = run};
