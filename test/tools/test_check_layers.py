"""The layer check finds what it is there for."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from check_layers import check_file, read_layers

LAYERS, ERRORS = read_layers("0 base : | lib\n1 types : base |\n1 net : base |\n2 plan : types |\n")


def check(path, source):
    return list(check_file(path, source, LAYERS))


def test_the_list_is_read_with_indirect_dependencies():
    assert ERRORS == []
    assert LAYERS["plan"] == (2, {"base", "types"})


def test_a_dependency_must_be_lower():
    _, errors = read_layers("1 a :\n1 b : a\n")
    assert "strictly lower level" in errors[0]


def test_own_and_lower_folders_are_fine():
    assert check("src/plan/x.cc", '#include "plan/x.h"\n#include "types/t.h"\n#include "base/b.h"\n') == []


def test_a_higher_folder_is_not():
    (error,) = check("src/base/x.h", '#pragma once\n#include "plan/x.h"\n')
    assert error.startswith("src/base/x.h:2: base (level 0) must not include plan (level 2)")


def test_a_lower_folder_that_is_not_declared_is_not():
    (error,) = check("src/plan/x.cc", '#include "net/http.h"\n')
    assert "add it to its line in cmake/layers.txt" in error


def test_a_relative_include_is_not():
    (error,) = check("src/base/x.cc", '#include "x.h"\n')
    assert "write the full path" in error
