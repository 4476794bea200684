/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payment earns (R-BON-1..5, 7..11): the inputs as the server knows them now, the line with its complete
 * context, chained to the collector's line before it, and the accrual in the ledger.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "domain/big_endian.h"
#include "book/posting.h"
#include "store/bonus.h"

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

struct posting_month *book_month(struct book *book, user_id collector, civil_date month_on, currency in) {
    for (size_t i = 0; i < book->loaded.n_months; i++) {
        struct posting_month *m = &book->loaded.months[i];
        if (uuid_equal(m->collector.u, collector.u) && m->month_on.days == month_on.days && currency_equal(m->currency, in)) {
            return m;
        }
    }
    return NULL;
}

static bool is_closed_month(const struct book *book, civil_date month_on) {
    return month_on.days < book->loaded.open_from.days;
}

/* The month that lines of a closed one go to: that of today (R-BON-5, R-BON-10). */
static struct posting_month *open_month(struct book *book, user_id collector, civil_date month_on, currency in) {
    civil_date month = is_closed_month(book, month_on) ? date_month(book->loaded.today) : month_on;
    return book_month(book, collector, month, in);
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
    row->has_payment = !uuid_is_nil(row->record.payment.u);
    row->has_account = !uuid_is_nil(row->record.account.u);
    row->has_team = !uuid_is_nil(row->record.team.u);
}

static struct bonus_row *row_slot(struct book *book) {
    if (book->n_bonus == book->bonus_max) {
        struct bonus_row *rows = ARENA_ARRAY(book->arena, 2 * book->bonus_max + 8, struct bonus_row);
        if (!rows) return NULL;
        memcpy(rows, book->bonus, book->n_bonus * sizeof *rows);
        for (size_t i = 0; i < book->n_bonus; i++) row_texts(&rows[i]); /* they point into the row itself */
        book->bonus = rows;
        book->bonus_max = 2 * book->bonus_max + 8;
    }
    return &book->bonus[book->n_bonus++];
}

/* A posting's first line has its id; the others are named by it and their place. */
static uuid line_id(const struct posted *posted) {
    uuid id = posted->post->id;
    if (posted->n_bonus == 0) return id;
    uint8_t name[32] = "tagih.line.1", digest[crypto_hash_sha256_BYTES];
    memcpy(name + 12, id.b, 16);
    put_be32(name + 28, (uint32_t)posted->n_bonus);
    crypto_hash_sha256(digest, name, sizeof name);
    memcpy(id.b, digest, 16);
    return id;
}

/* Chain a finished record to its collector and put its row and ledger lines into the book. */
static tagih_err line_add(struct book *book, struct posted *posted, struct bonus_row *row, struct posting_month *month,
                          bool counts) {
    struct posting_collector *collector = book_collector(book, row->record.collector, row->record.inputs.currency);
    if (!collector) return FAIL(INTERNAL);
    row->record.line_id = line_id(posted);
    row->record.month = month->month_on;
    row->record.previous = collector->bonus_head;
    row->posting = posted->post->id;
    TRY(bonus_record_hash(&row->record, &row->hash));
    row->chain_n = ++collector->bonus_n;
    collector->bonus_head = row->hash;
    collector->dirty = true;
    month->dirty = true;
    if (counts) TRY(minor_add(month->mtd_minor, row->record.inputs.base_minor, &month->mtd_minor));
    TRY(minor_add(month->bonus_minor, row->record.result.amount_minor, &month->bonus_minor));
    ledger_bonus(&posted->ledger, row->record.collector, row->record.result.amount_minor);
    struct bonus_row *slot = row_slot(book);
    if (!slot) return FAIL(OUT_OF_MEMORY);
    *slot = *row;
    row_texts(slot);
    posted->n_bonus++;
    return TAGIH_OK;
}

/* The inputs that decide tier and target: of an open month what it brought in so far, of a closed one what its close
 * found (R-BON-10). */
static struct bonus_inputs inputs_of(const struct posting_month *month, bool late, int64_t mtd_minor) {
    if (late) {
        return (struct bonus_inputs){.currency = month->currency, .mtd_minor = month->closed_mtd_minor,
                                     .has_target = month->closed_has_target, .target_minor = month->closed_target_minor,
                                     .target_version = month->closed_target_version};
    }
    return (struct bonus_inputs){.currency = month->currency, .mtd_minor = mtd_minor, .has_target = month->has_target,
                                 .target_minor = month->target_minor, .target_version = month->target_version};
}

