"""`python3 -m helpers lab | test | data | ...`: reads the command line and calls what it names in `launch`.

It starts on any Python, even 2.7, to be able to say that it is too old: so nothing newer in this file, and
no import but `sys` before that is said.
"""

import sys

OLDEST = (3, 11)


def main(argv=None):
    """Run the command in `argv` (default: the program's arguments); returns the exit code."""
    if sys.version_info < OLDEST:
        sys.stderr.write(too_old(sys.version_info, sys.platform) + "\n")
        return 1
    if not __package__:  # started as `python3 path/to/helpers`, not with -m
        from pathlib import Path

        sys.path[0] = str(Path(__file__).resolve().parents[1])
    from helpers import launch

    return launch.guarded(run, sys.argv[1:] if argv is None else argv)


def too_old(version, platform):
    """The sentence for a Python that is too old."""
    command = "py -3.13" if platform == "win32" else "python3.13"
    have, need = (".".join(str(part) for part in pair) for pair in (version[:3], OLDEST))
    return (
        "The workbook needs Python " + need + " or newer, and this is Python " + have + ". Get one from "
        "https://www.python.org/downloads/ and start again with it, for example: "
        + command
        + " -m helpers lab"
    )


def run(argv):
    """Call what `argv` names in `launch`; returns the exit code."""
    from helpers import launch

    if argv[:1] == ["test"] and argv[1:] not in (["-h"], ["--help"]):
        return launch.test(argv[1:])  # all the rest is pytest's, and argparse would take its options for ours
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.command == "lab":
        return launch.lab(
            browser=not options.no_browser, port=options.port, offline=options.offline, llm=options.llm
        )
    if options.command == "data":
        return launch.data(options.which, options.to)
    if options.command == "serve":
        return launch.serve_llm(options.port) if options.llm else launch.serve(options.port)
    if options.command == "bench-host":
        return launch.bench_host(options.sample)
    if options.command == "prepare":
        return launch.prepare(**prepare_options(options))
    parser.print_help()
    return 0


def make_parser():
    """The commands, for argparse. One more is one more `add_parser` here and one more `if` in `run`."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python3 -m helpers",
        description="The workbook's commands. The first one sets everything up, in the folder .venv.",
        epilog="More on one of them: python3 -m helpers COMMAND --help",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    lab = commands.add_parser("lab", help="open the workbook in JupyterLab (start here)")
    lab.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    lab.add_argument("--port", type=port, help="this port and no other; 0 is any free one")
    lab.add_argument("--offline", action="store_true", help="do not try to fetch the real reviews")

    lab.add_argument(
        "--llm", action="store_true", help="install a small language model too (350 MB), for lesson 12"
    )

    commands.add_parser(
        "test",
        help="check the workbook: unit tests, and every notebook against its stored outputs",
        usage="python3 -m helpers test [pytest's arguments ...]",
        description="Unit tests, and every notebook against its stored outputs. Arguments go to pytest; "
        "files and folders among them are tested in place of everything. "
        "Example: python3 -m helpers test -k reviews",
    )

    data = commands.add_parser("data", help="fetch the real reviews")
    data.add_argument(
        "which",
        nargs="?",
        choices=["sample", "1k", "full"],
        default="1k",
        help="1k: 1,000 of them (default); full: all 568,454; sample: where the bundled ones are",
    )
    data.add_argument("--to", metavar="DIR", help="the folder for the file (default: data/downloads)")

    serve = commands.add_parser("serve", help="let other programs use the embedded engine")
    serve.add_argument("--port", type=port, help="the port on 127.0.0.1; 0 is any free one")
    serve.add_argument(
        "--llm", action="store_true", help="serve the small language model in its place (see lab --llm)"
    )

    bench = commands.add_parser(
        "bench-host",
        help="measure the host that is set: quality and speed, beside the embedded engine",
        description="Search quality on the judged queries, sentiment of the reviews, and how long requests "
        "take, for the host that the settings name, beside the embedded engine. With a paid host it embeds "
        "about 800 short texts and asks 20 single questions.",
    )
    bench.add_argument("--sample", action="store_true", help="use the bundled reviews whatever is set")

    add_prepare(commands)
    return parser


def add_prepare(commands):
    """`prepare`, whose options are those of `helpers.prepare.command.main`."""
    prepare = commands.add_parser(
        "prepare",
        help="check a file of training examples, and repair it",
        description="Check a file of training examples, say what is wrong with it, and write a repaired copy "
        "(FILE_prepared.jsonl) after asking. The file itself is never changed. Exit code 0: fine, or "
        "written; 1: an error, or something to repair that was not.",
    )
    prepare.add_argument("file", metavar="FILE", help="csv, tsv, xlsx, txt, json or jsonl")
    prepare.add_argument("--yes", action="store_true", help="accept every repair without asking")
    prepare.add_argument(
        "--check", action="store_true", help="only check; exit code 1 if there is something to repair"
    )
    prepare.add_argument(
        "--format",
        dest="form",
        choices=["pairs", "chat", "dialogue", "preference", "openai-preference"],
        help="what the examples are to become (default: what they are)",
    )
    prepare.add_argument("--tokens", metavar="MODEL", help="count all tokens as this model does")
    prepare.add_argument(
        "--split", type=share, metavar="SHARE", help="keep this share aside for validation, such as 0.2"
    )
    prepare.add_argument("--seed", type=int, default=0, help="for another choice of what is kept aside")
    prepare.add_argument("--validation", metavar="FILE", help="look for examples that are in this file too")
    prepare.add_argument("--report", metavar="FILE.html", help="write the report to this file")
    prepare.add_argument("--to", metavar="FILE.jsonl", help="write here (default: FILE_prepared.jsonl)")
    prepare.add_argument(
        "--prompt", metavar="COLUMN", help="the column with the prompts, if it is called otherwise"
    )
    prepare.add_argument("--completion", metavar="COLUMN", help="the column with the completions, likewise")
    prepare.add_argument(
        "--encoding", default="utf-8", help="of a csv or tsv file, such as cp949 (default: utf-8)"
    )


def prepare_options(options):
    """The arguments of `launch.prepare`: what was given on the command line, and nothing else."""
    given = {
        name: value
        for name, value in vars(options).items()
        if value not in (None, False) and name != "command"
    }
    columns = {name: given.pop(name) for name in ("prompt", "completion") if name in given}
    return dict(given, columns=columns) if columns else given


def share(text):
    """An argument between 0 and 1; argparse reports the ValueError."""
    number = float(text)
    if not 0 < number < 1:
        raise ValueError(text)
    return number


def port(text):
    """An argument that is a port number; argparse reports the ValueError."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
