"""The command line. Each option can also be set in the environment (`HOCKET_PORT`) and in a TOML file."""

from __future__ import annotations

import contextlib
import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter, UnusedCliTokensError
from cyclopts.config import Env, Toml

from hocket import logging, output
from hocket.attack.options import AttackOptions
from hocket.config import ConfigError, ServeOptions, StartError, installed_version
from hocket.load.options import BenchError, BenchOptions
from hocket.token.options import TokenOptions

_FAILED = 1
_WRONG_OPTIONS = 2
"""Exit codes. 0: stopped as asked."""

_HELP = """Voice channels that you host yourself: start the server, open the page, share the link, talk.

- `hocket serve`: try it on this machine
- `hocket serve --host 0.0.0.0 --auth open --tls self-signed`: everybody on your network
- `hocket serve --auth jwt --jwt-key secret.txt`: whoever brings a token; `hocket token` makes one for trying
- `hocket serve --help`: every option
- `hocket bench`: what a channel of ten costs on this machine; `hocket bench --url ws://…` loads a server of yours
- `hocket attack`: whether a channel of your server survives attacks; `hocket attack ws://…` attacks a server of yours

Each option is also an environment variable (`--media-port` is `HOCKET_MEDIA_PORT`) and a line of a TOML file
(`media_port = 9000`, given with `--config`). The command line wins over the environment, the environment over the file.
"""


def _default_in_help(value: object) -> str | None:
    """What help shows as default; None and an empty list are none, and the option's text says what holds instead."""
    return None if value in ((), None) else str(value)


_ENVIRONMENT = Env("HOCKET_", command=False)

app = App(
    name="hocket",
    help=_HELP,
    help_format="markdown",
    config=_ENVIRONMENT,
    version=installed_version,
    default_parameter=Parameter(negative=(), consume_multiple=1, show_default=_default_in_help),
    # A Ctrl-C before the server listens for it is no error of ours to show.
    suppress_keyboard_interrupt=True,
)
app.meta.group_parameters = Group("Settings file", sort_key=0)


@app.command
def serve(options: Annotated[ServeOptions, Parameter(name="*")] = ServeOptions()) -> None:  # noqa: B008 - frozen
    """Run the voice server with its page.

    Without options it serves this machine alone, at http://127.0.0.1:8080/, with one UDP port for all voice.
    """
    with _native():
        from hocket.serving import serve as run  # the native module is loaded only by the command that needs it
    output.hold()
    logging.configure(options.log_level)
    run(options)


@app.command
def bench(options: Annotated[BenchOptions, Parameter(name="*")] = BenchOptions()) -> None:  # noqa: B008 - frozen
    """Load a voice server and measure it: packets lost, delays, joins, and what it costs the server.

    Without options it starts a server of its own on this machine, lets ten people of one channel speak for ten seconds,
    and prints a table. Give only servers that are yours: this is an attack on any other.
    """
    with _native():
        from hocket.load.bench import bench as run
    sys.exit(run(options))


@app.command
def token(options: Annotated[TokenOptions, Parameter(name="*")]) -> None:
    """Make a token for trying a server with `--auth jwt`, and print it.

    `hocket token --new-key --jwt-key secret.txt` makes a key; `hocket token --jwt-key secret.txt --user 5 --name Ada` a
    token that is signed with it.
    """
    from hocket.token.mint import run  # cryptography takes its time

    run(options)


@app.command
def attack(
    url: str | None = None,
    /,
    *,
    options: Annotated[AttackOptions, Parameter(name="*")] = AttackOptions(),  # noqa: B008 - frozen
) -> None:
    """Attack a voice server of your own, and see whether two people who talk meanwhile are harmed.

    Without options it starts a server of its own on this machine, with the limits that every server has, and runs all
    attacks, for five seconds each: floods of the media port, wrong frames and requests, connections that stall, people
    who do not read, who ask or who join too often. Each is bounded in time, packets and connections. The report says of
    each what was sent, what came back, what the two people lost, how late their packets were, and what the server held.

    Harm is: the two lose 0.5 % of their packets or are cut off; nobody can join afterwards; more bytes come back than a
    stranger sent; something wrong is not refused; memory, descriptors or threads are not given back.

    Give only servers that are yours: to any other this is an attack, and a crime in most places. A server that is not
    on this machine is attacked only after you have said that it is yours, or with --yes.

    Exit codes: 0 unharmed, 1 harmed or not to be judged, 2 wrong options.

    Parameters
    ----------
    url
        Server to attack, such as ws://127.0.0.1:8080 or https://voice.example.org/prefix: an own one.
    """
    if url is not None:
        if options.url not in (None, url):
            raise ConfigError(f"--url {options.url}: {url} was given too. Which one?")
        options = replace(options, url=url)
    with _native():
        from hocket.attack.attack import attack as run
    sys.exit(run(options))


@contextlib.contextmanager
def _native() -> Iterator[None]:
    """Around imports of the native module: says what to do where it is not built.

    Raises:
        StartError: it is not.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "hocket._media":
            raise
        raise StartError("The media core is not built: run `make native` in the source folder.") from None


@app.meta.default
def _with_config(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Path | None = None,
) -> None:
    """Read the settings file, then do what was asked.

    Parameters
    ----------
    config
        TOML file with options; config-sample.toml shows them all.
    """
    app.config = _ENVIRONMENT if config is None else (_ENVIRONMENT, _settings(config))
    app(tokens, exit_on_error=False, print_error=False)


def _settings(file: Path) -> Toml:
    """The options of a TOML file, which is read here once so that an error names it.

    Raises:
        ConfigError: there is no such file, it is no TOML, or it has a section of another program.
    """
    try:
        options = tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"--config {file}: this is no TOML file, since it is no UTF-8 text.") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"--config {file}: {reason}.") from None
    for name in options:
        if isinstance(options[name], dict) and name != "limits":  # such as [serve]: cyclopts would pass over it
            raise ConfigError(f"--config {file}: there is no section [{name}]; options stand above [limits].")
    return Toml(file, must_exist=True, use_commands_as_keys=False)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits: 0 when stopped as asked, 1 when it cannot run here, 2 for wrong options."""
    try:
        app.meta(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
    except UnusedCliTokensError as error:
        _complain(f"{' '.join(error.unused_tokens or ())}: options have names; `hocket serve --help` shows them all.")
        sys.exit(_WRONG_OPTIONS)
    except (ConfigError, CycloptsError) as error:
        _complain(str(error))
        sys.exit(_WRONG_OPTIONS)
    except (BenchError, StartError) as error:
        _complain(str(error))
        sys.exit(_FAILED)


def _complain(sentence: str) -> None:
    """One error, red on a terminal."""
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    label = "\x1b[31mError:\x1b[0m" if coloured else "Error:"
    print(f"{label} {sentence}", file=sys.stderr)


if __name__ == "__main__":
    main()