/* Whose a line is, and of how much of the payment. */
struct credit {
    user_id collector;
    team_id team;
    int64_t base_minor;
    enum bucket bucket;
    bool on_hold;
};

static tagih_err write_line(struct book *book, const struct post *post, const struct posting_account *account,
                            struct posted *posted, const struct credit *credit) {
    const struct bonus_scheme *scheme = bonus_scheme_find(SCHEME, post->value_on);
    struct posting_month *of = book_month(book, credit->collector, date_month(post->value_on), post->currency);
    struct posting_month *month = open_month(book, credit->collector, date_month(post->value_on), post->currency);
    if (!scheme || !of || !month) return TAGIH_OK;
    bool late = of != month;
    struct bonus_row row = {
        .record = {.kind = late ? BONUS_LATE : BONUS_LINE, .payment = post->payment, .account = account->id,
                   .collector = credit->collector, .team = credit->team, .value_on = post->value_on,
                   .scheme_name = scheme->name, .scheme_version = scheme->version, .rate_bp = scheme->rate_bp,
                   .cap_bp = scheme->cap_bp, .allocation = allocation_digest(book, posted, post->payment),
                   .inputs = inputs_of(of, late, mtd_for(book, post, account, of))},
        .customer = account->customer, .line_no = (int16_t)(posted->n_bonus + 1), .has_hold = account->hold_from.is,
        .hold_from = account->hold_from.on, .on_hold = credit->on_hold};
    row.record.inputs.base_minor = credit->base_minor;
    row.record.inputs.bucket = credit->bucket;
    row.record.inputs.tag = (enum payment_tag)post->tag;
    TRY(bonus_write(scheme, &row.record.inputs, &row.record.result));
    return line_add(book, posted, &row, month, !late && bonus_tag_counts(scheme, row.record.inputs.tag));
}

/* The shares of a payment's account, which stand together; and is who took the money among them? */
static const struct posting_split *splits_of(const struct book *book, const struct post *post, size_t *n, bool *named) {
    const struct posting_split *first = NULL;
    *n = 0;
    *named = false;
    for (size_t i = 0; i < book->loaded.n_splits; i++) {
        const struct posting_split *s = &book->loaded.splits[i];
        if (s->post != post->index) continue;
        if (!first) first = s;
        (*n)++;
        *named |= uuid_equal(s->collector.u, post->collector.u);
    }
    return first;
}

/* R-BON-8a: the base is split, each part is a line with its own factors, and how it was split is a fact of the posting. */
static tagih_err write_split(struct book *book, const struct post *post, const struct posting_account *account, struct posted *posted,
                             const struct posting_split *splits, size_t n, const struct credit *whole) {
    struct bonus_share *shares = ARENA_ARRAY(book->arena, n, struct bonus_share);
    struct bonus_share_row *rows = ARENA_ARRAY(book->arena, n, struct bonus_share_row);
    if (!shares || !rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) shares[i] = (struct bonus_share){.collector = splits[i].collector, .share_bp = splits[i].share_bp};
    TRY(bonus_split(whole->base_minor, shares, n));
    for (size_t i = 0; i < n; i++) {
        struct credit part = {.collector = splits[i].collector, .team = splits[i].team, .base_minor = shares[i].base_minor,
                              .bucket = whole->bucket};
        rows[i] = (struct bonus_share_row){.payment = post->payment, .posting = post->id, .month = date_month(post->value_on),
                                           .version = splits[i].version, .share = shares[i]};
        if (!splits[i].is_own) TRY(write_line(book, post, account, posted, &part));
    }
    posting_bonus_shares(&posted->own_fact, book->tx, book->arena, rows, n);
    posted->facts[posted->n_facts++] = &posted->own_fact;
    return TAGIH_OK;
}

tagih_err book__bonus(struct book *book, const struct post *post, struct posting_account *account, struct posted *posted,
                      int64_t base_minor, enum bucket bucket) {
    size_t n;
    bool named;
    const struct posting_split *splits = splits_of(book, post, &n, &named);
    struct credit whole = {.collector = book->loaded.credited[post->index], .team = book->loaded.teams[post->index],
                           .base_minor = base_minor, .bucket = bucket,
                           .on_hold = !named && (post->flags & fate_bit(REASON_NOT_HOLDER)) != 0};
    if (n && !whole.on_hold) return write_split(book, post, account, posted, splits, n, &whole);
    /* R-BON-8: nobody's, or his own account: no line */
    bool nobodys = uuid_is_nil(whole.collector.u) || book->loaded.is_own[post->index];
    return nobodys ? TAGIH_OK : write_line(book, post, account, posted, &whole);
}

