#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile records: every line is JSON that all readers read alike, and no byte is lost.

LKSM_JSON_RECORDS says how many of them are random (2,000). They are made, and go through the
program, once for all tests.
"""
import functools
import json
import os
import pathlib
import random
import re
import subprocess
import tempfile

from lksm_test import LKSM, equal, main

HERE = pathlib.Path(__file__).resolve().parent
SEED_KEYS = ["seq", "ts", "type", "data", "severity", "source"]
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
PLAIN = "[^\\\\\0-\x1f\x7f\u2028\u2029]*"
PROMISED = re.compile(PLAIN + r'(?:\\(?:["\\]|u00[01][0-9a-f]|u007f|u202[89])' + PLAIN + ")*")
RECORDS = int(os.environ.get("LKSM_JSON_RECORDS", "2000"))
BATCH = 10000
SEPARATORS = "\u2028\u2029\u0085\u000b\u000c"
HAND_MADE = [
    b"", b" ", b'"', b"\\", b'\\"', b"a\nb", b"\r\n", b"\0", b"a\0b", b"\x7f", b"\x1b[31mred",
    b"\xff", b"\xc3", b"caf\xc3\xa9", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xf0\x9f\x98\x80", b"\xf0\x9f\x98", b"\xef\xbf\xbd", b"\xef\xbf\xbe", b"\xc2\x80",
    SEPARATORS.encode(), b"\\x41", b"\\u0041", b"\\xff\xff", b"</script><!--", b"a;b;c",
    b"6,1,2,-;x", b"[    9.000000] [PHOTON RING] Module loaded: x by uid 0",
    b"[PHOTON RING] Kprobe registered for symbol: a\"b\\c\n",
    b"[PHOTON RING] SUSPICIOUS \xff\xfe \xe2\x80\xa8", b"[PHOTON RING] \0\xff",
    b'[PHOTON RING] type=symbol_hunt severity=medium comm="a\\x22\\xff\\x0a" error=-2',
    b"[PHOTON RING] type=x n=9223372036854775807 m=9223372036854775808", b"x" * 1024,
]


def fuzzed(dice):
    alphabet = dice.choice([range(256), b'"\\\n\t ax', b"\xe2\x80\xa8\xa9\xc3\xf0\x9fa"])
    prefix = dice.choice([b"", b"", b"", b"[PHOTON RING] ", b"[PHOTON RING] type=x a="])
    return prefix + bytes(dice.choices(alphabet, k=dice.randrange(60)))


def hostile_batches():
    """All texts that were thought of, then random ones."""
    dice = random.Random(20260210)
    texts = HAND_MADE + [bytes([c]) for c in range(256)]
    texts += [b"[PHOTON RING] " + bytes([c]) * 9 for c in range(256)]
    for _ in range(RECORDS):
        texts.append(fuzzed(dice))
        if len(texts) >= BATCH:
            yield texts
            texts = []
    if texts:
        yield texts


def escape(text):
    return b"".join(b"%c" % c if 32 <= c < 127 and c != 92 else b"\\x%02x" % c for c in text)


def unescape(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())


def replay(texts, *arguments):
    stream = b"".join(b"6,%d,%d,-;%s\n" % (i, i * 1000003, escape(t)) for i, t in enumerate(texts))
    done = subprocess.run([LKSM, "replay", "--format", "kmsg", "--all", *arguments, "-"],
                          input=stream, capture_output=True, check=False)
    equal((done.returncode, done.stderr), (0, b""))
    lines = done.stdout.split(b"\n")
    equal(lines.pop(), b"")
    equal(len(lines), len(texts))
    return lines


def is_utf8(text):
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class Batch:
    """Some of the texts, and what the program makes of them."""

    def __init__(self, texts, folder):
        self._texts, self._folder = texts, folder
        self._full, self._seed = replay(texts), replay(texts, "--fields", "seed")
        self._events = [json.loads(line) for line in self._full]

    def no_byte_is_lost(self):
        for i, (event, text) in enumerate(zip(self._events, self._texts)):
            equal((event["seq"], event["stream_seq"]), (i, i))
            if is_utf8(text):
                equal(event["message"].encode(), text)
                assert "raw" not in event, event
            else:
                equal(unescape(event["raw"]), text)
                assert "\ufffd" in event["message"], event

    def only_the_promised_bytes_are_escaped(self):
        for line in self._full:
            assert PROMISED.fullmatch(line.decode()), line  # every line is UTF-8

    def seed_fields_are_those_of_json_dumps(self):
        for line in self._seed:
            text = line.decode()
            event = json.loads(text)
            ts = json.loads(text, parse_float=str)["ts"]
            equal(list(event), SEED_KEYS)
            equal(json.loads(json.dumps(event)), event)
            assert re.fullmatch(r"\d+\.\d{6}", ts), ts
            # the same but for what stands in strings, where json.dumps writes \n for \u000a
            equal(STRING.sub('""', text), STRING.sub('""', as_dumps(event, ts)))
            if "\\u" not in text:
                equal(text, as_dumps(event, ts))

    def full_lines_begin_with_the_seed_fields(self):
        for full, seed in zip(self._full, self._seed):
            assert full.startswith(seed[:-1] + b", "), full

    def jq_reads_the_same(self):
        # jq has only doubles: an integer beyond 2^53 is not for it
        some = [i for i, line in enumerate(self._full) if b"9223372036854775807" not in line]
        equal(read_with(["jq", "-c", "."], [self._full[i] for i in some]),
              [self._events[i] for i in some])

    def jansson_reads_the_same(self):
        equal(read_with([jansson_echo(self._folder)], self._full), self._events)


def as_dumps(event, ts):
    text = json.dumps({**event, "ts": "@"}, ensure_ascii=False)
    return text.replace('"ts": "@"', '"ts": ' + ts, 1)


def jansson_echo(folder):
    program = folder / "jansson-echo"
    if not program.exists():
        subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-o", program,
                        HERE / "jansson-echo.c", "-ljansson"], check=True)
    return program


def read_with(command, lines):
    done = subprocess.run(command, input=b"\n".join(lines) + b"\n", capture_output=True,
                          check=False)
    equal((done.returncode, done.stderr), (0, b""))
    return [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]


@functools.cache
def failures():
    """{check of Batch: the first error that it found}, of all batches."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="lksm-json-") as folder:
        for texts in hostile_batches():
            try:
                batch = Batch(texts, pathlib.Path(folder))
            except Exception as error:  # pylint: disable=broad-except
                return dict.fromkeys(dir(Batch), error)
            for name in (x for x in dir(Batch) if not x.startswith("_")):
                try:
                    getattr(batch, name)()
                except Exception as error:  # pylint: disable=broad-except
                    found.setdefault(name, error)
    return found


def expect(name):
    if name in failures():
        raise failures()[name]


def test_no_byte_is_lost(_, __):
    expect("no_byte_is_lost")


def test_only_the_promised_bytes_are_escaped(_, __):
    expect("only_the_promised_bytes_are_escaped")


def test_seed_fields_are_those_of_json_dumps(_, __):
    expect("seed_fields_are_those_of_json_dumps")


def test_full_lines_begin_with_the_seed_fields(_, __):
    expect("full_lines_begin_with_the_seed_fields")


def test_jq_reads_the_same(_, __):
    expect("jq_reads_the_same")


def test_jansson_reads_the_same(_, __):
    expect("jansson_reads_the_same")


if __name__ == "__main__":
    main(globals())
