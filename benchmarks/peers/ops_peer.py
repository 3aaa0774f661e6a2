#!/usr/bin/env python3
"""Every product, convolution and attention of a frame beside PyTorch's own on the same device: on a GPU that is cuBLASLt,
cuDNN and its flash attention, on a CPU oneDNN or MKL.

    python3 benchmarks/peers/ops_peer.py --prevue build/release/host/cli/prevue --arch physics
    python3 benchmarks/peers/ops_peer.py --prevue ... --arch physics --takes 64 --device cuda

`prevue bench --test ops` says which shapes a frame has and what a call of each takes. PyTorch computes the same shape with
random numbers, in bfloat16 on a GPU, as the library call a programmer would write: bias and activation inside where PyTorch
can, gate and residual after it. On a GPU its calls are timed as a CUDA graph, so that launches are not what is compared.
Prints Markdown rows, or --json: where PyTorch is faster, a kernel is worth another look.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

ACTIVATIONS = {"relu": F.relu, "silu": F.silu, "gelu": lambda x: F.gelu(x, approximate="tanh")}


def finish(words, draw, shape):
    """What comes after the product, from the words behind a shape."""
    steps = [ACTIVATIONS[w] for w in words if w in ACTIVATIONS]
    if "gate" in words:
        gate = draw(shape[-1])
        steps.append(lambda x: x * gate)
    if "residual" in words:
        residual = draw(*shape)
        steps.append(lambda x: x + residual)

    def run(x):
        for step in steps:
            x = step(x)
        return x

    return run


def linear(shape, draw):
    rows, inner, outer, words = re.fullmatch(r"(\d+) x (\d+) -> (\d+)(.*)", shape).groups()
    rows, inner, outer = int(rows), int(inner), int(outer)
    x, weight, bias = draw(rows, inner), draw(outer, inner), draw(outer)
    after = finish(words.split(), draw, (rows, outer))
    return lambda: after(F.linear(x, weight, bias))


def qkv(shape, draw):
    match = re.fullmatch(r"(\d+) x (\d+) -> (\d+) \+ 2 x (\d+) heads of (\d+)(.*)", shape)
    rows, inner, heads, kv_heads, dim = (int(g) for g in match.groups()[:5])
    words = match.group(6).split()
    outer = (heads + 2 * kv_heads) * dim
    x, weight, bias = draw(rows, inner), draw(outer, inner), draw(outer)
    norms, c, s = (draw(dim), draw(dim)), draw(rows, 1, dim // 2), draw(rows, 1, dim // 2)

    def run():
        q, k, v = F.linear(x, weight, bias).unflatten(-1, (-1, dim)).split([heads, kv_heads, kv_heads], 1)
        if "norm" in words:
            q, k = (F.rms_norm(t, (dim,), n, 1e-6) for t, n in zip((q, k), norms))
        if "rope" in words:
            pairs = [t.unflatten(-1, (-1, 2)).unbind(-1) for t in (q, k)]
            q, k = (torch.stack((a * c - b * s, a * s + b * c), -1).flatten(-2) for a, b in pairs)
        return q, k, v

    return run


def conv(shape, draw):
    match = re.fullmatch(r"(?:(\d+) x )?(\d+) x (\d+), (\d+) -> (\d+), (\d)x\d(.*)", shape)
    batch, height, width, inner, outer, size = (int(g or 1) for g in match.groups()[:6])
    words = match.group(7).split()
    stride, up = (2 if "stride" in words else 1), (2 if "doubled" in words else 1)
    lasting = dict(memory_format=torch.channels_last)
    sources = [draw(batch, n, height, width).to(**lasting) for n in ([inner // 2] * 2 if "memory" in words else [inner])]
    weight, bias = draw(outer, inner, size, size).to(**lasting), draw(outer)
    residual = None
    if "residual" in words:  # before the activation, as in op.h
        residual = draw(batch, outer, height * up // stride, width * up // stride).to(**lasting)
    after = finish([w for w in words if w != "residual"], draw, (outer,))

    def run():
        x = torch.cat(sources, 1) if len(sources) > 1 else sources[0]
        if up == 2:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        y = F.conv2d(x, weight, bias, stride, size // 2)
        return after(y if residual is None else y + residual)

    return run


def attention(shape, draw):
    kind, tokens, slots, heads, dim, takes = re.fullmatch(
        r"(joint|time), (\d+) tokens, (\d+) slots, (\d+) x (\d+)(?:, (\d+) takes)?", shape
    ).groups()
    tokens, slots, heads, dim, takes = int(tokens), int(slots), int(heads), int(dim), int(takes or 1)
    if kind == "time":  # a token is a batch of one query
        q, k, v = draw(tokens, heads, 1, dim), draw(tokens, heads, slots, dim), draw(tokens, heads, slots, dim)
    else:
        each = tokens // takes
        q = draw(takes, heads, each, dim)
        k, v = draw(takes, heads, slots * each, dim), draw(takes, heads, slots * each, dim)
    return lambda: F.scaled_dot_product_attention(q, k, v)


MAKERS = {"linear": linear, "qkv": qkv, "conv": conv, "attention": attention}


def time_ms(run, device, rounds):
    """Median over rounds of one call's time, each round long enough for its clock."""
    for _ in range(3):
        run()
    if device == "cuda":
        graph, calls = torch.cuda.CUDAGraph(), 20
        with torch.cuda.graph(graph):
            for _ in range(calls):
                run()
        graph.replay()
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        times = []
        for _ in range(rounds):
            begin.record()
            graph.replay()
            end.record()
            torch.cuda.synchronize()
            times.append(begin.elapsed_time(end) / calls)
        return statistics.median(times)
    began = time.perf_counter()
    run()
    calls = max(1, int(0.01 / max(1e-7, time.perf_counter() - began)))
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(calls):
            run()
        times.append(1e3 * (time.perf_counter() - began) / calls)
    return statistics.median(times)


