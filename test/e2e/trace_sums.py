"""What a replayed trace has to come to, computed independently of the product.

    python3 test/e2e/trace_sums.py DEPLOYMENTS FILE [FILE ...]

DEPLOYMENTS is how many deployments the trace was laid on. Prints, for each in
turn, the number of requests, the exact cents and the cents rounded half up.
The prices are those of src/cli/replay/trace-events.ts, typed again by hand.
"""

import csv
import sys
from decimal import ROUND_HALF_UP, Decimal, getcontext

getcontext().prec = 60
SMALL = (Decimal("14.9985"), Decimal("60.0125"))
LARGE = (Decimal("249.9375"), Decimal("1000.0625"))

count = int(sys.argv[1])
requests = [0] * count
cents = [Decimal(0)] * count
for path in sys.argv[2:]:
    with open(path, newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            tokens_in, tokens_out = SMALL if line % 5 else LARGE
            charge = int(row["ContextTokens"]) * tokens_in + int(row["GeneratedTokens"]) * tokens_out
            requests[(line - 2) % count] += 1
            cents[(line - 2) % count] += charge / 1_000_000
for n, exact in zip(requests, cents):
    print(n, exact.normalize(), exact.quantize(Decimal(1), ROUND_HALF_UP))
