#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Hints about the host's memory pressure that break the rules, storms of them, and a
# pressure queue that comes and goes, breaks, or waits for a silent host.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/burst.sh
. ./lib/burst.sh
# shellcheck source=lib/pressure.sh
. ./lib/pressure.sh

TRACING=/sys/kernel/tracing
# Long enough for several hints to be acted on; 10 and more by hand.
STORM_SECONDS=${STORM_SECONDS:-3}
# Longer than a small yield takes, so that the reply is made when it is complete.
LONG_MS=5000

with_queue()
{
	driver_load pressure_queue=1 host_timeout_ms=1000 "pressure_interval_ms=$LONG_MS"
}

# ---- what breaks the rules -----------------------------------------------------------

bad_words()
{
	pressure_start 0
	long=$(printf '%0100d' 0)
	bad=0
	for hint in "" " " "none " " none" "Critical" "criticals" "critica" "3" "critical  need=1G" \
		"critical need" "critical need=" "critical need=0" "critical need=-1" \
		"critical need=+1" "critical need=1k" "critical need=1GB" "critical need=1 G" \
		"critical need=0x10" "critical need=1.5G" "critical need=1025T" \
		"critical need=99999999999999999999" "critical need=18446744073709551615T" \
		"critical need=1G need=1G" "critical ttl=0s" "critical ttl=0ms" "critical ttl=61m" \
		"critical ttl=3601s" "critical ttl=3600001ms" "critical ttl=10" "critical ttl=1h" \
		"critical ttl=ms" "critical ttl=-1s" "critical ttl=1s ttl=1s" "critical now" \
		"critical need=1G ttl=1s now" "critical,need=1G" "need=1G critical" "need=1G" \
		"critical need=$long" "$long"; do
		! printf '%s\n' "$hint" 2>/dev/null >"$dir/hint" || fail "'$hint' is taken"
		bad=$((bad + 1))
	done
	! printf 'critical\nlow\n' 2>/dev/null >"$dir/hint" || fail "two lines are taken"
	! printf 'low\0critical' 2>/dev/null >"$dir/hint" || fail "a zero is taken"
	check_eq "invalid hints counted" "$(counter pressure_hints_invalid)" $((bad + 2))
	check_eq "hints counted" "$(counter pressure_hints)" 0
	check_eq "number of the last hint" "$(pressure hint_seq)" 0
	check_eq "offset" "$(balloon_attr offset_pages)" 0
	holds 0
	check_eq "mode of hint" "$(stat -c %a "$dir/hint")" 200
	for hint in "critical need=1024T ttl=60m" "none ttl=1ms" "low ttl=3600s need=1" \
		"medium need=1T ttl=3600000ms"; do
		printf '%s' "$hint" >"$dir/hint" || fail "'$hint' is refused"
	done
	check_eq "hints counted" "$(counter pressure_hints)" 4
	ended
}

bad_bytes()
{
	pressure_start 0
	press "1 need=$MIB seq=1000 ttl_ms=3600000"
	check_eq "yielded" "$yielded" "$MIB"
	tune_pressure interval_ms 100
	bad=0
	for hint in "4" "255" "3 reserved=1" "3 reserved=0x800000" "3 reserved=0x80000000" "3 len=0" \
		"3 len=4" "3 len=23" "3 len=25" "3 len=48" "3 len=0xffffffff" "3 ttl_ms=3600001" \
		"3 ttl_ms=0xffffffff" "3 need=0x4000000000001" "3 need=0xffffffffffffffff" \
		"3 seq=0" "3 seq=999" "3 seq=1000" "3 seq=0x800003e8"; do
		press "$hint"
		bad=$((bad + 1))
		check_eq "invalid replies after '$hint'" "$(sim_get press_invalid)" "$bad"
		check_eq "yielded to '$hint'" "$yielded" 0
	done
	check_eq "invalid hints counted" "$(counter pressure_hints_invalid)" "$bad"
	check_eq "acted on" "$(counter pressure_hints_acted)" 1
	holds "$MIB"
	tune_pressure interval_ms "$LONG_MS"
	press "1 need=$MIB seq=1001"
	check_eq "yielded to the next one" "$yielded" "$MIB"
	tune_pressure interval_ms 100
	press "1 seq=0x7ffffff0"
	check_eq "acted on" "$(counter pressure_hints_acted)" 3
	ended
}

# ---- storms --------------------------------------------------------------------

