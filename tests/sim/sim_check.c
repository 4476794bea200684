/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: what phones were told is what the server holds, nothing pays twice, nothing is missing, nothing changes. */
#include "tests/sim/sim_check.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { POSTED = 1, POSTED_FLAGGED, WAITING, QUARANTINED, FATES_END };
enum { FIELD = 1, POISON_WRITER = -1, PREV_MISMATCH = 17 };

/* ---- rows ------------------------------------------------------------------------------------------------------ */

int64_t row_int(const struct model_rows *rows, const char *column) {
    int at = model_column(rows, column);
    return model_is_null(rows, at) ? 0 : model_int(rows, at);
}

bool row_null(const struct model_rows *rows, const char *column) {
    return model_is_null(rows, model_column(rows, column));
}

uuid row_uuid(const struct model_rows *rows, const char *column) {
    int at = model_column(rows, column);
    return model_is_null(rows, at) ? (uuid){{0}} : model_uuid(rows, at);
}

struct bytes row_bytes(const struct model_rows *rows, const char *column) {
    int at = model_column(rows, column);
    return model_is_null(rows, at) ? (struct bytes){NULL, 0} : model_bytes(rows, at);
}

hash256 row_hash(const struct model_rows *rows, const char *column) {
    struct bytes bytes = row_bytes(rows, column);
    hash256 hash = {{0}};
    if (bytes.len == sizeof hash) memcpy(hash.b, bytes.data, sizeof hash);
    return hash;
}

/* Sorting knows nothing but two rows. */
static int column_of, column_number;

static int compare_column(const struct model_rows *a, const struct model_rows *b, int column, bool is_number) {
    if (!is_number) return memcmp(model_bytes(a, column).data, model_bytes(b, column).data, sizeof(uuid));
    int64_t left = model_int(a, column), right = model_int(b, column);
    return (left > right) - (left < right);
}

static bool by_id;

static int by_number(const void *left, const void *right) {
    int order = compare_column(left, right, column_of, !by_id);
    return order ? order : compare_column(left, right, column_number, true);
}

struct model_rows *rows_by_number(const struct world *world, const char *table, const char *of, const char *number,
                                  size_t *n) {
    struct model_rows *all = NULL;
    size_t room = 0;
    *n = 0;
    for (struct model_rows rows = model_rows(world->model, table); model_next(&rows);) {
        if (*n == room) {
            room = room ? 2 * room : 256;
            all = realloc(all, room * sizeof *all);
            assert(all);
        }
        all[(*n)++] = rows;
        column_of = model_column(&rows, of);
        column_number = model_column(&rows, number);
    }
    by_id = strcmp(of, "writer_id") != 0;
    if (*n) qsort(all, *n, sizeof *all, by_number);
    return all;
}

const char *short_id(uuid id) {
    static char text[4][12];
    static int turn;
    char *out = text[turn++ % 4];
    snprintf(out, sizeof text[0], "%02x%02x%02x%02x", id.b[0], id.b[13], id.b[14], id.b[15]);
    return out;
}

/* ---- rows of money and evidence never change (I7) --------------------------------------------------------------- */

static const char *const fact_tables[] = {"journal_key",
                                          "journal_body",
                                          "entry_event",
                                          "receipt",
                                          "receipt_void",
                                          "promise",
                                          "promise_event",
                                          "payment",
                                          "payment_reversal",
                                          "allocation",
                                          "posting",
                                          "ledger_line",
                                          "bonus_line",
                                          "bonus_taken",
                                          "bonus_share",
                                          "account_event",
                                          "account_fact",
                                          "check_in",
                                          "check_in_assessment",
                                          "visit_outcome",
                                          "visit_event",
                                          "device_key",
                                          "device_event",
                                          "evidence",
                                          "deposit",
                                          "deposit_event",
                                          "settlement",
                                          "settlement_note",
                                          "settlement_event",
                                          "shortage",
                                          "shortage_event",
                                          "handover",
                                          "suspense",
                                          "suspense_decision"};

/** A row that was there once: a digest of all of it. */
struct seen {
    hash256 digest;       /* the key */
    uint32_t table, look; /* look: the number of the last one that found it */
    UT_hash_handle hh;
};

static void see(struct checks *checks, uint32_t table, struct bytes line, uint32_t look) {
    hash256 digest;
    crypto_generichash(digest.b, sizeof digest.b, line.data, line.len, NULL, 0);
    memcpy(digest.b, &table, sizeof table); /* the same words in two tables are two rows */
    struct seen *seen;
    HASH_FIND(hh, checks->seen, &digest, sizeof digest, seen);
    if (!seen) {
        seen = calloc(1, sizeof *seen);
        assert(seen);
        seen->digest = digest;
        seen->table = table;
        HASH_ADD(hh, checks->seen, digest, sizeof seen->digest, seen);
    }
    seen->look = look;
}

