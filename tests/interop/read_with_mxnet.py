#!/usr/bin/env python3
"""Reads a pack with MXNet and holds every record against the pack's own list of records.

    python tests/interop/read_with_mxnet.py PACK.rec
    python tests/interop/read_with_mxnet.py --root DIR PACK.rec
    python tests/interop/read_with_mxnet.py [--insightface] [--foreign] PACK.rec

PACK.idx and PACK.records.csv lie beside PACK.rec. Prints `N records: equal` and exits 0, or prints the first
difference and exits 1. Three readers have to agree with the csv:

* a parser of the format of its own (`parse`), by NVIDIA DALI's rules: DALI ignores the keys, sorts the
  offsets and takes the gap between two as one record. So every record must be in the .idx, once, the
  first at 0, each ending where the next begins, the last at the end of the file;
* `MXIndexedRecordIO.read_idx`, in the order of the .idx;
* `MXIndexedRecordIO.read`, from the start to the end of the file.

Held against the csv: key, order, offset, label, id = key, id2 = 0, flag (0 for a scalar label, else the
number of labels), length and BLAKE3 of the payload; and against PACK.lst, where it is, key, label and path.
With --root, which is for packs that hold the files' own bytes, also the payload against DIR/<path>.

A pack with an InsightFace header has records that the csv does not list, the identities and key 0: these
are held against the rules of `train.rec`, key 0 as the last of all. The pack is then read once more, as
InsightFace does (`read_as_insightface`): header, ranges, `property` in the pack's folder, and an epoch in
which every picture is decoded. That prints `InsightFace: N images of M identities, C classes: equal`. A pack
without the header is a plain one; with --insightface that is a difference.

Without PACK.records.csv a pack was made elsewhere; it is read only if it has an InsightFace header, with the
labels of PACK.lst, if that is there, in im2rec's or face2rec2's dialect. --foreign says it of a pack that has
a csv all the same. Such a pack may have its records and its .idx in any order, ids of 0, and id2 = 1 on key 0.

Versions: Python 3.11 on Linux x86-64, in an environment of its own:

    python3.11 -m venv ENV
    ENV/bin/pip install mxnet==1.9.1 numpy==1.23.5 blake3

MXNet 1.9.1 is the last release. It asks for any numpy below 2, but `import mxnet` fails from numpy 1.24 on
(`module 'numpy' has no attribute 'bool'`), and 1.23 is the first for Python 3.11. OpenCV is not needed.
"""

import argparse
import csv
import numbers
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

MAGIC = 0xCED7230A
HEADER = struct.Struct("<IfQQ")  # flag, label, id, id2
COLUMNS = ["position", "key", "label", "path", "offset", "length", "digest", "width", "height"]
LANDMARK_COLUMNS = [f"{axis}{point}" for point in range(1, 6) for axis in "xy"] + ["score"]


class Difference(Exception):
    """What was expected, what was found, and where."""


class Stored(NamedTuple):
    """What only the .records.csv says of a record."""

    offset: int
    length: int
    digest: str


class Row(NamedTuple):
    """A line of the .records.csv, or of a .lst, which does not say how the record is stored."""

    key: int
    label: list[float]
    path: str
    stored: Stored | None


class Record(NamedTuple):
    """A record as one of the readers sees it."""

    flag: int
    label: list[float]
    id: int
    id2: int
    payload: bytes


class Pack(NamedTuple):
    """A pack's index and what its records are held against."""

    rec: Path
    idx: list[tuple[int, int]]  # key and offset, in the order of the .idx
    bounds: dict[int, tuple[int, int]]  # first byte and end by key, in the order of the .rec
    rows: dict[int, Row]  # by key
    ranges: dict[int, list[float]]  # labels of InsightFace's records that are no images, by key
    foreign: bool
    root: Path | None


def expect(where: str, what: str, expected, found) -> None:
    if expected != found:
        raise Difference(f"{where}: {what}: expected {expected!r}, found {found!r}")


