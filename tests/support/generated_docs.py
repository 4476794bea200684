#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The generated parts of the .md files against what the binary prints.

    generated_docs.py [--write] BINARY [FILE.md ..]

A part stands between `<!-- tagihd docs WHAT -->` and `<!-- end -->`. Without --write a stale part is one line of
output, "file:line: what", and exit 1; with it the part is written anew."""
import os
import re
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PART = re.compile(r"(<!-- tagihd (docs [a-z ]+) -->\n)(.*?)(<!-- end -->)", re.S)


def printed(binary, words):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
    return subprocess.run([binary, *words.split()], check=True, capture_output=True, text=True, env=clean).stdout


def refresh(path, binary, write):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    stale = [match for match in PART.finditer(text) if match[3] != "\n" + printed(binary, match[2]) + "\n"]
    for match in stale:
        print(f"{os.path.relpath(path, TOP)}:{text.count(chr(10), 0, match.start()) + 1}: `tagihd {match[2]}`"
              f" {'written anew' if write else 'prints something else'}")
    if stale and write:
        fresh = PART.sub(lambda match: match[1] + "\n" + printed(binary, match[2]) + "\n" + match[4], text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(fresh)
    return bool(stale) and not write


def main(words):
    write = "--write" in words
    binary, *paths = [word for word in words if word != "--write"]
    if not paths:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", "*.md"], check=True, cwd=TOP,
                                capture_output=True, text=True).stdout.split("\n")
        paths = [os.path.join(TOP, path) for path in listed if path and os.path.exists(os.path.join(TOP, path))]
    return 1 if any([refresh(path, binary, write) for path in paths]) else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
