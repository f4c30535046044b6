# The commands of this repository. `make` alone lists them.

PREFIX ?= /usr/local
FINETUNE := .build/release/finetune

.PHONY: help packages build test quickstart install lint docs

help:
	@echo "make quickstart   build, pull a small model, fine-tune, evaluate and merge it (about ten minutes)"
	@echo "make build        build the finetune binary into $(FINETUNE)"
	@echo "make test         build and run all tests"
	@echo "make install      install the binary into PREFIX/bin (PREFIX=$(PREFIX))"
	@echo "make lint         check formatting and the sample data"
	@echo "make docs         write Docs/recipes.md, Docs/command-line.md and Recipes/recipe.schema.json"

packages:
	@scripts/install-packages.sh

build: packages
	swift build -c release --product finetune

# In release, as the product is built: numeric tests are many times faster, and the binary that the
# end-to-end tests drive is the one that users get.
test: packages
	swift build -c release --build-tests
	swift test -c release --skip-build

quickstart: build
	@scripts/quickstart.sh

install: build
	install -D -m 755 $(FINETUNE) $(DESTDIR)$(PREFIX)/bin/finetune

lint:
	swift format lint --strict -r Sources Tests Package.swift
	python3 scripts/check-data.py

docs: build
	scripts/write-docs.sh
