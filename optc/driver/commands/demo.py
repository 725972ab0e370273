"""`optc demo`."""

import os
from pathlib import Path

import click


@click.command()
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), default=Path("optc-demo"), show_default=True,
    metavar="FOLDER", help="Where the files go.",
)  # fmt: skip
@click.option("--engine", default="", metavar="E", help="onnxruntime (where it is installed) or reference.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def command(folder: Path, engine: str, as_json: bool) -> None:
    """Take a network that ships with optc through all that optc does.

    What each scheme costs and saves, the plans of the best one on three devices, and the files to go on with.

    \b
    optc demo
    optc demo -o /tmp/digits --json
    """
    # NumPy's linear algebra starts a thread for each core when it is loaded, which pictures of 8 by 8 make slow.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from optc.driver.demo import journey, schemes, tables
    from optc.driver.demo.shipped import demo_model
    from optc.driver.facade import check_engine
    from optc.driver.output import show_json, working

    if engine:
        check_engine(engine)
    journey.check_folder(folder)
    with working("running the network"):
        subject = schemes.Subject.shipped(engine)
    if not as_json:
        tables.show_subject(subject, demo_model())
    tried = []
    with working("trying schemes") as report:
        for row in schemes.measure(subject):
            tried.append(row)
            report("trying schemes", len(tried), len(schemes.SCHEMES))
    chosen = schemes.smallest_as_good(subject, tried)
    before = demo_model().stat().st_size
    if not as_json:
        tables.show_schemes(subject, tried, chosen, before, folder)
    planned = []
    with working("planning") as report:
        for plan in journey.plans(chosen.program, subject.clean):
            planned.append(plan)
            report("planning", len(planned), len(journey.SETTINGS))
    if not as_json:
        tables.show_plans(planned, folder)
    with working(f"writing {folder}"):
        files = list(journey.write(subject, chosen, planned, folder))
    commands = journey.next_commands(folder, planned[0])
    if not as_json:
        tables.show_files(subject, files, commands)
        return
    data = {
        "engine": subject.engine, "pictures": len(subject.digits),
        "before": {"bytes": before, "right": subject.right},
        "schemes": [row.to_json() for row in tried], "chosen": chosen.scheme.options,
        "plans": [each.to_json() for each in planned], "files": [file.to_json() for file in files],
        "next": [text for text, _ in commands],
    }  # fmt: skip
    show_json(data)
