-- What the pulse of a server asks: is the database there and of this schema, and the figures for its operator. Sums over
-- all agencies, by functions that tell nothing else (migrations/0022_figure.sql).

-- name: figure_probe
-- in:   none
-- out:  int4 version
-- why:  a round trip that touches a table: who answers it can serve, and says for which version of Tagih.
select coalesce(max(version), 0) as version from public.schema_migration;

-- name: figure_counts
-- in:   int8 now_us
-- out:  int8 entries_waiting, int8 entries_quarantined, int8 entries_oldest_us, int8 chains_with_gaps, int8 suspense_items, int8 proposals_open, int8 changes_unsettled, int8 unsettled_oldest_us
select f.entries_waiting, f.entries_quarantined, f.entries_oldest_us, f.chains_with_gaps, f.suspense_items, f.proposals_open,
       f.changes_unsettled, f.unsettled_oldest_us
from figure_counts($1) f;

-- name: figure_cash
-- in:   int4 limit_rows
-- out:  text currency, int8 held_minor, int8 aged_minor, int8 aged_collectors, int8 transit_minor, int8 suspense_minor
select f.currency, f.held_minor, f.aged_minor, f.aged_collectors, f.transit_minor, f.suspense_minor
from figure_cash() f
order by f.currency limit $1;
