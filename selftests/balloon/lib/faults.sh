# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Allocations of the kernel's workers that fail. Needs a kernel with failslab and
# fail_page_alloc. Sourced after balloonsim.sh.

FAULTS=/sys/kernel/debug

faults_possible()
{
	[ -e "$FAULTS/failslab" ] && [ -e "$FAULTS/fail_page_alloc" ] &&
		[ -e /proc/self/fail-nth ]
}

settings()	# folder, then lines "file value" on stdin
{
	while read -r file value; do
		echo "$value" >"$FAULTS/$1/$file" || fail "$1/$file does not take $value"
	done
}

# What may fail at all: also what could wait for memory, and small pages.
faults_set_up()
{
	for kind in failslab fail_page_alloc; do
		settings $kind <<-LIST
			probability 0
			task-filter Y
			interval 1
			times -1
			verbose 0
			ignore-gfp-wait N
		LIST
	done
	settings fail_page_alloc <<-LIST
		min-order 0
		ignore-gfp-highmem N
	LIST
}

# So many in a hundred fail, for the kernel's workers only.
faults_on()	# percent
{
	echo "probability $1" | settings failslab
	echo "probability $1" | settings fail_page_alloc
	mark_workers 1
}

faults_off()
{
	faults_set_up
	mark_workers 0
}

mark_workers()	# 0 or 1
{
	for stat in /proc/[0-9]*/stat; do
		read -r line 2>/dev/null <"$stat" || continue
		case $line in
		*"(kworker"*) echo "$1" 2>/dev/null >"${stat%stat}make-it-fail" ;;
		esac
	done
}
