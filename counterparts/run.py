"""Hold the product against other programs, each in a throw-away environment of its own.

    python counterparts/run.py [--keep FOLDER] [--table docs/interoperability.md] [NAME ...]

NAME is a script of this folder (blender, threejs, ...); without any, all run. Each names its packages and its Python in
its first lines (PEP 723); one whose Python is not on the PATH is passed over. The files that they read are made by this
interpreter's anchorfit. Exits with 1 if a bar is missed or a script fails. `--table` writes the verdicts, with the day,
between the marks in that page.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_SCRIPTS = {"run", "files", "verdict"}
BEGIN, END = "<!-- verdicts -->\n", "<!-- end of verdicts -->\n"


def needs(script):
    """The script's PEP 723 block: its distributions, and how pip is to install them."""
    block = re.search(r"(?m)^# /// script\n((?:#.*\n)+?)# ///$", script.read_text()).group(1)
    return tomllib.loads("".join(line.removeprefix("#").lstrip(" ") for line in block.splitlines(keepends=True)))


def interpreter(wanted):
    """A Python that the script may run with: this one, or one of the only version that it names; None: none here."""
    only = wanted.get("requires-python", "").removeprefix("==").removesuffix(".*")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if only in ("", here) or only.startswith(">="):
        return sys.executable
    found = shutil.which(f"python{only}")  # may be a version manager's, of a version that is not chosen
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
    return found if works else None


def environment(script, folder):
    """A new environment with the script's distributions; its interpreter. "anchorfit" among them is this checkout."""
    wanted = needs(script)
    subprocess.run([interpreter(wanted), "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    options = wanted.get("tool", {}).get("counterpart", {}).get("pip", [])
    distributions = [str(HERE.parent) if name == "anchorfit" else name for name in wanted["dependencies"]]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile", *options]
    for group in one_by_one(distributions) if options else [distributions]:
        if group:
            subprocess.run([*pip, *group], check=True)
    return python


def one_by_one(distributions):
    return [[name] for name in distributions]


def verdicts(script, files, work):
    """Run one script; its verdicts, and whether it came to its end."""
    if interpreter(needs(script)) is None:
        print(f"PASSED OVER {script.stem}: needs Python {needs(script)['requires-python']}")
        return [], None
    try:
        python = environment(script, work / script.stem)
    except subprocess.CalledProcessError:
        return [], f"{script.stem}: its packages cannot be installed here"
    given = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    given |= {"ANCHORFIT_PYTHON": sys.executable, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, str(script), str(files)], capture_output=True, text=True, env=given, cwd=work)
    lines = [json.loads(line[8:]) for line in done.stdout.splitlines() if line.startswith("VERDICT ")]
    for line in done.stdout.splitlines():
        if line.startswith("PASSED OVER "):
            print(line)
    if done.returncode:
        return lines, f"{script.stem}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    return lines, None


def row(line):
    cells = [line["program"], line["compared"], line["difference"], line["bar"], line["note"]]
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def write_table(page, lines):
    day = datetime.date.today().isoformat()
    head = f"\n{day}, `python counterparts/run.py`:\n\n| program | compared | difference | bar | |\n"
    head += "|---|---|---|---|---|\n"
    text = page.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(before + BEGIN + head + "\n".join(map(row, lines)) + "\n\n" + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--keep", type=Path, help="folder for the files; left there")
    parser.add_argument("--table", type=Path, help="page that the verdicts go into")
    options = parser.parse_args()
    names = options.names or sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_SCRIPTS)
    lines, problems = [], []
    with tempfile.TemporaryDirectory() as work:
        files = (options.keep or Path(work) / "files").resolve()
        made = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
        subprocess.run([sys.executable, str(HERE / "files.py"), str(files)], check=True, env=made)
        for name in names:
            found, problem = verdicts(HERE / f"{name}.py", files, Path(work))
            for line in found:
                print(("  " if line["kept"] else "X ") + row(line).strip("| "), flush=True)
            lines += found
            if problem:
                problems.append(problem)
                print(f"X {problem}", flush=True)
        missed = [line for line in lines if not line["kept"]]
        print(f"{len(lines)} verdicts, {len(missed)} bars missed, {len(problems)} scripts failed")
        if options.table and not problems:
            write_table(options.table, lines)
    sys.exit(1 if missed or problems else 0)


if __name__ == "__main__":
    main()
