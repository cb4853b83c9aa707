"""The command line as people use it: in a pipe, on a terminal, with wrong inputs."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import numpy as np
import pytest

import pydp
from pydp import doctor
from pydp.cli import main

PIL = pytest.importorskip("PIL.Image", reason="Pillow is the extra `image`")
from PIL import Image, ImageDraw  # noqa: E402

COMMAND = [sys.executable, "-W", "error", "-m", "pydp"]
ROOT = os.path.dirname(os.path.dirname(pydp.__file__))


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ROOT, **more}


def run(*arguments: str, cwd=None, timeout: float = 60, **more: str):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=timeout,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def refused(done, code: int, message: str) -> None:
    """One line on stderr that begins with the program's name, no traceback, this exit code."""
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1] == message
    assert "Traceback" not in done.stderr
    if code != 2:  # a usage error shows the usage too
        assert done.stderr.count("\n") == 1


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with digits.safetensors, trained for five epochs."""
    folder = tmp_path_factory.mktemp("trained")
    done = run("train", "digits", "--epochs", "5", "--seed", "5", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


# ---- alone, and wrongly --------------------------------------------------------------------------


def test_alone_it_helps():
    done = run()
    assert done.returncode == 0
    assert done.stdout.startswith("usage: python -m pydp [-h] [--version] COMMAND ...")
    for command in ("train", "predict", "doctor"):
        assert re.search(rf"^ +{command} ", done.stdout, re.M)
    assert done.stderr == ""
    assert run("--help").stdout == done.stdout


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"pydp {pydp.__version__}\n")


WRONG = [
    (["fly"], "python -m pydp: error: argument COMMAND: invalid choice: 'fly'"),
    (["train"], "python -m pydp train: error: the following arguments are required: recipe"),
    (["train", "cats"], "python -m pydp train: error: argument recipe: invalid choice: 'cats'"),
    (["train", "digits", "--epochs", "0"], "must be an integer in 1 … 10000, got 0"),
    (["train", "digits", "--epochs", "ten"], "must be an integer in 1 … 10000, got ten"),
    (["train", "digits", "--epochs", "1" * 5000], "must be an integer in 1 … 10000, got 1111"),
    (["train", "digits", "--batch-size", "-3"], "must be an integer in 1 … 1000000, got -3"),
    (["train", "digits", "--lr", "nan"], "must be a positive number, got nan"),
    (["train", "digits", "--lr", "0"], "must be a positive number, got 0"),
    (["train", "digits", "--lr", "inf"], "must be a positive number, got inf"),
    (["train", "digits", "--lr", "fast"], "must be a positive number, got fast"),
    (["train", "digits", "--seed", "-1"], "must be an integer in 0 … 9223372036854775807, got -1"),
    (["train", "digits", "--threads", "0"], "must be an integer in 1 … 256, got 0"),
    (["train", "digits", "--threads", "257"], "must be an integer in 1 … 256, got 257"),
    (["train", "digits", "--speed", "9"], "unrecognized arguments: --speed 9"),
    (["predict"], "the following arguments are required: MODEL, IMAGE"),
    (["predict", "m.safetensors"], "the following arguments are required: IMAGE"),
    (["doctor", "now"], "unrecognized arguments: now"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(w[0])[:30] for w in WRONG])
def test_wrong_usage(arguments, message, capsys):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert message in capsys.readouterr().err


# ---- train ---------------------------------------------------------------------------------------


def test_training_in_a_pipe(trained):
    folder, done = trained
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        r"digits: 1348 images to learn from, 449 to test with; [\d,]+ parameters, \d+ threads?",
        lines[0],
    )
    for number, line in enumerate(lines[1:6], start=1):
        assert re.fullmatch(
            rf"epoch {number}/5   loss \d\.\d{{4}}   accuracy +\d+\.\d %   \d+\.\d s", line
        )
    assert lines[6] == "saved digits.safetensors"
    assert lines[7].split() == ["answer"]
    assert lines[8].split() == ["truth", *"0123456789"]
    counts = [[0 if n == "." else int(n) for n in line.split()[1:]] for line in lines[9:19]]
    assert np.sum(counts) == 449
    accuracy = 100 * np.trace(counts) / 449
    assert lines[19:] == [f"test accuracy {accuracy:.1f} %"]
    assert accuracy > 90
    assert done.stderr == ""
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    assert [p.name for p in folder.iterdir()] == ["digits.safetensors"]


def test_the_same_seed_gives_the_same_file(trained, tmp_path):
    """Byte for byte, whatever the number of threads and the name."""
    folder, _ = trained
    done = run(
        "train", "digits", "--epochs", "5", "--seed", "5", "--threads", "1", "--output", "m.st",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 thread\n" in done.stdout
    assert (tmp_path / "m.st").read_bytes() == (folder / "digits.safetensors").read_bytes()
    done = run("train", "digits", "--epochs", "5", "--seed", "6", "--output", "m.st", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "m.st").read_bytes() != (folder / "digits.safetensors").read_bytes()


def test_where_the_model_cannot_go(tmp_path):
    """Said before the training, not after it."""

    def train(output):
        return run("train", "digits", "--output", output, cwd=tmp_path, timeout=20)

    refused(train("no/where.st"), 1, "pydp: no: no such folder")
    refused(train("."), 1, "pydp: .: is a folder; name a file for the model")
    os.mkfifo(tmp_path / "pipe")
    refused(train("pipe"), 1, "pydp: pipe: not an ordinary file")
    refused(train("/dev/null"), 1, "pydp: /dev/null: not an ordinary file")
    refused(train("m.pt"), 1, "pydp: m.pt: .pt is another format; name it .safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_a_learning_rate_beyond_reason(tmp_path):
    done = run("train", "digits", "--lr", "1e30", cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(
        r"pydp: the loss is (nan|inf) in epoch \d+: try a smaller learning rate\n", done.stderr
    )


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "pydp: stopped by Ctrl-C"),
        (signal.SIGTERM, 143, "pydp: stopped by SIGTERM"),
        (signal.SIGHUP, 129, "pydp: stopped by SIGHUP"),
    ],
)
def test_stopped(tmp_path, number, code, message):
    """The last whole epoch's file stays, and can be used."""
    with subprocess.Popen(
        [*COMMAND, "train", "digits", "--epochs", "1000"],
        cwd=tmp_path, env=environment(PYTHONUNBUFFERED="1"), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        for line in process.stdout:
            if line.startswith("epoch    2/1000"):
                break
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate(timeout=20)
        assert time.monotonic() - began < 2
    assert process.returncode == code
    (last,) = error.splitlines()
    found = re.fullmatch(rf"{message}: digits.safetensors holds epoch (\d+) of 1000", last)
    assert found, last
    state = pydp.load(tmp_path / "digits.safetensors")
    assert state.metadata["epoch"] == f"{found[1]}/1000"
    assert [p.name for p in tmp_path.iterdir()] == ["digits.safetensors"]


# ---- terminals and pipes -------------------------------------------------------------------------


def on_a_terminal(*arguments: str, cwd) -> tuple[int, str]:
    """Exit code and everything that a terminal of 80 columns receives."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execve(sys.executable, [*COMMAND, *arguments], environment(TERM="xterm"))
    received = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        try:
            chunk = os.read(terminal, 65536) if ready else b""
        except OSError:  # Linux's word for the end
            chunk = b""
        if not chunk:
            break
        received += chunk
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), received.decode()


def test_training_on_a_terminal(tmp_path):
    code, text = on_a_terminal("train", "digits", "--epochs", "2", cwd=tmp_path)
    assert code == 0, text
    assert re.search(r"\rtraining \|.*\|   0 %", text), "no empty bar"
    assert re.search(r"\repoch 1/2 \|.*\|  50 %, loss \d\.\d{4}, accuracy", text), "no bar"
    lines = text.split("\r\n")
    assert re.fullmatch(r"test accuracy \d+\.\d %", lines[-2]), lines[-3:]
    # what stays on the screen: the bar is wiped before each line
    stays = [line.rpartition("\r")[2].removeprefix("\x1b[A") for line in lines]
    assert sum(line.startswith("epoch ") and "loss" in line for line in stays) == 2


@pytest.mark.parametrize("arguments", [[], ["doctor"], ["--help"], ["train", "digits"]], ids=str)
def test_stdout_closed_early(arguments, tmp_path):
    """As in `| head -1`: no traceback, no complaint."""
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) in (0, 1)


def test_no_stdout_at_all(tmp_path):
    command = f"{sys.executable} -m pydp doctor >&-"
    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_stdout_is_full():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "doctor"], env=environment(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    refused(done, 1, "pydp: No space left on device")


# ---- predict -------------------------------------------------------------------------------------


def drawn(file, ink: int = 0, paper: int = 255, size: int = 120, format: str | None = None) -> str:
    """A picture of a 0: an ellipse of a broad pen."""
    image = Image.new("L", (size, size), paper)
    box = [size * 0.3, size * 0.2, size * 0.7, size * 0.8]
    ImageDraw.Draw(image).ellipse(box, outline=ink, width=size // 10)
    image.save(file, format)
    return str(file)


def test_predict(trained, tmp_path):
    folder, _ = trained
    files = [
        drawn(tmp_path / "dark.png"),
        drawn(tmp_path / "light.png", ink=255, paper=0),
        drawn(tmp_path / "pale.jpg", ink=150, paper=200),
        drawn(tmp_path / "large.png", size=2000),
        drawn(tmp_path / "with space.bmp"),
        drawn(tmp_path / "no suffix", format="PNG"),
    ]
    done = run("predict", folder / "digits.safetensors", *files)
    assert (done.returncode, done.stderr) == (0, "")
    for file, line in zip(files, done.stdout.splitlines(), strict=True):
        assert re.fullmatch(rf"{re.escape(file)}: 0 \(\d+\.\d %\)", line)


def test_pictures_that_are_none(trained, tmp_path):
    """One line for each, the others are still read, exit code 1."""
    folder, _ = trained
    good = drawn(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    huge = Image.new("1", (20_000, 20_000))
    huge.save(tmp_path / "huge.png")
    names = ["cut", "text", "empty", "blank", "pipe", "folder", "huge", "missing"]
    files = [str(tmp_path / f"{name}.png") for name in names]
    done = run("predict", folder / "digits.safetensors", *files, good, timeout=30)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{good}: 0 (") and done.stdout.count("\n") == 1
    reasons = {
        "cut": "damaged image: ",
        "text": "not an image that Pillow can read",
        "empty": "not an image that Pillow can read",
        "blank": "no digit found: the picture is blank",
        "pipe": "not an ordinary file",
        "folder": "not an ordinary file",
        "huge": "more than 100,000,000 pixels",
        "missing": "No such file or directory",
    }
    for name, file, line in zip(names, files, done.stderr.splitlines(), strict=True):
        assert line.startswith(f"pydp: {file}: {reasons[name]}"), line


def test_models_that_are_none(trained, tmp_path):
    folder, _ = trained
    image = drawn(tmp_path / "0.png")

    def predict(model):
        return run("predict", model, image, cwd=tmp_path, timeout=20)

    refused(predict("none.st"), 1, "pydp: none.st: No such file or directory")
    refused(predict("."), 1, "pydp: . is a folder, not a file")
    os.mkfifo(tmp_path / "pipe")
    refused(predict("pipe"), 1, "pydp: pipe is a pipe, not a file")
    whole = (folder / "digits.safetensors").read_bytes()
    (tmp_path / "cut.st").write_bytes(whole[:-1])
    done = predict("cut.st")
    assert done.returncode == 1
    assert done.stderr.startswith("pydp: cut.st is damaged: ")
    assert done.stderr.count("\n") == 1
    pydp.save(tmp_path / "other.st", {"w": np.zeros(2)})
    message = "pydp: other.st: names no recipe (digits): was it written by pydp train?"
    refused(predict("other.st"), 1, message)


def test_models_of_another_shape(trained, tmp_path):
    """A file that names the recipe, but whose tensors or arguments are not the recipe's."""
    folder, _ = trained
    image = drawn(tmp_path / "0.png")
    state = pydp.load(folder / "digits.safetensors")
    right = dict(state.metadata)
    wrong = {"arguments": '{"channels": 1000000}'}, {"arguments": "[" * 100_000}, {"arguments": "1"}
    for i, change in enumerate(wrong):
        pydp.save(tmp_path / f"{i}.safetensors", state, {**right, **change})
        done = run("predict", tmp_path / f"{i}.safetensors", image)
        assert done.returncode == 1
        assert f"{i}.safetensors: no model of recipe digits: " in done.stderr
        assert "Traceback" not in done.stderr
    fewer = dict(list(state.items())[:-1])
    pydp.save(tmp_path / "fewer.safetensors", fewer, right)
    done = run("predict", tmp_path / "fewer.safetensors", image)
    assert done.returncode == 1
    assert "no model of recipe digits: " in done.stderr and "missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pillow(trained, tmp_path):
    folder, _ = trained
    (tmp_path / "PIL.py").write_text("raise ImportError('no module named PIL')")
    done = run("predict", folder / "digits.safetensors", "0.png", PYTHONPATH=f"{tmp_path}:{ROOT}")
    refused(done, 1, "pydp: predict needs Pillow: pip install 'pydp-tensor[image]'")


# ---- doctor --------------------------------------------------------------------------------------


def test_doctor():
    done = run("doctor", OMP_NUM_THREADS="3", PYDP_ISA=pydp.isa())
    assert done.stderr == ""
    lines = dict(re.findall(r"^(\S[\w ]*?\S?) {2,}(.*)$", done.stdout, re.M))
    assert lines["pydp"].startswith(f"{pydp.__version__} in ")
    assert lines["Python"].startswith(sys.version.split()[0])
    assert lines["NumPy"] == np.__version__
    assert lines["ISA"] == f"{pydp.isa()}: PYDP_ISA={pydp.isa()}"
    assert lines["threads"] == "3: OMP_NUM_THREADS=3"
    assert re.fullmatch(r"\d+\.\d GiB", lines["memory"])
    assert lines["OpenMP"] in ("libgomp", "libomp", "none (serial build)")
    assert "in the build: " in done.stdout and "runs here: " in done.stdout
    assert done.returncode == (1 if "warning" in done.stdout else 0)


def distribution(folder, name: str, version: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("pydp/__init__.py,,\n")
    (info / "top_level.txt").write_text("pydp\n")


def test_doctor_names_other_projects_of_the_name(tmp_path):
    """`pydp` on the index is another project, and `python-dp` installs an import of the name."""
    distribution(tmp_path, "python-dp", "1.1.4")
    done = run("doctor", PYTHONPATH=f"{ROOT}:{tmp_path}")
    assert done.returncode == 1
    assert "warning       the distribution python-dp 1.1.4 also installs an import named pydp" in (
        done.stdout
    )
    distribution(tmp_path, "pydp", "0.3")
    done = run("doctor", PYTHONPATH=f"{ROOT}:{tmp_path}")
    assert "the distribution pydp 0.3 " in done.stdout


def test_doctor_names_another_pydp_on_the_path(tmp_path):
    (tmp_path / "pydp").mkdir()
    (tmp_path / "pydp" / "__init__.py").write_text("raise ImportError")
    done = run("doctor", PYTHONPATH=f"{ROOT}:{tmp_path}")
    assert done.returncode == 1
    shadow = tmp_path / "pydp" / "__init__.py"
    assert f"warning       {shadow} is another pydp on sys.path" in done.stdout


def test_doctor_without_openmp(monkeypatch):
    monkeypatch.setattr(doctor._runtime, "openmp_runtime", lambda: "none (serial build)")
    _, warnings = doctor.report()
    assert "the kernels were built without OpenMP, so they run on one thread" in warnings
