"""The worlds in which pacing is tried: receivers with hidden limits, loads against them, senders, written as scenarios for
`mailweir simulate` (docs/simulator.md, docs/receiver-models.md).

A receiver's constants are numbers with a unit, so that a run may change each of them at random; its nominal limit, to which loads and
the senders' beliefs are scaled, is worked out from them. Times in seconds, rates in messages a second.
"""
import math
from dataclasses import dataclass, field, replace

HOUR, DAY = 3600.0, 86400.0
NOMINAL = 0.5  # messages a second: 43,200 a day
FACTOR_MAX = 3.0


@dataclass(frozen=True)
class Constant:
    """A number of a receiver. `unit`: rate, time, count or share; shares stay below `most`."""

    value: float
    unit: str
    most: float = math.inf
    least: float = 0.0

    def times(self, factor):
        return replace(self, value=max(self.least, min(self.most, self.value * factor)))

    def text(self):
        if self.unit == "rate":
            return f"{max(1, round(self.value * DAY))}/day"
        if self.unit == "time":
            return f"{max(1, round(self.value * 1000))}ms"
        if self.unit == "count":
            return str(max(1, round(self.value)))
        return f"{self.value:.6f}"


def rate(value):
    return Constant(value, "rate")


def span(value):
    return Constant(value, "time")


def count(value, least=1):
    return Constant(value, "count", least=least)


def share(value, most=0.95):
    return Constant(value, "share", most=most)


# What is not about the path: recipients' own deferrals, greylisting, stray refusals and time-outs; and refusals told in words that
# say nothing.
NOISE = {"greylist.share": share(0.02), "greylist.wait": span(240), "recipients.busy": share(0.015), "recipients.full": share(0.0),
         "stray.share": share(0.003), "mute.share": share(0.002)}
MUMBLES = {"mumble.share": share(0.2)}


@dataclass(frozen=True)
class Receiver:
    name: str
    title: str
    personality: str
    constants: dict
    limit: object  # constants -> nominal messages a second, over all sources
    models: tuple = ()
    texts: dict = field(default_factory=dict)  # parameters that are no numbers
    sources: int = 1
    hosts: int = 1
    faults: str = ""
    length: float = DAY
    is_partial: bool = False  # refuses a part of what is sent
    is_calm: bool = True  # at 60 % of its limit nothing of it is touched
    is_further: bool = False  # beyond the prototype's fourteen
    calm_share_min: float = 99.5
    busy_domain_only: bool = False  # the load is one sender domain's; a neighbour with another one sends beside it

    def nominal(self):
        return self.limit(self.constants)

    def drawn(self, random):
        """Every constant × or ÷ up to three."""
        spread = math.log(FACTOR_MAX)
        return replace(self, constants={key: each.times(math.exp(random.uniform(-spread, spread))) for key, each in self.constants.items()})


def of(key):
    return lambda constants: constants[key].value


def bucket(burst=30):
    return {"bucket.rate": rate(NOMINAL), "bucket.burst": count(burst)}


def box(trip_count, length, **more):
    return {"penalty.trip_count": count(trip_count), "penalty.trip_window": span(300), "penalty.length": span(length), **more}


# So many messages a second go over one slow connection, by the answers that each takes: MAIL, RCPT, DATA and the final dot; a little
# is lost with the sessions' beginnings.
def carried(constants):
    return 0.97 * round(constants["connections.connections"].value) / (4 * constants["slow.command"].value + 0.15)


def steps_text(constants):
    at = [0, constants["falls_at"].value, constants["falls_at"].value + constants["rises_after"].value]
    rates = [constants["first"], constants["second"], constants["third"]]
    return ", ".join(f"{round(when)}s={each.text()}" for when, each in zip(at, rates))


def with_noise(constants):
    return {**constants, **NOISE, **MUMBLES}


