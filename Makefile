# Everything here also runs by hand: the targets only save typing. `make help` lists them.

GO       ?= go
LINT     := bin/tools/golangci-lint-v2.15.0
ENGINE   := node_modules/.package-lock.json
DUCKDB   := testdata/bench/node_modules/.package-lock.json
# Tests of one goroutine over much data, and random histories that run one by one: the race detector makes them slow for
# nothing.
ALONE    := ^Test(Bombs|DamagedColumns|LyingLengths|FormatsAgree|EveryFormatLoads|NothingReachesOutside|Histories|ClosedHistories|EveryChargeEnds|Weakened)$$
RACE     ?= ./ingest/... ./invoice/plan ./invoice/post ./invoice/reprice ./invoice/stripe ./serve/...
# Where most tests wait for the engine and hardly differ in what goroutines share, the race detector has these alone.
TOGETHER := AtOnce|Contend|Lease|Lock|Number|Beside|Racing|Others|Live|Killed|Nightly|Seed|Trial|Explain|Reconcile|Renew|Twice|LostRows
ENGINES  := ./aggregate ./invoice ./warehouse

# Tests and builds need no C compiler; only the race detector does.
export CGO_ENABLED := 0
# The engine's library of this checkout, unless another one is named.
CREDITMILL_ENGINE_LIBRARY ?= $(shell ls -d "$(CURDIR)"/node_modules/@chdb/lib-*/libchdb.* 2>/dev/null | head -n 1)
export CREDITMILL_ENGINE_LIBRARY

.DEFAULT_GOAL := help
.PHONY: help engine browser build docs demo dist images test-images test-dist test race lint fmt bench growth clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

engine: $(ENGINE) ## install the embedded ClickHouse library, and a price list for a test (npm, about 10 s)

# npm writes this file when it has installed. The lock file pins Linux x64, the platform of CI; elsewhere the same version of
# that platform's package is added, and the lock file stays as it is.
$(ENGINE): package.json package-lock.json
	npm ci --no-audit --no-fund
	@platform=$$(node -p 'process.platform + "-" + process.arch + (process.platform === "linux" ? "-gnu" : "")'); \
	version=$$(node -p 'Object.values(require("./package.json").optionalDependencies)[0]'); \
	test -d "node_modules/@chdb/lib-$$platform" || \
		npm install --no-save --no-package-lock --no-audit --no-fund "@chdb/lib-$$platform@$$version"
	@touch $@

BIN ?= bin
VERSION ?=
MAINTAINER ?=

build: ## build bin/creditmill and bin/stripefake, the Stripe stand-in of the demo
	$(GO) build -trimpath -ldflags "-s -w -X main.releaseVersion=$(VERSION)" -o $(BIN)/ ./cmd/... ./invoice/stripefake/...

dist: engine ## build what a release has into bin/dist: archives, .deb, .rpm, checksums, bills of materials (VERSION=v0.1.0 MAINTAINER='Name <address>')
	cd packaging && $(GO) run . -version "$(VERSION)" -maintainer "$(MAINTAINER)"

images: engine ## build what make dist builds, and images for containers, without a daemon (Debian's packages, for both architectures)
	sh packaging/base.sh $(BIN)/base amd64 arm64
	cd packaging && $(GO) run . -base "$(abspath $(BIN))/base" -version "$(VERSION)" -maintainer "$(MAINTAINER)"

test-images: images ## run the image with the engine in a root that cannot be written (root)
	packaging/testimage.sh $(BIN)/dist

# It asks Debian's packages for debootstrap where that is missing, as root; else it says what it cannot check.
test-dist: engine ## install, use, upgrade and remove the .deb packages in a clean root (root, Debian)
	sh packaging/testdist.sh

docs: ## build the pages of docs/, with a search, into bin/site (npm)
	cd docs/site && npm ci --no-audit --no-fund
	cd docs/site && npm run --silent build

demo: engine build ## walk one customer from the free plan to a posted invoice, with real output
	@sh testdata/demo/demo.sh

# Some tests look at the preview page and the web app as a person does. Debian's package is installed where that may be done.
browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
			command -v $$name >/dev/null && exit; \
		done; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
		else echo 'make: install Chromium first, for the tests of the pages' >&2; exit 1; fi

test: engine browser ## run all tests
	@$(GO) test -timeout 60m $(TESTFLAGS) ./...
	@cd packaging && $(GO) test -timeout 10m $(TESTFLAGS) ./...

race: export CGO_ENABLED = 1
race: engine ## run the tests of the concurrent packages under the race detector (gcc, minutes)
	@$(GO) test -race -timeout 30m -skip '$(ALONE)' $(TESTFLAGS) $(RACE)
	@$(GO) test -race -timeout 30m -skip '$(ALONE)' -run '$(TOGETHER)' $(TESTFLAGS) $(ENGINES)

lint: $(LINT) ## check style, imports and common mistakes
	@$(LINT) run
	@cd packaging && ../$(LINT) run

fmt: $(LINT) ## format the Go code
	@$(LINT) fmt
	@cd packaging && ../$(LINT) fmt

# Built once from source by the Go tool chain, so the version is the same everywhere.
$(LINT):
	GOBIN=$(CURDIR)/bin/tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(lastword $(subst -, ,$@))
	mv bin/tools/golangci-lint $@

# What the benchmark of the way from a file to a preview compares with. Nothing else needs it.
$(DUCKDB): testdata/bench/package.json testdata/bench/package-lock.json
	cd testdata/bench && npm ci --no-audit --no-fund
	@touch $@

bench: engine $(DUCKDB) ## compare with ClickHouse's own loader, DuckDB, a night with a month, whatif with a sum (ROWS=1000000: fewer rows; PAIRS=1: no interval)
	@$(GO) test ./cmd/creditmill -run '^$$' -bench 'Load|Identity|FileToPreview|Invoice' -benchtime 1x -timeout 3h
	@ROWS=$${ROWS:-10000000} $(GO) test ./aggregate -run '^$$' -bench Nightly -benchtime 1x -timeout 1h
	@ROWS=$${ROWS:-10000000} $(GO) test ./invoice/reprice -run '^$$' -bench Reprice -benchtime 1x -timeout 1h

growth: engine ## load, aggregate and preview 1, 10 and 100 million rows: time a row and peak memory (ROWS: the largest)
	@$(GO) test ./cmd/creditmill -run '^$$' -bench Growth -benchtime 1x -timeout 3h

clean: ## remove what was built, and the demo's data
	rm -rf bin demo
