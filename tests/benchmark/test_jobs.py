import sys
from pathlib import Path

import pytest

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.jobs import Job, newest_job, read_job, write_job


def test_a_job_survives_the_disk_with_absolute_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.setenv("BENCHMARK_DATA_DIR", "data")
    prepared = {"digits": Path("cache/digits")}
    context = Context(
        cache_dir=Path("cache"), prepared=prepared, checksums={"digits": "abc"}, stack=16
    )
    path = write_job(tmp_path / "study", context)
    job = read_job(path)
    assert job.import_path[0] == str(tmp_path)
    assert (job.data_dir, job.cache_dir) == (None, str(tmp_path / "cache"))
    assert job.prepared == {"digits": str(tmp_path / "cache" / "digits")}
    assert job.checksums == job.context().checksums == {"digits": "abc"}
    assert job.stack == 16
    assert job.variables["BENCHMARK_DATA_DIR"] == str(tmp_path / "data")
    assert not any("site-packages" in folder for folder in job.import_path)


def test_the_newest_job_of_a_study_is_that_of_its_latest_launch(tmp_path):
    assert newest_job(tmp_path) == Job()
    first = write_job(tmp_path, Context())
    write_job(tmp_path, Context(cache_dir=Path("/elsewhere")))
    assert newest_job(tmp_path).cache_dir == "/elsewhere"
    assert write_job(tmp_path, Context()) == first
    assert newest_job(tmp_path).cache_dir is None


def test_prepared_data_are_those_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.delenv("BENCHMARK_CACHE_DIR")
    job = Job(prepared={"digits": str(tmp_path), "mnist": str(tmp_path / "gone")})
    assert job.context().prepared == {"digits": tmp_path}
    assert job.context(cache_dir=tmp_path).prepared == {}


def test_a_cache_of_this_machine_alone_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "shared"))
    job = Job.here(Context(prepared={"digits": tmp_path}))
    assert job.context().prepared == {"digits": tmp_path}
    assert job.context().cache_dir is None
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "own"))
    assert job.context().prepared == {}
    assert job.context().cache_dir == tmp_path / "own"
    assert job.context(cache_dir=tmp_path).cache_dir == tmp_path


@pytest.mark.parametrize("text", ["", "{", "[]", '{"import_path": 1}', '{"other": 1}', "\udcff"])
def test_a_damaged_job_is_named(tmp_path, text):
    path = tmp_path / "job.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=r"job\.json is no job file"):
        read_job(path)
    with pytest.raises(UsageError, match="there is no job file"):
        read_job(tmp_path / "other.json")
