# `make` says what there is. Go alone is enough for demo, build and test.

# What a released binary is built with: no C, no encoding of gin's that nobody speaks here, the time zones inside.
release = CGO_ENABLED=0 go build -trimpath -tags nomsgpack,timetzdata -ldflags="-s -w -X main.version=$(version)"
version = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

.PHONY: demo
demo: ## a town to play with on http://127.0.0.1:8080
	go run ./cmd/guichet demo

.PHONY: build
build: ## bin/guichet, as it is released
	$(release) -o bin/guichet ./cmd/guichet

.PHONY: test
test: ## the tests, on whatever this machine has
	go test ./...

.PHONY: race
race: ## the tests with the race detector, which needs gcc
	go test -race '-gcflags=modernc.org/...=-race=false' ./...

.PHONY: lint
lint: ## format, vet and golangci-lint; the first time builds the tool
	@test -z "$$(gofmt -l agentapi channels cmd config routing ticketing)" || { echo "run: make fmt"; exit 1; }
	go vet ./...
	go tool -modfile=.ci/tools/go.mod golangci-lint run ./...

.PHONY: fmt
fmt: ## formats every Go file
	gofmt -w agentapi channels cmd config routing ticketing

.PHONY: openapi
openapi: ## writes agentapi/openapi.yaml from the handlers
	go test ./agentapi -run TestOpenAPI -update

.PHONY: bench
bench: build ## the project's own benchmarks, embedded mode
	bin/guichet bench intake
	bin/guichet bench search

.PHONY: ci
ci: ## everything a change must pass; installs what is missing, on Debian
	.ci/run

.PHONY: clean
clean: ## removes what building and testing left; the data under var stays
	rm -rf bin .ci/node_modules
	go clean -testcache