/* Every row that was seen before must be seen again, the same to the byte. */
static void check_facts(struct checks *checks) {
    struct world *world = checks->world;
    uint32_t look = (uint32_t)++checks->looks;
    for (uint32_t t = 0; t < sizeof fact_tables / sizeof fact_tables[0]; t++) {
        struct bytes dump = model_dump(world->model, fact_tables[t], NULL);
        for (size_t from = 0, i = 0; i < dump.len; i++) {
            if (dump.data[i] != '\n') continue;
            see(checks, t, bytes_make(dump.data + from, i - from), look);
            from = i + 1;
        }
    }
    struct seen *seen, *next;
    HASH_ITER(hh, checks->seen, seen, next) {
        MUST(world, I7, seen->look == look, "a row of %s is gone or changed", fact_tables[seen->table]);
        if (world_failed(world)) return;
    }
}

/* ---- what the server holds -------------------------------------------------------------------------------------- */

/* R-TIM-3, from the rule: the contact or the certificate, the receiving, and what lies between. */
static int64_t value_us(const struct issued *issued, int64_t received_us) {
    bool contact =
        issued->has_contact && issued->contact_time.us <= received_us && issued->contact_time.us >= issued->certified.us;
    int64_t low = contact ? issued->contact_time.us : issued->certified.us;
    bool same_boot = contact && uuid_equal(issued->boot, issued->contact_boot) && issued->mono_us >= issued->contact_mono_us;
    int64_t guess = same_boot ? low + (issued->mono_us - issued->contact_mono_us) : issued->device_time.us;
    if (guess < low) guess = low;
    return guess > received_us ? received_us : guess;
}

static int32_t jakarta_day(int64_t us) {
    int64_t shifted = us + 7 * 60 * US_PER_MINUTE;
    return (int32_t)(shifted >= 0 ? shifted / US_PER_DAY : -((-shifted + US_PER_DAY - 1) / US_PER_DAY));
}

static void keep(struct checks *checks, const struct model_rows *rows) {
    struct world *world = checks->world;
    struct kept *kept = calloc(1, sizeof *kept);
    assert(kept);
    kept->hash = row_hash(rows, "entry_hash");
    kept->issued = truth_find(&world->truth, &kept->hash);
    kept->device.u = row_uuid(rows, "device_id");
    kept->epoch = (uint32_t)row_int(rows, "epoch");
    kept->seq = row_int(rows, "seq");
    kept->received_us = row_int(rows, "received_us");
    kept->id = row_uuid(rows, "entry_id");
    kept->kind = (uint16_t)row_int(rows, "kind");
    kept->fate = kept->first_fate = (uint16_t)row_int(rows, "fate");
    kept->flags = kept->first_flags = (uint64_t)row_int(rows, "flags");
    kept->owns_seq = row_int(rows, "owns_seq") != 0;
    kept->owns_id = row_int(rows, "owns_id") != 0;
    kept->mismatch = kept->first_flags >> PREV_MISMATCH & 1;
    kept->ack = row_bytes(rows, "ack");
    if (kept->owns_id) kept->posting = kept->id;
    else memcpy(kept->posting.b, kept->hash.b, sizeof kept->posting.b);
    if (kept->issued) kept->value_on = jakarta_day(value_us(kept->issued, kept->received_us));
    HASH_ADD(hh, checks->kept, hash, sizeof kept->hash, kept);
    HASH_ADD(by_posting, checks->by_posting, posting, sizeof kept->posting, kept);
    MUST(world, I6, kept->issued != NULL, "the server holds an entry that nobody wrote: device %s, seq %lld",
         short_id(kept->device.u), (long long)kept->seq);
}

struct kept *kept_of_posting(const struct checks *checks, uuid posting) {
    struct kept *kept;
    HASH_FIND(by_posting, checks->by_posting, &posting, sizeof posting, kept);
    return kept;
}

static struct kept *kept_of(const struct checks *checks, const hash256 *hash) {
    struct kept *kept;
    HASH_FIND(hh, checks->kept, hash, sizeof *hash, kept);
    return kept;
}

static void gather(struct checks *checks) {
    const struct model *model = checks->world->model;
    for (struct model_rows rows = model_rows(model, "journal_key"); model_next(&rows);) keep(checks, &rows);
    for (struct model_rows rows = model_rows(model, "entry_event"); model_next(&rows);) {
        hash256 hash = row_hash(&rows, "entry_hash");
        struct kept *kept = kept_of(checks, &hash);
        if (!kept) continue;
        kept->fate = (uint16_t)row_int(&rows, "fate");
        kept->flags = (uint64_t)row_int(&rows, "flags");
    }
}

