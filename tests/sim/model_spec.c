/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in memory against PostgreSQL: the same scripts on both, every answer and every row of every table compared. The
 * scripts push signed entries through the real handlers; model/scripts.c says what.
 */
#include <ftw.h>
#include <inttypes.h>
#include <unistd.h>

#include "run/log.h"
#include "tests/sim/model/model.h"
#include "tests/sim/model/script.h"
#include "tests/support/case.h"

#define SEED 1
#define ENTRIES 300

static char folder[64];

/* PostgreSQL tells its side first, once for all scripts: a program of its own, for it links another store. */
static int tell_postgresql(void **state) {
    char command[512];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tagih-model.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "'%s' '%s' %d %d >'%s/log' 2>&1", getenv("MODEL_SCRIPT_PG"), folder, SEED, ENTRIES, folder);
    if (system(command) != 0) fail_msg("%s failed", command);
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *at) {
    (void)stat, (void)flag, (void)at;
    return remove(path);
}

static int remove_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- comparing ------------------------------------------------------------------------------------------------- */

/** What two stories have in common. */
struct comparison {
    size_t lines; /* that are the same */
    bool differ;
    char there[300], here[300]; /* where they part */
};

static char *line_of(FILE *file, char **line, size_t *room) {
    ssize_t len = getline(line, room, file);
    if (len > 0 && (*line)[len - 1] == '\n') (*line)[len - 1] = 0;
    return len < 0 ? NULL : *line;
}

/* From a word or two before the first place where they part. */
static void note_difference(struct comparison *c, const char *there, const char *here) {
    size_t at = 0;
    while (there && here && there[at] && there[at] == here[at]) at++;
    size_t from = at < 60 ? 0 : at - 60;
    c->differ = true;
    snprintf(c->there, sizeof c->there, "%s", there ? there + from : "nothing more");
    snprintf(c->here, sizeof c->here, "%s", here ? here + from : "nothing more");
}

static struct comparison compare(FILE *there, FILE *here) {
    struct comparison c = {.lines = 0};
    char *a = NULL, *b = NULL;
    size_t room_a = 0, room_b = 0;
    while (!c.differ) {
        char *one = line_of(there, &a, &room_a), *other = line_of(here, &b, &room_b);
        if (!one && !other) break;
        if (one && other && strcmp(one, other) == 0) c.lines++;
        else note_difference(&c, one, other);
    }
    free(a);
    free(b);
    return c;
}

static struct comparison compare_script(const char *name, const struct script_options *options) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *there = fopen(path, "r"), *here = tmpfile();
    assert_true(there && here);
    script_run(name, options, here);
    rewind(here);
    struct comparison c = compare(there, here);
    fclose(there);
    fclose(here);
    return c;
}

static void both_tell_the_same(const char *name, bool faults) {
    struct comparison c = compare_script(name, &(struct script_options){.seed = SEED, .entries = ENTRIES, .faults = faults});
    if (c.differ) fail_msg("%s, line %zu:\n  PostgreSQL: %s\n  model:      %s", name, c.lines + 1, c.there, c.here);
    assert_true(c.lines > 200);
    print_message("             %s: %zu lines are the same\n", name, c.lines);
}

#define SAME(name, script)              \
    static void name(void **state) {    \
        (void)state;                    \
        both_tell_the_same(script, false); \
    }

SAME(receipts_repeats_and_amounts_that_cannot_be, "receipts")
SAME(two_currencies_and_tenders_other_than_cash, "currencies")
SAME(gaps_forks_wrong_chains_and_ids_used_twice, "chains")
SAME(voids_before_and_after_their_receipts, "voids")
SAME(revoked_phones_and_leases_that_moved, "revoked")
SAME(check_ins_and_outcomes, "visits")
SAME(promises_that_payments_fill, "promises")
SAME(handovers_deposits_incidents_and_day_closes, "cash")
SAME(keys_that_rotate, "rotation")
SAME(replays_and_a_closed_month, "replay")
SAME(a_row_that_cannot_be_stored_is_isolated_by_halving, "poison")
SAME(three_hundred_entries_by_chance, "random")

SAME(days_of_receipts_forty_to_a_call, "many")

//= RULES.md R-JRN-4
//  The same entry again, alone, in part, reordered or from two connections at once: the first acknowledgement again
static void a_store_that_fails_on_the_way_ends_like_one_that_does_not(void **state) {
    (void)state;
    both_tell_the_same("lost_commit", false);
    both_tell_the_same("lost_commit", true);
}

