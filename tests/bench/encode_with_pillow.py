#!/usr/bin/env python3
"""Packs every .jpg below FOLDER, decoded and encoded again with Pillow, into OUT.rec and OUT.idx.

    python encode_with_pillow.py FOLDER OUT
    python encode_with_pillow.py --workers threads FOLDER OUT

What a user would write in place of `make-rec --encode jpeg:95`: JPEG of quality 95 at 4:2:0 from two workers,
records in the byte order of paths, key = id = position, label = position. Needs Python 3.11 and Pillow, no MXNet.
Prints `N files, T s`, the start of the interpreter not included.
"""

import argparse
import io
import struct
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from PIL import Image

WORKERS = 2
QUALITY = 95
MAGIC = struct.pack("<I", 0xCED7230A)
HEADER = struct.Struct("<IfQQ")  # flag, label, id, id2
EXECUTORS: dict[str, type[Executor]] = {"processes": ProcessPoolExecutor, "threads": ThreadPoolExecutor}


def encode(file: Path) -> bytes:
    encoded = io.BytesIO()
    with Image.open(file) as picture:
        picture.convert("RGB").save(encoded, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return encoded.getvalue()


def parts_of(record: bytes) -> Iterator[bytes]:
    """The record cut at every magic word at a multiple of 4, without that word."""
    start = 0
    at = record.find(MAGIC)
    while at >= 0:
        if at % 4 == 0:
            yield record[start:at]
            start = at + 4
        at = record.find(MAGIC, at + (4 if at % 4 == 0 else 1))
    yield record[start:]


def frame(record: bytes) -> bytes:
    parts = list(parts_of(record))
    framed = []
    for number, part in enumerate(parts):
        # 0 for a whole record, else 1 for the first part, 2, and 3 for the last.
        cflag = 0 if len(parts) == 1 else 1 if number == 0 else 3 if number == len(parts) - 1 else 2
        framed += [MAGIC, struct.pack("<I", cflag << 29 | len(part)), part, bytes(-len(part) % 4)]
    return b"".join(framed)


def write(out: str, payloads: Iterator[bytes]) -> None:
    offset = 0
    with open(f"{out}.rec", "wb") as rec, open(f"{out}.idx", "w", encoding="ascii", newline="\n") as idx:
        for key, payload in enumerate(payloads):
            framed = frame(HEADER.pack(0, key, key, 0) + payload)
            idx.write(f"{key}\t{offset}\n")
            rec.write(framed)
            offset += len(framed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Packs a folder, encoded again.", epilog="See the head of this file.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("out", metavar="OUT")
    parser.add_argument("--workers", choices=EXECUTORS, default="processes")
    options = parser.parse_args()
    start = time.perf_counter()
    files = sorted(options.folder.rglob("*.jpg"), key=lambda file: file.as_posix().encode())
    with EXECUTORS[options.workers](WORKERS) as executor:
        write(options.out, executor.map(encode, files, chunksize=64))
    print(f"{len(files)} files, {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
