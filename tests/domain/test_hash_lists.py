"""Lists of hashes as people have them."""

import pytest

from sigreq.domain.corpus import HashListUnread, hashes_of

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    "text",
    [
        f"{A}\n{B}\n",
        f"# clean\n\n{A.upper()}  ./setup.exe\n{B} *other file.exe\n",
        f'"SHA-256","SHA-1","FileName"\n"{A}","x","setup, new.exe"\n"{B}","y","b"\n',
        f"name,sha256\nsetup.exe,{A}\nother.exe,{B}",
    ],
)
def test_each_kind_of_list_gives_its_hashes(text: str) -> None:
    assert list(hashes_of(text.splitlines())) == [A, B]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ('"SHA-1","MD5","CRC32","FileName"\n"x","y","z","f"', "only MD5 or SHA-1"),
        (f"{A}\nnonsense\n", "line 2 has no SHA-256"),
        (f"{A[:-1]}\n", "needed is a SHA-256 a line"),
        (f"name,sha256\nsetup.exe\n{A}", "line 2 has no SHA-256"),
    ],
)
def test_what_is_no_list_of_sha256_is_refused_with_the_line(text: str, why: str) -> None:
    with pytest.raises(HashListUnread, match=why):
        list(hashes_of(text.splitlines()))
