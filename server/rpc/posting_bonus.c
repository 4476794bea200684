/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payment earns (R-BON-1..5, 8, 9, 11): the inputs as the server knows them now, the line with its complete
 * context, chained to the collector's line before it, and the accrual in the ledger.
 */
#include <sodium.h>
#include <string.h>

#include "domain/big_endian.h"
#include "rpc/posting.h"

#define SCHEME "standard-1"

/* ---- bucket --------------------------------------------------------------------------------------------------- */

static enum bucket bucket_at(const struct instalment_open *lines, size_t n, civil_date on) {
    return bucket_of(&bucket_scheme_default, bucket_days_past_due(lines, n, 0, on));
}

/* A hold that began after the value date is not the one that the money was taken in. */
civil_date book__bucket_anchor(const struct posting_account *account, civil_date value_on) {
    civil_date anchor = date_month(value_on);
    bool later = account->hold_from.is && account->hold_from.on.days > anchor.days;
    return later && account->hold_from.on.days <= value_on.days ? account->hold_from.on : anchor;
}

/* Asked before the day's first payment, the open state answers; later ones of that day find what was kept then. */
enum bucket book__bucket(struct posting_account *account, const struct instalment_open *lines, size_t n_lines,
                         civil_date value_on) {
    civil_date anchor = book__bucket_anchor(account, value_on);
    if (!account->day_on.is || account->day_on.on.days != value_on.days) {
        account->day_on = (struct day){true, value_on};
        account->day_bucket = (int16_t)bucket_at(lines, n_lines, value_on);
    }
    if (!account->month_on.is || account->month_on.on.days != anchor.days) {
        account->month_on = (struct day){true, anchor};
        account->month_bucket = (int16_t)bucket_at(lines, n_lines, anchor);
    }
    return bucket_lower((enum bucket)account->day_bucket, (enum bucket)account->month_bucket);
}

/* ---- inputs --------------------------------------------------------------------------------------------------- */

static struct posting_month *month_of(struct book *book, user_id collector, civil_date month_on, currency in) {
    for (size_t i = 0; i < book->loaded.n_months; i++) {
        struct posting_month *m = &book->loaded.months[i];
        if (uuid_equal(m->collector.u, collector.u) && m->month_on.days == month_on.days && currency_equal(m->currency, in)) {
            return m;
        }
    }
    return NULL;
}

/* R-BON-8: all receipts of one customer taken by one collector on one date use the mtd of the first one posted. */
static int64_t mtd_for(const struct book *book, const struct post *post, const struct posting_account *account,
                       const struct posting_month *month) {
    if (post->source != SOURCE_FIELD) return month->mtd_minor;
    for (size_t i = 0; i < book->loaded.n_siblings; i++) {
        const struct posting_sibling *s = &book->loaded.siblings[i];
        bool receipt = s->post == post->index && s->source == SOURCE_FIELD && currency_equal(s->currency, month->currency);
        if (receipt && s->has_bonus && uuid_equal(s->collector.u, month->collector.u)) return s->mtd_minor;
    }
    for (size_t i = 0; i < book->n_bonus; i++) {
        const struct bonus_row *b = &book->bonus[i];
        if (b->record.kind != BONUS_LINE || b->record.value_on.days != post->value_on.days) continue;
        if (!payment_tag_is_field(b->record.inputs.tag)) continue;
        if (!currency_equal(b->record.inputs.currency, month->currency)) continue;
        if (uuid_equal(b->record.collector.u, month->collector.u) && uuid_equal(b->customer.u, account->customer.u)) {
            return b->record.inputs.mtd_minor;
        }
    }
    return month->mtd_minor;
}

/* Digest of a payment's allocation rows as this posting wrote them: SHA-256 over instalment, components, credit. */
static hash256 allocation_digest(const struct book *book, const struct posted *posted, payment_id payment) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < posted->n_allocations; i++) {
        const struct allocation_row *row = &book->allocations[posted->allocation_first + i];
        if (!uuid_equal(row->payment.u, payment.u)) continue;
        uint8_t out[8 * (COMPONENT_COUNT + 2)];
        put_be64(out, (uint64_t)row->instalment_no);
        for (int c = 0; c < COMPONENT_COUNT; c++) put_be64(out + 8 + 8 * c, (uint64_t)row->component_minor[c]);
        put_be64(out + 8 * (COMPONENT_COUNT + 1), (uint64_t)row->credit_minor);
        crypto_hash_sha256_update(&state, out, sizeof out);
    }
    hash256 digest;
    crypto_hash_sha256_final(&state, digest.b);
    return digest;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static void row_texts(struct bonus_row *row) {
    row->kind = (int16_t)row->record.kind;
    row->currency = bytes_text(row->record.inputs.currency.code);
    row->scheme = bytes_text(row->record.scheme_name);
    row->bucket = (int16_t)row->record.inputs.bucket;
    row->tag = (int16_t)row->record.inputs.tag;
    row->amount_minor = row->record.result.amount_minor;
}

