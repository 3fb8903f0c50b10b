from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

from facevlm.errors import InputError
from facevlm.training import card
from facevlm.training.facts import gather

HEADINGS = ["Data", "Training", "Figures", "Limits", "What it must not be used for", "Licence"]
RUN = {
    "rows": {"trained": 24900, "held out": 300},
    "left_out": ["line 3: no picture", "line 9: no answer"],
    "steps": 120,
    "losses": {"first": 3.25, "last": 0.4},
    "versions": {"peft": "0.21.2"},
}
METRICS = [
    {"what": "accuracy", "figure": 0.838, "low": 0.824, "high": 0.851, "n": 2825, "command": "make bench"},
    {"what": "F1 | mean", "figure": 0.7, "low": 0.6, "high": 0.8, "n": 30, "each": [0.6, 0.8], "command": "make aus"},
]
NOTES = {
    "about": "Explains expressions.",
    "data": [{"name": "FER+", "licence": "labels MIT"}],
    "limits": ["Small grey faces."],
    "licence": "For research.",
    "not_for": ["To grade pupils."],
}


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter of six weights, and nothing else recorded of it."""
    folder = tmp_path / "my-facs"
    folder.mkdir()
    config = {"base_model_name_or_path": "nano-base", "r": 8, "lora_alpha": 16}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    save_file({"a": torch.zeros(2, 3, dtype=torch.bfloat16)}, folder / "adapter_model.safetensors")
    return folder


@pytest.fixture
def recorded(adapter: Path) -> Path:
    """The same with everything recorded."""
    (adapter / "run.json").write_text(json.dumps(RUN))
    (adapter / "metrics.json").write_text(json.dumps(METRICS))
    (adapter / "recipe.yaml").write_text("seed: 7\nbase: ../nano-base\n")
    (adapter / "card.yaml").write_text(yaml.safe_dump(NOTES))
    return adapter


def written(folder: Path, **given: Any) -> str:
    return card.write(folder, gather(folder, **given)).read_text()


def part(text: str, heading: str) -> str:
    return re.split(r"^## ", text.partition(f"## {heading}\n")[2], flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the table rows in a text."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_a_full_card_has_its_parts_in_order_and_nothing_missing(recorded: Path) -> None:
    text = written(recorded)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert "not recorded" not in text.lower()


def test_the_front_matter_names_the_base_for_the_hub(recorded: Path) -> None:
    front = yaml.safe_load(written(recorded).split("---\n")[1])
    assert (front["base_model"], front["library_name"]) == ("nano-base", "peft")


def test_a_base_has_no_base(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Idefics3ForConditionalGeneration"]}))
    text = written(tmp_path)
    assert "base_model" not in text
    assert ["kind", "base model, Idefics3ForConditionalGeneration"] in rows(text)


def test_a_matcher_is_loaded_by_open_clip(tmp_path: Path) -> None:
    model = {"embed_dim": 128, "vision_cfg": {"timm_model_name": "facevlm_cnn"}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": model}))
    card = written(tmp_path)
    assert "library_name: open_clip" in card
    assert "128 dimensions, image tower facevlm_cnn" in card


def test_weights_are_counted_and_the_seed_is_the_recipes(recorded: Path) -> None:
    text = written(recorded)
    assert ["kind", "LoRA adapter of nano-base, rank 8, alpha 16"] in rows(text)
    assert ["weights", "6 of type BF16, 0.0 MB"] in rows(text)
    assert ["seed", "7"] in rows(text)


def test_a_path_of_this_machine_stays_out_of_the_card(adapter: Path) -> None:
    config = {"base_model_name_or_path": "/home/someone/models/nano-base", "r": 8, "lora_alpha": 16}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    assert "someone" not in written(adapter)


def test_data_come_with_licences_and_counts(recorded: Path) -> None:
    data = rows(part(written(recorded), "Data"))
    assert ["FER+", "labels MIT", ""] in data
    assert ["trained", "24,900"] in data
    assert ["left out as unusable", "2"] in data


def test_whatever_else_the_run_recorded_is_listed(recorded: Path) -> None:
    training = part(written(recorded), "Training")
    assert ["steps", "120"] in rows(training)
    assert ["losses", "first 3.25, last 0.4"] in rows(training)
    assert "seed: 7\nbase: ../nano-base" in training


def test_reinforcement_that_did_not_help_says_so(recorded: Path) -> None:
    (recorded / "run.json").write_text(json.dumps(RUN | {"helped": False}))
    assert "did not help" in part(written(recorded), "Training")


def test_figures_come_with_interval_number_and_the_command_that_made_them(recorded: Path) -> None:
    figures = part(written(recorded), "Figures")
    assert ["accuracy", "0.838 (0.824–0.851)", "2,825"] in rows(figures)
    assert ["F1 \\| mean", "0.700 (0.600–0.800); 0.600, 0.800", "30"] in rows(figures)
    assert figures.index("`make bench`") < figures.index("accuracy") < figures.index("`make aus`")


def test_figures_may_come_from_several_files(recorded: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file, row in zip(files, METRICS, strict=True):
        file.write_text(json.dumps([row]))
    text = written(recorded, metrics=files)
    assert "accuracy" in text and "F1" in text


def test_limits_uses_and_licence_are_what_people_wrote(recorded: Path) -> None:
    text = written(recorded)
    assert "* Small grey faces." in part(text, "Limits")
    assert "* To grade pupils." in part(text, "What it must not be used for")
    assert "For research." in part(text, "Licence")


def test_notes_may_lie_elsewhere(adapter: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.yaml"
    notes.write_text(yaml.safe_dump(NOTES))
    assert "Small grey faces." in written(adapter, notes=notes)


def test_what_is_not_recorded_is_named_and_nothing_is_made_up(adapter: Path) -> None:
    text = written(adapter)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [*HEADINGS, "Not recorded"]
    missing = part(text, "Not recorded")
    for file in ("recipe.yaml", "run.json", "metrics.json", "card.yaml"):
        assert file in missing
    assert rows(part(text, "Figures")) == []
    assert "do not assume one" in part(text, "Licence")


def test_no_card_is_silent_on_what_it_must_not_be_used_for(adapter: Path) -> None:
    assert "identify anyone" in part(written(adapter), "What it must not be used for")


def test_a_figure_without_interval_or_command_is_named(recorded: Path) -> None:
    (recorded / "metrics.json").write_text('[{"what": "recall", "figure": 0.5, "n": 8}]')
    text = written(recorded)
    assert ["recall", "0.500", "8"] in rows(text)
    assert "of «recall»: low, high, command" in part(text, "Not recorded")


def test_a_figure_that_could_not_be_computed_is_a_dash(recorded: Path) -> None:
    (recorded / "metrics.json").write_text('[{"what": "recall", "figure": NaN, "command": "make bench"}]')
    assert ["recall", "–", "–"] in rows(written(recorded))


def test_the_card_takes_the_place_of_pefts_and_survives_its_saving(recorded: Path) -> None:
    from peft import LoraConfig, get_peft_model

    linear = torch.nn.Sequential(torch.nn.Linear(4, 4))
    adapted = get_peft_model(linear, LoraConfig(target_modules=["0"]))
    adapted.save_pretrained(recorded, save_embedding_layers=False)
    (recorded / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "nano-base", "r": 8, "lora_alpha": 16})
    )
    before = written(recorded)
    assert "More Information Needed" not in before
    adapted.save_pretrained(recorded, save_embedding_layers=False)
    after = (recorded / "README.md").read_text()
    for heading in HEADINGS:
        assert part(before, heading).strip() in after


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("run.json", "{", "run.json: Expecting property name"),
        ("metrics.json", '[{"figure": 1}]', "metrics.json: 0.what: field required"),
        ("card.yaml", "limit: [a]", r"card.yaml: limit: extra inputs are not permitted.*docs/adapters.md"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(recorded: Path, file: str, content: str, reason: str) -> None:
    (recorded / file).write_text(content)
    with pytest.raises(InputError, match=reason) as caught:
        gather(recorded)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_gets_no_card(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of adapter_config\.json, open_clip_config\.json and config\.json"):
        gather(tmp_path)


def test_figures_that_were_asked_for_must_be_there(recorded: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: there is no such file"):
        gather(recorded, metrics=[recorded / "none.json"])
