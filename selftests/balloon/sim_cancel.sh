#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A host that changes its mind in the middle of a large resize: the driver goes no
# further the old way, and does not bring the old way to its end before the new one.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

# The host takes so long for a message, of a MiB: what is in flight when it changes its
# mind takes far longer than the driver may go on.
DELAY_US=10000
TRIALS=3
LIMIT_US=10000

median()	# numbers
{
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

something_came()	# role
{
	sim_queue_read "$1" first_us
	[ "$queue_number" -gt 0 ]
}

# How long this machine takes to wake a worker that sends one message: what the
# driver is allowed is that much longer. The host is at its slowest in its sleep.
allowance()
{
	times=
	for size in 300 100 300 100 300 100 300; do
		role=inflate
		[ "$size" = 300 ] || role=deflate
		sim_resize "$size"
		something_came "$role" || fail "no message to $role"
		times="$times $queue_number"
	done
	# shellcheck disable=SC2086	# each is a word
	turn=$(median $times)
	allowed=$((LIMIT_US + 10 * turn))
	note "a message comes $turn us after the target: $allowed us are allowed"
}

under_way()	# role
{
	sim_queue_read "$1" buffers
	[ "$queue_number" -gt "$started" ]
}

start()		# role target
{
	sim_queue_read "$1" buffers
	started=$queue_number
	sim_set delay_us "$DELAY_US"
	sim_set target "$2"
	started=$((started + 2))
	wait_for 30 under_way "$1" || fail "no messages to $1"
}

# What came after the target changed that moved the balloon further away from it.
note_away()	# roles
{
	away_us=0
	for role; do
		sim_queue_read "$role" away_us
		[ "$queue_number" -le "$away_us" ] || away_us=$queue_number
	done
	late="$late $away_us"
}

# What is on its way may come to its end quickly, but not before the new way began.
settle()	# role target, roles of the old way
{
	wait_for 60 something_came "$1" || fail "no messages to $1 after the change"
	soon="$soon $queue_number"
	sim_set delay_us 0
	wait_for 60 sim_is actual "$2" || fail "target $2 not reached: actual $(sim_get actual)"
	shift 2
	note_away "$@"
}

judge()		# what
{
	note "$1, us to the last message the old way:$late, to the first one the new way:$soon"
	# shellcheck disable=SC2086	# each is a word
	check_le "$1: us to the last message the old way" "$(median $late)" "$allowed"
}

# From a balloon that has something to give: that need not wait for all to come in.
lowered()
{
	late=
	soon=
	for trial in $(seq "$TRIALS"); do
		sim_resize "$base"
		start inflate "$most"
		sim_set target $((base / 2 + trial))
		settle deflate $((base / 2 + trial)) inflate report
	done
	judge "lowered"
	# shellcheck disable=SC2086	# each is a word
	check_le "us to the first deflate" "$(median $soon)" \
		$(((most - base) * DELAY_US / 256 / 2))
}

raised()
{
	late=
	soon=
	for trial in $(seq "$TRIALS"); do
		sim_resize "$most"
		start deflate 0
		sim_set target $((most - trial))
		settle inflate $((most - trial)) deflate
	done
	judge "raised"
}

cancels()	# features
{
	need_ours "ends what it began" || return
	sim_start "$1"
	most=$(roomy_pages 60)
	base=$((most / 4))
	allowance
	lowered
	raised
	sim_resize 0
	sim_del
	no_violations
}

# The kernel has room for one who reports free pages for it: this one, so that the device
# under test only gets the driver's own reports.
other_reports()
{
	sim_id=9
	sim_start $((F_REPORTING | F_PAGE_POISON))
	sim_id=0
}

sim_setup
other_reports
ktap_plan 4
ktap_case plain cancels 0
ktap_case reporting cancels $((F_REPORTING | F_PAGE_POISON))
ktap_case must_tell cancels "$F_MUST_TELL_HOST"
ktap_case kernel_is_well kernel_is_well
ktap_end
