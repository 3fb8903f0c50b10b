from __future__ import annotations

from pathlib import Path

import pytest

from facevlm.batch.results import Result, Results, refused
from facevlm.errors import InputError
from tests.batch.conftest import written


def result(custom_id: str, status: int = 400) -> Result:
    return refused(custom_id, status, "code", "said")


def filled(out: Path, *results: Result) -> bytes:
    """The content of a file that these were added to."""
    file = Results(out)
    for each in results:
        file.add(each)
    file.close()
    return out.read_bytes()


def claims(results: Results, *ids: str) -> list[str]:
    return [results.claim(each, number) for number, each in enumerate(ids, start=1)]


def test_a_result_is_a_line_of_openais_form(out: Path) -> None:
    filled(out, result("a", 404))
    line = written(out)["a"]
    assert line["id"].startswith("batch_req_")
    assert (line["response"]["status_code"], line["error"]) == (404, {"code": "code", "message": "said"})


def test_what_is_there_is_not_asked_again(out: Path) -> None:
    filled(out, result("a"), result("b"))
    results = Results(out)
    assert claims(results, "a", "b", "c") == ["there", "there", "new"]
    assert (results.counts.there, results.counts.at_fault) == (2, 2)


def test_an_id_that_comes_twice_is_told_apart_from_one_that_is_there(out: Path) -> None:
    filled(out, result("a"))
    results = Results(out)
    assert claims(results, "a", "a", "b", "b") == ["there", "twice", "new", "twice"]
    assert (results.counts.twice, results.counts.first_twice) == (2, 2)


def test_results_that_nobody_asks_for_are_kept_and_counted(out: Path) -> None:
    filled(out, result("of another input"))
    results = Results(out)
    claims(results, "a")
    results.finish()
    assert results.counts.strange == 1
    assert set(written(out)) == {"of another input"}


def test_wherever_a_kill_cuts_the_last_line_it_is_taken_back(tmp_path: Path) -> None:
    first = filled(tmp_path / "one", result("a"))
    whole = filled(tmp_path / "two", result("a"), result("b"))
    whole = first + whole[len(first) :]
    for length in range(len(first), len(whole)):
        out = tmp_path / "cut"
        out.write_bytes(whole[:length])
        results = Results(out)
        assert results.cut == length - len(first)
        assert claims(results, "a", "b") == ["there", "new"]
        results.close()
        assert out.read_bytes() == first


@pytest.mark.parametrize("content", ["notes of mine\n", "notes of mine", '{"custom_id": "a"}\n', '{"a": 1}'])
def test_a_file_of_something_else_is_left_alone(out: Path, content: str) -> None:
    out.write_text(content)
    with pytest.raises(InputError, match="line 1 is no result"):
        Results(out)
    assert out.read_text() == content


def test_a_second_run_on_the_same_file_is_refused(out: Path) -> None:
    first = Results(out)
    with pytest.raises(InputError, match="another run is writing it"):
        Results(out)
    first.close()
    Results(out).close()


def test_failures_of_the_model_can_be_asked_again_and_nothing_else(out: Path) -> None:
    filled(out, result("fault"), result("failed", 502), result("busy", 429), result("lost", 404))
    results = Results(out, retry=True)
    assert set(written(out)) == {"fault", "lost"}
    assert claims(results, "fault", "failed", "busy", "lost") == ["there", "new", "new", "there"]
    results.add(result("failed", 200))
    assert set(written(out)) == {"fault", "lost", "failed"}


def test_the_file_stays_locked_while_failures_are_asked_again(out: Path) -> None:
    filled(out, result("failed", 502))
    first = Results(out, retry=True)
    with pytest.raises(InputError, match="another run"):
        Results(out)
    first.close()


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Results(tmp_path)


@pytest.mark.parametrize(
    ("statuses", "exit_status"), [((), 0), ((200,), 0), ((200, 400), 2), ((400, 502), 4), ((429,), 4)]
)
def test_the_exit_status_tells_the_worst(out: Path, statuses: tuple[int, ...], exit_status: int) -> None:
    results = Results(out)
    for status in statuses:
        results.add(result(f"{status}", status))
    assert results.counts.exit_status == exit_status
