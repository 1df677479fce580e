#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Free page reporting: what was used and freed is reported within ten seconds, and
# the host may destroy what it was told is free.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

# PAGE_POISON is offered too: a guest that poisons its memory needs it.
reporting_device()	# features options...
{
	reporting_features=$(($1 | F_REPORTING | F_PAGE_POISON))
	shift
	sim_new "$reporting_features" "$@"
	wait_for 10 bound || fail "no driver"
	check "REPORTING is taken" sim_negotiated "$F_REPORTING"
}

freed_is_reported()
{
	reporting_device 0
	# what is free from before has been reported when this much is quiet
	quiet
	seen=$(sim_get reported_pages)
	"$PATTERN" take 200
	# 200 MiB were touched; the kernel reports whole blocks only
	wait_for 10 sim_over reported_pages $((seen + 200 * 256 * 3 / 4)) ||
		fail "$(($(sim_get reported_pages) - seen)) of $((200 * 256)) pages reported"
	sim_del
	no_violations
}

# Destroyed while it was free is no harm; used while it is reported is one.
content_survives()
{
	reporting_device 0 overwrite=1
	"$PATTERN" verify 150 6 &
	pattern=$!
	for _ in 1 2 3; do
		"$PATTERN" take 100 || fail "wrong words"
		sleep 1
	done
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	check_ge "pages reported" "$(sim_get reported_pages)" 10000
	sim_del
	no_violations
}

with_the_balloon()	# features
{
	reporting_device "$1" overwrite=1
	for span in 12 1 10 2; do
		sim_resize "$(roomy_pages "$span")"
		"$PATTERN" take 60 || fail "wrong words"
	done
	sim_set scrub 1
	sim_del
	no_violations
}

# The kernel looks for what is free when something is freed.
reports_more_than()	# pages
{
	"$PATTERN" take 20
	sim_over reported_pages "$1"
}

# Free before the host has answered the deflate: not to be reported before that.
deflates_first()	# pages
{
	reporting_device 0
	sim_resize "$1"
	quiet
	seen=$(sim_get reported_pages)
	sim_set mute 2	# deflate
	sim_set target 0
	# the kernel begins two seconds after something is freed
	sleep 3
	no_violations
	sim_set mute 0
	wait_for 10 sim_is actual 0 || fail "target 0 not reached: $(sim_get actual)"
	wait_for 20 reports_more_than $((seen + $1 / 2)) ||
		fail "$(($(sim_get reported_pages) - seen)) of $1 pages reported in the end"
	sim_del
	no_violations
}

# The kernel has room for one who reports; a second balloon does without.
second_device()
{
	need_ours "fails to probe" || return
	reporting_device 0
	sim_id=1
	sim_new $((F_REPORTING | F_PAGE_POISON))
	wait_for 10 bound || fail "no driver for the second device"
	sim_resize 1000
	sim_id=0
	sim_resize 1500
	sim_id=1
	sim_del
	sim_id=0
	seen=$(sim_get reported_pages)
	"$PATTERN" take 100
	wait_for 15 sim_over reported_pages "$seen" || fail "the first device reports no more"
	sim_del
	no_violations
}

sim_setup
ktap_plan 7
ktap_case freed_is_reported freed_is_reported
ktap_case content_survives content_survives
ktap_case with_the_balloon with_the_balloon 0
ktap_case with_the_balloon_must_tell with_the_balloon "$F_MUST_TELL_HOST"
ktap_case deflates_first deflates_first $((16 * 512))
ktap_case second_device second_device
ktap_case kernel_is_well kernel_is_well
ktap_end
