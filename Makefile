# SPDX-License-Identifier: GPL-2.0
# The whole build of kmscope. `make help` lists what it can do.

VERSION := 0.1.0
MAKEFLAGS += --no-builtin-rules -j$(shell nproc)

# --- what is being built ------------------------------------------------------------------------
# ARCH and CROSS_COMPILE as in the kernel's own build; without them, for this machine.
ARCH_GIVEN := $(ARCH)
HOST_ARCH := $(patsubst armv%,arm,$(patsubst aarch64,arm64,$(shell uname -m)))
ARCH ?= $(HOST_ARCH)
override ARCH := $(patsubst amd64,x86_64,$(patsubst aarch64,arm64,$(patsubst armhf,arm,$(ARCH))))
# MINIMAL=1 has a folder of its own: its objects are compiled otherwise.
O ?= build$(if $(filter-out $(HOST_ARCH),$(ARCH)),/$(ARCH))$(if $(filter 1,$(MINIMAL)),/minimal)

ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
STRIP := $(CROSS_COMPILE)strip
AR := $(CROSS_COMPILE)ar
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(or $(wildcard /usr/sbin/bpftool),bpftool)
PREFIX ?= /usr/local
V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(patsubst $(O)/%,%,$(2))';
else
say =
endif

multiarch_x86_64 := x86_64-linux-gnu
multiarch_arm64 := aarch64-linux-gnu
multiarch_arm := arm-linux-gnueabihf
MULTIARCH := $(multiarch_$(ARCH))
debian_x86_64 := amd64
debian_arm64 := arm64
debian_arm := armhf
bpf_arch_x86_64 := x86
bpf_arch_arm64 := arm64
bpf_arch_arm := arm

# --- flags ----------------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wformat=2 -Wvla
ifeq ($(CI),true)
WARN += -Werror
endif
ifeq ($(MINIMAL),1)
# For boards: compiled for size, without functions that nobody calls, and without libdw: names of user
# code that are only in .gnu_debugdata are missing. -fdata-sections gains nothing (arm64: 4 KB more),
# -flto 8 KB. The tables that unwind the stack are for debuggers, which have .debug_frame.
CFLAGS ?= -Os -g
SMALL := -ffunction-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
PACK := src/probe/pack-skeleton
LDFLAGS += -Wl,--gc-sections
else
CFLAGS ?= -O2 -g
endif
CPPFLAGS_ALL := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DKMSCOPE_VERSION='"$(VERSION)"' \
	-Isrc -I. -I$(O)/gen $(CPPFLAGS)
CFLAGS_ALL := -std=gnu11 $(WARN) $(SMALL) $(CFLAGS) -MMD -MP
ifneq ($(MINIMAL),1)
# what libdw.a needs itself, a static program has to name; for dlopen see user_dw.c
LIBS_DW := -ldw -llzma $(if $(filter 1,$(STATIC)),-lbz2)
STATIC_DW := -Wl,--wrap=dlopen
CPPFLAGS_ALL += -DKMSCOPE_LIBDW
endif
LIBS := -lbpf $(LIBS_DW) -lelf -lz -ljansson
ifeq ($(STATIC),1)
LDFLAGS += -static
# Debian has no static cmocka: test programs for other machines take that and the C library along.
TEST_LIBS := -Wl,-Bstatic $(LIBS) -Wl,-Bdynamic -lcmocka
else
TEST_LIBS := -lcmocka $(LIBS)
endif
# Cross builds link the target's Debian libraries, kept in the user's cache: `deps` notes where. Set
# SYSROOT to a folder with other ones, or to nothing for those that the compiler finds by itself.
ifneq ($(ARCH),$(HOST_ARCH))
ifeq ($(origin SYSROOT),undefined)
SYSROOT = $(file <$(O)/.sysroot)
FETCH_SYSROOT := tests/vm/fetch sysroot $(debian_$(ARCH))
endif
CPPFLAGS_ALL += $(if $(SYSROOT),-isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/$(MULTIARCH))
LDFLAGS += $(if $(SYSROOT),-L$(SYSROOT)/usr/lib/$(MULTIARCH))
endif
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(bpf_arch_$(ARCH)) \
	-Wall -Wextra -Wno-unused-parameter -Wno-address-of-packed-member \
	-I. -Ivmlinux -Ibpf -idirafter /usr/include/$(MULTIARCH) \
	-idirafter /usr/include/$(multiarch_$(HOST_ARCH)) -MMD -MP
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# libFuzzer comes with clang: what is fuzzed is compiled by that, whatever CC is; checksums are not checked
FUZZ := $(SAN) -fsanitize=fuzzer-no-link -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

