"""How long tests wait where time is not what they promise: FER_TEST_PATIENCE=3 is three times as long, for a slow machine."""

import os

#: What the waiting of a test is multiplied with.
PATIENCE = float(os.environ.get("FER_TEST_PATIENCE") or 1)
#: Seconds that a process has to answer or to end.
PROCESS_S = 120 * PATIENCE
