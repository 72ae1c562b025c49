"""The simulator refuses what the real thing refuses: broken requests do not pass unnoticed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import testtools
from fixtures import TempDir
from lxml import etree

from nova_virt_hyperv.testing.simulator import soap, vhdx, wql
from nova_virt_hyperv.testing.simulator.catalogue import simulate
from nova_virt_hyperv.testing.simulator.host import Configuration
from nova_virt_hyperv.testing.simulator.model import WsFault
from nova_virt_hyperv.testing.simulator.wsman import Service

_V2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2"
_VSMS = f"{_V2}/Msvm_VirtualSystemManagementService"
_IMAGES = f"{_V2}/Msvm_ImageManagementService"
_KEY = {"CreationClassName": "Msvm_VirtualSystemManagementService"}
_ENUMERATE = f"{soap.NS['n']}/Enumerate"
_PULL = f"{soap.NS['n']}/Pull"
_GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
_PUT = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Put"


def request(action: str, uri: str, body: str = "", **selectors: str) -> bytes:
    """An envelope as a client other than ours would write it."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in soap.NS.items())
    chosen = "".join(f'<w:Selector Name="{k}">{v}</w:Selector>' for k, v in selectors.items())
    return f"""<s:Envelope {spaces}><s:Header>
      <a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID><a:To>http://h/wsman</a:To>
      <a:ReplyTo><a:Address>{soap.NS["a"]}/role/anonymous</a:Address></a:ReplyTo>
      <w:ResourceURI>{uri}</w:ResourceURI><w:SelectorSet>{chosen}</w:SelectorSet>
      </s:Header><s:Body>{body}</s:Body></s:Envelope>""".encode()


class SimulatorTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.drive = Path(self.useFixture(TempDir()).path)
        (self.drive / "disks").mkdir()
        configuration = Configuration(name="H", drive=self.drive, job_seconds=0)
        self.service = Service(simulate(configuration).host)

    def ask(self, content: bytes) -> Any:
        """The element in the response's body."""
        answer = self.service.answer(soap.parse(content))
        root: Any = etree.fromstring(answer)
        return root.find("s:Body", soap.NS)[0]

    def invoke(self, method: str, given: str, uri: str = _VSMS, **selectors: str) -> str:
        """The return value of a method."""
        body = f'<p:{method}_INPUT xmlns:p="{uri}">{given}</p:{method}_INPUT>'
        output = self.ask(request(f"{uri}/{method}", uri, body, **(selectors or _KEY)))
        return str(output.findtext(f"{{{uri}}}ReturnValue"))

    def refused(self, subcode: str, content: bytes) -> WsFault:
        """The fault that a request ends in."""
        fault: WsFault = self.assertRaises(WsFault, self.ask, content)
        self.assertEqual(subcode, fault.subcode, fault.text)
        return fault

    def define(self, settings: str, resources: str = "") -> str:
        escaped = settings.replace("&", "&amp;").replace("<", "&lt;")
        return self.invoke(
            "DefineSystem", f"<p:SystemSettings>{escaped}</p:SystemSettings>{resources}"
        )


