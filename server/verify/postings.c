/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every posting's rows once more under its digest, in the order of its writer's chain. Rows are read back into what they
 * were written from and digested by the same functions (book/digest.c, store/fact.c), so a digest that differs means
 * that a row changed, went or came. Tables of facts are whichever have a `<table>_verify` statement.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"
#include "store/fact.h"
#include "store_statements.h"

#define POSTINGS_CHUNK 512
#define FACT_TABLES_MAX 128 /* asserted */

/* The answers of one chunk; each is in the order of the postings. */
enum part { ENTRIES, PAYMENTS, REVERSALS, ALLOCATIONS, LINES, BONUS, SNAPSHOTS, PART_COUNT };

struct head {
    struct posting_head_row row;
    hash256 stored;
};

struct postings {
    struct verify *v;
    struct head *heads;
    size_t n;
    struct result parts[PART_COUNT];
    size_t at[PART_COUNT]; /* first row not used yet */
    const struct statement *tables[FACT_TABLES_MAX];
    struct result facts[FACT_TABLES_MAX]; /* sorted by posting */
    size_t n_tables;
    char covered[512]; /* the tables whose rows the digest under way covers */
};

static void covers(struct postings *p, const char *table, size_t len) {
    size_t at = strlen(p->covered);
    snprintf(p->covered + at, sizeof p->covered - at, "%s%.*s", at ? ", " : "", (int)len, table);
}

static void postings_release(struct postings *p) {
    for (int i = 0; i < PART_COUNT; i++) result_release(&p->parts[i]);
    for (size_t i = 0; i < p->n_tables; i++) result_release(&p->facts[i]);
    memset(p->at, 0, sizeof p->at);
}

/* ---- facts of any table --------------------------------------------------------------------------------------------- */

#define FACT_SUFFIX "_verify"

static int by_table(const void *left, const void *right) {
    return fact_statement_compare(*(const struct statement *const *)left, *(const struct statement *const *)right);
}

static bool is_used(const struct result *tables, const char *name, size_t len) {
    for (size_t i = 0; i < result_count(tables); i++) {
        struct bytes table = result_text(tables, i, COL_verify_tables_table_name);
        if (table.len == len && memcmp(table.data, name, len) == 0) return true;
    }
    return false;
}

/* In the order in which the book digests them (store/fact.h). Tables without a block are left out. */
static tagih_err find_tables(struct postings *p) {
    size_t tail = strlen(FACT_SUFFIX);
    struct params params;
    DEFER(result) struct result used = {0};
    params_init(&params, p->v->arena, STMT_verify_tables, 0);
    TRY(tx_send(p->v->tx, &params));
    TRY(tx_sync(p->v->tx));
    tx_take(p->v->tx, &used);
    for (size_t i = 0; i < store_statements.count; i++) {
        const struct statement *s = &store_statements.rows[i];
        size_t len = strlen(s->name);
        bool is = len > tail && strcmp(s->name + len - tail, FACT_SUFFIX) == 0;
        if (!is || !is_used(&used, s->name, len - tail)) continue;
        assert(p->n_tables < FACT_TABLES_MAX);
        p->tables[p->n_tables++] = s;
    }
    qsort(p->tables, p->n_tables, sizeof p->tables[0], by_table);
    return TAGIH_OK;
}

static void digest_facts(struct postings *p, uuid posting, struct posting_digest *d) {
    for (size_t t = 0; t < p->n_tables; t++) {
        const struct result *r = &p->facts[t];
        int column = verify__column(p->tables[t], "posting_id");
        size_t first = verify__first(r, column, posting), i = first;
        for (; i < result_count(r) && uuid_equal(result_uuid(r, i, column), posting); i++) fact_digest_result(d, r, i);
        if (i > first) covers(p, p->tables[t]->name, strlen(p->tables[t]->name) - strlen(FACT_SUFFIX));
    }
}

/* ---- rows of one posting ---------------------------------------------------------------------------------------------- */

static const char *const part_tables[PART_COUNT] = {"journal_key", "payment", "payment_reversal", "allocation", "ledger_line",
                                                    "bonus_line", "snapshot"};

static void covers_part(struct postings *p, enum part part, size_t rows) {
    if (rows) covers(p, part_tables[part], strlen(part_tables[part]));
}

