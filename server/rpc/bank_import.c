/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a statement, in two looks: the first finds what each line may settle, so that the accounts and collectors behind
 * it can be locked; the second, under these locks, says whether it is open still. A line's posting has the line's id, and
 * so has its item in suspense.
 */
#include "rpc/bank_import.h"

#include <string.h>

#include "domain/change.h"
#include "rpc/deposit.h"
#include "rpc/suspense.h"
#include "run/random.h"

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
    uuid *ids;   /* of candidates */
    struct deposit_match *deposits; /* what lines without a candidate may be: cash brought to the bank (J15) */
    size_t *deposit_of;             /* per line: index + 1; 0: not asked */
    size_t n, n_candidates, n_deposits;
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

/* The ledger's side of a thing. */
static struct ledger_side side_of(const struct bank_candidate *thing) {
    return (struct ledger_side){(enum ledger_account)thing->ledger_account, thing->owner};
}

static bool is_collectors(const struct bank_candidate *thing) {
    enum ledger_owner owner = ledger_account_info((enum ledger_account)thing->ledger_account).owner;
    return !uuid_is_nil(thing->owner) && (owner == OWNER_COLLECTOR || owner == OWNER_COLLECTOR_OR_HOUSE);
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
        if (lines->candidates[c].line != i) continue;
        post.account = lines->candidates[c].account;
        if (is_collectors(&lines->candidates[c])) post.collector.u = lines->candidates[c].owner;
    }
    return post;
}

/* Cash on its way to the bank has a table of its own (rpc/deposit.h): lines that nothing else expects are asked for there. */
static tagih_err find_deposits(struct tx *tx, struct arena *arena, const struct bank_file *file, struct lines *lines) {
    lines->deposits = ARENA_ARRAY(arena, lines->n, struct deposit_match);
    lines->deposit_of = ARENA_ARRAY(arena, lines->n, size_t);
    if (!lines->deposits || !lines->deposit_of) return FAIL(OUT_OF_MEMORY);
    size_t c = 0;
    for (size_t i = 0; i < lines->n; i++) {
        const struct bank_line_row *row = &lines->rows[i];
        while (c < lines->n_candidates && lines->candidates[c].line < i) c++;
        bool expected = c < lines->n_candidates && lines->candidates[c].line == i;
        lines->deposit_of[i] = 0;
        if (expected || row->amount_minor < 0 || !err_is_ok(lines->items[i]->err) || lines->items[i]->repeat) continue;
        struct bytes reference = row->reference.len ? row->reference : row->line_reference;
        lines->deposits[lines->n_deposits++] = (struct deposit_match){
            .key = {.bank_reference = reference, .currency = row->currency, .amount_minor = row->amount_minor}, .has_line = true,
            .line = row->id, .has_actor = file->has_actor, .actor = file->actor, .reason = bytes_text("")};
        lines->deposit_of[i] = lines->n_deposits;
    }
    return deposits_find(tx, arena, lines->deposits, lines->n_deposits);
}

static struct deposit_match *deposit_at(const struct lines *lines, size_t i) {
    struct deposit_match *match = lines->deposit_of[i] ? &lines->deposits[lines->deposit_of[i] - 1] : NULL;
    return match && match->found ? match : NULL;
}

/* J15: its posting is the deposit's; the line is one more fact of it. */
static tagih_err settle_deposit(struct book *book, struct lines *lines, size_t i, struct deposit_match *match, struct post *post) {
    struct bank_line_row *row = &lines->rows[i];
    TRY(deposit_match_build(book->tx, book->arena, match, post, book->now));
    lines->items[i]->outcome = BANK_SETTLED;
    lines->items[i]->expected = row->expected = match->deposit.id;
    row->has_expected = true;
    row->posting = post->id;
    row->outcome = BANK_SETTLED;
    row->received_us = book->now.us;
    bank_line_params(&match->facts[post->n_facts++], book->tx, book->arena, row);
    return TAGIH_OK;
}

