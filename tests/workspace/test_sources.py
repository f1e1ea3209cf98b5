import gzip
import io
import json
import os
import tarfile
import zipfile

import pytest

from hfscale.errors import SourceError
from hfscale.workspace.members import list_members, read_members
from hfscale.workspace.sources import Location, parse_json, parse_source, read_documents


def tar_of(path, files, links=()):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


def test_broken_json_names_file_line_and_column():
    with pytest.raises(SourceError, match=r"BkgOnly\.json is not JSON: line 3, column 7"):
        parse_json(b'{\n "a": 1,\n "b": }', "BkgOnly.json")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_does_not_know_is_refused_with_its_place(literal):
    text = '{"NaN": "a \\" Infinity",\n  "b": [1, ' + literal + "]}"
    with pytest.raises(SourceError, match=f"{literal} at line 2, column 12"):
        parse_json(text.encode(), "x.json")


@pytest.mark.parametrize("data", [b"\xff\xfe\xfa", b"1" * 5000, b"[" * 200_000], ids=["bytes", "digits", "depth"])
def test_what_python_cannot_parse_is_an_error_of_the_source(data):
    with pytest.raises(SourceError, match=r"x\.json is not JSON"):
        parse_json(data, "x.json")


def test_byte_order_mark_is_read():
    assert parse_json(b'\xef\xbb\xbf{"a": 1}', "x.json") == {"a": 1}


def test_missing_file(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.json does not exist"):
        parse_source(tmp_path / "nowhere.json")


def test_member_of_what_is_no_archive(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(SourceError, match="is no archive"):
        parse_source(f"{tmp_path}/a.json::b.json")


def test_file_whose_name_has_the_separator_is_taken_as_it_is(tmp_path):
    path = tmp_path / "a::b.json"
    path.write_text('{"a": 1}')
    assert read_documents([parse_source(path)])[0].content == {"a": 1}


def test_compressed_json(tmp_path):
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}'))
    assert read_documents([Location(path)])[0].content == {"a": 1}


@pytest.mark.parametrize("name", ["a.json.gz", "a.tar.gz", "a.tgz", "a.tar", "a.zip"])
def test_damaged_file_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\x1f\x8b\x08 this is neither")
    with pytest.raises(SourceError, match=name):
        list_members(path) if name != "a.json.gz" else read_documents([Location(path)])


def test_truncated_archive_is_named(tmp_path):
    path = tar_of(tmp_path / "a.tar.gz", {"BkgOnly.json": json.dumps(list(range(9999))).encode()})
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(SourceError, match=r"a\.tar\.gz cannot be read"):
        read_members(path, list_members(path))


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.tar.gz"])
def test_members_of_tar_that_leave_it_are_no_members(tmp_path, name):
    files = {"./R/a.json": b"1", "../evil.json": b"2", "/etc/evil.json": b"3", "R/._a.json": b"4", "readme.txt": b"5"}
    path = tar_of(tmp_path / name, files, links=[("link.json", "/etc/passwd"), ("R/up.json", "../../x.json")])
    assert list_members(path) == ("R/a.json",)
    assert read_members(path, ["R/a.json"]) == {"R/a.json": b"1"}


def test_members_of_zip_that_leave_it_are_no_members(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("R/a.json", "1")
        archive.writestr("R/b.json.gz", gzip.compress(b"2"))
        archive.writestr("../evil.json", "3")
    assert list_members(path) == ("R/a.json", "R/b.json.gz")
    assert read_members(path, ["R/b.json.gz"]) == {"R/b.json.gz": b"2"}


def test_documents_come_in_the_order_asked_for(tmp_path):
    path = tar_of(tmp_path / "a.tar.gz", {"x.json": b"1", "y.json": b"2"})
    plain = tmp_path / "z.json"
    plain.write_text("3")
    documents = read_documents([Location(path, "y.json"), Location(plain), Location(path, "x.json")])
    assert [document.content for document in documents] == [2, 3, 1]
    assert documents[0].source == f"{path}::y.json"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_file_is_named(tmp_path):
    path = tmp_path / "secret.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(SourceError, match=r"secret\.json cannot be read"):
        read_documents([Location(path)])