/* A row that every posting of this kind has. */
static void expect_row(struct postings *p, size_t posting, enum part part, size_t rows) {
    const struct verify_row row = {p->v, part_tables[part], verify__key(p->v, bytes_make(p->heads[posting].row.trigger.b, sizeof(uuid)))};
    if (rows == 0) verify__differs(&row, "", "no row", "the row that its posting wrote");
}

/* The next row of a part if it is this posting's. */
static bool next_row(struct postings *p, enum part part, size_t posting, size_t *row) {
    size_t at = p->at[part];
    if (at >= result_count(&p->parts[part]) || (size_t)result_int4(&p->parts[part], at, 0) != posting) return false;
    *row = at;
    p->at[part]++;
    return true;
}

static void digest_entry(struct postings *p, size_t posting, struct posting_digest *d) {
#define COL(name) COL_verify_posting_entries_##name
    const struct result *r = &p->parts[ENTRIES];
    size_t first = p->at[ENTRIES];
    for (size_t i; next_row(p, ENTRIES, posting, &i);) {
        hash256 hash = result_hash(r, i, COL(entry_hash));
        posting_digest_entry(d, p->heads[posting].row.id, &hash, (uint16_t)result_int2(r, i, COL(fate)),
                             (fate_bits)result_int8(r, i, COL(flags)), result_bytes(r, i, COL(ack)));
    }
    covers_part(p, ENTRIES, p->at[ENTRIES] - first);
#undef COL
}

static void digest_payment(struct postings *p, size_t posting, struct posting_digest *d) {
#define COL(name) COL_verify_posting_payments_##name
    const struct result *r = &p->parts[PAYMENTS];
    size_t first = p->at[PAYMENTS];
    for (size_t i; next_row(p, PAYMENTS, posting, &i);) {
        if (p->heads[posting].row.kind != POSTING_OF_PAYMENT) continue; /* another posting's that this one speaks of */
        struct payment_row row = {
            .id.u = result_uuid(r, i, COL(payment_id)), .account.u = result_uuid(r, i, COL(account_id)),
            .source = result_int2(r, i, COL(source)), .has_reference = !result_is_null(r, i, COL(source_reference)),
            .tender = result_int2(r, i, COL(tender)), .tag = result_int2(r, i, COL(tag)),
            .amount_minor = result_int8(r, i, COL(amount_minor)), .currency = result_text(r, i, COL(currency)),
            .value_us = result_int8(r, i, COL(value_us)), .value_on = result_date(r, i, COL(value_on)),
            .posting_on = result_date(r, i, COL(posting_on)), .received_us = result_int8(r, i, COL(received_us)),
            .has_collector = !result_is_null(r, i, COL(collector_id)), .has_actor = !result_is_null(r, i, COL(actor_id)),
            .collector.u = result_uuid_or_nil(r, i, COL(collector_id)), .actor.u = result_uuid_or_nil(r, i, COL(actor_id))};
        if (row.has_reference) row.reference = result_text(r, i, COL(source_reference));
        posting_digest_payment(d, &row);
    }
    covers_part(p, PAYMENTS, p->at[PAYMENTS] - first);
    if (p->heads[posting].row.kind == POSTING_OF_PAYMENT) expect_row(p, posting, PAYMENTS, p->at[PAYMENTS] - first);
#undef COL
}

static void allocation_of(const struct postings *p, size_t i, struct allocation_row *out) {
#define COL(name) COL_verify_posting_allocations_##name
    const struct result *r = &p->parts[ALLOCATIONS];
    *out = (struct allocation_row){
        .posting = result_uuid(r, i, COL(posting_id)), .payment.u = result_uuid(r, i, COL(payment_id)),
        .version = result_int4(r, i, COL(version)), .instalment_no = result_int4(r, i, COL(instalment_no)),
        .component_minor = {result_int8(r, i, COL(fees_minor)), result_int8(r, i, COL(penalty_minor)),
                            result_int8(r, i, COL(interest_minor)), result_int8(r, i, COL(principal_minor))},
        .credit_minor = result_int8(r, i, COL(credit_minor)), .debt_minor = result_int8(r, i, COL(debt_minor))};
#undef COL
}

