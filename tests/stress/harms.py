"""Invalid numbers in an index with valid checksums, as a hostile maker could write it."""

from __future__ import annotations

import json
import random
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import zstandard

from indexer.engine.format import segment_file
from indexer.engine.format.text_store import SECTIONS, TextStore, TextWriter
from indexer.engine.read.contents import MAGIC

_NUMBERS = (
    0, 1, 2, 3, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1,
    -1, -(2**63),
)  # fmt: skip
_KINDS = ("<u1", "<u2", "<u4", "<u8", "<i4", "<i8")

Sections = dict[str, Any]


def harm(index: Path, chance: random.Random) -> str:
    """Damage one or several parts of an index, and write new checksums; returns what was done."""
    generation = index / (index / "current").read_text().split()[0]
    path = chance.choice(sorted(generation.glob("*.nut")))
    special = (_facts, _contents, _items, _frames, _dictionary, _directory)
    with_section = chance.random() < 0.85
    return _sections(path, chance) if with_section else chance.choice(special)(path, chance)


def _sections(path: Path, chance: random.Random) -> str:
    """One part, or some that may have to do with each other."""
    sections, facts = read(path)
    done = []
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        name = chance.choice([name for name in sections if len(sections[name])])
        sections[name], how = _senseless(sections[name], chance)
        done.append(f"{name} {how}")
    write(path, sections, facts)
    return ", ".join(done)


def _senseless(values: Any, chance: random.Random) -> tuple[Any, str]:
    """The numbers, and what was done to them."""
    most = int(np.iinfo(values.dtype).max)
    least = int(np.iinfo(values.dtype).min)
    values = values.copy()
    place = chance.randrange(len(values))
    fitting = [number for number in (*_NUMBERS, len(values)) if least <= number <= most]
    number = chance.choice([*fitting, chance.randint(least, most)])
    kinds = ["one", "one", "more", "less", "many", "all", "swapped", "repeated", "shifted", "reversed"]
    kind = chance.choice([*kinds, "cut", "longer", "wider", "empty"])
    if kind == "one":
        values[place] = number
    elif kind == "more":
        values[place] = min(int(values[place]) + 1, most)
    elif kind == "less":
        values[place] = max(int(values[place]) - 1, least)
    elif kind == "many":
        for _ in range(chance.randrange(2, 20)):
            values[chance.randrange(len(values))] = chance.choice([*fitting, chance.randint(least, most)])
    elif kind == "all":
        values[:] = number
    elif kind == "swapped":
        other = chance.randrange(len(values))
        values[place], values[other] = values[other], values[place]
    elif kind == "repeated":
        values[place:] = values[place - 1] if chance.random() < 0.3 else np.roll(values, 1)[place:]
    elif kind == "shifted":
        values = np.roll(values, chance.choice((1, -1)))
    elif kind == "reversed":
        values = values[::-1].copy()
    elif kind == "cut":
        values = values[: chance.choice((place, len(values) - 1))]
    elif kind == "longer":
        values = np.append(values, np.array([number], values.dtype))
    elif kind == "wider":
        kind = chance.choice(_KINDS)
        values = values.astype(kind)
        edges = np.iinfo(kind)
        if chance.random() < 0.5:
            values[place] = chance.choice([n for n in _NUMBERS if edges.min <= n <= edges.max])
    else:
        values = values[:0]
    return values, f"{kind} ({place}, {number})"


def _facts(path: Path, chance: random.Random) -> str:
    sections, facts = read(path)
    name = chance.choice(sorted(facts))
    values: list[Any] = [0, -1, 1, 2**31, 2**63 - 1, 10**400, 1.5, None, "7", True]
    facts[name] = chance.choice([*values, [], {}, ["en"], ["xx", "en"], [1]])
    if chance.random() < 0.1:
        del facts[name]
    write(path, sections, facts)
    return f"facts: {name} {str(facts.get(name))[:20]}"


