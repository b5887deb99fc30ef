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

import numpy as np
import onnxruntime


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def make_inputs(run, dims):
    random = np.random.default_rng(1)
    feeds = {}
    for value in run.get_inputs():
        shape = [dims.get(f"{value.name}.{axis}", extent if isinstance(extent, int) and extent > 0 else dims.get(str(extent), 1))
                 for axis, extent in enumerate(value.shape)]
        if value.type == "tensor(float)":
            feeds[value.name] = random.standard_normal(shape).astype(np.float32)
        elif value.type == "tensor(int64)":
            if not shape:
                feeds[value.name] = np.array(16000, np.int64)
            elif "mask" in value.name:
                feeds[value.name] = np.ones(shape, np.int64)
            elif "type" in value.name:
                feeds[value.name] = np.zeros(shape, np.int64)
            else:
                feeds[value.name] = random.integers(0, 100, shape).astype(np.int64)
        elif value.type == "tensor(int32)":
            feeds[value.name] = random.integers(0, 256, shape).astype(np.int32)
        else:
            raise SystemExit(f"input {value.name} has type {value.type}")
    return feeds


def difference(actual, expected):
    if actual.shape != expected.shape:
        return float("inf")
    if expected.size == 0:
        return 0.0
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-3))


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
                    worst = max(map(difference, session(fused).run(None, feeds), expected), default=0.0)
                    failed |= worst > 1e-4
                    cells.append(f"{worst:.1e}")
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
    kinds = ["attention", "rotary-embedding", "layer-normalization", "rms-normalization", "group-normalization", "gated-unit",
             "gelu", "pixel-shuffle", "lstm-cell", "expert-product", "projections"]
    found = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
    return [nodes, top, found or "–"]


main()