/* ---- taking back (R-BON-5) ------------------------------------------------------------------------------------ */

/* All that is stored for a payment, also by this very book. Sorted by collector, month and number. */
static tagih_err stored_for(const struct book *book, const struct post *post, struct posting_bonus **out, size_t *n) {
    *n = 0;
    *out = ARENA_ARRAY(book->arena, book->loaded.n_bonus + book->n_bonus, struct posting_bonus);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < book->loaded.n_bonus; i++) {
        if (book->loaded.bonus[i].post == post->index) (*out)[(*n)++] = book->loaded.bonus[i];
    }
    for (size_t i = 0; i < book->n_bonus; i++) {
        const struct bonus_row *b = &book->bonus[i];
        if (!uuid_equal(b->record.payment.u, post->payment.u)) continue;
        (*out)[(*n)++] = (struct posting_bonus){
            .line_id = b->record.line_id, .kind = b->record.kind, .line_no = b->line_no, .collector = b->record.collector,
            .team = b->record.team, .month_on = b->record.month, .base_minor = b->record.inputs.base_minor,
            .amount_minor = b->amount_minor};
    }
    return TAGIH_OK;
}

static bool same_group(const struct posting_bonus *a, const struct posting_bonus *b) {
    return uuid_equal(a->collector.u, b->collector.u) && a->month_on.days == b->month_on.days;
}

/* How the lines of one collector and month stand: taken back already, or to be taken back by one line more. */
struct group {
    const struct posting_bonus *first;
    size_t n;
    bool taken, counted;
    int64_t base_minor, amount_minor;
};

static tagih_err group_of(const struct posting_bonus *first, size_t n, struct group *out) {
    *out = (struct group){.first = first};
    const struct posting_bonus *last = first;
    while (out->n < n && same_group(first, &first[out->n])) {
        const struct posting_bonus *b = &first[out->n++];
        if (b->line_no >= last->line_no) last = b;
        TRY(minor_add(out->base_minor, b->base_minor, &out->base_minor));
        TRY(minor_add(out->amount_minor, b->amount_minor, &out->amount_minor));
    }
    out->taken = last->kind == BONUS_REVERSAL || last->kind == BONUS_CLAWBACK;
    out->counted = last->kind == BONUS_LINE || last->kind == BONUS_RETAG;
    return TAGIH_OK;
}

static int16_t next_number(const struct posting_bonus *stored, size_t n) {
    int16_t highest = 0;
    for (size_t i = 0; i < n; i++) {
        if (stored[i].line_no > highest) highest = stored[i].line_no;
    }
    return (int16_t)(highest + 1);
}

static tagih_err take_back(struct book *book, const struct post *post, struct posted *posted,
                           const struct posting_reversed *payment, const struct group *group, int16_t line_no) {
    const struct bonus_scheme *scheme = bonus_scheme_find(SCHEME, payment->value_on);
    struct posting_month *month = open_month(book, group->first->collector, group->first->month_on, payment->currency);
    if (!month || !scheme) return FAIL(INTERNAL);
    bool closed = is_closed_month(book, group->first->month_on);
    struct bonus_row row = {
        .record = {.kind = closed ? BONUS_CLAWBACK : BONUS_REVERSAL, .payment = post->payment, .account = payment->account,
                   .collector = group->first->collector, .value_on = payment->value_on, .scheme_name = scheme->name,
                   .scheme_version = scheme->version, .rate_bp = scheme->rate_bp, .cap_bp = scheme->cap_bp,
                   .allocation = allocation_digest(book, posted, post->payment), .inputs = inputs_of(month, false, month->mtd_minor)},
        .line_no = line_no};
    row.record.inputs.tag = (enum payment_tag)payment->tag;
    TRY(minor_sub(0, group->base_minor, &row.record.inputs.base_minor));
    TRY(minor_sub(0, group->amount_minor, &row.record.result.amount_minor));
    bool counts = !closed && group->counted && bonus_tag_counts(scheme, row.record.inputs.tag);
    return line_add(book, posted, &row, month, counts);
}

