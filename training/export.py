"""Writes and reads model files: safetensors with the config as JSON under the metadata key `prevue`."""

import glob
import json
import os

import torch


def tensors(model):
    """Names and float32 tensors as the engine reads them (docs/model-format.md)."""
    return {name: p.detach().float().cpu().contiguous() for name, p in model.state_dict().items()}


SHARD_BYTES = 16 << 20  # larger models travel as several files


def blob_of(tensor, short):
    """-> dtype, bytes. short: matrices and filters in the bf16 that a device computes with, so that every backend has the
    same ones; what there is one of a channel stays float."""
    if short and tensor.dim() > 1:
        return "BF16", tensor.bfloat16().view(torch.int16).numpy().tobytes()
    return "F32", tensor.numpy().tobytes()


def write(path, tensors, metadata=None, short=False):
    """One safetensors file. The parts of the format this needs are few; the package is not on every training machine."""
    entries, blobs, offset = {}, [], 0
    for name, tensor in tensors:
        dtype, blob = blob_of(tensor, short)
        entries[name] = {
            "dtype": dtype,
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    header = json.dumps(({"__metadata__": metadata} if metadata else {}) | entries).encode()
    header += b" " * (-len(header) % 8)
    with open(path + ".new", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header + b"".join(blobs))
    os.replace(path + ".new", path)


def save(model, config, path, short=False):
    """path: NAME.safetensors; a model above 16 MiB becomes a folder NAME of shards with an index. Returns what the
    command takes as --model."""
    named = sorted(tensors(model).items())
    size = 2 if short else 4
    metadata = {"prevue": json.dumps(config)}
    if sum(size * t.numel() for _, t in named) <= SHARD_BYTES:
        write(path, named, metadata, short)
        return path
    shards, filled = [[]], 0
    for name, tensor in named:
        if shards[-1] and filled + size * tensor.numel() > SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append((name, tensor))
        filled += size * tensor.numel()
    folder = path.removesuffix(".safetensors")
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(os.path.join(folder, "model*.safetensors*")):
        os.remove(old)
    weight_map = {}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        write(os.path.join(folder, file), shard, metadata, short)
        weight_map |= {name: file for name, _ in shard}
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {}, "weight_map": weight_map}, file, indent=1)
    return folder


def load(path):
    """-> config, {name: float32 tensor}: training can go on from exported weights, one file or a folder of shards."""
    if os.path.isdir(path):
        parts = [load_file(p) for p in sorted(glob.glob(os.path.join(path, "*.safetensors")))]
        return parts[0][0], {name: tensor for _, part in parts for name, tensor in part.items()}
    return load_file(path)


def load_file(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        body = file.read()
    config = json.loads(header.pop("__metadata__")["prevue"])
    types = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    out = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(body[begin:end]), dtype=types[entry["dtype"]])
        out[name] = flat.reshape(entry["shape"]).float()
    return config, out
