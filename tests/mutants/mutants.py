#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plant the bugs of bugs.toml, one at a time, and see that the specs find them.

All bugs are compiled into one build of a copy of the tree; the environment variable PLANTED_BUG chooses one by name,
and without it the build is the product: its specs are run first and must pass. Run by ./build.sh mutants, which starts
the private PostgreSQL.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
WORK = TREE / "build/mutants"
COPY, OUT = WORK / "src", WORK / "out"
SPEC_SECONDS = 120

# What makes the copy's SQL and its template database follow the bug that is chosen.
HOOKS = [
    ("server/base/meson.build", "'arena.c',", "'arena.c', 'mutant.c',"),
    ("server/store/db.c", "PQsendPrepare(db->conn, s->name, s->text,", "PQsendPrepare(db->conn, s->name, mutant_sql(s->text),"),
    ("server/store/migrate.c", "PQexec(run->db.conn, m->text)", "PQexec(run->db.conn, mutant_sql(m->text))"),
    ("tests/support/rig.c", 'snprintf(out, 64, "spec_template_%.16s", hex);',
     'snprintf(out, 64, "spec_template_%.16s_%d", hex, mutant_schema());'),
]

MUTANT_H = """#ifndef TAGIH_MUTANT_H
#define TAGIH_MUTANT_H
int mutant_number(void);
#define mutant_on(n) (mutant_number() == (n))
const char *mutant_sql(const char *text);
int mutant_schema(void);
#endif
"""

MUTANT_C = """#include "tagih/mutant.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {{
    const char *name, *old, *new;
    bool schema;
}} mutants[] = {{{{0}},
{rows}
}};
static const int n_mutants = sizeof mutants / sizeof mutants[0];

static int find(void) {{
    const char *name = getenv("PLANTED_BUG");
    if (!name || !*name) return 0;
    for (int i = 1; i < n_mutants; i++) {{
        if (strcmp(mutants[i].name, name) == 0) return i;
    }}
    fprintf(stderr, "there is no mutant %s\\n", name);
    abort();
}}

int mutant_number(void) {{
    static int number = -1;
    int n = __atomic_load_n(&number, __ATOMIC_RELAXED);
    if (n < 0) __atomic_store_n(&number, n = find(), __ATOMIC_RELAXED);
    return n;
}}

int mutant_schema(void) {{
    return mutants[mutant_number()].schema ? mutant_number() : 0;
}}

/* The text lives as long as the process: a statement is prepared once a connection. */
const char *mutant_sql(const char *text) {{
    int n = mutant_number();
    const char *at = mutants[n].old ? strstr(text, mutants[n].old) : NULL;
    if (!at) return text;
    size_t size = strlen(text) + strlen(mutants[n].new) + 1;
    char *out = malloc(size);
    if (!out) abort();
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, mutants[n].new, at + strlen(mutants[n].old));
    return out;
}}
"""


def die(why):
    sys.exit(f"mutants: {why}")


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def planted(mutant, number):
    """What stands in the C source instead of `old`."""
    old, new = mutant["old"], mutant["new"]
    if old.endswith(";"):
        return f"if (mutant_on({number})) {{ {new} }} else {{ {old} }}"
    return f"(mutant_on({number}) ? ({new}) : ({old}))"


def replace_once(texts, file, old, new):
    if file not in texts:
        texts[file] = (TREE / file).read_text()
    found = texts[file].count(old)
    if found != 1:
        die(f"{file}: this stands there {found} times, and not once: {old}")
    texts[file] = texts[file].replace(old, new)


def plant(mutants):
    """The files that differ from the tree, by path."""
    texts, rows = {}, []
    for number, mutant in enumerate(mutants, 1):
        file, old, new = mutant["file"], mutant["old"], mutant["new"]
        is_sql = file.endswith(".sql")
        if is_sql:
            if (TREE / file).read_text().count(old) < 1:
                die(f"{file}: this is not there: {old}")
        else:
            replace_once(texts, file, old, planted(mutant, number))
        schema = "true" if file.startswith("migrations/") else "false"
        sql = f"{c_string(old)}, {c_string(new)}" if is_sql else "NULL, NULL"
        rows.append(f"    {{{c_string(mutant['name'])}, {sql}, {schema}}},")
    for file, old, new in HOOKS:
        replace_once(texts, file, old, new)
    for file in texts:
        if file.endswith(".c"):
            texts[file] = '#include "tagih/mutant.h"\n#line 1\n' + texts[file]
    texts["include/tagih/mutant.h"] = MUTANT_H
    texts["server/base/mutant.c"] = MUTANT_C.format(rows="\n".join(rows))
    return texts


def write_if_new(path, data):
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def tree_files():
    """Every file of the tree but what is made in it; without asking git, which a machine that only builds may not have."""
    made = {"build", ".git", "node_modules", "__pycache__"}
    for folder, folders, files in os.walk(TREE):
        folders[:] = [f for f in folders if f not in made]
        yield from (str((Path(folder) / f).relative_to(TREE)) for f in files if not f.endswith(".pyc"))


def copy_tree(texts):
    """The copy is made anew but for files that did not change: ninja rebuilds what did."""
    names = set(tree_files())
    if COPY.is_dir():
        for path in COPY.rglob("*"):
            if path.is_file() and str(path.relative_to(COPY)) not in names | set(texts):
                path.unlink()
    for name in sorted(names | set(texts)):
        data = texts[name].encode() if name in texts else (TREE / name).read_bytes()
        write_if_new(COPY / name, data)
        if name not in texts:
            shutil.copymode(TREE / name, COPY / name)


