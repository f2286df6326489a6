# claim: the incident of 28 May 2020 is noticed at the first refusal, named and answered in seconds; no password notice waits a minute
# needs:
# bound: 300
"""Both scenarios of the incident (scenarios/incident-2020-05-28*.toml), seeds 1 to 5 and the scenario's own, by `mailweir simulate`. The moments are
what the engine itself said (its notices), held against the first refusal in the event log; releases, draining and delays are the
simulator's own observations.

Bars, each run: detection within 1 s of the first refusal; the cause (throttling, which IP at which provider, how many of the paths) within 5 s;
the first mitigation within 1 s after that; no password notice waits more than 60 s, as healthy sources exist all the time; drained
within 10 minutes of the release; no healthy IP burnt. How long it takes until every throttled IP is named is printed beside them: an IP is known
when it is refused, and the quiet ones are refused later.

The table sets the minutes of the public report beside ours and the baselines' (whose moments are inferred from their load). --quick: one seed,
no baselines.
"""
import json
import re
import subprocess

from lab.claim import ROOT, Claim
from lab.learning import ON, knows_pacing
from lab.process import LabError

SCENARIOS = ("incident-2020-05-28", "incident-2020-05-28-answering")
THROTTLED = {"mx1", "mx2", "mx3", "mx4"}
PROVIDER = "office365"
DETECTED_MAX, NAMED_MAX, MITIGATED_MAX, URGENT_MAX, DRAINED_MAX = 1.0, 5.0, 1.0, 60.0, 600.0
SENDERS = ("postfix", "powermta", "kumomta-tsa", "aimd")
ROWS = (("detected", "detected"), ("cause_named", "cause named"), ("mitigated", "first mitigation"), ("released", "refusals ended"),
        ("drained", "last delayed message delivered"), ("worst_delay", "worst delay"))


def scenario_text(name, sender, learns):
    text = (ROOT / f"scenarios/{name}.toml").read_text()
    if sender != "mailweir":
        return text + f'\n[sender]\nkind = "{sender}"\n'
    return text + ON if learns and "[pacing]" not in text else text


