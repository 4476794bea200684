# SPDX-License-Identifier: Apache-2.0
"""Reading: the database as the role that only reads, what the phones wrote down, and the lists of numbers in C."""
import csv
import io
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
PSQL = next((p for p in (Path("/usr/lib/postgresql/15/bin/psql"), Path("/usr/bin/psql")) if p.exists()), "psql")

# An entry as it stands now: its first fate, unless a later event changed it.
ENTRIES = """
    select k.*, coalesce(e.fate, k.fate) as fate_now, coalesce(e.flags, k.flags) as flags_now
    from journal_key k left join lateral (
        select fate, flags from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash
        order by n desc limit 1) e on true
"""

# Receipts of forks: their place and id are others', so they have no row of their own, and their posting is named by the
# head of their hash. Their money sits in quarantine (19), and in somebody's bag if it was cash (5).
FORKED = """
    select k.agency_id, k.entry_hash, l.currency, -sum(l.amount_minor) filter (where l.ledger_account = 19) as minor,
        coalesce(sum(l.amount_minor) filter (where l.ledger_account = 5), 0) as cash_minor,
        (array_agg(l.owner_id) filter (where l.ledger_account = 5))[1] as owner_id
    from journal_key k join ledger_line l on l.agency_id = k.agency_id
        and l.posting_id = encode(substring(k.entry_hash for 16), 'hex')::uuid
    where not k.owns_id and k.kind = 1 group by 1, 2, 3
"""


class Database:
    """Every query is one psql call: nothing to install, and nothing that could write."""

    def __init__(self, conninfo):
        self.conninfo = f"{conninfo} user=tagih_read options='-c default_transaction_read_only=on'"

    def rows(self, sql):
        """Rows as dictionaries of text; NULL is ''."""
        done = subprocess.run([PSQL, "-X", "-q", "--csv", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo],
                              input=sql, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{done.stderr.strip()}\n{sql}")
        return list(csv.DictReader(io.StringIO(done.stdout)))

    def row(self, sql):
        return self.rows(sql)[0]

    def number(self, sql):
        return int(next(iter(self.row(sql).values())) or 0)


def read_tsv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def read_list(path, macro):
    """MACRO(NAME, number, …, "text") lines of a list in C: {number: (name, text)}."""
    found = {}
    text = (TOP / path).read_text(encoding="utf-8")
    for name, number, rest in re.findall(rf"^\s*{macro}\((\w+), (\d+)(.*)$", text, re.M):
        last = re.findall(r'"([^"]*)"', rest)
        found[int(number)] = (name, last[-1] if last else "")
    return found


def reasons():
    return read_list("include/tagih/fate.def", "FATE_REASON")


def fates():
    return read_list("include/tagih/fate.def", "FATE")


def reason_of_bit(bit):
    """server/domain/fate_bits.h"""
    return bit if bit < 40 else bit + 60 if bit < 60 else bit + 140


def reasons_of(flags):
    flags = int(flags) & (2**64 - 1)
    return [reason_of_bit(bit) for bit in range(64) if flags >> bit & 1]
