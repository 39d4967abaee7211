"""Requests and replies of the control API, version 1, by subject, and what its server needs of the agent.

Fields are added, never changed or removed within a version; readers ignore fields they do not know. Ages (`_s`) are
seconds before the reply was made, `wall` is Unix seconds.
"""

from edge_agent.control.types.agent import Agent
from edge_agent.control.types.base import API_VERSION, Ask, Failure, Nothing, Part, Reply, decode, encode, pretty, query
from edge_agent.control.types.consent import Consent, Decide, Purpose
from edge_agent.control.types.findings import Finding, Findings
from edge_agent.control.types.help import (
    LONGEST_HOLD_S,
    LONGEST_PLAY_S,
    LONGEST_TEXT,
    USUAL_HOLD_S,
    Answer,
    Case,
    Help,
    HelpTest,
    Lamp,
    Next,
    Note,
    Play,
    Press,
    Question,
    Say,
    Step,
)
from edge_agent.control.types.live import GAP, LIVE_KINDS, Gap, Live, live
from edge_agent.control.types.onsite import MOST_LINES, Frame, InForce, Log, OfDevice, Raw, Tail, Watch
from edge_agent.control.types.selftest import Examine, Probed, SelfTest
from edge_agent.control.types.state import Channel, Channels, Device, Lane, Queue, Status

__all__ = [
    "API_VERSION",
    "GAP",
    "LIVE_KINDS",
    "LONGEST_HOLD_S",
    "LONGEST_PLAY_S",
    "LONGEST_TEXT",
    "MOST_LINES",
    "USUAL_HOLD_S",
    "Agent",
    "Answer",
    "Ask",
    "Case",
    "Channel",
    "Channels",
    "Consent",
    "Decide",
    "Device",
    "Examine",
    "Failure",
    "Finding",
    "Findings",
    "Frame",
    "Gap",
    "Help",
    "HelpTest",
    "InForce",
    "Lamp",
    "Lane",
    "Live",
    "Log",
    "Next",
    "Note",
    "Nothing",
    "OfDevice",
    "Part",
    "Play",
    "Press",
    "Probed",
    "Purpose",
    "Question",
    "Queue",
    "Raw",
    "Reply",
    "Say",
    "SelfTest",
    "Status",
    "Step",
    "Tail",
    "Watch",
    "decode",
    "encode",
    "live",
    "pretty",
    "query",
]
