/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of payment files: repeats first, then accounts, then one set of payments with its event. */
#include "rpc/payment_file.h"

#include "run/random.h"

void payment_file_read(const struct payment_text *text, const struct payment_file *file, struct payment_file_item *item) {
    item->unreadable = payment_row_parse(text, file->source, file->currency, &item->row, &item->column);
}

tagih_err payment_file_send(struct tx *tx, struct arena *arena, const struct payment_file *file,
                            const struct payment_file_item *items, size_t n) {
    struct payment_file_key *keys = ARENA_ARRAY(arena, n, struct payment_file_key);
    if (!keys) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        keys[i] = (struct payment_file_key){items[i].row_no, items[i].row.account_no, items[i].row.paid_at.us,
                                            items[i].row.paid_at.is_local};
    }
    return payment_file_send_load(tx, arena, &file->hash, keys, n);
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static void settle_repeat(struct payment_file_item *item) {
    item->repeat = true;
    item->payment = item->loaded.payment;
    item->suspended = item->loaded.suspended;
    item->result = uuid_is_nil(item->payment) ? item->loaded.result : bytes_text("SAME");
}

static tagih_err check_row(const struct payment_file_item *item, instant now) {
    TRY(item->unreadable);
    return paying_value_check(item->loaded.value, now);
}

static struct paying paying_of(const struct payment_file *file, const struct payment_file_item *item) {
    return (struct paying){.identity = {(int16_t)file->source, item->row.reference}, .tag = item->row.tag,
                           .account = item->loaded.account, .amount_minor = item->row.amount_minor,
                           .currency = file->currency, .value = item->loaded.value, .has_actor = file->has_actor,
                           .actor = file->actor, .note = item->row.account_no};
}

static void settle_paying(struct payment_file_item *item, const struct paying *p) {
    item->err = p->err;
    if (!err_is_ok(p->err)) return;
    item->payment = p->payment.u;
    item->suspended = p->suspense;
    item->result = bytes_text(p->repeat ? "SAME" : p->suspense ? "SUSPENSE" : "POSTED");
}

/* ---- the event ------------------------------------------------------------------------------------------------ */

static struct post event_of(const struct payment_file *file, instant now) {
    struct post event = {.what = POST_MOVE, .kind = POSTING_OF_FILE, .id = random_id(), .currency = file->currency, .value = now,
                         .received = now, .has_actor = file->has_actor, .actor = file->actor};
    book_move_begin(&event);
    return event;
}

/* What became of every row that is new, under the event's digest. */
static tagih_err keep_rows(struct paying_book *all, const struct payment_file *file, const struct payment_file_item *items,
                           size_t n, size_t n_new) {
    struct arena *arena = all->book.arena;
    struct payment_file_row *rows = ARENA_ARRAY(arena, n_new, struct payment_file_row);
    struct params *facts = ARENA_NEW(arena, struct params);
    size_t k = 0;
    if (!rows || !facts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (items[i].repeat) continue;
        rows[k++] = (struct payment_file_row){.row_no = items[i].row_no, .reference = items[i].row.reference,
                                              .account_no = items[i].row.account_no, .result = items[i].result,
                                              .amount_minor = items[i].row.amount_minor, .payment = items[i].payment,
                                              .suspended = items[i].suspended};
    }
    payment_file_rows(facts, all->book.tx, arena, &all->event->id, &file->hash, (int16_t)file->source, rows, n_new);
    all->event->facts = facts;
    all->event->n_facts = 1;
    return TAGIH_OK;
}

static tagih_err post_rows(struct tx *tx, struct arena *arena, const struct payment_file *file, struct payment_file_item *items,
                           size_t n, size_t n_new, struct paying *payings, size_t n_payings, instant now) {
    struct paying_book all;
    struct post event = event_of(file, now);
    TRY(paying_begin(&all, tx, arena, tx->options->agency, file->writer, now, payings, n_payings, &event));
    TRY(paying_send_load(&all));
    TRY(tx_sync(tx));
    TRY(paying_take_load(&all));
    TRY(paying_decide(&all));
    for (size_t i = 0; i < n; i++) {
        if (items[i].repeat) continue;
        if (items[i].paying) settle_paying(&items[i], &payings[items[i].paying - 1]);
        if (!err_is_ok(items[i].err)) items[i].result = bytes_text(err_token(items[i].err));
    }
    TRY(keep_rows(&all, file, items, n, n_new));
    return paying_save(&all);
}

tagih_err payment_file_decide(struct tx *tx, struct arena *arena, const struct payment_file *file,
                              struct payment_file_item *items, size_t n, instant now) {
    struct payment_file_loaded *loaded = ARENA_ARRAY(arena, n, struct payment_file_loaded);
    struct paying *payings = ARENA_ARRAY(arena, n, struct paying);
    size_t n_new = 0, n_payings = 0;
    if (!loaded || !payings) return FAIL(OUT_OF_MEMORY);
    TRY(payment_file_take_load(tx, arena, loaded, n));
    for (size_t i = 0; i < n; i++) {
        items[i].loaded = loaded[i];
        items[i].paying = 0;
        items[i].payment = (uuid){{0}};
        items[i].repeat = items[i].suspended = false;
        items[i].err = TAGIH_OK;
        if (loaded[i].known) {
            settle_repeat(&items[i]);
            continue;
        }
        n_new++;
        items[i].err = check_row(&items[i], now);
        if (!err_is_ok(items[i].err)) continue;
        payings[n_payings++] = paying_of(file, &items[i]);
        items[i].paying = n_payings;
    }
    return n_new ? post_rows(tx, arena, file, items, n, n_new, payings, n_payings, now) : TAGIH_OK;
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

tagih_err payment_file_finish(struct tx *tx, struct arena *arena, const struct payment_file *file,
                              const struct payment_totals *said, instant now, struct payment_file_found *found) {
    struct params *facts = ARENA_NEW(arena, struct params);
    struct post event = event_of(file, now);
    struct paying_book all;
    if (!facts) return FAIL(OUT_OF_MEMORY);
    TRY(payment_file_send_totals(tx, arena, &file->hash));
    TRY(paying_begin(&all, tx, arena, tx->options->agency, file->writer, now, NULL, 0, &event));
    TRY(paying_send_load(&all));
    TRY(tx_sync(tx));
    payment_file_take_totals(tx, found);
    TRY(paying_take_load(&all));
    if (found->ended) return TAGIH_OK;
    struct payment_file_end end = {.file = file->hash, .name = file->name, .currency = bytes_text(file->currency.code),
                                   .source = (int16_t)file->source, .found = *found, .has_said = said != NULL, .at = now,
                                   .has_actor = file->has_actor, .actor = file->actor};
    if (said) {
        end.said_rows = said->rows;
        end.said_sum_minor = said->sum_minor;
    }
    payment_file_end(facts, tx, arena, &all.event->id, &end);
    all.event->facts = facts;
    all.event->n_facts = 1;
    return paying_save(&all);
}
