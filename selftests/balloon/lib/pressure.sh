# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Hints about the host's memory pressure, by sysfs and by the pressure queue.
# Sourced after balloonsim.sh and burst.sh.

MIB=1048576
# What the last reply says, in bytes; set by say() and press().
yielded=
slack=
: "$MIB $yielded $slack"

# Where earlier tests leave memory that is freed late, slack would grow by itself.
memory_is_steady()
{
	earlier=$(meminfo MemAvailable)
	sleep 0.5
	later=$(meminfo MemAvailable)
	[ $((later - earlier)) -le 2048 ]
}

pressure_start()	# features options...
{
	pressure_features=$(($1 | F_HOST_PRESSURE))
	shift
	sim_start "$pressure_features" "$@"
	dir="/sys/bus/virtio/devices/$(sim_get name)/pressure"
}

pressure()	# file
{
	cat "$dir/$1"
}

tune_pressure()	# file value
{
	echo "$2" >"$dir/$1" || fail "$1 does not take $2"
}

# ---- hints ---------------------------------------------------------------------

replied()
{
	[ "$(pressure reply_seq)" = "$(pressure hint_seq)" ]
}

# By sysfs.
say()		# words
{
	echo "$*" >"$dir/hint" || fail "'$*' is refused"
	wait_for 20 replied || fail "no reply to '$*'"
	yielded=$(pressure reply_yielded)
	slack=$(pressure reply_slack)
}

sends()		# hint: false while the driver withholds its buffer
{
	sim_set press "$*" 2>/dev/null
}

# By the queue; the same.
press()		# hint, as the simulator takes it
{
	replies=$(sim_get press_replies)
	wait_for 20 sends "$@" || fail "no buffer for '$*'"
	wait_for 20 sim_over press_replies "$replies" || fail "no reply to '$*'"
	yielded=$(sim_get press_reply_yielded)
	slack=$(sim_get press_reply_slack)
}

# The host's books, and not only the reply.
holds()		# bytes
{
	check_eq "bytes held" $(($(sim_get held) * 4096)) "$1"
}

ended()
{
	sim_set scrub 1
	driver_unbind || fail "unbind failed"
	check_eq "pages held after unbind" "$(sim_get held)" 0
	sim_del
	no_violations
}
