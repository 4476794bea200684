/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a statement, in two looks: the first finds what each line may settle, so that the accounts and collectors behind
 * it can be locked; the second, under these locks, says whether it is open still. A line's posting has the line's id, and
 * so has its item in suspense.
 */
#include "rpc/bank_import.h"

#include <string.h>

#include "domain/change.h"
#include "rpc/bank_pair.h"
#include "rpc/deposit.h"
#include "book/suspense.h"

void bank_import_read(const struct bank_text *text, const struct bank_file *file, struct bank_item *item) {
    item->unreadable = bank_row_parse(text, file->currency, &item->row, &item->column);
    item->err = item->unreadable;
}

static bool is_twin(const struct bank_row *a, const struct bank_row *b) {
    return b->line_reference.len == 0 && a->booked_on.days == b->booked_on.days && a->amount_minor == b->amount_minor &&
           bytes_equal(a->reference, b->reference) && bytes_equal(a->payer, b->payer) && bytes_equal(a->note, b->note);
}

void bank_import_name(const struct bank_file *file, struct bank_item *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t twins = 0;
        bool named = items[i].row.line_reference.len > 0;
        for (size_t k = 0; !named && k < i; k++) twins += err_is_ok(items[k].unreadable) && is_twin(&items[i].row, &items[k].row);
        items[i].line = bank_line_id(file->bank_account, &items[i].row, twins);
    }
}

const char *bank_item_result(const struct bank_item *item) {
    if (!err_is_ok(item->err)) return err_token(item->err);
    return item->repeat ? "SAME" : bank_outcome_name((int)item->outcome);
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

/* The good rows of a batch, beside what is found for them. */
struct lines {
    struct bank_item **items;
    struct bank_line_row *rows;
    struct bank_known *known;
    int64_t *value_us;
    struct bank_candidate *candidates;
    bool *taken; /* per candidate: not open, or settled by a line before */
    struct deposit_match *deposits; /* per line: the cash brought to the bank that it may be (J15); a nil id: none */
    size_t n, n_candidates;
};

static struct bank_line_row row_of(const struct bank_file *file, const struct bank_item *item) {
    return (struct bank_line_row){.id = item->line, .posting = item->line, .row_no = item->row_no, .file_hash = file->hash,
                                  .bank_account = file->bank_account, .line_reference = item->row.line_reference,
                                  .currency = bytes_text(file->currency.code), .reference = item->row.reference,
                                  .payer = item->row.payer, .note = item->row.note, .booked_on = item->row.booked_on,
                                  .amount_minor = item->row.amount_minor, .has_actor = file->has_actor, .actor = file->actor};
}

static tagih_err lines_open(struct arena *arena, const struct bank_file *file, struct bank_item *items, size_t n, struct lines *out) {
    *out = (struct lines){.items = ARENA_ARRAY(arena, n, struct bank_item *), .rows = ARENA_ARRAY(arena, n, struct bank_line_row),
                          .known = ARENA_ARRAY(arena, n, struct bank_known), .value_us = ARENA_ARRAY(arena, n, int64_t)};
    if (!out->items || !out->rows || !out->known || !out->value_us) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        items[i].err = items[i].unreadable; /* a body may run again */
        items[i].repeat = false;
        items[i].expected = (uuid){{0}};
        if (!err_is_ok(items[i].err)) continue;
        out->items[out->n] = &items[i];
        out->rows[out->n++] = row_of(file, &items[i]);
    }
    return TAGIH_OK;
}

tagih_err bank_import_send(struct tx *tx, struct arena *arena, const struct bank_file *file, const struct bank_item *items, size_t n) {
    struct bank_line_row *rows = ARENA_ARRAY(arena, n, struct bank_line_row);
    size_t good = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (err_is_ok(items[i].unreadable)) rows[good++] = row_of(file, &items[i]);
    }
    TRY(bank_send_lock(tx, arena, file->bank_account));
    return bank_send_lines(tx, arena, rows, good);
}

/* ---- deciding ------------------------------------------------------------------------------------------------- */

/* Repeats first: the same line again, from whatever file; with another sum or day it is another line under an old name. */
static void find_repeats(struct lines *lines, instant now) {
    for (size_t i = 0; i < lines->n; i++) {
        struct bank_item *item = lines->items[i];
        const struct bank_known *known = &lines->known[i];
        bool twice = false;
        for (size_t k = 0; k < i; k++) twice |= uuid_equal(lines->rows[k].id, lines->rows[i].id);
        if (twice) item->err = FAIL(IMPORT_ROW_TWICE);
        else if (known->known && (known->amount_minor != item->row.amount_minor || known->booked_on.days != item->row.booked_on.days)) {
            item->err = FAIL(BANK_LINE_REUSED);
        } else if (known->known) item->repeat = true;
        else if (lines->value_us[i] > now.us) item->err = FAIL(PAYMENT_FUTURE);
        item->outcome = (enum bank_outcome)known->outcome;
    }
}

