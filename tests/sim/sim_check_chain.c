/* SPDX-License-Identifier: Apache-2.0 */
/* Journals chained again from their bytes, and postings digested again from their rows, by the layouts that the headers
 * of include/tagih/journal.h, server/domain/posting.h and server/rpc/posting_digest.c promise for ever. */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "store_statements.h"
#include "tests/sim/sim_check.h"

/* ---- journals (R-JRN-2, R-JRN-3) ---------------------------------------------------------------------------------- */

/* A CBOR byte string at `at`; false: there is none. */
static bool take_string(struct bytes in, size_t *at, struct bytes *whole) {
    if (*at >= in.len || in.data[*at] >> 5 != 2) return false;
    size_t head = 1, len = in.data[*at] & 31;
    if (len == 24 && *at + 1 < in.len) {
        len = in.data[*at + 1];
        head = 2;
    } else if (len == 25 && *at + 2 < in.len) {
        len = (size_t)in.data[*at + 1] << 8 | in.data[*at + 2];
        head = 3;
    } else if (len > 23) {
        return false;
    }
    if (*at + head + len > in.len) return false;
    *whole = bytes_make(in.data + *at, head + len);
    *at += head + len;
    return true;
}

/* SHA-256 over the Sig_structure of an untagged COSE_Sign1 (RFC 9052 §4.4), taken from its bytes alone. */
static bool entry_hash(struct bytes envelope, installation_id installation, hash256 *out) {
    struct bytes head, payload;
    size_t at = 1;
    if (envelope.len < 4 || envelope.data[0] != 0x84 || !take_string(envelope, &at, &head)) return false;
    if (at >= envelope.len || envelope.data[at++] != 0xa0 || !take_string(envelope, &at, &payload)) return false;
    static const uint8_t opening[] = "\x84\x6aSignature1", aad_head = 0x50;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, opening, sizeof opening - 1);
    crypto_hash_sha256_update(&state, head.data, head.len);
    crypto_hash_sha256_update(&state, &aad_head, 1);
    crypto_hash_sha256_update(&state, installation.b, sizeof installation.b);
    crypto_hash_sha256_update(&state, payload.data, payload.len);
    crypto_hash_sha256_final(&state, out->b);
    return true;
}

/** One epoch of a device: the entries that own its places. */
struct journal {
    struct journal_id {
        device_id device;
        uint32_t epoch;
    } key;
    hash256 start;          /* of its certificate */
    const struct kept **at; /* at[seq]; NULL: none */
    int64_t max;
    UT_hash_handle hh;
};

static struct journal *journal_of(struct journal **all, device_id device, uint32_t epoch) {
    struct journal_id key;
    memset(&key, 0, sizeof key);
    key.device = device;
    key.epoch = epoch;
    struct journal *journal;
    HASH_FIND(hh, *all, &key, sizeof key, journal);
    if (journal) return journal;
    journal = calloc(1, sizeof *journal);
    assert(journal);
    journal->key = key;
    journal->at = calloc(PHONE_RECORDS_MAX + 1, sizeof(struct kept *));
    assert(journal->at);
    HASH_ADD(hh, *all, key, sizeof journal->key, journal);
    return journal;
}

static void gather_journals(struct checks *checks, struct journal **all) {
    struct kept *kept, *next;
    HASH_ITER(hh, checks->kept, kept, next) {
        if (!kept->owns_seq || kept->seq < 1 || kept->seq > PHONE_RECORDS_MAX) continue;
        struct journal *journal = journal_of(all, kept->device, kept->epoch);
        MUST(checks->world, I8, !journal->at[kept->seq], "two entries own place %lld of device %s", (long long)kept->seq,
             short_id(kept->device.u));
        journal->at[kept->seq] = kept;
        if (kept->seq > journal->max) journal->max = kept->seq;
    }
    for (struct model_rows rows = model_rows(checks->world->model, "device_key"); model_next(&rows);) {
        journal_of(all, (device_id){row_uuid(&rows, "device_id")}, (uint32_t)row_int(&rows, "epoch"))->start =
            row_hash(&rows, "certificate_hash");
    }
}

