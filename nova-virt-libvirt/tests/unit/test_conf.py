"""Options become frozen settings; what is wrong is named."""

from __future__ import annotations

import dataclasses

import testtools
from fixtures import TempDir
from nova_virt_interface.errors import InvalidRequest
from oslo_config import cfg

from nova_virt_libvirt.conf import Settings, list_opts
from nova_virt_libvirt.hypervisor import LibvirtFactory


def configured(**values: object) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    LibvirtFactory().settings_from(conf, "one")
    for name, content in values.items():
        conf.set_override(name, content, group="one")
    return conf


class TestConf(testtools.TestCase):
    def test_defaults_of_options_and_settings_agree(self) -> None:
        self.assertEqual(Settings(), LibvirtFactory().settings_from(configured(), "one"))
        ((_, options),) = list_opts()
        names = {field.name for field in dataclasses.fields(Settings)}
        self.assertEqual(names, {option.name for option in options})

    def test_groups_are_independent(self) -> None:
        conf = configured(owner="first")
        factory = LibvirtFactory()
        self.assertEqual("first", factory.settings_from(conf, "one").owner)
        self.assertEqual("nova", factory.settings_from(conf, "two").owner)

    def test_settings_are_frozen(self) -> None:
        self.assertRaises(dataclasses.FrozenInstanceError, setattr, Settings(), "uri", "x")

    def test_a_wrong_option_is_named(self) -> None:
        for name, content in (("owner", "a/b"), ("storage_pool", "../x"), ("storage_path", "rel")):
            with testtools.ExpectedException(InvalidRequest, f".*{name}.*"):
                Settings(**{name: content})  # type: ignore[arg-type]
        for name in ("owner", "virt_type", "keepalive_count"):
            path = self.write(f"[one]\n{name} = ///\n")
            broken = cfg.ConfigOpts()
            broken([], default_config_files=[path])
            error = self.assertRaises(InvalidRequest, LibvirtFactory().settings_from, broken, "one")
            self.assertIn(name, str(error))
            self.assertTrue(error.remedy)

    def write(self, text: str) -> str:
        path = f"{self.useFixture(TempDir()).path}/driver.conf"
        with open(path, "w") as file:
            file.write(text)
        return path
