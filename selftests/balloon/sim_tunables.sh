#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every tunable is changed at random, rightly and wrongly, while memory runs short again
# and again, the host changes its mind, and somebody hints for it: nothing breaks.
# TUNE_SECONDS makes it longer, SEED replays a run.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/burst.sh
. ./lib/burst.sh
# shellcheck source=lib/pressure.sh
. ./lib/pressure.sh
# shellcheck source=lib/random.sh
. ./lib/random.sh
# shellcheck source=lib/tunables.sh
. ./lib/tunables.sh

TUNE_SECONDS=${TUNE_SECONDS:-12}
# A hold-off of minutes leaves a balloon with nothing to do; then a new one begins.
ROUND_SECONDS=6
FEATURES=$((F_DEFLATE_ON_OOM | F_STATS_VQ | F_REPORTING))

# ---- one write -----------------------------------------------------------------

refused()	# file value
{
	read -r old <"$1"
	! echo "$2" 2>/dev/null >"$1" || fail "$1 takes '$2'"
	read -r now <"$1"
	[ "$now" = "$old" ] || fail "$1 is '$now' after '$2', was '$old'"
	bad=$((bad + 1))
}

taken()		# file value
{
	echo "$2" >"$1" || fail "$1 does not take $2"
	read -r now <"$1"
	[ "$now" = "$2" ] || fail "$1 is '$now', should be $2"
	good=$((good + 1))
}

# An end of the range, or anything between; small ones as often as large.
draw_value()	# least most
{
	draw 8
	case $random in
	0) value=$1 ;;
	1) value=$2 ;;
	*)
		draw 30
		draw $(((($2 - $1) >> random) + 1))
		value=$(($1 + random))
		;;
	esac
}

draw_bad()	# least most
{
	draw 6
	case $random in
	0) value=$(($1 - 1)) ;;
	1) value=$(($2 + 1)) ;;
	2) value= ;;
	3) value="$1 $2" ;;
	4) value=${2}x ;;
	5) value=99999999999999999999 ;;
	esac
}

write_number()	# file least most
{
	draw 4
	if [ "$random" = 0 ]; then
		draw_bad "$2" "$3"
		refused "$1" "$value"
		return
	fi
	draw_value "$2" "$3"
	case $1 in
	*/reserve_kib)
		# kept in pages; and 0 is not kept, but worked out
		value=$((value / 64 * 64))
		[ "$value" != 0 ] || value=64
		;;
	esac
	taken "$1" "$value"
}

write_word()	# file words...
{
	word_file=$1
	shift
	draw 4
	if [ "$random" = 0 ]; then
		refused "$word_file" "$1 $2"
		return
	fi
	draw $#
	shift "$random"
	taken "$word_file" "$1"
}

# Picks one without a process.
write_any()
{
	# shellcheck disable=SC2086	# names and ranges are words
	set -- $TUNABLES $PRESSURE
	draw $(($# / 3 + 2))
	case $random in
	0) write_word "$tunables/auto_deflate" off need thrash ;;
	1) write_word "$dir/self" off on ;;
	*)
		shift $(((random - 2) * 3))
		case $1 in
		pressure_*) write_number "$dir/${1#pressure_}" "$2" "$3" ;;
		*) write_number "$tunables/$1" "$2" "$3" ;;
		esac
		;;
	esac
}

# ---- the load ------------------------------------------------------------------

# One process verifies its words all the time, another takes what there is and half of
# the balloon, again and again; where that is forbidden, the killer takes it.
load_on()
{
	rm -f /tmp/calm
	size=$(half_of_the_balloon)
	"$PATTERN" verify $(($(meminfo MemAvailable) / 1024 / 5)) 100000 "$seed" &
	verifier=$!
	(until [ -e /tmp/calm ]; do
		victim "$size" 2>/dev/null
		echo $? >>/tmp/taker
	done) &
	taker=$!
}

load_off()
{
	: >/tmp/calm
	wait "$taker"
	kill "$verifier"
	wait "$verifier"
	check_eq "exit status of pattern" $? 0
}

# The host, or somebody for it.
other_side()
{
	draw "$held"
	sim_set target "$random"
	draw 3
	[ "$random" != 0 ] || echo "critical need=64M ttl=1s" >"$dir/hint" ||
		fail "a hint is refused"
}

one_round()
{
	pressure_start "$FEATURES" overwrite=1 seed="$seed"
	tunables=$dir/../balloon
	held=$(roomy_pages 60)
	sim_resize "$held"
	load_on
	uptime_ms
	round_end=$((uptime_value + ROUND_SECONDS * 1000))
	while uptime_ms && [ "$uptime_value" -lt "$round_end" ] && [ -z "$case_failed" ]; do
		write_any
		draw 8
		[ "$random" != 0 ] || other_side
	done
	load_off
	need=$((need + $(counter need_deflated_pages) + $(counter oom_deflated_pages)))
	# whatever the tunables are by now, the balloon gives what is to be given back
	tune_pressure interval_ms 100
	tune_pressure self off
	say none
	sim_set scrub 1
	sim_resize 0 60
	# the lines about bad values soon push all others out of the log
	kernel_is_well || fail "the kernel complains"
}

# What counts as one that breaks something: wrong words, writes that do what they should
# not, a balloon that does not come back, a guest that lacks memory then.
at_random()
{
	total=$(meminfo MemTotal)
	seed=$((SEED % 2147483648))
	good=0
	bad=0
	need=0
	: >/tmp/taker
	uptime_ms
	all_end=$((uptime_value + TUNE_SECONDS * 1000))
	while uptime_ms && [ "$uptime_value" -lt "$all_end" ] && [ -z "$case_failed" ]; do
		one_round
	done
	note "$good values taken, $bad refused; $need pages taken back by the guest;" \
		"$(grep -c '^0$' /tmp/taker) bursts of $(grep -c . /tmp/taker) were served"
	check_ge "pages taken back by the guest" "$need" 1
	nothing_hangs
	driver_unbind && driver_bind
	inflated_anew
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	[ -z "$case_failed" ] || note "to replay this: SEED=$SEED ./sim_tunables.sh"
}

# With the defaults all is as it should be.
inflated_anew()
{
	sim_resize "$held"
	burst
	finish
}

sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver has no tunables"
driver_reload host_timeout_ms=1000 pressure_queue=1
note "SEED=$SEED"
ktap_plan 3
ktap_case at_random at_random
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
ktap_end
