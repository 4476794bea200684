/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent is what arrives: every type, alone, in arrays and as NULL, checked against statements' headers. */
#include "tests/store/store_case.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 3000

struct row {
    account_id u;
    int64_t b;
    int32_t i;
    int16_t s;
    bool t, there;
    double f;
    civil_date d;
    struct bytes x, y;
    hash256 h;
    uint8_t k[64];
};

static struct pg pg;
static struct log_lines log_of;
static struct db db;
static struct row rows[ROWS];
static uint8_t memory[8 << 20];
static struct arena arena;

static int set_up(void **state) {
    (void)state;
    pg_create(&pg, NULL);
    pg_exec(&pg, schema_sql);
    open_worker(&db, &pg, "params", &log_of);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    db_release(&db);
    pg_drop(&pg);
    return 0;
}

/* Rows full of extremes and of what a careless encoder would mix up; every third one is NULL where that is allowed. */
static void fill_rows(void) {
    static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, 0x0102030405060708};
    static const char *texts[] = {"", "a", "Bu Sri — Rp 1.000", "'; drop table item; --"};
    static const uint8_t zeros[5] = {0, 1, 0, 255, 0};
    for (size_t n = 0; n < ROWS; n++) {
        struct row *r = &rows[n];
        memset(&r->u, (int)(n * 7), sizeof r->u);
        r->b = edges[n % COUNT_OF(edges)];
        r->i = (int32_t)edges[n % 3] * INT32_MAX;
        r->s = (int16_t)(n % 2 ? INT16_MIN : (int)n);
        r->t = n % 5 == 0;
        r->there = n % 3 != 1;
        r->f = n % 4 ? -7.25e-9 * (double)n : 1e300;
        r->d = (civil_date){(int32_t)n * 31 - 20000};
        r->x = bytes_text(texts[n % COUNT_OF(texts)]);
        r->y = bytes_make(zeros, n % 6);
        memset(r->h.b, (int)n, sizeof r->h.b);
        memset(r->k, (int)n + 1, sizeof r->k);
    }
}

static void give_arrays(struct params *p, size_t n) {
    size_t stride = sizeof rows[0];
    params_init(p, &arena, STMT_echo_arrays, n);
    params_uuid(p, &rows[0].u, stride);
    params_int8(p, &rows[0].b, stride);
    params_int4(p, &rows[0].i, stride);
    params_int2(p, &rows[0].s, stride);
    params_bool(p, &rows[0].t, stride);
    params_float8(p, &rows[0].f, stride);
    params_date(p, &rows[0].d, stride);
    params_text(p, &rows[0].x, stride);
    params_bytea(p, &rows[0].y, stride);
    params_hash(p, &rows[0].h, stride);
    params_bytea_fixed(p, rows[0].k, sizeof rows[0].k, stride);
}

static void give_arrays_opt(struct params *p, size_t n) {
    size_t stride = sizeof rows[0];
    const bool *there = &rows[0].there;
    params_init(p, &arena, STMT_echo_arrays, n);
    params_uuid_opt(p, &rows[0].u, there, stride);
    params_int8_opt(p, &rows[0].b, there, stride);
    params_int4_opt(p, &rows[0].i, there, stride);
    params_int2_opt(p, &rows[0].s, there, stride);
    params_bool_opt(p, &rows[0].t, there, stride);
    params_float8_opt(p, &rows[0].f, there, stride);
    params_date_opt(p, &rows[0].d, there, stride);
    params_text_opt(p, &rows[0].x, there, stride);
    params_bytea_opt(p, &rows[0].y, there, stride);
    params_hash_opt(p, &rows[0].h, there, stride);
    params_bytea_fixed_opt(p, rows[0].k, sizeof rows[0].k, there, stride);
}

static void assert_same(const struct result *r, size_t n) {
    const struct row *row = &rows[n];
    assert_true(uuid_equal(result_uuid(r, n, COL_echo_arrays_u), row->u.u));
    assert_int_equal(result_int8(r, n, COL_echo_arrays_b), row->b);
    assert_int_equal(result_int4(r, n, COL_echo_arrays_i), row->i);
    assert_int_equal(result_int2(r, n, COL_echo_arrays_s), row->s);
    assert_int_equal(result_bool(r, n, COL_echo_arrays_t), row->t);
    assert_true(result_float8(r, n, COL_echo_arrays_f) == row->f);
    assert_int_equal(result_date(r, n, COL_echo_arrays_d).days, row->d.days);
    assert_true(bytes_equal(result_text(r, n, COL_echo_arrays_x), row->x));
    assert_true(bytes_equal(result_bytes(r, n, COL_echo_arrays_y), row->y));
    hash256 hash = result_hash(r, n, COL_echo_arrays_h);
    assert_true(hash256_equal(&hash, &row->h));
    assert_true(bytes_equal(result_bytes(r, n, COL_echo_arrays_k), bytes_make(row->k, sizeof row->k)));
}

