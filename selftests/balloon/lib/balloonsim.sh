# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Help for tests that use the simulated device. Sourced after ktap.sh.
#
# The tests find the modules by modprobe, or as files: BALLOONSIM_KO,
# VIRTIO_BALLOON_KO.

SIM=/sys/kernel/debug/balloonsim

F_MUST_TELL_HOST=0x1
F_STATS_VQ=0x2
F_DEFLATE_ON_OOM=0x4
F_FREE_PAGE_HINT=0x8
F_PAGE_POISON=0x10
F_REPORTING=0x20
F_VERSION_1=0x100000000
F_HOST_PRESSURE=0x100000000000000

: "$F_MUST_TELL_HOST $F_STATS_VQ $F_DEFLATE_ON_OOM $F_FREE_PAGE_HINT"
: "$F_PAGE_POISON $F_REPORTING $F_HOST_PRESSURE"

# The device under test, unless a test sets another.
sim_id=0

# Fills memory with known words and verifies them; see pattern.c.
PATTERN=${PATTERN:-./pattern}

# ---- modules ------------------------------------------------------------------

load_module()	# name file parameters...
{
	load_name=$1
	load_file=$2
	shift 2
	[ -d "/sys/module/$load_name" ] && return 0
	[ -z "$load_file" ] || {
		insmod "$load_file" "$@" 2>/dev/null
		return
	}
	modprobe "$load_name" "$@" 2>/dev/null
}

driver_load()	# parameters...
{
	load_module virtio_balloon "${VIRTIO_BALLOON_KO:-}" "$@"
}

driver_unload()
{
	[ ! -d /sys/module/virtio_balloon ] || rmmod virtio_balloon
}

# The driver of the kernel tree has no version.
driver_is_ours()
{
	[ -e /sys/module/virtio_balloon/version ]
}

# "need_ours || return" at the top of a case that the kernel's own driver
# is known to fail.
need_ours()
{
	driver_is_ours && return 0
	skip "the kernel's own driver ${1:-waits for ever}"
	return 1
}

# A balloon of the guest's own would move beside that of the test: it goes, as if unplugged,
# until own_back.
own_away()
{
	own_balloons=
	for own_each in /sys/bus/virtio/devices/*; do
		read -r own_id 2>/dev/null <"$own_each/device" || continue
		own_parent=$(cd -P "$own_each/.." && pwd)
		{ [ "$own_id" = 0x0005 ] && [ -e "$own_parent/driver" ]; } || continue
		own_driver=$(cd -P "$own_parent/driver" && pwd)
		echo "${own_parent##*/}" >"$own_driver/unbind"
		own_balloons="$own_balloons $own_driver/${own_parent##*/}"
	done
}

own_back()
{
	for own_each in $own_balloons; do
		echo "${own_each##*/}" >"${own_each%/*}/bind"
	done
}

# Ends the test as skipped where the device cannot be had.
sim_setup()
{
	[ "$(id -u)" = 0 ] || ktap_skip_all "needs root"
	[ -x "$PATTERN" ] || ktap_skip_all "$PATTERN is not built"
	[ -d /sys/kernel/debug ] || ktap_skip_all "no debugfs"
	grep -q " /sys/kernel/debug debugfs" /proc/mounts ||
		mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	sim_ko=${BALLOONSIM_KO:-}
	[ -n "$sim_ko" ] || [ ! -e balloonsim/balloonsim.ko ] || sim_ko=balloonsim/balloonsim.ko
	load_module balloonsim "$sim_ko" || ktap_skip_all "no balloonsim module"

	driver_was_loaded=
	[ ! -d /sys/module/virtio_balloon ] || driver_was_loaded=1
	trap sim_teardown EXIT
	trap 'exit 1' INT TERM

	own_away
	{ driver_unload && driver_load; } || ktap_skip_all "no virtio_balloon module"
	echo >$SIM/violations
}

driver_reload()	# parameters...
{
	driver_unload && driver_load "$@"
}

