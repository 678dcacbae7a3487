"""The check for banned symbols looks at code only, and lets a reason excuse a line."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from check_banned import check_file, read_rules

RULES = list(read_rules((ROOT / "tools/banned.txt").read_text()))


def check(source, path="src/operators/x.cc"):
    return list(check_file(path, source, RULES))


def test_the_clock_is_banned_outside_base():
    source = "int x;\nauto t = std::chrono::system_clock::now();\n"
    (error,) = check(source)
    assert error.startswith("src/operators/x.cc:2: 'std::chrono::system_clock' is banned here: take the time from Env")
    assert check(source, "src/base/real_env.cc") == []


def test_files_and_randomness():
    assert len(check("std::ifstream in(path);\nint r = rand();\nstd::mt19937 g;\n")) == 3


def test_names_that_merely_look_alike():
    assert check("state.rand(3); my_rand(); std::filesystem::path p; Timer::time(x); run_time(0);") == []


def test_comments_and_strings_are_not_code():
    assert check('// std::cout\nauto s = "rand()"; /* std::cerr\n exit(1) */ auto r = R"(exit(1))";\n') == []


def test_a_reason_excuses_one_line():
    assert check("std::cout << 1;  // allowed: this is the print connector\n") == []
    assert len(check("std::cout << 1;  // allowed:\n")) == 1
