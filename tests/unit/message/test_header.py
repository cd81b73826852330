"""The header block, read tolerantly."""

from fastemailnet.message.header import fields, first, split, split_where_it_ends

RAW = b"From: a@b\r\nReceived: one\r\nX-Fold: a\r\n\tb\r\n c\r\nreceived : two\r\nno field\r\nSubject: \xc3\xbc\r\n\r\nbody: x\r\n"


def test_fields_by_name() -> None:
    found = fields(split(RAW)[0])
    assert [field.value for field in found if field.name.lower() == "received"] == ["one", "two"]
    assert first(found, "x-fold") == "a\tb c"
    assert first(found, "Subject") == "ü"
    assert first(found, "Date") == ""


def test_the_body_begins_after_the_first_empty_line() -> None:
    block, offset = split(RAW)
    assert RAW[offset:] == b"body: x\r\n"
    assert block.endswith(b"\xbc")
    assert split(b"\r\nbody") == (b"", 2)
    assert split(b"\nbody") == (b"", 1)
    assert split(b"A: b\n\r\nbody") == (b"A: b", 7)
    assert split(b"A: b\n\nbody\r\n\r\nmore") == (b"A: b", 6)
    assert split(b"A: b\r\n") == (b"A: b\r\n", 6)
    assert split(b"") == (b"", 0)


def test_a_header_without_an_empty_line_ends_where_no_field_can_be() -> None:
    raw = b"From x@y Mon Jan 1\r\nA: b\r\nthis is text\r\nand more\r\n\r\nlast"
    assert raw[split_where_it_ends(raw)[1] :].startswith(b"this is text")
    assert split_where_it_ends(RAW) == split(RAW)
    assert split_where_it_ends(b"only text\r\nand more\r\n\r\nlast") == (b"", 0)
    assert split_where_it_ends(b"A: b\r\n \r\n--text\r\n\r\nlast")[0] == b"A: b\r\n"