/* ---- the comparison itself ------------------------------------------------------------------------------------- */

/* Each is a store that differs in one column of one row. */
static void one_column_that_differs_is_seen(void **state) {
    static const char *const tampered[] = {
        "update account_state set version = version + 1 where principal_minor = 0",
        "update ledger_line set amount_minor = amount_minor + 1 where line_no = 1",
        "update journal_key set flags = 0 where flags <> 0",
        "delete from seal where table_name = 'device_event'",
        "insert into posting_writer (agency_id, writer_id) select agency_id, 99 from agency",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tampered); i++) {
        struct comparison c = compare_script("receipts", &(struct script_options){.seed = SEED, .tamper = tampered[i]});
        if (!c.differ) fail_msg("nobody saw: %s", tampered[i]);
    }
}

/* ---- the model alone ------------------------------------------------------------------------------------------- */

static void the_same_seed_gives_the_same_digest_and_another_seed_another(void **state) {
    (void)state;
    hash256 digests[3];
    for (int i = 0; i < 3; i++) {
        FILE *file = fopen("/dev/null", "w");
        assert_non_null(file);
        script_run("random", &(struct script_options){.seed = i < 2 ? 5 : 6, .entries = 60, .digest = &digests[i]}, file);
        fclose(file);
    }
    assert_true(hash256_equal(&digests[0], &digests[1]));
    assert_false(hash256_equal(&digests[0], &digests[2]));
}

#define AGENCY(byte) ((agency_id){{{byte}}})

static void a_model_that_was_reset_is_as_new(void **state) {
    (void)state;
    struct model *model = model_open(NULL);
    hash256 fresh, used, again;
    model_digest(model, &fresh);
    model_agency(model, AGENCY(1), "Acme", 1);
    model_digest(model, &used);
    model_reset(model);
    model_digest(model, &again);
    assert_false(hash256_equal(&fresh, &used));
    assert_true(hash256_equal(&fresh, &again));
    model_close(model);
}

static void rows_are_read_by_table_and_column(void **state) {
    (void)state;
    struct model *model = model_open(NULL);
    model_agency(model, AGENCY(1), "Acme", 1);
    model_agency(model, AGENCY(2), "Bravo", 2);
    model_run(model, "update agency set name = 'Charlie' where name = 'Acme'");
    assert_int_equal(model_number(model, "select count(*) from agency where name = 'Charlie'"), 1);
    struct model_rows rows = model_rows(model, "agency");
    int name = model_column(&rows, "name"), created = model_column(&rows, "created_us");
    size_t n = 0;
    for (; model_next(&rows); n++) {
        assert_true(bytes_equal(model_bytes(&rows, name), bytes_text(n ? "Charlie" : "Bravo")));
        assert_int_equal(model_int(&rows, created), n ? 1 : 2);
    }
    assert_int_equal(n, 2);
    model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipts_repeats_and_amounts_that_cannot_be),
        cmocka_unit_test(two_currencies_and_tenders_other_than_cash),
        cmocka_unit_test(gaps_forks_wrong_chains_and_ids_used_twice),
        cmocka_unit_test(voids_before_and_after_their_receipts),
        cmocka_unit_test(revoked_phones_and_leases_that_moved),
        cmocka_unit_test(check_ins_and_outcomes),
        cmocka_unit_test(promises_that_payments_fill),
        cmocka_unit_test(handovers_deposits_incidents_and_day_closes),
        cmocka_unit_test(keys_that_rotate),
        cmocka_unit_test(replays_and_a_closed_month),
        cmocka_unit_test(a_row_that_cannot_be_stored_is_isolated_by_halving),
        cmocka_unit_test(three_hundred_entries_by_chance),
        cmocka_unit_test(days_of_receipts_forty_to_a_call),
        cmocka_unit_test(a_store_that_fails_on_the_way_ends_like_one_that_does_not),
        cmocka_unit_test(one_column_that_differs_is_seen),
        cmocka_unit_test(the_same_seed_gives_the_same_digest_and_another_seed_another),
        cmocka_unit_test(a_model_that_was_reset_is_as_new),
        cmocka_unit_test(rows_are_read_by_table_and_column),
    };
    log_open(-1, LOG_ERROR);
    return cmocka_run_group_tests(tests, tell_postgresql, remove_folder);
}
