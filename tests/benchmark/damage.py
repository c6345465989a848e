"""Damaged files, made from whole ones: the same number always gives the same damage."""

import json
import os
import random

SCALARS = [None, True, False, 0, -1, 1, 10**400, 1.5, -0.0, 1e308, "", "1", "a\nb", "\x1b[31m"]
NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "1e-400", "0.1" * 3]


def damage(path, number):
    """Damage the file at `path`; return in words how."""
    rng = random.Random(number)
    kind = rng.choice(BYTES + PLACES + (JSON * 3 if path.suffix != ".parquet" else ()))
    kind(path, rng)
    return f"{number}: {path.name} {kind.__name__}"


def flip(path, rng):
    text = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 3, 30])):
        text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    path.write_bytes(text)


def cut(path, rng):
    text = path.read_bytes()
    path.write_bytes(text[: rng.randrange(len(text))])


def cut_out(path, rng):
    text = path.read_bytes()
    start = rng.randrange(len(text))
    path.write_bytes(text[:start] + text[start + rng.choice([1, 2, 100]) :])


def put_in(path, rng):
    text = path.read_bytes()
    start = rng.randrange(len(text))
    noise = rng.choice([b"\xff", b"\0" * 100, b"\xed\xb3\xbf", b"\xef\xbb\xbf", rng.randbytes(50)])
    path.write_bytes(text[:start] + noise + text[start:])


def repeat(path, rng):
    path.write_bytes(path.read_bytes() * rng.choice([2, 3]))


def empty(path, rng):
    path.write_bytes(rng.choice([b"", b"\n", b" ", b"\0"]))


def in_utf_16(path, rng):
    path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-16"))


def folder(path, rng):
    path.unlink()
    path.mkdir()
    (path / "file").write_text("inside")


def pipe(path, rng):
    path.unlink()
    os.mkfifo(path)


def endless(path, rng):
    path.unlink()
    path.symlink_to(rng.choice(["/dev/zero", "/dev/null", path.name]))


def enormous(path, rng):
    """Leave a file with a hole of 5 GB, which takes no room on disk."""
    with path.open("ab") as file:
        file.truncate(5_000_000_000)


def drop(path, rng):
    def edit(holder, key):
        del holder[key]

    _edit(path, rng, edit)


def rename(path, rng):
    def edit(holder, key):
        if isinstance(holder, dict):
            holder[rng.choice(["", "x" * 10_000, "trial", "label", "\udcff", "a|b"])] = holder.pop(
                key
            )

    _edit(path, rng, edit)


def replace(path, rng):
    deep = "[" * 5000 + "]" * 5000
    deeper = '{"a":' * 100_000 + "1" + "}" * 100_000

    def edit(holder, key):
        holder[key] = "@@"

    texts = [json.dumps(value) for value in SCALARS[:6] + SCALARS[7:]]
    texts += [*NUMBERS, deep, deeper, "[]", "{}", "[1, [2, {}]]", '{"a": {"b": null}}']
    texts += [f'"{"x" * 10_000_000}"', '"\\ud800"', '"\\u0000"', '"\ud800"']
    _edit(path, rng, edit, rng.choice(texts))


def swap(path, rng):
    """Give one value the value of another."""
    values = []

    def look(holder, key):
        values.append(holder[key])

    def edit(holder, key):
        holder[key] = values[0]

    _edit(path, rng, look)
    _edit(path, rng, edit)


def _edit(path, rng, edit, put=None):
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    place = rng.randrange(len(lines))
    data = json.loads(lines[place])
    edit(*rng.choice(list(_places(data))))
    text = json.dumps(data)
    lines[place] = text if put is None else text.replace('"@@"', put)
    path.write_bytes(("\n".join(lines) + "\n").encode(errors="surrogatepass"))


def _places(data):
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield data, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


BYTES = (flip, cut, cut_out, put_in, repeat, empty, in_utf_16)
PLACES = (folder, pipe, endless, enormous)
JSON = (drop, rename, replace, replace, swap)
