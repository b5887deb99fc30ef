"""Compares the TFLite importer and the evaluator with the reference kernels of ai-edge-litert.

usage: compare_tflite.py RUNNER [--runs N] [--kernels ref|builtin|default] MODEL ...

RUNNER is the built cyclewright-conformance. For each model it writes seeded inputs, runs the interpreter and the evaluator,
and prints the largest difference: in steps of the stored integers for quantised results, relative to the largest element
for others. State is carried from run to run on both sides, starting with what the file's set-up graph assigns.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import load_tensor, numpy_helper

KERNELS = {
    "ref": OpResolverType.BUILTIN_REF,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "default": OpResolverType.AUTO,
}


def state_of(path):
    """Initial values of variables, in the order in which the main graph first reads them."""
    content = Path(path).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))

    def builtin(node):
        code = model.operatorCodes[node.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode)

    def names(graph):
        return {
            node.outputs[0]: node.builtinOptions.sharedName.decode()
            for node in graph.operators
            if builtin(node) == schema.BuiltinOperator.VAR_HANDLE
        }

    kinds = {schema.TensorType.INT8: np.int8, schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT16: np.int16}
    first = {}
    for graph in model.subgraphs[1:]:
        handles = names(graph)
        for node in graph.operators:
            if builtin(node) == schema.BuiltinOperator.ASSIGN_VARIABLE:
                tensor = graph.tensors[node.inputs[1]]
                data = bytes(model.buffers[tensor.buffer].data)
                first[handles[node.inputs[0]]] = np.frombuffer(data, kinds[tensor.type]).reshape(tensor.shape)
    main = model.subgraphs[0]
    handles = names(main)
    order, assigned = [], []
    for node in main.operators:
        for operand in [operand for operand in node.inputs if operand >= 0 and main.tensors[operand].isVariable]:
            name = main.tensors[operand].name.decode()
            order.append(name)
            assigned.append(name)
            first[name] = np.zeros(main.tensors[operand].shape, np.float32)
        if builtin(node) == schema.BuiltinOperator.READ_VARIABLE and handles[node.inputs[0]] not in order:
            order.append(handles[node.inputs[0]])
        if builtin(node) == schema.BuiltinOperator.ASSIGN_VARIABLE and handles[node.inputs[0]] not in assigned:
            assigned.append(handles[node.inputs[0]])
    return order, assigned, first


def without_custom(path, folder):
    """The model up to its custom operators, which the interpreter has no kernels for; the path itself without any."""
    content = Path(path).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph = model.subgraphs[0]
    lost, kept = set(), []
    for node in graph.operators:
        code = model.operatorCodes[node.opcodeIndex]
        custom = max(code.builtinCode, code.deprecatedBuiltinCode) == schema.BuiltinOperator.CUSTOM
        if custom or any(operand in lost for operand in node.inputs):
            lost.update(node.outputs)
        else:
            kept.append(node)
    if not lost:
        return path
    read = {operand for node in kept for operand in node.inputs}
    graph.operators = kept
    graph.outputs = [output for node in kept for output in node.outputs if output not in read]
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    shortened = Path(folder) / Path(path).name
    shortened.write_bytes(bytes(builder.Output()))
    return shortened


def make_input(detail, random):
    shape, kind = detail["shape"], detail["dtype"]
    if np.issubdtype(kind, np.floating):
        return random.uniform(-1, 1, shape).astype(kind)
    if kind == np.bool_:
        return random.integers(0, 2, shape).astype(kind)
    limits = np.iinfo(kind)
    return random.integers(max(limits.min, -(1 << 15)), min(limits.max, (1 << 15) - 1), shape, endpoint=True).astype(kind)


def difference(actual, expected, quantised):
    if actual.shape != expected.shape:
        return f"shape {actual.shape} instead of {expected.shape}", 0.0
    if expected.size == 0:
        return 0.0, 0.0
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    gap = np.abs(a - b)
    if quantised:
        return float(gap.max()), float(np.mean(gap > 0))
    return float(gap.max() / max(np.abs(b).max(), 1e-3)), 0.0


def compare(runner, path, runs, kernels):
    random = np.random.default_rng(1)
    interpreter = Interpreter(str(path), experimental_op_resolver_type=KERNELS[kernels], num_threads=1)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    read, assigned, state = state_of(path)
    integers = relative = share = 0.0
    has_integers = has_floats = False
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for _ in range(runs):
            feeds = [make_input(detail, random) for detail in inputs]
            for detail, feed in zip(inputs, feeds):
                interpreter.set_tensor(detail["index"], feed)
            interpreter.invoke()
            for index, feed in enumerate(feeds + [state[name] for name in read]):
                (folder / f"input_{index}.pb").write_bytes(numpy_helper.from_array(np.array(feed)).SerializeToString())
            done = subprocess.run([runner, "--evaluate", str(path), str(folder)], capture_output=True, text=True)
            if done.returncode != 0:
                return f"{done.stdout.strip()} {done.stderr.strip()[-400:]}", None
            for index, detail in enumerate(outputs):
                actual = numpy_helper.to_array(load_tensor(str(folder / f"output_{index}.pb")))
                quantised = detail["quantization"][0] != 0
                gap, changed = difference(actual, interpreter.get_tensor(detail["index"]), quantised)
                if isinstance(gap, str):
                    return gap, None
                if quantised:
                    integers, share, has_integers = max(integers, gap), max(share, changed), True
                else:
                    relative, has_floats = max(relative, gap), True
            for index, name in enumerate(assigned):
                state[name] = numpy_helper.to_array(load_tensor(str(folder / f"output_{len(outputs) + index}.pb")))
    return None, (integers if has_integers else None, share, relative if has_floats else None)


def main():
    arguments = sys.argv[1:]
    runs, kernels = 3, "ref"
    while "--runs" in arguments:
        at = arguments.index("--runs")
        runs = int(arguments[at + 1])
        del arguments[at : at + 2]
    while "--kernels" in arguments:
        at = arguments.index("--kernels")
        kernels = arguments[at + 1]
        del arguments[at : at + 2]
    runner, models = arguments[0], arguments[1:]
    failed = False
    print(f"{'model':42} {'steps':>6} {'changed':>8} {'relative':>9}")
    for path in models:
        with tempfile.TemporaryDirectory() as folder:
            shortened = without_custom(path, folder)
            problem, found = compare(runner, shortened, runs, kernels)
        name = Path(path).name + ("" if shortened == path else " *")
        if problem:
            print(f"{name:42} {problem}", flush=True)
            failed = True
            continue
        integers, share, relative = found
        print(
            f"{name:42} {'-' if integers is None else f'{integers:.0f}':>6} {'-' if integers is None else f'{share:.2%}':>8} "
            f"{'-' if relative is None else f'{relative:.1e}':>9}",
            flush=True,
        )
        failed |= (integers or 0) > 1 or (relative or 0) > 1e-4
    print("* up to the first custom operator, for which the interpreter has no kernel")
    sys.exit(failed)


main()
