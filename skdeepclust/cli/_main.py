# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of the command line, and its exit status. Nothing heavy is imported before a command runs."""

import argparse
import sys
from pathlib import Path

from .. import __version__
from ._demo import demo
from ._fit import METHODS, fit
from ._predict import predict, report
from ._session import Session, UsageError

_EPILOG = "exit status: 0 all went well, 1 the run failed, 2 the command cannot be meant like this, 130 Ctrl-C"


def main(argv=None):
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        0 when all went well, 1 when the run failed, 2 when the command cannot be meant like this, 130 after Ctrl-C.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        arguments = parser.parse_args(["demo"])
    session = Session(arguments)
    try:
        with session.hearing_warnings():
            return arguments.run(arguments, session)
    except KeyboardInterrupt:
        print(f"skdeepclust {session.command}: stopped by Ctrl-C", file=sys.stderr)
        session.list_written()
        return 130
    except Exception as error:
        session.fail(error)
        return 2 if isinstance(error, UsageError) else 1


def build_parser():
    """Return the parser of all commands; `run` of what it returns is the function of the command."""
    parser = argparse.ArgumentParser(prog="skdeepclust", description="Deep ensemble clustering.", epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"skdeepclust {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command")
    quiet = argparse.ArgumentParser(add_help=False)
    quiet.add_argument("--quiet", action="store_true", help="no progress bars, nothing but warnings and errors")
    common = argparse.ArgumentParser(add_help=False, parents=[quiet])
    common.add_argument("--json", action="store_true", help="one JSON object on stdout, all else on stderr")
    common.add_argument("--debug", action="store_true", help="show where an error comes from")
    common.add_argument("--cache", metavar="DIR", help="keep decoded images there, not in memory")
    common.add_argument(
        "--encoder",
        metavar="MODULE:FUNCTION",
        help="a function of yours that returns a transformer, such as a FrozenEncoder, in the network's place",
    )
    with_model = argparse.ArgumentParser(add_help=False, parents=[common])
    with_model.add_argument("model", metavar="MODEL", type=Path, help="folder that fit or save has written")

    _add_fit(commands.add_parser("fit", parents=[common], help="cluster a folder of images or an array"))
    _add_predict(commands.add_parser("predict", parents=[with_model], help="label further images or rows"))
    _add_report(commands.add_parser("report", parents=[with_model], help="write the page of a clustering"))
    _add_demo(
        commands.add_parser("demo", parents=[quiet], help="cluster scikit-learn's digits images (the default command)")
    )
    return parser


def _add_fit(parser):
    parser.add_argument("input", metavar="INPUT", type=Path, help="folder of image files, or .npy or .npz file")
    parser.add_argument("-k", "--n-clusters", type=_number, required=True, help='number of clusters, or "auto"')
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder to write into")
    parser.add_argument("--method", choices=METHODS, default="deepclue", help="[%(default)s]")
    parser.add_argument("--layers", type=_names, metavar="A,B,...", help="layers to cluster, of the network or encoder")
    parser.add_argument("--epochs", dest="max_epochs", type=int, help="passes over the images [by their number]")
    parser.add_argument("--max-time", type=float, metavar="SECONDS", help="end the training then")
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="height and width [those of the files]")
    parser.add_argument("--gray", action="store_true", help="read colour images as grey ones")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same labels [%(default)s]")
    parser.add_argument("--device", help='"cpu", "cuda", ... [the best there is]')
    parser.add_argument(
        "--jobs", dest="n_jobs", type=int, metavar="N", help="processes for base clusterings; -1: all cores"
    )
    parser.add_argument("--checkpoint", dest="checkpoint_dir", metavar="DIR", help="go on from there after a crash")
    parser.add_argument("--no-report", dest="report", action="store_false", help="do not write report.html")
    parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run has left in OUT")
    parser.set_defaults(run=fit)


def _add_predict(parser):
    parser.add_argument("input", metavar="INPUT", type=Path, help="folder of image files, or .npy or .npz file")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, default=Path("labels.csv"), help="[%(default)s]")
    parser.set_defaults(run=predict)


def _add_report(parser):
    parser.add_argument(
        "input",
        metavar="INPUT",
        type=Path,
        nargs="?",
        help="images or rows to show [those of the fit]",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="[report.html in MODEL]")
    parser.set_defaults(run=report)


def _add_demo(parser):
    parser.add_argument("--output", default="skdeepclust_demo.png", help="picture of the clusters [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="random_state of everything [%(default)s]")
    parser.add_argument("--epochs", type=int, default=None, help="training epochs [the estimator's default]")
    parser.set_defaults(run=demo)


def _number(text):
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'a number or "auto" is wanted; got {text!r}') from error


def _names(text):
    return tuple(text.split(","))
