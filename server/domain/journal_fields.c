/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a journal entry: one table a kind, in the order of the wire. Keys, types and meaning of what
 * stands here can never change; a new field is a new key, optional, at the end. Ranges are wide on purpose:
 * what decodes can be judged, what does not is lost to the debtor (R-JRN-5, R-JRN-8).
 */
#include "domain/journal_fields.h"

#include "tagih/journal.h"

#define RECORD struct journal_fix
static const struct field fix_fields[] = {
    {1, FIELD_INT, "lat_e7", MEMBER(lat_e7), ANY_E7},
    {2, FIELD_INT, "lon_e7", MEMBER(lon_e7), ANY_E7},
    {3, FIELD_UINT, "accuracy_mm", MEMBER(accuracy_mm), RANGE(0, UINT32_MAX)},
    {4, FIELD_INT, "at_us", MEMBER(at), ANY_TIME},
    {5, FIELD_INT, "mono_us", MEMBER(mono_us), ANY_TIME, IF(mono_us)},
    {6, FIELD_UINT, "provider", MEMBER(provider), ANY_CODE, IF(provider)},
    {7, FIELD_BOOL, "mock", MEMBER(mock)},
    {8, FIELD_UINT, "speed_mm_s", MEMBER(speed_mm_s), RANGE(0, UINT32_MAX), IF(speed_mm_s)},
    {9, FIELD_INT, "altitude_mm", MEMBER(altitude_mm), ANY_E7, IF(altitude_mm)},
};
SCHEMA(journal_fix_schema, "fix", fix_fields);
#undef RECORD

#define RECORD struct journal_split
static const struct field split_fields[] = {
    {1, FIELD_INT, "fees_minor", MEMBER(fees_minor), ANY_INT},
    {2, FIELD_INT, "penalty_minor", MEMBER(penalty_minor), ANY_INT},
    {3, FIELD_INT, "interest_minor", MEMBER(interest_minor), ANY_INT},
    {4, FIELD_INT, "principal_minor", MEMBER(principal_minor), ANY_INT},
    {5, FIELD_INT, "credit_minor", MEMBER(credit_minor), ANY_INT},
};
SCHEMA(journal_split_schema, "split", split_fields);
#undef RECORD

/* Keys 1–4 of every kind that moves a running total (R-JRN-3). */
/* clang-format off */
#define MONEY_FIELDS                                                          \
    {1, FIELD_INT, "amount_minor", MEMBER(money.amount_minor), ANY_INT},      \
    {2, FIELD_CURRENCY, "currency", MEMBER(money.currency)},                  \
    {3, FIELD_UINT, "cum_count", MEMBER(money.cum_count), ANY_COUNT},         \
    {4, FIELD_INT, "cum_total_minor", MEMBER(money.cum_total_minor), ANY_INT}
/* clang-format on */

#define RECORD struct journal_receipt
static const struct field receipt_fields[] = {
    MONEY_FIELDS,
    {5, FIELD_FIXED, "account_id", MEMBER(account)},
    {6, FIELD_UINT, "payer", MEMBER(payer), ANY_CODE},
    {7, FIELD_TEXT, "payer_name", MEMBER(payer_name), IF(payer_name)},
    {8, FIELD_TEXT, "payer_relation", MEMBER(payer_relation), IF(payer_relation)},
    {9, FIELD_UINT, "tender", MEMBER(tender), ANY_CODE},
    {10, FIELD_TEXT, "tender_reference", MEMBER(tender_reference), IF(tender_reference)},
    {11, FIELD_UINT, "tag", MEMBER(tag), ANY_CODE},
    {12, FIELD_FIXED, "visit_id", MEMBER(visit), IF(visit)},
    {13, FIELD_MAP, "position", MEMBER(position), IF(position), .sub = &journal_fix_schema},
    {14, FIELD_INT, "receipt_no", MEMBER(receipt_no), ANY_COUNT},
    {15, FIELD_MAP, "split", MEMBER(split), IF(split), .sub = &journal_split_schema},
};
static SCHEMA(receipt_schema, "receipt", receipt_fields);
#undef RECORD

