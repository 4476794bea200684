/* SPDX-License-Identifier: Apache-2.0 */
/* Months for specs. */
#include "tests/support/months.h"

#include "server/run/clock.h"
#include "tests/support/case.h"

#define JAKARTA_US (7 * INT64_C(3600000000))

int32_t months_today(void) {
    return (int32_t)((clock_now().us + JAKARTA_US) / US_PER_DAY);
}

civil_date months_closable(void) {
    civil_date month = date_month((civil_date){date_month((civil_date){months_today()}).days - 1});
    bool early = month_close_from(month, MONTH_CLOSE_WORKING_DAY).days > months_today();
    return early ? date_month((civil_date){month.days - 1}) : month;
}

int months_near_end(int before) {
    return month_last(months_closable()).days - before - months_today();
}

int months_before_start(int before) {
    return months_closable().days - before - months_today();
}

const char *months_text(civil_date month) {
    static char texts[8][DATE_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 8];
    date_format(month, text);
    text[7] = 0;
    return text;
}

struct rig_answer months_propose(struct teller *teller, user_id maker, const char *month) {
    Tagih__V1__ProposeCloseRequest request = TAGIH__V1__PROPOSE_CLOSE_REQUEST__INIT;
    request.month = TEXT(month);
    request.reason = TEXT("all is counted");
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(teller->rig, rig_staff_token(teller->rig, teller->agency, maker, 0), "MonthService/ProposeClose", &request);
}

struct rig_answer months_decide(struct teller *teller, user_id by, const char *proposal_id) {
    Tagih__V1__GetProposalRequest get = TAGIH__V1__GET_PROPOSAL_REQUEST__INIT;
    get.proposal_id = TEXT(proposal_id);
    const char *token = rig_staff_token(teller->rig, teller->agency, by, 0);
    struct rig_answer answer = rig_call(teller->rig, token, "ApprovalService/GetProposal", &get);
    assert_answer(answer, OK);
    Tagih__V1__DecideProposalRequest request = TAGIH__V1__DECIDE_PROPOSAL_REQUEST__INIT;
    request.proposal_id = TEXT(proposal_id);
    request.approve = true;
    request.reason = TEXT("seen");
    request.etag = ((const Tagih__V1__GetProposalResponse *)answer.response)->proposal->etag;
    request.request_id = TEXT(rig_text(rig_id()));
    return rig_call(teller->rig, token, "ApprovalService/DecideProposal", &request);
}

void months_close(struct teller *teller, user_id second, civil_date month) {
    struct rig_answer answer = months_propose(teller, teller->supervisor, months_text(month));
    assert_answer(answer, OK);
    assert_answer(months_decide(teller, second, ((const Tagih__V1__ProposeCloseResponse *)answer.response)->proposal_id), OK);
}

static civil_date first_open(struct teller *teller) {
    char sql[400];
    snprintf(sql, sizeof sql, "select coalesce((select max(month_on) + interval '1 month' from month_close where agency_id = '%%s'),"
                              " min(date_trunc('month', posting_on)))::date - '1970-01-01'::date from posting where agency_id = '%s'",
             rig_text(teller->agency.u));
    return (civil_date){(int32_t)teller_number(teller, sql, teller->agency.u)};
}

void months_close_before(struct teller *teller, user_id second, civil_date month) {
    for (civil_date each = first_open(teller); each.days < month.days; each = month_next(each)) months_close(teller, second, each);
}
