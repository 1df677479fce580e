#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The balloon moves memory in blocks of 2 MiB while it can, with few exits to the
# host, and all books agree about it.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

BLOCK=512	# balloon pages of 2 MiB
MESSAGE=256	# balloon pages that one message names

# Whole blocks that the guest has free and need not break anything up for, with
# enough left that it stays at ease. In balloon pages.
easy_blocks()
{
	easy=$(($(free_blocks) * 3 / 4))
	most=$(($(roomy_pages 75) / BLOCK))
	[ "$easy" -lt "$most" ] || easy=$most
	check_ge "free blocks" "$easy" 32
	echo $((easy * BLOCK))
}

# Nearly all: the guest works beside the test, and may have a block before us. Single
# pages of memory that nobody has used yet make runs of 2 MiB, too, but not as many.
nearly()	# number
{
	echo $(($1 * 95 / 100))
}

# A message or two for what is no whole block, at each of the driver's looks.
inflates_in_blocks()
{
	need_ours "moves single pages" || return
	sim_start 0
	size=$(easy_blocks)
	sim_resize "$size" || return
	blocks=$(sim_queue inflate blocks)
	messages=$(sim_queue inflate buffers)
	note "$size pages: $blocks blocks, $messages messages"
	check_ge "blocks inflated" "$blocks" "$(nearly $((size / BLOCK)))"
	check_ge "blocks held" "$(sim_get held_blocks)" "$blocks"
	check_le "messages" "$messages" $((size * 11 / 10 / MESSAGE))
	check_ge "longest ascending run" "$(sim_queue inflate longest_run)" "$BLOCK"

	sim_resize $((size + 100)) || return
	check_le "messages for 100 pages" $(($(sim_queue inflate buffers) - messages)) 4
	check_eq "page numbers out of order in a message" "$(sim_queue inflate descents)" 0
	sim_del
	no_violations
}

# When there are no blocks left, or the guest needs them, single pages do.
then_single_pages()
{
	sim_start 0
	: >/tmp/ready
	"$PATTERN" holes $(($(meminfo MemAvailable) * 3 / 4096)) >/tmp/ready &
	pattern=$!
	wait_for 60 grep -q ready /tmp/ready || fail "pattern is not ready"
	blocks=$(free_blocks)
	size=$(roomy_pages 85)
	sim_resize "$size" 60
	note "$size pages, of which $(sim_queue inflate blocks) blocks; $blocks were free"
	check_ge "single pages" $((size - BLOCK * $(sim_queue inflate blocks))) $((size / 4))
	! driver_is_ours ||
		check_eq "page numbers out of order in a message" "$(sim_queue inflate descents)" 0
	sim_resize 0 60
	kill "$pattern"
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_del
	no_violations
}

little_splits_one()
{
	need_ours "has no blocks" || return
	sim_start 0
	size=$(easy_blocks)
	sim_resize "$size" || return
	before=$(sim_get held_blocks)
	for less in 1 2 5 17 40 64 3 100 200; do
		size=$((size - less))
		sim_resize "$size" || return
	done
	check_ge "blocks held" "$(sim_get held_blocks)" $((before - 1))
	sim_del
	no_violations
}

much_comes_back_whole()
{
	need_ours "has no blocks" || return
	sim_start 0
	size=$(easy_blocks)
	sim_resize "$size" || return
	held=$(sim_get held_blocks)
	free=$(free_blocks)
	sim_resize $((size / 4)) || return
	back=$((held - $(sim_get held_blocks)))
	# one may have been split for the last pages
	check_ge "blocks deflated" "$(sim_queue deflate blocks)" $((back - 1))
	check_ge "blocks given back" "$back" "$(nearly $((size * 3 / 4 / BLOCK)))"
	check_ge "free blocks gained" $(($(free_blocks) - free)) $((back * 3 / 4))
	check_le "messages" "$(sim_queue deflate buffers)" $((size * 33 / 40 / MESSAGE))
	sim_del
	no_violations
}

# Pages that the guest's kernel counts as ballooned, if it does.
nr_balloon_pages()
{
	echo 1 >/proc/sys/vm/stat_refresh
	vmstat nr_balloon_pages
}

