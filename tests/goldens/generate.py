"""Writes the golden files `*.jsonl` beside this script: what PyTorch computes, for `tests/tests/goldens.rs` to compare.

    python tests/goldens/generate.py [file ...]

Needs PyTorch (the files in the repository were made by the version that `made-by.txt` names), and nothing else. The
same version writes the same bytes. The format is described in `cases/writer.py`; to add an operation, write its cases
in the module of its subject and give it a closure in `tests/src/ops/`.
"""

import pathlib
import sys
import warnings

import torch

import cases.attention
import cases.elementwise
import cases.indexing
import cases.joins
import cases.layers
import cases.losses
import cases.modules
import cases.products
import cases.recurrent
import cases.reductions
import cases.sorting
import cases.transformer
import cases.views
from cases.writer import Writer

FILES = {
    "elementwise": cases.elementwise.write,
    "views": cases.views.write,
    "products": cases.products.write,
    "joins": cases.joins.write,
    "indexing": cases.indexing.write,
    "reductions": cases.reductions.write,
    "sorting": cases.sorting.write,
    "attention": cases.attention.write,
    "recurrent": cases.recurrent.write,
    "transformer": cases.transformer.write,
    "layers": cases.layers.write,
    "losses": cases.losses.write,
    "modules": cases.modules.write,
}


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    here = pathlib.Path(__file__).parent
    for name in sys.argv[1:] or FILES:
        writer = Writer()
        FILES[name](writer)
        path = here / f"{name}.jsonl"
        count = writer.save(path)
        print(f"{name}: {count} cases of {len(writer.counts)} operations, {path.stat().st_size // 1024} KiB")
    (here / "made-by.txt").write_text(f"PyTorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
