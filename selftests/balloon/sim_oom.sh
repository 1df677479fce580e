#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Out of memory: with DEFLATE_ON_OOM the balloon gives way and nobody is killed;
# without it, the balloon is not touched.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/burst.sh
. ./lib/burst.sh

# Longer than it takes the process to come to its end after the last release.
HOLDOFF_MS=$((6000 * ${AUTOBALLOON_SLOW:-2}))

# The next in line: if it dies as well, that is one too many.
start_bystander()
{
	sh -c 'echo 500 >/proc/self/oom_score_adj && exec sleep 100000' &
	bystander=$!
}

gives_way()	# features
{
	sim_new $(($1 | F_DEFLATE_ON_OOM)) overwrite=1
	held=$(roomy_pages 60)
	sim_resize "$held"
	killed=$(vmstat oom_kill)
	deflated=$(sim_get deflated)
	need=$(half_of_the_balloon)
	note "$(meminfo MemAvailable) KiB available, $held pages held, a process takes $need MiB"
	victim "$need"
	check_eq "exit status of the process" $? 0
	check_eq "processes killed" $(($(vmstat oom_kill) - killed)) 0
	# some may be on their way back into the balloon already
	check_ge "pages given back" $(($(sim_get deflated) - deflated)) $((held * 3 / 10))
	sim_set scrub 1
	no_violations
}

# The books still agree after pages went without the worker's doing.
gives_way_and_settles()	# features
{
	gives_way "$1"
	sim_resize 5
	sim_del
	no_violations
}

# What the guest took back it keeps for a while, though the host repeats itself;
# then it goes back in steps.
offset_holds()
{
	need_ours "takes the pages straight back" || return
	gives_way 0
	taken=$(sim_get held)
	check_le "pages held when the process has ended" "$taken" $((held * 7 / 10))
	holds_off $((HOLDOFF_MS / 4)) "$taken"
	wait_for 60 sim_is held "$(sim_get target)" || fail "the deficit did not come back"
	sim_resize 0
	sim_del
	no_violations
}

# Without the feature the host's word is final: the kernel finds another way.
not_touched()
{
	inflated 0
	killed=$(vmstat oom_kill)
	victim "$(half_of_the_balloon)" 2>/dev/null
	check_ge "exit status of the process" $? 1
	check_eq "processes killed" $(($(vmstat oom_kill) - killed)) 1
	check_eq "pages deflated" "$(left_the_balloon)" "$deflated"
	check_eq "pages held" "$(sim_get held)" "$held"
	sim_resize 0
	sim_del
	no_violations
}

# Memory runs out while the host is silent: whatever becomes of the process, the
# killer must not wait for ever, nor take another one when it has waited.
silent_host()	# features
{
	need_ours || return
	sim_new $(($1 | F_DEFLATE_ON_OOM)) overwrite=1
	# so much that the process gets little: what takes a slow kernel more than a second
	# to free is forgotten by the killer
	sim_resize "$(roomy_pages 85)"
	need=$(half_of_the_balloon)
	killed=$(vmstat oom_kill)
	sim_set serve 0
	ends_within 30 victim "$need"
	note "exit status of the process: $?"
	ends_gone || fail "the process hangs"
	# a slow kernel is still freeing what the first one had when the next one asks
	most=1
	[ "${AUTOBALLOON_SLOW:-1}" -le 2 ] || most=2
	check_le "processes killed" $(($(vmstat oom_kill) - killed)) "$most"
	nothing_hangs
	sim_set serve 1
	sim_resize 0
	sim_del
	no_violations
}

sim_setup
! driver_is_ours || driver_reload host_timeout_ms=1000 holdoff_ms="$HOLDOFF_MS" \
	holdoff_max_ms="$HOLDOFF_MS" return_ms=100 return_step=2
start_bystander
ktap_plan 7
ktap_case gives_way gives_way_and_settles 0
ktap_case gives_way_must_tell gives_way_and_settles "$F_MUST_TELL_HOST"
ktap_case offset_holds offset_holds
ktap_case not_touched not_touched
ktap_case silent_host silent_host 0
ktap_case silent_host_must_tell silent_host "$F_MUST_TELL_HOST"
ktap_case kernel_is_well kernel_is_well
kill "$bystander" 2>/dev/null
ktap_end
