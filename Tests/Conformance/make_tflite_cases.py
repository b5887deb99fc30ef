"""Writes small TFLite models of one operator each, for compare_tflite.py.

usage: make_tflite_cases.py FOLDER

Between them the models have every operator the importer reads that a model of one operator can show, with its options:
padding, strides, dilations, masks, fused activations, broadcast, quantised and float.
"""
import sys
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

KINDS = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}
random = np.random.default_rng(7)


class Case:
    """One operator and its tensors; constants have data."""

    def __init__(self, name, operator, options=None, version=1):
        self.name, self.version = name, version
        self.code = getattr(schema.BuiltinOperator, operator)
        self.options = options
        self.tensors, self.buffers = [], [schema.BufferT()]
        self.inputs, self.outputs, self.operands, self.intermediates = [], [], [], []

    def tensor(self, shape, kind, data=None, scale=None, zero=0, axis=0, variable=False):
        tensor = schema.TensorT()
        tensor.name = f"t{len(self.tensors)}"
        tensor.shape = np.array(shape, np.int32)
        tensor.type = KINDS[np.dtype(kind)]
        tensor.isVariable = variable
        tensor.buffer = len(self.buffers)
        buffer = schema.BufferT()
        if data is not None:
            buffer.data = np.frombuffer(np.ascontiguousarray(data, kind).tobytes(), np.uint8)
        self.buffers.append(buffer)
        if scale is not None:
            parameters = schema.QuantizationParametersT()
            parameters.scale = np.atleast_1d(np.array(scale, np.float32))
            parameters.zeroPoint = np.full(parameters.scale.shape, zero, np.int64)
            parameters.quantizedDimension = axis
            tensor.quantization = parameters
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(self, shape, kind=np.float32, **rest):
        index = self.tensor(shape, kind, **rest)
        self.inputs.append(index)
        self.operands.append(index)
        return self

    def constant(self, data, kind=None, **rest):
        data = np.array(data, kind) if kind else np.array(data)
        self.operands.append(self.tensor(data.shape, data.dtype, data, **rest))
        return self

    def state(self, shape, kind=np.float32, **rest):
        self.operands.append(self.tensor(shape, kind, variable=True, **rest))
        return self

    def absent(self):
        self.operands.append(-1)
        return self

    def output(self, shape, kind=np.float32, **rest):
        self.outputs.append(self.tensor(shape, kind, **rest))
        return self

    def write(self, folder):
        model, code, graph, node = schema.ModelT(), schema.OperatorCodeT(), schema.SubGraphT(), schema.OperatorT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = self.code, min(self.code, 127), self.version
        node.opcodeIndex, node.inputs, node.outputs, node.intermediates = 0, self.operands, self.outputs, self.intermediates
        if self.options is not None:
            name = type(self.options).__name__[:-1]
            node.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            node.builtinOptions = self.options
        graph.tensors, graph.inputs, graph.outputs, graph.operators = self.tensors, self.inputs, self.outputs, [node]
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        (folder / f"{self.name}.tflite").write_bytes(bytes(builder.Output()))


def options(kind, **fields):
    result = getattr(schema, kind + "T")()
    for name, value in fields.items():
        assert hasattr(result, name), (kind, name)
        setattr(result, name, value)
    return result


def floats(*shape):
    return random.uniform(-1, 1, shape).astype(np.float32)


def bytes8(*shape):
    return random.integers(-127, 127, shape, endpoint=True).astype(np.int8)


