#!/usr/bin/env python3
"""Reads a pack with MXNet and holds every record against the pack's own list of records.

    python tests/interop/read_with_mxnet.py PACK.rec
    python tests/interop/read_with_mxnet.py --root DIR PACK.rec

PACK.idx and PACK.records.csv lie beside PACK.rec. Prints `N records: equal` and exits 0, or prints the first
difference and exits 1. Three readers have to agree with the csv:

* a parser of the format of its own (`parse`), by NVIDIA DALI's rules: DALI ignores the keys, sorts the
  offsets and takes the gap between two as one record. So every record must be in the .idx, once, the
  first at 0, each ending where the next begins, the last at the end of the file;
* `MXIndexedRecordIO.read_idx`, in the order of the .idx;
* `MXIndexedRecordIO.read`, from the start to the end of the file.

Held against the csv: key, order, offset, label, id = key, id2 = 0, flag (0 for a scalar label, else the
number of labels), length and BLAKE3 of the payload. With --root, which is for packs that hold the files'
own bytes, also the payload against DIR/<path>. A pack with an InsightFace header has records that the csv
does not list, the identities and key 0: these are held against the rules of `train.rec`.

Versions: Python 3.11 on Linux x86-64, in an environment of its own:

    python3.11 -m venv ENV
    ENV/bin/pip install mxnet==1.9.1 numpy==1.23.5 blake3

MXNet 1.9.1 is the last release. It asks for any numpy below 2, but `import mxnet` fails from numpy 1.24 on
(`module 'numpy' has no attribute 'bool'`), and 1.23 is the first for Python 3.11. OpenCV is not needed.
"""

import argparse
import csv
import struct
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

MAGIC = 0xCED7230A
HEADER = struct.Struct("<IfQQ")  # flag, label, id, id2
COLUMNS = ["position", "key", "label", "path", "offset", "length", "digest", "width", "height"]
LANDMARK_COLUMNS = [f"{axis}{point}" for point in range(1, 6) for axis in "xy"] + ["score"]


class Difference(Exception):
    """What was expected, what was found, and where."""


class Row(NamedTuple):
    """A line of the .records.csv."""

    key: int
    label: list[float]
    path: str
    offset: int
    length: int
    digest: str


class Record(NamedTuple):
    """A record as one of the readers sees it."""

    flag: int
    label: list[float]
    id: int
    id2: int
    payload: bytes


def expect(where: str, what: str, expected, found) -> None:
    if expected != found:
        raise Difference(f"{where}: {what}: expected {expected!r}, found {found!r}")


def as_f32(number: float) -> float:
    """The number as a label holds it. Labels are compared as f32, exactly."""
    return struct.unpack("<f", struct.pack("<f", number))[0]


def read_csv(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file, strict=True)
        columns = lines.fieldnames or []
        if columns not in (COLUMNS, COLUMNS + LANDMARK_COLUMNS):
            raise Difference(f"{path}: columns: expected {','.join(COLUMNS)}[,x1,…,score], found {','.join(columns)}")
        rows = []
        for position, line in enumerate(lines):
            where = f"{path}, line {lines.line_num}"
            if None in line or None in line.values():
                raise Difference(f"{where}: expected {len(columns)} columns")
            expect(where, "position", str(position), line["position"])
            rows.append(
                Row(
                    key=int(line["key"]),
                    label=[as_f32(float(number)) for number in line["label"].split(" ")],
                    path=line["path"],
                    offset=int(line["offset"]),
                    length=int(line["length"]),
                    digest=line["digest"],
                )
            )
        return rows


def read_idx(path: Path) -> list[tuple[int, int]]:
    """(key, offset) of every line. Stricter than MXNet, which lets pass CRLF, signs and more columns."""
    lines = path.read_bytes().split(b"\n")
    expect(f"{path}", "what follows the last newline", b"", lines.pop())
    pairs = []
    for number, line in enumerate(lines, 1):
        key, tab, offset = line.partition(b"\t")
        if not (key.isdigit() and tab and offset.isdigit()):
            raise Difference(f"{path}, line {number}: expected `key<tab>offset`, found {line!r}")
        pairs.append((int(key), int(offset)))
    return pairs


