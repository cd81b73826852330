"""The octets of a message on the wire: dot stuffing (RFC 5321 section 4.5.2) and its reverse, on whole buffers."""

END = b".\r\n"


def stuff(content: bytes) -> bytes:
    """The content as DATA carries it, without the end; it ends in CRLF or is empty. A dot that begins a line is doubled."""
    if content.startswith(b"."):
        content = b"." + content
    if b"\r\n." in content:
        content = content.replace(b"\r\n.", b"\r\n..")
    return content if not content or content.endswith(b"\r\n") else content + b"\r\n"


def unstuff(data: bytes) -> bytes:
    """The content from what DATA carried before the end."""
    if data.startswith(b"."):
        data = data[1:]
    return data.replace(b"\r\n.", b"\r\n") if b"\r\n." in data else data


def bare_line_end(content: bytes) -> int:
    """The offset of the first CR without LF or LF without CR, or -1 (SMTP smuggling, CVE-2023-51764)."""
    pairs = content.count(b"\r\n")
    if content.count(b"\n") == pairs and content.count(b"\r") == pairs:
        return -1
    at = 0
    while True:
        carriage, feed = content.find(b"\r", at), content.find(b"\n", at)
        if carriage < 0 or (0 <= feed < carriage):
            return feed
        if feed != carriage + 1:
            return carriage
        at = feed + 1
