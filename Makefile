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
modules = $(INSTALL_MOD_PATH)/lib/modules/$(KVER)
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

.DEFAULT_GOAL := module

.PHONY: help
help: ## list the targets
	@echo 'make [target] [KVER=release | KDIR=folder]'
	@sed -n 's/^\([a-z_-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
		while IFS='	' read -r target text; do \
			printf '  %-16s %s\n' "$$target" "$$text"; \
		done

.PHONY: check-kernel
check-kernel: ## can the driver be built for this kernel, and would it be loaded?
	@scripts/check-kernel '$(KDIR)' '$(modules)'

.PHONY: module
module: check-kernel ## build the module (the default)
	$(kbuild) modules

.PHONY: modules_install
modules_install: module ## install the module in updates/, without depmod
	$(kbuild) INSTALL_MOD_DIR=$(INSTALL_MOD_DIR) DEPMOD=true modules_install

.PHONY: install
install: modules_install ## modules_install, then depmod
	depmod -a $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

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
	dkms install autoballoon/$(version) -k $(KVER)

.PHONY: dkms-remove
dkms-remove: ## remove it from DKMS and from all kernels
	dkms remove autoballoon/$(version) --all
	rm -rf $(dkms_source)

.PHONY: clean
clean: ## remove what was built here (not the caches)
	@rm -rf build
	@find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name '.*.d' -o -name Module.symvers \
		-o -name modules.order \) -exec rm -f {} +