/* Where two neighbours do not fit, one of them says so: whichever came second. */
static void check_links(struct checks *checks, const struct journal *journal) {
    for (int64_t seq = 1; seq <= journal->max; seq++) {
        const struct kept *here = journal->at[seq], *before = journal->at[seq - 1];
        if (!here || !here->issued || (seq > 1 && !before)) continue;
        const hash256 *previous = seq == 1 ? &journal->start : &before->hash;
        bool fits = hash256_equal(previous, &here->issued->prev_hash);
        bool told = here->mismatch || (before && before->mismatch);
        MUST(checks->world, I8, fits || told, "entry %lld of device %s does not continue the one before, and nobody says so",
             (long long)seq, short_id(here->device.u));
        MUST(checks->world, I8, !fits || !here->mismatch || (journal->at[seq + 1] && seq < journal->max),
             "entry %lld of device %s continues the one before, and is said not to", (long long)seq,
             short_id(here->device.u));
    }
}

static void check_epochs(struct checks *checks, struct journal **all) {
    for (struct model_rows rows = model_rows(checks->world->model, "device_epoch"); model_next(&rows);) {
        const struct journal *journal =
            journal_of(all, (device_id){row_uuid(&rows, "device_id")}, (uint32_t)row_int(&rows, "epoch"));
        int64_t contiguous = 0;
        while (contiguous < journal->max && journal->at[contiguous + 1]) contiguous++;
        hash256 head = row_hash(&rows, "head_hash");
        const hash256 *expected = contiguous ? &journal->at[contiguous]->hash : &journal->start;
        MUST(checks->world, I8, row_int(&rows, "contiguous_seq") == contiguous,
             "device %s is said to be complete up to %lld, and is up to %lld", short_id(journal->key.device.u),
             (long long)row_int(&rows, "contiguous_seq"), (long long)contiguous);
        MUST(checks->world, I8, hash256_equal(&head, expected), "the head of device %s is not its last entry",
             short_id(journal->key.device.u));
        MUST(checks->world, I8, row_int(&rows, "seq_max") == journal->max, "device %s has entries up to %lld, not %lld",
             short_id(journal->key.device.u), (long long)journal->max, (long long)row_int(&rows, "seq_max"));
    }
}

static void check_bodies(struct checks *checks) {
    for (struct model_rows rows = model_rows(checks->world->model, "journal_body"); model_next(&rows);) {
        hash256 stored = row_hash(&rows, "entry_hash"), again;
        bool good = entry_hash(row_bytes(&rows, "body"), checks->world->installation, &again);
        MUST(checks->world, I8, good && hash256_equal(&stored, &again), "the hash of an entry is not that of its bytes");
    }
    for (struct model_rows rows = model_rows(checks->world->model, "journal_key"); model_next(&rows);) {
        hash256 hash = row_hash(&rows, "entry_hash"), previous = row_hash(&rows, "prev_hash");
        const struct issued *issued = truth_find(&checks->world->truth, &hash);
        MUST(checks->world, I8, issued && hash256_equal(&issued->prev_hash, &previous),
             "an entry is kept behind another one than it says");
    }
}

void check_journals(struct checks *checks) {
    struct journal *all = NULL, *journal, *next;
    gather_journals(checks, &all);
    HASH_ITER(hh, all, journal, next) check_links(checks, journal);
    check_epochs(checks, &all);
    check_bodies(checks);
    HASH_ITER(hh, all, journal, next) {
        HASH_DEL(all, journal);
        free(journal->at);
        free(journal);
    }
}

/* ---- rows of postings, in bytes ------------------------------------------------------------------------------------ */

enum {
    ROW_ENTRY = 1,
    ROW_ACK = 2,
    ROW_PAYMENT = 4,
    ROW_ALLOCATION = 5,
    ROW_TXN = 6,
    ROW_LINE = 7,
    ROW_BONUS = 8,
    ROW_EVENT = 9,
    ROW_SNAPSHOT = 11,
    ROW_FACT = 13
};

