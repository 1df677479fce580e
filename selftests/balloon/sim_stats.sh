#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The statistics: which there are, always the same ones, and whether they are true.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

MIB=1048576
PAGE=$("$PATTERN" pagesize)

# A new set of numbers, as "tag value" lines on standard output.
ask()
{
	ask_seen=$(sim_get stats_buffers)
	sim_set stats_ask 1 && wait_for 10 sim_over stats_buffers "$ask_seen" || return 1
	sim_show stats
}

stat_of()	# tag, from what ask said
{
	echo "$asked" | awk -v t="$1" '$1 == t { print $2; n = 1 } END { exit !n }'
}

tags()
{
	echo "$asked" | awk '{ print $1 }' | sort -n | tr '\n' ' '
}

vmstat_sum()	# prefix
{
	awk -v n="$1" 'index($1, n) == 1 { v += $2 } END { print v + 0 }' /proc/vmstat
}

# All that the kernel can tell has a tag; older in-tree drivers know ten.
all_tags()
{
	sim_new "$F_STATS_VQ"
	wait_for 10 sim_over stats_buffers 0
	asked=$(sim_show stats)
	if driver_is_ours; then
		check_eq "tags" "$(tags)" "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
	else
		check_ge "number of tags" "$(echo "$asked" | wc -l)" 10
	fi
	check_eq "tags named twice" "$(echo "$asked" | awk '{ print $1 }' | sort | uniq -d)" ""
	sim_del
	no_violations
}

same_subset()
{
	sim_new "$F_STATS_VQ"
	wait_for 10 sim_over stats_buffers 0
	asked=$(sim_show stats)
	first=$(tags)
	for target in 100 5000 0; do
		sim_resize "$target"
		asked=$(ask) || fail "no answer"
		check_eq "tags with $target pages in the balloon" "$(tags)" "$first"
	done
	sim_del
	no_violations
}

# A counter may move between two looks, but not out of them.
counter()	# tag, factor, command that reads it from /proc
{
	c_tag=$1
	c_factor=$2
	shift 2
	c_before=$(($("$@") * c_factor))
	asked=$(ask) || fail "no answer"
	c_after=$(($("$@") * c_factor))
	c_got=$(stat_of "$c_tag") || {
		driver_is_ours && fail "tag $c_tag is missing"
		return
	}
	check_ge "tag $c_tag" "$c_got" "$c_before"
	check_le "tag $c_tag" "$c_got" "$c_after"
	[ "$c_got" = 0 ] || nonzero="$nonzero $c_tag"
}

# Something that goes up and down: near enough is right.
level()	# tag, command that reads it in KiB
{
	l_tag=$1
	shift
	l_want=$(($("$@") * 1024))
	asked=$(ask) || fail "no answer"
	l_got=$(stat_of "$l_tag") || fail "tag $l_tag is missing"
	check_ge "tag $l_tag" "$l_got" $((l_want - 4 * MIB))
	check_le "tag $l_tag" "$l_got" $((l_want + 4 * MIB))
}

page_cache()
{
	echo $(($(meminfo Cached) + $(meminfo Buffers) + $(meminfo SwapCached)))
}

# Gives the counters of reclaim something to count, where swap can be had.
churn()
{
	modprobe zram 2>/dev/null
	if [ -e /sys/block/zram0/disksize ] && grep -q '^0$' /sys/block/zram0/disksize; then
		echo $((64 * MIB)) >/sys/block/zram0/disksize
		mkswap /dev/zram0 >/dev/null 2>&1 && swapon /dev/zram0 && swapped=/dev/zram0
	fi
	"$PATTERN" take $(($(meminfo MemAvailable) / 1024 + ${swapped:+16} + 0))
	[ -z "$swapped" ] || cat /proc/[0-9]*/cmdline >/dev/null
}

true_numbers()
{
	sim_new "$F_STATS_VQ"
	wait_for 10 sim_over stats_buffers 0
	swapped=
	nonzero=
	churn >/dev/null 2>&1

	counter 0 "$PAGE" vmstat pswpin
	counter 1 "$PAGE" vmstat pswpout
	counter 2 1 vmstat pgmajfault
	counter 3 1 vmstat pgfault
	level 4 meminfo MemFree
	level 5 meminfo MemTotal
	level 6 meminfo MemAvailable
	level 7 page_cache
	counter 8 1 vmstat htlb_buddy_alloc_success
	counter 9 1 vmstat htlb_buddy_alloc_fail
	counter 10 1 vmstat oom_kill
	counter 11 1 vmstat_sum allocstall_
	counter 12 "$PAGE" vmstat pgscan_kswapd
	counter 13 "$PAGE" vmstat pgscan_direct
	counter 14 "$PAGE" vmstat pgsteal_kswapd
	counter 15 "$PAGE" vmstat pgsteal_direct
	note "counters that were not 0:$nonzero"
	check_ge "number of counters that were not 0" "$(echo "$nonzero" | wc -w)" 1

	[ -z "$swapped" ] || {
		swapoff "$swapped"
		echo 1 >/sys/block/zram0/reset
	}
	sim_del
	no_violations
}

# Devices exist that overrun with more than ten.
basic_only()
{
	need_ours "has no such parameter" || return
	driver_reload stats_basic=1 || return
	sim_new "$F_STATS_VQ"
	wait_for 10 sim_over stats_buffers 0
	asked=$(sim_show stats)
	check_eq "tags" "$(tags)" "0 1 2 3 4 5 6 7 8 9 "
	asked=$(ask) || fail "no answer"
	check_eq "tags the second time" "$(tags)" "0 1 2 3 4 5 6 7 8 9 "
	sim_del
	driver_reload
	no_violations
}

# Questions that come while the balloon moves are answered too.
while_it_moves()
{
	sim_new "$F_STATS_VQ"
	wait_for 10 sim_over stats_buffers 0
	sim_set delay_us 500
	sim_set target "$(roomy_pages 20)"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		asked=$(ask) || fail "no answer"
	done
	sim_set delay_us 0
	sim_resize 0
	sim_del
	no_violations
}

sim_setup
ktap_plan 6
ktap_case all_tags all_tags
ktap_case same_subset same_subset
ktap_case true_numbers true_numbers
ktap_case basic_only basic_only
ktap_case while_it_moves while_it_moves
ktap_case kernel_is_well kernel_is_well
ktap_end