/* Every array type, thousands of rows, comes back bit for bit. */
static void arrays_come_back_as_they_were(void **state) {
    (void)state;
    struct params p;
    DEFER(result) struct result r = {0};
    give_arrays(&p, ROWS);
    assert_ok(db_exec_one(&db, &p, in_seconds(10), &r));
    assert_int_equal(result_count(&r), ROWS);
    for (size_t n = 0; n < ROWS; n++) assert_same(&r, n);
}

/* Where *present is false the column is NULL, in that row only. */
static void a_missing_value_is_null_in_its_row_only(void **state) {
    (void)state;
    struct params p;
    DEFER(result) struct result r = {0};
    give_arrays_opt(&p, ROWS);
    assert_ok(db_exec_one(&db, &p, in_seconds(10), &r));
    assert_int_equal(result_count(&r), ROWS);
    for (size_t n = 0; n < ROWS; n++) {
        if (rows[n].there) {
            assert_same(&r, n);
            continue;
        }
        for (int col = 0; col < (int)STMT_echo_arrays->n_out; col++) assert_true(result_is_null(&r, n, col));
        assert_int_equal(result_int8_or(&r, n, COL_echo_arrays_b, 42), 42);
        assert_int_equal(result_int4_or(&r, n, COL_echo_arrays_i, 43), 43);
        assert_true(result_bool_or(&r, n, COL_echo_arrays_t, true));
        assert_true(uuid_is_nil(result_uuid_or_nil(&r, n, COL_echo_arrays_u)));
    }
}

/* A batch of no rows is a batch. */
static void arrays_of_no_rows_answer_no_rows(void **state) {
    (void)state;
    struct params p;
    DEFER(result) struct result r = {0};
    give_arrays(&p, 0);
    assert_ok(db_exec_one(&db, &p, in_seconds(10), &r));
    assert_int_equal(result_count(&r), 0);
}

/* Both sides mean the same by the bytes: PostgreSQL's text form of each value is the expected one. */
static void scalars_mean_the_same_to_the_database(void **state) {
    (void)state;
    struct params p;
    DEFER(result) struct result r = {0};
    uuid id;
    assert_ok(uuid_parse("0190b5a0-1111-7222-8333-444455556666", &id));
    params_init(&p, &arena, STMT_echo_scalars, 0);
    params_one_uuid(&p, &id);
    params_one_int8(&p, INT64_MIN);
    params_one_int4(&p, -7);
    params_one_int2(&p, 300);
    params_one_bool(&p, true);
    params_one_float8(&p, -6.2);
    params_one_date(&p, date_make(1999, 12, 31));
    params_one_text(&p, bytes_text("tagih"));
    params_one_bytea(&p, bytes_make("\0\xff", 2));
    params_one_null(&p);
    assert_ok(db_exec_one(&db, &p, in_seconds(10), &r));
    assert_string_equal((const char *)result_text(&r, 0, COL_echo_scalars_as_text).data,
                        "0190b5a0-1111-7222-8333-444455556666 -9223372036854775808 -7 300 t -6.2 1999-12-31 tagih 00ff");
    assert_true(result_is_null(&r, 0, COL_echo_scalars_missing));
    assert_int_equal(result_date(&r, 0, COL_echo_scalars_d).days, date_make(1999, 12, 31).days);
    assert_int_equal(result_int2(&r, 0, COL_echo_scalars_s), 300);
}

/* The arena's end is an answer, not a crash, whichever column it hits. */
static void a_full_arena_is_out_of_memory(void **state) {
    (void)state;
    static uint8_t small[64 * 1024];
    for (size_t size = 256; size <= sizeof small; size += 4096) {
        struct arena tight;
        struct params p;
        struct result r = {0};
        arena_init(&tight, small, size);
        params_init(&p, &tight, STMT_echo_arrays, 500);
        params_uuid(&p, &rows[0].u, sizeof rows[0]);
        params_int8(&p, &rows[0].b, sizeof rows[0]);
        params_int4(&p, &rows[0].i, sizeof rows[0]);
        params_int2(&p, &rows[0].s, sizeof rows[0]);
        params_bool(&p, &rows[0].t, sizeof rows[0]);
        params_float8(&p, &rows[0].f, sizeof rows[0]);
        params_date(&p, &rows[0].d, sizeof rows[0]);
        params_text(&p, &rows[0].x, sizeof rows[0]);
        params_bytea(&p, &rows[0].y, sizeof rows[0]);
        params_hash(&p, &rows[0].h, sizeof rows[0]);
        params_bytea_fixed(&p, rows[0].k, sizeof rows[0].k, sizeof rows[0]);
        assert_fails(db_exec_one(&db, &p, in_seconds(10), &r), OUT_OF_MEMORY);
    }
}

