"""Tickets for artifacts as lib/io/blob/ticket.h has them: made by whoever has a grant, such as a coordinator."""

import hashlib
import hmac
import time

import rpc

DAY = 24 * 3600


def ticket(grant, digest, consumer="", until=None):
    """For this agent (none: the coordinator), until then: seconds since 1970; None: for ever."""
    expires_at_us = int(until * 1_000_000) if until else 0
    text = f"{expires_at_us} {consumer} {digest.sha256}:{digest.size_bytes}"
    proof = hmac.new(grant.encode(), text.encode(), hashlib.sha256).hexdigest()
    return rpc.types.BlobTicket(consumer=consumer, expires_at_us=expires_at_us, proof=proof)


def fresh(artifact, consumer=""):
    """A good one for what was published."""
    return ticket(artifact.grant, artifact.digest, consumer, time.time() + DAY)