def standard():
    """The fourteen of the prototype."""
    return [
        Receiver("token", "token bucket", "noisy-bucket", with_noise(bucket()), of("bucket.rate")),
        Receiver("token-unclear", "same, replies never recognised", "noisy-bucket",
                 {**bucket(), **NOISE, "mumble.share": Constant(1.0, "share", most=1.0, least=1.0)},
                 of("bucket.rate")),
        Receiver("sliding-hour", "sliding hour", "sliding-hour",
                 with_noise({"window.messages": count(NOMINAL * HOUR), "window.length": span(HOUR)}),
                 lambda c: c["window.messages"].value / c["window.length"].value),
        Receiver("five-connections", "5 connections", "five-connections",
                 with_noise({"connections.connections": count(5), "slow.command": span(2.38)}), carried),
        Receiver("box-extended", "penalty box, attempts extend it", "penalty-box",
                 with_noise({**bucket(60), **box(20, 1800), "penalty.per_attempt": span(120), "penalty.length_max": span(4 * HOUR)}),
                 of("bucket.rate")),
        Receiver("box-restarted", "penalty box, any attempt restarts it", "penalty-restart",
                 with_noise({**bucket(60), **box(5, 1200)}), of("bucket.rate")),
        Receiver("box-not-ours", "boxed for a reason not ours", "penalty-forced",
                 with_noise({**bucket(60), **box(20, 2700), "penalty.per_attempt": span(120), "penalty.length_max": span(4 * HOUR)}),
                 of("bucket.rate"), is_calm=False),
        Receiver("half-refused", "half refused (document A)", "half-refused",
                 with_noise({"penalty.trip_count": count(1.2 * NOMINAL * 600), "penalty.trip_window": span(600), "penalty.length": span(HOUR),
                             "penalty.quiet_count": count(0.25 * NOMINAL * 600), "penalty.share": share(0.5, most=0.9),
                             "penalty.rate_inside": rate(0.6 * NOMINAL)}),
                 lambda c: c["penalty.trip_count"].value / c["penalty.trip_window"].value / 1.2, is_partial=True),
        Receiver("half-outside", "half refused by an outside cause", "half-refused-outside",
                 with_noise({**bucket(), "penalty.length": span(4 * HOUR), "penalty.share": share(0.5, most=0.9)}),
                 of("bucket.rate"), is_partial=True, is_calm=False),
        Receiver("diurnal", "diurnal", "diurnal",
                 with_noise({**bucket(), "bucket.swing": share(0.5), "bucket.noise": share(0.3), "bucket.noise_slot": span(600)}),
                 of("bucket.rate"), is_calm=False),
        Receiver("silent", "silent block of the IP", "silent-block", with_noise({**bucket(), "network.per_attempt": span(60)}),
                 of("bucket.rate"), is_calm=False),
        Receiver("quota", "daily quota", "daily-quota", with_noise({**bucket(), "quota.messages": count(0.7 * NOMINAL * DAY)}),
                 of("bucket.rate")),
        Receiver("steps", "steps up and down", "steps",
                 with_noise({"first": rate(NOMINAL), "second": rate(0.4 * NOMINAL), "third": rate(1.5 * NOMINAL), "falls_at": span(5 * HOUR),
                             "rises_after": span(7 * HOUR), "bucket.burst": count(30)}),
                 of("first"), is_calm=False),
        Receiver("noise", "recipient noise only, no limit", "noise",
                 {"greylist.share": share(0.1), "greylist.wait": span(240), "recipients.unknown": share(0.03), "recipients.full": share(0.0),
                  "recipients.busy": share(0.1), "stray.share": share(0.02)}, lambda c: NOMINAL),
    ]


# As Gmail tells it. Of a count that names nobody each address learns for itself (docs/pacing.md#when-it-cannot-help).
NETBLOCK = ("450 4.7.28 [{ip}] Our system has detected an unusual rate of unsolicited mail originating from your IP Netblock. To protect our users, "
            "mail sent from your IP Netblock has been temporarily rate limited.")
LISTED = "550 5.7.606 Access denied, banned sending IP [{ip}]; to request removal visit the delist portal (AS16012609)"


