"""FastEmailNet: mail in, once out, with a receipt anyone can check. This package knows nothing of Ray."""

__version__ = "0.1.0"