/* Facts of a line's posting: the line, the payment that it confirms, the item in suspense that it is. */
static tagih_err add_facts(struct book *book, struct post *post, const struct bank_line_row *row, const struct bank_candidate *thing,
                           instant now) {
    struct params *facts = ARENA_ARRAY(book->arena, 3, struct params);
    size_t n = 0;
    if (!facts) return FAIL(OUT_OF_MEMORY);
    bank_line_params(&facts[n++], book->tx, book->arena, row);
    bool payment = thing && (thing->kind == EXPECTED_TRANSFER || thing->kind == EXPECTED_PAYMENT || thing->kind == EXPECTED_CHEQUE);
    if (payment) payment_settled_params(&facts[n++], book->tx, book->arena, &thing->object, &post->id, &row->id, now);
    if (post->n_facts) facts[n++] = post->facts[0];
    post->facts = facts;
    post->n_facts = n;
    return TAGIH_OK;
}

/* J11, J31, J9, J15: the bank has it now. What stands at the bank already is confirmed, without lines. */
static void settle(struct post *post, const struct bank_candidate *thing, int64_t amount_minor) {
    book_move_begin(post);
    if (thing->ledger_account != LEDGER_BANK) ledger_move(&post->ledger, LEDGER_SIDE(BANK), side_of(thing), amount_minor);
    post->change = CHANGE_BANK_SETTLED;
    post->payment.u = thing->object;
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
        settle(post, thing, item->row.amount_minor);
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
        struct deposit_match *deposit = deposit_at(lines, i);
        if (!posts[i].skip && deposit) TRY(settle_deposit(book, lines, i, deposit, &posts[i]));
        else if (!posts[i].skip) TRY(decide_line(book, lines, i, first, count, &posts[i]));
        first += count;
    }
    return TAGIH_OK;
}

static tagih_err open_book(struct book *book, struct tx *tx, struct arena *arena, int64_t writer, instant now, struct post *posts, size_t n,
                           const uuid *ids, bool *open, size_t n_ids) {
    TRY(book_begin(book, tx, arena, tx->options->agency, writer, now, posts, n, 0));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(bank_send_expected_lock(tx, arena, ids, n_ids));
    TRY(tx_sync(tx));
    book_take_lock(book);
    TRY(book_take_load(book));
    bank_take_expected_lock(tx, ids, n_ids, EXPECTED_OPEN, open);
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
    lines.ids = ARENA_ARRAY(arena, lines.n_candidates + 1, uuid);
    if (!posts || !lines.taken || !lines.ids) return FAIL(OUT_OF_MEMORY);
    find_repeats(&lines, now);
    if (lines.n == 0) return TAGIH_OK;
    TRY(find_deposits(tx, arena, file, &lines));
    for (size_t i = 0; i < lines.n; i++) {
        posts[i] = post_of(&lines, i, file, now);
        if (deposit_at(&lines, i)) deposit_match_post(deposit_at(&lines, i), now, &posts[i]);
    }
    for (size_t c = 0; c < lines.n_candidates; c++) lines.ids[c] = lines.candidates[c].id;
    struct book book;
    TRY(open_book(&book, tx, arena, file->writer, now, posts, lines.n, lines.ids, lines.taken, lines.n_candidates));
    for (size_t c = 0; c < lines.n_candidates; c++) lines.taken[c] = !lines.taken[c]; /* it was asked which are open */
    TRY(decide_lines(&book, &lines, posts));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return lines.n_deposits ? deposits_matched(tx, arena, lines.deposits, lines.n_deposits) : TAGIH_OK;
}

/* ---- what came before its reason ------------------------------------------------------------------------------ */

static struct post late_post(const struct bank_pair *pair, instant now) {
    int64_t sum_minor = pair->amount_minor < 0 ? -pair->amount_minor : pair->amount_minor;
    struct post post = {.what = POST_MOVE, .id = random_id(), .payment.u = pair->thing.object, .account = pair->thing.account,
                        .amount_minor = sum_minor, .currency = pair->currency, .value = pair->value, .received = now,
                        .kind = POSTING_OF_BANK_LINE, .change = CHANGE_BANK_SETTLED};
    if (is_collectors(&pair->thing)) post.collector.u = pair->thing.owner;
    return post;
}

