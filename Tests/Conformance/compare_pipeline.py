"""Checks that the default pipeline keeps what models compute.

usage: compare_pipeline.py CYCLEWRIGHT MODEL[:dim=value,...] ...

CYCLEWRIGHT is the built program. Each model goes through `opt --pipeline predict` (normalise, recognise, merge, fuse) and
back to ONNX, once with its dimensions bound and once without; onnxruntime computes the original and the result on seeded
inputs. Printed are source nodes, nodes after the pipeline, how often each pattern was recognised, and the largest
difference relative to the largest element of each output.
"""
import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from compare_models import make_inputs, session, worst


def through(program, path, dims, folder):
    """The fused model's path and its text form."""
    fused, text = folder / "fused.onnx", folder / "fused.cwg"
    binding = [flag for key, value in dims.items() for flag in ("--dim", f"{key}={value}")]
    for output, extra in ((fused, []), (text, ["--structural"])):
        done = subprocess.run([program, "opt", str(path), *binding, "--pipeline", "predict", *extra, "-o", str(output)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-200:])
    return fused, text.read_text()


def main():
    program, models = sys.argv[1], sys.argv[2:]
    failed = False
    print("| model | source nodes | kernels | recognised | bound | unbound |\n|---|---|---|---|---|---|")
    for argument in models:
        path, _, rest = argument.partition(":")
        dims = {key: int(value) for key, value in (pair.split("=") for pair in rest.split(",") if pair)}
        run = session(path)
        feeds = make_inputs(run, dims)
        expected = run.run(None, feeds)
        cells, summary = [], ["?", "?", "?"]
        for binding in [dims, {}] if dims else [dims]:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    fused, text = through(program, path, binding, Path(folder))
                    if summary[0] == "?":
                        summary = describe(text)
                    found = worst(session(fused).run(None, feeds), expected)
                    if isinstance(found, str):
                        raise RuntimeError(found)
                    failed |= found[0] > 1e-4
                    cells.append(f"{found[0]:.1e}")
                except Exception as error:  # the message is the result
                    failed = True
                    cells.append(str(error).replace("|", "/").replace("\n", " ")[:160])
        print(f"| {Path(path).stem} | {' | '.join(map(str, summary))} | {' | '.join(cells + ['–'] * (2 - len(cells)))} |", flush=True)
    sys.exit(failed)


def describe(text):
    head = text.split("\n", 2)[1]
    nodes = len(re.findall(r'"(?:[^"\\]|\\.)*"', head.partition("nodes [")[2]))
    top = sum(1 for line in text.split("\n") if re.match(r"  %\d+ ", line))
    counts = collections.Counter(re.findall(r" = ([a-z-]+)\(", text))
    kinds = ["attention", "rotary-embedding", "layer-normalization", "rms-normalization", "group-normalization",
             "mean-variance-normalization", "lp-normalization", "gated-unit",
             "gelu", "pixel-shuffle", "lstm-cell", "expert-product", "projections"]
    found = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
    return [nodes, top, found or "–"]


main()
