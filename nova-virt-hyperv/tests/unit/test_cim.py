"""What the driver writes is read by the simulator's own readers, and the other way round."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import testtools
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nova_virt_hyperv import cim
from nova_virt_hyperv.testing.simulator import embedded, soap, wql
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION
from nova_virt_hyperv.testing.simulator.model import Ref, Row
from nova_virt_hyperv.testing.simulator.schema import schema

_PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn")), min_size=1)
_SETTINGS = "Msvm_VirtualSystemSettingData"


class TestQueries(testtools.TestCase):
    @given(_PRINTABLE, _PRINTABLE)
    def test_a_text_in_a_query_means_itself(self, text: str, other: str) -> None:
        query = wql.parse(cim.select("C", cim.equals("Name", text)), "HOST")
        assert isinstance(query, wql.Select)
        self.assertTrue(query.matches({"Name": text}))
        self.assertEqual(text.lower() == other.lower(), query.matches({"Name": other}))

    @given(_PRINTABLE)
    def test_a_path_names_its_instance(self, text: str) -> None:
        reference = cim.Reference("Msvm_X", (("InstanceID", text),))
        path = wql.parse_path(cim.object_path("HOST", reference))
        self.assertEqual(
            ("HOST", "root/virtualization/v2", "Msvm_X", (("InstanceID", text),)),
            (path.host, path.namespace, path.class_name, path.keys),
        )


class TestEmbeddedInstances(testtools.TestCase):
    @given(_PRINTABLE, st.booleans(), st.lists(_PRINTABLE, min_size=1), st.integers(0, 65535))
    def test_what_is_written_is_read(
        self, name: str, flag: bool, notes: list[str], number: int
    ) -> None:
        text = cim.embedded(
            _SETTINGS,
            {
                "ElementName": name,
                "SecureBootEnabled": flag,
                "Notes": notes,
                "BootOrder": [cim.Number(number, "uint16")],
            },
        )
        row = embedded.read(text, schema(), VIRTUALIZATION, _SETTINGS)
        self.assertEqual(
            {
                "ElementName": name,
                "SecureBootEnabled": flag,
                "Notes": notes,
                "BootOrder": [number],
            },
            row.values,
        )
        back = cim.read_embedded(embedded.write(row))
        self.assertEqual((name, tuple(notes)), (back.text("ElementName"), back.texts("Notes")))


class TestItems(testtools.TestCase):
    def test_null_is_absent_and_arrays_are_whole(self) -> None:
        cls = schema().find(VIRTUALIZATION, _SETTINGS)
        assert cls is not None
        row = Row(cls, {"InstanceID": "Microsoft:X", "Notes": ["a", "b"], "BIOSNumLock": False})
        item = cim.read_instance(ET.fromstring(etree.tostring(soap.instance(row))))  # noqa: S314
        self.assertEqual(_SETTINGS, item.class_name)
        self.assertEqual(("a", "b"), item.texts("Notes"))
        self.assertEqual(
            ("false", "", None),
            (item.text("BIOSNumLock"), item.text("Caption"), item.number("DebugPort")),
        )

    def test_a_reference_survives(self) -> None:
        ref = Ref(VIRTUALIZATION, "Msvm_X", (("InstanceID", 'a"\\b'),))
        element = ET.fromstring(etree.tostring(soap.epr(ref)))  # noqa: S314
        found = cim.read_reference(element)
        self.assertEqual(
            (ref.class_name, ref.keys, ref.namespace),
            (found.class_name, found.selectors, found.namespace),
        )
