/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of lines and what they turned out to be: found without a lock, locked in the one order, looked at again. */
#include "rpc/bank_pair.h"

#include "domain/change.h"
#include "engine/chores.h"
#include "rpc/approval.h"
#include "rpc/deposit.h"
#include "run/random.h"
#include "store/suspense.h"
#include "store_statements.h"

/* ---- things --------------------------------------------------------------------------------------------------- */

bool bank_is_transit(const struct bank_candidate *thing) {
    return thing->kind == EXPECTED_DEPOSIT && thing->ledger_account == LEDGER_DEPOSIT_IN_TRANSIT;
}

bool bank_is_payment(const struct bank_candidate *thing) {
    return thing->kind == EXPECTED_TRANSFER || thing->kind == EXPECTED_PAYMENT || thing->kind == EXPECTED_CHEQUE;
}

struct ledger_side bank_side_of(const struct bank_candidate *thing) {
    return (struct ledger_side){(enum ledger_account)thing->ledger_account, thing->owner};
}

user_id bank_collector_of(const struct bank_candidate *thing) {
    enum ledger_owner owner = ledger_account_info((enum ledger_account)thing->ledger_account).owner;
    return owner == OWNER_COLLECTOR || owner == OWNER_COLLECTOR_OR_HOUSE ? (user_id){thing->owner} : (user_id){{{0}}};
}