/* A post for each line that is new. What it may settle names the account and the collector to lock. */
static struct post post_of(const struct lines *lines, size_t i, const struct bank_file *file, instant now) {
    const struct bank_item *item = lines->items[i];
    int64_t sum_minor = item->row.amount_minor < 0 ? -item->row.amount_minor : item->row.amount_minor;
    struct post post = {.what = POST_MOVE, .id = item->line, .source = SOURCE_BANK, .tag = (int16_t)payment_tag_of_source(SOURCE_BANK, TENDER_NONE),
                        .amount_minor = sum_minor, .currency = file->currency, .value = {lines->value_us[i]}, .received = now,
                        .has_actor = file->has_actor, .actor = file->actor, .kind = POSTING_OF_BANK_LINE,
                        .skip = !err_is_ok(item->err) || item->repeat};
    for (size_t c = 0; c < lines->n_candidates; c++) {
        if (lines->candidates[c].line != i || lines->taken[c]) continue;
        post.account = lines->candidates[c].account;
        post.collector = bank_collector_of(&lines->candidates[c]);
    }
    return post;
}

static bool is_given(const uuid *given, size_t n, uuid deposit) {
    for (size_t i = 0; i < n; i++) {
        if (uuid_equal(given[i], deposit)) return true;
    }
    return false;
}

/* R-CSH-2c: of several deposits the oldest, and each for one line: the others are out of the question for it. One that was
 * matched by hand has only to be confirmed; of the others the states must follow. */
static tagih_err give_deposits(struct arena *arena, struct lines *lines) {
    uuid *given = ARENA_ARRAY(arena, lines->n + 1, uuid); /* per line; nil: none */
    if (!given) return FAIL(OUT_OF_MEMORY);
    for (size_t c = 0; c < lines->n_candidates; c++) {
        const struct bank_candidate *thing = &lines->candidates[c];
        if (thing->kind != EXPECTED_DEPOSIT) continue;
        bool idle = !err_is_ok(lines->items[thing->line]->err) || lines->items[thing->line]->repeat;
        lines->taken[c] = idle || !uuid_is_nil(given[thing->line]) || is_given(given, thing->line, thing->id);
        if (lines->taken[c]) continue;
        given[thing->line] = thing->id;
        if (bank_is_transit(thing)) lines->deposits[thing->line].id = thing->id;
    }
    return TAGIH_OK;
}

/* Deposits are locked before accounts and collectors; what somebody matched meanwhile is taken. */
static tagih_err lock_deposits(struct tx *tx, struct arena *arena, const struct bank_file *file, struct lines *lines) {
    for (size_t i = 0; i < lines->n; i++) {
        lines->deposits[i] = (struct deposit_match){.id = lines->deposits[i].id, .has_line = true, .line = lines->rows[i].id,
                                                    .has_actor = file->has_actor, .actor = file->actor, .reason = bytes_text("")};
    }
    TRY(deposits_lock(tx, arena, lines->deposits, lines->n));
    for (size_t c = 0; c < lines->n_candidates; c++) {
        const struct deposit_match *match = &lines->deposits[lines->candidates[c].line];
        bool moved = !match->found || match->deposit.state != DEPOSIT_IN_TRANSIT;
        if (bank_is_transit(&lines->candidates[c]) && moved) lines->taken[c] = true;
    }
    return TAGIH_OK;
}

/* Facts of a line's posting: the line, the payment that it confirms, the item in suspense that it is. */
static tagih_err add_facts(struct book *book, struct post *post, const struct bank_line_row *row, const struct bank_candidate *thing,
                           instant now) {
    struct params *facts = ARENA_ARRAY(book->arena, POST_FACTS_MAX, struct params);
    size_t n = 0;
    if (!facts) return FAIL(OUT_OF_MEMORY);
    bank_line_params(&facts[n++], book->tx, book->arena, row);
    if (thing && bank_is_payment(thing)) payment_settled_params(&facts[n++], book->tx, book->arena, &thing->object, &post->id, &row->id, now);
    for (size_t i = 0; i < post->n_facts; i++) facts[n++] = post->facts[i];
    post->facts = facts;
    post->n_facts = n;
    return TAGIH_OK;
}

/* J11, J31, J9, J15: the bank has it now. What stands at the bank already is confirmed, without lines. */
static tagih_err settle(struct book *book, struct post *post, const struct bank_candidate *thing, struct deposit_match *deposit,
                        int64_t amount_minor) {
    post->change = CHANGE_BANK_SETTLED;
    post->payment.u = thing->object;
    if (bank_is_transit(thing)) {
        post->kind = POSTING_OF_DEPOSIT;
        post->change = CHANGE_DEPOSIT_MATCHED;
        return deposit_match_build(book->tx, book->arena, deposit, post, book->now);
    }
    book_move_begin(post);
    if (thing->ledger_account != LEDGER_BANK) ledger_move(&post->ledger, LEDGER_SIDE(BANK), bank_side_of(thing), amount_minor);
    return TAGIH_OK;
}

