"""The command line: python -m pydp train | predict | sig | draw | docs | doctor.

Exit codes: 0 done; 1 an error, named in one line on stderr; 2 the command line makes no sense;
130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP: the last whole checkpoint stays.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import sys
from collections.abc import Callable, Sequence

import pydp
from pydp._runtime import MAX_THREADS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what is no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            code = 0
        else:
            code = options.command(options)
        _flush()
        return code
    except SystemExit:  # argparse has printed help, the version or what is wrong
        if not _flushed():
            _discard_stdout()
        raise
    except BrokenPipeError:  # `| head` has seen enough
        _discard_stdout()
        return 1
    except KeyboardInterrupt as stop:
        return _complain(_with_notes("stopped by Ctrl-C", stop), 130)
    except MemoryError as error:
        return _complain(f"not enough memory: {error}" if str(error) else "not enough memory")
    except OSError as error:
        return _complain(_reason(error))


def train(options: argparse.Namespace) -> int:
    from pydp.data import DataError
    from pydp.recipes import RECIPES, RecipeError
    from pydp.train import Stopped, TrainingError

    if options.threads is not None:
        pydp.set_num_threads(options.threads)
    recipe = RECIPES[options.recipe]
    try:
        recipe.train(
            options.output or f"{recipe.name}.safetensors",
            epochs=options.epochs,
            batch_size=options.batch_size,
            lr=options.lr,
            seed=options.seed,
            show=_show,
        )
    except (RecipeError, TrainingError, DataError) as error:
        return _complain(str(error))
    except Stopped as stop:
        return _complain(_with_notes(str(stop), stop), stop.code)
    return 0


def predict(options: argparse.Namespace) -> int:
    from pydp.recipes import InputError, RecipeError, load

    code = 0
    try:
        recipe, model = load(options.model)
        for image in options.images:
            try:
                label, probability = recipe.predict(model, image)
            except InputError as error:  # the others may be well
                code = _complain(str(error))
            else:
                _show(f"{image}: {label} ({100 * probability:.1f} %)")
    except RecipeError as error:
        code = _complain(str(error))
    return code


def draw(options: argparse.Namespace) -> int:
    from pydp._by_name import UnknownError, model

    try:
        net = model(options.model)
        diagram = net.diagram(options.depth, options.theme, options.type, **dict(options.size))
        if options.output is None:
            _show(diagram.svg)
        else:
            diagram.save(options.output)
    except (UnknownError, ValueError, TypeError) as error:
        return _complain(str(error))
    return 0


def sig(options: argparse.Namespace) -> int:
    from pydp._by_name import UnknownError, model, signature

    try:
        if options.check or options.size:
            net, sizes = model(options.name), dict(options.size)
            found = pydp.check(net, **sizes) if options.check else net.signature.specialise(**sizes)
            _show(str(found))
        else:
            _show(signature(options.name))
    except (UnknownError, ValueError, TypeError) as error:
        return _complain(str(error))
    return 0


def docs(options: argparse.Namespace) -> int:
    from pydp.docs import DocsError, build, check

    try:
        if options.check:
            _show(f"{check()} pages, their examples run")
        else:
            _show(f"{build(options.output)} pages: {os.path.join(options.output, 'index.html')}")
    except DocsError as error:
        return _complain(str(error))
    return 0


def doctor(options: argparse.Namespace) -> int:
    from pydp.doctor import report

    lines, warnings = report()
    for what, how in [*lines, *[("warning", warning) for warning in warnings]]:
        _show(f"{what:14}{how}")
    return 1 if warnings else 0


# ---- the parser ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pydp", description="A tensor engine for differentiable programming on CPUs."
    )
    parser.set_defaults(command=None)
    parser.add_argument("--version", action="version", version=f"pydp {pydp.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    one = commands.add_parser("train", help="train a model on data that comes with pydp")
    one.add_argument("recipe", choices=["digits"], help="what to train: digits")
    one.add_argument("--epochs", type=_whole(1, 10_000), metavar="N", help="times round the data")
    one.add_argument("--batch-size", type=_whole(1, 1_000_000), metavar="N", help="images a step")
    one.add_argument("--lr", type=_rate, metavar="X", help="learning rate to begin with")
    one.add_argument(
        "--seed", type=_whole(0, 2**63 - 1), default=0, metavar="N",
        help="the same seed gives the same model, byte for byte (default 0)",
    )  # fmt: skip
    one.add_argument("--threads", type=_whole(1, MAX_THREADS), metavar="N", help="see doctor")
    one.add_argument(
        "--output", metavar="FILE", help="where the model goes (default RECIPE.safetensors)"
    )
    one.set_defaults(command=train)

    one = commands.add_parser("predict", help="say what images show")
    one.add_argument("model", metavar="MODEL", help="a file that train has written")
    one.add_argument("images", metavar="IMAGE", nargs="+", help="an image file with one digit")
    one.set_defaults(command=predict)

    one = commands.add_parser("sig", help="say the type of a box, a model or a function")
    one.add_argument(
        "name",
        metavar="NAME",
        help="conv2d, AlexNet, 'LSTM(3, 8) >> Linear(8, 2)', or mymodule:net",
    )
    one.add_argument("--check", action="store_true", help="prove it: see pydp.check")
    one.add_argument(
        "--size", type=_size, metavar="NAME=N", action="append", default=[],
        help="a number for a name of the type, such as h=224; may be repeated",
    )  # fmt: skip
    one.set_defaults(command=sig)

    one = commands.add_parser("draw", help="draw a model as boxes, with its types on the wires")
    one.add_argument(
        "model", metavar="MODEL", help="AlexNet, 'nn.LSTM(3, 8) ** 2', or mymodule:net"
    )
    one.add_argument(
        "-o", "--output", metavar="FILE",
        help="a picture (.svg) or a page whose boxes open (.html); default: SVG on stdout",
    )  # fmt: skip
    one.add_argument(
        "--depth", type=_whole(0, 1000), metavar="N",
        help="how many levels of boxes are open (default: as many as a slide can bear)",
    )  # fmt: skip
    one.add_argument(
        "--size", type=_size, metavar="NAME=N", action="append", default=[],
        help="a number for a name of the model's type, such as h=224; may be repeated",
    )  # fmt: skip
    one.add_argument("--theme", choices=("auto", "light", "dark"), default="auto")
    one.add_argument("--type", metavar="TYPE", help="the model's type, if it declares none")
    one.set_defaults(command=draw)

    one = commands.add_parser(
        "docs", help="build the documentation: a page for each box and function, examples run"
    )
    one.add_argument(
        "-o", "--output", metavar="FOLDER", default="pydp-docs",
        help="where the pages go (default pydp-docs)",
    )  # fmt: skip
    one.add_argument(
        "--check", action="store_true", help="run the examples and write no page; needs no Sphinx"
    )
    one.set_defaults(command=docs)

    one = commands.add_parser("doctor", help="report what pydp runs on, and why")
    one.set_defaults(command=doctor)
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be an integer in {least} … {most}, got {text}")
        return number

    return whole


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not (name.isidentifier() and number.isdecimal() and len(number) < 10):
        raise argparse.ArgumentTypeError(f"must be a name and a number, as in h=224, got {text}")
    return name, int(number)


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text}")
    return number


# ---- saying it -----------------------------------------------------------------------------------


def _show(line: str) -> None:
    """A line on stdout, at once: someone may be waiting at the other end of a pipe."""
    print(line, flush=True)


def _complain(message: str, code: int = 1) -> int:
    """One line on stderr, after what stdout has to say."""
    if not _flushed():
        _discard_stdout()
    print(f"pydp: {message}", file=sys.stderr)
    return code


def _reason(error: OSError) -> str:
    named = f"{error.filename}: " if error.filename is not None else ""
    return f"{named}{error.strerror or error}"


def _with_notes(message: str, stop: BaseException) -> str:
    return ": ".join([message, *getattr(stop, "__notes__", [])])


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _flushed() -> bool:
    try:
        _flush()
    except OSError:
        return False
    return True


def _discard_stdout() -> None:
    """So that the interpreter's own flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