def _contents(path: Path, chance: random.Random) -> str:
    (contents,) = path.parent.glob("*.toc")
    whoosh, own = _halves(contents)
    segments = own["segments"]
    one = chance.choice(segments)
    bits = bytearray(msgspec.json.decode(msgspec.json.encode(one["removed"]), type=bytes))
    kinds = ["documents", "twice", "gone", "language", "order", "longer", "commit"]
    kind = chance.choice([*kinds, "bits", "bits"] if bits else [*kinds, "some"])
    if kind == "documents":
        one["documents"] = chance.choice((0, 1, -1, one["documents"] + 1, 2**31, 2**63))
    elif kind == "twice":
        segments.append(one)
    elif kind == "gone":
        segments.remove(one)
    elif kind == "language":
        own["language"] = chance.choice(("", "xx", "../../x", "\u0000", "e" * 10**5))
    elif kind == "order":
        segments.reverse()
    elif kind == "commit":
        own["commit"] += 1
    elif kind in ("longer", "some"):
        bits = bytearray(chance.randbytes((one["documents"] + 7) // 8 + (kind == "longer")))
    else:
        bits[chance.randrange(len(bits))] ^= 1 << chance.randrange(8)
    one["removed"] = bytes(bits)
    write_contents(contents, whoosh, msgspec.json.encode(own))
    return f"contents: {kind} of {one['id']}"


def _items(path: Path, chance: random.Random) -> str:
    """Another stored text, or head of an article, in frames that are as they should be."""
    sections, facts = read(path)
    store = TextStore({name: sections[f"text.{name}"] for name in SECTIONS})
    items = store.read(range(len(store.lengths)))
    counts = sections["article.counts"].astype(np.int64)
    heads = (np.cumsum(counts + 1) - counts - 1).tolist()
    place = chance.choice(heads) if chance.random() < 0.6 else chance.randrange(len(items))
    if place in heads and chance.random() < 0.8:
        head = json.loads(items[place])
        name = chance.choice(sorted(head))
        values: list[Any] = [None, 7, "", "x", [], {}, "a\nb", "\ud800", "zz-é"]
        dates = (("x", "day"), ("99999", "year"), ("2021-13-45", "minute"), ("2021", "day"))
        values += [{"value": value, "precision": precision} for value, precision in dates]
        head[name] = chance.choice(values)
        items[place], how = json.dumps(head).encode(), f"{name} {str(head[name])!r}"
    else:
        how = chance.choice(("not text", "empty", "longer", "another letter"))
        text = items[place]
        at = chance.randrange(len(text) + 1)
        items[place] = {
            "not text": text[:at] + b"\xff" + text[at:],
            "empty": b"",
            "longer": text * 3,
            "another letter": text[:at] + b"z" + text[at + 1 :],
        }[how]
    writer = TextWriter(store.dictionary)
    writer.add(items)
    sections |= {f"text.{part}": content for part, content in writer.make_sections().items()}
    write(path, sections, facts)
    return f"item {place}: {how}"


def _frames(path: Path, chance: random.Random) -> str:
    """A frame that says it has more than it has, or that has more than it should."""
    sections, facts = read(path)
    ends = [0, *sections["text.ends"].tolist()]
    data = sections["text.data"].tobytes()
    frames = [data[begin:end] for begin, end in pairwise(ends)]
    place = chance.randrange(len(frames))
    kinds = ("stated", "bomb", "bomb that is stated", "two", "skippable", "window", "empty", "cut")
    kind = chance.choice(kinds)
    begin = int(sections["text.items"][place - 1]) if place else 0
    if kind == "stated":
        size = chance.choice((0, 2**20, 2**31, 2**40, 2**63))
        frames[place] = frames[place][:4] + b"\xe0" + size.to_bytes(8, "little") + frames[place][7:]
    elif kind.startswith("bomb"):
        compressor = zstandard.ZstdCompressor(write_content_size=chance.random() < 0.5)
        frames[place] = compressor.compress(bytes(2**29))
        if kind != "bomb":
            sections["text.lengths"] = sections["text.lengths"].copy()
            sections["text.lengths"][begin] = 2**29
    elif kind == "two":
        frames[place] *= 2
    elif kind == "skippable":
        frames[place] += (0x184D2A50).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"1234"
    elif kind == "window":
        frames[place] = b"\x28\xb5\x2f\xfd" + bytes([0, 0xFF]) + frames[place][6:]
    elif kind == "empty":
        frames[place] = b""
    else:
        frames[place] = frames[place][: chance.randrange(len(frames[place]))]
    sections["text.data"] = np.frombuffer(b"".join(frames), np.uint8)
    sections["text.ends"] = np.cumsum([len(frame) for frame in frames], dtype=np.uint64)
    write(path, sections, facts)
    return f"frame {place}: {kind}"


def _dictionary(path: Path, chance: random.Random) -> str:
    """A dictionary that the frames do not refer to, or that is not one."""
    sections, facts = read(path)
    store = TextStore({name: sections[f"text.{name}"] for name in SECTIONS})
    samples = [b" ".join(b"word%d" % chance.randrange(500) for _ in range(60)) for _ in range(200)]
    made = zstandard.train_dictionary(2**12, [*samples]).as_bytes()
    kind = chance.choice(("other", "missing", "altered", "cut", "too large", "text"))
    if kind != "other":
        writer = TextWriter(made)
        writer.add_store(store)
        sections |= {f"text.{part}": content for part, content in writer.make_sections().items()}
    if kind == "altered":
        altered = bytearray(made)
        for _ in range(chance.choice((1, 1, 5, 50))):
            altered[chance.randrange(len(made))] = chance.randrange(256)
        made = bytes(altered)
    elif kind == "cut":
        made = made[: chance.randrange(len(made))]
    elif kind == "too large":
        made += bytes(chance.choice((2**16, 2**20)))
    elif kind == "text":
        made = samples[0]
    sections["text.dictionary"] = np.frombuffer(b"" if kind == "missing" else made, np.uint8)
    write(path, sections, facts)
    return f"dictionary: {kind}"


def _directory(path: Path, chance: random.Random) -> str:
    """A directory that has other places, sizes, kinds or names."""
    data = path.read_bytes()
    start, size = int.from_bytes(data[-24:-16], "little"), int.from_bytes(data[-16:-12], "little")
    directory = json.loads(data[start : start + size])
    name, other = (chance.choice(sorted(directory)) for _ in range(2))
    kind = chance.choice(("gone", "more", "other place", "other kind", "other size", "swapped"))
    if kind == "gone":
        del directory[name]
    elif kind == "more":
        directory |= {f"x{number}": directory[name] for number in range(chance.choice((1, 20_000)))}
    elif kind == "other place":
        directory[name][1] = chance.choice((8, start, directory[other][1], -1, 2**63, 9))
    elif kind == "other kind":
        directory[name][0] = chance.choice(("u1", "u2", "u4", "u8", "i4", "i8", "f8", "O8"))
    elif kind == "other size":
        directory[name][2] = chance.choice((0, 8, start - 64, directory[other][2], -8, 2**63))
    else:
        directory[name], directory[other] = directory[other], directory[name]
    for entry in directory.values():
        entry[3] = zlib.crc32(data[max(entry[1], 0) : max(entry[1], 0) + max(entry[2], 0)])
    text = json.dumps(directory).encode()
    seal = start.to_bytes(8, "little") + len(text).to_bytes(4, "little")
    path.write_bytes(data[:start] + text + seal + zlib.crc32(text).to_bytes(4, "little") + segment_file.MAGIC)
    _seal(path)
    return f"directory: {kind} of {name} (and {other})"


# Files as their maker writes them


def read(path: Path) -> tuple[Sections, dict[str, Any]]:
    """The arrays of a segment's file, and its facts."""
    file = segment_file.SegmentFile(path)
    return {name: file.sections[name] for name in file._directory if name != "facts"}, file.read_facts()


def write(path: Path, sections: Sections, facts: dict[str, Any]) -> None:
    """Write a segment's file with right checksums, and have the table of contents name it."""
    path.write_bytes(b"".join(segment_file.encode_segment(sections, facts)))
    _seal(path)


def _seal(path: Path) -> None:
    (contents,) = path.parent.glob("*.toc")
    whoosh, own = _halves(contents)
    (one,) = (one for one in own["segments"] if one["id"] in path.name)
    one["seal"] = path.read_bytes()[-24:]
    write_contents(contents, whoosh, msgspec.json.encode(own))


def write_contents(path: Path, whoosh: bytes, own: bytes) -> None:
    """Write a table of contents of Whoosh's part and Nutgraf's, with right checksums."""
    data = whoosh + own + len(own).to_bytes(4, "little")
    path.write_bytes(data + zlib.crc32(data).to_bytes(4, "little") + MAGIC)


def read_contents(path: Path) -> tuple[bytes, bytes]:
    """Whoosh's part of a table of contents, and Nutgraf's."""
    data = path.read_bytes()
    length = int.from_bytes(data[-16:-12], "little")
    return data[: -16 - length], data[-16 - length : -16]


def _halves(contents: Path) -> tuple[bytes, dict[str, Any]]:
    whoosh, encoded = read_contents(contents)
    own = msgspec.json.decode(encoded)
    for one in own["segments"]:
        for name in ("removed", "seal"):
            one[name] = msgspec.json.decode(msgspec.json.encode(one[name]), type=bytes)
    return whoosh, own
