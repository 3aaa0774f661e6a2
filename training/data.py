"""Clips straight from the simulators: nothing but PyTorch and the static program `prevue-world-bulk` is needed."""

import struct
import subprocess

import numpy as np
import torch


def clips(program, world, seed, count, frames, width, height, fps=(24, 1)):
    """Yields (seed, gravity (2,), pixels uint8 (frames, height, width, 4)): RGB and foreground coverage."""
    command = [program, "--world", world, "--seed", str(seed), "--count", str(count), "--frames", str(frames)]
    command += ["--size", f"{width}x{height}", "--fps", f"{fps[0]}/{fps[1]}"]
    size = frames * height * width * 4
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for _ in range(count):
            head = process.stdout.read(16)
            body = process.stdout.read(size)
            if len(body) != size:
                raise RuntimeError(f"{' '.join(command)} ended early")
            clip_seed, gx, gy = struct.unpack("<Qff", head)
            yield clip_seed, (gx, gy), np.frombuffer(body, np.uint8).reshape(frames, height, width, 4)


def to_float(pixels):
    """uint8 (..., H, W, C) -> float (..., C, H, W) in [0, 1]"""
    return torch.movedim(pixels, -1, -3).float().div_(255)
