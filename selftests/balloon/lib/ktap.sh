# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Prints test results as KTAP. POSIX sh; sourced by the tests.
#
#	ktap_plan 3			first of all: how many cases
#	ktap_case name function		runs one case
#	ktap_end			last of all: exits
#
# A case fails if any check in it fails, or if it returns anything but 0
# without having said "skip reason". Inside a case: check_*, fail, skip, note.

ktap_nr=0
ktap_failed=0
ktap_passed=0
case_failed=
case_skipped=

ktap_plan()
{
	echo "KTAP version 1"
	echo "1..$1"
	ktap_planned=$1
}

# Nothing can be tested here at all. Before ktap_plan.
ktap_skip_all()
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit 4
}

note()
{
	echo "# $*"
}

fail()
{
	note "FAIL: $*"
	case_failed=1
}

skip()
{
	case_skipped=$*
}

ktap_case()
{
	ktap_nr=$((ktap_nr + 1))
	case_failed=
	case_skipped=
	ktap_name=$1
	shift
	ktap_mark="ktap: $$ $ktap_nr $ktap_name"
	echo "$ktap_mark" 2>/dev/null >/dev/kmsg
	"$@" || [ -n "$case_skipped" ] || case_failed=1

	if [ -n "$case_skipped" ] && [ -z "$case_failed" ]; then
		echo "ok $ktap_nr $ktap_name # SKIP $case_skipped"
	elif [ -n "$case_failed" ]; then
		ktap_failed=$((ktap_failed + 1))
		ktap_log
		echo "not ok $ktap_nr $ktap_name"
	else
		ktap_passed=$((ktap_passed + 1))
		echo "ok $ktap_nr $ktap_name"
	fi
}

# What the kernel said during the case, in short.
ktap_log()
{
	dmesg | sed "1,/$ktap_mark\$/d" | tail -n 60 | cut -c 1-160 | sed 's/^/# log: /'
}

ktap_end()
{
	if [ "$ktap_nr" -ne "$ktap_planned" ]; then
		note "FAIL: $ktap_planned cases were planned, $ktap_nr ran"
		exit 1
	fi
	[ "$ktap_failed" -eq 0 ] || exit 1
	# all skipped is not a pass
	[ "$ktap_passed" -gt 0 ] || exit 4
	exit 0
}

check_eq()	# what got want
{
	[ "$2" = "$3" ] || fail "$1 is '$2', should be '$3'"
}

check_le()	# what got most
{
	[ "$2" -le "$3" ] || fail "$1 is $2, should be at most $3"
}

check_ge()	# what got least
{
	[ "$2" -ge "$3" ] || fail "$1 is $2, should be at least $3"
}

check()		# what command...: the command must succeed
{
	check_what=$1
	shift
	"$@" || fail "$check_what"
}

# wait_for SECONDS command...: until the command succeeds. Reads the clock, so
# that a slow machine gets the seconds that it was promised and no more: as often
# as AUTOBALLOON_SLOW says.
wait_for()
{
	uptime_ms
	wait_end=$((uptime_value + $1 * 1000 * ${AUTOBALLOON_SLOW:-1}))
	shift
	until "$@"; do
		uptime_ms
		[ "$uptime_value" -lt "$wait_end" ] || return 1
		sleep 0.05
	done
}

# Milliseconds since the start of the system, in $uptime_value: no processes.
uptime_ms()
{
	read -r uptime_now _ </proc/uptime
	uptime_frac=${uptime_now#*.}
	# 08 is no number in a shell
	uptime_value=$((${uptime_now%.*} * 1000 + ${uptime_frac#0} * 10))
}
