/* SPDX-License-Identifier: Apache-2.0 */
/* Cash that moves without a receipt: to the bank, from one bag to another, and what turned out to be no money at all. The
 * server takes such an entry only for cash that it has seen come in (R-CSH-2, R-CSH-4). */
#include "tests/sim/field.h"

#define RUPIAH INT64_C(100)
#define FALSE_NOTE_MINOR (100000 * RUPIAH)

void bag_deposit(struct collector *collector) {
    struct figures *figures = &collector->figures;
    int64_t amount_minor = figures->cash_minor / 2 / (1000 * RUPIAH) * (1000 * RUPIAH);
    if (amount_minor <= 0) return;
    struct journal_entry entry = {.kind = JOURNAL_DEPOSIT};
    entry.body.deposit = (struct journal_deposit){.amount_minor = amount_minor, .currency = collector->phone.currency,
                                                  .bank_reference = bytes_text("BCA-0717-4411")};
    phone_write(&collector->phone, &entry);
    figures->deposits++;
    figures->deposit_minor += amount_minor;
    figures->cash_minor -= amount_minor;
}

void bag_counterfeit(struct collector *collector) {
    struct figures *figures = &collector->figures;
    if (figures->cash_minor < FALSE_NOTE_MINOR) return;
    struct journal_entry entry = {.kind = JOURNAL_INCIDENT};
    entry.body.incident = (struct journal_incident){.what = JOURNAL_INCIDENT_COUNTERFEIT, .amount_minor = FALSE_NOTE_MINOR,
                                                    .currency = collector->phone.currency,
                                                    .report = bytes_text("one note of 100 000 failed the lamp at the bank")};
    phone_write(&collector->phone, &entry);
    figures->incidents++;
    figures->cash_minor -= FALSE_NOTE_MINOR;
}

void bag_hand_over(struct collector *collector) {
    const struct meeting *meeting = &collector->meeting;
    bool gives = meeting->side == JOURNAL_HANDOVER_GIVES;
    struct journal_entry entry = {.kind = JOURNAL_HANDOVER};
    entry.body.handover = (struct journal_handover){.handover = meeting->handover, .side = meeting->side,
                                                    .counterpart = meeting->with, .amount_minor = meeting->amount_minor,
                                                    .currency = collector->phone.currency};
    phone_write(&collector->phone, &entry);
    collector->figures.handovers++;
    collector->figures.cash_minor += gives ? -meeting->amount_minor : meeting->amount_minor;
}
