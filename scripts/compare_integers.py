"""Runs a quantised model in onnxruntime and compares every stored tensor with the integers Cyclewright wrote.

usage: compare_integers.py MODEL.onnx DATA.npz DUMP_FOLDER [--samples N] [--fused] [--table]

DUMP_FOLDER comes from `cyclewright evaluate MODEL.onnx --data DATA.npz --integers --dump DUMP_FOLDER`. Every result of a
QuantizeLinear becomes an output of the model, and onnxruntime runs it twice: once on the data, so that differences of earlier
tensors are in those of later ones (grown), and once with every stored tensor an input fed with our integers, so that each tensor is
computed from the same stored inputs (own). Optimisations are off: onnxruntime computes in real numbers on the stored grid.
--fused leaves them on, for the integer kernels that deployments run: products of 8 bits are exact there only on processors with VNNI
instructions. --table prints Markdown.
Exit status 1 when a tensor's own difference (with --fused: either) exceeds one step of the last bit.
"""

import argparse
import glob
import sys

import numpy as np
import onnx
import onnxruntime


def session(model, fused):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def stored_types(model):
    """Element type of every tensor a QuantizeLinear with a zero point makes, in graph order."""
    constants = {constant.name: constant.data_type for constant in model.graph.initializer}
    return {n.output[0]: constants[n.input[2]] for n in model.graph.node if n.op_type == "QuantizeLinear" and len(n.input) > 2}


def with_outputs(model, types, names):
    known = {output.name for output in model.graph.output}
    for name in names:
        if name not in known:
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, types[name], None))
    return model


def cut(model, types, names, dump):
    """Readers of a stored tensor read an input of the model in its place."""
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name in names:
                node.input[index] = name + "__fed"
    for name in names:
        shape = [None] * dump[name].ndim
        model.graph.input.append(onnx.helper.make_tensor_value_info(name + "__fed", types[name], shape))
    return model


def largest(ours, theirs):
    gap = np.abs(ours.astype(np.int64) - theirs.astype(np.int64))
    return int(gap.max(initial=0)), float(np.mean(gap > 0)) * 100


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("folder")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--fused", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    dump = {}
    for path in glob.glob(f"{arguments.folder}/*.npy"):
        with open(path[:-3] + "txt") as text:
            dump[text.read().strip()] = np.load(path)
    types = stored_types(onnx.load(arguments.model))
    names = [name for name in types if name in dump]
    missing = sorted(set(types) ^ set(dump))
    if missing or not names:
        sys.exit(f"stored in one and not in the other: {', '.join(missing) or 'nothing is stored'}")
    archive = np.load(arguments.data)
    whole = session(with_outputs(onnx.load(arguments.model), types, names), arguments.fused)
    inputs = {item.name: archive[item.name] for item in whole.get_inputs()}
    count = min(len(value) for value in list(inputs.values()) + list(dump.values()))
    count = min(count, arguments.samples or count)
    inputs = {name: value[:count] for name, value in inputs.items()}
    grown = dict(zip(names, whole.run(names, inputs)))
    kinds = {name: onnx.helper.tensor_dtype_to_np_dtype(types[name]) for name in names}
    fed = session(cut(with_outputs(onnx.load(arguments.model), types, names), types, set(names), dump), arguments.fused)
    taken = {item.name for item in fed.get_inputs()}
    feeds = {**inputs, **{n + "__fed": dump[n][:count].astype(kinds[n]) for n in names if n + "__fed" in taken}}
    own = dict(zip(names, fed.run(names, {n: v for n, v in feeds.items() if n in taken})))
    worst = {"own": 0, "grown": 0}
    if arguments.table:
        print("| stored tensor | elements | own LSB | own differing % | grown LSB | grown differing % |\n|---|---:|---:|---:|---:|---:|")
    for name in names:
        far, share = largest(dump[name][:count], grown[name])
        near, rare = largest(dump[name][:count], own[name])
        worst["grown"] = max(worst["grown"], far)
        worst["own"] = max(worst["own"], near)
        cells = [name, f"{dump[name][:count].size}", f"{near}", f"{rare:.4f}", f"{far}", f"{share:.3f}"]
        print("| " + " | ".join(cells) + " |" if arguments.table else f"{cells[0]:50s} own {cells[2]} ({cells[3]} %)  grown {cells[4]} ({cells[5]} %)")
    print(f"{len(names)} stored tensors, {count} samples: own difference at most {worst['own']} LSB, grown {worst['grown']} LSB")
    return 1 if max(worst["own"], worst["grown"] if arguments.fused else 0) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