# What the runs of our works in /tmp/trace took, in us: their number times the
# median, as some were interrupted by whoever made the storm.
work_us()
{
	awk '/workqueue_execute_(start|end): .*(pressure|resize)_work/ {
		match($0, /[0-9]+\.[0-9]+: workqueue/)
		us = substr($0, RSTART, RLENGTH - 11) * 1000000
		match($0, /work struct [^:]*/)
		key = substr($0, RSTART, RLENGTH)
		if (/execute_start/)
			start[key] = us
		else if (key in start)
			printf "%d\n", us - start[key]
	}' /tmp/trace | sort -n | awk '{ us[NR] = $1 } END { print NR * us[int((NR + 1) / 2)] }'
}

# Nothing is yielded here, so that the works do nothing but to look at hints.
storm()		# by sysfs or by queue
{
	pressure_start 0
	tune_pressure critical_percent 0
	tune_pressure interval_ms 1000
	# names of tasks have the emulated scheduler patched while it runs
	echo 0 >"$TRACING/options/record-cmd"
	echo 0 >"$TRACING/tracing_on"
	echo 8192 >"$TRACING/buffer_size_kb"
	echo >"$TRACING/trace"
	echo 1 >"$TRACING/events/workqueue/enable"
	slab=$(meminfo SUnreclaim)
	echo 1 >"$TRACING/tracing_on"
	uptime_ms
	begin=$uptime_value
	case $1 in
	queue) sim_set press_flood $((STORM_SECONDS * 1000)) ;;
	*) sysfs_storm ;;
	esac
	# before the clock: one that still waits falls due while the trace is read
	acted=$(counter pressure_hints_acted)
	uptime_ms
	echo 0 >"$TRACING/tracing_on"
	# this clock has steps of 10 ms, that of the driver may have them, too
	ms=$((uptime_value - begin + 20))
	echo 0 >"$TRACING/events/workqueue/enable"
	cat "$TRACING/trace" >/tmp/trace
	echo >"$TRACING/trace"
	us=$(work_us)
	tried=$(($(counter pressure_hints) + $(sim_get press_busy)))
	note "$ms ms: $(counter pressure_hints) hints, $(sim_get press_busy) more found no buffer," \
		"$acted acted on, works took $us us"
	check_ge "hints acted on" "$acted" 2
	check_le "hints acted on" "$acted" $((ms / 1000 + 1))
	check "works were seen" grep -q "execute_start: .*pressure_work" /tmp/trace
	check_le "us that the works took, of one processor" "$us" $((ms * 10))
	check_ge "hints tried" "$tried" $((ms * 2))
	check_le "growth of kernel memory in KiB" $(($(meminfo SUnreclaim) - slab)) 4096
	tune_pressure critical_percent 50
	tune_pressure interval_ms "$LONG_MS"
	say "critical need=1M"
	check_eq "yielded after the storm" "$yielded" "$MIB"
	ended
}

sysfs_storm()
{
	storm_end=$((begin + STORM_SECONDS * 1000))
	while uptime_ms && [ "$uptime_value" -lt "$storm_end" ]; do
		dd if=/tmp/storm of="$dir/hint" bs=9 conv=notrunc 2>/dev/null || {
			fail "a hint of the storm is refused"
			return
		}
	done
}

# ---- the life of the queue ------------------------------------------------------------

# Queues are numbered over what the device offers; this one is the last.
numbers()
{
	for features in 0 "$F_STATS_VQ" "$F_FREE_PAGE_HINT" "$F_REPORTING" \
		$((F_STATS_VQ | F_FREE_PAGE_HINT | F_REPORTING)); do
		pressure_start "$features"
		if sim_negotiated "$F_HOST_PRESSURE"; then
			press "1 need=$MIB"
			check_eq "yielded" "$yielded" "$MIB"
		else
			fail "features $features: no pressure queue"
		fi
		sim_resize 3000
		ended
	done
}

off_by_default()
{
	driver_reload host_timeout_ms=1000 "pressure_interval_ms=$LONG_MS"
	pressure_start 0
	! sim_negotiated "$F_HOST_PRESSURE" || fail "the queue is taken unasked"
	! sends 3 || fail "there is a buffer"
	say "critical need=2M"
	check_eq "yielded" "$yielded" $((2 * MIB))
	holds $((2 * MIB))
	ended
	driver_unload && with_queue
}

