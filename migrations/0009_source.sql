-- Money of other sources: silence, files, gateways, retags and the export (R-PAY-2, R-PAY-5, R-TAG-1, R-OUT-1).

-- Money came for this debt, posted or not: nobody contacts the customer about it up to and with this day.
create table account_silence_state (
    agency_id uuid not null,
    account_id uuid not null,
    until_on date not null,
    primary key (agency_id, account_id)
) with (fillfactor = 70);
call make_state('account_silence_state');