static void forget(struct checks *checks) {
    HASH_CLEAR(by_posting, checks->by_posting);
    struct kept *kept, *next;
    HASH_ITER(hh, checks->kept, kept, next) {
        HASH_DEL(checks->kept, kept);
        free(kept);
    }
}

/* ---- acknowledgements and bytes (I4) ---------------------------------------------------------------------------- */

static void check_acks(struct checks *checks) {
    struct world *world = checks->world;
    for (size_t i = 0; i < world->truth.n; i++) {
        const struct issued *issued = world->truth.all[i];
        if (!issued->ack_len) continue;
        const struct kept *kept = kept_of(checks, &issued->hash);
        MUST(world, I4, kept && bytes_equal(kept->ack, bytes_make(issued->ack, issued->ack_len)),
             "a phone holds an acknowledgement of its entry %lld (%s) that the server does not have", (long long)issued->seq,
             short_id(issued->id.u));
        if (!kept) continue;
        MUST(world, I4, kept->first_fate == issued->fate, "entry %lld was acknowledged with fate %d and is kept with %d",
             (long long)issued->seq, issued->fate, kept->first_fate);
    }
    size_t bodies = 0;
    for (struct model_rows rows = model_rows(world->model, "journal_body"); model_next(&rows); bodies++) {
        hash256 hash = row_hash(&rows, "entry_hash");
        const struct issued *issued = truth_find(&world->truth, &hash);
        MUST(world, I4, issued && bytes_equal(row_bytes(&rows, "body"), bytes_make(issued->bytes, issued->len)),
             "the server keeps other bytes of an entry than its phone wrote");
    }
    MUST(world, I4, bodies == HASH_COUNT(checks->kept), "%zu entries have %zu bodies", (size_t)HASH_COUNT(checks->kept),
         bodies);
}

/* ---- places (I5) ------------------------------------------------------------------------------------------------ */

/** A place in a journal, and what it paid. */
struct place {
    struct place_key {
        device_id device;
        uint32_t epoch;
        int64_t seq;
    } key;
    UT_hash_handle hh;
};

static bool pays_first(struct place **places, const struct kept *kept) {
    struct place_key key;
    memset(&key, 0, sizeof key);
    key.device = kept->device;
    key.epoch = kept->epoch;
    key.seq = kept->seq;
    struct place *place;
    HASH_FIND(hh, *places, &key, sizeof key, place);
    if (place) return false;
    place = calloc(1, sizeof *place);
    assert(place);
    place->key = key;
    HASH_ADD(hh, *places, key, sizeof place->key, place);
    return true;
}

static void check_places(struct checks *checks) {
    struct world *world = checks->world;
    struct place *places = NULL, *place, *next;
    for (struct model_rows rows = model_rows(world->model, "payment"); model_next(&rows);) {
        if (row_int(&rows, "source") != FIELD) continue;
        uuid id = row_uuid(&rows, "payment_id");
        const struct kept *kept = kept_of_posting(checks, id);
        MUST(world, I5, kept && kept->issued, "payment %s comes from no entry", short_id(id));
        if (!kept || !kept->issued) break;
        const struct issued *issued = kept->issued;
        MUST(world, I5,
             issued->kind == JOURNAL_RECEIPT && issued->amount_minor == row_int(&rows, "amount_minor") &&
                 uuid_equal(issued->account.u, row_uuid(&rows, "account_id")),
             "payment %s is not what its receipt says", short_id(id));
        MUST(world, I5, pays_first(&places, kept), "place %lld of epoch %u of device %s pays twice", (long long)kept->seq,
             kept->epoch, short_id(kept->device.u));
    }
    HASH_ITER(hh, places, place, next) {
        HASH_DEL(places, place);
        free(place);
    }
}

/* ---- fates (I6) ------------------------------------------------------------------------------------------------- */

/* A void waits for its receipt, and for nothing else. */
static bool waits_in_vain(const struct checks *checks, const struct kept *kept) {
    const struct kept *receipt =
        kept->fate == WAITING && kept->kind == JOURNAL_VOID ? kept_of_posting(checks, kept->issued->receipt.u) : NULL;
    return receipt && receipt->owns_id && receipt->kind == JOURNAL_RECEIPT;
}

