/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone can work out by itself: a program that knows include/tagih/ alone and links libtagih.so alone.
 * It reads what a phone holds (its key and certificate, its accounts and visits, its signed entries with
 * their acknowledgements) and prints the same figures that the server stores, one a line. libtagih_spec.c
 * compares the two.
 *
 *   phone <installation> <secret key> <certificate>          hexadecimal
 *   instalment <account> <no> <due, days> <fees> <penalty> <interest> <principal>
 *   visit <visit> <lat e7> <lon e7> <address quality> <radius mm>
 *   entry <envelope> <acknowledgement>                       hexadecimal, in the order of the journal
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tagih/bonus.h"
#include "tagih/chain.h"
#include "tagih/check_in.h"
#include "tagih/journal.h"
#include "tagih/payment.h"

enum { ACCOUNTS_MAX = 16, INSTALMENTS_MAX = 8, FACTS_MAX = 64, VISITS_MAX = 32 };
#define PARTS_MAX (INSTALMENTS_MAX * COMPONENT_COUNT)
#define LINE_MAX_BYTES (4 * ENVELOPE_MAX + 64)
#define ZONE_US (INT64_C(7) * 3600 * US_PER_S) /* Asia/Jakarta */

struct debt {
    account_id id;
    struct instalment schedule[INSTALMENTS_MAX];
    struct instalment_open lines[INSTALMENTS_MAX];
    struct allocation_fact facts[FACTS_MAX];
    size_t n, n_facts;
    int64_t credit_minor, debt_minor; /* allocated so far */
    civil_date day_on, month_on;      /* of the figures below */
    bool has_day, has_month;
    enum bucket day_bucket, month_bucket;
    int64_t day_mtd_minor;
};

struct place {
    visit_id id;
    struct check_in_address address;
};

static installation_id installation;
static secret_key secret;
static struct device_certificate certificate;
static struct debt debts[ACCOUNTS_MAX];
static struct place places[VISITS_MAX];
static size_t n_debts, n_places;
static civil_date mtd_month;
static int64_t mtd_minor;
static uint8_t memory[1 << 20];

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void must(tagih_err err, const char *what) {
    if (!err_is_ok(err)) die("%s: %s", what, err_name(err));
}

static struct bytes unhex(const char *text, uint8_t *out) {
    size_t len = strlen(text) / 2;
    must(bytes_unhex(text, out, len), "hexadecimal");
    return bytes_make(out, len);
}

static int64_t whole(const char *text) {
    char *end;
    int64_t out = strtoll(text, &end, 10);
    if (end == text || *end) die("not a number: %s", text);
    return out;
}

static uuid id_of(const char *text) {
    uuid id;
    must(uuid_parse(text, &id), "id");
    return id;
}

static const char *text_of(uuid id) {
    static char texts[4][UUID_TEXT_SIZE];
    static unsigned next;
    char *out = texts[next++ % 4];
    uuid_format(id, out);
    return out;
}

/* ---- what the phone holds
 * ------------------------------------------------------------------------------------- */

static void read_phone(char *words[]) {
    static uint8_t raw[LINE_MAX_BYTES];
    struct envelope envelope;
    unhex(words[1], installation.b);
    unhex(words[2], secret.b);
    must(device_certificate_open(unhex(words[3], raw), installation, &certificate, &envelope), "certificate");
}

static struct debt *debt_of(account_id id) {
    for (size_t i = 0; i < n_debts; i++) {
        if (uuid_equal(debts[i].id.u, id.u)) return &debts[i];
    }
    if (n_debts == ACCOUNTS_MAX) die("too many accounts");
    debts[n_debts].id = id;
    return &debts[n_debts++];
}

