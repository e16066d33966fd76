# A thin front over Meson.  Each target installs by apt what it needs and is missing.
#   make            the program: build/handfast
#   make demo       the story of ABC Inc. on loopback
#   make test       unit tests, fuzz corpora, system tests, the cheap checks
#   make asan       the unit and system tests with AddressSanitizer and UBSan
#   make fuzz       each fuzz target for FUZZ_SECONDS (600) with libFuzzer
#   make lint       every check of tools/, clang-format and GCC's -fanalyzer
#   make bench      our server beside nginx, haproxy, hitch and stunnel (BENCH_REPS=5)
#   make install    PREFIX=/usr/local, DESTDIR=
SHELL = /bin/bash
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=
BENCH_REPS ?= 5
PYTEST_ARGS ?=

all: build

deps-%:
	@tools/deps.sh $(subst -, ,$*)

build: deps-build
	@tools/configure.sh $(BUILD)
	ninja -C $(BUILD)

demo: build
	HANDFAST_BIN=$(CURDIR)/$(BUILD)/handfast tools/demo.sh

test: deps-build-test-lint
	@tools/configure.sh $(BUILD) -Dwerror=true -Dtests=enabled
	ninja -C $(BUILD)
	tools/test.sh $(BUILD) $(PYTEST_ARGS)

# Node, curl and the like are not instrumented and are run by the same tests; only we are.
asan: deps-build-test
	@tools/configure.sh build-asan -Dwerror=true -Dtests=enabled -Db_sanitize=address,undefined
	ninja -C build-asan
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 \
	    meson test -C build-asan --no-rebuild --print-errorlogs --timeout-multiplier 4
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 HF_SLOW=4 \
	    tools/run-pytest.sh build-asan $(PYTEST_ARGS)

fuzz: deps-build-fuzz
	@CC=clang tools/configure.sh build-fuzz -Dfuzz=true -Dtests=disabled
	ninja -C build-fuzz
	tools/fuzz.sh build-fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

lint: deps-build-lint
	@tools/configure.sh $(BUILD)
	ninja -C $(BUILD)
	tools/lint.sh full $(BUILD)

bench: deps-build-bench
	@tools/configure.sh build-release --buildtype=release
	ninja -C build-release
	bench/run.sh build-release/handfast $(BENCH_REPS)

install: build
	meson configure $(BUILD) --prefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-asan build-fuzz build-release build-analyzer

.PHONY: all build demo test asan fuzz lint bench install clean