static void give_wrong_type(void) {
    struct params p;
    params_init(&p, &arena, STMT_item_insert, 1);
    params_text(&p, &rows[0].x, sizeof rows[0]);
}

static void give_scalar_for_array(void) {
    struct params p;
    params_init(&p, &arena, STMT_item_insert, 1);
    params_one_int8(&p, 1);
}

static void give_too_many(void) {
    struct params p;
    params_init(&p, &arena, STMT_item_count, 1);
    params_one_int8(&p, 1);
}

static void give_too_few(void) {
    struct params p;
    struct result r = {0};
    params_init(&p, &arena, STMT_item_insert, 1);
    params_int8(&p, &rows[0].b, sizeof rows[0]);
    (void)!err_is_ok(db_exec_one(&db, &p, in_seconds(1), &r));
}

static void read_as_wrong_type(void) {
    struct params p;
    struct result r = {0};
    params_init(&p, &arena, STMT_item_count, 0);
    if (err_is_ok(db_exec_one(&db, &p, in_seconds(1), &r))) (void)result_int4(&r, 0, 0);
}

static void read_null(void) {
    struct params p;
    struct result r = {0};
    give_arrays_opt(&p, 2);
    if (err_is_ok(db_exec_one(&db, &p, in_seconds(1), &r))) (void)result_int8(&r, 1, COL_echo_arrays_b);
}

static void read_behind_the_last_row(void) {
    struct params p;
    struct result r = {0};
    give_arrays(&p, 2);
    if (err_is_ok(db_exec_one(&db, &p, in_seconds(1), &r))) (void)result_int8(&r, 2, COL_echo_arrays_b);
}

/* In a child with a connection of its own, so that neither the abort nor the socket touches this process. */
static void assert_aborts(void (*misuse)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(2);
        signal(SIGABRT, SIG_DFL);
        struct db_options options = db.options;
        memset(&db, 0, sizeof db);
        if (err_is_ok(db_open(&db, &options))) misuse();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Our own mistakes stop the program, and never reach the database or the caller as data. */
static void misuse_aborts(void **state) {
    (void)state;
    assert_aborts(give_wrong_type);
    assert_aborts(give_scalar_for_array);
    assert_aborts(give_too_many);
    assert_aborts(give_too_few);
    assert_aborts(read_as_wrong_type);
    assert_aborts(read_null);
    assert_aborts(read_behind_the_last_row);
}

/* Many megabytes each way in one pipeline: neither side waits for the other for ever. */
static void more_bytes_than_any_buffer_pass_both_ways(void **state) {
    (void)state;
    static uint8_t block[1 << 20];
    struct bytes blobs[2] = {BYTES_OF(&block), BYTES_OF(&block)};
    struct tx_options options = {.deadline_us = in_seconds(20), .name = "blobs"};
    memset(block, 0xA5, sizeof block);
    DEFER(tx) struct tx tx;
    tx_begin(&tx, &db, &options);
    struct params p;
    params_init(&p, &arena, STMT_blob, COUNT_OF(blobs));
    params_bytea(&p, blobs, sizeof blobs[0]);
    for (int n = 0; n < 8; n++) assert_ok(tx_send(&tx, &p));
    assert_ok(tx_sync(&tx));
    for (int n = 0; n < 8; n++) {
        DEFER(result) struct result r = {0};
        tx_take(&tx, &r);
        assert_int_equal(result_count(&r), COUNT_OF(blobs));
        assert_true(bytes_equal(result_bytes(&r, 1, COL_blob_y), blobs[1]));
    }
    assert_ok(tx_commit(&tx));
}

static int fresh(void **state) {
    (void)state;
    arena_init(&arena, memory, sizeof memory);
    fill_rows();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(arrays_come_back_as_they_were, fresh),
        cmocka_unit_test_setup(a_missing_value_is_null_in_its_row_only, fresh),
        cmocka_unit_test_setup(arrays_of_no_rows_answer_no_rows, fresh),
        cmocka_unit_test_setup(scalars_mean_the_same_to_the_database, fresh),
        cmocka_unit_test_setup(a_full_arena_is_out_of_memory, fresh),
        cmocka_unit_test_setup(misuse_aborts, fresh),
        cmocka_unit_test_setup(more_bytes_than_any_buffer_pass_both_ways, fresh),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