one_more()	# file value: sysfs hints until the file has the value
{
	echo "low need=1" >"$dir/hint"
	sim_is "$@"
}

# The host is silent on the queue that the yield goes over: the reply comes when the
# interval ends, whatever sysfs hints meanwhile, and what is given later is told of
# later.
silent_host()
{
	pressure_start 0
	tune_pressure interval_ms 1000
	sim_set serve 0
	sends "3 need=$((4 * MIB))" || fail "no buffer"
	sleep 0.3
	! sends 3 || fail "the buffer is not withheld"
	wait_for 10 one_more press_replies 1 || fail "no reply at the end of the interval"
	check_eq "yielded" "$(sim_get press_reply_yielded)" 0
	wait_for 10 replied || fail "no reply to sysfs"
	wait_for 10 balloon_state_is stalled || fail "not stalled"
	sim_set serve 1
	wait_for 20 sim_is held 1024 || fail "the yield did not arrive"
	press 0
	check_eq "yielded meanwhile" "$yielded" $((4 * MIB))
	ended
}

# The driver goes while it withholds the buffer.
withheld()	# how it goes
{
	pressure_start 0
	tune_pressure interval_ms 60000
	sim_set serve 0
	sends "3 need=$((4 * MIB))" || fail "no buffer"
	echo "critical need=4M" >"$dir/hint"
	sleep 0.3
	! sends 3 || fail "the buffer is not withheld"
	case $1 in
	unbind)
		ends_within 20 driver_unbind || fail "unbind hangs"
		sim_set serve 1
		driver_bind
		press "1 need=$MIB"
		check_eq "yielded to the next driver" "$yielded" "$MIB"
		;;
	unload)
		ends_within 20 driver_unload || fail "unload hangs"
		sim_set serve 1
		with_queue
		wait_for 10 bound || fail "no driver"
		press "1 need=$MIB"
		check_eq "yielded to the next driver" "$yielded" "$MIB"
		;;
	unplug)
		sim_set surprise 1
		ends_within 20 sim_del || fail "unplug hangs"
		nothing_hangs
		no_violations
		return
		;;
	esac
	ended
	nothing_hangs
}

acted_is()	# times
{
	[ "$(counter pressure_hints_acted)" = "$1" ]
}

# The device sleeps while a hint is owed a reply: what is given stays, and afterwards
# any number may come first.
asleep()
{
	pressure_start 0 overwrite=1
	press "1 need=$MIB seq=1000 ttl_ms=600000"
	check_eq "yielded" "$yielded" "$MIB"
	! sends "1 need=$MIB ttl_ms=600000" && fail "no buffer"
	sim_set sleep 200 || fail "no sleep"
	wait_for 20 sim_is held 256 || fail "held $(sim_get held) afterwards"
	check_eq "reply without a hint" "$(sim_get press_reply_seq)" 0
	tune_pressure interval_ms 100
	wait_for 20 acted_is 2 || fail "what waited was not acted on"
	tune_pressure interval_ms "$LONG_MS"
	press "1 need=$MIB seq=1 ttl_ms=600000"
	check_eq "yielded afterwards, with what waited" "$yielded" $((2 * MIB))
	wait_for 20 sim_is held 768 || fail "held $(sim_get held)"
	ended
}

broken()
{
	pressure_start 0
	sim_set break_queue 2
	sends "3 need=$MIB"
	say "critical need=2M"
	check_eq "yielded by sysfs" "$yielded" $((2 * MIB))
	sim_resize 3000
	driver_unbind && driver_bind
	press "3 need=$MIB"
	check_eq "yielded after a new start" "$yielded" "$MIB"
	ended
}

yes critical 2>/dev/null | head -n 20000 >/tmp/storm
sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver knows no hints"
driver_unload && with_queue
[ -e "$TRACING/events/workqueue" ] || ktap_skip_all "no tracing"
ktap_plan 14
ktap_case bad_words bad_words
ktap_case bad_bytes bad_bytes
ktap_case storm_by_queue storm queue
ktap_case storm_by_sysfs storm sysfs
ktap_case numbers numbers
ktap_case off_by_default off_by_default
ktap_case silent_host silent_host
ktap_case withheld_unbind withheld unbind
ktap_case withheld_unload withheld unload
ktap_case withheld_unplug withheld unplug
ktap_case asleep asleep
ktap_case broken broken
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
ktap_end
