"""Compares the evaluator and the ONNX writer with onnxruntime on real models.

usage: compare_models.py RUNNER MODEL[:dim=value,...] ...

RUNNER is the built cyclewright-conformance. For each model it writes seeded inputs, runs onnxruntime on the original
file, the evaluator on it, and onnxruntime on the file written back, and prints the largest differences relative to the
largest element. The spread is onnxruntime's own, between its optimised and its plain graph.
"""
import subprocess
import sys
import tempfile
import time
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
    for index, value in enumerate(run.get_inputs()):
        shape = []
        for axis, extent in enumerate(value.shape):
            if isinstance(extent, int) and extent > 0:
                shape.append(dims.get(f"{value.name}.{axis}", extent))
            else:
                key = f"{value.name}.{axis}"
                shape.append(dims[key] if key in dims else dims[str(extent)])
        kind = value.type
        if kind == "tensor(float)":
            feeds[value.name] = random.standard_normal(shape).astype(np.float32)
        elif kind == "tensor(int64)":
            feeds[value.name] = (np.full(shape, 16000) if not shape else random.integers(0, 2 if "mask" in value.name or "type" in value.name else 1000, shape)).astype(np.int64)
            if "mask" in value.name:
                feeds[value.name][:] = 1
            if "type" in value.name:
                feeds[value.name][:] = 0
        elif kind == "tensor(int32)":
            feeds[value.name] = random.integers(0, 256, shape).astype(np.int32)
        else:
            raise SystemExit(f"input {value.name} has type {kind}")
    return feeds


def difference(actual, expected):
    if actual.shape != expected.shape:
        return f"shape {actual.shape} instead of {expected.shape}"
    if expected.size == 0:
        return 0.0
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    # Below 1e-3 the largest element says nothing any more: sigmoids of large negative numbers.
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-3))


def main():
    runner, models = sys.argv[1], sys.argv[2:]
    failed = False
    print(f"{'model':40} {'evaluator':>10} {'ort spread':>10} {'written back':>12} {'checker':>8}  ort ms  evaluator ms")
    for argument in models:
        path, _, rest = argument.partition(":")
        dims = {key: int(value) for key, value in (pair.split("=") for pair in rest.split(",") if pair)}
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            run = session(path)
            feeds = make_inputs(run, dims)
            expected = run.run(None, feeds)
            plain = session(path, optimised=False).run(None, feeds)
            spread = max((d for d in map(difference, expected, plain) if not isinstance(d, str)), default=0.0)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                run.run(None, feeds)
                times.append(time.perf_counter() - start)
            for index, value in enumerate(run.get_inputs()):
                (folder / f"input_{index}.pb").write_bytes(numpy_helper.from_array(feeds[value.name]).SerializeToString())
            command = [runner, "--evaluate", path, str(folder)] + [f"--dim={key}={value}" for key, value in dims.items()]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                print(f"{Path(path).name:40} {done.stdout.strip()} {done.stderr.strip()[-300:]}")
                failed = True
                continue
            worst = 0.0
            for index, value in enumerate(plain):
                actual = numpy_helper.to_array(onnx.load_tensor(str(folder / f"output_{index}.pb")))
                found = difference(actual, value)
                worst = found if isinstance(found, str) else (worst if isinstance(worst, str) else max(worst, found))
            try:
                onnx.checker.check_model(str(folder / "written.onnx"))
                checked = "accepts"
            except Exception as error:  # the checker's message is the result
                checked = "refuses: " + str(error)[:300]
            back = 0.0
            try:
                again = session(folder / "written.onnx", optimised=False)
                for actual, value in zip(again.run(None, feeds), plain):
                    found = difference(actual, value)
                    back = found if isinstance(found, str) else (back if isinstance(back, str) else max(back, found))
            except Exception as error:
                back = str(error)[:300]
            seconds = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("seconds ")]
            failed |= isinstance(worst, str) or worst > max(1e-4, spread) or back != 0 or checked != "accepts"
            shown = worst if isinstance(worst, str) else f"{worst:.1e}"
            print(f"{Path(path).name:40} {shown:>10} {spread:>10.1e} {back!s:>12} {checked:>8}  {min(times) * 1e3:.1f}  {min(seconds) * 1e3:.1f}", flush=True)
    sys.exit(failed)


main()
