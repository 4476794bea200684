/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd user add | list | suspend | password: people who may log in, from the first one on. */
#include <string.h>

#include "domain/role.h"
#include "run/clock.h"
#include "run/random.h"
#include "server/cli/commands.h"
#include "server/cli/office.h"
#include "server/cli/secret.h"
#include "store/staff.h"
#include "store_statements.h"

#define NAME_LEN_MAX 100

static const char *agency_name, *new_agency, *time_zone, *login, *person, *role_names, *team_name, *generate;

struct user_add {
    struct office *office;
    struct staff_row row;
};

static enum cli_exit check_name(const char *flag, const char *text) {
    if (text && *text && bytes_is_text(bytes_text(text), NAME_LEN_MAX)) return CLI_OK;
    return cli_usage("%s is text of 1 to %d bytes", flag, NAME_LEN_MAX);
}

/* "collector,cashier" → bits; 0 with the reason said. */
static uint32_t read_roles(const char *names) {
    uint32_t roles = 0;
    while (names && *names) {
        size_t len = strcspn(names, ",");
        uint32_t role = role_parse(bytes_make(names, len));
        if (!role) {
            cli_usage("there is no role '%.*s'", (int)(len < 40 ? len : 40), names);
            return 0;
        }
        roles |= role;
        names += len + (names[len] == ',');
    }
    if (!roles) cli_usage("--role needs roles, with commas: collector, officer, supervisor, cashier, auditor, integration, admin");
    return roles;
}

/* ---- add ------------------------------------------------------------------------------------------------------ */

/* The team of that name, made when it is new. */
static tagih_err put_team(struct tx *tx, struct user_add *add) {
    struct arena *arena = &add->office->arena;
    DEFER(result) struct result r = {0};
    TRY(team_send_find(tx, arena, bytes_text(team_name)));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    add->row.has_team = true;
    if (result_count(&r) > 0) {
        add->row.team.u = result_uuid(&r, 0, COL_team_find_team_id);
        return TAGIH_OK;
    }
    add->row.team.u = random_id();
    return team_send_insert(tx, arena, add->row.team, bytes_text(team_name), add->row.at);
}

static tagih_err add_in(struct tx *tx, void *context) {
    struct user_add *add = context;
    struct arena *arena = &add->office->arena;
    if (new_agency) {
        TRY(agency_send_insert(tx, arena, bytes_text(new_agency), bytes_text(time_zone), add->row.at));
    }
    if (team_name) TRY(put_team(tx, add));
    return staff_send_insert(tx, arena, &add->row);
}

static enum cli_exit check_zone(struct office *office) {
    bool known = false;
    tagih_err err = time_zone_find(&office->db, &office->arena, bytes_text(time_zone), clock_monotonic_us() + 10 * US_PER_S, &known);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    if (!known) return cli_usage("there is no time zone '%.60s'; one is Asia/Jakarta", time_zone);
    office->agency.u = random_id();
    return CLI_OK;
}

static enum cli_exit check_login_free(struct office *office) {
    struct staff_login there;
    tagih_err err = staff_find(&office->db, &office->arena, bytes_text(login), clock_monotonic_us() + 10 * US_PER_S, &there);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    return there.found ? cli_failed("the login '%s' is taken", login) : CLI_OK;
}

static enum cli_exit write_user(struct office *office, uint32_t roles) {
    struct secret secret;
    char hash[PASSWORD_HASH_SIZE], id[UUID_TEXT_SIZE];
    enum cli_exit exit = secret_read(generate != NULL, &secret);
    if (exit != CLI_OK) return exit;
    struct user_add add = {.office = office, .row = {.user = {random_id()}, .login = bytes_text(login), .name = bytes_text(person),
                                                     .roles = roles, .at = clock_now()}};
    tagih_err err = password_hash(bytes_text(secret.text), hash);
    add.row.password_hash = bytes_text(hash);
    struct tx_options options = office_tx(office, "user add", 20);
    if (err_is_ok(err)) err = tx_run(&office->db, &options, add_in, &add);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    uuid_format(add.row.user.u, id);
    printf("user %s\n", id);
    uuid_format(office->agency.u, id);
    printf("agency %s\n", id);
    if (secret.generated) printf("password %s\n", secret.text);
    return CLI_OK;
}

static enum cli_exit add_user(const struct cli *cli) {
    uint32_t roles = 0;
    struct office office = {0};
    enum cli_exit exit = check_name("--login", login);
    if (exit == CLI_OK) exit = check_name("--name", person);
    if (exit == CLI_OK && new_agency) exit = check_name("--new-agency", new_agency);
    if (exit == CLI_OK && team_name) exit = check_name("--team", team_name);
    if (exit == CLI_OK && !(roles = read_roles(role_names))) exit = CLI_USAGE;
    if (exit == CLI_OK && new_agency && !time_zone) exit = cli_usage("--new-agency needs its --time-zone, such as Asia/Jakarta");
    if (exit == CLI_OK && new_agency && agency_name) exit = cli_usage("either --agency or --new-agency");
    if (exit != CLI_OK) return exit;
    exit = new_agency ? office_connect(cli, &office) : office_open(cli, agency_name, &office);
    if (exit == CLI_OK && new_agency) exit = check_zone(&office);
    if (exit == CLI_OK) exit = check_login_free(&office);
    if (exit == CLI_OK) exit = write_user(&office, roles);
    office_close(&office);
    return exit;
}

