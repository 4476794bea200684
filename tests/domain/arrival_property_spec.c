/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts as they arrive: one by one, in batches, twice, a reversal before its payment. A small book of one
 * account takes them as the server does: a payment that comes last is applied on what is open, everything
 * else replays, and only differences are booked. Whatever the order, it must end where one replay of the
 * facts that stand ends.
 */
#include "support/generated_account.h"

#include "tagih/bonus.h"

enum { EVENTS_MAX = 2 * FACTS_MAX, MONTH_DAYS = 10, ALL_ORDERS_UP_TO = 4 };

static _Alignas(16) uint8_t memory[1 << 17];
static struct arena arena;

/* Everything that arrival must not change. Compared byte by byte, so it is zeroed first. */
struct figures {
    struct instalment_open lines[INSTALMENTS_MAX];
    enum instalment_state states[INSTALMENTS_MAX];
    int64_t credit_minor, debt_minor, recoverable_minor;
    int64_t part_minor[FACTS_MAX][INSTALMENTS_MAX + 1][COMPONENT_COUNT];
    int64_t credit_left_minor[FACTS_MAX], debt_of_minor[FACTS_MAX];
};

/* A fact comes, or the reversal of a payment. */
struct event {
    size_t fact;
    bool reversal;
};

struct book {
    const struct account *account;
    struct figures figures;
    bool seen[FACTS_MAX], taken_back[FACTS_MAX];
    struct allocation_fact standing[FACTS_MAX]; /* what counts, in the order of arrival */
    size_t n_standing;
    size_t applied, replayed;
};

static size_t fact_no(const struct allocation_fact *fact) {
    return fact->id.b[15];
}

static civil_date last_date(const struct allocation_fact *facts, size_t n) {
    civil_date last = {INT32_MIN};
    for (size_t i = 0; i < n; i++) last = facts[i].value_on.days > last.days ? facts[i].value_on : last;
    return last;
}

static struct allocation_outcome replay(const struct account *account, const struct allocation_fact *facts,
                                        size_t n) {
    struct allocation_outcome out;
    struct rule_history rules = rules_of(account);
    assert_ok(allocation_replay_under(&rules, account->schedule, account->n, facts, n, last_date(facts, n), &arena, &out));
    return out;
}

static void states_follow(struct figures *figures, size_t n) {
    for (size_t i = 0; i < n; i++) figures->states[i] = instalment_state_of(&figures->lines[i]);
}

static struct figures figures_of(const struct account *account, const struct allocation_outcome *out) {
    struct figures figures;
    memset(&figures, 0, sizeof figures);
    memcpy(figures.lines, out->lines, account->n * sizeof *out->lines);
    figures.credit_minor = out->credit_minor;
    figures.debt_minor = out->debt_minor;
    figures.recoverable_minor = out->recoverable_minor;
    for (size_t i = 0; i < out->n_facts; i++) {
        figures.credit_left_minor[fact_no(&out->facts[i])] = out->results[i].credit_left_minor;
        figures.debt_of_minor[fact_no(&out->facts[i])] = out->results[i].debt_minor;
    }
    for (size_t i = 0; i < out->n_parts; i++) {
        const struct allocation_part *part = &out->parts[i];
        size_t fact = fact_no(&out->facts[part->fact]);
        figures.part_minor[fact][part->instalment_no][part->component] += part->amount_minor;
    }
    states_follow(&figures, account->n);
    return figures;
}

/* The same facts and nothing else, worked out at once. */
static struct figures worked_out(const struct book *book) {
    struct allocation_outcome out = replay(book->account, book->standing, book->n_standing);
    return figures_of(book->account, &out);
}

static struct book book_open(const struct account *account) {
    struct book book = {.account = account};
    struct allocation_outcome out = replay(account, NULL, 0);
    book.figures = figures_of(account, &out);
    return book;
}

static bool comes_last(const struct book *book, const struct allocation_fact *fact) {
    for (size_t i = 0; i < book->n_standing; i++) {
        if (allocation_fact_compare(&book->standing[i], fact) > 0) return false;
    }
    return true;
}

