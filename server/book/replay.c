/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts whose facts are worked out again (R-ALL-7): when a payment does not come last in fact order, when credit
 * waits for a due, and whenever a payment is taken back. Only differences are written: new allocation versions of the
 * payments that changed, one ledger transaction named by its trigger.
 */
#include <stdlib.h>
#include <string.h>

#include "book/posting.h"

struct replayed {
    bool is;                      /* this account replays */
    struct instalment *schedule;
    size_t n_schedule;
    struct allocation_fact *facts; /* room for those of this book, too */
    int32_t *versions;             /* per fact: of its newest allocation; 0: none yet */
    size_t n_facts;
    struct allocation_outcome now; /* as it stands */
};

bool book__replays(const struct book *book, const struct posting_account *account) {
    return book->replayed && book->replayed[account - book->loaded.accounts].is;
}

static bool comes_last(const struct posting_account *a, const struct post *post) {
    if (!a->last_on.is) return true;
    if (post->value_on.days != a->last_on.on.days) return post->value_on.days > a->last_on.on.days;
    if (post->value.us != a->last_value.us) return post->value.us > a->last_value.us;
    return uuid_compare(post->payment.u, a->last_payment.u) > 0;
}

/* An earlier payment of this book may leave credit, and a due come before this one: then credit goes first. */
static bool due_comes_between(const struct posting_account *a, civil_date first_on, civil_date value_on) {
    for (size_t i = 0; i < a->n_lines; i++) {
        if (a->lines[i].due_on.days > first_on.days && a->lines[i].due_on.days <= value_on.days) return true;
    }
    return false;
}

static bool must_replay(const struct posting_account *a, const struct post *post, civil_date first_on) {
    if (post->what != POST_PAYMENT) return post->what != POST_MOVE;
    return !comes_last(a, post) ||
           allocation_credit_waits(a->lines, a->n_lines, a->credit_minor, post->value_on) ||
           due_comes_between(a, first_on, post->value_on);
}

/* The earliest value date of the whole book. */
static civil_date first_date(const struct book *book) {
    civil_date first = {INT32_MAX};
    for (size_t i = 0; i < book->n; i++) {
        const struct post *post = book->posts[i];
        if (post->what == POST_PAYMENT && post->value_on.days < first.days) first = post->value_on;
    }
    return first;
}

/* The account of a post; of a reversal, that of its payment, wherever that is. */
static struct posting_account *account_of(struct book *book, const struct post *post) {
    if (post->what != POST_REVERSAL) return book_account(book, post->account);
    if (post->index != SIZE_MAX && book->loaded.reversed[post->index].found) {
        return book_account(book, book->loaded.reversed[post->index].account);
    }
    for (size_t i = 0; i < book->n; i++) {
        const struct post *each = book->posts[i];
        if (each->what == POST_PAYMENT && uuid_equal(each->payment.u, post->payment.u)) return book_account(book, each->account);
    }
    return NULL;
}

/* ---- load ----------------------------------------------------------------------------------------------------- */

static tagih_err find_replaying(struct book *book, account_id *ids, size_t *n_ids) {
    *n_ids = 0;
    civil_date first_on = first_date(book);
    for (size_t i = 0; i < book->n; i++) {
        struct posting_account *a = book->posts[i]->skip ? NULL : account_of(book, book->posts[i]);
        if (!a || !must_replay(a, book->posts[i], first_on)) continue;
        struct replayed *r = &book->replayed[a - book->loaded.accounts];
        if (!r->is) ids[(*n_ids)++] = a->id;
        r->is = true;
    }
    return TAGIH_OK;
}

/* Room for an account's own: room for everybody's in each would grow with the square of the batch. */
static size_t dues_of(const struct posting_due *dues, size_t n, account_id id) {
    size_t own = 0;
    for (size_t i = 0; i < n; i++) own += uuid_equal(dues[i].account.u, id.u);
    return own;
}

static size_t facts_of(const struct posting_fact *facts, size_t n, account_id id) {
    size_t own = 0;
    for (size_t i = 0; i < n; i++) own += uuid_equal(facts[i].account.u, id.u);
    return own;
}

static size_t posts_of(const struct book *book, account_id id) {
    size_t own = 0;
    for (size_t i = 0; i < book->n; i++) own += uuid_equal(book->posts[i]->account.u, id.u);
    return own;
}

