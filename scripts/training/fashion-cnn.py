#!/usr/bin/env python3
"""Trains a small Fashion-MNIST network and writes what the compression table of docs/ needs.

    nice -n 10 scripts/training/fashion-cnn.py OUT [--data /usr/share/datasets/fashion-mnist] [--epochs 3]

Needs Debian's python3-torch and dataset-fashion-mnist. Writes OUT/fashion-cnn.onnx, OUT/fashion-calibration.npz (the first 256
training images, unlabelled) and OUT/fashion-test.npz (the 10,000 test images with labels). One thread, seed 0: the same bytes on
the same version of torch.
"""
import argparse
import gzip
import os
import struct

import numpy as np
import torch
from torch import nn


def idx(path):
    """An IDX array: two zero bytes, a type code (8: bytes), the rank, big-endian extents, elements."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(">" + "I" * rank, data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 or inputs != outputs else None

    def forward(self, x):
        y = torch.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return torch.relu(y + (x if self.skip is None else self.skip(x)))


class Network(nn.Module):
    """Stem of 16 filters, residual blocks of 16, 32 and 64 channels, mean, linear."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        y = self.blocks(torch.relu(self.norm(self.stem(x))))
        return self.head(y.mean((2, 3)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    def images(name):
        x = idx(f"{options.data}/{name}-images-idx3-ubyte.gz").astype(np.float32)[:, None] / 255
        return (x - 0.2860) / 0.3530, idx(f"{options.data}/{name}-labels-idx1-ubyte.gz")

    train_x, train_y = images("train")
    test_x, test_y = images("t10k")
    model = Network()
    steps = options.epochs * (len(train_x) // 128)
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    order = np.random.default_rng(0)
    for epoch in range(options.epochs):
        model.train()
        for batch in np.array_split(order.permutation(len(train_x))[: 128 * (len(train_x) // 128)], len(train_x) // 128):
            x = torch.from_numpy(train_x[batch])
            if order.random() < 0.5:
                x = torch.flip(x, (3,))
            loss = nn.functional.cross_entropy(model(x), torch.from_numpy(train_y[batch].astype(np.int64)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            scores = torch.cat([model(torch.from_numpy(test_x[i : i + 500])) for i in range(0, len(test_x), 500)])
        print(f"epoch {epoch + 1}: test accuracy {100 * (scores.argmax(1).numpy() == test_y).mean():.2f} %", flush=True)

    os.makedirs(options.out, exist_ok=True)
    torch.onnx.export(
        model, torch.from_numpy(test_x[:1]), f"{options.out}/fashion-cnn.onnx", opset_version=13, input_names=["x"], output_names=["y"],
        dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})
    np.savez(f"{options.out}/fashion-calibration.npz", x=train_x[:256])
    np.savez(f"{options.out}/fashion-test.npz", x=test_x, label=test_y)


if __name__ == "__main__":
    main()
