"""A small client for WMI over WS-Management: queries, methods and the jobs that these start."""

from __future__ import annotations

import logging
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Cancelled, DeadlineExceeded
from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan, WSManAction

from nova_virt_hyperv.cim import (
    VIRTUALIZATION,
    Instance,
    Reference,
    class_uri,
    parameters,
    read_instance,
    read_reference,
)
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.faults import Refusal
from nova_virt_hyperv.session import Session, send

__all__ = ["Wmi"]

_log = logging.getLogger(__name__)

_WSEN = f"{{{NAMESPACES['wsen']}}}"
_WSMAN = f"{{{NAMESPACES['wsman']}}}"
_WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_PAGE_ITEMS = 100
_STARTED = 4096
# Msvm_ConcreteJob.JobState: completed; the last one is documented by os-win, not by Microsoft.
_FINISHED = range(7, 12)
_COMPLETED = (7, 32768)
# Terminated, killed.
_ENDED_BY_SOMEBODY = (8, 9)
_TERMINATE = 4
_FIRST_LOOK_SECONDS = 0.01
_NEXT_LOOK_SECONDS = 0.5
_ABANDON_SECONDS = 30.0

Parameter = str | int | bool | Reference | Instance


class Wmi:
    """Speaks to one host; safe from any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def query(
        self, wql: str, namespace: str = VIRTUALIZATION, about: About | None = None
    ) -> list[Instance]:
        """All instances that a WQL query finds; one request per page of a hundred or so."""
        with self._session.exchange(about) as client:
            found = _enumerate(client, class_uri("*", namespace), wql)
            return [read_instance(item) for item in found]

    def references(self, class_name: str, namespace: str = VIRTUALIZATION) -> list[Reference]:
        """The references of all instances of a class."""
        with self._session.exchange() as client:
            uri = class_uri(class_name, namespace)
            return [read_reference(item) for item in _enumerate(client, uri, None)]

    def get(self, reference: Reference, about: About | None = None) -> Instance:
        """One instance."""
        with self._session.exchange(about) as client:
            return _get(client, reference)

    def invoke(
        self,
        target: Reference,
        method: str,
        named: Sequence[tuple[str, Parameter]],
        *,
        about: About | None = None,
        changing: bool = True,
    ) -> Instance:
        """Call a method, wait for the job that it starts, and return its output.

        A call that is cancelled while the job runs asks the host to end it, and waits until it has
        ended, so that what it made can be removed.
        """
        with self._session.exchange(about, changing=changing) as client:
            output = _call(client, target, method, named)
            if output.number("ReturnValue") == _STARTED:
                self._wait(client, method, output.references("Job"))
            return output

    def start(
        self, target: Reference, method: str, named: Sequence[tuple[str, Parameter]], about: About
    ) -> Reference | None:
        """Call a method, and return the job that it started, if any, without waiting for it."""
        with self._session.exchange(about, changing=True) as client:
            jobs = _call(client, target, method, named).references("Job")
            return jobs[0] if jobs else None

    def watch(
        self, job: Reference, method: str, about: About, look: Callable[[Instance], None]
    ) -> bool:
        """Wait for a job, and show it now and then; says whether it was ended by somebody.

        Raises: what `invoke` raises for a job that failed, and what ``look`` does.
        """
        pause = _FIRST_LOOK_SECONDS
        with self._session.exchange(about, changing=True) as client:
            while True:
                found = _get(client, job)
                if found.number("JobState") in _ENDED_BY_SOMEBODY:
                    return True
                if found.number("JobState") in (*_FINISHED, *_COMPLETED):
                    _require_success(found, method)
                    return False
                look(found)
                time.sleep(pause)
                pause = min(2 * pause, _NEXT_LOOK_SECONDS)

    def end_job(self, job: Reference, about: About) -> None:
        """Ask a job to end, and wait until it has, one way or the other."""
        with self._session.exchange(about, changing=True) as client:
            _abandon(client, job)

    def _wait(self, client: WSMan, method: str, jobs: tuple[Reference, ...]) -> None:
        if not jobs:
            raise Refusal(method, _STARTED, "a job without a reference", was_job=True)
        try:
            job = _watch(client, jobs[0], current_call().wait)
        except (Cancelled, DeadlineExceeded) as error:
            error.may_have_been_done = True
            _abandon(client, jobs[0])
            raise
        _require_success(job, method)


def _call(
    client: WSMan, target: Reference, method: str, named: Sequence[tuple[str, Parameter]]
) -> Instance:
    body = ET.Element(f"{{{target.uri}}}{method}_INPUT")
    answer = send(
        client,
        f"{target.uri}/{method}",
        target.uri,
        parameters(body, target.uri, named),
        selector_set=_selectors(target),
    )
    output = read_instance(answer[0])
    code = output.number("ReturnValue")
    if code not in (0, _STARTED):
        raise Refusal(method, -1 if code is None else code)
    return output


def _require_success(job: Instance, method: str) -> None:
    if job.number("JobState") not in _COMPLETED or job.number("ErrorCode"):
        text = job.text("ErrorDescription") or job.text("JobStatus")
        raise Refusal(method, job.number("ErrorCode") or -1, text, was_job=True)


def _watch(client: WSMan, job: Reference, sleep: Callable[[float], None]) -> Instance:
    pause = _FIRST_LOOK_SECONDS
    while True:
        sleep(pause)
        found = _get(client, job)
        state = found.number("JobState")
        if state in _FINISHED or state in _COMPLETED:
            return found
        pause = min(2 * pause, _NEXT_LOOK_SECONDS)


def _abandon(client: WSMan, job: Reference) -> None:
    deadline = time.monotonic() + _ABANDON_SECONDS

    def sleep(seconds: float) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"job {job.key('InstanceID')} does not end")
        time.sleep(seconds)

    body = ET.Element(f"{{{job.uri}}}RequestStateChange_INPUT")
    parameters(body, job.uri, [("RequestedState", _TERMINATE)])
    action = f"{job.uri}/RequestStateChange"
    try:
        # Its return value does not matter: a job that cannot be ended comes to its own end.
        send(client, action, job.uri, body, selector_set=_selectors(job))
        _watch(client, job, sleep)
    except Exception:  # noqa: BLE001 - the caller's cancellation is what is to be reported
        _log.exception("job %s goes on after its call was cancelled", job.key("InstanceID"))


def _get(client: WSMan, reference: Reference) -> Instance:
    body = send(client, WSManAction.GET, reference.uri, None, selector_set=_selectors(reference))
    return read_instance(body[0])


def _selectors(reference: Reference) -> SelectorSet:
    found = SelectorSet()
    for name, text in reference.selectors:
        found.add_option(name, text)
    return found


def _enumerate(client: WSMan, uri: str, wql: str | None) -> Iterator[ET.Element]:
    """The items of an enumeration; without a query, the references of a class's instances."""
    body = ET.Element(f"{_WSEN}Enumerate")
    ET.SubElement(body, f"{_WSMAN}OptimizeEnumeration")
    ET.SubElement(body, f"{_WSMAN}MaxElements").text = str(_PAGE_ITEMS)
    if wql is None:
        ET.SubElement(body, f"{_WSMAN}EnumerationMode").text = "EnumerateEPR"
    else:
        ET.SubElement(body, f"{_WSMAN}Filter", Dialect=_WQL).text = wql
    page = send(client, WSManAction.ENUMERATE, uri, body)[0]
    while True:
        # The first page is in the namespace of WS-Management, the others in that of enumeration.
        for name in (f"{_WSMAN}Items", f"{_WSEN}Items"):
            yield from page.iterfind(f"{name}/*")
        ends = (page.find(f"{prefix}EndOfSequence") for prefix in (_WSMAN, _WSEN))
        if any(end is not None for end in ends):
            return
        context = page.findtext(f"{_WSEN}EnumerationContext")
        if not context:
            raise ET.ParseError("an enumeration neither ends nor can go on")
        body = ET.Element(f"{_WSEN}Pull")
        ET.SubElement(body, f"{_WSEN}EnumerationContext").text = context
        ET.SubElement(body, f"{_WSEN}MaxElements").text = str(_PAGE_ITEMS)
        page = send(client, WSManAction.PULL, uri, body)[0]