/* dues and facts are sorted by account, as the accounts are. */
static tagih_err share_out(struct book *book, const struct posting_due *dues, size_t n_dues,
                           const struct posting_fact *facts, size_t n_facts) {
    for (size_t a = 0; a < book->loaded.n_accounts; a++) {
        struct replayed *r = &book->replayed[a];
        if (!r->is) continue;
        account_id id = book->loaded.accounts[a].id;
        size_t own_facts = facts_of(facts, n_facts, id) + posts_of(book, id);
        r->schedule = ARENA_ARRAY(book->arena, dues_of(dues, n_dues, id), struct instalment);
        r->facts = ARENA_ARRAY(book->arena, own_facts, struct allocation_fact);
        r->versions = ARENA_ARRAY(book->arena, own_facts, int32_t);
        if (!r->schedule || !r->facts || !r->versions) return FAIL(OUT_OF_MEMORY);
        for (size_t i = 0; i < n_dues; i++) {
            if (uuid_equal(dues[i].account.u, id.u)) r->schedule[r->n_schedule++] = dues[i].instalment;
        }
        for (size_t i = 0; i < n_facts; i++) {
            if (!uuid_equal(facts[i].account.u, id.u)) continue;
            r->versions[r->n_facts] = facts[i].version;
            r->facts[r->n_facts++] = facts[i].fact;
        }
    }
    return TAGIH_OK;
}

static civil_date last_date(const struct allocation_fact *facts, size_t n) {
    civil_date last = {INT32_MIN};
    for (size_t i = 0; i < n; i++) {
        if (facts[i].value_on.days > last.days) last = facts[i].value_on;
    }
    return last;
}

static tagih_err work_out(struct book *book, const struct posting_account *account, const struct replayed *r,
                          struct allocation_outcome *out) {
    return allocation_replay_under(&account->rules, r->schedule, r->n_schedule, r->facts, r->n_facts,
                                   last_date(r->facts, r->n_facts), book->arena, out);
}

tagih_err book__replay_load(struct book *book) {
    book->replayed = ARENA_ARRAY(book->arena, book->loaded.n_accounts, struct replayed);
    account_id *ids = ARENA_ARRAY(book->arena, book->loaded.n_accounts, account_id);
    if (!book->replayed || !ids) return FAIL(OUT_OF_MEMORY);
    size_t n_ids, n_dues, n_facts;
    TRY(find_replaying(book, ids, &n_ids));
    if (n_ids == 0) return TAGIH_OK;
    struct posting_due *dues;
    struct posting_fact *facts;
    TRY(posting_load_replay(book->tx, book->arena, ids, n_ids, &dues, &n_dues, &facts, &n_facts));
    TRY(share_out(book, dues, n_dues, facts, n_facts));
    for (size_t a = 0; a < book->loaded.n_accounts; a++) {
        struct replayed *r = &book->replayed[a];
        if (!r->is) continue;
        allocation_fit(r->facts, r->n_facts, r->schedule, r->n_schedule);
        TRY(work_out(book, &book->loaded.accounts[a], r, &r->now));
    }
    return TAGIH_OK;
}

/* ---- one step ------------------------------------------------------------------------------------------------- */

static const struct allocation_part *parts_of(const struct allocation_outcome *outcome, size_t fact, size_t *n,
                                              int64_t *credit_minor) {
    const struct allocation_result *result = &outcome->results[fact];
    *n = result->n_parts;
    *credit_minor = result->effect.credit_minor; /* also what a refund took since: Σ parts = amount (R-ALL-4) */
    return outcome->parts + result->part_first;
}

/* Does a fact's allocation stand as it did? Instalments count: the same components may come from another one. */
static bool is_unchanged(const struct allocation_outcome *before, uuid fact, const struct allocation_part *parts, size_t n,
                         int64_t credit_minor) {
    size_t at = 0, n_before;
    int64_t credit_before_minor;
    while (at < before->n_facts && !uuid_equal(before->facts[at].id, fact)) at++;
    if (at == before->n_facts) return false;
    const struct allocation_part *old = parts_of(before, at, &n_before, &credit_before_minor);
    if (n != n_before || credit_minor != credit_before_minor) return false;
    for (size_t i = 0; i < n; i++) {
        if (old[i].instalment_no != parts[i].instalment_no || old[i].component != parts[i].component) return false;
        if (old[i].amount_minor != parts[i].amount_minor) return false;
    }
    return true;
}

/* A new allocation version of every payment whose parts changed. Other facts have no parts. */
static tagih_err write_changes(struct book *book, struct posted *posted, struct replayed *r,
                               const struct allocation_outcome *after) {
    for (size_t f = 0; f < r->n_facts; f++) {
        size_t n;
        int64_t credit_minor;
        const struct allocation_part *parts = parts_of(after, f, &n, &credit_minor);
        payment_id payment = {r->facts[f].id};
        if (r->facts[f].kind != FACT_PAYMENT) continue;
        if (is_unchanged(&r->now, payment.u, parts, n, credit_minor)) continue;
        TRY(book__allocation(book, posted, payment, ++r->versions[f], parts, n, credit_minor));
    }
    return TAGIH_OK;
}

