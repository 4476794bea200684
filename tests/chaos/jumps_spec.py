#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The short form of clock jumps: a few phones with wrong clocks, a few jumps. argv[1] is the binary."""
import os
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
BUILD = Path(sys.argv.pop(1)).resolve().parent.parent
os.environ |= {"TAGIH_BUILD": str(BUILD), "TAGIH_PG": os.environ["TAGIH_TEST_PG"]}
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import jumps  # noqa: E402
import spec  # noqa: E402


class AFewJumps(unittest.TestCase):
    #= RULES.md R-TIM-3
    #  Computed once, at first sight, stored, never recomputed.
    def test_money_is_right_whatever_the_clocks_said(self):
        jumps.say = sys.modules["demo"].say = lambda text: None
        options = jumps.read_options(["--phones", "2", "--visits", "3", "--accounts", "40", "--pace-ms", "250", "--seed", "2"])
        office = jumps.Office(options, "spec_jumps")
        self.addCleanup(office.close)
        office.open()
        one = jumps.Round(office, options, options.seed, 0).run(4)
        self.assertEqual(one.looked.failures, [])
        self.assertGreater(one.jumps, 1)
        self.assertGreater(one.looked.checks, 200)
        for number in ("I1", "I3", "I4", "I5", "I6", "I8", "I9", "I10", "I12"):
            self.assertIn(number, one.looked.numbers)


if __name__ == "__main__":
    spec.main()
