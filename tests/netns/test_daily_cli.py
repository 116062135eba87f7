"""What people do with a node besides being up: pauses, several logins over a restart, a configuration file,
reports, completion."""

import json
import re
import tarfile

from lab import CommandFailed, INTERNET, Lab, programs, wait_until
from mesh import Coordinator, Node


def refusal(node, *words):
    done = node.cli(*words, check=False)
    assert done.returncode != 0, f"{words} was accepted"
    return done.stderr


def test_a_pause_ends_by_itself():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        node = Node(lab.public_host("alpha", f"{INTERNET}.2"), coordinator)
        steps = [json.loads(line) for line in node.up(coordinator.add_key(), "--json=events").stdout.splitlines()]
        assert [step["Step"] for step in steps] == ["server", "logged-in", "network", "running"], steps
        address = node.ip
        assert steps[0]["Server"] == coordinator.url and steps[-1]["Addresses"][0] == address, steps
        again = node.cli("up", "--json=events").stdout
        assert json.loads(again)["Step"] == "running", again

        assert "disconnected for 3s" in node.cli("down", "--for", "3s", "--reason", "lunch").stderr
        status = node.status()
        assert status["BackendState"] == "Stopped"
        assert any("connects again by itself at" in text for text in status["Health"]), status["Health"]
        node.stop()  # the time is kept
        node.start()
        wait_until("it is up again", lambda: node.status()["BackendState"] == "Running", 15)
        assert node.ip == address
        assert "reason=lunch" in (node.host.dir / "ayatorid.log").read_text()

        # What it knew stays readable while it is down.
        node.cli("down")
        assert node.ip == address
        assert node.cli("whois", address).stdout.startswith("Machine:")
        node.cli("up")

        # A report that tar reads, without the person.
        user = coordinator.json("user", "ls")[0]["loginName"]
        report = node.host.dir / "report.tar"
        marker, path = node.cli("bugreport", "--diagnose", "--output", report, "why?").stdout.split()
        assert path == str(report) and re.fullmatch(r"BUG-[0-9a-f]{64}-\d{14}Z-[0-9a-f]{16}", marker)
        with tarfile.open(report) as tar:
            texts = {name.split("/")[1]: tar.extractfile(name).read().decode() for name in tar.getnames()}
        assert set(texts) >= {"README", "status.json", "prefs.json", "log.txt", "metrics.txt", "netcheck.json"}
        assert marker in texts["log.txt"], "the log shows when"
        assert json.loads(texts["status.json"])["BackendState"] == "Running"
        assert not any(user in text for text in texts.values())

        # Bash completes a verb through the script that the program prints.
        script = (f"source <({programs() / 'ayatori'} completion bash)\n"
                  f"COMP_WORDS=('{programs() / 'ayatori'}' sta) COMP_CWORD=1\n"
                  "_ayatori_complete\necho \"${COMPREPLY[@]}\"")
        assert node.host.run("bash", "-c", script).stdout.strip() == "status"

        page = node.host.dir / "node.prom"
        node.cli("metrics", "write", page)
        assert "tailscaled_home_derp_region_id" in page.read_text()


def test_logins_survive_a_restart_and_a_file_decides_the_settings():
    with Lab() as lab:
        coordinator = Coordinator(lab)
        host = lab.public_host("alpha", f"{INTERNET}.2")
        node = Node(host, coordinator)
        node.up(coordinator.add_key())
        first, = json.loads(node.cli("switch", "--list", "--json").stdout)
        address = node.ip
        coordinator.cli("user", "add", "bob@example.com")
        node.cli("login", "--auth-key", coordinator.add_key(user="bob@example.com"), "--nickname", "other",
                 "--hostname", "second")
        assert node.ip != address
        node.stop()
        node.start()
        wait_until("running", lambda: node.status()["BackendState"] == "Running", 15)
        names = {one["nickname"]: one["selected"] for one in json.loads(node.cli("switch", "--list", "--json").stdout)}
        assert names == {"other": True, first["nickname"]: False}, names
        node.cli("switch", first["id"])
        assert node.ip == address
        node.cli("switch", "remove", "other")
        assert len(json.loads(node.cli("switch", "--list", "--json").stdout)) == 1
        node.stop()

        config = host.dir / "config.hujson"
        config.write_text('{"version": "alpha0", // ours\n "Hostname": "from-file", "ShieldsUp": true,}')
        node.start("--config", config)
        wait_until("running", lambda: node.status()["BackendState"] == "Running", 15)
        assert node.cli("get", "hostname").stdout.strip() == "from-file"
        assert f"locked by {config}" in refusal(node, "set", "--shields-up=false")
        config.write_text('{"version": "alpha0", "ShieldsUp": false, "Locked": false}')
        node.cli("debug", "reload-config")
        assert node.cli("get", "shields-up").stdout.strip() == "false"
        node.cli("set", "--hostname", "by-hand")
        config.write_text('{"version": "alpha0", "ShieldsDown": true}')
        assert "field ShieldsDown is not known" in refusal(node, "debug", "reload-config")
        assert node.status()["BackendState"] == "Running"
