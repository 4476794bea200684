-- Adjustments of accounts (R-PAY-6, R-PAY-8): what their makers look at; the facts themselves are the book's.

-- name: adjustment_account
-- in:   uuid agency_id, uuid account_id
-- out:  text currency, int8 fees_minor, int8 penalty_minor, int8 interest_minor, int8 principal_minor, int8 credit_minor
-- why:  what is open and what is credit now; it is judged again under the account's lock when somebody decides.
select a.currency::text as currency, s.fees_minor, s.penalty_minor, s.interest_minor, s.principal_minor, s.credit_minor
from account a join account_state s on s.agency_id = $1 and s.account_id = a.account_id
where a.agency_id = $1 and a.account_id = $2;
