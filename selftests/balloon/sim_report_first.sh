#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Blocks are reported to the host as free before they are inflated, where that is
# lawful, and whatever becomes of the report.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

BLOCK=512		# balloon pages of 2 MiB
OTHER=9
REPORTING=$((F_REPORTING | F_PAGE_POISON))	# a guest that poisons its memory needs both

# The kernel has room for one who reports free pages for it. Another device takes
# the place, so that the device under test only gets the driver's own reports.
other_reports()
{
	sim_id=$OTHER
	sim_start "$REPORTING"
	sim_id=0
}

other_is_gone()
{
	sim_id=$OTHER
	sim_del
	sim_id=0
}

easy_blocks()
{
	easy=$(($(free_blocks) * 2 / 3))
	most=$(($(roomy_pages 66) / BLOCK))
	[ "$easy" -lt "$most" ] || easy=$most
	check_ge "free blocks" "$easy" 32
	echo $((easy * BLOCK))
}

reported_first()	# features
{
	need_ours "reports nothing itself" || return
	other_reports
	sim_start $(($1 | REPORTING)) overwrite=1
	size=$(easy_blocks)
	for _ in 1 2; do
		blocks=$(sim_queue inflate blocks)
		first=$(sim_get inflated_reported)
		reports=$(sim_queue report buffers)
		sim_resize "$size" || return
		blocks=$(($(sim_queue inflate blocks) - blocks))
		first=$(($(sim_get inflated_reported) - first))
		reports=$(($(sim_queue report buffers) - reports))
		note "$blocks blocks, $((first / BLOCK)) of them reported first, $reports reports"
		check_ge "blocks" "$blocks" $((size * 9 / 10 / BLOCK))
		check_ge "pages reported first" "$first" $((blocks * BLOCK * 9 / 10))
		check_ge "blocks for each report" $((blocks / (reports + 1))) 4
		sim_resize 0 || return
	done
	check_eq "pages reported and not inflated" "$(sim_get reported_pages)" \
		"$(sim_get inflated_reported)"
	guest_works
	sim_del
	other_is_gone
	no_violations
}

# A host that fills what is reported with anything must know what the guest expects there.
not_when_poisoned()
{
	grep -qwE 'init_on_free=1|page_poison=1' /proc/cmdline || {
		skip "needs init_on_free=1 or page_poison=1"
		return
	}
	sim_start "$F_REPORTING" overwrite=1
	sim_resize "$(easy_blocks)"
	check_eq "pages reported" "$(sim_get reported_pages)" 0
	sim_resize 0
	sim_del
	no_violations
}

# What is in the report that is not answered stays out of use: 32 blocks at most.
never_answered()	# features
{
	need_ours "reports nothing itself" || return
	driver_reload host_timeout_ms=1000
	other_reports
	sim_start $(($1 | REPORTING)) overwrite=1
	# inflate, deflate, report
	sim_set mute 4
	size=$(easy_blocks)
	sim_set target "$size"
	wait_for 60 sim_over actual $((size - 33 * BLOCK)) ||
		fail "$(sim_get actual) of $size pages without the report"
	check_ge "pages in the report" "$(sim_get reported_pages)" $((4 * BLOCK))
	sim_set target $((size / 2))
	wait_for 60 at_most $((size / 2)) || fail "does not deflate to $((size / 2))"
	sim_set mute 0
	sim_resize $((size / 3))
	sim_resize "$size"

	sim_resize 0
	sim_set mute 4
	sim_set target "$size"
	wait_for 30 report_is_out || fail "no report"
	ends_within 60 driver_unload || fail "unload does not end"
	check_eq "pages held" "$(sim_get held)" 0
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	sim_set mute 0
	driver_load
	sim_del
	other_is_gone
	nothing_hangs
	guest_works
	no_violations
}

at_most()	# pages
{
	! sim_over actual "$1"
}

report_is_out()
{
	sim_queue_read report buffers
	[ "$queue_number" -gt 0 ]
}

# The kernel reports what a process has used and freed, while the balloon moves.
shares_the_queue()	# entries of the rings
{
	need_ours "waits for ever with a small ring" || return
	sim_start "$REPORTING" overwrite=1 ring="$1"
	most=$(easy_blocks)
	for percent in 100 30 70 0 90 10; do
		sim_set target $((most * percent / 100 + percent))
		"$PATTERN" take 64 || fail "wrong words"
		sim_resize $((most * percent / 100 + percent)) 60 || return
	done
	note "$(sim_get reported_pages) pages reported, $(sim_get inflated_reported) then inflated"
	check_ge "pages reported first" "$(sim_get inflated_reported)" "$most"
	[ "$1" -lt 32 ] || kernel_reports
	"$PATTERN" take $((most * 2 / 3 / 256)) || fail "wrong words"
	sim_set scrub 1
	sim_del
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	no_violations
}

# Ours leave as many pages reported as are inflated.
kernel_reports()
{
	sim_resize 0
	seen=$(sim_get reported_pages)
	"$PATTERN" take 100 || fail "wrong words"
	wait_for 30 sim_over reported_pages "$seen" || fail "the kernel reports no more"
}

sim_setup
total=$(meminfo MemTotal)
ktap_plan 9
ktap_case reported_first reported_first 0
ktap_case reported_first_must_tell reported_first "$F_MUST_TELL_HOST"
ktap_case not_when_poisoned not_when_poisoned
ktap_case shares_queue_of_2 shares_the_queue 2
ktap_case shares_queue_of_4 shares_the_queue 4
ktap_case shares_queue_of_32 shares_the_queue 32
ktap_case never_answered never_answered 0
ktap_case never_answered_must_tell never_answered "$F_MUST_TELL_HOST"
ktap_case kernel_is_well kernel_is_well
ktap_end
