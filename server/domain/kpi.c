/* SPDX-License-Identifier: Apache-2.0 */
/* Figures, rates, and a month's canonical text (R-KPI-1, R-KPI-2). */
#include "domain/kpi.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain/account.h"
#include "tagih/bucket.h"
#include "tagih/payment.h"

const char *kpi_figure_name(int figure) {
    switch (figure) {
#define X(name, number, column) \
    case number: return column;
        KPI_FIGURES(X)
#undef X
        default: return NULL;
    }
}

int kpi_key_compare(const struct kpi_key *a, const struct kpi_key *b) {
    int order = uuid_compare(a->team.u, b->team.u);
    if (order == 0) order = uuid_compare(a->collector.u, b->collector.u);
    if (order == 0) order = memcmp(a->currency.code, b->currency.code, sizeof a->currency.code);
    if (order == 0) order = (a->load_type > b->load_type) - (a->load_type < b->load_type);
    if (order == 0) order = (a->bucket > b->bucket) - (a->bucket < b->bucket);
    return order;
}

/* ---- rates ---------------------------------------------------------------------------------------------------- */

struct kpi_rate kpi_rate(int64_t part, int64_t base) {
    if (base == 0) return (struct kpi_rate){false, 0};
    __int128 n = (__int128)part * 10000, d = base;
    if (d < 0) n = -n, d = -d;
    bool negative = n < 0;
    if (negative) n = -n;
    __int128 whole = n / d, twice = 2 * (n % d);
    if (twice > d || (twice == d && (whole & 1))) whole++;
    if (whole > INT64_MAX) return (struct kpi_rate){false, 0};
    return (struct kpi_rate){true, negative ? -(int64_t)whole : (int64_t)whole};
}

struct kpi_rates kpi_rates(const struct kpi_row *row) {
    const int64_t *v = row->value;
    struct kpi_rates out = {.net_minor = 0};
    for (int tag = 1; tag < TAG_END; tag++) out.net_minor += v[KPI_NET_FIELD_CASH_MINOR + tag - TAG_FIELD_CASH];
    out.recovery = kpi_rate(out.net_minor, v[KPI_ASSIGNED_MINOR]);
    out.contact = kpi_rate(v[KPI_VISITS_CONTACT], v[KPI_VISITS_DONE]);
    out.kept = kpi_rate(v[KPI_PROMISES_KEPT], v[KPI_PROMISES_KEPT] + v[KPI_PROMISES_PARTIAL] + v[KPI_PROMISES_BROKEN]);
    out.voids = kpi_rate(v[KPI_VOIDS], v[KPI_RECEIPTS]);
    return out;
}

/* ---- canonical text ------------------------------------------------------------------------------------------- */

/* What is written so far, and room for the rest: a line is never cut, KPI_LINE_MAX is enough for the widest numbers. */
struct line {
    char *out;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->out + line->len, KPI_LINE_MAX - line->len, format, args);
    va_end(args);
    assert(n >= 0 && line->len + (size_t)n < KPI_LINE_MAX);
    line->len += (size_t)n;
}

static void add_id(struct line *line, uuid id) {
    char text[UUID_TEXT_SIZE] = "";
    if (!uuid_is_nil(id)) uuid_format(id, text);
    add(line, ",%s", text);
}

static void add_rate(struct line *line, struct kpi_rate rate) {
    if (rate.is) add(line, ",%lld", (long long)rate.bp);
    else add(line, ",");
}

size_t kpi_head(char out[KPI_LINE_MAX]) {
    struct line line = {out, 0};
    add(&line, "month,team_id,collector_id,currency,load_type,bucket");
    for (int i = 1; i < KPI_FIGURE_END; i++) add(&line, ",%s", kpi_figure_name(i));
    add(&line, ",net_minor,recovery_bp,contact_bp,kept_bp,void_bp\n");
    return line.len;
}

size_t kpi_line(civil_date month, const struct kpi_row *row, char out[KPI_LINE_MAX]) {
    struct line line = {out, 0};
    const struct kpi_key *key = &row->key;
    struct kpi_rates rates = kpi_rates(row);
    char date[DATE_TEXT_SIZE];
    date_format(month, date);
    add(&line, "%.7s", date);
    add_id(&line, key->team.u);
    add_id(&line, key->collector.u);
    add(&line, ",%s,%s,%s", key->currency.code, key->load_type == KPI_NO_LOAD ? "" : load_type_name(key->load_type),
        key->bucket == KPI_NO_BUCKET ? "" : bucket_name((enum bucket)key->bucket));
    for (int i = 1; i < KPI_FIGURE_END; i++) add(&line, ",%lld", (long long)row->value[i]);
    add(&line, ",%lld", (long long)rates.net_minor);
    add_rate(&line, rates.recovery);
    add_rate(&line, rates.contact);
    add_rate(&line, rates.kept);
    add_rate(&line, rates.voids);
    add(&line, "\n");
    return line.len;
}

hash256 kpi_digest(civil_date month, const struct kpi_row *rows, size_t n) {
    crypto_hash_sha256_state state;
    char text[KPI_LINE_MAX];
    hash256 out;
    crypto_hash_sha256_init(&state);
    size_t len = kpi_head(text);
    crypto_hash_sha256_update(&state, (const unsigned char *)text, len);
    for (size_t i = 0; i < n; i++) {
        len = kpi_line(month, &rows[i], text);
        crypto_hash_sha256_update(&state, (const unsigned char *)text, len);
    }
    crypto_hash_sha256_final(&state, out.b);
    return out;
}

/* ---- two snapshots -------------------------------------------------------------------------------------------- */

static bool same_values(const struct kpi_row *a, const struct kpi_row *b) {
    return memcmp(a->value, b->value, sizeof a->value) == 0;
}

size_t kpi_diff(const struct kpi_row *a, size_t n, const struct kpi_row *b, size_t m, struct kpi_pair *out) {
    size_t i = 0, k = 0, count = 0;
    while (i < n || k < m) {
        int order = i == n ? 1 : k == m ? -1 : kpi_key_compare(&a[i].key, &b[k].key);
        struct kpi_pair pair = {order <= 0 ? &a[i] : NULL, order >= 0 ? &b[k] : NULL};
        if (order != 0 || !same_values(pair.a, pair.b)) out[count++] = pair;
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}

tagih_err kpi_month_parse(const char *text, civil_date *out) {
    char date[DATE_TEXT_SIZE];
    if (strlen(text) != 7) return FAIL(DATE_SYNTAX);
    memcpy(date, text, 7);
    memcpy(date + 7, "-01", 4);
    return date_parse(date, out);
}
