"""Contract versions."""

from __future__ import annotations

import testtools
from hypothesis import example, given
from hypothesis import strategies as st

from nova_virt_interface.version import CONTRACT_VERSION, ContractVersion

NUMBERS = st.integers(min_value=0, max_value=10**6)
RELEASES = st.builds(ContractVersion, NUMBERS, NUMBERS)
DRAFTS = st.builds(ContractVersion, NUMBERS, NUMBERS, st.tuples(st.just(0), NUMBERS))
VERSIONS = RELEASES | DRAFTS


class TestContractVersion(testtools.TestCase):
    def test_this_contract_is_a_draft(self) -> None:
        self.assertTrue(ContractVersion.parse(CONTRACT_VERSION).is_draft)

    @given(VERSIONS)
    def test_what_is_written_is_read_back(self, version: ContractVersion) -> None:
        self.assertEqual(version, ContractVersion.parse(str(version)))

    @given(st.from_regex(r"\d+\.\d+(\.dev\d+)?", fullmatch=True) | st.text(max_size=12))
    @example("1\N{ARABIC-INDIC DIGIT THREE}.0")
    def test_a_text_is_refused_or_is_the_one_way_to_write_its_version(self, text: str) -> None:
        try:
            version = ContractVersion.parse(text)
        except ValueError as error:
            self.assertIn(repr(text), str(error))
        else:
            self.assertEqual(text, str(version))

    def test_other_notations_are_refused(self) -> None:
        for text in (
            "",
            "1",
            "1.0.0",
            "v1.0",
            "01.0",
            "1.00",
            "1.0dev1",
            "1.0.dev",
            "1.0\n",
            "1.-1",
        ):
            self.assertRaises(ValueError, ContractVersion.parse, text)

    @given(DRAFTS, NUMBERS)
    def test_a_draft_comes_before_its_release_and_after_the_one_before(
        self, draft: ContractVersion, number: int
    ) -> None:
        release = ContractVersion(draft.major, draft.minor)
        self.assertTrue(
            draft < release < ContractVersion(draft.major, draft.minor + 1, (0, number))
        )

    @given(RELEASES, RELEASES)
    def test_releases_are_ordered_as_pairs_of_numbers(
        self, one: ContractVersion, other: ContractVersion
    ) -> None:
        self.assertEqual((one.major, one.minor) < (other.major, other.minor), one < other)