# --- files ------------------------------------------------------------------------------------------
# one of two ways to read symbols of user code, and of two to open the kernel side
SRCS := $(filter-out src/sym/user_$(if $(LIBS_DW),elf,dw).c $(if $(PACK),,src/probe/packed.c), \
	$(wildcard src/*.c src/*/*.c))
OBJS := $(SRCS:%.c=$(O)/%.o)
SAN_OBJS := $(filter-out $(O)/san/src/main.o,$(SRCS:%.c=$(O)/san/%.o))
FUZZ_OBJS := $(filter-out $(O)/fuzz/src/main.o,$(SRCS:%.c=$(O)/fuzz/%.o))
FUZZERS := $(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/fuzz_*.c))
UNIT_TESTS := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/test_*.c))
LIVE_TESTS := $(patsubst %.c,$(O)/%,$(wildcard tests/live/test_*.c))
LIVE_HELPERS := $(patsubst tests/live/work_%.c,$(O)/tests/live/work_%,$(wildcard tests/live/work_*.c))
VM_HELPERS := $(O)/tests/vm/semi
GOLDEN := $(O)/tests/golden/golden
COMPAT := $(O)/tests/vm/compat
BENCH_PROGS := $(patsubst %.c,$(O)/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
SKELS := $(O)/gen/raw.skel.h $(O)/gen/classic.skel.h
GEN := $(SKELS) $(O)/gen/schema.inc
BENCH_SKELS := $(O)/gen/reference.skel.h

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all help deps test unit golden golden-update compat lint live fuzz run bench install clean vmtest \
	sizes guest

all: $(O)/kmscope ## build the program (the default)

help: ## this list
	@echo 'make [ARCH=arm|arm64|x86_64 CROSS_COMPILE=…] [STATIC=1] [MINIMAL=1] [V=1] TARGET'; \
	echo '  STATIC=1        one file that needs no libraries'; \
	echo '  MINIMAL=1       for boards: compiled for size, without libdw'; \
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

# --- what must be installed ------------------------------------------------------------------------
# Debian packages. As root the missing ones are installed; otherwise the one command is printed.
PKGS_BUILD := gcc libc6-dev clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libjansson-dev \
	$(if $(LIBS_DW),libdw-dev liblzma-dev libbz2-dev)
PKGS_TEST := libcmocka-dev clang-format libclang-rt-dev mandoc python3
PKGS_CROSS_arm := gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
PKGS_CROSS_arm64 := gcc-aarch64-linux-gnu libc6-dev-arm64-cross
PKGS_CROSS_x86_64 := gcc-x86-64-linux-gnu libc6-dev-amd64-cross
ifeq ($(ARCH),$(HOST_ARCH))
PKGS := $(PKGS_BUILD) $(PKGS_TEST)
else
PKGS := $(PKGS_BUILD) $(PKGS_CROSS_$(ARCH)) python3
endif
DEPS := $(O)/.deps
deps: $(DEPS) ## install the Debian packages that building and testing need
$(DEPS): Makefile $(if $(FETCH_SYSROOT),tests/vm/matrix.py)
	@mkdir -p $(O)/gen
	@if command -v dpkg-query >/dev/null; then \
		missing=$$(for p in $(PKGS); do \
			dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; \
		done); \
		if [ -n "$$missing" ]; then \
			set -- $$missing; \
			if [ $$(id -u) = 0 ]; then \
				echo "  INSTALL  $$*"; \
				apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
				apt-get install -qq -y --no-install-recommends "$$@" >$(O)/apt.log 2>&1 || \
				{ tail -n 20 $(O)/apt.log; exit 1; }; \
			else \
				echo "missing packages; run: sudo apt-get install $$*" >&2; exit 1; \
			fi; \
		fi; \
	fi
	@$(if $(FETCH_SYSROOT),$(FETCH_SYSROOT) >$(O)/.sysroot)
	@touch $@

# --- kernel side --------------------------------------------------------------------------------------
$(O)/bpf/%.bpf.o: bpf/%.bpf.c | $(DEPS)
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MT $@ -MF $(@:.o=.d) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $(if $(PACK),-w -N 'LBB*') $@

# Two program objects: what needs the kernel's BTF or none at all, and what is read with BTF made from
# tracefs' formats. Each is linked with the shared maps and the configuration, which are defined once.
raw_parts := maps slab_raw
classic_parts := maps task_tp slab_tp page_tp vmalloc mmio fault
$(O)/bpf/raw.linked.o: $(raw_parts:%=$(O)/bpf/%.bpf.o)
$(O)/bpf/classic.linked.o: $(classic_parts:%=$(O)/bpf/%.bpf.o)
$(O)/bpf/%.linked.o:
	$(call say,BPFLD,$@)$(BPFTOOL) gen object $@ $^

# For boards the objects are compressed, and have no labels of branches (LBB…), which nothing refers to:
# on ARM32 that is worth 319 of 1,490 KB, and 12 KB.
$(O)/gen/%.skel.h: $(O)/bpf/%.linked.o $(PACK)
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $* $(if $(PACK),| $(PACK) $* $<) > $@

$(O)/bench/%.bpf.o: tests/bench/%.bpf.c | $(DEPS)
	$(call say,BPF,$@)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MT $@ -MF $(@:.o=.d) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BENCH_SKELS): $(O)/gen/%.skel.h: $(O)/bench/%.bpf.o
	$(call say,SKEL,$@)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $* > $@

