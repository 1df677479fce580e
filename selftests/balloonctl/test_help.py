# SPDX-License-Identifier: GPL-2.0-only
"""--help, the man page and the completion say the same as the program."""
import re
import subprocess

from area import Failure, fail_if
from lab.cache import ROOT
from tool import Tool, contains, equal

MAN = ROOT / "Documentation/man/balloonctl.8"
COMPLETION = ROOT / "tools/balloonctl/balloonctl.bash"
COMMANDS = ["status", "watch", "set", "why", "record", "plot", "export", "doctor"]


def help_text():
    """Return what --help prints."""
    with Tool() as tool:
        return tool.run("--help")


def options(text):
    """Return the options that a text names."""
    return set(re.findall(r"--[a-z]+", text))


def manual():
    """Return the man page as text, without what makes it bold."""
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-P-c", MAN], text=True,
                          capture_output=True, check=True)
    if done.stderr:
        raise Failure(done.stderr)
    return re.sub(".\b", "", done.stdout)


def complete(*words):
    """Return what bash offers for the last word."""
    script = ('. "$0"; COMP_WORDS=(balloonctl "$@"); COMP_CWORD=$#; _balloonctl; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, COMPLETION, *words], text=True,
                          capture_output=True, check=True)
    if done.stderr:
        raise Failure(done.stderr)
    return done.stdout.split()


def help_names_all():
    """--help has each command and option, --version the version of the package."""
    text = help_text()
    equal("commands", re.findall(r"^  ([a-z]+) ", text, re.M), COMMANDS)
    version = re.search(r'PACKAGE_VERSION="(.*)"', (ROOT / "dkms.conf").read_text())[1]
    with Tool() as tool:
        equal("version", tool.run("--version"), f"balloonctl {version}\n")
        tool.run(code=2)
        contains("without a command", tool.errors, "usage: balloonctl")
        for option in options(text):
            tool.run("watch", option, "a", "b", "c", code=None)
            equal(f"{option} is an option", "unrecognized" in tool.errors, False)


def man_page():
    """The man page is clean, and has each command and option."""
    text = manual()
    equal("options", options(text), options(help_text()))
    fail_if([command for command in COMMANDS if f"balloonctl {command}" not in text], "missing:")
    fail_if([line for line in text.splitlines() if len(line) > 80], "too long:")


def completion():
    """Each command completes, with the options that it takes and no others."""
    equal("commands", complete(""), COMMANDS)
    equal("one", complete("st"), ["status"])
    with Tool() as tool:
        known = options(help_text())
        for command in COMMANDS:
            offered = set(complete(command, "--"))
            fail_if(sorted(offered - known), f"{command}: no options:")
            for option in sorted(known):
                equal(f"{command} {option} is offered", option in offered,
                      accepted(tool, command, option))
        equal("keys", complete("set", ""), [one["name"] for one in tool.json("set")])
    equal("some keys", complete("set", "hold"), ["holdoff_ms", "holdoff_max_ms"])
    equal("values", complete("set", "auto_deflate", ""), ["off", "need", "thrash"])
    equal("no more", complete("set", "auto_deflate", "off", ""), [])
    equal("after an option", complete("--device", "virtio3", "wh"), ["why"])
    equal("files", complete("plot", str(MAN)[:-3]), [str(MAN)])


def accepted(tool, command, option):
    """Does the program take the option with this command?"""
    value = [1] if re.search(rf"{option} [A-Z]", help_text()) else []
    # It ends before it does anything: there are too many arguments.
    tool.run(command, option, *value, "a", "b", "c", code=None)
    return f"takes no {option}" not in tool.errors


CASES = [help_names_all, man_page, completion]
