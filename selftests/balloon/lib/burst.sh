# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# A balloon, and a process that needs half of it. Sourced after balloonsim.sh, by
# tests of auto-deflate.

counter()	# name
{
	cat "/sys/bus/virtio/devices/$(sim_get name)/balloon_counters/$1"
}

tune()		# name value
{
	echo "$2" >"/sys/bus/virtio/devices/$(sim_get name)/balloon/$1" ||
		fail "$1 does not take $2"
}

# A process that the killer takes first, so that the test itself lives.
victim()	# MiB
{
	sh -c 'echo 1000 >/proc/self/oom_score_adj && exec "$0" take "$1"' "$PATTERN" "$1"
}

# What the guest has left, and half of the balloon on top, in MiB.
half_of_the_balloon()
{
	echo $(($(meminfo MemAvailable) / 1024 + $(sim_get held) / 512))
}

inflated()	# features: a balloon of 60 % of what is available
{
	sim_new "$1" overwrite=1
	held=$(roomy_pages 60)
	sim_resize "$held"
	deflated=$(left_the_balloon)
}

# Pages that the host saw leaving. An exchange by compaction takes one and gives one.
left_the_balloon()
{
	wait_for 10 sim_is deflating 0
	echo $(($(sim_get deflated) - $(vmstat balloon_migrate)))
}

# The balloon does not grow again for a while, though the host repeats itself.
holds_off()	# ms, pages held
{
	uptime_ms
	# shellcheck disable=SC2154	# uptime_ms sets it
	hold_end=$((uptime_value + $1))
	while uptime_ms && [ "$uptime_value" -lt "$hold_end" ]; do
		sim_set config_irq 3
		sleep 0.2
		check_le "pages held during the hold-off" "$(sim_get held)" "$2"
	done
}

untouched()	# what was done
{
	check_eq "pages deflated after $1" "$(left_the_balloon)" "$deflated"
	check_eq "pages in need after $1" "$(counter need_deflated_pages)" 0
}

finish()
{
	sim_set scrub 1
	sim_resize 0
	sim_del
	no_violations
}

# Set by burst().
before=0
taken=0
: "$taken"

# A process takes what there is and half of the balloon.
burst()
{
	before=$(sim_get held)
	killed=$(vmstat oom_kill)
	size=$(half_of_the_balloon)
	note "$(meminfo MemAvailable) KiB available, $before pages held, a process takes $size MiB"
	victim "$size"
	check_eq "exit status of the process" $? 0
	check_eq "processes killed" $(($(vmstat oom_kill) - killed)) 0
	taken=$((before - $(sim_get held)))
	note "taken back: $(counter need_deflated_pages) pages in need," \
		"$(counter oom_deflated_pages) out of memory, in $(counter oom_calls) calls"
}
