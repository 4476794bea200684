/* SPDX-License-Identifier: Apache-2.0 */
/* The book: posts in, rows out. The order of work is fact order for payments (R-ALL-6), then reversals. */
#include "book/posting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/gate.h"
#include "store/change.h"
#include "store/rule_set.h"
#include "store/silence.h"


tagih_err book_begin(struct book *book, struct tx *tx, struct arena *arena, agency_id agency, int64_t writer, instant now,
                     struct post *posts, size_t n, size_t n_more) {
    *book = (struct book){.tx = tx, .arena = arena, .now = now, .writer = writer, .agency = agency, .n = n,
                          .n_max = n + n_more};
    book->posts = ARENA_ARRAY(arena, book->n_max, struct post *);
    book->keys = ARENA_ARRAY(arena, n, struct posting_key);
    book->posted = ARENA_ARRAY(arena, book->n_max, struct posted);
    book->payments = ARENA_ARRAY(arena, n, struct payment_row);
    book->reversals = ARENA_ARRAY(arena, book->n_max, struct reversal_row);
    book->bonus_max = book->n_max;
    book->bonus = ARENA_ARRAY(arena, book->bonus_max, struct bonus_row);
    if (!book->posts || !book->keys || !book->posted || !book->payments || !book->reversals || !book->bonus) {
        return FAIL(OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < n; i++) {
        struct post *post = &posts[i];
        post->index = i;
        book->posts[i] = post;
        book->keys[i] = (struct posting_key){.collector = post->collector, .other = post->other, .currency = post->currency,
                                             .value = post->value};
        if (post->what == POST_REVERSAL || post->retag || post->credit) book->keys[i].reverses = post->payment;
        else book->keys[i].account = post->account;
        book->keys[i].is_payment = post->what == POST_PAYMENT;
        book->keys[i].assigned = post->what == POST_PAYMENT && post->source != SOURCE_FIELD;
    }
    return TAGIH_OK;
}

tagih_err book_send_lock(struct book *book) {
    return book_is_empty(book) ? TAGIH_OK : posting_send_lock(book->tx, book->arena, book->keys, book->n);
}

tagih_err book_send_load(struct book *book) {
    if (book_is_empty(book)) return TAGIH_OK;
    TRY(posting_send_load(book->tx, book->arena, book->keys, book->n, book->writer, book->now));
    return promises__send(book);
}

void book_take_lock(struct book *book) {
    if (book_is_empty(book)) return;
    DEFER(result) struct result month = {0}, locked = {0};
    tx_take(book->tx, &month);
    tx_take(book->tx, &locked);
}

tagih_err book_take_load(struct book *book) {
    if (book_is_empty(book)) return TAGIH_OK;
    TRY(posting_take_load(book->tx, book->arena, book->n, &book->loaded));
    book->loaded.writer.id = book->writer;
    if (book->loaded.writer.is_new) book->loaded.writer.head = posting_chain_start(book->agency, book->writer);
    for (size_t i = 0; i < book->n; i++) {
        struct post *post = book->posts[i];
        post->value_on = post->rules ? post->rules->value_on : book->loaded.value_on[i];
    }
    return promises__take(book);
}

tagih_err book_open(struct book *book) {
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(tx_sync(book->tx));
    book_take_lock(book);
    return book_take_load(book);
}

void book_add(struct book *book, struct post *post) {
    if (book->n == book->n_max) return; /* asserted by the caller's count */
    post->index = SIZE_MAX;
    book->posts[book->n++] = post;
}

/* ---- look-ups ------------------------------------------------------------------------------------------------- */

static int account_order(const void *key, const void *item) {
    return uuid_compare(*(const uuid *)key, ((const struct posting_account *)item)->id.u);
}

struct posting_account *book_account(struct book *book, account_id id) {
    if (book->loaded.n_accounts == 0) return NULL;
    return bsearch(&id.u, book->loaded.accounts, book->loaded.n_accounts, sizeof *book->loaded.accounts, account_order);
}

struct posting_collector *book_collector(struct book *book, user_id id, currency in) {
    for (size_t i = 0; i < book->loaded.n_collectors; i++) {
        struct posting_collector *c = &book->loaded.collectors[i];
        if (uuid_equal(c->id.u, id.u) && currency_equal(c->currency, in)) return c;
    }
    return NULL;
}

struct posted *book__posted(struct book *book, const struct post *post, enum posting_kind kind) {
    struct posted *posted = &book->posted[book->n_posted++];
    *posted = (struct posted){.post = post, .kind = kind, .allocation_first = book->n_allocations,
                              .bonus_first = book->n_bonus, .posting_on = book_posting_on(book, post->value_on)};
    ledger_begin(&posted->ledger, post->currency);
    if (post->ledger.n || !err_is_ok(post->ledger.failed)) posted->ledger = post->ledger; /* its maker's lines come first */
    assert(post->n_facts <= POST_FACTS_MAX);
    for (size_t i = 0; i < post->n_facts; i++) posted->facts[posted->n_facts++] = &post->facts[i];
    return posted;
}

civil_date book_posting_on(const struct book *book, civil_date value_on) {
    return value_on.days >= book->loaded.open_from.days ? value_on : book->loaded.today;
}

void book_move_begin(struct post *post) {
    ledger_begin(&post->ledger, post->currency);
}

/* ---- cash of collectors: the balances that ledger lines imply ------------------------------------------------- */

static bool is_collectors(const struct ledger_line *line) {
    enum ledger_owner owner = ledger_account_info(line->account).owner;
    return owner == OWNER_COLLECTOR || (owner == OWNER_COLLECTOR_OR_HOUSE && !uuid_is_nil(line->owner));
}

/* The balance that a line moves; NULL: one that is not kept. */
static int64_t *balance_of(struct posting_collector *c, enum ledger_account account) {
    switch (account) {
    case LEDGER_CASH_HELD: return &c->cash_held_minor;
    case LEDGER_CHEQUES_IN_HAND: return &c->cheques_in_hand_minor;
    case LEDGER_DEPOSIT_IN_TRANSIT: return &c->deposit_in_transit_minor;
    case LEDGER_COLLECTOR_RECEIVABLE: return &c->collector_receivable_minor;
    case LEDGER_BONUS_PAYABLE: return &c->bonus_payable_minor;
    default: return NULL;
    }
}

static tagih_err balances_follow(struct book *book, struct posted *posted) {
    TRY(ledger_end(&posted->ledger));
    for (size_t i = 0; i < posted->ledger.n; i++) {
        const struct ledger_line *line = &posted->ledger.lines[i];
        if (!is_collectors(line)) continue;
        struct posting_collector *c = book_collector(book, (user_id){line->owner}, line->currency);
        int64_t *balance = c ? balance_of(c, line->account) : NULL;
        if (!balance) return FAIL(INTERNAL);
        c->dirty = true;
        bool owed = line->account == LEDGER_BONUS_PAYABLE; /* a liability: its balance is what is owed */
        TRY(owed ? minor_sub(*balance, line->amount_minor, balance) : minor_add(*balance, line->amount_minor, balance));
    }
    return TAGIH_OK;
}

struct ledger_side book__money_side(const struct post *post) {
    return post->has_money ? post->money : payment_money_side((enum payment_source)post->source, (enum tender)post->tender, post->collector.u);
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

/* What comes after a snapshot stands on top of it, also when the clock has gone back since (R-IMP-3b). */
static instant received_on_top(struct book *book, const struct post *post) {
    const struct posting_account *account = book_account(book, post->account);
    instant first = {account ? account->snapshot.us + 1 : 0};
    return post->received.us < first.us ? first : post->received;
}

static void payment_row_add(struct book *book, const struct post *post, struct posted *posted) {
    book->payments[book->n_payments++] = (struct payment_row){.id = post->payment,
                                                              .account = post->account,
                                                              .source = post->source,
                                                              .tender = post->tender,
                                                              .tag = post->tag,
                                                              .has_reference = post->reference.len > 0,
                                                              .reference = post->reference,
                                                              .amount_minor = post->amount_minor,
                                                              .currency = bytes_text(post->currency.code),
                                                              .value_us = post->value.us,
                                                              .received_us = received_on_top(book, post).us,
                                                              .value_on = post->value_on,
                                                              .posting_on = posted->posting_on,
                                                              .has_collector = !uuid_is_nil(post->collector.u),
                                                              .collector = post->collector,
                                                              .has_actor = post->has_actor,
                                                              .actor = post->actor};
    posted->payment = book->n_payments;
}

static struct allocation_row *allocation_slot(struct book *book) {
    if (book->n_allocations == book->allocations_max) {
        size_t more = book->allocations_max ? 2 * book->allocations_max : 2 * book->n_max + 64;
        struct allocation_row *rows = ARENA_ARRAY(book->arena, more, struct allocation_row);
        if (!rows) return NULL;
        if (book->n_allocations) memcpy(rows, book->allocations, book->n_allocations * sizeof *rows);
        book->allocations = rows;
        book->allocations_max = more;
    }
    return &book->allocations[book->n_allocations++];
}

/* One row an instalment, in the order of the parts' instalments; credit has a row of its own, instalment 0. */
tagih_err book__allocation(struct book *book, struct posted *posted, payment_id payment, int32_t version,
                           const struct allocation_part *parts, size_t n_parts, int64_t credit_minor) {
    size_t first = book->n_allocations;
    if (credit_minor) {
        struct allocation_row *row = allocation_slot(book);
        if (!row) return FAIL(OUT_OF_MEMORY);
        *row = (struct allocation_row){.payment = payment, .version = version, .credit_minor = credit_minor};
    }
    for (size_t i = 0; i < n_parts; i++) {
        struct allocation_row *row = NULL;
        for (size_t k = first; k < book->n_allocations && !row; k++) {
            if (book->allocations[k].instalment_no == parts[i].instalment_no) row = &book->allocations[k];
        }
        if (!row) {
            row = allocation_slot(book);
            if (!row) return FAIL(OUT_OF_MEMORY);
            *row = (struct allocation_row){.payment = payment, .version = version, .instalment_no = parts[i].instalment_no};
        }
        row->component_minor[parts[i].component] += parts[i].amount_minor;
        if (parts[i].origin == PART_DEBT) row->debt_minor += parts[i].amount_minor;
    }
    posted->n_allocations += book->n_allocations - first;
    return TAGIH_OK;
}

/* ---- one payment ---------------------------------------------------------------------------------------------- */

/* Money that cannot be posted stands in quarantine (R-JRN-6); without a valid amount or currency it is only listed. */
static tagih_err quarantine(struct book *book, struct post *post, bool lines) {
    post->outcome = lines ? POST_QUARANTINED : POST_UNLISTED;
    if (!lines) return TAGIH_OK;
    struct posted *posted = book__posted(book, post, POSTING_OF_QUARANTINE);
    ledger_quarantine_in(&posted->ledger, book__money_side(post), post->amount_minor);
    return balances_follow(book, posted);
}

static bool amount_is_valid(const struct post *post) {
    return post->amount_minor > 0 && post->amount_minor <= MONEY_AMOUNT_MAX_MINOR;
}

/* R-LIF-1: an account closed otherwise than paid takes only what is valued before its closing. */
static bool is_closed_to(const struct posting_account *account, const struct post *post) {
    if (!account_status_is_closed(account->status) || account->status == ACCOUNT_CLOSED_PAID) return false;
    return !account->has_closed || post->value.us >= account->closed.us;
}

fate_bits book_hindrance(struct book *book, const struct post *post) {
    const struct posting_account *account = book_account(book, post->account);
    fate_bits why = 0;
    if (!amount_is_valid(post)) why |= fate_bit(REASON_AMOUNT_RANGE);
    if (!account) return why | fate_bit(REASON_UNKNOWN_ACCOUNT);
    if (!currency_equal(account->currency, post->currency)) why |= fate_bit(REASON_WRONG_CURRENCY);
    if (is_closed_to(account, post)) why |= fate_bit(REASON_ACCOUNT_CLOSED);
    return why;
}

/* Whose it was at the value instant decides, not whose it is now (R-BON-8, R-LIF-4). */
static void flag_holder(const struct book *book, struct post *post, const struct posting_account *account) {
    if (account_status_is_closed(account->status)) post->flags |= fate_bit(REASON_CLOSED_ACCOUNT);
    bool assigned = book->loaded.was_assigned[post->index];
    bool leased = book->loaded.had_lease[post->index];
    if (post->source != SOURCE_FIELD) return;
    if (!assigned && !leased) post->flags |= fate_bit(REASON_NOT_HOLDER);
    if (post->at_visit && !leased) post->flags |= fate_bit(REASON_LEASE);
}

/* R-REC-4: the same account, currency, amount and value date, neither voided. */
static void flag_duplicates(const struct book *book, struct post *post) {
    if (post->source != SOURCE_FIELD) return;
    for (size_t i = 0; i < book->loaded.n_siblings; i++) {
        const struct posting_sibling *s = &book->loaded.siblings[i];
        if (s->post != post->index || s->reversed || s->source != SOURCE_FIELD) continue;
        if (!uuid_equal(s->account.u, post->account.u) || s->amount_minor != post->amount_minor) continue;
        post->flags |= fate_bit(REASON_POSSIBLE_DUPLICATE);
        post->duplicate_of = s->payment.u;
    }
    for (size_t i = 0; i < book->n_payments; i++) {
        const struct payment_row *p = &book->payments[i];
        if (p->source != SOURCE_FIELD || !uuid_equal(p->account.u, post->account.u)) continue;
        if (p->amount_minor != post->amount_minor || p->value_on.days != post->value_on.days) continue;
        post->flags |= fate_bit(REASON_POSSIBLE_DUPLICATE);
        post->duplicate_of = p->id.u;
    }
}

/* The newest fact of an account, as its place in fact order. */
static void account_advance(struct posting_account *account, const struct post *post) {
    account->last_on = (struct day){true, post->value_on};
    account->last_value = post->value;
    account->last_payment = post->payment;
}

/* A payment that comes last: only its own lines (R-ALL-2). */
static tagih_err payment_in_order(struct book *book, struct post *post, struct posting_account *account,
                                  struct posted *posted) {
    const struct rule_set *rules = rule_set_at(&account->rules, post->value_on);
    size_t cap = allocation_parts_max(account->n_lines), n_parts;
    struct allocation_part *parts = ARENA_ARRAY(book->arena, cap, struct allocation_part);
    if (!rules || !parts) return rules ? FAIL(OUT_OF_MEMORY) : FAIL(ALLOCATION_RULES);
    enum bucket bucket = book__bucket(account, account->lines, account->n_lines, post->value_on);
    struct allocation_effect effect = {.credit_minor = 0};
    TRY(allocation_apply(rules, account->lines, account->n_lines, post->amount_minor, post->value_on, parts, cap, &n_parts,
                         &effect.credit_minor));
    int64_t debt_minor = 0;
    for (size_t i = 0; i < n_parts; i++) {
        effect.component_minor[parts[i].component] += parts[i].amount_minor;
        if (parts[i].origin == PART_DEBT) debt_minor += parts[i].amount_minor;
        for (size_t k = 0; k < account->n_lines; k++) {
            if (account->lines[k].no == parts[i].instalment_no) account->touched[k] = true;
        }
    }
    TRY(minor_add(account->credit_minor, effect.credit_minor, &account->credit_minor));
    TRY(minor_add(account->debt_allocated_minor, debt_minor, &account->debt_allocated_minor));
    TRY(book__allocation(book, posted, post->payment, 1, parts, n_parts, effect.credit_minor));
    ledger_payment(&posted->ledger, book__money_side(post), account->id, &effect);
    account_advance(account, post);
    return book__bonus(book, post, account, posted, bonus_base(0, debt_minor, post->amount_minor), bucket);
}

/* R-REC-5: beyond the allowance a receipt still posts. */
static void flag_allowance(struct book *book, struct post *post) {
    if (post->source != SOURCE_FIELD || post->tender != TENDER_CASH) return;
    const struct posting_collector *collector = book_collector(book, post->collector, post->currency);
    struct cash_limits limits = collector && collector->has_limits ? collector->limits : cash_limits_default(post->currency);
    bool over = post->amount_minor > limits.receipt_minor || (collector && collector->cash_held_minor > limits.hard_minor);
    if (over) post->flags |= fate_bit(REASON_OVER_ALLOWANCE);
}

static tagih_err post_payment(struct book *book, struct post *post) {
    struct posting_account *account = book_account(book, post->account);
    fate_bits hindrance = book_hindrance(book, post);
    if (hindrance || post->quarantine) {
        post->flags |= hindrance;
        bool lines = amount_is_valid(post) && !(hindrance & fate_bit(REASON_WRONG_CURRENCY)) &&
                     book_collector(book, post->collector, post->currency);
        return quarantine(book, post, lines);
    }
    flag_holder(book, post, account);
    flag_duplicates(book, post);
    struct posted *posted = book__posted(book, post, POSTING_OF_PAYMENT);
    posted->has_account = true;
    posted->account = account->id;
    payment_row_add(book, post, posted);
    account->dirty = true;
    post->outcome = POST_DONE;
    if (book__replays(book, account)) TRY(book__replay_payment(book, post, account, posted));
    else TRY(payment_in_order(book, post, account, posted));
    TRY(balances_follow(book, posted));
    flag_allowance(book, post);
    return TAGIH_OK;
}

/* ---- one reversal --------------------------------------------------------------------------------------------- */

/* The payment may be in the database or in this very book. */
static struct posting_reversed reversed_find(const struct book *book, const struct post *post) {
    if (post->index != SIZE_MAX && book->loaded.reversed[post->index].found) return book->loaded.reversed[post->index];
    struct posting_reversed out = {.found = false};
    for (size_t i = 0; i < book->n_payments; i++) {
        const struct payment_row *p = &book->payments[i];
        if (!uuid_equal(p->id.u, post->payment.u)) continue;
        out = (struct posting_reversed){.found = true, .account = p->account, .source = p->source, .tender = p->tender,
                                        .tag = p->tag, .amount_minor = p->amount_minor, .value = {p->value_us},
                                        .value_on = p->value_on, .has_collector = p->has_collector,
                                        .collector = p->collector};
        memcpy(out.currency.code, p->currency.data, 3);
    }
    return out;
}

static bool reversed_here(const struct book *book, const struct post *post) {
    for (size_t i = 0; i < book->n_reversals; i++) {
        if (uuid_equal(book->reversals[i].payment.u, post->payment.u)) return true;
    }
    return false;
}

/* R-PAY-4: what the collector brought to a bank or handed on is not voided out of his bag. */
static bool cash_left_the_bag(struct book *book, const struct post *post, const struct posting_reversed *payment) {
    struct ledger_side debited = payment_money_side((enum payment_source)payment->source, (enum tender)payment->tender,
                                                    payment->collector.u);
    struct ledger_side money = payment_reversal_side(post->reason, post->settled, debited);
    if (money.account != LEDGER_CASH_HELD) return false;
    const struct posting_collector *c = book_collector(book, payment->collector, payment->currency);
    return !c || c->cash_held_minor < payment->amount_minor;
}

static tagih_err post_reversal(struct book *book, struct post *post) {
    struct posting_reversed payment = reversed_find(book, post);
    if (!payment.found) {
        post->outcome = POST_NOT_FOUND;
        return TAGIH_OK;
    }
    if (payment.reversed || reversed_here(book, post)) {
        post->outcome = POST_ALREADY_REVERSED;
        return TAGIH_OK;
    }
    if (cash_left_the_bag(book, post, &payment)) {
        post->outcome = POST_CASH_GONE;
        return TAGIH_OK;
    }
    struct posting_account *account = book_account(book, payment.account);
    if (!account) return FAIL(INTERNAL);
    post->account = payment.account;
    post->value_on = payment.value_on;
    post->currency = payment.currency;
    post->outcome = POST_DONE;
    post->settled |= book__is_at_bank(&payment);
    struct posted *posted = book__posted(book, post, POSTING_OF_REVERSAL);
    posted->has_account = true;
    posted->account = account->id;
    account->dirty = true;
    book->reversals[book->n_reversals++] = (struct reversal_row){
        .payment = post->payment, .id = post->id, .reason = (int16_t)post->reason, .value_on = payment.value_on,
        .posting_on = posted->posting_on, .at = book->now, .has_actor = post->has_actor, .actor = post->actor};
    posted->reversal = book->n_reversals;
    TRY(book__replay_reversal(book, post, account, posted, &payment));
    TRY(book__bonus_reverse(book, post, posted, &payment));
    struct ledger_side debited = payment_money_side((enum payment_source)payment.source, (enum tender)payment.tender, payment.collector.u);
    bool stays = payment_reversal_side(post->reason, post->settled, debited).account == LEDGER_SUSPENSE;
    if (stays) TRY(book__suspend(book, post, posted, &payment));
    return balances_follow(book, posted);
}

/* ---- other facts of an account, and moves -------------------------------------------------------------------- */

static enum posting_kind fact_posting(const struct post *post) {
    enum fact_kind kind = post->fact;
    if (post->rules) return POSTING_OF_RULE_SET;
    return kind == FACT_CHARGE ? POSTING_OF_CHARGE : kind == FACT_REFUND ? POSTING_OF_REFUND : POSTING_OF_WAIVER;
}

/* Its row, digested and saved with its posting. */
static void own_fact(struct book *book, const struct post *post, struct posted *posted) {
    if (post->rules) {
        struct account_rule_set_row row = {.posting = post->id, .account = post->account, .rules = post->rules->rules,
                                           .value_on = post->rules->value_on, .made = post->rules->made,
                                           .received = post->received, .reason = post->note, .has_actor = post->has_actor,
                                           .actor = post->actor};
        rule_set_account_facts(&posted->own_fact, book->tx, book->arena, &row, 1);
    } else if (post->withdraw) {
        struct withdrawal_row row = {.fact = post->withdrawn, .posting = post->id, .at = book->now, .reason = post->note,
                                     .has_actor = post->has_actor, .actor = post->actor};
        posting_withdrawal(&posted->own_fact, book->tx, book->arena, &row);
    } else {
        struct account_fact_row row = {.posting = post->id,
                                       .account = post->account,
                                       .fact = book__fact_of(post),
                                       .currency = bytes_text(post->currency.code),
                                       .reason = post->note,
                                       .received = received_on_top(book, post),
                                       .has_actor = post->has_actor,
                                       .actor = post->actor};
        posting_account_fact(&posted->own_fact, book->tx, book->arena, &row);
    }
    posted->facts[posted->n_facts++] = &posted->own_fact;
}

static tagih_err post_fact(struct book *book, struct post *post) {
    struct posting_account *account = book_account(book, post->account);
    bool found = false;
    post->outcome = POST_NOT_FOUND;
    if (account && post->rules) post->currency = account->currency;
    if (!account || !currency_equal(account->currency, post->currency)) return TAGIH_OK;
    struct posted *posted = book__posted(book, post, fact_posting(post));
    posted->has_account = true;
    posted->account = account->id;
    found = post->rules;
    TRY(found ? book__replay_rules(book, post, account, posted) : book__replay_fact(book, post, account, posted, &found));
    if (!found) {
        book->n_posted--;
        return TAGIH_OK;
    }
    account->dirty = true;
    post->outcome = POST_DONE;
    own_fact(book, post, posted);
    return balances_follow(book, posted);
}

/* R-PAY-4: cash held is never below zero. */
static bool takes_too_much(struct book *book, const struct ledger_txn *ledger) {
    for (size_t i = 0; i < ledger->n; i++) {
        const struct ledger_line *line = &ledger->lines[i];
        if (line->account != LEDGER_CASH_HELD || line->amount_minor >= 0) continue;
        const struct posting_collector *c = book_collector(book, (user_id){line->owner}, line->currency);
        if (!c || c->cash_held_minor + line->amount_minor < 0) return true;
    }
    return false;
}

static tagih_err post_move(struct book *book, struct post *post) {
    if (takes_too_much(book, &post->ledger)) {
        post->flags |= fate_bit(REASON_CASH_GONE);
        post->outcome = POST_CASH_GONE;
        return TAGIH_OK;
    }
    struct posting_account *account = book_account(book, post->account);
    struct posted *posted = book__posted(book, post, post->kind);
    posted->has_account = account != NULL;
    posted->account = post->account;
    post->outcome = POST_DONE;
    if (post->retag) TRY(book__bonus_retag(book, post, posted));
    if (post->credit && !post->credit->kept) TRY(book__bonus_credit(book, post, posted));
    if (post->true_up) TRY(book__bonus_true_up(book, post, posted));
    return balances_follow(book, posted);
}

/* ---- all ------------------------------------------------------------------------------------------------------ */

/* Payments, then what undoes or changes an account, then moves. */
static int rank_of(const struct post *post) {
    static const int ranks[] = {[POST_PAYMENT] = 0, [POST_FACT] = 1, [POST_REVERSAL] = 2, [POST_MOVE] = 3};
    return ranks[post->what];
}

static int fact_order(const void *left, const void *right) {
    const struct post *a = *(struct post *const *)left, *b = *(struct post *const *)right;
    if (rank_of(a) != rank_of(b)) return rank_of(a) - rank_of(b);
    if (a->value_on.days != b->value_on.days) return a->value_on.days < b->value_on.days ? -1 : 1;
    if (a->value.us != b->value.us) return a->value.us < b->value.us ? -1 : 1;
    return uuid_compare(a->what == POST_PAYMENT ? a->payment.u : a->id, b->what == POST_PAYMENT ? b->payment.u : b->id);
}

static tagih_err post_one(struct book *book, struct post *post) {
    switch (post->what) {
    case POST_PAYMENT: return post_payment(book, post);
    case POST_REVERSAL: return post_reversal(book, post);
    case POST_FACT: return post_fact(book, post);
    case POST_MOVE: return post_move(book, post);
    }
    return FAIL(INTERNAL);
}

tagih_err book_decide(struct book *book) {
    if (book_is_empty(book)) return TAGIH_OK;
    TRY(book__replay_load(book));
    struct post **sorted = ARENA_ARRAY(book->arena, book->n, struct post *);
    if (!sorted) return FAIL(OUT_OF_MEMORY);
    memcpy(sorted, book->posts, book->n * sizeof *sorted);
    qsort(sorted, book->n, sizeof *sorted, fact_order);
    for (size_t i = 0; i < book->n; i++) {
        if (sorted[i]->skip) continue;
        TRY(post_one(book, sorted[i]));
    }
    TRY(book__reopen(book));
    return promises__decide(book);
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

static int by_statement(const void *left, const void *right) {
    return fact_compare(*(const struct params *const *)left, *(const struct params *const *)right);
}

/* The maker's rows of facts, digested already. Many posts may bring many: the pipeline is emptied before it is full. */
static tagih_err send_facts(struct book *book) {
    for (size_t i = 0; i < book->n_posted; i++) {
        const struct posted *posted = &book->posted[i];
        for (size_t k = 0; k < posted->n_facts; k++) {
            if (book->tx->n_slots - book->tx->n_answered >= TX_QUEUE_MAX / 2) TRY(tx_sync(book->tx));
            TRY(tx_send(book->tx, posted->facts[k]));
        }
    }
    return TAGIH_OK;
}

static size_t lines_fill(const struct posted *posted, struct line_row *rows) {
    for (size_t i = 0; i < posted->ledger.n; i++) {
        const struct ledger_line *line = &posted->ledger.lines[i];
        rows[i] = (struct line_row){.posting = posted->post->id, .no = (int16_t)(i + 1), .account = (int16_t)line->account,
                                    .has_owner = !uuid_is_nil(line->owner), .owner = line->owner,
                                    .currency = bytes_text(line->currency.code), .amount_minor = line->amount_minor};
    }
    return posted->ledger.n;
}

static tagih_err send_postings(struct book *book) {
    struct posting_head_row *heads = ARENA_ARRAY(book->arena, book->n_posted, struct posting_head_row);
    struct line_row *lines = ARENA_ARRAY(book->arena, book->n_posted * LEDGER_LINES_MAX, struct line_row);
    if (!heads || !lines) return FAIL(OUT_OF_MEMORY);
    size_t n_lines = 0;
    for (size_t i = 0; i < book->n_posted; i++) {
        struct posted *posted = &book->posted[i];
        qsort(posted->facts, posted->n_facts, sizeof posted->facts[0], by_statement);
        size_t count = lines_fill(posted, lines + n_lines);
        for (size_t k = 0; k < posted->n_allocations; k++) book->allocations[posted->allocation_first + k].posting = posted->post->id;
        heads[i] = (struct posting_head_row){
            .id = posted->post->id, .kind = (int16_t)posted->kind, .trigger = posted->post->payment.u,
            .has_account = posted->has_account, .account = posted->account, .value_on = posted->post->value_on,
            .posting_on = posted->posting_on, .at = book->now, .writer_n = ++book->loaded.writer.n};
        book__digest(book, posted, &heads[i], lines + n_lines, count, &heads[i].digest);
        book->loaded.writer.head = heads[i].digest;
        n_lines += count;
    }
    TRY(posting_send_postings(book->tx, book->arena, heads, book->n_posted, book->now, book->writer));
    return posting_send_lines(book->tx, book->arena, lines, n_lines);
}

/* What the feed says of a posting; 0: nothing. */
static int16_t change_of(const struct posted *posted) {
    switch (posted->kind) {
    case POSTING_OF_PAYMENT: return CHANGE_PAYMENT_POSTED;
    case POSTING_OF_REVERSAL: return CHANGE_PAYMENT_REVERSED;
    case POSTING_OF_QUARANTINE: return CHANGE_RECEIPT_QUARANTINED;
    case POSTING_OF_CHARGE:
    case POSTING_OF_WAIVER:
    case POSTING_OF_REFUND: return CHANGE_ACCOUNT_UPDATED;
    case POSTING_OF_RULE_SET: return posted->post->rules ? CHANGE_ACCOUNT_RULE_SET : CHANGE_RULE_SET_APPROVED;
    default: return posted->post->change;
    }
}

/* Whose phone sees it: the account's collector's, or of an event without account the collector's whose money it is. */
static void address(struct change_row *change, const struct posted *posted, const struct posting_account *account) {
    bool own = !account && posted->post->what == POST_MOVE && !uuid_is_nil(posted->post->collector.u);
    change->for_phone = account ? account->has_collector : own;
    if (change->for_phone) change->collector = account ? account->collector : posted->post->collector;
}

static uuid change_object(const struct posted *posted) {
    const struct post *post = posted->post;
    if (post->what == POST_FACT && !post->rules) return post->account.u;
    return uuid_is_nil(post->payment.u) ? post->id : post->payment.u;
}

/* The outgoing event of each posting (R-OUT-1), and what the collector's phone sees of his accounts. */
static tagih_err send_changes(struct book *book) {
    size_t room = 2 * book->n_posted + book->loaded.n_accounts, n = 0;
    struct change_row *changes = ARENA_ARRAY(book->arena, room, struct change_row);
    if (!changes) return FAIL(OUT_OF_MEMORY);
    n += book__reopen_changes(book, changes);
    for (size_t i = 0; i < book->n_posted; i++) {
        const struct posted *posted = &book->posted[i];
        struct posting_account *account = posted->has_account ? book_account(book, posted->account) : NULL;
        struct change_row change = {.kind = change_of(posted), .object = change_object(posted),
                                    .has_account = posted->has_account, .account = posted->account};
        if (posted->payment && posted->post->flags & fate_bit(REASON_CLOSED_ACCOUNT)) { /* R-LIF-1: flagged, also where there is no entry */
            changes[n] = change;
            changes[n++].kind = CHANGE_PAYMENT_ON_CLOSED;
        }
        if (change.kind == 0) continue;
        address(&change, posted, account);
        changes[n++] = change;
    }
    return change_send(book->tx, book->arena, changes, n, book->now);
}

/* R-PAY-2: posted, in quarantine or in suspense, the debtor has paid, and nobody presses him. */
static tagih_err send_silences(struct book *book) {
    struct silence_row *rows = ARENA_ARRAY(book->arena, book->n_posted, struct silence_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    civil_date until_on = gate_silence_until(gate_pack_find(SILENCE_PACK), book->loaded.today);
    size_t n = 0;
    for (size_t i = 0; i < book->n_posted; i++) {
        const struct posted *posted = &book->posted[i];
        bool money = posted->kind == POSTING_OF_PAYMENT || posted->kind == POSTING_OF_QUARANTINE ||
                     posted->kind == POSTING_OF_SUSPENSE_IN;
        bool came = money && !posted->post->has_money; /* out of suspense or quarantine it came before */
        if (came && book_account(book, posted->post->account)) rows[n++] = (struct silence_row){posted->post->account, until_on};
    }
    return silence_send(book->tx, book->arena, rows, n);
}

tagih_err book_save(struct book *book) {
    if (book->n_posted == 0) return TAGIH_OK;
    struct tx *tx = book->tx;
    struct arena *arena = book->arena;
    TRY(send_postings(book)); /* moves the writer's head, which is one of the states */
    TRY(posting_send_states(tx, arena, &book->loaded));
    TRY(posting_send_reopened(tx, arena, &book->loaded));
    TRY(posting_send_payments(tx, arena, book->payments, book->n_payments));
    TRY(posting_send_reversals(tx, arena, book->reversals, book->n_reversals, book->now));
    TRY(posting_send_allocations(tx, arena, book->allocations, book->n_allocations));
    TRY(posting_send_bonus(tx, arena, book->bonus, book->n_bonus));
    TRY(send_facts(book));
    TRY(book__expect(book));
    TRY(send_silences(book));
    TRY(promises__save(book));
    TRY(send_changes(book));
    return book__offers(book);
}
