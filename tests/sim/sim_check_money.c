/* SPDX-License-Identifier: Apache-2.0 */
/* Sums: what phones say that they took against payments, allocations, receivables, bags and balances (R-LED-2, R-LED-1). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_check.h"

/* Numbers of the ledger's accounts, as migrations and documentation have them (RULES.md R-LED-1, in its order). */
enum {
    RECEIVABLE_FIRST = 1,
    RECEIVABLE_LAST = 4,
    CASH_HELD = 5,
    CHEQUES_IN_HAND = 6,
    DEPOSIT_IN_TRANSIT = 10,
    COLLECTOR_RECEIVABLE = 12,
    CUSTOMER_CREDIT = 17,
    SUSPENSE = 18,
    QUARANTINE = 19,
    BONUS_PAYABLE = 21
};
enum { OF_PAYMENT = 1, OF_REVERSAL = 2, OF_QUARANTINE = 3 };
enum {
    POSTED = 1,
    POSTED_FLAGGED = 2,
    FIELD = 1,
    REVERSAL_VOID = 1,
    TOOK_EFFECT = 1,
    KIND_LINE = 1,
    KIND_REVERSAL = 2,
    KIND_RETAG = 4
};

/** Sums by some key of ids and numbers; several figures beside each other. */
struct sum {
    struct sum_key {
        uuid a, b;
        char currency[4];
        int32_t n;
    } key;
    int64_t figures[6];
    UT_hash_handle hh;
};

static struct sum *sum_of(struct sum **sums, uuid a, uuid b, struct bytes code, int32_t n) {
    struct sum_key key;
    memset(&key, 0, sizeof key);
    key.a = a;
    key.b = b;
    memcpy(key.currency, code.data, code.len < 3 ? code.len : 3);
    key.n = n;
    struct sum *sum;
    HASH_FIND(hh, *sums, &key, sizeof key, sum);
    if (sum) return sum;
    sum = calloc(1, sizeof *sum);
    assert(sum);
    sum->key = key;
    HASH_ADD(hh, *sums, key, sizeof sum->key, sum);
    return sum;
}

static void sums_free(struct sum **sums) {
    struct sum *sum, *next;
    HASH_ITER(hh, *sums, sum, next) {
        HASH_DEL(*sums, sum);
        free(sum);
    }
}

static const uuid nobody;

/* ---- I1: receipts against payments and quarantine ---------------------------------------------------------------- */

enum { TAKEN, PAID }; /* figures of I1a */

static struct sum *day_of(struct sum **sums, const struct issued *issued, int32_t day) {
    return sum_of(sums, issued->user.u, issued->account.u, bytes_text(issued->currency.code), day);
}

/* Postings of money in quarantine, by the posting's id. */
static void gather_quarantine(struct checks *checks, struct sum **postings) {
    for (struct model_rows rows = model_rows(checks->world->model, "posting"); model_next(&rows);) {
        if (row_int(&rows, "kind") == OF_QUARANTINE)
            sum_of(postings, row_uuid(&rows, "posting_id"), nobody, bytes_text(""), 0);
    }
}

static bool is_among(struct sum *sums, uuid id) {
    struct sum_key key;
    memset(&key, 0, sizeof key);
    key.a = id;
    struct sum *sum;
    HASH_FIND(hh, sums, &key, sizeof key, sum);
    return sum != NULL;
}

static void add_taken(struct checks *checks, struct sum **days, struct sum *quarantined) {
    struct kept *kept, *next;
    HASH_ITER(hh, checks->kept, kept, next) {
        if (kept->kind != JOURNAL_RECEIPT || !kept->issued) continue;
        bool stands =
            kept->first_fate == POSTED || kept->first_fate == POSTED_FLAGGED || is_among(quarantined, kept->posting);
        if (stands) day_of(days, kept->issued, kept->value_on)->figures[TAKEN] += kept->issued->amount_minor;
    }
}

static void take_voids(struct checks *checks, struct sum **days) {
    for (struct model_rows rows = model_rows(checks->world->model, "receipt_void"); model_next(&rows);) {
        if (row_int(&rows, "effect") != TOOK_EFFECT) continue;
        const struct kept *kept = kept_of_posting(checks, row_uuid(&rows, "entry_id"));
        const struct kept *receipt = kept_of_posting(checks, row_uuid(&rows, "receipt_id"));
        if (!kept || !receipt || !receipt->issued || !kept->issued) {
            MUST(checks->world, I1, false, "a void took effect that nobody wrote, or of nothing");
            return;
        }
        day_of(days, receipt->issued, receipt->value_on)->figures[TAKEN] += kept->issued->amount_minor;
    }
}

