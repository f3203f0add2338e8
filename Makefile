# Build and test share one flag set and one scratch folder, so that nothing compiles twice.
FLAGS := -c release -Xswiftc -enable-testing
PREFIX ?= /usr/local
DESTDIR ?=
DMT := .build/release/dmt

PACKAGES := libopenblas-dev libjpeg-dev libpng-dev libjson-c-dev libsimdjson-dev libdeflate-dev libzip-dev pkg-config
MODULES := openblas libjpeg libpng json-c simdjson libdeflate libzip

.PHONY: all setup build man install quickstart teachers test gradients test-address test-threads test-mpi reliability \
  soak bench fuzz corpus format lint

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

# Gradients against central differences, more of them than the suite runs: shapes of every operation, directions of every model.
GRADIENT_SHAPES ?= 200
GRADIENT_DIRECTIONS ?= 100
gradients:
	DMT_GRADIENT_SHAPES=$(GRADIENT_SHAPES) DMT_GRADIENT_DIRECTIONS=$(GRADIENT_DIRECTIONS) swift test $(FLAGS) \
	  --filter 'drawnShapes|MatchDifferences|[gG]radientsAgree|gradientIsTheSlope|lossHasTheSlope|noGradientPasses|linearProbe'

# The suite with checks of addresses. What a process holds at its end is not counted: Swift keeps its globals. Instrumented
# code fuses fewer products into sums; three trainings of detectors that follow a reference step by step meet a region on the
# other side of a threshold by that, and run on the path that fuses none.
ADDRESS := -c release -Xswiftc -enable-testing --sanitize=address --scratch-path .build/address
ADDRESS_RUN := SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 \
  swift test $(ADDRESS) --skip-build
ROUNDED := '(ViTDet|Cascade)GoldenTests/tenSteps|MaskRCNNTests/twoPicturesAreLearned'
test-address:
	swift build $(ADDRESS) --build-tests
	$(ADDRESS_RUN) --skip $(ROUNDED)
	DMT_CPU=plain $(ADDRESS_RUN) --filter $(ROUNDED)

# The suite with checks of what threads share; Tests/Sanitizers tells the sanitizer of Swift's own locks.
THREADS := -c release -Xswiftc -enable-testing --sanitize=thread --scratch-path .build/threads
test-threads:
	swift build $(THREADS) --build-tests
	$(dir $(shell command -v swift))clang -O2 -shared -fPIC Tests/Sanitizers/mutex.c -o .build/threads/mutex.so
	SWIFT_BACKTRACE=enable=no LD_PRELOAD=$(abspath .build/threads/mutex.so) \
	  TSAN_OPTIONS=suppressions=$(abspath Tests/Sanitizers/threads.supp):history_size=4 \
	  swift test $(THREADS) --skip-build

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

# Random and damaged input for the readers, with address checks: FUZZ_SECONDS each, or FUZZ_RUNS inputs each where that is
# given. What they find is kept in runs/fuzz, with a log each, and an input that breaks something beside it, as
# TARGET-crash-*. The Swift compiler heeds its last -sanitize alone, so that one names both; a target that is blind fails.
# Without the touch, files that are new in the package above would not be seen.
FUZZ := FuzzSafetensors FuzzPickle FuzzZip FuzzNumPy FuzzCocoTruth FuzzCocoResults FuzzRunLengths FuzzRecipe FuzzJPEG FuzzPNG
FUZZ_SECONDS ?= 60
FUZZ_LENGTH ?= 600
FUZZ_FLAGS := -c release -Xswiftc -enable-testing --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address
FUZZ_ADDRESS := detect_leaks=0:malloc_context_size=2:quarantine_size_mb=1:detect_stack_use_after_return=0
fuzz:
	touch Tests/Fuzz/Package.swift
	for target in $(FUZZ); do \
	  swift build --package-path Tests/Fuzz --scratch-path .build/fuzz $(FUZZ_FLAGS) --product $$target || exit $$?; \
	done
	for target in $(FUZZ); do \
	  log=runs/fuzz/$$target.log; mkdir -p runs/fuzz/$$target; echo "$$target"; \
	  SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=$(FUZZ_ADDRESS) .build/fuzz/release/$$target \
	    $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS)) -max_len=$(FUZZ_LENGTH) -timeout=10 \
	    -detect_leaks=0 -print_final_stats=1 -artifact_prefix=runs/fuzz/$$target- \
	    runs/fuzz/$$target Tests/Fuzz/Corpus/$$target > $$log 2>&1 || { tail -n 40 $$log; exit 1; }; \
	  if grep 'no interesting inputs' $$log; then exit 1; fi; \
	  grep -E '^Done|units_added|slowest' $$log; \
	done

# Several hundred files that are damaged, lie or ask for too much, given to the built program one by one: exit code, the
# file's name in the message, memory. The tests draw them.
CORPUS ?= runs/corpus
corpus: build
	rm -rf $(CORPUS) && mkdir -p $(CORPUS)
	DMT_CORPUS=$(abspath $(CORPUS)) swift test $(FLAGS) --filter MalformedFilesTests
	python3 benchmarks/hostile-files/check.py --dmt $(DMT) --corpus $(CORPUS)

format:
	swift format -i -r --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint -s -r --configuration .swift-format Package.swift Sources Tests