class TestEnvelopes(SimulatorTestCase):
    def test_broken_envelopes(self) -> None:
        good = request(_GET, f"{_V2}/Msvm_ComputerSystem", Name="H")
        self.ask(good)
        for old, new in (
            (b"<a:MessageID>uuid:1</a:MessageID>", b""),
            (b"<a:To>http://h/wsman</a:To>", b""),
            (b"</s:Envelope>", b""),
            (b"s:Envelope", b"s:Letter"),
        ):
            self.refused("w:SchemaValidationError", good.replace(old, new))
        strange = b'<x:New xmlns:x="urn:x" s:mustUnderstand="true"/></s:Header>'
        self.refused("s:MustUnderstand", good.replace(b"</s:Header>", strange))
        doctype = b'<!DOCTYPE x [<!ENTITY e "v">]>' + good
        self.refused("w:SchemaValidationError", doctype)

    def test_addresses(self) -> None:
        self.refused("a:DestinationUnreachable", request(_GET, "urn:nothing"))
        self.refused("a:DestinationUnreachable", request(_GET, f"{_V2}/Msvm_Nothing", Name="x"))
        elsewhere = _V2.replace("virtualization", "elsewhere")
        self.refused("a:DestinationUnreachable", request(_GET, f"{elsewhere}/X", Name="x"))
        system = f"{_V2}/Msvm_ComputerSystem"
        self.refused("w:InvalidSelectors", request(_GET, system))
        self.refused("w:InvalidSelectors", request(_GET, system, ElementName="H"))
        self.refused("a:DestinationUnreachable", request(_GET, system, Name="other"))
        self.refused("a:ActionNotSupported", request(f"{system}/Fly", system, Name="H"))

    def test_it_says_who_it_is_to_a_request_without_headers(self) -> None:
        uri = soap.NS["id"]
        body = f'<s:Body><i:Identify xmlns:i="{uri}"/></s:Body>'
        found = self.ask(f'<s:Envelope xmlns:s="{soap.NS["s"]}">{body}</s:Envelope>'.encode())
        self.assertEqual(f"{{{uri}}}IdentifyResponse", found.tag)
        self.assertIn("Stack: 3.0", found.findtext("id:ProductVersion", "", soap.NS))

    def test_what_a_put_changes(self) -> None:
        uri = f"{_V2.replace('virtualization/v2', 'cimv2')}/Win32_LogicalDisk"
        nil = 'i:nil="true"'

        def put(properties: str, name: str = "Win32_LogicalDisk") -> bytes:
            return request(
                _PUT, uri, f'<p:{name} xmlns:p="{uri}">{properties}</p:{name}>', DeviceID="C:"
            )

        label = "<p:VolumeName>data</p:VolumeName>"
        self.ask(put(f"{label}<p:Size>{4 * 1024**3}</p:Size><p:Purpose {nil}/>"))
        disk = self.ask(request(_GET, uri, DeviceID="C:"))
        self.assertEqual("data", disk.findtext(f"{{{uri}}}VolumeName"))
        fault = self.refused("w:InternalError", put("<p:Size>1</p:Size>"))
        self.assertEqual(0x80041023, fault.code)
        self.refused("w:InvalidParameter", put("<p:Weight>1</p:Weight>"))
        self.refused("w:SchemaValidationError", put(label, "Win32_Disk"))
        system = f"{_V2}/Msvm_ComputerSystem"
        body = f'<p:Msvm_ComputerSystem xmlns:p="{system}"/>'
        fault = self.refused("w:InternalError", request(_PUT, system, body, Name="H"))
        self.assertEqual(0x80041024, fault.code)

    def test_keys_fit_in_any_case_and_in_part(self) -> None:
        self.ask(request(_GET, f"{_V2}/msvm_computersystem", NAME="h"))
        self.assertEqual("0", self.invoke("GetSummaryInformation", ""))


class TestEnumerations(SimulatorTestCase):
    def enumerate(self, wql_text: str, more: str = "", uri: str = f"{_V2}/*") -> Any:
        dialect = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
        query = f'<w:Filter Dialect="{dialect}">{wql_text}</w:Filter>' if wql_text else ""
        return self.ask(request(_ENUMERATE, uri, f"<n:Enumerate>{query}{more}</n:Enumerate>"))

    def test_one_item_at_a_time(self) -> None:
        for _ in range(2):
            self.define('<INSTANCE CLASSNAME="Msvm_VirtualSystemSettingData"/>')
        first = self.enumerate("SELECT * FROM Msvm_ComputerSystem")
        self.assertIsNone(first.find("w:Items", soap.NS))
        context, items, ended = first.findtext("n:EnumerationContext", "", soap.NS), 0, False
        while not ended:
            pull = f"<n:Pull><n:EnumerationContext>{context}</n:EnumerationContext></n:Pull>"
            page = self.ask(request(_PULL, f"{_V2}/Msvm_ComputerSystem", pull))
            items += len(page.find("n:Items", soap.NS))
            ended = page.find("n:EndOfSequence", soap.NS) is not None
            self.assertLessEqual(len(page.find("n:Items", soap.NS)), 1)
            context = page.findtext("n:EnumerationContext", "", soap.NS)
        self.assertEqual(3, items)
        self.refused("n:InvalidEnumerationContext", request(_PULL, f"{_V2}/*", pull))

    def test_every_scalar_is_there_or_nil(self) -> None:
        optimized = "<w:OptimizeEnumeration/><w:MaxElements>9</w:MaxElements>"
        page = self.enumerate("SELECT * FROM Msvm_ComputerSystem", optimized)
        item = page.find("w:Items", soap.NS)[0]
        cls = simulate(Configuration(name="H", drive=self.drive)).host.cls("Msvm_ComputerSystem")
        names = {etree.QName(child).localname for child in item}
        scalars = {field.name for field in cls.properties.values() if not field.is_array}
        self.assertEqual(set(), scalars - names)
        self.assertEqual("true", item.find("{*}InstanceID").get(f"{{{soap.NS['i']}}}nil"))

    def test_bad_queries(self) -> None:
        for text in (
            "SELECT",
            "SELECT * FROM",
            "DELETE FROM X",
            "SELECT x FROM Msvm_ComputerSystem",
        ):
            query = f"<w:Filter Dialect='{_WQL}'>{text}</w:Filter>"
            body = f"<n:Enumerate>{query}</n:Enumerate>"
            self.refused("n:CannotProcessFilter", request(_ENUMERATE, f"{_V2}/*", body))
        other = "<n:Enumerate><w:Filter Dialect='urn:x'>y</w:Filter></n:Enumerate>"
        self.refused("n:FilterDialectRequestedUnavailable", request(_ENUMERATE, f"{_V2}/*", other))

    def test_a_query_belongs_to_the_star(self) -> None:
        query = "SELECT * FROM Msvm_ComputerSystem"
        body = f"<n:Enumerate><w:Filter Dialect='{_WQL}'>{query}</w:Filter></n:Enumerate>"
        content = request(_ENUMERATE, f"{_V2}/Msvm_ComputerSystem", body)
        self.refused("n:CannotProcessFilter", content)


_WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"


class TestMethods(SimulatorTestCase):
    def test_parameters_are_those_of_the_schema(self) -> None:
        for given in (
            "<p:Unknown>1</p:Unknown>",
            "<p:RequestedInformation>many</p:RequestedInformation>",
            "<p:RequestedInformation>-1</p:RequestedInformation>",
            "<p:SummaryInformation>x</p:SummaryInformation>",
            "<p:SettingData>x</p:SettingData>",
        ):
            body = (
                f'<p:GetSummaryInformation_INPUT xmlns:p="{_VSMS}">{given}'
                "</p:GetSummaryInformation_INPUT>"
            )
            content = request(f"{_VSMS}/GetSummaryInformation", _VSMS, body, **_KEY)
            self.refused("w:InvalidParameter", content)

    def test_embedded_instances_are_those_of_the_schema(self) -> None:
        start = '<INSTANCE CLASSNAME="Msvm_VirtualSystemSettingData">'
        self.assertEqual("0", self.define(f"<?xml version='1.0'?>\n{start}</INSTANCE>"))
        value = "<VALUE>x</VALUE></PROPERTY></INSTANCE>"
        for text, code in (
            ("no XML", "32773"),
            ('<INSTANCE CLASSNAME="Msvm_Nothing"/>', "32773"),
            ('<INSTANCE CLASSNAME="Msvm_MemorySettingData"/>', "32776"),
            (f'{start}<PROPERTY NAME="Nothing" TYPE="string">{value}', "32773"),
            (f'{start}<PROPERTY NAME="ElementName" TYPE="uint8">{value}', "32776"),
            (f'{start}<PROPERTY NAME="Notes" TYPE="string">{value}', "32776"),
            (f'{start}<PROPERTY NAME="BIOSNumLock" TYPE="boolean">{value}', "32776"),
            (f'{start}<PROPERTY NAME="VirtualSystemSubType" TYPE="string">{value}', "32773"),
        ):
            self.assertEqual(code, self.define(text), text)

    def test_states(self) -> None:
        self.define('<INSTANCE CLASSNAME="Msvm_VirtualSystemSettingData"/>')
        uri = f"{_V2}/Msvm_ComputerSystem"
        guid = next(
            iter(self.service._host.rows("root/virtualization/v2", "Msvm_VirtualSystemSettingData"))
        )
        name = guid["VirtualSystemIdentifier"]

        def change(state: int) -> str:
            given = f"<p:RequestedState>{state}</p:RequestedState>"
            return self.invoke("RequestStateChange", given, uri, Name=name)

        found = [change(state) for state in (3, 2, 2, 11, 9, 2, 6, 2, 3, 11, 99)]
        done, wrong = "0", "32775"
        self.assertEqual(
            [wrong, done, wrong, done, done, done, done, done, done, wrong, wrong], found
        )


