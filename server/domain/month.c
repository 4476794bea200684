/* SPDX-License-Identifier: Apache-2.0 */
/* When a month may be closed (R-CLS-1). */
#include "domain/month.h"

#include "domain/gate.h"

civil_date month_next(civil_date date) {
    return date_month((civil_date){date_month(date).days + 31});
}

civil_date month_last(civil_date date) {
    return (civil_date){month_next(date).days - 1};
}

bool date_is_working(civil_date on) {
    if (date_weekday(on) >= 5) return false;
    int year, month, day;
    date_split(on, &year, &month, &day);
    const struct gate_pack *pack = gate_pack_find("id-pojk22");
    for (const struct gate_holiday *each = pack->holidays; each->month; each++) {
        if (each->month == month && each->day == day) return false;
    }
    return true;
}

civil_date month_close_from(civil_date month, int working_day) {
    civil_date day = month_next(month);
    for (int n = date_is_working(day); n < working_day; n += date_is_working(day)) day.days++;
    return day;
}

tagih_err month_close_check(civil_date month, const struct month_books *books) {
    if (books->any_closed && month.days <= books->closed.days) return FAIL(MONTH_CLOSED);
    if (books->any_closed && month.days != month_next(books->closed).days) return FAIL(MONTH_ORDER);
    bool leaves_some = !books->any_closed && books->any_posting && date_month(books->first).days < month.days;
    if (leaves_some) return FAIL(MONTH_ORDER);
    if (books->today.days < month_close_from(month, MONTH_CLOSE_WORKING_DAY).days) return FAIL(MONTH_EARLY);
    return TAGIH_OK;
}
