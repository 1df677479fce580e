#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Auto-deflate: reclaim takes pages back while the guest is in need, and only then;
# promptly, before the OOM killer; and they stay with the guest for a while.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/burst.sh
. ./lib/burst.sh

HOLDOFF_MS=12000
TRACING=/sys/kernel/tracing
CGROUP=/sys/fs/cgroup
STREAM=/dev/nullb0

trace_start()	# events...
{
	echo 0 >"$TRACING/tracing_on"
	# the names of tasks come from the scheduler: to patch that while it runs is more
	# than an emulator with two processors always survives
	echo 0 >"$TRACING/options/record-cmd"
	echo 4096 >"$TRACING/buffer_size_kb"
	echo >"$TRACING/trace"
	for event in "$@"; do
		echo 1 >"$TRACING/events/$event/enable" || fail "no event $event"
	done
	echo 1 >"$TRACING/tracing_on"
}

trace_stop()	# into /tmp/trace
{
	echo 0 >"$TRACING/tracing_on"
	echo 0 >"$TRACING/events/enable"
	cat "$TRACING/trace" >/tmp/trace
	echo >"$TRACING/trace"
}

# The largest number that follows a word in the lines of an event.
trace_most()	# event word
{
	sed -n "s/.* $1: .*$2[= ]*\([0-9]*\).*/\1/p" /tmp/trace | sort -n | tail -n 1
}

# ---- no need, nothing released --------------------------------------------------

drop_caches()
{
	inflated "$F_DEFLATE_ON_OOM"
	for what in 1 2 3; do
		echo "$what" >/proc/sys/vm/drop_caches
		untouched "drop_caches $what"
	done
	finish
}

proactive_reclaim()
{
	[ -e "$CGROUP/memory.reclaim" ] || {
		skip "no memory.reclaim in the root cgroup"
		return
	}
	inflated "$F_DEFLATE_ON_OOM"
	for n in 1 2 3; do
		echo 32M 2>/dev/null >"$CGROUP/memory.reclaim" || note "$n: less was reclaimed"
		untouched "memory.reclaim"
	done
	finish
}

shrinker_debugfs()
{
	inflated "$F_DEFLATE_ON_OOM"
	set -- /sys/kernel/debug/shrinker/virtio-balloon-*
	[ -e "$1/scan" ] || {
		sim_del
		skip "no shrinker debugfs"
		return
	}
	for dir in "$@"; do
		check_eq "objects that debugfs counts" "$(cat "$dir/count")" ""
		echo "0 0 10000" >"$dir/scan"
	done
	untouched "a scan by debugfs"
	finish
}

# Much more than memory goes through the page cache.
streaming()
{
	modprobe null_blk gb=8 2>/dev/null
	[ -e "$STREAM" ] || {
		skip "no null_blk"
		return
	}
	inflated "$F_DEFLATE_ON_OOM"
	scanned=$(($(vmstat pgscan_kswapd) + $(vmstat pgscan_direct)))
	mib=$(($(meminfo MemTotal) * 2 / 1024))
	trace_start virtio_balloon/vb_shrink_count virtio_balloon/vb_sample
	dd if="$STREAM" of=/dev/null bs=1M count="$mib" 2>/dev/null
	untouched "a streaming read"
	dd if=/dev/zero of="$STREAM" bs=1M count="$mib" 2>/dev/null
	untouched "a streaming write"
	trace_stop
	scanned=$(($(vmstat pgscan_kswapd) + $(vmstat pgscan_direct) - scanned))
	note "$mib MiB each, $scanned pages scanned," \
		"$(grep -c vb_shrink_count: /tmp/trace) counts," \
		"$(grep -c vb_sample: /tmp/trace) samples"
	check_ge "pages scanned meanwhile" "$scanned" 1000
	check "reclaim asked" grep -q "vb_shrink_count:" /tmp/trace
	check "the sampler looked" grep -q "vb_sample:" /tmp/trace
	check_eq "largest offer" "$(trace_most vb_shrink_count offer)" 0
	echo 1 >/proc/sys/vm/drop_caches
	finish
}

# ---- need --------------------------------------------------------------------

target_seen()	# pages: no processes
{
	read -r seen <"$seen_file"
	[ "$seen" = "$1" ]
}

# The host changes its mind more often than the log of decisions has lines.
many_targets()
{
	seen_file=/sys/bus/virtio/devices/$(sim_get name)/balloon/target_pages
	change=0
	while [ "$change" -lt 100 ]; do
		change=$((change + 1))
		sim_set target $((held - change % 2))
		wait_for 5 target_seen $((held - change % 2)) || fail "a target is not seen"
	done
}

