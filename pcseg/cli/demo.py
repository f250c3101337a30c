"""`pcseg demo`: everything once, on simulated streets, in minutes."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from pcseg.cli.console import console, split_settings

STREETS = "00,01,02,03,04,05,06,07,09,10,12,13,14,15,16,17"
UNSEEN = "08,11,18,19"
"""Sequences to train on and to test on: each a street of its own, none in both."""

LIGHT = "--columns-step 3"
"""Makes scans that two cores can learn from in minutes."""


def demo(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folder for everything the demo makes (pcseg-demo), and changed settings of the "
            "training, key=value.",
            metavar="[OUT] [KEY=VALUE]...",
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Scans of each training street.")] = 8,
) -> None:
    """Simulate streets, train a small network, test it on unseen streets, and show what it sees.

    Each step is a command that you could have typed; it is printed before it runs. An interrupted
    demo goes on where it stopped.
    """
    from pcseg.cli import evaluate, predict, simulate, train, view
    from pcseg.errors import ConfigError

    plain, settings = split_settings(words or ())
    if len(plain) > 1:
        raise ConfigError(f"one folder at most: {' '.join(plain)}")
    out = Path(plain[0] if plain else "pcseg-demo")
    began = time.perf_counter()
    workers = min(2, os.cpu_count() or 1)
    streets, unseen, run = out / "streets", out / "unseen", out / "run"
    labelled, png, html = out / "predictions", out / "unseen.png", out / "unseen.html"

    _say(
        "1/6",
        "simulate streets to learn from (a 64-beam LiDAR, every third firing)",
        f"simulate {streets} --sequences {STREETS} --frames {frames} --frame-step 10 {LIGHT}",
    )
    simulate.simulate(
        streets, sequences=STREETS, frames=frames, frame_step=10.0, columns_step=3, workers=workers
    )

    _say(
        "2/6",
        "simulate streets that the network will not see in training",
        f"simulate {unseen} --sequences {UNSEEN} --frames 4 --frame-step 20 {LIGHT} --seed 1",
    )
    simulate.simulate(
        unseen, sequences=UNSEEN, frames=4, frame_step=20.0, columns_step=3, workers=workers, seed=1
    )

    changed = [f"data.root={streets}", f"out={run}", *settings]
    _say("3/6", "train a small MinkUNet", f"train simulated/demo {shlex.join(changed)}")
    train.train("simulated/demo", changed)

    asked = [f"data.root={unseen}", "data.split=all"]
    _say(
        "4/6",
        "score it on the unseen streets, every point of every scan",
        f"eval {run} {shlex.join(asked)} --json {out / 'eval.json'}",
    )
    evaluate.evaluate(run, asked, json=out / "eval.json")

    scene = unseen / "sequences" / "08"
    _say(
        "5/6",
        "label the scans of an unseen street",
        f"predict {run} {scene} --out {labelled} --overwrite",
    )
    predict.predict(run, [str(scene)], out=labelled, overwrite=True)

    _say(
        "6/6",
        "look at truth, prediction and errors",
        f"view {scene} --pred {labelled} --frame 0 --png {png} --html {html}",
    )
    view.view([scene], pred=labelled, frame=0, png=png, html=html)

    minutes = (time.perf_counter() - began) / 60
    console.rule(f"[bold green]done[/] in {minutes:.1f} minutes (simulated data)")
    console.print(
        f"open   {html}   in a browser: it can be turned\n"
        f"see    {png}\n"
        f"score  {out / 'eval.json'}\n"
        f"try    pcseg predict {run} YOUR_FILE.ply\n"
        f"try    pcseg view {scene} --pred {labelled}\n"
        "train  pcseg train semantickitti/minkunet data.root=DIR      (pcseg ls configs)",
        soft_wrap=True,
    )


def _say(step: str, what: str, command: str) -> None:
    console.rule(f"[bold]{step}[/] {what}", align="left")
    console.print(f"$ pcseg {command}", style="cyan", soft_wrap=True, markup=False)