/* ---- list ----------------------------------------------------------------------------------------------------- */

static void print_roles(int32_t roles) {
    const char *comma = "";
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (!(roles >> i & 1)) continue;
        printf("%s%s", comma, role_name(i));
        comma = ",";
    }
}

static tagih_err list_in(struct tx *tx, void *context) {
    struct office *office = context;
    DEFER(result) struct result r = {0};
    TRY(staff_send_list(tx, &office->arena));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        printf("%s\t%s\t", (const char *)result_text(&r, i, COL_staff_list_login).data,
               result_int2(&r, i, COL_staff_list_state) == STAFF_ACTIVE ? "active" : "suspended");
        print_roles(result_int4(&r, i, COL_staff_list_roles));
        printf("\t%s\t%s\n", (const char *)result_text(&r, i, COL_staff_list_team_name).data,
               (const char *)result_text(&r, i, COL_staff_list_name).data);
    }
    return TAGIH_OK;
}

static enum cli_exit list_users(const struct cli *cli) {
    struct office office;
    enum cli_exit exit = office_open(cli, agency_name, &office);
    if (exit == CLI_OK) {
        struct tx_options options = office_tx(&office, "user list", 20);
        options.read_only = true;
        tagih_err err = tx_run(&office.db, &options, list_in, &office);
        if (!err_is_ok(err)) exit = cli_failed("%s", err_text(err));
    }
    office_close(&office);
    return exit;
}

/* ---- suspend, password ---------------------------------------------------------------------------------------- */

struct user_change {
    struct office *office;
    user_id user;
    const char *password_hash; /* NULL: suspend */
};

static tagih_err change_in(struct tx *tx, void *context) {
    struct user_change *change = context;
    struct arena *arena = &change->office->arena;
    if (!change->password_hash) return staff_send_suspend(tx, arena, change->user, clock_now());
    return staff_send_password(tx, arena, change->user, bytes_text(change->password_hash), clock_now());
}

static enum cli_exit change_user(struct office *office, const char *hash) {
    struct staff_login there;
    tagih_err err = staff_find(&office->db, &office->arena, bytes_text(login), clock_monotonic_us() + 10 * US_PER_S, &there);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    if (!there.found) return cli_failed("there is no login '%.100s'", login);
    office->agency = there.agency;
    struct user_change change = {.office = office, .user = there.user, .password_hash = hash};
    struct tx_options options = office_tx(office, hash ? "user password" : "user suspend", 20);
    err = tx_run(&office->db, &options, change_in, &change);
    return err_is_ok(err) ? CLI_OK : cli_failed("%s", err_text(err));
}

static enum cli_exit suspend_user(const struct cli *cli) {
    struct office office;
    if (!login) return cli_usage("user suspend needs --login");
    enum cli_exit exit = office_connect(cli, &office);
    if (exit == CLI_OK) exit = change_user(&office, NULL);
    office_close(&office);
    return exit;
}

static enum cli_exit set_password(const struct cli *cli) {
    struct office office;
    struct secret secret;
    char hash[PASSWORD_HASH_SIZE];
    if (!login) return cli_usage("user password needs --login");
    enum cli_exit exit = secret_read(generate != NULL, &secret);
    if (exit != CLI_OK) return exit;
    if (!err_is_ok(password_hash(bytes_text(secret.text), hash))) return cli_failed("no memory");
    exit = office_connect(cli, &office);
    if (exit == CLI_OK) exit = change_user(&office, hash);
    if (exit == CLI_OK && secret.generated) printf("password %s\n", secret.text);
    office_close(&office);
    return exit;
}

static enum cli_exit run(const struct cli *cli) {
    static const struct {
        const char *verb;
        enum cli_exit (*run)(const struct cli *cli);
    } verbs[] = {{"add", add_user}, {"list", list_users}, {"suspend", suspend_user}, {"password", set_password}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (cli->n_args == 1 && strcmp(cli->args[0], verbs[i].verb) == 0) return verbs[i].run(cli);
    }
    return cli_usage("user needs one of add, list, suspend, password");
}

static const struct config_flag flags[] = {
    {"--agency", "NAME", "the agency, by its name or id", &agency_name},
    {"--new-agency", "NAME", "add: make this agency, with this user as its first", &new_agency},
    {"--time-zone", "ZONE", "add: the new agency's civil time, such as Asia/Jakarta", &time_zone},
    {"--login", "LOGIN", "login name, unique in the whole installation", &login},
    {"--name", "NAME", "add: name for people", &person},
    {"--role", "R[,R]", "add: collector, officer, supervisor, cashier, auditor, integration, admin", &role_names},
    {"--team", "NAME", "add: the team; made when it is new", &team_name},
    {"--generate", NULL, "add, password: draw the password and print it once", &generate},
    {0}};

const struct cli_command cli_user = {
    .name = "user",
    .words = "add --login L --name N --role R[,R] --agency A | list --agency A | suspend --login L | password --login L",
    .summary = "People who may log in",
    .text = "The password is typed twice on a terminal, or is the first line of standard input, or is drawn by --generate.\n"
            "suspend and password end the user's sessions. Output: `user ID`, `agency ID` and `password …` by add; login,\n"
            "state, roles, team and name, with tabs, by list.",
    .flags = flags,
    .run = run};