#define RECORD struct journal_void
static const struct field void_fields[] = {
    MONEY_FIELDS,
    {5, FIELD_FIXED, "receipt_id", MEMBER(receipt)},
    {6, FIELD_FIXED, "receipt_hash", MEMBER(receipt_hash)},
    {7, FIELD_UINT, "reason_code", MEMBER(reason_code), ANY_CODE},
    {8, FIELD_TEXT, "reason", MEMBER(reason), IF(reason)},
    {9, FIELD_FIXED, "slip_photo", MEMBER(slip_photo), IF(slip_photo)},
    {10, FIELD_FIXED, "signature", MEMBER(signature), IF(signature)},
    {11, FIELD_INT, "left_visit_us", MEMBER(left_visit), ANY_TIME, IF(left_visit)},
};
static SCHEMA(void_schema, "void", void_fields);
#undef RECORD

#define RECORD struct journal_check_in
static const struct field check_in_fields[] = {
    {1, FIELD_FIXED, "visit_id", MEMBER(visit)},
    {2, FIELD_UINT, "purpose", MEMBER(purpose), ANY_CODE},
    {3, FIELD_INT, "tapped_us", MEMBER(tapped), ANY_TIME},
    {4, FIELD_INT, "tapped_mono_us", MEMBER(tapped_mono_us), ANY_TIME},
    {5, FIELD_MAPS, "fixes", ELEMENT(fixes, fix_count), .min = 1, .sub = &journal_fix_schema},
};
static SCHEMA(check_in_schema, "check-in", check_in_fields);
#undef RECORD

#define RECORD struct journal_visit_outcome
static const struct field outcome_fields[] = {
    {1, FIELD_FIXED, "visit_id", MEMBER(visit)},
    {2, FIELD_UINT, "visit_version", MEMBER(visit_version), RANGE(0, UINT32_MAX)},
    {3, FIELD_UINT, "outcome", MEMBER(outcome), ANY_CODE},
    {4, FIELD_UINT, "list_version", MEMBER(list_version), RANGE(0, UINT32_MAX)},
    {5, FIELD_TEXT, "note", MEMBER(note), IF(note)},
    {6, FIELD_UINT, "next_action", MEMBER(next_action), ANY_CODE, IF(next_action)},
    {7, FIELD_INT, "next_on_days", MEMBER(next_on), ANY_E7, IF(next_on)},
    {8, FIELD_TEXT, "contact", MEMBER(contact), IF(contact)},
    {9, FIELD_FIXED, "promise_id", MEMBER(promise), IF(promise)},
    {10, FIELD_FIXED, "receipt_id", MEMBER(receipt), IF(receipt)},
    {11, FIELD_FIXEDS, "photos", ELEMENT(photos, photo_count)},
};
static SCHEMA(outcome_schema, "visit-outcome", outcome_fields);
#undef RECORD