/* The account's lines as the replay left them. */
static void take_lines(struct posting_account *account, const struct allocation_outcome *after) {
    for (size_t i = 0; i < after->n_lines; i++) {
        for (size_t k = 0; k < account->n_lines; k++) {
            if (account->lines[k].no != after->lines[i].no) continue;
            account->touched[k] |= memcmp(account->lines[k].open_minor, after->lines[i].open_minor,
                                          sizeof account->lines[k].open_minor) != 0;
            account->lines[k] = after->lines[i];
        }
    }
}

/* Where the newest fact stands: a payment that comes behind it need not replay. */
static void take_last(struct posting_account *account, const struct replayed *r, const struct allocation_outcome *after) {
    account->last_on.is = after->n_facts > 0;
    if (after->n_facts == 0) return;
    const struct allocation_fact *last = &r->facts[after->order[after->n_facts - 1]];
    account->last_on.on = last->value_on;
    account->last_value = last->value;
    account->last_payment.u = last->id;
}

static tagih_err settle(struct book *book, struct posting_account *account, struct posted *posted, struct replayed *r,
                        struct ledger_side money, int64_t *debt_before, int64_t *debt_after) {
    struct allocation_outcome after;
    struct allocation_diff diff;
    TRY(work_out(book, account, r, &after));
    TRY(allocation_diff(&r->now, &after, book->arena, &diff));
    TRY(write_changes(book, posted, r, &after));
    take_lines(account, &after);
    take_last(account, r, &after);
    ledger_replay(&posted->ledger, money, account->id, &diff);
    TRY(minor_add(account->credit_minor, after.credit_minor - r->now.credit_minor, &account->credit_minor));
    TRY(minor_add(account->recoverable_minor, after.recoverable_minor - r->now.recoverable_minor, &account->recoverable_minor));
    TRY(minor_add(account->debt_allocated_minor, after.debt_minor - r->now.debt_minor, &account->debt_allocated_minor));
    *debt_before = r->now.debt_minor;
    *debt_after = after.debt_minor;
    r->now = after;
    return TAGIH_OK;
}

/* R-BON-11 for any day: the bucket at its beginning, before any payment of that date. */
static tagih_err bucket_then(struct book *book, const struct posting_account *account, const struct replayed *r,
                             civil_date on, enum bucket *out) {
    struct replayed before = *r;
    before.facts = ARENA_ARRAY(book->arena, r->n_facts, struct allocation_fact);
    if (!before.facts) return FAIL(OUT_OF_MEMORY);
    before.n_facts = 0;
    for (size_t i = 0; i < r->n_facts; i++) {
        if (r->facts[i].value_on.days < on.days) before.facts[before.n_facts++] = r->facts[i];
    }
    struct allocation_outcome outcome;
    TRY(work_out(book, account, &before, &outcome));
    *out = bucket_of(&bucket_scheme_default, bucket_days_past_due(outcome.lines, outcome.n_lines, 0, on));
    return TAGIH_OK;
}

static tagih_err bonus_bucket(struct book *book, const struct posting_account *account, const struct replayed *r,
                              civil_date value_on, enum bucket *out) {
    enum bucket day, month;
    TRY(bucket_then(book, account, r, value_on, &day));
    TRY(bucket_then(book, account, r, book__bucket_anchor(account, value_on), &month));
    *out = bucket_lower(day, month);
    return TAGIH_OK;
}

/* What the account keeps for the next payment of its newest day, worked out from the facts as they are now. */
static tagih_err keep_buckets(struct book *book, struct posting_account *account, const struct replayed *r) {
    account->day_on = account->month_on = account->last_on;
    if (!account->last_on.is) return TAGIH_OK;
    account->month_on.on = book__bucket_anchor(account, account->last_on.on);
    enum bucket day, month;
    TRY(bucket_then(book, account, r, account->day_on.on, &day));
    TRY(bucket_then(book, account, r, account->month_on.on, &month));
    account->day_bucket = (int16_t)day;
    account->month_bucket = (int16_t)month;
    return TAGIH_OK;
}

