"""Runs a quantised model in onnxruntime and compares every stored tensor with the integers Cyclewright wrote.

usage: compare_integers.py MODEL.onnx DATA.npz DUMP_FOLDER [SAMPLES]

DUMP_FOLDER comes from `cyclewright evaluate MODEL.onnx --data DATA.npz --dump DUMP_FOLDER`. Exit status 1 when a tensor
differs by more than one step of the last bit.
"""

import glob
import sys

import numpy as np
import onnx
import onnxruntime


def main(model_path, data_path, folder, samples=None):
    model = onnx.load(model_path)
    wanted = {}
    for path in sorted(glob.glob(f"{folder}/*.npy")):
        with open(path[:-3] + "txt") as text:
            wanted[text.read().strip()] = np.load(path)
    known = {output.name for output in model.graph.output}
    types = {node.output[0]: node.input[2] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    zeros = {constant.name: constant.data_type for constant in model.graph.initializer}
    for name in wanted:
        if name not in known:
            element = zeros[types[name]]
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, element, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # Every pair of quantize and dequantize is fused into the integer kernel that deployments run.
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    archive = np.load(data_path)
    inputs = {item.name: archive[item.name] for item in session.get_inputs()}
    if samples:
        inputs = {name: value[: int(samples)] for name, value in inputs.items()}
    names = list(wanted)
    results = dict(zip(names, session.run(names, inputs)))
    worst = 0
    for name in names:
        ours = wanted[name][: len(results[name])].astype(np.int64)
        gap = np.abs(ours - results[name].astype(np.int64))
        worst = max(worst, int(gap.max()))
        print(f"{name:50s} max {gap.max()}  differing {np.mean(gap > 0) * 100:.3f} %  of {gap.size}")
    print(f"{len(names)} stored tensors, largest difference {worst} LSB")
    return 1 if worst > 1 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
