"""What is dyed to see where information flows."""

from dataclasses import dataclass

from compute.errors import SpecError, integer
from compute.stack.spec import StackSpec

DYES = ("channel", "patch")


@dataclass(frozen=True)
class Dye:
    """kind `channel`: stem channel `channel` gets seeded normal noise as strong as the stem itself (its root mean
    square) added: a constant would be lost on filters that sum to zero, and doubling on a map that is dead. kind
    `patch`: `size` × `size` pixels of the square picture from (row, column) on are shown as their negative. Numbers of
    the other kind are ignored."""

    kind: str = "channel"
    channel: int = 0
    row: int = 0
    column: int = 0
    size: int = 16

    def check(self, spec: StackSpec) -> None:
        """Raises SpecError where the dye lies outside the stack's channels or picture."""
        if self.kind not in DYES:
            raise SpecError(f"dye must be channel or patch, not {self.kind!r}", "dye", "use channel")
        if self.kind == "channel":
            integer("dye_channel", self.channel, 0, spec.channels - 1)
            return
        integer("dye_size", self.size, 1, spec.size)
        for field, value in (("dye_row", self.row), ("dye_column", self.column)):
            integer(field, value, 0, spec.size - self.size)
