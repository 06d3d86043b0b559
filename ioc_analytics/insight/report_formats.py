"""A report as HTML, Markdown or JSON.

For: ``insight.report``. Not for: what stands in it. The HTML is one file: pictures inline as SVG,
the style within, no script, no address of anything outside.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Final

from ioc_analytics.insight.report_pieces import Section, Table
from ioc_analytics.pictures import to_data_uri, to_svg

Writer = Callable[[str, datetime, str, Sequence[Section]], str]

_STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 52rem; color: #24292f; background: #fff;
  font: 16px/1.5 Helvetica, Arial, sans-serif; overflow-wrap: break-word; }
h1 { margin: 0; font-size: 1.8rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 .25rem; padding-top: .75rem; font-size: 1.25rem;
  border-top: 2px solid #0072B2; }
.note, figcaption { color: #57606a; font-size: .875rem; }
figure { margin: 1rem 0; }
figure:has(svg) { break-inside: avoid; }
figure svg { display: block; max-width: 100%; height: auto; }
.table { overflow-x: auto; margin: .25rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #d9dde3; text-align: right;
  white-space: nowrap; }
th { font-weight: 600; white-space: normal; vertical-align: bottom; }
tr > :first-child { text-align: left; padding-left: 0; }
.words { text-align: left; }
.withheld { padding: .6rem .9rem; border-left: 4px solid #D55E00; background: #fdf3ec;
  font-size: .875rem; break-inside: avoid; }
.withheld ul, .remarks { margin: .25rem 0; padding-left: 1.2rem; font-size: .875rem; }
@media (max-width: 40rem) { body { padding: 1rem; } h1 { font-size: 1.5rem; }
  th, td { padding: .3rem .35rem; }
  /* What is wider than a phone scrolls: pictures stay legible, rows keep their names in sight. */
  figure:has(svg) { overflow-x: auto; } figure svg { min-width: 26rem; }
  figcaption { position: sticky; left: 0; }
  tr > :first-child { position: sticky; left: 0; background: #fff; padding-right: .6rem; } }
@page { size: A4; margin: 16mm; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; }
  h2, .note { break-after: avoid; }
  .table { overflow: visible; } table { font-size: 8pt; } th, td { padding: .15rem .3rem; }
  thead { display: table-header-group; } tr { break-inside: avoid; } }
"""


def write_html(title: str, made: datetime, scope: str, sections: Sequence[Section]) -> str:
    """Return the report as one HTML file."""
    body = "\n".join(_html_section(section) for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1>\n"
        f'<p class="note">{escape(_head(made, scope))}</p></header>\n'
        f"<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def write_markdown(title: str, made: datetime, scope: str, sections: Sequence[Section]) -> str:
    """Return the report as Markdown, its pictures as data URIs."""
    lines = [f"# {_plain(title)}", "", _plain(_head(made, scope)), ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        if section.note:
            lines += [_plain(section.note), ""]
        for picture in section.pictures:
            lines += [f"![{_plain(picture.caption)}]({to_data_uri(picture.chart)})", ""]
        for table in section.tables:
            lines += markdown_table(table)
        lines += [f"- {_plain(remark)}" for remark in section.remarks]
        lines += [
            f"- **withheld** {_plain(e['figure'])}: {_plain(e['reason'])}" for e in section.withheld
        ]
        lines.append("")
    return "\n".join(lines)


def write_json(title: str, made: datetime, scope: str, sections: Sequence[Section]) -> str:
    """Return the report's figures as one JSON document."""
    content = {
        "title": title,
        "created_at": made.isoformat(),
        "scope": scope,
        "sections": [section.to_dict() for section in sections],
    }
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)


WRITERS: Final[Mapping[str, Writer]] = {
    "html": write_html,
    "markdown": write_markdown,
    "json": write_json,
}
"""How each format is written."""


def _html_section(section: Section) -> str:
    parts = [f'<section id="{section.name}">\n<h2>{escape(section.title)}</h2>']
    if section.note:
        parts.append(f'<p class="note">{escape(section.note)}</p>')
    for picture in section.pictures:
        # The table below says the same to those who cannot see; the picture keeps its caption.
        svg = to_svg(picture.chart).replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
        svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1)
        svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(picture.caption)}"', 1)
        caption = f"<figcaption>{escape(picture.caption)}</figcaption>"
        parts.append(f"<figure>{svg}{caption}</figure>")
    parts += [_html_table(table, f"{section.name}-{at}") for at, table in enumerate(section.tables)]
    if section.remarks:
        items = "".join(f"<li>{escape(remark)}</li>" for remark in section.remarks)
        parts.append(f'<ul class="remarks">{items}</ul>')
    if section.withheld:
        items = "".join(
            f"<li>{escape(e['figure'])}: {escape(e['reason'])}</li>" for e in section.withheld
        )
        parts.append(f'<div class="withheld"><strong>Withheld</strong><ul>{items}</ul></div>')
    return "\n".join(parts) + "\n</section>"


def _html_table(table: Table, name: str) -> str:
    # Numbers stand under their last digit, words under their first letter.
    kinds = [
        ' class="words"' if all(cell[:1].isalpha() for cell in column) else ""
        for column in zip(*table.rows, strict=True)
    ] or [""] * len(table.columns)
    head = "".join(
        f'<th scope="col"{kind}>{escape(column)}</th>'
        for column, kind in zip(table.columns, kinds, strict=True)
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(
            f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True)
        )
        + "</tr>\n"
        for row in table.rows
    )
    # The caption stands outside what scrolls, so that a phone shows all of it.
    return (
        f'<figure><figcaption id="{name}">{escape(table.caption)}</figcaption>\n'
        f'<div class="table" tabindex="0"><table aria-labelledby="{name}">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div></figure>"
    )


def markdown_table(table: Table) -> list[str]:
    """Return the lines of a table with its caption."""
    return [
        _plain(table.caption),
        "",
        f"| {' | '.join(map(_plain, table.columns))} |",
        f"|{' --- |' * len(table.columns)}",
        *(f"| {' | '.join(map(_plain, row))} |" for row in table.rows),
        "",
    ]


def _plain(text: str) -> str:
    """Return text that Markdown takes as text: no table cells, links or tags of its own."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")


def _head(made: datetime, scope: str) -> str:
    return f"Made {made:%Y-%m-%d %H:%M} UTC; responses: {scope}"
