# SPDX-License-Identifier: GPL-2.0-only
#
# The user's door: `make help` lists what it can do. What kbuild compiles is in
# Kbuild, not here.
#
#   KVER=6.12.0-1-amd64   another kernel's release, of which headers are installed
#   KDIR=/path            another kernel's build folder
#   INSTALL_MOD_PATH=/mnt install below another root

ifdef KDIR
# kernel.release in include/config is not what uname -r says on Debian
KVER ?= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
endif
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
# By default 6.1 installs in extra/, where depmod does not look first.
INSTALL_MOD_DIR ?= updates

version := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
dkms_files = Makefile Kbuild dkms.conf scripts drivers include LICENSES
dkms_source = /usr/src/autoballoon-$(version)
# DKMS 3.0 asks a make for the compiler's name: one that knows of us would say where it is, too.
plain = env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS
modules = $(INSTALL_MOD_PATH)/lib/modules/$(KVER)
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

.DEFAULT_GOAL := module
# make -j install sign: one after the other; what kbuild compiles goes side by side.
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@echo 'make [target] [KVER=release | KDIR=folder]'
	@sed -n 's/^\([a-z_-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
		while IFS='	' read -r target text; do \
			printf '  %-18s %s\n' "$$target" "$$text"; \
		done

.PHONY: check-kernel
check-kernel: ## can the driver be built for this kernel, and would it be loaded?
	@scripts/check-kernel '$(KDIR)' '$(modules)' build

.PHONY: module
module: check-kernel ## build the module (the default)
	$(kbuild) modules

.PHONY: modules_install
modules_install: module ## install the module in updates/, without depmod
	$(kbuild) INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) DEPMOD=true modules_install

.PHONY: install
install: modules_install ## modules_install, then depmod
	depmod -a $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

.PHONY: sign
sign: ## sign the installed module for Secure Boot, with DKMS's key (or SIGN_KEY= SIGN_CERT=)
	@scripts/sign-module '$(KDIR)' '$(modules)' $(SIGN_KEY) $(SIGN_CERT)

.PHONY: uninstall
uninstall: ## remove the installed module: the kernel's own takes its place again
	rm -f $(modules)/$(INSTALL_MOD_DIR)/virtio_balloon.ko*
	rm -f $(modules)/$(INSTALL_MOD_DIR)/drivers/virtio/virtio_balloon/virtio_balloon.ko*
	depmod -a $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

.PHONY: dkms-install
dkms-install: ## install through DKMS, which builds it again for every new kernel
	rm -rf $(dkms_source)
	mkdir -p $(dkms_source)
	cp -r $(dkms_files) $(dkms_source)
	$(MAKE) -s -C $(dkms_source) module_clean
	$(plain) dkms install autoballoon/$(version) -k $(KVER)

.PHONY: dkms-remove
dkms-remove: ## remove it from DKMS and from all kernels
	$(plain) dkms remove autoballoon/$(version) --all
	rm -rf $(dkms_source)

.PHONY: check
check: ## run all tests, after installing what they need (as root)
	@selftests/packages check
	@selftests/check

.PHONY: demo
demo: ## watch the driver at work in a Debian guest, after installing what that needs (as root)
	@selftests/packages demo
	@selftests/vm/demo

.PHONY: lint
lint: ## only check the sources, and that the documents say the same
	@selftests/check lint abi

.PHONY: unit
unit: ## only test the decisions, in userspace
	@selftests/check unit

.PHONY: fuzz
fuzz: ## fuzz what the tools read from others, 10 minutes each, as root; for less: selftests/fuzz/run --help
	@selftests/packages check
	@selftests/fuzz/run --seconds 600

.PHONY: soak
soak: ## 20,000 short and ten long runs on a device that breaks every rule; for hours, goes on where it was stopped
	@selftests/packages check
	@selftests/soak/run

