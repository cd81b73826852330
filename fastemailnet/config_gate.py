"""Settings of the spam model and of what the gate does with its scores."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from fastemailnet.config_failures import Section
from fastemailnet.delivery.shaping.limits import parse_rate


def _rate(text: str) -> str:
    parse_rate(text)
    return text


def _table(given: Any) -> Any:
    return {"action": given} if isinstance(given, str) else given


ScoreAction = Literal["accept", "tag", "throttle", "hold", "reject"]
RateText = Annotated[str, AfterValidator(_rate)]


class ClassifierSection(Section):
    """The spam model and its gate."""

    enabled: bool = Field(True, description="score mail before it is sent")
    model: Path | None = Field(
        None, description="folder of a sequence-classification model; the shipped one without it"
    )
    hold_threshold: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="from this score on mail is suspicious: score_action says what becomes of it; 0: as the model was calibrated",
    )
    reject_threshold: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="from this score on it is rejected, whatever score_action says but accept; 0: never",
    )
    throttle: RateText = Field(
        "60/h",
        description="action throttle: how much of one tenant's suspicious mail leaves, over the whole fleet, evenly",
    )
    timeout_ms: int = Field(250, ge=10, description="a mail that is not scored by then goes on, flagged")
    tenants: Path | None = Field(
        None, description='TOML file with a table a tenant: ["acme"] with thresholds, actions and a throttle of its own'
    )
    replicas: int = Field(1, ge=1, le=16, description="processes that score; the nodes ask them in turn")

    @property
    def processes(self) -> list[str]:
        """The names of the processes that score; none where the classifier is off."""
        more = (f"classifier-{number}" for number in range(1, self.replicas))
        return ["classifier", *more] if self.enabled else []


class ScoreActionSection(Section):
    """What becomes of a mail whose score reaches classifier.hold_threshold, by lane."""

    transactional: ScoreAction = Field("hold", description="accept, tag, throttle, hold or reject")
    standard: ScoreAction = Field("hold", description="accept, tag, throttle, hold or reject")
    bulk: ScoreAction = Field("hold", description="accept, tag, throttle, hold or reject")


class Thresholds(Section):
    """Of a tenant, or of one of its lanes."""

    hold_threshold: float | None = Field(None, gt=0.0, le=1.0, description="as classifier.hold_threshold")
    reject_threshold: float | None = Field(None, ge=0.0, le=1.0, description="as classifier.reject_threshold")


class LaneGate(Thresholds):
    """What the gate does with one tenant's mail of one lane. What it leaves out is as for the tenant, then as for all."""

    action: ScoreAction | None = Field(None, description="as score_action.<lane>")


LaneTable = Annotated[LaneGate, BeforeValidator(_table)]  # or the action alone


class TenantGate(Thresholds):
    """What the gate does with the mail of one tenant: a table of ``classifier.tenants``. What it leaves out is as for all."""

    throttle: RateText | None = Field(None, description="as classifier.throttle")
    transactional: LaneTable = Field(LaneGate(), description="an action, or a table with action and thresholds")
    standard: LaneTable = Field(LaneGate(), description="likewise")
    bulk: LaneTable = Field(LaneGate(), description="likewise")
