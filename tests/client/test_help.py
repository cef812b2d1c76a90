"""What the commands say of themselves."""

from click.testing import CliRunner

from sigreq.cli.main import main


def test_the_gate_is_said_to_test_what_it_tests() -> None:
    text = CliRunner().invoke(main, ["decide", "test", "--help"]).stdout
    text = " ".join(text.split())
    assert "files" in text
    assert "solved case" in text
    assert "clean corpus" in text


def test_every_conclusion_is_named() -> None:
    text = CliRunner().invoke(main, ["decide", "determine", "--help"]).stdout
    assert "customer_override" in text.replace("\n", "").replace(" ", "")