static void add_paid(struct checks *checks, struct sum **days) {
    const struct model *model = checks->world->model;
    struct sum *voided = NULL;
    for (struct model_rows rows = model_rows(model, "payment_reversal"); model_next(&rows);) {
        if (row_int(&rows, "reason") == REVERSAL_VOID)
            sum_of(&voided, row_uuid(&rows, "payment_id"), nobody, bytes_text(""), 0);
    }
    for (struct model_rows rows = model_rows(model, "payment"); model_next(&rows);) {
        if (row_int(&rows, "source") != FIELD || is_among(voided, row_uuid(&rows, "payment_id"))) continue;
        struct sum *sum = sum_of(days, row_uuid(&rows, "collector_id"), row_uuid(&rows, "account_id"),
                                 row_bytes(&rows, "currency"), (int32_t)row_int(&rows, "value_on"));
        sum->figures[PAID] += row_int(&rows, "amount_minor");
    }
    sums_free(&voided);
}

static void add_quarantine(struct checks *checks, struct sum **days) {
    for (struct model_rows rows = model_rows(checks->world->model, "ledger_line"); model_next(&rows);) {
        if (row_int(&rows, "ledger_account") != QUARANTINE) continue;
        const struct kept *kept = kept_of_posting(checks, row_uuid(&rows, "posting_id"));
        if (kept && kept->issued)
            day_of(days, kept->issued, kept->value_on)->figures[PAID] -= row_int(&rows, "amount_minor");
        else MUST(checks->world, I1, false, "money is in quarantine that no entry brought");
    }
}

static void check_days(struct checks *checks) {
    struct sum *days = NULL, *quarantined = NULL, *sum, *next;
    gather_quarantine(checks, &quarantined);
    add_taken(checks, &days, quarantined);
    take_voids(checks, &days);
    add_paid(checks, &days);
    add_quarantine(checks, &days);
    HASH_ITER(hh, days, sum, next) {
        MUST(checks->world, I1, sum->figures[TAKEN] == sum->figures[PAID],
             "collector %s, account %s, %s, day %d: receipts less voids are %lld, payments and quarantine %lld",
             short_id(sum->key.a), short_id(sum->key.b), sum->key.currency, sum->key.n, (long long)sum->figures[TAKEN],
             (long long)sum->figures[PAID]);
    }
    sums_free(&days);
    sums_free(&quarantined);
}

/* ---- I1: payments against allocations and receivables ------------------------------------------------------------ */

enum { AMOUNT, DEBT, CREDIT, VERSION, GONE, ACCOUNT_SET }; /* figures by payment */

/* Each payment with the newest version of its allocation. */
static void gather_allocations(struct checks *checks, struct sum **payments) {
    const struct model *model = checks->world->model;
    for (struct model_rows rows = model_rows(model, "payment"); model_next(&rows);) {
        struct sum *sum = sum_of(payments, row_uuid(&rows, "payment_id"), nobody, bytes_text(""), 0);
        sum->figures[AMOUNT] = row_int(&rows, "amount_minor");
    }
    for (struct model_rows rows = model_rows(model, "payment_reversal"); model_next(&rows);) {
        sum_of(payments, row_uuid(&rows, "payment_id"), nobody, bytes_text(""), 0)->figures[GONE] = 1;
    }
    for (struct model_rows rows = model_rows(model, "allocation"); model_next(&rows);) {
        struct sum *sum = sum_of(payments, row_uuid(&rows, "payment_id"), nobody, bytes_text(""), 0);
        int64_t version = row_int(&rows, "version");
        if (version < sum->figures[VERSION]) continue;
        if (version > sum->figures[VERSION]) sum->figures[DEBT] = sum->figures[CREDIT] = 0;
        sum->figures[VERSION] = version;
        sum->figures[DEBT] += row_int(&rows, "fees_minor") + row_int(&rows, "penalty_minor") +
                              row_int(&rows, "interest_minor") + row_int(&rows, "principal_minor");
        sum->figures[CREDIT] += row_int(&rows, "credit_minor");
    }
}

