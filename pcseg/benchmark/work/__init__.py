"""Work: what is done for each kind of unit."""

from pcseg.benchmark.work.do import Context, Done, do_unit

__all__ = ["Context", "Done", "do_unit"]
