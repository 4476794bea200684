# SPDX-License-Identifier: Apache-2.0
"""The proofs, in the order of the table: what each is called, how it is run at each scale, and whether it wants the
machine for itself. A proof appends its rows to the report it is given (README.md); a spec may leave it at its tests."""
from dataclasses import dataclass
from typing import Callable

SCALES = ("short", "nightly", "release")


@dataclass(frozen=True)
class Proof:
    name: str   # of --only
    title: str
    command: Callable  # (scale, report, build) -> (arguments, environment)
    alone: bool = False  # it measures time, or takes both cores
    spec: bool = False   # it writes no rows: its tests count
    invariants: str = ""
    scales: tuple = SCALES


def program(path, **sizes):
    """A program of the tree; each size is an option with its three values: short, nightly, release."""
    def command(scale, report, build):
        at = SCALES.index(scale)
        options = [word for name, values in sizes.items() for word in (f"--{name.replace('_', '-')}", str(values[at]))]
        return [path.format(build=build), *options, "--report", report], {}
    return command


def spec(name, **sizes):
    """A spec; each size is an environment variable with its three values."""
    def command(scale, _report, build):
        at = SCALES.index(scale)
        return (["meson", "test", "-C", build, "--no-rebuild", "--logbase", f"prove-{name}", "-t", "0" if scale != "short" else "4",
                 "-v", name], {variable: str(values[at]) for variable, values in sizes.items()})
    return command


PROOFS = [
    Proof("sim", "S1 field days", program("{build}/tests/sim/sim", days=(2000, 20000, 1000000))),
    Proof("mutants", "planted bugs", program("tests/mutants/mutants.py", set=("short", "all", "all")), alone=True),
    Proof("s2", "S2: field days, the real thing", program("tests/chaos/s2.py", days=(20, 1000, 10000), phones=(20, 40, 80)), alone=True),
    Proof("jumps", "clock jumps", program("tests/chaos/jumps.py", jumps=(100, 1000, 10000)), alone=True),
    Proof("storms", "duplicate storms", spec("storm_spec", TAGIH_STORMS=(200, 2000, 20000)), alone=True),
    Proof("edge", "HTTP/2 abuse through nginx", program("tests/hostile/edge_abuse.py", seconds=(3, 30, 120)), alone=True),
    Proof("strings", "nasty strings, text limits", spec("strings_spec", TAGIH_HOSTILE_EVERY=(16, 1, 1))),
    Proof("bursts", "messages made to burst", spec("burst_spec", TAGIH_HOSTILE_EVERY=(2, 1, 1))),
    Proof("forgeries", "forged envelopes", spec("cbor_spec")),
    Proof("vectors", "signature vectors of others", spec("vectors_spec"), spec=True),
    Proof("matrix", "access matrix", spec("matrix_spec")),
    Proof("agencies", "agencies apart, every table", spec("agencies_spec"), spec=True, invariants="I11"),
    Proof("kills", "kill -9 at random", spec("kill_spec", TAGIH_SERVER_KILLS=(20, 500, 10000), TAGIH_CLUSTER_KILLS=(5, 100, 500)),
          alone=True),
    Proof("boundaries", "kill -9 at every statement", spec("kills_spec", TAGIH_KILLS_BOUNDARIES=(0, 0, 0), TAGIH_KILLS_ALL=(0, 1, 1)),
          alone=True),
    Proof("disk", "disk full, EIO", spec("disk_spec", TAGIH_DISK_ALL=(1, 1, 1))),
    Proof("troubles", "PostgreSQL stopped, slow, read only", spec("trouble_spec")),
    Proof("standby", "standby, failover", spec("standby_spec", TAGIH_STANDBY_ENTRIES=(150, 300, 300), TAGIH_STANDBY_ALL=(1, 1, 1))),
    Proof("servers", "two servers", spec("two_servers_spec", TAGIH_TWO_SERVERS_ROUNDS=(50, 190, 190))),
]