def further():
    """What the product's world has beyond them."""
    return [
        Receiver("told-late", "token bucket, told at the final dot", "gmail",
                 {"ip-quota.rate": rate(NOMINAL), "ip-quota.burst": count(30), "recipients.full": share(0.0), **MUMBLES}, of("ip-quota.rate"),
                 models=("mumble",), is_further=True),
        Receiver("domain-quota", "quota of a DKIM domain (4.7.28), a neighbour beside it", "gmail",
                 {"dkim-quota.rate": rate(NOMINAL), "dkim-quota.burst": count(30), "recipients.full": share(0.0)}, of("dkim-quota.rate"),
                 sources=2, is_further=True, busy_domain_only=True),
        Receiver("network-count", "a count of the /24, four IPs", "noisy-bucket",
                 with_noise({**bucket(), "window.messages": count(600 * NOMINAL), "window.length": span(600)}),
                 lambda c: min(c["window.messages"].value / c["window.length"].value, 4 * c["bucket.rate"].value),
                 models=("window",), texts={"window.scope": "network", "window.reply": NETBLOCK}, sources=4, is_further=True),
        Receiver("listed", "block list, released by hand", "noisy-bucket", with_noise({**bucket(), "block-list.delist_after": span(2 * HOUR)}),
                 of("bucket.rate"), models=("block-list",), texts={"block-list.phase": "mail", "block-list.reply": LISTED},
                 faults='[[fault]]\nkind = "trip"\nat = "6h"\n\n[[fault]]\nkind = "release"\nat = "8h"\n', is_further=True, is_calm=False),
        Receiver("connection-rate", "a rate of connections", "noisy-bucket",
                 with_noise({**bucket(), "connection-rate.rate": rate(0.1), "connection-rate.burst": count(5)}), of("bucket.rate"),
                 models=("connection-rate",), is_further=True),
        Receiver("short-sessions", "sessions closed without a word after 20 messages", "noisy-bucket",
                 with_noise({**bucket(), "session-length.messages": count(20)}), of("bucket.rate"), models=("session-length",),
                 texts={"session-length.manner": "close"}, is_further=True),
        Receiver("tarpit", "tarpit", "tarpit", {"tarpit.banner": span(10), "tarpit.command": span(0.5), "tarpit.per_message": span(0.25),
                                                "tarpit.command_max": span(5)}, lambda c: NOMINAL, is_further=True),
        Receiver("greylister", "greylists everybody", "greylister", {"greylist.wait": span(300)}, lambda c: NOMINAL, is_further=True,
                 calm_share_min=98.5),
        Receiver("host-down", "one of two hosts down for three hours", "noisy-bucket", with_noise(bucket()), of("bucket.rate"), hosts=2,
                 models=("outage",), texts={"outage.hosts": "1", "outage.from": "6h", "outage.until": "9h"}, is_further=True),
    ]


# --- loads

LOADS = ("60", "95", "150")
CLASSES = {"urgent": 15, "ordinary": 50, "bulk": 35}


def load_steps(load, length=DAY):
    """(from, to, share of the nominal limit)."""
    if load == "60":
        return [(0, length, 0.6)]
    if load == "95":
        return [(0, length, 0.95)]
    return [(0, 4 * HOUR, 0.6), (4 * HOUR, 8 * HOUR, 1.5), (8 * HOUR, length, 0.6)]


def workload(name, per_second, begins=0.0, ends=None, classes=None, more=""):
    mix = ", ".join(f"{key} = {weight}" for key, weight in (classes or CLASSES).items())
    to = "" if ends is None else f'to = "{round(ends)}s"\n'
    return f'[[workload]]\nname = "{name}"\nkind = "rate"\nrate = "{max(1, round(per_second * DAY))}/day"\nfrom = "{round(begins)}s"\n{to}classes = {{ {mix} }}\n{more}\n'


def burst(name, messages, begins, within, classes):
    mix = ", ".join(f"{key} = {weight}" for key, weight in classes.items())
    return (f'[[workload]]\nname = "{name}"\nkind = "burst"\nmessages = {messages}\nfrom = "{round(begins)}s"\nwithin = "{round(within)}s"\n'
            f"classes = {{ {mix} }}\n\n")


NEIGHBOUR = 'sender_domain = "neighbour.example"\ndkim_domain = "neighbour.example"\n'


