"""Exact ways to run a grouped convolution, and the choice among them by measuring.

`plan` cuts a split into native calls, `strategy` runs a plan, `tuner` measures and remembers, `columns` keeps groups
apart through a stack. Device code is in `cuda` alone.
"""

from compute.strategies.case import Case, allocator
from compute.strategies.columns import Columns
from compute.strategies.plan import Call, Plan, plans
from compute.strategies.strategy import Strategy, strategies
from compute.strategies.tuner import Decision, decide, decisions, forget, load, remember, save

__all__ = [
    "Call", "Case", "Columns", "Decision", "Plan", "Strategy", "allocator", "decide", "decisions", "forget", "load",
    "plans", "remember", "save", "strategies",
]  # fmt: skip
