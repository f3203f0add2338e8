# Build and test share one flag set and one scratch folder, so that nothing compiles twice.
FLAGS := -c release -Xswiftc -enable-testing
PREFIX ?= /usr/local
DESTDIR ?=
DMT := .build/release/dmt

PACKAGES := libopenblas-dev libjpeg-dev libpng-dev libjson-c-dev libsimdjson-dev libdeflate-dev pkg-config
MODULES := openblas libjpeg libpng json-c simdjson libdeflate

.PHONY: all setup build install quickstart teachers test bench format lint

all: build

# Installs the system libraries that are missing; needs root for that, and nothing when all are there.
setup:
	@command -v swift >/dev/null || { \
	  echo "make: no 'swift' on the PATH; install Swift 6.3 from https://www.swift.org/install/linux/ and run again" >&2; \
	  exit 69; }
	@if command -v pkg-config >/dev/null && pkg-config --exists $(MODULES); then \
	  echo "all system libraries are there"; \
	elif command -v apt-get >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then run=; else run=sudo; fi; \
	  $$run apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$run apt-get install -y -qq $(PACKAGES); \
	else \
	  echo "make: install the development files of: $(MODULES)" >&2; exit 69; \
	fi

build:
	swift build $(FLAGS)

# A tree that can be moved: bin/dmt finds share/dmt beside it.
install: build
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/dmt"
	install -m 755 $(DMT) "$(DESTDIR)$(PREFIX)/bin/dmt"
	cp -R share/dmt/. "$(DESTDIR)$(PREFIX)/share/dmt/"
	git rev-parse HEAD > "$(DESTDIR)$(PREFIX)/share/dmt/COMMIT" 2>/dev/null || rm -f "$(DESTDIR)$(PREFIX)/share/dmt/COMMIT"

quickstart: setup build
	$(DMT) quickstart --out quickstart

# Pretrains the small teachers of the quickstart on drawn scenes; hours, not minutes.
teachers: build
	$(DMT) pretrain mae --recipe teacher-mae
	$(DMT) pretrain mocov3 --recipe teacher-mocov3
	$(DMT) pretrain ibot --recipe teacher-ibot

test:
	swift test $(FLAGS)

bench: build
	$(DMT) bench

format:
	swift format -i -r --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint -s -r --configuration .swift-format Package.swift Sources Tests