/* The first version of a payment belongs to the posting that made the payment, and says so. */
static tagih_err digest_allocations(struct postings *p, size_t posting, struct posting_digest *d) {
    struct verify *v = p->v;
    const struct posting_head_row *head = &p->heads[posting].row;
    size_t first = p->at[ALLOCATIONS], n = 0;
    for (size_t i; next_row(p, ALLOCATIONS, posting, &i);) n++;
    struct allocation_row *rows = ARENA_ARRAY(v->arena, n, struct allocation_row);
    size_t kept = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = first; i < first + n; i++) {
        allocation_of(p, i, &rows[kept]);
        if (rows[kept].version <= 1 && head->kind != POSTING_OF_PAYMENT) continue;
        const struct verify_row row = {v, "allocation", verify__key(v, BYTES_OF(&rows[kept].payment))};
        verify__uuid(&row, "posting_id", rows[kept].posting, head->id);
        kept++;
    }
    posting_digest_allocations(d, rows, kept);
    covers_part(p, ALLOCATIONS, kept);
    if (head->kind == POSTING_OF_PAYMENT) expect_row(p, posting, ALLOCATIONS, kept);
    return TAGIH_OK;
}

static void digest_lines(struct postings *p, size_t posting, struct posting_digest *d) {
#define COL(name) COL_verify_posting_lines_##name
    const struct result *r = &p->parts[LINES];
    size_t first = p->at[LINES];
    for (size_t i; next_row(p, LINES, posting, &i);) {
        struct line_row row = {.posting = p->heads[posting].row.id, .no = result_int2(r, i, COL(line_no)),
                               .account = result_int2(r, i, COL(ledger_account)),
                               .has_owner = !result_is_null(r, i, COL(owner_id)), .owner = result_uuid_or_nil(r, i, COL(owner_id)),
                               .currency = result_text(r, i, COL(currency)), .amount_minor = result_int8(r, i, COL(amount_minor))};
        posting_digest_line(d, &row);
    }
    covers_part(p, LINES, p->at[LINES] - first);
#undef COL
}

static void digest_bonus(struct postings *p, size_t posting, struct posting_digest *d) {
#define COL(name) COL_verify_posting_bonus_##name
    const struct result *r = &p->parts[BONUS];
    size_t first = p->at[BONUS];
    for (size_t i; next_row(p, BONUS, posting, &i);) {
        hash256 hash = result_hash(r, i, COL(hash));
        posting_digest_bonus(d, (payment_id){result_uuid_or_nil(r, i, COL(payment_id))}, result_int2(r, i, COL(line_no)), &hash);
    }
    covers_part(p, BONUS, p->at[BONUS] - first);
#undef COL
}

static void digest_reversal(struct postings *p, size_t posting, struct posting_digest *d) {
#define COL(name) COL_verify_posting_reversals_##name
    const struct result *r = &p->parts[REVERSALS];
    size_t first = p->at[REVERSALS];
    for (size_t i; next_row(p, REVERSALS, posting, &i);) {
        struct reversal_row row = {
            .payment.u = result_uuid(r, i, COL(payment_id)), .id = result_uuid(r, i, COL(reversal_id)),
            .reason = result_int2(r, i, COL(reason)), .value_on = result_date(r, i, COL(value_on)),
            .posting_on = result_date(r, i, COL(posting_on)), .at = {result_int8(r, i, COL(at_us))},
            .has_actor = !result_is_null(r, i, COL(actor_id)), .actor.u = result_uuid_or_nil(r, i, COL(actor_id))};
        posting_digest_reversal(d, &row);
    }
    covers_part(p, REVERSALS, p->at[REVERSALS] - first);
    if (p->heads[posting].row.kind == POSTING_OF_REVERSAL) expect_row(p, posting, REVERSALS, p->at[REVERSALS] - first);
#undef COL
}

static void digest_snapshot(struct postings *p, size_t posting, struct posting_digest *d) {
#define COL(name) COL_verify_posting_snapshots_##name
    const struct result *r = &p->parts[SNAPSHOTS];
    size_t first = p->at[SNAPSHOTS];
    for (size_t i; next_row(p, SNAPSHOTS, posting, &i);) {
        if (p->heads[posting].row.kind != POSTING_OF_IMPORT) continue;
        struct snapshot_row row = {
            .account.u = result_uuid(r, i, COL(account_id)), .as_of = result_date(r, i, COL(as_of_on)),
            .received = {result_int8(r, i, COL(received_us))}, .file = result_hash(r, i, COL(file_hash)),
            .row_no = result_int4(r, i, COL(row_no)), .load_type = result_int2(r, i, COL(load_type)),
            .due_minor = {result_int8(r, i, COL(fees_minor)), result_int8(r, i, COL(penalty_minor)),
                          result_int8(r, i, COL(interest_minor)), result_int8(r, i, COL(principal_minor))},
            .export_seq = result_int8_or(r, i, COL(export_seq), 0)};
        posting_digest_snapshot(d, &row);
    }
    covers_part(p, SNAPSHOTS, p->at[SNAPSHOTS] - first);
#undef COL
}

