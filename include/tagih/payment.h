/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payment is called: its source, tender and tag, why it is reversed, and which ledger account its money stands
 * on. Numbers are stored and signed: append, never renumber.
 */
#ifndef TAGIH_PAYMENT_H
#define TAGIH_PAYMENT_H

#include "tagih/err.h"
#include "tagih/ledger.h"

/** Who brought the money. FIELD is a receipt of the field journal; the rest is no entry. */
enum payment_source {
    SOURCE_FIELD = 1,
    SOURCE_GATEWAY,
    SOURCE_BRANCH,
    SOURCE_LAWYER,
    SOURCE_BANK,           /* a bank line that matched no receipt */
    SOURCE_AUCTION,        /* proceeds of a sale (J26) */
    SOURCE_ENFORCEMENT,    /* an execution office */
    SOURCE_COLLATERAL,     /* other proceeds of collateral */
    SOURCE_GUARANTEE_FUND, /* a guarantor who pays by contract */
    SOURCE_INSURANCE,
    SOURCE_SUSPENSE,       /* money of a payment that was taken back, posted again out of suspense (R-PAY-2d) */
    SOURCE_END
};

/** How it was handed over (R-REC-1). Other sources than FIELD have none. */
enum tender { TENDER_NONE, TENDER_CASH, TENDER_TRANSFER, TENDER_QR, TENDER_CHEQUE, TENDER_END };

/** The primary tag (R-TAG-1). */
enum payment_tag {
    TAG_FIELD_CASH = 1,
    TAG_FIELD_TRANSFER,
    TAG_BRANCH,
    TAG_GATEWAY,
    TAG_LAWYER,
    TAG_ENFORCEMENT,
    TAG_COLLATERAL,
    TAG_GUARANTEE_FUND,
    TAG_INSURANCE,
    TAG_AUCTION,
    TAG_WRITTEN_OFF_RECOVERY,
    TAG_END
};

/** Why a payment is taken back (R-PAY-4). */
enum reversal_reason {
    REVERSAL_VOID = 1,
    REVERSAL_MISPOST,
    REVERSAL_BOUNCE,
    REVERSAL_BANK_RECALL,
    REVERSAL_NEVER_RECEIVED,
    REVERSAL_END
};

/** Stable names, such as "FIELD_CASH"; "unknown" outside the list. Never NULL. */
const char *payment_source_name(enum payment_source source);
const char *payment_tag_name(enum payment_tag tag);
const char *tender_name(enum tender tender);
const char *reversal_reason_name(enum reversal_reason reason);

/** May a call or a file bring a payment of it? Not FIELD (receipts), BANK (statements), AUCTION (a
 *  sale) or SUSPENSE (our own). Pure. */
bool payment_source_is_brought(enum payment_source source);

/** Is it money that a receipt brought: FIELD_CASH or FIELD_TRANSFER? Pure. */
bool payment_tag_is_field(enum payment_tag tag);

/** Does a payment with this tag fill promises? All but COLLATERAL, AUCTION, GUARANTEE_FUND, INSURANCE (R-PTP-2). */
bool payment_tag_fills_promise(enum payment_tag tag);

/** The tag of a receipt follows its tender (R-TAG-1): CASH, CHEQUE → FIELD_CASH; TRANSFER, QR → FIELD_TRANSFER. */
enum payment_tag payment_tag_of_tender(enum tender tender);

/** The tag of a payment whose sender names none: its source's own (R-TAG-1a); of a receipt that of its tender. Pure. */
enum payment_tag payment_tag_of_source(enum payment_source source, enum tender tender);

/**
 * Does a tag that a sender gave fit his payment (R-TAG-1a)? His source's own does, and on any source but FIELD and
 * AUCTION those that say why the money came, whichever way it came: LAWYER, ENFORCEMENT, COLLATERAL, GUARANTEE_FUND,
 * INSURANCE, WRITTEN_OFF_RECOVERY.
 *
 * @return OK · PAYMENT_TAG. Pure.
 */
TAGIH_MUST_USE tagih_err payment_tag_check(enum payment_source source, enum tender tender, enum payment_tag tag);

/** May a payment of this source get this tag? @return OK · PAYMENT_RETAG a non-receipt into FIELD_* (R-TAG-1). */
TAGIH_MUST_USE tagih_err payment_retag_check(enum payment_source source, enum payment_tag tag);

/**
 * The ledger account that a payment debits.
 *
 * FIELD: CASH → cash held of the collector (R-CSH-1), CHEQUE → his cheques in hand, TRANSFER and QR → transfer
 * clearing (R-PAY-5). AUCTION → sale proceeds (J26). Everything else → transfer clearing until its bank line (J31).
 *
 * @param collector whose cash it becomes; unused where the account has no owner
 */
struct ledger_side payment_money_side(enum payment_source source, enum tender tender, uuid collector);

/**
 * May a payment be taken back for this reason? Each reason names money that can go that way (R-PAY-4): VOID is of a
 * receipt; BOUNCE of a cheque; BANK_RECALL and NEVER_RECEIVED of money that came, or should have come, through the
 * bank, so neither cash nor cheque; MISPOST of any.
 *
 * @return OK · PAYMENT_REVERSAL_REASON. Pure.
 */
TAGIH_MUST_USE tagih_err payment_reversal_check(enum reversal_reason reason, enum payment_source source, enum tender tender);

/**
 * The ledger account that a reversal credits (R-PAY-4). Proceeds of a sale go back to the sale, whatever the reason (R-RPO-7b).
 *
 * @param debited the side that the payment debited when it was posted (quarantine for a released one)
 * @param settled is the receipt in a DECLARED or later settlement?
 */
struct ledger_side payment_reversal_side(enum reversal_reason reason, bool settled, struct ledger_side debited);

#endif
