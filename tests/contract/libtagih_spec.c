/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phone and server come to the same bytes and figures. The same signed entries go to the server by Push and
 * to phone_figures, a process that links libtagih.so and nothing of the server; what it prints must be what
 * is stored.
 */
#include "tests/support/writer.h"

#include <unistd.h>

#include "tests/support/case.h"

#define MINOR(rupiah) (INT64_C(100) * (rupiah))
#define TEXT_MAX (1 << 20)

static struct rig rig;
static agency_id agency;
static user_id collector;
static struct writer w;
static account_id accounts[4];
static FILE *story;
static char story_path[96];
static char printed[TEXT_MAX];

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL);
    agency = rig_agency(&rig, "Acme");
    collector = rig_user(&rig, agency, NULL, ROLE_COLLECTOR);
    struct rig_phone phone = rig_phone(&rig, agency, collector);
    writer_begin(&w, &rig, &phone);
    snprintf(story_path, sizeof story_path, "%s/story", rig.folder);
    story = fopen(story_path, "w");
    assert_non_null(story);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    unlink(story_path);
    writer_end(&w);
    rig_close(&rig);
    return 0;
}

/* ---- what both are told
 * --------------------------------------------------------------------------------------- */

static void put_hex(struct bytes in) {
    static char hex[2 * ENVELOPE_MAX + 1];
    bytes_hex(in, hex);
    fprintf(story, " %s", hex);
}

static void tell_phone(void) {
    fprintf(story, "phone");
    put_hex(BYTES_OF(&rig.installation));
    put_hex(BYTES_OF(&w.phone.secret));
    put_hex(bytes_make(w.phone.certificate, w.phone.certificate_len));
    fputc('\n', story);
}

