/* SPDX-License-Identifier: Apache-2.0 */
/* The private database of `serve --dev`: it starts from nothing, keeps its data, and survives kill -9. */
#include "server/run/devdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[32] = "/tmp/tagih-devdb.XXXXXX";

static int make_folder(void **state) {
    (void)state;
    char root[64];
    if (!mkdtemp(folder)) return -1;
    /* Not below /tmp/…/0700: for root the cluster belongs to postgres, who must be able to reach it. */
    snprintf(root, sizeof root, "/var/tmp/%s", folder + strlen("/tmp/"));
    return setenv("TAGIH_PG_ROOT", root, 1);
}

static int remove_folder(void **state) {
    (void)state;
    tagih_err err = devdb_stop(folder);
    char command[160];
    snprintf(command, sizeof command, "rm -rf -- %s \"$TAGIH_PG_ROOT\"", folder);
    return system(command) != 0 || !err_is_ok(err);
}

static int psql(const char *conninfo, const char *statement) {
    char command[DEVDB_TEXT_MAX + 160];
    snprintf(command, sizeof command, "psql -qXAt -v ON_ERROR_STOP=1 '%s' -c '%s' >/dev/null 2>&1", conninfo,
             statement);
    return system(command);
}

static void it_starts_from_nothing_and_a_second_start_finds_it(void **state) {
    (void)state;
    char first[DEVDB_TEXT_MAX], second[DEVDB_TEXT_MAX];
    assert_true(err_is_ok(devdb_start(folder, first)));
    assert_int_equal(psql(first, "create table kept (i int)"), 0);
    assert_true(err_is_ok(devdb_start(folder, second)));
    assert_string_equal(first, second);
}

static void its_data_stays_when_it_is_stopped_and_when_it_is_killed(void **state) {
    (void)state;
    char conninfo[DEVDB_TEXT_MAX];
    assert_true(err_is_ok(devdb_stop(folder)));
    assert_true(err_is_ok(devdb_start(folder, conninfo)));
    assert_int_equal(psql(conninfo, "insert into kept values (1)"), 0);
    assert_int_equal(system("kill -9 $(head -n 1 \"$TAGIH_PG_ROOT/dev/data/postmaster.pid\")"), 0);
    assert_int_equal(system("sleep 0.2"), 0);
    assert_true(err_is_ok(devdb_start(folder, conninfo)));
    assert_int_equal(psql(conninfo, "select 1 / count(*) from kept"), 0);
}

static void a_folder_that_cannot_be_made_is_an_error(void **state) {
    (void)state;
    char conninfo[DEVDB_TEXT_MAX];
    assert_true(err_is(devdb_start("/proc/nowhere", conninfo), ERR_DEVDB_FAILED));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_from_nothing_and_a_second_start_finds_it),
        cmocka_unit_test(its_data_stays_when_it_is_stopped_and_when_it_is_killed),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
