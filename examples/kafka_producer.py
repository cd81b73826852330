"""Put messages on a mail stream with a plain Kafka client; the schema is in docs/kafka.md.

    python examples/kafka_producer.py --bootstrap HOST:PORT [--prefix TEXT] [--lane LANE] [--from ADDRESS] [--to ADDRESS]… FILE…

Prints where each record stands and the id that `fastemailnet trace` knows it by. Nothing here but the id needs FastEmailNet.
"""

import argparse
from pathlib import Path

from kafka import KafkaProducer

from fastemailnet import ids

TIMEOUT_S = 30


def headers(sender: str | None, recipients: list[str]) -> list[tuple[str, bytes]]:
    """The envelope; what is not given comes from the message's own From, To, Cc and Bcc."""
    found = [("fen-to", recipient.encode()) for recipient in recipients]
    return found if sender is None else [("fen-from", sender.encode()), *found]


def producer(bootstrap: str) -> KafkaProducer:
    """A producer that loses nothing and, by the broker's sequence numbers, repeats nothing when it tries again."""
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)


def main() -> None:
    """Produce the files, wait for the broker's word on each, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", default="", help="of the fleet's topics, as in its log.url")
    parser.add_argument("--lane", default="standard", choices=["transactional", "standard", "bulk"])
    parser.add_argument("--from", dest="sender", help='reverse-path; "" is the null reverse-path')
    parser.add_argument("--to", action="append", default=[], help="recipient")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    given = parser.parse_args()
    kafka = producer(given.bootstrap)
    envelope = headers(given.sender, given.to)
    topic = f"{given.prefix}mail.{given.lane}"
    on_their_way = [kafka.send(topic, path.read_bytes(), headers=envelope) for path in given.files]
    for path, sent in zip(given.files, on_their_way, strict=True):
        where = sent.get(TIMEOUT_S)  # raises what went wrong
        place = f"mail.{given.lane}/{where.partition}@{where.offset}"
        print(f"{ids.to_text(ids.of_record(where.timestamp, place))}  {place}  {path}")
    kafka.close()


if __name__ == "__main__":
    main()
