"""A secret gives its content to nobody who does not ask for it."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle

import testtools
from fixtures import FakeLogger
from hypothesis import given
from hypothesis import strategies as st

from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.values.instances import GuestMetadata

WORD = "correct-horse-battery"


class TestSecret(testtools.TestCase):
    @rules("SEC-1")
    def test_no_way_of_printing_shows_it(self) -> None:
        for secret in (Secret(WORD), Secret(WORD.encode())):
            metadata = GuestMetadata(hostname="a", user_data=secret, admin_password=secret)
            for holder in (secret, [secret], {"password": secret}, metadata):
                for text in (
                    repr(holder),
                    str(holder),
                    f"{holder}",
                    f"{holder!s:>40}",
                    " ".join(["x", str(holder)]),
                ):
                    self.assertNotIn(WORD, text)
                    self.assertIn("***", text)

    @rules("SEC-1")
    def test_no_log_shows_it(self) -> None:
        log = self.useFixture(FakeLogger())
        logging.getLogger("test").warning("logging in with %s and %r", Secret(WORD), Secret(WORD))
        self.assertNotIn(WORD, log.output)
        self.assertIn("***", log.output)

    @rules("SEC-1", "SEC-2")
    def test_it_is_not_serialised(self) -> None:
        secret = Secret(WORD)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            error = self.assertRaises(TypeError, pickle.dumps, secret, protocol)
            self.assertNotIn(WORD, str(error))
        self.assertRaises(TypeError, json.dumps, secret)
        self.assertRaises(TypeError, copy.deepcopy, secret)
        self.assertRaises(TypeError, vars, secret)
        metadata = GuestMetadata(hostname="a", admin_password=secret)
        self.assertRaises(TypeError, dataclasses.asdict, metadata)

    @given(st.text())
    def test_only_reveal_gives_it_out(self, content: str) -> None:
        try:
            encoded = content.encode()
        except UnicodeEncodeError:
            self.assertRaises(UnicodeEncodeError, Secret(content).reveal)
            return
        self.assertEqual(encoded, Secret(content).reveal())
        self.assertEqual(Secret(content), Secret(encoded))
        self.assertEqual(hash(Secret(content)), hash(Secret(encoded)))
        self.assertNotEqual(Secret(content), Secret(content + "x"))
        self.assertNotEqual(Secret(content), content)