def steady(receiver, load):
    limit = receiver.nominal()
    text = "".join(workload(f"load{i}", part * limit, begins, ends) for i, (begins, ends, part) in enumerate(load_steps(load, receiver.length)))
    if receiver.busy_domain_only:
        text += workload("neighbour", 0.3 * limit, classes={"neighbour": 1}, more=NEIGHBOUR)
    return text


def unlimited_oracle_factor(receiver, load):
    """By how much an oracle that does not see a sender domain's quota is ahead of one that does: the ratio of their areas."""
    if not receiver.busy_domain_only:
        return 1.0
    free = bound = queue = free_height = bound_height = 0.0
    step = 60.0
    for minute in range(int(receiver.length / step)):
        part = next(part for begins, ends, part in load_steps(load, receiver.length) if begins <= minute * step < ends)
        queue += part * step
        sent = min(queue, step)
        queue -= sent
        free_height += (part + 0.3) * step
        bound_height += sent + 0.3 * step
        free += free_height
        bound += bound_height
    return free / bound


def reachable_share(receiver, load, wasted_max):
    """The most, in % of the oracle's area, that any sender can deliver with so few wasted attempts per 1,000 delivered where a share is refused
    from six o'clock on whatever it does: one that knows all this beforehand, meets no noise, and spends its refusals at once. 100 elsewhere."""
    if receiver.name != "half-outside":
        return 100.0
    refused, begins = receiver.constants["penalty.share"].value, 6 * HOUR
    ends = begins + receiver.constants["penalty.length"].value
    step = 10.0
    steps = load_steps(load, receiver.length)

    def areas(budget):
        oracle_queue = own_queue = oracle = own = oracle_area = own_area = 0.0
        for moment in range(int(receiver.length / step)):
            offered = next(part for since, until, part in steps if since <= moment * step < until) * step
            oracle_queue, own_queue = oracle_queue + offered, own_queue + offered
            sent = min(oracle_queue, step)
            oracle, oracle_queue = oracle + sent, oracle_queue - sent
            sent = min(own_queue, step)
            if begins <= moment * step < ends:
                sent = min(own_queue, step * (1 - refused), budget * (1 - refused) / refused)
                budget -= sent * refused / (1 - refused)
            own, own_queue = own + sent, own_queue - sent
            oracle_area, own_area = oracle_area + oracle, own_area + own
        return 100.0 * own_area / oracle_area, own

    delivered = areas(0.0)[1]
    for _ in range(20):  # what is delivered earns refusals
        share_of_oracle, delivered = areas(wasted_max / 1000.0 * delivered)
    return share_of_oracle


# --- senders

@dataclass(frozen=True)
class Sender:
    """`mailweir`, or a baseline; `learns`: with the controller, else with a cap by hand."""

    name: str
    kind: str = "mailweir"
    learns: bool = True
    start: float = 0.6  # of the limit, believed safe before anything is known; 0: the default
    cap: float = 0.9  # of the limit, without the controller

    def text(self, receiver):
        limit = receiver.nominal() / receiver.sources
        if self.kind != "mailweir":
            return baseline_text(self.kind, limit)
        text = '[caps]\nconnections = 20\nmessages_per_connection = 100\n'
        if not self.learns:
            return text + f'message_rate = "{max(1, round(self.cap * limit * DAY))}/day"\n'
        text += "\n[pacing]\nlearns = true\n"
        if self.start > 0:
            text += f'start_rate = "{max(1, round(self.start * limit * DAY))}/day"\n'
        return text


def baseline_text(kind, limit):
    day = lambda factor: f"{max(1, round(factor * limit * DAY))}/day"
    parameters = {
        "postfix": {},
        "powermta": {"rate": day(2)},
        "kumomta-tsa": {"rate": day(2), "threshold": "3", "action": "suspend", "duration": "30m"},
        "aimd": {"initial": day(0.6), "step": day(0.03), "lowest": "1/min"},
        "fixed-rate": {"rate": day(2)},
    }[kind]
    lines = "".join(f'{key} = "{value}"\n' for key, value in parameters.items())
    return f'[sender]\nkind = "{kind}"\n[sender.parameters]\n{lines}'


BASELINES = ("fixed-rate", "postfix", "powermta", "kumomta-tsa", "aimd")


# --- scenarios