/* In the order (due date, number), which the spec writes them in. */
static void read_instalment(char *words[]) {
    struct debt *debt = debt_of((account_id){id_of(words[1])});
    if (debt->n == INSTALMENTS_MAX) die("too many instalments");
    struct instalment *i = &debt->schedule[debt->n];
    i->no = (int32_t)whole(words[2]);
    i->due_on.days = (int32_t)whole(words[3]);
    for (int c = 0; c < COMPONENT_COUNT; c++) i->due_minor[c] = whole(words[4 + c]);
    debt->lines[debt->n++] = instalment_start(i);
}

static void read_visit(char *words[]) {
    if (n_places == VISITS_MAX) die("too many visits");
    places[n_places++] =
        (struct place){.id = {id_of(words[1])},
                       .address = {.has_place = true,
                                   .place = {(int32_t)whole(words[2]), (int32_t)whole(words[3])},
                                   .quality = (enum address_quality)whole(words[4]),
                                   .radius_mm = whole(words[5])}};
}

/* ---- a receipt
 * ------------------------------------------------------------------------------------------------ */

static void print_instalment(const struct allocation_fact *fact, const struct instalment_open *line,
                             const struct allocation_part *parts, size_t n_parts) {
    long long paid[COMPONENT_COUNT] = {0}, sum = 0;
    for (size_t p = 0; p < n_parts; p++) {
        if (parts[p].instalment_no != line->no) continue;
        paid[parts[p].component] += parts[p].amount_minor;
        sum += parts[p].amount_minor;
    }
    if (sum == 0) return;
    printf("allocation %s %d %lld %lld %lld %lld 0\n", text_of(fact->id), (int)line->no, paid[COMPONENT_FEES],
           paid[COMPONENT_PENALTY], paid[COMPONENT_INTEREST], paid[COMPONENT_PRINCIPAL]);
}

/* The part of the debt that this payment met, by applying it to the open state and, to be sure, by a replay
 * of all. */
static int64_t allocate(struct debt *debt, const struct allocation_fact *fact,
                        struct allocation_effect *effect) {
    const struct rule_set *rules = rule_set_find("id-default");
    struct allocation_part parts[PARTS_MAX];
    struct allocation_outcome all;
    struct arena arena;
    size_t n_parts;
    int64_t credit_minor;
    if (!rules || debt->n_facts == FACTS_MAX) die("no rules, or too many receipts");
    if (allocation_credit_waits(debt->lines, debt->n, debt->credit_minor, fact->value_on))
        die("credit waits for a due");
    must(allocation_apply(rules, debt->lines, debt->n, fact->amount_minor, fact->value_on, parts, PARTS_MAX,
                          &n_parts, &credit_minor),
         "allocation_apply");
    debt->facts[debt->n_facts++] = *fact;
    debt->credit_minor += credit_minor;
    arena_init(&arena, memory, sizeof memory);
    must(allocation_replay(rules, debt->schedule, debt->n, debt->facts, debt->n_facts, fact->value_on, &arena,
                           &all),
         "allocation_replay");
    *effect = all.results[debt->n_facts - 1].effect;
    if (effect->credit_minor != credit_minor || all.credit_minor != debt->credit_minor)
        die("apply and replay differ in credit");
    if (credit_minor) printf("allocation %s 0 0 0 0 0 %lld\n", text_of(fact->id), (long long)credit_minor);
    for (size_t i = 0; i < debt->n; i++) {
        print_instalment(fact, &debt->lines[i], parts, n_parts);
        if (memcmp(all.lines[i].open_minor, debt->lines[i].open_minor, sizeof all.lines[i].open_minor) != 0)
            die("apply and replay differ");
    }
    return all.debt_minor;
}

