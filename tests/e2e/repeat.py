"""Runs tests many times over and says how often each failed: `python -m tests.e2e.repeat 20 tests/e2e -k hear`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree


def run(arguments: list[str]) -> Iterator[tuple[str, str, float]]:
    """One run of pytest: each test's name, what it failed with (empty = passed), and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            trouble = case.find("failure")
            trouble = case.find("error") if trouble is None else trouble
            said = "" if trouble is None else f"{trouble.get('message')}\n{trouble.text}"
            yield f"{case.get('classname')}::{case.get('name')}", said, float(case.get("time") or 0)


def main() -> int:
    """Prints each run's failures as they come, and the tally in the end."""
    times, arguments = int(sys.argv[1]), sys.argv[2:]
    ran: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for number in range(1, times + 1):
        for name, said, took in run(arguments):
            ran[name] += 1
            seconds[name] += took
            if said:
                failed[name] += 1
                print(f"--- run {number}: {name}\n{said}\n", flush=True)
        print(f"run {number} of {times}: {sum(failed.values())} failures so far", flush=True)
    for name, count in ran.items():
        print(f"{failed[name]:>3} of {count:>3} failed, {seconds[name] / count:6.1f} s each  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
