#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# With MUST_TELL_HOST, no page is used before the device has acknowledged its deflate.
# The device overwrites what it holds, and looks whether anybody else does.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

# Deflates against a slow device, while the guest is hungry for fresh memory.
slow_deflate()	# features
{
	sim_new $(($1 | F_MUST_TELL_HOST)) overwrite=1
	wait_for 10 bound || fail "no driver"
	check "MUST_TELL_HOST is taken" sim_negotiated "$F_MUST_TELL_HOST"
	most=$(roomy_pages 40)
	sim_resize "$most"
	sim_set delay_us 20000
	"$PATTERN" verify $(($(meminfo MemAvailable) / 1024 / 2)) 3 &
	pattern=$!
	sim_set target $((most / 2))
	sleep 1
	sim_set delay_us 0
	sim_resize $((most / 3))
	sim_set scrub 1
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_resize 0
	check_ge "pages looked at" "$(sim_get scrubbed)" "$most"
	sim_del
	no_violations
}

# The pages that are told but not yet acknowledged stay where they are.
told_is_not_enough()
{
	sim_new "$F_MUST_TELL_HOST" overwrite=1
	sim_resize 20000
	before=$(free_kib)
	sim_set serve 0
	sim_set target 0
	wait_for 10 sim_over deflating 0 || fail "nothing deflates"
	sleep 0.5
	check_le "rise of free memory in KiB" $(($(free_kib) - before)) 8192
	sim_set scrub 1
	no_violations
	sim_set serve 1
	sim_resize 0
	check_ge "rise of free memory in KiB" $(($(free_kib) - before)) 60000
	sim_del
	no_violations
}

unload_tells()
{
	sim_new "$F_MUST_TELL_HOST" overwrite=1
	sim_resize 12345
	driver_unload
	check_eq "pages held" "$(sim_get held)" 0
	driver_load
	sim_del
	no_violations
}

sim_setup
ktap_plan 5
ktap_case slow_deflate slow_deflate 0
ktap_case slow_deflate_on_oom slow_deflate "$F_DEFLATE_ON_OOM"
ktap_case told_is_not_enough told_is_not_enough
ktap_case unload_tells unload_tells
ktap_case kernel_is_well kernel_is_well
ktap_end
