"""Stores the cache of a small attention step in few bits and runs the written models in onnxruntime.

usage: compare_cache.py CYCLEWRIGHT [FOLDER]

Makes two models of one decoding step (attention spelt out, and GroupQueryAttention; 4 heads of 32 channels, 48 steps before)
whose keys have two channels per head that are 20 times larger than the others, as rotated keys of language models have.
Prints dB against the float model from our evaluator and from onnxruntime (optimisations off), and how the stored results differ.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

HEADS, DEPTH, WIDTH, PAST, BATCH = 4, 32, 128, 48, 4
FORMATS = {f"int{bits} {s}": f"{{num_bits: {bits}, strategy: {s}}}" for bits in (8, 4) for s in ("tensor", "head", "channel", "token")}
for bits in (8, 4):
    FORMATS[f"int{bits} channel, token"] = f"{{num_bits: {bits}, keys: {{strategy: channel}}, values: {{strategy: token}}}}"
FORMATS["fp8_e4m3 tensor"] = "{type: fp8_e4m3}"
FORMATS["fp8_e4m3 token"] = "{type: fp8_e4m3, strategy: token}"


def weights():
    random = np.random.default_rng(0)
    q, k, v = (random.standard_normal((WIDTH, HEADS * DEPTH)).astype(np.float32) / np.float32(WIDTH**0.5) for _ in range(3))
    large = np.ones((HEADS, DEPTH), np.float32)
    for head in large:
        head[random.choice(DEPTH, 2, replace=False)] = 20
    return q / np.sqrt(large.reshape(-1)), k * large.reshape(-1), v


def model(kind, matrices):
    constants = [onnx.numpy_helper.from_array(m, "W" + n) for n, m in zip("qkv", matrices)]
    nodes = [helper.make_node("MatMul", ["x", "W" + n], [n if kind == "gqa" else n + "_flat"]) for n in "qkv"]
    b, past, total = (BATCH, PAST, PAST + 1) if kind == "gqa" else ("batch", "past", "total")
    if kind == "gqa":
        nodes.append(helper.make_node(
            "GroupQueryAttention", ["q", "k", "v", "past_key", "past_value", "last", "count"], ["y", "present_key", "present_value"],
            domain="com.microsoft", num_heads=HEADS, kv_num_heads=HEADS))
        constants += [
            onnx.numpy_helper.from_array(np.full(BATCH, PAST, np.int32), "last"), onnx.numpy_helper.from_array(np.int32(PAST + 1), "count")]
    else:
        constants += [
            onnx.numpy_helper.from_array(np.array([0, 1, HEADS, DEPTH]), "heads"),
            onnx.numpy_helper.from_array(np.float32(DEPTH**-0.5), "factor")]
        for n in "qkv":
            nodes += [
                helper.make_node("Reshape", [n + "_flat", "heads"], [n + "_split"]),
                helper.make_node("Transpose", [n + "_split"], [n], perm=[0, 2, 1, 3])]
        nodes += [
            helper.make_node("Concat", ["past_key", "k"], ["present_key"], axis=2),
            helper.make_node("Concat", ["past_value", "v"], ["present_value"], axis=2),
            helper.make_node("Transpose", ["present_key"], ["turned"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "turned"], ["s"]),
            helper.make_node("Mul", ["s", "factor"], ["scaled"]), helper.make_node("Softmax", ["scaled"], ["p"], axis=-1),
            helper.make_node("MatMul", ["p", "present_value"], ["y"])]
    info = helper.make_tensor_value_info
    cache = [b, HEADS, past, DEPTH]
    graph = helper.make_graph(
        nodes, kind,
        [info("x", TensorProto.FLOAT, [b, 1, WIDTH])] + [info("past_" + n, TensorProto.FLOAT, cache) for n in ("key", "value")],
        [info("y", TensorProto.FLOAT, None)]
        + [info("present_" + n, TensorProto.FLOAT, [b, HEADS, total, DEPTH]) for n in ("key", "value")], constants)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def samples(count, seed, matrices):
    random = np.random.default_rng(seed)
    before = lambda m: np.ascontiguousarray(
        (random.standard_normal((count, PAST, WIDTH)).astype(np.float32) @ m).reshape(count, PAST, HEADS, DEPTH).transpose(0, 2, 1, 3))
    return {
        "x": random.standard_normal((count, 1, WIDTH)).astype(np.float32), "past_key": before(matrices[1]),
        "past_value": before(matrices[2])}


def session(proto, outputs=None):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def real_inputs(proto):
    """The same model with real pasts: rounded inside, by the quantise that mirrors the dequantise which reads them."""
    graph = proto.graph
    inputs = {i.name: i for i in graph.input}
    made = {o: n for n in graph.node for o in n.output}

    def source(name):
        while name in made and made[name].op_type == "Concat":
            name = made[name].input[0]
        return name

    front = []
    for node in [n for n in graph.node if n.op_type == "DequantizeLinear" and source(n.input[0]).startswith("past_")]:
        stored = source(node.input[0])
        if stored not in inputs:
            continue
        element = inputs.pop(stored).type.tensor_type.elem_type
        scale = source(node.input[1])
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if scale in inputs:
            inputs.pop(scale)
            steps = {TensorProto.INT8: 127, TensorProto.INT4: 7, TensorProto.FLOAT8E4M3FN: 448}[element]
            graph.initializer.append(onnx.numpy_helper.from_array(np.float32(steps), stored + "_n"))
            graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), stored + "_a"))
            graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1e-10), stored + "_e"))
            front += [
                helper.make_node("Abs", [stored + "_in"], [stored + "_b"]),
                helper.make_node("ReduceMax", [stored + "_b", stored + "_a"], [stored + "_m"], keepdims=1),
                helper.make_node("Max", [stored + "_m", stored + "_e"], [stored + "_c"]),
                helper.make_node("Div", [stored + "_c", stored + "_n"], [scale])]
        pair = [scale] + list(node.input[2:])
        if len(pair) == 1:
            attributes["output_dtype"] = element
        front.append(helper.make_node("QuantizeLinear", [stored + "_in"] + pair, [stored], **attributes))
    names = {n for node in front for n in node.input if n.endswith("_in")}
    # Constants that repeat scales come before what reads them.
    repeats = [n for n in graph.node if n.op_type in ("Expand", "Shape", "Concat") and any("scale" in o or "images" in o for o in n.output)
               and not any(o in {x.name for x in graph.output} or o.startswith("present") for o in n.output)]
    for n in repeats:
        for i, name in enumerate(n.input):
            if name + "_in" in names:
                n.input[i] = name + "_in"
    rest = [n for n in graph.node if n not in repeats]
    plain = [inputs[n] for n in inputs]
    del graph.node[:], graph.input[:]
    graph.node.extend(repeats + front + rest)
    graph.input.extend(plain + [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in sorted(names)])
    return proto


def decibels(exact, found):
    noise = float(((found - exact).astype(np.float64) ** 2).sum())
    return 10 * np.log10(float((exact.astype(np.float64) ** 2).sum()) / noise)


def main(program, folder):
    matrices = weights()
    test = samples(64, 2, matrices)
    np.savez(folder / "calibration.npz", **samples(32, 1, matrices))
    np.savez(folder / "test.npz", **test)
    print("| model | cache | our dB | onnxruntime dB | bits per number |\n|---|---|---:|---:|---:|")
    for kind in ("step", "gqa"):
        path = folder / f"{kind}.onnx"
        onnx.save(model(kind, matrices), path)
        run = session(onnx.load(path))
        parts = [{k: v[i : i + BATCH] for k, v in test.items()} for i in range(0, 64, BATCH)]
        exact = np.concatenate([run.run(["y"], p)[0] for p in parts])
        for name, text in FORMATS.items():
            recipe, written, report = (folder / f"{kind}.{s}" for s in ("yaml", "stored.onnx", "json"))
            recipe.write_text(f"version: 1\nstages:\n  - quantize:\n      kv_cache: {text}\n")
            subprocess.run(
                [program, "compress", path, "--recipe", recipe, "--calibration", folder / "calibration.npz", "--data", folder / "test.npz",
                 "--output", written, "--json", report], check=True, capture_output=True)
            saved = json.loads(report.read_text())
            onnx.checker.check_model(onnx.load(written)) if kind == "step" else None
            run = session(real_inputs(onnx.load(written)))
            found = np.concatenate([run.run(["y"], {k if k == "x" else k + "_in": v for k, v in p.items()})[0] for p in parts])
            bits = [f["value"] for r in saved["records"] for f in r["figures"] if f["name"] == "bits_per_number"]
            print(f"| {kind} | {name} | {saved['accuracy']['sqnr_decibels']:.2f} | {decibels(exact, found):.2f} | {np.mean(bits):.1f} |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(sys.argv[1], pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else scratch))
