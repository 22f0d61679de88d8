#!/usr/bin/env python3
"""Makes corpus/TARGET/ of the fuzz targets from ../../fixtures: python3 tests/fuzz/seeds.py.

What no fixture is, a small file of each kind is written here by its format's own description. Standard
library only; the same files every time.
"""

import json
import pathlib
import shutil
import struct
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "fixtures"
GOLDEN = FIXTURES / "golden"
CORPUS = HERE / "corpus"
MARK = b"\n--\n"
# Larger files make the fuzzer slow and teach it nothing more.
MAX_BYTES = 64 << 10

# Files of the fixtures that are seeds as they are.
COPIED = {
    "faces": ["golden/make_rec/ijb_root/IJBB/meta/*_name_5pts_score.txt"],
    "ijb_meta": ["golden/ijb/IJBB/meta/*", "golden/make_rec/ijb_root/IJBB/meta/*"],
    "index": ["golden/recordio/**/*.idx", "golden/make_rec/records/**/*.idx"],
    "list": ["**/*.lst"],
    "mat": ["golden/make_rec/tinyface_root/**/*.mat"],
    "npy": ["onnx/*.npy", "golden/verification10/**/*.npy", "golden/fusion/**/*.npy"],
    "pickle": ["golden/verification10/bin/*.bin"],
    "picture": ["golden/decode/files/*", "cvlface_faces/*.jpg", "golden/make_rec/folder_root/**/*.*"],
    "recordio": ["golden/recordio/**/*.rec", "golden/make_rec/records/**/*.rec"],
    "round_trip": ["golden/align/source/*", "golden/decode/files/jpg_noise_420.jpg"],
    "scface": ["golden/make_rec/scface_root/all.txt"],
}


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    """A field of a protocol buffer: a number, a text, or a message as bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def message(*fields):
    return b"".join(field(number, content) for number, content in fields)


def port(name, *extents):
    dims = [message((1, e)) if isinstance(e, int) else message((2, e)) for e in extents]
    shape = message(*((1, dim) for dim in dims))
    return message((1, name), (2, message((1, message((1, 1), (2, shape))))))


def onnx(external):
    weight = [(1, 2), (1, 2), (2, 1), (8, "backbone.body.0.weight")]
    place = message((1, "location"), (2, "weights.bin"))
    weight += [(13, place), (14, 1)] if external else [(9, bytes(16))]
    sub = message((1, "data"), (1, "mean"), (2, "a"), (3, "Sub0"), (4, "Sub"))
    gemm = message((1, "a"), (1, "w"), (2, "b"), (4, "Gemm"), (5, message((1, "alpha"), (20, 1), (2, 0))))
    graph = message(
        (1, sub), (1, gemm), (2, "g"), (5, message(*weight)),
        (11, port("data", "N", 3, 112, 112)), (12, port("b", "N", 2)),
    )
    opset = message((1, ""), (2, 18))
    meta = message((1, "qgface.mean"), (2, "127.5,127.5,127.5"))
    return message((1, 8), (2, "seeds"), (3, "1"), (7, graph), (8, opset), (14, meta))


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (kind, shape, raw) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def weights():
    shapes = {"F32": 16, "F16": 8, "BF16": 8, "F64": 32}
    for kind, length in shapes.items():
        names = ["model.net.body.0.weight", "head.kernel"]
        yield safetensors({name: (kind, [2, 2], bytes(length)) for name in names})
    yield b"ONNX" + onnx(False)
    yield b"ONNX" + onnx(True)


def checkpoint():
    facts = {
        "format": "qgface-data checkpoint 1", "tool": "qgface-data 0.1.0", "step": 1, "steps_per_epoch": 2,
        "classes": 3, "views": 1, "orders": ["5eed"], "settings": {"train.lr": "0.2"},
        "scores": {"tinyface.rank_1": 0.5}, "blake3": "DIGEST",
    }
    tensors = safetensors({"backbone.body.0.weight": ("F32", [2, 2], bytes(16))}, {"format": "x"})
    yield json.dumps(facts).encode() + MARK + tensors


def bins(counts):
    return {"low": -1.0, "high": 1.0, "counts": counts}


def results():
    curves = {
        "roc": [{"name": "", "points": [[0.0, 0.1], [1e-4, 0.5], [1.0, 1.0]]}],
        "cmc": [{"name": "G1", "rates": [0.5, 0.75, 1.0]}],
        "scores": {"score": "cosine", "of": "all pairs", "genuine": bins([0, 1]), "impostor": bins([4, 0])},
        "norms": bins([1, 2, 3]),
    }
    settings = {
        "fusion": "pre_norm_vector_add", "flip": True, "norm": True, "detector_score": False,
        "flipud": True, "channel_order": "bgr", "mean": [127.5] * 3, "std": [127.5] * 3,
    }
    sets = {"ijbb": {"tar@1e-04": 0.8765}, "tinyface": {"rank_1": 0.5, "map": 0.4}}
    for preset in ["adaface", "cvlface"]:
        found = [
            {
                "set": name, "protocol": preset, "switched": ["norm no"], "settings": settings,
                "images": 12, "counts": {"probes": 7}, "metrics": metrics, "curves": curves,
                "features": {"files": ["a.rec"], "orders": ["5eed"], "alignment": None, "cached": False},
                "warnings": ["12 images, the published set has 13"],
            }
            for name, metrics in sets.items()
        ]
        model = {
            "path": "models/a.onnx", "blake3": "5eed", "width": 512, "output": "unit_and_norm",
            "runtime": None, "device": "cpu",
        }
        yield json.dumps({
            "format": "qgface-data results 1", "tool": "qgface-data 0.1.0", "model": model,
            "results": found, "averages": {"hq_avg": 0.5}, "saved": [],
        }).encode()


def manifest():
    digest = {"bytes": 5, "blake3": "00" * 32}
    files = {part: digest for part in ["rec", "idx", "lst", "records"]}
    ignored = {"hidden": 0, "thumbs_db": 0, "other_files": 1, "loops": 0}
    facts = {
        "format": "qgface-data pack 2", "tool": "qgface-data 0.1.0", "set": "list", "count": 8,
        "label": "list", "source": "list", "layout": "plain", "shuffle": None, "shard": None,
        "encoding": "origin", "stored_channel_order": "rgb", "align": None, "alignment": "unknown",
        "landmarks": None, "reoriented": 0, "ignored": ignored, "skipped": [], "inputs": [],
        "protocol_files": [], "files": {**files, "pairs": None, "property": None},
        "order": "00" * 32, "digest": "00" * 32,
    }
    yield json.dumps(facts, indent=2).encode() + b"\n"
    facts |= {
        "layout": "insightface", "shuffle": 7, "encoding": {"jpeg": 95}, "alignment": {"warped": {"size": 112}},
        "shard": {"index": 0, "count": 2, "first": 0, "images": 16, "list": "5eed"}, "align": 112,
        "landmarks": {"points": 5, "picture": "original"},
        "skipped": [{"path": "a.jpg", "reason": "empty"}],
        "inputs": [{"role": "landmarks", "path": "a.csv", "blake3": "5eed"}],
        "protocol_files": [{"path": "all.txt", "blake3": "5eed"}],
    }
    yield json.dumps(facts, indent=2).encode() + b"\n"


def elf():
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHI", 3, 62, 1)
    head += struct.pack("<QQQIHHHHHH", 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    yield head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 120, 120, 4096)


def wheel():
    for method in [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]:
        path = CORPUS / "made.whl"
        with zipfile.ZipFile(path, "w", method) as made:
            for name in ["capi/libonnxruntime.so.1.32.0", "LICENSE", "ThirdPartyNotices.txt"]:
                made.writestr(zipfile.ZipInfo(f"onnxruntime/{name}"), b"bytes" * 20, method)
        yield path.read_bytes()
        path.unlink()


def doubles(count, points):
    return bytes([count]) + b"".join(struct.pack("<dd", *point) for point in points)


FACE = [(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)]
LANDMARKS = (
    b"path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\na.jpg,1,2,3,4,5,6,7,8,9,10\nb.jpg,1,2,3,4,5,6,7,8,,\n"
)
ROW = f"3,7,1 2.5,\"a, b.jpg\",24,5,{'0a' * 32},112,96"
COLUMNS = "position,key,label,path,offset,length,digest,width,height"
POINTS = "x1,y1,x2,y2,x3,y3,x4,y4,x5,y5,score"
LINE = {
    "step": 1, "epoch": 0, "loss": 2.5, "loss_cla": 2.0, "loss_con": 0.5, "lr": 0.1, "margin": 0.2,
    "grad_norm": 3.0, "weighted_pairs": 0.5, "images_per_second": 9.5, "waited": 0.1,
}
MADE = {
    "align": lambda: [doubles(5, FACE), doubles(4, FACE[:4]), doubles(68, FACE * 14)],
    "checkpoint": checkpoint,
    "header": lambda: [struct.pack("<IfQQ", 0, 1.0, 2, 3), struct.pack("<IfQQff", 2, 0.0, 1, 2, 3.0, 4.0)],
    "landmarks": lambda: [LANDMARKS],
    "library": elf,
    "list": lambda: [b"1\ta/b.jpg\t3\n0\tc.png\t4\t1\t2\n", b"index\tpath\tlabel\n0\ta.jpg\t5\n7\tb.jpg\t5\n"],
    "manifest": manifest,
    "metrics": lambda: ["".join(json.dumps(LINE | {"step": n}) + "\n" for n in range(1, 4)).encode()],
    "names": lambda: [
        b"parent\n\n0/a.jpg\n1/b.jpg\n",
        b"regex:(\\d+)_\n\na/Probe/7_1.jpg\na/Gallery_Match/7_2.jpg\na/Gallery_Distractor/x.jpg\n",
        b"identity\n\n001_frontal.jpg\n001_cam1_1.jpg\n001_cam2_2.jpg\n001_cam5_3.jpg\n002_cam6_1.jpg\n",
    ],
    "onnx": lambda: [onnx(False), onnx(True)],
    "pack": lambda: [
        idx.read_bytes() + MARK + idx.with_suffix(".rec").read_bytes()
        for idx in sorted(GOLDEN.glob("recordio/**/*.idx"))
    ],
    "pairs": lambda: [b"0 1 1\n2 3 0\n"],
    "records": lambda: [
        f"{COLUMNS}\n{ROW}\n".encode(),
        f"{COLUMNS},{POINTS}\n{ROW},1,2,3,4,5,6,7,8,9,10,0.5\n{ROW},1,2,3,4,5,6,7,8,,,\n".encode(),
    ],
    "results": results,
    "settings": lambda: [
        b'[data]\nroot = "data"\nscface = "x/y"\n[train]\nlr = 0.1\nmilestones = [6, 9]\n',
        b'[eval]\nbatch = 8\n[contrast]\nqueue = "proxy"\nmargin = "dynamic"\n[head]\nkind = "adaface"\n',
    ],
    "weights": weights,
    "wheel": wheel,
    "words": lambda: [b"train.lr=0.1", b"jpeg:95", b"regex:(\\d+)", b"127.5,127.5,127.5", b"csv:a.csv", b"1/3"],
}


def main():
    for name in sorted(COPIED.keys() | MADE.keys()):
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        count = 0
        for pattern in COPIED.get(name, []):
            for path in sorted(FIXTURES.glob(pattern)):
                if path.is_file() and path.stat().st_size <= MAX_BYTES:
                    shutil.copyfile(path, folder / f"seed-{count:03}")
                    count += 1
        for content in MADE.get(name, list)():
            (folder / f"seed-{count:03}").write_bytes(content[:MAX_BYTES])
            count += 1
        hostile = FIXTURES / "hostile" / name
        for path in sorted(hostile.glob("*")):
            shutil.copyfile(path, folder / f"hostile-{path.name}")
        print(f"{name:12} {count} seeds")


if __name__ == "__main__":
    main()
