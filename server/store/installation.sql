-- Which installation this is: part of everything that is signed.

-- name: installation_get
-- in:   none
-- out:  uuid installation_id
select installation_id from installation;
