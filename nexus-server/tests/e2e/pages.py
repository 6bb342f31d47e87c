"""Reads this project's Markdown: fenced blocks with their marks, headings, tables and links."""

import dataclasses
import pathlib
import re
import unicodedata

MARK = re.compile(r"<!-- (not run|file): (.+) -->")
FENCE = re.compile(r"(`{3,})(\S*)")
HEADING = re.compile(r"(#{1,6}) (.+)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
CODE = re.compile(r"`[^`]*`")
# With blanks around its sign, unlike in a URL.
COMMENT = re.compile(r"(^|\s)(//|#)\s.*$")


@dataclasses.dataclass
class Block:
    """A fenced block. `mark` is the HTML comment right above it: (`not run`, a reason) or (`file`, a path)."""

    page: pathlib.Path
    line: int
    language: str
    text: str
    mark: tuple[str, str] | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    def without_comments(self) -> list[str]:
        """Its lines without comments and blank lines."""
        lines = (COMMENT.sub("", line).rstrip() for line in self.text.splitlines())
        return [line for line in lines if line]


class Page:
    """A page of Markdown. The content of fenced blocks does not count as prose."""

    def __init__(self, path: pathlib.Path, text: str | None = None) -> None:
        self.path = path
        self.blocks: list[Block] = []
        self.headings: list[tuple[int, str]] = []
        self.rows = 0
        self.links: list[tuple[int, str]] = []
        lines = (path.read_text("utf-8") if text is None else text).splitlines()
        self.length = len(lines)
        mark, at = None, 0
        while at < len(lines):
            line = lines[at]
            if fence := FENCE.match(line):
                end = next((n for n in range(at + 1, len(lines)) if lines[n] == fence[1]), None)
                assert end is not None, f"{path.name}:{at + 1}: a block without an end"
                text = "\n".join(lines[at + 1 : end]) + "\n"
                self.blocks.append(Block(path, at + 1, fence[2], text, mark))
                at = end
            else:
                self._prose(at + 1, line)
            found = MARK.fullmatch(line)
            mark = (found[1], found[2]) if found else None
            at += 1

    def _prose(self, number: int, line: str) -> None:
        if heading := HEADING.fullmatch(line):
            self.headings.append((len(heading[1]), heading[2]))
        self.rows += line.startswith("|")
        # Code may look like a link; a link's text may be code.
        self.links += [(number, target) for target in LINK.findall(CODE.sub("`", line))]

    @property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub makes them."""
        found: set[str] = set()
        for _, title in self.headings:
            slug = anchor(title)
            repeated = next((f"{slug}-{n}" for n in range(1, 100) if f"{slug}-{n}" not in found), slug)
            found.add(repeated if slug in found else slug)
        return found


def anchor(title: str) -> str:
    kept = (letter for letter in title.lower() if letter in "-_ " or unicodedata.category(letter)[0] in "LNM")
    return "".join(kept).replace(" ", "-")