#define RECORD struct journal_promise
static const struct field promise_fields[] = {
    {1, FIELD_FIXED, "account_id", MEMBER(account)},
    {2, FIELD_INT, "amount_minor", MEMBER(amount_minor), ANY_INT},
    {3, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {4, FIELD_INT, "due_on_days", MEMBER(due_on), ANY_E7},
    {5, FIELD_UINT, "promiser", MEMBER(promiser), ANY_CODE},
    {6, FIELD_TEXT, "promiser_name", MEMBER(promiser_name), IF(promiser_name)},
    {7, FIELD_UINT, "channel", MEMBER(channel), ANY_CODE},
    {8, FIELD_FIXED, "visit_id", MEMBER(visit), IF(visit)},
    {9, FIELD_MAP, "position", MEMBER(position), IF(position), .sub = &journal_fix_schema},
    {10, FIELD_TEXT, "note", MEMBER(note), IF(note)},
};
static SCHEMA(promise_schema, "promise", promise_fields);
#undef RECORD

#define RECORD struct journal_deposit
static const struct field deposit_fields[] = {
    {1, FIELD_INT, "amount_minor", MEMBER(amount_minor), ANY_INT},
    {2, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {3, FIELD_TEXT, "bank_reference", MEMBER(bank_reference)},
    {4, FIELD_TEXT, "bank_name", MEMBER(bank_name), IF(bank_name)},
    {5, FIELD_FIXED, "slip_photo", MEMBER(slip_photo), IF(slip_photo)},
    {6, FIELD_MAP, "position", MEMBER(position), IF(position), .sub = &journal_fix_schema},
};
static SCHEMA(deposit_schema, "deposit", deposit_fields);
#undef RECORD

#define RECORD struct journal_day_currency
static const struct field day_currency_fields[] = {
    {1, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {2, FIELD_UINT, "cum_count", MEMBER(cum_count), ANY_COUNT},
    {3, FIELD_INT, "cum_total_minor", MEMBER(cum_total_minor), ANY_INT},
    {4, FIELD_UINT, "receipt_count", MEMBER(receipt_count), ANY_COUNT},
    {5, FIELD_UINT, "void_count", MEMBER(void_count), ANY_COUNT},
    {6, FIELD_INT, "void_total_minor", MEMBER(void_total_minor), ANY_INT},
    {7, FIELD_INT, "cash_to_hand_over_minor", MEMBER(cash_to_hand_over_minor), ANY_INT},
};
SCHEMA(journal_day_currency_schema, "day-currency", day_currency_fields);
#undef RECORD

#define RECORD struct journal_day_tender
static const struct field day_tender_fields[] = {
    {1, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {2, FIELD_UINT, "tender", MEMBER(tender), ANY_CODE},
    {3, FIELD_UINT, "count", MEMBER(count), ANY_COUNT},
    {4, FIELD_INT, "total_minor", MEMBER(total_minor), ANY_INT},
};
SCHEMA(journal_day_tender_schema, "day-tender", day_tender_fields);
#undef RECORD

#define RECORD struct journal_day_note
static const struct field day_note_fields[] = {
    {1, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {2, FIELD_INT, "value_minor", MEMBER(value_minor), ANY_COUNT},
    {3, FIELD_INT, "pieces", MEMBER(pieces), ANY_COUNT},
};
SCHEMA(journal_day_note_schema, "day-note", day_note_fields);
#undef RECORD

#define RECORD struct journal_day_close
static const struct field day_close_fields[] = {
    {1, FIELD_INT, "first_seq", MEMBER(first_seq), RANGE(1, INT64_MAX)},
    {2, FIELD_INT, "last_seq", MEMBER(last_seq), ANY_COUNT},
    {3, FIELD_MAPS, "currencies", ELEMENT(currencies, currency_count), .sub = &journal_day_currency_schema},
    {4, FIELD_MAPS, "tenders", ELEMENT(tenders, tender_count), .sub = &journal_day_tender_schema},
    {5, FIELD_MAPS, "notes", ELEMENT(notes, note_count), .optional = true, .min = 1,
     .sub = &journal_day_note_schema},
};
static SCHEMA(day_close_schema, "day-close", day_close_fields);
#undef RECORD

#define RECORD struct journal_reprint
static const struct field reprint_fields[] = {
    {1, FIELD_FIXED, "receipt_id", MEMBER(receipt)},
    {2, FIELD_FIXED, "receipt_hash", MEMBER(receipt_hash)},
    {3, FIELD_UINT, "copy_no", MEMBER(copy_no), RANGE(1, UINT32_MAX)},
    {4, FIELD_TEXT, "reason", MEMBER(reason), IF(reason)},
};
static SCHEMA(reprint_schema, "reprint", reprint_fields);
#undef RECORD

#define RECORD struct journal_receipt_number_lost
static const struct field number_lost_fields[] = {
    {1, FIELD_INT, "first_no", MEMBER(first_no), ANY_COUNT},
    {2, FIELD_INT, "last_no", MEMBER(last_no), ANY_COUNT},
    {3, FIELD_BOOL, "returned", MEMBER(returned)},
    {4, FIELD_TEXT, "reason", MEMBER(reason), IF(reason)},
};
static SCHEMA(number_lost_schema, "receipt-number-lost", number_lost_fields);
#undef RECORD

#define RECORD struct journal_key_rotation
static const struct field rotation_fields[] = {
    {1, FIELD_FIXED, "new_key", MEMBER(new_key)},
    {2, FIELD_UINT, "new_epoch", MEMBER(new_epoch), RANGE(1, UINT32_MAX)},
};
static SCHEMA(rotation_schema, "key-rotation", rotation_fields);
#undef RECORD

#define RECORD struct journal_handover
static const struct field handover_fields[] = {
    {1, FIELD_FIXED, "handover_id", MEMBER(handover)},
    {2, FIELD_UINT, "side", MEMBER(side), ANY_CODE},
    {3, FIELD_FIXED, "counterpart_id", MEMBER(counterpart)},
    {4, FIELD_INT, "amount_minor", MEMBER(amount_minor), ANY_INT},
    {5, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {6, FIELD_TEXT, "note", MEMBER(note), IF(note)},
    {7, FIELD_MAP, "position", MEMBER(position), IF(position), .sub = &journal_fix_schema},
};
static SCHEMA(handover_schema, "handover", handover_fields);
#undef RECORD

#define RECORD struct journal_incident
static const struct field incident_fields[] = {
    {1, FIELD_UINT, "what", MEMBER(what), ANY_CODE},
    {2, FIELD_INT, "amount_minor", MEMBER(amount_minor), ANY_INT},
    {3, FIELD_CURRENCY, "currency", MEMBER(currency)},
    {4, FIELD_TEXT, "report", MEMBER(report)},
    {5, FIELD_TEXT, "police_reference", MEMBER(police_reference), IF(police_reference)},
    {6, FIELD_FIXEDS, "photos", ELEMENT(photos, photo_count)},
    {7, FIELD_MAP, "position", MEMBER(position), IF(position), .sub = &journal_fix_schema},
};
static SCHEMA(incident_schema, "incident", incident_fields);
#undef RECORD

const struct schema *journal_body_schema(uint16_t kind) {
    switch (kind) {
        case JOURNAL_RECEIPT:
            return &receipt_schema;
        case JOURNAL_VOID:
            return &void_schema;
        case JOURNAL_CHECK_IN:
            return &check_in_schema;
        case JOURNAL_VISIT_OUTCOME:
            return &outcome_schema;
        case JOURNAL_PROMISE:
            return &promise_schema;
        case JOURNAL_DEPOSIT:
            return &deposit_schema;
        case JOURNAL_DAY_CLOSE:
            return &day_close_schema;
        case JOURNAL_REPRINT:
            return &reprint_schema;
        case JOURNAL_RECEIPT_NUMBER_LOST:
            return &number_lost_schema;
        case JOURNAL_KEY_ROTATION:
            return &rotation_schema;
        case JOURNAL_HANDOVER:
            return &handover_schema;
        case JOURNAL_INCIDENT:
            return &incident_schema;
        default:
            return NULL;
    }
}

static const struct schema *choose_body(const void *record) {
    return journal_body_schema(((const struct journal_entry *)record)->kind);
}

#define RECORD struct journal_entry
static const struct field entry_fields[] = {
    {1, FIELD_UINT, "kind", MEMBER(kind), ANY_CODE},
    {2, FIELD_FIXED, "device_id", MEMBER(device)},
    {3, FIELD_UINT, "epoch", MEMBER(epoch), RANGE(1, INT32_MAX)},
    {4, FIELD_INT, "seq", MEMBER(seq), RANGE(1, INT64_MAX)},
    {5, FIELD_FIXED, "prev_hash", MEMBER(prev_hash)},
    {6, FIELD_FIXED, "entry_id", MEMBER(id)},
    {7, FIELD_INT, "device_us", MEMBER(device_time), ANY_TIME},
    {8, FIELD_INT, "mono_us", MEMBER(mono_us), ANY_TIME},
    {9, FIELD_FIXED, "boot_id", MEMBER(boot_id)},
    {10, FIELD_FIXED, "shift_id", MEMBER(shift), IF(shift)},
    {11, FIELD_INT, "server_us", MEMBER(server_time), ANY_TIME, IF(server_time)},
    {12, FIELD_INT, "server_mono_us", MEMBER(server_mono_us), ANY_TIME, IF(server_mono_us)},
    {13, FIELD_FIXED, "server_boot_id", MEMBER(server_boot), IF(server_boot)},
    {14, FIELD_FIXED, "log_head", MEMBER(log_head), IF(log_head)},
    {16, FIELD_MAP, "body", MEMBER(body)},
};
const struct schema journal_entry_schema = {
    .name = "journal-entry",
    .fields = entry_fields,
    .count = sizeof entry_fields / sizeof entry_fields[0],
    .record_size = sizeof(RECORD),
    .choose = choose_body,
};
#undef RECORD