/* The ordinary payment: its own lines and no other. */
static void apply(struct book *book, const struct allocation_fact *fact) {
    struct figures *figures = &book->figures;
    struct allocation_part parts[INSTALMENTS_MAX * COMPONENT_COUNT];
    size_t n, no = fact_no(fact);
    int64_t credit_minor, sum_minor = 0;
    struct rule_history rules = rules_of(book->account);
    assert_ok(allocation_apply(rule_set_at(&rules, fact->value_on), figures->lines, book->account->n, fact->amount_minor,
                               fact->value_on, parts, COUNT_OF(parts), &n, &credit_minor));
    for (size_t i = 0; i < n; i++) {
        figures->part_minor[no][parts[i].instalment_no][parts[i].component] += parts[i].amount_minor;
        if (parts[i].origin == PART_DEBT) figures->debt_of_minor[no] += parts[i].amount_minor;
        sum_minor += parts[i].amount_minor;
    }
    assert_int_equal(sum_minor + credit_minor, fact->amount_minor);
    figures->credit_left_minor[no] = credit_minor;
    figures->credit_minor += credit_minor;
    figures->debt_minor += figures->debt_of_minor[no];
    states_follow(figures, book->account->n);
    book->applied++;
}

static void balance_of(const struct figures *figures, size_t n, int64_t balance_minor[COMPONENT_COUNT]) {
    assert_ok(allocation_balance(figures->lines, n, balance_minor));
}

/* What is booked is the difference, and it leads from the old figures to the new ones. */
static void work_again(struct book *book, const struct allocation_outcome *before, int64_t received_minor) {
    struct allocation_outcome after = replay(book->account, book->standing, book->n_standing);
    struct allocation_diff diff;
    int64_t was[COMPONENT_COUNT], is[COMPONENT_COUNT], credit_was = book->figures.credit_minor;
    assert_ok(allocation_diff(before, &after, &arena, &diff));
    assert_int_equal(diff.received_minor, received_minor);
    balance_of(&book->figures, book->account->n, was);
    book->figures = figures_of(book->account, &after);
    balance_of(&book->figures, book->account->n, is);
    for (int c = 0; c < COMPONENT_COUNT; c++) assert_int_equal(was[c] - diff.total.component_minor[c], is[c]);
    assert_int_equal(credit_was + diff.total.credit_minor, book->figures.credit_minor);
    book->replayed++;
}

static void take_back(struct book *book, size_t fact) {
    struct allocation_fact copy[FACTS_MAX];
    memcpy(copy, book->standing, sizeof copy);
    struct allocation_outcome before = replay(book->account, copy, book->n_standing);
    size_t kept = 0;
    for (size_t i = 0; i < book->n_standing; i++) {
        if (fact_no(&copy[i]) != fact) book->standing[kept++] = copy[i];
    }
    book->n_standing = kept;
    work_again(book, &before, -book->account->facts[fact].amount_minor);
}

static void take_in(struct book *book, size_t no) {
    const struct allocation_fact *fact = &book->account->facts[no];
    bool in_order = fact->kind == FACT_PAYMENT && comes_last(book, fact) &&
                    !allocation_credit_waits(book->figures.lines, book->account->n,
                                             book->figures.credit_minor, fact->value_on);
    struct allocation_fact copy[FACTS_MAX];
    memcpy(copy, book->standing, sizeof copy);
    size_t n_before = book->n_standing;
    book->standing[book->n_standing++] = *fact;
    if (in_order) {
        apply(book, fact);
        return;
    }
    struct allocation_outcome before = replay(book->account, copy, n_before);
    work_again(book, &before, fact->kind == FACT_PAYMENT ? fact->amount_minor : 0);
}

/* What came before does nothing; a reversal waits for its payment and then follows it at once. */
static void arrive(struct book *book, struct event event) {
    if (event.reversal ? book->taken_back[event.fact] : book->seen[event.fact]) return;
    if (event.reversal) {
        book->taken_back[event.fact] = true;
        if (book->seen[event.fact]) take_back(book, event.fact);
        return;
    }
    book->seen[event.fact] = true;
    take_in(book, event.fact);
    if (book->taken_back[event.fact]) take_back(book, event.fact);
}

