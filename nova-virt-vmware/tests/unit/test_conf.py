"""Options and settings."""

from __future__ import annotations

import testtools
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.secret import Secret
from oslo_config import cfg

from nova_virt_vmware.conf import Settings, list_opts, settings_from


def configured(**options: object) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf([], project="test", default_config_files=[])
    conf.register_opts(list_opts()[0][1], group="east")
    for name, value in options.items():
        conf.set_override(name, value, group="east")
    return conf


class TestSettings(testtools.TestCase):
    """settings_from."""

    def test_options_arrive(self) -> None:
        conf = configured(host="vc.example.org", username="u", password="hidden", cluster="c")
        settings = settings_from(conf, "east")
        self.assertEqual(
            ("vc.example.org", 443, "c"), (settings.host, settings.port, settings.cluster)
        )
        self.assertEqual(b"hidden", settings.password.reveal())
        self.assertTrue(settings.verify_certificate)

    def test_the_password_is_in_no_repr(self) -> None:
        settings = Settings(host="h", username="u", password=Secret("hidden"))
        self.assertNotIn("hidden", repr(settings))

    def test_what_is_missing_or_wrong_is_named(self) -> None:
        for more, field in (
            ({"username": "u"}, "host"),
            ({"host": "h"}, "username"),
        ):
            error = self.assertRaises(InvalidRequest, settings_from, configured(**more), "east")
            self.assertEqual(field, error.field)
        for owner in ("", "A", "a/b", "../x", "a" * 40):
            self.assertRaises(
                InvalidRequest, Settings, host="h", username="u", password=Secret("p"), owner=owner
            )

    def test_a_datastore_has_a_name_or_an_expression(self) -> None:
        known = {"host": "h", "username": "u", "password": Secret("p")}
        for wrong in (
            {"datastore": "a", "datastore_regex": "a.*"},
            {"datastore_regex": "a["},
        ):
            error = self.assertRaises(InvalidRequest, Settings, **known | wrong)
            self.assertEqual("datastore_regex", error.field)
        Settings(**known | {"datastore_regex": "^fast-[0-9]+$"})  # type: ignore[arg-type]

    def test_a_thumbprint_is_a_sha256(self) -> None:
        known = {"host": "h", "username": "u", "password": Secret("p")}
        for wrong in ("0" * 40, "0" * 63 + "g", "00:" * 31):
            error = self.assertRaises(InvalidRequest, Settings, **known, thumbprint=wrong)
            self.assertEqual("thumbprint", error.field)
        for good in ("aB" * 32, ":".join(["aB"] * 32)):
            Settings(**known | {"thumbprint": good})  # type: ignore[arg-type]

    def test_every_option_has_a_help_text(self) -> None:
        self.assertEqual([], [option.name for option in list_opts()[0][1] if not option.help])
