"""The set-up scripts say what to do where they cannot do it, and leave at once where there is nothing to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("bash", "cat", "cut", "dirname", "env", "grep", "head", "mktemp", "rm", "sha256sum", "tail")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the set-up reads, with a PATH of its own in `bin`, where nobody is root."""
    project, bin_folder = tmp_path / "project", tmp_path / "project" / "bin"
    shutil.copytree(ROOT / "setup", project / "setup")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, project / name)
    bin_folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (bin_folder / tool).symlink_to(found)
    program(project, "id", "echo 1000")
    return project


def program(project: Path, name: str, body: str) -> None:
    """Put a program on the PATH of the copy."""
    file = project / "bin" / name
    file.write_text(f"#!{shutil.which('bash')}\n{body}\n")
    file.chmod(0o755)


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(project / "bin"), "HOME": str(project), "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_without_a_new_enough_python_it_says_which_is_needed(project: Path) -> None:
    program(project, "python3", '[[ $1 == --version ]] && echo "Python 3.9.2" && exit; exit 1')
    done = run(project, "setup/python.sh", "runtime")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Python 3.11 or newer is needed; found: Python 3.9.2.",
        "On Debian 12, Ubuntu 24.04 or newer: apt-get install python3 python3-venv. Or set PYTHON=/path/to/python3.11.",
    ]


def test_without_ensurepip_it_names_the_package_to_install(project: Path) -> None:
    real = f'exec {sys.executable} "$@"'
    program(project, "python3", f"[[ $2 == *ensurepip* ]] && exit 1\n{real}")
    done = run(project, "setup/python.sh", "runtime")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"{project}/bin/python3 cannot make virtual environments. Run: sudo apt-get install python{version}-venv"
    )


def install_pretender(project: Path) -> Path:
    """A python3 that makes a .venv which notes what pip is asked for, and does nothing else."""
    log = project / "pip.log"
    inner = f'[[ $3 == install ]] && echo "$*" >>{log}\\n[[ $2 == pip ]] && exit\\nexec {sys.executable} -S "$@"'
    program(
        project,
        "python3",
        f"""[[ $2 == venv ]] || exec {sys.executable} -S "$@"
{shutil.which("mkdir")} -p .venv/bin
printf '#!{shutil.which("bash")}\\n{inner}\\n' >.venv/bin/python
{shutil.which("chmod")} 755 .venv/bin/python""",
    )
    return log


def test_a_second_run_installs_nothing_and_a_change_of_the_pins_installs_anew(project: Path) -> None:
    log = install_pretender(project)
    for _ in range(2):
        done = run(project, "setup/python.sh", "runtime")
        assert done.returncode == 0, done.stderr
    assert len(log.read_text().splitlines()) == 1
    assert done.stderr == ""
    with (project / "constraints.txt").open("a") as pins:
        pins.write("another==1\n")
    assert run(project, "setup/python.sh", "runtime").returncode == 0
    assert len(log.read_text().splitlines()) == 2


def test_what_tests_need_is_added_once_and_then_serves_the_demo_too(project: Path) -> None:
    log = install_pretender(project)
    for extra in ("runtime", "dev", "runtime", "dev"):
        assert run(project, "setup/python.sh", extra).returncode == 0
    installed = [line.split("--editable ")[1] for line in log.read_text().splitlines()]
    assert installed == [". --constraint constraints.txt", ".[dev] --constraint constraints.txt"]


def test_servers_that_cannot_be_installed_are_named_and_stop_nothing(project: Path) -> None:
    program(project, "mosquitto", "")
    program(project, "chromium", "")
    done = run(project, "setup/servers.sh")
    assert done.returncode == 0
    for name in ("influxdb", "victoria-metrics"):
        if shutil.which(name, path="/usr/sbin:/usr/local/sbin") is None:
            assert name in done.stderr
    assert "Not installed:" in done.stderr
    assert "chromium" not in done.stderr


def test_packages_that_fail_are_reported_and_the_others_installed(project: Path) -> None:
    log = project / "apt.log"
    program(project, "apt-cache", 'echo "  Candidate: 1.0"')
    program(
        project,
        "apt-get",
        f'echo "$*" >>{log}; [[ $* == *influxdb* ]] && echo "E: Unable to locate package influxdb" && exit 100; exit 0',
    )
    done = run(project, "setup/apt.sh", "influxdb", "mosquitto")
    assert done.returncode == 1
    assert done.stderr.strip() == "influxdb could not be installed: E: Unable to locate package influxdb"
    assert any("install" in line and "mosquitto" in line for line in log.read_text().splitlines())


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_passes_options_on_to_the_demo_and_ends_as_it_does(project: Path) -> None:
    (project / "setup" / "python.sh").write_text(f"#!{shutil.which('bash')}\n")
    gateway = project / ".venv" / "bin" / "gateway"
    gateway.parent.mkdir(parents=True)
    gateway.write_text(f"#!{shutil.which('bash')}\nprintf '<%s>' \"$@\"\n")
    gateway.chmod(0o755)
    make = shutil.which("make")
    assert make
    done = subprocess.run(
        [make, "demo", "ARGS=--seconds 45 --seed 7 --port 8099"],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},  # we may run in one
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "<demo><--seconds><45><--seed><7><--port><8099>")
