"""A real Apache Kafka on loopback, for the tests and for trying it out: ``python -m tools.kafka --help``.

``jars`` fetches the broker once, ``prepare`` makes its starts quick, ``plan`` says what each broker's settings are,
``cluster`` starts, kills, freezes and stops them, ``certificates`` makes what TLS needs. The broker is Apache's own,
started by class name from its jars; there is nothing of it in this tree but a list (``pom.xml``).
"""