/** One row of a posting: where it stands among the others, and its digest. */
struct piece {
    int kind;
    char table[40];    /* of facts, which stand by their tables' names */
    uint8_t order[96]; /* then by these bytes */
    uint8_t order_len;
    hash256 digest;
    struct piece *next;
};

/** The rows of its entry: what it was told, or what became of it later. */
struct saying {
    hash256 entry, ack;
};
#define SAYINGS_MAX 8

struct posting_of {
    uuid id; /* the key */
    struct piece *pieces;
    size_t n;
    struct saying sayings[SAYINGS_MAX]; /* of an entry that waited: it is digested with the fate with which it posted */
    size_t n_sayings;
    UT_hash_handle hh;
};

static void put_int(crypto_hash_sha256_state *state, int64_t value, int bytes) {
    uint8_t out[8];
    for (int i = 0; i < bytes; i++) out[i] = (uint8_t)((uint64_t)value >> 8 * (bytes - 1 - i));
    crypto_hash_sha256_update(state, out, (unsigned long long)bytes);
}

static void begin_row(crypto_hash_sha256_state *state, int kind, int fields) {
    crypto_hash_sha256_init(state);
    put_int(state, kind, 2);
    put_int(state, fields, 2);
}

static void f_null(crypto_hash_sha256_state *state) {
    put_int(state, 0, 1);
}

static void f_int(crypto_hash_sha256_state *state, int64_t value) {
    put_int(state, 2, 1);
    put_int(state, value, 8);
}

static void f_uuid(crypto_hash_sha256_state *state, uuid id) {
    put_int(state, 3, 1);
    crypto_hash_sha256_update(state, id.b, sizeof id.b);
}

static void f_sized(crypto_hash_sha256_state *state, int type, struct bytes value) {
    put_int(state, type, 1);
    put_int(state, (int64_t)value.len, 4);
    if (value.len) crypto_hash_sha256_update(state, value.data, value.len);
}

/* A column of a table, by the letter of its form: i integer, u uuid, b bytes, t text, d date, @ instant, ? a bool. */
static void f_column(crypto_hash_sha256_state *state, const struct model_rows *rows, const char *column, char form) {
    int at = model_column(rows, column);
    if (model_is_null(rows, at)) {
        f_null(state);
        return;
    }
    switch (form) {
        case 'u':
            f_uuid(state, model_uuid(rows, at));
            return;
        case 'b':
            f_sized(state, 4, model_bytes(rows, at));
            return;
        case 't':
            f_sized(state, 5, model_bytes(rows, at));
            return;
        case 'd':
            put_int(state, 6, 1);
            put_int(state, model_int(rows, at), 4);
            return;
        case '@':
            put_int(state, 7, 1);
            put_int(state, model_int(rows, at), 8);
            return;
        case '?':
            put_int(state, 1, 1);
            put_int(state, model_int(rows, at) != 0, 1);
            return;
        default:
            f_int(state, model_int(rows, at));
            return;
    }
}

static struct posting_of *posting_of(struct posting_of **all, uuid id) {
    struct posting_of *posting;
    HASH_FIND(hh, *all, &id, sizeof id, posting);
    if (posting) return posting;
    posting = calloc(1, sizeof *posting);
    assert(posting);
    posting->id = id;
    HASH_ADD(hh, *all, id, sizeof posting->id, posting);
    return posting;
}

static struct piece *add_piece(struct posting_of **all, uuid id, int kind) {
    struct posting_of *posting = posting_of(all, id);
    struct piece *piece = calloc(1, sizeof *piece);
    assert(piece);
    piece->kind = kind;
    piece->next = posting->pieces;
    posting->pieces = piece;
    posting->n++;
    return piece;
}

static void order_bytes(struct piece *piece, struct bytes value) {
    size_t room = sizeof piece->order - piece->order_len, len = value.len < room ? value.len : room;
    memcpy(piece->order + piece->order_len, value.data, len);
    piece->order_len = (uint8_t)(piece->order_len + len);
}

