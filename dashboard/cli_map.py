"""The command that proposes how a file is mapped, and writes it when the person agrees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from dashboard.console import console, errors

if TYPE_CHECKING:
    from etl.sources.proposal.draft import Proposal

app = typer.Typer()

SURE, LIKELY = 0.9, 0.7
REFUSED = 2


@app.command("map")
def propose_map(
    file: Annotated[Path, typer.Argument(help="a department's file")],
    *,
    to: Annotated[Path, typer.Option(help="locality folder that holds xintu.toml")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="write without asking")] = False,
) -> None:
    """Propose how a file is mapped; after a yes it is written to xintu.toml."""
    from etl.findings import Doubts, UnusableFileError
    from etl.inspection import safe_name
    from etl.settings import load_locality
    from etl.sources.proposal.block import append_source, as_toml
    from etl.sources.proposal.mapping import propose

    settings = load_locality(to)
    doubts = Doubts("map", safe_name(file.name))
    try:
        proposal = propose(file, settings.config, name=_relative(file, settings.data))
    except UnusableFileError as error:
        doubts.add_failure(error)
        for finding in doubts.findings:
            errors.print(f"[bold red]×[/] {escape(finding.message('zh'))}")
            errors.print(f"  {escape(finding.message('en'))}")
        raise typer.Exit(REFUSED) from error
    toml = as_toml(proposal)
    console.print(choices_table(proposal))
    console.print(escape(toml))
    if yes or typer.confirm(f"写入 {to / 'xintu.toml'}? Write it?", default=False):
        append_source(to, toml)
        console.print(f"{to / 'xintu.toml'}: + {proposal.source_id}")


def choices_table(proposal: Proposal) -> Table:
    """What is ours, what is theirs, how sure, why, and examples of values."""
    table = Table("我们的 Ours", "文件中的 Theirs", "把握 Sure", "依据 Why", "例 Examples")
    for choice in proposal.choices:
        colour = (
            "green" if choice.confidence >= SURE
            else "yellow" if choice.confidence >= LIKELY
            else "red"
        )  # fmt: skip
        table.add_row(
            escape(choice.ours),
            escape(choice.theirs),
            f"[{colour}]{choice.confidence:.0%}[/]",
            escape(choice.why),
            escape("、".join(choice.examples)),
        )
    return table


def _relative(file: Path, data: Path) -> str:
    """The path as `xintu.toml` says it: under the data folder, or where the file lies."""
    file = file.resolve()
    return file.relative_to(data).as_posix() if file.is_relative_to(data) else str(file)
