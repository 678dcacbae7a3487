#!/usr/bin/env python3
"""Checks the C++ code of src/ and include/ against the rules of tools/banned.txt.

Tests, fuzzers and benchmarks are free to use what they like.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = "tools/banned.txt"
EXCUSE = re.compile(r"//.*\ballowed: \S")
# A raw string, a string, a character, a comment: what is not code.
NOT_CODE = re.compile(
    r'R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.S
)


def read_rules(text):
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, where, advice = (part.strip() for part in line.split(";;"))
            yield re.compile(pattern), () if where == "-" else tuple(where.split()), advice


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def check_file(path, text, rules):
    code = NOT_CODE.sub(blank, text)
    lines = text.splitlines()
    for pattern, where, advice in rules:
        if where and path.startswith(where):
            continue
        for match in pattern.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            if not EXCUSE.search(lines[line - 1]):
                yield f"{path}:{line}: '{match[0].strip()}' is banned here: {advice} ({RULES})"


def main():
    rules = list(read_rules((ROOT / RULES).read_text()))
    errors = []
    for folder in ("src", "include"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".h", ".cc") and not re.search(r"_(test|fuzz|bench)\.cc$", file.name):
                errors += check_file(file.relative_to(ROOT).as_posix(), file.read_text(), rules)
    print("\n".join(errors), end="\n" if errors else "", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