/* Numbers in the order of their bytes. */
static void order_int(struct piece *piece, int64_t value) {
    uint8_t out[8];
    uint64_t shifted = (uint64_t)value ^ UINT64_C(1) << 63;
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(shifted >> 8 * (7 - i));
    order_bytes(piece, bytes_make(out, sizeof out));
}

/* ---- the tables that postings fill --------------------------------------------------------------------------------- */

/** name and form of each digested column, in their order; key: the column that names the posting; order: what they stand by.
 */
struct layout {
    const char *table, *key;
    int kind;
    struct {
        const char *name;
        char form;
    } columns[16];
    const char *order[4];
};

static const struct layout layouts[] = {
    {"payment",
     "payment_id",
     ROW_PAYMENT,
     {{"payment_id", 'u'},
      {"account_id", 'u'},
      {"source", 'i'},
      {"source_reference", 't'},
      {"tender", 'i'},
      {"tag", 'i'},
      {"amount_minor", 'i'},
      {"currency", 't'},
      {"value_us", '@'},
      {"value_on", 'd'},
      {"posting_on", 'd'},
      {"received_us", '@'},
      {"collector_id", 'u'},
      {"actor_id", 'u'}},
     {0}},
    {"allocation",
     "posting_id",
     ROW_ALLOCATION,
     {{"payment_id", 'u'},
      {"version", 'i'},
      {"instalment_no", 'i'},
      {"fees_minor", 'i'},
      {"penalty_minor", 'i'},
      {"interest_minor", 'i'},
      {"principal_minor", 'i'},
      {"credit_minor", 'i'},
      {"debt_minor", 'i'}},
     {"payment_id", "version", "instalment_no"}},
    {"posting",
     "posting_id",
     ROW_TXN,
     {{"posting_id", 'u'},
      {"kind", 'i'},
      {"trigger_id", 'u'},
      {"account_id", 'u'},
      {"value_on", 'd'},
      {"posting_on", 'd'},
      {"at_us", '@'}},
     {0}},
    {"ledger_line",
     "posting_id",
     ROW_LINE,
     {{"posting_id", 'u'},
      {"line_no", 'i'},
      {"ledger_account", 'i'},
      {"owner_id", 'u'},
      {"currency", 't'},
      {"amount_minor", 'i'}},
     {"line_no"}},
    {"bonus_line",
     "posting_id",
     ROW_BONUS,
     {{"payment_id", 'u'}, {"line_no", 'i'}, {"hash", 'b'}},
     {"payment_id", "line_no"}},
    {"payment_reversal",
     "reversal_id",
     ROW_EVENT,
     {{"payment_id", 'u'},
      {"reversal_id", 'u'},
      {"reason", 'i'},
      {"value_on", 'd'},
      {"posting_on", 'd'},
      {"at_us", '@'},
      {"actor_id", 'u'}},
     {0}},
};

static void add_order(struct piece *piece, const struct model_rows *rows, const char *column, char form) {
    int at = model_column(rows, column);
    bool null = model_is_null(rows, at);
    order_bytes(piece, bytes_make(null ? (const uint8_t *)"\xff" : (const uint8_t *)"\x00", 1)); /* nulls last */
    if (null) return;
    uuid id;
    switch (form) {
        case 'u':
            id = model_uuid(rows, at);
            order_bytes(piece, bytes_make(id.b, sizeof id.b));
            return;
        case 'b':
        case 't':
            order_bytes(piece, model_bytes(rows, at));
            return;
        default:
            order_int(piece, model_int(rows, at));
            return;
    }
}

static char form_of(const struct layout *layout, const char *column) {
    size_t i = 0;
    while (strcmp(layout->columns[i].name, column) != 0) i++;
    return layout->columns[i].form;
}