gives_way()	# features
{
	inflated $(($1 | F_DEFLATE_ON_OOM))
	burst
	check_ge "pages taken back" "$taken" $((held * 3 / 10))
	check_ge "of those, in need" "$(counter need_deflated_pages)" \
		$(($(counter oom_deflated_pages) * 9))
	decisions=/sys/kernel/debug/virtio_balloon-$(sim_get name)/decisions
	check "the decisions say so" grep -q "released .* pages.*low mark" "$decisions"
	many_targets
	check "they still do" grep -q "released .* pages.*low mark" "$decisions"
	check "and tell of the targets" grep -Eq "[0-9]+ new targets .* last of" \
		"$decisions"
	finish
}

# The kernel's own tracepoints: a pass of reclaim frees far more than 128 pages.
batches()	# deflate_batch
{
	echo "$1" >/sys/module/virtio_balloon/parameters/deflate_batch ||
		fail "a batch of $1 is refused"
	inflated "$F_DEFLATE_ON_OOM"
	check_eq "deflate_batch" "$(balloon_attr deflate_batch)" "$1"
	trace_start vmscan/mm_shrink_slab_start vmscan/mm_shrink_slab_end \
		virtio_balloon/vb_shrink_scan
	burst
	trace_stop
	grep -E "mm_shrink_slab_start: .*\[virtio_balloon\]" /tmp/trace >/tmp/starts
	grep -E "mm_shrink_slab_end: .*\[virtio_balloon\]" /tmp/trace >/tmp/ends
	delta=$(sed -n 's/.* delta \([0-9]*\).*/\1/p' /tmp/starts | sort -n | tail -n 1)
	freed=$(sed -n 's/.* return val \([0-9]*\).*/\1/p' /tmp/ends | sort -n | tail -n 1)
	wanted=$(trace_most vb_shrink_scan wanted)
	note "$(grep -c . /tmp/starts) passes, largest: delta $delta, freed $freed;" \
		"$(grep -c vb_shrink_scan: /tmp/trace) calls of up to $wanted pages"
	check_ge "largest delta" "${delta:-0}" "$1"
	check_ge "most pages freed by a pass" "${freed:-0}" 129
	check_ge "most pages of a call" "${wanted:-0}" 129
	check_le "most pages of a call" "${wanted:-0}" "$1"
	echo 1024 >/sys/module/virtio_balloon/parameters/deflate_batch
	finish
}

# What the guest took back it keeps; then it goes back in steps that only grow.
holds_and_returns()
{
	inflated "$F_DEFLATE_ON_OOM"
	tune return_ms 500
	tune return_step 4
	trace_start virtio_balloon/vb_hold_off
	burst
	held_then=$(sim_get held)
	check_le "offset" "$(balloon_attr offset_pages)" $((held_then - held))
	check_eq "state" "$(balloon_attr state)" holding-off
	holds_off $((HOLDOFF_MS / 4)) "$held_then"
	wait_for 60 sim_is held "$held" || fail "the deficit did not come back"
	check_eq "offset" "$(balloon_attr offset_pages)" 0
	trace_stop
	check "a hold-off began" grep -q "vb_hold_off: .* begins ms=$HOLDOFF_MS" /tmp/trace
	check "and was over" grep -q "vb_hold_off: .* over" /tmp/trace
	finish
}

# With MUST_TELL_HOST the shrinker itself frees nothing: the deflate work does.
handed_over()
{
	inflated $((F_DEFLATE_ON_OOM | F_MUST_TELL_HOST))
	trace_start virtio_balloon/vb_shrink_scan
	burst
	trace_stop
	check_ge "pages taken back" "$taken" $((held * 3 / 10))
	check_ge "most pages granted" "$(trace_most vb_shrink_scan granted)" 1
	check_eq "most pages freed at once" "$(trace_most vb_shrink_scan freed)" 0
	finish
}

sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver has no auto-deflate"
[ -e "$TRACING/events/virtio_balloon" ] || ktap_skip_all "no tracing"
driver_reload host_timeout_ms=1000 holdoff_ms="$HOLDOFF_MS" holdoff_max_ms="$HOLDOFF_MS"
ktap_plan 12
ktap_case drop_caches drop_caches
ktap_case proactive_reclaim proactive_reclaim
ktap_case shrinker_debugfs shrinker_debugfs
ktap_case streaming streaming
ktap_case gives_way gives_way 0
ktap_case batches batches 1024
ktap_case batches_smallest batches 129
ktap_case batches_largest batches 65536
ktap_case holds_and_returns holds_and_returns
ktap_case handed_over handed_over
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
ktap_end
