# `make build` and `make test` on a bare Debian 12 (root, with git and make) bring in all they need.
# Each target is a script of the same name in scripts/, or one line here.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build
.PHONY: build demo test bench lint format sanitize fuzz model mutants clean lock bootstrap help

help: ## what can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

bootstrap: ## bring in the tools alone
	@scripts/bootstrap.sh

build: bootstrap ## the C library, the Node addon, the Python extension, the Nest module
	@scripts/build.sh

demo: build ## leaders killed under a stream of events, watched from the outside
	@scripts/with-env.sh examples/bull-producer/demo

test: build ## every check and every test, with one line of totals at the end
	@scripts/test.sh

bench: build ## fail-over times and costs, beside other packages
	@scripts/bootstrap.sh iproute2
	@scripts/with-env.sh bench/run

lint: bootstrap ## formatting, linters and the rules of the architecture
	@scripts/test.sh lint

format: bootstrap ## rewrite sources as the formatters want them
	@scripts/format.sh

sanitize: ## the C tests under the sanitizers, the addon under valgrind
	@scripts/bootstrap.sh valgrind
	@scripts/build.sh
	@scripts/sanitize.sh

fuzz: ## what reads foreign bytes under libFuzzer, FUZZ_SECONDS (20) for each target
	@scripts/bootstrap.sh clang-14 libclang-rt-14-dev
	@scripts/fuzz.sh

model: ## the models of the protocols, every state within their bounds
	@scripts/bootstrap.sh spin
	@scripts/model.sh

mutants: bootstrap ## leave each rule of the protocol out, and show what notices
	@scripts/mutants.sh

lock: bootstrap ## renew package-lock.json and requirements-dev.txt
	@scripts/lock.sh

clean: ## remove what was built; fetched tools and packages stay
	@rm -rf build dist nestjs-module/dist *.egg-info bindings/python/*.egg-info
	@rm -f bindings/python/interrex/*.so .venv/.python-stamp
	@find . -name __pycache__ -not -path './node_modules/*' -not -path './.venv/*' -prune -exec rm -rf {} +