static size_t events_of(const struct account *account, uint64_t *seed, struct event events[EVENTS_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < account->n_facts; i++) {
        events[n++] = (struct event){.fact = i};
        bool reversed = account->facts[i].kind == FACT_PAYMENT && random_below(seed, 3) == 0;
        if (reversed) events[n++] = (struct event){.fact = i, .reversal = true};
    }
    return n;
}

static void shuffle(struct event *events, size_t n, uint64_t *seed) {
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(seed, i);
        struct event event = events[i - 1];
        events[i - 1] = events[j];
        events[j] = event;
    }
}

static void assert_figures(const struct figures *a, const struct figures *b) {
    assert_memory_equal(a, b, sizeof *a);
    for (size_t i = 0; i < INSTALMENTS_MAX; i++) {
        for (int c = 0; c < COMPONENT_COUNT; c++) assert_true(a->lines[i].open_minor[c] >= 0);
    }
    assert_true(a->credit_minor >= 0);
}

static struct figures arrive_all(const struct account *account, const struct event *events, size_t n) {
    struct book book = book_open(account);
    for (size_t i = 0; i < n; i++) arrive(&book, events[i]);
    struct figures once = worked_out(&book);
    assert_figures(&book.figures, &once);
    return book.figures;
}

static void each_case(void (*check)(const struct account *account, uint64_t *seed)) {
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number * UINT64_C(0xD1B54A32D192ED03);
        struct account account = random_account(seed);
        arena_init(&arena, memory, sizeof memory);
        check(&account, &seed);
    }
}

/* ---- every order
 * ------------------------------------------------------------------------------------------------ */

/* Heap's way through all orders of events[0 .. n - 1]; all end in the same figures. */
static void all_orders(const struct account *account, struct event *events, size_t n, size_t fixed,
                       const struct figures *expected) {
    if (fixed + 1 >= n) {
        arena_init(&arena, memory, sizeof memory);
        struct figures figures = arrive_all(account, events, n);
        assert_figures(&figures, expected);
        return;
    }
    for (size_t i = fixed; i < n; i++) {
        struct event kept = events[fixed];
        events[fixed] = events[i];
        events[i] = kept;
        all_orders(account, events, n, fixed + 1, expected);
        events[i] = events[fixed];
        events[fixed] = kept;
    }
}

static void check_orders(const struct account *account, uint64_t *seed) {
    struct event events[EVENTS_MAX];
    size_t n = events_of(account, seed, events);
    struct figures first = arrive_all(account, events, n);
    if (n <= ALL_ORDERS_UP_TO) {
        all_orders(account, events, n, 0, &first);
        return;
    }
    for (int tries = 0; tries < 2; tries++) {
        arena_init(&arena, memory, sizeof memory);
        shuffle(events, n, seed);
        struct figures figures = arrive_all(account, events, n);
        assert_figures(&figures, &first);
    }
}

//= RULES.md R-ALL-1
//  **Any arrival order of the same facts gives identical balances, allocations and closed months**
static void facts_and_reversals_in_every_order_end_in_the_same_figures(void **state) {
    (void)state;
    each_case(check_orders);
}

/* ---- splits and retries
 * ----------------------------------------------------------------------------------------- */

static const struct account *sorting;

static int in_batch_order(const void *left, const void *right) {
    const struct event *a = left, *b = right;
    if (a->reversal != b->reversal) return a->reversal ? 1 : -1;
    return allocation_fact_compare(&sorting->facts[a->fact], &sorting->facts[b->fact]);
}

/* A batch works on its facts in fact order, then on its reversals, as the server's book does. */
static void arrive_batch(struct book *book, struct event *events, size_t n) {
    sorting = book->account;
    qsort(events, n, sizeof *events, in_batch_order);
    for (size_t i = 0; i < n; i++) arrive(book, events[i]);
}

