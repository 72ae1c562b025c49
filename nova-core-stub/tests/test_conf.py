from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import fixtures
import testtools
from distributions import Distribution
from nova_virt_interface.errors import InvalidRequest
from oslo_config import cfg

from nova_core_stub import conf as conf_

GENERATE = "from oslo_config.generator import main; main()"
HERE = Path(__file__).parent

DRIVER_OPTIONS = """
from oslo_config import cfg

def list_opts():
    return [("shiny", [cfg.StrOpt("shiny_address", secret=True, help="Where it is.")])]
"""


class ConfTest(testtools.TestCase):
    def conf(self, text: str = "") -> cfg.ConfigOpts:
        path = self.useFixture(fixtures.TempDir()).join("test.conf")
        Path(path).write_text(text)
        conf = cfg.ConfigOpts()
        conf_.register(conf)
        conf(["--config-file", path])
        return conf

    def test_a_backend_is_named_by_option_or_configuration(self) -> None:
        conf = self.conf("[nova_core_stub]\nbackend = one\n")
        self.assertEqual("one", conf_.backend_named(conf))
        self.assertEqual("two", conf_.backend_named(conf, "two"))
        error = self.assertRaises(InvalidRequest, conf_.backend_named, self.conf())
        self.assertIn("--backend", error.remedy)

    def test_a_section_names_its_driver_or_is_named_like_it(self) -> None:
        conf = self.conf("[a]\ndriver = shiny\n[shiny]\n")
        drivers = [conf_.driver_of(conf, name) for name in ("a", "shiny", "absent", "a")]
        self.assertEqual(["shiny", "shiny", "absent", "shiny"], drivers)

    def generated(self, *arguments: str, path: str = "") -> str:
        target = self.useFixture(fixtures.TempDir()).join("sample")
        command = [sys.executable, "-c", GENERATE, *arguments, "--output-file", target]
        environment: dict[str, Any] = {"PYTHONPATH": path} if path else {}
        for name, value in environment.items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        subprocess.run(command, check=True, capture_output=True, cwd=HERE.parent)
        return Path(target).read_text()

    def test_the_sample_in_the_repository_is_the_generated_one(self) -> None:
        sample = self.generated("--config-file", "etc/oslo-config-generator.conf")
        self.assertEqual((HERE.parent / "etc" / "nova-core-stub.conf.sample").read_text(), sample)

    def test_a_drivers_own_options_appear_beside_cores(self) -> None:
        entry_points = {"oslo.config.opts": {"nova_virt_shiny": "d_shiny:list_opts"}}
        shiny = self.useFixture(Distribution("p-shiny", entry_points, {"d_shiny": DRIVER_OPTIONS}))
        namespaces = ("--namespace", "nova_core_stub", "--namespace", "nova_virt_shiny")
        sample = self.generated(*namespaces, path=str(shiny.folder))
        for text in (
            "[nova_core_stub]",
            "#backend =",
            "[shiny]",
            "#shiny_address =",
            "Where it is.",
        ):
            self.assertIn(text, sample)
