"""Compares the evaluator and the ONNX writer with onnxruntime on real models.

usage: compare_models.py [--inputs random|rendered-text|tones] [--seeds 1,2,…] RUNNER MODEL[:dim=value,...] ...

RUNNER is the built cyclewright-conformance. For each model and seed it makes inputs and runs onnxruntime on the original
file, plain and optimised. The evaluator then runs the model as imported and after the whole default pipeline, each with
symbolic extents left open and bound; every graph is also written back, checked, and run in onnxruntime.

Two numbers for each comparison: the largest absolute difference, and the same relative to the largest element of its output (of the
outputs, the one with the largest relative difference). `plain` and `default` say with which session of onnxruntime: without and
with its own optimisations; `spread` is how far these two are from one another. A stage holds when the evaluator and the file
written back are within 1e-4 of the largest element of the plain session, and a file written as imported gives its very bits.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from model_inputs import KINDS, feeds as make_feeds
from onnx import numpy_helper

LIMIT = 1e-4


def session(path, optimised=True):
    options = onnxruntime.SessionOptions()
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def make_inputs(run, dims):
    return make_feeds(run, dims)


def difference(actual, expected):
    """(relative to the largest element, absolute), or what is wrong."""
    if actual.shape != expected.shape:
        return f"shape {actual.shape} instead of {expected.shape}"
    if expected.size == 0:
        return 0.0, 0.0
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    absolute, largest = float(np.max(np.abs(a - b))), float(np.max(np.abs(b)))
    return (absolute / largest if largest > 0 else float("inf") if absolute > 0 else 0.0), absolute


def worst(actual, expected):
    """The largest relative difference of all outputs, with its absolute one, or what is wrong."""
    found = [difference(a, b) for a, b in zip(actual, expected)]
    return next((d for d in found if isinstance(d, str)), None) or max((d for d in found if not isinstance(d, str)), default=(0.0, 0.0))


def shown(value):
    return value[-60:] if isinstance(value, str) else f"{value[0]:.1e} {value[1]:.1e}"


def holds(value, limit=LIMIT):
    return not isinstance(value, str) and value[0] <= limit


def stage(runner, path, folder, feeds, expected, dims, pipeline):
    """(the evaluator's outputs or what it says, those of the file written back, what the checker says)"""
    command = [runner, "--evaluate", path, str(folder)] + [f"--dim={key}={value}" for key, value in dims.items()]
    if pipeline:
        command += ["--pipeline", pipeline]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return (done.stdout + done.stderr).strip()[-200:], "", ""
    found = [numpy_helper.to_array(onnx.load_tensor(str(folder / f"output_{i}.pb"))) for i in range(len(expected))]
    try:
        onnx.checker.check_model(str(folder / "written.onnx"))
        checked = "accepts"
    except Exception as error:
        checked = "refuses: " + str(error)[:200]
    try:
        back = session(folder / "written.onnx", optimised=False).run(None, feeds)
    except Exception as error:
        back = str(error)[:200]
    return found, back, checked


def compare(runner, path, dims, kind, seed):
    run, failed = session(path), False
    feeds = make_feeds(run, dims, kind, seed)
    plain, optimised = session(path, optimised=False).run(None, feeds), run.run(None, feeds)
    against = lambda outputs, reference: outputs if isinstance(outputs, str) else worst(outputs, reference)
    largest = ", ".join(f"{np.max(np.abs(output)) if output.size else 0:.2g}" for output in plain)
    print(f"{Path(path).name}  {kind} seed {seed}  largest elements of the outputs {largest}  spread {shown(worst(optimised, plain))}")
    for pipeline in (None, "predict"):
        for bound in ({}, dims) if dims else ({},):
            with tempfile.TemporaryDirectory() as folder:
                folder = Path(folder)
                for index, value in enumerate(run.get_inputs()):
                    (folder / f"input_{index}.pb").write_bytes(numpy_helper.from_array(feeds[value.name]).SerializeToString())
                found, back, checked = stage(runner, path, folder, feeds, plain, bound, pipeline)
            ours, written = against(found, plain), against(back, plain)
            # As imported the file written back is the same computation; fused, the sums may round otherwise.
            good = holds(ours) and checked == "accepts" and holds(written, LIMIT if pipeline else 0)
            failed |= not good
            name = f"{pipeline or 'imported'}{', bound' if bound else ', open' if dims else ''}"
            print(f"  {name:18} plain {shown(ours):>17}  default {shown(against(found, optimised)):>17}  written back {shown(written):>17}  checker {checked}{'' if good else '  FAILED'}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--inputs", choices=KINDS, default="random")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("runner")
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    failed = False
    for argument in arguments.models:
        path, _, rest = argument.partition(":")
        dims = {key: int(value) for key, value in (pair.split("=") for pair in rest.split(",") if pair)}
        for seed in arguments.seeds.split(","):
            failed |= compare(arguments.runner, path, dims, arguments.inputs, int(seed))
    sys.exit(failed)


if __name__ == "__main__":
    main()