# Whatever happened, leave a device that answers, then none.
sim_teardown()
{
	while read -r sim_each; do
		# the case that failed may have ended anywhere
		echo 1 >$SIM/"$sim_each"/calm
		echo "$sim_each" >$SIM/del_device
	done <$SIM/devices
	rmmod balloonsim
	driver_unload
	[ -z "$driver_was_loaded" ] || driver_load
	own_back
}
# ---- the device -----------------------------------------------------------------

sim_new()	# features options...: VERSION_1 is added unless legacy=1 comes first
{
	sim_legacy=
	if [ "$1" = legacy ]; then
		sim_legacy=1
		shift
	fi
	sim_features=$(($1))
	[ -n "$sim_legacy" ] || sim_features=$((sim_features | F_VERSION_1))
	shift
	echo "$sim_id features=$sim_features $*" >$SIM/new_device
}

# The same with a driver bound to it, and without what a case that failed left.
sim_start()	# features options...
{
	[ ! -d "$SIM/$sim_id" ] || {
		sim_calm
		sim_del
	}
	sim_new "$@"
	wait_for 20 bound || fail "no driver"
}

sim_del()
{
	echo "$sim_id" >$SIM/del_device
}

sim_get()	# file with one value
{
	read -r sim_value <"$SIM/$sim_id/$1"
	echo "$sim_value"
}

sim_show()	# file with many lines
{
	cat "$SIM/$sim_id/$1"
}

sim_set()	# file value
{
	echo "$2" >"$SIM/$sim_id/$1"
}

# These two are polled: no processes.
sim_is()	# file value
{
	read -r sim_value <"$SIM/$sim_id/$1"
	[ "$sim_value" = "$2" ]
}

sim_over()	# file value
{
	read -r sim_value <"$SIM/$sim_id/$1"
	[ "$sim_value" -gt "$2" ]
}

# One of the numbers of a queue, 0 for a queue that there is not.
sim_queue()	# role name
{
	sim_queue_read "$@"
	echo "$queue_number"
}

# The same in $queue_number, for those who poll: no processes.
sim_queue_read()	# role name
{
	queue_number=0
	while read -r _ queue_role _ queue_rest; do
		[ "$queue_role" = "$1" ] || continue
		queue_rest=${queue_rest#*"$2="}
		queue_number=${queue_rest%% *}
	done <"$SIM/$sim_id/queues"
}

sim_negotiated()	# feature
{
	[ $(($(sim_get negotiated) & $1)) -ne 0 ]
}

# Sets the target and waits until the driver says that it is there, and until
# the device's own books say so.
sim_resize()	# pages [seconds]
{
	sim_set target "$1"
	wait_for "${2:-30}" sim_is actual "$1" || {
		fail "target $1 not reached: actual $(sim_get actual), held $(sim_get held)"
		return 1
	}
	# compaction may just be exchanging some
	wait_for 10 sim_is held "$1" || fail "pages held is $(sim_get held), should be $1"
}

# Nothing is reported for as long as the kernel waits between two reports.
quiet()
{
	quiet_last=-1
	until [ "$quiet_last" = "$(sim_get reported_pages)" ]; do
		quiet_last=$(sim_get reported_pages)
		sleep 2.5
	done
}

# Another device takes all memory but so many MiB.
other_device()	# id MiB
{
	sim_id=$1
	sim_start 0
	sim_resize $(($(meminfo MemAvailable) / 4 - $2 * 256))
	sim_id=0
}

no_violations()
{
	check_eq "number of violations" "$(cat $SIM/violation_count)" 0
	sed 's/^/# violation: /' $SIM/violations
	echo >$SIM/violations
}

# The driver's folder of attributes for this device; only our driver has one.
balloon_attr()	# file
{
	cat "/sys/bus/virtio/devices/$(sim_get name)/balloon/$1"
}

balloon_state_is()	# state
{
	[ "$(balloon_attr state)" = "$1" ]
}

bound()		# is a driver bound to the device?
{
	[ -e "/sys/bus/virtio/devices/$(sim_get name)/driver" ]
}

# Asks for something that may hang, from a process of its own, and gives it so
# many seconds. The process is left behind if it does hang.
ends_within()	# seconds command...
{
	ends_seconds=$1
	shift
	"$@" &
	ends_pid=$!
	wait_for "$ends_seconds" ends_gone && wait "$ends_pid"
}

ends_gone()
{
	! kill -0 "$ends_pid" 2>/dev/null
}

# The device goes on answering; what a silent one held up comes to its end.
sim_calm()
{
	echo 1 >"$SIM/$sim_id/calm"
}

driver_unbind()
{
	sim_get name >/sys/bus/virtio/drivers/virtio_balloon/unbind
}

driver_bind()
{
	sim_get name >/sys/bus/virtio/drivers/virtio_balloon/bind
}

# ---- the guest ------------------------------------------------------------------

vmstat()	# name
{
	awk -v n="$1" '$1 == n { v = $2 } END { print v + 0 }' /proc/vmstat
}

meminfo()	# name: in KiB
{
	while read -r meminfo_name meminfo_kib _; do
		[ "$meminfo_name" != "$1:" ] || break
	done </proc/meminfo
	echo "$meminfo_kib"
}

# Free memory with what sits in the lists of the processors, which MemFree leaves
# out; a pool that newer kernels let grow to a large part of memory.
free_kib()
{
	awk -v kib=$(($("$PATTERN" pagesize) / 1024)) '
		$1 == "pages" && $2 == "free" { n += $3 }
		$1 == "count:" { n += $2 }
		END { print n * kib }' /proc/zoneinfo
}

free_again()	# KiB
{
	[ "$(free_kib)" -ge "$1" ]
}

# Free blocks of 2 MiB, in larger ones too.
free_blocks()
{
	awk -v page="$("$PATTERN" pagesize)" '{
		for (i = 5; i <= NF; i++) {
			size = page
			for (order = 5; order < i; order++)
				size *= 2
			n += size < 2097152 ? 0 : $i * size / 2097152
		}
	} END { print n + 0 }' /proc/buddyinfo
}

