#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every parameter and tunable refuses what is out of range or no number: -EINVAL,
# nothing changed, and a line in the kernel log that names the range.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/tunables.sh
. ./lib/tunables.sh

PARAMETERS="/sys/module/virtio_balloon/parameters"
LONG=$(printf '%0300d' 1 | tr 0 9)

ONLY_PARAMETERS="host_timeout_ms 100 600000"

# One bad value: refused, logged with the range, without effect.
refuses()	# file name least most value
{
	read -r old <"$1"
	bad_text=$(printf '%.40s' "$5")
	log_mark
	# echo is not used: it would add a line to nothing at all
	! printf '%s' "$5" 2>/dev/null >"$1" || fail "$1 takes '$bad_text'"
	read -r now <"$1"
	check_eq "$1 after '$bad_text'" "$now" "$old"
	log_since_mark | grep -q "virtio_balloon: $2: .*from $3 to $4" ||
		fail "no line with the range of $2 in the log for '$bad_text'"
}

refuses_all()	# file name least most
{
	for bad in -1 $(($4 + 1)) 99999999999999999999 banana 0x 1.5 "1 2" "$LONG" " "; do
		refuses "$@" "$bad"
		[ -z "$case_failed" ] || return
	done
	[ "$3" = 0 ] || refuses "$@" $(($3 - 1))
}

# A write of nothing never reaches the driver's parser; a bare new line does.
refuses_empty()	# file name least most
{
	old=$(cat "$1")
	! echo 2>/dev/null >"$1" || fail "$1 takes an empty line"
	check_eq "$1 after an empty line" "$(cat "$1")" "$old"
}

takes()		# file value
{
	echo "$2" >"$1" || fail "$1 does not take $2"
	check_eq "$1" "$(cat "$1")" "$2"
}

takes_ends_of_range()	# file name least most
{
	old=$(cat "$1")
	takes "$1" "$4"
	# a reserve of 0 means "work it out", and reads as what that gave
	if [ "$3" = 0 ] && [ "$2" = reserve_kib ]; then
		echo 0 >"$1" || fail "$1 does not take 0"
	else
		takes "$1" "$3"
	fi
	echo "$old" >"$1"
}

