#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The size follows the host's target exactly, and everybody's books agree.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

# Twenty targets, up and down, of no round number: in thousandths of what the
# guest can spare, plus a little.
STEPS="37 501 13 502 733 731 1 2 998 640 3 499 500 77 905 904 350 6 851 259"

targets()
{
	span=$(roomy_pages 12)
	n=0
	for step in $STEPS; do
		n=$((n + 7))
		echo $((span * step / 1000 + n))
	done
}

resize_exactly()
{
	sim_new 0
	before=$(vmstat balloon_inflate)
	before_deflate=$(vmstat balloon_deflate)
	for target in $(targets); do
		sim_resize "$target" || return
	done

	check_eq "inflated by vmstat" $(($(vmstat balloon_inflate) - before)) "$(sim_get inflated)"
	check_eq "deflated by vmstat" $(($(vmstat balloon_deflate) - before_deflate)) \
		"$(sim_get deflated)"
	check_eq "pages held" $(($(sim_get inflated) - $(sim_get deflated))) "$(sim_get held)"
	no_violations
	sim_del
}

# MemTotal moves with the balloon, unless the guest may take the memory back.
mem_total()	# features, pages of 4 KiB by which it must fall of 10000
{
	total=$(meminfo MemTotal)
	sim_new "$1"
	sim_resize 10000
	check_eq "fall of MemTotal in KiB" $((total - $(meminfo MemTotal))) $(($2 * 4))
	sim_resize 1
	check_eq "fall of MemTotal in KiB" $((total - $(meminfo MemTotal))) $(($2 ? 4 : 0))
	sim_del
	check_eq "MemTotal after the device is gone" "$(meminfo MemTotal)" "$total"
	no_violations
}

unload_gives_back()
{
	total=$(meminfo MemTotal)
	free=$(free_kib)
	sim_new 0
	sim_resize "$(roomy_pages 50)"
	driver_unload
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	check_ge "free memory in KiB" "$(free_kib)" $((free - total / 24))
	check_eq "pages held" "$(sim_get held)" 0
	driver_load

	# the device still wants what it wanted
	wait_for 30 sim_is held "$(sim_get target)" || fail "not inflated again"
	sim_del
	no_violations
}

# A target is there before the driver is: nobody tells it by an interrupt.
target_at_probe()
{
	sim_new 0 target=4321
	wait_for 10 sim_is actual 4321 || fail "actual is $(sim_get actual)"
	sim_del
	no_violations
}

legacy_device()
{
	sim_new legacy "$F_STATS_VQ"
	sim_resize 3210
	sim_resize 12
	sim_del
	no_violations
}

# The host's view: pages that it overwrites are nobody's in the guest.
content_survives()
{
	sim_new 0 overwrite=1
	mib=$(($(roomy_pages 30) / 256))
	"$PATTERN" verify "$mib" 4 &
	pattern=$!
	for target in $(targets | head -n 8); do
		sim_resize $((target / 2)) || break
	done
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_set scrub 1
	check_ge "pages looked at" "$(sim_get scrubbed)" 1
	sim_resize 0
	sim_del
	no_violations
}

sim_setup
ktap_plan 8
ktap_case resize_exactly resize_exactly
ktap_case mem_total_moves mem_total 0 10000
ktap_case mem_total_stays_with_deflate_on_oom mem_total "$F_DEFLATE_ON_OOM" 0
ktap_case unload_gives_back unload_gives_back
ktap_case target_at_probe target_at_probe
ktap_case legacy_device legacy_device
ktap_case content_survives content_survives
ktap_case kernel_is_well kernel_is_well
ktap_end
