/* SPDX-License-Identifier: Apache-2.0 */
/* A fact is digested from what is sent and from what is read back: both must give the same bytes, or verify is blind. */
#include "store/fact.h"
#include "tests/store/store_case.h"

static struct pg pg;
static struct log_lines log_of;
static struct db db;
static uint8_t memory[1 << 20];
static struct arena arena;
static const uuid agency = {{1}}, posting = {{2}}, claim = {{3}};

static int set_up(void **state) {
    (void)state;
    pg_create(&pg, NULL);
    pg_exec(&pg, schema_sql);
    open_worker(&db, &pg, "facts", &log_of);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    db_release(&db);
    pg_drop(&pg);
    return 0;
}

static int empty(void **state) {
    (void)state;
    arena_init(&arena, memory, sizeof memory);
    pg_exec(&pg, "truncate claim; truncate coin");
    return 0;
}

/* ---- two ways to a digest ------------------------------------------------------------------------------------------ */

static hash256 digest_sent(const struct params *insert) {
    struct posting_digest digest;
    const hash256 before = posting_chain_start((agency_id){agency}, 1);
    posting_begin(&digest, &before);
    if (insert) fact_digest(&digest, insert);
    return posting_end(&digest);
}

static hash256 digest_read(const struct statement *verify) {
    struct params p;
    DEFER(result) struct result r = {0};
    struct posting_digest digest;
    const hash256 before = posting_chain_start((agency_id){agency}, 1);
    params_init(&p, &arena, verify, 1);
    params_one_uuid(&p, &agency);
    params_uuid(&p, &posting, sizeof posting);
    assert_ok(db_exec_one(&db, &p, in_seconds(10), &r));
    posting_begin(&digest, &before);
    for (size_t i = 0; i < result_count(&r); i++) fact_digest_result(&digest, &r, i);
    return posting_end(&digest);
}

static void send(const struct params *insert) {
    DEFER(result) struct result r = {0};
    assert_ok(db_exec_one(&db, insert, in_seconds(10), &r));
}

static void give_claim(struct params *p, bool with_actor) {
    params_init(p, &arena, STMT_claim_insert, 0);
    params_one_uuid(p, &agency);
    params_one_uuid(p, &claim);
    params_one_uuid(p, &posting);
    params_one_bool(p, true);
    params_one_int2(p, -7);
    params_one_int4(p, 70000);
    params_one_int8(p, INT64_C(-5000000000));
    params_one_date(p, (civil_date){20000});
    params_one_text(p, bytes_text("he moved away"));
    params_one_bytea(p, BYTES_OF(&claim));
    if (with_actor) params_one_uuid(p, &agency);
    else params_one_null(p);
}

/* ---- what is promised ------------------------------------------------------------------------------------------------ */

//= RULES.md R-LED-1a
//  Every row of money or evidence is under its posting's digest
static void a_fact_of_scalars_alone_is_one_row_under_the_digest(void **state) {
    (void)state;
    struct params p;
    give_claim(&p, false);
    send(&p);
    hash256 sent = digest_sent(&p), read = digest_read(STMT_claim_verify), nothing = digest_sent(NULL);
    assert_true(hash256_equal(&sent, &read));
    assert_false(hash256_equal(&sent, &nothing));
}

//= RULES.md R-LED-1a
//  `verify` finds a value that was changed
static void each_column_of_such_a_row_is_under_it(void **state) {
    (void)state;
    static const char *const changes[] = {"claim_id = gen_random_uuid()", "kept = not kept", "kind = 8", "pieces = null",
                                          "amount_minor = amount_minor + 1", "made_on = made_on + 1", "said = said || ' '",
                                          "proof = ''", "actor_id = gen_random_uuid()"};
    struct params p;
    give_claim(&p, false);
    hash256 sent = digest_sent(&p);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char sql[128];
        pg_exec(&pg, "truncate claim");
        send(&p);
        snprintf(sql, sizeof sql, "update claim set %s", changes[i]);
        pg_exec(&pg, sql);
        hash256 read = digest_read(STMT_claim_verify);
        if (hash256_equal(&sent, &read)) fail_msg("%s: not seen", changes[i]);
    }
}

static void a_value_and_none_differ(void **state) {
    (void)state;
    struct params with, without;
    give_claim(&with, true);
    give_claim(&without, false);
    hash256 a = digest_sent(&with), b = digest_sent(&without);
    assert_false(hash256_equal(&a, &b));
}

//= RULES.md R-LED-1a
//  a row that was taken out or put in
static void facts_of_arrays_are_as_many_rows_as_their_elements(void **state) {
    (void)state;
    const struct coin {
        int64_t value_minor;
        int32_t pieces;
    } coins[] = {{100, 3}, {500, 1}, {5000, 0}};
    hash256 nothing = digest_sent(NULL);
    for (size_t n = 0; n <= COUNT_OF(coins); n++) {
        struct params p;
        pg_exec(&pg, "truncate coin");
        params_init(&p, &arena, STMT_coin_insert, n);
        params_one_uuid(&p, &agency);
        params_one_uuid(&p, &posting);
        params_int8(&p, &coins[0].value_minor, sizeof coins[0]);
        params_int4(&p, &coins[0].pieces, sizeof coins[0]);
        send(&p);
        hash256 sent = digest_sent(&p), read = digest_read(STMT_coin_verify);
        assert_true(hash256_equal(&sent, &read));
        assert_int_equal(hash256_equal(&sent, &nothing), n == 0);
        pg_exec(&pg, "delete from coin where value_minor = (select max(value_minor) from coin)");
        read = digest_read(STMT_coin_verify);
        assert_int_equal(hash256_equal(&sent, &read), n == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fact_of_scalars_alone_is_one_row_under_the_digest, empty),
        cmocka_unit_test_setup(each_column_of_such_a_row_is_under_it, empty),
        cmocka_unit_test_setup(a_value_and_none_differ, empty),
        cmocka_unit_test_setup(facts_of_arrays_are_as_many_rows_as_their_elements, empty),
    };
    return cmocka_run_group_tests_name("facts", tests, set_up, tear_down);
}