/* Σ debt-allocated of unreversed payments = decrease of receivable by payments, per account. */
static void check_receivables(struct checks *checks, struct sum *payments) {
    const struct model *model = checks->world->model;
    struct sum *accounts = NULL, *by_payment = NULL, *sum, *next;
    for (struct model_rows rows = model_rows(model, "payment"); model_next(&rows);) {
        struct sum *payment = sum_of(&payments, row_uuid(&rows, "payment_id"), nobody, bytes_text(""), 0);
        if (!payment->figures[GONE])
            sum_of(&accounts, row_uuid(&rows, "account_id"), nobody, row_bytes(&rows, "currency"), 0)->figures[0] +=
                payment->figures[DEBT];
    }
    for (struct model_rows rows = model_rows(model, "posting"); model_next(&rows);) {
        int64_t kind = row_int(&rows, "kind");
        if (kind == OF_PAYMENT || kind == OF_REVERSAL)
            sum_of(&by_payment, row_uuid(&rows, "posting_id"), nobody, bytes_text(""), 0);
    }
    for (struct model_rows rows = model_rows(model, "ledger_line"); model_next(&rows);) {
        int64_t account = row_int(&rows, "ledger_account");
        if (account < RECEIVABLE_FIRST || account > RECEIVABLE_LAST || !is_among(by_payment, row_uuid(&rows, "posting_id")))
            continue;
        sum_of(&accounts, row_uuid(&rows, "owner_id"), nobody, row_bytes(&rows, "currency"), 0)->figures[1] -=
            row_int(&rows, "amount_minor");
    }
    HASH_ITER(hh, accounts, sum, next) {
        MUST(checks->world, I1, sum->figures[0] == sum->figures[1],
             "account %s, %s: payments paid %lld of its debt, its receivable fell by %lld", short_id(sum->key.a),
             sum->key.currency, (long long)sum->figures[0], (long long)sum->figures[1]);
    }
    sums_free(&accounts);
    sums_free(&by_payment);
}

void check_sums(struct checks *checks) {
    check_days(checks);
    struct sum *payments = NULL, *sum, *next;
    gather_allocations(checks, &payments);
    HASH_ITER(hh, payments, sum, next) {
        if (sum->figures[GONE]) continue;
        MUST(checks->world, I1, sum->figures[AMOUNT] == sum->figures[DEBT] + sum->figures[CREDIT],
             "payment %s of %lld is allocated as %lld of debt and %lld of credit", short_id(sum->key.a),
             (long long)sum->figures[AMOUNT], (long long)sum->figures[DEBT], (long long)sum->figures[CREDIT]);
    }
    check_receivables(checks, payments);
    sums_free(&payments);
}

/* ---- I2 ---------------------------------------------------------------------------------------------------------- */

void check_suspense(struct checks *checks) {
    enum { IN_SUSPENSE = 2 };
    const struct model *model = checks->world->model;
    struct sum *sums = NULL, *sum, *next;
    for (struct model_rows rows = model_rows(model, "ledger_line"); model_next(&rows);) {
        struct sum *of = sum_of(&sums, nobody, nobody, row_bytes(&rows, "currency"), 0);
        if (row_int(&rows, "ledger_account") == SUSPENSE) of->figures[0] -= row_int(&rows, "amount_minor");
    }
    for (struct model_rows rows = model_rows(model, "suspense_state"); model_next(&rows);) {
        if (row_int(&rows, "state") == IN_SUSPENSE)
            sum_of(&sums, nobody, nobody, row_bytes(&rows, "currency"), 0)->figures[1] += row_int(&rows, "amount_minor");
    }
    HASH_ITER(hh, sums, sum, next) {
        MUST(checks->world, I2, sum->figures[0] == sum->figures[1],
             "%s: %lld stand in suspense, and its ledger account has %lld", sum->key.currency, (long long)sum->figures[1],
             (long long)sum->figures[0]);
    }
    sums_free(&sums);
}

/* ---- I3 ---------------------------------------------------------------------------------------------------------- */

static int64_t balance_of(struct sum **balances, uuid owner, struct bytes code, int account) {
    return sum_of(balances, owner, nobody, code, account)->figures[0];
}