def convolutions():
    for name, padding, stride, dilation, activation, height in [
        ("same", 0, 1, 1, 0, 7), ("same-stride", 0, 2, 1, 1, 8), ("valid", 1, 2, 1, 3, 7), ("dilated", 0, 1, 2, 2, 9),
    ]:
        out = -(-height // stride) if padding == 0 else (height - 3) // stride + 1
        fields = dict(padding=padding, strideW=stride, strideH=stride, dilationWFactor=dilation, dilationHFactor=dilation, fusedActivationFunction=activation)
        yield (Case(f"conv-{name}", "CONV_2D", options("Conv2DOptions", **fields)).input([2, height, height, 3])
               .constant(floats(5, 3, 3, 3)).constant(floats(5)).output([2, out, out, 5]))
        yield (Case(f"depthwise-{name}", "DEPTHWISE_CONV_2D", options("DepthwiseConv2DOptions", depthMultiplier=2, **fields))
               .input([1, height, height, 3]).constant(floats(1, 3, 3, 6)).constant(floats(6)).output([1, out, out, 6]))
    scales = random.uniform(0.001, 0.01, 6).astype(np.float32)
    biases = random.integers(-2000, 2000, 6).astype(np.int32)
    yield (Case("conv-int8", "CONV_2D", options("Conv2DOptions", padding=0, strideW=1, strideH=1, fusedActivationFunction=1), 3)
           .input([1, 8, 8, 4], np.int8, scale=0.02, zero=3).constant(bytes8(6, 3, 3, 4), scale=scales)
           .constant(biases, scale=scales * np.float32(0.02)).output([1, 8, 8, 6], np.int8, scale=0.03, zero=-20))
    yield (Case("depthwise-int8", "DEPTHWISE_CONV_2D", options("DepthwiseConv2DOptions", padding=0, strideW=2, strideH=2, depthMultiplier=1), 3)
           .input([1, 8, 8, 6], np.int8, scale=0.02, zero=3).constant(bytes8(1, 3, 3, 6), scale=scales, axis=3)
           .constant(biases, scale=scales * np.float32(0.02)).output([1, 4, 4, 6], np.int8, scale=0.01, zero=5))
    yield (Case("conv-uint8", "CONV_2D", options("Conv2DOptions", padding=1, strideW=1, strideH=1, fusedActivationFunction=3))
           .input([1, 6, 6, 4], np.uint8, scale=0.02, zero=128).constant(random.integers(0, 255, (6, 3, 3, 4)).astype(np.uint8), scale=0.005, zero=120)
           .constant(biases, scale=np.float32(0.02) * np.float32(0.005)).output([1, 4, 4, 6], np.uint8, scale=0.03, zero=10))
    yield (Case("conv-int16", "CONV_2D", options("Conv2DOptions", padding=0, strideW=1, strideH=1), 4)
           .input([1, 6, 6, 4], np.int16, scale=0.0001).constant(bytes8(6, 3, 3, 4), scale=scales)
           .constant(biases.astype(np.int64), scale=scales * np.float32(0.0001)).output([1, 6, 6, 6], np.int16, scale=0.0002))
    for padding, extent in [(0, 10), (1, 11)]:
        yield (Case(f"transpose-conv-{padding}", "TRANSPOSE_CONV", options("TransposeConvOptions", padding=padding, strideW=2, strideH=2), 3)
               .constant([1, extent, extent, 4], np.int32).constant(floats(4, 3, 3, 3)).input([1, 5, 5, 3]).constant(floats(4)).output([1, extent, extent, 4]))
    yield (Case("conv-3d", "CONV_3D", options("Conv3DOptions", padding=0, strideD=1, strideW=2, strideH=1))
           .input([1, 4, 5, 6, 2]).constant(floats(3, 3, 3, 2, 4)).constant(floats(4)).output([1, 4, 5, 3, 4]))


def products():
    yield Case("fully-connected", "FULLY_CONNECTED", options("FullyConnectedOptions", fusedActivationFunction=1)).input([3, 2, 4]).constant(floats(5, 8)).constant(floats(5)).output([3, 5])
    yield Case("fully-connected-keep", "FULLY_CONNECTED", options("FullyConnectedOptions", keepNumDims=True), 5).input([3, 2, 8]).constant(floats(5, 8)).absent().output([3, 2, 5])
    yield (Case("fully-connected-int8", "FULLY_CONNECTED", options("FullyConnectedOptions"), 4).input([4, 16], np.int8, scale=0.05, zero=-7)
           .constant(bytes8(5, 16), scale=0.004).constant(random.integers(-900, 900, 5).astype(np.int32), scale=np.float32(0.05) * np.float32(0.004)).output([4, 5], np.int8, scale=0.1, zero=2))
    for x, y in [(False, False), (False, True), (True, False)]:
        yield (Case(f"batch-matmul-{int(x)}{int(y)}", "BATCH_MATMUL", options("BatchMatMulOptions", adjX=x, adjY=y), 2)
               .input([2, 6, 3] if x else [2, 3, 6]).input([2, 4, 6] if y else [2, 6, 4]).output([2, 3, 4]))
    yield (Case("batch-matmul-int8", "BATCH_MATMUL", options("BatchMatMulOptions", adjY=True), 2).input([2, 3, 6], np.int8, scale=0.1, zero=4)
           .input([2, 4, 6], np.int8, scale=0.05, zero=0).output([2, 3, 4], np.int8, scale=0.3, zero=-3))


def pools():
    for operator in ["AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"]:
        for padding, out in [(0, 4), (1, 3)]:
            fields = dict(padding=padding, strideW=2, strideH=2, filterWidth=3, filterHeight=2, fusedActivationFunction=0)
            yield Case(f"{operator.lower()}-{padding}", operator, options("Pool2DOptions", **fields)).input([1, 8, 7, 3]).output([1, 4, out, 3])
            if operator != "L2_POOL_2D":
                yield (Case(f"{operator.lower()}-int8-{padding}", operator, options("Pool2DOptions", **fields), 2)
                       .input([1, 8, 7, 3], np.int8, scale=0.1, zero=5).output([1, 4, out, 3], np.int8, scale=0.1, zero=5))


def elementwise():
    for operator in ["ABS", "CEIL", "COS", "EXP", "FLOOR", "HARD_SWISH", "LOGISTIC", "NEG", "RELU", "ROUND", "SIN", "TANH", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ELU", "SQUARE", "SIGN"]:
        yield Case(operator.lower(), operator).input([2, 30]).output([2, 30])
    for operator in ["LOGISTIC", "TANH"]:
        scale, zero = (1 / 256, -128) if operator == "LOGISTIC" else (1 / 128, 0)
        yield Case(f"{operator.lower()}-int8", operator, version=2).input([256], np.int8, scale=0.06, zero=10).output([256], np.int8, scale=scale, zero=zero)
    yield Case("hard-swish-int8", "HARD_SWISH").input([256], np.int8, scale=0.06, zero=10).output([256], np.int8, scale=0.05, zero=-100)
    yield Case("relu-int8", "RELU", version=2).input([256], np.int8, scale=0.06, zero=10).output([256], np.int8, scale=0.05, zero=-100)
    yield Case("leaky-relu", "LEAKY_RELU", options("LeakyReluOptions", alpha=0.3)).input([2, 30]).output([2, 30])
    yield Case("leaky-relu-int8", "LEAKY_RELU", options("LeakyReluOptions", alpha=0.3), 2).input([256], np.int8, scale=0.06, zero=10).output([256], np.int8, scale=0.05, zero=-100)
    for approximate in [False, True]:
        yield Case(f"gelu-{int(approximate)}", "GELU", options("GeluOptions", approximate=approximate)).input([2, 30]).output([2, 30])
    for operator, fields in [("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions")]:
        yield Case(operator.lower(), operator, options(fields, fusedActivationFunction=3)).input([2, 3, 4]).constant(floats(3, 1) + 3).output([2, 3, 4])
        if operator != "DIV":
            yield (Case(f"{operator.lower()}-int8", operator, options(fields, fusedActivationFunction=1), 2).input([1, 4, 4, 8], np.int8, scale=0.05, zero=3)
                   .input([1, 4, 4, 8], np.int8, scale=0.08, zero=-9).output([1, 4, 4, 8], np.int8, scale=0.07, zero=-30))
    for operator in ["MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "FLOOR_DIV", "FLOOR_MOD"]:
        if operator in ["FLOOR_MOD", "FLOOR_DIV"]:
            yield Case(operator.lower() + "-int32", operator).input([2, 3, 4], np.int32).constant([[3], [-5], [7]], np.int32).output([2, 3, 4], np.int32)
        else:
            yield Case(operator.lower(), operator).input([2, 3, 4]).constant([[1.0], [2.0], [3.0]], np.float32).output([2, 3, 4])
    for operator in ["EQUAL", "NOT_EQUAL", "LESS", "GREATER", "LESS_EQUAL", "GREATER_EQUAL"]:
        yield Case(operator.lower(), operator).input([40]).constant(np.zeros(1, np.float32)).output([40], np.bool_)
    for operator in ["LOGICAL_AND", "LOGICAL_OR"]:
        yield Case(operator.lower(), operator).input([40], np.bool_).input([40], np.bool_).output([40], np.bool_)
    yield Case("logical-not", "LOGICAL_NOT").input([40], np.bool_).output([40], np.bool_)
    yield Case("prelu", "PRELU").input([1, 3, 3, 4]).constant(floats(1, 1, 4)).output([1, 3, 3, 4])
    yield Case("add-n", "ADD_N").input([5]).input([5]).input([5]).output([5])
    yield Case("zeros-like", "ZEROS_LIKE").input([5]).output([5])


def selections():
    yield Case("select-v2", "SELECT_V2").input([2, 3], np.bool_).input([2, 3]).input([1, 3]).output([2, 3])
    yield Case("select-rows", "SELECT").input([2], np.bool_).input([2, 3]).input([2, 3]).output([2, 3])
    yield Case("gather", "GATHER", options("GatherOptions", axis=1)).input([2, 5, 3]).constant([[4, 0], [1, 1]], np.int32).output([2, 2, 2, 3])
    yield Case("gather-batch", "GATHER", options("GatherOptions", axis=1, batchDims=1), 5).input([2, 5, 3]).constant([[4, 0], [1, 1]], np.int32).output([2, 2, 3])
    yield Case("gather-nd", "GATHER_ND").input([3, 4, 2]).constant([[0, 1], [2, 3]], np.int32).output([2, 2])
    yield Case("one-hot", "ONE_HOT", options("OneHotOptions", axis=-1)).constant([0, 2, 1], np.int32).constant(4, np.int32).input([]).constant(np.float32(-1)).output([3, 4])
    yield Case("top-k", "TOPK_V2").input([2, 9]).constant(3, np.int32).output([2, 3]).output([2, 3], np.int32)
    for operator in ["ARG_MAX", "ARG_MIN"]:
        yield Case(operator.lower(), operator, options("ArgMaxOptions" if operator == "ARG_MAX" else "ArgMinOptions", outputType=schema.TensorType.INT32)).input([2, 9]).constant(-1, np.int32).output([2], np.int32)
    yield Case("embedding-lookup", "EMBEDDING_LOOKUP").constant([2, 0], np.int32).input([4, 3]).output([2, 3])


def reductions():
    for operator in ["MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"]:
        for keep in [False, True]:
            yield (Case(f"{operator.lower()}-{int(keep)}", operator, options("ReducerOptions", keepDims=keep)).input([2, 3, 4, 5]).constant([1, -2], np.int32)
                   .output([2, 1, 1, 5] if keep else [2, 5]))
    yield Case("mean-int8", "MEAN", options("ReducerOptions", keepDims=False), 2).input([1, 4, 4, 6], np.int8, scale=0.05, zero=3).constant([1, 2], np.int32).output([1, 6], np.int8, scale=0.03, zero=-5)
    for operator in ["REDUCE_ANY", "REDUCE_ALL"]:
        yield Case(operator.lower(), operator, options("ReducerOptions")).input([4, 3], np.bool_).constant([1], np.int32).output([4], np.bool_)
    yield Case("softmax", "SOFTMAX", options("SoftmaxOptions", beta=1.5)).input([2, 10]).output([2, 10])
    yield Case("softmax-int8", "SOFTMAX", options("SoftmaxOptions", beta=1.0), 2).input([4, 10], np.int8, scale=0.1, zero=3).output([4, 10], np.int8, scale=1 / 256, zero=-128)
    yield Case("log-softmax", "LOG_SOFTMAX", options("LogSoftmaxOptions")).input([2, 10]).output([2, 10])
    yield Case("l2-normalization", "L2_NORMALIZATION", options("L2NormOptions")).input([3, 10]).output([3, 10])
    for exclusive, reverse in [(False, False), (True, False), (False, True)]:
        yield Case(f"cumsum-{int(exclusive)}{int(reverse)}", "CUMSUM", options("CumsumOptions", exclusive=exclusive, reverse=reverse)).input([2, 5]).constant(1, np.int32).output([2, 5])


def rearrangements():
    yield Case("reshape", "RESHAPE", options("ReshapeOptions", newShape=[4, 6])).input([2, 3, 4]).constant([4, -1], np.int32).output([4, 6])
    yield Case("reshape-option", "RESHAPE", options("ReshapeOptions", newShape=[4, 6])).input([2, 3, 4]).output([4, 6])
    yield Case("expand-dims", "EXPAND_DIMS").input([2, 3]).constant(-1, np.int32).output([2, 3, 1])
    yield Case("squeeze", "SQUEEZE", options("SqueezeOptions", squeezeDims=[1])).input([2, 1, 3, 1]).output([2, 3, 1])
    yield Case("transpose", "TRANSPOSE").input([2, 3, 4]).constant([2, 0, 1], np.int32).output([4, 2, 3])
    yield Case("tile", "TILE").input([2, 3]).constant([2, 2], np.int32).output([4, 6])
    yield Case("broadcast-to", "BROADCAST_TO", version=2).input([1, 3]).constant([4, 3], np.int32).output([4, 3])
    yield Case("depth-to-space", "DEPTH_TO_SPACE", options("DepthToSpaceOptions", blockSize=2)).input([1, 2, 3, 8]).output([1, 4, 6, 2])
    yield Case("space-to-depth", "SPACE_TO_DEPTH", options("SpaceToDepthOptions", blockSize=2)).input([1, 4, 6, 2]).output([1, 2, 3, 8])
    yield Case("reverse", "REVERSE_V2").input([2, 3, 4]).constant([1], np.int32).output([2, 3, 4])
    yield Case("reverse-sequence", "REVERSE_SEQUENCE", options("ReverseSequenceOptions", seqDim=1, batchDim=0)).input([2, 4, 3]).constant([3, 2], np.int32).output([2, 4, 3])
    yield Case("concatenation", "CONCATENATION", options("ConcatenationOptions", axis=-1)).input([2, 3]).input([2, 4]).output([2, 7])
    yield (Case("concatenation-uint8", "CONCATENATION", options("ConcatenationOptions", axis=1)).input([2, 3], np.uint8, scale=0.1, zero=5)
           .input([2, 4], np.uint8, scale=0.2, zero=100).output([2, 7], np.uint8, scale=0.2, zero=90))
    yield Case("pack", "PACK", options("PackOptions", valuesCount=2, axis=1)).input([2, 3]).input([2, 3]).output([2, 2, 3])
    yield Case("unpack", "UNPACK", options("UnpackOptions", num=3, axis=1)).input([2, 3]).output([2]).output([2]).output([2])
    yield Case("space-to-batch", "SPACE_TO_BATCH_ND").input([1, 3, 5, 2]).constant([2, 3], np.int32).constant([[0, 1], [1, 0]], np.int32).output([6, 2, 2, 2])
    yield Case("batch-to-space", "BATCH_TO_SPACE_ND").input([6, 2, 2, 2]).constant([2, 3], np.int32).constant([[0, 1], [1, 0]], np.int32).output([1, 3, 5, 2])
    yield Case("fill", "FILL").constant([2, 3], np.int32).input([]).output([2, 3])
    yield Case("shape", "SHAPE", options("ShapeOptions", outType=schema.TensorType.INT32)).input([2, 3]).output([2], np.int32)
    yield Case("scatter-nd", "SCATTER_ND").constant([[1], [3]], np.int32).input([2, 3]).constant([5, 3], np.int32).output([5, 3])


def slices():
    for name, begin, end, step, masks, shape in [
        ("plain", [0, 1, 0], [2, 3, 4], [1, 1, 2], {}, [2, 2, 2]), ("backwards", [1, -1, 0], [0, -4, 4], [-1, -1, 1], {}, [1, 3, 4]),
        ("masks", [1, 1, 1], [1, 1, 1], [1, 1, 1], {"beginMask": 1, "endMask": 7}, [2, 2, 3]), ("shrink", [1, -1, 0], [2, 0, 4], [1, 1, 1], {"shrinkAxisMask": 3}, [4]),
        ("ellipsis", [0, 0, 1], [0, 0, 3], [1, 1, 1], {"ellipsisMask": 1, "shrinkAxisMask": 2}, [2, 2]), ("new-axis", [0, 0, 1], [0, 1, 3], [1, 1, 1], {"newAxisMask": 1}, [1, 1, 2, 4]),
    ]:
        yield Case(f"strided-slice-{name}", "STRIDED_SLICE", options("StridedSliceOptions", **masks)).input([2, 3, 4]).constant(begin, np.int32).constant(end, np.int32).constant(step, np.int32).output(shape)
    yield Case("slice", "SLICE").input([2, 3, 4]).constant([0, 1, 0], np.int32).constant([2, -1, 3], np.int32).output([2, 2, 3])
    yield Case("split", "SPLIT", options("SplitOptions", numSplits=2)).constant(-1, np.int32).input([3, 4]).output([3, 2]).output([3, 2])
    yield Case("split-v", "SPLIT_V", options("SplitVOptions", numSplits=2)).input([3, 4]).constant([1, -1], np.int32).constant(1, np.int32).output([3, 1]).output([3, 3])
    yield Case("pad", "PAD").input([2, 3]).constant([[1, 0], [2, 1]], np.int32).output([3, 6])
    yield Case("pad-int8", "PAD", version=2).input([2, 3], np.int8, scale=0.1, zero=7).constant([[1, 0], [2, 1]], np.int32).output([3, 6], np.int8, scale=0.1, zero=7)
    yield Case("pad-v2", "PADV2").input([2, 3]).constant([[1, 0], [2, 1]], np.int32).constant(np.float32(5)).output([3, 6])
    for mode in [0, 1]:
        yield Case(f"mirror-pad-{mode}", "MIRROR_PAD", options("MirrorPadOptions", mode=mode)).input([2, 4]).constant([[1, 0], [2, 1]], np.int32).output([3, 7])


def resizes():
    for operator, name in [("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")]:
        for align, half in [(False, False), (True, False), (False, True)]:
            for extents in [[7, 10], [2, 3]]:
                case = Case(f"{operator.lower()}-{int(align)}{int(half)}-{extents[0]}", operator, options(name, alignCorners=align, halfPixelCenters=half), 3)
                yield case.input([1, 4, 5, 2]).constant(extents, np.int32).output([1, *extents, 2])
    yield (Case("resize-bilinear-int8", "RESIZE_BILINEAR", options("ResizeBilinearOptions", halfPixelCenters=True), 3).input([1, 4, 5, 2], np.int8, scale=0.1, zero=3)
           .constant([8, 10], np.int32).output([1, 8, 10, 2], np.int8, scale=0.1, zero=3))


def quantizations():
    yield Case("quantize", "QUANTIZE").input([200]).output([200], np.int8, scale=0.01, zero=-20)
    yield Case("requantize", "QUANTIZE", version=2).input([256], np.int8, scale=0.02, zero=5).output([256], np.int8, scale=0.03, zero=-20)
    yield Case("requantize-uint8", "QUANTIZE", version=2).input([256], np.int8, scale=0.02, zero=5).output([256], np.uint8, scale=0.02, zero=133)
    yield Case("dequantize", "DEQUANTIZE", version=2).input([256], np.int8, scale=0.02, zero=5).output([256])
    yield Case("dequantize-float16", "DEQUANTIZE", version=3).constant(floats(50).astype(np.float16)).output([50])
    yield Case("cast", "CAST").input([50]).output([50], np.int32)


def recurrences():
    case = Case("lstm", "UNIDIRECTIONAL_SEQUENCE_LSTM", options("UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4))
    case.input([2, 5, 3])
    for _ in range(4):
        case.constant(floats(4, 3))
    for _ in range(4):
        case.constant(floats(4, 4))
    for _ in range(3):
        case.absent()
    for _ in range(4):
        case.constant(floats(4))
    case.absent().absent().state([2, 4]).state([2, 4])
    for _ in range(4):
        case.absent()
    yield case.output([2, 5, 4])
    case = Case("lstm-int8", "UNIDIRECTIONAL_SEQUENCE_LSTM", options("UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4), 3)
    case.input([2, 5, 8], np.int8, scale=0.02, zero=3)
    for _ in range(4):
        case.constant(bytes8(4, 8), scale=0.008)
    for _ in range(4):
        case.constant(bytes8(4, 4), scale=0.008)
    for _ in range(3):
        case.absent()
    for _ in range(4):
        case.constant(random.integers(-3000, 3000, 4).astype(np.int32), scale=np.float32(0.02) * np.float32(0.008))
    case.absent().absent().state([2, 4], np.int8, scale=1 / 128).state([2, 4], np.int16, scale=2.0 ** -11)
    for _ in range(4):
        case.absent()
    case.output([2, 5, 4], np.int8, scale=1 / 128)
    # Gates have no intermediate scale without layer normalisation; the last is that of the hidden state.
    case.intermediates = [case.tensor([1], np.int16, scale=2.0 ** -12) for _ in range(4)] + [case.tensor([2, 4], np.int8, scale=1 / 128)]
    yield case
    for merged in [False, True]:
        case = Case(f"lstm-bidirectional-{int(merged)}", "BIDIRECTIONAL_SEQUENCE_LSTM", options("BidirectionalSequenceLSTMOptions", fusedActivationFunction=4, mergeOutputs=merged, timeMajor=True))
        case.input([5, 2, 3])
        for _ in range(2):
            for shape in [(4, 3)] * 4 + [(4, 4)] * 4:
                case.constant(floats(*shape))
            case.absent().absent().absent()
            for _ in range(4):
                case.constant(floats(4))
            case.absent().absent()
        for _ in range(4):
            case.state([2, 4])
        for _ in range(9):
            case.absent()
        yield case.output([5, 2, 8]) if merged else case.output([5, 2, 4]).output([5, 2, 4])
    for name, activation in [("svdf", 0), ("svdf-relu", 1)]:
        yield (Case(name, "SVDF", options("SVDFOptions", rank=2, fusedActivationFunction=activation)).input([3, 5]).constant(floats(8, 5)).constant(floats(8, 6))
               .constant(floats(4)).state([3, 48]).output([3, 4]))
    yield (Case("svdf-int8", "SVDF", options("SVDFOptions", rank=1, fusedActivationFunction=1), 3).input([2, 12], np.int8, scale=0.05, zero=2)
           .constant(bytes8(6, 12), scale=0.004).constant(random.integers(-9000, 9000, (6, 7)).astype(np.int16), scale=0.0001)
           .constant(random.integers(-2000, 2000, 6).astype(np.int32), scale=np.float32(0.001) * np.float32(0.0001)).state([2, 42], np.int16, scale=0.001)
           .output([2, 6], np.int8, scale=0.03, zero=-128))
    yield (Case("rnn", "UNIDIRECTIONAL_SEQUENCE_RNN", options("SequenceRNNOptions", fusedActivationFunction=4, timeMajor=True)).input([5, 2, 3]).constant(floats(4, 3))
           .constant(floats(4, 4)).constant(floats(4)).state([2, 4]).output([5, 2, 4]))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for family in [convolutions, products, pools, elementwise, selections, reductions, rearrangements, slices, resizes, quantizations, recurrences]:
        for case in family():
            case.write(folder)


main()