def our_rows(args):
    command = [args.prevue, "bench", "--test", "ops", "--backend", args.device, "--takes", str(args.takes), "-o", "json", "-q"]
    command += ["--model", args.model] if args.model else ["--arch", args.arch]
    command += ["--threads", str(args.threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    document = json.loads(done.stdout)
    together = {}  # the same shape in several parts of a frame is one row
    for row in document["rows"]:
        if row["op"] not in MAKERS:
            continue
        calls, ms = together.get((row["op"], row["shape"]), (0, 0))
        together[row["op"], row["shape"]] = calls + row["calls_per_frame"], ms + row["ms"]
    return document["machine"], together


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--prevue", required=True, help="the command, of a Release build")
    parser.add_argument("--model", help="a model file; instead of --arch")
    parser.add_argument("--arch", default="physics")
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    kind = torch.bfloat16 if args.device == "cuda" else torch.float32
    draw = lambda *shape: torch.randn(*shape, device=args.device, dtype=kind)
    machine, ours = our_rows(args)
    rows = []
    with torch.inference_mode():
        for (op, shape), (calls, ms) in sorted(ours.items(), key=lambda item: -item[1][1]):
            theirs = time_ms(MAKERS[op](shape, draw), args.device, args.rounds)
            rows.append({"op": op, "shape": shape, "calls_per_frame": calls, "prevue_ms": ms / calls, "torch_ms": theirs})
    if args.json:
        json.dump({"command": " ".join(sys.argv), "machine": machine, "torch": torch.__version__, "rows": rows}, sys.stdout, indent=1)
        print()
        return
    print(f"PyTorch {torch.__version__}, {args.device}, {kind}, {args.threads} threads, {args.takes} takes\n")
    print("| op | shape | calls a frame | prevue, us a call | PyTorch, us a call | PyTorch / prevue |")
    print("|---|---|--:|--:|--:|--:|")
    for r in rows:
        print(
            f"| {r['op']} | {r['shape']} | {r['calls_per_frame']:.0f} | {1e3 * r['prevue_ms']:.1f} | {1e3 * r['torch_ms']:.1f} "
            f"| {r['torch_ms'] / r['prevue_ms']:.2f} |"
        )
    all_ours = sum(r["prevue_ms"] * r["calls_per_frame"] for r in rows)
    all_theirs = sum(r["torch_ms"] * r["calls_per_frame"] for r in rows)
    print(f"| all of a frame | | | {1e3 * all_ours:.0f} | {1e3 * all_theirs:.0f} | {all_theirs / all_ours:.2f} |")


if __name__ == "__main__":
    main()
