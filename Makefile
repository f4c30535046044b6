# The commands of this repository. `make` alone lists them.

PREFIX ?= /usr/local
FINETUNE := .build/release/finetune

.PHONY: help packages build test test-kernels test-arm bench quickstart install lint docs

help:
	@echo "make quickstart   build, pull a small model, fine-tune, evaluate and merge it (about five minutes)"
	@echo "make build        build the finetune binary into $(FINETUNE)"
	@echo "make test         build and run all tests"
	@echo "make test-arm     build the kernels for 64-bit ARM and run their tests in an emulator (qemu)"
	@echo "make bench        measure kernels, training and generation; PEER_PYTHON=... measures PyTorch beside it"
	@echo "make install      install a binary that does without Swift into PREFIX/bin (PREFIX=$(PREFIX))"
	@echo "make lint         check formatting and the sample data"
	@echo "make docs         write Docs/recipes.md, Docs/command-line.md and Recipes/recipe.schema.json"

packages:
	@scripts/install-packages.sh

build: packages
	swift build -c release --product finetune

# In release, as the product is built: numeric tests are many times faster, and the binary that the
# end-to-end tests drive is the one that users get.
# Kernels choose among instruction sets at run time; the tests hold on each of them.
test: packages
	swift build -c release --build-tests
	swift test -c release --skip-build
	@for level in $$(scripts/kernel-levels.sh); do \
	  echo "once more with FINETUNE_CPU=$$level"; \
	  FINETUNE_CPU=$$level swift test -c release --skip-build --quiet || exit 1; \
	done

# The C tests of the kernels alone, which need no Swift library: for this processor, and for one that is not here.
test-kernels:
	scripts/test-kernels.sh

test-arm:
	scripts/test-kernels.sh arm

quickstart: build
	@scripts/quickstart.sh

# PEER_PYTHON: a Python with torch, transformers, peft and bitsandbytes. PEER_MODEL: a Hugging Face
# directory of the same model. BENCH: which part (all, job, kernels, start, steps, generation).
bench: packages
	swift build -c release --product finetune
	swift build -c release --product finetune-bench
	test -e Checkpoints/models/smollm2-135m-instruct || $(FINETUNE) pull smollm2-135m-instruct
	.build/release/finetune-bench $(or $(BENCH),all) $(if $(PEER_PYTHON),--peer-python $(PEER_PYTHON)) \
	  $(if $(PEER_MODEL),--peer-model $(PEER_MODEL))

# With Swift's own libraries inside, so that it runs where Swift is not installed. Its objects are
# different ones, hence a folder of their own.
install: packages
	swift build -c release --product finetune --static-swift-stdlib --scratch-path .build-install
	install -D -s -m 755 .build-install/release/finetune $(DESTDIR)$(PREFIX)/bin/finetune

lint:
	swift format lint --strict -r Sources Tests Benchmarks Package.swift
	python3 scripts/check-data.py

docs: build
	scripts/write-docs.sh