# For a device with pages of 4 KiB each.
books_agree()	# features, 1 if MemTotal follows the balloon
{
	total=$(meminfo MemTotal)
	sim_start "$1"
	inflated=$(vmstat balloon_inflate)
	deflated=$(vmstat balloon_deflate)
	most=$(roomy_pages 70)
	random=12345
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		random=$(((random * 1103515245 + 12345) % 2147483648))
		size=$((random / 64 % most))
		sim_resize "$size" || return
		check_eq "fall of MemTotal in KiB" $((total - $(meminfo MemTotal))) $((size * 4 * $2))
		check_eq "inflated less deflated" $(($(vmstat balloon_inflate) - inflated - \
			$(vmstat balloon_deflate) + deflated)) "$size"
		check_eq "pages marked as without content" "$(sim_get held_offline)" "$size"
		! grep -q nr_balloon_pages /proc/vmstat ||
			check_eq "nr_balloon_pages" "$(nr_balloon_pages)" "$size"
		[ -z "$case_failed" ] || return
	done
	check_eq "inflated by vmstat" $(($(vmstat balloon_inflate) - inflated)) "$(sim_get inflated)"
	sim_del
	check_eq "MemTotal after the device is gone" "$(meminfo MemTotal)" "$total"
	no_violations
}

# The kernel's own driver notifies, and writes the size, once a MiB each.
few_exits()	# features
{
	need_ours "notifies for each message" || return
	sim_start "$1"
	size=$(easy_blocks)
	# what the kernel itself reports costs kicks, too
	quiet
	for target in "$size" 0; do
		kicks=$(($(sim_queue inflate kicks) + $(sim_queue deflate kicks)))
		reports=$(sim_queue report kicks)
		writes=$(sim_get actual_writes)
		sim_resize "$target" || return
		kicks=$(($(sim_queue inflate kicks) + $(sim_queue deflate kicks) - kicks))
		reports=$(($(sim_queue report kicks) - reports))
		writes=$(($(sim_get actual_writes) - writes))
		note "$((size / 256)) MiB to $target: $kicks kicks and $reports for reports," \
			"$writes writes of the size"
		# two for what is no whole round
		check_le "kicks" "$kicks" $((size / 256 / 16 + 2))
		check_le "kicks for reports" "$reports" $((size / 256 / 32 + 2))
		check_le "writes of the size" "$writes" $((size / 256 / 16 + 2))
	done
	sim_del
	no_violations
}

several_in_flight()	# role
{
	sim_queue_read "$1" most
	[ "$queue_number" -ge 16 ]
}

# With rings that have room for more than the driver may have in flight.
messages_in_flight()
{
	need_ours "has one in flight" || return
	sim_start 0 ring=1024
	size=$(easy_blocks)
	sim_resize "$size" || return
	sim_resize $((size / 2)) || return
	sim_set serve 0
	sim_set target "$size"
	wait_for 10 several_in_flight inflate || fail "$queue_number messages in flight at the most"
	sim_set target 0
	wait_for 10 several_in_flight deflate || fail "$queue_number messages in flight at the most"
	sim_set serve 1
	sim_resize "$size"
	sim_resize 0
	inflate=$(sim_queue inflate most)
	deflate=$(sim_queue deflate most)
	note "$inflate messages to inflate, $deflate to deflate in flight"
	check_le "KiB of messages in flight" $(((inflate + deflate) * MESSAGE * 4 / 1024)) 256
	sim_del
	no_violations
}

sim_setup
ktap_plan 10
ktap_case inflates_in_blocks inflates_in_blocks
ktap_case then_single_pages then_single_pages
ktap_case little_splits_one little_splits_one
ktap_case much_comes_back_whole much_comes_back_whole
ktap_case books_agree books_agree 0 1
ktap_case books_agree_deflate_on_oom books_agree "$F_DEFLATE_ON_OOM" 0
ktap_case few_exits few_exits 0
ktap_case few_exits_reporting few_exits $((F_REPORTING | F_PAGE_POISON))
ktap_case messages_in_flight messages_in_flight
ktap_case kernel_is_well kernel_is_well
ktap_end