static tagih_err digest_again(struct postings *p, size_t posting, const hash256 *before, hash256 *out) {
    struct posting_digest d;
    p->covered[0] = 0;
    posting_begin(&d, before);
    digest_entry(p, posting, &d);
    digest_payment(p, posting, &d);
    TRY(digest_allocations(p, posting, &d));
    posting_digest_head(&d, &p->heads[posting].row);
    digest_lines(p, posting, &d);
    digest_bonus(p, posting, &d);
    digest_reversal(p, posting, &d);
    digest_snapshot(p, posting, &d);
    digest_facts(p, p->heads[posting].row.id, &d);
    *out = posting_end(&d);
    return TAGIH_OK;
}

/* ---- a chunk ---------------------------------------------------------------------------------------------------------- */

static tagih_err read_heads(struct postings *p, int64_t writer, int64_t from) {
#define COL(name) COL_verify_postings_##name
    struct verify *v = p->v;
    struct params params;
    DEFER(result) struct result r = {0};
    tx_params(&params, v->tx, v->arena, STMT_verify_postings, 0);
    params_one_int8(&params, writer);
    params_one_int8(&params, from);
    params_one_int4(&params, POSTINGS_CHUNK);
    TRY(tx_send(v->tx, &params));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    p->n = result_count(&r);
    p->heads = ARENA_ARRAY(v->arena, p->n, struct head);
    if (!p->heads) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < p->n; i++) {
        p->heads[i].row = (struct posting_head_row){
            .id = result_uuid(&r, i, COL(posting_id)), .kind = result_int2(&r, i, COL(kind)),
            .trigger = result_uuid(&r, i, COL(trigger_id)), .has_account = !result_is_null(&r, i, COL(account_id)),
            .account.u = result_uuid_or_nil(&r, i, COL(account_id)), .value_on = result_date(&r, i, COL(value_on)),
            .posting_on = result_date(&r, i, COL(posting_on)), .at = {result_int8(&r, i, COL(at_us))},
            .writer_n = result_int8(&r, i, COL(writer_n))};
        struct bytes digest = result_bytes(&r, i, COL(digest));
        if (digest.len == sizeof p->heads[i].stored) memcpy(p->heads[i].stored.b, digest.data, digest.len);
    }
    return TAGIH_OK;
#undef COL
}

static tagih_err send_pair(struct postings *p, const struct statement *statement) {
    struct params params;
    tx_params(&params, p->v->tx, p->v->arena, statement, p->n);
    params_uuid(&params, &p->heads[0].row.id, sizeof p->heads[0]);
    params_uuid(&params, &p->heads[0].row.trigger, sizeof p->heads[0]);
    return tx_send(p->v->tx, &params);
}

static tagih_err send_one(struct postings *p, const struct statement *statement, const uuid *ids) {
    struct params params;
    tx_params(&params, p->v->tx, p->v->arena, statement, p->n);
    params_uuid(&params, ids, sizeof p->heads[0]);
    return tx_send(p->v->tx, &params);
}

static tagih_err send_snapshots(struct postings *p) {
    struct params params;
    tx_params(&params, p->v->tx, p->v->arena, STMT_verify_posting_snapshots, p->n);
    params_uuid(&params, &p->heads[0].row.account, sizeof p->heads[0]);
    params_date(&params, &p->heads[0].row.value_on, sizeof p->heads[0]);
    params_int8(&params, &p->heads[0].row.at.us, sizeof p->heads[0]);
    return tx_send(p->v->tx, &params);
}

static tagih_err read_facts(struct postings *p) {
    for (size_t t = 0; t < p->n_tables;) {
        size_t first = t;
        for (; t < p->n_tables && t - first < TX_QUEUE_MAX / 2; t++) TRY(send_one(p, p->tables[t], &p->heads[0].row.id));
        TRY(tx_sync(p->v->tx));
        for (size_t i = first; i < t; i++) tx_take(p->v->tx, &p->facts[i]);
    }
    return TAGIH_OK;
}