/* What an account owed when it came, where no ledger line tells: its import is not among the postings. */
static void add_openings(struct checks *checks, struct sum **balances) {
    enum { OF_IMPORT = 4 };
    const struct world *world = checks->world;
    for (struct model_rows rows = model_rows(world->model, "posting"); model_next(&rows);) {
        if (row_int(&rows, "kind") == OF_IMPORT) return;
    }
    for (size_t i = 0; i < world->n_accounts; i++) {
        const struct account_of *account = &world->accounts[i];
        for (int c = 0; c < 4; c++) {
            sum_of(balances, account->id.u, nobody, bytes_text(account->dollars ? "USD" : "IDR"), RECEIVABLE_FIRST + c)
                ->figures[0] += account->opening_minor[c];
        }
    }
}

static void check_account_balances(struct checks *checks, struct sum **balances) {
    static const char *const columns[] = {"fees_minor", "penalty_minor", "interest_minor", "principal_minor"};
    const struct world *world = checks->world;
    struct sum *currency_of = NULL;
    for (struct model_rows rows = model_rows(world->model, "account"); model_next(&rows);) {
        struct bytes code = row_bytes(&rows, "currency");
        sum_of(&currency_of, row_uuid(&rows, "account_id"), nobody, bytes_text(""), 0)->figures[0] =
            memcmp(code.data, "USD", 3) == 0;
    }
    for (struct model_rows rows = model_rows(world->model, "account_state"); model_next(&rows);) {
        uuid id = row_uuid(&rows, "account_id");
        struct bytes code = bytes_text(sum_of(&currency_of, id, nobody, bytes_text(""), 0)->figures[0] ? "USD" : "IDR");
        for (int c = 0; c < 4; c++) {
            int64_t lines = balance_of(balances, id, code, RECEIVABLE_FIRST + c);
            MUST(checks->world, I3, row_int(&rows, columns[c]) == lines, "account %s: %s is %lld, its lines sum to %lld",
                 short_id(id), columns[c], (long long)row_int(&rows, columns[c]), (long long)lines);
        }
        int64_t credit = -balance_of(balances, id, code, CUSTOMER_CREDIT);
        MUST(checks->world, I3, row_int(&rows, "credit_minor") == credit,
             "account %s: credit is %lld, its lines sum to %lld", short_id(id), (long long)row_int(&rows, "credit_minor"),
             (long long)credit);
    }
    sums_free(&currency_of);
}

static void gather_balances(struct checks *checks, struct sum **balances, struct sum **postings) {
    for (struct model_rows rows = model_rows(checks->world->model, "ledger_line"); model_next(&rows);) {
        int64_t amount = row_int(&rows, "amount_minor");
        struct bytes code = row_bytes(&rows, "currency");
        sum_of(postings, row_uuid(&rows, "posting_id"), nobody, code, 0)->figures[0] += amount;
        sum_of(balances, row_uuid(&rows, "owner_id"), nobody, code, (int32_t)row_int(&rows, "ledger_account"))->figures[0] +=
            amount;
    }
}

void check_ledger(struct checks *checks) {
    struct sum *balances = NULL, *postings = NULL, *sum, *next;
    gather_balances(checks, &balances, &postings);
    HASH_ITER(hh, postings, sum, next) {
        MUST(checks->world, I3, sum->figures[0] == 0, "the lines of posting %s sum to %lld %s", short_id(sum->key.a),
             (long long)sum->figures[0], sum->key.currency);
    }
    add_openings(checks, &balances);
    check_account_balances(checks, &balances);
    sums_free(&balances);
    sums_free(&postings);
}

/* ---- I10 --------------------------------------------------------------------------------------------------------- */