def parse(data: memoryview, start: int, end: int) -> bytes:
    """The one record that fills `start..end`, its parts joined with the magic word that parted them."""
    where = f"bytes {start}..{end}"
    parts: list[bytes] = []
    at = start
    while True:
        if end - at < 8:
            raise Difference(f"{where}: expected the head of a part at {at}, found {end - at} bytes")
        magic, coded = struct.unpack_from("<II", data, at)
        expect(f"{where}, byte {at}", "magic", hex(MAGIC), hex(magic))
        cflag, length = coded >> 29, coded & (1 << 29) - 1
        expected = (0, 1) if not parts else (2, 3)
        if cflag not in expected:
            raise Difference(f"{where}, byte {at}: cflag: expected one of {expected}, found {cflag}")
        padded = (length + 3) & ~3
        if padded > end - at - 8:
            raise Difference(f"{where}, byte {at}: a part of {length} bytes runs past the record's end")
        part = bytes(data[at + 8 : at + 8 + padded])
        expect(f"{where}, byte {at}", "padding", bytes(padded - length), part[length:])
        parts.append(part[:length])
        at += 8 + padded
        if cflag in (0, 3):
            break
    expect(where, "end of the record", end, at)
    return struct.pack("<I", MAGIC).join(parts)


def unpack(where: str, raw: bytes) -> Record:
    """Header, labels and payload, written anew: `mxnet.recordio.unpack` hides the header's own label."""
    if len(raw) < HEADER.size:
        raise Difference(f"{where}: expected at least {HEADER.size} bytes, found {len(raw)}")
    flag, label, key, id2 = HEADER.unpack_from(raw)
    if flag == 0:
        return Record(flag, [label], key, id2, raw[HEADER.size :])
    expect(where, "the header's label beside a vector", 0.0, label)
    payload = HEADER.size + 4 * flag
    if len(raw) < payload:
        raise Difference(f"{where}: flag: {flag} labels do not fit into {len(raw)} bytes")
    labels = struct.unpack_from(f"<{flag}f", raw, HEADER.size)
    return Record(flag, list(labels), key, id2, raw[payload:])


def unpack_with_mxnet(raw: bytes | None) -> Record:
    from mxnet import recordio

    if raw is None:
        raise Difference("mxnet: expected a record, found the end of the file")
    header, payload = recordio.unpack(raw)
    labels = header.label.tolist() if header.flag else [header.label]
    return Record(header.flag, labels, header.id, header.id2, payload)


def check_image(where: str, row: Row, record: Record, root: Path | None) -> None:
    from blake3 import blake3

    expect(where, "flag", 0 if len(row.label) == 1 else len(row.label), record.flag)
    expect(where, "label", row.label, record.label)
    expect(where, "id", row.key, record.id)
    expect(where, "id2", 0, record.id2)
    expect(where, "length", row.length, len(record.payload))
    expect(where, "digest", row.digest, blake3(record.payload).hexdigest())
    if root is not None and (root / row.path).read_bytes() != record.payload:
        raise Difference(f"{where}: the payload differs from {root / row.path}")


class InsightFace:
    """What has to follow the images of a pack with a header: an empty record an identity, then key 0."""

    def __init__(self, rows: list[Row], extra: int) -> None:
        # Identities are what stands together: (first, last + 1) of every run of one class.
        expect("images of a pack with a header", "keys", list(range(1, len(rows) + 1)), [row.key for row in rows])
        first = 1
        runs = []
        for row, following in zip_longest(rows, rows[1:]):
            if following is None or following.label[0] != row.label[0]:
                runs.append((first, row.key + 1))
                first = row.key + 1
        after = len(rows) + 1
        expect("a pack with a header", "records that are no images", len(runs) + 1, extra)
        self.records = [(key, as_f32(a), as_f32(b)) for key, (a, b) in enumerate(runs, after)]
        self.records.append((0, as_f32(after), as_f32(after + len(runs))))

    def check(self, where: str, number: int, record: Record) -> None:
        key, first, end = self.records[number]
        expect(where, "record", Record(2, [first, end], key, 0, b""), record)


