"""Files that are written aside appear whole or not at all."""

import os
from pathlib import Path

import pytest

from optc.formats.placing import aside, checked_place


def test_the_file_is_there_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with aside(path) as made:
        made.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_the_old_file_stays_when_the_block_raises(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write() -> None:
        with aside(path) as made:
            made.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_may_be_read_as_the_umask_says_and_an_old_one_as_before(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    before = os.umask(0o027)
    try:
        with aside(path) as made:
            made.write_text("new")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        with aside(path) as made:
            made.write_text("newer")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o604
    assert path.read_text() == "newer"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "a.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with aside(link) as made:
        made.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_is_written_to_directly() -> None:
    null = Path(os.devnull)
    with aside(null) as made:
        made.write_text("gone")
    assert made == null
    assert null.is_char_device()


def test_a_folder_and_a_place_without_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        checked_place(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        checked_place(tmp_path / "none" / "a.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        checked_place(tmp_path / "file" / "a.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_write_protection_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(PermissionError, match="the file is write-protected"):
        checked_place(path)
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="is write-protected"):
        checked_place(tmp_path / "b.txt")
    tmp_path.chmod(0o700)
