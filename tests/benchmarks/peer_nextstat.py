"""Fits by NextStat of patched workspaces, in its own environment: ``python peer_nextstat.py FILE ...``.

Writes one JSON document: for each file the seconds of building the model and of a free fit followed by one with the POI
at 1, and twice -ln L at both minima.
"""

import json
import sys
import time
from pathlib import Path

import nextstat


def main() -> None:
    """Fit every file, in one thread."""
    nextstat.set_threads(1)
    rows = []
    for file in sys.argv[1:]:
        text = Path(file).read_text()
        begin = time.perf_counter()
        model = nextstat.from_pyhf(text)
        built = time.perf_counter()
        scan = nextstat.profile_scan(model, [1.0])
        done = time.perf_counter()
        rows.append(
            {
                "seconds_building": built - begin,
                "seconds_fits": done - built,
                "twice_nll_free": 2.0 * scan["nll_hat"],
                "twice_nll_conditional": 2.0 * scan["points"][0]["nll_mu"],
            }
        )
    json.dump({"version": nextstat.__version__, "fits": rows}, sys.stdout)


if __name__ == "__main__":
    main()
