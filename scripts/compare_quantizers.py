"""Quantises a model with onnxruntime and measures it, and models compressed by Cyclewright, on the same data.

usage: compare_quantizers.py MODEL.onnx CALIBRATION.npz TEST.npz [COMPRESSED.onnx ...]

Models run with graph optimisations off: rounded real arithmetic, the same on every processor. Prints a Markdown table.
"""

import os
import sys
import tempfile

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static


class Reader(CalibrationDataReader):
    def __init__(self, archive, batch=32):
        self.batches = iter([{k: archive[k][i : i + batch] for k in archive.files} for i in range(0, len(archive[archive.files[0]]), batch)])

    def get_next(self):
        return next(self.batches, None)


def run(path, test):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {item.name: test[item.name] for item in session.get_inputs()})[0]


def main(model, calibration, test, *compressed):
    test = np.load(test)
    labels = test["label"].astype(int)
    exact = run(model, test)

    def row(name, path):
        y = run(path, test)
        noise = float(((y - exact) ** 2).sum())
        sqnr = 10 * np.log10(float((exact**2).sum()) / noise) if noise else float("inf")
        print(f"| {name} | {os.path.getsize(path)} | {(y.argmax(1) == labels).mean() * 100:.2f} | {sqnr:.1f} |")

    print("| model | file B | top-1 % | SQNR dB |\n|---|---:|---:|---:|")
    row("float32", model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "q.onnx")
        for channel in (False, True):
            for method in ("MinMax", "Percentile", "Entropy"):
                quantize_static(
                    model, path, Reader(np.load(calibration)), quant_format=QuantFormat.QDQ, per_channel=channel,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=getattr(CalibrationMethod, method))
                row(f"onnxruntime static u8s8, {'channel' if channel else 'tensor'}, {method}", path)
        for kind, name in ((QuantType.QInt8, "s8"), (QuantType.QUInt8, "u8")):
            quantize_dynamic(model, path, weight_type=kind)
            try:
                row(f"onnxruntime dynamic u8{name}", path)
            except Exception as error:
                print(f"| onnxruntime dynamic u8{name} | {os.path.getsize(path)} | does not run | {str(error).split(':')[-1].strip()[:60]} |")
    for path in compressed:
        row("cyclewright " + os.path.basename(path).removesuffix(".onnx"), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
