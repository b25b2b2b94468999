#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile records: every line is JSON that all readers read alike, and no byte is lost.

LKSM_JSON_RECORDS says how many of them are random (2,000).
"""
import functools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

from lksm_test import LKSM, Skip, equal, main

HERE = pathlib.Path(__file__).resolve().parent
SEED_KEYS = ["seq", "ts", "type", "data", "severity", "source"]
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
RECORDS = int(os.environ.get("LKSM_JSON_RECORDS", "2000"))
BATCH = 50000
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
    """The same texts for each test: all that were thought of, then random ones."""
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


def each_batch(check):
    """The test of all hostile texts that @check makes of some of them."""
    @functools.wraps(check)
    def test(_, folder):
        for texts in hostile_batches():
            check(texts, folder)
    return test


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


@each_batch
def test_no_byte_is_lost(texts, _):
    for i, (line, text) in enumerate(zip(replay(texts), texts)):
        event = json.loads(line)
        equal((event["seq"], event["stream_seq"]), (i, i))
        if is_utf8(text):
            equal(event["message"].encode(), text)
            assert "raw" not in event, line
        else:
            equal(unescape(event["raw"]), text)
            assert "\ufffd" in event["message"], line


@each_batch
def test_only_the_promised_bytes_are_escaped(texts, _):
    for line in replay(texts):
        text = line.decode()  # every line is UTF-8
        assert not re.search("[\0-\x1f\x7f\u2028\u2029]", text), line
        for spelling in re.findall(r'\\(?:u[0-9a-f]{4}|.)', text):
            assert re.fullmatch(r'\\(?:["\\]|u00[01][0-9a-f]|u007f|u202[89])', spelling), line


def as_dumps(event, ts):
    text = json.dumps({**event, "ts": "@"}, ensure_ascii=False)
    return text.replace('"ts": "@"', '"ts": ' + ts, 1)


@each_batch
def test_seed_fields_are_those_of_json_dumps(texts, _):
    for line in replay(texts, "--fields", "seed"):
        text = line.decode()
        event = json.loads(text)
        ts = json.loads(text, parse_float=str)["ts"]
        equal(list(event), SEED_KEYS)
        equal(json.loads(json.dumps(event)), event)
        assert re.fullmatch(r"\d+\.\d{6}", ts), ts
        # the same but for what stands in strings, where json.dumps writes \n for \u000a
        equal(STRING.sub('""', text), STRING.sub('""', as_dumps(event, ts)))
        if not re.search(r"\\u", text):
            equal(text, as_dumps(event, ts))


@each_batch
def test_full_lines_begin_with_the_seed_fields(texts, _):
    for full, seed in zip(replay(texts), replay(texts, "--fields", "seed")):
        assert full.startswith(seed[:-1] + b", "), full


def read_with(command, lines):
    done = subprocess.run(command, input=b"\n".join(lines) + b"\n", capture_output=True,
                          check=False)
    equal((done.returncode, done.stderr), (0, b""))
    return [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]


@each_batch
def test_jq_reads_the_same(texts, _):
    if not shutil.which("jq"):
        raise Skip("jq is not installed")
    # jq has only doubles: an integer beyond 2^53 is not for it
    lines = [line for line in replay(texts) if b"9223372036854775807" not in line]
    equal(read_with(["jq", "-c", "."], lines), [json.loads(line) for line in lines])


@each_batch
def test_jansson_reads_the_same(texts, folder):
    program = folder / "jansson-echo"
    subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-o", program,
                    HERE / "jansson-echo.c", "-ljansson"], check=True)
    lines = replay(texts)
    equal(read_with([program], lines), [json.loads(line) for line in lines])


if __name__ == "__main__":
    main(globals())
