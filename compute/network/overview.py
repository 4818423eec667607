"""Every policy at once: what a network would cost under each, a line apiece."""

from typing import Any

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
    """[{"policy", "params", "macs", "ratios", "left_alone", "split", "relative"}], one for each of POLICIES.

    numbers: a Policy's groups, width, base and scope, the same for all. ratios: params and macs to the original's.
    left_alone, split: how many convolutions the policy did not fit, and how many it changed. relative: of an equal
    budget, how far from it; else None. Raises SpecError.
    """
    before = {key: getattr(original, key) for key in TOTALS}
    lines = []
    for kind in POLICIES:
        asked = what_if(original, Policy(kind, **(numbers or {})), hold, edits, limits)
        after = {key: getattr(asked.variant, key) for key in TOTALS}
        splits = zip(original.convolutions(), asked.variant.convolutions(), strict=True)
        lines.append(
            {
                "policy": kind,
                **after,
                "ratios": {key: after[key] / before[key] if before[key] else None for key in TOTALS},
                "left_alone": len(asked.left_alone),
                "split": sum(old.split != new.split for (_, old, _), (_, new, _) in splits),
                "relative": asked.held.relative if asked.held else None,
            }
        )
    return lines