/* R-BON-11: by the debt before the first payment of the day, and at the beginning of the month. */
static enum bucket bucket_before(struct debt *debt, civil_date value_on) {
    civil_date month_on = date_month(value_on);
    if (!debt->has_day || debt->day_on.days != value_on.days) {
        debt->has_day = true;
        debt->day_on = value_on;
        debt->day_mtd_minor = mtd_minor; /* R-BON-8: one customer, one day, one mtd */
        debt->day_bucket =
            bucket_of(&bucket_scheme_default, bucket_days_past_due(debt->lines, debt->n, 0, value_on));
    }
    if (!debt->has_month || debt->month_on.days != month_on.days) {
        debt->has_month = true;
        debt->month_on = month_on;
        debt->month_bucket =
            bucket_of(&bucket_scheme_default, bucket_days_past_due(debt->lines, debt->n, 0, month_on));
    }
    return bucket_lower(debt->day_bucket, debt->month_bucket);
}

static int64_t earn(struct debt *debt, const struct allocation_fact *fact, int64_t base_minor,
                    enum bucket bucket, const struct journal_receipt *receipt) {
    const struct bonus_scheme *scheme = bonus_scheme_find("standard-1", fact->value_on);
    if (!scheme) die("no scheme");
    struct bonus_inputs in = {.base_minor = base_minor,
                              .currency = receipt->money.currency,
                              .bucket = bucket,
                              .tag = payment_tag_of_tender((enum tender)receipt->tender),
                              .mtd_minor = debt->day_mtd_minor};
    struct bonus_result out = {.amount_minor = 0};
    must(bonus_write(scheme, &in, &out), "bonus_write");
    if (bonus_tag_counts(scheme, in.tag)) mtd_minor += base_minor;
    printf("bonus %s %lld %d %d %d %d %d %d %lld %lld %d\n", text_of(fact->id), (long long)base_minor,
           (int)bucket, (int)out.factors.bucket, (int)out.factors.tier, (int)out.factors.target,
           (int)out.factors.tag, (int)in.tag, (long long)in.mtd_minor, (long long)out.amount_minor,
           out.capped);
    return out.amount_minor;
}

static void post(const struct journal_entry *entry, instant value) {
    const struct journal_receipt *receipt = &entry->body.receipt;
    struct debt *debt = debt_of(receipt->account);
    int64_t local_us = value.us + ZONE_US;
    struct allocation_fact fact = {.id = entry->id.u,
                                   .kind = FACT_PAYMENT,
                                   .value = value,
                                   .value_on = {(int32_t)(local_us / US_PER_DAY)},
                                   .amount_minor = receipt->money.amount_minor};
    char date[DATE_TEXT_SIZE];
    date_format(fact.value_on, date);
    printf("value %s %lld %s\n", text_of(fact.id), (long long)value.us, date);
    if (mtd_month.days != date_month(fact.value_on).days) mtd_minor = 0;
    mtd_month = date_month(fact.value_on);
    enum bucket bucket = bucket_before(debt, fact.value_on);
    struct allocation_effect effect;
    int64_t before_minor = debt->debt_minor;
    debt->debt_minor = allocate(debt, &fact, &effect);
    int64_t base_minor = bonus_base(before_minor, debt->debt_minor, fact.amount_minor);
    int64_t bonus_minor = earn(debt, &fact, base_minor, bucket, receipt);
    struct ledger_txn txn;
    ledger_begin(&txn, receipt->money.currency);
    ledger_payment(&txn, payment_money_side(SOURCE_FIELD, (enum tender)receipt->tender, certificate.user.u),
                   debt->id, &effect);
    ledger_bonus(&txn, certificate.user, bonus_minor);
    must(ledger_end(&txn), "ledger_end");
    for (size_t i = 0; i < txn.n; i++) {
        const struct ledger_line *line = &txn.lines[i];
        printf("ledger %s %d %s %lld\n", text_of(fact.id), (int)line->account,
               uuid_is_nil(line->owner) ? "-" : text_of(line->owner), (long long)line->amount_minor);
    }
}

/* ---- a check-in
 * ----------------------------------------------------------------------------------------------- */

