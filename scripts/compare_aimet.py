"""Quantises a model with aimet-onnx and measures it on the data that compare_quantizers.py uses.

usage: compare_aimet.py MODEL.onnx CALIBRATION.npz TEST.npz

Needs aimet-onnx (with --no-deps, beside Debian's python3-torch, to be spared torch's GPU libraries). Weights in 8 and 4 bits per
channel, activations in 8 and 16; plain rounding, with cross-layer equalisation, and with sequential MSE. Models run as AIMET
simulates them. Prints a Markdown table.
"""

import copy
import sys

import aimet_onnx
import numpy as np
import onnx
from aimet_onnx.batch_norm_fold import fold_all_batch_norms_to_weight
from aimet_onnx.cross_layer_equalization import equalize_model
from aimet_onnx.quantsim import QuantizationSimModel


def main(path, calibration, test):
    test, archive = np.load(test), np.load(calibration)
    labels = test["label"].astype(int)
    model = onnx.load(path)
    names = [item.name for item in model.graph.input]
    inputs = {name: test[name] for name in names}
    batches = [{name: archive[name][i : i + 32] for name in names} for i in range(0, len(archive[names[0]]), 32)]
    import onnxruntime

    exact = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, inputs)[0]

    def row(name, y):
        noise = float(((y - exact) ** 2).sum())
        agreement = (y.argmax(1) == exact.argmax(1)).mean() * 100
        sqnr = 10 * np.log10(float((exact**2).sum()) / noise)
        print(f"| {name} | {(y.argmax(1) == labels).mean() * 100:.2f} | {agreement:.2f} | {sqnr:.1f} |", flush=True)

    print(f"| aimet-onnx {aimet_onnx.__version__} | top-1 % | agreement % | SQNR dB |\n|---|---:|---:|---:|")
    kinds = {4: aimet_onnx.int4, 8: aimet_onnx.int8, 16: aimet_onnx.int16}
    for weights, activations in ((8, 8), (4, 8), (4, 16)):
        for method in ("rounding", "equalised", "sequential MSE"):
            changed = copy.deepcopy(model)
            fold_all_batch_norms_to_weight(changed)
            if method == "equalised":
                equalize_model(changed)
            sim = QuantizationSimModel(
                changed, param_type=kinds[weights], activation_type=kinds[activations], providers=["CPUExecutionProvider"])
            if method == "sequential MSE":
                aimet_onnx.apply_seq_mse(sim, batches)
            sim.compute_encodings(batches)
            row(f"w{weights}a{activations}, {method}", sim.session.run(None, inputs)[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
