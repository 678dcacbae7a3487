"""The SQL of the guides and of README.md runs and gives what they show.

A page's blocks "```sql run" are one script, in their order. A block "```text" must appear in its output, after what
was found before. "```csv file=NAME" is written to a file first. `http://localhost:8000` is a model server of the demo's
models.
"""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ["MILLRACE_BUILD"]).resolve() / "millrace"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
SERVER = "http://localhost:8000"


def blocks(page, kind):
    return [text for info, text in BLOCK.findall(page) if info.split(" ")[0:2] == kind.split(" ")]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    with open(log, "w") as output:
        server = subprocess.Popen(
            [BINARY, "model-server", "--repository", ROOT / "examples/demo/models", "--port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    try:
        port = None
        while port is None:
            with pytest.raises(subprocess.TimeoutExpired):  # it runs
                server.wait(0.1)
            port = re.search(r" at http://\S+:(\d+)", log.read_text())
        yield f"http://localhost:{port[1]}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page, tmp_path, request):
    text = page.read_text()
    script = "\n".join(blocks(text, "sql run"))
    assert script, f"{page.name} has no block that runs"
    if SERVER in script:
        script = script.replace(SERVER, request.getfixturevalue("endpoint"))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for info, content in BLOCK.findall(text):
        if name := re.search(r" file=(\S+)", info):
            (tmp_path / name[1]).write_text(content)
    done = subprocess.run([BINARY, "run", "-"], input=script, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    at = 0
    for shown in blocks(text, "text"):
        found = done.stdout.find(shown, at)
        assert found >= 0, f"{page.name} shows\n{shown}\nwhich is not in\n{done.stdout[at:]}"
        at = found + len(shown)


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/recipes").glob("*.md"))],
                         ids=lambda page: page.stem)
def test_links_and_paths(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not link.startswith(("http://", "https://")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
    for path in re.findall(r"`((?:src|tools|test|docs|examples|include|cmake)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"
