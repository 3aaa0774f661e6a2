"""Clips straight from the simulators: nothing but PyTorch and the static program `prevue-world-bulk` is needed."""

import os
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch


def read(program, world, seed, count, frames, width, height, fps, turns):
    """One process: yields (seed, gravity float32 (frames, 2) on the way to each frame, pixels uint8 (frames, height, width,
    4)): RGB and foreground coverage. turns: in about half of the clips gravity changes on the way."""
    command = [program, "--world", world, "--seed", str(seed), "--count", str(count), "--frames", str(frames)]
    command += ["--size", f"{width}x{height}", "--fps", f"{fps[0]}/{fps[1]}"] + ["--gravity-turns"] * turns
    size, tail = frames * height * width * 4, frames * 8
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for _ in range(count):
            clip = process.stdout.read(8 + size + tail)
            if len(clip) != 8 + size + tail:
                raise RuntimeError(f"{' '.join(command)} ended early")
            (clip_seed,) = struct.unpack_from("<Q", clip)
            gravity = np.frombuffer(clip, "<f4", 2 * frames, 8 + size).reshape(frames, 2)
            yield clip_seed, gravity, np.frombuffer(clip, np.uint8, size, 8).reshape(frames, height, width, 4)


def shares(worlds, count):
    """{"drop": 2, "pour": 1} and 30 -> {"drop": 20, "pour": 10}: whole clips by weight, `count` in all."""
    total, out, given, seen = sum(worlds.values()), {}, 0, 0
    for name, weight in worlds.items():
        seen += weight
        out[name] = round(count * seen / total) - given
        given += out[name]
    return out


def clips(program, worlds, seed, count, frames, width, height, fps=(24, 1), turns=False, chunk=16):
    """`count` clips of several worlds ({name: weight}), seeds from `seed` on in each, world after world, in a fixed
    order whatever the number of processors: every processor runs a simulator on a chunk of seeds of its own."""
    jobs = [
        (name, seed + first, min(chunk, n - first))
        for name, n in shares(worlds, count).items()
        for first in range(0, n, chunk)
    ]
    workers = max(1, len(os.sched_getaffinity(0)))

    def work(job):
        name, first, n = job
        return list(read(program, name, first, n, frames, width, height, fps, turns))

    with ThreadPoolExecutor(workers) as pool:
        waiting = []  # bounded, so that finished chunks do not pile up in memory
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > workers:
                yield from waiting.pop(0).result()
        for chunk_of_clips in waiting:
            yield from chunk_of_clips.result()


def to_float(pixels):
    """uint8 (..., H, W, C) -> float (..., C, H, W) in [0, 1]"""
    return torch.movedim(pixels, -1, -3).float().div_(255)