each()		# function folder [prefix of names], with lines "name least most" on stdin
{
	each_list=$(cat)
	while read -r name least most; do
		each_file=$2/${name#"${3:-}"}
		[ -e "$each_file" ] || {
			fail "$each_file is missing"
			continue
		}
		"$1" "$each_file" "$name" "$least" "$most"
	done <<-LIST
		$each_list
	LIST
}

parameters()	# function
{
	printf '%s\n' "$TUNABLES" "$PRESSURE" "$ONLY_PARAMETERS" >/tmp/list
	each "$1" "$PARAMETERS" </tmp/list
}

tunables()	# function
{
	sim_new 0
	wait_for 10 bound || fail "no driver"
	echo "$TUNABLES" >/tmp/list
	each "$1" "/sys/bus/virtio/devices/$(sim_get name)/balloon" </tmp/list
	echo "$PRESSURE" >/tmp/list
	each "$1" "/sys/bus/virtio/devices/$(sim_get name)/pressure" pressure_ </tmp/list
	sim_resize 1000
	sim_del
	no_violations
}

# The host does not answer, so that the resize goes on for as long as this takes.
while_resizing()
{
	echo 600000 >"$PARAMETERS/host_timeout_ms"
	sim_new 0
	wait_for 10 bound || fail "no driver"
	sim_set serve 0
	# more than fits in the queue: that would count as in the balloon
	while_target=$(roomy_pages 50)
	sim_set target "$while_target"
	wait_for 10 balloon_state_is inflating || fail "the resize does not begin"
	while_dir=/sys/bus/virtio/devices/$(sim_get name)
	for function in refuses_all takes_ends_of_range; do
		echo "$TUNABLES" >/tmp/list
		each "$function" "$while_dir/balloon" </tmp/list
		echo "$PRESSURE" >/tmp/list
		each "$function" "$while_dir/pressure" pressure_ </tmp/list
	done
	check_eq "state" "$(balloon_attr state)" inflating
	check_eq "target" "$(balloon_attr target_pages)" "$while_target"
	sim_set serve 1
	sim_resize "$while_target"
	sim_del
	echo 10000 >"$PARAMETERS/host_timeout_ms"
	no_violations
}

# By busybox, or by util-linux.
as_nobody()	# commands
{
	if start-stop-daemon --help 2>&1 | grep -q BusyBox; then
		start-stop-daemon -S -p /nonexistent -c 65534:65534 -x /bin/busybox -- sh -c "$1"
	else
		setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$1"
	fi
}

unprivileged()
{
	sim_new 0
	wait_for 10 bound || fail "no driver"
	nobody_dir=/sys/bus/virtio/devices/$(sim_get name)
	check_eq "user id of nobody" "$(as_nobody 'id -u')" 65534
	check_ge "files that nobody can see" "$(as_nobody "ls $nobody_dir/*/* | wc -l")" 40
	check_eq "files that nobody can open to write" "$(as_nobody "
		for file in $PARAMETERS/* $nobody_dir/balloon*/* $nobody_dir/pressure/*; do
			(: >\$file) 2>/dev/null && echo \$file
		done")" ""
	sim_del
	no_violations
}

# Some take a few words, and nothing else.
refuses_words()	# file name words...: the last one is the default
{
	words_file=$1
	words_name=$2
	words_list=$3
	shift 3
	for good in $words_list; do
		takes "$words_file" "$good"
		for bad in "$@" 1 "" " " "off off" of "$LONG"; do
			log_mark
			# a write of nothing would never reach the driver
			! printf '%s\n' "$bad" 2>/dev/null >"$words_file" ||
				fail "$words_file takes '$bad'"
			check_eq "$words_file after '$bad'" "$(cat "$words_file")" "$good"
			log_since_mark | grep -q "virtio_balloon: $words_name: .*is not one of off, " ||
				fail "no line with the words of $words_name in the log for '$bad'"
		done
	done
}

words()
{
	set -- "off thrash need" on Need "need thrash" needs nee
	refuses_words "$PARAMETERS/auto_deflate" auto_deflate "$@"
	sim_new 0
	wait_for 10 bound || fail "no driver"
	words_dir=/sys/bus/virtio/devices/$(sim_get name)
	refuses_words "$words_dir/balloon/auto_deflate" auto_deflate "$@"
	set -- "on off" On Y yes "on off" o
	refuses_words "$PARAMETERS/pressure_self" pressure_self "$@"
	refuses_words "$words_dir/pressure/self" pressure_self "$@"
	sim_del
	no_violations
}

# A module that is given nonsense does not load.
at_load_time()
{
	driver_unload
	for bad in host_timeout_ms=99 host_timeout_ms=banana return_step=0 stats_basic=banana \
		reserve_kib=-1 holdoff_ms=300001 auto_deflate=on deflate_batch=128 \
		pressure_queue=banana pressure_self=1 pressure_ttl_ms=99; do
		if driver_load "$bad"; then
			fail "the module loads with $bad"
			driver_unload
		fi
	done
	driver_load host_timeout_ms=100 stats_basic=1 return_step=256 || fail "no load"
	check_eq "host_timeout_ms" "$(cat "$PARAMETERS/host_timeout_ms")" 100
	check_eq "stats_basic" "$(cat "$PARAMETERS/stats_basic")" Y
	driver_reload
}

read_only()
{
	sim_new 0
	sim_resize 100
	dir="/sys/bus/virtio/devices/$(sim_get name)"
	for file in "$dir/balloon/target_pages" "$dir/balloon/actual_pages" \
		"$dir/balloon/goal_pages" "$dir/balloon/offset_pages" "$dir/balloon/state" \
		"$dir/balloon_counters/inflated_pages" \
		"$dir/pressure/reply_seq" "$PARAMETERS/stats_basic" \
		"$PARAMETERS/pressure_queue"; do
		old=$(cat "$file") || fail "$file cannot be read"
		! (echo 1 >"$file") 2>/dev/null || fail "$file can be written"
		check_eq "$file" "$(cat "$file")" "$old"
	done
	# this one moves by itself
	! (echo 1 >"$dir/pressure/slack") 2>/dev/null || fail "pressure/slack can be written"
	sim_del
	no_violations
}

# What is set for new devices holds for new devices; what is set for one, for one.
reach()
{
	echo 7000 >"$PARAMETERS/holdoff_ms"
	sim_new 0
	wait_for 10 bound
	first="/sys/bus/virtio/devices/$(sim_get name)/balloon"
	check_eq "holdoff_ms of a new device" "$(cat "$first/holdoff_ms")" 7000
	echo 5000 >"$PARAMETERS/holdoff_ms"
	echo 1234 >"$first/holdoff_ms"
	sim_id=1
	sim_new 0
	wait_for 10 bound
	check_eq "holdoff_ms of the next" "$(balloon_attr holdoff_ms)" 5000
	check_eq "holdoff_ms of the first" "$(cat "$first/holdoff_ms")" 1234
	sim_del
	sim_id=0
	sim_del
	no_violations
}

sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver has no tunables"
ktap_plan 13
ktap_case parameters_refuse parameters refuses_all
ktap_case parameters_refuse_nothing parameters refuses_empty
ktap_case parameters_take parameters takes_ends_of_range
ktap_case tunables_refuse tunables refuses_all
ktap_case tunables_refuse_nothing tunables refuses_empty
ktap_case tunables_take tunables takes_ends_of_range
ktap_case while_resizing while_resizing
ktap_case unprivileged unprivileged
ktap_case words words
ktap_case load_time at_load_time
ktap_case read_only read_only
ktap_case reach reach
ktap_case kernel_is_well kernel_is_well
ktap_end
