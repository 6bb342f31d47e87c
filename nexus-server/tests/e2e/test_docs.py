"""The README and the pages of `docs/`: every block runs, every link resolves, both languages have the same content."""

import itertools
import os
import pathlib
import re
import subprocess
import tomllib
from collections.abc import Callable

import pytest

from gateway import Gateway
from pages import Block, Page, anchor
from reader import ROOT, Reader

README_LINES = 180
# Prompts, which the Chinese pages translate.
SAID = {"你好！": "Hello!"}
# Of use to developers only.
ENGLISH_ONLY = {"field-reports.md"}

DOCS = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in ENGLISH_ONLY)
ENGLISH = [ROOT / "README.md", *DOCS]
CHINESE = [ROOT / "README.zh-CN.md", *(ROOT / "docs/zh" / path.name for path in DOCS)]
PAIRS = list(zip(ENGLISH, CHINESE, strict=True))
# Only files in git: installed packages have Markdown, too.
ALL = [ROOT / name for name in subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()]

SERVER = "cargo run --release -p nexus-server -- --demo\n"
QUESTION = """\
curl http://127.0.0.1:5231/v1/chat/completions \\
  -H 'Authorization: Bearer demo-key' \\
  -H 'Content-Type: application/json' \\
  -d '{"model": "nexus-echo", "messages": [{"role": "user", "content": "Hello!"}]}'
"""


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def in_english(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    for chinese, english in SAID.items():
        text = text.replace(chinese, english)
    return text.split("\n")


with_blocks = [path for path in ENGLISH + CHINESE if Page(path).blocks]


@pytest.mark.parametrize("path", with_blocks, ids=name_of)
def test_every_block_runs(path: pathlib.Path, tmp_path: pathlib.Path, start: Callable[..., Gateway]) -> None:
    with Reader(Page(path), tmp_path, start) as reader:
        for block in reader.page.blocks:
            reader.run(block)


def test_a_block_that_nothing_runs_is_a_failure(tmp_path: pathlib.Path, start: Callable[..., Gateway]) -> None:
    for text in ("```\nls\n```\n", "```yaml\na: 1\n```\n", "```sh\nfalse\n```\n"):
        page = Page(tmp_path / "page.md", text)
        reader = Reader.__new__(Reader)
        reader.page, reader.gateway, reader.servers = page, None, {}
        reader.work = reader.home = tmp_path
        with pytest.raises(AssertionError):
            reader.run(page.blocks[0])


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[name_of(english) for english in ENGLISH])
def test_both_languages_have_the_same(english: pathlib.Path, chinese: pathlib.Path) -> None:
    here, there = Page(english), Page(chinese)
    assert [level for level, _ in here.headings] == [level for level, _ in there.headings]
    assert here.rows == there.rows

    def shape(block: Block) -> tuple[str, tuple[str, str] | None]:
        return (block.language, block.mark)

    assert [shape(block) for block in here.blocks] == [shape(block) for block in there.blocks]
    for mine, other in zip(here.blocks, there.blocks, strict=True):
        assert mine.without_comments() == in_english(other.without_comments()), f"{mine}, {other}"


def test_every_page_is_in_both_languages() -> None:
    assert {path.name for path in (ROOT / "docs/zh").glob("*.md")} == {path.name for path in DOCS}
    for path in ENGLISH_ONLY:
        assert (ROOT / "docs" / path).is_file()


@pytest.mark.parametrize("folder", ["docs", "docs/zh"])
def test_the_index_has_every_page(folder: str) -> None:
    linked = {target for _, target in Page(ROOT / folder / "README.md").links}
    for path in (ROOT / folder).glob("*.md"):
        assert path.name == "README.md" or path.name in linked, f"{folder}/README.md does not link {path.name}"


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_links_resolve(path: pathlib.Path) -> None:
    for line, target in Page(path).links:
        if re.match(r"[a-z]+:", target):
            continue
        file, _, part = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{name_of(path)}:{line}: {target}"
        assert found == ROOT or ROOT in found.parents, f"{name_of(path)}:{line}: {target} is outside of the repository"
        if part and found.suffix == ".md":
            assert part in Page(found).anchors, f"{name_of(path)}:{line}: {target}"


def test_anchors_are_those_of_github() -> None:
    assert anchor("Sixty seconds to the first chat") == "sixty-seconds-to-the-first-chat"
    assert anchor("A row, `of` the ledger?") == "a-row-of-the-ledger"
    assert anchor("故障转移与限制") == "故障转移与限制"
    page = Page(pathlib.Path("page.md"), "# Test\n## Test\n```sh\n# Test\n```\n[a](b.md) `[c](d.md)`\n")
    assert page.anchors == {"test", "test-1"}
    assert page.links == [(6, "b.md")]


@pytest.mark.parametrize("path", [ENGLISH[0], CHINESE[0]], ids=name_of)
def test_the_readme_is_short_and_begins_with_two_commands(path: pathlib.Path) -> None:
    page = Page(path)
    assert page.length <= README_LINES
    server, question, *_ = page.blocks
    assert server.text == SERVER
    assert in_english([question.text]) == in_english([QUESTION])
    oldest = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    repository = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["repository"]
    text = path.read_text("utf-8")
    assert f"Rust {oldest}" in text and f"git clone {repository}" in text


@pytest.mark.parametrize("path", ["docs/configuration.md", "docs/zh/configuration.md"])
def test_every_flag_is_in_the_table(path: str) -> None:
    usage = subprocess.check_output([os.environ["NEXUS_SERVER_BIN"], "--help"], text=True)
    flags = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", usage, re.MULTILINE)) - {"help", "version"}
    variables = set(re.findall(r"\[env: (\w+)", usage))
    assert len(flags) > 20 and len(variables) == len(flags)
    lines = [line for line in (ROOT / path).read_text("utf-8").splitlines() if line.startswith("| `--")]
    rows = [[cell.strip(" `") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    described = {re.match(r"--([a-z-]+)", cells[0])[1]: cells for cells in rows}
    assert set(described) == flags
    assert {cells[1] for cells in rows} == variables
    for flag, cells in described.items():
        assert cells[2] == ("" if flag == "config" else flag.replace("-", "_")), cells
        shown = re.search(rf"--{flag}\b.*?(?=\n +--|\Z)", usage, re.DOTALL)[0]
        # If the help shows a plain default, the table has the same.
        default = re.search(r"\[default: ([\w.:]+)\]", shown)
        assert default is None or default[1] in cells[3] or flag.endswith("memory-mib"), (default, cells[3])


def test_rust_is_compiled() -> None:
    """The doc tests of the examples compile it; this checks that they include every page."""
    doc_tests = (ROOT / "examples/lib.rs").read_text()
    for path in itertools.chain(ENGLISH, CHINESE):
        languages = {block.language for block in Page(path).blocks}
        if languages & {"rust", "rust,no_run"}:
            assert f'include_str!("../{name_of(path)}")' in doc_tests, f"examples/lib.rs lacks {name_of(path)}"


def test_field_reports_name_tests_that_exist() -> None:
    path, missing = None, []
    for line in (ROOT / "docs/field-reports.md").read_text("utf-8").splitlines():
        if not re.match(r"\| (?!report |--)", line):
            continue
        for name in re.findall(r"`([^`]+)`", re.split(r"(?<!\\)\|", line)[-2]):
            if "/" in name:
                path = ROOT / name
                missing += [] if path.is_file() else [name]
            elif path is not None and path.is_file() and f"fn {name}(" not in path.read_text("utf-8"):
                missing.append(f"{name_of(path)}: {name}")
    assert not missing
