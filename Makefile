# The same targets for people and for CI. Nothing but Python 3.11 or newer, pip and make is needed.
PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv
# One for each Python that PYTHON names.
SLIM := .venv-slim-$(notdir $(PYTHON))
# The fuzzer has no wheel for every Python, so it has an environment of its own.
FUZZ := .venv-fuzz
# ByteTrack, for the benchmark of tracks: it brings opencv-python, which may not lie beside our headless one.
BYTETRACK := .venv-bytetrack
# What `make check` tests: the live path and the house, in seconds.
CHECKED := tests/streams tests/producer tests/consumer tests/workers tests/test_structure.py
CHANGED := pyproject.toml

# A file of tests a core, each with one thread: on two cores in half the time. The order is that of tests/support/markers.py.
PYTEST := -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# An environment with the extras that are named; newer than pyproject.toml, or made anew.
COMMA := ,
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make $@ PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(1)]'
	@touch $@
endef

.PHONY: help demo test check slim-test deploy-test lint format docs docs-serve bench bench-tracks faults soak fuzz train avfer-smoke scale-out walk match-boxes screenshots dashboards kubernetes-rules clean test-tools missing-tools

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

demo: $(DEMO)/.installed  ## real faces through the whole path, and a page that shows them, for 20 seconds; ARGS="--forever --open", say
	@$(DEMO)/bin/fer-demo $(ARGS)

test: $(DEV)/.installed missing-tools  ## every test that takes seconds, in ten minutes; ARGS="-k reader", say
	OMP_NUM_THREADS=1 $(DEV)/bin/python $(PYTEST) $(ARGS)

check: lint  ## what an edit needs: lint, and the tests that start no server, in under a minute
	OMP_NUM_THREADS=1 $(DEV)/bin/python $(PYTEST) -m "not server and not slow" $(CHECKED) $(ARGS)

slim-test: $(SLIM)/.installed missing-tools  ## the live path without torch, in two minutes; PYTHON=python3.13 for another Python
	OMP_NUM_THREADS=1 $(SLIM)/bin/python $(PYTEST) $(ARGS)

deploy-test: $(DEV)/.installed missing-tools  ## those that take minutes or the machine for themselves: scale-out, rolling upgrade, wheel, a real Prometheus, boxes on pictures
	$(DEV)/bin/python -m pytest -m deploy $(ARGS)

lint: $(DEV)/.installed  ## style, types, and that imports go one way
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

format: $(DEV)/.installed  ## put the code into shape
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

docs: $(DEV)/.installed  ## the documentation into site/, with warnings as errors
	$(DEV)/bin/python -m tests.plays.write_command_pages --check
	NO_MKDOCS_2_WARNING=1 $(DEV)/bin/mkdocs build --strict --quiet

docs-serve: $(DEV)/.installed  ## the documentation on http://127.0.0.1:8000, built anew at every change
	NO_MKDOCS_2_WARNING=1 $(DEV)/bin/mkdocs serve

bench: $(DEV)/.installed  ## what each stage and a whole worker reach on this machine, in about two minutes; ARGS="--write workers/sizing/capacity.json" for plans
	$(DEV)/bin/python -m tests.benchmarks.worker $(ARGS)

bench-tracks: $(DEV)/.installed $(BYTETRACK)/.installed  ## how well faces are followed and named, against two other trackers, in two minutes; ARGS=--write renews docs
	$(DEV)/bin/python -m tests.benchmarks.tracks --bytetrack $(BYTETRACK)/bin/python $(ARGS)

faults: $(DEV)/.installed  ## real processes, real faults, and the account of every frame, in an hour; ARGS="--only cluster --seeds 1", say; ARGS=--write renews docs
	$(DEV)/bin/python -m tests.faults $(ARGS)

soak: $(DEV)/.installed  ## half an hour of steady load, and whether anything grows; plot in runs/soak; ARGS="--minutes 5", say
	$(DEV)/bin/python -m tests.plays.soak $(ARGS)

fuzz: $(FUZZ)/.installed  ## what reads foreign bytes, against bytes that nobody thought of, ten minutes each; ARGS="--seconds 30 codec", say
	$(FUZZ)/bin/python -m tests.fuzz $(ARGS)

train: $(DEV)/.installed  ## both packaged models again, from the packs in FER_DATA_DIR: four hours on two cores; goes on where it stopped
	$(DEV)/bin/fer-train detector fit --out runs/detector --package workers/models/weights/detector
	$(DEV)/bin/fer-train classifier fit --out runs/classifier-first
	$(DEV)/bin/fer-train classifier fit --start runs/classifier-first/packaged --learning-rate 1e-3 --epochs 20 \
		--out runs/classifier --package workers/models/weights/classifier

avfer-smoke: $(DEV)/.installed  ## the whole study in small, from published trees to a worker, in a few minutes; pages in runs/avfer-smoke
	$(DEV)/bin/python -m tests.plays.avfer_smoke $(ARGS)

scale-out: $(DEV)/.installed  ## workers 1 -> 3 -> 1 under load, in three minutes; files in runs/scale-out; ARGS=--write renews deploy's plot
	$(DEV)/bin/python -m tests.plays.scale_out $(ARGS)

walk: $(DEV)/.installed test-tools  ## a newcomer's first afternoon with a stop-watch, in five minutes; ARGS=--write renews deploy's table
	$(DEV)/bin/python -m tests.plays.newcomers_walk $(ARGS)

match-boxes: $(DEV)/.installed  ## whether each box on the page lies on the face of its own picture, for 1,000 pictures, in two minutes; ARGS=--break shows that it would be seen
	$(DEV)/bin/python -m tests.plays.match_boxes $(ARGS)

screenshots: $(DEV)/.installed  ## the pictures of the page in docs/pictures/page, light and dark, in five minutes; ARGS="wall fleet", say
	$(DEV)/bin/python -m tests.plays.photograph_pages $(ARGS)

dashboards: $(DEV)/.installed  ## write deploy/grafana/dashboards from their source
	$(DEV)/bin/python -m deploy.grafana.boards

kubernetes-rules: $(DEV)/.installed  ## the Prometheus Operator's objects again, after a change of deploy/prometheus/rules
	$(DEV)/bin/python deploy/kubernetes/make_prometheus_rules.py

clean:  ## remove the environments and the tests' tools
	rm -rf $(DEMO) $(DEV) $(FUZZ) $(BYTETRACK) .venv-slim-* .tools

test-tools:  ## install what some tests need from Debian: an RTSP server, an MQTT broker and a browser (as root), Prometheus (into .tools)
	@sh tests/support/test_tools.sh install

missing-tools:
	@sh tests/support/test_tools.sh check

$(DEMO)/.installed: $(CHANGED)
	@echo "Installing the demo into $(DEMO) (about a minute, no torch) ..."
	$(call install,demo)

$(SLIM)/.installed: $(CHANGED)
	$(call install,demo$(COMMA)test)

$(FUZZ)/.installed: $(CHANGED)
	$(call install,fuzz)

$(BYTETRACK)/.installed:
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check 'trackers>=2.6,<3'
	@touch $@

$(DEV)/.installed: $(CHANGED)
	$(call install,dev)
