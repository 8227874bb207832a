"""Writes tests/goldens/charset/: goldens from the Encoding Standard's own files, for tests/data/test_decode.cpp.

    python3 tools/generate/charset_goldens.py STANDARD PARSER_TESTS

STANDARD holds encodings.json and index-*.txt of https://github.com/whatwg/encoding; PARSER_TESTS is a checkout of
https://github.com/html5lib/html5lib-tests (encoding/*.dat: pages and the encoding that they declare). Needs only Python.

    encodings.json   every label; the characters of every single-byte encoding; for the others a CRC-32 of what each lead
                     byte and every trail byte decode to; random bytes and their text, by the decoders below, which
                     follow the standard's text state by state
    prescan.json     pages, one character per byte, and the name of the encoding that they declare
"""

import json
import pathlib
import random
import sys
import zlib

standard, parser_tests = map(pathlib.Path, sys.argv[1:3])
out = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/charset"
BAD = "\ufffd"


def index(name):
    table = {}
    for line in (standard / f"index-{name}.txt").read_text("utf-8").splitlines():
        fields = line.split("#")[0].split()
        if len(fields) >= 2:
            table[int(fields[0])] = int(fields[1], 16)
    return table


class Tokens:
    """The standard's I/O queue of bytes; None is its end."""

    def __init__(self, data):
        self.queue = list(data)

    def read(self):
        return self.queue.pop(0) if self.queue else None

    def restore(self, *tokens):
        self.queue[:0] = tokens


def ascii(byte):
    return byte is not None and byte < 0x80


def gb18030(data, two=index("gb18030"), ranges=sorted(index("gb18030-ranges").items())):
    def four(pointer):
        if 39419 < pointer < 189000 or pointer > 1237575:
            return None
        if pointer == 7457:
            return 0xE7C7
        offset, first = [r for r in ranges if r[0] <= pointer][-1]
        return first + pointer - offset

    tokens, first, second, third, text = Tokens(data), 0, 0, 0, ""
    while True:
        byte = tokens.read()
        if byte is None:
            return text + (BAD if first or second or third else "")
        if third:
            if not 0x30 <= byte <= 0x39:
                tokens.restore(second, third, byte)
                first = second = third = 0
                text += BAD
                continue
            code = four(((first - 0x81) * 10 + second - 0x30) * 1260 + (third - 0x81) * 10 + byte - 0x30)
            first = second = third = 0
            text += chr(code) if code else BAD
        elif second:
            if 0x81 <= byte <= 0xFE:
                third = byte
            else:
                tokens.restore(second, byte)
                first = second = 0
                text += BAD
        elif first:
            if 0x30 <= byte <= 0x39:
                second = byte
                continue
            lead, code, first = first, None, 0
            if 0x40 <= byte <= 0x7E or 0x80 <= byte <= 0xFE:
                code = two.get((lead - 0x81) * 190 + byte - (0x40 if byte < 0x7F else 0x41))
            if code is None and ascii(byte):
                tokens.restore(byte)
            text += chr(code) if code else BAD
        elif ascii(byte):
            text += chr(byte)
        elif byte == 0x80:
            text += "\u20ac"
        elif 0x81 <= byte <= 0xFE:
            first = byte
        else:
            text += BAD


def pairs(data, leads, single, code_of):
    """Common to Big5, EUC-KR and Shift_JIS."""
    tokens, lead, text = Tokens(data), 0, ""
    while True:
        byte = tokens.read()
        if byte is None:
            return text + (BAD if lead else "")
        if lead:
            code, lead = code_of(lead, byte), 0
            if code is None and ascii(byte):
                tokens.restore(byte)
            text += code or BAD
        elif ascii(byte):
            text += chr(byte)
        elif byte in leads:
            lead = byte
        else:
            text += single(byte) or BAD


def character(table, pointer):
    return chr(table[pointer]) if pointer in table else None


def big5(data, table=index("big5")):
    def code_of(lead, byte):
        if not (0x40 <= byte <= 0x7E or 0xA1 <= byte <= 0xFE):
            return None
        pointer = (lead - 0x81) * 157 + byte - (0x40 if byte < 0x7F else 0x62)
        accented = {1133: "\u00ca\u0304", 1135: "\u00ca\u030c", 1164: "\u00ea\u0304", 1166: "\u00ea\u030c"}
        return accented.get(pointer) or character(table, pointer)

    return pairs(data, range(0x81, 0xFF), lambda byte: None, code_of)


def euc_kr(data, table=index("euc-kr")):
    def code_of(lead, byte):
        return character(table, (lead - 0x81) * 190 + byte - 0x41) if 0x41 <= byte <= 0xFE else None

    return pairs(data, range(0x81, 0xFF), lambda byte: None, code_of)


jis0208, jis0212 = index("jis0208"), index("jis0212")


def shift_jis(data):
    def code_of(lead, byte):
        if not (0x40 <= byte <= 0x7E or 0x80 <= byte <= 0xFC):
            return None
        pointer = (lead - (0x81 if lead < 0xA0 else 0xC1)) * 188 + byte - (0x40 if byte < 0x7F else 0x41)
        return chr(0xE000 - 8836 + pointer) if 8836 <= pointer <= 10715 else character(jis0208, pointer)

    def single(byte):
        return "\x80" if byte == 0x80 else chr(0xFF61 - 0xA1 + byte) if 0xA1 <= byte <= 0xDF else None

    return pairs(data, [*range(0x81, 0xA0), *range(0xE0, 0xFD)], single, code_of)