tagih_err book__replay_payment(struct book *book, struct post *post, struct posting_account *account,
                               struct posted *posted) {
    struct replayed *r = &book->replayed[account - book->loaded.accounts];
    enum bucket bucket;
    TRY(bonus_bucket(book, account, r, post->value_on, &bucket));
    r->facts[r->n_facts++] = (struct allocation_fact){.id = post->payment.u, .kind = FACT_PAYMENT, .value_on = post->value_on,
                                                      .value = post->value, .amount_minor = post->amount_minor};
    int64_t before, after;
    TRY(settle(book, account, posted, r, book__money_side(post), &before, &after));
    TRY(keep_buckets(book, account, r));
    return book__bonus(book, post, account, posted, bonus_base(before, after, post->amount_minor), bucket);
}

/* Take a payment out of the facts, if it is among them. They are copied: the outcome so far reads the old ones. */
static tagih_err take_out(struct book *book, struct replayed *r, payment_id payment, bool *stands) {
    struct allocation_fact *facts = ARENA_ARRAY(book->arena, r->n_facts + book->n, struct allocation_fact);
    int32_t *versions = ARENA_ARRAY(book->arena, r->n_facts + book->n, int32_t);
    if (!facts || !versions) return FAIL(OUT_OF_MEMORY);
    size_t kept = 0;
    for (size_t i = 0; i < r->n_facts; i++) {
        if (uuid_equal(r->facts[i].id, payment.u)) continue;
        versions[kept] = r->versions[i];
        facts[kept++] = r->facts[i];
    }
    *stands = kept < r->n_facts;
    r->facts = facts;
    r->versions = versions;
    r->n_facts = kept;
    return TAGIH_OK;
}

struct allocation_fact book__fact_of(const struct post *post) {
    return (struct allocation_fact){.id = post->id, .kind = post->fact, .value_on = post->value_on, .value = post->value,
                                    .amount_minor = post->amount_minor, .instalment_no = post->instalment_no,
                                    .component = post->component};
}

static bool has_instalment(const struct replayed *r, int32_t no) {
    for (size_t i = 0; i < r->n_schedule; i++) {
        if (r->schedule[i].no == no) return true;
    }
    return false;
}

/* A charge, waiver or refund comes, or goes: the account as its facts are then. It earns nobody a bonus. */
tagih_err book__replay_fact(struct book *book, struct post *post, struct posting_account *account, struct posted *posted,
                            bool *found) {
    struct replayed *r = &book->replayed[account - book->loaded.accounts];
    *found = post->fact == FACT_REFUND || has_instalment(r, post->instalment_no);
    if (post->withdraw) TRY(take_out(book, r, (payment_id){post->withdrawn}, found));
    if (!*found) return TAGIH_OK;
    if (!post->withdraw) {
        r->versions[r->n_facts] = 0;
        r->facts[r->n_facts++] = book__fact_of(post);
    }
    int64_t before, after;
    TRY(settle(book, account, posted, r, LEDGER_SIDE(CREDITOR_CONTROL), &before, &after));
    return keep_buckets(book, account, r);
}

tagih_err book__replay_rules(struct book *book, struct post *post, struct posting_account *account, struct posted *posted) {
    struct replayed *r = &book->replayed[account - book->loaded.accounts];
    size_t n = account->rules.n_changes;
    struct rule_change *changes = ARENA_ARRAY(book->arena, n + 1, struct rule_change);
    if (!changes) return FAIL(OUT_OF_MEMORY);
    if (n) memcpy(changes, account->rules.changes, n * sizeof *changes);
    changes[n] = *post->rules;
    account->rules.changes = changes;
    account->rules.n_changes = n + 1;
    int64_t before, after;
    TRY(settle(book, account, posted, r, LEDGER_SIDE(CREDITOR_CONTROL), &before, &after));
    return keep_buckets(book, account, r);
}

tagih_err book__replay_reversal(struct book *book, struct post *post, struct posting_account *account,
                                struct posted *posted, const struct posting_reversed *payment) {
    struct replayed *r = &book->replayed[account - book->loaded.accounts];
    bool stands;
    TRY(take_out(book, r, post->payment, &stands));
    struct ledger_side debited = payment_money_side((enum payment_source)payment->source, (enum tender)payment->tender,
                                                    payment->collector.u);
    struct ledger_side money = payment_reversal_side(post->reason, post->settled, debited);
    if (!stands) { /* R-IMP-3: the creditor's snapshot contains it; his next one says what is owed without it */
        ledger_move(&posted->ledger, LEDGER_SIDE(CREDITOR_CONTROL), money, payment->amount_minor);
        return TAGIH_OK;
    }
    int64_t before, after;
    TRY(settle(book, account, posted, r, money, &before, &after));
    return keep_buckets(book, account, r);
}