/* A long text that one query answers. */
static char *query(const char *sql) {
    PGresult *result = PQexec(rig.pg.admin, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQerrorMessage(rig.pg.admin));
    char *text = strdup(PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return text;
}

static void tell(const char *sql) {
    char *text = query(sql);
    assert_true(strlen(text) > 0);
    fprintf(story, "%s\n", text);
    free(text);
}

/* Besides the rig's instalment of a month ago: one that is long past due, one that is yet to come. */
static void add_instalments(account_id account) {
    char sql[1400];
    snprintf(
        sql, sizeof sql,
        "with more (no, due_on, fees, penalty, interest, principal) as (values "
        "(2, current_date - 100, 1500000, 700001, 30000000, 200000000), (3, current_date + 20, 0, 0, "
        "10000000, 90000000)), "
        "given as (insert into instalment (agency_id, account_id, as_of_on, received_us, instalment_no, "
        "due_on, fees_minor, "
        "penalty_minor, interest_minor, principal_minor) select '%s', '%s', current_date - 1, 1, m.* from "
        "more m), "
        "opened as (insert into instalment_state (agency_id, account_id, instalment_no, due_on, fees_minor, "
        "penalty_minor, "
        "interest_minor, principal_minor) select '%s', '%s', m.* from more m) "
        "update account_state set fees_minor = fees_minor + 1500000, penalty_minor = penalty_minor + 700001, "
        "interest_minor = "
        "interest_minor + 40000000, principal_minor = principal_minor + 290000000 where account_id = '%s'",
        rig_text(agency.u), rig_text(account.u), rig_text(agency.u), rig_text(account.u),
        rig_text(account.u));
    pg_exec(&rig.pg, sql);
}

static void make_accounts(void) {
    for (int i = 0; i < 4; i++) {
        accounts[i] =
            rig_account(&rig, agency,
                        &(struct rig_account){.collector = collector,
                                              .fees_minor = MINOR(12345),
                                              .penalty_minor = MINOR(i * 777),
                                              .interest_minor = MINOR(400000),
                                              .principal_minor = i == 3 ? MINOR(180000000) : MINOR(3500000)});
        if (i % 2 == 0) add_instalments(accounts[i]);
    }
    tell(
        "select string_agg(format('instalment %s %s %s %s %s %s %s', account_id, instalment_no, due_on - "
        "date '1970-01-01', "
        "fees_minor, penalty_minor, interest_minor, principal_minor), e'\\n' order by account_id, due_on, "
        "instalment_no) from instalment");
}

static void sign_receipt(account_id account, int64_t amount_minor, uint16_t tender) {
    struct journal_entry entry = writer_receipt(&w, account, amount_minor);
    entry.body.receipt.tender = tender;
    entry.body.receipt.tag = tender == JOURNAL_TENDER_CASH ? 1 : 2;
    writer_sign(&w, &entry);
}

static void sign_receipts(void) {
    uint64_t chance = 20260314;
    sign_receipt(accounts[3], MINOR(60000000), JOURNAL_TENDER_TRANSFER); /* into the next tier */
    sign_receipt(accounts[0], MINOR(150000), JOURNAL_TENDER_CASH);
    sign_receipt(accounts[1], MINOR(9000000), JOURNAL_TENDER_CASH); /* more than is owed: credit */
    sign_receipt(accounts[1], MINOR(500), JOURNAL_TENDER_CASH);     /* credit alone */
    sign_receipt(accounts[3], MINOR(60000000), JOURNAL_TENDER_QR);
    for (int i = 0; i < 24; i++) {
        int64_t rupiah = (int64_t)(1 + random_below(&chance, 4000)) * 100 * (i % 5 == 0 ? 100 : 7);
        uint16_t tender = i % 3 ? JOURNAL_TENDER_CASH : JOURNAL_TENDER_TRANSFER;
        sign_receipt(accounts[random_below(&chance, 4)], MINOR(rupiah), tender);
    }
}

/* A row of the sky over one address: there, at the fence, away, vague, late, invented. */
static void sign_check_ins(void) {
    static const struct {
        int32_t north_e7, east_e7;
        uint32_t accuracy_mm;
        int64_t ago_s;
        bool mock;
    } sky[] = {{0, 0, 5000, 2, false},          {9000, 0, 12000, 0, false},
               {13400, 0, 8000, 1, false},      {13600, 500, 45000, 5, false},
               {-16000, 9000, 60000, 0, false}, {250000, -90000, 15000, 3, false},
               {2000, 2000, 800000, 1, false},  {0, 0, 9000, 500, false},
               {100, 100, 3000, 0, true},       {900000000, 0, 20000, 0, false}};
    for (size_t i = 0; i < COUNT_OF(sky); i++) {
        visit_id visit =
            rig_visit(&rig, agency, rig_account(&rig, agency, &(struct rig_account){.collector = collector}),
                      collector);
        struct journal_entry entry = writer_entry(&w, JOURNAL_CHECK_IN);
        entry.body.check_in = (struct journal_check_in){
            .visit = visit, .purpose = 1, .tapped = w.at, .tapped_mono_us = entry.mono_us, .fix_count = 2};
        for (size_t k = 0; k < 2; k++) { /* the second one is the better, or further from the tap */
            entry.body.check_in.fixes[k] =
                (struct journal_fix){.lat_e7 = -61754000 + sky[i].north_e7 + (int32_t)k * 300,
                                     .lon_e7 = 1068272000 + sky[i].east_e7,
                                     .accuracy_mm = sky[i].accuracy_mm + (uint32_t)(1 - k) * 1000,
                                     .has_provider = true,
                                     .provider = JOURNAL_PROVIDER_GPS,
                                     .at = {w.at.us - (sky[i].ago_s + (int64_t)k * 3) * US_PER_S},
                                     .mock = sky[i].mock};
        }
        writer_sign(&w, &entry);
    }
    tell(
        "select string_agg(format('visit %s %s %s %s %s', visit_id, lat_e7, lon_e7, address_quality, "
        "radius_mm), e'\\n') from visit");
}

/* Both get the same bytes; the phone its acknowledgements, too. */
static void push_all(void) {
    struct rig_answer answer = writer_push_range(&w, 0, w.n - 1);
    assert_answer(answer, OK);
    const Tagih__V1__PushResponse *response = answer.response;
    for (size_t i = 0; i < w.n; i++) {
        fprintf(story, "entry");
        put_hex(bytes_make(w.entries[i].bytes, w.entries[i].len));
        put_hex(bytes_make(response->acks[i].data, response->acks[i].len));
        fputc('\n', story);
    }
}

static void ask_the_phone(void) {
    char command[400];
    assert_int_equal(fclose(story), 0);
    snprintf(command, sizeof command, "%s < %s", PHONE_FIGURES, story_path);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    size_t len = fread(printed, 1, sizeof printed - 1, out);
    printed[len] = '\0';
    assert_int_equal(pclose(out), 0);
}

/* ---- what both say
 * -------------------------------------------------------------------------------------------- */

/* The server's lines of one kind are the phone's, in the same order; `n_min`: so that nothing compares with
 * nothing. */
static void compare(const char *word, size_t n_min, const char *sql) {
    char *stored = query(sql), *line = printed, *at = stored;
    size_t n = 0, len = strlen(word);
    while (*line) {
        size_t size = strcspn(line, "\n");
        if (strncmp(line, word, len) == 0 && line[len] == ' ') {
            size_t theirs = strcspn(at, "\n");
            if (size != theirs || memcmp(line, at, size) != 0) {
                fail_msg("line %zu:\n phone  %.*s\n server %.*s", n, (int)size, line, (int)theirs, at);
            }
            at += theirs + (at[theirs] != '\0');
            n++;
        }
        line += size + (line[size] != '\0');
    }
    if (*at) fail_msg("the server has more: %.200s", at);
    print_message("             %zu lines of '%s'\n", n, word);
    assert_true(n >= n_min);
    free(stored);
}

static void a_day_is_told_to_both(void **state) {
    (void)state;
    tell_phone();
    make_accounts();
    sign_receipts();
    sign_check_ins();
    push_all();
    ask_the_phone();
    assert_true(strlen(printed) > 0);
}

//= RULES.md R-JRN-2
//  verified, hashed and stored as the bytes received, never re-serialised
static void the_phone_comes_to_the_bytes_and_hashes_that_the_server_keeps(void **state) {
    (void)state;
    compare("entry", 39,
            "select string_agg(format('entry %s %s %s', k.seq, encode(k.entry_hash, 'hex'), encode(b.body, "
            "'hex')), e'\\n' order by k.seq) "
            "from journal_key k join journal_body b using (agency_id, entry_hash)");
}

//= RULES.md R-TIM-3
//  Computed once, at first sight, stored, never recomputed.
static void the_phone_knows_the_instant_and_the_date_that_count(void **state) {
    (void)state;
    compare("value", 29,
            "select string_agg(format('value %s %s %s', entry_id, value_us, value_on), e'\\n' order by seq) "
            "from receipt");
}

//= RULES.md R-ALL-2
//  A rule set is an ordered list over {past due, due, in advance} × {fees, penalty, interest, principal}
static void the_phone_splits_money_as_the_server_does(void **state) {
    (void)state;
    compare("allocation", 29,
            "select string_agg(format('allocation %s %s %s %s %s %s %s', a.payment_id, a.instalment_no, "
            "a.fees_minor, a.penalty_minor, "
            "a.interest_minor, a.principal_minor, a.credit_minor), e'\\n' order by r.seq, a.instalment_no > "
            "0, i.due_on, a.instalment_no) "
            "from allocation a join receipt r on r.entry_id = a.payment_id left join instalment i on "
            "i.account_id = r.account_id "
            "and i.instalment_no = a.instalment_no");
}

//= RULES.md R-BON-1
//  line = min( round( base × 300 bp × bucket × tier × target × tag ), floor( base × 900 bp ) )
static void the_phone_knows_what_a_receipt_earns_and_by_which_factors(void **state) {
    (void)state;
    compare("bonus", 29,
            "select string_agg(format('bonus %s %s %s %s %s %s %s %s %s %s %s', b.payment_id, b.base_minor, "
            "b.bucket, b.bucket_factor, "
            "b.tier_factor, b.target_factor, b.tag_factor, b.tag, b.mtd_minor, b.amount_minor, "
            "b.capped::int), e'\\n' order by r.seq) "
            "from bonus_line b join receipt r on r.entry_id = b.payment_id");
    assert_true(pg_number(&rig.pg, "select count(distinct tier_factor) from bonus_line") > 1);
    assert_true(pg_number(&rig.pg, "select count(distinct bucket_factor) from bonus_line") > 1);
}

//= RULES.md R-LED-1
//  every posting is a transaction whose lines sum to zero per currency
static void the_phone_knows_every_line_of_the_ledger(void **state) {
    (void)state;
    compare(
        "ledger", 100,
        "select string_agg(format('ledger %s %s %s %s', l.posting_id, l.ledger_account, "
        "coalesce(l.owner_id::text, '-'), l.amount_minor), "
        "e'\\n' order by r.seq, l.line_no) from ledger_line l join receipt r on r.entry_id = l.posting_id");
}

//= RULES.md R-CHK-2
//  the Rice distribution, 1 − Q₁(d/σ, R/σ)
static void the_phone_judges_presence_as_the_server_does(void **state) {
    (void)state;
    compare("check_in", 10,
            "select string_agg(format('check_in %s %s %s %s %s %s %s %s', c.check_in_id, c.distance_mm, "
            "c.sigma_mm, c.p_ppm, c.radius_mm, "
            "c.verdict, c.reasons, c.accuracy_mm), e'\\n' order by k.seq) from check_in c join journal_key k "
            "on k.entry_id = c.check_in_id");
    assert_int_equal(pg_number(&rig.pg, "select count(distinct verdict) from check_in"), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_is_told_to_both),
        cmocka_unit_test(the_phone_comes_to_the_bytes_and_hashes_that_the_server_keeps),
        cmocka_unit_test(the_phone_knows_the_instant_and_the_date_that_count),
        cmocka_unit_test(the_phone_splits_money_as_the_server_does),
        cmocka_unit_test(the_phone_knows_what_a_receipt_earns_and_by_which_factors),
        cmocka_unit_test(the_phone_knows_every_line_of_the_ledger),
        cmocka_unit_test(the_phone_judges_presence_as_the_server_does),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
