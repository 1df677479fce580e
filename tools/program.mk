# SPDX-License-Identifier: GPL-2.0-only
#
# How a program in a folder of tools/ is made. Its Makefile says which libraries it
# needs (packages, by pkg-config; libraries, for those without) and which parts of
# common/, and includes this.
#
#   make [OUT=folder]     into build/tools by default
#   make SANITIZE=1       with the address and undefined-behaviour sanitizers
#   make STATIC=1         without shared libraries, for a guest that has none
#   make install [DESTDIR=folder] [prefix=/usr] [sbindir=/usr/bin]
#                         with its man page and its completion, where there are some

root := $(abspath ../..)
program := $(notdir $(CURDIR))
OUT ?= $(root)/build/tools

CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror
ifdef SANITIZE
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all
override LDFLAGS += -fsanitize=address,undefined
endif
ifdef STATIC
override LDFLAGS += -static
endif
version := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' $(root)/dkms.conf)
override CPPFLAGS += -D_GNU_SOURCE -DAUTOBALLOON_VERSION='"$(version)"' \
	-I$(root)/include/uapi -I$(root)/tools/common $(shell pkg-config --cflags $(packages))
LDLIBS = $(shell pkg-config $(if $(STATIC),--static) --libs $(packages)) $(libraries)

objects := $(patsubst %.c,$(OUT)/$(program).d/%.o,$(wildcard *.c) $(common))
vpath %.c $(root)/tools/common

prefix ?= /usr/local
sbindir ?= $(prefix)/sbin
manual = $(wildcard $(root)/Documentation/man/$(program).8)
completion = $(wildcard $(program).bash)

.PHONY: all install clean
all: $(OUT)/$(program)

$(OUT)/$(program): $(objects)
	@echo '  LD      $(program)'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/$(program).d/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $(<F)'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

install: all
	install -D -t $(DESTDIR)$(sbindir) $(OUT)/$(program)
	$(if $(manual),install -D -m 644 -t $(DESTDIR)$(prefix)/share/man/man8 $(manual))
	$(if $(completion),install -D -m 644 $(completion) \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/$(program))

clean:
	rm -rf $(OUT)/$(program) $(OUT)/$(program).d

-include $(objects:.o=.d)
