"""Settings of where mail is kept: the durable log, and the store of bodies too large for it."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from fastemailnet.config_failures import Section


class LogSection(Section):
    """The durable log."""

    url: str = Field(
        "embedded:",
        pattern=r"^(embedded:|kafka://.+)$",
        description="log back end: embedded: or kafka://host:port[,host:port...][/topic prefix]",
    )
    unsafe: bool = Field(
        False,
        description="Kafka: take topics with fewer than 3 replicas and 2 in sync, so that the loss of a broker loses mail",
    )
    mail_partitions: int = Field(
        0, ge=0, le=128, description="partitions that mail is spread over; 0: 1 in the embedded log, 4 in Kafka"
    )
    events: Literal["auto", "on", "off"] = Field(
        "auto",
        description="a JSON record for each event of a delivery in the stream events; auto: in Kafka, where others can read it",
    )
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Kafka: how its brokers are spoken to"
    )
    ca_file: Path | None = Field(
        None, description="Kafka: certificates that its brokers' are checked against; the system's without it"
    )
    certificate_file: Path | None = Field(None, description="Kafka: our certificate, with its chain (mutual TLS)")
    key_file: Path | None = Field(None, description="Kafka: the key of our certificate")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="Kafka: how we log in, where security is SASL_…"
    )
    username: str = Field("", description="Kafka: user name of the log-in")
    password_file: Path | None = Field(None, description="Kafka: file with the password of the log-in")


class BlobsSection(Section):
    """Bodies that are too large for the log."""

    inline_octets: Literal["auto"] | int = Field(
        "auto",
        description="a body that takes more of the log (once a destination) stands outside; 0: none; auto: 0 if embedded, else 524288",
    )
    url: str = Field(
        "file:",
        pattern=r"^(file:(/.*)?|s3://[^/]+(/.*)?)$",
        description="where: file: (blobs in the data directory), file:/folder that every node mounts, or s3://bucket/prefix",
    )
    endpoint: str = Field("", description="s3: URL of the server; empty: Amazon's")
    region: str = Field("us-east-1", min_length=1, description="s3: region")
    access_key_id: str = Field("", description="s3: key id; empty: credentials as AWS tools find them")
    secret_key_file: Path | None = Field(None, description="s3: file with the secret access key")