static void gather_layout(struct checks *checks, const struct layout *layout, struct posting_of **all) {
    int fields = 0;
    while (fields < 16 && layout->columns[fields].name) fields++;
    for (struct model_rows rows = model_rows(checks->world->model, layout->table); model_next(&rows);) {
        struct piece *piece = add_piece(all, row_uuid(&rows, layout->key), layout->kind);
        crypto_hash_sha256_state state;
        begin_row(&state, layout->kind, fields);
        for (int i = 0; i < fields; i++) {
            bool nil = layout->kind == ROW_BONUS && i == 0 && row_null(&rows, "payment_id");
            if (nil) f_uuid(&state, (uuid){{0}});
            else f_column(&state, &rows, layout->columns[i].name, layout->columns[i].form);
        }
        crypto_hash_sha256_final(&state, piece->digest.b);
        for (int i = 0; i < 4 && layout->order[i]; i++)
            add_order(piece, &rows, layout->order[i], form_of(layout, layout->order[i]));
    }
}

/* ---- facts of postings: every table whose _verify statement says how its rows are read back ------------------------- */

static char form_of_type(enum sql_type type) {
    static const char forms[SQL_TYPE_COUNT] = {[SQL_BOOL] = '?', [SQL_INT2] = 'i',  [SQL_INT4] = 'i', [SQL_INT8] = 'i',
                                               [SQL_TEXT] = 't', [SQL_BYTEA] = 'b', [SQL_UUID] = 'u', [SQL_DATE] = 'd'};
    return forms[type];
}

static int column_at(const struct statement *statement, const char *name, size_t len) {
    for (size_t c = 0; c < statement->n_out; c++) {
        if (strlen(statement->out[c].name) == len && strncmp(statement->out[c].name, name, len) == 0) return (int)c;
    }
    return -1;
}

/* What stands behind "order by", without the letters that name tables. */
static void add_fact_order(struct piece *piece, const struct statement *statement, const struct model_rows *rows) {
    const char *at = strstr(statement->text, "order by ");
    for (at = at ? at + 9 : ""; *at && *at != ';';) {
        const char *dot = at;
        size_t len = strcspn(at, ",; \n");
        if (len > 2 && dot[1] == '.') {
            dot += 2;
            len -= 2;
        }
        int column = column_at(statement, dot, len);
        if (column >= 0) add_order(piece, rows, statement->out[column].name, form_of_type(statement->out[column].type));
        at = dot + len;
        at += strspn(at, ", \n");
    }
}

static void gather_facts(struct checks *checks, const struct statement *statement, struct posting_of **all) {
    static const char *const others[] = {"posting",    "ledger_line",      "payment", "allocation",
                                         "bonus_line", "payment_reversal", "snapshot"};
    size_t len = strlen(statement->name);
    char table[40];
    if (len < 8 || len - 7 >= sizeof table || strcmp(statement->name + len - 7, "_verify") != 0) return;
    if (column_at(statement, "posting_id", 10) < 0) return;
    memcpy(table, statement->name, len - 7);
    table[len - 7] = '\0';
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(table, others[i]) == 0) return;
    }
    for (struct model_rows rows = model_rows(checks->world->model, table); model_next(&rows);) {
        if (row_null(&rows, "posting_id")) continue;
        struct piece *piece = add_piece(all, row_uuid(&rows, "posting_id"), ROW_FACT);
        crypto_hash_sha256_state state;
        memcpy(piece->table, table, len - 6);
        begin_row(&state, ROW_FACT, (int)statement->n_out + 1);
        f_sized(&state, 5, bytes_text(table));
        for (size_t c = 0; c < statement->n_out; c++)
            f_column(&state, &rows, statement->out[c].name, form_of_type(statement->out[c].type));
        crypto_hash_sha256_final(&state, piece->digest.b);
        add_fact_order(piece, statement, &rows);
    }
}

/* ---- entries and snapshots ------------------------------------------------------------------------------------------ */

static void add_saying(struct posting_of **all, uuid posting, const hash256 *hash, int64_t fate, int64_t flags,
                       struct bytes ack) {
    struct posting_of *of = posting_of(all, posting);
    if (of->n_sayings == SAYINGS_MAX) return;
    struct saying *saying = &of->sayings[of->n_sayings++];
    crypto_hash_sha256_state state;
    begin_row(&state, ROW_ENTRY, 4);
    f_uuid(&state, posting);
    f_sized(&state, 4, BYTES_OF(hash));
    f_int(&state, fate);
    f_int(&state, flags);
    crypto_hash_sha256_final(&state, saying->entry.b);
    begin_row(&state, ROW_ACK, 1);
    f_sized(&state, 4, ack);
    crypto_hash_sha256_final(&state, saying->ack.b);
}

