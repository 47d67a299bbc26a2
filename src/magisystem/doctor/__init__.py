"""Finding out whether a path streams, and whether a machine is ready: measurements, what they mean, what to change.

Measuring (`probing`, `machine`) and judging (`diagnosis`) are apart: what is judged is plain data, so that every
judgement can be tested without the fault it is about. The command line draws what is found here. `machine` is not
imported with the rest: it loads all that serving needs.
"""

from magisystem.doctor.diagnosis import diagnose
from magisystem.doctor.findings import Advice, Diagnosis, Finding, Grade
from magisystem.doctor.probing import TRANSPORTS, Wanted, examine
from magisystem.doctor.refusals import diagnose_refusal
from magisystem.doctor.target import Target

__all__ = [
    "TRANSPORTS",
    "Advice",
    "Diagnosis",
    "Finding",
    "Grade",
    "Target",
    "Wanted",
    "diagnose",
    "diagnose_refusal",
    "examine",
]