def check(pack: Path, root: Path | None) -> int:
    """Raises the first Difference; returns the number of records."""
    from mxnet import recordio

    idx_path = pack.with_suffix(".idx")
    rows = read_csv(pack.with_suffix(".records.csv"))
    idx = read_idx(idx_path)
    with_header = bool(rows) and rows[0].key == 1 and idx[-1:] != [] and idx[-1][0] == 0
    if not with_header or len(idx) < len(rows):
        expect(f"{idx_path}", "lines", len(rows), len(idx))
    for number, (row, found) in enumerate(zip(rows, idx)):
        expect(f"{idx_path}, line {number + 1}", "key and offset", (row.key, row.offset), found)
    insightface = InsightFace(rows, len(idx) - len(rows)) if with_header else None
    extra_keys = [key for key, _, _ in insightface.records] if insightface else []
    expect(f"{idx_path}", "keys after the images", extra_keys, [key for key, _ in idx[len(rows) :]])
    expect(f"{idx_path}", "distinct keys", len(idx), len({key for key, _ in idx}))

    def check_all(reader: str, records: Iterator[Record]) -> None:
        for number, ((key, _), record) in enumerate(zip(idx, records, strict=True)):
            where = f"{reader}, line {number + 1} of the .idx, key {key}"
            if number < len(rows):
                check_image(where, rows[number], record, root)
            else:
                insightface.check(where, number - len(rows), record)

    data = memoryview(pack.read_bytes())
    offsets = [offset for _, offset in idx]
    expect(f"{idx_path}", "first offset", [0][: len(offsets)], offsets[:1])
    for number, (a, b) in enumerate(zip(offsets, offsets[1:]), 2):
        if a >= b:
            raise Difference(f"{idx_path}, line {number}: expected an offset above {a}, found {b}")
    if not offsets:
        expect(f"{pack}", "bytes", 0, len(data))
    elif offsets[-1] >= len(data):
        raise Difference(f"{pack}: expected a record at {offsets[-1]}, found the end at {len(data)}")
    bounds = zip(offsets, offsets[1:] + [len(data)])
    check_all("parser", (unpack(f"bytes {a}..{b}", parse(data, a, b)) for a, b in bounds))

    reader = recordio.MXIndexedRecordIO(str(idx_path), str(pack), "r")
    expect("mxnet", "keys", [key for key, _ in idx], list(reader.keys))
    check_all("mxnet read_idx", (unpack_with_mxnet(reader.read_idx(key)) for key, _ in idx))
    reader.reset()
    check_all("mxnet read", (unpack_with_mxnet(reader.read()) for _ in idx))
    expect("mxnet read", "what follows the last record", None, reader.read())
    reader.close()
    return len(idx)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Reads a pack with MXNet and holds it against its .records.csv.", epilog="See the head of this file."
    )
    parser.add_argument("pack", type=Path, metavar="PACK.rec")
    parser.add_argument("--root", type=Path, metavar="DIR", help="compare payloads with the files DIR/<path>")
    options = parser.parse_args()
    try:
        print(f"{check(options.pack, options.root)} records: equal")
    # MXNetError is a RuntimeError; a csv that does not parse is a ValueError or a csv.Error.
    except (Difference, OSError, ValueError, RuntimeError, csv.Error) as difference:
        sys.exit(f"{options.pack}: {difference}")


if __name__ == "__main__":
    main()
