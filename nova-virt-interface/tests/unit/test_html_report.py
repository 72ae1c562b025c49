"""The page of a run: what it shows, and what cannot break it."""

from __future__ import annotations

from html.parser import HTMLParser

import testtools
from hypothesis import given
from hypothesis import strategies as st

from nova_virt_interface.testing.harness import Backend, BackendKind
from nova_virt_interface.testing.html_report import as_html
from nova_virt_interface.testing.results import Record, Status
from unit.test_report import BACKEND, RECORDS, run_of

CREATE = "IHypervisor.create_vm"
OPERATIONS = ("IHypervisor.create_vm", "IPause.pause_vm", "IVirtDriver.spawn", "INobody.knows")


class Page(HTMLParser):
    """A page as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.links: list[str] = []
        self.row: list[tuple[str, str, str]] = []
        self.rows: dict[str, list[tuple[str, str, str]]] = {}
        self.words = ""
        self._cell: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.targets += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if "href" in found else []
        if tag == "tr":
            self.row = []
        if tag in ("td", "th"):
            self._cell, self.words = found, ""

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            look = [self._cell.get(name) or "" for name in ("class", "title")]
            self.row.append((self.words, look[0], look[1]))
        if tag == "tr":
            self.rows[self.row[0][0]] = self.row[1:]


def record(status: Status, *operations: str, seen: str = "") -> Record:
    return Record(
        test=f"A.test_{status.value}",
        status=status,
        operations=operations,
        reason=seen,
        evidence=seen,
    )


class TestPage(testtools.TestCase):
    def test_a_cell_counts_how_the_tests_of_its_operation_ended(self) -> None:
        [well, badly] = (
            run_of([record(Status.PASS, CREATE), *more])
            for more in ((record(Status.SKIP, CREATE),), (record(Status.FAIL, CREATE),))
        )
        page = Page(as_html([well, badly]))
        self.assertEqual(
            [("1 pass, 1 skip", "pass", ""), ("1 pass, 1 fail", "fail", "")], page.rows[CREATE]
        )

    def test_what_was_not_asked_and_what_is_not_provided_are_no_passes(self) -> None:
        run = run_of([record(Status.PASS, "IHypervisor.close")])
        run.provided = {"IHypervisor"}
        run.not_provided = {"IPause": 'it "knows" no pause'}
        page = Page(as_html([run]))
        self.assertEqual([("no test asked for it", "none", "")], page.rows[CREATE])
        self.assertEqual(
            [("not provided", "none", 'it "knows" no pause')], page.rows["IPause.pause_vm"]
        )

    def test_every_operation_has_a_row_and_every_backend_says_what_it_is(self) -> None:
        simulated = Backend(name="vmm", version="1", kind=BackendKind.SIMULATED)
        page = Page(as_html([run_of([]), run_of([], backend=simulated), run_of([], backend=None)]))
        heads = [words for words, _, _ in page.rows["operation"]]
        for word, head in zip(("real", "simulated", "not run"), heads, strict=True):
            self.assertIn(word, head)
        for operation in OPERATIONS[:3]:
            self.assertIn(operation, page.rows)
        self.assertNotIn("INobody.knows", page.rows)

    @given(st.lists(st.tuples(RECORDS, st.sets(st.sampled_from(OPERATIONS))), max_size=5))
    def test_every_link_leads_to_its_one_target(self, made: list[tuple[Record, set[str]]]) -> None:
        records = [
            Record(test=one.test, status=one.status, reason=one.reason, operations=tuple(used))
            for one, used in made
        ]
        page = Page(as_html([run_of(records), run_of(records[:2])]))
        self.assertEqual(len(page.targets), len(set(page.targets)))
        self.assertEqual(set(), {link.removeprefix("#") for link in page.links} - {*page.targets})

    @given(st.text())
    def test_nothing_that_was_seen_becomes_a_part_of_the_page(self, text: str) -> None:
        hostile = f"</pre></style><script>alert('{text}')</script>"
        backend = Backend(name=hostile, version=hostile, kind=BackendKind.REAL)
        run = run_of([record(Status.FAIL, CREATE, seen=hostile)], backend=backend)
        run.not_provided = {"IPause": hostile}
        plain = run_of([record(Status.FAIL, CREATE, seen="x")], backend=BACKEND)
        plain.not_provided = {"IPause": "x"}
        self.assertEqual(Page(as_html([plain])).tags, Page(as_html([run])).tags)
