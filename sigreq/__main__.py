"""`python -m sigreq` is the command `sigreq`."""

from sigreq.cli.main import main

main(prog_name="sigreq")
