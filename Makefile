# Build and test share one flag set and one scratch folder, so that nothing compiles twice.
FLAGS := -c release -Xswiftc -enable-testing
PREFIX ?= /usr/local
DESTDIR ?=
DMT := .build/release/dmt

PACKAGES := libopenblas-dev libjpeg-dev libpng-dev libjson-c-dev libsimdjson-dev libdeflate-dev libzip-dev pkg-config
MODULES := openblas libjpeg libpng json-c simdjson libdeflate libzip

.PHONY: all setup build man install quickstart teachers test test-mpi reliability soak bench fuzz format lint

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

# One page a verb, from the program's own help; made by a tool of swift-argument-parser.
MANUAL := .build/manual
man: build
	swift build --package-path .build/checkouts/swift-argument-parser --scratch-path $(MANUAL)/tool -c release --product generate-manual
	mkdir -p $(MANUAL)/man1
	$(MANUAL)/tool/release/generate-manual $(DMT) --multi-page --output-directory $(MANUAL)/man1

# A tree that can be moved: bin/dmt finds share/dmt beside it. Completions for three shells; manual pages where 'make man' made them.
install: build
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/dmt"
	install -m 755 $(DMT) "$(DESTDIR)$(PREFIX)/bin/dmt"
	cp -R share/dmt/. "$(DESTDIR)$(PREFIX)/share/dmt/"
	install -d "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d"
	$(DMT) --generate-completion-script bash > "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/dmt"
	$(DMT) --generate-completion-script zsh > "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_dmt"
	$(DMT) --generate-completion-script fish > "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/dmt.fish"
	if [ -d $(MANUAL)/man1 ]; then install -d "$(DESTDIR)$(PREFIX)/share/man/man1"; \
	  install -m 644 $(MANUAL)/man1/* "$(DESTDIR)$(PREFIX)/share/man/man1/"; fi
	git rev-parse HEAD > "$(DESTDIR)$(PREFIX)/share/dmt/COMMIT" 2>/dev/null || rm -f "$(DESTDIR)$(PREFIX)/share/dmt/COMMIT"

quickstart: setup build
	$(DMT) quickstart --out quickstart

# Pretrains the shipped teachers again, on freshly drawn scenes, and compares the bytes: about two core-hours, estimated
# from the times of single steps.
# The bytes are those of the AVX2 path; any number of threads gives the same.
TEACHER_RUNS ?= runs/teachers
teachers: build
	DMT_CPU=avx2 $(DMT) data scenes --train 8000 --val 400 --size 96 --seed 7 --out $(TEACHER_RUNS)/scenes
	for method in mae mocov3 ibot; do \
	  DMT_CPU=avx2 $(DMT) pretrain $$method --data $(TEACHER_RUNS)/scenes --storage bf16 \
	    --out $(TEACHER_RUNS)/$$method || exit $$?; \
	done
	for method in mae mocov3 ibot; do \
	  cmp $(TEACHER_RUNS)/$$method/teacher.safetensors share/dmt/teachers/teacher-$$method.safetensors || exit 1; \
	done
	@echo "the three teachers are the shipped ones, byte for byte"

test:
	swift test $(FLAGS)

# Several processes over Open MPI: builds with the package trait, then compares 1, 2 and 4 ranks.
test-mpi:
	@pkg-config --exists ompi-c || { echo "make: install libopenmpi-dev" >&2; exit 69; }
	swift build -c release --traits MPI --scratch-path .build/mpi --product dmt
	python3 benchmarks/ranks/check.py --dmt .build/mpi/release/dmt

# Every failing file call, 1,000 kills of a training and 200 elsewhere, signals, threads, memory: hours on two cores. Needs python3.
RELIABILITY := benchmarks/reliability
reliability: build
	mkdir -p runs/reliability
	for part in "faults.py" "kill.py training" "kill.py others" "kill.py term" "threads.py" "memory.py"; do \
	  python3 $(RELIABILITY)/$$part --dmt $(DMT) | tee "runs/reliability/$$part.out"; \
	done
	! grep -l FAIL runs/reliability/*.out

# Distils, trains and evaluates under random kills and faults for SOAK_MINUTES, rounds from SOAK_SEED on; stops at the first that differs.
SOAK_MINUTES ?= 20
SOAK_SEED ?= 1
soak: build
	mkdir -p runs/reliability
	python3 $(RELIABILITY)/soak.py --dmt $(DMT) --minutes $(SOAK_MINUTES) --seed $(SOAK_SEED) --log runs/reliability/soak.log

bench: build
	$(DMT) bench

# Random and damaged input for the readers, with address checks: FUZZ_RUNS inputs each, what they find kept in runs/fuzz.
FUZZ := FuzzCocoRecords FuzzRunLengths FuzzPickle FuzzArchive FuzzJPEG
FUZZ_RUNS ?= 1000000
fuzz:
	swift build --package-path Tests/Fuzz --scratch-path .build/fuzz -c release -Xswiftc -enable-testing --sanitize=fuzzer --sanitize=address
	for target in $(FUZZ); do \
	  mkdir -p runs/fuzz/$$target && SWIFT_BACKTRACE=enable=no .build/fuzz/release/$$target \
	    -runs=$(FUZZ_RUNS) -max_len=4000 -timeout=10 -artifact_prefix=runs/fuzz/$$target- \
	    runs/fuzz/$$target Tests/Fuzz/Corpus/$$target || exit $$?; \
	done

format:
	swift format -i -r --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint -s -r --configuration .swift-format Package.swift Sources Tests
