"""When kills_test.py does what to a mesh, made from a seed: the whole list is there before anything runs.

A step waits until tasks have said something new (or for a while nobody did), pauses, and acts. What it breaks is mended
some steps later, and all of it at the end.
"""

from dataclasses import dataclass

# Weights of what is done on loopback, where only programs die, and between hosts.
KILLS = {"agent": 30, "coordinator": 28, "launcher": 5, "agent+coordinator": 8, "agent+launcher": 3, "agents": 3,
         "agent twice": 5, "coordinator twice": 5, "all": 3, "host": 4, "step": 12, "replaced agent": 3,
         "replaced coordinator": 2}
LOSE = ("launcher", "agent+launcher", "all", "host")  # what runs
NETWORK = {"partition": 6, "deaf": 5, "mute": 5, "unplug": 4, "reset": 6, "loss": 5, "delay": 5, "peers": 3}
HOSTS = {**NETWORK, "stop agent": 4, "stop coordinator": 4, "stop launcher": 3, "full agent": 3, "full coordinator": 3}


@dataclass(eq=False)
class Step:
    """Does `kind` to `host`, once `news` lines have been written by tasks and `pause` seconds have passed."""

    kind: str  # "start", "cancel", "follow", "leave" (a follower that is killed), "git" (a fetch is killed) or a fault
    host: str = ""
    root: str = ""  # what is started
    run: int = 0  # the start that is canceled, followed or left, by its number
    news: int = 0
    pause: float = 0.0
    holds: float = 0.0  # seconds before the next step
    lasts: int = 0  # steps until it is mended, or the program is started again; 0: at once

    def __str__(self):
        what = self.root or self.host or f"run {self.run}"
        lasts = f", for {self.lasts} steps" if self.lasts else ""
        return f"{self.kind} {what} after {self.news} lines and {self.pause * 1000:.0f} ms{lasts}, then {self.holds * 1000:.0f} ms"


@dataclass
class Style:
    """What a seed makes of its faults."""

    launchers: bool  # whether launchers and hosts die: where none does, nothing may be lost
    hosts: bool  # faults between hosts, besides kills
    long: bool  # some faults last longer than it takes to call an agent unreachable
    faults: int


def make_schedule(dice, workload, agents, style):
    """The steps: starts early, faults all along, some cancels and followers of runs that have been asked for."""
    weights = _weights(dice, style)
    steps = [_fault(dice, weights, agents, style) for _ in range(style.faults)]
    starts = [Step("start", root=root) for root in workload.starts]
    for number, start in enumerate(starts):
        steps.insert(0 if number == 0 else dice.randint(0, len(steps) * 2 // 3), start)
    order = 0
    for step in list(steps):
        if step.kind != "start":
            continue
        step.run, order = order, order + 1
        if dice.random() < 0.5:
            steps.insert(dice.randint(steps.index(step) + 1, len(steps)), Step("follow", run=step.run))
        if dice.random() < 0.3:
            steps.insert(dice.randint(steps.index(step) + 1, len(steps)), Step("leave", run=step.run, lasts=dice.randint(0, 2)))
        if dice.random() < 0.4:
            steps.insert(steps.index(step), Step("git"))
        if dice.random() < 0.1:
            steps.insert(dice.randint(steps.index(step) + 1, len(steps)), Step("cancel", run=step.run, news=2))
    return steps


def _weights(dice, style):
    """Of the kinds that this seed uses: not all at once, so that each meets a mesh that works otherwise."""
    weights = {kind: weight for kind, weight in KILLS.items() if style.launchers or kind not in LOSE}
    if style.hosts:
        chosen = dice.sample(sorted(HOSTS), dice.randint(3, 6))
        weights = {**{kind: weight / 4 for kind, weight in weights.items()}, **{kind: HOSTS[kind] for kind in chosen}}
        if not style.launchers:
            weights.pop("stop launcher", None)
    return weights


def _fault(dice, weights, agents, style):
    kind = dice.choices(list(weights), list(weights.values()))[0]
    step = Step(kind, host=dice.choice(agents), news=dice.choice([0, 0, 1, 1, 2, 4]), pause=dice.choice([0, 0.01, 0.03]) * dice.random())
    if kind in HOSTS:
        step.lasts = dice.randint(1, 4)
        step.holds = 11 + 3 * dice.random() if style.long and dice.random() < 0.15 else 0.3 * dice.random()
    elif dice.random() < 0.2:
        step.lasts = dice.randint(1, 3)
    return step
