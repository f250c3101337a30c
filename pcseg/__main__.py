"""`python -m pcseg` is the command line."""

from pcseg.cli.main import run

run()
