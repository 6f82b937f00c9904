# dbkeyring. `make help` lists what there is; README.md says what for.

SHELL := /bin/bash
.DEFAULT_GOAL := build

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOFLAGS_RELEASE := -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

.PHONY: help build deps modules run stop test test-short test-e2e fuzz lint bench install clean clean-all

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

build: deps build/bin/dbkeyring modules ## the programs in build/bin, the database modules in build/lib

deps:
	@scripts/deps build

# Go knows best what is out of date.
.PHONY: build/bin/dbkeyring
build/bin/dbkeyring: deps
	@CGO_ENABLED=0 go build $(GOFLAGS_RELEASE) -o $@ ./cmd/dbkeyring

# `modules` and what it makes, in build/lib and build/faultinject/lib.
-include module/module.mk

run: build ## the key server and a MySQL that keeps its keys there, started and shown; or DB=okv, kms, aws, wiredtiger
	@scripts/run

stop: ## end what `make run` started
	@scripts/stop

test: build ## every test, with the real servers (what is missing is fetched)
	@scripts/deps test
	@scripts/mysql >/dev/null
	@scripts/moto >/dev/null
	@status=0; \
	echo 'go test -race ./...'; go test -race -timeout 20m ./... || status=1; \
	$(MAKE) --no-print-directory test-e2e || status=1; \
	exit $$status

test-e2e: build modules-faultinject
	@scripts/deps test
	go test -tags e2e -count 1 -timeout 5m -run PyKMIP ./backend/kmip ./keyserver
	MYSQLD="$$(scripts/mysql)" MOTO_SERVER="$$(scripts/moto)" go test -tags e2e -count 1 -timeout 15m ./e2e/...

test-short: ## the tests that need nothing but Go
	CGO_ENABLED=0 go test -short -timeout 5m ./...

fuzz: ## every decoder against random input, FUZZTIME (1m) each
	@scripts/fuzz

lint: ## format, vet, the compiler's warnings, shell scripts
	@scripts/lint

bench: build ## what it costs, beside the alternatives, into docs/performance.md
	@scripts/deps test bench
	@mkdir -p docs
	MYSQLD="$$(scripts/mysql)" MOTO_SERVER="$$(scripts/moto)" DBKEYRING_REPORT="$(CURDIR)/docs/performance.md" \
		go test -tags e2e -run '^$$' -bench . -benchtime 1x -timeout 60m ./e2e/...

install: build ## the modules into a server of yours: make install PLUGINDIR=/usr/lib/mysql/plugin
	@scripts/install "$(PLUGINDIR)"

clean: ## remove what was built
	@rm -rf build

clean-all: ## stop, and remove everything that make made or fetched
	@scripts/clean