/* One that waited is digested with the fate that it got when it posted, and then without the acknowledgement of before. */
static void gather_entries(struct checks *checks, struct posting_of **all) {
    enum { WAITING = 3 };
    struct kept *kept, *next;
    HASH_ITER(hh, checks->kept, kept, next)
    add_saying(all, kept->posting, &kept->hash, kept->first_fate, (int64_t)kept->first_flags, kept->ack);
    for (struct model_rows rows = model_rows(checks->world->model, "entry_event"); model_next(&rows);) {
        hash256 hash = row_hash(&rows, "entry_hash");
        HASH_FIND(hh, checks->kept, &hash, sizeof hash, kept);
        if (!kept || kept->first_fate != WAITING) continue;
        add_saying(all, kept->posting, &kept->hash, row_int(&rows, "fate"), row_int(&rows, "flags"),
                   (struct bytes){NULL, 0});
    }
}

static void gather_snapshots(struct checks *checks, struct posting_of **all) {
    enum { OF_IMPORT = 4 };
    for (struct model_rows postings = model_rows(checks->world->model, "posting"); model_next(&postings);) {
        if (row_int(&postings, "kind") != OF_IMPORT) continue;
        for (struct model_rows rows = model_rows(checks->world->model, "snapshot"); model_next(&rows);) {
            if (!uuid_equal(row_uuid(&rows, "account_id"), row_uuid(&postings, "account_id")) ||
                row_int(&rows, "received_us") != row_int(&postings, "at_us"))
                continue;
            static const struct {
                const char *name;
                char form;
            } columns[] = {{"account_id", 'u'},     {"as_of_on", 'd'},        {"received_us", '@'}, {"file_hash", 'b'},
                           {"row_no", 'i'},         {"load_type", 'i'},       {"fees_minor", 'i'},  {"penalty_minor", 'i'},
                           {"interest_minor", 'i'}, {"principal_minor", 'i'}, {"export_seq", 'i'}};
            struct piece *piece = add_piece(all, row_uuid(&postings, "posting_id"), ROW_SNAPSHOT);
            crypto_hash_sha256_state state;
            begin_row(&state, ROW_SNAPSHOT, 11);
            for (size_t i = 0; i < 11; i++) f_column(&state, &rows, columns[i].name, columns[i].form);
            crypto_hash_sha256_final(&state, piece->digest.b);
        }
    }
}

/* ---- digests and their chains ---------------------------------------------------------------------------------------- */

static int by_place(const void *left, const void *right) {
    const struct piece *a = *(struct piece *const *)left, *b = *(struct piece *const *)right;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    int order = strcmp(a->table, b->table);
    if (order) return order;
    size_t len = a->order_len < b->order_len ? a->order_len : b->order_len;
    order = memcmp(a->order, b->order, len);
    return order ? order : (int)a->order_len - (int)b->order_len;
}

static hash256 digest_of(const struct posting_of *posting, const struct saying *saying, const hash256 *previous) {
    struct piece **sorted = calloc(posting->n, sizeof(struct piece *));
    assert(sorted);
    size_t n = 0;
    for (struct piece *piece = posting->pieces; piece; piece = piece->next) sorted[n++] = piece;
    qsort(sorted, n, sizeof(struct piece *), by_place);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)"tagih.posting.1", 16);
    crypto_hash_sha256_update(&state, previous->b, sizeof previous->b);
    if (saying) crypto_hash_sha256_update(&state, saying->entry.b, sizeof saying->entry.b);
    if (saying) crypto_hash_sha256_update(&state, saying->ack.b, sizeof saying->ack.b);
    for (size_t i = 0; i < n; i++) crypto_hash_sha256_update(&state, sorted[i]->digest.b, sizeof sorted[i]->digest.b);
    put_int(&state, (int64_t)(n + (saying ? 2 : 0)), 4);
    hash256 out;
    crypto_hash_sha256_final(&state, out.b);
    free(sorted);
    return out;
}

