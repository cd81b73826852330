"""Bodies as objects of an S3-compatible bucket: ``prefix/day/id``.

An object is there as a whole or not at all, and what the server acknowledged is durable and seen by the next get. The server
compares a checksum of what it received, so that an error on the way is a failed put and not another message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from fastemailnet.blobs.interface import is_past
from fastemailnet.errors import BlobError, BlobMissing

if TYPE_CHECKING:  # a name of the library's stubs
    from obstore.store import S3Config

CONNECT_TIMEOUT: Final = timedelta(seconds=3)
TIMEOUT: Final = timedelta(seconds=20)  # of one request
RETRIES: Final = 3
RETRY_TIMEOUT: Final = timedelta(seconds=25)  # of all tries together


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is. Without a key id, credentials come from the environment (``AWS_…``) or the machine's role."""

    name: str
    prefix: str = ""
    endpoint: str = ""  # "": Amazon's
    region: str = "us-east-1"
    key_id: str = ""
    secret: str = ""


class BucketBlobs:
    """Implements ``interface.Blobs``."""

    def __init__(self, bucket: Bucket) -> None:
        self.url = f"s3://{bucket.name}/{bucket.prefix}".rstrip("/")
        config: S3Config = {"region": bucket.region, "checksum_algorithm": "SHA256"}
        if bucket.endpoint:
            config["endpoint"] = bucket.endpoint
        if bucket.key_id:
            config["access_key_id"], config["secret_access_key"] = bucket.key_id, bucket.secret
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=config,
            client_options={
                "connect_timeout": CONNECT_TIMEOUT,
                "timeout": TIMEOUT,
                "allow_http": bucket.endpoint.startswith("http:"),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT},
        )

    def put(self, key: str, octets: bytes) -> None:
        """See ``interface.Blobs.put``."""
        with self._speaking(f"keep {key}"):
            obstore.put(self._store, key, octets, use_multipart=False)

    def get(self, key: str) -> bytes:
        """See ``interface.Blobs.get``."""
        with self._speaking(f"read {key}"):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError as error:
                raise BlobMissing(key, self.url) from error

    def sweep(self, now_ms: int) -> int:
        """See ``interface.Blobs.sweep``."""
        with self._speaking("sweep"):
            found = obstore.list_with_delimiter(self._store)["common_prefixes"]
            past = [day for day in found if is_past(day.rpartition("/")[2], now_ms)]
            for day in past:
                for batch in obstore.list(self._store, day):
                    obstore.delete(self._store, [entry["path"] for entry in batch])
            return len(past)

    def check(self) -> None:
        """See ``interface.Blobs.check``."""
        with self._speaking("list"):
            obstore.list_with_delimiter(self._store)

    @contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Errors of the library as ours."""
        try:
            yield
        except (BaseError, OSError) as error:
            why = " ".join(str(error).split("\n\nDebug source:")[0].split())
            raise BlobError(f"cannot {what} at {self.url}: {why[:300]}") from error
