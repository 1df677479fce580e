# SPDX-License-Identifier: GPL-2.0-only
#
# How a program in a folder of tools/ is made. Its Makefile says which libraries it
# needs (packages, by pkg-config) and which parts of common/, and includes this.
#
#   make [OUT=folder]     into build/tools by default
#   make SANITIZE=1       with the address and undefined-behaviour sanitizers

root := $(abspath ../..)
program := $(notdir $(CURDIR))
OUT ?= $(root)/build/tools

CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror
ifdef SANITIZE
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all
override LDFLAGS += -fsanitize=address,undefined
endif
version := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' $(root)/dkms.conf)
override CPPFLAGS += -D_GNU_SOURCE -DAUTOBALLOON_VERSION='"$(version)"' \
	-I$(root)/include/uapi -I$(root)/tools/common $(shell pkg-config --cflags $(packages))
LDLIBS = $(shell pkg-config --libs $(packages))

objects := $(patsubst %.c,$(OUT)/$(program).d/%.o,$(wildcard *.c) $(common))
vpath %.c $(root)/tools/common

.PHONY: all clean
all: $(OUT)/$(program)

$(OUT)/$(program): $(objects)
	@echo '  LD      $(program)'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/$(program).d/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $(<F)'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

clean:
	rm -rf $(OUT)/$(program) $(OUT)/$(program).d

-include $(objects:.o=.d)