static int by_line(const void *left, const void *right) {
    const struct bonus_taken_row *a = left, *b = right;
    int order = uuid_compare(a->line, b->line);
    return order ? order : uuid_compare(a->taken.line_id, b->taken.line_id);
}

/* What the line that was written last names. */
static void name_taken(const struct book *book, const struct post *post, const struct group *group, struct bonus_taken_row *taken,
                       size_t *n_taken) {
    for (size_t i = 0; i < group->n; i++) {
        const struct posting_bonus *b = &group->first[i];
        taken[(*n_taken)++] = (struct bonus_taken_row){
            .posting = post->id, .line = book->bonus[book->n_bonus - 1].record.line_id,
            .taken = {.line_id = b->line_id, .amount_minor = b->amount_minor, .base_minor = b->base_minor}};
    }
}

static void keep_taken(struct book *book, struct posted *posted, struct bonus_taken_row *taken, size_t n_taken) {
    if (n_taken == 0) return;
    qsort(taken, n_taken, sizeof *taken, by_line);
    posting_bonus_taken(&posted->own_fact, book->tx, book->arena, taken, n_taken);
    posted->facts[posted->n_facts++] = &posted->own_fact;
}

tagih_err book__bonus_reverse(struct book *book, const struct post *post, struct posted *posted,
                              const struct posting_reversed *payment) {
    struct posting_bonus *stored;
    size_t n, n_taken = 0;
    TRY(stored_for(book, post, &stored, &n));
    struct bonus_taken_row *taken = ARENA_ARRAY(book->arena, n + 1, struct bonus_taken_row);
    if (!taken) return FAIL(OUT_OF_MEMORY);
    int16_t line_no = next_number(stored, n);
    struct group group;
    for (size_t at = 0; at < n; at += group.n) {
        TRY(group_of(stored + at, n - at, &group));
        if (group.taken) continue;
        TRY(take_back(book, post, posted, payment, &group, line_no++));
        name_taken(book, post, &group, taken, &n_taken);
    }
    keep_taken(book, posted, taken, n_taken);
    return TAGIH_OK;
}

/* ---- another tag (R-TAG-1) ------------------------------------------------------------------------------------ */

/* The newest line of a group, with its whole context. */
static const struct bonus_record *live_record(const struct bonus_history *history, const struct group *group) {
    const struct bonus_stored *live = NULL;
    for (size_t i = 0; i < history->n_lines; i++) {
        const struct bonus_stored *line = &history->lines[i];
        bool own = uuid_equal(line->record.collector.u, group->first->collector.u) &&
                   line->record.month.days == group->first->month_on.days;
        if (own && (!live || line->line_no > live->line_no)) live = line;
    }
    return live ? &live->record : NULL;
}

/* The stored context with only the tag changed: bucket, tier and target stay those that the line was written with. */
static tagih_err write_retag(struct book *book, const struct post *post, struct posted *posted, const struct bonus_record *live,
                             int16_t line_no) {
    const struct bonus_scheme *scheme = bonus_scheme_find(live->scheme_name, live->value_on);
    struct posting_month *month = book_month(book, live->collector, live->month, live->inputs.currency);
    if (!scheme || !month) return FAIL(INTERNAL);
    struct bonus_row row = {.record = *live, .line_no = line_no};
    row.record.kind = BONUS_RETAG;
    row.record.inputs.tag = (enum payment_tag)post->tag;
    row.record.result.factors.tag = scheme->tag_factor[post->tag];
    TRY(bonus_line(live->inputs.base_minor, live->rate_bp, live->cap_bp, &row.record.result.factors,
                   &row.record.result.amount_minor, &row.record.result.capped));
    return line_add(book, posted, &row, month, bonus_tag_counts(scheme, row.record.inputs.tag));
}

tagih_err book__bonus_retag(struct book *book, const struct post *post, struct posted *posted) {
    struct posting_reversed payment = book->loaded.reversed[post->index];
    struct posting_bonus *stored;
    size_t n, n_taken = 0;
    TRY(stored_for(book, post, &stored, &n));
    struct bonus_taken_row *taken = ARENA_ARRAY(book->arena, n + 1, struct bonus_taken_row);
    if (!taken) return FAIL(OUT_OF_MEMORY);
    payment.tag = (int16_t)post->retag->before;
    int16_t line_no = next_number(stored, n);
    struct group group;
    for (size_t at = 0; at < n; at += group.n) {
        TRY(group_of(stored + at, n - at, &group));
        const struct bonus_record *live = live_record(post->retag->history, &group);
        if (!group.counted || !live) continue;
        TRY(take_back(book, post, posted, &payment, &group, line_no++));
        name_taken(book, post, &group, taken, &n_taken);
        TRY(write_retag(book, post, posted, live, line_no++));
    }
    keep_taken(book, posted, taken, n_taken);
    return TAGIH_OK;
}