static void check_splits(const struct account *account, uint64_t *seed) {
    struct event events[EVENTS_MAX], again[EVENTS_MAX];
    size_t n = events_of(account, seed, events);
    struct figures expected = arrive_all(account, events, n);
    shuffle(events, n, seed);
    struct book book = book_open(account);
    for (size_t from = 0, count; from < n; from += count) {
        count = 1 + random_below(seed, n - from);
        memcpy(again, events + from, count * sizeof *again);
        arrive_batch(&book, again, count);
        size_t known = from + count; /* the answer was lost: some of what is here comes again, in any order */
        memcpy(again, events, known * sizeof *again);
        shuffle(again, known, seed);
        arrive_batch(&book, again, random_below(seed, known + 1));
    }
    assert_figures(&book.figures, &expected);
}

//= RULES.md R-ALL-6
//  all fixed when the fact is first seen (R-TIM-3); after that arrival order and server ids never decide.
static void batches_of_any_size_and_whatever_comes_again_change_nothing(void **state) {
    (void)state;
    each_case(check_splits);
}

/* ---- reversal after post
 * ---------------------------------------------------------------------------------------- */

static void check_identity(const struct account *account, uint64_t *seed) {
    struct book book = book_open(account);
    for (size_t i = 0; i < account->n_facts; i++) {
        struct event event = {.fact = i};
        if (account->facts[i].kind == FACT_PAYMENT && random_below(seed, 2) == 0) {
            struct figures before = book.figures;
            size_t n_before = book.n_standing;
            arrive(&book, event);
            arrive(&book, (struct event){.fact = i, .reversal = true});
            assert_figures(&book.figures, &before);
            assert_int_equal(book.n_standing, n_before);
        } else {
            arrive(&book, event);
        }
    }
}

//= RULES.md R-PAY-3
//  Reversal restores balances as though the payment were absent, keeps both records
static void a_payment_and_its_reversal_leave_every_figure_as_it_was(void **state) {
    (void)state;
    each_case(check_identity);
}

/* ---- the month
 * -------------------------------------------------------------------------------------------------- */

/* What a month holds at its close, by value date: allocations, and the bonus after TRUE_UP. */
struct month {
    int64_t part_minor[COMPONENT_COUNT], credit_minor, base_minor, bonus_minor;
};

static bool in_month(const struct allocation_fact *fact) {
    return fact->kind == FACT_PAYMENT && fact->value_on.days < MONTH_DAYS;
}

/* Amounts of a field day: the stairs of the scheme lie between them. */
static const int64_t BONUS_SCALE = INT64_C(100000000);

/* Provisional lines, each from what was known when it was written (R-BON-2a). */
struct lines {
    struct bonus_inputs inputs;
    const struct bonus_scheme *scheme;
    int64_t written_minor[FACTS_MAX];
};

static void write_line(struct lines *lines, const struct book *book, size_t no, int64_t debt_before_minor) {
    const struct allocation_fact *fact = &book->account->facts[no];
    if (!in_month(fact)) return;
    struct bonus_result result;
    lines->inputs.base_minor =
        bonus_base(debt_before_minor, book->figures.debt_minor, fact->amount_minor) * BONUS_SCALE;
    assert_ok(bonus_write(lines->scheme, &lines->inputs, &result));
    lines->written_minor[no] = result.amount_minor;
    lines->inputs.mtd_minor += lines->inputs.base_minor;
}

