"""`facevlm data rig`: ICT-FaceKit's folder of meshes as the one archive that `facevlm data synth` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facevlm.cli import options
from facevlm.cli.ending import say

EXAMPLES = options.examples(
    "git clone https://github.com/ICT-VGL/ICT-FaceKit",
    "facevlm data rig ICT-FaceKit/FaceXModel ict_facekit.npz",
)


def rig(
    folder: Annotated[Path, typer.Argument(metavar="FACEXMODEL", help="The folder FaceXModel of ICT-FaceKit.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.npz", help="The archive to write.")],
) -> None:
    """Make the archive that --rig wants from ICT-FaceKit (MIT) as its authors publish it."""
    from facevlm.data.synth import facekit, rig

    expressions = facekit.archive(folder, out)
    rig.load(out)
    say(f"{out}: {expressions} expressions")
