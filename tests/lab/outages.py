"""Seeded outages as scenarios for `mailweir simulate` (docs/simulator.md): what breaks, where, and what should be said of it.

Each is a world of its own: sources, providers, hosts and rates are drawn from the seed. Twenty minutes of peace, an outage of five to ten
minutes, and peace again.
"""
import random
from dataclasses import dataclass, field

BEGINS, LASTS_LEAST, LASTS_MOST, PEACE_AFTER = 20 * 60, 5 * 60, 10 * 60, 12 * 60


@dataclass(frozen=True)
class Expected:
    """A finding; empty: not about one."""

    cause: str
    source: str = ""
    provider: str = ""


@dataclass
class Outage:
    kind: str
    seed: int
    text: str
    begins: float
    ends: float
    expected: list = field(default_factory=list)


class World:
    def __init__(self, seed, sources_least=3):
        self.random = random.Random(seed)
        self.sources = self.random.randint(sources_least, 5)
        self.providers = [f"p{i}" for i in range(1, self.random.randint(3, 6) + 1)]
        self.hosts = {name: self.random.randint(2, 4) for name in self.providers}
        self.parameters = {name: {"stray.share": "0.002", "stray.phase": "connect", "stray.manner": "silence"} for name in self.providers}
        self.faults = []
        self.domains = 20
        self.rate = self.random.uniform(0.15, 0.6) * self.sources * len(self.providers)
        self.lasts = self.random.randint(LASTS_LEAST, LASTS_MOST)
        self.begins = BEGINS + self.random.randint(0, 60)
        self.source = f"mx{self.random.randint(1, self.sources)}"
        self.provider = self.random.choice(self.providers)

    def other_source(self):
        return self.random.choice([name for name in (f"mx{i}" for i in range(1, self.sources + 1)) if name != self.source])

    def other_provider(self):
        return self.random.choice([name for name in self.providers if name != self.provider])

    def fault(self, kind, provider="", sources=(), hosts=(), share=None):
        """From the beginning of the outage to its end."""
        ends = {"block": "unblock", "trip": "release"}.get(kind)
        for now, at in ((kind, self.begins), *([(ends, self.begins + self.lasts)] if ends else [])):
            lines = [f'kind = "{now}"', f'at = "{at}s"']
            if not ends:
                lines.append(f'to = "{self.begins + self.lasts}s"')
            if provider:
                lines.append(f'provider = "{provider}"')
            if sources:
                lines.append("sources = [" + ", ".join(f'"{name}"' for name in sources) + "]")
            if hosts:
                lines.append(f"hosts = {list(hosts)}")
            if share is not None:
                lines.append(f"share = {share:.3f}")
            self.faults.append("[[fault]]\n" + "\n".join(lines))

    def scenario(self, title):
        length = self.begins + self.lasts + PEACE_AFTER
        # The sources' group is "mx" of at least two, so they are mx1, mx2 …
        parts = [f'title = "{title}"\nlength = "{length}s"\ndrain = "0s"',
                 f'[[source]]\nname = "mx"\ncount = {self.sources}',
                 '[[class]]\nname = "notice"\npriority = 50\nexpiry = "1d"',
                 "[pacing]\nlearns = true"]
        for name in self.providers:
            parameters = "\n".join(f'"{key}" = "{value}"' for key, value in self.parameters[name].items())
            parts.append(f'[[provider]]\nname = "{name}"\npersonality = "plain"\nmodels = ["stray"]\ndomains = {self.domains}\nhosts = {self.hosts[name]}\n'
                         f"[provider.parameters]\n{parameters}")
        parts.append(f'[[workload]]\nname = "day"\nkind = "rate"\nrate = "{max(1, round(self.rate * 3600))}/h"')
        return "\n\n".join(parts + self.faults) + "\n"


def silent_block(w):
    w.fault("block", w.provider, [w.source])
    return [Expected("ip-blocked", w.source, w.provider)]


def refused_block(w):
    w.parameters[w.provider]["network.fault"] = "refuse"
    return silent_block(w)


def two_blocked(w):
    other = w.other_source()
    w.fault("block", w.provider, [w.source, other])
    return [Expected("ip-blocked", name, w.provider) for name in (w.source, other)]


def host_down(w):
    w.fault("outage", w.provider, hosts=[w.random.randint(1, w.hosts[w.provider])])
    return [Expected("host-down", provider=w.provider)]


def provider_down(w):
    w.fault("outage", w.provider)
    return [Expected("provider-down", provider=w.provider)]


def egress_of_one(w):
    w.fault("block", sources=[w.source])
    return [Expected("egress-down", w.source)]


def egress_of_all(w):
    w.fault("block")
    return [Expected("egress-down")]


def look_ups(w):
    w.domains = 2000  # so that look-ups go on all the time
    w.fault("dns", share=w.random.uniform(0.7, 1.0))
    return [Expected("dns-trouble")]


def block_and_outage(w):
    w.fault("block", w.provider, [w.source])
    other = w.other_provider()
    w.fault("outage", other)
    return [Expected("ip-blocked", w.source, w.provider), Expected("provider-down", provider=other)]


def throttle_in_words(w):
    w.parameters[w.provider].update({"penalty.phase": "rcpt", "penalty.reply": "451 4.7.1 Server busy. Please try again later"})
    w.fault("trip", w.provider, [w.source])
    return []


def farewell_banner(w):
    w.parameters[w.provider].update({"penalty.phase": "connect", "penalty.reply": "421 4.7.0 Too busy, try again later"})
    w.fault("trip", w.provider, [w.source] if w.random.random() < 0.5 else [])
    return []


def slow_receivers(w):
    w.parameters[w.provider].update({"network.fault": "slow_banner", "network.delay": f"{w.random.randint(5, 60)}s"})
    w.fault("block", w.provider, [w.source])
    return []


def tls_cut_then_clear(w):
    w.parameters[w.provider]["network.fault"] = "cut_tls"
    w.fault("block", w.provider)
    return []


def stray_silence(w):
    for name in w.providers:
        w.parameters[name]["stray.share"] = "0.01"
    return []


def nothing(_w):
    return []


KINDS = {kind.__name__: kind for kind in (silent_block, refused_block, two_blocked, host_down, provider_down, egress_of_one, egress_of_all, look_ups,
                                          block_and_outage, throttle_in_words, farewell_banner, slow_receivers, tls_cut_then_clear, stray_silence,
                                          nothing)}


def outage(kind, seed):
    world = World(f"{kind} {seed}")
    expected = KINDS[kind](world)
    return Outage(kind, seed, world.scenario(f"{kind.replace('_', ' ')}, seed {seed}"), world.begins, world.begins + world.lasts, expected)
