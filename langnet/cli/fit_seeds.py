"""`langnet fit --seeds`: the same fit with several seeds, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from langnet.cli.fit_job import Job
from langnet.cli.fit_run import Outcome, document_of, run_fit, write
from langnet.cli.group import note, output, print_json, run_async
from langnet.cli.track import tracking
from langnet.report.seeds import seeds_data, seeds_table

__all__ = ["fit_seeds", "seeds_of"]


def seeds_of(value: str) -> tuple[int, ...]:
    """Seeds, as in 0,1,2."""
    try:
        seeds = tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of whole numbers such as 0,1,2") from None
    if len(set(seeds)) < len(seeds):
        raise click.BadParameter(f"{value!r} names a seed twice")
    return seeds


def fit_seeds(job: Job, seeds: Sequence[int], *, as_json: bool) -> None:
    """Fits with each seed in a run directory of its own, and tells the means over them.

    Args:
        job: the fit, whose own seed plays no part.
        seeds: of the fits; each is what `--seed` would have made, its manifest included.
        as_json: whether one JSON document is printed in the place of tables.
    """
    jobs = [_seeded(job, seed) for seed in seeds]

    async def all_of_them() -> list[tuple[Outcome, dict[str, Path]]]:
        found = []
        for number, one in enumerate(jobs, start=1):
            note(f"seed {one.seed}, {number} of {len(jobs)}, in {one.directory}")
            with tracking(one.track, one.directory, resume=one.resume) as tracked:
                outcome = await run_fit(one, tracked)
                files = write(one, outcome)
                tracked.keep(files)
            found.append((outcome, files))
        return found

    found = run_async(all_of_them)
    results = {one.seed: outcome.result for one, (outcome, _) in zip(jobs, found, strict=True)}
    if not as_json:
        console = output()
        console.print(seeds_table(results, job.metric.name))
        console.print(
            f"Written to {', '.join(str(one.directory) for one in jobs)}.", soft_wrap=True
        )
        return
    means = seeds_data(results)
    print_json(
        {
            "seeds": [document_of(*one) for one in found],
            "mean": means and {name: asdict(mean) for name, mean in means.items()},
        }
    )


def _seeded(job: Job, seed: int) -> Job:
    place = job.directory.parent if job.is_default_place else job.directory
    name = job.directory.name.removesuffix(f"-seed{job.seed}")
    return replace(
        job,
        seed=seed,
        directory=place / (f"{name}-seed{seed}" if job.is_default_place else f"seed{seed}"),
        arguments=(*job.arguments, "--seed", str(seed)),
        copy=None if job.copy is None else job.copy.with_stem(f"{job.copy.stem}-seed{seed}"),
    )
