"""Reasons name the part, the link and what was hidden; any octets give some reasons or none."""

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.message.explain import MAX_FINDINGS, explain

HEAD = b"From: Bank <a@bank.example>\r\nSubject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


def test_a_link_is_shown_with_its_text_and_its_trick() -> None:
    found = explain(HEAD + b"<a href='http://10.2.3.4/x'>www.bank.example</a>")
    assert any("“www.bank.example” → http://10.2.3.4/x" in finding.what for finding in found)
    assert all(finding.where == "part 1 (text/html)" for finding in found)


def test_answers_that_leave_the_sender_s_organisation_are_told() -> None:
    away = explain(b"From: Boss <a@corp.example>\r\nReply-To: boss@freemail.example\r\n\r\nAre you there?\r\n")
    assert [(one.where, one.what) for one in away] == [
        ("Reply-To", "answers go to freemail.example, not to corp.example")
    ]
    assert explain(b"From: a@news.corp.example\r\nReply-To: b@corp.example\r\n\r\nHello\r\n") == []


def test_hidden_text_is_quoted() -> None:
    hidden = b"<div style='display:none'>" + b"minutes of the meeting " * 20 + b"</div><p>buy"
    assert any("no reader sees: “minutes of the meeting" in finding.what for finding in explain(HEAD + hidden))


def test_pictures_without_words_free_hosting_and_risky_files_are_named() -> None:
    boundary = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    page = b"Content-Type: text/html\r\n\r\n<a href='https://x.web.app/'><img src=y.png></a>\r\n--b\r\n"
    file = b'Content-Type: text/html; name="form.html"\r\nContent-Disposition: attachment; filename="form.html"\r\n\r\nx\r\n--b--\r\n'
    text = "\n".join(f"{f.where}: {f.what}" for f in explain(b"From: a@b.example\r\n" + boundary + page + file))
    assert "nearly nothing but pictures" in text
    assert "for free" in text
    assert "form.html can run or show a page" in text


def test_honest_mail_has_no_finding() -> None:
    assert explain(b"From: a@b.example\r\nSubject: Lunch\r\n\r\nAt twelve? https://b.example/menu\r\n") == []


@given(st.binary(max_size=400))
def test_any_octets(raw: bytes) -> None:
    assert len(explain(raw)) <= MAX_FINDINGS
    assert len(explain(HEAD + raw)) <= MAX_FINDINGS
