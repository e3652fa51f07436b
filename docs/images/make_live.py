"""Draws live.svg: the live view of a real fit of graphs/dln2.py on the embedded model.

python docs/images/make_live.py [--steps 8] [--during 6] [--width 100] [--height 32] [FILE]

The fit is that of `langnet fit graphs/dln2.py --posterior particles`, made smaller. It ends as
soon as the picture is taken: in the midst of a step, while calls are open. `--seen FILE` keeps what
was seen there, or draws what was kept without another fit.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from pathlib import Path

import anyio
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from langnet import Inference, Method, fit
from langnet import tasks as generated
from langnet.cli.network import load_network
from langnet.lm.connect import connect
from langnet.lm.meter import Meter
from langnet.report.lines import Lines
from langnet.report.live import Snapshot, Watch
from langnet.report.live.view import lines

ROOT = Path(__file__).resolve().parents[2]
GROUND = (13, 17, 23)
THEME = TerminalTheme(
    GROUND,
    (201, 209, 217),
    [
        *[(72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65)],
        *[(121, 192, 255), (210, 168, 255), (86, 212, 221), (201, 209, 217)],
    ],
)
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


async def fitted(steps: int, during: int) -> tuple[list[str], Snapshot]:
    """Fits, and gives the lines that have scrolled and the view at one moment."""
    network = load_network(str(ROOT / "graphs" / "dln2.py"))
    task = generated.get("subjectivity")
    graph = network.graph(task)
    parts = task.splits(train=20, dev=8, test=0, seed=0, node=graph.target)
    meter = Meter()
    watch = Watch(meter=meter, graph=graph)
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - it takes some minutes

    observer = Lines(tell, watch.timeline, tenths=False, costs=False)
    taken: list[Snapshot] = []

    async def look(scope: anyio.CancelScope) -> None:
        while not taken:
            await anyio.sleep(0.25)
            found = watch.snapshot()
            busy = {node.purpose for node in found.nodes.values() if node.open}
            is_validated = bool(found.validation) and found.validation[-1][0] == found.step
            if found.step == during - 1 and is_validated and "score" in busy:
                taken.append(found)
        scope.cancel()

    async with connect("local:smollm2", meter=meter) as model, anyio.create_task_group() as group:
        group.start_soon(look, group.cancel_scope)
        await fit(
            graph,
            parts.train,
            parts.dev,
            models=model,
            method=Method(
                steps=steps,
                batch_size=5,
                candidates=3,
                inference=Inference(draws=2, kind="particles"),
            ),
            observers=[observer],
            meter=meter,
            plan=True,
        )
    return told, taken[0]


def picture(told: list[str], snapshot: Snapshot, width: int, height: int) -> str:
    """A terminal of that size as SVG, which needs nothing from anywhere."""
    console = Console(
        file=io.StringIO(), record=True, width=width, height=height, force_terminal=True
    )
    view = lines(snapshot, width, height)
    command = f"$ langnet fit graphs/dln2.py --posterior particles --steps {snapshot.steps}"
    for line in (command, *told)[-(height - len(view)) :]:
        console.print(line, markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
    for row in view:
        console.print(row)
    drawn = console.export_svg(title="langnet", theme=THEME, unique_id="live")
    # rich would fetch its font; any that is there will do, since the cells are told apart.
    drawn = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return drawn.replace("Fira Code, monospace", FONTS)


def main() -> None:
    """Draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).with_name("live.svg"))
    for name, default in (("steps", 8), ("during", 6), ("width", 100), ("height", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seen", type=Path)
    options = parser.parse_args()
    if options.seen is not None and options.seen.exists():
        seen = json.loads(options.seen.read_text(encoding="utf-8"))
        told, snapshot = seen["told"], Snapshot.from_json(seen["snapshot"])
    else:
        told, snapshot = anyio.run(fitted, options.steps, options.during)
        if options.seen is not None:
            seen = {"told": told, "snapshot": snapshot.to_json()}
            options.seen.write_text(json.dumps(seen), encoding="utf-8")
    drawn = picture(told, snapshot, options.width, options.height)
    options.file.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