static struct month close_month(const struct book *book, const struct lines *lines) {
    struct month month;
    struct bonus_closing rows[FACTS_MAX];
    struct bonus_true_up true_up;
    size_t n = 0;
    int64_t written_minor = 0;
    memset(&month, 0, sizeof month);
    for (size_t i = 0; i < book->n_standing; i++) {
        size_t no = fact_no(&book->standing[i]);
        if (!in_month(&book->standing[i])) continue;
        rows[n++] = (struct bonus_closing){.base_minor = book->figures.debt_of_minor[no] * BONUS_SCALE,
                                           .bucket = BUCKET_B1,
                                           .tag = TAG_FIELD_CASH,
                                           .written_minor = lines->written_minor[no]};
        written_minor += lines->written_minor[no];
        month.credit_minor += book->figures.credit_left_minor[no];
        for (size_t k = 0; k < (INSTALMENTS_MAX + 1) * COMPONENT_COUNT; k++) {
            month.part_minor[k % COMPONENT_COUNT] +=
                book->figures.part_minor[no][k / COMPONENT_COUNT][k % COMPONENT_COUNT];
        }
    }
    assert_ok(bonus_true_up(lines->scheme, &lines->inputs, rows, n, &true_up));
    assert_int_equal(written_minor + true_up.amount_minor, true_up.total_minor);
    month.base_minor = true_up.base_minor;
    month.bonus_minor = true_up.total_minor;
    return month;
}

/* Everything arrives before the close, in this order. */
static struct month month_of(const struct account *account, const struct event *events, size_t n,
                             bool *differs, const struct lines *other, struct lines *lines) {
    struct book book = book_open(account);
    *lines = (struct lines){.scheme = bonus_scheme_find("standard-1", (civil_date){20500}),
                            .inputs = {.bucket = BUCKET_B1, .tag = TAG_FIELD_CASH}};
    memcpy(lines->inputs.currency.code, "IDR", 3);
    for (size_t i = 0; i < n; i++) {
        int64_t debt_before_minor = book.figures.debt_minor;
        bool fresh = !events[i].reversal && !book.taken_back[events[i].fact];
        arrive(&book, events[i]);
        if (fresh) write_line(lines, &book, events[i].fact, debt_before_minor);
    }
    *differs = other && memcmp(other->written_minor, lines->written_minor, sizeof lines->written_minor) != 0;
    return close_month(&book, lines);
}

static size_t lines_that_differed;

static void check_month(const struct account *account, uint64_t *seed) {
    struct event events[EVENTS_MAX];
    struct lines one, other;
    bool differs;
    size_t n = events_of(account, seed, events);
    struct month a = month_of(account, events, n, &differs, NULL, &one);
    shuffle(events, n, seed);
    struct month b = month_of(account, events, n, &differs, &one, &other);
    assert_memory_equal(&a, &b, sizeof a);
    lines_that_differed += differs;
}

//= RULES.md R-BON-2a
//  Provisional lines therefore depend on arrival; the month after TRUE_UP does not.
//= RULES.md R-ALL-1
//  closed months** (open, provisional bonus lines depend on arrival: R-BON-2a).
static void a_month_closes_with_the_same_figures_whatever_came_first(void **state) {
    (void)state;
    lines_that_differed = 0;
    each_case(check_month);
    assert_true(lines_that_differed > CASES / 20); /* else the case is not worth its name */
}

/* ---- the cases are worth their while
 * ------------------------------------------------------------------------------ */

static size_t applied, replayed;

static void count_ways(const struct account *account, uint64_t *seed) {
    struct event events[EVENTS_MAX];
    struct book book = book_open(account);
    size_t n = events_of(account, seed, events);
    for (size_t i = 0; i < n; i++) arrive(&book, events[i]);
    applied += book.applied;
    replayed += book.replayed;
}

//= RULES.md R-ALL-1
//  Allocation is a pure function of (schedule, facts in fact order, rule set).
static void the_cases_take_both_ways_often(void **state) {
    (void)state;
    applied = replayed = 0;
    each_case(count_ways);
    assert_true(applied > CASES / 2 && replayed > CASES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_and_reversals_in_every_order_end_in_the_same_figures),
        cmocka_unit_test(batches_of_any_size_and_whatever_comes_again_change_nothing),
        cmocka_unit_test(a_payment_and_its_reversal_leave_every_figure_as_it_was),
        cmocka_unit_test(a_month_closes_with_the_same_figures_whatever_came_first),
        cmocka_unit_test(the_cases_take_both_ways_often),
    };
    return cmocka_run_group_tests_name("arrival properties", tests, NULL, NULL);
}
