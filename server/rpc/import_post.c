/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's side of an import: what the creditor says more or less than our own figures is one posting an account
 * against creditor control, J1 for a new account and J33 for a difference (R-IMP-3). Payments that replayed on top get
 * new allocation rows in the same posting. Each posting is digested and chained as in book/digest.c, and ends
 * with its SNAPSHOT.
 */
#include <string.h>

#include "domain/posting.h"
#include "rpc/import_save.h"
#include "book/posting.h"
#include "run/random.h"
#include "store/posting.h"
#include "store/rule_set.h"

/* All postings of a batch while they are made. */
struct journal_rows {
    struct posting_head_row *heads;
    size_t n_heads;
    struct line_row *lines;
    size_t n_lines;
    struct allocation_row *allocations;
    size_t n_allocations;
    struct reconciliation_row *reports;
    size_t n_reports;
};

static size_t count_parts(struct import_item *const *good, size_t n) {
    size_t parts = 0;
    for (size_t i = 0; i < n; i++) parts += good[i]->outcome.n_parts + good[i]->n_facts;
    return parts;
}

static tagih_err rows_open(struct arena *arena, struct import_item *const *good, size_t n, struct journal_rows *out) {
    *out = (struct journal_rows){.heads = ARENA_ARRAY(arena, n, struct posting_head_row),
                         .lines = ARENA_ARRAY(arena, n * LEDGER_LINES_MAX, struct line_row),
                         .allocations = ARENA_ARRAY(arena, count_parts(good, n) + 1, struct allocation_row),
                         .reports = ARENA_ARRAY(arena, n, struct reconciliation_row)};
    return out->heads && out->lines && out->allocations && out->reports ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

/* New minus old, per component and for customer credit. */
static tagih_err difference(const struct import_item *item, struct ledger_txn *txn) {
    struct import_figures now;
    int64_t delta_minor[COMPONENT_COUNT];
    TRY(import_figures(item, &now));
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        TRY(minor_sub(now.open_minor[c], item->loaded.open_minor[c], &delta_minor[c]));
    }
    struct ledger_side credit = {.account = LEDGER_CUSTOMER_CREDIT, .owner = item->account.u};
    ledger_begin(txn, item->row.currency);
    ledger_creditor_change(txn, item->account, delta_minor);
    ledger_move(txn, credit, LEDGER_SIDE(CREDITOR_CONTROL), item->loaded.credit_minor - now.credit_minor);
    return ledger_end(txn);
}

static void add_lines(struct journal_rows *book, uuid posting, const struct ledger_txn *txn) {
    for (size_t k = 0; k < txn->n; k++) {
        const struct ledger_line *line = &txn->lines[k];
        book->lines[book->n_lines++] = (struct line_row){
            .posting = posting, .no = (int16_t)(k + 1), .account = (int16_t)line->account,
            .has_owner = !uuid_is_nil(line->owner), .owner = line->owner,
            .amount_minor = line->amount_minor};
    }
}

/* One row an instalment of each payment that replayed, and one of instalment 0 for what is credit. */
static void add_allocations(struct journal_rows *book, const struct import_item *item, size_t fact, uuid posting) {
    const struct allocation_outcome *out = &item->outcome;
    const struct allocation_result *result = &out->results[fact];
    struct allocation_row empty = {.posting = posting, .payment.u = item->facts[fact].fact.id, .version = item->facts[fact].version + 1};
    struct allocation_row *row = NULL;
    for (size_t k = result->part_first; k < result->part_first + result->n_parts; k++) {
        const struct allocation_part *part = &out->parts[k];
        if (!row || row->instalment_no != part->instalment_no) {
            row = &book->allocations[book->n_allocations++];
            *row = empty;
            row->instalment_no = part->instalment_no;
        }
        row->component_minor[part->component] += part->amount_minor;
        if (part->origin == PART_DEBT) row->debt_minor += part->amount_minor;
    }
    if (result->effect.credit_minor == 0) return;
    book->allocations[book->n_allocations] = empty;
    book->allocations[book->n_allocations++].credit_minor = result->effect.credit_minor; /* also what a refund took since */
}

static void digest_snapshot(struct posting_digest *digest, const struct import_item *item, const struct import_saving *saving) {
    struct snapshot_row row = {.account = item->account, .as_of = saving->file->as_of_on, .received = saving->now,
                               .file = saving->file->hash, .row_no = item->row_no, .load_type = (int16_t)item->load.type,
                               .export_seq = saving->file->export_seq};
    memcpy(row.due_minor, item->row.due_minor, sizeof row.due_minor);
    posting_digest_snapshot(digest, &row);
}

/* Another rule set is a fact of its posting, whose id it has. */
static struct account_rule_set_row rules_row(const struct import_saving *saving, const struct import_item *item) {
    struct account_rule_set_row row = {.posting = item->rules.id, .account = item->account, .rules = item->rules.rules,
                                       .value_on = item->rules.value_on, .made = item->rules.made, .received = saving->now,
                                       .reason = bytes_text("the creditor's file"), .has_actor = saving->file->actor != NULL};
    if (row.has_actor) row.actor = *saving->file->actor;
    return row;
}