static void arrive(const struct journal_entry *entry) {
    const struct journal_check_in *c = &entry->body.check_in;
    struct fix fixes[JOURNAL_FIXES_MAX];
    struct check_in_judgement out;
    const struct place *place = NULL;
    for (size_t i = 0; i < n_places; i++) {
        if (uuid_equal(places[i].id.u, c->visit.u)) place = &places[i];
    }
    if (!place) die("no such visit");
    for (size_t i = 0; i < c->fix_count; i++) {
        const struct journal_fix *f = &c->fixes[i];
        fixes[i] =
            (struct fix){.position = {f->lat_e7, f->lon_e7},
                         .accuracy_mm = f->accuracy_mm,
                         .at = f->at,
                         .mock = f->mock,
                         .provider = f->has_provider ? (enum fix_provider)f->provider : FIX_PROVIDER_NONE};
    }
    must(check_in_judge(fixes, c->fix_count, c->tapped, &place->address, &out), "check_in_judge");
    const struct presence *p = &out.presence;
    printf("check_in %s %lld %lld %d %lld %d %u %lld\n", text_of(entry->id.u),
           (long long)(out.has_distance ? p->distance_mm : 0),
           (long long)(out.has_distance ? p->sigma_mm : 0), out.has_distance ? (int)p->inside_ppm : 0,
           (long long)p->radius_mm, (int)p->verdict, (unsigned)out.reasons,
           (long long)(out.has_fix ? p->accuracy_mm : 0));
}

/* ---- entries
 * -------------------------------------------------------------------------------------------------- */

/* The phone comes to the same bytes again, and the acknowledgement speaks of them. */
static void read_entry(char *words[]) {
    static uint8_t raw[LINE_MAX_BYTES], ack_raw[LINE_MAX_BYTES], again[ENVELOPE_MAX];
    static char hex[2 * ENVELOPE_MAX + 1], hash[65];
    struct envelope envelope, ack_envelope;
    struct journal_entry entry;
    struct acknowledgement ack;
    size_t len;
    must(envelope_open(unhex(words[1], raw), ENVELOPE_JOURNAL_ENTRY, installation, &envelope),
         "envelope_open");
    must(envelope_verify(&envelope, &certificate.key), "envelope_verify");
    must(journal_decode(envelope.payload, &entry), "journal_decode");
    must(journal_sign(&entry, installation, &secret, again, sizeof again, &len), "journal_sign");
    must(acknowledgement_open(unhex(words[2], ack_raw), installation, &ack, &ack_envelope),
         "acknowledgement_open");
    if (!hash256_equal(&ack.entry_hash, &envelope.hash)) die("the acknowledgement is another entry's");
    bytes_hex(bytes_make(again, len), hex);
    bytes_hex(BYTES_OF(&envelope.hash), hash);
    printf("entry %lld %s %s\n", (long long)entry.seq, hash, hex);
    struct entry_time times = {.device_time = entry.device_time,
                               .mono_us = entry.mono_us,
                               .boot = entry.boot_id,
                               .certificate_issued = certificate.valid_from,
                               .received = ack.received};
    if (entry.kind == JOURNAL_RECEIPT) post(&entry, entry_time_value(&times).value);
    if (entry.kind == JOURNAL_CHECK_IN) arrive(&entry);
}

int main(void) {
    static const struct {
        const char *word;
        size_t n;
        void (*read)(char *words[]);
    } readers[] = {{"phone", 4, read_phone},
                   {"instalment", 8, read_instalment},
                   {"visit", 6, read_visit},
                   {"entry", 3, read_entry}};
    static char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        char *words[8] = {NULL}, *rest = line;
        size_t n = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *word; n < 8 && (word = strsep(&rest, " "));) words[n++] = word;
        bool known = false;
        for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
            if (strcmp(words[0], readers[i].word) != 0 || n != readers[i].n) continue;
            readers[i].read(words);
            known = true;
        }
        if (!known) die("not understood: %.40s", line);
    }
    return 0;
}
