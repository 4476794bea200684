/* SPDX-License-Identifier: Apache-2.0 */
/* Two tab-separated files with a head line each. Bytes are hexadecimal. */
#include "tests/sim/summary.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const origins[ORIGIN_COUNT] = {"genuine", "clone", "flipped"};

static FILE *create(const char *folder, const char *name) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "we");
}

static void write_record(FILE *file, const struct phone *phone, const struct record *record) {
    char device[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE], hash[65], ack[2 * PHONE_ACK_MAX + 1];
    uuid_format(phone->device.u, device);
    uuid_format(record->id.u, id);
    bytes_hex(BYTES_OF(&record->hash), hash);
    bytes_hex(bytes_make(record->ack, record->ack_len), ack);
    const char *kind = journal_kind_name(record->kind);
    fprintf(file, "%s\t%s\t%u\t%" PRId64 "\t%s\t%s\t%s\t%" PRId64 "\t%u\t%u\t%d\t%s\n", origins[record->origin], device,
            phone->epoch, record->seq, id, hash, kind ? kind : "?", record->amount_minor, record->tender, record->fate,
            record->deleted, ack);
}

static bool write_entries(const char *folder, const struct collector *collectors, size_t count) {
    FILE *file = create(folder, "entries.tsv");
    if (!file) return false;
    fputs("origin\tdevice_id\tepoch\tseq\tentry_id\thash\tkind\tamount_minor\ttender\tfate\tdeleted\tack\n", file);
    for (size_t i = 0; i < count; i++) {
        const struct phone *phone = &collectors[i].phone;
        for (size_t k = 0; k < phone->record_count; k++) write_record(file, phone, &phone->records[k]);
        for (size_t k = 0; k < phone->extra_count; k++) write_record(file, phone, &phone->extras[k]);
    }
    return fclose(file) == 0;
}

struct column {
    const char *name;
    int64_t value;
};

/* @return how many columns */
static size_t columns_of(const struct collector *collector, struct column *out) {
    const struct phone *phone = &collector->phone;
    const struct figures *figures = &collector->figures;
    const struct column all[] = {
        {"number", collector->number},
        {"stops", (int64_t)collector->stop_count},
        {"entries", (int64_t)phone->record_count},
        {"contiguous_seq", phone->contiguous_seq},
        {"skew_us", phone->skew_us},
        {"check_ins", (int64_t)figures->check_ins},
        {"online_check_ins", (int64_t)figures->online_check_ins},
        {"outcomes", (int64_t)figures->outcomes},
        {"promises", (int64_t)figures->promises},
        {"deposits", (int64_t)figures->deposits},
        {"cash_receipts", (int64_t)figures->receipts[JOURNAL_TENDER_CASH]},
        {"cash_receipt_minor", figures->receipt_minor[JOURNAL_TENDER_CASH]},
        {"transfer_receipts", (int64_t)figures->receipts[JOURNAL_TENDER_TRANSFER]},
        {"transfer_receipt_minor", figures->receipt_minor[JOURNAL_TENDER_TRANSFER]},
        {"qr_receipts", (int64_t)figures->receipts[JOURNAL_TENDER_QR]},
        {"qr_receipt_minor", figures->receipt_minor[JOURNAL_TENDER_QR]},
        {"cheque_receipts", (int64_t)figures->receipts[JOURNAL_TENDER_CHEQUE]},
        {"cheque_receipt_minor", figures->receipt_minor[JOURNAL_TENDER_CHEQUE]},
        {"cash_void_minor", figures->void_minor[JOURNAL_TENDER_CASH]},
        {"other_void_minor", figures->void_minor[JOURNAL_TENDER_TRANSFER] + figures->void_minor[JOURNAL_TENDER_QR] +
                                  figures->void_minor[JOURNAL_TENDER_CHEQUE]},
        {"voids", (int64_t)(figures->voids[JOURNAL_TENDER_CASH] + figures->voids[JOURNAL_TENDER_TRANSFER] +
                            figures->voids[JOURNAL_TENDER_QR] + figures->voids[JOURNAL_TENDER_CHEQUE])},
        {"late_voids", (int64_t)figures->late_voids},
        {"repeated_voids", (int64_t)figures->repeated_voids},
        {"cash_minor", figures->cash_minor},
        {"deposit_minor", figures->deposit_minor},
        {"cum_count", (int64_t)phone->cum_count},
        {"cum_total_minor", phone->cum_total_minor},
        {"proofs_new", (int64_t)phone->proofs[PROOF_NEW]},
        {"proofs_same", (int64_t)phone->proofs[PROOF_SAME]},
        {"proofs_bad", (int64_t)(phone->proofs[PROOF_UNREADABLE] + phone->proofs[PROOF_SIGNATURE] +
                                 phone->proofs[PROOF_OTHER] + phone->proofs[PROOF_CHANGED])},
        {"batches", (int64_t)collector->batches},
        {"lost_replies", (int64_t)collector->lost_replies},
        {"repeats", (int64_t)collector->repeats},
        {"pairs", (int64_t)collector->pairs},
        {"shuffles", (int64_t)collector->shuffles},
        {"fate_changes", (int64_t)collector->fate_changes},
    };
    size_t n = sizeof all / sizeof *all;
    for (size_t i = 0; i < n; i++) out[i] = all[i];
    return n;
}

static bool write_phones(const char *folder, const struct collector *collectors, size_t count) {
    FILE *file = create(folder, "phones.tsv");
    if (!file) return false;
    struct column columns[64];
    for (size_t i = 0; i < count; i++) {
        size_t n = columns_of(&collectors[i], columns);
        if (i == 0) {
            fputs("login\tuser_id\tdevice_id", file);
            for (size_t k = 0; k < n; k++) fprintf(file, "\t%s", columns[k].name);
            fputs("\ttrouble\n", file);
        }
        char device[UUID_TEXT_SIZE];
        uuid_format(collectors[i].phone.device.u, device);
        fprintf(file, "%s\t%s\t%s", collectors[i].login, collectors[i].user_id, device);
        for (size_t k = 0; k < n; k++) fprintf(file, "\t%" PRId64, columns[k].value);
        fprintf(file, "\t%s\n", collectors[i].trouble);
    }
    return fclose(file) == 0;
}

bool summary_write(const char *folder, const struct collector *collectors, size_t count) {
    return write_entries(folder, collectors, count) && write_phones(folder, collectors, count);
}