def euc_jp(data):
    tokens, lead, three, text = Tokens(data), 0, False, ""
    while True:
        byte = tokens.read()
        if byte is None:
            return text + (BAD if lead else "")
        if lead == 0x8E and 0xA1 <= byte <= 0xDF:
            lead = 0
            text += chr(0xFF61 - 0xA1 + byte)
        elif lead == 0x8F and 0xA1 <= byte <= 0xFE:
            three, lead = True, byte
        elif lead:
            code = None
            if 0xA1 <= lead <= 0xFE and 0xA1 <= byte <= 0xFE:
                code = character(jis0212 if three else jis0208, (lead - 0xA1) * 94 + byte - 0xA1)
            lead, three = 0, False
            if code is None and ascii(byte):
                tokens.restore(byte)
            text += code or BAD
        elif ascii(byte):
            text += chr(byte)
        elif byte in (0x8E, 0x8F) or 0xA1 <= byte <= 0xFE:
            lead = byte
        else:
            text += BAD


def iso_2022_jp(data):
    tokens, state, output, lead, flag, text = Tokens(data), "ascii", "ascii", 0, False, ""
    while True:
        byte = tokens.read()
        if state in ("ascii", "roman", "katakana"):
            if byte is None:
                return text
            if byte == 0x1B:
                state = "escape start"
                continue
            flag = False
            if state == "katakana":
                text += chr(0xFF61 - 0x21 + byte) if 0x21 <= byte <= 0x5F else BAD
            elif byte > 0x7F or byte in (0x0E, 0x0F):
                text += BAD
            else:
                text += {0x5C: "\u00a5", 0x7E: "\u203e"}.get(byte, chr(byte)) if state == "roman" else chr(byte)
        elif state == "lead":
            if byte is None:
                return text
            if byte == 0x1B:
                state = "escape start"
            elif 0x21 <= byte <= 0x7E:
                flag, lead, state = False, byte, "trail"
            else:
                flag = False
                text += BAD
        elif state == "trail":
            if byte == 0x1B:
                state = "escape start"
                text += BAD
            elif byte is not None and 0x21 <= byte <= 0x7E:
                state = "lead"
                text += character(jis0208, (lead - 0x21) * 94 + byte - 0x21) or BAD
            else:
                state = "lead"
                text += BAD
        elif state == "escape start":
            if byte in (0x24, 0x28):
                lead, state = byte, "escape"
                continue
            if byte is not None:
                tokens.restore(byte)
            flag, state = False, output
            text += BAD
        else:
            sets = {(0x28, 0x42): "ascii", (0x28, 0x4A): "roman", (0x28, 0x49): "katakana"}
            chosen = sets.get((lead, byte)) or ("lead" if lead == 0x24 and byte in (0x40, 0x42) else None)
            if chosen:
                state = output = chosen
                text += BAD if flag else ""
                flag = True
                continue
            tokens.restore(*([lead] if byte is None else [lead, byte]))
            flag, state = False, output
            text += BAD


decoders = {"GBK": gb18030, "gb18030": gb18030, "Big5": big5, "EUC-KR": euc_kr, "Shift_JIS": shift_jis, "EUC-JP": euc_jp,
            "ISO-2022-JP": iso_2022_jp}


def checksum(text):
    return zlib.crc32(text.encode("utf-8"))


encodings = []
for group in json.loads((standard / "encodings.json").read_text("utf-8")):
    for encoding in group["encodings"]:
        name = encoding["name"]
        row = {"name": name, "labels": encoding["labels"]}
        if group["heading"] == "Legacy single-byte encodings":
            table = index("iso-8859-8" if name == "ISO-8859-8-I" else name.lower())
            row["single"] = "".join(chr(table[i]) if i in table else BAD for i in range(128))
        if name in decoders:
            decode = decoders[name]
            if name == "ISO-2022-JP":
                inputs = [[b"\x1b$B" + bytes([a, b]) for b in range(0x20, 0x80)] for a in range(0x20, 0x80)]
            else:
                inputs = [[bytes([a, b]) for b in range(256)] for a in range(0x80, 0x100)]
            row["pairs"] = [checksum("\n".join(map(decode, lead))) for lead in inputs]
            if name == "EUC-JP":
                inputs = [[bytes([0x8F, a, b]) for b in range(256)] for a in range(0x80, 0x100)]
                row["triples"] = [checksum("\n".join(map(decode, lead))) for lead in inputs]
            if name == "gb18030":
                row["four"] = [checksum("".join(decode(bytes([0x81 + p // 12600, 0x30 + p // 1260 % 10, 0x81 + p // 10 % 126,
                                                              0x30 + p % 10])) for p in range(at, at + 1260)))
                               for at in range(0, 39420, 1260)]
            chance = random.Random(name)
            letters = b"A0159<\x40\x7e\x7f\x80\x81\x8e\x8f\xa1\xa4\xc6\xe0\xfe\xff"
            if name == "ISO-2022-JP":
                letters = b"\x1b\x1b$$BJI(@AZ!0059\x0e\xa1"
            strings = [bytes(chance.choice(letters) for _ in range(chance.randint(1, 9))) for _ in range(60)]
            row["strings"] = [[s.hex(), decode(s)] for s in strings]
        encodings.append(row)

by_label = {label: row["name"] for row in encodings for label in row["labels"]}
pages = []
for name in ("tests1.dat", "tests2.dat"):
    for block in (parser_tests / "encoding" / name).read_bytes().split(b"#data\n")[1:]:
        data, _, encoding = block.partition(b"\n#encoding\n")
        encoding = by_label[encoding.split(b"\n")[0].decode().strip().lower()]
        if len(data) < 2000 and not data.startswith(b"\xef\xbb\xbf"):
            pages.append([data.decode("latin-1"), encoding])

out.mkdir(parents=True, exist_ok=True)


def write(name, rows):
    lines = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    (out / name).write_text("[\n" + lines + "\n]\n", "ascii")


write("encodings.json", encodings)
write("prescan.json", pages)