def expect_each(where: str, what: str, expected: list, found: list) -> None:
    expect(where, f"{what}: how many", len(expected), len(found))
    for position, pair in enumerate(zip(expected, found)):
        expect(where, f"{what}: that at {position}", *pair)


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
                    stored=Stored(int(line["offset"]), int(line["length"]), line["digest"]),
                )
            )
        return rows


def read_lst(path: Path) -> list[Row]:
    """im2rec's `key, label…, path`, or face2rec2's `aligned, path, label`, whose keys count from 1."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        columns = line.split("\t")
        if len(columns) < 3:
            raise Difference(f"{path}, line {number}: expected at least 3 columns, found {line!r}")
        try:
            key, label, name = int(columns[0]), [float(column) for column in columns[1:-1]], columns[-1]
        except ValueError:
            key, label, name = number, [float(columns[2])], columns[1]
        rows.append(Row(key, [as_f32(number) for number in label], name, stored=None))
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
    expect(f"{path}", "distinct keys", len(pairs), len({key for key, _ in pairs}))
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


def bounds_of(pack: Path, idx: list[tuple[int, int]], end: int, foreign: bool) -> dict[int, tuple[int, int]]:
    if foreign:
        idx = sorted(idx, key=lambda line: line[1])
    offsets = [offset for _, offset in idx] + [end]
    expect(f"{pack}", "first offset", 0, offsets[0])
    bounds = {}
    for (key, start), following in zip(idx, offsets[1:]):
        if start >= following:
            raise Difference(f"{pack}, key {key}: expected an offset below {following}, where it ends, found {start}")
        bounds[key] = (start, following)
    return bounds


def ranges_of(classes: list[float]) -> dict[int, list[float]]:
    """The labels of InsightFace's records after images 1, 2, … of these classes, by key, key 0 the last.

    An identity is what stands together: its label is (first, last + 1). That of key 0 is (N+1, N+1+identities).
    """
    after = len(classes) + 1
    starts = [key for key in range(1, after) if key == 1 or classes[key - 1] != classes[key - 2]]
    expect("images of a pack with a header", "runs of one class", len(set(classes)), len(starts))
    ranges = {key: (first, end) for key, (first, end) in enumerate(zip(starts, starts[1:] + [after]), after)}
    ranges[0] = (after, after + len(starts))
    return {key: [as_f32(number) for number in label] for key, label in ranges.items()}


def classes_of_header(rec: Path, data: memoryview, bounds: dict[int, tuple[int, int]]) -> dict[int, float]:
    """The class of every image that key 0 counts, from the records alone."""
    if 0 not in bounds:
        raise Difference(f"{rec}: expected a .records.csv beside it, or a header at key 0")
    header = unpack("key 0", parse(data, *bounds[0]))
    if header.flag == 0:
        raise Difference(f"{rec}: expected a .records.csv beside it, or labels at key 0, found the flag 0")
    images = (key for key in sorted(bounds) if 0 < key < header.label[0])
    return {key: unpack(f"key {key}", parse(data, *bounds[key])).label[0] for key in images}


def open_pack(rec: Path, root: Path | None, foreign: bool, data: memoryview) -> Pack:
    """Reads index and lists, and holds them against each other."""
    idx_path, csv_path, lst_path = (rec.with_suffix(ending) for ending in (".idx", ".records.csv", ".lst"))
    has_csv = csv_path.exists()
    foreign = foreign or not has_csv
    idx = read_idx(idx_path)
    bounds = bounds_of(rec, idx, len(data), foreign)
    rows = listed = read_lst(lst_path) if lst_path.exists() else []
    if has_csv:
        rows = read_csv(csv_path)
        if lst_path.exists():
            expect_each(f"{lst_path}", "rows of the csv", [row._replace(stored=None) for row in rows], listed)
        with_header = 0 in bounds and all(row.key != 0 for row in rows)
        classes = {row.key: row.label[0] for row in rows} if with_header else {}
    else:
        classes = classes_of_header(rec, data, bounds)
        if rows:
            expect_each(f"{lst_path}", "keys", list(classes), [row.key for row in rows])
    keys = sorted(classes) if foreign else list(classes)
    expect_each("images of a pack with a header", "keys", list(range(1, len(classes) + 1)), keys)
    ranges = ranges_of([classes[key] for key in keys]) if keys else {}

    images = [line for line in idx if line[0] not in ranges]
    if has_csv:
        expect_each(f"{idx_path}", "keys and offsets", [(row.key, row.stored.offset) for row in rows], images)
    else:
        expect_each(f"{idx_path}", "keys of images", keys, sorted(key for key, _ in images))
    if foreign:
        expect(f"{idx_path}", "keys that are no images", len(ranges), len(idx) - len(images))
    else:
        expect_each(f"{idx_path}", "keys after the images", list(ranges), [key for key, _ in idx[len(images) :]])
    return Pack(rec, idx, bounds, {row.key: row for row in rows}, ranges, foreign, root)


def check_record(where: str, pack: Pack, key: int, record: Record) -> None:
    if pack.foreign:
        id2 = 0 if key == 0 and record.id2 == 1 else record.id2
        record = record._replace(id=record.id or key, id2=id2)
    if key in pack.ranges:
        expect(where, "record", Record(2, pack.ranges[key], key, 0, b""), record)
        return
    expect(where, "id", key, record.id)
    expect(where, "id2", 0, record.id2)
    if row := pack.rows.get(key):
        check_image(where, row, record, pack.root)


def check_image(where: str, row: Row, record: Record, root: Path | None) -> None:
    from blake3 import blake3

    if row.stored is None:
        # face2rec2's list has the first label alone.
        expect(where, "label", row.label, record.label[: len(row.label)])
    else:
        expect(where, "flag", 0 if len(row.label) == 1 else len(row.label), record.flag)
        expect(where, "label", row.label, record.label)
        expect(where, "length", row.stored.length, len(record.payload))
        expect(where, "digest", row.stored.digest, blake3(record.payload).hexdigest())
    if root is not None and (root / row.path).read_bytes() != record.payload:
        raise Difference(f"{where}: the payload differs from {root / row.path}")


def read_as_insightface(pack: Pack) -> str:
    """What InsightFace's two readers see, in the words of their code, and whether that is one data set.

    `MXFaceDataset` (arcface_torch dataset.py) takes the images below the header's first label and ignores
    the ranges; `FaceImageIter` (arcface_mxnet image_iter.py) takes the images of the ranges.
    """
    import mxnet as mx

    imgrec = mx.recordio.MXIndexedRecordIO(str(pack.rec.with_suffix(".idx")), str(pack.rec), "r")
    header, _ = mx.recordio.unpack(imgrec.read_idx(0))
    expect("InsightFace, key 0", "flag", 2, header.flag)
    header0 = (int(header.label[0]), int(header.label[1]))
    imgidx = list(range(1, header0[0]))

    id2range = {}
    for identity in range(*header0):
        header, _ = mx.recordio.unpack(imgrec.read_idx(identity))
        id2range[identity] = (int(header.label[0]), int(header.label[1]))
    of_ranges = [key for first, end in id2range.values() for key in range(first, end)]
    expect_each("InsightFace", "images of the identities", imgidx, of_ranges)

    labels, sizes = [], set()
    for key in imgidx:
        header, picture = mx.recordio.unpack(imgrec.read_idx(key))
        label = header.label if isinstance(header.label, numbers.Number) else header.label[0]
        if not float(label).is_integer():
            raise Difference(f"InsightFace, key {key}: expected a class, found the label {label}")
        labels.append(int(label))
        try:
            sample = mx.image.imdecode(picture).asnumpy()
        except mx.base.MXNetError:
            raise Difference(f"InsightFace, key {key}: expected a picture, found {len(picture)} bytes no decoder reads")
        sizes.add(sample.shape[:2])
    imgrec.close()

    for identity, (first, end) in id2range.items():
        expect(f"InsightFace, identity {identity}", "classes", 1, len(set(labels[first - 1 : end - 1])))
    expect("InsightFace", "classes of all identities", len(id2range), len(set(labels)))
    classes = read_property(pack, sizes)
    if min(labels) < 0 or max(labels) >= classes:
        raise Difference(f"InsightFace: expected labels of 0..{classes}, found {min(labels)}..={max(labels)}")
    return f"InsightFace: {len(labels)} images of {len(id2range)} identities, {classes} classes: equal"


def read_property(pack: Pack, sizes: set[tuple[int, int]]) -> int:
    """The number of classes. The size is compared where all pictures have one."""
    path = pack.rec.with_name("property")
    with path.open(encoding="utf-8") as file:
        line = file.readline()
    try:
        classes, height, width = (int(number) for number in line.strip().split(","))
    except ValueError:
        raise Difference(f"{path}: expected the line `classes,height,width`, found {line!r}")
    if len(sizes) == 1:
        expect(f"{path}", "height and width", sizes.pop(), (height, width))
    if not pack.foreign:
        expect(f"{path}", "text", f"{classes},{height},{width}\n", path.read_text(encoding="utf-8"))
    return classes


def check(rec: Path, root: Path | None, foreign: bool) -> list[str]:
    """Raises the first Difference; returns what was found equal."""
    from mxnet import recordio

    data = memoryview(rec.read_bytes())
    pack = open_pack(rec, root, foreign, data)
    line_of = {key: number for number, (key, _) in enumerate(pack.idx, 1)}

    def check_all(reader: str, records: Iterable[tuple[int, Record]]) -> None:
        for key, record in records:
            check_record(f"{reader}, line {line_of[key]} of the .idx, key {key}", pack, key, record)

    bounds = pack.bounds.items()
    check_all("parser", ((key, unpack(f"bytes {a}..{b}", parse(data, a, b))) for key, (a, b) in bounds))

    reader = recordio.MXIndexedRecordIO(str(rec.with_suffix(".idx")), str(rec), "r")
    expect("mxnet", "keys", [key for key, _ in pack.idx], list(reader.keys))
    check_all("mxnet read_idx", ((key, unpack_with_mxnet(reader.read_idx(key))) for key, _ in pack.idx))
    reader.reset()
    check_all("mxnet read", ((key, unpack_with_mxnet(reader.read())) for key in pack.bounds))
    expect("mxnet read", "what follows the last record", None, reader.read())
    reader.close()
    found = [f"{len(pack.idx)} records: equal"]
    return found + [read_as_insightface(pack)] if pack.ranges else found


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Reads a pack with MXNet and holds it against its .records.csv.", epilog="See the head of this file."
    )
    parser.add_argument("pack", type=Path, metavar="PACK.rec")
    parser.add_argument("--root", type=Path, metavar="DIR", help="compare payloads with the files DIR/<path>")
    parser.add_argument("--insightface", action="store_true", help="expect an InsightFace header")
    parser.add_argument("--foreign", action="store_true", help="the pack was made elsewhere, though it has a csv")
    options = parser.parse_args()
    try:
        found = check(options.pack, options.root, options.foreign)
        if options.insightface and len(found) < 2:
            raise Difference("expected an InsightFace header at key 0, found none")
        print(*found, sep="\n")
    # MXNetError is a RuntimeError; a csv or a .lst that does not parse is a ValueError or a csv.Error.
    except (Difference, OSError, ValueError, RuntimeError, csv.Error) as difference:
        sys.exit(f"{options.pack}: {difference}")


if __name__ == "__main__":
    main()
