"""Rules that YARA takes and that fire on their content, as ClamAV takes them or does not."""

from base64 import b64encode
from dataclasses import dataclass

TEXT = "inert marker text"
CONTENT = TEXT.encode()


@dataclass(frozen=True)
class Case:
    """A rule `Marker`, and what it fires on. `at` is where in the source the lint points, and as what."""

    what: str
    source: str
    content: bytes
    code: str = ""
    at: str = ""

    @property
    def place(self) -> tuple[int, int]:
        """Line and column of `at`, which stands in the source once, or last."""
        before = self.source[: self.source.rindex(self.at)]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def rule(strings: str, condition: str, meta: str = "", before: str = "") -> str:
    section = f"\n  strings:\n    {strings}" if strings else ""
    said = f'\n  meta:\n    description = "größe"{meta}'
    return f"{before}rule Marker {{{said}{section}\n  condition:\n    {condition}\n}}\n"


def _on_text(what: str, condition: str, code: str, at: str, *, before: str = "") -> Case:
    return Case(what, rule(f'$a = "{TEXT}"', condition, before=before), CONTENT, code, at)


def _string(what: str, value: str, content: bytes = CONTENT, code: str = "", at: str = "") -> Case:
    return Case(what, rule(f"$a = {value}", "$a"), content, code, at or value)


def _many(count: int) -> Case:
    strings = "\n    ".join(f'$s{number} = "inert {number:03} marker"' for number in range(count))
    content = " ".join(f"inert {number:03} marker" for number in range(count)).encode()
    return Case(f"{count} strings", rule(strings, "all of them"), content, "clamav_too_many_strings", "$s64")


def _module(name: str, use: str) -> Case:
    before = f'import "{name}"\n'
    return _on_text(f"module {name}", f"$a and {use}", "clamav_module", f"{name}.", before=before)


UNSUPPORTED = [
    _module("pe", "not pe.is_pe"),
    _module("math", "math.entropy(0, filesize) > 0"),
    _module("hash", "hash.md5(0, 1) != hash.md5(0, 2)"),
    _string("private string", f'"{TEXT}" private', code="clamav_modifier", at="private"),
    _string("xor", f'"{TEXT}" xor', bytes(byte ^ 65 for byte in CONTENT), "clamav_modifier", "xor"),
    _string("base64", f'"{TEXT}" base64', b64encode(CONTENT), "clamav_modifier", "base64"),
    _string(
        "base64wide",
        f'"{TEXT}" base64wide',
        b64encode(CONTENT).decode().encode("utf-16le"),
        "clamav_modifier",
        "base64wide",
    ),
    Case("none of", rule(f'$a = "{TEXT}"\n    $b = "never"', "$a and none of ($b)"), CONTENT, "clamav_word", "none"),
    _on_text("defined", "$a and defined filesize", "clamav_word", "defined"),
    _on_text("big-endian numbers", "$a and uint16be(0) == 0x696e", "clamav_word", "uint16be"),
    _on_text("length of a match", "!a[1] == 17", "clamav_length", "!a"),
    _on_text("matches in a range", "#a in (0..100) == 1", "clamav_place", "in ("),
    _on_text("strings in a range", "any of them in (0..100)", "clamav_place", "in ("),
    _on_text("strings at a place", "all of ($a*) at 0", "clamav_place", "at 0"),
    _on_text("percentage", "50% of them", "clamav_percent", "% of"),
    _on_text("fraction", "$a and 1.5 > 1", "clamav_number", "1.5"),
    _on_text("octal number", "$a and filesize < 0o400", "clamav_number", "0o400"),
    _on_text("hex number of three digits", "$a and filesize < 0x100", "clamav_number", "0x100"),
    _on_text("hex number over 31 bits", "$a and filesize < 0xffffffff", "clamav_number", "0xffffffff"),
    _on_text("negative number", "$a and -1 < filesize", "clamav_negative", "-1"),
    Case("negative meta", rule(f'$a = "{TEXT}"', "$a", "\n    n = -3"), CONTENT, "clamav_negative", "-3"),
    _many(65),
    Case("no strings", rule("", "filesize == 17"), CONTENT, "clamav_no_strings", "Marker {"),
    Case("unused string", rule(f'$a = "{TEXT}"\n    $_u = "never"', "$a"), CONTENT, "clamav_unused", "$_u"),
    _string("text of one byte", '"i"', code="clamav_text_string"),
    _string("carriage return", r'"inert\rmarker"', b"inert\rmarker", "clamav_escape"),
    _string("text over 1022 bytes", f'"{"x" * 1023}"', b"x" * 1023, "clamav_too_long"),
    _string("regex over 1022 bytes", f"/{'x' * 1023}/", b"x" * 1023, "clamav_too_long"),
    _string("wide regex", "/inert [a-z]+/ wide", TEXT.encode("utf-16le"), "clamav_regex_string", "/inert"),
    _string("capitals in a regex without case", "/Inert [a-z]+/i", code="clamav_regex_string"),
    _string("capital as a number in the same", r"/inert \x4darker/ nocase", code="clamav_regex_string", at=r"/inert"),
    _string("repetition without a lower bound", "/in.{,4}t/", code="clamav_regex_string"),
    _string("comment in hex", "{ 69 6e /* c */ 65 72 }", code="clamav_hex_string"),
    _string("byte that is not", "{ 69 6e 65 72 74 ~21 6d 61 }", code="clamav_hex_string"),
    _string("single byte after a jump", "{ 69 6e 65 72 [2] 6d }", code="clamav_hex_string"),
    _string("no two bytes side by side", "{ 69 ?? 65 ?? 74 }", code="clamav_hex_string"),
    _string("half bytes", "{ 69 6? 65 7? 74 }", code="clamav_hex_string"),
    _string("jump in an alternative", "{ 69 6e 65 (72 [1-3] 20 | 41 42) 6d 61 }", code="clamav_hex_string"),
]

DEADLY = [
    _on_text("text that contains another", '$a and "abc" contains "b"', "clamav_text", '"b"'),
    _on_text("text that equals another", '$a and "abc" == "abc"', "clamav_text", '"abc"'),
]

SUPPORTED = [
    _string("text", f'"{TEXT}"'),
    _string("text without case", '"INERT Marker text" nocase'),
    _string("wide text", f'"{TEXT}" wide ascii', TEXT.encode("utf-16le")),
    _string("whole words", '"marker" fullword'),
    _string("other letters", '"größe"', "größe inert".encode()),
    _string("text of 1022 bytes", f'"{"x" * 1022}"', b"x" * 1022),
    _string("regex", r"/[Ii]nert\s+\w+/"),
    _string("regex without case", "/inert [a-z]+/i", CONTENT.upper()),
    _string("hex with jumps", "{ 69 6e 65 [1] 74 ?? 6d [2-] 6b 65 }"),
    _string("hex with alternatives", "{ 69 6e 65 72 74 (20 | 21 22) 6d 61 }"),
    _on_text("place", "$a at 0 and #a == 1 and @a[1] == 0 and $a in (0..10)", "", ""),
    _on_text("numbers", "$a and uint16(0) == 0x6e69 and filesize < 1KB and filesize - 3 > 0", "", ""),
    _on_text("loops", "for any i in (1..#a) : ( @a[i] + 3 < filesize ) and for all of them : ( $ at 0 )", "", ""),
    _on_text("a module that is not used", "$a", "", "", before='import "pe"\n'),
    _many(64),
]