/* Its money stood in suspense, which it leaves for what it clears; money that went out is booked now, if it was not then. */
static tagih_err late_facts(struct book *book, struct post *post, const struct bank_pair *pair) {
    struct params *facts = ARENA_ARRAY(book->arena, 3, struct params);
    size_t n = 0;
    if (!facts) return FAIL(OUT_OF_MEMORY);
    bool payment = pair->thing.kind == EXPECTED_TRANSFER || pair->thing.kind == EXPECTED_PAYMENT || pair->thing.kind == EXPECTED_CHEQUE;
    book_move_begin(post);
    bank_match_params(&facts[n++], book->tx, book->arena, &pair->line, &post->id, &pair->expected, book->now, NULL);
    if (payment) payment_settled_params(&facts[n++], book->tx, book->arena, &pair->thing.object, &post->id, &pair->line, book->now);
    if (pair->in_suspense) {
        struct suspense_decision_row row = {.item = pair->line, .posting = post->id, .outcome = MONEY_POSTED, .has_payment = true,
                                            .payment.u = pair->thing.object, .has_account = !uuid_is_nil(pair->thing.account.u),
                                            .account = pair->thing.account, .reason = bytes_text("same reference and amount"), .at = book->now};
        suspense_decision_params(&facts[n++], book->tx, book->arena, &row);
        ledger_move(&post->ledger, LEDGER_SIDE(SUSPENSE), side_of(&pair->thing), post->amount_minor);
    } else if (pair->thing.ledger_account != LEDGER_BANK) {
        ledger_move(&post->ledger, LEDGER_SIDE(BANK), side_of(&pair->thing), pair->amount_minor);
    }
    post->facts = facts;
    post->n_facts = n;
    return TAGIH_OK;
}

struct late {
    struct bank_pair *pairs;
    struct post *posts;
    uuid *expected, *lines;
    bool *open;
    size_t n;
};

static tagih_err late_find(struct tx *tx, struct arena *arena, struct late *late) {
    TRY(bank_send_late(tx, arena, BANK_LATE_MAX));
    TRY(tx_sync(tx));
    TRY(bank_take_late(tx, arena, &late->pairs, &late->n));
    if (late->n == 0) return TAGIH_OK;
    TRY(bank_send_pairs(tx, arena, late->pairs, late->n));
    TRY(tx_sync(tx));
    bank_take_pairs(tx, late->pairs, late->n);
    late->posts = ARENA_ARRAY(arena, late->n, struct post);
    late->expected = ARENA_ARRAY(arena, late->n, uuid);
    late->lines = ARENA_ARRAY(arena, late->n, uuid);
    late->open = ARENA_ARRAY(arena, late->n, bool);
    return late->posts && late->expected && late->lines && late->open ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static bool is_among(const uuid *ids, size_t n, uuid id) {
    for (size_t i = 0; i < n; i++) {
        if (uuid_equal(ids[i], id)) return true;
    }
    return false;
}

/* Under the locks of accounts and things, items and lines are locked and read again. */
static tagih_err late_lock(struct tx *tx, struct arena *arena, struct book *book, struct late *late, int64_t writer, instant now, size_t *n_open) {
    for (size_t i = 0; i < late->n; i++) {
        late->posts[i] = late_post(&late->pairs[i], now);
        late->expected[i] = late->pairs[i].expected;
        late->lines[i] = late->pairs[i].line;
    }
    TRY(open_book(book, tx, arena, writer, now, late->posts, late->n, late->expected, late->open, late->n));
    TRY(suspense_send_lock(tx, arena, late->lines, late->n));
    TRY(bank_send_open_lock(tx, arena, late->pairs, late->n));
    TRY(bank_send_pairs(tx, arena, late->pairs, late->n));
    TRY(tx_sync(tx));
    DEFER(result) struct result locked = {0};
    tx_take(tx, &locked);
    *n_open = bank_take_open_lock(tx, late->lines);
    bank_take_pairs(tx, late->pairs, late->n);
    return TAGIH_OK;
}

tagih_err bank_import_late(struct tx *tx, struct arena *arena, int64_t writer, instant now, size_t *n) {
    struct late late = {0};
    struct book book;
    size_t n_open;
    *n = 0;
    TRY(late_find(tx, arena, &late));
    if (late.n == 0) return TAGIH_OK;
    TRY(late_lock(tx, arena, &book, &late, writer, now, &n_open));
    for (size_t i = 0; i < late.n; i++) {
        const struct bank_pair *pair = &late.pairs[i];
        bool waits = pair->in_suspense || is_among(late.lines, n_open, pair->line);
        late.posts[i].skip = !pair->found || !late.open[i] || !waits;
        if (late.posts[i].skip) continue;
        TRY(late_facts(&book, &late.posts[i], pair));
        ++*n;
    }
    TRY(book_decide(&book));
    return book_save(&book);
}
