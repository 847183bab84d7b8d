"""Prints how the cases of all operations were answered. Fails if one never succeeded: then its answers were not tested.
With the argument `total`, prints the number of cases."""

import json
import os
import sys

with open(os.environ["SCHEMA_COUNTS"], encoding="utf-8") as file:
    counts = json.load(file)
total = sum(sum(statuses.values()) for statuses in counts.values())
if "total" in sys.argv:
    print(total)
    sys.exit()

for label, statuses in sorted(counts.items(), key=lambda entry: entry[0].split()[::-1]):
    answers = (f"{status}: {count}" for status, count in sorted(statuses.items()))
    print(f"{sum(statuses.values()):7}  {label:50}", *answers)
print(f"{total:7}  cases of {len(counts)} operations")
never = [label for label, statuses in counts.items() if min(statuses) >= "400"]
if never:
    sys.exit("never succeeded: " + ", ".join(never))
