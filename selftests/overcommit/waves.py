# SPDX-License-Identifier: GPL-2.0-only
"""What the guests do, and what they say of it: the plans and the results of wave.c. Pure."""
from dataclasses import dataclass, field
import random

DISK_MIB = 512
SUB = 8             # buckets for each power of two


@dataclass(frozen=True)
class Load:
    """The size of the waves: MiB and seconds."""
    store: int = 224
    serve: int = 18
    job: int = 128
    idle: int = 14
    waves: int = 3


@dataclass
class Result:
    """What one guest, or all of them, have done."""
    requests: float = 0
    requests_of: float = 0
    mib: float = 0
    mib_of: float = 0
    seconds: float = 0          # until the last phase ended
    killed: int = 0             # phases that ended before their time
    late: int = 0               # phases that the end of the run cut off
    latencies: dict = field(default_factory=dict)


def plan(load, number, of, seed):
    """Return the phases of a guest, one a line: the same for the same seed.

    Each guest begins in another place of the wave, so that few work at the same time.
    """
    chance = random.Random(seed * 1000 + number)
    lines = []
    for wave in range(load.waves):
        at = (wave * load.job + chance.randrange(16)) % (DISK_MIB - load.job)
        lines += [f"serve {load.store} {load.serve}", f"job {at} {load.job}",
                  f"idle {load.idle + chance.uniform(-3, 3):.1f}"]
    turn = number * 3 // of if of >= 3 else number
    first = number * (load.serve + load.idle) / 2 / of
    return "\n".join([f"idle {first:.1f}", *lines[turn:], *lines[:turn]]) + "\n"


def parse(text):
    """Return what a guest's output says; one without an end has not ended. Beside its lines
    there may be messages: a phase that had to say one has failed."""
    result = Result(seconds=None)
    for name, *words in filter(None, map(str.split, text.splitlines())):
        if name == "end":
            result.seconds = float(words[0])
        if name not in ("serve", "job", "idle"):
            continue
        done, of, _, how, *buckets = words
        result.killed += how in ("killed", "failed")
        result.late += how == "late"
        if name == "serve":
            result.requests += float(done)
            result.requests_of += float(of)
        elif name == "job":
            result.mib += float(done)
            result.mib_of += float(of)
        for bucket, count in (word.split(":") for word in buckets):
            bucket = int(bucket)
            result.latencies[bucket] = result.latencies.get(bucket, 0) + int(count)
    return result


def bucket_us(bucket):
    """The longest latency of a bucket, us."""
    return ((SUB + bucket % SUB + 1) << bucket // SUB) / SUB


def percentile_ms(latencies, share):
    """A share (0..1) of the requests had this latency or less, ms; None: there were none."""
    left = sum(latencies.values()) * share
    for bucket in sorted(latencies):
        left -= latencies[bucket]
        if left <= 0:
            return bucket_us(bucket) / 1000
    return None


def figures(results):
    """Return the figures of a run. The throughput is what was done of all that was to do, in
    % a minute: a request that nobody answered has no latency, but it lowers that."""
    latencies = {}
    for result in results:
        for bucket, count in result.latencies.items():
            latencies[bucket] = latencies.get(bucket, 0) + count
    return {
        "run time": max(result.seconds for result in results),
        "throughput": sum(6000 * _share(result) / result.seconds for result in results)
        / len(results),
        "requests": sum(result.requests for result in results),
        "compressed": sum(result.mib for result in results),
        "p50": percentile_ms(latencies, 0.5),
        "p99": percentile_ms(latencies, 0.99),
        "phases killed": sum(result.killed for result in results),
        "phases cut off": sum(result.late for result in results),
    }


def _share(result):
    """Half of the work is requests, half is compression."""
    return (result.requests / result.requests_of + result.mib / result.mib_of) / 2