static void check_fate(struct checks *checks, const struct issued *issued) {
    struct world *world = checks->world;
    const struct kept *kept = kept_of(checks, &issued->hash);
    if (!kept) {
        world->result->lost_entries += issued->lost;
        MUST(world, I6, issued->lost, "entry %lld of epoch %u of device %s is nowhere", (long long)issued->seq,
             issued->epoch, short_id(issued->device.u));
        return;
    }
    bool known = kept->fate >= POSTED && kept->fate < FATES_END;
    MUST(world, I6, known, "entry %lld has fate %d", (long long)issued->seq, kept->fate);
    if (!known) return;
    world->result->fates[kept->fate]++;
    MUST(world, I6, !waits_in_vain(checks, kept), "void %lld of device %s waits for a receipt that is here",
         (long long)issued->seq, short_id(issued->device.u));
    if (!issued->honest || issued->poison) return;
    MUST(world, I6, kept->fate == POSTED || kept->fate == POSTED_FLAGGED,
         "honest money, receipt %lld of device %s, has fate %d, flags %llx", (long long)issued->seq,
         short_id(issued->device.u), kept->fate, (unsigned long long)kept->flags);
}

static void check_fates(struct checks *checks) {
    for (size_t i = 0; i < checks->world->truth.n; i++) check_fate(checks, checks->world->truth.all[i]);
}

/* ---- a row that the database refuses ---------------------------------------------------------------------------- */

void check_poison(struct world *world) {
    if (!world->truth.n) return;
    size_t start = (size_t)chance_below(&world->luck, (int64_t)world->truth.n);
    for (size_t k = 0; k < world->truth.n && k < 400; k++) {
        struct issued *issued = world->truth.all[world->truth.n - 1 - (start + k) % world->truth.n];
        if (issued->kind != JOURNAL_RECEIPT || issued->ack_len || issued->poison || !issued->honest) continue;
        char agency[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
        uuid_format(world->agency.u, agency);
        uuid_format(issued->id.u, id);
        if (model_number(world->model, "select count(*) from posting where agency_id = '%s' and posting_id = '%s'", agency,
                         id))
            continue;
        model_tamper(world->model,
                     "insert into posting (agency_id, posting_id, kind, trigger_id, value_on, posting_on, at_us, writer_id, "
                     "writer_n, digest) "
                     "values ('%s', '%s', 0, '%s', '2026-01-01', '2026-01-01', 0, %d, %llu, '')",
                     agency, id, id, POISON_WRITER, (unsigned long long)world->result->faults[FAULT_POISON] + 1);
        issued->poison = true;
        world_count(world, FAULT_POISON);
        world_tell(world, NULL, "the database will not take the posting of entry %lld of device %s", (long long)issued->seq,
                   short_id(issued->device.u));
        return;
    }
}

/* ---- when -------------------------------------------------------------------------------------------------------- */

struct checks *checks_new(struct world *world) {
    struct checks *checks = calloc(1, sizeof *checks);
    assert(checks);
    checks->world = world;
    return checks;
}

void checks_free(struct checks *checks) {
    struct seen *seen, *next;
    HASH_ITER(hh, checks->seen, seen, next) {
        HASH_DEL(checks->seen, seen);
        free(seen);
    }
    forget(checks);
    free(checks);
}

/* What was told since the last look must be on the server already: whoever has an answer has a COMMIT. */
static void check_new_acks(struct checks *checks) {
    struct world *world = checks->world;
    for (struct model_rows rows = model_rows(world->model, "journal_key"); model_next(&rows);) {
        hash256 hash = row_hash(&rows, "entry_hash");
        struct issued *issued = truth_find(&world->truth, &hash);
        if (!issued || issued->ack_seen || !issued->ack_len) continue;
        issued->ack_seen = 1;
        checks->acked++;
        MUST(world, I4, bytes_equal(row_bytes(&rows, "ack"), bytes_make(issued->ack, issued->ack_len)),
             "the acknowledgement of entry %lld is another one on the server", (long long)issued->seq);
    }
    size_t told = 0;
    for (size_t i = 0; i < world->truth.n; i++) told += world->truth.all[i]->ack_len > 0;
    MUST(world, I4, told == checks->acked, "%zu entries are acknowledged, and the server has %zu of them", told,
         checks->acked);
}

void check_step(struct world *world) {
    struct checks *checks = world->checks;
    check_new_acks(checks);
    if (world->now_us < checks->day_us || world_failed(world)) return;
    checks->day_us = world->now_us + 12 * 60 * US_PER_MINUTE;
    check_ledger(checks);
    if (!world_failed(world)) check_facts(checks);
}

void check_look(struct world *world) {
    check_facts(world->checks);
}

void check_end(struct world *world) {
    struct checks *checks = world->checks;
    gather(checks);
    check_acks(checks);
    check_places(checks);
    check_fates(checks);
    check_sums(checks);
    check_suspense(checks);
    check_ledger(checks);
    check_bonus(checks);
    check_totals(checks);
    check_journals(checks);
    check_postings(checks);
    check_facts(checks);
}