# `kmscope report --schema`: the page, compressed, as numbers.
$(O)/gen/schema.inc: docs/json.md | $(DEPS)
	$(call say,GEN,$@)mkdir -p $(@D) && gzip -9nc $< | od -An -v -tx1 | sed 's/ \(..\)/0x\1,/g' > $@

# --- user side ----------------------------------------------------------------------------------------
$(O)/src/%.o: src/%.c | $(GEN)
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c $< -o $@

$(O)/kmscope: $(OBJS)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(filter 1,$(STATIC)),$(STATIC_DW)) -o $@ $(OBJS) $(LIBS)

$(O)/san/%.o: %.c | $(GEN)
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(SAN) -c $< -o $@

$(O)/san/libkmscope.a: $(SAN_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(UNIT_TESTS): $(O)/%: $(O)/san/%.o $(O)/san/libkmscope.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(SAN) $(LDFLAGS) -o $@ $< $(O)/san/libkmscope.a -lcmocka $(LIBS)

$(GOLDEN): $(O)/tests/%: $(O)/san/tests/%.o $(O)/san/libkmscope.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(SAN) $(LDFLAGS) -o $@ $< $(O)/san/libkmscope.a $(LIBS)

$(O)/fuzz/%.o: %.c | $(GEN)
	$(call say,CLANG,$@)mkdir -p $(@D) && $(CLANG) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(FUZZ) -c $< -o $@

$(O)/fuzz/libkmscope.a: $(FUZZ_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(FUZZERS): $(O)/%: $(O)/fuzz/%.o $(O)/fuzz/libkmscope.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CLANG) $(SAN) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< \
		$(O)/fuzz/libkmscope.a $(LIBS)

$(O)/tests/%.o: tests/%.c | $(GEN) $(BENCH_SKELS)
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c $< -o $@

# its recorded capabilities are read by what made them
$(O)/tests/live/test_doctor: $(addprefix $(O)/src/,probe/capset.o probe/select.o base/failure.o)
$(addprefix $(O)/tests/live/,test_faults test_faults_code): $(O)/tests/live/live_faults.o
$(LIVE_TESTS): $(O)/%: $(O)/%.o $(O)/tests/live/live.o $(O)/tests/live/live_doctor.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(filter-out -static,$(LDFLAGS)) -o $@ $^ $(TEST_LIBS)

$(COMPAT): %: %.o $(addprefix $(O)/src/,probe/capset.o probe/select.o base/failure.o)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# the records of page events are described by what kmscope describes them with
$(O)/tests/bench/reference: $(addprefix $(O)/src/,probe/btfgen.o probe/format.o probe/tracefs.o base/failure.o base/vec.o)
$(LIVE_HELPERS) $(VM_HELPERS) $(BENCH_PROGS): $(O)/%: $(O)/%.o
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf -lelf -lz -pthread

# --- tests: each layer prints TAP, tests/run adds it up ---------------------------------------------------
test: $(O)/kmscope $(UNIT_TESTS) $(GOLDEN) $(COMPAT) $(FUZZERS) $(LIVE_TESTS) $(LIVE_HELPERS) ## every test that this machine can run
	@tests/run $(O) lint unit golden fuzz live examples

unit: $(UNIT_TESTS) ## the tests of src/, with the sanitizers on
	@tests/run $(O) unit

golden: $(GOLDEN) ## scripts of events against stored reports
	@tests/run $(O) golden

golden-update: $(GOLDEN) ## store the reports as they are now, and show what changed
	@tests/golden/run $(O) --update

compat: $(COMPAT) ## write docs/compat.md and the .plan files anew from the recorded guests
	@tests/vm/compat $(O)

lint: $(COMPAT) ## include direction, lengths, licence lines, format, docs
	@tests/run $(O) lint

fuzz: $(FUZZERS) ## a bounded number of random inputs for every parser [FUZZ_RUNS=1000000]
	@FUZZ_RUNS='$(FUZZ_RUNS)' tests/run $(O) fuzz

live: $(O)/kmscope $(LIVE_TESTS) $(LIVE_HELPERS) ## exact counts on this machine's kernel (root)
	@tests/run $(O) live

vmtest: ## boot Debian kernels under QEMU and test there [KERNEL=6.12 ARCH=armhf JOBS=1]
	@tests/vm/run --arch '$(ARCH_GIVEN)' --kernel '$(KERNEL)' $(if $(JOBS),--jobs $(JOBS))

sizes: ## build the static programs for ARM32 and arm64 boards, and hold them to their limits
	@tests/vm/sizes

# What tests/vm/run puts into a guest, built for it.
guest: $(O)/kmscope $(LIVE_TESTS) $(LIVE_HELPERS) $(VM_HELPERS)

# --- using it ------------------------------------------------------------------------------------------
run: $(O)/kmscope $(LIVE_HELPERS) ## trace this machine for 10 s under a small workload (root)
	@examples/first-look/run.sh $(O)

bench: $(O)/kmscope $(BENCH_PROGS) $(LIVE_HELPERS) ## added cost against the floor and the peers (root)
	@tests/bench/run $(O)

install: $(O)/kmscope ## DESTDIR and PREFIX are respected
	install -D -m 755 $(O)/kmscope $(DESTDIR)$(PREFIX)/sbin/kmscope
	install -D -m 644 docs/kmscope.8 $(DESTDIR)$(PREFIX)/share/man/man8/kmscope.8

clean: ## remove everything that was built
	rm -rf build

-include $(shell find $(O) -name '*.d' 2>/dev/null)
