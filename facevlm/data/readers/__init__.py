"""Readers of data sets, one file each: whatever the layout and the labels, out come samples.

`READERS` names them for the command line; each is `read(folder, split) -> Reading`. What is published of a data set is
in published.yaml. No data set ships with FaceVLM, and none is fetched.
"""

from collections.abc import Callable
from pathlib import Path

from facevlm.data.readers import (
    affectnet,
    bp4d,
    ckplus,
    disfa,
    emotionet,
    faba,
    fea20k,
    ferplus,
    own,
    rafdb,
)
from facevlm.data.readers.reading import Expected, Reading, published, reading

READERS: dict[str, Callable[[Path, str], Reading]] = {
    "ferplus": ferplus.read,
    "rafdb": rafdb.read,
    "rafdb-compound": rafdb.read_compound,
    "affectnet": affectnet.read,
    "ckplus": ckplus.read,
    "disfa": disfa.read,
    "bp4d": bp4d.read,
    "emotionet": emotionet.read,
    "faba": faba.read,
    "fea20k": fea20k.read,
    "own": own.read,
}

__all__ = ["READERS", "Expected", "Reading", "published", "reading"]