def build(specs):
    print("== building with the bugs in (build/mutants)", flush=True)
    if not (OUT / "build.ninja").is_file():
        with open(WORK / "setup.log", "w") as log:
            done = subprocess.run(["meson", "setup", OUT, COPY, "-Dbuildtype=debugoptimized", "-Dwarning_level=0",
                                   "-Dwerror=false", "-Dc_args=-w"], stdout=log, stderr=log, env=os.environ | {"CC": "gcc"})
        if done.returncode:
            shutil.rmtree(OUT, ignore_errors=True)
            die(f"meson setup failed; see {WORK / 'setup.log'}")
    targets = subprocess.run(["ninja", "-C", OUT, "-t", "targets", "all"], capture_output=True, text=True, check=True).stdout
    wanted = [t for t in re.findall(r"^(\S+): ", targets, re.M) if Path(t).name in specs | {"tagihd"} and not t.endswith(".p")]
    missing = specs - {Path(t).name for t in wanted}
    if missing:
        die(f"there is no spec {', '.join(sorted(missing))}")
    if subprocess.run(["ninja", "-C", OUT, "--quiet", *wanted]).returncode:
        die("the build failed")


def run_spec(spec, mutant, slot):
    """None when it passes, else what failed first."""
    env = os.environ | {"PLANTED_BUG": mutant, "TAGIH_TEST_PG": os.environ["TAGIH_PG"], "TAGIH_TEST_BUILD": str(OUT),
                        "TAGIH_TEST_SOURCE": str(COPY)}
    env.pop("TAGIH_REPORT", None)  # its specs are no proofs of their own here
    log = WORK / f"log-{slot}"
    done = subprocess.run(["meson", "test", "-C", OUT, "--no-rebuild", "--logbase", log.name, "-t", "0.5", "-v", spec],
                          env=env, capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return None
    failed = re.search(r"^\[  FAILED  \] (?!\d)(?:\S+: \d+ test.*)?(\w+)", done.stdout, re.M)
    if failed:
        return failed.group(1).replace("_", " ")
    return "it hangs" if "TIMEOUT" in done.stdout else "it ends"


def hunt(mutant, slot=0):
    started = time.monotonic()
    for spec in mutant["by"]:
        why = run_spec(spec, mutant["name"], slot)
        if why:
            return spec, why, time.monotonic() - started
    return None, "", time.monotonic() - started


def row(mutant, found):
    spec, why, seconds = found
    mark = "found " if spec else "MISSED"
    return f"{mark} {mutant['name']:28} {mutant['bug'][:58]:58} {spec or '':18} {why[:60]} ({seconds:.0f} s)"


def hunt_all(mutants):
    """Two at a time; those that change the schema one after the other: each has a template database of its own."""
    results = {}
    plain = [m for m in mutants if not m["file"].startswith("migrations/")]
    with ThreadPoolExecutor(2) as pool:
        free = list(range(2))
        def one(mutant):
            slot = free.pop()
            try:
                return hunt(mutant, slot)
            finally:
                free.append(slot)
        for mutant, found in zip(plain, pool.map(one, plain)):
            results[mutant["name"]] = found
            print(row(mutant, found), flush=True)
    for mutant in mutants:
        if mutant not in plain:
            results[mutant["name"]] = hunt(mutant)
            print(row(mutant, results[mutant["name"]]), flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(prog="./build.sh mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these bugs; without any: all of them")
    parser.add_argument("--list", action="store_true", help="name them and end")
    parser.add_argument("--set", choices=("short", "all"), default="all", help="the short list, or all of them")
    parser.add_argument("--report", metavar="FILE", help="append a row of the table of ./build.sh prove")
    args = parser.parse_args()
    mutants = tomllib.loads((TREE / "tests/mutants/bugs.toml").read_text())["mutant"]
    names = [m["name"] for m in mutants]
    if len(set(names)) != len(names):
        die("two bugs have one name")
    if args.list:
        print("\n".join(f"{m['name']:28} {m['bug']}" for m in mutants))
        return
    unknown = set(args.names) - set(names)
    if unknown:
        die(f"there is no bug {', '.join(sorted(unknown))}; see --list")
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = [m for m in mutants if (m["name"] in args.names if args.names else m.get("short") or args.set == "all")]
    specs = {spec for m in chosen for spec in m["by"]}
    copy_tree(plant(mutants))
    build(specs)
    print(f"== without a bug: {len(specs)} specs", flush=True)
    for spec in sorted(specs):
        why = run_spec(spec, "", 0)
        if why:
            die(f"{spec} fails without any bug: {why}")
    print(f"== {len(chosen)} bugs", flush=True)
    results = hunt_all(chosen)
    missed = [n for n, found in results.items() if not found[0]]
    print(f"{len(chosen) - len(missed)} found, {len(missed)} missed")
    if args.report:
        with open(args.report, "a") as report:
            report.write(json.dumps({"test": "planted bugs", "count": len(chosen), "unit": "bugs", "faults": len(chosen),
                                     "checks": len(results), "invariants": "", "failures": len(missed),
                                     "note": f"missed: {', '.join(missed)}" if missed else f"of {len(mutants)}"}) + "\n")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
