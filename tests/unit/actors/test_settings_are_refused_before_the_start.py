"""What only a started process could refuse is refused before anything starts, in one line."""

import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from actors import build
from actors.bodies import ALL_INLINE, INLINE_OCTETS
from fastemailnet.config import load
from fastemailnet.errors import ConfigError, FleetError
from tests.integration.tls_world import Authority

FREE = {f"FASTEMAILNET_{key}": "0" for key in ("GATEWAY__HTTP_PORT", "GATEWAY__SMTP_PORT", "SANDBOX__SMTP_PORT")}


def check(tmp_path: Path, **environ: str) -> None:
    given = {f"FASTEMAILNET_{key}": value for key, value in environ.items()}
    build.check(load(None, {"FASTEMAILNET_FLEET__DATA": str(tmp_path), **FREE, **given}))


@pytest.mark.parametrize("name", ["dkim.pem", "unsubscribe.key"])
def test_good_settings_pass_and_a_key_is_made_once(tmp_path: Path, name: str) -> None:
    check(tmp_path)
    made = (tmp_path / name).read_bytes()
    check(tmp_path)
    assert (tmp_path / name).read_bytes() == made
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_key_of_unsubscription_that_is_not_whole_is_named(tmp_path: Path) -> None:
    (tmp_path / "unsubscribe.key").write_bytes(b"k" * 63)
    with pytest.raises(ConfigError, match=r"unsubscribe\.key.*64 octets"):
        check(tmp_path)


@pytest.mark.parametrize("key", ["GATEWAY__HTTP_PORT", "GATEWAY__SMTP_PORT", "SANDBOX__SMTP_PORT"])
def test_a_taken_port_is_named(tmp_path: Path, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FleetError, match=f"port {port}"):
            check(tmp_path, **{key: str(port)})


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("DKIM__KEY_FILE", "dkim.key_file"),
        ("CLASSIFIER__MODEL", "classifier.model"),
        ("ROUTE__PASSWORD_FILE", "route.password_file"),
        ("BLOBS__SECRET_KEY_FILE", "blobs.secret_key_file"),
        ("GATEWAY__TENANTS", "gateway.tenants"),
        ("GATEWAY__CERTIFICATE_FILE", "gateway.certificate_file"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path, key: str, names: str) -> None:
    smarthost = {"ROUTE__KIND": "smarthost", "ROUTE__HOST": "mx.example", "BLOBS__URL": "s3://bucket"}
    with pytest.raises(ConfigError, match=names):
        check(tmp_path, **smarthost, **{key: str(tmp_path / "nowhere")})


def test_a_certificate_whose_key_is_locked_is_refused(tmp_path: Path) -> None:
    issued = Authority().issue("mail.example")
    locked = serialization.BestAvailableEncryption(b"secret")
    pem = issued.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    path = tmp_path / "server.pem"
    path.write_bytes(issued.pem())
    check(tmp_path, GATEWAY__CERTIFICATE_FILE=str(path))
    path.write_bytes(pem + issued.certificate.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(ConfigError, match=r"gateway\.certificate_file.*cannot be used"):
        check(tmp_path, GATEWAY__CERTIFICATE_FILE=str(path))


def test_a_store_of_bodies_that_cannot_be_used_is_refused_only_where_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    check(tmp_path, BLOBS__URL=f"file:{tmp_path}/file/blobs")
    with pytest.raises(ConfigError, match=r"blobs\.url.*cannot be used"):
        check(tmp_path, BLOBS__URL=f"file:{tmp_path}/file/blobs", BLOBS__INLINE_OCTETS="1000")
    check(tmp_path, BLOBS__INLINE_OCTETS="1000")
    assert (tmp_path / "blobs").is_dir()


@pytest.mark.parametrize(
    ("url", "octets", "inline"),
    [
        ("embedded:", "auto", ALL_INLINE),
        ("embedded:", "7", 7),
        ("kafka://127.0.0.1:1", "auto", INLINE_OCTETS),
        ("kafka://127.0.0.1:1", "0", ALL_INLINE),
    ],
)
def test_what_is_large_follows_the_log_unless_it_is_said(tmp_path: Path, url: str, octets: str, inline: int) -> None:
    given = {"FLEET__DATA": str(tmp_path), "LOG__URL": url, "BLOBS__INLINE_OCTETS": octets}
    settings = load(None, {f"FASTEMAILNET_{key}": value for key, value in given.items()})
    assert build.bodies(settings).inline_octets == inline