/* Lines without a reference of the bank's are named by their id. */
static struct bytes identity_of(struct arena *arena, const struct bank_line_row *row) {
    char text[UUID_TEXT_SIZE];
    uuid_format(row->id, text);
    if (row->line_reference.len == 0) return arena_copy(arena, bytes_text(text));
    char *named = arena_printf(arena, "%.*s/%.*s", (int)row->bank_account.len, (const char *)row->bank_account.data,
                               (int)row->line_reference.len, (const char *)row->line_reference.data);
    return bytes_text(named ? named : "");
}

static tagih_err into_suspense(struct book *book, struct post *post, const struct bank_line_row *row) {
    struct bytes texts[] = {row->reference, row->note};
    char *note = arena_printf(book->arena, "%.*s%s%.*s", (int)texts[0].len, (const char *)texts[0].data, texts[0].len && texts[1].len ? " " : "",
                              (int)texts[1].len, (const char *)texts[1].data);
    struct suspense_in in = {.origin = SUSPENSE_OF_BANK_LINE, .payer = row->payer, .note = bytes_text(note ? note : ""), .has_trigger = true,
                             .trigger = row->id, .money = LEDGER_SIDE(BANK)};
    post->reference = identity_of(book->arena, row);
    post->account = (account_id){{{0}}};
    return suspense_post(book, post, &in);
}

static tagih_err decide_line(struct book *book, struct lines *lines, size_t i, size_t first, size_t count, struct post *post) {
    struct bank_item *item = lines->items[i];
    struct bank_line_row *row = &lines->rows[i];
    size_t at = 0;
    item->outcome = bank_decide(item->row.amount_minor, lines->taken + first, count, &at);
    const struct bank_candidate *thing = item->outcome == BANK_SETTLED ? &lines->candidates[first + at] : NULL;
    if (thing) {
        for (size_t c = 0; c < lines->n_candidates; c++) lines->taken[c] |= uuid_equal(lines->candidates[c].id, thing->id);
        item->expected = row->expected = thing->id;
        row->has_expected = true;
        TRY(settle(book, post, thing, &lines->deposits[i], item->row.amount_minor));
    } else if (item->row.amount_minor > 0) TRY(into_suspense(book, post, row));
    else book_move_begin(post);
    row->outcome = (int16_t)item->outcome;
    row->received_us = book->now.us;
    return add_facts(book, post, row, thing, book->now);
}

/* Candidates come by line. */
static tagih_err decide_lines(struct book *book, struct lines *lines, struct post *posts) {
    size_t first = 0;
    for (size_t i = 0; i < lines->n; i++) {
        size_t count = 0;
        while (first + count < lines->n_candidates && lines->candidates[first + count].line == i) count++;
        if (!posts[i].skip) TRY(decide_line(book, lines, i, first, count, &posts[i]));
        first += count;
    }
    return TAGIH_OK;
}

/* What is taken already, and what the lock shows to be settled. */
static tagih_err lock_things(struct book *book, struct lines *lines) {
    uuid *ids = ARENA_ARRAY(book->arena, lines->n_candidates + 1, uuid);
    bool *open = ARENA_ARRAY(book->arena, lines->n_candidates + 1, bool);
    if (!ids || !open) return FAIL(OUT_OF_MEMORY);
    for (size_t c = 0; c < lines->n_candidates; c++) ids[c] = lines->candidates[c].id;
    TRY(bank_book_open(book, ids, open, lines->n_candidates));
    for (size_t c = 0; c < lines->n_candidates; c++) lines->taken[c] |= !open[c];
    return TAGIH_OK;
}

tagih_err bank_import_decide(struct tx *tx, struct arena *arena, const struct bank_file *file, struct bank_item *items, size_t n, instant now) {
    struct lines lines;
    TRY(lines_open(arena, file, items, n, &lines));
    DEFER(result) struct result locked = {0};
    tx_take(tx, &locked);
    TRY(bank_take_lines(tx, arena, lines.n, lines.known, lines.value_us, &lines.candidates, &lines.n_candidates));
    struct post *posts = ARENA_ARRAY(arena, lines.n + 1, struct post);
    lines.taken = ARENA_ARRAY(arena, lines.n_candidates + 1, bool);
    lines.deposits = ARENA_ARRAY(arena, lines.n + 1, struct deposit_match);
    if (!posts || !lines.taken || !lines.deposits) return FAIL(OUT_OF_MEMORY);
    find_repeats(&lines, now);
    if (lines.n == 0) return TAGIH_OK;
    TRY(give_deposits(arena, &lines));
    TRY(lock_deposits(tx, arena, file, &lines));
    for (size_t i = 0; i < lines.n; i++) posts[i] = post_of(&lines, i, file, now);
    struct book book;
    TRY(book_begin(&book, tx, arena, tx->options->agency, file->writer, now, posts, lines.n, 0));
    TRY(lock_things(&book, &lines));
    TRY(decide_lines(&book, &lines, posts));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return deposits_matched(tx, arena, lines.deposits, lines.n);
}
