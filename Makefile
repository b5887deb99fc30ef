# Two commands do everything on a fresh Debian machine with Swift: `make predict` and `make test`.
SWIFT ?= swift
# With the libraries inside the program, and no names for others to find in it, a run starts in a quarter of the time.
STATIC = $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib -Xlinker --no-export-dynamic)
RELEASE = --scratch-path .build-release -c release $(STATIC)
ARCHIVES = PKG_CONFIG_PATH=$(CURDIR)/.build-release/archives:$$PKG_CONFIG_PATH
CYCLEWRIGHT = .build-release/release/cyclewright
MODEL ?= graphs/resnet-50.cwg
BATCH ?= 1
TARGET ?= nvidia-a100-sxm4-80gb
# Folder with tables of measurements for `make validate`.
MEASUREMENTS ?=
# Folder with the networks that tables name (.tflite, .onnx), beside graphs/.
MODELS ?=
# Unpacked wheel of onnx 1.17.0 for `make conformance`; fetched and cached when empty.
SUITE ?=

.PHONY: predict test release setup bench docs lint validate conformance compression-report clean

predict: release
	@mkdir -p out
	$(CYCLEWRIGHT) predict $(MODEL) --target $(TARGET) --batch $(BATCH) --report svg=out/schedule.svg --json out/result.json
	@echo "fused schedule: out/schedule.svg   whole result: out/result.json"

test:
	@scripts/setup test
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

release: setup
	@scripts/static-libraries .build-release/archives
	$(ARCHIVES) $(SWIFT) build $(RELEASE) --product cyclewright
	$(ARCHIVES) $(SWIFT) build $(RELEASE) --product cyclewright-render

# Installs what is missing with apt; does nothing when everything is there.
setup:
	@scripts/setup

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

bench: release
	@scripts/bench $(CYCLEWRIGHT)

# make validate MEASUREMENTS=path/to/folder MODELS=path/to/networks
validate: release
	@scripts/validate $(CYCLEWRIGHT) "$(MEASUREMENTS)" "$(MODELS)"

conformance: setup
	@scripts/conformance "$(SUITE)"

# Compresses the digits network by every recipe and rewrites the table in docs/compression.md.
compression-report: release
	@scripts/compression-report $(CYCLEWRIGHT)

# Regenerates everything in docs/ and graphs/ that a program writes.
docs: release
	@scripts/docs $(CYCLEWRIGHT)

clean:
	rm -rf .build .build-release out
