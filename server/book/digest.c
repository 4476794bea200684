/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a posting's digest covers, row by row, in the order of domain/posting.h. These are the fields, for ever:
 *
 *   ENTRY        uuid entry · bytes entry hash · int first fate · int first flags
 *   ACK          bytes acknowledgement
 *   PAYMENT      uuid payment · uuid account · int source · text reference or null · int tender · int tag · int amount ·
 *                text currency · instant value · date value · date posting · instant received · uuid collector or null ·
 *                uuid actor or null
 *   ALLOCATION   uuid payment · int version · int instalment · int fees · int penalty · int interest · int principal ·
 *                int credit · int debt                           (by payment, version, instalment)
 *   LEDGER_TXN   uuid posting · int kind · uuid trigger · uuid account or null · date value · date posting · instant at
 *   LEDGER_LINE  uuid posting · int number · int ledger account · uuid owner or null · text currency · int amount
 *   BONUS_LINE   uuid payment, nil of a TRUE_UP · int number · bytes hash (which covers the line's whole context)
 *   EVENT        of a reversal: uuid payment · uuid reversal · int reason · date value · date posting · instant at ·
 *                uuid actor or null
 *   SNAPSHOT     of an import: uuid account · date as of · instant received · bytes file hash · int row · int load type ·
 *                int fees · int penalty · int interest · int principal · int export sequence or null
 *   FACT         text table · every column but the agency, in the order of its insert statement (store/fact.h)
 *                                                                (by table, then in the order of its _verify statement)
 *
 * A receipt's own columns repeat its entry, which the entry hash covers.
 */
#include <stdlib.h>

#include "book/posting.h"

static void uuid_or_null(struct posting_digest *d, bool is, uuid id) {
    if (is) posting_uuid(d, id);
    else posting_null(d);
}

void posting_digest_entry(struct posting_digest *d, uuid posting, const hash256 *entry, uint16_t fate, fate_bits flags, struct bytes ack) {
    posting_row(d, POSTING_ENTRY, 4);
    posting_uuid(d, posting);
    posting_bytes(d, BYTES_OF(entry));
    posting_int(d, fate);
    posting_int(d, (int64_t)flags);
    posting_row(d, POSTING_ACK, 1);
    posting_bytes(d, ack);
}

void posting_digest_payment(struct posting_digest *d, const struct payment_row *row) {
    posting_row(d, POSTING_PAYMENT, 14);
    posting_uuid(d, row->id.u);
    posting_uuid(d, row->account.u);
    posting_int(d, row->source);
    if (row->has_reference) posting_text(d, row->reference);
    else posting_null(d);
    posting_int(d, row->tender);
    posting_int(d, row->tag);
    posting_int(d, row->amount_minor);
    posting_text(d, row->currency);
    posting_instant(d, (instant){row->value_us});
    posting_date(d, row->value_on);
    posting_date(d, row->posting_on);
    posting_instant(d, (instant){row->received_us});
    uuid_or_null(d, row->has_collector, row->collector.u);
    uuid_or_null(d, row->has_actor, row->actor.u);
}

static int by_key(const void *left, const void *right) {
    const struct allocation_row *a = left, *b = right;
    int order = uuid_compare(a->payment.u, b->payment.u);
    if (order) return order;
    if (a->version != b->version) return a->version < b->version ? -1 : 1;
    return (a->instalment_no > b->instalment_no) - (a->instalment_no < b->instalment_no);
}

void posting_digest_allocations(struct posting_digest *d, struct allocation_row *rows, size_t n) {
    qsort(rows, n, sizeof *rows, by_key);
    for (size_t i = 0; i < n; i++) {
        posting_row(d, POSTING_ALLOCATION, 9);
        posting_uuid(d, rows[i].payment.u);
        posting_int(d, rows[i].version);
        posting_int(d, rows[i].instalment_no);
        for (int c = 0; c < COMPONENT_COUNT; c++) posting_int(d, rows[i].component_minor[c]);
        posting_int(d, rows[i].credit_minor);
        posting_int(d, rows[i].debt_minor);
    }
}

void posting_digest_head(struct posting_digest *d, const struct posting_head_row *row) {
    posting_row(d, POSTING_LEDGER_TXN, 7);
    posting_uuid(d, row->id);
    posting_int(d, row->kind);
    posting_uuid(d, row->trigger);
    uuid_or_null(d, row->has_account, row->account.u);
    posting_date(d, row->value_on);
    posting_date(d, row->posting_on);
    posting_instant(d, row->at);
}

void posting_digest_line(struct posting_digest *d, const struct line_row *row) {
    posting_row(d, POSTING_LEDGER_LINE, 6);
    posting_uuid(d, row->posting);
    posting_int(d, row->no);
    posting_int(d, row->account);
    uuid_or_null(d, row->has_owner, row->owner);
    posting_text(d, row->currency);
    posting_int(d, row->amount_minor);
}

void posting_digest_bonus(struct posting_digest *d, payment_id payment, int16_t line_no, const hash256 *hash) {
    posting_row(d, POSTING_BONUS_LINE, 3);
    posting_uuid(d, payment.u);
    posting_int(d, line_no);
    posting_bytes(d, BYTES_OF(hash));
}

void posting_digest_reversal(struct posting_digest *d, const struct reversal_row *row) {
    posting_row(d, POSTING_EVENT, 7);
    posting_uuid(d, row->payment.u);
    posting_uuid(d, row->id);
    posting_int(d, row->reason);
    posting_date(d, row->value_on);
    posting_date(d, row->posting_on);
    posting_instant(d, row->at);
    uuid_or_null(d, row->has_actor, row->actor.u);
}

void posting_digest_snapshot(struct posting_digest *d, const struct snapshot_row *row) {
    posting_row(d, POSTING_SNAPSHOT, 7 + COMPONENT_COUNT);
    posting_uuid(d, row->account.u);
    posting_date(d, row->as_of);
    posting_instant(d, row->received);
    posting_bytes(d, BYTES_OF(&row->file));
    posting_int(d, row->row_no);
    posting_int(d, row->load_type);
    for (int c = 0; c < COMPONENT_COUNT; c++) posting_int(d, row->due_minor[c]);
    if (row->export_seq) posting_int(d, row->export_seq);
    else posting_null(d);
}

void book__digest(struct book *book, const struct posted *posted, const struct posting_head_row *head_row,
                  const struct line_row *lines, size_t n_lines, hash256 *out) {
    struct posting_digest d;
    posting_begin(&d, &book->loaded.writer.head);
    const struct post *post = posted->post;
    if (post->has_entry) posting_digest_entry(&d, post->id, &post->entry_hash, post->fate, post->flags, post->ack);
    if (posted->payment) posting_digest_payment(&d, &book->payments[posted->payment - 1]);
    if (posted->n_allocations) posting_digest_allocations(&d, book->allocations + posted->allocation_first, posted->n_allocations);
    posting_digest_head(&d, head_row);
    for (size_t i = 0; i < n_lines; i++) posting_digest_line(&d, &lines[i]);
    for (size_t i = 0; i < posted->n_bonus; i++) {
        const struct bonus_row *line = &book->bonus[posted->bonus_first + i];
        posting_digest_bonus(&d, line->record.payment, line->line_no, &line->hash);
    }
    if (posted->reversal) posting_digest_reversal(&d, &book->reversals[posted->reversal - 1]);
    for (size_t i = 0; i < posted->n_facts; i++) fact_digest(&d, posted->facts[i]);
    *out = posting_end(&d);
}
