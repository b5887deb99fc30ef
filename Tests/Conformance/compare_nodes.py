"""Finds where the evaluator and onnxruntime part on one model: every tensor between its nodes becomes an output.

usage: compare_nodes.py RUNNER MODEL[:dim=value,...]

RUNNER is the built cyclewright-conformance. Prints, in order of execution, the nodes whose result differs clearly more than
what they read: their operator, the largest difference and the same relative to the largest element. onnxruntime runs its
plain graph, so that both execute the same nodes. Sigmoids are also held against their own inputs in double precision.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import compare_models
import numpy as np
import onnx
from onnx import numpy_helper

GROWTH = 4.0


def exposed(path, folder):
    """The model with every float tensor whose type is known as an output, and the nodes by what they make."""
    model = onnx.load(path)
    typed = onnx.shape_inference.infer_shapes(model)
    known = {value.name: value for value in typed.graph.value_info}
    for node in model.graph.node:
        for name in node.output:
            if name in known and known[name].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
                model.graph.output.append(known[name])
    onnx.save(model, str(folder / "exposed.onnx"))
    return folder / "exposed.onnx", model.graph.node


def main():
    runner, (path, _, rest) = sys.argv[1], sys.argv[2].partition(":")
    dims = {key: int(value) for key, value in (part.split("=") for part in rest.split(",") if part)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, nodes = exposed(path, folder)
        run = compare_models.session(model, optimised=False)
        feeds = compare_models.make_inputs(run, dims)
        names = [value.name for value in run.get_outputs()]
        theirs = dict(zip(names, run.run(None, feeds)))
        for index, value in enumerate(run.get_inputs()):
            (folder / f"input_{index}.pb").write_bytes(numpy_helper.from_array(feeds[value.name]).SerializeToString())
        subprocess.run([runner, "--evaluate", str(model), str(folder)], check=True, capture_output=True)
        ours = {name: numpy_helper.to_array(onnx.load_tensor(str(folder / f"output_{index}.pb"))) for index, name in enumerate(names)}
    error = {name: np.abs(ours[name] - theirs[name].astype(np.float64)).max(initial=0) for name in names}
    relative = {name: error[name] / max(np.abs(theirs[name]).max(initial=0), 1e-30) for name in names}
    for node in nodes:
        for name in node.output:
            if name not in relative or relative[name] < 1e-6:
                continue
            before = max((relative[source] for source in node.input if source in relative), default=0)
            if relative[name] > GROWTH * before:
                print(f"{node.op_type:16} {name[-48:]:48} {error[name]:.1e} absolute, {relative[name]:.1e} relative")
        if node.op_type == "Sigmoid" and node.input[0] in ours:
            for who, tensors in (("evaluator", ours), ("onnxruntime", theirs)):
                exact = 1 / (1 + np.exp(-tensors[node.input[0]].astype(np.float64)))
                print(f"  {who}: {np.abs(tensors[node.output[0]] - exact).max():.1e} from the sigmoid of its own input, at most {exact.max():.1e}")
    print("outputs:", ", ".join(f"{value.name} {relative[value.name]:.1e}" for value in onnx.load(path).graph.output))


main()
