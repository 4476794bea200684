/* SPDX-License-Identifier: Apache-2.0 */
/* Names of payments and the ledger accounts behind them (R-TAG-1, R-PAY-4, R-PAY-5, R-CSH-1). */
#include "tagih/payment.h"

static const char *const source_names[SOURCE_END] = {
    [SOURCE_FIELD] = "FIELD",   [SOURCE_GATEWAY] = "GATEWAY", [SOURCE_BRANCH] = "BRANCH",
    [SOURCE_LAWYER] = "LAWYER", [SOURCE_BANK] = "BANK",       [SOURCE_AUCTION] = "AUCTION",
    [SOURCE_ENFORCEMENT] = "ENFORCEMENT", [SOURCE_COLLATERAL] = "COLLATERAL",
    [SOURCE_GUARANTEE_FUND] = "GUARANTEE_FUND", [SOURCE_INSURANCE] = "INSURANCE",
    [SOURCE_SUSPENSE] = "SUSPENSE",
};

static const char *const tender_names[TENDER_END] = {
    [TENDER_NONE] = "NONE", [TENDER_CASH] = "CASH",     [TENDER_TRANSFER] = "TRANSFER",
    [TENDER_QR] = "QR",     [TENDER_CHEQUE] = "CHEQUE",
};

static const struct {
    const char *name;
    bool field, fills_promise, any_source;
} tags[TAG_END] = {
    [TAG_FIELD_CASH] = {"FIELD_CASH", true, true, false},
    [TAG_FIELD_TRANSFER] = {"FIELD_TRANSFER", true, true, false},
    [TAG_BRANCH] = {"BRANCH", false, true, false},
    [TAG_GATEWAY] = {"GATEWAY", false, true, false},
    [TAG_LAWYER] = {"LAWYER", false, true, true},
    [TAG_ENFORCEMENT] = {"ENFORCEMENT", false, true, true},
    [TAG_COLLATERAL] = {"COLLATERAL", false, false, true},
    [TAG_GUARANTEE_FUND] = {"GUARANTEE_FUND", false, false, true},
    [TAG_INSURANCE] = {"INSURANCE", false, false, true},
    [TAG_AUCTION] = {"AUCTION", false, false, false},
    [TAG_WRITTEN_OFF_RECOVERY] = {"WRITTEN_OFF_RECOVERY", false, true, true},
};

static const char *const reason_names[REVERSAL_END] = {
    [REVERSAL_VOID] = "VOID",
    [REVERSAL_MISPOST] = "MISPOST",
    [REVERSAL_BOUNCE] = "BOUNCE",
    [REVERSAL_BANK_RECALL] = "BANK_RECALL",
    [REVERSAL_NEVER_RECEIVED] = "NEVER_RECEIVED",
};

static const char *named(const char *name) {
    return name ? name : "unknown";
}

const char *payment_source_name(enum payment_source source) {
    return named((unsigned)source < SOURCE_END ? source_names[source] : NULL);
}

const char *tender_name(enum tender tender) {
    return named((unsigned)tender < TENDER_END ? tender_names[tender] : NULL);
}

const char *payment_tag_name(enum payment_tag tag) {
    return named((unsigned)tag < TAG_END ? tags[tag].name : NULL);
}

const char *reversal_reason_name(enum reversal_reason reason) {
    return named((unsigned)reason < REVERSAL_END ? reason_names[reason] : NULL);
}

bool payment_source_is_brought(enum payment_source source) {
    bool known = source >= SOURCE_FIELD && source < SOURCE_END;
    return known && source != SOURCE_FIELD && source != SOURCE_BANK && source != SOURCE_AUCTION && source != SOURCE_SUSPENSE;
}

bool payment_tag_is_field(enum payment_tag tag) {
    return (unsigned)tag < TAG_END && tags[tag].field;
}

bool payment_tag_fills_promise(enum payment_tag tag) {
    return (unsigned)tag < TAG_END && tags[tag].fills_promise;
}

enum payment_tag payment_tag_of_tender(enum tender tender) {
    return tender == TENDER_TRANSFER || tender == TENDER_QR ? TAG_FIELD_TRANSFER : TAG_FIELD_CASH;
}