static void check_bags(struct checks *checks) {
    static const struct {
        const char *column;
        int account, sign;
    } bags[] = {{"cash_held_minor", CASH_HELD, 1},
                {"cheques_in_hand_minor", CHEQUES_IN_HAND, 1},
                {"deposit_in_transit_minor", DEPOSIT_IN_TRANSIT, 1},
                {"bonus_payable_minor", BONUS_PAYABLE, -1},
                {"collector_receivable_minor", COLLECTOR_RECEIVABLE, 1}};
    struct sum *balances = NULL, *postings = NULL;
    gather_balances(checks, &balances, &postings);
    for (struct model_rows rows = model_rows(checks->world->model, "collector_state"); model_next(&rows);) {
        uuid id = row_uuid(&rows, "collector_id");
        struct bytes code = row_bytes(&rows, "currency");
        for (size_t i = 0; i < sizeof bags / sizeof bags[0]; i++) {
            int64_t lines = bags[i].sign * balance_of(&balances, id, code, bags[i].account);
            sum_of(&balances, id, nobody, code, bags[i].account)->figures[1] = 1;
            MUST(checks->world, I10, row_int(&rows, bags[i].column) == lines,
                 "collector %s: %s is %lld, its lines sum to %lld", short_id(id), bags[i].column,
                 (long long)row_int(&rows, bags[i].column), (long long)lines);
        }
        MUST(checks->world, I10, row_int(&rows, "cash_held_minor") >= 0, "collector %s holds less than no cash",
             short_id(id));
    }
    struct sum *sum, *next;
    HASH_ITER(hh, balances, sum, next) {
        bool bag = sum->key.n == CASH_HELD || sum->key.n == CHEQUES_IN_HAND || sum->key.n == BONUS_PAYABLE;
        MUST(checks->world, I10, !bag || sum->figures[0] == 0 || sum->figures[1], "collector %s has lines and no balance",
             short_id(sum->key.a));
    }
    sums_free(&balances);
    sums_free(&postings);
}

static void check_months(struct checks *checks) {
    const struct model *model = checks->world->model;
    struct sum *months = NULL;
    for (struct model_rows rows = model_rows(model, "bonus_line"); model_next(&rows);) {
        struct sum *month = sum_of(&months, row_uuid(&rows, "collector_id"), nobody, row_bytes(&rows, "currency"),
                                   (int32_t)row_int(&rows, "month_on"));
        int64_t kind = row_int(&rows, "kind"), tag = row_int(&rows, "tag");
        bool counts = (kind == KIND_LINE || kind == KIND_REVERSAL || kind == KIND_RETAG) && (tag == 1 || tag == 2);
        if (counts) month->figures[0] += row_int(&rows, "base_minor");
        month->figures[1] += row_int(&rows, "amount_minor");
    }
    for (struct model_rows rows = model_rows(model, "collector_month"); model_next(&rows);) {
        uuid id = row_uuid(&rows, "collector_id");
        struct sum *month = sum_of(&months, id, nobody, row_bytes(&rows, "currency"), (int32_t)row_int(&rows, "month_on"));
        MUST(checks->world, I10, row_int(&rows, "mtd_minor") == month->figures[0],
             "collector %s: the month brought %lld, its lines %lld", short_id(id), (long long)row_int(&rows, "mtd_minor"),
             (long long)month->figures[0]);
        MUST(checks->world, I10, row_int(&rows, "bonus_minor") == month->figures[1],
             "collector %s: the month's bonus is %lld, its lines %lld", short_id(id),
             (long long)row_int(&rows, "bonus_minor"), (long long)month->figures[1]);
    }
    sums_free(&months);
}

/* The entry that owns a place. */
static const struct kept *owner_of(const struct checks *checks, uuid device, uint32_t epoch, int64_t seq) {
    struct kept *kept, *next;
    HASH_ITER(hh, checks->kept, kept, next) {
        if (kept->owns_seq && kept->seq == seq && kept->epoch == epoch && uuid_equal(kept->device.u, device)) return kept;
    }
    return NULL;
}

/* R-REC-3: what the server holds as a chain's running totals is what the phone said at that place. */
static void check_device_totals(struct checks *checks) {
    for (struct model_rows rows = model_rows(checks->world->model, "device_total"); model_next(&rows);) {
        int64_t seq = row_int(&rows, "seq");
        if (seq <= 0) continue; /* behind a gap nothing can be said */
        const struct kept *kept = owner_of(checks, row_uuid(&rows, "device_id"), (uint32_t)row_int(&rows, "epoch"), seq);
        bool same = kept && kept->issued && (int64_t)kept->issued->cum_count == row_int(&rows, "cum_count") &&
                    kept->issued->cum_total_minor == row_int(&rows, "cum_total_minor");
        MUST(checks->world, I10, same, "the running totals of device %s at entry %lld are not what its phone said",
             short_id(row_uuid(&rows, "device_id")), (long long)seq);
    }
}

void check_totals(struct checks *checks) {
    check_bags(checks);
    check_months(checks);
    check_device_totals(checks);
}
