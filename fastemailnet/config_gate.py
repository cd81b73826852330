"""Settings of the spam model and of what the gate does with its scores."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from fastemailnet.config_failures import Section

ScoreAction = Literal["accept", "hold", "reject"]


class ClassifierSection(Section):
    """The spam model and its gate."""

    enabled: bool = Field(True, description="score mail before it is sent")
    model: Path | None = Field(
        None, description="folder of a sequence-classification model; the shipped one without it"
    )
    hold_threshold: float = Field(
        0.0, ge=0.0, le=1.0, description="hold from this score on; 0: as the model was calibrated"
    )
    reject_threshold: float = Field(
        0.0, ge=0.0, le=1.0, description="reject from this score on; 0: never, hold instead"
    )
    timeout_ms: int = Field(250, ge=10, description="a mail that is not scored by then goes on, flagged")
    tenants: Path | None = Field(
        None, description='TOML file with a table a tenant: ["acme"] with thresholds and actions of its own'
    )
    replicas: int = Field(1, ge=1, le=16, description="processes that score; the nodes ask them in turn")

    @property
    def processes(self) -> list[str]:
        """The names of the processes that score; none where the classifier is off."""
        more = (f"classifier-{number}" for number in range(1, self.replicas))
        return ["classifier", *more] if self.enabled else []


class ScoreActionSection(Section):
    """What becomes of a mail whose score reaches classifier.hold_threshold, by lane."""

    transactional: ScoreAction = Field("hold", description="accept, hold or reject")
    standard: ScoreAction = Field("hold", description="accept, hold or reject")
    bulk: ScoreAction = Field("hold", description="accept, hold or reject")


class TenantGate(Section):
    """What the gate does with the mail of one tenant: a table of ``classifier.tenants``. What it leaves out is as for all."""

    hold_threshold: float | None = Field(None, gt=0.0, le=1.0, description="hold from this score on")
    reject_threshold: float | None = Field(
        None, ge=0.0, le=1.0, description="reject from this score on; 0: never, hold instead"
    )
    transactional: ScoreAction | None = Field(None, description="as score_action.transactional")
    standard: ScoreAction | None = Field(None, description="as score_action.standard")
    bulk: ScoreAction | None = Field(None, description="as score_action.bulk")