enum payment_tag payment_tag_of_source(enum payment_source source, enum tender tender) {
    switch (source) {
        case SOURCE_FIELD: return payment_tag_of_tender(tender);
        case SOURCE_GATEWAY: return TAG_GATEWAY;
        case SOURCE_LAWYER: return TAG_LAWYER;
        case SOURCE_AUCTION: return TAG_AUCTION;
        case SOURCE_ENFORCEMENT: return TAG_ENFORCEMENT;
        case SOURCE_COLLATERAL: return TAG_COLLATERAL;
        case SOURCE_GUARANTEE_FUND: return TAG_GUARANTEE_FUND;
        case SOURCE_INSURANCE: return TAG_INSURANCE;
        case SOURCE_BRANCH:
        case SOURCE_SUSPENSE: /* an item keeps the tag that its payment had */
        case SOURCE_BANK: /* it came to our own bank, as at our own counter */
        case SOURCE_END: break;
    }
    return TAG_BRANCH;
}

tagih_err payment_tag_check(enum payment_source source, enum tender tender, enum payment_tag tag) {
    if (tag == payment_tag_of_source(source, tender)) return TAGIH_OK;
    bool fixed = source == SOURCE_FIELD || source == SOURCE_AUCTION || (unsigned)tag >= TAG_END;
    return !fixed && tags[tag].any_source ? TAGIH_OK : FAIL(PAYMENT_TAG);
}

tagih_err payment_retag_check(enum payment_source source, enum payment_tag tag) {
    return source != SOURCE_FIELD && payment_tag_is_field(tag) ? FAIL(PAYMENT_RETAG) : TAGIH_OK;
}

static struct ledger_side unowned(enum ledger_account account) {
    return (struct ledger_side){.account = account};
}

struct ledger_side payment_money_side(enum payment_source source, enum tender tender, uuid collector) {
    if (source == SOURCE_AUCTION) return unowned(LEDGER_SALE_PROCEEDS);
    if (source != SOURCE_FIELD) return unowned(LEDGER_TRANSFER_CLEARING);
    if (tender == TENDER_CASH) return (struct ledger_side){LEDGER_CASH_HELD, collector};
    if (tender == TENDER_CHEQUE) return (struct ledger_side){LEDGER_CHEQUES_IN_HAND, collector};
    return unowned(LEDGER_TRANSFER_CLEARING);
}

tagih_err payment_reversal_check(enum reversal_reason reason, enum payment_source source, enum tender tender) {
    bool by_hand = source == SOURCE_FIELD && (tender == TENDER_CASH || tender == TENDER_CHEQUE);
    bool cheque = source == SOURCE_FIELD && tender == TENDER_CHEQUE;
    bool fits = false;
    switch (reason) {
        case REVERSAL_VOID: fits = source == SOURCE_FIELD; break;
        case REVERSAL_MISPOST: fits = true; break;
        case REVERSAL_BOUNCE: fits = cheque; break;
        case REVERSAL_BANK_RECALL:
        case REVERSAL_NEVER_RECEIVED: fits = !by_hand; break;
        case REVERSAL_END: break;
    }
    return fits ? TAGIH_OK : FAIL(PAYMENT_REVERSAL_REASON);
}

struct ledger_side payment_reversal_side(enum reversal_reason reason, bool settled, struct ledger_side debited) {
    if (debited.account == LEDGER_SALE_PROCEEDS) return debited; /* they are shared anew (R-RPO-7b) */
    switch (reason) {
        case REVERSAL_VOID:
            return settled ? unowned(LEDGER_SUSPENSE) : debited;
        case REVERSAL_BOUNCE:
            return unowned(LEDGER_CHEQUES_IN_COLLECTION);
        case REVERSAL_BANK_RECALL:
            return unowned(LEDGER_BANK);
        case REVERSAL_NEVER_RECEIVED:
            return unowned(LEDGER_TRANSFER_CLEARING);
        case REVERSAL_MISPOST:
        case REVERSAL_END:
            break;
    }
    return unowned(LEDGER_SUSPENSE); /* where a person must look */
}
