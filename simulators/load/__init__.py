"""Load: a fleet of any size that sends as fast as it is taken or at a set rate; every message can be told again.

`plan` says who sends; `stamped` makes messages that carry sequence and send time, as they are sent.
"""

from simulators.load.plan import FACTORS, LIMITS, SITE, device_name, inventory, json_messages, topic
from simulators.load.stamped import Codec, Schedule, stamped_chunks

__all__ = [
    "FACTORS",
    "LIMITS",
    "SITE",
    "Codec",
    "Schedule",
    "device_name",
    "inventory",
    "json_messages",
    "stamped_chunks",
    "topic",
]
