# The commands of the README. Each installs what it needs into .venv first; nothing else on the machine is touched.

# Which Python is built upon; tools/install looks for one where none is named.
PYTHON ?=
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo up test check tidy screenshots lock clean
.DEFAULT_GOAL := demo

demo: $(READY)
	@$(BIN)/sigreq demo

up: $(READY)
	@exec $(BIN)/sigreq up --tied --rules samples/rules/20261122.1 $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

# Two processes for the tests of the running service, which also wait, and one that works meanwhile at what needs none
# (tests/sharing_out.py). With a third service, two cores would get less done. Types are checked meanwhile, too.
test: tidy
	@sh tools/for-tests
	@$(BIN)/mypy & types=$$!; \
	$(BIN)/python -m pytest -n 3 --no-loadscope-reorder; tests=$$?; \
	wait $$types || { echo "The tests ended, but the types do not fit: mypy said so above." >&2; exit 1; }; \
	exit $$tests

# What is not a test but has to hold: formatting, lint, types.
check: tidy
	@$(BIN)/mypy

tidy: $(READY)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .

$(READY): requirements.lock pyproject.toml tools/install tools/assets tools/web/package-lock.json
	@PYTHON=$(PYTHON) sh tools/install

# Every page of the console, light and dark, wide and narrow, into build/screenshots.
screenshots: $(READY)
	@sh tools/for-tests
	@$(BIN)/python -m tests.console.screenshots build/screenshots

# Pins every dependency with its hashes, without a single download address. Needs uv on the PATH.
lock:
	uv pip compile pyproject.toml --extra local --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock

clean:
	rm -rf .venv data build sigreq/api/console/vendor