class TestDisks(SimulatorTestCase):
    def create(self, **properties: tuple[str, str]) -> str:
        text = "".join(
            f'<PROPERTY NAME="{name}" TYPE="{kind}"><VALUE>{value}</VALUE></PROPERTY>'
            for name, (kind, value) in properties.items()
        )
        settings = f'<INSTANCE CLASSNAME="Msvm_VirtualHardDiskSettingData">{text}</INSTANCE>'
        escaped = settings.replace("<", "&lt;")
        given = f"<p:VirtualDiskSettingData>{escaped}</p:VirtualDiskSettingData>"
        return self.invoke("CreateVirtualHardDisk", given, _IMAGES, Name="vhdsvc")

    def test_what_is_made_is_a_real_vhdx(self) -> None:
        dynamic = {"Type": ("uint16", "3"), "Format": ("uint16", "3")}
        path, size = ("string", "C:\\disks\\a.vhdx"), ("uint64", str(8 * 1024**2))
        self.assertEqual("0", self.create(**dynamic, Path=path, MaxInternalSize=size))
        file = self.drive / "disks" / "a.vhdx"
        told = subprocess.run(["qemu-img", "info", file], capture_output=True, check=True)
        self.assertIn(b"virtual size: 8 MiB", told.stdout)
        self.assertEqual("32768", self.create(**dynamic, Path=path, MaxInternalSize=size))
        for wrong in (
            {**dynamic, "Path": path},
            {**dynamic, "Path": path, "MaxInternalSize": ("uint64", "1000")},
            {**dynamic, "Path": ("string", "C:\\disks\\a.raw"), "MaxInternalSize": size},
            {**dynamic, "Path": ("string", "..\\a.vhdx"), "MaxInternalSize": size},
        ):
            self.assertEqual("32773", self.create(**wrong), str(wrong))

    def test_a_child_names_its_parent(self) -> None:
        parent = self.drive / "disks" / "p.vhdx"
        vhdx.create(parent, 16 * 1024**2)
        child = {
            "Type": ("uint16", "4"),
            "Format": ("uint16", "3"),
            "Path": ("string", "C:\\disks\\c.vhdx"),
            "ParentPath": ("string", "C:\\DISKS\\P.vhdx"),
        }
        self.assertEqual("0", self.create(**child))
        found = vhdx.read(self.drive / "disks" / "c.vhdx")
        self.assertEqual((16 * 1024**2, "C:\\DISKS\\P.vhdx"), (found.size_bytes, found.parent_path))
        parent.unlink()
        child["Path"] = ("string", "C:\\disks\\d.vhdx")
        self.assertEqual("32779", self.create(**child))

    def test_qemus_files_are_read_and_damaged_ones_are_not(self) -> None:
        file = self.drive / "disks" / "q.vhdx"
        subprocess.run(["qemu-img", "create", "-q", "-f", "vhdx", file, "64M"], check=True)
        self.assertEqual(64 * 1024**2, vhdx.read(file).size_bytes)
        content = bytearray(file.read_bytes())
        for place in (0, 192 * 1024 + 20):
            content[place] ^= 0xFF
        content[256 * 1024 + 20] ^= 0xFF
        file.write_bytes(content)
        self.assertRaises(vhdx.NotVhdx, vhdx.read, file)


class TestWql(testtools.TestCase):
    def test_conditions(self) -> None:
        row = {"Name": "abc", "N": 5, "X": None, "Id": "Microsoft:G\\D"}
        for text, expected in (
            ("Name = 'ABC' AND N > 3", True),
            ("NOT (Name = 'x' OR N = 6)", True),
            ("X IS NULL AND Name IS NOT NULL", True),
            ("Id LIKE 'Microsoft:G\\\\%'", True),
            ("Id LIKE '%x%'", False),
            ("Name != __SERVER", True),
            ("N <= 4", False),
            ("N = 5 OR N = 6 AND Name = 'z'", True),
            ("Name = 'NULL'", False),
        ):
            query = wql.parse("SELECT * FROM C WHERE " + text, "HOST")  # noqa: S608 - the tests own
            assert isinstance(query, wql.Select)
            self.assertEqual(expected, query.matches(row), text)
