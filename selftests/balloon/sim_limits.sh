#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the host and the administrator do not allow, auto-deflate does not do.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/burst.sh
. ./lib/burst.sh

# Without the feature the host's word is final.
not_allowed()
{
	inflated 0
	tune auto_deflate thrash
	killed=$(vmstat oom_kill)
	victim "$(half_of_the_balloon)" 2>/dev/null
	check_eq "processes killed" $(($(vmstat oom_kill) - killed)) 1
	untouched "out of memory"
	check_eq "pages held" "$(sim_get held)" "$held"
	check_eq "offset" "$(balloon_attr offset_pages)" 0
	finish
}

# Switched off, or with a low mark of nothing, it is the OOM notifier's turn.
switched_off()	# tunable value
{
	inflated "$F_DEFLATE_ON_OOM"
	tune "$1" "$2"
	burst
	check_eq "pages taken back in need" "$(counter need_deflated_pages)" 0
	check_ge "pages taken back when out of memory" "$(counter oom_deflated_pages)" 1
	finish
}

limited()
{
	inflated "$F_DEFLATE_ON_OOM"
	tune deflate_limit_per_s 2000
	uptime_ms
	start=$uptime_value
	burst
	uptime_ms
	check_le "pages taken back in need" "$(counter need_deflated_pages)" \
		$((2000 * ((uptime_value - start) / 1000 + 2)))
	finish
}

sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver has no auto-deflate"
driver_reload host_timeout_ms=1000
ktap_plan 6
ktap_case not_allowed not_allowed
ktap_case off switched_off auto_deflate off
ktap_case low_mark_of_nothing switched_off low_percent 0
ktap_case limited limited
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
ktap_end
