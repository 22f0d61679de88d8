#!/usr/bin/env python3
"""Makes the table of a campaign from its logs: python3 tests/fuzz/table.py LOGS [LOGS …]

A row a target: executions, seconds by the clock and of the processor, and findings of all its runs. Standard library only.
"""

import pathlib
import re
import sys


EXECUTED = r"^stat::number_of_executed_units:\s+(\d+)"


def numbers(pattern, text):
    return [float(number) for found in re.findall(pattern, text, re.MULTILINE) for number in found]


def main():
    rows = {}
    for log in (log for folder in sys.argv[1:] for log in sorted(pathlib.Path(folder).glob("*.log"))):
        text = log.read_text(errors="replace")
        row = rows.setdefault(log.name.split(".")[0], [0, 0.0, 0.0, 0])
        row[0] += sum(int(count) for count in re.findall(EXECUTED, text, re.MULTILINE))
        times = numbers(r"^seconds: ([\d.]+), of the processor: ([\d.]+) ([\d.]+)", text)
        row[1] += sum(times[:1])
        row[2] += sum(times[1:3])
        row[3] += len(re.findall(r"Test unit written to", text))
    print("| target | executions | seconds | of the processor | findings |\n|---|---:|---:|---:|---:|")
    for name, (executions, seconds, processor, findings) in sorted(rows.items()):
        print(f"| `{name}` | {executions:,} | {seconds:,.0f} | {processor:,.0f} | {findings} |")
    sums = [sum(row[i] for row in rows.values()) for i in range(4)]
    print(f"| all | {sums[0]:,} | {sums[1]:,.0f} | {sums[2]:,.0f} | {sums[3]} |")


if __name__ == "__main__":
    main()
