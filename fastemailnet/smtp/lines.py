"""MAIL and RCPT as a client writes them, with the parameters that the peer offers (RFC 1845, 1870, 3461, 6152, 6531, 8689)."""

from fastemailnet.envelope import Recipient, TlsWish
from fastemailnet.smtp.exchange import Transaction
from fastemailnet.smtp.extension import Capabilities


def mail_line(transaction: Transaction, offers: Capabilities, transid: str) -> bytes:
    """MAIL FROM of a transaction; ``transid`` "": it is not named."""
    words = [f"MAIL FROM:<{transaction.reverse_path}>"]
    if offers.size is not None:
        words.append(f"SIZE={len(transaction.content)}")
    if offers.eight_bit and not transaction.content.isascii():
        words.append("BODY=8BITMIME")
    if transaction.smtputf8:
        words.append("SMTPUTF8")
    if transaction.tls is TlsWish.REQUIRED:
        words.append("REQUIRETLS")
    if transid:
        words.append(f"TRANSID=<{transid}>")
    if offers.dsn and transaction.reporting is not None:
        ret, envid = transaction.reporting.ret, transaction.reporting.envid
        words += [f"RET={ret}"] * bool(ret) + [f"ENVID={envid}"] * bool(envid)
    return (" ".join(words) + "\r\n").encode()


def rcpt_line(recipient: Recipient, offers: Capabilities) -> bytes:
    """RCPT TO of a recipient."""
    words = [f"RCPT TO:<{recipient.address}>"]
    if offers.dsn:
        words += [f"NOTIFY={recipient.notify}"] * bool(recipient.notify)
        words += [f"ORCPT={recipient.orcpt}"] * bool(recipient.orcpt)
    return (" ".join(words) + "\r\n").encode()
