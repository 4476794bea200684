/* SPDX-License-Identifier: Apache-2.0 */
/* The office's commands begin and end here. */
#include "server/cli/office.h"

#include <stdlib.h>
#include <string.h>

#include "run/clock.h"
#include "run/grow.h"
#include "run/log.h"
#include "run/random.h"
#include "store/migrate.h"
#include "store_statements.h"

#define ARENA_FIRST ((size_t)256 * 1024)
#define ARENA_MAX ((size_t)64 << 20)
#define LOOK_UP_US (10 * US_PER_S)

bool office_arena_open(struct arena *arena, void **memory) {
    *memory = malloc(ARENA_FIRST);
    if (!*memory) return false;
    arena_init(arena, *memory, ARENA_FIRST);
    arena_may_grow(arena, ARENA_MAX, grow_more, grow_less);
    return true;
}

void office_arena_close(struct arena *arena, void *memory) {
    if (memory) arena_reset(arena);
    free(memory);
}

struct tx_options office_tx(const struct office *office, const char *name, int seconds) {
    return (struct tx_options){.agency = office->agency, .name = name,
                               .deadline_us = clock_monotonic_us() + seconds * US_PER_S};
}

static tagih_err find_by_name(struct office *office, const char *name) {
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, &office->arena, STMT_agency_by_name, 0);
    params_one_text(&p, bytes_text(name));
    TRY(db_exec_one(&office->db, &p, clock_monotonic_us() + LOOK_UP_US, &r));
    if (result_count(&r) == 1) office->agency.u = result_uuid(&r, 0, COL_agency_by_name_agency_id);
    return TAGIH_OK;
}

static tagih_err load_agency(struct tx *tx, void *context) {
    struct office *office = context;
    struct params p;
    DEFER(result) struct result r = {0};
    params_init(&p, &office->arena, STMT_agency_today, 0);
    params_one_uuid(&p, &office->agency);
    params_one_int8(&p, clock_now().us);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    snprintf(office->agency_name, sizeof office->agency_name, "%s", (const char *)result_text(&r, 0, COL_agency_today_name).data);
    snprintf(office->currency, sizeof office->currency, "%s", (const char *)result_text(&r, 0, COL_agency_today_currency).data);
    office->today = result_date(&r, 0, COL_agency_today_today_on);
    return TAGIH_OK;
}

static tagih_err load(struct office *office) {
    struct tx_options options = office_tx(office, "agency", 10);
    options.read_only = true;
    return tx_run(&office->db, &options, load_agency, office);
}

enum cli_exit office_switch(struct office *office, agency_id agency) {
    office->agency = agency;
    tagih_err err = load(office);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

static enum cli_exit find_agency(struct office *office, const char *agency) {
    tagih_err err = uuid_parse(agency, &office->agency.u);
    if (!err_is_ok(err)) err = find_by_name(office, agency);
    if (err_is_ok(err) && uuid_is_nil(office->agency.u)) return cli_failed("no one agency has the name '%.100s'", agency);
    if (err_is_ok(err)) err = load(office);
    if (err_is(err, ERR_NOT_PERMITTED)) return cli_failed("there is no agency '%.100s'", agency);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

enum cli_exit office_open(const struct cli *cli, const char *agency, struct office *out) {
    *out = (struct office){0};
    if (!agency || !*agency) return cli_usage("--agency is missing: its name or its id");
    enum cli_exit connected = office_connect(cli, out);
    return connected == CLI_OK ? find_agency(out, agency) : connected;
}

enum cli_exit office_connect(const struct cli *cli, struct office *out) {
    *out = (struct office){0};
    if (!*cli->config->database_url) return cli_usage("--database-url (TAGIH_DATABASE_URL) is missing");
    if (!err_is_ok(random_open()) || !office_arena_open(&out->arena, &out->memory)) return cli_failed("no memory");
    random_bytes(&out->writer, sizeof out->writer);
    out->writer &= INT64_MAX;
    struct db_options options = {.conninfo = cli->config->database_url, .worker = "office",
                                 .statements = &store_statements, .schema_version = migrate_version(&migrations_embedded),
                                 .log = log_line, .log_context = (void *)(uintptr_t) "database"};
    tagih_err err = db_open(&out->db, &options);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

void office_close(struct office *office) {
    db_release(&office->db);
    office_arena_close(&office->arena, office->memory);
    grow_forget();
}

bool office_date(const struct office *office, const char *flag, const char *text, civil_date *out) {
    if (text && strcmp(text, "today") == 0) {
        *out = office->today;
        return true;
    }
    if (text && err_is_ok(date_parse(text, out))) return true;
    cli_usage("%s needs a date, YYYY-MM-DD or today", flag);
    return false;
}
