# Every target sets up what it needs by itself; a second call finds it done.
#
# torch comes from the default index: to get another build of it, set pip's own variable, e.g.
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo

PYTHON ?= python3
VENV ?= .venv
FRAMEWORKS_VENV ?= .venv-frameworks
VISION_VENV ?= .venv-vision
PEERS_VENV ?= .venv-peers
FUZZ_VENV ?= .venv-fuzz
FRAMEWORKS := accelerate ignite keras lightning optuna ray transformers
DEMO_FLAGS ?=
# --full: all workloads and three seeds, hours; --peers: other tools' remedies beside it.
RESCUE_FLAGS ?=
TEST_FLAGS ?=
# A folder with rules of other tools to score beside lrwatch, if there is one.
PEERS ?= ../shared/tools

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-frameworks lint types wheel-check gallery docs bench-verdicts bench-shapes scorecard bench-rescue bench-find bench-hook bench-run bench-overhead bench-detectors bench-read bench-scan bench-tab proof soak fuzz clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.core  ## train a small model with a rate that is too high, and watch it being caught
	$(BIN)/lrwatch demo $(DEMO_FLAGS)

test: $(VENV)/.dev  ## run the whole test suite
	$(BIN)/python -m pytest $(TEST_FLAGS)

test-frameworks: $(FRAMEWORKS_VENV)/.installed $(VISION_VENV)/.installed  ## train under every framework that has an adapter
	LRWATCH_TEST_FRAMEWORKS='$(FRAMEWORKS)' $(FRAMEWORKS_VENV)/bin/python -m pytest tests/frameworks $(TEST_FLAGS)
	LRWATCH_TEST_FRAMEWORKS='fastai ultralytics' $(VISION_VENV)/bin/python -m pytest tests/frameworks $(TEST_FLAGS)

lint: $(VENV)/.dev  ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## check types, strictly
	$(BIN)/mypy

wheel-check: $(VENV)/.dev  ## build an sdist, a wheel from it, and try that wheel elsewhere
	.ci/wheel-check $(BIN)/python

bench-verdicts: $(VENV)/.core  ## measure how often the verdict is right, on runs with a known truth
	$(BIN)/python -m tests.benchmarks.verdicts $(if $(wildcard $(PEERS)/peer_rules.py),--peers $(PEERS))

gallery: $(VENV)/.dev  ## train the example on each page of docs/alerts, and draw it
	$(BIN)/python -m tests.benchmarks.gallery

docs: $(VENV)/.dev  ## bring the help on the pages of the commands up to date
	$(BIN)/python -m tests.documentation.helps

bench-shapes: $(VENV)/.core  ## write the numbers that the thresholds of the verdict are chosen from
	$(BIN)/python -m tests.benchmarks.shapes

scorecard: $(VENV)/.dev  ## fit the scorecard of lr_too_low, and say how it does on workloads left out
	$(BIN)/python -m tests.benchmarks.verdicts > /dev/null
	$(BIN)/python -m tests.benchmarks.sweep --tables
	$(BIN)/python -m tests.benchmarks.scorecard $(FLAGS)

bench-rescue: $(VENV)/.dev  ## measure the back-off: launches too hot, harm to healthy runs, mishaps
	$(BIN)/python -m tests.benchmarks.rescue --picture .bench/rescue/launches.png $(RESCUE_FLAGS)

bench-find: $(VENV)/.core  ## measure the regret of suggested rates beside other range tests
	$(BIN)/python -m tests.benchmarks.find_lr

bench-hook: $(VENV)/.core  ## measure what watching adds to a training step
	$(BIN)/python -m tests.benchmarks.hook_cost

bench-run: $(FRAMEWORKS_VENV)/.installed  ## measure what `lrwatch run` adds to Transformers and Lightning, on steps of 10 ms
	$(FRAMEWORKS_VENV)/bin/python -m tests.benchmarks.run_cost $(FLAGS)

bench-overhead: $(PEERS_VENV)/.installed  ## measure lrwatch beside other trackers, on steps of 1, 10 and 100 ms
	$(PEERS_VENV)/bin/python -m tests.benchmarks.overhead $(FLAGS)

bench-detectors: $(VENV)/.core  ## measure what judging a step takes, over a million steps
	$(BIN)/python -m tests.benchmarks.detector_cost $(FLAGS)

