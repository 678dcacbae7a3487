#!/usr/bin/env python3
"""Checks that the folders of src/ include only what cmake/layers.txt lets them.

Also checks the list itself: dependencies are of strictly lower levels.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = "cmake/layers.txt"
LINE = re.compile(r"(\d+)\s+([a-z_]+)\s*:([^|]*)")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def read_layers(text):
    """Returns {layer: (level, all layers it may include)} and the errors found."""
    layers, errors = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.match(line)
        if not match:
            continue
        level, name, allowed = int(match[1]), match[2], set()
        for dependency in match[3].split():
            if dependency not in layers:
                errors.append(f"{LAYERS}:{number}: {name} depends on {dependency}, which no line above declares")
            elif layers[dependency][0] >= level:
                errors.append(
                    f"{LAYERS}:{number}: {name} (level {level}) depends on {dependency} "
                    f"(level {layers[dependency][0]}); a dependency must be of a strictly lower level"
                )
            else:
                allowed |= {dependency} | layers[dependency][1]
        layers[name] = (level, allowed)
    return layers, errors


def check_file(path, source, layers):
    """Yields what is wrong with the includes of src/<layer>/…, given as its text."""
    layer = path.split("/")[1]
    level, allowed = layers[layer]
    for match in INCLUDE.finditer(source):
        included = match[1]
        line = source.count("\n", 0, match.start(1)) + 1
        where = f"{path}:{line}: "
        folder = included.split("/")[0]
        if "/" not in included or folder not in layers:
            yield f'{where}"{included}" does not start with a folder of src/; write the full path from src/'
        elif folder == layer or folder in allowed:
            continue
        elif layers[folder][0] >= level:
            yield (
                f"{where}{layer} (level {level}) must not include {folder} (level {layers[folder][0]}): "
                f"move what is shared to a lower layer, or put an interface into spi"
            )
        else:
            yield f"{where}{layer} does not depend on {folder}; if it should, add it to its line in {LAYERS}"


def main():
    layers, errors = read_layers((ROOT / LAYERS).read_text())
    for folder in sorted(p for p in (ROOT / "src").glob("*") if p.is_dir()):
        if folder.name not in layers:
            errors.append(f"src/{folder.name}: not in {LAYERS}; add a line with its level and dependencies")
            continue
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".h", ".cc"):
                errors += check_file(file.relative_to(ROOT).as_posix(), file.read_text(), layers)
    print("\n".join(errors), end="\n" if errors else "", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
