#!/usr/bin/env python3
"""prevue beside PyTorch on the same CPU: same weights, same threads, runs taken in turn.

    python3 benchmarks/peers/torch_cpu.py --bench build/release/benchmarks/prevue-bench-rollout \\
        --model models/nano.safetensors --threads 2

--config training/configs/physics.json instead of --model measures random weights of that shape.
The streamed PyTorch model is first compared with the reference (training/model.py), which the engine's own tests
compare with the engine: only then are times believed. Prints Markdown rows: milliseconds a frame, and the ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import torch

from streaming import Streaming
from model import Model, next_latent  # found through streaming's path
import export


def compare(model, steps):
    """Relative error of a short rollout, streamed against recomputed, past nothing but the same noise."""
    channels = model.config["codec"]["latent_channels"]
    s = Streaming(model, 64, 64, steps) if model.config["width"] < 512 else Streaming(model, 96, 64, steps)
    level = model.config["sampler"]["context_level"]
    history = torch.randn(1, 5, channels, s.h, s.w)
    noise = torch.randn_like(history)
    with torch.no_grad():
        for t in range(5):
            s.commit(history[:, t], noise[:, t])
        start = torch.randn(1, channels, s.h, s.w)
        committed = level * history + (1 - level) * noise
        want = next_latent(model.dynamics, committed, torch.full((1, 5), level), history, start, steps)
        s.predict(start, torch.zeros_like(start))
    return ((s.previous - want).norm() / want.norm()).item()


def torch_ms(model, frames, steps):
    width, height = model.config["width"], model.config["height"]
    s = Streaming(model, height, width, steps)
    shape = (1, model.config["codec"]["latent_channels"], s.h, s.w)
    for _ in range(model.config["dynamics"]["window"]):
        with torch.no_grad():
            s.commit(torch.randn(shape), torch.randn(shape))
    s.predict(torch.randn(shape), torch.randn(shape))
    times = []
    for _ in range(frames):
        start, noise = torch.randn(shape), torch.randn(shape)
        began = time.perf_counter()
        s.predict(start, noise)
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model")
    parser.add_argument("--config")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        if args.config:
            config = json.load(open(args.config))
            model = Model(config)
            torch.manual_seed(1)
            model.codec.initialise()
            model.dynamics.initialise()
            with torch.no_grad():  # the initialisation silences the output: give every parameter something to do
                for p in model.dynamics.parameters():
                    p.add_(0.01 * torch.randn_like(p))
            channels = config["codec"]["latent_channels"]
            config["codec"] |= {"latent_mean": [0.0] * channels, "latent_std": [1.0] * channels}
            path = os.path.join(folder, "random.safetensors")
            export.save(model, config, path)
        else:
            path = args.model
            config, tensors = export.load(path)
            model = Model(config)
            model.load_state_dict(tensors)
        model = model.to(memory_format=torch.channels_last)
        steps = config["sampler"]["steps"]
        error = compare(model, steps)
        if error > 1e-4:
            raise SystemExit(f"the streamed PyTorch model differs from the reference by {error:.2e}: times mean nothing")
        ours, theirs = [], []
        for _ in range(args.rounds):
            command = [args.bench, path, "--frames", str(args.frames), "--threads", str(args.threads)]
            ours.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["ms_median"])
            theirs.append(torch_ms(model, args.frames, steps))
    ratios = sorted(b / a for a, b in zip(ours, theirs))
    print(f"PyTorch {torch.__version__}, {args.threads} threads, {steps} steps, streamed error {error:.1e}")
    print("| model | size | prevue ms | PyTorch ms | PyTorch / prevue (min, median, max) |")
    print("|---|---|---|---|---|")
    print(
        f"| {config['name']} | {config['width']}x{config['height']} | {statistics.median(ours):.2f} "
        f"| {statistics.median(theirs):.2f} | {ratios[0]:.2f}, {statistics.median(ratios):.2f}, {ratios[-1]:.2f} |"
    )


if __name__ == "__main__":
    main()