static bool is_digest(const struct posting_of *posting, const hash256 *previous, const hash256 *stored) {
    hash256 again = digest_of(posting, NULL, previous);
    bool found = hash256_equal(&again, stored) && posting->n_sayings == 0;
    for (size_t i = 0; i < posting->n_sayings && !found; i++) {
        again = digest_of(posting, &posting->sayings[i], previous);
        found = hash256_equal(&again, stored);
    }
    return found;
}

static hash256 start_of(uuid agency, int64_t writer) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)"tagih.chain.1\0\0", 16);
    crypto_hash_sha256_update(&state, agency.b, sizeof agency.b);
    put_int(&state, writer, 8);
    hash256 out;
    crypto_hash_sha256_final(&state, out.b);
    return out;
}

/** Where the chain of a writer stands. */
struct chain_of {
    int64_t writer, number; /* writer: the key */
    hash256 head;
    UT_hash_handle hh;
};

static struct chain_of *chain_of(struct chain_of **all, uuid agency, int64_t writer) {
    struct chain_of *chain;
    HASH_FIND(hh, *all, &writer, sizeof writer, chain);
    if (chain) return chain;
    chain = calloc(1, sizeof *chain);
    assert(chain);
    chain->writer = writer;
    chain->head = start_of(agency, writer);
    HASH_ADD(hh, *all, writer, sizeof chain->writer, chain);
    return chain;
}

static void check_posting(struct checks *checks, struct posting_of *all, struct chain_of **chains,
                          const struct model_rows *rows) {
    struct world *world = checks->world;
    uuid id = row_uuid(rows, "posting_id");
    struct chain_of *chain = chain_of(chains, row_uuid(rows, "agency_id"), row_int(rows, "writer_id"));
    hash256 stored = row_hash(rows, "digest");
    bool found = is_digest(posting_of(&all, id), &chain->head, &stored);
    MUST(world, I8, row_int(rows, "writer_n") == chain->number + 1, "posting %s is number %lld of its writer, behind %lld",
         short_id(id), (long long)row_int(rows, "writer_n"), (long long)chain->number);
    MUST(world, I8, found, "the digest of posting %s (kind %lld) is not that of its rows", short_id(id),
         (long long)row_int(rows, "kind"));
    chain->number++;
    chain->head = stored;
}

static void check_chains(struct checks *checks, struct posting_of *all) {
    struct world *world = checks->world;
    struct chain_of *chains = NULL, *chain, *next;
    size_t n;
    struct model_rows *postings = rows_by_number(world, "posting", "writer_id", "writer_n", &n);
    for (size_t i = 0; i < n && !world_failed(world); i++) {
        if (row_int(&postings[i], "writer_id") >= 0) check_posting(checks, all, &chains, &postings[i]); /* else poisoned */
    }
    free(postings);
    for (struct model_rows rows = model_rows(world->model, "posting_writer"); model_next(&rows) && !world_failed(world);) {
        chain = chain_of(&chains, row_uuid(&rows, "agency_id"), row_int(&rows, "writer_id"));
        hash256 head = row_hash(&rows, "head");
        MUST(world, I8, chain->number == row_int(&rows, "n") && (chain->number == 0 || hash256_equal(&head, &chain->head)),
             "the head of writer %lld is not its last posting", (long long)chain->writer);
    }
    HASH_ITER(hh, chains, chain, next) {
        HASH_DEL(chains, chain);
        free(chain);
    }
}

void check_postings(struct checks *checks) {
    struct posting_of *all = NULL, *posting, *next;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) gather_layout(checks, &layouts[i], &all);
    for (size_t i = 0; i < store_statements.count; i++) gather_facts(checks, &store_statements.rows[i], &all);
    gather_entries(checks, &all);
    gather_snapshots(checks, &all);
    check_chains(checks, all);
    HASH_ITER(hh, all, posting, next) {
        HASH_DEL(all, posting);
        for (struct piece *piece = posting->pieces, *after; piece; piece = after) {
            after = piece->next;
            free(piece);
        }
        free(posting);
    }
}