/* ---- somebody else's after all (R-BON-8c) ---------------------------------------------------------------------- */

/* The debt that a payment paid: as its month's close found it, else as it was when the line was written. */
static int64_t base_of(const struct bonus_history *history, const struct bonus_record *live) {
    for (size_t i = 0; i < history->n_parts; i++) {
        if (uuid_equal(history->parts[i].collector.u, live->collector.u)) return history->parts[i].closing.base_minor;
    }
    return live->inputs.base_minor;
}

/* The context of the line that is taken back, with the collector changed: his are tier and target, as they are known now. */
static tagih_err write_credit(struct book *book, const struct post *post, struct posted *posted, const struct bonus_record *live,
                              int16_t line_no) {
    const struct bonus_scheme *scheme = bonus_scheme_find(live->scheme_name, live->value_on);
    struct posting_month *of = book_month(book, post->collector, date_month(live->value_on), live->inputs.currency);
    struct posting_month *month = open_month(book, post->collector, date_month(live->value_on), live->inputs.currency);
    if (!scheme || !of || !month) return FAIL(INTERNAL);
    bool late = of != month;
    struct bonus_row row = {.record = *live, .line_no = line_no};
    row.record.kind = late ? BONUS_LATE : BONUS_LINE;
    row.record.collector = post->collector;
    row.record.team = book->loaded.teams[post->index];
    row.record.inputs = inputs_of(of, late, of->mtd_minor);
    row.record.inputs.base_minor = base_of(post->credit->history, live);
    row.record.inputs.bucket = live->inputs.bucket;
    row.record.inputs.tag = live->inputs.tag;
    TRY(bonus_write(scheme, &row.record.inputs, &row.record.result));
    return line_add(book, posted, &row, month, !late && bonus_tag_counts(scheme, live->inputs.tag));
}

tagih_err book__bonus_credit(struct book *book, const struct post *post, struct posted *posted) {
    const struct posting_reversed *payment = &book->loaded.reversed[post->index];
    struct posting_bonus *stored;
    size_t n, n_taken = 0;
    TRY(stored_for(book, post, &stored, &n));
    struct bonus_taken_row *taken = ARENA_ARRAY(book->arena, n + 1, struct bonus_taken_row);
    if (!taken) return FAIL(OUT_OF_MEMORY);
    int16_t line_no = next_number(stored, n);
    struct group group;
    for (size_t at = 0; at < n; at += group.n) {
        TRY(group_of(stored + at, n - at, &group));
        const struct bonus_record *live = live_record(post->credit->history, &group);
        if (group.taken) continue;
        if (!live) return FAIL(INTERNAL);
        TRY(take_back(book, post, posted, payment, &group, line_no++));
        name_taken(book, post, &group, taken, &n_taken);
        TRY(write_credit(book, post, posted, live, line_no++));
    }
    keep_taken(book, posted, taken, n_taken);
    return TAGIH_OK;
}

/* ---- the month's close (R-BON-7) ------------------------------------------------------------------------------ */

tagih_err book__bonus_true_up(struct book *book, const struct post *post, struct posted *posted) {
    const struct post_true_up *up = post->true_up;
    const struct bonus_scheme *scheme = bonus_scheme_find(SCHEME, post->value_on);
    struct posting_month *month = book_month(book, post->collector, up->month, post->currency);
    if (!scheme || !month) return FAIL(INTERNAL);
    struct bonus_row row = {
        .record = {.kind = BONUS_TRUE_UP, .collector = post->collector, .team = up->team, .value_on = post->value_on,
                   .scheme_name = scheme->name, .scheme_version = scheme->version, .rate_bp = scheme->rate_bp,
                   .cap_bp = scheme->cap_bp, .allocation = up->parts, .inputs = up->inputs,
                   .result = {.factors = {.tier = up->result.tier, .target = up->result.target},
                              .no_target = !up->inputs.has_target,
                              .no_tier = !currency_equal(up->inputs.currency, scheme->currency),
                              .amount_minor = up->result.amount_minor}},
        .line_no = 1};
    return line_add(book, posted, &row, month, false);
}
