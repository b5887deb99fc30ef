"""Compares the evaluator and the ONNX writer with onnxruntime on real models.

usage: compare_models.py RUNNER MODEL[:dim=value,...] ...

RUNNER is the built cyclewright-conformance. For each model it writes seeded inputs and runs onnxruntime on the original
file. The evaluator then runs the model as imported and after the whole default pipeline, each with symbolic extents left
open and bound; every graph is also written back, checked, and run in onnxruntime. Differences are relative to the largest
element; the spread is onnxruntime's own, between its optimised and its plain graph.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper


def session(path, optimised=True):
    options = onnxruntime.SessionOptions()
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def make_inputs(run, dims):
    random = np.random.default_rng(1)
    feeds = {}
    for value in run.get_inputs():
        shape = []
        for axis, extent in enumerate(value.shape):
            key = f"{value.name}.{axis}"
            fixed = isinstance(extent, int) and extent > 0
            shape.append(dims[key] if key in dims else extent if fixed else dims[str(extent)])
        if value.type == "tensor(float)":
            feeds[value.name] = random.standard_normal(shape).astype(np.float32)
        elif value.type == "tensor(int64)":
            feeds[value.name] = random.integers(0, 1000, shape).astype(np.int64)
            for word, constant in (("mask", 1), ("type", 0)):
                if word in value.name:
                    feeds[value.name] = np.full(shape, constant, np.int64)
            if not shape:
                feeds[value.name] = np.array(16000, np.int64)
        elif value.type == "tensor(int32)":
            feeds[value.name] = random.integers(0, 256, shape).astype(np.int32)
        else:
            raise SystemExit(f"input {value.name} has type {value.type}")
    return feeds


def difference(actual, expected):
    if actual.shape != expected.shape:
        return f"shape {actual.shape} instead of {expected.shape}"
    if expected.size == 0:
        return 0.0
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    # Below 1e-3 the largest element says nothing any more: sigmoids of large negative numbers.
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-3))


def worst(actual, expected):
    found = [difference(a, b) for a, b in zip(actual, expected)]
    return next((d for d in found if isinstance(d, str)), None) or max((d for d in found if not isinstance(d, str)), default=0.0)


def shown(value):
    return value[-60:] if isinstance(value, str) else f"{value:.1e}"


def stage(runner, path, folder, feeds, plain, dims, pipeline):
    """(difference of the evaluator, difference of the file written back, what the checker says)"""
    command = [runner, "--evaluate", path, str(folder)] + [f"--dim={key}={value}" for key, value in dims.items()]
    if pipeline:
        command += ["--pipeline", pipeline]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return (done.stdout + done.stderr).strip()[-200:], "", ""
    found = worst([numpy_helper.to_array(onnx.load_tensor(str(folder / f"output_{i}.pb"))) for i in range(len(plain))], plain)
    try:
        onnx.checker.check_model(str(folder / "written.onnx"))
        checked = "accepts"
    except Exception as error:
        checked = "refuses: " + str(error)[:200]
    try:
        back = worst(session(folder / "written.onnx", optimised=False).run(None, feeds), plain)
    except Exception as error:
        back = str(error)[:200]
    return found, back, checked


def main():
    runner, models = sys.argv[1], sys.argv[2:]
    failed = False
    print(f"{'model':36} {'stage':22} {'evaluator':>10} {'ort spread':>10} {'written back':>12}  checker")
    for argument in models:
        path, _, rest = argument.partition(":")
        dims = {key: int(value) for key, value in (pair.split("=") for pair in rest.split(",") if pair)}
        run = session(path)
        feeds = make_inputs(run, dims)
        plain = session(path, optimised=False).run(None, feeds)
        spread = worst(run.run(None, feeds), plain)
        spread = 0.0 if isinstance(spread, str) else spread
        for pipeline in (None, "predict"):
            for bound in ({}, dims) if dims else ({},):
                with tempfile.TemporaryDirectory() as folder:
                    folder = Path(folder)
                    for index, value in enumerate(run.get_inputs()):
                        (folder / f"input_{index}.pb").write_bytes(numpy_helper.from_array(feeds[value.name]).SerializeToString())
                    found, back, checked = stage(runner, path, folder, feeds, plain, bound, pipeline)
                # As imported the file written back is the same computation; fused, the sums may round otherwise.
                limit = max(1e-4, 2 * spread)
                holds = not isinstance(found, str) and found <= limit and checked == "accepts" and not isinstance(back, str)
                holds = holds and back <= (limit if pipeline else 0)
                failed |= not holds
                name = f"{pipeline or 'imported'}{', bound' if bound else ', open' if dims else ''}"
                print(f"{Path(path).name:36} {name:22} {shown(found):>10} {spread:>10.1e} {shown(back):>12}  {checked}{'' if holds else '  FAILED'}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
