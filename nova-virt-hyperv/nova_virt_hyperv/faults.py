"""What Hyper-V says when it does not do what it is asked: faults, return values and failed jobs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

__all__ = ["Refusal", "WmiFault", "read_fault"]

_S = "{http://www.w3.org/2003/05/soap-envelope}"
_WSMAN_FAULT = "{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}"
_HRESULT = re.compile(r"0x([0-9a-fA-F]{8})")


class WmiFault(Exception):
    """A SOAP fault: the request was not carried out.

    Args:
        subcode: the fault's subcode without prefix, for instance ``DestinationUnreachable``.
        codes: all codes in it: of WS-Management, of WMI and of Windows.
        text: the host's words.
    """

    def __init__(self, subcode: str, codes: frozenset[int], text: str) -> None:
        super().__init__(subcode, text)
        self.subcode = subcode
        self.codes = codes
        self.text = text

    def __str__(self) -> str:
        codes = " ".join(f"0x{code:08X}" for code in sorted(self.codes))
        return f"fault {self.subcode} {codes}: {self.text}".strip()


class Refusal(Exception):
    """A method returned something other than success, or the job that it started failed.

    Args:
        method: the method's name.
        code: its return value, or the job's error code.
        text: the job's error description, which often ends with an HRESULT.
        was_job: whether a job had begun: then some of it may have been done.
    """

    def __init__(self, method: str, code: int, text: str = "", *, was_job: bool = False) -> None:
        super().__init__(method, code, text)
        self.method = method
        self.code = code
        self.text = text
        self.was_job = was_job

    @property
    def codes(self) -> frozenset[int]:
        """Its code, and the HRESULTs that its text names."""
        return frozenset({self.code, *(int(found, 16) for found in _HRESULT.findall(self.text))})

    def __str__(self) -> str:
        return f"{self.method} answered {self.code}: {self.text}".rstrip(": ")


def read_fault(text: str) -> WmiFault | None:
    """Read a fault from a response; None if it is no SOAP fault.

    pypsrp's own reader drops the subcode when there is a code, and everything that WMI itself says.
    """
    try:
        # It comes from the host; expat refuses amplification, no external entity is read.
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError:
        return None
    fault = root.find(f"{_S}Body/{_S}Fault")
    if fault is None:
        return None
    subcode = fault.findtext(f"{_S}Code/{_S}Subcode/{_S}Value", "").rpartition(":")[2]
    reason = (fault.findtext(f"{_S}Reason/{_S}Text") or "").strip()
    detail = fault.find(f"{_S}Detail")
    codes, words = _read_detail(detail) if detail is not None else (set(), [])
    spoken = list(dict.fromkeys([reason, *words]))
    return WmiFault(subcode, frozenset(codes), " ".join(filter(None, spoken)))


def _read_detail(detail: ET.Element) -> tuple[set[int], list[str]]:
    codes: set[int] = set()
    words: list[str] = []
    for element in detail.iter():
        name = element.tag.rpartition("}")[2]
        text = (element.text or "").strip()
        if element.tag == f"{_WSMAN_FAULT}WSManFault":
            codes |= _numbers(element.get("Code", ""))
        elif name in ("error_Code", "error_WindowsErrorMessageCode"):
            codes |= _numbers(text)
        elif name == "MessageID":
            codes |= {int(found, 16) for found in _HRESULT.findall(text)}
        elif name in ("Message", "Description", "error_WindowsErrorMessage", "ProviderFault"):
            words += [text]
    return codes, words


def _numbers(text: str) -> set[int]:
    return {int(text)} if text.isdigit() else set()