bench-read: $(VENV)/.core  ## measure the reader of event files beside TensorBoard's own
	$(BIN)/python -m tests.benchmarks.read_events

bench-scan: $(VENV)/.core  ## measure how fast old logs are judged
	$(BIN)/python -m tests.benchmarks.scan_speed

bench-tab: $(VENV)/.dev  ## measure TensorBoard's tab in Chromium: 1,000 runs, 1,000,000 steps
	$(BIN)/python -m tests.benchmarks.tab_speed

proof: $(VENV)/.dev  ## put every fault of the matrix to lrwatch, and print a figure for each
	$(BIN)/python -m tests.benchmarks.proof $(FLAGS)

soak: $(VENV)/.core  ## run for millions of steps: memory, cost, files and threads must not grow
	$(BIN)/python -m tests.benchmarks.soak $(FLAGS)

fuzz: $(FUZZ_VENV)/.installed  ## feed bytes by atheris to the readers and to what is printed
	$(FUZZ_VENV)/bin/python -m tests.benchmarks.fuzz $(FLAGS)

clean:  ## remove the environment and everything built
	rm -rf $(VENV) $(FRAMEWORKS_VENV) $(VISION_VENV) $(PEERS_VENV) $(FUZZ_VENV) build dist .bench *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find lrwatch hooks tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# torch goes first: it is the largest by far, and the rest must not bring another version of it.
$(VENV)/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("lrwatch needs Python 3.11 or later, this is %d.%d; try: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt torch
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The trackers that lrwatch is compared with; one that cannot be installed is left out of the table.
# atheris is only where it is used; lrwatch itself is read from the checkout.
$(FUZZ_VENV)/.installed: constraints-fuzz.txt
	test -x $(FUZZ_VENV)/bin/python || $(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_VENV)/bin/python -m pip --disable-pip-version-check install --constraint constraints-fuzz.txt atheris numpy click
	@touch $@

$(PEERS_VENV)/.installed: PIP = $(PEERS_VENV)/bin/python -m pip --disable-pip-version-check
$(PEERS_VENV)/.installed: pyproject.toml constraints.txt constraints-peers.txt
	test -x $(PEERS_VENV)/bin/python || $(PYTHON) -m venv $(PEERS_VENV)
	$(PIP) install --constraint constraints.txt torch
	$(PIP) install --editable .
	for peer in $$(sed -n 's/==.*//p' constraints-peers.txt); do \
	  $(PIP) install --constraint constraints-peers.txt $$peer || echo "$$peer is left out"; done
	@touch $@

# The frameworks bring much along, and want none of it beside lrwatch's own environment.
$(FRAMEWORKS_VENV)/.installed: PIP = $(FRAMEWORKS_VENV)/bin/python -m pip --disable-pip-version-check
$(FRAMEWORKS_VENV)/.installed: pyproject.toml constraints.txt constraints-frameworks.txt
	test -x $(FRAMEWORKS_VENV)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS_VENV)
	$(PIP) install --constraint constraints.txt torch
	$(PIP) freeze | grep '^torch==' >$(FRAMEWORKS_VENV)/torch
	$(PIP) install --constraint constraints.txt --constraint constraints-frameworks.txt --editable '.[test,accelerate,ignite,keras,lightning,optuna,ray,transformers]'
	@$(PIP) freeze | grep '^torch==' | diff $(FRAMEWORKS_VENV)/torch - || { echo 'a framework has replaced torch'; exit 1; }
	@touch $@

# torchvision, as published, does not load beside a CPU build of torch, and then breaks Lightning and
# Transformers: what needs it lives apart. Ultralytics would bring an OpenCV that needs a display,
# fastai a library for languages.
$(VISION_VENV)/.installed: PIP = $(VISION_VENV)/bin/python -m pip --disable-pip-version-check
$(VISION_VENV)/.installed: pyproject.toml constraints.txt constraints-frameworks.txt
	test -x $(VISION_VENV)/bin/python || $(PYTHON) -m venv $(VISION_VENV)
	$(PIP) install --constraint constraints.txt torch
	$(PIP) install --constraint constraints.txt --constraint constraints-frameworks.txt --editable '.[test]' cloudpickle fastcore fastprogress fasttransform opencv-python-headless 'plum-dispatch<2.10' polars psutil PyYAML requests scikit-learn
	$(PIP) install --no-deps --constraint constraints-frameworks.txt fastai fastdownload torchvision ultralytics ultralytics-thop
	@touch $@
