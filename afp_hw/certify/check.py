"""One line of a certificate: what was claimed, how it was checked, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

State = Literal["holds", "bounded", "open", "skipped", "not applicable", "fails"]

GOOD: Final = frozenset({"holds", "not applicable"})


@dataclass(frozen=True)
class Check:
    """A checked claim.

    Parameters
    ----------
    key
        A word for it, unique in the certificate.
    claim
        A sentence.
    method
        How: ``"exhaustive simulation"``, ``"k-induction"`` and so on.
    engine
        By what, with its version.
    state
        ``"holds"``; ``"bounded"``: only to the depth that `figures` give; ``"open"``: the engine
        did not finish; ``"skipped"``; ``"not applicable"``; ``"fails"``.
    reason
        A sentence for all states but the first: of a failure, the first difference.
    figures
        Counts, depth, limits, seed.
    """

    key: str
    claim: str
    method: str
    engine: str
    state: State
    reason: str = ""
    figures: tuple[tuple[str, int], ...] = ()

    @property
    def verdict(self) -> str:
        """State and reason in one line."""
        return f"{self.state}: {self.reason}" if self.reason else self.state

    def entry(self) -> dict[str, Any]:
        """As the certificate has it."""
        return {
            "check": self.key,
            "claim": self.claim,
            "method": self.method,
            "engine": self.engine,
            **dict(self.figures),
            "verdict": self.verdict,
        }


def overall(checks: list[Check]) -> str:
    """``"certified"``, ``"partial"`` (nothing fails, something is not checked) or ``"failed"``."""
    states = {check.state for check in checks}
    if "fails" in states:
        return "failed"
    return "certified" if states <= GOOD else "partial"
