/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first people of a server to try: a supervisor and a collector of one agency, with one password drawn at random.
 * It is kept in first-login.json (0600), the very request that Login takes. Without that file the password is set anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "domain/role.h"
#include "run/clock.h"
#include "run/random.h"
#include "server/cli/dev.h"
#include "server/cli/office.h"
#include "server/cli/secret.h"
#include "store/staff.h"

#define AGENCY "Agency to try"
#define TIME_ZONE "Asia/Jakarta"

struct person {
    const char *login, *name;
    uint32_t roles;
    struct staff_login there;
};

struct people {
    struct office *office;
    struct person person[2];
    bool has_agency;
    const char *hash;
};

static tagih_err put_person(struct tx *tx, const struct people *people, const struct person *person) {
    struct arena *arena = &people->office->arena;
    struct bytes hash = bytes_text(people->hash);
    if (person->there.found) return staff_send_password(tx, arena, person->there.user, hash, clock_now());
    const struct staff_row row = {.user = {random_id()}, .login = bytes_text(person->login), .name = bytes_text(person->name),
                                  .roles = person->roles, .password_hash = hash, .at = clock_now()};
    return staff_send_insert(tx, arena, &row);
}

static tagih_err put_in(struct tx *tx, void *context) {
    const struct people *people = context;
    if (!people->has_agency) {
        TRY(agency_send_insert(tx, &people->office->arena, bytes_text(AGENCY), bytes_text(TIME_ZONE), clock_now()));
    }
    for (size_t i = 0; i < 2; i++) TRY(put_person(tx, people, &people->person[i]));
    return TAGIH_OK;
}

static tagih_err put_people(struct office *office, const char *password) {
    char hash[PASSWORD_HASH_SIZE];
    struct people people = {.office = office, .hash = hash,
                            .person = {{.login = DEV_SUPERVISOR, .name = "Sari", .roles = ROLE_SUPERVISOR | ROLE_ADMIN},
                                       {.login = DEV_COLLECTOR, .name = "Budi", .roles = ROLE_COLLECTOR}}};
    office->agency.u = random_id();
    for (size_t i = 0; i < 2; i++) {
        struct person *person = &people.person[i];
        TRY(staff_find(&office->db, &office->arena, bytes_text(person->login), clock_monotonic_us() + 10 * US_PER_S,
                       &person->there));
        if (!person->there.found) continue;
        people.has_agency = true;
        office->agency = person->there.agency;
    }
    TRY(password_hash(bytes_text(password), hash));
    struct tx_options options = office_tx(office, "dev people", 20);
    return tx_run(&office->db, &options, put_in, &people);
}

/* Under another name first: a file that is there is whole. */
static enum cli_exit write_login(const struct dev *dev, const char *password) {
    char making[sizeof dev->login_path + 8];
    snprintf(making, sizeof making, "%s.new", dev->login_path);
    int fd = open(making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file) fprintf(file, "{\"login\": \"" DEV_SUPERVISOR "\", \"password\": \"%s\"}\n", password);
    if (!file || fclose(file) != 0 || rename(making, dev->login_path) != 0) {
        return cli_failed("%s: %s", dev->login_path, strerror(errno));
    }
    return CLI_OK;
}

enum cli_exit dev_people(struct dev *dev) {
    struct office office;
    struct secret secret;
    snprintf(dev->login_path, sizeof dev->login_path, "%s/first-login.json", dev->state_dir);
    if (access(dev->login_path, R_OK) == 0) return CLI_OK;
    enum cli_exit ended = secret_read(true, &secret);
    if (ended != CLI_OK) return ended;
    ended = office_connect(&(struct cli){.config = &dev->config}, &office);
    if (ended == CLI_OK) {
        tagih_err err = put_people(&office, secret.text);
        ended = err_is_ok(err) ? write_login(dev, secret.text) : cli_failed("%s", err_text(err));
    }
    office_close(&office);
    return ended;
}
