# SPDX-License-Identifier: GPL-2.0-only
#
# The page store in userspace, with pages of 4 and of 64 KiB. Part of ../Makefile.
#
#   make check STORE=/tmp/store   another pages.c, untold.c, account.c and alloc.c, to see
#                                 that the test notices

STORE ?= $(driver)
store_4k = 12
store_64k = 16
store_programs = $(OUT)/store_4k $(OUT)/store_64k
store_sources = $(wildcard store/*.c) $(addprefix $(STORE)/,pages.c untold.c account.c alloc.c)
binaries += $(store_programs)

# Not the first rule of all.
all:

$(store_programs): $(store_sources) FORCE
	@mkdir -p $(OUT)
	@echo '  CC      $(notdir $@)'
	@$(CC) -DPAGE_SHIFT=$($(notdir $@)) -Istore/include -I$(STORE) $(CPPFLAGS) $(CFLAGS) \
		-o $@ $(store_sources) -lcmocka