# Balloon pages (4 KiB) that the guest could give away and still live well.
roomy_pages()	# percent of available memory
{
	echo $(($(meminfo MemAvailable) * $1 / 400))
}

# Tasks that wait uninterruptibly, "pid (name" one a line. Idle ones have state I.
blocked_tasks()
{
	for blocked_stat in /proc/[0-9]*/stat; do
		read -r blocked_line 2>/dev/null <"$blocked_stat" || continue
		case ${blocked_line##*) } in
		D*) echo "${blocked_line%)*}" ;;
		esac
	done
}

# A task that is blocked at every one of ten looks, half a second in all, hangs.
nothing_hangs()
{
	hang_left=$(blocked_tasks)
	hang_looks=10
	while [ -n "$hang_left" ] && [ "$hang_looks" -gt 0 ]; do
		sleep 0.05
		hang_now=$(blocked_tasks)
		hang_left=$(echo "$hang_left" | while read -r hang_task; do
			echo "$hang_now" | grep -Fx "$hang_task"
		done)
		hang_looks=$((hang_looks - 1))
	done
	[ -z "$hang_left" ] || fail "blocked: $hang_left"
}

# What the kernel says from here on.
log_mark()
{
	log_mark="mark $$ $(cut -d ' ' -f 1 /proc/uptime)"
	echo "$log_mark" >/dev/kmsg
}

log_since_mark()
{
	dmesg | sed "1,/$log_mark/d"
}

# The kernel said nothing that it only says when something broke.
kernel_is_well()
{
	dmesg | grep -E 'WARNING: |BUG: |Oops|blocked for more than|refcount_t' |
		sed 's/^/# dmesg: /'
	! dmesg | grep -qE 'WARNING: |BUG: |Oops|blocked for more than|refcount_t'
}

# A guest that works can start programs and use fresh memory.
guest_works()	# [MiB]
{
	check "fresh memory holds what is written" "$PATTERN" verify "${1:-16}" 0
}
