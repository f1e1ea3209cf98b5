"""Cutting the work into tasks: some templates of one sample in one region each, so that a task reads a branch once."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from hfscale.templating.recipes import Template

MOST_TEMPLATES = 16
LONGEST_SECONDS = 5.0
"""A task that is expected to take longer gets no further template: what it did is lost if it is killed."""
TASKS_PER_SLOT = 2


class Share(NamedTuple):
    """What one task does, in this order; templates are given by their number.

    Attributes:
        make: Templates to fill or to collect.
        process: Templates to post-process. Those that are smoothed need their nominal templates finished.
        part: Region and sample, by number, whose part of the workspace is to be made; None for none.
    """

    make: tuple[int, ...] = ()
    process: tuple[int, ...] = ()
    part: tuple[int, int] | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """All templates that it has to do with."""
        return tuple(sorted({*self.make, *self.process}))

    def singly(self) -> "list[Share]":
        """Return a share for each of its templates."""
        return [
            Share(
                make=tuple(k for k in self.make if k == number), process=tuple(k for k in self.process if k == number)
            )
            for number in self.numbers
        ]

    @classmethod
    def from_json(cls, document: Sequence[Any]) -> "Share":
        """Read what JSON made of it."""
        make, process, part = document
        return cls(tuple(make), tuple(process), None if part is None else (part[0], part[1]))


def cut(
    templates: Sequence[Template],
    make: Collection[int],
    process: Collection[int],
    seconds: Mapping[int, float],
    slots: int,
) -> list[Share]:
    """Cut the making of templates, and the post-processing of those that are not smoothed, into tasks.

    Args:
        templates: All templates, those of a sample in a region one after the other.
        make: Numbers of those to make.
        process: Numbers of those to post-process.
        seconds: Rough time of each.
        slots: How many tasks run at a time; the fewer templates there are for each, the smaller are the tasks.
    """
    numbers = sorted({*make, *process})
    most = max(1, min(MOST_TEMPLATES, len(numbers) // (TASKS_PER_SLOT * slots)))
    return [
        Share(tuple(k for k in chosen if k in make), tuple(k for k in chosen if k in process))
        for _, group in groupby(numbers, lambda k: (templates[k].region, templates[k].sample))
        for chosen in _chunks(list(group), seconds, most)
    ]


def _chunks(numbers: Sequence[int], seconds: Mapping[int, float], most: int) -> list[list[int]]:
    chunks: list[list[int]] = []
    spent = 0.0
    for number in numbers:
        if not chunks or len(chunks[-1]) == most or spent > LONGEST_SECONDS:
            chunks.append([])
            spent = 0.0
        chunks[-1].append(number)
        spent += seconds[number]
    return chunks
