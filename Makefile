# Everything a developer and CI do. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?= home
CAPTURES ?= ../shared/captures
STAMP := $(VENV)/.installed
CLANG ?= $(or $(shell command -v clang),clang-14)
# lgpio has no wheel for Python 3.13 yet: there GPIO is the distribution's python3-lgpio, which the agent must see
SYSTEM_PACKAGES = $(shell $(PYTHON) -c 'import sys; print("--system-site-packages" * (sys.version_info >= (3, 13)))')

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz-c captures torture vm-test check format bench bench-peer bench-detect install plots clean lock tools

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "edge-agent needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(SYSTEM_PACKAGES) $(VENV) || { rm -rf $(VENV); echo "Try: sudo apt install python3-venv"; exit 1; }

$(STAMP): $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing edge-agent into $(VENV) (a minute the first time) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.tools: $(STAMP)
	@echo "Installing the developers' tools ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -U pip -c constraints.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --group dev
	@touch $@

# The plots of the page on site are drawn by uPlot (MIT), which npm brings; without npm the page has no plots, and says so.
UPLOT := 1.6.32
VENDOR := edge_agent/console/web/static/vendor

$(VENDOR)/uPlot.iife.min.js:
	@command -v npm >/dev/null || { echo "The page on site has no plots without npm: sudo apt install npm && make plots"; exit 0; }; \
		folder=$$(mktemp -d) && cd $$folder && npm pack --silent uplot@$(UPLOT) >/dev/null && tar xzf uplot-$(UPLOT).tgz && \
		mkdir -p $(CURDIR)/$(VENDOR) && \
		cp package/LICENSE package/dist/uPlot.min.css package/dist/uPlot.iife.min.js $(CURDIR)/$(VENDOR)/ && rm -r $$folder

plots: $(VENDOR)/uPlot.iife.min.js ## fetch what draws the plots of the page on site (needs npm)

install: $(VENV)/.tools plots ## make .venv with the package and the developers' tools

demo: $(STAMP) ## run the main job with simulated devices: make demo ARGS="home --for 60 --seed 11 --report r.json"
	@$(BIN)/edge-agent demo $(ARGS)

tools:
	@sh tests/tools.sh

test: $(VENV)/.tools tools plots ## install what the tests need and run the whole suite
	@$(BIN)/python -m pytest $(PYTEST)

captures: $(VENV)/.tools ## decode captured bytes, and print what came of them: make captures CAPTURES=/path/to/folder
	@test -f "$(CAPTURES)/index.json" || { echo "No captures at $(CAPTURES): name the folder that has index.json"; exit 1; }
	@CAPTURES="$(abspath $(CAPTURES))" $(BIN)/python -m pytest tests/firmware/captures -q $(PYTEST)

torture: $(VENV)/.vm tools ## kill it, refuse it, cut its power, damage its files: make torture N=300 SEED=7
	@TORTURE=$(or $(N),200) TORTURE_SEED=$(or $(SEED),1) VM=1 VM_CUTS=10 VM_SEED=$(SEED) \
		$(BIN)/python -m pytest tests/torture tests/vm -s --timeout 0

$(VENV)/.vm: $(VENV)/.tools
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --group vm
	@touch $@

vm-test: $(VENV)/.vm tools ## test on real stacks in a virtual machine: make vm-test QUICK=1, or N=50 SEED=7
	@sh tests/tools.sh vm || true
	@VM=1 VM_CUTS=$(N) VM_SEED=$(SEED) $(BIN)/python -m pytest tests/vm -v -s --timeout 0 $(if $(QUICK),-m quick) $(PYTEST)

fuzz-c: ## fuzz the C library of the native link with libFuzzer: make fuzz-c SECONDS=600
	@command -v $(CLANG) >/dev/null || { echo "libFuzzer needs clang. Try: sudo apt install clang-14 libclang-rt-14-dev"; exit 1; }
	@mkdir -p build/fuzz/corpus
	@$(CLANG) -std=c99 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$(addprefix firmware_bridges/native/c/,edgelink.c edgedevice.c fuzz.c) -o build/fuzz/edgelink
	@build/fuzz/edgelink -max_total_time=$(or $(SECONDS),60) -max_len=600 -print_final_stats=1 build/fuzz/corpus

check: $(VENV)/.tools ## ruff, formatting, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.tools ## format the code
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.tools tools ## measure; prints ratios to a limit or a peer measured in the same run
	@$(BIN)/python -m tests.bench

bench-peer: $(VENV)/.tools tools ## the same path through ThingsBoard IoT Gateway and through us: make bench-peer QUICK=1
	@$(BIN)/python -m tests.bench peer $(if $(QUICK),--quick)

bench-detect: $(VENV)/.tools ## score the learned check on labelled channels: make bench-detect DATA=/path/to/folder
	@$(BIN)/python -m tests.bench.detect $(if $(DATA),--data $(DATA)) $(if $(PROTOTYPE),--prototype $(PROTOTYPE))

lock: $(VENV)/.tools ## write constraints.txt anew from what is installed
	@$(BIN)/python -m pip install -q -U --upgrade-strategy eager -e '.[demo]' --group dev --group vm
	@{ echo "# Tested together; made by make lock."; $(BIN)/python -m pip freeze --exclude-editable; } > constraints.txt

clean: ## remove the virtual environment and what tools left
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build
