# Everything from nothing: `make demo` and `make test` first make .venv, later runs find it ready.

BIN := .venv/bin
READY := .venv/.ready
# A .venv that does not start, or was made for another folder, is made again.
$(shell [ "$$(cat $(READY) 2>/dev/null)" = "$(CURDIR)" ] && $(BIN)/python -c '' 2>/dev/null || rm -f $(READY))

.PHONY: demo test test-vllm lint imports types tests format bench bench-serve explanations ladder conversation matching \
	leaderboard embedded constraints wheel clean help
.DEFAULT_GOAL := help

demo: $(READY) ## explain the faces of a bundled photograph; the report goes to facevlm-demo/
	@$(BIN)/facevlm demo

test: lint imports types tests ## everything continuous integration checks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

imports: $(READY) ## who may import whom
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

tests: $(READY)
	$(BIN)/python -m pytest -q

test-vllm: .venv-vllm/.ready ## the tests that serve the embedded model with a real vLLM, for a CPU
	$(BIN)/python -m pytest -q tests/serving/test_vllm_served.py tests/models/test_parity_vllm.py

format: $(READY) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## detection, speed and memory: make bench DATA=folder
	$(BIN)/python evals/bench.py --data $(or $(DATA),../shared/data) --out evals/reports
	$(BIN)/python evals/leaderboard.py

bench-serve: .venv-vllm/.ready ## what the gateway and the batch runner cost beside vLLM alone
	$(BIN)/python evals/serve.py --out evals/reports

explanations: $(READY) ## what the explanations are worth: make explanations DATA=folder ADAPTERS="--adapter a --adapter b"
	$(BIN)/python evals/explanations.py --data $(or $(DATA),../shared/data) --out evals/reports $(ADAPTERS)
	$(BIN)/python evals/leaderboard.py

ladder: $(READY) ## what training, marks, cues and the order of the answer bring: make ladder DATA=folder GRPO=adapter
	$(BIN)/python evals/ladder.py --data $(or $(DATA),../shared/data) $(addprefix --grpo ,$(GRPO)) --out evals/reports

conversation: $(READY) ## how well questions in one's own words are answered
	$(BIN)/python evals/conversation.py --out evals/reports

matching: $(READY) ## what the matcher is worth: make matching DATA=folder OPTIONS="--fit --zero-shot FOLDER --without EMOTION=FOLDER"
	$(BIN)/python evals/matching.py --data $(or $(DATA),../shared/data) --out evals/reports $(OPTIONS)

leaderboard: $(READY) ## evals/leaderboard.md and the README's table, from the reports
	$(BIN)/python evals/leaderboard.py

embedded: $(READY) ## make the embedded model and the matcher again from nothing: make embedded DATA=folder; goes on where it was
	$(BIN)/facevlm train base adapters/nano-base/recipe.yaml --data $(or $(DATA),../shared/data)/ferplus \
		--rig $(or $(DATA),../shared/data)/ict_facekit/ict_facekit.npz --out adapters/nano-base
	$(BIN)/facevlm train sft adapters/nano-facs/recipe.yaml --data $(or $(DATA),../shared/data)/ferplus \
		--out adapters/nano-facs
	$(BIN)/facevlm train clip adapters/nano-clip/recipe.yaml --data $(or $(DATA),../shared/data)/ferplus \
		--rig $(or $(DATA),../shared/data)/ict_facekit/ict_facekit.npz --out adapters/nano-clip

wheel: $(READY) ## build dist/facevlm-….whl and the source archive
	$(BIN)/python -m hatchling build

constraints: $(READY) ## resolve every extra anew into constraints.txt
	@cp constraints.txt .venv/constraints.txt
	@echo opencv-contrib-python-headless | .ci/uv pip compile -q pyproject.toml - --all-extras --python-version 3.11 \
		--upgrade --no-annotate --no-header --no-emit-index-url -o .venv/resolved.txt
	@{ grep -E '^#|^opencv-contrib-python==' .venv/constraints.txt; cat .venv/resolved.txt; } > constraints.txt

$(READY): pyproject.toml constraints.txt .ci/setup .ci/uv
	@PYTHON="$(PYTHON)" .ci/setup

.venv-vllm/.ready: .ci/vllm $(READY)
	@.ci/vllm

clean: ## remove everything made here
	rm -rf .venv .venv-vllm dist facevlm-demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14
