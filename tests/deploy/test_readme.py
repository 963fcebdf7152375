"""deploy's pages say what is there: their links lead somewhere, and README's tables are compose's own."""

import json
import re

import pytest
import yaml

from tests.plays.scale_out.page import block, replace_block
from tests.support.deploy.docs import DEPLOY, OUTER, PAGES, ROOT, anchors, links, names, table

README = DEPLOY / "README.md"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
TLS = yaml.safe_load((DEPLOY / "compose.tls.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]


@pytest.mark.parametrize("page", [*PAGES, *OUTER], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def test_the_table_of_settings_is_env_example():
    example = (DEPLOY / ".env.example").read_text("utf-8")
    defaults = dict(re.findall(r"^#? ?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    said = {names(row[0])[0]: "".join(names(row[1])) for row in table(README, "Settings")}
    shown_only = {"COMPOSE_FILE": ""}  # an example of what to write, not a default
    assert said == defaults | shown_only


def test_the_table_of_secrets_is_composes():
    secrets = COMPOSE["secrets"] | TLS["secrets"]
    rows = {names(row[0])[0]: row for row in table(README, "Secrets")}
    assert set(rows) == set(secrets)
    for name, (_, file, services) in rows.items():
        assert secrets[name]["file"].endswith(f"/{names(file)[0]}"), name
        if name in COMPOSE["secrets"]:
            assert set(names(services)) == {service for service, one in SERVICES.items() if name in secrets_of(one)}, name


def secrets_of(service: dict) -> set[str]:
    return {secret if isinstance(secret, str) else secret["source"] for secret in service.get("secrets", ())}


def test_the_table_of_volumes_is_composes():
    assert {names(row[0])[0] for row in table(README, "Volumes")} == set(COMPOSE["volumes"])


def test_the_table_of_images_is_what_compose_builds():
    built = {one["image"].split(":")[0]: one["build"]["target"] for one in SERVICES.values() if "build" in one}
    assert {names(row[0])[0]: names(row[1])[0] for row in table(README, "Images")} == built


def test_the_table_of_ports_is_what_services_listen_on():
    rows = [(service, row[1]) for row in table(README, "Ports") for service in names(row[0])]
    assert {service for service, _ in rows} == set(SERVICES)
    stages = re.split(r"^FROM \S+ AS ", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    exposed = {stage.split("\n")[0]: re.findall(r"^EXPOSE (\d+)$", stage, re.MULTILINE) for stage in stages}
    scraped = (DEPLOY / "prometheus/prometheus.yaml").read_text("utf-8")
    redis = re.findall(r"port (\d+)", "".join((DEPLOY / f"redis/{name}.conf").read_text("utf-8") for name in ("redis", "tls")))
    for service, port in rows:
        published = [
            words.split(":")[-1] for one in (COMPOSE, TLS) for words in one["services"].get(service, {}).get("ports", ())
        ]
        by_config = port in redis if service == "redis" else f"{service}:{port}" in scraped
        image = COMPOSE["services"][service].get("build", {}).get("target", service)
        assert port in exposed.get(image, []) or port in published or by_config, f"{service} on {port}"


def test_the_story_told_is_the_one_recorded():
    account = json.loads((DEPLOY / "pictures/scale_out.json").read_text("utf-8"))["account"]
    assert account["balance"] == 0
    assert f"captured {account['captured']:,} = published {account['published']:,}" in block("scale-out", README)


def test_a_block_is_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    replace_block("x", "new \\1\n", page)
    assert page.read_text() == "before\n<!-- x: begin -->\nnew \\1\n<!-- x: end -->\nafter\n"
    with pytest.raises(ValueError, match="no block y"):
        replace_block("y", "", page)
