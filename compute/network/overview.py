"""Every policy at once: what a network would cost under each, a line apiece."""

from typing import Any

from compute.errors import SpecError
from compute.network.document import Limits
from compute.network.graph import Network
from compute.network.policy import POLICIES, Policy
from compute.network.whatif import LIMITS, Edits, what_if

TOTALS = ("params", "macs")


def overview(
    original: Network,
    numbers: dict[str, Any] | None = None,
    hold: str = "channels",
    edits: Edits | None = None,
    limits: Limits = LIMITS,
) -> list[dict[str, Any]]:
    """[{"policy", "params", "macs", "ratios", "left_alone", "split", "relative", "reason"}], one for each of POLICIES.

    numbers: a Policy's groups, width, base and scope, the same for all. ratios: params and macs to the original's.
    left_alone, split: how many convolutions the policy did not fit, and how many it changed. relative: of an equal
    budget, how far from it; else None. reason: why the edits and this policy cannot be together, and then the counts
    are None. Raises SpecError where the edits cannot be under any.
    """
    policies = [Policy(kind, **(numbers or {})) for kind in POLICIES]
    lines = [_line(original, policy, hold, edits, limits) for policy in policies]
    if all(line["reason"] for line in lines):
        what_if(original, policies[0], hold, edits, limits)  # which says what is wrong
    return lines


def _line(original: Network, policy: Policy, hold: str, edits: Edits | None, limits: Limits) -> dict[str, Any]:
    try:
        asked = what_if(original, policy, hold, edits, limits)
    except SpecError as error:
        nothing = dict.fromkeys(("params", "macs", "left_alone", "split", "relative"))
        return {"policy": policy.kind, **nothing, "ratios": dict.fromkeys(TOTALS), "reason": str(error)}
    totals = {key: (getattr(original, key), getattr(asked.variant, key)) for key in TOTALS}
    splits = zip(original.convolutions(), asked.variant.convolutions(), strict=True)
    return {
        "policy": policy.kind,
        **{key: after for key, (_, after) in totals.items()},
        "ratios": {key: after / before if before else None for key, (before, after) in totals.items()},
        "left_alone": len(asked.left_alone),
        "split": sum(old.split != new.split for (_, old, _), (_, new, _) in splits),
        "relative": asked.held.relative if asked.held else None,
        "reason": None,
    }
