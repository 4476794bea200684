# SPDX-License-Identifier: Apache-2.0
"""What the parts of the bench share: where things lie, and how a command is run."""
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("TAGIH_BUILD", os.path.join(TREE, "build", "gcc"))
PG_BIN = "/usr/lib/postgresql/15/bin"
TAGIHD = os.path.join(BUILD, "server", "tagihd")
LOAD = os.path.join(BUILD, "tests", "bench", "load")
BOOKS = os.path.join(BUILD, "tests", "bench", "books")


class Failed(Exception):
    """The bench cannot say anything: its message is for people."""


def say(text):
    print(text, flush=True)


def run(command, both=False, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:6])} … ended with {done.returncode}:\n{done.stderr[-2000:] or done.stdout[-2000:]}")
    return done.stdout + done.stderr if both else done.stdout


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


def conninfo_of(cluster, database, user="postgres"):
    """The cluster's conninfo, for another database and role."""
    kept = [word for word in cluster.split() if not word.startswith(("dbname=", "user="))]
    return " ".join([*kept, f"dbname={database}", f"user={user}"])