static tagih_err read_parts(struct postings *p) {
    TRY(send_one(p, STMT_verify_posting_entries, &p->heads[0].row.id));
    TRY(send_one(p, STMT_verify_posting_payments, &p->heads[0].row.trigger));
    TRY(send_pair(p, STMT_verify_posting_reversals));
    TRY(send_pair(p, STMT_verify_posting_allocations));
    TRY(send_one(p, STMT_verify_posting_lines, &p->heads[0].row.id));
    TRY(send_one(p, STMT_verify_posting_bonus, &p->heads[0].row.id));
    TRY(send_snapshots(p));
    TRY(tx_sync(p->v->tx));
    for (int i = 0; i < PART_COUNT; i++) tx_take(p->v->tx, &p->parts[i]);
    return read_facts(p);
}

/* ---- a chain ---------------------------------------------------------------------------------------------------------- */

static tagih_err check_chunk(struct postings *p, int64_t *number, hash256 *before) {
    for (size_t i = 0; i < p->n; i++) {
        const struct head *head = &p->heads[i];
        const struct verify_row row = {p->v, "posting", verify__key(p->v, bytes_make(head->row.id.b, sizeof head->row.id.b))};
        hash256 again;
        TRY(digest_again(p, i, before, &again));
        verify__int(&row, "writer_n", head->row.writer_n, *number + 1);
        verify__bytes(&row, arena_printf(p->v->arena, "digest (%s)", p->covered), BYTES_OF(&head->stored), BYTES_OF(&again));
        *number = head->row.writer_n;
        *before = head->stored; /* as the next one was chained: one difference is told once */
    }
    return TAGIH_OK;
}

struct posting_chain {
    int64_t writer;
    bool any;       /* postings that are asked for */
    int64_t number; /* and the one before them */
    hash256 before;
    int64_t state_n;
    hash256 state_head;
};

static tagih_err check_chain(struct verify *v, struct postings *p, const struct posting_chain *chain, int64_t *done) {
    hash256 before = chain->before;
    int64_t number = chain->number;
    for (p->n = POSTINGS_CHUNK; p->n == POSTINGS_CHUNK;) {
        arena_reset(v->arena);
        TRY(read_heads(p, chain->writer, number + 1));
        if (p->n == 0) break;
        tagih_err err = read_parts(p);
        if (err_is_ok(err)) err = check_chunk(p, &number, &before);
        postings_release(p);
        TRY(err);
        verify__progress(v, "postings", *done += (int64_t)p->n);
    }
    const struct verify_row row = {v, "posting_writer", arena_printf(v->arena, "%lld", (long long)chain->writer)};
    verify__int(&row, "n", chain->state_n, number);
    if (number == 0) before = (hash256){{0}}; /* a worker that has not posted yet has no head */
    verify__bytes(&row, "head", BYTES_OF(&chain->state_head), BYTES_OF(&before));
    return TAGIH_OK;
}

/* The next chain behind `after`. Chains are as many as there ever were workers: one at a time. */
static tagih_err read_chain(struct verify *v, int64_t after, bool *found, struct posting_chain *out) {
#define COL(name) COL_verify_writers_##name
    struct params params;
    DEFER(result) struct result r = {0};
    arena_reset(v->arena);
    tx_params(&params, v->tx, v->arena, STMT_verify_writers, 0);
    params_one_int8(&params, v->since.us);
    params_one_int8(&params, after);
    TRY(tx_send(v->tx, &params));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    *found = result_count(&r) == 1;
    if (!*found) return TAGIH_OK;
    bool behind = !result_is_null(&r, 0, COL(before));
    *out = (struct posting_chain){.writer = result_int8(&r, 0, COL(writer_id)), .state_n = result_int8(&r, 0, COL(n)),
                          .any = !result_is_null(&r, 0, COL(first_n))};
    if (behind) out->number = result_int8(&r, 0, COL(first_n)) - 1;
    out->before = behind ? result_hash(&r, 0, COL(before)) : posting_chain_start(v->agency, out->writer);
    struct bytes head = result_bytes(&r, 0, COL(head));
    if (head.len == sizeof out->state_head) memcpy(out->state_head.b, head.data, head.len);
    return TAGIH_OK;
#undef COL
}

tagih_err verify_postings(struct verify *v) {
    struct postings p = {.v = v};
    struct posting_chain chain = {.writer = -1};
    int64_t done = 0;
    TRY(find_tables(&p));
    for (bool found = true; found;) {
        TRY(read_chain(v, chain.writer, &found, &chain));
        bool asked = chain.any || v->since.us == 0;
        if (found && asked) TRY(check_chain(v, &p, &chain, &done));
    }
    return TAGIH_OK;
}
