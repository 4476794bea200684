/* SPDX-License-Identifier: Apache-2.0 */
/* The planted bugs: hands in the database, and a world that misbehaves. */
#include "tests/sim/sim_plant.h"

#include <string.h>

#define ONE_PAYMENT                                                                                              \
    "(select payment_id from payment p where p.source = 1 and not exists (select from payment_reversal r where " \
    "r.payment_id = p.payment_id) order by payment_id limit 1)"
#define ONE_RECEIPT \
    "(select entry_id from journal_key where kind = 1 and fate = 1 and owns_id and owns_seq order by entry_hash limit 1)"

const struct sim_plant sim_plants[] = {
    {"day", INVARIANT_I1, "a payment is moved to another day",
     "update payment set value_on = value_on + 1 where payment_id = " ONE_PAYMENT},
    {"credit", INVARIANT_I1, "an allocation gives one unit more than was paid",
     "update allocation set credit_minor = credit_minor + 1 where payment_id = " ONE_PAYMENT},
    {"suspense", INVARIANT_I2, "money stands in suspense that no ledger line brought",
     "insert into suspense_state (agency_id, item_id, state, amount_minor, currency, value_on, value_us) select agency_id, "
     "team_id, 2, 5000, 'IDR', '2026-01-01', 0 from team"},
    {"line", INVARIANT_I3, "a ledger line is one unit larger",
     "update ledger_line set amount_minor = amount_minor + 1 where ledger_account = 5 and posting_id = (select "
     "min(posting_id::text)::uuid from ledger_line where ledger_account = 5)"},
    {"balance", INVARIANT_I3, "an account owes one unit more than its lines say",
     "update account_state set principal_minor = principal_minor + 1 where account_id = (select account_id from "
     "account_state order by account_id limit 1)"},
    {"ack", INVARIANT_I4, "an acknowledged entry is gone", "delete from journal_key where entry_id = " ONE_RECEIPT},
    {"ack-bytes", INVARIANT_I4, "an acknowledgement is another one than the phone got",
     "update journal_key set ack = decode('00', 'hex') where entry_id = " ONE_RECEIPT},
    {"bytes", INVARIANT_I4, "an entry is kept with other bytes",
     "update journal_body set body = decode('00', 'hex') where entry_hash = (select entry_hash from journal_key where "
     "owns_id and entry_id = " ONE_RECEIPT ")"},
    {"twice", INVARIANT_I5, "a second receipt of the same place pays",
     "update journal_key set seq = (select seq from journal_key where owns_id and entry_id = " ONE_PAYMENT "), "
     "epoch = (select epoch from journal_key where owns_id and entry_id = " ONE_PAYMENT "), "
     "device_id = (select device_id from journal_key where owns_id and entry_id = " ONE_PAYMENT "), owns_seq = false "
     "where owns_id and entry_id = (select payment_id from payment where source = 1 and payment_id <> " ONE_PAYMENT
     " order by payment_id desc limit 1)"},
    {"honest", INVARIANT_I6, "honest money ends in quarantine",
     "insert into entry_event (agency_id, entry_hash, n, at_us, fate, flags) select agency_id, entry_hash, 999, 0, 4, 0 "
     "from journal_key where owns_id and entry_id = " ONE_RECEIPT},
    {"fact", INVARIANT_I7, "a receipt's number is changed after the fact",
     "update receipt set receipt_no = receipt_no + 1 where entry_id = " ONE_RECEIPT},
    {"prev-hash", INVARIANT_I8, "an entry's link to the one before is another",
     "update journal_key set prev_hash = entry_hash where entry_id = " ONE_RECEIPT},
    {"digest", INVARIANT_I8, "a posting's digest is another",
     "update posting set digest = decode('00', 'hex') where posting_id = " ONE_PAYMENT},
    {"row", INVARIANT_I8, "a row under a posting's digest is changed",
     "update payment set received_us = received_us + 1 where payment_id = " ONE_PAYMENT},
    {"bonus-chain", INVARIANT_I8, "a bonus line's hash is another",
     "update bonus_line set hash = prev_hash where line_id = (select line_id from bonus_line order by line_id limit 1)"},
    {"contiguous", INVARIANT_I8, "a chain is said to be complete beyond its gap",
     "update device_epoch set contiguous_seq = contiguous_seq + 1"},
    {"bonus", INVARIANT_I9, "a bonus line is one unit larger",
     "update bonus_line set amount_minor = amount_minor + 1 where line_id = (select line_id from bonus_line order by "
     "line_id limit 1)"},
    {"bucket", INVARIANT_I9, "a bonus line is of another bucket",
     "update bonus_line set bucket = 7 - bucket where line_id = (select line_id from bonus_line order by line_id limit 1)"},
    {"bag", INVARIANT_I10, "a collector holds one unit more than his lines say",
     "update collector_state set cash_held_minor = cash_held_minor + 1"},
    {"month", INVARIANT_I10, "a month brought in one unit more than its lines say",
     "update collector_month set mtd_minor = mtd_minor + 1"},
    {"total", INVARIANT_I10, "a chain's running total is another than the phone's",
     "update device_total set cum_total_minor = cum_total_minor + 1 where seq > 0"},
    {"silence", INVARIANT_I12, "the server answers nobody", NULL},
    {"luck", INVARIANT_DIGEST, "something is drawn that the seed does not know", NULL},
};
const size_t sim_plant_count = sizeof sim_plants / sizeof sim_plants[0];

bool sim_plant_is(const struct world *world, const char *name) {
    return world->options->plant && strcmp(world->options->plant, name) == 0;
}

void sim_plant(struct world *world) {
    for (size_t i = 0; i < sim_plant_count; i++) {
        if (sim_plants[i].sql && sim_plant_is(world, sim_plants[i].name))
            model_tamper(world->model, "%s", sim_plants[i].sql);
    }
}
