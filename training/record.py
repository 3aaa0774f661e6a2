"""The record of a run: what was trained, on what, how it went and how good it is, as Markdown in `runs/`."""

import json
import os
import platform
import subprocess
import time

import torch


def evaluation(prevue, suite, model):
    """The table `prevue eval` prints for the finished model."""
    command = [prevue, "eval", "--suite", suite, "--model", model, "--quiet"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    shown = " ".join(["prevue"] + command[1:-1])
    if done.returncode:
        return f"`{shown}` failed ({done.returncode}): {done.stderr.strip()}\n"
    return f"`{shown}`:\n\n```\n{done.stdout}```\n"


def write(run, name, model, prevue, folder):
    """-> the path of the record; an earlier one of the same day stays."""
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, f"{time.strftime('%Y-%m-%d')}-{name}")
    path, n = stem + ".md", 1
    while os.path.exists(path):
        n += 1
        path = f"{stem}-{n}.md"
    count = lambda module: sum(p.numel() for p in module.parameters()) / 1e6
    device = torch.cuda.get_device_name() if run.device == "cuda" else f"{platform.machine()} CPU"
    lines = [
        f"# {name}, {time.strftime('%Y-%m-%d')}\n",
        f"Codec {count(run.model.codec):.2f} M parameters, dynamics {count(run.model.dynamics):.2f} M; {device},"
        f" {torch.get_num_threads()} CPU threads, PyTorch {torch.__version__}.\n",
        "## Recipe\n",
        f"```json\n{json.dumps(run.recipe, indent=2)}\n```\n",
        "## Log\n",
        f"```\n{open(run.path('log.txt')).read().rstrip()}\n```\n",
    ]
    if prevue and "suite" in run.recipe:
        lines += ["## Evaluation\n", evaluation(prevue, run.recipe["suite"], model)]
    with open(path, "w") as file:
        file.write("\n".join(lines))
    return path