/* Chain a finished record to its collector and put its row and ledger lines into the book. */
static tagih_err line_add(struct book *book, struct posted *posted, struct bonus_row *row, struct posting_month *month,
                          bool counts) {
    struct posting_collector *collector = book_collector(book, row->record.collector, row->record.inputs.currency);
    if (!collector) return FAIL(INTERNAL);
    row->record.previous = collector->bonus_head;
    TRY(bonus_record_hash(&row->record, &row->hash));
    row->chain_n = ++collector->bonus_n;
    collector->bonus_head = row->hash;
    collector->dirty = true;
    month->dirty = true;
    if (counts) TRY(minor_add(month->mtd_minor, row->record.inputs.base_minor, &month->mtd_minor));
    TRY(minor_add(month->bonus_minor, row->record.result.amount_minor, &month->bonus_minor));
    ledger_bonus(&posted->ledger, row->record.collector, row->record.result.amount_minor);
    book->bonus[book->n_bonus] = *row;
    row_texts(&book->bonus[book->n_bonus]); /* they point into the row itself */
    posted->bonus = ++book->n_bonus;
    return TAGIH_OK;
}

tagih_err book__bonus(struct book *book, const struct post *post, struct posting_account *account, struct posted *posted,
                      int64_t base_minor, enum bucket bucket) {
    user_id collector = book->loaded.credited[post->index]; /* R-BON-8; nil: nobody's, no line */
    if (uuid_is_nil(collector.u)) return TAGIH_OK;
    const struct bonus_scheme *scheme = bonus_scheme_find(SCHEME, post->value_on);
    struct posting_month *month = month_of(book, collector, date_month(post->value_on), post->currency);
    if (!scheme || !month) return TAGIH_OK;
    struct bonus_row row = {
        .record = {.kind = BONUS_LINE, .line_id = post->id, .payment = post->payment, .account = account->id,
                   .collector = collector, .team = book->loaded.teams[post->index], .month = month->month_on,
                   .value_on = post->value_on, .scheme_name = scheme->name, .scheme_version = scheme->version,
                   .rate_bp = scheme->rate_bp, .cap_bp = scheme->cap_bp,
                   .allocation = allocation_digest(book, posted, post->payment),
                   .inputs = {.base_minor = base_minor, .currency = post->currency, .bucket = bucket,
                              .tag = (enum payment_tag)post->tag, .mtd_minor = mtd_for(book, post, account, month),
                              .has_target = month->has_target, .target_minor = month->target_minor,
                              .target_version = month->target_version}},
        .customer = account->customer, .line_no = 1, .has_hold = account->hold_from.is, .hold_from = account->hold_from.on};
    TRY(bonus_write(scheme, &row.record.inputs, &row.record.result));
    row.has_team = !uuid_is_nil(row.record.team.u);
    row.on_hold = (post->flags & fate_bit(REASON_NOT_HOLDER)) != 0;
    return line_add(book, posted, &row, month, bonus_tag_counts(scheme, row.record.inputs.tag));
}

tagih_err book__bonus_reverse(struct book *book, const struct post *post, struct posted *posted,
                              const struct posting_reversed *payment) {
    const struct bonus_scheme *scheme = bonus_scheme_find(SCHEME, payment->value_on);
    if (payment->bonus_lines == 0 || !scheme) return TAGIH_OK;
    struct posting_month *month = month_of(book, payment->bonus_collector, payment->bonus_month, payment->currency);
    if (!month) return FAIL(INTERNAL);
    struct bonus_row row = {
        .record = {.kind = BONUS_REVERSAL, .line_id = post->id, .payment = post->payment, .account = payment->account,
                   .collector = payment->bonus_collector, .month = month->month_on, .value_on = payment->value_on,
                   .scheme_name = scheme->name, .scheme_version = scheme->version, .rate_bp = scheme->rate_bp,
                   .cap_bp = scheme->cap_bp, .allocation = allocation_digest(book, posted, post->payment),
                   .inputs = {.base_minor = -payment->bonus_base_minor, .currency = payment->currency,
                              .tag = (enum payment_tag)payment->tag, .mtd_minor = month->mtd_minor,
                              .has_target = month->has_target, .target_minor = month->target_minor,
                              .target_version = month->target_version},
                   .result = {.amount_minor = -payment->bonus_minor}},
        .line_no = (int16_t)(payment->bonus_lines + 1)};
    return line_add(book, posted, &row, month, bonus_tag_counts(scheme, row.record.inputs.tag));
}