tagih_err bank_book_open(struct book *book, const uuid *things, bool *open, size_t n) {
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(bank_send_expected_lock(book->tx, book->arena, things, n));
    TRY(tx_sync(book->tx));
    book_take_lock(book);
    TRY(book_take_load(book));
    bank_take_expected_lock(book->tx, things, n, EXPECTED_OPEN, open);
    return TAGIH_OK;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

struct pairing {
    struct tx *tx;
    struct arena *arena;
    instant now;
    const struct bank_word *word;
    struct bank_pair *pairs;
    struct post *posts;
    struct deposit_match *deposits; /* per pair; a nil id: it is none */
    uuid *things, *lines;
    bool *open;
    size_t n, n_open;
    struct book book;
};

static tagih_err look(struct pairing *p) {
    TRY(bank_send_pairs(p->tx, p->arena, p->pairs, p->n));
    TRY(tx_sync(p->tx));
    bank_take_pairs(p->tx, p->pairs, p->n);
    p->posts = ARENA_ARRAY(p->arena, p->n, struct post);
    p->deposits = ARENA_ARRAY(p->arena, p->n, struct deposit_match);
    p->things = ARENA_ARRAY(p->arena, p->n, uuid);
    p->lines = ARENA_ARRAY(p->arena, p->n, uuid);
    p->open = ARENA_ARRAY(p->arena, p->n, bool);
    return p->posts && p->deposits && p->things && p->lines && p->open ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static struct post post_of(const struct pairing *p, const struct bank_pair *pair) {
    int64_t sum_minor = pair->amount_minor < 0 ? -pair->amount_minor : pair->amount_minor;
    bool transit = bank_is_transit(&pair->thing);
    struct post post = {.what = POST_MOVE, .id = random_id(), .payment.u = pair->thing.object, .account = pair->thing.account,
                        .amount_minor = sum_minor, .currency = pair->currency, .value = pair->value, .received = p->now,
                        .kind = transit ? POSTING_OF_DEPOSIT : POSTING_OF_BANK_LINE, .collector = bank_collector_of(&pair->thing),
                        .change = transit ? CHANGE_DEPOSIT_MATCHED : CHANGE_BANK_SETTLED};
    if (!p->word) return post;
    post.has_actor = p->word->has_actor;
    post.actor = p->word->actor;
    return post;
}

static struct deposit_match match_of(const struct pairing *p, const struct bank_pair *pair) {
    struct deposit_match match = {.has_line = true, .line = pair->line, .reason = bytes_text("")};
    if (bank_is_transit(&pair->thing)) match.id = pair->thing.object;
    if (!p->word) return match;
    match.has_actor = p->word->has_actor;
    match.actor = p->word->actor;
    match.reason = p->word->reason;
    return match;
}

/* Deposits → accounts → collectors → things → items and lines, which are then read again. */
static tagih_err lock(struct pairing *p, int64_t writer) {
    struct tx *tx = p->tx;
    for (size_t i = 0; i < p->n; i++) {
        struct bank_pair *pair = &p->pairs[i];
        p->things[i] = pair->expected;
        p->lines[i] = pair->line;
        p->deposits[i] = pair->found ? match_of(p, pair) : (struct deposit_match){.has_line = false};
        p->posts[i] = pair->found ? post_of(p, pair) : (struct post){.what = POST_MOVE, .skip = true, .currency = {"XXX"}};
    }
    TRY(deposits_lock(tx, p->arena, p->deposits, p->n));
    TRY(book_begin(&p->book, tx, p->arena, tx->options->agency, writer, p->now, p->posts, p->n, 0));
    TRY(bank_book_open(&p->book, p->things, p->open, p->n));
    TRY(suspense_send_lock(tx, p->arena, p->lines, p->n));
    TRY(bank_send_open_lock(tx, p->arena, p->pairs, p->n));
    TRY(bank_send_pairs(tx, p->arena, p->pairs, p->n));
    TRY(tx_sync(tx));
    DEFER(result) struct result locked = {0};
    tx_take(tx, &locked);
    p->n_open = bank_take_open_lock(tx, p->lines);
    bank_take_pairs(tx, p->pairs, p->n);
    return TAGIH_OK;
}

/* ---- settling ------------------------------------------------------------------------------------------------- */

static bool is_open_line(const struct pairing *p, uuid line) {
    for (size_t i = 0; i < p->n_open; i++) {
        if (uuid_equal(p->lines[i], line)) return true;
    }
    return false;
}

/* Is it a pair still, and what its locks were taken for? */
static bool holds(const struct pairing *p, size_t i) {
    const struct bank_pair *pair = &p->pairs[i];
    const struct deposit_match *deposit = &p->deposits[i];
    bool transit = pair->found && bank_is_transit(&pair->thing);
    if (p->posts[i].skip || !pair->found || !p->open[i]) return false;
    if (transit != !uuid_is_nil(deposit->id)) return false;
    if (transit && (!deposit->found || deposit->deposit.state != DEPOSIT_IN_TRANSIT)) return false;
    return pair->in_suspense || is_open_line(p, pair->line);
}

static void decide_suspense(struct pairing *p, const struct bank_pair *pair, struct post *post, struct params *fact) {
    const struct bank_word *word = p->word;
    struct suspense_decision_row row = {.item = pair->line, .posting = post->id, .outcome = MONEY_POSTED, .has_payment = true,
                                        .payment.u = pair->thing.object, .has_account = !uuid_is_nil(pair->thing.account.u),
                                        .account = pair->thing.account, .at = p->now,
                                        .reason = word ? word->reason : bytes_text("same reference and amount")};
    if (word && word->proposal) {
        row.has_made = row.has_decided = true;
        row.made_by = word->proposal->made_by;
        row.decided_by = word->proposal->decided_by;
    }
    suspense_decision_params(fact, p->tx, p->arena, &row);
}

/* Its money stood in suspense, which it leaves for what it clears; money that went out is booked now, if it was not then. */
static void build(const struct bank_pair *pair, struct post *post) {
    book_move_begin(post);
    if (pair->in_suspense) ledger_move(&post->ledger, LEDGER_SIDE(SUSPENSE), bank_side_of(&pair->thing), post->amount_minor);
    else if (pair->thing.ledger_account != LEDGER_BANK) {
        ledger_move(&post->ledger, LEDGER_SIDE(BANK), bank_side_of(&pair->thing), pair->amount_minor);
    }
}

static tagih_err settle(struct pairing *p, size_t i) {
    const struct bank_pair *pair = &p->pairs[i];
    struct post *post = &p->posts[i];
    struct params *facts = ARENA_ARRAY(p->arena, POST_FACTS_MAX, struct params);
    const user_id *actor = p->word && p->word->has_actor ? &p->word->actor : NULL;
    size_t n = 0;
    if (!facts) return FAIL(OUT_OF_MEMORY);
    p->deposits[i].in_suspense = pair->in_suspense;
    if (uuid_is_nil(p->deposits[i].id)) build(pair, post);
    else TRY(deposit_match_build(p->tx, p->arena, &p->deposits[i], post, p->now));
    for (; n < post->n_facts; n++) facts[n] = post->facts[n];
    bank_match_params(&facts[n++], p->tx, p->arena, &pair->line, &post->id, &pair->expected, p->now, actor);
    if (bank_is_payment(&pair->thing)) payment_settled_params(&facts[n++], p->tx, p->arena, &pair->thing.object, &post->id, &pair->line, p->now);
    if (pair->in_suspense) decide_suspense(p, pair, post, &facts[n++]);
    post->facts = facts;
    post->n_facts = n;
    return p->word && p->word->proposal ? approval_join(p->word->batch, p->word->proposal, post) : TAGIH_OK;
}

tagih_err bank_pairs_settle(struct tx *tx, struct arena *arena, int64_t writer, instant now, struct bank_pair *pairs, size_t n,
                            const struct bank_word *word, size_t *done) {
    struct pairing p = {.tx = tx, .arena = arena, .now = now, .word = word, .pairs = pairs, .n = n};
    *done = 0;
    if (n == 0) return TAGIH_OK;
    TRY(look(&p));
    TRY(lock(&p, writer));
    for (size_t i = 0; i < n; i++) {
        p.posts[i].skip = !holds(&p, i);
        if (p.posts[i].skip) continue;
        TRY(settle(&p, i));
        ++*done;
    }
    TRY(book_decide(&p.book));
    TRY(book_save(&p.book));
    return deposits_matched(tx, arena, p.deposits, n);
}

/* ---- what came before its reason ------------------------------------------------------------------------------ */

tagih_err bank_late_settle(struct tx *tx, struct arena *arena, int64_t writer, instant now, size_t *done) {
    struct bank_pair *pairs;
    size_t n;
    *done = 0;
    TRY(bank_send_late(tx, arena, (uuid){{0}}, BANK_LATE_MAX));
    TRY(tx_sync(tx));
    TRY(bank_take_late(tx, arena, &pairs, &n));
    return bank_pairs_settle(tx, arena, writer, now, pairs, n, NULL, done);
}

tagih_err bank_late_find(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out, size_t room, size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    (void)now;
    params_init(&p, arena, STMT_bank_late_agencies, 0);
    params_one_int4(&p, (int32_t)room);
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) out[*n].u = result_uuid(&r, *n, COL_bank_late_agencies_agency_id);
    return TAGIH_OK;
}

struct round {
    struct arena *arena;
    instant now;
    size_t n;
};

static tagih_err work(struct tx *tx, void *context) {
    struct round *round = context;
    arena_reset(round->arena);
    return bank_late_settle(tx, round->arena, CLOCK_WRITER, round->now, &round->n);
}

tagih_err bank_late_work(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n) {
    struct round round = {.arena = arena, .now = now};
    struct tx_options options = {.agency = agency, .deadline_us = deadline_us, .name = "bank_late"};
    TRY(tx_run(db, &options, work, &round));
    *n = round.n;
    return TAGIH_OK;
}