def provider_text(receiver):
    constants = dict(receiver.constants)
    texts = dict(receiver.texts)
    if receiver.personality == "steps":
        texts["bucket.rates"] = steps_text(constants)
        for key in ("first", "second", "third", "falls_at", "rises_after"):
            del constants[key]
    if "mumble.share" in constants and "mumble" not in receiver.models:
        models = (*receiver.models, "mumble")
    else:
        models = receiver.models
    if receiver.personality == "five-connections":
        texts["connections.carries"] = rate(receiver.nominal()).text()
    lines = {key: each.text() for key, each in constants.items()} | texts
    listed = f"models = [{', '.join(chr(34) + each + chr(34) for each in models)}]\n" if models else ""
    return (f'[[provider]]\nname = "mass"\npersonality = "{receiver.personality}"\ndomains = 20\nhosts = {receiver.hosts}\nlatency = "150ms"\n{listed}'
            "[provider.parameters]\n" + "".join(f'"{key}" = "{value}"\n' for key, value in lines.items()) + "\n")


def scenario(receiver, loads, sender, title, warming=False):
    neighbour = '[[class]]\nname = "neighbour"\npriority = 50\n\n' if receiver.busy_domain_only else ""
    return (f'title = "{title}"\nlength = "{round(receiver.length)}s"\ndrain = "0s"\n\n'
            f'[[source]]\nname = "out"\nfirst = "192.0.2.1"\ncount = {receiver.sources}\n{"warming = true" if warming and sender.learns else ""}\n'
            '[[class]]\nname = "urgent"\npriority = 80\ndeadline = "5m"\n\n[[class]]\nname = "ordinary"\npriority = 50\n\n'
            f'[[class]]\nname = "bulk"\npriority = 20\n\n{neighbour}'
            + sender.text(receiver) + "\n" + provider_text(receiver) + loads + receiver.faults)


# --- specials: name -> (title, receiver, loads, warming, bars)

@dataclass(frozen=True)
class Special:
    name: str
    title: str
    receiver: Receiver
    loads: str
    warming: bool = False
    start: float = 0.6
    share_min: float = 0.0
    wasted_max: float = math.inf


def specials():
    by_name = {each.name: each for each in standard()}
    half, extended = by_name["half-refused"], by_name["box-extended"]
    base = steady(half, "60")
    incident = base + burst("campaign", 10_000, 6 * HOUR, 300, {"bulk": 4, "ordinary": 1})
    blocked = replace(extended, name="silent-one", sources=3, models=("network-block",), limit=lambda c: 3 * c["bucket.rate"].value,
                      texts={"network-block.blocked": "192.0.2.1/32", "network-block.from": "6h", "network-block.until": "9h",
                             "network-block.per_attempt": "1m"})
    cold = replace(extended, name="broadcast", sources=4, models=("reputation",), limit=lambda c: 3 * c["bucket.rate"].value, length=36 * HOUR,
                   texts={"reputation.cold": "192.0.2.1/32", "reputation.first": "600"})
    broadcast = workload("usual", 0.9 * NOMINAL) + burst("broadcast", 100_000, HOUR, 1800, {"ordinary": 1})
    first_day = Receiver("warm-up", "warm-up", "warm-up", {**NOISE, "reputation.first": count(200)}, lambda c: c["reputation.first"].value / DAY,
                         length=9 * DAY)
    sensitive = replace(first_day, texts={"reputation.good_refused": "0.01", "reputation.bad_refused": "0.03", "reputation.shrink": "0.5"})
    demand = workload("demand", 12_000 / DAY)
    return [
        Special("incident", "incident replay: 10,000 messages in 5 minutes into document A's throttle", half, incident, share_min=90),
        Special("silent-one", "1 of 3 IPs silently blocked", blocked, steady(blocked, "60"), share_min=99),
        Special("broadcast", "100,000 messages in 30 minutes, one of four IPs cold", cold, broadcast, share_min=95, wasted_max=5),
        Special("warm-growing", "warm-up, growing", first_day, demand, warming=True, start=0.5, share_min=75),
        Special("warm-sensitive", "warm-up, sensitive", sensitive, demand, warming=True, start=0.5, share_min=40),
    ]