static void digest_rules(struct posting_digest *digest, const struct import_saving *saving, const struct import_item *item) {
    struct account_rule_set_row row = rules_row(saving, item);
    struct params insert;
    rule_set_account_facts(&insert, saving->tx, saving->arena, &row, 1);
    fact_digest(digest, &insert);
}

static tagih_err send_rules(const struct import_saving *saving, struct import_item *const *good, size_t n) {
    struct account_rule_set_row *rows = ARENA_ARRAY(saving->arena, n, struct account_rule_set_row);
    struct params insert;
    size_t n_rows = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (good[i]->changes_rules) rows[n_rows++] = rules_row(saving, good[i]);
    }
    if (n_rows == 0) return TAGIH_OK;
    rule_set_account_facts(&insert, saving->tx, saving->arena, rows, n_rows);
    return tx_send(saving->tx, &insert);
}

/* The account's row of the reconciliation report is a fact of its posting. */
static void digest_report(struct posting_digest *digest, struct journal_rows *book, struct import_saving *saving,
                          const struct import_item *item, uuid posting) {
    struct reconciliation_row *row = &book->reports[book->n_reports++];
    struct params insert;
    *row = item->report;
    row->posting = posting;
    reconciliation_insert(&insert, saving->tx, saving->arena, row, 1);
    fact_digest(digest, &insert);
}

/* Digest what this posting inserts, and chain it. */
static void seal(struct journal_rows *book, struct import_saving *saving, const struct import_item *item, size_t first_line,
                 size_t first_allocation, agency_id agency) {
    struct import_chain *chain = &saving->chain;
    struct posting_head_row *head = &book->heads[book->n_heads - 1];
    struct posting_digest digest;
    if (!chain->begun) chain->head = posting_chain_start(agency, chain->writer);
    posting_begin(&digest, &chain->head);
    posting_digest_allocations(&digest, book->allocations + first_allocation, book->n_allocations - first_allocation);
    posting_digest_head(&digest, head);
    for (size_t k = first_line; k < book->n_lines; k++) posting_digest_line(&digest, &book->lines[k]);
    digest_snapshot(&digest, item, saving);
    if (item->changes_rules) digest_rules(&digest, saving, item);
    if (item->reconciled) digest_report(&digest, book, saving, item, head->id);
    chain->begun = true;
    chain->head = head->digest = posting_end(&digest);
    head->writer_n = ++chain->n;
}

static tagih_err post_one(struct journal_rows *book, struct import_saving *saving, const struct import_item *item, agency_id agency) {
    struct ledger_txn txn;
    TRY(difference(item, &txn));
    if (txn.n == 0 && item->n_facts == 0 && !item->reconciled && !item->changes_rules) return TAGIH_OK;
    size_t first_line = book->n_lines, first_allocation = book->n_allocations;
    struct posting_head_row *head = &book->heads[book->n_heads++];
    *head = (struct posting_head_row){.id = item->changes_rules ? item->rules.id : random_id(), .kind = POSTING_OF_IMPORT,
                                      .trigger = item->account.u, .has_account = true, .account = item->account,
                                      .value_on = saving->file->as_of_on, .at = saving->now};
    bool open = head->value_on.days >= saving->days.open_from.days; /* R-ALL-7 */
    head->posting_on = open ? head->value_on : saving->days.today;
    add_lines(book, head->id, &txn);
    for (size_t k = first_line; k < book->n_lines; k++) book->lines[k].currency = bytes_make(item->row.currency.code, 3);
    for (size_t k = 0; k < item->n_facts; k++) {
        if (item->facts[k].fact.kind == FACT_PAYMENT) add_allocations(book, item, k, head->id);
    }
    seal(book, saving, item, first_line, first_allocation, agency);
    return TAGIH_OK;
}

tagih_err import_post(struct tx *tx, struct arena *arena, struct import_saving *saving, struct import_item *const *good,
                      size_t n) {
    struct journal_rows book;
    saving->tx = tx;
    saving->arena = arena;
    TRY(rows_open(arena, good, n, &book));
    for (size_t i = 0; i < n; i++) TRY(post_one(&book, saving, good[i], tx->options->agency));
    if (book.n_heads == 0) return TAGIH_OK;
    TRY(posting_send_allocations(tx, arena, book.allocations, book.n_allocations));
    TRY(posting_send_postings(tx, arena, book.heads, book.n_heads, saving->now, saving->chain.writer));
    TRY(posting_send_lines(tx, arena, book.lines, book.n_lines));
    if (book.n_reports) {
        struct params reports;
        reconciliation_insert(&reports, tx, arena, book.reports, book.n_reports);
        TRY(tx_send(tx, &reports));
    }
    TRY(send_rules(saving, good, n));
    return import_send_chain(tx, arena, &saving->chain);
}
