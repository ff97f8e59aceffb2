"""What a run has measured: rounds of rows, and what may be said about pairs of rows.

A round is {name of a row: nanoseconds an item}: rows that ran back to back. Rows of one round are
comparable, whatever the machine did at that time; rows of different rounds are not.
"""

import json
import math
import statistics

CONFIDENCE = 0.99


def interval(values, confidence=CONFIDENCE):
    """(low, high) around the median of what `values` are drawn from.

    By order statistics: the number of values below the true median has a binomial distribution,
    whatever theirs is, so that the k-th smallest and the k-th largest have the median between them
    with a probability that can be counted. Fewer than eight values say nothing at 99 %.
    """
    n = len(values)
    ranked = sorted(values)
    k, below = 0, 0.0
    while k < n:
        below += math.comb(n, k) / 2 ** n
        if 2 * below > 1 - confidence:
            break
        k += 1
    return (ranked[k - 1], ranked[n - k]) if k else (-math.inf, math.inf)


def key_of(name):
    """A row's name, parsed: (kind, (part, value)...), the parts sorted."""
    kind, *rest = name.split("/")
    parts = dict(r.split(":", 1) for r in rest if ":" in r)
    return key(kind, **{k: v for k, v in parts.items() if k not in ("repeats", "iterations")})


def key(kind, /, **parts):
    return (kind,) + tuple(sorted((k, str(v)) for k, v in parts.items()))


def parts_of(row):
    """The parts of a key, without its kind."""
    return dict(row[1:])


class Results:
    """Rows are asked for by their keys; times are medians over all rounds."""

    def __init__(self, data):
        self.meta = data
        self.names = {}     # key -> name
        self.rounds = []    # {key: ns}
        self.labels = {}    # what did the work, by implementation
        keys = {}
        for r in data["rounds"]:
            for name in r:
                if name not in keys:
                    keys[name] = key_of(name)
                    self.names[keys[name]] = name
            self.rounds.append({keys[name]: t for name, t in r.items()})
        for name, label in data.get("labels", {}).items():
            self.labels[parts_of(key_of(name)).get("impl")] = label
        self.rounds_of = {}
        for r in self.rounds:
            for row in r:
                self.rounds_of.setdefault(row, []).append(r)
        self.times = {row: statistics.median(r[row] for r in rounds)
                      for row, rounds in self.rounds_of.items()}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            return cls(json.load(f))

    def spread(self):
        """The median coefficient of variation over rounds."""
        samples = ([r[row] for r in rounds] for row, rounds in self.rounds_of.items())
        found = [statistics.stdev(s) / statistics.mean(s) for s in samples if len(s) > 1]
        return statistics.median(found) if found else 0.0

    def paired(self, top, bottom):
        """For each round with all of these rows, the sum of `top` divided by that of `bottom`.

        Both are [(weight, key)...]; without `bottom` the values are nanoseconds.
        """
        rows = [row for _, row in top + bottom]
        out = []
        for r in self.rounds_of.get(rows[0], ()):
            if all(row in r for row in rows):
                divisor = sum(w * r[row] for w, row in bottom) if bottom else 1
                out.append(sum(w * r[row] for w, row in top) / divisor)
        return out

    def time(self, kind, /, **parts):
        return self.times.get(key(kind, **parts))

    def sum(self, terms):
        """Of [(weight, key)...], or None where a row is missing."""
        if any(row not in self.times for _, row in terms):
            return None
        return sum(weight * self.times[row] for weight, row in terms)

    def field(self, op, impl, size, batch):
        return self.time("field", op=op, impl=impl, bytes=size, batch=batch)

    def ipsec_mb(self, op, size, impl="ipsec_mb", batch=64):
        """The better of both interfaces."""
        found = [self.time("field", op=op, impl=impl, bytes=size, batch=batch, api=api)
                 for api in ("job", "burst")]
        return min((t for t in found if t is not None), default=None)

    def document(self, op, impl, fields, kind, batch=1):
        return self.time("document", op=op, impl=impl, fields=fields, kind=kind, batch=batch)

    def command(self, op, impl, command, values):
        return self.time("command", op=op, impl=impl, command=command, values=values)

    def sizes(self, kind, name):
        found = {parts_of(row).get(name, "") for row in self.times if row[0] == kind}
        return sorted(int(v) for v in found if v.isdigit())

    def has_avx512(self):
        return "avx512" in self.labels.get("fle", "")
