"""Virtual TPMs."""

from __future__ import annotations

import testtools
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings, Tpm, TpmModel

from nova_virt_vmware.devices import firmware_name
from nova_virt_vmware.keys import added_tpm, check_tpm, has_tpm


class TestTpm(testtools.TestCase):
    """check_tpm, added_tpm, has_tpm."""

    def test_what_vsphere_does_not_make_is_refused(self) -> None:
        for settings, field in (
            (GuestSettings(tpm=Tpm(model=TpmModel.CRB)), "settings.tpm.model"),
            (GuestSettings(tpm=Tpm(), firmware=Firmware.BIOS), "settings.tpm"),
        ):
            error = self.assertRaises(Unsupported, check_tpm, settings)
            self.assertEqual(field, error.field)

    def test_it_comes_with_uefi(self) -> None:
        settings = GuestSettings(tpm=Tpm())
        check_tpm(settings)
        self.assertEqual("efi", firmware_name(settings))
        (change,) = added_tpm(settings)
        self.assertTrue(has_tpm([change.device]))
        self.assertEqual([], added_tpm(GuestSettings()))
        self.assertFalse(has_tpm([]))