.PHONY: dkms-test
dkms-test: ## only test building, refusing to build, installing and removing, by make and DKMS
	@selftests/check package

.PHONY: packages-test
packages-test: ## the Debian packages, and what a new user is told: in clean roots, and booted; as root
	@selftests/packages check
	@selftests/package/run bookworm trixie user boot

.PHONY: docs
docs: ## make HTML of the documents, in build/docs
	@selftests/packages check
	@selftests/abi/run website

.PHONY: picture
picture: ## draw what balloonctl shows and records in a guest, and the demo, anew, for Documentation
	@selftests/packages check
	@selftests/vm/run --kernel 7.3 --driver ours test_balloonctl
	@for name in balloonctl balloonctl-doctor balloonctl-status balloonctl-watch balloonctl-why; do \
		cp build/vm/7.3-ours-test_balloonctl.$$name.svg Documentation/images/$$name.svg; \
	done
	@selftests/vm/demo
	@cp build/demo.svg Documentation/images/demo.svg

.PHONY: plots
plots: ## draw the simulator's plots in Documentation anew
	@selftests/unit/plots

.PHONY: dist
dist: ## make the archive of a release, in build/
	@scripts/dist $(version)

.PHONY: vm-test
vm-test: ## all tests in guests, on four stock kernels; for less: selftests/vm/run --help
	@selftests/packages check
	@selftests/vm/run --again --jobs 2 --kernel 6.1,6.12,7.2,7.3 --driver ours

.PHONY: hints-test
hints-test: ## test agent, reference device and the documents' commands in guests, with a newer QEMU
	@selftests/packages check
	@selftests/vm/run --again --kernel 6.1,7.3 --driver ours test_agent test_device \
		test_hostile test_on_device test_yield test_libvirt test_documents test_dropin

.PHONY: debug-test
debug-test: ## all in-guest tests, and KUnit's, on a debug kernel (KASAN, lockdep ...), which is built first
	@selftests/packages check
	@selftests/vm/run --again --jobs 2 --kernel debug --driver ours sim_ test_kunit

.PHONY: bench
bench: ## compare with the kernel's own driver in guests, as root; for less: selftests/bench/run --help
	@selftests/packages check
	@selftests/bench/run

.PHONY: performance
performance: ## write the results of the last bench into Documentation
	@selftests/bench/run --document

.PHONY: scenarios
scenarios: ## show auto-deflate beside the kernel's own driver, as root; for less: selftests/scenarios/run --help
	@selftests/packages check
	@selftests/scenarios/run $(if $(KERNEL),--kernel $(KERNEL))

.PHONY: auto-deflate
auto-deflate: ## write the results of the last scenarios into Documentation
	@selftests/scenarios/run --document $(if $(KERNEL),--kernel $(KERNEL))

.PHONY: overcommit
overcommit: ## how many guests fit into a host, by who decides, as root; for less: selftests/overcommit/run --help
	@selftests/packages check
	@selftests/overcommit/run $(if $(KERNEL),--kernel $(KERNEL))

.PHONY: overcommit-figures
overcommit-figures: ## write the results of the last overcommit into Documentation
	@selftests/overcommit/run --document $(if $(KERNEL),--kernel $(KERNEL))

.PHONY: shell
shell: ## a shell in a guest with the driver loaded (KERNEL=6.1, 6.12, 7.2, 7.3 or debug)
	@selftests/vm/run --shell --kernel $(or $(KERNEL),6.12)

.PHONY: kernels
kernels: ## fetch or build the kernels for the guests beforehand
	@selftests/vm/kernel fetch

.PHONY: results
results: ## sum up the results of the last tests
	@selftests/vm/results

.PHONY: module_clean
module_clean: ## remove the module that was built here, and all that came with it
	@find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name '.*.d' -o -name Module.symvers \
		-o -name modules.order \) -exec rm -f {} +

.PHONY: clean
clean: module_clean ## remove all that was built here (not the caches)
	@rm -rf build