def play(claim, name, seed, sender="mailweir"):
    """The result of a run, and when the first refusal came after the onset."""
    file = claim.folder / f"{name}-{sender}-{seed}.toml"
    file.write_text(scenario_text(name, sender, claim.learns))
    log = file.with_suffix(".events")
    seeding = ["--seed", str(seed)] if seed else []
    done = subprocess.run([claim.arguments.binary, "simulate", str(file), "--json", "--events", str(log), *seeding], capture_output=True, text=True, timeout=250)
    if done.returncode not in (0, 1):
        raise LabError(f"{file.name}: mailweir simulate ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
    result = json.loads(done.stdout)
    onset = next(float(line.split()[0]) for line in log.open() if line.rstrip().endswith("fault 1 begins"))
    refusal = re.compile(r"^(\S+) (?:done|failed) .* [45]\d\d$")
    result["first_refusal"] = next((float(found[1]) for found in map(refusal.match, log.open()) if found and float(found[1]) >= onset), None)
    result["onset"] = onset
    log.unlink()
    return result


def moments(result):
    """Seconds from the first refusal on, by what the sender said; None: it said no such thing."""
    start = result["first_refusal"]
    after = [notice for notice in result.get("notices", []) if notice["at"] >= result["onset"]]
    holds = [n for n in after if n["kind"].replace("_", "-").replace(".", "-") == "throttle-detected"]
    named = [n for n in holds if n["cause"] == "throttle" and n["source"] in THROTTLED and n["provider"] == PROVIDER and n["paths_used"] > 0]
    steps = [n for n in after if n["kind"] == "step" and n["to"] is not None and (n["from"] is None or n["to"] < n["from"])]
    all_named = [min(n["at"] for n in named if n["source"] == source) for source in THROTTLED if any(n["source"] == source for n in named)]
    first = lambda notices: notices[0]["at"] - start if notices else None
    return {"detected": first(holds), "named": first(named), "mitigated": first(steps),
            "all_named": max(all_named) - start if len(all_named) == len(THROTTLED) else None,
            "wrongly_named": sorted({n["source"] for n in holds if n["cause"] == "throttle"} - THROTTLED), "first_notice": named[0] if named else None}


def judge(claim, name, seed, result):
    at = moments(result)
    where = f"{name}, seed {seed}"
    urgent = next(row for row in result["classes"] if row["name"] == "password-notice")
    ours = result["incident"]["ours"]
    within = lambda value, most: value is not None and value <= most
    shown = lambda value: "never" if value is None else f"{value:.2f} s"
    claim.bar(result["violations_total"] == 0, f"{where}: a rule was broken: {result['violations'][:1]}")
    claim.bar(within(at["detected"], DETECTED_MAX), f"{where}: detected {shown(at['detected'])} after the first refusal")
    claim.bar(within(at["named"], NAMED_MAX), f"{where}: cause named {shown(at['named'])} after the first refusal")
    since = None if at["mitigated"] is None or at["named"] is None else at["mitigated"] - at["named"]
    claim.bar(within(since, MITIGATED_MAX), f"{where}: first mitigation {shown(since)} after the cause was named")
    claim.bar(not at["wrongly_named"], f"{where}: healthy sources were named: {at['wrongly_named']}")
    claim.bar(urgent["delays"]["max"] <= URGENT_MAX and urgent["counts"]["queued"] == 0, f"{where}: a password notice waited {urgent['delays']['max']:.0f} s")
    drained = None if ours["drained"] is None else max(0.0, ours["drained"] - (ours["released"] or 0.0))
    if ours["drained"] is None and result["counts"]["queued"] == 0:
        drained = 0.0  # nothing was ever late
    claim.bar(within(drained, DRAINED_MAX), f"{where}: drained {shown(drained)} after the release")
    burns = result["measures"]["healthy_burns"]
    claim.bar(burns == 0, f"{where}: {burns} healthy IPs burnt")
    return {"seed": seed, **at, "since_named": since, "urgent": urgent["delays"]["max"], "drained_after": drained, "burns": burns,
            "wasted": result["measures"]["path_wasted_per_1000"]}


def clock(value):
    if value is None:
        return "—"
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} m {int(value % 60):02} s" if value < 3600 else f"{int(value // 3600)} h {int(value % 3600 // 60):02} m"


def table(name, reference, runs):
    names = list(runs)
    rows = [["since the onset", "the report", *names]]
    for key, title in ROWS:
        rows.append([title, clock(reference[key]), *[clock(runs[each]["incident"]["ours"][key]) for each in names]])
    rows.append(["worst delay of a password notice", "—", *[clock(next(c for c in runs[each]["classes"] if c["name"] == "password-notice")["delays"]["max"]) for each in names]])
    rows.append(["wasted per 1,000 delivered", "—", *[f"{runs[each]['measures']['path_wasted_per_1000']:,.1f}" for each in names]])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{name}")
    for row in rows:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print(flush=True)


def body(claim):
    claim.learns = knows_pacing(claim.arguments.binary, claim.folder)
    claim.figure("engine", "learning" if claim.learns else "fixed caps")
    worst = {}
    for name in SCENARIOS:
        seeds = (0,) if claim.quick else (0, 1, 2, 3, 4, 5)
        results = {seed: play(claim, name, seed) for seed in seeds}
        found = [judge(claim, name, seed or "its own", result) for seed, result in results.items()]
        for key in ("detected", "named", "all_named", "since_named", "urgent", "drained_after", "wasted"):
            values = [row[key] for row in found]
            worst[key] = max(values) if None not in values else None
            claim.figure(f"{name}_{key}_worst", "never" if worst[key] is None else float(worst[key]))
        claim.worst_urgent = max(claim.worst_urgent, worst["urgent"])
        if found[0]["first_notice"]:
            claim.say(f"the first notice: {json.dumps(found[0]['first_notice'], ensure_ascii=False)}")
        others = {} if claim.quick else {sender: play(claim, name, 0, sender) for sender in SENDERS}
        table(name, results[0]["incident"]["reference"], {"ours": results[0], **others})


claim = Claim("incident")
claim.worst_urgent = 0.0
claim.run(body, lambda: ("worst_password_notice_seconds", claim.worst_urgent))
